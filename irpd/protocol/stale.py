"""An acknowledgement grown stale: somebody has it, and nothing is heard of it.

Whoever has an incident shows now and then that they work on it: a note, another level, "I have it" once more,
anything that a person does to it. When nothing comes for as long as its level allows, they are paged about
it, once; when nothing comes then either, the acknowledgement lapses and its paths go on.
"""

from datetime import datetime, timedelta

from irpd.config.duration import format_duration
from irpd.model import event as e
from irpd.model.incident import Incident, State
from irpd.model.page import PageKind
from irpd.protocol.draft import Draft
from irpd.protocol.paging import end_pages, page_person, resume_paths, stopped, tell_holders, urgent_from


def stale_at(incident: Incident) -> datetime | None:
    """When its acknowledgement is to be doubted next; None while it isn't."""
    if incident.state is not State.ACKNOWLEDGED or not incident.stale_after or incident.worked_at is None:
        return None
    if incident.unconfirmed and not incident.level.urgent:
        return None  # it ends by itself
    return incident.stale_until or incident.worked_at + timedelta(seconds=incident.stale_after)


def doubt(draft: Draft, incident: Incident) -> Incident:
    """Warn who has it, or, when they were warned, let its paths go on."""
    due = stale_at(incident)
    if due is None or due > draft.now:
        return incident
    silent = f"nothing was done about it for {format_duration(incident.stale_after)}"
    if incident.stale_until is None:
        return _warn(draft, incident, silent)
    had_it = incident.acknowledged_by
    because = f"{silent}, and nothing after a warning"
    incident = draft.emit(incident.number, e.AcknowledgementLapsed(because=because))
    incident = end_pages(draft, incident, because="obsolete")
    incident = resume_paths(draft, incident, because=because, names=stopped(incident), in_time=True)
    return tell_holders(draft, incident, text=f"Paging goes on: {because}.", besides=had_it)


def _warn(draft: Draft, incident: Incident, silent: str) -> Incident:
    grace = draft.configuration.timing.stale_grace
    asked = {
        person: urgent_from(draft, person, incident.level, draft.now) for person in incident.acknowledged_by
    }
    resumes = max(asked.values(), default=draft.now) + timedelta(seconds=grace)
    incident = draft.emit(incident.number, e.AcknowledgementStale(resumes_at=resumes, because=silent))
    text = (
        f"You have it and {silent}. A note or I have it once more keeps it yours; "
        f"else paging goes on in {format_duration(grace)}."
    )
    for person, at in asked.items():
        incident = page_person(draft, incident, person, kind=PageKind.PAGE, reason="stale", text=text, due=at)
    return incident
