"""What the signals of a receipt lead to: repeats, joins, new episodes, resolutions.

For each signal: a key that is known continues its incident; a new firing key joins the open
incident of its group, or opens one. A repeat of a known episode that brings no new evidence
changes only counters, and all of one receipt's repeats share one event.

Source of the rules on episodes and lateness: the senders' behaviour recorded in
``docs/reference/senders.md``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from msgspec.structs import replace

from irpd.config.values import Configuration, Source
from irpd.model import event as e
from irpd.model.command import Receive
from irpd.model.incident import Incident, LevelBy, Member, MemberStatus, State
from irpd.model.level import Level
from irpd.model.share import UNKNOWN, Share
from irpd.model.signal import Signal, Status
from irpd.model.waits import WaitKind, Waits
from irpd.protocol import storm, waiting
from irpd.protocol.answers import ease
from irpd.protocol.draft import Draft
from irpd.protocol.evolve_waiting import WAITING
from irpd.protocol.levels import (
    decide_again,
    facts_of,
    lower_after,
    measured,
    measured_first,
    minutes_open,
    verdict_on,
)
from irpd.protocol.objectives import respond_by
from irpd.protocol.paging import OPERATORS, main_path, restart_paths, start_path, tell_holders
from irpd.protocol.quiet import all_quiet, close_if_over, settle, watch_flapping
from irpd.protocol.roles import filled
from irpd.protocol.waiting import OWN
from irpd.triage.distinct import is_new
from irpd.triage.facts import Facts
from irpd.triage.group import Group, group_for
from irpd.triage.level import Verdict

#: A firing report of an episode that was resolved is late, not new, within this time.
LATE = timedelta(seconds=60)


@dataclass(slots=True)
class Received:
    """The answer: which incidents were touched, and how many signals had which outcome."""

    incidents: dict[int, None] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    unmapped: int = 0

    def count(self, outcome: str, incident: int | None = None) -> None:
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        if incident is not None:
            self.incidents[incident] = None


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
            _unknown(draft, command.source, key, signal, answer)
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
            _unknown(draft, member.source, member.key, signal, answer)  # its incident is over: a new one
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
        _unknown(draft, member.source, member.key, signal, answer)
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
    _place(draft, settings, member.source, member.key, member.service, signal, answer, waited=member)


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
        incident = draft.emit(
            incident.number,
            e.Reopened(because=f"{member.handle} fires again", respond_by=respond_by(draft, incident.level)),
        )
        incident = _judge(draft, incident, member, signal)
        if not any(run.next_at is not None for run in incident.paths):  # else a rise has begun them anew
            restart_paths(draft, incident, because=f"{member.handle} fires again")
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


# ------------------------------------------------------------------ new keys
def _unknown(draft: Draft, source: str, key: str, signal: Signal, answer: Received) -> None:
    if signal.status is not Status.FIRING:
        answer.count("ignored")  # nothing is known of it: a resolved, a comment opens nothing
        return
    settings = draft.configuration.sources.get(source)
    service, by = _service(draft, source, signal)
    if by == "unmapped":
        answer.unmapped += 1
    if signal.unreadable:
        incident = _open_unreadable(draft, settings, source, key, service, signal)
        answer.count("unreadable", incident.number)
        return
    _place(draft, settings, source, key, service, signal, answer)


def _place(
    draft: Draft, settings: Source | None, source: str, key: str, service: str, signal: Signal,
    answer: Received, *, waited: Member | None = None,
) -> None:  # fmt: skip
    """Where a new key belongs: it waits, joins or opens. ``waited`` is its row if it has waited before."""
    probe = facts_of(
        draft, source=source, service=service, status=signal.status.value, title=signal.title,
        text=signal.text, labels=signal.labels, project=signal.project, share=UNKNOWN, incident=None,
    )  # fmt: skip
    if waited is None and waiting.anything_mutes(draft):
        waits = waiting.reason_to_wait(draft, probe)
        if waits is not None:
            answer.count(waiting.begin(draft, waits, source=source, key=key, service=service, signal=signal))
            return
    group = _group(draft, probe, key)
    joins = route(draft, group)
    if joins is None:
        broken = _broken_by(draft, service)
        if broken is not None:
            why = f"{broken.services[0]} depends on {service}"
            _join(draft, broken, source, key, service, signal, why, probe, waited)
            answer.count("joins", broken.number)
            return
        running = _running_storm(draft)
        if running is not None:
            _join(draft, running, source, key, service, signal, storm.why(draft), probe, waited)
            storm.spread(draft, draft.incident(running.number), service, source)
            answer.count("joins", running.number)
            return
        incident = _open(draft, settings, source, key, service, signal, group, probe, waited)
        answer.count("opens", incident.number)
    else:
        why = f"group {group.rule}: " + ", ".join(group.values)
        _join(draft, joins, source, key, service, signal, why, probe, waited)
        answer.count("joins", joins.number)


def _running_storm(draft: Draft) -> Incident | None:
    settings = storm.settings_of(draft)
    return route(draft, storm.group_of(settings)) if settings is not None else None


def _service(draft: Draft, source: str, signal: Signal) -> tuple[str, str]:
    if signal.unreadable:
        return draft.configuration.unmapped, "unreadable"
    try:
        return draft.policy.services.service_for(source, signal)
    except Exception as error:  # whatever it raises: a report is unmapped then, never lost
        draft.defects.append(("service", error))
        return draft.configuration.unmapped, "unmapped"


def _group(draft: Draft, probe: Facts, key: str) -> Group:
    try:
        return group_for(draft.policy.ruleset, probe, key)
    except Exception as error:  # whatever it raises: what can't be grouped is an incident of its own
        draft.defects.append(("group", error))
        return Group(key=key)


def route(draft: Draft, group: Group) -> Incident | None:
    """The open incident that a new key of this group joins; None: it opens one of its own.

    A new key joins only while the incident is open or acknowledged, its last signal is no
    older than the group's ``within`` and its first no older than ``at_most``.
    """
    if not group.rule:
        return None
    return next((one for one in draft.rows.group(group.key) if _takes(one, group, draft.now)), None)


def _broken_by(draft: Draft, service: str) -> Incident | None:
    """The open incident of a service that this one breaks, where the files say that its signals join it."""
    within = timedelta(seconds=draft.configuration.timing.joins_within)
    for one in draft.rows.taking(service):
        if one.last_signal_at is None or draft.now - one.last_signal_at <= within:
            return one
    return None


def breakers(configuration: Configuration, service: str) -> tuple[str, ...]:
    """The services whose signals join an incident of this one: those it depends on, and what they do."""
    found: dict[str, None] = {}
    waiting = [service]
    while waiting:
        settings = configuration.services.get(waiting.pop())
        for name, effect in settings.depends_on.items() if settings is not None else ():
            if effect == "joins" and name not in found and name != service:
                found[name] = None
                waiting.append(name)
    return tuple(sorted(found))


def _takes(incident: Incident, group: Group, now: datetime) -> bool:
    first, last = incident.first_signal_at, incident.last_signal_at
    if group.within and last is not None and now - last > timedelta(seconds=group.within):
        return False
    return not (group.at_most and first is not None and now - first > timedelta(seconds=group.at_most))


def _joined(
    draft: Draft, number: int, n: int, source: str, key: str, service: str, signal: Signal, why: str
) -> e.SignalJoined:
    return e.SignalJoined(
        sid=draft.rows.counter("sid") + 1,
        n=n,
        key=key,
        source=source,
        title=signal.title,
        service=service,
        labels=signal.labels,
        text=signal.text or signal.unreadable,
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
        why=why,
    )


def _moved(draft: Draft, waited: Member, n: int, why: str) -> e.SignalMoved:
    came = waiting.why_it_came(waited, draft.now)
    return e.SignalMoved(sid=waited.sid, n=n, out_of=0, why=f"{why}; {came}")


def _open(
    draft: Draft, settings: Source | None, source: str, key: str, service: str, signal: Signal,
    group: Group, probe: Facts, waited: Member | None,
) -> Incident:  # fmt: skip
    reporters = int(signal.reporter is not None)
    share = measured_first(draft, service, signal)
    verdict = verdict_on(draft, replace(probe, share=share, reporters=reporters))
    title, why = signal.title, "opened it"
    stormy = storm.settings_of(draft)
    parts = storm.becomes(draft, stormy) if stormy is not None else None
    if parts is not None and stormy is not None:
        verdict, group = storm.most_severe(verdict, parts), storm.group_of(stormy)
        title, why = storm.titled(draft, title), storm.why(draft)
    incident = open_incident(
        draft,
        title=title,
        service=service,
        source=source,
        verdict=verdict,
        share=share,
        group=group,
        first=(key, signal),
        detected_by=_detected_by(settings),
        why=why,
        waited=waited,
    )
    return ease(draft, storm.gather(draft, incident, parts)) if parts else incident


def _open_unreadable(
    draft: Draft, settings: Source | None, source: str, key: str, service: str, signal: Signal
) -> Incident:
    level = settings.unreadable_level if settings is not None else 2
    verdict = Verdict(
        level=Level(level),
        level_by=LevelBy(kind="default", because=f"a report of {source} can't be read"),
        contributions=(),
        regimes=(),
    )
    return open_incident(
        draft, title=signal.title, service=service, source=source, verdict=verdict, share=UNKNOWN,
        group=Group(key=key), first=(key, signal), detected_by=_detected_by(settings), why="can't be read",
    )  # fmt: skip


def _detected_by(settings: Source | None) -> str:
    if settings is None:
        return "irpd"
    return settings.detected_by or ("user-report" if settings.ticket else "monitoring")


def open_incident(
    draft: Draft,
    *,
    title: str,
    service: str,
    source: str,
    verdict: Verdict,
    share: Share,
    group: Group | None,
    first: tuple[str, Signal] | None,
    detected_by: str,
    why: str = "",
    by: str = "",
    persons: Sequence[str] = (),
    waited: Member | None = None,
) -> Incident:
    """A new incident with its first signal, and its path under way.

    ``persons`` are paged instead of a configured path's steps (irpd's own operators).
    """
    configuration = draft.configuration
    number = draft.rows.counter("incident") + 1
    settings = configuration.services.get(service)
    regimes = (*verdict.regimes, *(settings.regimes if settings is not None else ()))
    incident = draft.emit(
        number,
        e.Opened(
            number=number,
            title=title,
            services=(service,),
            level=verdict.level,
            level_by=verdict.level_by,
            evidence_level=verdict.level,
            rules=verdict.contributions,
            share=share,
            source=source,
            detected_by=detected_by,
            config=draft.policy.hash,
            rules_hash=draft.policy.ruleset.hash,
            impact_from=first[1].starts_at if first is not None else None,
            group=group.key if group is not None and group.rule else None,
            group_rule=group.rule if group is not None else "",
            group_within=group.within if group is not None else 0.0,
            group_at_most=group.at_most if group is not None else 0.0,
            respond_by=respond_by(draft, verdict.level),
            quiet_for=configuration.timing.quiet,
            reopen_within=configuration.timing.reopen_within,
            regimes=tuple(dict.fromkeys(regimes)),
            by=by,
            roles=filled(draft, verdict.level, {}),
            lower_after=lower_after(draft, verdict),
            takes=breakers(configuration, service),
        ),
    )
    if first is not None:
        key, signal = first
        incident = draft.emit(
            number,
            _moved(draft, waited, 1, why)
            if waited is not None
            else _joined(draft, number, 1, source, key, service, signal, why),
        )
        if waited is not None:
            incident, _ = watch_flapping(draft, incident, waited.sid)
    name = OPERATORS if persons else main_path(draft, incident) or "fallback"
    return start_path(draft, incident, name, because="opened", persons=persons)


def _join(
    draft: Draft, incident: Incident, source: str, key: str, service: str, signal: Signal,
    why: str, probe: Facts, waited: Member | None,
) -> None:  # fmt: skip
    n = incident.handles + 1
    before = incident.level
    incident = draft.emit(
        incident.number,
        _moved(draft, waited, n, why)
        if waited is not None
        else _joined(draft, incident.number, n, source, key, service, signal, why),
    )
    share = measured(draft, incident)
    facts = replace(
        probe, share=share, reporters=incident.reporters, signals=incident.members,
        open_minutes=minutes_open(draft, incident),
    )  # fmt: skip
    verdict = verdict_on(draft, facts)
    incident = ease(draft, decide_again(draft, incident, verdict, share), verdict)
    if incident.level == before and incident.acknowledged_by:
        tell_holders(draft, incident, text=f"Another signal joined: {signal.title} ({incident.number}.{n}).")
    else:
        settle(draft, incident)


def _judge(draft: Draft, incident: Incident, member: Member, signal: Signal) -> Incident:
    """Decide the level again on the evidence of this signal."""
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
