"""Signals that open nothing for now: held by a rule, muted by a silence, a window or an outage.

A signal that must wait gets a row outside any incident, with its reason and its deadline. It is decided again
when the deadline comes, when the silence is ended, when the outage is over, when the configuration changes,
and whenever it is reported. A resolved while it waits counts: it is recorded, and nothing opens. So nothing
that was received is lost, and what still fires at the end is in exactly one incident.

What is in an incident stays there: only a person's silence takes it out (it is muted there, and waits here).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from msgspec.structs import replace

from irpd.config.duration import format_duration
from irpd.model import event as e
from irpd.model.incident import Incident, Member, MemberStatus, RunState
from irpd.model.share import UNKNOWN
from irpd.model.signal import OWN, Signal, Status
from irpd.model.waits import Silence, WaitKind, Waits
from irpd.oncall.windows import open_until
from irpd.protocol.answers import ease
from irpd.protocol.draft import Draft
from irpd.protocol.evolve_waiting import WAITING
from irpd.protocol.levels import facts_of
from irpd.protocol.objectives import record_missed
from irpd.protocol.quiet import all_quiet, ask_for_a_word, mutes_still
from irpd.protocol.rows import Rows
from irpd.triage.distinct import is_new
from irpd.triage.facts import Facts


# ------------------------------------------------------------------ why a signal waits
def anything_mutes(draft: Draft) -> bool:
    """Whether there is any hold, window, silence or dependency at all. Asked for each new key."""
    policy = draft.policy
    try:
        return (
            not policy.ruleset.quieting.empty
            or bool(policy.services.muted_by)
            or draft.rows.any_standing(Silence)
        )
    except Exception:  # it is asked in earnest then, and fails there, where that is noted
        return True


def reason_to_wait(draft: Draft, facts: Facts, *, member: Member | None = None) -> Waits | None:
    """Why this firing signal opens nothing now; None: it may. ``member`` is its row if it waits already.

    Judging it must never lose it: what can't be judged doesn't wait."""
    since = member.waits.since if member is not None and member.waits is not None else draft.now
    before = member.waits.before if member is not None and member.waits is not None else 0
    try:
        found = (
            _silence(draft, facts, since)
            or _window(draft, facts, since)
            or _dependency(draft, facts, since)
            or _hold(draft, facts, since, member)
        )
    except Exception as error:  # whatever it raises: what can't be judged doesn't wait, and is never lost
        draft.defects.append(("waiting", error))
        return None
    if found is None:
        return None
    linger = draft.configuration.timing.flap_window
    return replace(found, linger=linger, before=before)


def _silence(draft: Draft, facts: Facts, since: datetime) -> Waits | None:
    for silence in draft.rows.all_standing(Silence):
        if silence.until > draft.now and fits(silence.match, facts):
            return Waits(
                kind=WaitKind.SILENCE, by=str(silence.id), because=silence.because, author=silence.by,
                since=since, until=silence.until,
            )  # fmt: skip
    return None


def fits(match: Mapping[str, tuple[str, ...]], facts: Facts) -> bool:
    """Whether a silence is about this signal: every field has one of its values."""
    for column, values in match.items():
        label = column.removeprefix("labels.")
        value = facts.labels.get(label, "") if label != column else getattr(facts, column, "")
        if value not in values:
            return False
    return True


def _window(draft: Draft, facts: Facts, since: datetime) -> Waits | None:
    for rule in draft.policy.ruleset.quieting.muting(facts):
        until = open_until(rule.window, draft.now)
        if until is not None:
            return Waits(kind=WaitKind.WINDOW, by=rule.id, because=rule.because, since=since, until=until)
    return None


def _dependency(draft: Draft, facts: Facts, since: datetime) -> Waits | None:
    for service in draft.policy.services.muted_by.get(facts.service, ()):
        for incident in draft.rows.of_service(service):
            if outage(incident) and facts.service not in incident.services:
                because = f"{service}, which {facts.service} depends on, has an outage"
                return Waits(
                    kind=WaitKind.DEPENDENCY,
                    by=str(incident.number),
                    because=because,
                    since=since,
                    until=None,
                )
    return None


def outage(incident: Incident) -> bool:
    """Whether it mutes what depends on its services: it is severe, worked on, and fires."""
    return incident.state.active and incident.level.urgent and incident.firing > 0


def _hold(draft: Draft, facts: Facts, since: datetime, member: Member | None) -> Waits | None:
    rule = draft.policy.ruleset.quieting.hold_for(facts)
    if rule is None or rule.hold is None:
        return None
    hold = rule.hold
    until = since + timedelta(seconds=hold.seconds)
    if until <= draft.now or (hold.or_count and facts.count >= hold.or_count):
        return None
    if member is not None and flaps(draft, member):
        return None  # what comes and goes without end is no passing thing
    return Waits(
        kind=WaitKind.HOLD, by=rule.id, because=rule.because, since=since, until=until, or_count=hold.or_count
    )


def flaps(draft: Draft, member: Member) -> bool:
    """Whether it changed often enough of late to count as flapping."""
    timing = draft.configuration.timing
    since = draft.now - timedelta(seconds=timing.flap_window)
    return sum(1 for change in member.changes if change > since) >= timing.flap_changes


# ------------------------------------------------------------------ deadlines
def due_at(rows: Rows, member: Member) -> datetime | None:
    """When a signal that waits has to be looked at again; None while only an incident's end is awaited."""
    waits = member.waits
    if waits is None:
        return None
    if member.status is MemberStatus.RESOLVED:
        return (member.resolved_seen_at or member.last_seen) + timedelta(seconds=waits.linger)
    match waits.kind:
        case WaitKind.SILENCE:
            silence = rows.stands(Silence, waits.by)
            return silence.until if silence is not None else member.last_seen
        case WaitKind.DEPENDENCY:
            incident = rows.incident(int(waits.by))
            return None if incident is not None and outage(incident) else member.last_seen
        case _:
            return waits.until


# ------------------------------------------------------------------ beginning to wait
def begin(
    draft: Draft, waits: Waits, *, source: str, key: str, service: str, signal: Signal, before: int = 0
) -> str:
    """A key that fires opens nothing for now. What became of it, in a word."""
    draft.emit_about(
        WAITING,
        e.SignalWaits(
            sid=draft.rows.counter("sid") + 1,
            key=key,
            source=source,
            title=signal.title,
            service=service,
            waits=replace(waits, before=before),
            labels=signal.labels,
            text=signal.text,
            starts_at=signal.starts_at,
            episode=signal.episode,
            sender_group=signal.group,
            impact=signal.impact,
            reporter=signal.reporter,
            user=signal.user,
            project=signal.project,
            url=signal.url,
            runbook=signal.runbook,
            dashboard=signal.dashboard,
        ),
    )
    return outcome(waits)


def outcome(waits: Waits) -> str:
    return "held" if waits.kind is WaitKind.HOLD else "muted"


def mute_firing(draft: Draft, silence: Silence) -> int:
    """What fires now in incidents and fits: muted there, and kept here until the silence is over."""
    waits = Waits(
        kind=WaitKind.SILENCE, by=str(silence.id), because=silence.because, author=silence.by,
        since=draft.now, until=silence.until, linger=draft.configuration.timing.flap_window,
    )  # fmt: skip
    touched: dict[int, None] = {}
    muted = 0
    for member in draft.rows.firing_now():
        incident = draft.rows.incident(member.incident)
        if incident is None or not incident.state.active or draft.rows.sid_of(member.key) != member.sid:
            continue
        if member.source == OWN:
            continue  # what irpd says of itself is never muted
        if not fits(silence.match, facts_again(draft, member, incident)):
            continue
        draft.emit(incident.number, e.SignalMuted(sid=member.sid, because=f"muted by {waits.reason}"))
        begin(draft, waits, source=member.source, key=member.key, service=member.service,
              signal=signal_of(member), before=member.sid)  # fmt: skip
        touched[incident.number] = None
        muted += 1
    for number in touched:
        incident = ease(draft, draft.incident(number))
        if incident.unconfirmed:
            all_quiet(draft, incident, muted=True)
    return muted


# ------------------------------------------------------------------ reports of what waits
def nothing_new(draft: Draft, member: Member, signal: Signal) -> bool:
    """A firing report that changes nothing of a signal that waits and fires, but that it came again."""
    waits = member.waits
    return (
        waits is not None
        and member.status is not MemberStatus.RESOLVED
        and (signal.impact == member.impact or not signal.impact.known)
        and (signal.user is None or not is_new(member.people, signal.user))
        and signal.episode == member.episode
        and signal.title == member.title
        and signal.labels == member.labels
        and not (waits.or_count and member.count + 1 >= waits.or_count)
    )


def reported(draft: Draft, member: Member, signal: Signal) -> Member | None:
    """Take in a report of a signal that waits. The row if it is to come in now."""
    assert member.waits is not None
    match signal.status:
        case Status.FIRING if member.status is MemberStatus.RESOLVED or signal.episode != member.episode:
            draft.emit_about(
                WAITING,
                e.SignalFired(
                    sid=member.sid, starts_at=signal.starts_at, episode=signal.episode, impact=signal.impact,
                    title=signal.title, url=signal.url, user=signal.user,
                ),
            )  # fmt: skip
            if signal.labels != member.labels:
                _change(draft, member, signal)
        case Status.FIRING:
            _change(draft, member, signal)
        case Status.RESOLVED | Status.MUTED:
            end_episode(draft, member, ends_at=signal.ends_at, because=signal.note)
            return None
        case Status.NOTE:
            return None
    return judged(draft, member.sid)


def _change(draft: Draft, member: Member, signal: Signal) -> None:
    draft.emit_about(
        WAITING,
        e.SignalChanged(
            sid=member.sid,
            impact=signal.impact,
            title=signal.title if signal.title != member.title else "",
            labels=signal.labels if signal.labels != member.labels else None,
            starts_at=signal.starts_at if signal.starts_at != member.starts_at else None,
            user=signal.user,
        ),
    )


def end_episode(draft: Draft, member: Member, *, ends_at: datetime | None, because: str) -> None:
    """It is resolved while it waits: recorded, also where it was muted, and nothing opens."""
    draft.emit_about(WAITING, e.SignalResolved(sid=member.sid, ends_at=ends_at, because=because))
    earlier = draft.rows.member(member.waits.before) if member.waits is not None else None
    incident = draft.rows.incident(earlier.incident) if earlier is not None else None
    if earlier is None or incident is None or not incident.state.active:
        return
    if earlier.status is MemberStatus.MUTED:
        incident = draft.emit(
            incident.number, e.SignalResolved(sid=earlier.sid, ends_at=ends_at, because=because)
        )
        incident = all_quiet(draft, ease(draft, incident))  # to judge it may have failed when it was muted
        _end_if_muted_to_the_end(draft, incident, member)


def _end_if_muted_to_the_end(draft: Draft, incident: Incident, member: Member) -> None:
    """A person silenced all that fired, and nobody is paged: once all of it is resolved, that is their word
    that it is over. Else an incident that needs a person's word would stay open with nobody asked for it: so
    where their silence had ended by then, and something else muted it, somebody is asked."""
    waits = member.waits
    if waits is None or not incident.unconfirmed or incident.acknowledged_by or incident.flapping:
        return
    if waits.kind is not WaitKind.SILENCE:
        ask_for_a_word(draft, incident)
        return
    if any(run.state is RunState.RUNNING for run in incident.paths):
        return
    if any(mutes_still(draft, other) for other in draft.rows.members_of(incident)):
        return
    record_missed(draft, incident)
    because = f"all its signals are resolved; muted by {waits.reason}"
    draft.emit(incident.number, e.Resolved(by=waits.author, because=because))


def judged(draft: Draft, sid: int) -> Member | None:
    """Decide a firing signal that waits again: it waits on, maybe for another reason, or is to come in."""
    member = draft.rows.member(sid)
    if member is None or member.waits is None or member.status is MemberStatus.RESOLVED:
        return None
    waits = reason_to_wait(draft, facts_again(draft, member, None), member=member)
    if waits is None:
        return member
    if waits != member.waits:
        draft.emit_about(WAITING, e.WaitChanged(sid=sid, waits=waits))
    return None


def wake(draft: Draft, sid: int) -> Member | None:
    """A deadline of a signal that waits has come, or what it waited for is over. The row if it comes in."""
    member = draft.rows.member(sid)
    if member is None or member.waits is None:
        return None
    due = due_at(draft.rows, member)
    if due is None or due > draft.now:
        return None
    if member.status is MemberStatus.RESOLVED:
        linger = format_duration(member.waits.linger)
        draft.emit_about(WAITING, e.WaitEnded(sid=sid, because=f"resolved for {linger}"))
        return None
    return judged(draft, sid)


def judge_all(draft: Draft) -> list[Member]:
    """The configuration has changed: every signal that waits is decided again; those that come in now."""
    found = (judged(draft, sid) for sid in draft.rows.all_waiting())
    return [member for member in found if member is not None]


# ------------------------------------------------------------------ rows as signals again
def facts_again(draft: Draft, member: Member, incident: Incident | None) -> Facts:
    """What rules may look at, of a row."""
    return facts_of(
        draft, source=member.source, service=member.service, status=Status.FIRING.value, title=member.title,
        text=member.text, labels=member.labels, project=member.project,
        share=incident.share if incident is not None else UNKNOWN, incident=incident, count=member.count,
        joining=incident is None,
    )  # fmt: skip


def signal_of(member: Member) -> Signal:
    """The report that the row is of, as if it came now."""
    return Signal(
        key=member.key.removeprefix(member.source + "/"),
        status=Status.FIRING,
        title=member.title,
        labels=member.labels,
        text=member.text,
        starts_at=member.starts_at,
        episode=member.episode,
        group=member.sender_group,
        impact=member.impact,
        reporter=member.reporter,
        project=member.project,
        url=member.url,
        runbook=member.runbook,
        dashboard=member.dashboard,
    )


def why_it_came(member: Member, now: datetime) -> str:
    """For the incident that it comes into: how long it waited, and why."""
    waits = member.waits
    assert waits is not None
    lasted = format_duration(float(int((now - waits.since).total_seconds())))
    word = "held" if waits.kind is WaitKind.HOLD else "muted"
    return f"{word} for {lasted} by {waits.reason}, and fires still"


def counted(rows: Rows, sids: Iterable[int]) -> dict[tuple[str, str], int]:
    """How many signals wait and fire, by kind and reason (a silence's, rule's or window's name)."""
    found: dict[tuple[str, str], int] = {}
    for sid in sids:
        member = rows.member(sid)
        if member is not None and member.waits is not None and member.status is not MemberStatus.RESOLVED:
            of = (member.waits.kind.value, member.waits.by)
            found[of] = found.get(of, 0) + 1
    return found
