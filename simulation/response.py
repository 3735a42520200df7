"""What the response asks of people beside taking an incident: when something of it is due.

Objectives that are warned of and missed, roles nobody has accepted, help that nobody has answered, reports
that are late. Said here once more, for who notices what never happens.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from irpd.model.incident import Incident, State


def due(incident: Incident) -> Iterator[datetime]:
    """When each of these must be looked at."""
    if incident.state.active:
        yield from _objectives(incident)
        yield from (seat.next_at for seat in incident.seats.values() if seat.next_at is not None)
        yield from (ask.next_at for ask in incident.asks if ask.next_at is not None)
        if incident.ages:
            yield incident.opened_at + timedelta(minutes=incident.ages[0])
    else:
        yield from _reports(incident)


def _objectives(incident: Incident) -> Iterator[datetime]:
    kept = incident.objectives
    first = incident.respond_by if incident.state is State.OPEN else None
    if first is not None and incident.respond_state == "running":
        yield min(first, kept.response_warn_at or first)
    for clock in (kept.resolution, kept.update):
        if clock is not None and clock.state == "running":
            yield clock.warn_at or clock.due_at
    if kept.chase_at is not None:
        yield kept.chase_at


def _reports(incident: Incident) -> Iterator[datetime]:
    report = incident.report
    if report is None:
        return
    step = timedelta(seconds=report.escalate_after)
    if report.published_at is None and report.reminded < 2:
        yield report.due_at + step * report.reminded
    if report.review_at is not None and report.review_held_at is None and not report.review_reminded:
        yield report.review_at
    yield from (
        item.due_at + step * item.reminded
        for item in report.items
        if item.done_at is None and item.reminded < 2
    )


def closes_at(incident: Incident) -> datetime | None:
    """When what is resolved is closed: after the time to reopen it, and that of its messages."""
    if incident.state is not State.RESOLVED or incident.resolved_at is None:
        return None
    ends = incident.resolved_at + timedelta(seconds=incident.reopen_within)
    return max(ends, incident.response.sending_until or ends)


def settled(incident: Incident) -> bool:
    """Whether nothing is left to be done about its report."""
    return incident.report is None or incident.report.settled
