"""What the coming weeks leave open: times at which nobody is on call, people who can't be reached, methods
that come too late.

All of it is known before it happens, so it is an error when files are checked and when they are read again.
A start takes such files: a pager with a gap is better than none.
"""

from collections.abc import Iterator
from datetime import UTC, timedelta

from irpd.check.material import Material
from irpd.check.reach import late, unreachable
from irpd.config.problem import Problem
from irpd.config.values import Configuration
from irpd.oncall.roster import rosters
from irpd.oncall.shifts import pieces
from irpd.oncall.targets import parts_of, targets_of

#: So far ahead gaps are looked for.
AHEAD = timedelta(days=14)
_SHOWN = 3


def coverage(material: Material, configuration: Configuration) -> Iterator[Problem]:
    """Looked at only when every name names somebody, and every date can be read."""
    yield from _gaps(material, configuration)
    yield from unreachable(material, configuration)
    yield from late(material, configuration)


def _gaps(material: Material, configuration: Configuration) -> Iterator[Problem]:
    used: set[str | None] = {
        part.schedule
        for path in configuration.paths.values()
        for step in path.steps
        for target in targets_of(step)
        for part in parts_of(configuration, target)
    }
    used |= {role.schedule for role in configuration.roles.values()}
    known = rosters(configuration)
    start = material.now.astimezone(UTC)
    for name, schedule in configuration.schedules.items():
        if name not in used or schedule.gaps == "fallback":
            continue
        try:
            gaps = [one for one in pieces(known[name], start, start + AHEAD) if one.turn is None]
        except (LookupError, ValueError, OSError, OverflowError):
            continue  # what can't be read is said elsewhere
        if not gaps:
            continue
        zone = known[name].zone
        when = [
            f"from {one.start.astimezone(zone):%Y-%m-%d %H:%M} to {one.end.astimezone(zone):%Y-%m-%d %H:%M}"
            for one in gaps[:_SHOWN]
        ]
        more = f" and {len(gaps) - _SHOWN} times more" if len(gaps) > _SHOWN else ""
        message = (
            f"nobody is on call {', '.join(when)} ({schedule.time_zone}){more} within {AHEAD.days} days, and"
            " only fallback is paged; add a layer below, or say gaps: fallback if that is meant"
        )
        yield material.merged.problem(("schedules", name), message, key=True)
