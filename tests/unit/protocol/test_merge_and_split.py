"""Merging and splitting: signals move, and whoever must know is told."""

import pytest
from harness.house import House, alert

from irpd.model import command as c
from irpd.model import event as e
from irpd.model.command import Refusal
from irpd.model.incident import State
from irpd.model.page import PageKind


def merged(house: House, number: int = 1, into: int = 2) -> None:
    house.do(c.Merge(incident=number, into=into, by="asha"))


def test_all_signals_move_and_the_merged_one_pages_nobody_any_more() -> None:
    house = House()
    house.report(alert("a", grouped=True), alert("b", grouped=True))
    house.report(alert("c", labels={"service": "login"}))
    merged(house)
    assert [member.handle for member in house.members(2)] == ["2.1", "2.2", "2.3"]
    assert house.members(1) == []
    assert (house.incident(1).state, house.incident(1).merged_into) == (State.MERGED, 2)
    assert house.live(1) == []
    assert not house.running(1)
    house.forward("5m")
    assert house.people(since="1m") == ["5m chi"]


def test_a_repeat_of_a_moved_signal_finds_it_where_it_is() -> None:
    house = House()
    house.report(alert("a"), alert("b"))
    merged(house)
    assert list(house.report(alert("a")).incidents) == [2]


def test_the_target_rises_to_the_level_of_what_comes_in() -> None:
    house = House()
    house.report(alert("a", want=1), alert("b", want=3))
    house.ack(number=2)
    merged(house)
    assert house.incident(2).level == 1
    assert house.incident(2).state is State.OPEN


def test_who_has_the_target_is_told_and_not_paged() -> None:
    house = House()
    house.report(alert("a"), alert("b"))
    house.ack(number=2)
    before = house.people()
    merged(house)
    house.forward("10m")
    assert house.people() == before
    assert len(house.phones(kind=PageKind.UPDATE)) == 1


def test_what_fires_is_paged_when_it_comes_into_an_incident_that_had_gone_quiet() -> None:
    house = House()
    house.report(alert("a", want=3), alert("b", want=3))
    house.report(alert("b", "resolved", want=3))
    assert not house.running(2)
    house.forward("5m")
    merged(house)
    assert house.running(2)
    assert house.people(since="5m") == ["5m asha"]
    house.forward("1h")
    assert house.incident(2).state is State.OPEN


def test_regimes_go_along() -> None:
    house = House()
    house.report(alert("a"), alert("b"))
    house.rows.incidents[1] = __import__("msgspec").structs.replace(house.incident(1), regimes=("gdpr",))
    merged(house)
    assert house.incident(2).regimes == ("gdpr",)


def test_a_split_opens_an_incident_of_its_own_that_is_paged() -> None:
    house = House()
    house.report(*(alert(k, grouped=True) for k in "abc"))
    house.ack()
    house.do(c.Split(incident=1, signals=(2, 3), by="asha"))
    assert [member.key for member in house.members(1)] == ["am/a"]
    assert [member.handle for member in house.members(2)] == ["2.1", "2.2"]
    assert house.incident(1).state is State.ACKNOWLEDGED
    assert house.people() == ["0m asha", "0m asha"]


def test_splitting_off_what_fires_leaves_the_rest_quiet_at_level_3() -> None:
    house = House()
    house.report(alert("a", want=3, grouped=True), alert("b", want=3, grouped=True))
    house.report(alert("a", "resolved", want=3, grouped=True))
    house.do(c.Split(incident=1, signals=(2,), by="asha"))
    assert not house.running(1)
    assert house.running(2)
    house.forward("15m")
    assert house.states() == [State.RESOLVED, State.OPEN]


def test_a_split_of_resolved_signals_ends_by_itself_at_level_3() -> None:
    house = House()
    house.report(alert("a", want=3, grouped=True), alert("b", want=3, grouped=True))
    house.report(alert("a", "resolved", want=3, grouped=True))
    house.do(c.Split(incident=1, signals=(1,), by="asha"))
    assert house.live(2) == []
    house.forward("15m")
    assert house.states() == [State.OPEN, State.RESOLVED]


REFUSED = [
    (c.Merge(incident=1, into=1, by="asha"), "invalid", "into itself"),
    (c.Merge(incident=1, into=9, by="asha"), "not-found", "#9"),
    (c.Merge(incident=9, into=1, by="asha"), "not-found", "#9"),
    (c.Merge(incident=2, into=1, by="asha"), "state", "was resolved"),
    (c.Merge(incident=1, into=2, by="asha"), "state", "was resolved"),
    (c.Split(incident=1, signals=(1,), by="asha"), "invalid", "no signal left"),
    (c.Split(incident=1, signals=(7,), by="asha"), "not-found", "1.7"),
    (c.Split(incident=1, signals=(), by="asha"), "invalid", "name the signals"),
    (c.Split(incident=2, signals=(1,), by="asha"), "state", "was resolved"),
    (c.Note(incident=1, by="asha", text=" "), "invalid", "needs a text"),
    (c.Note(incident=9, by="asha", text="x"), "not-found", "#9"),
    (c.Acknowledge(incident=9, by="asha"), "not-found", "#9"),
    (c.Decline(incident=9, by="asha"), "not-found", "#9"),
    (c.Undo(incident=2, by="asha"), "state", "was resolved"),
    (c.Escalate(incident=2, by="asha"), "state", "was resolved"),
    (c.Escalate(incident=1, by="asha", path="nope"), "invalid", "business, customers"),
    (c.SetLevel(incident=2, by="asha", level=1, because="x"), "state", "was resolved"),
    (c.Resolve(incident=9, by="asha"), "not-found", "#9"),
    (c.Reopen(incident=9, by="asha"), "not-found", "#9"),
    (c.Reopen(incident=3, by="asha"), "state", "was merged into #1"),
    (c.Open(by="asha", title=" ", service="checkout"), "invalid", "needs a title"),
    (c.Open(by="asha", title="x", service="nope"), "invalid", "checkout"),
    (c.Open(by="asha", title="x", service="checkout", level=7), "invalid", "1 .critical."),
    (c.TestPage(person="nope", by="asha"), "not-found", "asha, ben"),
]


@pytest.mark.parametrize("command, code, says", REFUSED)
def test_a_refused_command_says_why_and_changes_nothing(command: c.Command, code: str, says: str) -> None:
    from harness.house import plain

    house = House()
    house.report(alert("a"), alert("b"), alert("c"))
    house.resolve(2)
    merged(house, 3, 1)
    house.do(c.Split(incident=1, signals=(2,), by="asha"))
    before = {name: dict(rows) for name, rows in plain(house.rows).items()}
    facts = len(house.facts)
    with pytest.raises(Refusal, match=says) as refused:
        house.do(command)
    assert refused.value.code == code
    assert plain(house.rows) == before
    assert len(house.facts) == facts


# ------------------------------------------------------------------ by hand
def test_opened_by_hand_it_has_a_persons_level_and_is_paged() -> None:
    house = House()
    answer = house.do(
        c.Open(by="fay", title="Payments feel slow", service="checkout", level=1, text="Three calls")
    )
    assert answer.text == "#1 is open; Asha is paged now."
    assert (house.incident().level, house.incident().person_level) == (1, True)
    assert [note.text for note in house.of_type(e.Noted)] == ["Three calls"]
    house.forward("1h")
    assert house.states() == [State.OPEN]


def test_opened_by_hand_and_emptied_of_signals_by_a_merge_it_ends_by_itself_at_level_3() -> None:
    house = House()
    house.do(c.Open(by="fay", title="Slow", service="checkout", level=3))
    house.report(alert("a", want=3))
    house.report(alert("a", "resolved", want=3))
    merged(house, 2, 1)
    house.forward("15m")
    assert house.states() == [State.RESOLVED, State.MERGED]


def test_reopened_by_hand_the_path_begins_at_its_first_step() -> None:
    house = House()
    house.report(alert("a"))
    house.forward("6m")
    house.resolve()
    house.forward("31m")
    assert house.states() == [State.CLOSED]
    house.do(c.Reopen(incident=1, by="asha"))
    assert house.states() == [State.OPEN]
    assert house.people(since="37m") == ["37m asha"]


def test_a_test_page_goes_by_all_channels_and_belongs_to_no_incident() -> None:
    house = House()
    assert house.do(c.TestPage(person="asha", by="chi")) == "0-1"
    assert house.phones(kind=PageKind.TEST) == ["0m asha mail", "0m asha sms"]
    assert house.rows.incidents == {}
    assert house.do(c.SeePage(page="0-1")) is True
    assert house.do(c.SeePage(page="0-1")) is False
    assert house.do(c.SeePage(page="9-1")) is False
