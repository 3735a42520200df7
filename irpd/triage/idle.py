"""Rules that can never decide a level, whatever comes: said as warnings when the files are read.

Only what is certain is said. A rule is idle when its effect can't change anything (a cap at the most severe
level, a floor at the least), or when another rule holds whenever it does and says the stronger thing of the
same kind.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from irpd.triage.rule import Rule

_NO_CAP, _NO_FLOOR = 1, 4


@dataclass(frozen=True, slots=True)
class Idle:
    rule: Rule
    because: str


def idle_rules(rules: Sequence[Rule]) -> Iterator[Idle]:
    """In the order of ``rules``."""
    stronger = {kind: _ByValue([rule for rule in rules if _kind(rule) == kind]) for kind in _KINDS}
    for rule in rules:
        kind = _kind(rule)
        if rule.at_most == _NO_CAP:
            yield Idle(rule, "at_most 1 caps nothing: no level is more severe")
        elif rule.at_least == _NO_FLOOR:
            yield Idle(rule, "at_least 4 raises nothing: no level is less severe")
        elif kind and (other := stronger[kind].over(rule, kind)) is not None:
            yield Idle(
                rule, f"never decides: {other.id} ({other.place}) holds whenever it does, and says more"
            )


_KINDS = ("level", "at_most", "at_least")


def _kind(rule: Rule) -> str:
    return next((kind for kind in _KINDS if getattr(rule, kind) is not None), "")


class _ByValue:
    """The rules of one kind that hold by their match alone, by a value that each of them needs."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._always: list[Rule] = []
        self._needs: dict[tuple[str, str], list[Rule]] = {}
        for rule in rules:
            if not rule.match.wants:
                self._always.append(rule)
                continue
            column, values = min(rule.match.wants.items())
            for value in values:
                self._needs.setdefault((column, value), []).append(rule)

    def over(self, rule: Rule, kind: str) -> Rule | None:
        """One that holds whenever ``rule`` does and says something stronger of the same kind."""
        near = list(self._always)
        for column, values in rule.match.wants.items():
            near += self._needs.get((column, values[0]), ())
        return next((other for other in near if _stronger(other, rule, kind) and _covers(other, rule)), None)


def _stronger(other: Rule, rule: Rule, kind: str) -> bool:
    ours, theirs = getattr(rule, kind), getattr(other, kind)
    return bool(theirs > ours if kind == "at_most" else theirs < ours)


def _covers(other: Rule, rule: Rule) -> bool:
    """Whether ``other`` holds wherever ``rule`` does, as far as their texts tell."""
    if other.when is not None and (rule.when is None or other.when.expression != rule.when.expression):
        return False
    if other.words and not (rule.words and set(rule.words) <= set(other.words)):
        return False
    ours = rule.match.wants
    return all(
        column in ours and set(ours[column]) <= set(values) for column, values in other.match.wants.items()
    )
