"""The rules that ship: the protocol line by line, each with a case that holds and one that nearly does."""

import json
import re
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from irpd.config.yaml import read_document
from irpd.model.level import Level
from irpd.triage.reference import rules_reference
from irpd.triage.rulefile import NOT_YET, RulePart
from irpd.triage.ruleset import RuleSet, compile_rules
from irpd.triage.schema import rules_schema
from irpd.triage.testing import run_tests
from irpd.triage.vocabulary import NAMES

FOLDER = Path(__file__).parents[3] / "rules"
FILES = sorted(FOLDER.glob("*.yaml"))

KEPT = yaml.safe_load((Path(__file__).parent / "characteristics.yaml").read_text())
KINDS = {
    "alerts": ("", ("", "alertmanager", "grafana")),
    "sentry": (" (sentry)", ("sentry",)),
    "tickets": (" (tickets)", ("ticket", "zendesk", "jira", "freshdesk")),
}
LINES = [
    (part["level"], line, kind, rules)
    for part in KEPT
    for line, kinds in part["lines"].items()
    for kind, rules in kinds.items()
]


@pytest.fixture(scope="module")
def shipped() -> RuleSet:
    return compile_rules([read_document(path, shown=f"rules/{path.name}") for path in FILES])


def test_the_shipped_rules_pass_their_tests_and_each_decides_in_one(shipped: RuleSet) -> None:
    report = run_tests(shipped)
    assert report.passed, report.text()
    assert report.undecided == ()
    assert shipped.warnings == ()
    assert len(report.results) >= 2 * len(shipped.rules)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_shipped_file_is_good_by_itself(path: Path) -> None:
    report = run_tests(compile_rules([read_document(path)]))
    assert report.passed, report.text()


def test_the_kept_list_has_each_line_of_the_protocol_for_each_kind_of_source() -> None:
    lines = {part["level"]: list(part["lines"]) for part in KEPT}
    assert {level: len(found) for level, found in lines.items()} == {1: 5, 2: 4, 3: 4, 4: 4}
    assert {kind for _, _, kind, _ in LINES} == set(KINDS)
    assert len(LINES) == 17 * len(KINDS)


@pytest.mark.parametrize("part", KEPT, ids=lambda part: f"level {part['level']}")
def test_each_level_has_the_protocols_sentence_on_its_impact(part: dict[str, Any]) -> None:
    assert Level(part["level"]).impact == part["impact"]


@pytest.mark.parametrize("level, line, kind, rules", LINES)
def test_each_line_of_the_protocol_has_for_each_source_a_rule_a_test_that_holds_and_a_near_miss(
    shipped: RuleSet, level: int, line: str, kind: str, rules: list[str]
) -> None:
    suffix, types = KINDS[kind]
    name = f"level {level}: {line[0].lower()}{line[1:]}{suffix}"
    cases = [case for case in shipped.cases if re.sub(r", case \d+$", "", case.name) == name]
    by_id = {rule.id: rule for rule in shipped.rules}
    for rule in rules:
        assert rule == "share-of-users" or rule in by_id, f"there is no rule {rule}"
        said = by_id[rule].level or by_id[rule].at_least if rule in by_id else level
        assert said == level, f"{rule} says level {said}"
        holding = [case for case in cases if case.expect.level == level and rule in (case.expect.rules or ())]
        assert holding, f"{name}: no case in which {rule} decides"
        assert all(case.given.source_type in types for case in holding)
    missing = [
        case
        for case in cases
        if (
            case.expect.level != level
            and not set(case.expect.rules or ()) & (set(rules) - {"share-of-users"})
        )
        or set(case.expect.not_held or ()) & set(rules)
        or case.expect.rules == ()
    ]
    assert missing, f"{name} has no near miss"
    assert all(case.given.source_type in (*types, "zendesk") for case in missing)


def test_the_list_names_every_rule_that_ships_for_a_level_but_those_of_one_report(shipped: RuleSet) -> None:
    kept = {rule for *_, rules in LINES for rule in rules}
    own = {rule.id for rule in shipped.rules if rule.effect.keys() & {"level", "at_least", "at_most"}}
    assert {rule for rule in own - kept if not rule.startswith("one-ticket-says-")} == set()


@pytest.mark.parametrize(
    "file, name",
    [
        (file, rule["id"])
        for file in ("protocol.yaml", "sentry.yaml", "tickets.yaml")
        for rule in yaml.safe_load((FOLDER / file).read_text())["rules"]
    ],
)
def test_without_a_rule_of_the_protocol_its_tests_fail(file: str, name: str) -> None:
    """Each rule is needed: leaving it out is noticed."""
    ruleset = compile_rules([read_document(FOLDER / file)])
    without = RuleSet(
        [rule for rule in ruleset.rules if rule.id != name],
        cases=ruleset.cases,
        words=tuple(ruleset.phrasebook.lists.values()),
    )
    assert not run_tests(without).passed


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_schema_takes_what_ships(path: Path) -> None:
    jsonschema.Draft202012Validator(rules_schema()).validate(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize(
    "rule",
    [
        {"id": "a", "because": "x"},
        {"id": "a", "because": "x", "level": 5},
        {"id": "a", "because": "x", "level": 1, "at_most": 2},
        {"id": "A b", "because": "x", "level": 1},
        {"id": "a", "level": 1},
        {"id": "a", "because": "x", "level": 1, "machs": {}},
        {"id": "a", "because": "x", "level": 1, "match": {"labels": {"x": []}}},
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(rule: dict[str, object]) -> None:
    schema = rules_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid({"version": 1, "rules": [{"id": "a", "because": "x", "level": 1}]})
    assert not validator.is_valid({"version": 1, "rules": [rule]})


def test_the_schema_is_json_and_names_no_key_that_is_not_built() -> None:
    text = json.dumps(rules_schema())
    assert not [name for name in NOT_YET if f'"{name}":' in text]


def test_the_reference_names_every_key_of_a_rule_and_every_name_of_a_condition() -> None:
    text = rules_reference()
    for name in (*RulePart.model_fields, *NAMES):
        assert f"| `{name}` |" in text
    assert "|  |\n" not in text, "a key without a meaning"


@pytest.mark.parametrize(
    "test, good",
    [
        ({"timeline": [{"after": "1m", "to": "a", "signal": {"key": "k"}}], "expect": {"muted": []}}, True),
        ({"timeline": [{"post": "x.json", "to": "a"}], "expect": {"paged": [{"person": "b"}]}}, True),
        ({"timeline": [{"pots": "x.json", "to": "a"}], "expect": {"muted": []}}, False),
        ({"timeline": [], "expect": {"muted": []}}, False),
        ({"given": {}, "expect": {"pages": "first"}}, True),
        ({"given": {}, "expect": {"pages": 1}}, False),
    ],
)
def test_the_schema_knows_the_tests_of_rules(test: dict[str, object], good: bool) -> None:
    validator = jsonschema.Draft202012Validator(rules_schema())
    assert validator.is_valid({"version": 1, "tests": [{"name": "t", **test}]}) is good


def reading(shipped: RuleSet, piece: str) -> float:
    """CPU seconds for the words of a text of these pieces, at best."""
    taken = []
    for number in range(5):
        text = f"{number} {piece * (4096 // len(piece))}"
        begun = time.thread_time()
        shipped.phrasebook.said_in("Help", text, {})
        taken.append(time.thread_time() - begun)
    return min(taken)


@pytest.mark.parametrize(
    "piece", ["x", ".,;:!?-", "a\u0308\u0323", "no data loss, not all files are gone, without data loss "]
)
def test_a_ticket_that_is_written_to_be_dear_costs_little_more_than_an_ordinary_one(
    shipped: RuleSet, piece: str
) -> None:
    ordinary = reading(shipped, "the checkout page is slow since this morning and some people wait. ")
    assert reading(shipped, piece) < 6 * ordinary
