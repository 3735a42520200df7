"""The expected wait counts work, not the disk."""

import pytest

from irpd.engine import pace
from irpd.engine.inbox import Inbox, Incoming, Item, Overloaded
from irpd.engine.pace import Pace


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(pace.time, "thread_time", lambda: now[0])
    return now


def worked(one: Pace, clock: list[float], seconds: float) -> None:
    def work() -> None:
        clock[0] += seconds

    one.counting(work)


def test_more_that_waits_takes_longer_in_proportion_to_what_each_costs(clock: list[float]) -> None:
    one = Pace()
    for _ in range(50):
        worked(one, clock, 0.1)
        one.done(100, took=0.1)
    assert one.wait(200) == pytest.approx(2 * one.wait(100))
    assert one.wait(100) == pytest.approx(0.1 * pace.SHARE, rel=0.01)


def test_a_slow_disk_alone_is_no_wait(clock: list[float]) -> None:
    one = Pace()
    for _ in range(50):
        worked(one, clock, 0.001)
        one.done(10, took=0.5)
    assert one.wait(500) == 0


def test_what_is_being_written_counts() -> None:
    one = Pace()
    before = one.wait(10)
    one.under_way = 10
    assert one.wait(10) == pytest.approx(2 * before)


def test_a_batch_of_one_says_nothing_about_each(clock: list[float]) -> None:
    one = Pace()
    before = one.each
    worked(one, clock, 5.0)
    one.done(1, took=5.0)
    assert one.each == before


def receipt(size: int) -> Item:
    from datetime import UTC, datetime

    at = datetime(2026, 11, 24, tzinfo=UTC)
    return Item(
        what=Incoming(source="a", body=bytes(size), headers={}, group="", signals=(), first_byte_at=at)
    )


def test_waiting_bodies_are_bounded_in_bytes_and_room_comes_back() -> None:
    inbox = Inbox(limit_bytes=100)
    inbox.put(receipt(60))
    with pytest.raises(Overloaded):
        inbox.put(receipt(60))
    first = inbox.take(inbox.seen)
    assert first is not None
    inbox.put(receipt(60))
    inbox.give_back([first])
    assert inbox.bytes == 120
    assert len(inbox.drain()) == 2
    assert inbox.bytes == 0
    inbox.put(receipt(1000))  # one that is larger than all the room is taken by itself
    assert len(inbox) == 1
