"""Conditions whose answer is known beforehand: always so, or never, for whatever the match lets in.

A condition that only compares facts with values written in it changes its answer at those values and nowhere
else. So it is asked with each value, the ones beside it, and something else: if the answer never changes, it
is constant. Conditions that compute, call functions or compare facts with each other are left alone, and so
are those with too many combinations: nothing is said that isn't certain.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from itertools import product
from math import prod

from irpd.model.share import Share
from irpd.triage.condition import Condition, View
from irpd.triage.expression import Token, tokens
from irpd.triage.facts import Facts
from irpd.triage.matching import Match
from irpd.triage.rule import Rule
from irpd.triage.vocabulary import NAMES, SOURCE_TYPES

#: Combinations that are tried for one condition.
MOST = 600
_ANY = datetime(2026, 1, 5, 12, tzinfo=UTC)
_OTHER = "\u2026 something else \u2026"
_NEAR = Fraction(1, 10**9)
_WORDS = frozenset({"labels", "get", "has", "in", "true", "false"})
_CALLS = frozenset({"get", "has", "in"})
_MARKS = frozenset("=!<>&|()[],.")
_COMPARING = frozenset("=!<>")
_TEXTS = ("source", "service", "title", "text", "project")
_UNKNOWN = ("share", "affected", "users")
_COUNTS = {"reporters": 0, "signals": 1, "open_minutes": 0, "count": 1}


@dataclass(frozen=True, slots=True)
class Unknowing:
    """While ``name`` is unknown (and counts as 0) the condition of the rule holds because of that."""

    rule: Rule
    name: str  # share | affected | users


@dataclass(frozen=True, slots=True)
class Constant:
    """``answer`` is what the condition of the rule says whatever comes."""

    rule: Rule
    answer: bool


def constant_conditions(rules: Iterable[Rule]) -> Iterator[Constant]:
    """In the order of the rules."""
    for rule in rules:
        if rule.when is not None:
            answer = _answer(rule.when, rule.match)
            if answer is not None:
                yield Constant(rule, answer)


def unknowing_conditions(rules: Iterable[Rule]) -> Iterator[Unknowing]:
    """Rules that take what is not known for few: ``share < 0.1`` and the like, without ``share_known``."""
    for rule in rules:
        if rule.when is None or "share_known" in rule.when.reads.names:
            continue
        for name in _UNKNOWN:
            if name in rule.when.reads.names and _holds_for_unknown(rule.when, rule.match, name):
                yield Unknowing(rule, name)
                break


def _holds_for_unknown(when: Condition, match: Match, name: str) -> bool:
    """Whether it holds without this number where it does not hold with every number."""
    found = tokens(when.expression)
    if not _comparing_only(found):
        return False
    values = _values(found, when, match.wants)
    others = {other: some for other, some in values.items() if other != name}
    known = [value for value in values[name] if value not in (None, 0)]
    if prod(len(one) for one in values.values()) > MOST:
        return False
    for chosen in product(*others.values()):
        rest = dict(zip(others, chosen, strict=True))
        if _holds(when, {**rest, name: None}) and not all(_holds(when, {**rest, name: one}) for one in known):
            return True
    return False


def _holds(when: Condition, chosen: Mapping[str, object]) -> bool:
    return when.ask(View(_facts(chosen))).held


def _answer(when: Condition, match: Match) -> bool | None:
    found = tokens(when.expression)
    if not _comparing_only(found):
        return None
    values = _values(found, when, match.wants)
    if prod(len(one) for one in values.values()) > MOST:
        return None
    answers: set[bool] = set()
    for chosen in product(*values.values()):
        answer = when.ask(View(_facts(dict(zip(values, chosen, strict=True)))))
        if answer.error:
            return None
        answers.add(answer.held)
        if len(answers) > 1:
            return None
    return answers.pop() if answers else None


def _comparing_only(found: Sequence[Token]) -> bool:
    for n, token in enumerate(found):
        before = found[n - 1].text if n else ""
        match token.kind:
            case "name" if found[n + 1 : n + 2] and found[n + 1].text == "(" and token.text not in _CALLS:
                return False
            case "name" if before != "." and token.text not in NAMES and token.text not in _WORDS:
                return False
            case "name" if token.text == "at" and before != ".":
                return False
            case "mark" if token.text not in _MARKS:
                return False
            case "mark" if token.text in _COMPARING and not _with_value(found, n):
                return False
    return True


def _with_value(found: Sequence[Token], n: int) -> bool:
    """Whether one side of the operator at ``n`` is a value that is written there."""
    if found[n].text == "!" and not (n + 1 < len(found) and found[n + 1].text == "="):
        return True  # a negation
    first = n
    while first and found[first - 1].text in _COMPARING:
        first -= 1
    last = n
    while last + 1 < len(found) and found[last + 1].text in _COMPARING - {"!"}:
        last += 1
    sides = [found[first - 1] if first else None, found[last + 1] if last + 1 < len(found) else None]
    return any(
        side is not None and (side.kind in ("text", "number") or side.text in ("true", "false"))
        for side in sides
    )


def _values(
    found: Sequence[Token], when: Condition, wants: Mapping[str, tuple[str, ...]]
) -> dict[str, list[object]]:
    """For each name that is read the values worth trying. A label may be missing: None."""
    texts = list(dict.fromkeys([token.content for token in found if token.kind == "text"] + [_OTHER]))
    numbers = [token.text for token in found if token.kind == "number"]
    whole = sorted({near for text in numbers if text.isdecimal() for near in _beside(int(text))} | {0, 1})
    shares = sorted(
        near
        for near in {Fraction(0), Fraction(1), *(f for text in numbers for f in _fractions(text))}
        if 0 <= near <= 1
    )
    values: dict[str, list[object]] = {}
    for name in when.reads.names:
        if name in _TEXTS:
            values[name] = list(wants.get(name, texts))
        elif name == "status":
            values[name] = list(wants.get(name, ("firing", "resolved")))
        elif name == "source_type":
            values[name] = list(wants.get(name, (*SOURCE_TYPES, "irpd")))
        elif name in _COUNTS:
            values[name] = [number for number in whole if number >= _COUNTS[name]]
        elif name in ("affected", "users"):
            values[name] = list(whole)
    if {"share", "share_known"} & set(when.reads.names):
        values["share"] = [None, *shares]
    for label in when.reads.labels:
        column = f"labels.{label}"
        values[column] = list(wants[column]) if column in wants else [*texts, None]
    return values


def _beside(number: int) -> tuple[int, ...]:
    return (max(number - 1, 0), number, number + 1)


def _fractions(text: str) -> Iterator[Fraction]:
    try:
        value = Fraction(text)
    except (ValueError, ZeroDivisionError):
        return
    yield from (value - _NEAR, value, value + _NEAR)


def _facts(chosen: Mapping[str, object]) -> Facts:
    share = chosen.get("share")
    fraction = share if isinstance(share, Fraction) else None
    fields = {
        name: value for name, value in chosen.items() if name in (*_TEXTS, "status", "source_type", *_COUNTS)
    }
    labels = {
        name.removeprefix("labels."): str(value)
        for name, value in chosen.items()
        if name.startswith("labels.") and value is not None
    }
    affected, users = chosen.get("affected"), chosen.get("users")
    given: dict[str, object] = {
        "source": "", "source_type": "", "service": "", "status": "firing", "title": "", **fields,
    }  # fmt: skip
    return Facts(
        labels=labels,
        share=Share(
            numerator=None if fraction is None else fraction.numerator,
            denominator=1 if fraction is None else fraction.denominator,
            affected=affected if isinstance(affected, int) else None,
            users=users if isinstance(users, int) else None,
        ),
        at=_ANY,
        **given,  # type: ignore[arg-type]  # of whatever type each field has
    )
