"""What each rule made of a signal: the whole account that an explanation gives, deciding rules first."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from irpd.model.share import Share
from irpd.triage.asking import Witness
from irpd.triage.facts import Facts
from irpd.triage.hearing import Missed, cut, worded
from irpd.triage.level import Verdict, decides, settle
from irpd.triage.rule import SHARE_RULE, Rule
from irpd.triage.ruleset import RuleSet
from irpd.triage.share import NextBand, wording


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleAccount:
    """What one rule made of a signal. ``result``: held | nearly | not-held | error."""

    id: str
    at: str  # "rules/checkout.yaml:4", or "built in"
    result: str
    effect: Mapping[str, object] = field(default_factory=dict)
    decided: bool = False
    values: Mapping[str, str] = field(default_factory=dict)
    missed: tuple[Missed, ...] = ()
    because: str = ""
    error: str = ""

    def data(self) -> dict[str, object]:
        return {
            "id": self.id,
            "at": self.at,
            "result": self.result,
            "effect": dict(self.effect) if self.result == "held" else {},
            "decided": self.decided,
            "values": dict(self.values),
            "missed": [{"field": m.field, "got": m.got, "wants": list(m.wants)} for m in self.missed],
            "because": self.because,
        }

    def line(self, *, id_width: int = 24, at_width: int = 24) -> str:
        """As ``irpd rules explain`` prints it."""
        arrow = f"{self._said():<10}<- " if self.result == "held" else f"{self._said():<13}"
        return f"  {arrow}{self.id:<{id_width}}{self.at:<{at_width}}{self._reason()}".rstrip()

    def _said(self) -> str:
        if self.result == "error":
            return "error"
        if self.result != "held":
            return "no"
        for name, word in (("level", "level"), ("at_most", "at most"), ("at_least", "at least")):
            if name in self.effect:
                return f"{word} {self.effect[name]}"
        return "regimes" if "regimes" in self.effect or "start" not in self.effect else "start"

    def _reason(self) -> str:
        if self.result == "error":
            return self.error
        if self.missed:
            return str(self.missed[0])
        if self.id == SHARE_RULE:
            return self.because
        return worded(self.values) or "holds for every signal"


def accounts_of(ruleset: RuleSet, facts: Facts, *, default: int, verdict: Verdict) -> tuple[RuleAccount, ...]:
    """Every rule's part in a verdict on these facts: those that held first, the deciding ones before all."""
    witness = Witness(ruleset.phrasebook, facts)
    row = ruleset.index.row(facts, facts.labels)
    accounts = [_account(rule, row, witness) for rule in ruleset.rules]
    held = [rule for rule, account in zip(ruleset.rules, accounts, strict=True) if account.result == "held"]
    share = facts.share.level
    levels = [rule.level for rule in held if rule.level is not None]
    settled = settle(
        levels if share is None else [*levels, share],
        caps=[rule.at_most for rule in held if rule.at_most is not None],
        floors=[rule.at_least for rule in held if rule.at_least is not None],
        default=default,
    )
    deciding = {rule.id for rule in held if decides(rule, settled)}
    accounts = [replace(one, decided=one.id in deciding) for one in accounts]
    accounts.append(_share_account(facts.share, verdict))
    order = {"held": 1, "error": 2, "nearly": 3, "not-held": 4}
    return tuple(sorted(accounts, key=lambda one: 0 if one.decided else order[one.result]))


def _account(rule: Rule, row: Mapping[str, str], witness: Witness) -> RuleAccount:
    missed = rule.match.missed(row)
    values = {column: cut(row[column]) for column in rule.match.wants if column not in missed}
    result, error = "held", ""
    reasons: tuple[Missed, ...] = ()
    if missed:
        result = "nearly" if rule.match.nearly(missed) else "not-held"
        reasons = tuple(Missed(column, cut(row[column]), rule.match.wants[column]) for column in missed)
    else:
        answer = witness.ask(rule)
        result, error, reasons = answer.result, answer.error, answer.missed
        values |= answer.values
    return RuleAccount(
        id=rule.id,
        at=str(rule.place),
        result=result,
        effect=rule.effect,
        values=values,
        missed=reasons,
        because=rule.because,
        error=error,
    )


def _share_account(share: Share, verdict: Verdict) -> RuleAccount:
    level = share.level
    if level is None:
        return RuleAccount(
            id=SHARE_RULE,
            at="built in",
            result="not-held",
            because=f"share {wording(share)}",
        )
    own = next((one for one in verdict.contributions if one.rule == SHARE_RULE), None)
    band = NextBand.after(share)
    following = f", next band {band.begins * 100:.0f} %" if band else ""
    return RuleAccount(
        id=SHARE_RULE,
        at="built in",
        result="held",
        effect={"level": int(level)},
        decided=own.decided if own is not None else False,
        values={"share": wording(share)},
        because=wording(share) + following,
    )
