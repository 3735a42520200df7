"""When whoever is on call can't be reached: their quiet hours, and the hours of their methods.

Such a time is a gap like one at which nobody is on call: only ``fallback`` is paged then. Level 1 breaks
quiet hours, levels that page in working hours wait for these, and where no method's own hours hold all of
them are used; so what is left are levels that page at any hour and people whose methods all ring.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from irpd.config.paths import Hours, Method
from irpd.config.values import Configuration, Person
from irpd.oncall.changes import NONE, Changes
from irpd.oncall.reach import methods_for
from irpd.oncall.roster import rosters
from irpd.oncall.targets import parts_of, targets_of
from irpd.oncall.wallclock import instant, minute_of

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Unreached:
    """From ``start`` to before ``end`` pages of this level don't reach this person, who is on call."""

    person: str
    level: int
    start: datetime
    end: datetime


_known: tuple[Configuration | None, Mapping[str, tuple[int, ...]]] = (None, {})


def pressing(configuration: Configuration) -> Mapping[str, tuple[int, ...]]:
    """Schedule → the levels at which some step pages it, at whatever hour. Worked out once."""
    global _known  # noqa: PLW0603 - of a configuration that doesn't change
    if _known[0] is not configuration:
        found: dict[str, set[int]] = {}
        now = {n for n in (1, 2, 3, 4) if configuration.level(n).urgency == "now"}
        for path in configuration.paths.values():
            for step in path.steps:
                for target in targets_of(step):
                    for part in parts_of(configuration, target):
                        if part.schedule:
                            found.setdefault(part.schedule, set()).update(now.intersection(step.levels))
        _known = configuration, {name: tuple(sorted(levels)) for name, levels in found.items()}
    return _known[1]


def unreached_at(configuration: Configuration, schedule: str, person: str, at: datetime) -> bool:
    """Whether some page that comes at any hour would not reach this person, who is on call there, now."""
    return any(
        _missed(configuration, person, level, at) for level in pressing(configuration).get(schedule, ())
    )


def unreached(
    configuration: Configuration, schedule: str, start: datetime, end: datetime, changes: Changes = NONE
) -> list[Unreached]:
    """All such times, in order. Raises what a schedule raises that can't be read."""
    levels = pressing(configuration).get(schedule, ())
    roster = rosters(configuration)[schedule]
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    people = {person for layer in roster.rotations for person in layer.people}
    people |= {one.person for one in changes.of(schedule)}
    if not levels or not any(_timed(configuration, person) for person in people):
        return []
    edges = set(roster.edges(start, end, changes))
    for person in people:
        edges.update(edge for edge in hour_edges(configuration, person, start, end) if start < edge < end)
    found: dict[tuple[str, int], list[Unreached]] = {}
    begins = [start, *sorted(edges)]
    for begin, until in zip(begins, [*begins[1:], end], strict=True):
        turn = roster.on_call(begin, changes)
        for level in levels if turn is not None else ():
            if turn is not None and _missed(configuration, turn.person, level, begin):
                times = found.setdefault((turn.person, level), [])
                if times and times[-1].end == begin:
                    times[-1] = Unreached(turn.person, level, times[-1].start, until)
                else:
                    times.append(Unreached(turn.person, level, begin, until))
    every = [one for times in found.values() for one in times]
    return sorted(every, key=lambda one: (one.start, one.level, one.person))


def hour_edges(configuration: Configuration, person: str, start: datetime, end: datetime) -> set[datetime]:
    """The instants of a page's beginning at which the answer of ``methods_for`` may change for this person,
    from ``start`` to ``end`` and a little around."""
    settings = configuration.people.get(person)
    if settings is None or not _timed(configuration, person):
        return set()
    rules = _rules(configuration, settings)
    found: set[datetime] = set()
    for rule in rules:
        after = timedelta(seconds=rule.after)
        for hours in (rule.hours, settings.quiet.hours if settings.quiet is not None else None):
            if hours is not None:
                edges = span_edges(hours, settings.time_zone, start + after, end + after)
                found.update(edge - after for edge in edges)
    return found


def span_edges(hours: Hours, zone: str, start: datetime, end: datetime) -> Iterator[datetime]:
    """When these hours begin and end on each day, from ``start`` to ``end`` and a day around."""
    where = ZoneInfo(hours.time_zone or zone)
    day, last = start.astimezone(where).date() - _DAY, end.astimezone(where).date() + _DAY
    while day <= last:
        yield instant(day, minute_of(hours.start), where)
        yield instant(day, minute_of(hours.end), where)
        day += _DAY


def _missed(configuration: Configuration, person: str, level: int, at: datetime) -> bool:
    """Not reached at this time, though at others: who never is stands elsewhere."""
    if not _timed(configuration, person) or _reaches(configuration, person, level, at):
        return False
    return _reaches(configuration, person, level, None)


def _reaches(configuration: Configuration, person: str, level: int, at: datetime | None) -> bool:
    return any(
        configuration.address(person, name)
        for rule in methods_for(configuration, person, level, at)
        for name in rule.via
    )


def _timed(configuration: Configuration, person: str) -> bool:
    """Whether it depends on the time of day how this person is reached."""
    settings = configuration.people.get(person)
    if settings is None:
        return False
    return settings.quiet is not None or any(rule.hours for rule in _rules(configuration, settings))


def _rules(configuration: Configuration, settings: Person) -> tuple[Method, ...]:
    rules = settings.notify
    if isinstance(rules, str):
        return configuration.notify.get(rules) or configuration.notify.get("default") or ()
    return rules
