"""When the noise ends: all signals resolved, signals that flap, and what has to follow.

At level 3-4 an incident whose signals have all resolved stops paging and ends by itself after
its quiet time; at level 1-2 a person confirms. While a signal flaps its silences don't count:
the path goes on as if it fired all the time, so that it pages once and not once a flap.
"""

from datetime import datetime, timedelta

from irpd.config.duration import format_duration
from irpd.model import event as e
from irpd.model.incident import Incident, Member, MemberStatus, RunState, State
from irpd.protocol.draft import Draft
from irpd.protocol.messages import withdraw
from irpd.protocol.paging import end_pages, restart_paths, stop_paths, tell_holders
from irpd.protocol.reporting import ask_for_report

#: What is over isn't closed for so long while somebody is to approve a message of its end.
DRAFTS_WAIT = timedelta(hours=24)


def reopen_ends(incident: Incident) -> datetime | None:
    """Until when a signal that fires again opens a resolved incident again."""
    if incident.state is not State.RESOLVED or incident.resolved_at is None:
        return None
    return incident.resolved_at + timedelta(seconds=incident.reopen_within)


def closes_at(incident: Incident) -> datetime | None:
    """When a resolved incident is closed if nothing happens: not before its last messages had their time, and
    drafts of them theirs."""
    ends, sending = reopen_ends(incident), incident.response.sending_until
    if ends is None or incident.resolved_at is None:
        return None
    drafts = incident.resolved_at + DRAFTS_WAIT if incident.response.drafts else ends
    return max(ends, drafts, sending or ends)


def close_if_over(draft: Draft, incident: Incident) -> Incident:
    """Close a resolved incident whose window is over, whatever it is that looks at it first."""
    ends = reopen_ends(incident)
    if ends is None or ends > draft.now:
        return incident
    return close_now(draft, incident)


def close_now(draft: Draft, incident: Incident, *, by: str = "") -> Incident:
    """It leaves memory with its pages: what was not sent by now must not end without a word."""
    incident = end_pages(draft, incident, because="obsolete", keep_updates=False)
    for audience in list(incident.response.drafts):
        incident = withdraw(draft, incident, audience, because="closed before somebody approved it")
    return ask_for_report(draft, draft.emit(incident.number, e.Closed(by=by)))


def all_quiet(draft: Draft, incident: Incident, *, muted: bool = False) -> Incident:
    """If all signals are resolved: at level 3-4 paging stops, at 1-2 who has it is asked to confirm.

    ``muted``: a person has just silenced what fired, so that paging stops at every level."""
    if not incident.unconfirmed or (incident.flapping and not muted):
        return incident
    if muted:
        incident = stop_paths(draft, incident, because="all that fires is muted")
        incident = end_pages(draft, incident, because="obsolete")
        return tell_holders(draft, incident, text="All that fires is muted. Confirm that it is over.")
    if incident.level.urgent:
        return tell_holders(draft, incident, text="All signals are resolved. Confirm that it is over.")
    incident = stop_paths(draft, incident, because="all signals resolved")
    return end_pages(draft, incident, because="obsolete")


def ask_for_a_word(draft: Draft, incident: Incident) -> Incident:
    """What ends only by a person's word has somebody who is asked for it: a silence had stopped the path, and
    what it muted has resolved or was taken out."""
    if not incident.unconfirmed or not incident.level.urgent or incident.acknowledged_by:
        return incident
    if any(run.state is RunState.RUNNING for run in incident.paths):
        return incident
    if any(mutes_still(draft, member) for member in draft.rows.members_of(incident)):
        return incident
    return restart_paths(draft, incident, because="all signals resolved, and nobody has confirmed")


def mutes_still(draft: Draft, earlier: Member) -> bool:
    """Whether this signal of an incident is muted there, and fires."""
    sid = draft.rows.sid_of(earlier.key) if earlier.status is MemberStatus.MUTED else None
    member = draft.rows.member(sid) if sid is not None else None
    return member is not None and member.waits is not None and member.status is not MemberStatus.RESOLVED


def settle(draft: Draft, incident: Incident) -> Incident:
    """After signals came or went by hand: what fires is paged, and what is quiet is not."""
    if not incident.state.active:
        return incident
    if incident.unconfirmed:
        return ask_for_a_word(draft, all_quiet(draft, incident))
    if not incident.firing or incident.acknowledged_by:
        return incident
    for run in incident.paths:
        if run.state is RunState.RUNNING or run.quiet:
            return incident
    return restart_paths(draft, incident, because="signals fire")


def watch_flapping(draft: Draft, incident: Incident, sid: int) -> tuple[Incident, bool]:
    """Mark a signal that changes too often; whether it flaps now."""
    timing = draft.configuration.timing
    member = draft.rows.member(sid)
    if member is None or member.flapping:
        return incident, member is not None
    since = draft.now - timedelta(seconds=timing.flap_window)
    if sum(1 for change in member.changes if change > since) < timing.flap_changes:
        return incident, False
    incident = draft.emit(
        incident.number, e.SignalFlapping(sid=sid, flapping=True, stable=timing.flap_stable)
    )
    stable = format_duration(timing.flap_stable)
    text = (
        f"{member.title} flaps ({member.handle}): you hear of it again when it has been stable for {stable}."
    )
    return tell_holders(draft, incident, text=text), True


def unmark_stable(draft: Draft, incident: Incident) -> Incident:
    """Unmark the signals that have been stable for long enough."""
    if incident.flap_until is None or incident.flap_until > draft.now:
        return incident
    stable = timedelta(seconds=incident.flap_stable)
    calm = [
        member
        for member in draft.rows.members_of(incident)
        if member.flapping and (not member.changes or member.changes[-1] + stable <= draft.now)
    ]
    for member in calm:
        incident = draft.emit(incident.number, e.SignalFlapping(sid=member.sid, flapping=False))
    if calm and incident.state.active and not incident.unconfirmed:  # else what follows says more
        what = f"{calm[0].title} ({calm[0].handle})" if len(calm) == 1 else f"{len(calm)} signals"
        incident = tell_holders(draft, incident, text=f"Stable again: {what}.")
    incident = all_quiet(draft, incident)
    return ask_for_a_word(draft, incident) if calm else incident
