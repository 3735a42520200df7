"""Levels: up by evidence, down only by a person."""

import dataclasses
from typing import Any

import pytest
from harness.house import NIGHT, House, alert, changed, policy_of

from irpd.model import command as c
from irpd.model import event as e
from irpd.model.command import Refusal
from irpd.model.incident import State
from irpd.model.page import PageKind
from irpd.protocol.placing import Received

COMMANDER = ("levels:\n", "roles: {commander: {person: fay}}\nlevels:\n")
COMMANDS_FROM_3 = ("levels:\n", "roles: {commander: {person: fay, levels: [1, 2, 3]}}\nlevels:\n")


def test_new_evidence_raises_the_level() -> None:
    house = House()
    house.report(alert("a", want=None, affected=50))
    assert house.incident().level == 4
    house.report(alert("a", want=None, affected=401))
    assert house.incident().level == 2
    assert house.incident().level_by.kind == "share"
    assert house.people() == ["0m asha"]


def test_evidence_never_lowers_a_level() -> None:
    house = House()
    house.report(alert("a", want=None, affected=900))
    house.report(alert("a", want=None, affected=3))
    assert house.incident().level == 1
    assert house.incident().share.affected == 900


def test_a_person_lowers_it_and_says_why() -> None:
    house = House()
    house.report(alert("a", want=1))
    house.set_level(3)
    incident = house.incident()
    assert (incident.level, incident.level_by.person, incident.person_level) == (3, "asha", True)


def test_lowered_to_level_3_at_night_paging_waits_for_the_morning() -> None:
    house = House(at=NIGHT)
    house.report(alert("a", want=1))
    house.set_level(3)
    house.forward("5h")
    assert house.people() == ["0m asha"]
    assert house.live() == []
    house.forward("1h")
    assert house.people() == ["0m asha", "360m asha"]


def test_lowered_to_level_4_it_is_told_quietly_and_never_called() -> None:
    house = House()
    house.report(alert("a", want=1))
    house.set_level(4)
    house.forward("1d")
    assert house.phones() == ["0m asha mail"]
    assert house.phones(kind=PageKind.QUIET) == ["0m asha mail"]


def test_lowered_while_somebody_has_it_pages_nobody() -> None:
    house = House()
    house.report(alert("a", want=1))
    house.ack()
    house.set_level(3)
    house.forward("1d")
    assert house.phones() == ["0m asha mail"]
    assert house.states() == [State.ACKNOWLEDGED]


def test_raised_by_a_person_the_acknowledgement_lapses() -> None:
    house = House()
    house.report(alert("a", want=3))
    house.ack()
    house.set_level(1, by="chi")
    assert house.states() == [State.OPEN]
    assert house.people() == ["0m asha", "0m asha"]


def test_while_a_persons_level_stands_evidence_pages_who_has_it_once_per_level() -> None:
    house = House()
    house.report(alert("a", want=4, grouped=True))
    house.ack()
    house.set_level(4)
    house.forward("1m")
    for n, want in enumerate((3, 3, 2, 3, 2, 1, 1)):
        house.report(alert(f"k{n}", want=want, grouped=True))
    assert house.incident().level == 4
    assert house.states() == [State.ACKNOWLEDGED]
    assert [event.level for event in house.of_type(e.EvidenceExceeded)] == [3, 2, 1]
    assert house.people() == ["1m asha", "1m asha", "1m asha"]


def test_evidence_pages_the_commander_with_the_urgency_of_what_it_asks_for() -> None:
    house = House(changed(role=COMMANDER), at=NIGHT)
    house.report(alert("a", want=4, grouped=True))
    house.set_level(4)
    house.report(alert("b", want=1, grouped=True))
    house.forward("3m")
    assert house.phones() == ["0m fay mail", "2m fay sms"]


def test_evidence_for_level_3_at_night_pages_the_commander_in_the_morning() -> None:
    house = House(changed(role=COMMANDS_FROM_3), at=NIGHT)
    house.report(alert("a", want=4, grouped=True))
    house.set_level(4)
    house.report(alert("b", want=3, grouped=True))
    house.forward("1d")
    assert house.phones() == ["360m fay mail"]


def test_a_commander_who_cant_be_reached_is_followed_by_fallback() -> None:
    house = House(changed(role=COMMANDER))
    house.broken = {("fay", "mail"), ("fay", "sms")}  # type: ignore[arg-type]
    house.report(alert("a", want=4, grouped=True))
    house.ack()
    house.set_level(4)
    house.report(alert("b", want=1, grouped=True))
    assert house.phones() == ["0m emil mail"]


def test_a_commander_without_a_method_for_the_level_is_replaced() -> None:
    house = House(changed(role=("levels:\n", "roles: {commander: {person: mute}}\nlevels:\n")))
    house.report(alert("a", want=3, grouped=True))
    house.ack()
    house.set_level(3)
    house.report(alert("b", want=1, grouped=True))
    assert house.people() == ["0m asha", "0m asha"]


def test_acknowledging_the_page_about_evidence_ends_its_further_methods() -> None:
    house = House()
    house.report(alert("a", want=3, grouped=True))
    house.ack()
    house.set_level(3)
    house.report(alert("b", want=1, grouped=True))
    house.ack()
    house.forward("10m")
    assert house.phones() == ["0m asha mail", "0m asha mail"]


def test_unacknowledged_and_set_by_a_person_the_path_goes_on_beside_the_evidence() -> None:
    house = House(changed(role=COMMANDER))
    house.report(alert("a", want=2, grouped=True))
    house.set_level(2)
    house.report(alert("b", want=1, grouped=True))
    house.forward("5m")
    assert house.people() == ["0m asha", "0m fay", "5m chi"]


@pytest.mark.parametrize("level", [0, 5, -1])
def test_a_level_that_does_not_exist_is_refused(level: int) -> None:
    house = House()
    house.report(alert("a"))
    with pytest.raises(Refusal, match=r"1 .critical. to 4"):
        house.set_level(level)


def test_a_level_without_a_reason_is_refused() -> None:
    house = House()
    house.report(alert("a"))
    with pytest.raises(Refusal, match="say why"):
        house.do(c.SetLevel(incident=1, by="asha", level=1, because="  "))


def test_confirming_the_level_does_not_begin_the_objective_anew() -> None:
    house = House()
    house.report(alert("a", want=1))
    due = house.incident().respond_by
    house.forward("10m")
    house.set_level(1)
    assert house.incident().respond_by == due


def test_between_urgent_levels_the_path_is_not_started_anew() -> None:
    house = House()
    house.report(alert("a", want=2, grouped=True))
    house.forward("1m")
    house.report(alert("b", want=1, grouped=True))
    house.forward("4m")
    assert house.phones() == ["0m asha mail", "2m asha sms", "5m chi mail"]


def test_who_is_being_paged_gets_the_methods_of_the_higher_level() -> None:
    house = House(changed(notify=("via: [sms], levels: [1, 2]", "via: [sms], levels: [1]")))
    house.report(alert("a", want=2, grouped=True))
    house.forward("1m")
    house.report(alert("b", want=1, grouped=True))
    house.forward("3m")
    assert house.phones() == ["0m asha mail", "1m asha mail", "3m asha sms"]


# ------------------------------------------------------------------ why
def test_what_each_rule_said_is_kept() -> None:
    house = House()
    house.report(alert("a", want=1, affected=20))
    opened = house.of_type(e.Opened)[0]
    assert {(said.rule, said.decided) for said in opened.rules} >= {("one", True), ("share-of-users", False)}
    assert opened.config == house.policy.hash


def test_regimes_of_a_signal_that_joins_at_the_same_level_are_kept() -> None:
    rules = """
version: 1
rules:
  - {id: two, match: {labels: {want: "2"}}, level: 2, because: it says so}
  - {id: data, match: {labels: {data: "yes"}}, level: 2, regimes: [gdpr], because: personal data}
group:
  - {id: together, match: {labels: {grouped: "yes"}}, by: [service], within: 30m}
"""
    from harness.house import CONFIG

    house = House(policy_of(CONFIG, rules))
    house.report(alert("a", grouped=True))
    assert house.incident().regimes == ()
    house.report(alert("b", want=None, grouped=True, labels={"data": "yes"}))
    assert house.incident().regimes == ("gdpr",)
    assert house.incident().level == 2


@pytest.mark.parametrize("source, named", [("am", "am (alertmanager)"), ("sentry", "sentry")])
def test_a_source_that_is_called_as_its_type_is_named_once(source: str, named: str) -> None:
    house = House()
    house.report(alert("a", want=None), source=source)
    assert house.incident().level_by.because.endswith(f"; the default of {named}")


def test_no_rule_and_no_share_is_the_default_of_the_source_and_says_so() -> None:
    house = House()
    for source in ("am", "sentry", "desk"):
        house.report(alert("x", want=None), source=source)
    assert [incident.level for incident in house.rows.incidents.values()] == [2, 3, 4]
    assert "no rule holds" in house.incident().level_by.because


# ------------------------------------------------------------------ failures in judgement
def test_an_error_in_a_rule_never_stops_a_level() -> None:
    rules = """
version: 1
rules:
  - {id: divides, match: {}, when: "1 / (reporters - reporters) > 0", level: 1, because: it can't}
  - {id: two, match: {labels: {want: "2"}}, level: 2, because: it says so}
"""
    from harness.house import CONFIG

    house = House(policy_of(CONFIG, rules))
    house.report(alert("a"))
    assert house.incident().level == 2
    assert ("divides", "error") in {(said.rule, said.result) for said in house.of_type(e.Opened)[0].rules}
    assert house.people() == ["0m asha"]


def broken(house: House, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(where, fails)


@pytest.mark.parametrize("source, level", [("am", 2), ("sentry", 2), ("desk", 4)])
def test_when_judging_fails_the_level_is_the_fallback_and_somebody_is_told(
    source: str, level: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House()
    broken(house, monkeypatch, "irpd.protocol.levels.level_for")
    house.report(alert("a", want=4), source=source)
    assert house.incident().level == level
    assert house.incident().level_by.kind == "fallback"
    assert "planted" in house.incident().level_by.because
    assert len(house.people(kind=None)) == 1


def test_when_grouping_fails_the_key_stands_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    broken(house, monkeypatch, "irpd.protocol.placing.group_for")
    house.report(alert("a", grouped=True), alert("b", grouped=True))
    assert len(house.rows.incidents) == 2


def test_when_finding_the_service_fails_it_is_unmapped() -> None:
    house = House()
    house.policy = dataclasses.replace(house.policy, services=None)  # type: ignore[arg-type]
    answer = house.report(alert("a"))
    assert house.incident().services == ("platform",)
    assert answer.unmapped == 1
    twice = Received()
    for _ in range(2):
        twice.add(answer)
    assert (twice.unmapped, twice.outcomes) == (2, {"opens": 2})


def test_when_the_schedule_fails_fallback_is_paged(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(at=NIGHT)
    broken(house, monkeypatch, "irpd.protocol.paging.persons_for")
    house.report(alert("a"))
    assert house.people() == ["0m emil"]


def test_when_working_hours_fail_no_page_waits_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(at=NIGHT)
    broken(house, monkeypatch, "irpd.protocol.paging.next_working")
    house.report(alert("a", want=3))
    assert house.people() == ["0m asha"]
