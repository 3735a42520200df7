"""How severe a signal is, and why: every rule is heard, then one order settles it.

The most severe ``level`` wins, the share of users taking part with the protocol's bands; then caps
(``at_most``), then floors (``at_least``), which no cap lowers. When nothing proposed a level and the share
is unknown, the caller's default stands in (caps and floors still hold). A rule that errs is a contribution
with the result ``error`` and no say; it never stops the decision.
"""

from dataclasses import dataclass

from irpd.model.incident import Contribution, LevelBy
from irpd.model.level import Level
from irpd.triage.facts import Facts
from irpd.triage.rule import SHARE_RULE
from irpd.triage.ruleset import RuleSet
from irpd.triage.share import wording


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    level: Level
    level_by: LevelBy
    contributions: tuple[Contribution, ...]
    regimes: tuple[str, ...]


def level_for(ruleset: RuleSet, facts: Facts, *, default: int, default_because: str) -> Verdict:
    share = facts.share.level
    if share is None:
        return Verdict(
            level=Level(default),
            level_by=LevelBy(kind="default", because=default_because),
            contributions=(),
            regimes=(),
        )
    because = wording(facts.share) + " of users"
    return Verdict(
        level=share,
        level_by=LevelBy(kind="share", rule=SHARE_RULE, because=because),
        contributions=(
            Contribution(rule=SHARE_RULE, result="held", level=share, decided=True, because=because),
        ),
        regimes=(),
    )
