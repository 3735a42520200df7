"""A layer of a schedule: whose turn it is at a reading of the wall clock, and in which hours.

Everything here is arithmetic on readings (``wallclock``), so a change of the clocks makes a shift an hour
shorter or longer and nobody is skipped. The turn that begins at the n-th hand-off belongs to
``people[n % len(people)]``; before the first one a layer has nobody. Months without the hand-off's day hand
off on their last. Hours and holidays say when the layer has anybody at all; whose turn it is doesn't depend
on them.
"""

from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from irpd.config.schedules import Layer, Span
from irpd.oncall.wallclock import DAY, WEEK, day_of, minute_of

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_PERIOD = {"hourly": 60, "daily": DAY, "weekly": WEEK}


@dataclass(frozen=True, slots=True, eq=False)
class Turns:
    """The hand-offs of a layer, as readings. ``period`` minutes lie between them; 0: ``months`` months."""

    first: int
    period: int
    months: int = 0
    day: int = 1

    def begins(self, turn: int) -> int:
        """The hand-off with which this turn begins (0 is the first)."""
        if self.period:
            return self.first + turn * self.period
        first = date.fromordinal(self.first // DAY)
        year, month = divmod(first.year * 12 + first.month - 1 + turn * self.months, 12)
        day = min(self.day, monthrange(year, month + 1)[1])
        return date(year, month + 1, day).toordinal() * DAY + self.first % DAY

    def at(self, reading: int) -> int:
        """The turn that is under way; negative before the first."""
        if self.period:
            return (reading - self.first) // self.period
        if reading < self.first:
            return -1
        first, now = date.fromordinal(self.first // DAY), date.fromordinal(reading // DAY)
        turn = ((now.year - first.year) * 12 + now.month - first.month) // self.months
        return turn if self.begins(turn) <= reading else turn - 1


@lru_cache(maxsize=4096)
def turns(rotate: str, every: int, handoff: str, start: str) -> Turns:
    """A layer's hand-offs. The first is the first on or after ``start`` that ``handoff`` fits.

    Raises ValueError for what is no hand-off or date (``check`` reports them before)."""
    on, space, clock = handoff.rpartition(" ")
    minute, first = minute_of(clock), day_of(start)
    if minute == DAY:
        raise ValueError(f'{handoff!r}: write midnight as "00:00" of the day that begins')
    day = first.toordinal()
    if rotate == "monthly":
        if not (on.isascii() and on.isdecimal() and len(on) < 3 and 1 <= int(on) <= 31):
            raise ValueError(f'{handoff!r} is no monthly hand-off; write it like "1 09:00"')
        found = Turns(_in_month(first, int(on)) * DAY + minute, 0, every, int(on))
        if found.first < day * DAY:
            later = date(first.year + first.month // 12, first.month % 12 + 1, 1)
            found = Turns(_in_month(later, int(on)) * DAY + minute, 0, every, int(on))
        return found
    if rotate == "weekly":
        if on not in WEEKDAYS:
            raise ValueError(f'{handoff!r} is no weekly hand-off; write it like "Mon 09:00"')
        day += (WEEKDAYS.index(on) - first.weekday()) % 7
    elif space:
        raise ValueError(f'{handoff!r} is no {rotate} hand-off; write it like "09:00"')
    return Turns(day * DAY + minute, _PERIOD[rotate] * every)


def _in_month(month: date, day: int) -> int:
    return month.replace(day=min(day, monthrange(month.year, month.month)[1])).toordinal()


@dataclass(frozen=True, slots=True, eq=False)
class Hours:
    """Minutes of the week (from Monday 00:00): whether each is in them, and those at which that changes."""

    open: bytes
    edges: tuple[int, ...]


@lru_cache(maxsize=1024)
def hours(spans: tuple[tuple[tuple[str, ...], str, str], ...]) -> Hours:
    """Spans (days, from, to) as one. Raises ValueError for what is no time of day."""
    minutes = bytearray(WEEK)
    for days, opens, closes in spans:
        begin, end = minute_of(opens), minute_of(closes)
        length = end - begin if end > begin else end - begin + DAY
        for day in days:
            at = WEEKDAYS.index(day) * DAY + begin
            for minute in range(at, at + length):
                minutes[minute % WEEK] = 1
    changes = tuple(n for n in range(WEEK) if minutes[n] != minutes[n - 1])
    return Hours(bytes(minutes), changes)


@dataclass(frozen=True, slots=True, eq=False)
class Rotation:
    """A layer, read. ``without`` are days (ordinals) on which it has nobody; ``only``: the only ones on which
    it has (None: every day)."""

    people: tuple[str, ...]
    turns: Turns
    hours: Hours | None
    without: frozenset[int]
    only: frozenset[int] | None

    def turn(self, reading: int) -> int:
        """The turn under way; negative where the layer has nobody."""
        if self.hours is not None and not self.hours.open[(reading - DAY) % WEEK]:
            return -1
        if self.without and reading // DAY in self.without:
            return -1
        if self.only is not None and reading // DAY not in self.only:
            return -1
        return self.turns.at(reading)

    def edges(self, start: int, end: int) -> Iterator[int]:
        """Readings from ``start`` to ``end``, both in it, at which its answer may change; in no order."""
        turn = max(self.turns.at(start), -1)
        while (begins := self.turns.begins(turn + 1)) <= end:
            turn += 1
            yield begins
        if self.hours is not None:
            week = (start - DAY) // WEEK * WEEK + DAY
            while week <= end:
                yield from (week + edge for edge in self.hours.edges if start <= week + edge <= end)
                week += WEEK
        for day in (*self.without, *(self.only or ())):
            yield from (edge for edge in (day * DAY, (day + 1) * DAY) if start <= edge <= end)


def rotation(layer: Layer, holidays: Mapping[str, tuple[str, ...]]) -> Rotation:
    """Raises ValueError for what can't be read, LookupError for holidays that there are none of."""
    return Rotation(
        people=layer.people,
        turns=turns(layer.rotate, layer.every, layer.handoff, layer.start),
        hours=hours(tuple(_key(span) for span in layer.hours)) if layer.hours else None,
        without=_days(layer.except_, holidays),
        only=_days(layer.only, holidays) if layer.only else None,
    )


def _key(span: Span) -> tuple[tuple[str, ...], str, str]:
    return span.days, span.start, span.end


def _days(names: tuple[str, ...], holidays: Mapping[str, tuple[str, ...]]) -> frozenset[int]:
    return frozenset(day_of(text).toordinal() for name in names for text in holidays[name])
