"""How what becomes of its objectives changes an incident's row."""

from msgspec.structs import replace

from irpd.model import event as e
from irpd.model.objective import Clock, Objective, Objectives

Of = (
    e.ObjectiveWarned | e.ObjectiveMissed | e.UpdateChased | e.UpdateTaken | e.Extended | e.Updated
)  # fmt: skip


def evolve_objectives(kept: Objectives, event: Of) -> Objectives:
    """The clocks after it."""
    match event:
        case e.Extended() | e.Updated():
            return event.objectives
        case e.ObjectiveWarned():
            return _warned(kept, event.objective)
        case e.ObjectiveMissed(objective=Objective.RESOLUTION):
            clock = kept.resolution or Clock(due_at=event.due_at)
            return replace(kept, resolution=replace(clock, state="missed", warn_at=None))
        case e.ObjectiveMissed():
            due = event.next_at or event.due_at
            return replace(
                kept,
                update=Clock(due_at=due),
                missed_since=kept.missed_since or event.due_at,
                chased=0,
                chase_at=None,
            )
        case e.UpdateChased():
            return replace(kept, chased=kept.chased + 1, chase_at=event.next_at)
        case e.UpdateTaken():
            return replace(kept, chase_at=None)


def _warned(kept: Objectives, objective: str) -> Objectives:
    if objective == Objective.RESPONSE:
        return replace(kept, response_warn_at=None)
    if objective == Objective.RESOLUTION:
        return replace(kept, resolution=_once(kept.resolution))
    return replace(kept, update=_once(kept.update))


def _once(clock: Clock | None) -> Clock | None:
    return replace(clock, warn_at=None) if clock is not None else None
