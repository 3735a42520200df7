"""What a rule's words and its ``when`` say to a signal that its ``match`` already fits.

Texts are read for word lists at most once for each decision, whatever the number of rules, and only when a
rule asks. Of a ``when`` that is not so, the parts are named that fail: the threshold that was missed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from irpd.triage.condition import View
from irpd.triage.facts import Facts
from irpd.triage.hearing import Missed, worded
from irpd.triage.phrases import Phrasebook, Said
from irpd.triage.rule import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """``result``: held | nearly | not-held | error. ``values`` are those that words and ``when`` saw."""

    result: str
    values: Mapping[str, str] = field(default_factory=dict)
    missed: tuple[Missed, ...] = ()
    error: str = ""


class Witness:
    """One signal's facts, as rules ask about them."""

    __slots__ = ("_book", "_facts", "_said", "_view")

    def __init__(self, book: Phrasebook, facts: Facts) -> None:
        self._book = book
        self._facts = facts
        self._view = View(facts)
        self._said: dict[str, Said] | None = None

    def ask(self, rule: Rule) -> Part:
        """Never raises. A rule with neither words nor ``when`` holds."""
        values: dict[str, str] = {}
        if rule.words:
            said = [found for name in rule.words if (found := self._find(name)) is not None]
            said.sort(key=lambda one: bool(one.denied_by))
            if not said:
                return Part(result="not-held", missed=(Missed("words", "", rule.words),))
            if said[0].denied_by:
                # Nearly: it was spoken of, and taken back.
                return Part(result="nearly", missed=(Missed("words", str(said[0]), rule.words),))
            values["words"] = str(said[0])
        if rule.when is None:
            return Part(result="held", values=values)
        answer = rule.when.ask(self._view)
        if answer.held or answer.error:
            values |= rule.when.values(self._facts)
            return Part(result="error" if answer.error else "held", values=values, error=answer.error)
        missed = tuple(
            Missed("when", worded(part.values(self._facts)), (part.expression,))
            for part in rule.when.failing(self._view)
        )
        return Part(result="nearly", values=values, missed=missed)

    def _find(self, name: str) -> Said | None:
        if self._said is None:
            facts = self._facts
            self._said = self._book.said_in(facts.title, facts.text, facts.labels)
        return self._said.get(name)
