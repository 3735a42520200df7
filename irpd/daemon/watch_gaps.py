"""Times at which nobody will be on call, or nobody who can be reached, told days before they come.

Files are checked when they are read; this looks further as time passes, and at what people change: an
absence, an override that ends too soon. Whoever looks after irpd hears of it in working hours.
"""

import asyncio
from collections.abc import Awaitable
from datetime import datetime
from typing import Protocol

import structlog

from irpd.check.coverage import AHEAD, gaps, said, unreached_said, used_schedules, when_said
from irpd.config.values import Configuration
from irpd.engine.engine import Engine
from irpd.engine.ports import Clock
from irpd.model import command as c
from irpd.oncall.changes import Changes

log = structlog.get_logger("irpd.gaps")

#: Seconds between two looks.
EVERY = 300.0
#: The level of what is told: it pages in working hours.
LEVEL = 3
KEY = "on-call-gaps"


class Tell(Protocol):
    def __call__(self, command: c.Command, *, about: str) -> Awaitable[None]: ...


class GapWatch:
    """``look`` tells when what is open has changed, and when nothing is open any more."""

    def __init__(self, engine: Engine, clock: Clock, tell: Tell) -> None:
        self._engine = engine
        self._clock = clock
        self._tell = tell
        self._told: tuple[tuple[str, str], ...] | None = None  # None: an earlier life may have told something

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                await self.look()
            except Exception:  # whatever it was, the next look is worth having
                log.exception("gaps-not-looked-at")
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        configuration = self._engine.policy.configuration
        found = await asyncio.to_thread(_open, configuration, self._clock.now(), self._engine.state.changes)
        # By their ends: the beginning of one that has come moves on with the time.
        known = tuple((name, end) for name, end, _ in found)
        if known == self._told:
            return
        self._told = known
        if not found:
            await self._tell(c.ConditionOver(key=KEY), about=KEY)
            return
        lines = [f"{name}: {words}" for name, _, words in found]
        lines.append("Only fallback is paged then. irpd oncall override add puts somebody on call.")
        text = "\n".join(lines)
        title = f"Nobody is on call, or can be reached, at times within {AHEAD.days} days"
        await self._tell(c.TellOperators(key=KEY, title=title, text=text, level=LEVEL), about=KEY)


def _open(configuration: Configuration, now: datetime, changes: Changes) -> list[tuple[str, str, str]]:
    """Schedule, the ends of its gaps, and the gaps in words."""
    found = []
    for name in used_schedules(configuration):
        times = gaps(configuration, name, now, now + AHEAD, changes)
        # The last may end only because one looks no further.
        ends = [one.end.isoformat() if one.end < now + AHEAD else one.start.isoformat() for one in times]
        if times:
            found.append((name, " ".join(ends), said(configuration, name, times)))
        for who, silent in unreached_said(configuration, name, now, now + AHEAD, changes).items():
            found.append((name, who, f"{who} {when_said(configuration, name, silent)}"))
    return found
