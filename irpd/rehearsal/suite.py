"""``irpd rules test``: every test that stands in the rule files.

Cases are judged by triage; whom they page is asked of the protocol. Timelines run in a world of their own.
"""

from collections.abc import Iterator, Sequence

from irpd.config.values import Configuration
from irpd.model.incident import Incident
from irpd.model.page import PageKind
from irpd.model.signal import Signal, Status
from irpd.oncall.reach import persons_for
from irpd.protocol.draft import Draft
from irpd.protocol.messages import scope
from irpd.protocol.placing import open_incident
from irpd.protocol.policy import Policy
from irpd.protocol.rows import Rows
from irpd.rehearsal.timeline import Played
from irpd.triage.report import Difference, Report
from irpd.triage.ruleset import RuleSet
from irpd.triage.service import ServiceIndex
from irpd.triage.testing import Judged, Seen, judge_cases, named


def rehearse(ruleset: RuleSet, configuration: Configuration, pattern: str = "") -> Report:
    """Run every test. ``pattern`` keeps those whose name or file holds it, in letters large or small."""
    policy = Policy(configuration, ruleset, ServiceIndex(configuration), ruleset.hash)
    seen = Seen()
    cases = [case for case in ruleset.cases if named(case, pattern)]
    timelines = [timeline for timeline in ruleset.timelines if named(timeline, pattern)]
    results = []
    for judged in judge_cases(cases, ruleset, configuration):
        seen.add(judged.verdict.contributions)
        results.append(judged.result([*_paged(judged, policy), *_told(judged, policy)]))
    for timeline in timelines:
        played = Played(timeline, policy)
        seen.add(played.contributions)
        results.append(played.result)
    results.sort(key=lambda result: (result.file, int(result.at.rpartition(":")[2])))
    every = len(ruleset.cases) + len(ruleset.timelines)
    return Report(
        results=tuple(results),
        coverage=seen.coverage(ruleset),
        partial=len(cases) + len(timelines) < every,
    )


def _paged(judged: Judged, policy: Policy) -> Iterator[Difference]:
    """The difference in who is paged at once, if the case says who."""
    wanted = judged.case.expect.pages
    if wanted is None:
        return
    configuration, at = policy.configuration, judged.facts.at
    persons: dict[str, str] = {}
    for name in wanted:
        on_call = persons_for(configuration, schedule=name, at=at) if name in configuration.schedules else ()
        persons.update(dict.fromkeys(on_call or (name,), name))
    got = _paged_at_once(judged, policy)
    if set(got) != set(persons):
        shown = [name if name == person else f"{name} ({person})" for person, name in persons.items()]
        yield Difference(field="pages", wanted=f"[{', '.join(shown)}]", got=f"[{', '.join(got)}]")


def _paged_at_once(judged: Judged, policy: Policy) -> Sequence[str]:
    facts = judged.facts
    draft = Draft(Rows(), policy, facts.at)
    incident = _opened(judged, draft)
    return list(
        dict.fromkeys(
            page.person
            for page in draft.rows.pages_of(incident)
            if page.kind is PageKind.PAGE and any(send.due_at <= facts.at for send in page.sends)
        )
    )


def _told(judged: Judged, policy: Policy) -> Iterator[Difference]:
    """The difference in which audiences are told at once, or are to be once somebody approves."""
    wanted = judged.case.expect.tells
    if wanted is None:
        return
    got = scope(policy.configuration, _opened(judged, Draft(Rows(), policy, judged.facts.at)))
    if set(got) != set(wanted):
        yield Difference(field="tells", wanted=f"[{', '.join(wanted)}]", got=f"[{', '.join(got)}]")


def _opened(judged: Judged, draft: Draft) -> Incident:
    facts, given = judged.facts, judged.case.given
    source = facts.source
    settings = draft.configuration.sources.get(source)
    signal = Signal(key=given.key, status=Status.FIRING, title=facts.title, labels=dict(facts.labels))
    return open_incident(
        draft,
        title=facts.title,
        service=facts.service or draft.configuration.unmapped,
        source=source,
        verdict=judged.verdict,
        share=facts.share,
        group=judged.group,
        first=(f"{source}/{given.key}", signal),
        detected_by="user-report" if settings is not None and settings.ticket else "monitoring",
    )
