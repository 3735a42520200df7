"""Technical, business and customer paths side by side in one incident."""

import pytest
from harness.house import CONFIG, RULES, House, alert, policy_of

from irpd.model import command as c
from irpd.model import event as e
from irpd.model.command import Refusal
from irpd.model.incident import RunState, State
from irpd.protocol.policy import Policy

_STARTS = RULES.replace(
    'want: "2"}}, level: 2, because: it says so}',
    'want: "2"}}, level: 2, because: it says so}\n'
    '  - {id: money, match: {labels: {money: "yes"}}, start: [business], because: money is lost}',
)


def by_level(levels: str = "[1]") -> Policy:
    """Checkout starts its business path by itself at these levels."""
    return policy_of(
        CONFIG.replace("business: business}", f"business: {{path: business, levels: {levels}}}}}")
    )


def both() -> House:
    """An incident with two paths at work: asha is asked by the technical one, fay by the business one."""
    house = House(policy_of(CONFIG, _STARTS))
    house.report(alert("a", labels={"money": "yes"}))
    assert house.people() == ["0m asha", "0m fay"]
    return house


def test_a_rule_starts_the_business_path_beside_the_technical_one() -> None:
    house = both()
    assert [(run.name, run.kind) for run in house.incident().paths] == [
        ("engineering", "technical"), ("business", "business"),
    ]  # fmt: skip
    started = house.of_type(e.PathStarted)
    assert started[1].because == "a rule starts the business path"
    house.forward("15m")
    assert house.people(since="1m") == ["5m chi", "15m dora"]  # whom both ask at once is paged once


def test_a_rule_starts_it_when_a_later_signal_says_so_and_once() -> None:
    house = House(policy_of(CONFIG, _STARTS))
    house.report(alert("a", grouped=True))
    house.report(alert("b", grouped=True, labels={"money": "yes"}))
    house.report(alert("c", grouped=True, labels={"money": "yes"}))
    assert [event.run.name for event in house.of_type(e.PathStarted)] == ["engineering", "business"]


def test_a_signal_that_asks_for_it_while_somebody_has_the_incident_starts_it() -> None:
    house = House(policy_of(CONFIG, _STARTS))
    house.report(alert("a", grouped=True))
    house.ack("asha")
    house.report(alert("b", grouped=True, labels={"money": "yes"}))
    assert house.people(since="0m") == ["0m asha", "0m fay"]
    assert house.run(name="engineering").state is RunState.STOPPED


@pytest.mark.parametrize("level, paths", [(1, ["engineering", "business"]), (2, ["engineering"])])
def test_a_service_starts_it_at_its_levels(level: int, paths: list[str]) -> None:
    house = House(by_level())
    house.report(alert("a", want=level))
    assert [run.name for run in house.incident().paths] == paths


def test_a_rise_to_such_a_level_starts_it() -> None:
    house = House(by_level())
    house.report(alert("a", want=2))
    house.set_level(1)
    assert [run.name for run in house.incident().paths] == ["engineering", "business"]
    assert house.of_type(e.PathStarted)[-1].because == "checkout wants it at level 1"


def test_an_acknowledgement_answers_the_path_that_asked_and_leaves_the_others() -> None:
    house = both()
    answer = house.ack("asha")
    assert answer.text == "You have #1. Path business goes on: others are asked there."
    assert house.incident().state is State.ACKNOWLEDGED
    assert house.live() == ["fay"]
    house.forward("15m")
    assert house.people(since="1m") == ["15m dora"]
    assert house.phones(since="1m") == ["2m fay sms", "15m dora mail"]
    house.ack("dora")
    house.forward("2h")
    assert house.people(since="16m") == []
    assert house.incident().acknowledged_by == ("asha", "dora")


def test_who_was_asked_by_no_path_takes_all_of_it() -> None:
    house = both()
    assert house.ack("olga").text == "You have #1. Escalation has stopped."
    assert not house.running()


def test_who_was_asked_by_both_answers_both() -> None:
    house = both()
    house.forward("15m")  # dora is asked by both
    house.ack("dora")
    assert not house.running()


def test_a_path_can_be_answered_by_name() -> None:
    house = both()
    house.ack("asha")
    assert house.ack("asha").changed is False
    house.do(c.Acknowledge(incident=1, by="asha", path="business"))
    assert not house.running()
    with pytest.raises(Refusal, match="it has: engineering, business"):
        house.do(c.Acknowledge(incident=1, by="asha", path="customers"))


def test_undo_lets_only_the_path_go_on_that_this_person_had_answered() -> None:
    house = both()
    house.ack("asha")
    house.ack("fay")
    assert not house.running()
    answer = house.do(c.Undo(incident=1, by="asha"))
    assert answer.text == "Undone; fay still has the rest; Chi is paged now."
    assert house.run(name="business").state is RunState.STOPPED
    assert house.people(since="0m")[-1] == "0m chi"


def test_i_cant_of_a_holder_lets_only_their_path_go_on() -> None:
    house = both()
    house.ack("asha")
    house.ack("fay")
    house.cant("fay")
    assert house.run(name="engineering").state is RunState.STOPPED
    assert house.people()[-1] == "0m dora"


def test_undo_with_nobody_left_resumes_what_stands_still_and_leaves_what_runs() -> None:
    house = both()
    house.ack("asha")
    house.do(c.Undo(incident=1, by="asha"))
    assert house.people() == ["0m asha", "0m fay", "0m chi"]


def test_a_rise_of_the_level_starts_all_of_them_anew() -> None:
    house = both()
    house.ack("asha")
    house.set_level(1)
    assert house.incident().state is State.OPEN
    assert all(run.state is RunState.RUNNING and run.fired == 1 for run in house.incident().paths)


def test_resolving_ends_all_of_them() -> None:
    house = both()
    house.resolve()
    assert not house.running()
    assert house.live() == []


def test_the_technical_and_the_customer_path_of_a_ticket() -> None:
    config = CONFIG.replace(
        "technical: engineering, customer", "technical: {path: engineering, levels: [1]}, customer"
    )
    house = House(policy_of(config))
    house.report(alert("t", want=1), source="desk")
    assert [run.name for run in house.incident().paths] == ["customers", "engineering"]


def test_a_service_without_such_a_path_uses_the_only_one_there_is() -> None:
    config = CONFIG.replace(", business: business}", "}")
    house = House(policy_of(config, _STARTS))
    house.report(alert("a", labels={"money": "yes"}))
    assert [run.name for run in house.incident().paths] == ["engineering", "business"]


def test_whom_nobody_asked_stops_what_they_escalated_by_saying_again_that_they_have_it() -> None:
    here = House(policy_of(CONFIG))
    here.do(c.TellOperators(key="x", title="x", text="", level=2))
    here.ack()
    here.do(c.Escalate(incident=1, by="asha"))
    assert here.running()
    here.ack()
    assert not here.running()
