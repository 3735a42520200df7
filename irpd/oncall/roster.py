"""A schedule, read: who is on call at an instant.

The rule, in the order in which it is asked:

1. who was put on call by the newest override that names somebody who is there;
2. else the topmost layer that has somebody who is there;
3. where everybody whose turn it is isn't there: the next in the topmost layer's rotation who is.

Not there is who is away in the files or by an override. An override that only says "not who would be" asks
again as if that person were away.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from irpd.config.schedules import Schedule
from irpd.config.values import Configuration, Person
from irpd.model.override import Override
from irpd.oncall.changes import NONE, Changes
from irpd.oncall.rotation import Rotation, rotation
from irpd.oncall.wallclock import DAY, day_of, instant_at, minute_of, reading

#: From when to before when (UTC).
Absence = tuple[datetime, datetime]


class Turn(NamedTuple):
    """Why somebody is on call: their turn in a layer (counted from 0), or an override (``layer`` is -1)."""

    person: str
    layer: int
    turn: int
    override: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Roster:
    """``rotations`` are the layers, the topmost last. ``away`` is what the files say of people; ``people``
    are all there are (None: anybody), since an override may outlive whom it names."""

    name: str
    zone: ZoneInfo
    rotations: tuple[Rotation, ...]
    away: Mapping[str, tuple[Absence, ...]]
    people: Container[str] | None = None

    def on_call(self, at: datetime, changes: Changes = NONE) -> Turn | None:
        """Whose turn it is at ``at`` (aware); None when that is nobody's."""
        now = reading(at, self.zone)
        overrides = changes.at(self.name, at)
        if not overrides and not self.away:
            for n in range(len(self.rotations) - 1, -1, -1):
                layer = self.rotations[n]
                turn = layer.turn(now)
                if turn >= 0:
                    return Turn(layer.people[turn % len(layer.people)], n, turn)
            return None
        return self._asked(at, now, overrides)

    def _asked(self, at: datetime, now: int, overrides: tuple[Override, ...]) -> Turn | None:
        out = {one.away for one in overrides if one.away}
        for one in overrides:
            known = self.people is None or one.person in self.people
            if one.person and known and not self._away(one.person, at, out):
                return Turn(one.person, -1, 0, one.id)
        found = self._layers(at, now, out)
        if found is not None and any(not one.person and not one.away for one in overrides):
            return self._layers(at, now, out | {found.person})
        return found

    def _layers(self, at: datetime, now: int, out: set[str]) -> Turn | None:
        turns = [
            (n, layer, turn)
            for n, layer in reversed(list(enumerate(self.rotations)))
            if (turn := layer.turn(now)) >= 0
        ]
        for n, layer, turn in turns:
            person = layer.people[turn % len(layer.people)]
            if not self._away(person, at, out):
                return Turn(person, n, turn)
        for n, layer, turn in turns:
            for further in range(1, len(layer.people)):
                person = layer.people[(turn + further) % len(layer.people)]
                if not self._away(person, at, out):
                    return Turn(person, n, turn)
        return None

    def line(self, at: datetime, changes: Changes = NONE) -> tuple[str, ...]:
        """Who is on call and then who is next in line, each once: of every layer, the topmost first,
        everybody who is there in the order of their turns."""
        now = reading(at, self.zone)
        out = {one.away for one in changes.at(self.name, at) if one.away}
        first = self.on_call(at, changes)
        people = [first.person] if first is not None else []
        for layer in reversed(self.rotations):
            turn = max(layer.turns.at(now), 0)
            people += [layer.people[(turn + n) % len(layer.people)] for n in range(len(layer.people))]
        return tuple(dict.fromkeys(one for one in people if not self._away(one, at, out)))

    def _away(self, person: str, at: datetime, out: set[str]) -> bool:
        return person in out or any(start <= at < end for start, end in self.away.get(person, ()))

    def edges(self, start: datetime, end: datetime, changes: Changes = NONE) -> list[datetime]:
        """The instants after ``start`` and before ``end`` at which the answer may change, in order."""
        first, last = reading(start, self.zone), reading(end, self.zone)
        found = {instant_at(edge, self.zone) for layer in self.rotations for edge in layer.edges(first, last)}
        people = {person for layer in self.rotations for person in layer.people}
        for one in changes.of(self.name):
            found.update((one.since, one.until))
            people.add(one.person)
        for person in people:
            for absence in self.away.get(person, ()):
                found.update(absence)
        return sorted(edge for edge in found if start < edge < end)


def roster(
    name: str,
    schedule: Schedule,
    *,
    holidays: Mapping[str, tuple[str, ...]] | None = None,
    away: Mapping[str, tuple[Absence, ...]] | None = None,
    people: Container[str] | None = None,
) -> Roster:
    """Raises ValueError or LookupError for what can't be read; ``check`` reports it before."""
    return Roster(
        name=name,
        zone=ZoneInfo(schedule.time_zone),
        rotations=tuple(rotation(layer, holidays or {}) for layer in schedule.layers),
        away=away or {},
        people=people,
    )


def absences(person: Person) -> tuple[Absence, ...]:
    """When somebody is away. Raises ValueError or LookupError for what can't be read."""
    zone = ZoneInfo(person.time_zone) if person.away else None
    return tuple(
        (_moment(one.start, zone, last=False), _moment(one.end, zone, last=True))
        for one in person.away
        if zone is not None
    )


def _moment(text: str, zone: ZoneInfo, *, last: bool) -> datetime:
    day, space, clock = text.partition(" ")
    minute = minute_of(clock) if space else DAY if last else 0
    return instant_at(day_of(day).toordinal() * DAY + minute, zone)


class Rosters:
    """A configuration's schedules, each read when it is first asked for. One that can't be read raises each
    time; the others don't mind. Absences of everybody bear on every schedule only through its people."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._read: dict[str, Roster] = {}
        self._away: dict[str, tuple[Absence, ...]] | None = None

    def __getitem__(self, name: str) -> Roster:
        """Raises LookupError where there is none, and what ``roster`` raises."""
        found = self._read.get(name)
        if found is None:
            configuration = self._configuration
            schedule = configuration.schedules[name]
            found = self._read[name] = roster(
                name,
                schedule,
                holidays=configuration.holidays,
                away=self._absent(),
                people=configuration.people,
            )
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._configuration.schedules)

    def _absent(self) -> dict[str, tuple[Absence, ...]]:
        if self._away is None:
            self._away = dict(_readable_absences(self._configuration.people.items()))
        return self._away


def _readable_absences(people: Iterable[tuple[str, Person]]) -> Iterator[tuple[str, tuple[Absence, ...]]]:
    for name, person in people:
        try:
            if person.away and (found := absences(person)):
                yield name, found
        except (ValueError, LookupError, OSError, OverflowError):  # an absence unread makes nobody absent
            continue


_known: dict[int, tuple[Configuration, Rosters]] = {}
#: Configurations whose schedules are kept read: the one in force, and a few that are looked at beside it.
_KEPT = 8


def rosters(configuration: Configuration) -> Rosters:
    """The schedules of a configuration, read once."""
    found = _known.get(id(configuration))
    if found is None or found[0] is not configuration:
        for old in list(_known)[: 1 - _KEPT]:  # files are looked at in another thread, which does the same
            _known.pop(old, None)
        found = _known[id(configuration)] = (configuration, Rosters(configuration))
    return found[1]
