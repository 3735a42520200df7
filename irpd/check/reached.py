"""Who is reached when, by which channels: a path's pages at any moment of the coming weeks.

What a page does is worked out for each stretch of time in which the answer is the same. Shifts are looked up
at the moment when a step fires, as they are when it happens; a step that means nobody pages ``fallback``.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from irpd.config.paths import Method, PathStep
from irpd.config.values import Configuration
from irpd.oncall.changes import NONE, Changes
from irpd.oncall.hours import next_working, working
from irpd.oncall.reach import methods_for, persons_for
from irpd.oncall.reachable import hour_edges, span_edges
from irpd.oncall.roster import rosters
from irpd.oncall.targets import parts_of, targets_of


@dataclass(frozen=True, slots=True)
class Attempt:
    """``after`` so many seconds ``person`` is sent something by ``via``, because of a step (from 0).
    ``late``: the step has moved on by then, and the next one's people are paged too."""

    after: float
    person: str
    via: tuple[str, ...]
    step: int
    late: bool
    fallback: bool


@dataclass(frozen=True, slots=True)
class Moment:
    """From ``start`` to before ``end`` a page that begins then leads to these attempts, in order."""

    start: datetime
    end: datetime
    attempts: tuple[Attempt, ...]


def moments(
    configuration: Configuration,
    path: str,
    level: int,
    start: datetime,
    end: datetime,
    changes: Changes = NONE,
) -> Iterator[Moment]:
    """The time from ``start`` to ``end`` in order, without gap or overlap. Raises what a schedule raises that
    can't be read."""
    begin, attempts = start, reached(configuration, path, level, start, changes)
    for edge in _edges(configuration, path, level, start, end, changes):
        now = reached(configuration, path, level, edge, changes)
        if now != attempts:
            yield Moment(begin, edge, attempts)
            begin, attempts = edge, now
    yield Moment(begin, end, attempts)


def reached(
    configuration: Configuration, path: str, level: int, at: datetime, changes: Changes = NONE
) -> tuple[Attempt, ...]:
    """What a page of this level that begins at ``at`` leads to, if nobody answers, in its first round.
    Level 4 only tells whom the first step means. A level that pages in working hours begins with them."""
    found: list[Attempt] = []
    fired: list[tuple[int, float, float, datetime]] = []  # step, when, how long it waits, at which instant
    fires = 0.0
    for n, step in enumerate(configuration.paths[path].steps):
        then = _begins(configuration, step, level, at + timedelta(seconds=fires), changes)
        if level not in step.levels or not _in_its_hours(configuration, path, step, then):
            continue
        wait = wait_of(configuration, step, level)
        fired.append((n, fires, wait, then))
        fires += wait
        if level == 4:
            break
    for place, (n, when, wait, then) in enumerate(fired):
        step, last = configuration.paths[path].steps[n], place == len(fired) - 1
        for person, fallback in _paged(configuration, step, level, then, changes).items():
            for method in _methods(configuration, person, level, then):
                via = tuple(name for name in method.via if configuration.address(person, name))
                if via:
                    late = not last and method.after >= wait
                    found.append(Attempt(when + method.after, person, via, n, late, fallback))
    return tuple(sorted(found, key=lambda one: (one.after, one.step)))


def _paged(
    configuration: Configuration, step: PathStep, level: int, at: datetime, changes: Changes
) -> dict[str, bool]:
    """Whom a step pages that fires at ``at``, and whether as fallback: because it means nobody, or nobody who
    can be reached then."""
    meant = _meant(configuration, step, at, changes)
    paged = dict.fromkeys(meant, False)
    if not any(methods_for(configuration, person, level, at) for person in meant):
        paged |= {person: True for person in configuration.fallback if person not in paged}
    return paged


def _methods(configuration: Configuration, person: str, level: int, at: datetime) -> tuple[Method, ...]:
    """By what they are paged; who is ``fallback`` is paged as for level 1 rather than not at all."""
    found = methods_for(configuration, person, level, at)
    if not found and level != 4 and person in configuration.fallback:
        return methods_for(configuration, person, 1, at)
    return found


def _begins(
    configuration: Configuration, step: PathStep, level: int, at: datetime, changes: Changes
) -> datetime:
    """``at``, or when the working hours begin that this level waits for, on the clock of who is paged."""
    settings = configuration.level(level)
    if settings.urgency != "working-hours":
        return at
    person = (_meant(configuration, step, at, changes) or configuration.fallback)[0]
    someone = configuration.people.get(person)
    return next_working(settings.hours, someone.time_zone if someone is not None else "UTC", at)


def wait_of(configuration: Configuration, step: PathStep, level: int) -> float:
    """How long a step waits: its own time at levels 1-2, else until half of the response objective."""
    return step.wait if level <= 2 else configuration.level(level).respond_within / 2


def schedules_of(configuration: Configuration, step: PathStep) -> set[str]:
    """The schedules that a step asks."""
    parts = (part for target in targets_of(step) for part in parts_of(configuration, target))
    return {part.schedule for part in parts if part.schedule}


def paged_by(configuration: Configuration, step: PathStep) -> frozenset[str]:
    """Everybody whom a step may page, whoever is on call then."""
    parts = (part for target in targets_of(step) for part in parts_of(configuration, target))
    return frozenset(
        name
        for part in parts
        for name in whom(configuration, schedule=part.schedule or None, person=part.person or None)
    )


def whom(configuration: Configuration, *, schedule: str | None, person: str | None) -> tuple[str, ...]:
    """The person, or everybody in a schedule's layers."""
    if person is not None:
        return (person,)
    found = configuration.schedules.get(schedule or "")
    return tuple(dict.fromkeys(name for layer in found.layers for name in layer.people)) if found else ()


def _meant(configuration: Configuration, step: PathStep, at: datetime, changes: Changes) -> tuple[str, ...]:
    parts = (part for target in targets_of(step) for part in parts_of(configuration, target))
    people = (
        person
        for part in parts
        for person in persons_for(
            configuration, schedule=part.schedule, person=part.person, at=at, changes=changes
        )
    )
    return tuple(dict.fromkeys(people))


def _in_its_hours(configuration: Configuration, path: str, step: PathStep, at: datetime) -> bool:
    hours = configuration.paths[path].hours
    zone = hours.time_zone or configuration.server.time_zone
    return not step.hours or working(hours, zone, at) == (step.hours == "in")


def _edges(
    configuration: Configuration, path: str, level: int, start: datetime, end: datetime, changes: Changes
) -> list[datetime]:
    """Where the answer may change: shifts and hours, each as much earlier as its step fires later."""
    found: set[datetime] = set()
    fires = {0.0}  # when a step may fire; that depends on which of those before it were passed over
    for step in configuration.paths[path].steps:
        if level not in step.levels:
            continue
        people = paged_by(configuration, step) | set(configuration.fallback)
        for after in fires:
            by = timedelta(seconds=after)
            edges = set(_hours(configuration, path, level, start + by, end + by, step, people))
            for name in schedules_of(configuration, step):
                edges.update(rosters(configuration)[name].edges(start + by, end + by, changes))
                people |= {one.person for one in changes.of(name) if one.person in configuration.people}
            for person in people:
                edges.update(hour_edges(configuration, person, start + by, end + by))
            found.update(edge - by for edge in edges)
        later = {after + wait_of(configuration, step, level) for after in fires}
        fires = fires | later if step.hours else later
    return sorted(edge for edge in found if start < edge < end)


def _hours(
    configuration: Configuration, path: str, level: int, start: datetime, end: datetime, step: PathStep,
    people: Iterable[str],
) -> Iterator[datetime]:  # fmt: skip
    """Of the path, where the step asks for them, and of a level that waits for working hours."""
    if step.hours:
        yield from span_edges(configuration.paths[path].hours, configuration.server.time_zone, start, end)
    settings = configuration.level(level)
    if settings.urgency == "working-hours":
        zones = {
            configuration.people[person].time_zone for person in people if person in configuration.people
        }
        for zone in {settings.hours.time_zone} if settings.hours.time_zone else zones:
            yield from span_edges(settings.hours, zone, start, end)
