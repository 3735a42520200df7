"""Working hours: whether it is working time, and when it next is.

A span belongs to the day on which it begins: ``days: [Fri], from 22:00, to 06:00`` ends
on Saturday morning. ``from`` equal to ``to`` is the whole day. Hours are read in the
level's zone if it names one, else in the person's.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from irpd.config.paths import Hours
from irpd.oncall.rotation import WEEKDAYS
from irpd.oncall.wallclock import instant, minute_of

_DAY = timedelta(days=1)


def working(hours: Hours, zone: str, at: datetime) -> bool:
    """Whether ``at`` lies in the hours; ``zone`` is the person's."""
    return next_working(hours, zone, at) == at


def next_working(hours: Hours, zone: str, at: datetime) -> datetime:
    """``at`` itself if it lies in the hours, else the instant (UTC) they next begin.

    Hours without a single day never begin; then it is ``at``, because a page must not
    wait for what never comes."""
    where = ZoneInfo(hours.time_zone or zone)
    opens, closes = minute_of(hours.start), minute_of(hours.end)
    overnight = closes <= opens
    today = at.astimezone(where).date()
    # Yesterday's span may still run. Two weeks ahead: a clock set forward may swallow a short span.
    for offset in range(-1, 15):
        day = today + offset * _DAY
        if WEEKDAYS[day.weekday()] not in hours.days:
            continue
        begin = instant(day, opens, where)
        end = instant(day + _DAY if overnight else day, closes, where)
        if begin <= at < end:
            return at
        if at < begin < end:
            return begin
    return at
