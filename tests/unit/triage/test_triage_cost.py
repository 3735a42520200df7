"""A rule made expensive on purpose is refused when it is read; what is let in is bounded in time."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irpd.config.problem import ConfigurationError
from irpd.config.yaml import read_document
from irpd.model.share import UNKNOWN
from irpd.model.signal import MAX_LABELS, MAX_VALUE
from irpd.triage.condition import BadCondition, Condition, View
from irpd.triage.cost import MOST_OF_ALL, MOST_OF_ONE, cost_of, pattern_cost
from irpd.triage.facts import Facts
from irpd.triage.ruleset import RuleSet, compile_rules

#: The most that a signal can hold.
LARGEST = Facts(
    source="a", source_type="ticket", service="s", status="firing", title="ab" * 150,
    labels={f"label-{n:03}": "ab" * (MAX_VALUE // 2) for n in range(MAX_LABELS)}, share=UNKNOWN,
    at=datetime(2026, 1, 5, tzinfo=UTC), text="ab" * (MAX_VALUE // 2),
)  # fmt: skip


@pytest.mark.parametrize(
    "when",
    [
        "labels.all(a, labels.all(b, labels.all(c, a != b)))",
        "labels.exists(a, labels.exists(b, labels[a].contains(b)))",
        "labels.all(a, labels.all(b, labels[a] + labels[b] + text != text))",
        'labels.all(a, labels.all(b, !labels[b].matches("(x|y)*z$")))',
        'labels.all(a, !text.matches("(.*a){100}c"))',
        'text.matches("(a*)*(b*)*((a|b){30}){30}c")',
        'text.matches("(((a|b){10}){10}){10}c")',
        'text.matches("(a|b)*a(a|b){200}c")',
        'text.matches("[ab]{0,300}[ab]{0,300}c")',
        f'text.matches("{"a?" * 1900}c")',
        f'text.matches("{".?[ab]?" * 500}c")',
        " || ".join(f'text.matches("(.*a){{20}}c{n}")' for n in range(80)),
    ],
)
def test_an_expensive_condition_is_refused_and_says_what_it_may_take(when: str) -> None:
    with pytest.raises(BadCondition) as caught:
        Condition(when)
    assert "ms for one signal; 5 ms at most" in str(caught.value)


@pytest.mark.parametrize(
    "when, message",
    [
        ("text.matches(title)", "a pattern must be written here, as one text in quotes"),
        ('text.matches("a" + title)', "a pattern must be written here, as one text in quotes"),
        ('labels.exists(a, text.matches(labels[a]))', "a pattern must be written here"),
        ('matches(text, "a")', 'write it as text.matches("pattern")'),
        ('matches(text, title)', 'write it as text.matches("pattern")'),
    ],
)  # fmt: skip
def test_a_pattern_out_of_a_signal_is_refused(when: str, message: str) -> None:
    with pytest.raises(BadCondition) as caught:
        Condition(when)
    assert message in str(caught.value)


LET_IN = [
    "reporters >= 20 && open_minutes >= 10",
    'labels.exists(name, labels[name] == "payment")',
    'labels.exists(a, labels[a].matches("^x*y"))',
    "labels.all(a, labels.all(b, a != \"z\"))",
    'text.matches("(?i)\\\\b(outage|down|ausfall)\\\\b")',
    'text.matches("[0-9]{1,3}([.][0-9]{1,3}){3}")',
    'labels.get("aggregate").matches("^(p50|p75|p90|p95|p99|avg|apdex)\\\\(")',
    'text.matches("(a|b)*a(a|b){20}c")',
    '[1, 2, 3].exists(n, count == n) && title.contains("x")',
    'text.matches("(.*a){20}c")',
]  # fmt: skip


@pytest.mark.parametrize("when", LET_IN)
def test_what_is_let_in_takes_no_longer_than_ten_times_its_bound(when: str) -> None:
    """Ten times, because the machine that runs the tests may be busy; the fastest of many is compared."""
    condition, view = Condition(when), View(LARGEST)
    assert condition.cost <= MOST_OF_ONE
    condition.ask(view)
    taken = []
    for _ in range(20):
        began = time.perf_counter()
        condition.ask(view)
        taken.append(time.perf_counter() - began)
    assert min(taken) * 1e6 < 10 * condition.cost


def test_conditions_that_one_signal_may_meet_are_cheap_together(rules: Callable[..., RuleSet]) -> None:
    dear = 'labels.exists(a, labels[a].matches("^x*y"))'
    assert 5 * cost_of(dear).microseconds > MOST_OF_ALL
    many = "version: 1\nrules:\n" + "".join(
        f"  - {{id: r{n}, match: {{service: SERVICE}}, when: '{dear}', level: 2, because: x}}\n"
        for n in range(5)
    )
    with pytest.raises(ConfigurationError) as caught:
        rules(many.replace("SERVICE", "checkout"))
    (problem,) = caught.value.problems
    assert "the conditions that a signal of checkout may meet take" in str(problem)
    apart = many
    for n in range(5):
        apart = apart.replace("SERVICE", f"service-{n}", 1)
    assert len(rules(apart).rules) == 5, "rules of different services never meet"


def test_the_shipped_rules_are_far_from_the_bound() -> None:
    folder = Path(__file__).parents[3] / "rules"
    ruleset = compile_rules([read_document(path) for path in sorted(folder.glob("*.yaml"))])
    assert sum(rule.when.cost for rule in ruleset.rules if rule.when is not None) < MOST_OF_ALL / 10


@given(st.text(alphabet="ab|()*+?{},0123456789[]\\^.$", max_size=60))
def test_any_pattern_has_a_cost(pattern: str) -> None:
    assert pattern_cost(pattern) > 0


@given(st.text(alphabet='ab.(),[]{}"+-&|!= \n1labelsmatchesexists', max_size=80))
def test_any_text_has_a_cost(text: str) -> None:
    assert cost_of(text).microseconds > 0


@given(st.integers(1, 500), st.sampled_from(["a", "(a|b)", "[ab]", "(.*a)"]))
def test_more_repetitions_never_cost_less(count: int, what: str) -> None:
    assert pattern_cost(f"{what}{{{count + 1}}}") > pattern_cost(f"{what}{{{count}}}")
