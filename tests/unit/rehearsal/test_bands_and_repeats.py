"""From an alert to an incident: the bands are exact at their borders, and a repeat asks no rule."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest
from harness.examples import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from irpd.config.values import Configuration, Source
from irpd.model.level import Level
from irpd.model.signal import Signal, Status
from irpd.protocol.policy import Policy
from irpd.rehearsal.payload import read_as
from irpd.rehearsal.world import World
from irpd.triage import condition, matching, phrases
from irpd.triage.ruleset import EMPTY, RuleSet
from irpd.triage.service import ServiceIndex

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
ALERTS = Source.model_validate({"type": "alertmanager", "auth": "none"})


def world_with(configuration: Configuration, ruleset: RuleSet = EMPTY, users: int | None = None) -> World:
    if users is not None:
        checkout = configuration.services["checkout"]
        counted = checkout.model_copy(
            update={"users": checkout.users.model_copy(update={"count": users})}  # type: ignore[union-attr]
        )
        services = {**configuration.services, "checkout": counted}
        configuration = configuration.model_copy(update={"services": services})
    return World(Policy(configuration, ruleset, ServiceIndex(configuration), "x"), AT)


def alert(**annotations: str) -> bytes:
    one = {
        "status": "firing", "labels": {"alertname": "A", "service": "checkout"}, "annotations": annotations,
        "startsAt": "2026-11-24T11:59:00Z", "endsAt": "0001-01-01T00:00:00Z", "fingerprint": "0123456789",
    }  # fmt: skip
    return json.dumps(
        {"version": "4", "groupKey": "g", "status": "firing", "receiver": "r", "alerts": [one]}
    ).encode()


def level_of(world: World, body: bytes) -> Level:
    world.receive("alertmanager", read_as("alertmanager", ALERTS, body, AT).signals)
    (incident,) = world.incidents
    return incident.level


def expected(share: Fraction) -> Level:
    """The protocol's words: above 80 %, 40 to 80 %, 10 to 40 %, below 10 %."""
    if share * 100 > 80:
        return Level.CRITICAL
    if share * 100 >= 40:
        return Level.HIGH
    return Level.MEDIUM if share * 100 >= 10 else Level.LOW


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    users=st.integers(10, 10**9),
    border=st.sampled_from([10, 40, 80]),
    beside=st.sampled_from([-1, 0, 1]),
)
def test_counts_of_users_at_the_borders_give_the_protocols_level(
    configuration: Configuration, users: int, border: int, beside: int
) -> None:
    users -= users % 10  # so that a share can be the border itself
    affected = users * border // 100 + beside
    level = level_of(world_with(configuration, users=users), alert(affected_users=str(affected)))
    assert level == expected(Fraction(affected, users))
    assert (beside == 0) <= (level == {10: 3, 40: 2, 80: 2}[border])


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    border=st.sampled_from([10, 40, 80]),
    digits=st.integers(1, 15),
    beside=st.sampled_from([-1, 0, 1]),
    percent=st.booleans(),
)
def test_written_shares_at_the_borders_give_the_protocols_level_however_many_digits_they_have(
    configuration: Configuration, border: int, digits: int, beside: int, percent: bool
) -> None:
    scale = 10 ** (digits + 2)
    number = border * scale // 100 + beside
    share = Fraction(number, scale)
    if percent:
        whole, rest = divmod(number, scale // 100)
        written = f"{whole}.{rest:0{digits}}%"
    else:
        written = f"0.{number:0{digits + 2}}"
    assert level_of(world_with(configuration), alert(affected_share=written)) == expected(share)


RULES = """\
version: 1
words: [{id: w, phrases: [down]}]
rules:
  - {id: a, match: {service: checkout}, when: count > 0 && reporters < 5, level: 2, because: x}
  - {id: b, match: {service: checkout, words: w}, level: 3, because: x}
"""


def test_a_repeat_whose_evidence_did_not_change_costs_no_evaluation_of_a_rule(
    configuration: Configuration, rules: Callable[..., RuleSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: Counter[str] = Counter()

    def counting(owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def counted(*arguments: Any) -> Any:
            asked[name] += 1
            return real(*arguments)

        monkeypatch.setattr(owner, name, counted)

    ruleset = rules("", head=RULES)
    world = world_with(configuration, ruleset)
    index = ruleset.index
    counting(condition.Condition, "ask")
    counting(phrases.Phrasebook, "said_in")
    real_find = matching.MatchIndex.find

    def found(self: Any, *arguments: Any) -> Any:
        asked["find"] += self is index
        return real_find(self, *arguments)

    monkeypatch.setattr(matching.MatchIndex, "find", found)
    signal = Signal(key="k", status=Status.FIRING, title="down", labels={"service": "checkout"})
    world.receive("alertmanager", [signal])
    assert asked == {"find": 1, "ask": 1, "said_in": 1}
    for _ in range(5):
        world.receive("alertmanager", [signal, signal])
    assert asked == {"find": 1, "ask": 1, "said_in": 1}
    (incident,) = world.incidents
    (member,) = world.members(incident)
    assert member.count == 11
    changed = Signal(key="k", status=Status.FIRING, title="up", labels={"service": "checkout"})
    world.receive("alertmanager", [changed])
    assert asked["find"] == 2, "new evidence asks again"
