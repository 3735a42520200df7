"""At which ages of an incident the passing of time alone changes what a condition says.

A condition that compares ``open_minutes`` with a number written beside it changes its answer at that minute
or the next one, and nowhere else; so the rules are asked again then. One that computes with it, or compares
it with another fact, tells nothing of when: it is asked at the next news only, and ``irpd check`` says so.
"""

from collections.abc import Sequence

from irpd.triage.expression import Token, tokens

_NAME = "open_minutes"
#: Nothing is planned for more than a year ahead.
LONGEST = 366 * 24 * 60
_COMPARING = frozenset("=!<>")
_COMPUTING = frozenset("+-*/%")
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
#: By how much after the number the answer changes.
_CHANGES = {">=": (0,), "<": (0,), ">": (1,), "<=": (1,), "==": (0, 1), "!=": (0, 1)}


def ages_of(expression: str) -> tuple[int, ...] | None:
    """The ages (whole minutes, in order) at which the answer may change; None where its text doesn't tell."""
    found = tokens(expression)
    ages: set[int] = set()
    for n, token in enumerate(found):
        if token.kind == "name" and token.text == _NAME and (not n or found[n - 1].text != "."):
            told = _beside(found, n)
            if told is None:
                return None
            ages.update(told)
    return tuple(sorted(age for age in ages if 0 < age <= LONGEST))


def _beside(found: Sequence[Token], n: int) -> list[int] | None:
    right, last = _operator(found, n, 1)
    left, first = _operator(found, n, -1)
    if right and not left:
        operator, number, outer = right, last, found[last + 1 : last + 2]
        inner = found[n - 1 : n] if n else []
    elif left and not right:
        operator, number, outer = _MIRRORED.get(left, left), first, found[first - 1 : first] if first else []
        inner = found[n + 1 : n + 2]
    else:
        return None
    if any(token.text in _COMPUTING for token in (*outer, *inner)):
        return None
    text = found[number].text
    if operator not in _CHANGES or not text.isdecimal():
        return None
    return [int(text[:12]) + more for more in _CHANGES[operator]]


def _operator(found: Sequence[Token], n: int, step: int) -> tuple[str, int]:
    """The comparison on one side of the name, and where the number stands; empty where there is neither."""
    at, marks = n + step, ""
    while 0 <= at < len(found) and found[at].kind == "mark" and found[at].text in _COMPARING:
        marks = marks + found[at].text if step > 0 else found[at].text + marks
        at += step
    is_number = 0 <= at < len(found) and found[at].kind == "number"
    return (marks, at) if marks and is_number else ("", n)
