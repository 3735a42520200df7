"""A window of a rule file into a value; every problem named where it stands."""

import re
from datetime import date
from zoneinfo import ZoneInfo

from irpd.config.problem import quoted
from irpd.model.window import Window
from irpd.triage.moment import parse_moment
from irpd.triage.reading import Reader, Where
from irpd.triage.rulefile import WindowPart

_CLOCK = re.compile(r"(\d{2}):(\d{2})", re.ASCII)
_EVERY_DAY = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def read_window(reader: Reader, path: Where, part: WindowPart) -> Window | None:
    """The window; None when it has mistakes, which the reader knows then."""
    before = len(reader.problems)
    try:
        ZoneInfo(part.time_zone)
    except (ValueError, OSError, LookupError):
        reader.add(
            (*path, "time_zone"), f"no time zone {quoted(part.time_zone)}; write it like Europe/Berlin"
        )
        return None
    recurring = _CLOCK.fullmatch(part.begins) is not None
    window = _recurring(reader, path, part) if recurring else _once(reader, path, part)
    return window if len(reader.problems) == before else None


def _once(reader: Reader, path: Where, part: WindowPart) -> Window:
    ends = {}
    for name, text in (("from", part.begins), ("to", part.ends)):
        try:
            ends[name] = parse_moment(text, part.time_zone)
        except ValueError as error:
            reader.add((*path, name), f'{error}; or "02:00" for each day')
    for name in ("days", "since", "until"):
        if getattr(part, name) is not None:
            reader.add(
                (*path, name), "is for a window that recurs, whose from and to are times of the day", key=True
            )
    if len(ends) == 2 and ends["to"] <= ends["from"]:
        reader.add((*path, "to"), "isn't later than from: this never holds")
    return Window(zone=part.time_zone, begin=ends.get("from"), end=ends.get("to"))


def _recurring(reader: Reader, path: Where, part: WindowPart) -> Window:
    first, last = _day(reader, path, "since", part.since), _day(reader, path, "until", part.until)
    if first is not None and last is not None and last < first:
        reader.add((*path, "until"), "before since: this never holds")
    return Window(
        zone=part.time_zone,
        days=part.days or _EVERY_DAY,
        opens=_minute(reader, (*path, "from"), part.begins),
        closes=_minute(reader, (*path, "to"), part.ends),
        first=first,
        last=last,
    )


def _minute(reader: Reader, path: Where, text: str) -> int:
    found = _CLOCK.fullmatch(text)
    minute = int(found[1]) * 60 + int(found[2]) if found else -1
    if found is None or int(found[2]) > 59 or minute > 24 * 60:
        reader.add(path, f'{quoted(text)} is not a time of day like "02:00", as from is')
    return minute


def _day(reader: Reader, path: Where, name: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        reader.add((*path, name), f'{quoted(text)} is not a day; write it like "2027-03-31"')
        return None
