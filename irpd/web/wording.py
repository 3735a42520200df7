"""How times, shares and names read on a page, in the reader's own time zone."""

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from irpd.comms.story import percent
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
        return "less than a minute"
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{hours // 24} days"


def brief(seconds: float) -> str:
    """The same in few letters: ``<1m``, ``4m``, ``2h 10m``, ``3d``."""
    minutes = int(seconds // 60)
    if minutes < 1:
        return "<1m"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{minutes}m" if not hours else f"{hours}h {rest}m"
    return f"{hours // 24}d"


def share_text(share: Share) -> str:
    """``2 % of users``; empty while nothing is known."""
    if share.fraction is None:
        return "" if share.affected is None else f"{share.affected:,} users affected"
    shown, exact = percent(share.fraction)
    return f"{'' if exact else 'about '}{shown} of users"


def counts_text(share: Share) -> str:
    """``(2,400 of 120,000)`` where both are known."""
    if share.fraction is None or share.affected is None or share.users is None:
        return ""
    return f"({share.affected:,} of {share.users:,})"


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
