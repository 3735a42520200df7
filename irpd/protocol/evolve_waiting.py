"""How events change the signals that wait outside any incident, and the silences.

A waiting signal's status says whether it fires (held or muted) or is resolved; ``waits`` is there from its
first event to its last. What it was is kept when it comes into an incident: its number, its changes, its
count.
"""

from datetime import datetime
from typing import assert_never

from msgspec.structs import replace

from irpd.model import event as e
from irpd.model.incident import Member, MemberStatus
from irpd.model.share import NOBODY
from irpd.model.waits import Silence, WaitKind, Waits
from irpd.protocol.reported import changed, fired, resolved
from irpd.protocol.rows import Rows, Torn
from irpd.triage.distinct import added
from irpd.triage.evidence import first_count

#: The subjects of these events.
WAITING = "waiting"
SILENCES = "silences"

WaitingEvent = (
    e.SignalWaits | e.WaitChanged | e.WaitEnded | e.SignalFired | e.SignalResolved | e.SignalChanged
    | e.SilenceAdded | e.SilenceEnded
)  # fmt: skip


def evolve_waiting(rows: Rows, event: e.AnyEvent, at: datetime) -> None:
    """Apply one event of these subjects. Raises Torn if it speaks of what isn't there."""
    if not isinstance(event, WaitingEvent):
        raise Torn(f"{type(event).__name__} can't happen to what waits")
    match event:
        case e.SignalWaits():
            _begin(rows, event, at)
        case e.WaitChanged():
            member = _waiting(rows, event.sid)
            rows.put_waiting(replace(member, waits=event.waits, status=_status(event.waits)))
        case e.WaitEnded():
            member = _waiting(rows, event.sid)
            before = member.waits.before if member.waits is not None else 0
            rows.put_waiting(replace(member, status=MemberStatus.RESOLVED, waits=None))
            if rows.member(before) is not None:
                rows.keys[member.key] = before
        case e.SignalFired():
            member = _waiting(rows, event.sid)
            assert member.waits is not None
            waits = replace(member.waits, since=at)
            again = replace(fired(member, event, at), waits=waits, status=_status(waits))
            rows.put_waiting(_heard(again, event.user, at))
        case e.SignalResolved():
            member = _waiting(rows, event.sid)
            # Only what fires counts as reported: a hold's or_count is of those.
            rows.put_waiting(replace(resolved(member, event, at), count=member.count))
        case e.SignalChanged():
            rows.put_waiting(_heard(changed(_waiting(rows, event.sid), event, at), event.user, at))
        case e.SilenceAdded():
            for silence in rows.all_standing(Silence):
                if silence.until <= at:
                    rows.drop_standing(silence)
            rows.put_standing(event.silence)
            rows.counters["silence"] = event.silence.id
        case e.SilenceEnded():
            ended = rows.stands(Silence, event.id)
            if ended is None:
                raise Torn(f"silence {event.id} does not exist")
            rows.put_standing(replace(ended, until=at))
        case _:
            assert_never(event)


def let_in(rows: Rows, member: Member, event: e.SignalMoved) -> Member:
    """The row of a signal that comes out of waiting, as it is in its incident."""
    if member.waits is None or member.incident:
        raise Torn(f"signal {member.sid} did not wait")
    rows.waiting[member.sid] = None
    firing = member.status is not MemberStatus.RESOLVED
    status = MemberStatus.FIRING if firing else member.status
    return replace(member, waits=None, status=status, why=event.why)


def _waiting(rows: Rows, sid: int) -> Member:
    member = rows.member(sid)
    if member is None or member.waits is None:
        raise Torn(f"signal {sid} does not wait")
    return member


def _heard(member: Member, user: str | None, at: datetime) -> Member:
    """With what it says of users, so that it is known when the signal comes into an incident."""
    if member.impact.known and member.users_before is None:
        member = replace(member, users_before=first_count(member.impact, member.starts_at, at))
    return member if user is None else replace(member, people=added(member.people, user))


def _status(waits: Waits) -> MemberStatus:
    return MemberStatus.HELD if waits.kind is WaitKind.HOLD else MemberStatus.MUTED


def first_row(
    event: e.SignalJoined | e.SignalWaits, *, incident: int, n: int, status: MemberStatus, at: datetime
) -> Member:
    """The row of a signal that has just come, in an incident (0: in none)."""
    return Member(
        sid=event.sid,
        incident=incident,
        n=n,
        key=event.key,
        source=event.source,
        status=status,
        title=event.title,
        service=event.service,
        first_seen=at,
        last_seen=at,
        labels=event.labels,
        text=event.text,
        starts_at=event.starts_at,
        episode=event.episode,
        sender_group=event.sender_group,
        impact=event.impact,
        users_before=first_count(event.impact, event.starts_at, at) if event.impact.known else None,
        people=added(NOBODY, event.user) if event.user is not None else NOBODY,
        reporter=event.reporter,
        project=event.project,
        url=event.url,
        runbook=event.runbook,
        dashboard=event.dashboard,
        why=event.why if isinstance(event, e.SignalJoined) else "",
        waits=event.waits if isinstance(event, e.SignalWaits) else None,
    )


def _begin(rows: Rows, event: e.SignalWaits, at: datetime) -> None:
    rows.put_waiting(first_row(event, incident=0, n=0, status=_status(event.waits), at=at))
    rows.counters["sid"] = event.sid
