"""When a time limit is over: so much time from an instant on, or the same time of day a day later.

A limit runs around the clock, or in the working hours of its level alone: then a second outside of them
doesn't count, and the next day is the next working day. Time is counted as it passes, so a working day on
which the clocks are set has an hour more or less; a day, though, is what the wall clock shows: from 09:30 to
09:30, whether 23, 24 or 25 hours lie between.
"""

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from irpd.config.paths import Hours
from irpd.oncall.hours import next_working, spans
from irpd.oncall.rotation import WEEKDAYS
from irpd.oncall.wallclock import day_of, instant

_DAY = timedelta(days=1)
#: Days in which working time is looked for; what takes longer runs around the clock.
_FURTHEST = 3660


def days_off(holidays: Mapping[str, tuple[str, ...]], names: tuple[str, ...]) -> frozenset[date]:
    """The days of these holidays. Raises ValueError and LookupError for what the check refuses."""
    return _days(tuple(text for name in names for text in holidays[name])) if names else frozenset()


@lru_cache(maxsize=64)
def _days(texts: tuple[str, ...]) -> frozenset[date]:
    return frozenset(map(day_of, texts))


def after(
    seconds: float, at: datetime, hours: Hours | None, zone: str, holidays: Collection[date] = ()
) -> datetime:
    """The instant by which so much time has passed since ``at``; with ``hours`` so much working time."""
    left = timedelta(seconds=seconds)
    if hours is None:
        return at + left
    for begin, end in spans(hours, zone, at, holidays, days=_FURTHEST):
        if end <= at:
            continue
        here = end - max(begin, at)
        if left <= here:
            return max(begin, at) + left
        left -= here
    return at + timedelta(seconds=seconds)


def a_day_after(at: datetime, hours: Hours | None, zone: str, holidays: Collection[date] = ()) -> datetime:
    """The same time of day on the next day; with ``hours`` on the next working day, from when work begins
    if ``at`` lies outside of them."""
    where = ZoneInfo((hours.time_zone if hours is not None else None) or zone)
    if hours is not None:
        at = next_working(hours, zone, at, holidays)
    local = at.astimezone(where)
    day = local.date() + _DAY
    if hours is not None:
        for _ in range(_FURTHEST):
            if WEEKDAYS[day.weekday()] in hours.days and day not in holidays:
                break
            day += _DAY
        else:
            day = local.date() + _DAY
    beyond = timedelta(seconds=local.second, microseconds=local.microsecond)
    return instant(day, local.hour * 60 + local.minute, where) + beyond
