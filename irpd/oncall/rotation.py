"""Rotations: whose turn it is at an instant.

A turn is a matter of local dates: the turn that begins on a date belongs to
``people[n % len(people)]``, where n counts the days or weeks from the layer's first date.
Only the hand-off's own instant needs the zone (``wallclock``), so that shifts across a
change of the clocks are an hour shorter or longer and nobody is skipped. A later layer
stands over the earlier ones from its first hand-off on; before a layer's first hand-off
it has nobody.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from irpd.config.values import Layer, Schedule
from irpd.oncall.wallclock import instant, minute_of

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Shift:
    """A stretch of time that belongs to one person: from ``start`` to just before ``end`` (UTC)."""

    person: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, eq=False)
class Turns:
    """The hand-offs of one layer. ``first`` is the date of the first, ``days`` their distance."""

    zone: ZoneInfo
    first: date
    days: int
    minute: int

    def begins(self, turn: int) -> datetime:
        """The instant of the hand-off that begins this turn (0 is the first)."""
        return instant(self.first + turn * self.days * _DAY, self.minute, self.zone)

    def at(self, at: datetime) -> int:
        """The turn that is under way; negative before the first."""
        # One too many to begin with: a clock set back over midnight shows yesterday's date again.
        turn = (at.astimezone(self.zone).date() - self.first).days // self.days + 1
        while turn >= 0 and at < self.begins(turn):
            turn -= 1
        return turn


@lru_cache(maxsize=4096)
def turns(rotate: str, handoff: str, start: str, time_zone: str) -> Turns:
    """A layer's hand-offs. Weekly ones begin with the first named weekday on or after ``start``.

    Raises ValueError for what is no hand-off or date (``check`` reports them before), and
    zoneinfo's KeyError for an unknown zone."""
    weekday, space, clock = handoff.rpartition(" ")
    minute, first = minute_of(clock), date.fromisoformat(start)
    if minute == 24 * 60:
        raise ValueError(f'{handoff!r}: write midnight as "00:00" of the day that begins')
    if not 1970 <= first.year < 9000:
        raise ValueError(f"{start!r}: the year must be 1970 or later")
    if rotate == "weekly":
        if weekday not in WEEKDAYS:
            raise ValueError(f'{handoff!r} is no weekly hand-off; write it like "Mon 09:00"')
        first += (WEEKDAYS.index(weekday) - first.weekday()) % 7 * _DAY
    elif space:
        raise ValueError(f'{handoff!r} is no daily hand-off; write it like "09:00"')
    return Turns(ZoneInfo(time_zone), first, 7 if rotate == "weekly" else 1, minute)


def _turns(layer: Layer, schedule: Schedule) -> Turns:
    return turns(layer.rotate, layer.handoff, layer.start, schedule.time_zone)


def on_call_at(schedule: Schedule, at: datetime) -> str | None:
    """The person on call at ``at`` (aware); None before every layer's first hand-off."""
    for layer in reversed(schedule.layers):
        turn = _turns(layer, schedule).at(at)
        if turn >= 0:
            return layer.people[turn % len(layer.people)]
    return None


def shift_at(schedule: Schedule, at: datetime) -> Shift | None:
    """The shift under way at ``at``; it ends early where a layer above begins."""
    over: datetime | None = None
    for layer in reversed(schedule.layers):
        handoffs = _turns(layer, schedule)
        turn = handoffs.at(at)
        if turn < 0:
            first = handoffs.begins(0)
            over = first if over is None else min(over, first)
            continue
        end = handoffs.begins(turn + 1)
        return Shift(
            person=layer.people[turn % len(layer.people)],
            start=handoffs.begins(turn),
            end=end if over is None else min(end, over),
        )
    return None


def shifts(schedule: Schedule, start: datetime, end: datetime) -> Iterator[Shift]:
    """Every shift that overlaps ``start`` to ``end``, in order, uncut."""
    at = start.astimezone(UTC)
    first = min(_turns(layer, schedule).begins(0) for layer in schedule.layers)
    at = max(at, first)
    while at < end and (shift := shift_at(schedule, at)) is not None:
        yield shift
        at = shift.end
