"""Levels: what evidence says, and when it may change what is in force.

A level goes up by evidence; down only by a person or a rule that says so. While a person's
level stands, evidence for a more severe one pages who commands, once per level.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from msgspec.structs import replace

from irpd.config.values import Configuration, Source
from irpd.model import event as e
from irpd.model.heartbeat import HEARTBEAT, MONITOR
from irpd.model.incident import Contribution, Incident, LevelBy
from irpd.model.level import Level
from irpd.model.page import PageKind
from irpd.model.share import NOBODY, UNKNOWN, Answer, Distinct, Impact, Part, Share
from irpd.model.signal import Signal
from irpd.oncall.reach import methods_for
from irpd.protocol.beside import start_beside
from irpd.protocol.draft import Draft
from irpd.protocol.monitors import monitor
from irpd.protocol.objectives import rebased, respond_by
from irpd.protocol.paging import (
    end_pages,
    page_person,
    restart_paths,
    stop_paths,
    urgent_from,
)
from irpd.protocol.roles import call, commanders, filled
from irpd.triage.distinct import added, counted
from irpd.triage.estimate import People, estimate
from irpd.triage.evidence import during, first_count, heard
from irpd.triage.facts import Facts
from irpd.triage.level import Verdict, level_for

_MINUTE = timedelta(minutes=1)


def users_of(draft: Draft, service: str) -> int | None:
    settings = draft.configuration.services.get(service)
    return settings.users.known if settings is not None and settings.users is not None else None


def share_of(
    draft: Draft,
    services: Iterable[str],
    parts: tuple[Part, ...],
    answers: tuple[Answer, ...] = (),
    people: Distinct = NOBODY,
    reporters: int = 0,
) -> Share:
    """The share of users on all this evidence, by the numbers of users that are known now."""
    if not (parts or answers or people):
        return UNKNOWN
    population = tuple((service, users_of(draft, service)) for service in services)
    count = counted(people) if people else None
    method = "people" if count is not None and count.value > reporters else "reporters"
    return estimate(population, parts, answers, People(count, method) if count is not None else None)


def measured(draft: Draft, incident: Incident) -> Share:
    """The incident's share on everything that was heard of it so far."""
    return share_of(
        draft, incident.services, incident.parts, incident.answers, incident.people, incident.reporters
    )


def measured_first(draft: Draft, service: str, signal: Signal) -> Share:
    """The share on what the first signal of an incident says."""
    person = signal.user or signal.reporter
    if person is None and not signal.impact.known:
        return UNKNOWN
    impact = during(signal.impact, first_count(signal.impact, signal.starts_at, draft.now))
    people = added(NOBODY, person) if person is not None else NOBODY
    return share_of(
        draft, (service,), heard((), service, Impact(), impact), (), people, int(signal.reporter is not None)
    )


def verdict_on(draft: Draft, facts: Facts) -> Verdict:
    """What the rules say. If judging itself fails, the level is 2 for monitoring (rule 9)."""
    source = draft.configuration.sources.get(facts.source)
    default = source.default if source is not None else _own_level(draft.configuration, facts)
    try:
        return level_for(
            draft.policy.ruleset, facts, default=default, default_because=_default_because(facts, source)
        )
    except Exception as error:  # a failure in judgement pages somebody, and says that it failed
        draft.defects.append(("level", error))
        level = Level(max(min(default, 2), 1)) if source is None or not source.ticket else Level(default)
        because = f"judging it failed ({type(error).__name__}: {error})"
        return Verdict(
            level=level,
            level_by=LevelBy(kind="fallback", because=because),
            contributions=(Contribution(rule="", result="error", because=because),),
            regimes=(),
        )


def _own_level(configuration: Configuration, facts: Facts) -> int:
    """Of what no configured source says: a monitor's silence has the level of that monitor."""
    expected = monitor(configuration, facts.labels.get(MONITOR, "")) if facts.source == HEARTBEAT else None
    return expected.level if expected is not None else 2


def _default_because(facts: Facts, source: Source | None) -> str:
    if facts.source == HEARTBEAT:
        return f"no rule holds; the level of {facts.labels.get(MONITOR)}"
    kind = source.type if source is not None else "irpd itself"
    named = facts.source if facts.source == kind else f"{facts.source} ({kind})"
    return f"no rule holds and the share of users is unknown; the default of {named}"


def facts_of(
    draft: Draft,
    *,
    source: str,
    service: str,
    status: str,
    title: str,
    text: str,
    labels: Mapping[str, str],
    project: str,
    share: Share,
    incident: Incident | None,
    count: int = 1,
    joining: bool = True,
    reporters: int | None = None,
) -> Facts:
    """Everything rules may look at for this signal, as of now."""
    settings = draft.configuration.sources.get(source)
    return Facts(
        source=source,
        source_type=settings.type if settings is not None else "irpd",
        service=service,
        status=status,
        title=title,
        text=text,
        labels=labels,
        project=project,
        share=share,
        reporters=reporters if reporters is not None else incident.reporters if incident else 0,
        signals=(incident.members if incident is not None else 0) + int(joining),
        open_minutes=minutes_open(draft, incident) if incident is not None else 0,
        count=count,
        at=draft.now,
    )


def minutes_open(draft: Draft, incident: Incident) -> int:
    """Whole minutes since it was opened."""
    return (draft.now - incident.opened_at) // _MINUTE


def lower_after(draft: Draft, verdict: Verdict) -> float:
    """For how long (seconds) evidence must ask for less until this level sinks by itself; 0: never."""
    if verdict.level_by.kind != "rule":
        return 0.0
    return draft.policy.ruleset.lowering.get(verdict.level_by.rule or "", 0.0)


def decide_again(draft: Draft, incident: Incident, verdict: Verdict, share: Share) -> Incident:
    """Apply what new evidence says to an incident that is being worked on."""
    regimes = tuple(name for name in verdict.regimes if name not in incident.regimes)
    if incident.person_level:
        if verdict.level < incident.level and (
            incident.told_level is None or verdict.level < incident.told_level
        ):
            incident = _tell_commander(draft, incident, verdict, share)
    elif verdict.level < incident.level:
        return start_beside(draft, raise_level(draft, incident, verdict, share), verdict.starts)
    if share != incident.share or regimes:
        incident = draft.emit(incident.number, e.ShareMeasured(share=share, regimes=regimes))
    return start_beside(draft, incident, verdict.starts) if verdict.starts else incident


def raise_level(draft: Draft, incident: Incident, verdict: Verdict, share: Share) -> Incident:
    """The level rises: the acknowledgement lapses, the path starts at its first step with
    the higher level's urgency, and who had it is paged too."""
    event = e.LevelChanged(
        before=incident.level,
        after=verdict.level,
        level_by=verdict.level_by,
        evidence_level=min(incident.evidence_level, verdict.level),
        rules=verdict.contributions,
        share=share,
        respond_by=respond_by(draft, verdict.level),
        regimes=verdict.regimes,
        rules_hash=draft.policy.ruleset.hash,
        lower_after=lower_after(draft, verdict),
    )
    return risen(draft, incident, event)


def risen(draft: Draft, incident: Incident, event: e.LevelChanged) -> Incident:
    """Carry out a rise of the level, whoever caused it."""
    before, had_it = incident.level, incident.acknowledged_by
    event = _completed(draft, incident, event)
    incident = call(draft, draft.emit(incident.number, event))
    under_way = any(run.next_at is not None for run in incident.paths) or not incident.firing
    if not had_it and under_way and _same_pace(draft.configuration, before, incident.level):
        # The path goes on with the same waits.
        return start_beside(draft, _page_anew(draft, incident, before))
    because = f"level {before} → {event.after}"
    if had_it:
        incident = draft.emit(incident.number, e.AcknowledgementLapsed(because=because))
    incident = restart_paths(draft, incident, because=because)
    for person in had_it:
        if not _has_live_page(draft, incident, person):
            incident = page_person(
                draft, incident, person, kind=PageKind.PAGE, reason="level-rise",
                path=incident.paths[0].name if incident.paths else "",
                due=urgent_from(draft, person, incident.level, draft.now),
            )  # fmt: skip
    return start_beside(draft, incident)


def _completed(draft: Draft, incident: Incident, event: e.LevelChanged) -> e.LevelChanged:
    """With what the level asks for besides: who fills its roles, when an acknowledgement is stale."""
    level = Level(event.after)
    return replace(
        event,
        roles=filled(draft, level, incident.roles),
        stale_after=draft.configuration.level(level).stale_after,
        objectives=rebased(draft, incident, level),
    )


def _same_pace(configuration: Configuration, before: Level, after: Level) -> bool:
    """Both levels page at any hour with the path's own waits."""
    now = configuration.level(before).urgency == configuration.level(after).urgency == "now"
    return now and before.urgent and after.urgent


def _page_anew(draft: Draft, incident: Incident, before: Level) -> Incident:
    """Whoever is being paged and has other methods for the higher level is paged by those."""
    for page in list(draft.rows.pages_of(incident)):
        if not page.live or page.kind is not PageKind.PAGE or not page.path:
            continue
        methods = methods_for(draft.configuration, page.person, incident.level)
        put_off = all(send.due_at > draft.now for send in page.sends)  # in a storm
        if put_off or methods != methods_for(draft.configuration, page.person, before):
            incident = page_person(
                draft, incident, page.person, kind=PageKind.PAGE, reason="level-rise", path=page.path
            )
    return incident


def lowered(draft: Draft, incident: Incident, event: e.LevelChanged) -> Incident:
    """Carry out that it is less severe, by a person's word or a rule's: paging goes on less urgently."""
    before = incident.level
    event = _completed(draft, incident, event)
    incident = call(draft, draft.emit(incident.number, event))
    if incident.acknowledged_by or _same_pace(draft.configuration, before, incident.level):
        return incident
    because = f"level {before} → {event.after}"
    incident = stop_paths(draft, incident, because=because)
    incident = end_pages(draft, incident, because="obsolete")
    if incident.unconfirmed and not incident.level.urgent:
        return incident
    return restart_paths(draft, incident, because=because)


def _tell_commander(draft: Draft, incident: Incident, verdict: Verdict, share: Share) -> Incident:
    incident = draft.emit(
        incident.number,
        e.EvidenceExceeded(
            level=verdict.level,
            level_by=verdict.level_by,
            rules=verdict.contributions,
            share=share,
            rules_hash=draft.policy.ruleset.hash,
        ),
    )
    text = (
        f"Evidence asks for level {verdict.level} ({verdict.level.severity}): "
        f"{verdict.level_by.because}. Level {incident.level} was set by {incident.level_by.person}."
    )
    for person in commanders(draft, incident, verdict.level):
        incident = page_person(
            draft, incident, person, kind=PageKind.PAGE, reason="evidence", text=text, level=verdict.level,
            due=urgent_from(draft, person, verdict.level, draft.now),
        )  # fmt: skip
    return incident


def _has_live_page(draft: Draft, incident: Incident, person: str) -> bool:
    return any(
        page.live and page.person == person and page.kind is PageKind.PAGE and not page.asks
        for page in draft.rows.pages_of(incident)
    )
