"""Objectives: time limits of the protocol, and how they are set and set anew.

An incident has three: the first response, the resolution, and status updates, one clock for all its
audiences. Each is set by an event, with the instants in it, so that no later configuration moves a running
one. They run around the clock or in the level's working hours, as the level says. What happens when one comes
due is in ``overdue``.

A change of the level sets them anew (``rebased``). More severe: resolution and update are due at the earlier
of what they were and the new limit from now on. Less severe: resolution at the new limit since the opening,
the update at the new interval since the last one, neither before now. A missed target stays missed where the
new one is over as well. A reopening begins them all anew; what is over has no running clock.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec.structs import replace

from irpd.model import event as e
from irpd.model.incident import Incident, State
from irpd.model.level import Level
from irpd.model.objective import Clock, Objective, Objectives
from irpd.model.signal import OWN
from irpd.oncall.calendar import a_day_after, after, days_off
from irpd.protocol.draft import Draft
from irpd.protocol.paging import end_asking


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
def opening(draft: Draft, level: Level, respond: datetime, *, source: str) -> Objectives:
    """The clocks of an incident that begins now, or begins again."""
    now = draft.now
    return Objectives(
        resolution=_resolution(draft, resolve_by(draft, level, now), now),
        update=_update(draft, _next_update(draft, level, now, source), now),
        since=now,
        response_warn_at=_warned(draft, respond, now),
    )


def reopening(draft: Draft, incident: Incident, *, by: str = "", because: str) -> e.Reopened:
    """That it is open again, with its limits."""
    respond = respond_by(draft, incident.level)
    clocks = opening(draft, incident.level, respond, source=incident.source)
    return e.Reopened(by=by, because=because, respond_by=respond, objectives=clocks)


def _next_update(
    draft: Draft, level: Level, since: datetime, source: str, *, extended: bool = False
) -> datetime | None:
    """What irpd reports of itself has no audience."""
    return None if source == OWN else update_by(draft, level, since, extended=extended)


def _resolution(draft: Draft, due: datetime, since: datetime) -> Clock:
    return Clock(due_at=due, warn_at=_warned(draft, due, since))


def _warned(draft: Draft, due: datetime, since: datetime) -> datetime | None:
    """When it is said that a target comes near: a share of its time before it; None once that is over."""
    at = due - (due - since) * draft.configuration.timing.target_warning
    return at if draft.now < at < due else None


def _update(draft: Draft, due: datetime | None, since: datetime) -> Clock | None:
    if due is None:
        return None
    before = timedelta(seconds=draft.configuration.timing.update_warning)
    at = max(due - before, since + (due - since) / 2)
    return Clock(due_at=due, warn_at=at if before and draft.now < at < due else None)


def updated(draft: Draft, incident: Incident, *, by: str = "") -> Incident:
    """Its audience was told: the next update is due one interval from now, and nobody is paged for the last
    any more."""
    if not incident.state.active:
        return incident
    incident = record_update(draft, incident)
    incident = draft.emit(incident.number, e.Updated(objectives=_told(draft, incident), by=by))
    return end_asking(draft, incident, "update", by=by)


def _told(draft: Draft, incident: Incident) -> Objectives:
    old, now = incident.objectives, draft.now
    due = _next_update(draft, incident.level, now, incident.source, extended=old.extended)
    return replace(
        old, update=_update(draft, due, now), since=now, updated_at=now, missed_since=None, chase_at=None,
        chased=0,
    )  # fmt: skip


def tightened(draft: Draft, incident: Incident) -> Objectives:
    """The clocks of an incident that is extended from now on: updates are due more often."""
    old = replace(incident.objectives, extended=True)
    since = old.since or draft.now
    due = update_by(draft, incident.level, draft.now, extended=True)
    if due is None or old.update is None or old.update.due_at <= due:
        return old
    return replace(old, update=_update(draft, due, since))


def rebased(draft: Draft, incident: Incident, level: Level) -> Objectives:
    """The clocks at another level, or as they are at the same one."""
    old, now = incident.objectives, draft.now
    if level == incident.level:
        return old
    worse = level < incident.level
    resolution = _rebased_resolution(draft, incident, level)
    extended = resolution.state == "missed"
    begins = now if worse else old.since or now
    due = _next_update(draft, level, begins, incident.source, extended=extended)
    if due is not None:
        due = min(due, old.update.due_at) if worse and old.update is not None else max(due, now)
    new = replace(
        old,
        resolution=resolution,
        update=_update(draft, due, old.since or now),
        extended=extended,
        response_warn_at=_warned(draft, respond_by(draft, level), now),
    )
    if old.missed_since is None or worse:
        return new
    caught_up = due is None or due > now  # by the slower clock nothing is missed
    return replace(new, missed_since=None, chase_at=None, chased=0) if caught_up else new


def _rebased_resolution(draft: Draft, incident: Incident, level: Level) -> Clock:
    old, now = incident.objectives.resolution, draft.now
    if level < incident.level:
        if old is not None and not old.running:
            return old
        due = resolve_by(draft, level, now)
        return _resolution(draft, due if old is None else min(due, old.due_at), now)
    due = resolve_by(draft, level, incident.opened_at)
    if due <= now and old is not None and not old.running:
        return old
    return _resolution(draft, max(due, now), incident.opened_at)


# ------------------------------------------------------------------ recording what was missed
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


def record_resolution(draft: Draft, incident: Incident) -> Incident:
    """The same for the resolution target."""
    clock = incident.objectives.resolution
    if not incident.state.active or clock is None or not clock.running or clock.due_at > draft.now:
        return incident
    missed = e.ObjectiveMissed(objective=Objective.RESOLUTION, due_at=clock.due_at)
    return draft.emit(incident.number, missed)


#: Intervals that are counted one by one after a time in which irpd was down.
_MANY = 500


def record_update(draft: Draft, incident: Incident) -> Incident:
    """The same for updates; after a downtime one event for all that were due in it."""
    clock = incident.objectives.update
    if not incident.state.active or clock is None or not clock.running or clock.due_at > draft.now:
        return incident
    times, due = 0, clock.due_at
    while due <= draft.now:
        times += 1
        begins = draft.now if times >= _MANY else due
        # Without an interval any more, the update that is owed is asked for again after a day.
        later = update_by(draft, incident.level, begins, extended=incident.objectives.extended)
        due = later or draft.now + timedelta(days=1)
    missed = e.ObjectiveMissed(objective=Objective.UPDATE, due_at=clock.due_at, times=times, next_at=due)
    return draft.emit(incident.number, missed)
