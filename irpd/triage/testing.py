"""``irpd rules test``: do the rules do what the tests that stand beside them say?

Each case is judged by the very functions that judge signals. A rule that no case ever saw decide is
named: a change of it would go unnoticed.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from irpd.config.values import Configuration, Source
from irpd.model.incident import Contribution
from irpd.model.share import Impact, Share
from irpd.model.signal import Signal, Status
from irpd.triage.facts import Facts
from irpd.triage.group import Group, group_for
from irpd.triage.level import Verdict, default_because, level_for
from irpd.triage.moment import parse_moment
from irpd.triage.report import Covered, Difference, Report, Result
from irpd.triage.rule import Case, Timeline
from irpd.triage.ruleset import RuleSet
from irpd.triage.service import ServiceIndex
from irpd.triage.share import share_of
from irpd.triage.vocabulary import SOURCE_TYPES

#: When a case names no time: a Monday, noon.
SOME_TIME = datetime(2026, 1, 5, 12, tzinfo=UTC)


def run_tests(ruleset: RuleSet, configuration: Configuration | None = None, pattern: str = "") -> Report:
    """Run the cases that stand in the rule files; timelines and who is paged need more than triage.

    ``pattern`` keeps the cases whose name or file holds it, whatever the case of its letters. Without a
    configuration sources and services are what the cases say they are.
    """
    seen = Seen()
    wanted = [case for case in ruleset.cases if named(case, pattern)]
    results = []
    for judged in judge_cases(wanted, ruleset, configuration):
        seen.add(judged.verdict.contributions)
        results.append(judged.result())
    return Report(
        results=tuple(results),
        coverage=seen.coverage(ruleset),
        partial=len(wanted) < len(ruleset.cases),
    )


def named(test: Case | Timeline, pattern: str) -> bool:
    """Whether the name or the file of a test holds the pattern."""
    return pattern.casefold() in f"{test.name} {test.place.file}".casefold()


class Seen:
    """Which rules held and which decided, test by test."""

    def __init__(self) -> None:
        self._held: Counter[str] = Counter()
        self._decided: Counter[str] = Counter()

    def add(self, contributions: Iterable[Contribution]) -> None:
        """What the rules said in one test."""
        said = list(contributions)
        self._held.update({one.rule for one in said if one.result == "held"})
        self._decided.update({one.rule for one in said if one.decided})

    def coverage(self, ruleset: RuleSet) -> tuple[Covered, ...]:
        return tuple(
            Covered(
                rule=rule.id,
                at=str(rule.place),
                held=self._held[rule.id],
                # What says nothing of the level decides by holding.
                decided=self._decided[rule.id] if rule.levels else self._held[rule.id],
            )
            for rule in ruleset.rules
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A case with what came of it."""

    case: Case
    facts: Facts
    verdict: Verdict
    group: Group

    def result(self, more: Sequence[Difference] = ()) -> Result:
        """``more`` are differences in what triage doesn't know of."""
        differences = [*_compare(self.case, self.facts, self.verdict, self.group), *more]
        differences += [
            Difference(field=f"rule {one.rule}", wanted="an answer", got=f"the error {one.because}")
            for one in self.verdict.contributions
            if one.result == "error"
        ]
        return Result(
            name=self.case.name,
            at=str(self.case.place),
            file=self.case.place.file,
            differences=tuple(differences),
            why=tuple(_why(self.verdict)) if differences else (),
        )


def judge_cases(
    cases: Iterable[Case], ruleset: RuleSet, configuration: Configuration | None = None
) -> Iterator[Judged]:
    """Each case, judged by the functions that judge signals."""
    services = ServiceIndex(configuration) if configuration is not None else None
    for case in cases:
        facts = _facts(case, configuration, services)
        default, because = _default(case, configuration)
        verdict = level_for(ruleset, facts, default=default, default_because=because)
        group = group_for(ruleset, facts, f"{case.given.source or 'source'}/{case.given.key}")
        yield Judged(case=case, facts=facts, verdict=verdict, group=group)


def _facts(case: Case, configuration: Configuration | None, services: ServiceIndex | None) -> Facts:
    given = case.given
    source = configuration.sources.get(given.source) if configuration is not None else None
    service = given.service
    if not service and services is not None:
        signal = Signal(
            key=given.key,
            status=Status(given.status),
            title=given.title,
            labels=dict(given.labels),
            project=given.project,
        )
        service, _ = services.service_for(given.source, signal)
    configured = configuration.services.get(service) if configuration is not None else None
    users = configured.users.known if configured is not None and configured.users is not None else None
    if given.users is not None:
        users = given.users
    return Facts(
        source=given.source,
        source_type=given.source_type or (source.type if source is not None else "alertmanager"),
        service=service,
        status=given.status,
        title=given.title,
        text=given.text,
        labels=dict(given.labels),
        project=given.project,
        share=_share(case, users),
        at=parse_moment(case.at) if case.at is not None else SOME_TIME,
        reporters=given.reporters,
        signals=given.signals,
        open_minutes=given.open_minutes,
        count=given.count,
    )


def _share(case: Case, users: int | None) -> Share:
    given = case.given
    if given.share is not None:
        written = f"{given.share.numerator}/{given.share.denominator}"
        return share_of(Impact(share=written, method="test"), users)
    affected = given.affected
    if affected is None and given.reporters:
        return share_of(Impact(affected=given.reporters, method="reporters"), users)
    return share_of(Impact(affected=affected, method="test"), users)


def _default(case: Case, configuration: Configuration | None) -> tuple[int, str]:
    """The default of the source that a case names; else that of its type."""
    source = case.given.source
    settings = configuration.sources.get(source) if configuration is not None else None
    if settings is None and case.given.source_type in SOURCE_TYPES:
        settings = Source.model_validate({"type": case.given.source_type, "auth": "none"})
    return (settings.default if settings is not None else 2), default_because(source or "monitoring")


def _compare(case: Case, facts: Facts, verdict: Verdict, group: Group) -> list[Difference]:
    expect = case.expect
    held = [one.rule for one in verdict.contributions if one.result == "held"]
    decided = [one.rule for one in verdict.contributions if one.decided]
    found = []

    def differ(field: str, wanted: object, got: object) -> None:
        found.append(Difference(field=field, wanted=_shown(wanted), got=_shown(got)))

    if expect.level is not None and expect.level != verdict.level:
        differ("level", expect.level, int(verdict.level))
    if expect.rules is not None and (set(expect.rules) - set(decided) or (not expect.rules and decided)):
        differ("rules", expect.rules, decided)
    if expect.held is not None and set(expect.held) - set(held):
        differ("held", expect.held, held)
    if expect.not_held is not None and set(expect.not_held) & set(held):
        differ("not_held", expect.not_held, held)
    if expect.regimes is not None and set(expect.regimes) != set(verdict.regimes):
        differ("regimes", sorted(expect.regimes), verdict.regimes)
    if expect.service is not None and expect.service != facts.service:
        differ("service", expect.service, facts.service)
    if expect.group is not None and tuple(expect.group) != (
        (group.rule, *group.values) if group.rule else ()
    ):
        differ("group", expect.group, (group.rule, *group.values) if group.rule else ())
    return found


def _why(verdict: Verdict) -> list[str]:
    lines = [f"level {int(verdict.level)} because {verdict.level_by.because}"]
    for one in verdict.contributions:
        mark = "decided" if one.decided else one.result
        lines.append(f"{mark}: {one.rule}" + (f", missed {'; '.join(one.missed)}" if one.missed else ""))
    return lines


def _shown(value: object) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(str, value)) + "]"
    return str(value) if value != "" else '""'
