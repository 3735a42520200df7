"""When a maintenance window holds, on the wall clock of its zone.

A span belongs to the day on which it begins, so ``Fri 22:00 to 06:00`` ends on Saturday morning. Where
clocks change it follows the wall clock (see ``wallclock``): a span that lies in a skipped hour is empty, one
around a repeated hour is an hour longer.
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from irpd.model.window import Window
from irpd.oncall.rotation import WEEKDAYS
from irpd.oncall.wallclock import instant

_DAY = timedelta(days=1)
#: So far ahead one looks for the next time: a weekly span may lie in a skipped hour or two in a row.
_AHEAD = 60


def open_until(window: Window, at: datetime) -> datetime | None:
    """The end (UTC, not in it) of the span in which ``at`` lies; None outside. Spans that touch are one."""
    end: datetime | None = None
    while (later := _ends(window, end or at)) is not None:
        end = later
        if window.end is not None or end - at > timedelta(days=8):
            break  # all day, every day: it is asked again then
    return end


def _ends(window: Window, at: datetime) -> datetime | None:
    if window.begin is not None and window.end is not None:
        return window.end if window.begin <= at < window.end else None
    zone = ZoneInfo(window.zone)
    today = at.astimezone(zone).date()
    for day in (today - _DAY, today):
        span = _span(window, day, zone)
        if span is not None and span[0] <= at < span[1]:
            return span[1]
    return None


def next_span(window: Window, at: datetime) -> tuple[datetime, datetime] | None:
    """The span that ``at`` lies in or that comes next; None when none ever does (within two months)."""
    if window.begin is not None and window.end is not None:
        return (window.begin, window.end) if at < window.end else None
    zone = ZoneInfo(window.zone)
    today = at.astimezone(zone).date()
    if window.first is not None:
        today = max(today, window.first)
    for offset in range(-1, _AHEAD):
        span = _span(window, today + offset * _DAY, zone)
        if span is not None and at < span[1]:
            return span
    return None


def _span(window: Window, day: date, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
    if WEEKDAYS[day.weekday()] not in window.days:
        return None
    if (window.first is not None and day < window.first) or (window.last is not None and day > window.last):
        return None
    begin = instant(day, window.opens, zone)
    end = instant(day + _DAY if window.closes <= window.opens else day, window.closes, zone)
    return (begin, end) if begin < end else None
