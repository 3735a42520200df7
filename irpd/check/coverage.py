"""What the coming weeks leave open: times at which nobody is on call, people who can't be reached, methods
that come too late.

All of it is known before it happens, so it is an error when files are checked and when they are read again.
A start takes such files: a pager with a gap is better than none.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from irpd.check.material import Material
from irpd.check.reach import late, unreachable
from irpd.check.reached import schedules_of
from irpd.check.verified import unverified
from irpd.config.base import LEVEL_NAMES
from irpd.config.problem import Problem
from irpd.config.values import Configuration
from irpd.oncall.changes import NONE, Changes
from irpd.oncall.documents import UNREADABLE
from irpd.oncall.reachable import Unreached, unreached
from irpd.oncall.roster import rosters
from irpd.oncall.shifts import Piece, pieces

#: So far ahead gaps are looked for.
AHEAD = timedelta(days=14)
_SHOWN = 3


def coverage(material: Material, configuration: Configuration) -> Iterator[Problem]:
    """Looked at only when every name names somebody, and every date can be read."""
    yield from _gaps(material, configuration)
    yield from unreachable(material, configuration)
    yield from late(material, configuration)
    yield from unverified(material, configuration)


def used_schedules(configuration: Configuration, *, every: bool = False) -> list[str]:
    """The schedules that some path or role asks; unless ``every``, those whose gaps aren't said to be
    meant."""
    used: set[str | None] = {
        name
        for path in configuration.paths.values()
        for step in path.steps
        for name in schedules_of(configuration, step)
    }
    used |= {role.schedule for role in configuration.roles.values()}
    return [
        name
        for name, one in configuration.schedules.items()
        if name in used and (every or one.gaps == "refuse")
    ]


def gaps(
    configuration: Configuration, name: str, start: datetime, end: datetime, changes: Changes = NONE
) -> list[Piece]:
    """When nobody is on call on a schedule; all the time where it can't be read."""
    start = start.astimezone(UTC)
    try:
        found = list(pieces(rosters(configuration)[name], start, end, changes))
    except UNREADABLE:
        return [Piece(start, end, None)]
    return [one for one in found if one.turn is None]


def said(configuration: Configuration, name: str, found: list[Piece]) -> str:
    """Gaps in words, on the schedule's own wall clock."""
    return f"nobody is on call {when_said(configuration, name, found)}"


def when_said(configuration: Configuration, name: str, found: Sequence[Piece | Unreached]) -> str:
    """Times in words, on the schedule's own wall clock."""
    schedule = configuration.schedules[name]
    try:
        zone, called = ZoneInfo(schedule.time_zone), schedule.time_zone
    except UNREADABLE:
        zone, called = ZoneInfo("UTC"), "UTC"
    when = [
        f"from {one.start.astimezone(zone):%Y-%m-%d %H:%M} to {one.end.astimezone(zone):%Y-%m-%d %H:%M}"
        for one in found[:_SHOWN]
    ]
    more = f" and {len(found) - _SHOWN} times more" if len(found) > _SHOWN else ""
    return f"{', '.join(when)} ({called}){more}"


def unreached_said(
    configuration: Configuration, name: str, start: datetime, end: datetime, changes: Changes = NONE
) -> dict[str, list[Unreached]]:
    """Times at which whoever is on call can't be reached, by who and at which level, in words without the
    times. Nothing where the schedule can't be read: that is a gap already."""
    try:
        found = unreached(configuration, name, start, end, changes)
    except UNREADABLE:
        return {}
    by: dict[str, list[Unreached]] = {}
    for one in found:
        person = configuration.people[one.person].name
        level = f"{one.level} ({LEVEL_NAMES[one.level - 1]})"
        by.setdefault(f"{person} can't be reached at level {level}", []).append(one)
    return by


def _gaps(material: Material, configuration: Configuration) -> Iterator[Problem]:
    for name in used_schedules(configuration):
        until = material.now + AHEAD
        for who, times in unreached_said(configuration, name, material.now, until).items():
            message = (
                f"{who} {when_said(configuration, name, times)}: quiet hours, or the hours of methods, leave"
                " nothing that doesn't ring, and only fallback is paged with them; add a quiet method,"
                " let quiet.breaks have the level, or say gaps: fallback if that is meant"
            )
            yield material.merged.problem(("schedules", name), message, key=True)
        found = gaps(configuration, name, material.now, material.now + AHEAD)
        if found:
            message = (
                f"{said(configuration, name, found)} within {AHEAD.days} days, and only fallback is paged;"
                " add a layer below, or say gaps: fallback if that is meant"
            )
            yield material.merged.problem(("schedules", name), message, key=True)
