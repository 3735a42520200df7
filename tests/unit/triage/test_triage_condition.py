"""``when``: strictly typed when it is read, never truthy by accident when it is asked, bounded always."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irpd.model.share import Share
from irpd.triage.condition import MAX_EXPRESSION, BadCondition, Condition, View
from irpd.triage.facts import Facts
from irpd.triage.vocabulary import NAMES

Make = Callable[..., Facts]


def ask(expression: str, facts: Facts) -> tuple[bool, str]:
    answer = Condition(expression).ask(View(facts))
    return answer.held, answer.error


def answered_or_refused(expression: str, facts: Facts) -> bool:
    """Never anything else: no crash, no mistake without words or beyond the text's end."""
    try:
        condition = Condition(expression)
    except BadCondition as error:
        return all(one.message and 0 <= one.offset <= len(expression) for one in error.mistakes)
    return isinstance(condition.ask(View(facts)).held, bool)


def mistakes(expression: str) -> list[tuple[int, str]]:
    with pytest.raises(BadCondition) as caught:
        Condition(expression)
    return [(one.offset, one.message) for one in caught.value.mistakes]


@pytest.mark.parametrize(
    "expression",
    [
        'source == "alertmanager" && source_type == "alertmanager" && service == "checkout"',
        'status == "firing" && title.contains("failing") && text.startsWith("")',
        'labels.get("team") == "payments" && labels.get("nothing") == ""',
        'labels.team == "payments" && "team" in labels && has(labels.team)',
        'project == ""',
        "share == 0.25 && share_known && affected == 5 && users == 20",
        "reporters == 3 && signals == 2 && open_minutes == 61 && count == 7",
        'at.getHours("Europe/Berlin") == 13 && at < timestamp("2027-01-01T00:00:00Z")',
        'title.matches("^Pay.*ing$")',
        'labels.exists(name, name == "team")',
    ],
)
def test_every_name_says_what_the_facts_say(facts: Make, expression: str) -> None:
    seen = facts(
        labels={"team": "payments"},
        share=Share(numerator=1, denominator=4, affected=5, users=20),
        reporters=3,
        signals=2,
        open_minutes=61,
        count=7,
    )
    assert ask(expression, seen) == (True, "")


def test_every_declared_name_is_always_bound(facts: Make) -> None:
    for name in NAMES:
        assert ask(f"{name} == {name}", facts()) == (True, ""), name


def test_an_unknown_share_is_zero_and_said_to_be_unknown(facts: Make) -> None:
    assert ask("share == 0.0 && !share_known && affected == 0", facts()) == (True, "")


def test_an_error_is_not_held_though_its_value_is_a_text(facts: Make) -> None:
    held, error = ask('labels.team == "x"', facts())
    assert (held, error) == (False, 'Key not found in map : "team"')
    assert ask("1 / (count - 1) > 0", facts(count=1)) == (False, "divide by zero")
    assert ask('at.getHours("Mars/Olympus") > 0', facts())[1]


def test_an_error_that_repeats_a_signals_words_is_printable_and_bounded(facts: Make) -> None:
    held, error = ask('labels[title] == "x"', facts(title="\x1b[31m" + "y" * 4000))
    assert not held
    assert error.startswith("Key not found in map")
    assert error.isprintable()
    assert len(error) <= 300


def test_an_error_on_one_side_is_absorbed_where_the_other_decides(facts: Make) -> None:
    assert ask('labels.team == "x" || count == 1', facts()) == (True, "")


@pytest.mark.parametrize(
    "expression, found",
    [
        ("shrae > 0.1", [(0, 'unknown name "shrae"; did you mean share?')]),
        ('foo(1) > 2 && titel == "x"', [
            (0, 'unknown function "foo"'), (14, 'unknown name "titel"; did you mean title?'),
        ]),
        ('title.containz("x")', [(6, 'unknown function "containz"; did you mean contains?')]),
        ("share > 1", [
            (6, "> doesn't work on (double, int); a double needs a number with a point: 1.0, not 1"),
        ]),
        ('count == "1"', [(6, "== doesn't work on (int, string)")]),
        ("count", [(0, "says neither yes nor no: it is of type int, not bool")]),
        ('dyn(title)', [(0, "says neither yes nor no: it is of type dyn, not bool")]),
        ('title = "a"', [(6, 'syntax error at "="; did you mean ==?')]),
        ('title == "a" and true', [(13, 'syntax error at "and"; did you mean &&?')]),
        ("share >", [(7, "syntax error: the expression ends too early")]),
        ("", [(0, "syntax error: the expression is empty")]),
        ('labels.get("x", "y") == ""', [(7, 'get is for labels and takes one text: labels.get("x")')]),
        ('title.matches("(a")', [(14, "not a regular expression: missing ): (a")]),
        ("count(3) == 1", [(0, "count is a value, not a function")]),
        ("count > 1 &&\n  shrae > 1.0", [(15, 'unknown name "shrae"; did you mean share?')]),
        ('"😀" == title && shrae', [(16, 'unknown name "shrae"; did you mean share?')]),
    ],
)  # fmt: skip
def test_a_mistake_is_found_when_the_rule_is_read_and_named_at_its_letter(
    expression: str, found: list[tuple[int, str]]
) -> None:
    assert mistakes(expression) == found


def test_a_name_that_is_like_none_lists_all_there_are() -> None:
    assert mistakes("zzz")[0][1] == 'unknown name "zzz"; known: ' + ", ".join(NAMES)


def test_a_catastrophic_regular_expression_takes_no_time(facts: Make) -> None:
    seen = facts(text="a" * 4000 + "!")
    begun = time.process_time()
    assert ask('text.matches("^(a+)+$") || text.matches("(a|a)*b$")', seen) == (False, "")
    assert time.process_time() - begun < 1.0


def test_an_expression_of_twenty_thousand_alternatives_is_refused_by_its_length() -> None:
    begun = time.process_time()
    assert mistakes(" || ".join(["count == 1"] * 20_000)) == [
        (0, f"longer than {MAX_EXPRESSION:,} characters (279,996); split the rule")
    ]
    assert time.process_time() - begun < 1.0


@pytest.mark.parametrize(
    "expression", ["(" * 500 + "true" + ")" * 500, "[" * 500, "!" * 3000 + "true", "\x00", "{" * 99]
)
def test_hostile_shapes_are_refused_or_answered_but_never_crash(facts: Make, expression: str) -> None:
    assert answered_or_refused(expression, facts())


@pytest.mark.parametrize("title", ["\ud800", "a\udfffb", "\x00", "😀" * 5000, "x" * 10**6])
def test_texts_that_are_no_unicode_or_huge_are_asked_about_all_the_same(facts: Make, title: str) -> None:
    seen = facts(title=title, text=title, labels={"x": title})
    assert ask('title != "?" && size(text) <= 4096 && size(labels.get("x")) > 0', seen) == (
        title != "\ud800",
        "",
    )


@pytest.mark.parametrize("number", [2**63, 10**30, -(10**30)])
def test_a_number_too_large_for_the_library_is_cut_not_an_error(facts: Make, number: int) -> None:
    seen = facts(count=number, share=Share(numerator=1, denominator=2, affected=abs(number)))
    assert ask("count != 5 && affected > 9000000000000000000", seen) == (True, "")


@given(st.text(max_size=60))
def test_any_text_is_a_condition_or_a_mistake_in_words(facts: Make, expression: str) -> None:
    assert answered_or_refused(expression, facts())


WORDS = [*NAMES, "&&", "||", "==", "!=", ">", "(", ")", ".", ",", '"a"', "1", "1.5", "in", "!", "x", "\n"]


@given(st.lists(st.sampled_from([*WORDS, "labels.get(", "has("]), max_size=12).map(" ".join))
def test_any_row_of_words_is_a_condition_or_a_mistake_in_words(facts: Make, expression: str) -> None:
    assert answered_or_refused(expression, facts())


def test_what_a_condition_looked_at_is_shown_as_people_write_it(facts: Make) -> None:
    condition = Condition(
        'status == "firing" && labels.get("team") == "a" && (share > 0.1 || affected > 3)'
        " && at > timestamp(title)"
    )
    seen = facts(labels={"team": "a"}, share=Share(numerator=1, denominator=50), title="2026-01-01T00:00:00Z")
    assert condition.values(seen) == {
        "status": "firing",
        "labels.team": "a",
        "share": "2.0 %",
        "affected": "unknown",
        "at": "2026-11-24T12:00:00Z",
        "title": "2026-01-01T00:00:00Z",
    }


def test_a_long_value_is_cut_in_what_is_shown(facts: Make) -> None:
    shown = Condition('title == "x"').values(facts(title="y" * 500))["title"]
    assert shown == "y" * 199 + "…"


@pytest.mark.parametrize(
    "expression, unguarded",
    [
        ('labels.team == "a"', [("team", 0)]),
        ('count > 1 && labels["team"] == "a"', [("team", 13)]),
        ('has(labels.team) && labels.team == "a"', []),
        ('"team" in labels && labels.team == "a"', []),
        ('has(labels.other) && labels.team == "a"', [("team", 21)]),
        ('labels.get("team") == "a"', []),
        ('title == "labels.team"', []),
        ("labels.size() > 1", []),
        ('labels.exists(k, k == "team")', []),
        ('true // labels.team\n', []),
    ],
)  # fmt: skip
def test_a_label_read_bare_with_nothing_that_guards_it_is_found(
    expression: str, unguarded: list[tuple[str, int]]
) -> None:
    assert list(Condition(expression).reads.unguarded) == unguarded


def test_working_hours_can_be_asked_for_across_the_change_of_the_clocks(facts: Make) -> None:
    at_work = 'at.getHours("Europe/Berlin") >= 9 && at.getHours("Europe/Berlin") < 18'
    assert ask(at_work, facts(at=datetime(2026, 3, 27, 8, 30, tzinfo=UTC))) == (True, "")  # 09:30, winter
    assert ask(at_work, facts(at=datetime(2026, 3, 30, 7, 30, tzinfo=UTC))) == (True, "")  # 09:30, summer
    assert ask(at_work, facts(at=datetime(2026, 3, 27, 7, 30, tzinfo=UTC))) == (False, "")
