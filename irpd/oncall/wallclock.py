"""From a local date and time of day to the one instant it means.

A wall clock that is set forward skips readings, one that is set back shows some twice.
Both are resolved here, once for all of irpd: a reading that is skipped means the instant
at which the clock was set, one that is shown twice means the first of the two. So the
instant never goes back when the reading goes forward, and intervals between readings tile
time without gap or overlap.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_CLOCK = re.compile(r"[0-9]{2}:[0-9]{2}")
_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)


@lru_cache(maxsize=16_384)
def instant(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """The instant (aware UTC) at which the wall clock of ``zone`` reads ``minute`` minutes
    after midnight (0 to 1440) on ``day``."""
    if minute == 24 * 60:
        day, minute = day + _DAY, 0
    local = datetime.combine(day, time(*divmod(minute, 60)), tzinfo=zone)
    at = local.astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return at
    # Skipped. Read with the offset after the change it lies before it, and the other way round.
    before, after = local.replace(fold=1).astimezone(UTC), at
    offset = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // _SECOND // 2 * _SECOND
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def minute_of(text: str) -> int:
    """Minutes after midnight of ``"09:00"``; ``"24:00"`` is 1440. Raises ValueError otherwise."""
    if _CLOCK.fullmatch(text) is None:
        raise ValueError(f'{text!r} is not a time of day; write it like "09:00"')
    hour, minute = int(text[:2]), int(text[3:])
    value = hour * 60 + minute
    if minute > 59 or value > 24 * 60:
        raise ValueError(f'{text!r} is not a time of day; "00:00" to "24:00" are')
    return value
