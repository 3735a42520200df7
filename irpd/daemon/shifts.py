"""Keeps the time of shifts that begin, and has whoever is next told of theirs.

What is due is worked out from the files, the overrides and what the journal says was told; nothing is kept
here but when each schedule is worth looking at again. The protocol decides.
"""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta

import structlog

from irpd.config.values import Configuration
from irpd.engine.batch import CommandFailed
from irpd.engine.engine import Engine
from irpd.engine.inbox import Overloaded
from irpd.engine.ports import Clock, JournalError
from irpd.model import command as c
from irpd.model.command import Refusal
from irpd.model.override import Override
from irpd.oncall.documents import UNREADABLE
from irpd.oncall.roster import rosters
from irpd.oncall.stints import Stint, stints_from
from irpd.protocol.shifts import LATE

log = structlog.get_logger("irpd.shifts")

#: Seconds between two looks.
EVERY = 10.0
#: What is not due sooner is looked at again after so long.
_AGAIN = timedelta(hours=6)


class Shifts:
    """``run`` for ever; ``look`` once."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._seen: tuple[Configuration | None, list[Override]] = (None, [])
        self._again: dict[str, datetime] = {}  # schedule → when something of it may be due

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                await self.look()
            except Exception:  # whatever it was, the next shift is still to be told
                log.exception("shifts-raised")
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Have told what is due."""
        configuration, overrides = self._engine.policy.configuration, self._engine.state.overrides
        if self._seen[0] is not configuration or self._seen[1] != overrides:
            self._seen = configuration, overrides
            self._again.clear()
        for name, schedule in configuration.schedules.items():
            now = self._clock.now()
            if schedule.notice is None or self._again.get(name, now) > now:
                continue
            try:
                todo = list(self._due(configuration, name, schedule.notice, now))
            except UNREADABLE as error:
                log.warning("schedule-not-read", schedule=name, error=str(error))
                self._again[name] = now + _AGAIN
                continue
            for command in todo:
                if not await self._ask(command):
                    self._again.pop(name, None)
            await asyncio.sleep(0)  # with hundreds of schedules others get their turn

    def _due(
        self, configuration: Configuration, name: str, notice: float, now: datetime
    ) -> Iterator[c.TellShift]:
        """What is due now; and notes when the next thing will be."""
        ahead = timedelta(seconds=notice)
        self._again[name] = now + _AGAIN
        for stint in stints_from(
            rosters(configuration)[name], now - LATE, now + ahead + _AGAIN, self._engine.state.changes
        ):
            if stint.start - ahead > now:
                self._again[name] = min(self._again[name], stint.start - ahead)
            elif not self._told(name, stint):
                yield c.TellShift(schedule=name, person=stint.person, begins=stint.start)

    def _told(self, schedule: str, stint: Stint) -> bool:
        known = self._engine.state.shift(schedule, stint.person, stint.start)
        return known is not None and known.told_at is not None

    async def _ask(self, command: c.Command) -> bool:
        """Whether it is settled; False: at the next look again."""
        try:
            await self._engine.submit(command)
        except (JournalError, Overloaded) as error:
            log.warning("shift-not-told", error=str(error))
            return False
        except (Refusal, CommandFailed) as error:  # nobody is on call then any more, or somebody was paged
            log.warning("shift-not-told", error=str(error))
        return True
