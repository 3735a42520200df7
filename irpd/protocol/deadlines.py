"""Deadlines are derived from an incident's row, so a restart has none to lose.

``next_deadline`` says when an incident has to be looked at again; ``wake`` does whatever
has come due by then. After downtime a path fires at most its earliest missed step, and
later waits count from there.
"""

from datetime import datetime, timedelta

from irpd.config.duration import format_duration
from irpd.model import event as e
from irpd.model.incident import Incident, PathRun, RunState
from irpd.protocol import helping, overdue, roles
from irpd.protocol.answers import ages_at, ask_again, sink, sinks_at
from irpd.protocol.draft import Draft
from irpd.protocol.paging import fire_step, in_hours
from irpd.protocol.people import end
from irpd.protocol.quiet import close_if_over, closes_at, unmark_stable
from irpd.protocol.reporting import remind, report_wakes_at
from irpd.protocol.stale import doubt, stale_at


def next_deadline(incident: Incident) -> datetime | None:
    """The earliest instant at which something is due; None while nothing is."""
    due = [run.next_at for run in incident.paths if run.next_at is not None]
    due += filter(None, (overdue.comes_due(incident), roles.vacant_at(incident), helping.asked_at(incident)))
    if (ends := quiet_ends(incident)) is not None:
        due.append(ends)
    if incident.flap_until is not None and incident.state.active:
        due.append(incident.flap_until)
    if (closes := closes_at(incident)) is not None:
        due.append(closes)
    if (stale := stale_at(incident)) is not None:
        due.append(stale)
    if (sinks := sinks_at(incident)) is not None:
        due.append(sinks)
    if (ages := ages_at(incident)) is not None:
        due.append(ages)
    if (late := report_wakes_at(incident)) is not None:
        due.append(late)
    return min(due, default=None)


def quiet_ends(incident: Incident) -> datetime | None:
    """When an incident of level 3-4 whose signals have all resolved is over by itself."""
    if not incident.unconfirmed or incident.level.urgent or incident.flapping:
        return None
    if incident.quiet_since is None:
        return None
    return incident.quiet_since + timedelta(seconds=incident.quiet_for)


def wake(draft: Draft, number: int) -> Incident | None:
    """Do what is due at this incident. A deadline that has moved meanwhile is simply not due."""
    incident = draft.rows.incident(number)
    if incident is None:
        return None
    now = draft.now
    incident = helping.look(draft, roles.look(draft, overdue.look(draft, incident)))
    incident = unmark_stable(draft, incident)
    incident = sink(draft, ask_again(draft, incident))
    incident = remind(draft, doubt(draft, incident))
    ends = quiet_ends(incident)
    if ends is not None and ends <= now:
        quiet = format_duration(incident.quiet_for)
        return end(draft, incident, by="", because=f"all signals resolved for {quiet}")
    for run in incident.paths:
        if run.state is RunState.RUNNING and run.next_at is not None and run.next_at <= now:
            incident = _fire(draft, incident, run)
    closes = closes_at(incident)
    return close_if_over(draft, incident) if closes is not None and closes <= now else incident


def _fire(draft: Draft, incident: Incident, run: PathRun) -> Incident:
    """The step that is due; one missed while irpd was down may have come out of its level's hours."""
    begins = in_hours(draft, run, incident.level, draft.now)
    if begins > draft.now:
        waits = e.PathMoved(path=run.name, fired=run.fired, next_at=begins, because="waits for working hours")
        return draft.emit(incident.number, waits)
    return fire_step(draft, incident, run.name, because="no answer" if run.fired else "begins")
