"""Working hours: whether it is working time, and when it next is.

A span belongs to the day on which it begins: ``days: [Fri], from 22:00, to 06:00`` ends
on Saturday morning. ``from`` equal to ``to`` is the whole day. Hours are read in the
level's zone if it names one, else in the person's. On a holiday no span begins.
"""

from collections.abc import Collection, Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from irpd.config.paths import Hours
from irpd.oncall.rotation import WEEKDAYS
from irpd.oncall.wallclock import instant, minute_of

_DAY = timedelta(days=1)


def working(hours: Hours, zone: str, at: datetime) -> bool:
    """Whether ``at`` lies in the hours; ``zone`` is the person's."""
    return next_working(hours, zone, at) == at


def next_working(hours: Hours, zone: str, at: datetime, holidays: Collection[date] = ()) -> datetime:
    """``at`` itself if it lies in the hours, else the instant (UTC) they next begin.

    Hours that don't begin within eight weeks never do; then it is ``at``, because a page must not
    wait for what never comes."""
    for begin, end in spans(hours, zone, at, holidays, days=56):
        if at < end:
            return max(at, begin)
    return at


def spans(
    hours: Hours, zone: str, at: datetime, holidays: Collection[date] = (), *, days: int
) -> Iterator[tuple[datetime, datetime]]:
    """The spans of working time, in order, from the day before ``at`` (its span may still run) on; as many
    days as that. What a clock set forward swallows whole is none."""
    where = ZoneInfo(hours.time_zone or zone)
    opens, closes = minute_of(hours.start), minute_of(hours.end)
    overnight = closes <= opens
    today = at.astimezone(where).date()
    for offset in range(-1, days):
        day = today + offset * _DAY
        if WEEKDAYS[day.weekday()] not in hours.days or day in holidays:
            continue
        begin = instant(day, opens, where)
        end = instant(day + _DAY if overnight else day, closes, where)
        if begin < end:
            yield begin, end
