"""The virtual event loop keeps what asyncio promises, and drops a process as a crash does."""

import asyncio
from asyncio import events
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from simulation.clocks import VirtualTime
from simulation.loop import Escape, VirtualLoop


class House:
    def __init__(self, seed: int = 0) -> None:
        self.time = VirtualTime()
        self.loop = VirtualLoop(self.time, Random(seed), lambda: (1.0, 1.0))
        self.kept: list[asyncio.Task[Any]] = []

    def run(self, seconds: float) -> None:
        until = self.time.true + seconds
        events._set_running_loop(self.loop)
        try:
            while True:
                while self.loop.turns(1):
                    pass
                following = self.loop.next_timer()
                if following is None or following > until:
                    return
                self.time.true = max(following, self.time.true)
                self.loop.wake_due()
        finally:
            events._set_running_loop(None)


@pytest.fixture
def house() -> Iterator[House]:
    house = House()
    yield house
    house.kept += house.loop.drop()


def test_what_was_handed_over_first_runs_first(house: House) -> None:
    seen: list[int] = []
    for n in range(50):
        house.loop.call_soon(seen.append, n)
    house.run(0)
    assert seen == list(range(50))


def test_a_timer_runs_at_its_time_and_time_passes_at_once(house: House) -> None:
    seen: list[float] = []
    for after in (3600.0, 1.0, 60.0):
        house.loop.call_later(after, lambda: seen.append(house.loop.time()))
    house.run(100)
    assert seen == [1.0, 60.0]
    house.run(5000)
    assert seen == [1.0, 60.0, 3600.0]


def test_timers_of_one_instant_run_in_an_order_of_chance() -> None:
    def order(seed: int) -> list[int]:
        house, seen = House(seed), []  # type: tuple[House, list[int]]
        for n in range(10):
            house.loop.call_at(5.0, seen.append, n)
        house.run(10)
        house.loop.drop()
        return seen

    assert sorted(order(1)) == list(range(10))
    assert order(1) == order(1)
    assert len({tuple(order(seed)) for seed in range(5)}) > 1


def test_work_of_another_thread_begins_and_ends_at_virtual_moments(house: House) -> None:
    seen: list[object] = []

    async def ask() -> None:
        answer = await house.loop.run_in_executor(None, lambda: seen.append(house.time.true) or 42)
        seen.append((answer, house.time.true))

    house.loop.create_task(ask())
    house.run(10)
    assert seen == [1.0, (42, 2.0)]


def test_after_a_crash_no_callback_runs_and_no_finally_is_entered(house: House) -> None:
    seen: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(10)
            seen.append("went on")
        finally:
            seen.append("finally")

    house.loop.create_task(work())
    house.run(5)
    kept = house.loop.drop()
    assert len(kept) == 1
    house.loop.call_soon(seen.append, "callback")
    house.run(50)
    assert seen == []
    house.kept += kept  # closed with this test; nothing of it reaches what is simulated any more


def test_there_is_no_other_thread_to_call_from(house: House) -> None:
    with pytest.raises(Escape):
        house.loop.call_soon_threadsafe(print)
