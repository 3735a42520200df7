"""Who is reached when, by which channels: a path's pages at any moment of the coming weeks.

What a page does is worked out for each stretch of time in which the answer is the same. Shifts are looked up
at the moment when a step fires, as they are when it happens; a step that means nobody pages ``fallback``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from irpd.config.paths import PathStep
from irpd.config.values import Configuration
from irpd.oncall.changes import NONE, Changes
from irpd.oncall.hours import working
from irpd.oncall.reach import methods_for, persons_for
from irpd.oncall.roster import rosters
from irpd.oncall.targets import parts_of, targets_of
from irpd.oncall.wallclock import instant, minute_of

_DAY = timedelta(days=1)


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
    Level 4 only tells whom the first step means."""
    found: list[Attempt] = []
    fired: list[tuple[int, float, float]] = []  # step, when, how long it waits
    fires = 0.0
    for n, step in enumerate(configuration.paths[path].steps):
        then = at + timedelta(seconds=fires)
        if level not in step.levels or not _in_its_hours(configuration, path, step, then):
            continue
        wait = wait_of(configuration, step, level)
        fired.append((n, fires, wait))
        fires += wait
        if level == 4:
            break
    for place, (n, when, wait) in enumerate(fired):
        step, last = configuration.paths[path].steps[n], place == len(fired) - 1
        meant = _meant(configuration, step, at + timedelta(seconds=when), changes)
        for person in meant or configuration.fallback:
            for method in methods_for(configuration, person, level):
                via = tuple(name for name in method.via if configuration.address(person, name))
                if via:
                    late = not last and method.after >= wait
                    found.append(Attempt(when + method.after, person, via, n, late, not meant))
    return tuple(sorted(found, key=lambda one: (one.after, one.step)))


def wait_of(configuration: Configuration, step: PathStep, level: int) -> float:
    """How long a step waits: its own time at levels 1-2, else until half of the response objective."""
    return step.wait if level <= 2 else configuration.level(level).respond_within / 2


def schedules_of(configuration: Configuration, step: PathStep) -> set[str]:
    """The schedules that a step asks."""
    parts = (part for target in targets_of(step) for part in parts_of(configuration, target))
    return {part.schedule for part in parts if part.schedule}


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
        for after in fires:
            by = timedelta(seconds=after)
            edges = set(_hours(configuration, path, start + by, end + by)) if step.hours else set()
            for name in schedules_of(configuration, step):
                edges.update(rosters(configuration)[name].edges(start + by, end + by, changes))
            found.update(edge - by for edge in edges)
        later = {after + wait_of(configuration, step, level) for after in fires}
        fires = fires | later if step.hours else later
    return sorted(edge for edge in found if start < edge < end)


def _hours(configuration: Configuration, path: str, start: datetime, end: datetime) -> Iterator[datetime]:
    hours = configuration.paths[path].hours
    zone = ZoneInfo(hours.time_zone or configuration.server.time_zone)
    day, last = start.astimezone(zone).date() - _DAY, end.astimezone(zone).date() + _DAY
    while day <= last:
        yield instant(day, minute_of(hours.start), zone)
        yield instant(day, minute_of(hours.end), zone)
        day += _DAY
