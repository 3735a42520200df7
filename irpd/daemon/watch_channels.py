"""Channels whose providers give no answer: told in /readyz at once, to the operators once it lasts.

Their page about it goes by another channel where they have one: a channel that is down makes the next method
come at once, theirs as everybody's.
"""

from collections.abc import Callable, Mapping, Sequence

from irpd.daemon.watch_clock import Tell
from irpd.model import command as c

#: Seconds that a channel must have been down before somebody is paged for it: most are back by then.
TOLD_AFTER = 60.0

Down = Mapping[str, tuple[float, str]]


class ChannelWatch:
    """Told of each attempt by ``sent``; ``look`` is called each second. ``down`` says which channels are
    down, since when and why."""

    def __init__(self, down: Callable[[], Down], now: Callable[[], float], tell: Tell) -> None:
        self._down = down
        self._now = now
        self._tell = tell
        self._told: set[str] = set()
        self._works: set[str] = set()  # what took something in this life
        self._proved: set[str] = set()  # what an earlier life told of these is over, and was said to be

    def sent(self, channel: str, outcome: str) -> None:
        """``outcome`` as in ``irpd_pages_total``."""
        if outcome == "delivered":
            self._works.add(channel)

    @property
    def problems(self) -> Sequence[str]:
        """What is down now, one each."""
        now = self._now()
        return [
            f"{name} has given no answer for {now - since:.0f} s: {why}"
            for name, (since, why) in sorted(self._down().items())
        ]

    async def look(self) -> None:
        """Tell the operators what has been down for so long, and when it is over."""
        down = self._down()
        for name, (since, why) in down.items():
            if name not in self._told and self._now() - since >= TOLD_AFTER:
                self._told.add(name)
                await self._tell(
                    c.TellOperators(key=_key(name), title=_title(name), text=why), about=_key(name)
                )
        over = {name for name in self._told if name not in down}
        proved = self._works - self._proved - self._told
        self._told -= over
        self._proved |= proved
        for name in sorted(over | proved):
            await self._tell(c.ConditionOver(key=_key(name)), about=_key(name))


def _key(channel: str) -> str:
    return f"channel-{channel}"


def _title(channel: str) -> str:
    return f"Channel {channel} gives no answer; pages go by other methods"
