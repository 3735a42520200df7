"""All rules in force as one immutable value, with the indexes that make them quick to ask."""

from collections.abc import Sequence

from irpd.triage.hearing import hear
from irpd.triage.matching import MatchIndex
from irpd.triage.rule import GroupRule, Rule


class RuleSet:
    """``rules`` and ``groups`` stand in the order of the files. ``hash`` names the set (12 hex digits;
    empty for no rules at all)."""

    def __init__(self, rules: Sequence[Rule] = (), groups: Sequence[GroupRule] = (), hash: str = "") -> None:
        self.rules = tuple(rules)
        self.groups = tuple(groups)
        self.hash = hash
        self.index = MatchIndex(
            [rule.match for rule in self.rules], lambda found, row: hear(self.rules, found, row)
        )
        self.group_index = MatchIndex(
            [rule.match for rule in self.groups],
            lambda found, _: self.groups[found.held[0]] if found.held else None,
        )


EMPTY = RuleSet()
"""No rules: the built-in share of users and the sources' default levels still decide."""
