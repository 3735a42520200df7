"""Objectives: time limits of the protocol, met or missed at their own time."""

from datetime import datetime, timedelta

from irpd.model import event as e
from irpd.model.incident import Incident, State
from irpd.model.level import Level
from irpd.protocol.draft import Draft


def respond_by(draft: Draft, level: Level) -> datetime:
    """When somebody must have acknowledged what is of this level from now on."""
    return draft.now + timedelta(seconds=draft.configuration.level(level).respond_within)


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
