"""Steps that page several at once, teams, and steps that hold at some levels and hours only."""

from datetime import timedelta

import pytest
from harness.house import CONFIG, NIGHT, House, alert, changed, policy_of

from irpd.model import event as e
from irpd.protocol.policy import Policy

_FIRST = "      - {schedule: first-responder, wait: 5m}\n"
_TEAM = "teams:\n  payments: {people: [dora, fay], schedules: [first-responder]}\nlevels:\n"


def with_steps(*steps: str, more: str = "") -> Policy:
    """The small company with other steps at the head of ``engineering``; ``more`` is said of that path."""
    text = CONFIG.replace(_FIRST, "".join(f"      - {step}\n" for step in steps)).replace("levels:\n", _TEAM)
    return policy_of(
        text.replace("    kind: technical\n    repeat: 2\n", f"    kind: technical\n    repeat: 2\n{more}")
    )


def test_a_step_pages_several_at_once() -> None:
    house = House(with_steps("{schedule: first-responder, person: [dora, fay], wait: 5m}"))
    house.report(alert("a"))
    assert house.people() == ["0m asha", "0m dora", "0m fay"]
    house.forward("5m")
    assert house.people(since="5m") == ["5m chi"]


def test_a_team_is_its_people_and_whoever_is_on_call_on_its_schedules() -> None:
    house = House(with_steps("{team: payments, wait: 5m}"))
    house.report(alert("a"))
    assert house.people() == ["0m dora", "0m fay", "0m asha"]


def test_a_team_is_looked_up_when_the_step_fires() -> None:
    house = House(with_steps("{person: chi, wait: 5m}", "{team: payments, wait: 5m}"))
    house.report(alert("a"))
    house.policy = changed(step=("levels:\n", "teams: {payments: {people: [ben]}}\nlevels:\n"))
    house.forward("5m")
    assert house.people(since="5m") == ["5m ben"]


def test_a_team_that_is_gone_pages_fallback() -> None:
    house = House(with_steps("{person: chi, wait: 5m}", "{team: payments, wait: 5m}"))
    house.report(alert("a"))
    house.policy = policy_of()
    house.forward("5m")
    assert house.people(since="5m") == ["5m emil"]


def test_who_is_meant_twice_by_a_step_is_paged_once() -> None:
    house = House(with_steps("{team: payments, person: [asha, dora], wait: 5m}"))
    house.report(alert("a"))
    assert sorted(house.people()) == ["0m asha", "0m dora", "0m fay"]


def test_as_long_as_one_of_a_step_can_be_reached_the_path_waits() -> None:
    house = House(with_steps("{person: [dora, fay], wait: 5m}"))
    house.broken = {("dora", "mail"), ("dora", "sms")}
    house.report(alert("a"))
    house.forward("4m")
    assert house.people() == ["0m fay"]
    house.broken |= {("chi", "mail")}
    house.forward("1m")
    assert house.run().fired == 2


@pytest.mark.parametrize("level, first", [(1, "0m dora"), (2, "0m chi")])
def test_a_step_for_some_levels_is_passed_over_at_others(level: int, first: str) -> None:
    house = House(with_steps("{person: dora, wait: 5m, levels: [1]}"))
    house.report(alert("a", want=level))
    assert house.people() == [first]


def test_the_timeline_says_which_step_was_passed_over_and_why() -> None:
    house = House(with_steps("{person: dora, title: Head, wait: 5m, levels: [1]}"))
    house.report(alert("a"))
    (moved,) = house.of_type(e.PathMoved)
    assert moved.skipped == ("step 1 (Head): only at level 1",)
    assert moved.fired == 2


@pytest.mark.parametrize("night, who", [(False, "asha"), (True, "dora")])
def test_steps_in_and_out_of_working_hours(night: bool, who: str) -> None:
    policy = with_steps(
        "{schedule: first-responder, wait: 5m, hours: in}",
        "{person: dora, wait: 5m, hours: out}",
        more="    hours: {from: '08:00', to: '18:00', time_zone: Europe/Berlin}\n",
    )
    house = House(policy, at=NIGHT) if night else House(policy)
    house.report(alert("a"))
    assert house.people() == [f"0m {who}"]
    (moved,) = house.of_type(e.PathMoved)
    assert moved.skipped == (("step 1 (first-responder): only in of working hours",) if night else ())


def test_working_hours_are_asked_when_the_step_fires() -> None:
    policy = with_steps(
        "{person: chi, wait: 70m}",
        "{schedule: first-responder, wait: 5m, hours: in}",
        more="    hours: {from: '08:00', to: '10:00', time_zone: Europe/Berlin}\n",
    )
    house = House(policy)  # 09:00; at 10:10 the hours are over
    house.report(alert("a"))
    page = house.rows.pages["1-1"]
    assert (page.next_person, page.next_at) == ("chi", house.now + timedelta(minutes=70))
    house.forward("70m")
    assert house.people() == ["0m chi", "70m chi"]


def test_a_path_none_of_whose_steps_holds_pages_fallback_until_one_does() -> None:
    house = House(with_steps("{person: dora, wait: 5m, levels: [1]}"))
    house.policy = changed(
        first=(_FIRST, ""),
        chi=("      - {person: chi, wait: 10m}\n", "      - {person: chi, wait: 10m, levels: [1]}\n"),
        dora=("      - {person: dora, wait: 15m}\n", "      - {person: dora, wait: 15m, levels: [1]}\n"),
    )
    house.report(alert("a"))
    house.forward("15m")
    assert house.people() == ["0m emil", "15m emil"]


def test_everybody_is_everybody_of_the_steps_that_hold() -> None:
    house = House(with_steps("{person: fay, wait: 5m, levels: [1]}", "{person: asha, wait: 5m}"))
    house.report(alert("a"))
    house.forward("60m")
    assert house.people(since="60m") == ["60m asha", "60m chi", "60m dora", "60m emil"]
