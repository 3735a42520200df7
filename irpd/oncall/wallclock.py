"""Between instants and what a wall clock shows, with one answer each way.

A wall clock that is set forward skips readings, one that is set back shows some twice. Both are resolved
here, once for all of irpd, by one idea: the *reading* of a zone is the furthest that its wall clock has ever
shown. It stands still while the clock repeats itself, and jumps when it is set forward. So a reading that is
shown twice begins the first time, one that is skipped begins when the clock is set, and intervals between
readings tile time without gap or overlap. Rotations, hours and holidays are arithmetic on readings.

A reading is a whole number of minutes: 1440 times the day's ordinal, and the minutes after midnight.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY = 24 * 60
WEEK = 7 * DAY

_CLOCK = re.compile(r"[0-9]{2}:[0-9]{2}")
_SECOND = timedelta(seconds=1)
_MICROSECOND = timedelta(microseconds=1)
_DAY = timedelta(days=1)


def reading(at: datetime, zone: ZoneInfo) -> int:
    """What the wall clock of ``zone`` has come to at ``at`` (aware)."""
    local = at.astimezone(zone)
    if local.fold:  # it shows this for the second time
        first = local.replace(fold=0).astimezone(UTC)
        before = first.astimezone(zone).replace(tzinfo=None) - first.replace(tzinfo=None)
        set_back = _changed(first, at.astimezone(UTC), zone)
        local = set_back.replace(tzinfo=None) + before - _MICROSECOND
    return local.toordinal() * DAY + local.hour * 60 + local.minute


def instant_at(reading: int, zone: ZoneInfo) -> datetime:
    """The instant (aware UTC) at which the wall clock of ``zone`` comes to a reading."""
    return instant(date.fromordinal(reading // DAY), reading % DAY, zone)


@lru_cache(maxsize=65_536)
def instant(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """The instant (aware UTC) at which the wall clock of ``zone`` comes to ``minute`` minutes
    after midnight (0 to 1440) on ``day``."""
    if minute == DAY:
        day, minute = day + _DAY, 0
    local = datetime.combine(day, time(*divmod(minute, 60)), tzinfo=zone)
    at = local.astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return at
    # Skipped. Read with the offset after the change it lies before it, and the other way round.
    return _changed(local.replace(fold=1).astimezone(UTC), at, zone)


def _changed(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """When the clock was set between two instants (UTC): the first whole second with another offset."""
    offset = before.astimezone(zone).utcoffset()
    before, after = before.replace(microsecond=0), after.replace(microsecond=0)
    while after - before > _SECOND:
        middle = before + (after - before) // _SECOND // 2 * _SECOND
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def clock_changes(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[tuple[datetime, timedelta]]:
    """When the clocks of ``zone`` are set from ``start`` to before ``end``, and by how much."""
    at = start.astimezone(UTC)
    while at < end:
        later = min(at + _DAY, end.astimezone(UTC))
        by = _offset(later, zone) - _offset(at, zone)
        if by:
            yield _changed(at, later, zone), by
        at = later


def _offset(at: datetime, zone: ZoneInfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


def minute_of(text: str) -> int:
    """Minutes after midnight of ``"09:00"``; ``"24:00"`` is 1440. Raises ValueError otherwise."""
    if _CLOCK.fullmatch(text) is None:
        raise ValueError(f'{text!r} is not a time of day; write it like "09:00"')
    hour, minute = int(text[:2]), int(text[3:])
    value = hour * 60 + minute
    if minute > 59 or value > DAY:
        raise ValueError(f'{text!r} is not a time of day; "00:00" to "24:00" are')
    return value


def day_of(text: str) -> date:
    """The date of ``"2026-12-24"``. Raises ValueError for what is none, or lies before 1970 or after 8999."""
    day = date.fromisoformat(text) if len(text) == 10 and text.isascii() else None
    if day is None or not 1970 <= day.year < 9000:
        raise ValueError(f'{text!r} is no date from 1970 on; write it like "2026-12-24"')
    return day
