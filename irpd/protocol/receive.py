"""What the signals of a receipt lead to: repeats, joins, new episodes, resolutions.

For each signal: a key that is known continues its incident; a new firing key joins the open
incident of its group, or opens one. A repeat of a known episode that brings no new evidence
changes only counters, and all of one receipt's repeats share one event.

Source of the rules on episodes and lateness: the senders' behaviour recorded in
``docs/reference/senders.md``.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from irpd.model import event as e
from irpd.model.command import Receive
from irpd.model.incident import Incident, Member, MemberStatus, State
from irpd.model.share import UNKNOWN
from irpd.model.signal import OWN, Signal, Status, given
from irpd.model.waits import WaitKind, Waits
from irpd.protocol import waiting
from irpd.protocol.answers import ease
from irpd.protocol.draft import Draft
from irpd.protocol.evolve_waiting import WAITING
from irpd.protocol.levels import (
    decide_again,
    facts_of,
    measured,
    verdict_on,
)
from irpd.protocol.objectives import reopening
from irpd.protocol.paging import end_pages, restart_paths, tell_holders
from irpd.protocol.placing import Received, place, unknown
from irpd.protocol.quiet import all_quiet, close_if_over, watch_flapping
from irpd.protocol.roles import call
from irpd.triage.distinct import is_new

#: A firing report of an episode that was resolved is late, not new, within this time.
LATE = timedelta(seconds=60)


def receive(draft: Draft, command: Receive) -> Received:
    """Decide every signal of one receipt, in the order in which the sender named them."""
    answer = Received()
    repeats: list[int] = []
    closed: dict[str, datetime | None] = {}
    prefix = command.source + "/"
    for signal in command.signals:
        key = prefix + signal.key
        sid = draft.rows.sid_of(key)
        member = draft.rows.member(sid) if sid is not None else None
        if member is None:
            unknown(draft, command.source, key, signal, answer)
            _remark(draft, command.source, key, signal)
        elif _is_repeat(draft, member, signal):
            repeats.append(member.sid)
            if member.incident:
                answer.count("updates", member.incident)
            else:
                answer.count(member.status.value)
        else:
            _known(draft, member, signal, answer)
            _remark(draft, command.source, key, signal)
        if signal.group_closed and signal.group:
            closed[signal.group] = signal.ends_at
    for group, ends_at in closed.items():
        _close_group(draft, command.source, group, ends_at, answer)
    if repeats:
        draft.emit_about(f"source:{command.source}", e.SignalsRepeated(sids=runs_of(repeats)))
    return answer


def runs_of(sids: Sequence[int]) -> tuple[int, ...]:
    """Numbers as ``(first, count, first, count, ...)``; one that comes twice counts twice."""
    runs: list[int] = []
    for sid in sorted(sids):
        if runs and sid == runs[-2] + runs[-1]:
            runs[-1] += 1
        else:
            runs += (sid, 1)
    return tuple(runs)


def _remark(draft: Draft, source: str, key: str, signal: Signal) -> None:
    """What came with a firing signal to be told, how irpd learned of it say, stands in the timeline."""
    if not signal.note or signal.status is not Status.FIRING:
        return
    sid = draft.rows.sid_of(key)
    member = draft.rows.member(sid) if sid is not None else None
    if member is not None and draft.rows.incident(member.incident) is not None:
        draft.emit(member.incident, e.Noted(text=f"{member.handle}: {signal.note}", source=source))


# ------------------------------------------------------------------ known keys
def _is_repeat(draft: Draft, member: Member, signal: Signal) -> bool:
    """Nothing is new in this report but that it came again. The hot path of the whole engine."""
    if signal.status is Status.FIRING:
        if member.status is not MemberStatus.FIRING:
            if member.waits is not None and member.status is not MemberStatus.RESOLVED:
                return waiting.nothing_new(draft, member, signal)
            if member.status is MemberStatus.MUTED and signal.occurrence:
                return True  # somebody at the sender said: ignore this, until its state changes
            return _is_late(draft, member, signal)
        if (
            (signal.impact != member.impact and signal.impact.known)
            or signal.episode != member.episode
            or signal.title != member.title
            or signal.labels != member.labels
        ):
            return False
        incident = draft.rows.incident(member.incident)
        if signal.user is not None and incident is not None and is_new(incident.people, signal.user):
            return False
        if incident is None or signal.unreadable or member.source == OWN:
            return incident is not None and incident.state.active
        # Resolved by a person and reported still: nothing new until the incident is closed, then a new one.
        return incident.state is not State.CLOSED
    if signal.status is Status.RESOLVED:
        return member.status is MemberStatus.RESOLVED or _other_episode(draft, member, signal)
    return signal.status is Status.MUTED and member.status is MemberStatus.MUTED and member.waits is None


def _other_episode(draft: Draft, member: Member, signal: Signal) -> bool:
    """A resolved of an earlier episode that comes after a newer one began."""
    if signal.episode is not None:
        return signal.episode != member.episode
    if signal.ends_at is None or member.starts_at is None:
        return False
    # A start that is yet to come says nothing: Alertmanager makes one up from an ``endsAt`` that came alone.
    return signal.ends_at < member.starts_at <= draft.now


def _is_late(draft: Draft, member: Member, signal: Signal) -> bool:
    """A firing report of the episode that has just been resolved, delayed on its way."""
    if member.status is not MemberStatus.RESOLVED or member.resolved_seen_at is None:
        return False
    if draft.now - member.resolved_seen_at > LATE:
        return False
    if signal.episode is not None:
        return signal.episode == member.episode
    return (
        signal.starts_at is not None
        and member.starts_at is not None
        and signal.starts_at <= member.starts_at
        and (member.ends_at is None or signal.starts_at <= member.ends_at)
    )


def _known(draft: Draft, member: Member, signal: Signal, answer: Received) -> None:
    if not member.incident:
        _waits(draft, member, signal, answer)
        return
    incident = draft.rows.incident(member.incident)
    if incident is not None:
        incident = close_if_over(draft, incident)
    if incident is None or incident.state in (State.CLOSED, State.MERGED):
        if signal.status is Status.FIRING:
            unknown(draft, member.source, member.key, signal, answer)  # its incident is over: a new one
            return
        if incident is None:
            answer.count("ignored")
            return
    outcome = "updates"
    match signal.status:
        case Status.FIRING if member.status in (MemberStatus.FIRING, MemberStatus.STALE):
            outcome = _news(draft, incident, member, signal)
        case Status.FIRING if (waits := _must_wait(draft, incident, member, signal)) is not None:
            answer.count(
                waiting.begin(
                    draft, waits, source=member.source, key=member.key, service=member.service,
                    signal=signal, before=member.sid,
                )
            )  # fmt: skip
            return
        case Status.FIRING:
            outcome = _fires_again(draft, incident, member, signal)
        case Status.RESOLVED:
            outcome = _resolved(draft, incident, member, signal)
        case Status.MUTED:
            incident = draft.emit(incident.number, e.SignalMuted(sid=member.sid, because=signal.note))
            all_quiet(draft, ease(draft, incident))
            outcome = "muted"
        case Status.NOTE:
            if incident.state.active and signal.note:
                draft.emit(incident.number, e.Noted(text=signal.note, source=member.source))
    answer.count(outcome, incident.number)


def _waits(draft: Draft, member: Member, signal: Signal, answer: Received) -> None:
    """A report of a signal that is in no incident."""
    if member.waits is None:  # it has just ended to wait
        unknown(draft, member.source, member.key, signal, answer)
        return
    comes_in = waiting.reported(draft, member, signal)
    if comes_in is not None:
        enter(draft, comes_in, answer)
    elif signal.status is Status.FIRING:
        answer.count((draft.rows.member(member.sid) or member).status.value)
    else:
        answer.count("resolves" if signal.status is Status.RESOLVED else "updates")


def _must_wait(draft: Draft, incident: Incident, member: Member, signal: Signal) -> Waits | None:
    """Why a known key that fires again does so in no incident. A hold is for what would open one."""
    if not waiting.anything_mutes(draft) or signal.unreadable or member.source == OWN:
        return None
    facts = facts_of(
        draft, source=member.source, service=member.service, status=signal.status.value, title=signal.title,
        text=signal.text, labels=signal.labels, project=signal.project, share=UNKNOWN, incident=None,
    )  # fmt: skip
    waits = waiting.reason_to_wait(draft, facts)
    if waits is not None and waits.kind is WaitKind.HOLD and incident.state.active:
        return None
    return waits


def enter(draft: Draft, member: Member, answer: Received) -> None:
    """A signal that waited, and fires, is decided like a new one; its earlier incident has it again if it
    isn't over."""
    assert member.waits is not None
    signal = waiting.signal_of(member)
    earlier = draft.rows.member(member.waits.before)
    incident = draft.rows.incident(earlier.incident) if earlier is not None else None
    if incident is not None:
        incident = close_if_over(draft, incident)
    if earlier is not None and incident is not None and incident.state not in (State.CLOSED, State.MERGED):
        draft.emit_about(WAITING, e.WaitEnded(sid=member.sid, because=f"it goes on as {earlier.handle}"))
        answer.count(_fires_again(draft, incident, earlier, signal), incident.number)
        return
    settings = draft.configuration.sources.get(member.source)
    place(draft, settings, member.source, member.key, member.service, signal, answer, waited=member)


def _news(draft: Draft, incident: Incident, member: Member, signal: Signal) -> str:
    """A report of a running episode that brings new evidence or another wording."""
    stale = member.status is MemberStatus.STALE
    if (signal.unreadable or member.source == OWN or stale) and not incident.state.active:
        return _fires_again(draft, incident, member, signal)
    if stale:
        incident = draft.emit(incident.number, _fired(signal, member.sid))
        if signal.labels == member.labels:
            _judge(draft, incident, member, signal)
            return "updates"
    incident = draft.emit(
        incident.number,
        e.SignalChanged(
            sid=member.sid,
            impact=signal.impact,
            title=signal.title if signal.title != member.title else "",
            labels=signal.labels if signal.labels != member.labels else None,
            starts_at=signal.starts_at if signal.starts_at != member.starts_at else None,
            user=signal.user,
        ),
    )
    if incident.state.active:
        _judge(draft, incident, member, signal)
    return "updates"


def _fired(signal: Signal, sid: int) -> e.SignalFired:
    return e.SignalFired(
        sid=sid,
        starts_at=signal.starts_at,
        episode=signal.episode,
        impact=signal.impact,
        title=signal.title,
        url=signal.url,
        user=signal.user,
    )


def _fires_again(draft: Draft, incident: Incident, member: Member, signal: Signal) -> str:
    """A new episode of a known key: an update, or the incident opens again."""
    was_unconfirmed, was_state, was_flapping = incident.unconfirmed, incident.state, incident.flapping
    incident = draft.emit(incident.number, _fired(signal, member.sid))
    incident, flapping = watch_flapping(draft, incident, member.sid)
    if was_state is State.RESOLVED:
        incident = end_pages(draft, incident, because="obsolete", keep_updates=False)
        incident = draft.emit(
            incident.number,
            reopening(draft, incident, because=f"{member.handle} fires again"),
        )
        incident = _judge(draft, incident, member, signal)
        if not any(run.next_at is not None for run in incident.paths):  # else a rise has begun them anew
            restart_paths(draft, incident, because=f"{member.handle} fires again")
        call(draft, draft.incident(incident.number))
        return "reopens"
    if not incident.state.active:
        return "updates"
    level_before = incident.level
    incident = _judge(draft, incident, member, signal)
    if incident.level != level_before:
        return "updates"
    if (
        was_unconfirmed
        and not incident.acknowledged_by
        and not any(run.next_at is not None for run in incident.paths)
        and not (was_flapping and all(run.quiet for run in incident.paths))
    ):
        restart_paths(draft, incident, because=f"{member.handle} fires again")
    elif not flapping:
        tell_holders(draft, incident, text=f"{member.title} fires again ({member.handle}).")
    return "updates"


def _resolved(draft: Draft, incident: Incident, member: Member, signal: Signal) -> str:
    incident = draft.emit(
        incident.number,
        e.SignalResolved(sid=member.sid, ends_at=signal.ends_at, because=signal.note),
    )
    incident, _ = watch_flapping(draft, incident, member.sid)
    all_quiet(draft, ease(draft, incident))
    return "resolves"


def _close_group(draft: Draft, source: str, group: str, ends_at: datetime | None, answer: Received) -> None:
    """The sender said that its whole group is resolved, also what it did not name."""
    for member in draft.rows.firing_of(source, group):
        if member.waits is not None:
            waiting.end_episode(draft, member, ends_at=ends_at, because="its group is resolved")
            answer.count("resolves")
            continue
        incident = draft.rows.incident(member.incident)
        if incident is not None:
            unnamed = Signal(
                key="", status=Status.RESOLVED, title="", note="its group is resolved", ends_at=ends_at
            )
            answer.count(_resolved(draft, incident, member, unnamed), incident.number)


def _judge(draft: Draft, incident: Incident, member: Member, signal: Signal) -> Incident:
    """Decide the level again on the evidence of this signal."""
    if given(member.source, member.key):
        return incident
    share = measured(draft, incident)
    verdict = verdict_on(
        draft,
        facts_of(
            draft, source=member.source, service=member.service, status=signal.status.value,
            title=signal.title, text=signal.text, labels=signal.labels, project=signal.project,
            share=share, incident=incident, count=member.count + 1, joining=False,
        ),
    )  # fmt: skip
    return ease(draft, decide_again(draft, incident, verdict, share), verdict)
