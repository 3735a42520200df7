"""A provider's later word on what it had taken: delivered, seen, or given up."""

from datetime import timedelta

import pytest
from harness.house import House, alert, changed

from irpd.model import command as c
from irpd.model import event as e
from irpd.model.page import Send, SendState, Word
from irpd.protocol.rows import Rows


def taken(house: House, *, page: str = "1-1", n: int = 1, called: str = "SM1") -> None:
    """The provider takes a message and gives it a name."""
    house.do(
        c.RecordSend(
            page=page, send=n, state=SendState.DELIVERED, provider_id=called, took=0.5, handed_at=house.now
        )
    )


def paged(**policy: tuple[str, str]) -> House:
    house = House(changed(**policy)) if policy else House()
    house.delivers = False
    house.report(alert("a"))
    taken(house)
    return house


def said(house: House, word: Word, *, ago: float | None = None, called: str = "SM1", detail: str = "") -> int:
    at = None if ago is None else house.now - timedelta(seconds=ago)
    answer = house.do(c.ConfirmSend(channel="mail", provider_id=called, word=word, at=at, detail=detail))
    assert isinstance(answer, int)
    return answer


def send(house: House, page: str = "1-1", n: int = 1) -> Send:
    return house.rows.pages[page].sends[n - 1]


def test_each_station_of_a_send_has_its_time() -> None:
    house = paged()
    began = house.now
    house.now += timedelta(seconds=20)
    assert said(house, Word.DELIVERED, ago=15) == 1
    assert said(house, Word.SEEN, ago=5) == 1
    one = send(house)
    assert (one.handed_at, one.accepted_at) == (began, began + timedelta(seconds=0.5))
    assert one.delivered_at == began + timedelta(seconds=5)
    assert one.seen_at == began + timedelta(seconds=15)
    assert house.rows.pages["1-1"].seen_at == one.seen_at
    assert one.state is SendState.DELIVERED


def test_the_same_word_twice_and_words_in_the_wrong_order_are_no_news() -> None:
    house = paged()
    assert said(house, Word.SEEN) == 1
    facts = len(house.facts)
    assert [said(house, word) for word in (Word.SEEN, Word.DELIVERED, Word.FAILED)] == [0, 0, 0]
    assert len(house.facts) == facts


def test_a_word_on_what_nobody_knows_is_no_news() -> None:
    house = paged()
    assert said(house, Word.FAILED, called="SM2") == 0
    assert said(house, Word.FAILED, called="") == 0
    assert send(house).state is SendState.DELIVERED


@pytest.mark.parametrize(
    "ago", [3600.0, -3600.0, None], ids=["before-it-was-sent", "in-the-future", "unsaid"]
)
def test_a_time_that_cannot_be_right_gives_way_to_our_own(ago: float | None) -> None:
    house = paged()
    house.now += timedelta(seconds=20)
    said(house, Word.DELIVERED, ago=ago)
    assert send(house).delivered_at == house.now


def test_a_message_that_was_taken_and_then_given_up_brings_the_next_method_at_once() -> None:
    house = paged()
    house.now += timedelta(seconds=20)
    assert said(house, Word.FAILED, detail="30003 unreachable handset") == 1
    assert (send(house).state, send(house).detail) == (SendState.FAILED, "30003 unreachable handset")
    assert send(house, n=2).due_at == house.now


def test_when_the_last_method_is_given_up_the_next_step_comes_at_once() -> None:
    house = paged()
    house.do(c.RecordSend(page="1-1", send=2, state=SendState.FAILED))
    assert "1-2" not in house.rows.pages
    said(house, Word.FAILED)
    assert house.rows.pages["1-2"].person == "chi"
    assert not house.rows.pages["1-1"].live


def test_a_word_of_failure_after_the_acknowledgement_pages_nobody() -> None:
    house = paged()
    house.ack("asha")
    pages = set(house.rows.pages)
    assert said(house, Word.FAILED) == 1
    assert set(house.rows.pages) == pages


def test_one_word_is_of_every_send_that_went_out_in_the_message() -> None:
    house = paged()
    house.report(alert("b", labels={"service": "bare"}))
    other = next(page for page in house.rows.pages.values() if page.incident == 2)
    taken(house, page=other.id)
    assert said(house, Word.FAILED) == 2
    assert {send(house).state, send(house, other.id).state} == {SendState.FAILED}


def test_what_was_given_up_and_arrives_all_the_same_has_arrived_and_ends_nothing() -> None:
    house = paged()
    said(house, Word.FAILED)
    assert said(house, Word.DELIVERED) == 1
    assert send(house).state is SendState.DELIVERED
    assert house.rows.pages["1-1"].live


def test_words_find_their_message_after_a_restart_and_not_once_the_incident_has_left_memory() -> None:
    house = paged()
    rows = Rows()
    incidents, pages = dict(house.rows.incidents), dict(house.rows.pages)
    rows.restore(incidents, dict(house.rows.members), pages, dict(house.rows.counters))
    assert rows.sends_in("mail", "SM1") == (("1-1", 1),)
    rows.forget(1)
    assert rows.sends_in("mail", "SM1") == ()


def test_the_events_of_a_word_carry_what_the_provider_said() -> None:
    house = paged()
    house.now += timedelta(seconds=20)
    said(house, Word.DELIVERED, ago=2, detail="read on Android")
    [event] = house.of_type(e.SendConfirmed)
    assert (event.word, event.said_at, event.detail) == (
        Word.DELIVERED, house.now - timedelta(seconds=2), "read on Android",
    )  # fmt: skip
