"""A page as data: what the webhook and file channels send as JSON.

As everywhere in irpd's JSON: times are RFC 3339 in UTC with ``Z``, what is absent is
null, fields are added and never renamed.
"""

from datetime import UTC, datetime

from irpd.comms import clean
from irpd.comms.story import Subject, person_name
from irpd.model.incident import Incident
from irpd.model.page import PageKind
from irpd.model.shift import ShiftWord

SCHEMA = "irpd.page/1"


def fields(subject: Subject) -> dict[str, object]:
    """The page and, unless it is a test, its incident as it stands now."""
    page = subject.page
    return {
        "schema": SCHEMA,
        "page": page.id,
        "kind": page.kind.value,
        "reason": page.reason or None,
        "person": page.person,
        "person_name": person_name(subject.configuration, page.person),
        "requested_at": _time(page.requested_at),
        "expires_at": _time(page.expires_at),
        "path": page.path or None,
        "step": page.step,
        "next_person": page.next_person or None,
        "next_at": _time(page.next_at),
        "news": clean.block(page.text) or None,
        "confirm_code": subject.digits or None,
        "shift": None if page.shift is None else _shift(page.shift),
        "acknowledge_url": subject.link if page.kind is not PageKind.SHIFT else None,
        "cant_url": subject.cant_link if page.kind is not PageKind.SHIFT else None,
        "incident": None if subject.incident is None else _incident(subject, subject.incident),
    }


def _shift(word: ShiftWord) -> dict[str, object]:
    return {
        "schedule": word.schedule,
        "from": _time(word.begins),
        "to": _time(word.ends),
        "after": word.after or None,
        "incidents": [
            {"id": one.number, "level": one.level, "title": clean.line(one.title), "has": list(one.has)}
            for one in word.incidents
        ],
        "more": word.more,
    }


def _incident(subject: Subject, incident: Incident) -> dict[str, object]:
    by, share = incident.level_by, incident.share
    newest = max(subject.members, key=lambda member: member.last_seen, default=None)
    return {
        "id": incident.number,
        "ref": incident.ref,
        "drill": incident.drill,
        "title": clean.line(incident.title),
        "services": list(incident.services),
        "level": int(incident.level),
        "severity": incident.level.severity,
        "level_by": {
            "kind": by.kind,
            "rule": by.rule,
            "person": by.person,
            "because": clean.line(by.because) or None,
        },
        "state": incident.state.value,
        "opened_at": _time(incident.opened_at),
        "impact_from": _time(incident.impact_from),
        "acknowledged_at": _time(incident.acknowledged_at),
        "acknowledged_by": list(incident.acknowledged_by),
        "resolved_at": _time(incident.resolved_at),
        "respond_by": _time(incident.respond_by),
        "share": {
            "known": share.known,
            "value": None if share.fraction is None else float(share.fraction),
            "affected": share.affected,
            "users": share.users,
            "method": share.method or None,
        },
        "signals": {"firing": incident.firing, "resolved": incident.members - incident.firing},
        "unconfirmed": incident.unconfirmed,
        "newest_signal": None
        if newest is None
        else {
            "id": newest.handle,
            "source": newest.source,
            "title": clean.line(newest.title),
            "status": newest.status.value,
            "url": clean.url(newest.url) or None,
            "runbook": clean.url(newest.runbook) or None,
            "dashboard": clean.url(newest.dashboard) or None,
        },
    }


def _time(at: datetime | None) -> str | None:
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
