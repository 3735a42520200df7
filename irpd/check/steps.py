"""Steps that can never fire: for their levels, their hours, or because an earlier step always comes first."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from irpd.check.material import Material
from irpd.config.paths import Path, PathStep
from irpd.config.problem import Problem
from irpd.config.values import Configuration
from irpd.oncall.hours import working

_WEEK = 7 * 24 * 4
_QUARTER = timedelta(minutes=15)


def steps(material: Material, configuration: Configuration) -> Iterator[Problem]:
    """Errors; asked only when every name names somebody and all hours can be read."""
    for name, path in configuration.paths.items():
        for n, step in enumerate(path.steps):
            why = _never(configuration, path, n, step, material.now)
            if why:
                yield material.merged.problem(("paths", name, "steps", n), f"can never fire: {why}")


def _never(configuration: Configuration, path: Path, n: int, step: PathStep, now: datetime) -> str:
    loud = [level for level in step.levels if configuration.level(level).urgency != "quiet"]
    if not loud and any(
        set(step.levels) <= set(earlier.levels) and not earlier.hours for earlier in path.steps[:n]
    ):
        return "its levels only tell whom the first step that holds names, and that is an earlier one"
    if not step.hours:
        return ""
    start = now.replace(second=0, microsecond=0)
    for level in step.levels:
        settings = configuration.level(level)
        zone = configuration.server.time_zone
        for quarter in range(_WEEK):
            at = start + quarter * _QUARTER
            inside = working(path.hours, path.hours.time_zone or zone, at)
            paged = settings.urgency != "working-hours" or working(
                settings.hours, settings.hours.time_zone or zone, at
            )
            if paged and inside == (step.hours == "in"):
                return ""
    return f"there is no time {step.hours} of the path's working hours at which its levels page"
