"""Conditions that are always or never so are named; nothing is said of one that can be both."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irpd.triage.condition import Condition
from irpd.triage.constant import constant_conditions
from irpd.triage.matching import Match
from irpd.triage.rule import Place, Rule

PLACE = Place(file="a.yaml", line=1, column=1)


def answer(when: str, **wants: tuple[str, ...]) -> bool | None:
    columns = {name.replace("__", "."): values for name, values in wants.items()}
    rule = Rule(id="a", place=PLACE, match=Match(columns), because="x", when=Condition(when), level=1)
    found = list(constant_conditions([rule]))
    return found[0].answer if found else None


@pytest.mark.parametrize(
    "when, constant",
    [
        ("true", True),
        ("1 < 2", True),
        ("reporters >= 0", True),
        ("signals < 1", False),
        ("share > 1.0", False),
        ("share_known && share >= 0.0", None),
        ("share >= 0.0", True),
        ("reporters > 3 && reporters < 3", False),
        ("reporters > 3 || reporters < 5", True),
        ('labels.get("x") == "a" && labels.get("x") == "b"', False),
        ('status == "firing" || status == "resolved"', True),
        ('status == "ended"', False),
        ('"x" in labels || !("x" in labels)', True),
        ('reporters >= 20 && labels.get("x") != ""', None),
        ("reporters > 3", None),
        ("signals > 1", None),
        ('labels.get("x").matches("^a")', None),
        ("signals > reporters", None),
        ("affected * 10 > users", None),
        ('title.contains("x")', None),
        ('at.getHours("Europe/Berlin") < 25', None),
        ("labels.exists(name, name == name)", None),
        ("size(labels) >= 0", None),
        ('labels.x == "a"', None),
    ],
)
def test_what_is_certain_is_said_and_nothing_else(when: str, constant: bool | None) -> None:
    assert answer(when) is constant


def test_what_the_match_lets_in_is_all_that_comes() -> None:
    assert answer('status == "firing"', status=("firing",)) is True
    assert answer('status == "firing"', status=("resolved",)) is False
    assert answer('status == "firing"', status=("firing", "resolved")) is None
    assert answer('labels.get("x") in ["a", "b"]', labels__x=("a",)) is True
    assert answer('labels.get("x") == "c"', labels__x=("a",)) is False


@given(
    st.integers(0, 5), st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
    st.integers(0, 5), st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), st.sampled_from(["&&", "||"]),
)  # fmt: skip
def test_it_agrees_with_trying_every_number(a: int, one: str, b: int, other: str, joined: str) -> None:
    when = f"reporters {one} {a} {joined} reporters {other} {b}"
    text = when.replace("&&", "and").replace("||", "or")
    every = {bool(eval(text, {"reporters": n})) for n in range(12)}
    assert answer(when) is (every.pop() if len(every) == 1 else None)
