"""What the rules say to one kind of signal, as far as their ``match`` alone decides it.

Prepared once for each row of values that rules mention and remembered with it, so that the hot path
neither matches nor words anything twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from irpd.config.problem import quoted
from irpd.model.incident import Contribution
from irpd.triage.matching import MOST_NEARLY, Found
from irpd.triage.rule import Rule

if TYPE_CHECKING:
    from irpd.triage.level import Verdict

#: Rules that nearly held, kept with each decision.
MAX_NEARLY = MOST_NEARLY
#: Letters kept of a value.
MAX_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Missed:
    """A field that kept a rule from holding: what it was, and which values would have done."""

    field: str
    got: str
    wants: tuple[str, ...]

    def __str__(self) -> str:
        if self.field == "when":
            return f"when {cut(self.wants[0])}" + (f" ({self.got})" if self.got else "")
        if self.field == "words":
            return self.got or f"words: none of {', '.join(self.wants)}"
        wants = " | ".join(want or '""' for want in self.wants[:10])
        more = f" | and {len(self.wants) - 10} more" if len(self.wants) > 10 else ""
        return f"{self.field} = {quoted(self.got)}, wants {wants}{more}"


@dataclass(frozen=True, slots=True)
class Hearing:
    """``sure`` hold whatever else is true: each with its contribution and the same as a deciding one.
    ``asking`` have words or a ``when`` yet to be asked, with what their match saw.
    ``nearly`` missed one field."""

    sure: tuple[tuple[Rule, Contribution, Contribution], ...]
    asking: tuple[tuple[Rule, dict[str, str]], ...]
    nearly: tuple[Contribution, ...]
    #: By the source's default level and its wording, where nothing else has a say.
    verdicts: "dict[tuple[int, str], Verdict]" = field(default_factory=dict, compare=False)


def hear(rules: Sequence[Rule], found: Found, row: Mapping[str, str]) -> Hearing:
    sure: list[tuple[Rule, Contribution, Contribution]] = []
    asking: list[tuple[Rule, dict[str, str]]] = []
    for number in found.held:
        rule = rules[number]
        values = {column: cut(row[column]) for column in rule.match.wants}
        if rule.when is None and not rule.words:
            sure.append((rule, held(rule, values), held(rule, values, decided=True)))
        else:
            asking.append((rule, values))
    nearly = []
    for number, column in found.nearly:
        rule = rules[number]
        values = {other: cut(row[other]) for other in rule.match.wants if other != column}
        nearly.append(missing(rule, values, Missed(column, cut(row[column]), rule.match.wants[column])))
    return Hearing(tuple(sure), tuple(asking), tuple(nearly))


def held(rule: Rule, values: dict[str, str], *, decided: bool = False) -> Contribution:
    return Contribution(
        rule=rule.id,
        result="held",
        level=rule.level,
        at_most=rule.at_most,
        at_least=rule.at_least,
        decided=decided,
        because=rule.because,
        values=values,
        regimes=rule.regimes,
        starts=rule.starts,
    )


def missing(rule: Rule, values: dict[str, str], *missed: Missed) -> Contribution:
    """Without its reason, which held for nothing: kept with every decision, it would be most of the event."""
    return Contribution(rule=rule.id, result="nearly", values=values, missed=tuple(map(str, missed)))


def failed(rule: Rule, values: dict[str, str], error: str) -> Contribution:
    return Contribution(rule=rule.id, result="error", because=error, values=values)


def cut(value: str) -> str:
    """A value as it is kept with a decision: long ones are cut where people stop reading."""
    return value if len(value) <= MAX_SHOWN else value[: MAX_SHOWN - 1] + "…"


def worded(values: Mapping[str, str]) -> str:
    """Values as people read them: texts in quotes, numbers and shares bare."""
    return ", ".join(f"{name} = {value if name in BARE else quoted(value)}" for name, value in values.items())


BARE = frozenset(
    {"share", "share_known", "affected", "users", "reporters", "signals", "open_minutes", "count", "at"}
)
