"""Who is refused under load, and who never is."""

import asyncio

import pytest

from irpd.web.admission import FEW, LONG, MOST, OVER_AFTER, PATIENCE, TURNS, Admission


class Load:
    """A loop whose rounds take as long as the test says."""

    def __init__(self) -> None:
        self.now = 100.0
        self.work = 0.0
        self.door = Admission(lambda: self.now, lambda: self.work)
        self.door.under_way = FEW  # as many as make it worth asking

    async def round(self, requests: int, *, each: float = 0.0, took: float = 0.0) -> int:
        """So many requests in one round, each accepted one costing so much; how many were accepted."""
        accepted = 0
        for _ in range(requests):
            if self.door.admit():
                accepted += 1
                self.now += each
        self.now += took
        for _ in range(TURNS + 1):
            await asyncio.sleep(0)
        return accepted


async def test_whoever_comes_is_taken_in_while_rounds_are_short() -> None:
    load = Load()
    for _ in range(1000):
        assert await load.round(50, took=LONG / 2) == 50
    assert not load.door.overloaded


async def test_a_few_senders_that_wait_for_their_answers_are_never_refused() -> None:
    load = Load()
    load.door.under_way = FEW - 1
    for _ in range(50):
        assert await load.round(16, took=LONG * 20) == 16
    assert not load.door.overloaded


async def test_a_burst_is_done_and_nobody_refused() -> None:
    load = Load()
    assert await load.round(2000, took=PATIENCE * 5) == 2000
    assert await load.round(10, took=0.001) == 10
    assert not load.door.overloaded


async def test_long_rounds_that_last_are_cut_to_what_fits() -> None:
    load = Load()
    accepted = [await load.round(400, each=0.001) for _ in range(60)]
    assert load.door.overloaded
    assert accepted[0] == 400
    # A request costs a millisecond: about as many as fit into a round.
    assert all(LONG / 0.001 / 3 <= n <= LONG / 0.001 * 1.5 for n in accepted[-20:]), accepted[-20:]


async def test_never_all_are_refused() -> None:
    load = Load()
    for _ in range(100):
        await load.round(50, took=1.0)
    assert await load.round(50, took=1.0) >= 1


async def test_work_that_waits_before_the_engine_is_overload_too_but_not_at_once() -> None:
    load = Load()
    load.work = 1.0
    assert await load.round(20, took=0.001) == 20
    while not load.door.overloaded:
        assert load.now < 100 + 10 * PATIENCE
        await load.round(20, took=0.001)
    assert await load.round(20, took=0.001) == 0
    load.work = 0.0
    assert await load.round(20, took=0.001) == 20


async def test_a_while_after_the_last_refusal_it_is_over() -> None:
    load = Load()
    while not load.door.overloaded:
        await load.round(int(MOST), each=0.001)
    load.now += OVER_AFTER * 1.1
    assert await load.round(300, took=0.001) == 300
    assert not load.door.overloaded


@pytest.mark.parametrize("pause", [0.0, 1000.0])
async def test_nothing_is_timed_while_nothing_comes(pause: float) -> None:
    load = Load()
    await load.round(1, took=0.001)
    load.now += pause
    assert await load.round(100, took=0.001) == 100
    assert not load.door.overloaded
