"""Objectives: time limits of the protocol, met or missed at their own time.

An incident has three: the first response, the resolution, and status updates, one clock for all its
audiences. Each is set by an event, with the instants in it, so that no later configuration moves a running
one. They run around the clock or in the level's working hours, as the level says.

A change of the level sets them anew (``rebased``): more severe, resolution and update are due at the earlier
of what they were and the new limit from now on; less severe, resolution at the new limit since the opening,
never before now, and the update at the new interval since the last one. What is over has no running clock.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec.structs import replace

from irpd.model import event as e
from irpd.model.incident import Incident, State
from irpd.model.level import Level
from irpd.model.objective import Clock, Objectives
from irpd.oncall.calendar import a_day_after, after, days_off
from irpd.protocol.draft import Draft


def respond_by(draft: Draft, level: Level) -> datetime:
    """When somebody must have acknowledged what is of this level from now on."""
    within = draft.configuration.level(level).respond_within
    return _due(draft, level, draft.now, lambda *when: after(within, *when), within)


def resolve_by(draft: Draft, level: Level, since: datetime) -> datetime:
    """When what is of this level since then must be resolved."""
    within = draft.configuration.level(level).resolve_within
    return _due(draft, level, since, lambda *when: after(within, *when), within)


def update_by(draft: Draft, level: Level, since: datetime, *, extended: bool = False) -> datetime | None:
    """When its audience must hear of it next, told last ``since`` then; None: as needed. An ``extended``
    incident's is told more often."""
    every = draft.configuration.level(level).update_every
    if every == "as-needed":
        return None
    if isinstance(every, str):
        due = _due(draft, level, since, a_day_after, 86400.0)
    else:
        seconds = every
        due = _due(draft, level, since, lambda *when: after(seconds, *when), seconds)
    return since + (due - since) * draft.configuration.timing.extended_updates if extended else due


def _due(
    draft: Draft, level: Level, since: datetime, rule: Callable[..., datetime], otherwise: float
) -> datetime:
    configuration = draft.configuration
    settings = configuration.level(level)
    hours = settings.hours if settings.clock == "working-hours" else None
    zone = settings.hours.time_zone or configuration.server.time_zone
    try:
        return rule(since, hours, zone, days_off(configuration.holidays, settings.holidays))
    except Exception as error:  # a calendar that can't be read must not leave an incident without a limit
        draft.defects.append(("objective", error))
        return since + timedelta(seconds=otherwise)


# ------------------------------------------------------------------ setting the clocks
def opening(draft: Draft, level: Level) -> Objectives:
    """The clocks of an incident that begins now."""
    return Objectives(
        resolution=_resolution(draft, resolve_by(draft, level, draft.now)),
        update=_update(draft, update_by(draft, level, draft.now)),
        since=draft.now,
    )


def _resolution(draft: Draft, due: datetime) -> Clock:
    return Clock(due_at=due)


def _update(draft: Draft, due: datetime | None) -> Clock | None:
    return Clock(due_at=due) if due is not None else None


def updated(draft: Draft, incident: Incident, *, by: str = "") -> Incident:
    """Its audience was told: the next update is due one interval from now."""
    if not incident.state.active:
        return incident
    old = incident.objectives
    due = update_by(draft, incident.level, draft.now, extended=old.extended)
    new = replace(
        old, update=_update(draft, due), since=draft.now, updated_at=draft.now, chase_at=None, chased=0
    )
    return draft.emit(incident.number, e.Updated(objectives=new, by=by))


def record_missed(draft: Draft, incident: Incident) -> Incident:
    """Record a first response that is overdue, whatever it is that looks at the incident first:
    its own deadline, or the acknowledgement that came too late."""
    if (
        incident.respond_state == "running"
        and incident.state is State.OPEN
        and incident.respond_by is not None
        and incident.respond_by <= draft.now
    ):
        return draft.emit(incident.number, e.ResponseMissed(due_at=incident.respond_by))
    return incident
