"""How times, shares and names read on a page, in the reader's own time zone."""

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from irpd.model.share import Share


def zone_of(name: str) -> tzinfo:
    """The zone, or UTC where the machine doesn't know it: a page is never lost over a name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC


def clock(at: datetime, zone: tzinfo, now: datetime) -> str:
    """``03:06``, or with its day when that isn't today: ``23 Nov 22:10``."""
    local = at.astimezone(zone)
    same_day = local.date() == now.astimezone(zone).date()
    return local.strftime("%H:%M") if same_day else f"{local.day} {local.strftime('%b %H:%M')}"


def span(seconds: float) -> str:
    """About how long, as one says it: ``4 min``, ``2 h 10 min``, ``3 days``."""
    minutes = max(0, int(seconds // 60))
    if minutes < 1:
        return "under 1 min"
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{hours // 24} days"


def share_text(share: Share) -> str:
    """``2 % of users (2,400 of 120,000)``; empty while nothing is known."""
    if share.fraction is None:
        return "" if share.affected is None else f"{share.affected:,} users affected"
    percent = float(share.fraction) * 100
    shown = f"{percent:.0f}" if percent >= 10 or percent == int(percent) else f"{percent:.1f}"
    if shown == "0.0":
        shown = "under 0.1"
    text = f"{shown} % of users"
    if share.affected is not None and share.users is not None:
        text += f" ({share.affected:,} of {share.users:,})"
    return text


def listed(names: Sequence[str]) -> str:
    """``Asha``, ``Asha and Ben``, ``Asha, Ben and Chi``."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def shortened(text: str, length: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def web_address(address: str) -> str:
    """The address if a browser may be sent there; senders write them, so anything else is dropped."""
    return address if address[:8].lower().startswith(("https://", "http://")) and len(address) < 2000 else ""
