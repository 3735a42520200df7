"""What must hold of signals that wait outside any incident: held, silenced, in a window, behind an outage.

Nothing that waits is lost: it ends as resolved, or in exactly one incident. A silence mutes what fits and
nothing else, for as long as it says. What rules and windows mean is said here once more (``worlds``).
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from irpd.model import command as c
from irpd.model import event as e
from irpd.model.incident import Incident, Member, MemberStatus
from irpd.model.waits import Silence, WaitKind, Waits
from irpd.protocol.rows import Rows
from simulation.judged import Decision, holds
from simulation.worlds import HOLDS, WINDOW, WINDOWED

_NAMES = {
    WaitKind.HOLD: "held", WaitKind.SILENCE: "silenced", WaitKind.WINDOW: "windowed",
    WaitKind.DEPENDENCY: "depended",
}  # fmt: skip
#: Why a signal that a silence fits comes in all the same: it can't be read, or irpd itself says it.
_NEVER_MUTED = ("unreadable", "set-aside")
_FIRES = (MemberStatus.FIRING, MemberStatus.STALE)


def check(decision: Decision) -> Iterator[str]:
    """Raises Violation. What was met."""
    resolved: set[int] = set()
    for n, (subject, event) in enumerate(decision.events):
        match event:
            case e.SignalWaits():
                _reason(decision, event.waits, event.source, event.service, event.labels, event.key)
                earlier = decision.after.member(event.waits.before)
                fires = earlier is not None and earlier.status in _FIRES
                holds(not fires, "waits", f"{event.key} waits, and fires in #{earlier and earlier.incident}")
                yield _NAMES[event.waits.kind]
            case e.WaitChanged():
                row = decision.after.member(event.sid)
                assert row is not None
                _reason(decision, event.waits, row.source, row.service, row.labels, row.key)
                yield "waits-on"
            case e.SignalMuted() if isinstance(decision.command, c.AddSilence):
                row = decision.after.member(event.sid)
                assert row is not None
                fits = any(_fits(one, row.source, row.service, row.labels) for one in _in_force(decision))
                holds(fits, "silences", f"{row.key} was muted and no silence fits it")
            case e.SignalResolved():
                resolved.add(event.sid)
                if subject == "waiting":
                    yield "resolved-in-silence"
            case e.WaitEnded() if event.sid not in resolved:
                _ends(decision, event.sid, n)
            case e.SignalJoined():
                _ignored(decision, event.key)
                _unmuted(decision, event.key, event.source, event.service, event.labels)
            case e.SignalFired() if subject != "waiting" and isinstance(decision.command, c.Receive):
                was = decision.before.member(event.sid)
                if was is not None and was.status not in _FIRES:
                    _unmuted(decision, was.key, was.source, was.service, was.labels)
            case e.SignalMoved() if event.out_of == 0:
                row = decision.after.member(event.sid)
                assert row is not None
                holds(row.incident and row.status in (*_FIRES, MemberStatus.RESOLVED, MemberStatus.MUTED),
                      "waits", f"{row.key} came in as {row.status} of #{row.incident}")  # fmt: skip
                _unmuted(decision, row.key, row.source, row.service, row.labels)
                yield "came-in"
            case _:
                pass


def _ignored(decision: Decision, key: str) -> None:
    """Where somebody at the sender said to ignore it, one more event of it opens nothing, ever."""
    command = decision.command
    if not isinstance(command, c.Receive):
        return
    said = [signal for signal in command.signals if f"{command.source}/{signal.key}" == key]
    if not said or not all(signal.occurrence for signal in said):
        return
    sid = decision.before.sid_of(key)
    row = decision.before.member(sid) if sid is not None else decision.last(key)
    ignored = row is not None and row.status is MemberStatus.MUTED and row.waits is None
    holds(not ignored, "ignored", f"{key} is ignored by its sender, and one more event of it came in")


def _ends(decision: Decision, sid: int, n: int) -> None:
    """What still fires when its wait ends goes on in its earlier incident, at once."""
    was = decision.before.member(sid)
    if was is None or was.status is MemberStatus.RESOLVED:
        return
    before = was.waits.before if was.waits is not None else 0
    later = [event for _, event in decision.events[n + 1 :]]
    goes_on = any(isinstance(event, e.SignalFired) and event.sid == before for event in later)
    holds(goes_on, "waits", f"{was.key} waited and fires, and is in no incident now")


def _in_force(decision: Decision) -> list[Silence]:
    return [one for one in decision.after.all_standing(Silence) if one.until > decision.now]


def _fits(silence: Silence, source: str, service: str, labels: Mapping[str, str]) -> bool:
    said = {"source": source, "service": service}
    said |= {f"labels.{name}": value for name, value in labels.items()}
    return all(said.get(field, "") in values for field, values in silence.match.items())


def _unmuted(decision: Decision, key: str, source: str, service: str, labels: Mapping[str, str]) -> None:
    """Nothing that a silence fits comes into an incident while the silence is in force."""
    if source == "irpd" or key.rpartition("/")[2] in _NEVER_MUTED:
        return
    for silence in _in_force(decision):
        muted = _fits(silence, source, service, labels)
        holds(not muted, "silences", f"{key} came in, silence {silence.id} ({silence.match}) fits it")


def _reason(
    decision: Decision, waits: Waits, source: str, service: str, labels: Mapping[str, str], key: str
) -> None:
    """It waits for what the files, a person or an outage say, and for no longer."""
    now, until = decision.now, waits.until
    match waits.kind:
        case WaitKind.SILENCE:
            silence = next((one for one in _in_force(decision) if str(one.id) == waits.by), None)
            holds(silence is not None, "silences", f"{key} is muted by silence {waits.by}, not in force")
            assert silence is not None
            fits = _fits(silence, source, service, labels)
            holds(fits, "silences", f"{key} is muted by silence {waits.by}: {silence.match}")
            holds(until == silence.until, "silences", f"{key} is muted until {until}, not {silence.until}")
        case WaitKind.HOLD:
            meant = waits.since + timedelta(seconds=HOLDS.get(waits.by, 0.0))
            holds(until == meant and now < meant, "waits", f"{key} is held by {waits.by} until {until}")
        case WaitKind.WINDOW:
            begins, ends, zone = WINDOW
            local = now.astimezone(ZoneInfo(zone)).time()
            holds(service in WINDOWED and begins <= local < ends, "waits", f"{key} of {service}, at {local}")
            over = until is not None and until > now and until.astimezone(ZoneInfo(zone)).time() == ends
            holds(over, "waits", f"{key}: the window is open until {until}")
        case WaitKind.DEPENDENCY:
            incident = decision.after.incident(int(waits.by))
            broken = (
                incident is not None and incident.state.active and incident.level <= 2 and incident.firing
            )
            of = incident.services if incident is not None else ()
            holds(broken and service == "search" and "checkout" in of, "waits", f"{key} of {service}: {of}")


def due_at(rows: Rows, row: Member, changed_at: Mapping[int, datetime]) -> datetime | None:
    """When a signal that waits must be looked at; None while only the end of an incident is awaited.
    ``changed_at`` says when something last happened to an incident."""
    waits = row.waits
    assert waits is not None
    if row.status is MemberStatus.RESOLVED:
        return (row.resolved_seen_at or row.last_seen) + timedelta(seconds=waits.linger)
    if waits.kind is WaitKind.SILENCE:
        silence = rows.stands(Silence, waits.by)
        return silence.until if silence is not None else waits.until
    if waits.kind is WaitKind.DEPENDENCY:
        incident = rows.incidents[int(waits.by)]
        return None if _broken(incident) else changed_at[incident.number]
    return waits.until


def _broken(incident: Incident) -> bool:
    """Whether it mutes what depends on its services."""
    return incident.state.active and incident.level <= 2 and incident.firing > 0
