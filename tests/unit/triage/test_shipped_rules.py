"""The rules that ship: the protocol line by line, each with a case that holds and one that nearly does."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from irpd.config.yaml import read_document
from irpd.triage.reference import rules_reference
from irpd.triage.rulefile import NOT_YET, RulePart
from irpd.triage.ruleset import RuleSet, compile_rules
from irpd.triage.schema import rules_schema
from irpd.triage.testing import run_tests
from irpd.triage.vocabulary import NAMES

FOLDER = Path(__file__).parents[3] / "rules"
FILES = sorted(FOLDER.glob("*.yaml"))

#: The protocol's characteristics of its four levels, word by word.
CHARACTERISTICS = {
    1: [
        "Complete system outage", "Data breach or security compromise", "Loss of data or data corruption",
        "Payment processing failure", "Any issue affecting >80% of users",
    ],
    2: [
        "Major feature unavailable", "Significant performance degradation system-wide",
        "Integration failures with critical third-party services", "Any issue affecting 40-80% of users",
    ],
    3: [
        "Non-critical feature unavailable", "Intermittent issues with specific functionality",
        "Minor performance degradation", "Any issue affecting 10-40% of users",
    ],
    4: [
        "Cosmetic issues", "Minor bugs with simple workarounds", "Documentation errors",
        "Any issue affecting <10% of users",
    ],
}  # fmt: skip
LINES = [(level, line) for level, lines in CHARACTERISTICS.items() for line in lines]


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


@pytest.mark.parametrize("level, line", LINES)
def test_each_line_of_the_protocol_has_a_test_that_holds_and_a_near_miss(
    shipped: RuleSet, level: int, line: str
) -> None:
    name = f"level {level}: {line[0].lower()}{line[1:]}"
    cases = [case for case in shipped.cases if re.sub(r", case \d+$", "", case.name) == name]
    assert any(case.expect.level == level and case.expect.rules for case in cases), name
    near = [case for case in cases if case.expect.level != level or not case.expect.rules]
    assert near, f"{name} has no near miss"


@pytest.mark.parametrize(
    "name", [rule["id"] for rule in yaml.safe_load((FOLDER / "protocol.yaml").read_text())["rules"]]
)
def test_without_a_rule_of_the_protocol_its_tests_fail(name: str) -> None:
    """Each rule is needed: leaving it out is noticed."""
    document = read_document(FOLDER / "protocol.yaml")
    ruleset = compile_rules([document])
    without = RuleSet([rule for rule in ruleset.rules if rule.id != name], cases=ruleset.cases)
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
