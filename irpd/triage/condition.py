"""``when``: a condition in CEL, strictly typed, and the only module that knows the library for it.

Facts it stands on (cel-expr-python 0.1.3, which wraps cel-cpp):

- An error at run time is not raised: it comes back as a value of type ERROR whose Python value is a
  non-empty text. Only the type BOOL with the value ``True`` counts as held. A few errors (the budget of
  iterations spent, a text that is no Unicode) are raised instead. Both become ``Answer.error``.
- A name that is not bound errs, so every declared name is always bound: an unknown share is 0.0 with
  ``share_known`` false.
- Work is bounded by the library in part: some ten thousand iterations, depth 32, regular expressions without
  backtracking. What one iteration may cost is bounded by ``cost`` when the rule is read, and texts are cut to
  ``MAX_VALUE`` here.
- Numbers don't mix: ``share > 1`` is refused when the rule is read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from cel_expr_python import cel

from irpd.model.signal import MAX_VALUE
from irpd.triage.cost import MOST_OF_ONE, cost_of
from irpd.triage.expression import Reads, conjuncts, reads
from irpd.triage.facts import Facts
from irpd.triage.mistake import Mistake, mistakes_in, plain
from irpd.triage.share import percent
from irpd.triage.vocabulary import NAMES

MAX_EXPRESSION = 4000

_MAX_INT = 2**63 - 1
_TYPES = {
    "string": cel.Type.STRING,
    "map(string, string)": cel.Type.Map(cel.Type.STRING, cel.Type.STRING),
    "double": cel.Type.DOUBLE,
    "bool": cel.Type.BOOL,
    "int": cel.Type.INT,
    "timestamp": cel.Type.TIMESTAMP,
}


class BadCondition(ValueError):
    """An expression that can't be used; ``mistakes`` is all that was found."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("; ".join(mistake.message for mistake in mistakes))
        self.mistakes = tuple(mistakes)


@dataclass(frozen=True, slots=True)
class Answer:
    """``held`` only where the expression is true; ``error`` says why it has no answer."""

    held: bool
    error: str = ""


class View:
    """Facts as conditions see them; built when the first condition asks, then shared by all."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._activation: Any = None

    @property
    def activation(self) -> Any:
        if self._activation is None:
            self._activation = _environment().Activation(_bindings(self._facts))
        return self._activation


class Condition:
    """A compiled expression. ``expression`` is its text as it was written."""

    __slots__ = ("_compiled", "_parts", "cost", "expression", "reads")

    def __init__(self, expression: str) -> None:
        """Raises BadCondition with every mistake."""
        self.expression = expression
        self._compiled = _compile(expression)
        self._parts: tuple[Condition, ...] | None = None
        self.reads: Reads = reads(expression)
        self.cost = cost_of(expression).microseconds

    def ask(self, view: View) -> Answer:
        """Never raises."""
        try:
            value = self._compiled.eval(view.activation).value()
            # Python's own True and False come of the type BOOL alone; an error's value is a text.
            if value is True:
                return _HELD
            if value is False:
                return _NOT_HELD
            return Answer(False, plain(str(value)) or "no answer")
        except Exception as error:  # the library raises bare RuntimeErrors; a rule must not stop a level
            return Answer(False, plain(str(error)) or type(error).__name__)

    def failing(self, view: View) -> tuple["Condition", ...]:
        """The parts joined by ``&&`` that say no; the whole where no part does so by itself."""
        if self._parts is None:
            texts = conjuncts(self.expression)
            self._parts = tuple(map(Condition, texts)) if len(texts) > 1 else ()
        failing = tuple(part for part in self._parts if part.ask(view) == _NOT_HELD)
        return failing or (self,)

    def values(self, facts: Facts) -> dict[str, str]:
        """What it looked at, for people, in the order it names them."""
        seen = self.reads
        values: dict[str, str] = {}
        for name in seen.names:
            if name == "labels":
                values.update((f"labels.{label}", facts.labels.get(label, "")) for label in seen.labels)
            elif name in NAMES:
                values[name] = _shown(name, facts)
        for label in seen.labels:
            values.setdefault(f"labels.{label}", facts.labels.get(label, ""))
        return {name: value if len(value) <= 200 else value[:199] + "…" for name, value in values.items()}


_HELD = Answer(True)
_NOT_HELD = Answer(False)


@cache
def _environment() -> Any:
    labels = _TYPES["map(string, string)"]
    text = cel.Type.STRING
    get = cel.Overload("labels_get", text, [labels, text], is_member=True, impl=_get)
    return cel.NewEnv(
        variables={name: _TYPES[kind] for name, (kind, _) in NAMES.items()},
        functions=[cel.FunctionDecl("get", [get])],
    )


def _get(labels: Mapping[str, str], name: str) -> str:
    return labels.get(name, "")


def _bindings(facts: Facts) -> dict[str, object]:
    share = facts.share
    return {
        "source": _text(facts.source),
        "source_type": _text(facts.source_type),
        "service": _text(facts.service),
        "status": _text(facts.status),
        "title": _text(facts.title),
        "text": _text(facts.text),
        "labels": {_text(name): _text(value) for name, value in facts.labels.items()},
        "project": _text(facts.project),
        "share": 0.0 if share.numerator is None else share.numerator / share.denominator,
        "share_known": share.known,
        "affected": _int(share.affected),
        "users": _int(share.users),
        "reporters": _int(facts.reporters),
        "signals": _int(facts.signals),
        "open_minutes": _int(facts.open_minutes),
        "count": _int(facts.count),
        "at": facts.at,
    }


def _text(value: str) -> str:
    """Bounded, and free of what a body's escapes can hold and the library can't: lone surrogates make it
    raise, and a NUL ends the text for it, so that what stands behind would go unseen."""
    if len(value) > MAX_VALUE:
        value = value[:MAX_VALUE]
    if "\0" in value:
        value = value.replace("\0", "\ufffd")
    if value.isascii():
        return value
    return value.encode("utf-8", "replace").decode("utf-8")


def _int(value: int | None) -> int:
    return 0 if value is None else max(-_MAX_INT, min(value, _MAX_INT))


def _shown(name: str, facts: Facts) -> str:
    match name:
        case "share":
            fraction = facts.share.fraction
            return "unknown" if fraction is None else percent(fraction)
        case "share_known":
            return "true" if facts.share.known else "false"
        case "affected" | "users":
            value = getattr(facts.share, name)
            return "unknown" if value is None else str(value)
        case "at":
            return facts.at.isoformat().replace("+00:00", "Z")
        case _:
            return str(getattr(facts, name))


def _compile(expression: str) -> Any:
    if len(expression) > MAX_EXPRESSION:
        long = f"longer than {MAX_EXPRESSION:,} characters ({len(expression):,}); split the rule"
        raise BadCondition([Mistake(0, long)])
    try:
        compiled = _environment().compile(expression)
    except Exception as error:  # bare RuntimeErrors with all mistakes in one text
        raise BadCondition(mistakes_in(expression, str(error))) from None
    if compiled.return_type() != cel.Type.BOOL:
        kind = compiled.return_type().name().lower()
        raise BadCondition([Mistake(0, f"says neither yes nor no: it is of type {kind}, not bool")])
    mistakes = [
        Mistake(start, f"not a regular expression: {problem}")
        for pattern, start in reads(expression).patterns
        if (problem := _pattern_problem(pattern))
    ]
    cost = cost_of(expression)
    mistakes += cost.mistakes
    if not mistakes and cost.microseconds > MOST_OF_ONE:
        dear = (
            f"may take {cost.microseconds / 1000:,.1f} ms for one signal; {MOST_OF_ONE / 1000:g} ms at most"
        )
        mistakes = [Mistake(0, f"{dear}: loops within loops and large patterns are what costs")]
    if mistakes:
        raise BadCondition(mistakes)
    return compiled


@cache
def _pattern_check() -> Any:
    environment = cel.NewEnv(variables={"pattern": cel.Type.STRING})
    return environment.compile('"".matches(pattern)')


def _pattern_problem(pattern: str) -> str:
    value = _pattern_check().eval(data={"pattern": _text(pattern)})
    if value.type() != cel.Type.ERROR:
        return ""
    return str(value.value()).rpartition("invalid regular expression: ")[2]
