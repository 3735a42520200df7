"""How severe a signal is, and why: every rule is heard, then one order settles it.

The most severe ``level`` wins, the share of users taking part with the protocol's bands; then caps
(``at_most``), then floors (``at_least``), which no cap lowers. When nothing proposed a level and the share
is unknown, the caller's default stands in (caps and floors still hold). A rule that errs is a contribution
with the result ``error`` and no say; it never stops the decision. The order of rules never changes the
level: between rules that decide together, the reason names the one whose id comes first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from irpd.model.incident import Contribution, LevelBy
from irpd.model.level import Level
from irpd.model.share import Share
from irpd.triage.asking import Witness
from irpd.triage.facts import Facts
from irpd.triage.hearing import MAX_NEARLY, Hearing, failed, held, missing
from irpd.triage.rule import SHARE_RULE, Rule
from irpd.triage.ruleset import RuleSet
from irpd.triage.share import level_of, wording


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """``contributions`` are those of every rule that held or erred and of the share of users, then those
    that nearly held (``MAX_NEARLY`` at most). ``regimes`` are sorted, so are ``starts``:
    the kinds of paths that rules start."""

    level: Level
    level_by: LevelBy
    contributions: tuple[Contribution, ...]
    regimes: tuple[str, ...]
    starts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The level that remains, which of the three had the last word, and the value it had it with."""

    level: int
    by: str  # level | at_most | at_least | default


def level_for(ruleset: RuleSet, facts: Facts, *, default: int, default_because: str) -> Verdict:
    """Never raises for what rules or signals hold. ``default`` is a level number."""
    hearing = ruleset.index.find(facts, facts.labels)
    if hearing.asking or level_of(facts.share) is not None:
        return _verdict(ruleset, hearing, facts, default, default_because)
    # Nothing else has a say, so it is the same for every signal that rules see alike.
    told = hearing.verdicts.get((default, default_because))
    if told is None:
        told = _verdict(ruleset, hearing, facts, default, default_because)
        hearing.verdicts[default, default_because] = told
    return told


def _verdict(ruleset: RuleSet, hearing: Hearing, facts: Facts, default: int, default_because: str) -> Verdict:
    rules = [rule for rule, _, _ in hearing.sure]
    extra: list[tuple[Rule, dict[str, str]]] = []
    errors: list[Contribution] = []
    nearly: list[Contribution] = []
    if hearing.asking:
        witness = Witness(ruleset.phrasebook, facts)
        for rule, values in hearing.asking:
            answer = witness.ask(rule)
            match answer.result:
                case "held":
                    extra.append((rule, {**values, **answer.values}))
                    rules.append(rule)
                case "error":
                    errors.append(failed(rule, {**values, **answer.values}, answer.error))
                case "nearly" if len(nearly) < MAX_NEARLY:
                    nearly.append(missing(rule, {**values, **answer.values}, *answer.missed))
    share = level_of(facts.share)
    levels = [rule.level for rule in rules if rule.level is not None]
    if share is not None:
        levels.append(share)
    settled = settle(
        levels,
        caps=[rule.at_most for rule in rules if rule.at_most is not None],
        floors=[rule.at_least for rule in rules if rule.at_least is not None],
        default=default,
    )
    contributions = [deciding if decides(rule, settled) else plain for rule, plain, deciding in hearing.sure]
    contributions += [held(rule, values, decided=decides(rule, settled)) for rule, values in extra]
    if share is not None:
        contributions.append(share_contribution(facts.share, settled))
    contributions += errors
    contributions += nearly
    contributions += hearing.nearly[: MAX_NEARLY - len(nearly)]
    return Verdict(
        level=Level(settled.level),
        level_by=_reason(settled, rules, facts.share, default_because),
        contributions=tuple(contributions),
        regimes=tuple(sorted({regime for rule in rules for regime in rule.regimes})),
        starts=tuple(sorted({kind for rule in rules for kind in rule.starts})),
    )


def default_because(source: str) -> str:
    """Why a source's default level holds."""
    return f"no rule gave a level and the share of users is unknown: the default level of {source}"


def settle(levels: Iterable[int], *, caps: Sequence[int], floors: Sequence[int], default: int) -> Settled:
    """Levels, then caps, then floors. A smaller number is more severe."""
    proposed = min(levels, default=0)
    level, by = (proposed, "level") if proposed else (default, "default")
    if caps and (cap := max(caps)) > level:
        level, by = cap, "at_most"
    if floors and (floor := min(floors)) < level:
        level, by = floor, "at_least"
    return Settled(level=level, by=by)


def decides(rule: Rule, settled: Settled) -> bool:
    """Whether the final level is what it is by this rule (which held)."""
    if settled.by == "level":
        return rule.level == settled.level
    if settled.by == "at_most":
        return rule.at_most == settled.level
    return settled.by == "at_least" and rule.at_least == settled.level


def share_contribution(share: Share, settled: Settled) -> Contribution:
    """What the built-in rule says of a known share."""
    level = level_of(share)
    assert level is not None
    return Contribution(
        rule=SHARE_RULE,
        result="held",
        level=int(level),
        decided=settled.by == "level" and settled.level == level,
        because=f"{wording(share)} of users",
        values={"share": wording(share)},
    )


def _reason(settled: Settled, rules: Sequence[Rule], share: Share, default_because: str) -> LevelBy:
    if settled.by == "default":
        return LevelBy(kind="default", because=default_because)
    deciding = min((rule for rule in rules if decides(rule, settled)), key=lambda rule: rule.id, default=None)
    if deciding is None:
        return LevelBy(kind="share", rule=SHARE_RULE, because=f"{wording(share)} of users")
    return LevelBy(kind="rule", rule=deciding.id, because=deciding.because)
