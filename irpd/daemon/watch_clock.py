"""irpd's time ahead of the machine's: who is on call, and the times in pages, are wrong by as much.

It comes of a clock that was set back, or of a journal that was written under a clock that was ahead. irpd's
time never goes back, because what is due by it must not come late without anybody's word; so the lead is
given back slowly, and a person may end it with ``irpd serve --believe-clock``.
"""

from collections.abc import Awaitable
from typing import Protocol

from irpd.engine.clock import SLEW, SystemClock
from irpd.model import command as c

#: A lead of more than so many seconds is told.
TOLD = 60.0


class Tell(Protocol):
    def __call__(self, command: c.Command, *, about: str) -> Awaitable[None]: ...


class ClockWatch:
    """``look`` is called each second."""

    def __init__(self, clock: SystemClock, tell: Tell) -> None:
        self._clock = clock
        self._tell = tell
        self._told: bool | None = None  # None: an earlier life may have told it

    @property
    def problem(self) -> str:
        """What is wrong now, and what that means; "" while nothing is."""
        lead = self._clock.lead()
        if lead <= TOLD:
            return ""
        return (
            f"irpd's time is {_length(lead)} ahead of this machine's clock: times in pages are late, shifts"
            f" change early by as much. It is given back in {_length(lead / SLEW)}. If this machine's clock"
            " is right (timedatectl), irpd serve --believe-clock ends it at a start; what is due by then may"
            " come later by the difference"
        )

    async def look(self) -> None:
        """Tell the operators once it is known to last, and when it is over."""
        if not self._clock.settled:
            return
        problem = self.problem
        if bool(problem) == self._told:
            return
        self._told = bool(problem)
        if not problem:
            await self._tell(c.ConditionOver(key="clock"), about="clock")
            return
        title = "irpd's time is ahead of this machine's clock"
        await self._tell(c.TellOperators(key="clock", title=title, text=problem), about="clock")


def _length(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 180:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{round(hours / 24)} days"
