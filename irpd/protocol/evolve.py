"""``evolve(rows, fact)``: how each kind of event changes the rows.

It sees the event and the rows and nothing else: no configuration, no clock. Replaying an
incident's history gives the rows it had. Whatever a change needs is in the event.
"""

from datetime import datetime, timedelta
from typing import assert_never

from msgspec.structs import replace

from irpd.model import event as e
from irpd.model.incident import Incident, LevelBy, Member, MemberStatus, PathRun, RunState, State
from irpd.model.level import Level
from irpd.model.objective import NO_OBJECTIVES
from irpd.model.page import Page, PageKind, Send, SendState, Word
from irpd.model.response import NOTHING_YET
from irpd.model.share import NOBODY, Distinct, Impact, Part
from irpd.protocol.evolve_contacts import CONTACTS, evolve_contacts
from irpd.protocol.evolve_heartbeats import HEARTBEATS, evolve_heartbeats
from irpd.protocol.evolve_objectives import evolve_objectives
from irpd.protocol.evolve_overrides import OVERRIDES, evolve_overrides
from irpd.protocol.evolve_report import evolve_report
from irpd.protocol.evolve_response import evolve_response, followed, level_said, messaged
from irpd.protocol.evolve_roles import calmed, evolve_roles, levelled_seats
from irpd.protocol.evolve_shadow import SHADOW, evolve_shadow
from irpd.protocol.evolve_shifts import SHIFTS, evolve_shifts
from irpd.protocol.evolve_waiting import SILENCES, WAITING, evolve_waiting, first_row, let_in
from irpd.protocol.reported import changed, fired, resolved
from irpd.protocol.rows import FIRING, Rows, Torn
from irpd.protocol.stages import Cause
from irpd.triage.distinct import added, union
from irpd.triage.evidence import during, first_count, heard

#: The subject of pages that belong to no incident: tests of a person's channels.
PAGES = "pages"


def subject_of(number: int) -> str:
    return f"incident:{number}"


def evolve(rows: Rows, subject: str, event: e.AnyEvent, at: datetime) -> None:
    """Apply one event. Raises Torn if the rows can't be those it was decided on."""
    if isinstance(event, e.SignalsRepeated):
        _repeat(rows, event, at)
    elif subject.startswith("incident:"):
        number = int(subject[9:])
        if isinstance(event, e.Opened):
            _open(rows, number, event, at)
        else:
            incident = rows.incident(number)
            if incident is None:
                raise Torn(f"{subject} does not exist")
            rows.put_incident(_worked_on(_apply(rows, incident, event, at), event, at))
    elif subject == PAGES:
        _test_page(rows, event, at)
    elif subject in (WAITING, SILENCES):
        evolve_waiting(rows, event, at)
    elif subject == OVERRIDES:
        evolve_overrides(rows, event, at)
    elif subject == HEARTBEATS:
        evolve_heartbeats(rows, event, at)
    elif subject == SHADOW:
        evolve_shadow(rows, event, at)
    elif subject == SHIFTS:
        evolve_shifts(rows, event, at)
    elif subject == CONTACTS:
        evolve_contacts(rows, event, at)


#: What shows, when a person does it, that somebody works on an incident.
_WORK = (
    e.Acknowledged, e.AcknowledgementLapsed, e.Declined, e.Noted, e.PathStarted, e.PathMoved, e.SignalMoved,
    e.UpdateTaken, e.Updated, e.RoleAccepted, e.HelpAsked, e.HelpTaken, e.HelpAnswered,
    e.SignalLeft, e.StageChanged, e.ItemDone, e.ItemSetAside, e.ActionTaken, e.DecisionMade, e.FactsSet,
    e.Drafted, e.DraftApproved, e.DraftWithdrawn,
)  # fmt: skip


def _worked_on(incident: Incident, event: e.AnyEvent, at: datetime) -> Incident:
    if not incident.stale_after:
        return incident
    by_person = isinstance(event, e.LevelChanged) and event.level_by.kind == "person"
    if isinstance(event, e.Paged) and event.page.notice is not None:
        by_person = bool(event.page.notice.by)
    if by_person or (isinstance(event, _WORK) and event.by):
        return replace(incident, worked_at=at, stale_until=None)
    return incident


def _repeat(rows: Rows, event: e.SignalsRepeated, at: datetime) -> None:
    runs = event.sids
    for i in range(0, len(runs), 2):
        for sid in range(runs[i], runs[i] + runs[i + 1]):
            member = rows.member(sid)
            if member is not None:
                rows.touch_member(replace(member, count=member.count + 1, last_seen=at))


def _test_page(rows: Rows, event: e.AnyEvent, at: datetime) -> None:
    if isinstance(event, e.Paged):
        rows.put_page(event.page)
        rows.counters["page"] = int(event.page.id.rpartition("-")[2])
    elif isinstance(event, e.SendAttempted):
        _attempted(rows, event, at)
    elif isinstance(event, e.SendConfirmed | e.SendBrought | e.PageEnded | e.PageSeen):
        _page_changed(rows, event, at)


def _page_changed(
    rows: Rows, event: e.SendConfirmed | e.SendBrought | e.PageEnded | e.PageSeen, at: datetime
) -> None:
    page = _page(rows, event.page)
    match event:
        case e.SendConfirmed():
            sends = tuple(_confirmed(send, event) if send.n == event.send else send for send in page.sends)
            seen = event.said_at if event.word is Word.SEEN else None
            rows.put_page(replace(page, sends=sends, seen_at=page.seen_at or seen))
        case e.SendBrought():
            sends = tuple(
                replace(send, due_at=event.due_at) if send.n == event.send else send for send in page.sends
            )
            rows.put_page(replace(page, sends=sends))
        case e.PageEnded():
            acknowledged = at if event.because == "acknowledged" and event.by == page.person else None
            rows.put_page(replace(page, live=False, acknowledged_at=page.acknowledged_at or acknowledged))
        case e.PageSeen():
            rows.put_page(replace(page, seen_at=page.seen_at or at))


def _open(rows: Rows, number: int, event: e.Opened, at: datetime) -> None:
    incident = Incident(
        number=number,
        title=event.title,
        services=event.services,
        level=Level(event.level),
        opened_level=Level(event.level),
        level_by=event.level_by,
        opened_at=at,
        detected_by=event.detected_by,
        source=event.source,
        evidence_level=Level(event.evidence_level),
        person_level=event.level_by.kind == "person",
        config=event.config,
        impact_from=event.impact_from,
        group=event.group,
        group_rule=event.group_rule,
        group_within=event.group_within,
        group_at_most=event.group_at_most,
        first_signal_at=at,
        last_signal_at=at,
        share=event.share,
        share_at=at if event.share.known else None,
        respond_by=event.respond_by,
        respond_state="running" if event.respond_by else "",
        objectives=event.objectives or NO_OBJECTIVES,
        quiet_for=event.quiet_for,
        reopen_within=event.reopen_within,
        regimes=event.regimes,
        tells=event.tells,
        roles=event.roles,
        lower_after=event.lower_after,
        ages=event.ages,
        takes=event.takes,
        response=level_said(NOTHING_YET, event.level_by, at),
        drill=event.drill,
        version=1,
    )
    rows.put_incident(incident)
    rows.put_group(incident)
    rows.put_takes(incident)
    for service in event.services:
        rows.put_service(service, number)
    rows.counters["incident"] = max(number, rows.counter("incident"))


def _apply(rows: Rows, incident: Incident, event: e.AnyEvent, at: datetime) -> Incident:
    version = incident.version + 1
    match event:  # the most frequent first: cases are tried in their order
        case e.SendAttempted():
            _attempted(rows, event, at)
            return replace(incident, version=version)
        case e.SendConfirmed() | e.SendBrought() | e.PageEnded() | e.PageSeen():
            _page_changed(rows, event, at)
            return replace(incident, version=version)
        case e.SignalJoined():
            return _joined(rows, incident, event, at)
        case e.SignalFired():
            member = _member(rows, event.sid)
            again = fired(member, event, at)
            counted = _count(incident, member, again, at)
            counted = _hear(rows, counted, member, again, event.user, at)
            return replace(counted, last_signal_at=at, version=version)
        case e.SignalResolved():
            member = _member(rows, event.sid)
            ended = resolved(member, event, at)
            rows.touch_member(ended)
            return replace(_count(incident, member, ended, at), version=version)
        case e.SignalChanged():
            member = _member(rows, event.sid)
            newer = changed(member, event, at)
            return replace(_hear(rows, incident, member, newer, event.user, at), version=version)
        case e.SignalMuted():
            member = _member(rows, event.sid)
            muted = replace(member, status=MemberStatus.MUTED, last_seen=at)
            rows.touch_member(muted)
            return replace(_count(incident, member, muted, at), version=version)
        case e.SignalStale():
            rows.touch_member(replace(_member(rows, event.sid), status=MemberStatus.STALE))
            # Stale is not resolved: nothing becomes quiet because a sender fell silent.
            return replace(incident, version=version)
        case e.SignalFlapping():
            member = _member(rows, event.sid)
            rows.touch_member(replace(member, flapping=event.flapping))
            step = int(event.flapping) - int(member.flapping)
            return _flap_times(
                replace(
                    incident,
                    flapping=incident.flapping + step,
                    flap_stable=event.stable or incident.flap_stable,
                    version=version,
                ),
                at,
                began=event.flapping,
            )
        case e.SignalMoved():
            return _moved_in(rows, incident, event, at)
        case e.SignalLeft():
            return _left(rows, incident, event, at)
        case e.Acknowledged():
            persons = incident.acknowledged_by
            return followed(
                replace(
                    incident,
                    state=State.ACKNOWLEDGED,
                    acknowledged_at=incident.acknowledged_at or at,
                    first_acknowledged_at=incident.first_acknowledged_at or at,
                    acknowledged_by=persons if event.by in persons else (*persons, event.by),
                    paths=tuple(
                        replace(run, answered_by=tuple(dict.fromkeys((*run.answered_by, event.by))))
                        if not event.paths or run.name in event.paths
                        else run
                        for run in incident.paths
                    ),
                    declined_by=tuple(p for p in incident.declined_by if p != event.by),
                    respond_state="met" if incident.respond_state == "running" else incident.respond_state,
                    stale_after=event.stale_after,
                    stale_until=None,
                    version=version,
                ),
                Cause.ACKNOWLEDGED,
                at,
            )
        case e.AcknowledgementStale():
            return replace(incident, stale_until=event.resumes_at, version=version)
        case e.AcknowledgementLapsed():
            left = tuple(p for p in incident.acknowledged_by if event.by and p != event.by)
            return replace(
                incident,
                state=State.ACKNOWLEDGED if left else State.OPEN,
                acknowledged_by=left,
                acknowledged_at=incident.acknowledged_at if left else None,
                stale_until=incident.stale_until if left else None,
                paths=tuple(
                    replace(run, answered_by=tuple(p for p in run.answered_by if event.by and p != event.by))
                    for run in incident.paths
                ),
                version=version,
            )
        case e.Declined():
            declined = incident.declined_by
            return replace(
                incident,
                declined_by=declined if event.by in declined else (*declined, event.by),
                version=version,
            )
        case e.LevelChanged():
            return _levelled(incident, event, at)
        case e.EvidenceExceeded():
            return replace(
                incident,
                told_level=Level(event.level),
                evidence_level=min(incident.evidence_level, Level(event.level)),
                share=event.share if event.share.known else incident.share,
                share_at=at if event.share.known else incident.share_at,
                version=version,
            )
        case e.ShareMeasured():
            return replace(
                incident,
                share=event.share,
                share_at=at,
                regimes=tuple(dict.fromkeys((*incident.regimes, *event.regimes))),
                version=version,
            )
        case e.UsersAnswered():
            answers = {one.service: one for one in (*incident.answers, event.answer)}
            return replace(
                incident,
                answers=tuple(answers[service] for service in sorted(answers)),
                share=event.share,
                share_at=at,
                version=version,
            )
        case e.TimePassed():
            return replace(incident, ages=event.ages, version=version)
        case e.EvidenceEased():
            return replace(incident, eased_since=None if event.level is None else at, version=version)
        case (
            e.ObjectiveWarned() | e.ObjectiveMissed() | e.UpdateChased() | e.UpdateTaken() | e.Extended()
            | e.Updated()
        ):  # fmt: skip
            kept = evolve_objectives(incident.objectives, event)
            return replace(incident, objectives=kept, version=version)
        case (
            e.RoleOffered() | e.RoleAccepted() | e.RoleDeclined() | e.RoleVacant() | e.RoleKept()
            | e.HelpAsked() | e.HelpPassedOn() | e.HelpTaken() | e.HelpAnswered()
        ):  # fmt: skip
            return replace(evolve_roles(incident, event), version=version)
        case e.ResponseMissed():
            return replace(incident, respond_state="missed", version=version)
        case e.Resolved():
            return followed(
                replace(
                    incident,
                    state=State.RESOLVED,
                    resolved_at=at,
                    resolved_by=event.by,
                    respond_state="met" if incident.respond_state == "running" else incident.respond_state,
                    objectives=incident.objectives.over(),
                    seats=calmed(incident, over=True),
                    asks=(),
                    version=version,
                ),
                Cause.RESOLVED,
                at,
            )
        case e.Reopened():
            rows.put_group(incident)
            rows.put_takes(incident)
            for service in incident.services:
                rows.put_service(service, incident.number)
            return followed(
                replace(
                    incident,
                    state=State.OPEN,
                    resolved_at=None,
                    resolved_by="",
                    closed_at=None,
                    acknowledged_at=None,
                    acknowledged_by=(),
                    declined_by=(),
                    respond_by=event.respond_by,
                    respond_state="running" if event.respond_by else "",
                    objectives=event.objectives or incident.objectives,
                    seats={role: seat for role, seat in incident.seats.items() if seat.accepted},
                    quiet_since=at if incident.firing == 0 else None,
                    last_signal_at=at,
                    version=version,
                ),
                Cause.REOPENED,
                at,
            )
        case e.Closed():
            return followed(
                replace(incident, state=State.CLOSED, closed_at=at, version=version), Cause.CLOSED, at
            )
        case e.Merged():
            return replace(
                incident,
                state=State.MERGED,
                merged_into=event.into,
                closed_at=at,
                objectives=incident.objectives.over(),
                seats=calmed(incident, over=True),
                asks=(),
                version=version,
            )
        case e.PathStarted():
            others = tuple(run for run in incident.paths if run.name != event.run.name)
            return replace(incident, paths=(*others, event.run), version=version)
        case e.PathMoved():
            return _run(
                incident, event.path, fired=event.fired, next_at=event.next_at, state=RunState.RUNNING
            )
        case e.PathStopped():
            return _run(incident, event.path, next_at=None, state=RunState.STOPPED)
        case e.PathResumed():
            return _run(incident, event.path, next_at=event.next_at, state=RunState.RUNNING)
        case e.Paged():
            rows.put_page(event.page)
            rows.put_told(event.page, incident)
            number = int(event.page.id.rpartition("-")[2])
            told = event.page.sends[0].due_at if event.page.sends else at
            is_update = event.page.kind is PageKind.UPDATE
            if event.page.notice is not None:
                incident = replace(incident, response=messaged(incident.response, event.page.notice, at))
            return replace(
                incident,
                pages=max(number, incident.pages),
                last_update_at=told if is_update else incident.last_update_at,
                version=version,
            )
        case (
            e.ReportAsked() | e.ReportAssigned() | e.ReportWritten() | e.ReportReviewed()
            | e.ReportPublished() | e.ReviewPlanned() | e.ReviewHeld() | e.ActionItemAdded()
            | e.ActionItemChanged() | e.ActionItemEnded() | e.Reminded()
        ):  # fmt: skip
            return replace(evolve_report(incident, event, at), version=version)
        case (
            e.StageChanged() | e.ItemDone() | e.ItemSetAside() | e.ActionTaken() | e.DecisionMade()
            | e.FactsSet() | e.Drafted() | e.DraftApproved() | e.DraftWithdrawn()
        ):  # fmt: skip
            return replace(evolve_response(incident, event, at), version=version)
        case (
            e.Noted() | e.ConfigLoaded() | e.ConfigRefused() | e.CommandSetAside() | e.ClockJumped()
            | e.Started() | e.ReceiptTaken() | e.SilenceAdded() | e.SilenceEnded()
            | e.OverrideAdded() | e.OverrideEnded() | e.HeartbeatsExpected() | e.HeartbeatSeen()
            | e.ShadowBegan() | e.ShadowEnded() | e.ShiftTold()
            | e.ShiftTested() | e.ShiftTestJudged()
            | e.ContactAsked() | e.ContactVerified() | e.ContactForgotten()
        ):  # fmt: skip
            return replace(incident, version=version)
        case e.Opened() | e.SignalsRepeated() | e.SignalWaits() | e.WaitChanged() | e.WaitEnded():
            raise Torn(f"{type(event).__name__} can't happen to an incident that exists")
        case _:
            assert_never(event)


def _member(rows: Rows, sid: int) -> Member:
    member = rows.member(sid)
    if member is None:
        raise Torn(f"signal {sid} does not exist")
    return member


def _page(rows: Rows, page_id: str) -> Page:
    page = rows.page(page_id)
    if page is None:
        raise Torn(f"page {page_id} does not exist")
    return page


def _count(incident: Incident, before: Member, after: Member, at: datetime) -> Incident:
    """Keep the number of firing signals, and since when there is none."""
    step = int(after.status in FIRING) - int(before.status in FIRING)
    firing = incident.firing + step
    quiet = None if firing else (incident.quiet_since or at)
    counted = replace(incident, firing=firing, quiet_since=quiet)
    return _flap_times(counted, at) if after.flapping else counted


def _flap_times(incident: Incident, at: datetime, *, began: bool = True) -> Incident:
    """While anything flaps, quiet can't begin before it has been stable for long enough."""
    if not incident.flapping:
        quiet = at if incident.firing == 0 and not began else incident.quiet_since
        return replace(incident, flap_until=None, quiet_since=quiet)
    return replace(incident, flap_until=at + timedelta(seconds=incident.flap_stable))


def _hear(
    rows: Rows, incident: Incident, before: Member, after: Member, user: str | None, at: datetime
) -> Incident:
    """Write a signal's row, with what it now says of users in it and in its incident."""
    parts, people = incident.parts, incident.people
    if after.impact.known and after.impact != before.impact:
        if after.users_before is None:
            after = replace(after, users_before=first_count(after.impact, after.starts_at, at))
        said, says = during(before.impact, before.users_before), during(after.impact, after.users_before)
        parts = heard(parts, after.service, said, says)
    if user is not None:
        after = replace(after, people=added(after.people, user))
        people = added(people, user)
    rows.touch_member(after)
    if parts is incident.parts and people is incident.people:
        return incident
    return replace(incident, parts=parts, people=people)


def _joined(rows: Rows, incident: Incident, event: e.SignalJoined, at: datetime) -> Incident:
    new_reporter = event.reporter is not None and not rows.has_reporter(incident.number, event.reporter)
    status = MemberStatus(event.status)
    member = first_row(event, incident=incident.number, n=event.n, status=status, at=at)
    parts, people = incident.parts, incident.people
    if event.impact.known:
        parts = heard(parts, event.service, Impact(), during(event.impact, member.users_before))
    if (person := event.user or event.reporter) is not None:
        people = added(people, person)
    rows.put_member(member)
    rows.counters["sid"] = event.sid
    services = incident.services
    if event.service not in services:
        rows.put_service(event.service, incident.number)
    return replace(
        incident,
        services=services if event.service in services else (*services, event.service),
        firing=incident.firing + int(status in FIRING),
        members=incident.members + 1,
        handles=event.n,
        reporters=incident.reporters + int(new_reporter),
        parts=parts,
        people=people,
        quiet_since=None,
        last_signal_at=at,
        version=incident.version + 1,
    )


def _moved_in(rows: Rows, incident: Incident, event: e.SignalMoved, at: datetime) -> Incident:
    member = _member(rows, event.sid)
    if not event.out_of:
        member = let_in(rows, member, event)
    if member.flapping:
        incident = _flaps_here_too(rows, incident, member, rows.incident(event.out_of))
    firing = incident.firing + int(member.status in FIRING)
    known = member.reporter is None or rows.has_reporter(incident.number, member.reporter)
    rows.put_member(replace(member, incident=incident.number, n=event.n, why=event.why or member.why))
    services = incident.services
    if member.service not in services:
        rows.put_service(member.service, incident.number)
    return replace(
        incident,
        services=services if member.service in services else (*services, member.service),
        firing=firing,
        members=incident.members + 1,
        handles=event.n,
        reporters=incident.reporters + int(not known),
        parts=heard(incident.parts, member.service, Impact(), during(member.impact, member.users_before)),
        people=union(incident.people, _named(member)),
        quiet_since=None if firing else (incident.quiet_since or at),
        last_signal_at=incident.last_signal_at if event.out_of else at,
        version=incident.version + 1,
    )


def _left(rows: Rows, incident: Incident, event: e.SignalLeft, at: datetime) -> Incident:
    """Comes before the SignalMoved of the other incident: the row still says it is here."""
    member = _member(rows, event.sid)
    rows.take_member(member)
    firing = incident.firing - int(member.status in FIRING)
    alone = member.reporter is not None and not rows.has_reporter(incident.number, member.reporter)
    flapping = incident.flapping - int(member.flapping)
    if member.impact.known or _named(member):
        incident = _without(rows, incident)
    return replace(
        incident,
        reporters=incident.reporters - int(alone),
        flapping=flapping,
        flap_until=incident.flap_until if flapping else None,
        firing=firing,
        members=incident.members - 1,
        quiet_since=None if firing else (incident.quiet_since or at),
        version=incident.version + 1,
    )


def _named(member: Member) -> Distinct:
    """Everybody whom a signal named."""
    return member.people if member.reporter is None else added(member.people, member.reporter)


def _without(rows: Rows, incident: Incident) -> Incident:
    """What is known of users once a signal has left that said something of them."""
    parts: tuple[Part, ...] = ()
    people = NOBODY
    for member in rows.members_of(incident):
        parts = heard(parts, member.service, Impact(), during(member.impact, member.users_before))
        people = union(people, _named(member))
    return replace(incident, parts=parts, people=people)


def _flaps_here_too(rows: Rows, incident: Incident, member: Member, out_of: Incident | None) -> Incident:
    stable = max(incident.flap_stable, out_of.flap_stable if out_of is not None else 0.0)
    until = (member.changes[-1] if member.changes else member.last_seen) + timedelta(seconds=stable)
    return replace(
        incident,
        flapping=incident.flapping + 1,
        flap_stable=stable,
        flap_until=until if incident.flap_until is None else max(until, incident.flap_until),
    )


def _levelled(incident: Incident, event: e.LevelChanged, at: datetime) -> Incident:
    by: LevelBy = event.level_by
    restart = event.respond_by is not None and incident.respond_state in ("running", "met", "")
    return replace(
        incident,
        level=Level(event.after),
        level_by=by,
        evidence_level=Level(event.evidence_level),
        person_level=by.kind == "person",
        told_level=None if by.kind == "person" else incident.told_level,
        share=event.share if event.share.known else incident.share,
        share_at=at if event.share.known else incident.share_at,
        respond_by=event.respond_by or incident.respond_by,
        respond_state="running" if restart else incident.respond_state,
        objectives=event.objectives or incident.objectives,
        seats=levelled_seats(incident, Level(event.after)),
        regimes=tuple(dict.fromkeys((*incident.regimes, *event.regimes))),
        roles=incident.roles | event.roles,
        lower_after=event.lower_after,
        stale_after=incident.stale_after if event.stale_after is None else event.stale_after,
        eased_since=None,
        response=level_said(incident.response, by, at),
        version=incident.version + 1,
    )


def _run(
    incident: Incident, name: str, *, next_at: datetime | None, state: RunState, fired: int | None = None
) -> Incident:
    def change(run: PathRun) -> PathRun:
        if run.name != name:
            return run
        answered = run.answered_by if state is RunState.STOPPED else ()
        return replace(
            run,
            next_at=next_at,
            state=state,
            fired=run.fired if fired is None else fired,
            answered_by=answered,
        )

    return replace(incident, paths=tuple(change(run) for run in incident.paths), version=incident.version + 1)


def _attempted(rows: Rows, event: e.SendAttempted, at: datetime) -> None:
    page = _page(rows, event.page)
    sends = tuple(_tried(send, event, at) if send.n == event.send else send for send in page.sends)
    rows.put_page(replace(page, sends=sends))
    for send in sends:
        if send.n == event.send and event.provider_id:
            rows.put_sent(page.id, send)


def _tried(send: Send, event: e.SendAttempted, at: datetime) -> Send:
    again = event.retry_at if event.state is SendState.PENDING else None
    known = again is not None and event.handed_at is not None  # an older irpd kept no first time
    taken = event.state is SendState.DELIVERED and event.handed_at is not None
    return replace(
        send,
        state=event.state,
        due_at=again or send.due_at,
        first_due_at=send.first_due if known else send.first_due_at,
        attempts=event.attempt,
        last_at=at,
        provider_id=event.provider_id or send.provider_id,
        detail=event.detail,
        moved_on=send.moved_on or event.moved_on,
        handed_at=event.handed_at or send.handed_at,
        accepted_at=event.handed_at + timedelta(seconds=event.took) if taken and event.handed_at else None,
    )


def _confirmed(send: Send, event: e.SendConfirmed) -> Send:
    match event.word:
        case Word.FAILED:
            return replace(
                send, state=SendState.FAILED, detail=event.detail or "the provider could not deliver it"
            )
        case Word.DELIVERED:
            return replace(send, state=SendState.DELIVERED, delivered_at=event.said_at, detail=event.detail)
        case Word.SEEN:
            return replace(send, state=SendState.DELIVERED, seen_at=event.said_at)
        case _:
            assert_never(event.word)
