"""What is told of a time that is ahead of the machine's clock."""

from datetime import timedelta

import pytest
from harness.house import TUESDAY

from irpd.daemon.watch_clock import ClockWatch
from irpd.engine.clock import BELIEVE_AFTER, SystemClock
from irpd.model import command as c


class Machine:
    """A daemon's clocks, moved by hand, and what it told."""

    def __init__(self, *, ahead: timedelta, believe_wall: bool = False) -> None:
        self.booted, self.wall = 1000.0, TUESDAY.timestamp()
        self.clock = SystemClock(wall=lambda: self.wall, boot=lambda: self.booted)
        self.clock.start_from(TUESDAY + ahead, believe_wall=believe_wall)
        self.watch = ClockWatch(self.clock, self._tell)
        self.told: list[c.Command] = []

    async def _tell(self, command: c.Command, *, about: str) -> None:
        assert about == "clock"
        self.told.append(command)

    async def seconds(self, n: int, *, each: float = 1.0) -> None:
        for _ in range(n):
            self.booted += each
            self.wall += each
            self.clock.now()
            await self.watch.look()


async def test_a_lead_of_hours_is_a_problem_at_once_and_the_operators_are_told_once_when_it_lasts() -> None:
    machine = Machine(ahead=timedelta(hours=3))
    assert "3 h ahead" in machine.watch.problem
    assert "12 days" in machine.watch.problem
    assert "--believe-clock" in machine.watch.problem
    await machine.seconds(int(BELIEVE_AFTER) - 1)
    assert machine.told == []
    await machine.seconds(300)
    (command,) = machine.told
    assert isinstance(command, c.TellOperators)
    assert (command.key, command.text) == ("clock", command.text)
    assert "3 h ahead" in command.text


async def test_when_it_has_been_given_back_it_is_over() -> None:
    machine = Machine(ahead=timedelta(minutes=5))
    await machine.seconds(120)
    assert [type(command) for command in machine.told] == [c.TellOperators]
    await machine.seconds(400, each=60.0)
    assert machine.watch.problem == ""
    assert machine.told[1:] == [c.ConditionOver(key="clock")]


async def test_a_machine_whose_clock_is_set_right_within_a_minute_of_the_start_tells_nobody() -> None:
    machine = Machine(ahead=timedelta(hours=1))
    await machine.seconds(30)
    machine.wall += 3600
    await machine.seconds(300)
    assert machine.watch.problem == ""
    assert machine.told == [c.ConditionOver(key="clock")]


@pytest.mark.parametrize("ahead, believe_wall", [(timedelta(hours=3), True), (timedelta(seconds=30), False)])
async def test_a_start_without_a_lead_ends_what_an_earlier_life_told(
    ahead: timedelta, believe_wall: bool
) -> None:
    machine = Machine(ahead=ahead, believe_wall=believe_wall)
    await machine.seconds(200)
    assert machine.told == [c.ConditionOver(key="clock")]
