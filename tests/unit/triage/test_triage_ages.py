"""At which ages of an incident time alone changes what a condition says."""

from datetime import UTC, datetime

import pytest
from harness.examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from irpd.config.yaml import parse_document
from irpd.model.share import UNKNOWN
from irpd.triage.ages import LONGEST, ages_of
from irpd.triage.condition import View
from irpd.triage.facts import Facts
from irpd.triage.rule import Rule
from irpd.triage.ruleset import compile_rules


@pytest.mark.parametrize(
    "expression, ages",
    [
        ("open_minutes >= 30", (30,)),
        ("open_minutes > 30", (31,)),
        ("open_minutes < 10 || signals > 3", (10,)),
        ("30 < open_minutes && open_minutes <= 59", (31, 60)),
        ("open_minutes == 7", (7, 8)),
        ("!(open_minutes >= 5) && labels.get('open_minutes') == '9'", (5,)),
        ("open_minutes >= 0", ()),
        (f"open_minutes > {LONGEST}", ()),
        ("open_minutes > 99999999999999999999", ()),
        ("reporters >= 20", ()),
    ],
)
def test_a_comparison_with_a_number_tells_when_it_changes(expression: str, ages: tuple[int, ...]) -> None:
    assert ages_of(expression) == ages


@pytest.mark.parametrize(
    "expression",
    [
        "open_minutes * 2 > 60",
        "open_minutes > 30 + 5",
        "5 + 30 < open_minutes",
        "60 - open_minutes < 10",
        "open_minutes > reporters",
        "reporters > 3 && open_minutes >= 30 && open_minutes % 5 == 0",
        "open_minutes in [10, 20]",
        "string(open_minutes) == '5'",
        "(open_minutes) > 5",
    ],
)
def test_what_computes_with_it_or_compares_it_with_facts_tells_nothing(expression: str) -> None:
    assert ages_of(expression) is None


def rule_of(expression: str) -> Rule:
    text = f"version: 1\nrules:\n  - {{id: a, when: '{expression}', level: 1, because: x}}\n"
    (rule,) = compile_rules([parse_document(text, "rules.yaml")]).rules
    return rule


def holds(rule: Rule, minutes: int) -> bool:
    assert rule.when is not None
    facts = Facts(
        source="a", source_type="alertmanager", service="s", status="firing", title="", labels={},
        share=UNKNOWN, at=datetime(2026, 1, 5, tzinfo=UTC), open_minutes=minutes,
    )  # fmt: skip
    return rule.when.ask(View(facts)).held


parts = st.builds(
    lambda operator, number, turned: f"{number} {operator} open_minutes" if turned
    else f"open_minutes {operator} {number}",
    st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), st.integers(0, 40), st.booleans(),
)  # fmt: skip


joins = st.lists(st.sampled_from(["&&", "||"]), min_size=2, max_size=2)


@given(st.lists(parts, min_size=1, max_size=3), joins)
@settings(max_examples=examples(60))
def test_between_two_ages_a_condition_never_changes_its_answer(some: list[str], between: list[str]) -> None:
    expression = some[0]
    for join, part in zip(between, some[1:], strict=False):
        expression = f"({expression}) {join} {part}"
    rule, ages = rule_of(expression), ages_of(expression)
    assert ages is not None
    changes = [minute for minute in range(1, 60) if holds(rule, minute) != holds(rule, minute - 1)]
    assert set(changes) <= set(ages)


def test_a_set_of_rules_knows_the_ages_of_all() -> None:
    text = (
        "version: 1\nrules:\n"
        "  - {id: a, when: open_minutes >= 60, level: 1, because: x}\n"
        "  - {id: b, when: open_minutes > 14 && signals > 2, level: 2, because: x}\n"
        "  - {id: c, when: open_minutes * 2 > 14, level: 2, because: x}\n"
    )
    assert compile_rules([parse_document(text, "rules.yaml")]).ages == (15, 60)
