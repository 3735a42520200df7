"""The heap of deadlines, and the one place that reads clocks."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from harness.house import TUESDAY
from hypothesis import given
from hypothesis import strategies as st

from irpd.engine.clock import BELIEVE_AFTER, SystemClock
from irpd.engine.timer import Timer


class Still:
    def __init__(self) -> None:
        self.at = TUESDAY

    def now(self) -> datetime:
        return self.at

    def boot(self) -> float:
        return 0.0


def after(seconds: float) -> datetime:
    return TUESDAY + timedelta(seconds=seconds)


def timer() -> Timer:
    return Timer(Still(), lambda _: True)


# ------------------------------------------------------------------ timer
async def test_what_is_due_comes_in_order_and_once() -> None:
    one = timer()
    for incident, seconds in ((1, 30), (2, 10), (3, 20), (4, 99)):
        one.set(incident, after(seconds))
    assert one.next == after(10)
    assert one.due(after(30)) == [2, 3, 1]
    assert one.due(after(30)) == []
    assert one.next == after(99)


async def test_a_deadline_that_moved_or_went_is_passed_over() -> None:
    one = timer()
    one.set(1, after(10))
    one.set(1, after(50))
    one.set(2, after(20))
    one.set(2, None)
    one.set(3, after(30))
    assert one.due(after(40)) == [3]
    assert one.due(after(60)) == [1]
    assert one.next is None


async def test_a_deadline_that_moved_back_to_an_old_value_comes_once() -> None:
    one = timer()
    for seconds in (10, 20, 10, 20, 10):
        one.set(1, after(seconds))
    assert one.due(after(60)) == [1]
    assert one.due(after(60)) == []


async def test_cleared_it_knows_nothing() -> None:
    one = timer()
    one.set(1, after(10))
    one.clear()
    assert one.due(after(60)) == []


@given(st.lists(st.tuples(st.integers(1, 5), st.one_of(st.none(), st.integers(0, 50)))), st.integers(0, 60))
def test_it_gives_what_a_plain_dictionary_would(steps: list[tuple[int, int | None]], now: int) -> None:
    one, plain = timer(), dict[int, int]()
    for incident, seconds in steps:
        one.set(incident, None if seconds is None else after(seconds))
        if seconds is None:
            plain.pop(incident, None)
        else:
            plain[incident] = seconds
    due = sorted((seconds, incident) for incident, seconds in plain.items() if seconds <= now)
    assert one.due(after(now)) == [incident for _, incident in due]
    assert one.next == min((after(s) for s in plain.values() if s > now), default=None)


# ------------------------------------------------------------------ clock
class Machine:
    """A wall clock and a boot-time clock that can be moved apart."""

    def __init__(self) -> None:
        self.booted = 1000.0
        self.wall = TUESDAY.timestamp()
        self.clock = SystemClock(wall=lambda: self.wall, boot=lambda: self.booted)

    def forward(self, seconds: float, *, by: float = 1.0) -> None:
        """Let the time pass, looking at the clock every ``by`` seconds."""
        passed = 0.0
        while passed < seconds:
            self.booted += by
            self.wall += by
            passed += by
            self.clock.now()

    def ahead(self) -> float:
        return self.clock.now().timestamp() - self.wall


def test_it_follows_the_wall_clock_and_says_utc() -> None:
    machine = Machine()
    machine.forward(10)
    assert machine.clock.now() == TUESDAY + timedelta(seconds=10)
    assert machine.clock.now().tzinfo is UTC


def test_a_jump_ahead_is_believed_only_after_it_persists() -> None:
    machine = Machine()
    machine.wall += 3600
    machine.forward(BELIEVE_AFTER - 1)
    assert machine.ahead() == pytest.approx(-3600)
    assert machine.clock.jumps == []
    machine.forward(3)
    assert machine.ahead() == pytest.approx(0)
    assert machine.clock.jumps == [pytest.approx(3600)]


def test_a_jump_ahead_that_goes_away_was_never_there() -> None:
    machine = Machine()
    machine.wall += 3600
    machine.forward(30)
    machine.wall -= 3600
    machine.forward(300)
    assert machine.clock.jumps == []
    assert machine.ahead() == pytest.approx(0)


def test_a_jump_that_changes_again_waits_again() -> None:
    machine = Machine()
    machine.wall += 3600
    machine.forward(50)
    machine.wall += 3600
    machine.forward(50)
    assert machine.clock.jumps == []
    machine.forward(15)
    assert machine.clock.jumps == [pytest.approx(7200)]


def test_a_jump_back_is_said_once_and_the_lead_given_back_slowly() -> None:
    machine = Machine()
    machine.wall -= 100
    machine.forward(70)
    assert machine.clock.jumps == [pytest.approx(-100, abs=1)]
    before = machine.ahead()
    machine.forward(1000)
    assert before - machine.ahead() == pytest.approx(10, rel=0.05)
    machine.forward(20_000)
    assert machine.ahead() == pytest.approx(0, abs=0.1)
    assert len(machine.clock.jumps) == 1


def test_a_small_difference_is_followed_without_a_jump() -> None:
    machine = Machine()
    machine.wall += 1.5
    machine.forward(1)
    assert machine.ahead() == pytest.approx(0)
    machine.wall -= 1.5
    machine.forward(10)
    assert 0 < machine.ahead() < 1.5
    assert machine.clock.jumps == []


def test_a_suspend_is_time_that_passed_and_no_jump() -> None:
    machine = Machine()
    machine.booted += 7200
    machine.wall += 7200
    assert machine.clock.now() == TUESDAY + timedelta(hours=2)
    machine.forward(100)
    assert machine.clock.jumps == []


def test_it_starts_no_earlier_than_the_journals_last_event() -> None:
    machine = Machine()
    last = TUESDAY + timedelta(minutes=10)
    machine.clock.start_from(last)
    assert machine.clock.now() >= last
    machine.forward(10)
    assert machine.clock.now() > last


def test_a_journal_from_the_far_future_is_not_followed_but_said() -> None:
    machine = Machine()
    machine.clock.start_from(TUESDAY + timedelta(days=400))
    assert machine.clock.now() == TUESDAY
    assert machine.clock.jumps == [pytest.approx(-400 * 86400)]


def test_a_lead_from_an_earlier_boot_is_known_at_once_and_given_back_slowly() -> None:
    machine = Machine()
    machine.clock.start_from(TUESDAY + timedelta(hours=3))
    assert machine.clock.lead() == pytest.approx(3 * 3600)
    assert not machine.clock.settled, "the wall clock may still be set right, as at many boots"
    machine.forward(BELIEVE_AFTER + 1)
    assert machine.clock.settled
    machine.forward(1000)
    assert machine.clock.lead() == pytest.approx(3 * 3600 - 10, abs=1)


def test_told_to_believe_the_wall_clock_it_starts_from_it_and_calls_that_a_jump() -> None:
    machine = Machine()
    machine.clock.start_from(TUESDAY + timedelta(hours=3), believe_wall=True)
    assert machine.clock.now() == TUESDAY
    assert machine.clock.lead() == 0.0
    assert machine.clock.jumps == [pytest.approx(-3 * 3600)]


def test_told_to_believe_the_wall_clock_it_still_goes_on_from_a_journal_that_is_hardly_ahead() -> None:
    machine = Machine()
    machine.clock.start_from(TUESDAY + timedelta(seconds=1), believe_wall=True)
    assert machine.clock.now() >= TUESDAY + timedelta(seconds=1)
    assert machine.clock.jumps == []


def test_behind_the_wall_clock_is_no_lead() -> None:
    machine = Machine()
    machine.wall += 30
    assert machine.clock.lead() == 0.0


@pytest.mark.parametrize("last", [None, TUESDAY - timedelta(days=1)])
def test_an_older_journal_changes_nothing(last: Any) -> None:
    machine = Machine()
    machine.clock.start_from(last)
    assert machine.clock.now() == TUESDAY
    assert machine.clock.jumps == []


@given(st.lists(st.tuples(st.floats(0, 200), st.floats(-5000, 5000)), max_size=60))
def test_now_never_goes_back_and_never_runs_away(moves: list[tuple[float, float]]) -> None:
    machine = Machine()
    last, highest = machine.clock.now(), machine.wall
    for passes, jumps in moves:
        machine.booted += passes
        machine.wall += passes + jumps
        now = machine.clock.now()
        assert now >= last
        highest = max(highest + passes, machine.wall)
        assert now.timestamp() <= highest + 1e-3
        last = now
