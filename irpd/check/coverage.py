"""What the coming weeks leave open: times at which nobody is on call, people who can't be reached, methods
that come too late.

All of it is known before it happens, so it is an error when files are checked and when they are read again.
A start takes such files: a pager with a gap is better than none.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from irpd.check.material import Material
from irpd.check.reach import late, unreachable
from irpd.check.reached import schedules_of
from irpd.check.verified import unverified
from irpd.config.problem import Problem
from irpd.config.values import Configuration
from irpd.oncall.changes import NONE, Changes
from irpd.oncall.documents import UNREADABLE
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
    return f"nobody is on call {', '.join(when)} ({called}){more}"


def _gaps(material: Material, configuration: Configuration) -> Iterator[Problem]:
    for name in used_schedules(configuration):
        found = gaps(configuration, name, material.now, material.now + AHEAD)
        if found:
            message = (
                f"{said(configuration, name, found)} within {AHEAD.days} days, and only fallback is paged;"
                " add a layer below, or say gaps: fallback if that is meant"
            )
            yield material.merged.problem(("schedules", name), message, key=True)
