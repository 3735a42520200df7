"""The level: every rule heard, most severe level, then caps, then floors, and no order of rules shows."""

from collections.abc import Callable
from fractions import Fraction
from random import Random
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from irpd.model.share import UNKNOWN, Share, band
from irpd.triage.condition import Condition
from irpd.triage.facts import Facts
from irpd.triage.hearing import MAX_NEARLY
from irpd.triage.level import Verdict, level_for, settle
from irpd.triage.matching import Match
from irpd.triage.rule import Place, Rule
from irpd.triage.ruleset import EMPTY, RuleSet

Make = Callable[..., Facts]
PLACE = Place(file="rules/a.yaml", line=1, column=1)
CONDITIONS = [
    None,
    Condition("count > 1"),
    Condition('labels.get("x") == "a"'),
    Condition('labels.missing == "a"'),  # errs
    Condition("share > 0.5"),
]
values = st.sampled_from(["", "a", "b"])
wants = st.dictionaries(
    st.sampled_from(["service", "labels.x", "labels.y"]), st.lists(values, min_size=1, max_size=2).map(tuple)
)
level = st.integers(1, 4)
effects = st.one_of(
    st.fixed_dictionaries({"level": level}),
    st.fixed_dictionaries({"at_most": level}),
    st.fixed_dictionaries({"at_least": level}),
    st.just({}),
)
rule_parts = st.tuples(
    wants, effects, st.sampled_from(CONDITIONS), st.sampled_from([(), ("gdpr",), ("hipaa", "gdpr")])
)
shares = st.just(UNKNOWN) | st.fractions(0, 1).map(
    lambda f: Share(numerator=f.numerator, denominator=f.denominator)
)


def rules_from(parts: list[tuple]) -> list[Rule]:  # type: ignore[type-arg]
    return [
        Rule(id=f"r{n}", place=PLACE, match=Match(w), because=f"b{n}", when=when, regimes=regimes, **effect)
        for n, (w, effect, when, regimes) in enumerate(parts)
    ]


def judge(rules: list[Rule], facts: Facts, default: int = 2) -> Verdict:
    return level_for(RuleSet(rules), facts, default=default, default_because="the default")


def holds(rule: Rule, facts: Facts) -> bool | None:
    """A model of one rule with none of the machinery; None where it errs."""
    row = {"service": facts.service}
    row |= {f"labels.{name}": facts.labels.get(name, "") for name in ("x", "y")}
    if any(row[column] not in accepted for column, accepted in rule.match.wants.items()):
        return False
    share = facts.share.fraction or Fraction(0)
    answers = [True, facts.count > 1, facts.labels.get("x", "") == "a", None, share > Fraction(1, 2)]
    return answers[CONDITIONS.index(rule.when)]


def brute(rules: list[Rule], facts: Facts, default: int) -> int:
    held = [rule for rule in rules if holds(rule, facts)]
    proposals = {rule.level for rule in held} | {facts.share.level}
    result = min((int(one) for one in proposals if one is not None), default=default)
    for rule in held:
        if rule.at_most is not None:
            result = max(result, rule.at_most)
    for rule in held:
        if rule.at_least is not None:
            result = min(result, rule.at_least)
    return result


@given(
    st.lists(rule_parts, max_size=8), values, values, values, shares, st.integers(1, 3), level, st.randoms()
)
def test_any_rules_in_any_order_give_what_asking_each_rule_by_hand_gives(
    facts: Make,
    parts: list[tuple],  # type: ignore[type-arg]
    service: str,
    x: str,
    y: str,
    share: Share,
    count: int,
    default: int,
    random: Random,
) -> None:
    rules = rules_from(parts)
    given_facts = facts(service=service, labels={"x": x, "y": y}, share=share, count=count)
    verdict = judge(rules, given_facts, default)
    assert verdict.level == brute(rules, given_facts, default)
    held = {one.rule for one in verdict.contributions if one.result == "held"} - {"share-of-users"}
    assert held == {rule.id for rule in rules if holds(rule, given_facts)}
    errors = {one.rule for one in verdict.contributions if one.result == "error"}
    assert errors == {rule.id for rule in rules if holds(rule, given_facts) is None}
    assert verdict.regimes == tuple(sorted({r for rule in rules if rule.id in held for r in rule.regimes}))
    shuffled = list(rules)
    random.shuffle(shuffled)
    other = judge(shuffled, given_facts, default)
    assert (other.level, other.level_by, other.regimes) == (verdict.level, verdict.level_by, verdict.regimes)
    assert {one.rule for one in other.contributions if one.decided} == {
        one.rule for one in verdict.contributions if one.decided
    }


@given(st.lists(rule_parts, max_size=8), shares, level)
def test_what_decided_alone_gives_the_same_level(
    facts: Make,
    parts: list[tuple],  # type: ignore[type-arg]
    share: Share,
    default: int,
) -> None:
    rules = rules_from(parts)
    given_facts = facts(labels={"x": "a"}, share=share)
    verdict = judge(rules, given_facts, default)
    deciding = [one for one in verdict.contributions if one.decided]
    assert (not deciding) == (verdict.level_by.kind == "default")
    for one in deciding:
        assert verdict.level in (one.level, one.at_most, one.at_least)
        assert one.result == "held"


@pytest.mark.parametrize(
    "affected, expected", [(801, 1), (800, 2), (400, 2), (399, 3), (100, 3), (99, 4), (0, 4)]
)
def test_without_rules_the_share_of_users_decides_with_the_protocols_bands(
    facts: Make, affected: int, expected: int
) -> None:
    share = Share(numerator=affected, denominator=1000, affected=affected, users=1000, method="label")
    verdict = judge([], facts(share=share), default=1)
    assert verdict.level == expected == band(Fraction(affected, 1000))
    assert (verdict.level_by.kind, verdict.level_by.rule) == ("share", "share-of-users")
    assert [(one.rule, one.decided) for one in verdict.contributions] == [("share-of-users", True)]


def test_without_rules_and_share_the_default_holds_and_says_so(facts: Make) -> None:
    verdict = level_for(EMPTY, facts(), default=3, default_because="the default of sentry")
    assert (verdict.level, verdict.level_by.kind, verdict.level_by.because) == (
        3,
        "default",
        "the default of sentry",
    )
    assert verdict.contributions == ()


def rule(id: str, **more: object) -> Rule:
    return Rule(id=id, place=PLACE, match=Match({}), because=f"because of {id}", **more)  # type: ignore[arg-type]


def test_no_cap_lowers_a_floor(facts: Make) -> None:
    verdict = judge([rule("cap", at_most=4), rule("floor", at_least=1), rule("says", level=2)], facts())
    assert (verdict.level, verdict.level_by.rule) == (1, "floor")


some_levels = st.lists(level, max_size=3)


@given(some_levels, some_levels, some_levels, level)
def test_the_most_severe_level_is_held_down_by_every_cap_and_up_by_every_floor(
    levels: list[int], caps: list[int], floors: list[int], default: int
) -> None:
    settled = settle(levels, caps=caps, floors=floors, default=default)
    proposed = min(levels, default=default)
    capped = max([proposed, *caps])
    assert settled.level == min([capped, *floors])
    assert all(settled.level <= floor for floor in floors)
    assert floors or all(settled.level >= cap for cap in caps)


def test_a_cap_holds_the_share_of_users_down_too(facts: Make) -> None:
    verdict = judge([rule("staging", at_most=4)], facts(share=Share(numerator=1)))
    assert (verdict.level, verdict.level_by.rule, verdict.level_by.because) == (
        4,
        "staging",
        "because of staging",
    )
    own = next(one for one in verdict.contributions if one.rule == "share-of-users")
    assert (own.level, own.decided) == (1, False)


def test_a_cap_that_changes_nothing_decides_nothing(facts: Make) -> None:
    verdict = judge([rule("cap", at_most=2), rule("says", level=3)], facts())
    assert {one.rule: one.decided for one in verdict.contributions} == {"cap": False, "says": True}


def test_caps_and_floors_hold_for_the_default_too(facts: Make) -> None:
    assert judge([rule("cap", at_most=4)], facts(), default=2).level == 4
    assert judge([rule("floor", at_least=1)], facts(), default=2).level == 1


def test_a_rule_without_a_level_only_adds_its_regimes(facts: Make) -> None:
    verdict = judge([rule("regime", regimes=("sox",))], facts())
    assert (verdict.level, verdict.level_by.kind, verdict.regimes) == (2, "default", ("sox",))


def test_an_error_in_a_rule_counts_and_never_stops_a_level(facts: Make) -> None:
    bad = rule("bad", level=1, when=Condition("1 / (count - 1) == 1"))
    verdict = judge([bad, rule("good", level=3)], facts(count=1))
    assert verdict.level == 3
    assert {one.rule: one.result for one in verdict.contributions} == {"good": "held", "bad": "error"}
    assert next(one for one in verdict.contributions if one.rule == "bad").because == "divide by zero"


def test_a_condition_that_raises_counts_as_an_error_too(facts: Make) -> None:
    broken = Condition("true")
    broken._compiled = SimpleNamespace(eval=None)
    verdict = judge([rule("bad", level=1, when=broken), rule("good", level=3)], facts())
    assert (verdict.level, [one.result for one in verdict.contributions]) == (3, ["held", "error"])


def test_a_contribution_says_what_the_rule_saw(facts: Make) -> None:
    telling = Rule(
        id="telling",
        place=PLACE,
        match=Match({"service": ("checkout",), "labels.category": ("payment",)}),
        because="x",
        when=Condition('status == "firing" && count >= 2'),
        level=1,
    )
    given_facts = facts(labels={"category": "payment"}, count=3)
    held = judge([telling], given_facts).contributions[0]
    assert held.values == {
        "service": "checkout", "labels.category": "payment", "status": "firing", "count": "3",
    }  # fmt: skip
    nearly = judge([telling], replace(given_facts, count=1)).contributions[0]
    assert nearly.result == "nearly"
    assert nearly.missed == ("when count >= 2 (count = 1)",)  # the part that failed, and what it saw
    other = judge([telling], replace(given_facts, labels={"category": "bug"})).contributions[0]
    assert other.missed == ('labels.category = "bug", wants payment',)


CHECKOUT = {"service": ("checkout",)}


def test_of_rules_that_nearly_held_only_a_few_are_kept_and_of_those_that_held_all(facts: Make) -> None:
    near = [
        Rule(id=f"n{n}", place=PLACE, match=Match({**CHECKOUT, "labels.x": (str(n),)}), because="", level=1)
        for n in range(30)
    ]  # fmt: skip
    asked = [
        Rule(id=f"w{n}", place=PLACE, match=Match({}), because="", level=1, when=Condition("count > 5"))
        for n in range(30)
    ]
    held = [Rule(id=f"h{n}", place=PLACE, match=Match({}), because="", level=4) for n in range(30)]
    results = [one.result for one in judge([*near, *asked, *held], facts()).contributions]
    assert (results.count("held"), results.count("nearly")) == (30, MAX_NEARLY)


def test_between_rules_that_decide_together_the_reason_names_the_first_id(facts: Make) -> None:
    assert judge([rule("b", level=1), rule("a", level=1)], facts()).level_by.rule == "a"


def test_long_values_are_cut_in_what_is_kept_with_a_decision(facts: Make) -> None:
    long = "v" * 4000
    seen = facts(labels={"x": long, "y": long})
    said = judge(
        [
            Rule(id="held", place=PLACE, match=Match({"labels.x": (long,)}), because="", level=1),
            Rule(id="near", place=PLACE, match=Match({"labels.x": (long,), "labels.y": ("a",)}), because=""),
            rule("asked", level=1, when=Condition('title == "' + "x" * 3000 + '"')),
        ],
        seen,
    ).contributions
    assert {one.rule: one.result for one in said} == {"held": "held", "near": "nearly", "asked": "nearly"}
    assert max(len(text) for one in said for text in (*one.values.values(), *one.missed)) < 300
