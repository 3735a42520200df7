"""What a report changes in a signal's row, wherever the signal is: in an incident, or waiting outside."""

from datetime import datetime

from msgspec.structs import replace

from irpd.model import event as e
from irpd.model.incident import Member, MemberStatus

#: How many status changes a signal's row remembers, to tell whether it flaps.
KEPT_CHANGES = 20


def fired(member: Member, event: e.SignalFired, at: datetime) -> Member:
    """A new episode begins."""
    return replace(
        member,
        status=MemberStatus.FIRING,
        starts_at=event.starts_at,
        ends_at=None,
        resolved_seen_at=None,
        episode=event.episode,
        impact=event.impact,
        title=event.title or member.title,
        url=event.url or member.url,
        count=member.count + 1,
        last_seen=at,
        changes=(*member.changes[1 - KEPT_CHANGES :], at),
    )


def resolved(member: Member, event: e.SignalResolved, at: datetime) -> Member:
    """Its episode is over."""
    return replace(
        member,
        status=MemberStatus.RESOLVED,
        ends_at=event.ends_at,
        resolved_seen_at=at,
        count=member.count + 1,
        last_seen=at,
        changes=(*member.changes[1 - KEPT_CHANGES :], at),
    )


def changed(member: Member, event: e.SignalChanged, at: datetime) -> Member:
    """Reported again, with other evidence or wording."""
    return replace(
        member,
        impact=event.impact if event.impact.known else member.impact,
        title=event.title or member.title,
        labels=member.labels if event.labels is None else event.labels,
        starts_at=event.starts_at or member.starts_at,
        count=member.count + 1,
        last_seen=at,
    )
