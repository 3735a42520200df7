"""Stages: the table, its gates, and what the responders record in them."""

from datetime import timedelta
from typing import Any

import pytest
from harness.examples import examples
from harness.house import House, alert, changed, replayed
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from irpd.model import command as c
from irpd.model import event as e
from irpd.model.command import Refusal
from irpd.model.incident import State
from irpd.model.stage import Stage
from irpd.protocol.checklist import ITEMS, checklist
from irpd.protocol.stages import FOLLOWS, MOVES, Cause

LOOSE = ("levels:\n", "stages: {gate: []}\nlevels:\n")
_CALL_PSP = "{id: call-psp, stage: triage, title: Call the PSP, role: commander}"
OWN = ("levels:\n", f"stages: {{add: [{_CALL_PSP}], drop: [level]}}\nlevels:\n")


def opened(level: int = 1, **config: tuple[str, str]) -> House:
    house = House(changed(**config)) if config else House()
    house.report(alert("a", want=level))
    house.ack()
    return house


def move(house: House, stage: str, **more: Any) -> str:
    return str(house.do(c.MoveStage(incident=1, by="chi", stage=stage, **more)).text)


def refused(house: House, command: c.Command) -> str:
    with pytest.raises(Refusal) as caught:
        house.do(command)
    return caught.value.text


def done(house: House, *items: str) -> None:
    for item in items:
        house.do(c.FinishItem(incident=1, by="chi", item=item, result="as said"))


# ------------------------------------------------------------------ the table
def test_every_stage_has_its_moves_and_none_leads_to_the_end_without_an_end() -> None:
    assert set(MOVES) == set(Stage)
    assert all(Stage.POST_INCIDENT not in targets for targets in MOVES.values())
    assert all(stage not in targets for stage, targets in MOVES.items())
    assert set(FOLLOWS) == set(Cause)


def test_an_acknowledgement_begins_triage_and_an_end_recovery() -> None:
    house = House()
    house.report(alert("a", want=1))
    assert house.incident().stage is Stage.DETECTION
    house.ack()
    assert house.incident().stage is Stage.TRIAGE
    house.do(c.Resolve(incident=1, by="chi"))
    assert house.incident().stage is Stage.RECOVERY
    house.do(c.Reopen(incident=1, by="chi"))
    assert house.incident().stage is Stage.INVESTIGATION


def test_what_is_closed_is_past_the_incident() -> None:
    house = opened()
    house.do(c.Resolve(incident=1, by="chi"))
    house.forward("31m")
    assert (house.incident().state, house.incident().stage) == (State.CLOSED, Stage.POST_INCIDENT)


def test_an_acknowledgement_that_lapses_leaves_the_stage() -> None:
    house = opened(stages=LOOSE)
    move(house, "investigation")
    house.do(c.Undo(incident=1, by="asha"))
    house.ack("ben")
    assert house.incident().stage is Stage.INVESTIGATION


def test_a_move_that_the_table_does_not_have_says_which_it_has() -> None:
    house = opened(stages=LOOSE)
    said = refused(house, c.MoveStage(incident=1, by="chi", stage="recovery"))
    assert said == "can't move #1 from triage to recovery; from there it goes to investigation, containment"


def test_a_stage_that_does_not_exist_says_which_there_are() -> None:
    said = refused(opened(), c.MoveStage(incident=1, by="chi", stage="panic"))
    assert said.startswith("no stage 'panic'; there are detection, triage,")


def test_what_is_over_is_not_moved() -> None:
    house = opened()
    house.do(c.Resolve(incident=1, by="chi"))
    said = refused(house, c.MoveStage(incident=1, by="chi", stage="resolution"))
    assert "can't move #1: it was resolved" in said


# ------------------------------------------------------------------ gates
def test_a_stage_is_left_only_once_its_items_are_done() -> None:
    house = opened()
    said = refused(house, c.MoveStage(incident=1, by="chi", stage="investigation"))
    assert said.startswith("can't move #1 to investigation yet: level (Level confirmed")
    house.set_level(1, by="chi")
    assert "investigation" in move(house, "investigation")


def test_a_way_back_needs_nothing() -> None:
    house = opened()
    house.set_level(1, by="chi")
    move(house, "containment")
    assert move(house, "investigation").startswith("#1 is at investigation now.")


def test_recovery_needs_what_was_jumped_over_too() -> None:
    house = opened()
    house.set_level(1, by="chi")
    move(house, "containment")
    done(house, "immediate-actions", "workaround", "isolation", "user-impact")
    move(house, "resolution")
    done(house, "fix", "plan", "deployed", "verified", "assessment")
    said = refused(house, c.MoveStage(incident=1, by="chi", stage="recovery"))
    assert "root-cause (Root cause diagnosed); affected-systems" in said
    done(house, "root-cause", "affected-systems", "scope", "strategies")
    assert move(house, "recovery").startswith("#1 is at recovery now.")


def test_what_stands_in_the_way_is_set_aside_with_one_reason() -> None:
    house = opened()
    assert "investigation" in move(house, "investigation", aside="the bridge is agreed")
    (event,) = house.of_type(e.ItemSetAside)
    assert (event.item, event.because, event.by) == ("level", "the bridge is agreed", "chi")


def test_a_level_without_a_gate_moves_on_with_open_items() -> None:
    house = opened(level=3)
    assert "investigation" in move(house, "investigation")


def test_the_end_is_never_in_question() -> None:
    house = opened()
    house.do(c.Resolve(incident=1, by="chi"))
    assert house.incident().state is State.RESOLVED


# ------------------------------------------------------------------ items
def test_each_item_of_the_protocol_has_its_stage() -> None:
    assert {item.stage for item in ITEMS.values()} == set(Stage) - {Stage.POST_INCIDENT}
    assert all(item.id == id for id, item in ITEMS.items())


def test_a_level_that_evidence_raised_is_to_be_confirmed_again() -> None:
    house = House()
    house.report(alert("a", want=3, grouped=True))
    house.set_level(3, by="chi")
    assert "level" in house.incident().response.items
    house.do(c.SetLevel(incident=1, by="chi", level=2, because="more"))
    assert "level" in house.incident().response.items
    again = House()
    again.report(alert("a", want=3, grouped=True))
    again.report(alert("b", want=1, grouped=True))
    assert "level" not in again.incident().response.items


def test_a_fact_ends_the_item_that_asks_for_it_and_the_item_sets_the_fact() -> None:
    house = opened()
    house.do(c.SetFacts(incident=1, by="chi", texts={"root-cause": "an expired certificate"}))
    done(house, "workaround")
    response = house.incident().response
    assert set(response.items) == {"root-cause", "workaround"}
    assert response.facts == {"root-cause": "an expired certificate", "workaround": "as said"}


def test_an_item_that_irpd_sees_to_takes_no_word() -> None:
    said = refused(opened(), c.FinishItem(incident=1, by="chi", item="ticket"))
    assert said == "ticket (Incident ticket created) needs no word: irpd sees to it itself"


def test_setting_aside_needs_a_reason() -> None:
    assert refused(opened(), c.SetItemAside(incident=1, by="chi", item="isolation", because=" ")) == (
        "say why it is set aside"
    )


def test_a_team_asks_for_more_and_leaves_out_what_it_does_not_need() -> None:
    house = opened(stages=OWN)
    named = [item.id for item in checklist(house.policy.configuration, Stage.TRIAGE)]
    assert named == ["team", "call-psp"]
    assert "call-psp (Call the PSP)" in refused(house, c.MoveStage(incident=1, by="chi", stage="containment"))


# ------------------------------------------------------------------ facts
def test_a_fact_is_taken_back_by_an_empty_text() -> None:
    house = opened()
    house.do(c.SetFacts(incident=1, by="chi", texts={"scope": "EU only"}))
    house.do(c.SetFacts(incident=1, by="chi", texts={"scope": ""}))
    assert house.incident().response.facts == {}


def test_how_it_was_detected_is_corrected_to_one_of_the_protocols_ways() -> None:
    house = opened()
    house.do(c.SetFacts(incident=1, by="chi", texts={"detected-by": "internal-testing"}))
    assert house.incident().detected_by == "internal-testing"
    assert "one of monitoring, user-report" in refused(
        house, c.SetFacts(incident=1, by="chi", texts={"detected-by": "luck"})
    )


def test_users_were_not_affected_until_before_they_were() -> None:
    house = opened()
    house.do(c.SetFacts(incident=1, by="chi", times={"impact-from": house.now}))
    before = house.now - timedelta(minutes=1)
    assert "impact-to is before" in refused(
        house, c.SetFacts(incident=1, by="chi", times={"impact-to": before})
    )


@pytest.mark.parametrize("texts", [{"mood": "bad"}, {"scope": "x" * 2001}, {}])
def test_what_cannot_be_a_fact_is_refused(texts: dict[str, str]) -> None:
    house = opened()
    refused(house, c.SetFacts(incident=1, by="chi", texts=texts))
    assert house.incident().response.facts == {}


# ------------------------------------------------------------------ any sequence
class AnyWork(RuleBasedStateMachine):
    """Whatever people do, an incident is only ever where the table lets it be."""

    @initialize(level=st.integers(1, 4))
    def begin(self, level: int) -> None:
        self.house = House()
        self.house.report(alert("a", want=level))
        self.before = self.house.incident().stage

    def attempt(self, command: c.Command) -> bool:
        before = self.house.incident()
        try:
            self.house.do(command)
        except Refusal:
            assert self.house.incident() == before
            return False
        return True

    @rule(stage=st.sampled_from(Stage), aside=st.sampled_from(["", "no time"]))
    def moves(self, stage: Stage, aside: str) -> None:
        before = self.house.incident()
        moved = self.attempt(c.MoveStage(incident=1, by="chi", stage=stage, aside=aside))
        allowed = before.state.active and (stage is before.stage or stage in MOVES[before.stage])
        assert allowed or not moved
        assert not aside or moved == allowed
        self.before = self.house.incident().stage

    @rule(item=st.sampled_from(sorted(ITEMS)))
    def ends(self, item: str) -> None:
        self.attempt(c.FinishItem(incident=1, by="chi", item=item, result="done"))

    @rule(item=st.sampled_from(sorted(ITEMS)))
    def sets_aside(self, item: str) -> None:
        self.attempt(c.SetItemAside(incident=1, by="chi", item=item, because="no need"))

    @rule()
    def acknowledges(self) -> None:
        self.follows(c.Acknowledge(incident=1, by="asha"), Cause.ACKNOWLEDGED)

    @rule()
    def resolves(self) -> None:
        self.follows(c.Resolve(incident=1, by="chi"), Cause.RESOLVED)

    @rule()
    def reopens(self) -> None:
        self.follows(c.Reopen(incident=1, by="chi"), Cause.REOPENED)

    @rule()
    def closes(self) -> None:
        self.follows(c.Close(incident=1, by="chi"), Cause.CLOSED)

    def follows(self, command: c.Command, cause: Cause) -> None:
        before = self.house.incident().stage
        self.attempt(command)
        after = self.house.incident().stage
        assert after is before or after is FOLLOWS[cause][before]
        self.before = after

    @invariant()
    def state_and_stage_agree(self) -> None:
        if not hasattr(self, "house"):
            return
        incident = self.house.incident()
        assert incident.stage is self.before
        assert (incident.stage is Stage.POST_INCIDENT) == (incident.state is State.CLOSED)
        assert incident.state is not State.RESOLVED or incident.stage is Stage.RECOVERY

    def teardown(self) -> None:
        if hasattr(self, "house"):
            assert replayed(self.house.facts).incidents == self.house.rows.incidents


TestAnyWork = AnyWork.TestCase
TestAnyWork.settings = settings(max_examples=examples(60), stateful_step_count=30)


@given(st.lists(st.sampled_from(sorted(ITEMS)), max_size=10))
@settings(max_examples=examples(30))
def test_an_item_done_twice_is_done(named: list[str]) -> None:
    house = opened()
    for item in named * 2:
        if ITEMS[item].holds is None:
            done(house, item)
    assert set(house.incident().response.items) == {i for i in named if ITEMS[i].holds is None}
