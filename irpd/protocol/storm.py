"""Storms: when signals would open many incidents within minutes, those become one.

The incident that would be one too many is opened as the storm: what was opened before it within the time, and
that nobody has touched, becomes part of it, and so does each signal that would open another, until none has
been new for that time. All of it stays visible as the storm's signals; ``incident split`` takes some out
again.
Everyone whose path one of its services asks for is paged, each about the whole and at most once a minute,
also once others have it. What a storm must not swallow stands beside it as an incident of its own: a signal
that a rule keeps at level 1 whatever else is said (a breach), or that brings a regime the storm doesn't have.
"""

from datetime import timedelta

from msgspec.structs import replace

from irpd.config.duration import format_duration
from irpd.config.values import Storm
from irpd.model import event as e
from irpd.model.incident import Incident, Member
from irpd.model.level import Level
from irpd.model.signal import OWN
from irpd.protocol.answers import judged
from irpd.protocol.draft import Draft
from irpd.protocol.paging import end_pages, path_for, start_path, stop_paths
from irpd.protocol.rows import STORM
from irpd.triage.group import Group
from irpd.triage.level import Verdict

#: A storm takes no new signals after so long, however they trickle in.
LONGEST = timedelta(hours=4)


def settings_of(draft: Draft) -> Storm | None:
    """How storms are told; None where they aren't."""
    storm = draft.configuration.storm
    return storm if isinstance(storm, Storm) else None


def group_of(storm: Storm) -> Group:
    return Group(key=STORM, rule=STORM, within=storm.within, at_most=LONGEST.total_seconds())


def becomes(draft: Draft, storm: Storm, *, beside: Incident | None = None) -> list[Incident] | None:
    """If one incident more makes a storm: those that become part of it. None: it doesn't.

    Of those that stand ``beside`` a running storm only what was opened after it counts."""
    newest = draft.rows.counter("incident")
    since = draft.now - timedelta(seconds=storm.within)
    first = draft.rows.incident(newest - storm.incidents + 2)
    if first is None or first.opened_at < since or (beside is not None and first.number <= beside.number):
        return None
    return [
        incident
        for number in range(first.number, newest + 1)
        if (incident := draft.rows.incident(number)) is not None
        and _untouched(incident)
        and not _floored(judged(draft, incident, incident.share))
    ]


def _untouched(incident: Incident) -> bool:
    return (
        incident.state.active
        and not incident.acknowledged_by
        and not incident.person_level
        and incident.source not in ("", OWN)
        and incident.group != STORM
        and not incident.drill
    )


def stands_out(storm: Incident, verdict: Verdict) -> bool:
    """Whether a signal that rules say this of is no part of the storm: who works on that would not look."""
    return _floored(verdict) or not set(verdict.regimes) <= set(storm.regimes)


def _floored(verdict: Verdict | None) -> bool:
    """Whether a rule keeps it at level 1 whatever else is said."""
    rules = verdict.contributions if verdict is not None else ()
    return any(rule.result == "held" and rule.at_least == Level.CRITICAL for rule in rules)


def most_severe(verdict: Verdict, incidents: list[Incident]) -> Verdict:
    """What the storm opens with: the most severe of all that become part of it, and every regime."""
    regimes = dict.fromkeys(verdict.regimes)
    for incident in incidents:
        regimes |= dict.fromkeys(incident.regimes)
    worst = min(incidents, key=lambda incident: incident.level, default=None)
    if worst is not None and worst.level < verdict.level:
        verdict = _as_severe_as(verdict, worst)
    return Verdict(
        level=verdict.level, level_by=verdict.level_by, contributions=verdict.contributions,
        regimes=tuple(regimes),
    )  # fmt: skip


def _as_severe_as(verdict: Verdict, worst: Incident) -> Verdict:
    because = f"{worst.ref}, which became part of it: {worst.level_by.because}"
    return Verdict(
        level=worst.level, level_by=replace(worst.level_by, because=because),
        contributions=verdict.contributions, regimes=verdict.regimes, starts=verdict.starts,
    )  # fmt: skip


def titled(draft: Draft, title: str) -> str:
    storm = settings_of(draft)
    assert storm is not None
    # True for ever: a title never changes, and how many it has become since stands beside it.
    within = format_duration(storm.within)
    return f"Storm: {storm.incidents} or more incidents within {within}, such as {title}"[:300]


def why(draft: Draft) -> str:
    """Why a signal joined it."""
    storm = settings_of(draft)
    assert storm is not None
    return f"storm: {storm.incidents} incidents or more within {format_duration(storm.within)}"


def gather(draft: Draft, storm: Incident, incidents: list[Incident]) -> Incident:
    """These incidents become part of the storm, with all their signals."""
    for incident in incidents:
        because = f"part of storm {storm.ref}"
        incident = stop_paths(draft, incident, because=because)
        incident = end_pages(draft, incident, because="obsolete", keep_updates=False)
        for member in list(draft.rows.members_of(incident)):
            storm = _move(draft, member, storm)
        draft.emit(incident.number, e.Merged(into=storm.number))
        storm = spread(draft, storm, incident.services[0], incident.source)
    return storm


def _move(draft: Draft, member: Member, storm: Incident) -> Incident:
    draft.emit(member.incident, e.SignalLeft(sid=member.sid, into=storm.number))
    n = draft.incident(storm.number).handles + 1
    return draft.emit(
        storm.number, e.SignalMoved(sid=member.sid, n=n, out_of=member.incident, why=why(draft))
    )


def spread(draft: Draft, storm: Incident, service: str, source: str) -> Incident:
    """The path that this service asks for is under way too: those who have it so far are others."""
    name = path_for(draft, service, source) or "fallback"
    if any(run.name == name for run in storm.paths):
        return storm
    return start_path(draft, storm, name, because=f"the storm reached {service}")
