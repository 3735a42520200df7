"""What follows when an objective comes near or is missed.

Near: who sees to messages, else who commands, else who has it, hears of it quietly. A missed update pages:
the communications manager, after ``timing.chase`` the commander, then who has it, and all of them again
after each further interval, until the audience was told or one of them says that they see to it. A missed
resolution target makes the incident extended: updates are due more often, whoever works on it hears of it,
and the next in the commander's schedule is asked to take over. A missed response is only recorded: paging,
which has gone on all the time, is its escalation.

After a downtime what was missed is recorded with its own time, and paged once.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from irpd.config.duration import format_duration
from irpd.model import event as e
from irpd.model.incident import Incident, RunState, State
from irpd.model.objective import Objective
from irpd.model.page import PageKind
from irpd.protocol.draft import Draft
from irpd.protocol.objectives import record_missed, record_resolution, record_update, tightened
from irpd.protocol.paging import page_person, reachable, urgent_from
from irpd.protocol.roles import relieve

#: What a page about an update asks for.
UPDATE = "update"


def comes_due(incident: Incident) -> datetime | None:
    """When an objective has to be looked at next; None: none runs."""
    if not incident.state.active:
        return None
    kept, due = incident.objectives, []
    if incident.respond_state == "running" and incident.state is State.OPEN and incident.respond_by:
        due.append(incident.respond_by)
        if kept.response_warn_at is not None:
            due.append(kept.response_warn_at)
    clocks = (clock for clock in (kept.resolution, kept.update) if clock is not None and clock.running)
    due += (clock.warn_at or clock.due_at for clock in clocks)
    if kept.chase_at is not None:
        due.append(kept.chase_at)
    return min(due, default=None)


def look(draft: Draft, incident: Incident) -> Incident:
    """Do what has come due by now."""
    if not incident.state.active:
        return incident
    incident = record_missed(draft, incident)
    before = incident.objectives
    incident = record_update(draft, incident)
    late = incident.objectives is not before
    chase_at = incident.objectives.chase_at
    if late or (chase_at is not None and chase_at <= draft.now):
        incident = chase(draft, incident)
    before = incident.objectives
    incident = record_resolution(draft, incident)
    if incident.objectives is not before:
        incident = _extend(draft, incident)
    return _warn(draft, incident)


# ------------------------------------------------------------------ before
def _warn(draft: Draft, incident: Incident) -> Incident:
    kept, now = incident.objectives, draft.now
    response = kept.response_warn_at if incident.state is State.OPEN else None
    running = incident.respond_state == "running"
    if response is not None and response <= now and running and incident.respond_by is not None:
        incident = _warned(draft, incident, Objective.RESPONSE, incident.respond_by)
    for objective, clock in ((Objective.UPDATE, kept.update), (Objective.RESOLUTION, kept.resolution)):
        if clock is not None and clock.running and clock.warn_at is not None and clock.warn_at <= now:
            incident = _warned(draft, incident, objective, clock.due_at)
    return incident


_WORDS = {
    Objective.RESPONSE: "The first response",
    Objective.UPDATE: "An update",
    Objective.RESOLUTION: "The resolution",
}


def _warned(draft: Draft, incident: Incident, objective: Objective, due: datetime) -> Incident:
    incident = draft.emit(incident.number, e.ObjectiveWarned(objective=objective, due_at=due))
    left = format_duration(max(60.0, (due - draft.now).total_seconds() // 60 * 60))
    text = f"{_WORDS[objective]} is due in {left}."
    for person in next(_responsible(draft, incident), ()):
        incident = page_person(draft, incident, person, kind=PageKind.UPDATE, reason="objective", text=text)
    return incident


def _responsible(draft: Draft, incident: Incident) -> Iterator[tuple[str, ...]]:
    """Who is to see to an update, one after the other; nobody twice, and nobody who can't be reached."""
    roles = (incident.roles.get("communications"), incident.roles.get("commander"))
    seen: set[str] = set()
    for persons in (*((person,) for person in roles if person), incident.acknowledged_by):
        new = tuple(
            person for person in persons
            if person not in seen and reachable(draft.configuration, person, incident.level)
        )  # fmt: skip
        seen.update(new)
        if new:
            yield new


# ------------------------------------------------------------------ a missed update
def chase(draft: Draft, incident: Incident) -> Incident:
    """Page the next who could send it. While nobody has the incident its paths page for it, and nobody is
    paged for an update beside; that of a level 3-4 incident whose paths stand still is only recorded."""
    kept = incident.objectives
    chain = list(_responsible(draft, incident))
    paths_page = any(run.state is RunState.RUNNING for run in incident.paths)
    if not chain and (paths_page or not incident.level.urgent):
        return draft.emit(incident.number, e.UpdateChased())
    chain = chain or [draft.configuration.fallback]
    persons = chain[kept.chased] if kept.chased < len(chain) else ()
    further = kept.chased + 1 < len(chain)
    later = draft.now + timedelta(seconds=draft.configuration.timing.chase) if further else None
    incident = draft.emit(incident.number, e.UpdateChased(persons=persons, next_at=later))
    since = kept.missed_since or draft.now
    for person in persons:
        incident = page_person(
            draft, incident, person, kind=_loudness(draft, incident), reason="update-missed", asks=UPDATE,
            text=f"An update was due {_ago(draft.now - since)}. Send one; press if you see to it.",
            due=urgent_from(draft, person, incident.level, draft.now),
        )  # fmt: skip
    return incident


def _loudness(draft: Draft, incident: Incident) -> PageKind:
    quiet = draft.configuration.level(incident.level).urgency == "quiet"
    return PageKind.QUIET if quiet else PageKind.PAGE


def _ago(since: timedelta) -> str:
    seconds = since.total_seconds()
    return f"{format_duration(seconds // 60 * 60)} ago" if seconds >= 60 else "now"


# ------------------------------------------------------------------ a missed resolution target
def _extend(draft: Draft, incident: Incident) -> Incident:
    target = format_duration(draft.configuration.level(incident.level).resolve_within)
    incident = draft.emit(incident.number, e.Extended(objectives=tightened(draft, incident)))
    text = f"It is past its resolution target of {target} and counts as extended: updates are due more often."
    roles = (incident.roles.get("commander"), incident.roles.get("communications"))
    hears = (*incident.acknowledged_by, *(person for person in roles if person))
    for person in dict.fromkeys(hears):
        incident = page_person(draft, incident, person, kind=PageKind.UPDATE, reason="objective", text=text)
    return relieve(draft, incident, because=f"past its resolution target of {target}")
