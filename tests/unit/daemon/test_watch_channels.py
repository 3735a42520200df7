"""Channels that give no answer: who hears of it, and when it is over."""

from irpd.daemon.watch_channels import TOLD_AFTER, ChannelWatch
from irpd.model import command as c


class World:
    def __init__(self) -> None:
        self.now = 1000.0
        self.down: dict[str, tuple[float, str]] = {}
        self.told: list[tuple[str, str]] = []
        self.watch = ChannelWatch(lambda: self.down, lambda: self.now, self.tell)

    async def tell(self, command: c.Command, *, about: str) -> None:
        assert isinstance(command, c.TellOperators | c.ConditionOver)
        assert command.key == about
        self.told.append((type(command).__name__, about))

    async def after(self, seconds: float) -> list[tuple[str, str]]:
        self.now += seconds
        self.told.clear()
        await self.watch.look()
        return list(self.told)


async def test_the_operators_hear_once_of_what_lasts_and_once_of_its_end() -> None:
    world = World()
    world.down = {"sms": (world.now, "timed out")}
    assert world.watch.problems == ["sms has given no answer for 0 s: timed out"]
    assert await world.after(TOLD_AFTER - 1) == []
    assert await world.after(1) == [("TellOperators", "channel-sms")]
    assert await world.after(100) == []
    world.down = {}
    assert await world.after(1) == [("ConditionOver", "channel-sms")]
    assert await world.after(1) == []
    assert world.watch.problems == []


async def test_what_is_back_within_the_minute_pages_nobody() -> None:
    world = World()
    world.down = {"sms": (world.now, "timed out")}
    await world.after(30)
    world.down = {}
    assert await world.after(60) == []


async def test_what_an_earlier_life_told_is_over_with_the_first_delivery() -> None:
    world = World()
    world.watch.sent("sms", "transient")
    assert await world.after(1) == []
    world.watch.sent("sms", "delivered")
    assert await world.after(1) == [("ConditionOver", "channel-sms")]
    world.watch.sent("sms", "delivered")
    assert await world.after(1) == []
