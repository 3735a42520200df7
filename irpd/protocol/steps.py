"""A path's steps: copied out of the configuration when it starts, and asked when they fire.

Whom a step means and whether its hours hold is looked up at that instant. What can't be looked up holds:
a step is passed over only for what its level or the clock says.
"""

from datetime import datetime

from irpd.config.paths import PathStep
from irpd.model.incident import PathRun, Step
from irpd.model.level import Level
from irpd.oncall.hours import working
from irpd.oncall.targets import targets_of
from irpd.protocol.draft import Draft

_ALL = (1, 2, 3, 4)


def pinned(step: PathStep, wait: float) -> Step:
    """The step as a path keeps it."""
    first, *also = targets_of(step)
    levels = tuple(sorted(set(step.levels)))
    return Step(
        wait=wait,
        schedule=first.schedule,
        person=first.person,
        team=first.team,
        also=tuple(also),
        title=step.title,
        levels=() if levels == _ALL else levels,
        hours=step.hours or "",
    )


def passed_over(draft: Draft, run: PathRun, step: Step, level: Level, at: datetime) -> str:
    """Why this step doesn't fire at this level and instant; "" when it does."""
    if step.levels and level not in step.levels:
        return f"only at level {', '.join(map(str, step.levels))}"
    path = draft.configuration.paths.get(run.name)
    if not step.hours or path is None:
        return ""
    try:
        inside = working(path.hours, path.hours.time_zone or draft.configuration.server.time_zone, at)
    except Exception as error:  # hours that can't be read keep no step from firing
        draft.defects.append(("hours", error))
        return ""
    return "" if inside == (step.hours == "in") else f"only {step.hours} of working hours"


def worded(run: PathRun, number: int, why: str) -> str:
    """A step that was passed over, as the timeline says it; ``number`` counts from 0 over all rounds."""
    step = run.steps[number % len(run.steps)]
    return f"step {number % len(run.steps) + 1} ({step.title or step.target}): {why}"
