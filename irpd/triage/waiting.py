"""What rule files say of noise: ``hold`` in a rule, and ``silences`` with their windows.

A signal meets only those that can hold for it, by the same index as rules. Where no file says anything of the
kind, ``Quieting.empty`` answers at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from irpd.model.window import Window
from irpd.triage.asking import Witness
from irpd.triage.facts import Facts
from irpd.triage.matching import Match, MatchIndex
from irpd.triage.phrases import Phrasebook
from irpd.triage.rule import Place, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRule:
    """What is muted while ``window`` holds."""

    id: str
    place: Place
    match: Match
    window: Window
    because: str


class Quieting:
    """The holds and windows of a rule set."""

    def __init__(self, rules: Sequence[Rule], windows: Sequence[WindowRule], book: Phrasebook) -> None:
        holding = [rule for rule in rules if rule.hold is not None]
        self.windows = tuple(windows)
        self.empty = not holding and not windows
        self._book = book
        self._holds = MatchIndex(
            [rule.match for rule in holding], lambda found, _: [holding[n] for n in found.held]
        )
        self._muting = MatchIndex(
            [one.match for one in windows], lambda found, _: [self.windows[n] for n in found.held]
        )

    def hold_for(self, facts: Facts) -> Rule | None:
        """The rule that holds this signal back, the longest if several do; its ``hold`` is set."""
        held: Rule | None = None
        witness: Witness | None = None
        for rule in self._holds.find(facts, facts.labels):
            if rule.words or rule.when is not None:
                witness = witness or Witness(self._book, facts)
                if witness.ask(rule).result != "held":
                    continue
            assert rule.hold is not None
            if held is None or held.hold is None or rule.hold.seconds > held.hold.seconds:
                held = rule
        return held

    def muting(self, facts: Facts) -> list[WindowRule]:
        """The windows that are about this signal, whenever they hold."""
        return self._muting.find(facts, facts.labels)
