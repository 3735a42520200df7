"""The table "What an acknowledgement covers", a test for each of its rows."""

import pytest
from harness.house import House, alert

from irpd.model import command as c
from irpd.model import event as e
from irpd.model.incident import State
from irpd.model.page import PageKind


def test_another_signal_joins_at_the_same_level_an_update_to_who_has_it_and_no_page() -> None:
    house = House()
    house.report(alert("a", grouped=True))
    house.ack("asha")
    before = house.phones()
    house.forward("3m")
    house.report(alert("b", grouped=True))
    house.forward("1h")
    assert house.phones() == before
    assert house.phones(kind=PageKind.UPDATE) == ["3m asha mail"]
    assert house.incident().state is State.ACKNOWLEDGED
    assert [member.n for member in house.members()] == [1, 2]


def test_the_level_rises_the_acknowledgement_lapses_the_path_starts_and_who_had_it_is_paged_too() -> None:
    house = House()
    house.report(alert("a", want=2, grouped=True))
    house.forward("5m")  # chi is paged
    house.ack("chi")
    house.forward("5m")
    house.report(alert("b", want=1, grouped=True))
    incident = house.incident()
    assert (incident.level, incident.state, incident.acknowledged_by) == (1, State.OPEN, ())
    assert sorted(house.people(since="10m")) == ["10m asha", "10m chi"]
    house.forward("10m")
    # 5m later the second step, chi again; at the end the third
    assert house.run().fired == 2
    assert house.of_type(e.AcknowledgementLapsed)


def test_the_level_rises_with_the_higher_levels_urgency() -> None:
    house = House()
    house.report(alert("a", want=3, grouped=True))
    house.ack("asha")
    house.report(alert("b", want=1, grouped=True))
    house.forward("5m")
    assert house.phones() == ["0m asha mail", "0m asha mail", "2m asha sms", "5m chi mail"]


def test_who_had_it_is_paged_once_when_the_first_step_pages_that_person_anyway() -> None:
    house = House()
    house.report(alert("a", want=2, grouped=True))
    house.ack("asha")
    house.report(alert("b", want=1, grouped=True))
    assert house.people() == ["0m asha", "0m asha"]


def test_a_signal_fires_again_while_acknowledged_and_unconfirmed_an_update_to_who_has_it() -> None:
    house = House()
    house.report(alert("a"))
    house.ack("asha")
    house.forward("10m")
    house.report(alert("a", "resolved"))
    assert house.incident().unconfirmed
    house.forward("10m")
    before = house.phones()
    house.report(alert("a"))
    house.forward("1h")
    assert house.phones() == before
    assert house.phones(kind=PageKind.UPDATE) == ["10m asha mail", "20m asha mail"]
    assert house.incident().state is State.ACKNOWLEDGED


def test_a_signal_fires_again_while_unconfirmed_and_nobody_has_it_the_path_simply_goes_on() -> None:
    house = House()
    house.report(alert("a"))
    house.forward("1m")
    house.report(alert("a", "resolved"))
    house.forward("1m")
    house.report(alert("a"))
    house.forward("4m")
    assert house.phones() == ["0m asha mail", "2m asha sms", "5m chi mail"]
    assert len(house.of_type(e.PathStarted)) == 1


def test_a_signal_fires_again_after_the_end_within_the_window_reopened_path_from_its_first_step() -> None:
    house = House()
    house.report(alert("a"))
    house.forward("5m")
    house.ack("chi")
    house.report(alert("a", "resolved"))
    house.resolve(by="chi")
    house.forward("29m")
    house.report(alert("a"))
    incident = house.incident()
    assert (incident.state, incident.acknowledged_by) == (State.OPEN, ())
    assert house.states() == [State.OPEN]
    assert house.people(since="34m") == ["34m asha"]
    assert house.run().fired == 1


@pytest.mark.parametrize("level", [1, 2])
def test_all_signals_resolved_and_nobody_acknowledged_at_level_1_to_2_paging_goes_on(level: int) -> None:
    house = House()
    house.report(alert("a", want=level))
    house.forward("1m")
    house.report(alert("a", "resolved"))
    house.forward("4h")
    assert house.incident().state is State.OPEN
    assert house.incident().unconfirmed
    assert "5m chi mail" in house.phones()
    assert house.people(since="3.5h")


@pytest.mark.parametrize("level", [3, 4])
def test_all_signals_resolved_at_level_3_to_4_paging_stops_and_it_resolves_after_its_quiet(
    level: int,
) -> None:
    house = House()
    house.report(alert("a", want=level), alert("b", want=level))
    first, second = house.incident(1), house.incident(2)
    assert (first.level, second.level) == (level, level)
    house.forward("10m")
    house.report(alert("a", "resolved"))
    assert not house.running(1)
    assert house.live(1) == []
    before = len(house.shown)
    house.forward("14m")
    assert house.incident(1).state is State.OPEN
    house.forward("1m")
    assert house.incident(1).state is State.RESOLVED
    assert house.incident(1).resolved_by == ""
    assert house.incident(2).state is State.OPEN
    assert [page.reason for *_, page in house.shown[before:]] == ["over"]


def test_all_but_one_signal_resolved_changes_nothing() -> None:
    house = House()
    house.report(alert("a", want=3, grouped=True), alert("b", want=3, grouped=True))
    house.report(alert("a", "resolved", grouped=True))
    house.forward("1h")
    assert house.incident().state is State.OPEN
    assert house.running()


@pytest.mark.parametrize("how", ["resolved", "closed", "merged"])
def test_acknowledgement_of_what_is_over_changes_nothing_and_the_answer_says_so(how: str) -> None:
    house = House()
    house.report(alert("a"), alert("b"))
    if how == "merged":
        house.do(c.Merge(incident=1, into=2, by="chi"))
    else:
        house.resolve(1, by="chi")
    if how == "closed":
        house.forward("30m")
    assert house.incident().state == how
    before, facts = house.incident(), len(house.facts)
    answer = house.ack("asha")
    assert answer.changed is False
    assert ("into #2" if how == "merged" else "by Chi.") in answer.text
    assert house.incident() == before
    assert len(house.facts) == facts


def test_acknowledged_the_path_stops_and_every_persons_remaining_methods() -> None:
    house = House()
    house.report(alert("a"))
    house.forward("6m")  # asha by mail and sms, chi by mail; chi's sms is still to come
    house.ack("asha")
    house.forward("3h")
    assert house.phones() == ["0m asha mail", "2m asha sms", "5m chi mail"]
    assert not house.running()
    assert house.live() == []
    assert house.incident().respond_state == "met"


def test_i_cant_the_path_goes_on_at_once() -> None:
    house = House()
    house.report(alert("a"))
    house.forward("1m")
    answer = house.cant("asha")
    assert answer.changed
    assert "Chi" in answer.text
    house.forward("4m")
    assert house.phones() == ["0m asha mail", "1m chi mail", "3m chi sms"]


def test_i_cant_after_having_it_the_path_goes_on_at_once() -> None:
    house = House()
    house.report(alert("a"))
    house.ack("asha")
    house.forward("30m")
    house.cant("asha")
    assert house.incident().state is State.OPEN
    assert house.people(since="30m") == ["30m chi"]
    assert house.running()


def test_undo_the_path_goes_on_at_once() -> None:
    house = House()
    house.report(alert("a"))
    house.ack("asha")
    house.forward("10s")
    house.do(c.Undo(incident=1, by="asha"))
    assert house.incident().state is State.OPEN
    assert house.people() == ["0m asha", "10s chi"]
    assert house.running()


def test_undo_while_somebody_else_has_it_changes_nothing_for_the_path() -> None:
    house = House()
    house.report(alert("a"))
    house.ack("asha")
    house.ack("chi")
    house.do(c.Undo(incident=1, by="asha"))
    house.forward("2h")
    assert house.incident().acknowledged_by == ("chi",)
    assert house.people() == ["0m asha"]


def test_news_for_one_person_is_not_put_off_by_what_another_was_told() -> None:
    """Each hears of it once a minute at most, and no later."""
    house = House()
    house.report(alert("a", grouped=True))
    house.ack("asha")
    house.report(alert("b", grouped=True))
    house.forward("30s")
    house.report(alert("c", grouped=True))  # asha hears of it at the end of the minute
    house.ack("ben")
    house.forward("15s")
    house.report(alert("d", grouped=True))
    house.forward("5m")
    updates = [(at - house.began, who) for at, who, _, page in house.shown if page.kind is PageKind.UPDATE]
    assert [(passed.total_seconds(), who) for passed, who in updates] == [
        (0, "asha"),
        (45, "ben"),
        (60, "asha"),
    ]
