"""All rules in force as one immutable value, with the indexes that make them quick to ask."""

import hashlib
import json
from collections.abc import Sequence

from irpd.config.problem import ConfigurationError, Problem
from irpd.config.yaml import Document
from irpd.triage.ages import ages_of
from irpd.triage.compiling import Gathered, compile_file, missing_lists
from irpd.triage.cost import MOST_OF_ALL
from irpd.triage.hearing import hear
from irpd.triage.idle import idle_rules
from irpd.triage.matching import MatchIndex
from irpd.triage.phrases import Phrasebook, WordList
from irpd.triage.rule import Case, GroupRule, Rule, Timeline
from irpd.triage.waiting import Quieting, WindowRule


class RuleSet:
    """``rules``, ``groups`` and (of tests) ``cases`` and ``timelines`` stand in the order of the files.
    ``warnings`` are what was doubtful in them. ``hash`` names the set (12 hex digits; empty for no
    files at all). ``lowering`` holds, by their ids, the rules whose level sinks again; ``ages`` are the
    minutes after an incident's opening at which some condition may change its answer."""

    def __init__(
        self,
        rules: Sequence[Rule] = (),
        groups: Sequence[GroupRule] = (),
        *,
        words: Sequence[WordList] = (),
        windows: Sequence[WindowRule] = (),
        cases: Sequence[Case] = (),
        timelines: Sequence[Timeline] = (),
        warnings: Sequence[Problem] = (),
        hash: str = "",
    ) -> None:
        self.rules = tuple(rules)
        self.groups = tuple(groups)
        self.cases = tuple(cases)
        self.timelines = tuple(timelines)
        self.warnings = tuple(warnings)
        self.hash = hash
        self.lowering = {rule.id: rule.lower_after for rule in self.rules if rule.lower_after}
        asking = [ages_of(rule.when.expression) for rule in self.rules if rule.when is not None]
        self.ages = tuple(sorted({age for ages in asking for age in ages or ()}))
        self.phrasebook = Phrasebook(words)
        self.quieting = Quieting(self.rules, windows, self.phrasebook)
        self.index = MatchIndex(
            [rule.match for rule in self.rules], lambda found, row: hear(self.rules, found, row)
        )
        self.group_index = MatchIndex(
            [rule.match for rule in self.groups],
            lambda found, _: self.groups[found.held[0]] if found.held else None,
        )


EMPTY = RuleSet()
"""No rules: the built-in share of users and the sources' default levels still decide."""


def compile_rules(documents: Sequence[Document]) -> RuleSet:
    """Raises ConfigurationError with all problems of all files, warnings among them, if one is an error.
    Otherwise the warnings are in the rule set."""
    gathered = Gathered()
    problems: list[Problem] = []
    for document in documents:
        problems += compile_file(document, gathered)
    problems += missing_lists(gathered)
    if any(problem.severity == "error" for problem in problems):
        raise ConfigurationError(problems)
    problems += _dear(gathered.rules)
    if any(problem.severity == "error" for problem in problems):
        raise ConfigurationError(problems)
    problems += _idle(gathered, documents)
    return RuleSet(
        gathered.rules,
        gathered.groups,
        words=gathered.words,
        windows=gathered.windows,
        cases=gathered.tests.cases,
        timelines=gathered.tests.timelines,
        warnings=problems,
        hash=rules_hash(documents),
    )


def rules_hash(documents: Sequence[Document]) -> str:
    """12 hex digits over what the files say; comments and layout don't count. Empty for no files."""
    if not documents:
        return ""
    said = json.dumps([document.value for document in documents], default=str, ensure_ascii=True)
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def _dear(rules: Sequence[Rule]) -> list[Problem]:
    """All conditions that one signal may meet must be cheap together. Those of rules for different services
    never meet."""
    asking = [rule for rule in rules if rule.when is not None]
    everywhere = sum(_cost(rule) for rule in asking if "service" not in rule.match.wants)
    by_service: dict[str, float] = {}
    for rule in asking:
        for service in rule.match.wants.get("service", ()):
            by_service[service] = by_service.get(service, 0.0) + _cost(rule)
    service = max(by_service, key=lambda name: by_service[name], default="")
    total = everywhere + by_service.get(service, 0.0)
    if total <= MOST_OF_ALL:
        return []
    meeting = [rule for rule in asking if service in rule.match.wants.get("service", (service,))]
    dearest = max(meeting, key=_cost)
    at = f" of {service}" if service else ""
    message = (
        f"the conditions that a signal{at} may meet take {total / 1000:,.1f} ms together at worst; "
        f"{MOST_OF_ALL / 1000:g} ms at most. This one is the dearest, with {_cost(dearest) / 1000:.2g} ms"
    )
    place = dearest.place
    return [
        Problem(
            file=place.file, line=place.line, column=place.column, path=f"{dearest.id}.when", message=message
        )
    ]


def _cost(rule: Rule) -> float:
    return rule.when.cost if rule.when is not None else 0.0


def _idle(gathered: Gathered, documents: Sequence[Document]) -> list[Problem]:
    by_file = {document.file: document for document in documents}
    problems = []
    for idle in idle_rules(gathered.rules):
        place = idle.rule.place
        problem = Problem(
            file=place.file,
            line=place.line,
            column=place.column,
            path=idle.rule.id,
            message=idle.because,
            severity="warning",
            source_line=by_file[place.file].lines[place.line - 1][:200],
        )
        problems.append(problem)
    return problems
