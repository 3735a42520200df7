"""``irpd rules test``: do the rules do what the tests that stand beside them say?

Each case is judged by the very functions that judge signals. A rule that no case ever saw decide is
named: a change of it would go unnoticed.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from irpd.config.values import Configuration, Source
from irpd.model.share import Impact, Share
from irpd.model.signal import Signal, Status
from irpd.triage.facts import Facts
from irpd.triage.group import Group, group_for
from irpd.triage.level import Verdict, default_because, level_for
from irpd.triage.moment import parse_moment
from irpd.triage.report import Difference, Report, Result
from irpd.triage.rule import Case
from irpd.triage.ruleset import RuleSet
from irpd.triage.service import ServiceIndex
from irpd.triage.share import share_of
from irpd.triage.vocabulary import SOURCE_TYPES

#: When a case names no time: a Monday, noon.
SOME_TIME = datetime(2026, 1, 5, 12, tzinfo=UTC)


def run_tests(ruleset: RuleSet, configuration: Configuration | None = None, pattern: str = "") -> Report:
    """Run the tests that stand in the rule files.

    ``pattern`` keeps the cases whose name or file holds it, whatever the case of its letters. Without a
    configuration sources and services are what the cases say they are.
    """
    services = ServiceIndex(configuration) if configuration is not None else None
    wanted = [
        case for case in ruleset.cases if pattern.casefold() in f"{case.name} {case.place.file}".casefold()
    ]
    seen: set[str] = set()
    results = [_run(case, ruleset, configuration, services, seen) for case in wanted]
    return Report(
        results=tuple(results),
        undecided=tuple((rule.id, str(rule.place)) for rule in ruleset.rules if rule.id not in seen),
        rules=len(ruleset.rules),
        partial=len(wanted) < len(ruleset.cases),
    )


def _run(
    case: Case,
    ruleset: RuleSet,
    configuration: Configuration | None,
    services: ServiceIndex | None,
    seen: set[str],
) -> Result:
    facts = _facts(case, configuration, services)
    default, because = _default(case, configuration)
    verdict = level_for(ruleset, facts, default=default, default_because=because)
    group = group_for(ruleset, facts, f"{case.given.source or 'source'}/{case.given.key}")
    by_id = {rule.id: rule for rule in ruleset.rules}
    for one in verdict.contributions:
        rule = by_id.get(one.rule)
        silent = rule is not None and rule.level is rule.at_most is rule.at_least is None
        if one.decided or (silent and one.result == "held"):
            seen.add(one.rule)
    differences = _compare(case, facts, verdict, group)
    differences += [
        Difference(field=f"rule {one.rule}", wanted="an answer", got=f"the error {one.because}")
        for one in verdict.contributions
        if one.result == "error"
    ]
    return Result(
        name=case.name,
        at=str(case.place),
        file=case.place.file,
        differences=tuple(differences),
        why=tuple(_why(verdict)) if differences else (),
    )


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
    users = configured.users.count if configured is not None and configured.users is not None else None
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
