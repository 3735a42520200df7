"""Gaps that come nearer, or that people make, are told before they come."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

from harness.house import CONFIG, TUESDAY, House, policy_of

from irpd.daemon.watch_gaps import LEVEL, GapWatch
from irpd.engine.state import State
from irpd.model import command as c

WHOLE = CONFIG.replace("  nobody: {kind", "  # nobody: {kind")
ALONE = WHOLE.replace("people: [asha, ben]", "people: [asha]")


class Daemon:
    def __init__(self, config: str) -> None:
        self.house = House(policy_of(config))
        self.told: list[c.Command] = []
        engine = SimpleNamespace(policy=self.house.policy, state=State(self.house.rows))
        self.watch = GapWatch(cast(Any, engine), cast(Any, self), self._tell)

    def now(self) -> Any:
        return self.house.now

    async def _tell(self, command: c.Command, *, about: str) -> None:
        self.told.append(command)


async def test_where_somebody_always_is_nothing_is_told_but_that_it_is_over() -> None:
    daemon = Daemon(WHOLE)
    await daemon.watch.look()
    await daemon.watch.look()
    assert daemon.told == [c.ConditionOver(key="on-call-gaps")]


async def test_an_absence_that_leaves_nobody_is_told_once_and_taken_back_when_somebody_takes_over() -> None:
    daemon = Daemon(ALONE)
    until = TUESDAY + timedelta(days=3)
    daemon.house.do(c.AddOverride(by="asha", away="asha", since=TUESDAY + timedelta(days=2), until=until))
    await daemon.watch.look()
    daemon.house.sleep("1h")
    await daemon.watch.look()
    (command,) = daemon.told
    assert isinstance(command, c.TellOperators)
    assert command.level == LEVEL
    assert "first-responder: nobody is on call from 2026-11-26 09:00 to 2026-11-27 09:00" in command.text
    daemon.house.do(
        c.AddOverride(
            by="ben", schedule="first-responder", person="ben", since=TUESDAY + timedelta(days=2), until=until
        )
    )
    await daemon.watch.look()
    assert daemon.told[1:] == [c.ConditionOver(key="on-call-gaps")]


async def test_a_gap_is_told_when_it_comes_into_sight_and_not_anew_while_it_lasts() -> None:
    daemon = Daemon(ALONE)
    begins = TUESDAY + timedelta(days=20)
    daemon.house.do(c.AddOverride(by="asha", away="asha", since=begins, until=begins + timedelta(days=1)))
    await daemon.watch.look()
    assert daemon.told == [c.ConditionOver(key="on-call-gaps")]
    daemon.house.sleep("10d")
    for _ in range(6):
        await daemon.watch.look()
        daemon.house.sleep("60h")
    assert [type(command) for command in daemon.told[1:]] == [c.TellOperators, c.ConditionOver]
