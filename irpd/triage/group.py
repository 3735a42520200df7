"""Which signals belong together: the first group rule that matches decides.

The key is a text that equal groups share: the rule's id and the values of its ``by``. Where no group rule
matches each key is a group of its own.
"""

import json
from functools import lru_cache

import msgspec

from irpd.triage.facts import Facts
from irpd.triage.ruleset import RuleSet

_text = json.JSONEncoder(separators=(",", ":")).encode
#: Names in ``by`` that are not labels.
FIELDS = ("service", "source", "key", "project")


class Group(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """``within`` and ``at_most`` are seconds since the group's last and first signal; 0 is no limit.

    ``values`` are those of the rule's ``by``, for people.
    """

    key: str
    rule: str = ""
    within: float = 0.0
    at_most: float = 0.0
    values: tuple[str, ...] = ()


def group_for(ruleset: RuleSet, facts: Facts, key: str) -> Group:
    """The group of a signal. ``key`` is the signal's own, with its source in front."""
    rule = ruleset.group_index.find(facts, facts.labels)
    if rule is None:
        return Group(key=key)
    return _of(rule.id, rule.within, rule.at_most, tuple([_value(name, facts, key) for name in rule.by]))


@lru_cache(4096)
def _of(rule: str, within: float, at_most: float, values: tuple[str, ...]) -> Group:
    return Group(key=_text([rule, *values]), rule=rule, within=within, at_most=at_most, values=values)


def _value(name: str, facts: Facts, key: str) -> str:
    match name:
        case "service":
            return facts.service
        case "source":
            return facts.source
        case "project":
            return facts.project
        case "key":
            return key
        case _:
            return facts.labels.get(name, "")
