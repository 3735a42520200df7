"""What a condition may cost at worst, told from its text alone, so that no expensive rule comes in force.

The library bounds how often loops go round, but not what one round does, and it has no clock. So each
expression is given an estimate in microseconds for the largest signal that irpd keeps (64 labels and texts of
4,096 letters): loops multiply what stands in them; a regular expression is charged for each repetition,
because searching takes time for each place in the pattern and each letter of the text. The figures were
measured on one core of a small server; ``tests/unit/triage/test_triage_cost.py`` holds them to it.

Patterns must be written in the rule: one that comes out of a signal is whatever its sender likes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from irpd.model.signal import MAX_LABELS
from irpd.triage.expression import Token, tokens
from irpd.triage.mistake import Mistake

#: Microseconds: one rule's condition, and all conditions that one signal may meet.
MOST_OF_ONE = 5_000.0
MOST_OF_ALL = 20_000.0

_LOOPS = frozenset({"all", "exists", "exists_one", "map", "filter"})
_TOKEN = 0.05
_CALLS = {
    "contains": 5.0, "startsWith": 2.0, "endsWith": 2.0, "get": 2.0, "string": 3.0, "timestamp": 3.0,
    "getHours": 3.0, "getMinutes": 3.0, "getDayOfWeek": 3.0, "getDate": 3.0, "getMonth": 3.0,
    "getFullYear": 3.0,
}  # fmt: skip
_PLUS = 12.0
_BASE, _PATTERN = 5.0, 20.0
_STAR, _MAYBE, _COPY, _BRANCH = 50.0, 200.0, 25.0, 100.0


@dataclass(frozen=True, slots=True)
class Cost:
    """``microseconds`` at worst; ``mistakes`` are what may not stand in a condition at all."""

    microseconds: float
    mistakes: tuple[Mistake, ...] = ()


@lru_cache(maxsize=4096)
def cost_of(expression: str) -> Cost:
    found = tokens(expression)
    total, rounds = 0.0, [1.0]
    mistakes: list[Mistake] = []
    closes: list[bool] = []  # for each open bracket whether its end ends a loop
    for n, token in enumerate(found):
        called = n + 1 < len(found) and found[n + 1].text == "("
        member = n > 0 and found[n - 1].text == "."
        if token.text in ("(", "[", "{"):
            loop = token.text == "(" and n > 1 and found[n - 1].text in _LOOPS and found[n - 2].text == "."
            if loop:
                rounds.append(rounds[-1] * _rounds(found, n - 2))
            closes.append(loop)
        elif token.text in (")", "]", "}") and closes and closes.pop():
            rounds.pop()
        price = _TOKEN
        if token.kind == "mark" and token.text == "+":
            price = _PLUS
        elif token.kind == "name" and called and token.text == "matches":
            pattern = found[n + 2] if n + 2 < len(found) else None
            ends = n + 3 < len(found) and found[n + 3].text == ")"
            if not member:
                mistakes.append(Mistake(token.start, 'write it as text.matches("pattern")'))
            elif pattern is None or pattern.kind != "text" or not ends:
                mistakes.append(Mistake(token.start, "a pattern must be written here, as one text in quotes"))
            else:
                price = pattern_cost(pattern.content)
        elif token.kind == "name" and called:
            price = _CALLS.get(token.text, _TOKEN)
        total += price * rounds[-1]
    return Cost(_BASE + total, tuple(mistakes))


def _rounds(found: Sequence[Token], dot: int) -> float:
    """How often a loop goes round: over a list that is written there as often as it has items."""
    if dot == 0 or found[dot - 1].text != "]":
        return float(MAX_LABELS)
    depth, items = 0, 1
    for token in reversed(found[:dot]):
        if token.text in (")", "]", "}"):
            depth += 1
        elif token.text in ("(", "[", "{"):
            depth -= 1
            if not depth:
                return float(items)
        elif token.text == "," and depth == 1:
            items += 1
    return float(MAX_LABELS)


def pattern_cost(pattern: str) -> float:
    """Microseconds of a search in the longest text. Read loosely: what is no pattern is refused elsewhere."""
    # For each open group: what its copies cost beyond the first, as far as it is read.
    groups: list[list[float]] = [[0.0, 0.0]]  # stars and plain repetitions, branches
    last: list[float] = [0.0, 0.0]
    n = 0
    while n < len(pattern):
        letter = pattern[n]
        if letter == "\\":
            last, n = [0.0, 0.0], n + 2
            continue
        if letter == "[":
            n = _class_end(pattern, n)
            last = [0.0, 0.0]
            continue
        if letter == "(":
            groups.append([0.0, 0.0])
        elif letter == ")" and len(groups) > 1:
            last = groups.pop()
            groups[-1] = [groups[-1][0] + last[0], groups[-1][1] + last[1]]
        elif letter == "|":
            groups[-1][1] += 1
        elif letter == "?" and pattern[n - 1 : n] not in ("(", "*", "+", "?", "}"):
            groups[-1][0] += _MAYBE
            last = [last[0] + _MAYBE, last[1]]
        elif letter in "*+":
            groups[-1][0] += _STAR
            last = [last[0] + _STAR, last[1]]
        elif letter == "{" and (copies := _copies(pattern, n)) is not None:
            often, n = copies
            extra = max(often - 1, 0)
            added = extra * (_COPY + last[0] + last[1] * _BRANCH)
            groups[-1][0] += added
            last = [last[0] + added, last[1]]
            continue
        elif letter != "?":
            last = [0.0, 0.0]
        n += 1
    total = sum(stars for stars, _ in groups)
    return _PATTERN + len(pattern) * 0.2 + total


def _class_end(pattern: str, start: int) -> int:
    """Behind the ``]`` of the class that begins at ``start``."""
    n = start + 1
    if pattern[n : n + 1] == "^":
        n += 1
    if pattern[n : n + 1] == "]":
        n += 1
    while n < len(pattern) and pattern[n] != "]":
        n += 2 if pattern[n] == "\\" else 1
    return n + 1


def _copies(pattern: str, start: int) -> tuple[int, int] | None:
    """How often ``{2,5}`` at ``start`` has it repeated, and where it ends; None when it is no repetition."""
    end = pattern.find("}", start)
    low, comma, high = pattern[start + 1 : end].partition(",") if end > 0 else ("", "", "")
    if not low.isdecimal() or (high and not high.isdecimal()) or len(low) > 6 or len(high) > 6:
        return None
    return max(int(low), int(high or 0)) + (1 if comma and not high else 0), end + 1
