"""Times as people type and read them."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from irpd.cli.failure import USAGE, Failed
from irpd.cli.terminal import clean

_SPAN = re.compile(r"([+-])((?:\d{1,5}[dhms])+)")
_PART = re.compile(r"(\d+)([dhms])")
_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def parse_time(text: str, *, zone: str | None, now: datetime) -> datetime:
    """``now``, ``+2h``, ``-30m``, RFC 3339, or a local time in ``zone`` (else this machine's).

    Raises Failed; for a local time that a change of the clocks repeats with both readings."""
    text = text.strip()
    if text == "now":
        return now
    if span := _SPAN.fullmatch(text):
        seconds = sum(int(count) * _UNITS[unit] for count, unit in _PART.findall(span[2]))
        try:
            return now + timedelta(seconds=-seconds if span[1] == "-" else seconds)
        except OverflowError:
            raise Failed(f"{text} is out of all bounds", exit_code=USAGE) from None
    from irpd.triage.moment import parse_moment

    try:
        return parse_moment(text, zone or local_zone())
    except ValueError as error:
        raise Failed(f"{error}; or now, +2h, -30m", exit_code=USAGE) from None


def local_zone() -> str:
    """The name of this machine's time zone; UTC where it has none that can be named."""
    import os
    from pathlib import Path

    name = os.environ.get("TZ", "").removeprefix(":")
    if not name:
        target = str(Path("/etc/localtime").resolve())
        name = target.partition("/zoneinfo/")[2]
    try:
        ZoneInfo(name or "UTC")
    except (ValueError, OSError, LookupError):
        return "UTC"
    return name or "UTC"


class Shown:
    """How times read in one zone, seen from ``now``, and what people are called (``names`` by their ids)."""

    def __init__(
        self, zone: str | None, now: datetime | None = None, *, names: Mapping[str, str] | None = None
    ) -> None:
        self.name = zone or local_zone()
        self.zone: tzinfo = _zone(self.name)
        self._names = names or {}
        self.now = (now or datetime.now(UTC)).astimezone(self.zone)

    def person(self, id: str | None) -> str:
        """Their name; what is no person's id (``local:root``) as it is."""
        return clean(self._names.get(id, id)) if id else ""

    def people(self, ids: Iterable[str]) -> str:
        return ", ".join(self.person(id) for id in ids)

    def _local(self, text: str) -> datetime:
        return datetime.fromisoformat(text).astimezone(self.zone)

    def clock(self, text: str | None) -> str:
        """``03:02``, with its day when that isn't today."""
        return "" if text is None else self._dated(text, "%H:%M")

    def second(self, text: str | None) -> str:
        return "" if text is None else self._dated(text, "%H:%M:%S")

    def _dated(self, text: str, form: str) -> str:
        at = self._local(text)
        if at.date() == self.now.date():
            return at.strftime(form)
        year = "" if at.year == self.now.year else f" {at.year}"
        return f"{at.day} {at:%b}{year} {at.strftime(form)}"

    def age(self, text: str | None, until: str | None = None) -> str:
        if text is None:
            return ""
        end = self._local(until) if until is not None else self.now
        return span((end - self._local(text)).total_seconds())

    def until(self, text: str) -> str:
        """How far off it is: ``in 3 min``, ``12 min ago``."""
        seconds = (self._local(text) - self.now).total_seconds()
        return f"in {span(seconds)}" if seconds >= 0 else f"{span(-seconds)} ago"


def _zone(name: str) -> tzinfo:
    """The zone; UTC where this machine doesn't know what the daemon's knows."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return UTC


def span(seconds: float) -> str:
    minutes = max(0, int(seconds // 60))
    if minutes < 1:
        return "<1 min"
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{hours // 24} days"


def from_to(one: Mapping[str, Any], shown: Shown) -> tuple[str, str]:
    """Of an object with ``from`` and ``to``."""
    return weekday(one["from"], shown), f"to {weekday(one['to'], shown)}"


def weekday(text: str, shown: Shown) -> str:
    """``Mon 2026-11-30 09:00``."""
    return f"{datetime.fromisoformat(text).astimezone(shown.zone):%a %Y-%m-%d %H:%M}"
