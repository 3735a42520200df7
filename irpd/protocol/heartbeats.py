"""Monitors that must report: who is expected, what silence means, and what a report ends.

When the shell finds a monitor overdue, a signal of the source ``heartbeat`` fires and goes the way of every
signal; when it reports again, that resolves. The shell keeps the time: it alone knows how long irpd itself
wasn't there.
"""

from irpd.model import command as c
from irpd.model import event as e
from irpd.model.command import Refusal
from irpd.model.heartbeat import HEARTBEAT, MONITOR, Heartbeat
from irpd.model.incident import Member, MemberStatus
from irpd.model.signal import OWN, Signal, Status
from irpd.protocol.draft import Draft
from irpd.protocol.evolve_heartbeats import HEARTBEATS
from irpd.protocol.monitors import Monitor, monitor
from irpd.protocol.placing import Received
from irpd.protocol.receive import receive

#: Sources of signals that irpd itself makes: no receipt has them.
OWN_SOURCES = (OWN, HEARTBEAT)


def fires(member: Member | None) -> bool:
    """Whether this is the signal of a monitor that is silent now, in an incident or muted."""
    return member is not None and member.status is not MemberStatus.RESOLVED


def key_of(name: str) -> str:
    """The key of the signal of a monitor's silence, its source in front."""
    return f"{HEARTBEAT}/{name}"


def follow(draft: Draft, answer: Received) -> None:
    """The files name other monitors than before: new ones are expected from now on, what is gone is over."""
    wanted = draft.configuration.heartbeats
    known = {row.name for row in draft.rows.all_standing(Heartbeat)}
    added = tuple(name for name in wanted if name not in known)
    dropped = tuple(sorted(known - set(wanted)))
    if added or dropped:
        draft.emit_about(HEARTBEATS, e.HeartbeatsExpected(added=added, dropped=dropped))
    waiting = (draft.rows.member(sid) for sid in draft.rows.all_waiting())
    for member in (*draft.rows.firing_now(), *(one for one in waiting if one is not None)):
        name = member.key.partition("/")[2]
        if member.source == HEARTBEAT and monitor(draft.configuration, name) is None:
            for number in _over(draft, name, note="It is expected no more.").incidents:
                answer.count("resolved", number)


def reported(draft: Draft, command: c.HeartbeatReported) -> Received:
    """A monitor has reported. Raises Refusal if nobody expects it."""
    _seen(draft, _expected(draft, command.name))
    sid = draft.rows.sid_of(key_of(command.name))
    if not fires(draft.rows.member(sid) if sid is not None else None):
        return Received()
    return _over(draft, command.name, note="It has reported again.")


def missed(draft: Draft, command: c.HeartbeatMissed) -> Received:
    """A monitor is overdue, or says itself that it failed. Raises Refusal if nobody expects it."""
    expected = _expected(draft, command.name)
    if command.failed:
        _seen(draft, expected)
    labels = {**expected.labels, MONITOR: command.name}
    if expected.source:
        labels["source"] = expected.source
    about = Signal(key=command.name, status=Status.FIRING, title=expected.title, labels=dict(expected.labels))
    service = expected.service or draft.policy.services.service_for(expected.source, about)[0]
    signal = Signal(
        key=command.name,
        status=Status.FIRING,
        title=f"{command.name} says that it failed" if command.failed else expected.title,
        text=command.text or f"It should report {expected.allowance}.",
        labels=labels,
        starts_at=draft.now,
        service=service,
        runbook=expected.runbook,
    )
    return receive(draft, c.Receive(receipt=0, source=HEARTBEAT, signals=(signal,)))


def _seen(draft: Draft, expected: Monitor) -> None:
    if expected.kept and draft.rows.stands(Heartbeat, expected.name) is not None:
        draft.emit_about(HEARTBEATS, e.HeartbeatSeen(name=expected.name))


def _expected(draft: Draft, name: str) -> Monitor:
    expected = monitor(draft.configuration, name)
    if expected is None:
        raise Refusal("not-found", f"no heartbeat {name[:80]!r} is expected")
    return expected


def _over(draft: Draft, name: str, *, note: str) -> Received:
    signal = Signal(key=name, status=Status.RESOLVED, title="", note=note)
    return receive(draft, c.Receive(receipt=0, source=HEARTBEAT, signals=(signal,)))
