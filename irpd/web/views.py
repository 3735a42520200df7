"""The JSON objects of the API, and so of the command line's ``--json``.

Readers rely on these shapes: fields are added, never renamed or retyped. What later parts
of irpd will fill (regimes' clocks) stands here already as null or empty.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from irpd.engine.ports import Fact
from irpd.model.event import SignalJoined, SignalMoved
from irpd.model.incident import Contribution, Incident, Member, MemberStatus, PathRun
from irpd.model.page import Page, Send, SendState
from irpd.model.role import is_expert
from irpd.model.share import Share
from irpd.web.shapes import plain, utc_text

Object = dict[str, Any]


def at_or_null(at: datetime | None) -> str | None:
    return None if at is None else utc_text(at)


def incident_view(incident: Incident, members: Sequence[Member]) -> Object:
    """One incident as it stands in ``irpd.incidents/1`` and ``irpd.incident/1``."""
    by = incident.level_by
    return {
        "id": incident.number,
        "ref": incident.ref,
        "drill": incident.drill,
        "restricted": False,
        "url": None,
        "title": incident.title,
        "services": list(incident.services),
        "level": int(incident.level),
        "severity": incident.level.severity,
        "level_by": {
            "kind": by.kind,
            "rule": by.rule,
            "person": by.person,
            "because": by.because or None,
        },
        "state": incident.state.value,
        "stage": incident.stage.value,
        "stage_at": utc_text(incident.stage_at or incident.opened_at),
        "unconfirmed": incident.unconfirmed,
        "opened_at": utc_text(incident.opened_at),
        "impact_from": at_or_null(incident.impact_from),
        "impact_to": at_or_null(incident.response.impact_to),
        "estimated_resolution": at_or_null(incident.response.estimated_resolution),
        "facts": dict(incident.response.facts),
        "acknowledged_at": at_or_null(incident.acknowledged_at),
        "first_acknowledged_at": at_or_null(incident.first_acknowledged_at),
        "resolved_at": at_or_null(incident.resolved_at),
        "resolved_by": incident.resolved_by or None,
        "closed_at": at_or_null(incident.closed_at),
        "detected_by": incident.detected_by,
        "source": incident.source or None,
        "acknowledged_by": list(incident.acknowledged_by),
        "declined_by": list(incident.declined_by),
        "share": share_view(incident.share, incident.share_at, incident.opened_at),
        "roles": {role: person for role, person in incident.roles.items() if not is_expert(role)},
        "accepted": [role for role, seat in incident.seats.items() if seat.accepted],
        "offered": {role: seat.asked for role, seat in incident.seats.items() if seat.asked},
        "experts": [
            {"person": person, "topic": seat.topic or None, "accepted": seat.accepted}
            for role, person in incident.roles.items()
            if is_expert(role) and (seat := incident.seats.get(role)) is not None
        ],
        "questions": [
            {"id": ask.n, "to": ask.who, "text": ask.question, "by": ask.by, "asked": list(ask.asked)}
            for ask in incident.asks
        ],
        "paths": [path_view(run) for run in incident.paths],
        "objectives": _objectives(incident),
        "regimes": [{"name": name, "state": "assess", "clocks": []} for name in incident.regimes],
        "tells": list(dict.fromkeys((*incident.response.told, *incident.response.drafts))),
        "told": {
            name: {"at": utc_text(last.at), "template": last.template.value}
            for name, last in incident.response.told.items()
        },
        "drafts": list(incident.response.drafts),
        "signals": _counts(incident, members),
        "extended": incident.objectives.extended,
        "flapping": any(member.flapping for member in members),
        "group": None
        if incident.group is None
        else {"id": incident.group_rule or None, "key": incident.group},
        "merged_into": incident.merged_into,
        "config": incident.config or None,
        "version": incident.version,
    }


def _objectives(incident: Incident) -> list[Object]:
    """What has a clock; a missed update is due since the first that was missed."""
    kept = incident.objectives
    found: list[tuple[str, datetime, str]] = []
    if incident.respond_by is not None:
        found.append(("response", incident.respond_by, _response(incident)))
    if kept.update is not None:
        missed = kept.missed_since
        found.append(("update", missed or kept.update.due_at, "missed" if missed else kept.update.state))
    if kept.resolution is not None:
        found.append(("resolution", kept.resolution.due_at, kept.resolution.state))
    return [{"kind": kind, "due_at": utc_text(due_at), "state": state} for kind, due_at, state in found]


def _response(incident: Incident) -> str:
    """``running``, ``met`` or ``missed``; ``not-needed`` where it ended by itself before anybody had to."""
    if incident.respond_state == "met" and not incident.acknowledged_by and not incident.resolved_by:
        return "not-needed"
    return incident.respond_state or "running"


def _counts(incident: Incident, members: Sequence[Member]) -> Object:
    if not members:
        return {"firing": incident.firing, "resolved": incident.members - incident.firing}
    firing = sum(member.status is MemberStatus.FIRING for member in members)
    return {"firing": firing, "resolved": len(members) - firing}


def share_view(share: Share, at: datetime | None, since: datetime | None = None) -> Object:
    """``since`` and ``at`` are the time it is about: from the opening to its newest evidence."""
    low, high = share.bounds or (None, None)
    return {
        "known": share.known,
        "value": None if share.fraction is None else float(share.fraction),
        "low": None if low is None else float(low),
        "high": None if high is None else float(high),
        "affected": share.affected,
        "users": share.users,
        "method": share.method or None,
        "since": at_or_null(since),
        "at": at_or_null(at),
        "parts": [
            {
                "method": part.method,
                "service": part.service or None,
                "affected": part.affected,
                "users": part.users,
                "share": part.share,
            }
            for part in share.parts
        ],
    }


def path_view(run: PathRun) -> Object:
    """``step`` counts from 1 within its round; null before the first has fired and when
    everyone is paged."""
    step = (
        None
        if run.fired == 0 or run.fired > run.repeat * len(run.steps)
        else (run.fired - 1) % len(run.steps) + 1
    )
    return {
        "name": run.name,
        "kind": run.kind,
        "step": step,
        "round": None if run.fired == 0 else min((run.fired - 1) // len(run.steps) + 1, run.repeat),
        "everyone": run.fired > run.repeat * len(run.steps),
        "state": run.state.value,
        "next_at": at_or_null(run.next_at),
    }


def signal_view(member: Member) -> Object:
    return {
        "id": member.handle,
        "key": member.key,
        "source": member.source,
        "status": member.status.value,
        "title": member.title,
        "service": member.service or None,
        "labels": dict(member.labels),
        "text": member.text or None,
        "count": member.count,
        "first_seen": utc_text(member.first_seen),
        "last_seen": utc_text(member.last_seen),
        "starts_at": at_or_null(member.starts_at),
        "ends_at": at_or_null(member.ends_at),
        "episode": member.episode,
        "affected": member.impact.affected,
        "flapping": member.flapping,
        "url": member.url or None,
        "runbook": member.runbook or None,
        "dashboard": member.dashboard or None,
        "why": member.why or None,
    }


def event_view(fact: Fact, signals: Mapping[int, str]) -> Object:
    """An event of a timeline: its number, time and type, then its own fields; ``signal`` is the
    handle of the signal that it is about, out of ``signals`` by their numbers."""
    fields = plain(fact.event)
    assert isinstance(fields, dict)
    view = {"seq": fact.seq or None, "at": utc_text(fact.at), "type": type(fact.event).__struct_config__.tag}
    if "sid" in fields:
        view["signal"] = signals.get(fields["sid"])
    return {**view, **fields}


def handles(number: int, facts: Iterable[Fact], members: Iterable[Member]) -> dict[int, str]:
    """The handles of signals by their numbers, also of those that have left."""
    found = {
        fact.event.sid: f"{number}.{fact.event.n}"
        for fact in facts
        if isinstance(fact.event, SignalJoined | SignalMoved)
    }
    return found | {member.sid: member.handle for member in members}


def contribution_view(rule: Contribution) -> Object:
    effect: Object = {
        name: value
        for name, value in (
            ("level", rule.level),
            ("at_most", rule.at_most),
            ("at_least", rule.at_least),
            ("regimes", list(rule.regimes) or None),
            ("start", list(rule.starts) or None),
        )
        if value is not None
    }
    return {
        "id": rule.rule,
        "result": rule.result,
        "effect": effect,
        "decided": rule.decided,
        "because": rule.because or None,
        "values": dict(rule.values),
        "missed": list(rule.missed),
    }


def page_state(page: Page) -> str:
    """In one word what became of a page: acknowledged, seen, delivered (by a provider's word), accepted (by a
    channel or provider), would-have (shadow mode), pending, failed, expired, ended."""
    if page.acknowledged_at is not None:
        return "acknowledged"
    states = {send.state for send in page.sends}
    if SendState.DELIVERED in states:
        if page.seen_at is not None:
            return "seen"
        return "delivered" if any(send.delivered_at is not None for send in page.sends) else "accepted"
    if SendState.WOULD_HAVE in states:
        return "would-have"
    if page.live and SendState.PENDING in states:
        return "pending"
    if states and states <= {SendState.FAILED}:
        return "failed"
    if SendState.EXPIRED in states:
        return "expired"
    return "ended"


def send_state(page: Page, send: Send) -> str:
    """How far a send came: pending (not-needed once its page has ended), accepted by its channel or provider,
    delivered and seen by the provider's later word; or failed, expired, obsolete."""
    match send.state:
        case SendState.PENDING:
            return "pending" if page.live else "not-needed"
        case SendState.DELIVERED if send.seen_at is not None:
            return "seen"
        case SendState.DELIVERED if send.delivered_at is None:
            return "accepted"
        case _:
            return send.state.value


def page_view(page: Page) -> Object:
    return {
        "id": page.id,
        "incident": page.incident or None,
        "person": page.person or None,
        "audience": page.notice.audience if page.notice is not None else None,
        "template": page.notice.template.value if page.notice is not None else None,
        "kind": page.kind.value,
        "reason": page.reason,
        "state": page_state(page),
        "path": page.path or None,
        "step": page.step,
        "requested_at": utc_text(page.requested_at),
        "expires_at": utc_text(page.expires_at),
        "live": page.live,
        "seen_at": at_or_null(page.seen_at),
        "acknowledged_at": at_or_null(page.acknowledged_at),
        "text": page.text or None,
        "sends": [
            {
                "id": f"{page.id}.{send.n}",
                "channel": send.channel,
                "to": send.to or None,
                "due_at": utc_text(send.due_at),
                "state": send_state(page, send),
                "attempts": send.attempts,
                "last_at": at_or_null(send.last_at),
                "handed_at": at_or_null(send.handed_at),
                "accepted_at": at_or_null(send.accepted_at),
                "delivered_at": at_or_null(send.delivered_at),
                "seen_at": at_or_null(send.seen_at),
                "provider_id": send.provider_id or None,
                "detail": send.detail or None,
            }
            for send in page.sends
        ],
    }


def incidents_document(views: Sequence[Object], *, total: int | None, next_cursor: str | None) -> Object:
    return {
        "schema": "irpd.incidents/1",
        "next_cursor": next_cursor,
        "total": total,
        "incidents": list(views),
    }


def incident_document(
    incident: Incident,
    members: Sequence[Member],
    *,
    signals: bool = False,
    events: Sequence[Fact] | None = None,
    newest: int | None = None,
    answer: Mapping[str, object] | None = None,
) -> Object:
    document: Object = {"schema": "irpd.incident/1", "incident": incident_view(incident, members)}
    if signals:
        document["signals_list"] = [signal_view(member) for member in members]
    if events is not None:
        names = handles(incident.number, events, members)
        shown = events if newest is None else events[-newest:]
        document["events"] = [event_view(fact, names) for fact in shown]
        document["events_total"] = len(events)
    if answer is not None:
        document["answer"] = dict(answer)
    return document
