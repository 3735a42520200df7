"""Metrics from committed facts: what was counted is what is on disk."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from irpd.engine.ports import Fact
from irpd.engine.state import State
from irpd.model import event as e
from irpd.model.incident import Contribution
from irpd.protocol.placing import Received


class Counters(Protocol):
    """The part of the metrics that facts move."""

    def signals(self, source: str, outcome: str, n: int = 1) -> None: ...
    def unmapped(self, source: str, n: int = 1) -> None: ...
    def opened(self, level: int) -> None: ...
    def acknowledged(self, level: int, seconds: float) -> None: ...
    def resolved(self, level: int, seconds: float) -> None: ...
    def objective_missed(self, objective: str, level: int, times: int = 1) -> None: ...
    def rule_error(self, rule: str) -> None: ...
    def clock_jump(self) -> None: ...
    def set_aside(self) -> None: ...
    def commit(self, seconds: float, events: int) -> None: ...
    def page(self, channel: str, outcome: str) -> None: ...
    def page_delay(self, seconds: float) -> None: ...
    def channel_up(self, channel: str, up: bool) -> None: ...


def count_received(counters: Counters, source: str, received: Received) -> None:
    """Count what signals of a source came to."""
    for outcome, n in received.outcomes.items():
        counters.signals(source, outcome, n)
    if received.unmapped:
        counters.unmapped(source, received.unmapped)


class Attempts(Protocol):
    """Who else hears of each attempt to send."""

    def sent(self, channel: str, outcome: str) -> None: ...


class Delivered:
    """What the outbox counts, in the daemon's metrics."""

    def __init__(self, counters: Counters, *attempts: Attempts) -> None:
        self._counters = counters
        self._attempts = attempts

    def sent(self, channel: str, outcome: str) -> None:
        self._counters.page(channel, outcome)
        for one in self._attempts:
            one.sent(channel, outcome)

    def delayed(self, seconds: float) -> None:
        self._counters.page_delay(seconds)

    def erred(self, where: str) -> None:
        self._counters.page(where, "error")

    def works(self, channel: str, up: bool) -> None:
        self._counters.channel_up(channel, up)


#: Few of a batch's events move a counter.
_COUNTED = frozenset((
    e.Opened, e.LevelChanged, e.Acknowledged, e.Resolved, e.ResponseMissed, e.ObjectiveMissed,
    e.ClockJumped, e.CommandSetAside,
))  # fmt: skip


def observe(metrics: Counters, state: State, facts: Sequence[Fact], took: float) -> None:
    """Count one commit: ``took`` seconds for these facts."""
    metrics.commit(took, len(facts))
    for fact in facts:
        if type(fact.event) not in _COUNTED:
            continue
        match fact.event:
            case e.Opened(level=level, rules=rules):
                metrics.opened(level)
                _errors(metrics, rules)
            case e.LevelChanged(rules=rules):
                _errors(metrics, rules)
            case e.Acknowledged():
                if (age := _age(state, fact)) is not None:
                    metrics.acknowledged(*age)
            case e.Resolved():
                if (age := _age(state, fact)) is not None:
                    metrics.resolved(*age)
            case e.ResponseMissed():
                if (age := _age(state, fact)) is not None:
                    metrics.objective_missed("response", age[0])
            case e.ObjectiveMissed(objective=objective, times=times):
                if (age := _age(state, fact)) is not None:
                    metrics.objective_missed(objective, age[0], times)
            case e.ClockJumped():
                metrics.clock_jump()
            case e.CommandSetAside():
                metrics.set_aside()
            case _:
                pass


def _errors(metrics: Counters, rules: Sequence[Contribution]) -> None:
    for rule in rules:
        if rule.result == "error":
            metrics.rule_error(rule.rule or "built-in")


def _age(state: State, fact: Fact) -> tuple[int, float] | None:
    """The incident's level, and how long after its opening this was."""
    incident = state.incidents.get(int(fact.subject.partition(":")[2]))
    if incident is None:
        return None
    at: datetime = fact.at
    return int(incident.level), (at - incident.opened_at).total_seconds()
