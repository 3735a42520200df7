"""Keeps the time of shifts that begin, and has whoever is next told of theirs, and tested.

What is due is worked out from the files, the overrides and what the journal says was told; nothing is kept
here but when each schedule is worth looking at again. The protocol decides.
"""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta

import structlog

from irpd.config.schedules import Schedule
from irpd.config.values import Configuration
from irpd.engine.batch import CommandFailed
from irpd.engine.engine import Engine
from irpd.engine.inbox import Overloaded
from irpd.engine.ports import Clock, JournalError
from irpd.model import command as c
from irpd.model.command import Refusal
from irpd.model.override import Override
from irpd.oncall.documents import UNREADABLE
from irpd.oncall.reach import awake_before
from irpd.oncall.roster import rosters
from irpd.oncall.stints import Stint, stints_from
from irpd.protocol.shifts import LATE

log = structlog.get_logger("irpd.shifts")

#: Seconds between two looks.
EVERY = 10.0
#: What is not due sooner is looked at again after so long.
_AGAIN = timedelta(hours=6)
#: So much sooner a test may be due that would come in somebody's quiet hours.
_SOONER = timedelta(days=1)


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
            if schedule.notice is None and schedule.test_before_shift is None:
                continue
            if self._again.get(name, now) > now:
                continue
            try:
                todo = list(self._due(configuration, name, now))
            except UNREADABLE as error:
                log.warning("schedule-not-read", schedule=name, error=str(error))
                self._again[name] = now + _AGAIN
                continue
            for command in todo:
                await self._ask(command)
                self._again.pop(name, None)  # what follows from it may be due soon
            await asyncio.sleep(0)  # with hundreds of schedules others get their turn

    def _due(self, configuration: Configuration, name: str, now: datetime) -> Iterator[c.Command]:
        """What is due now; and notes when the next thing will be."""
        schedule, changes = configuration.schedules[name], self._engine.state.changes
        ahead = timedelta(seconds=max(schedule.notice or 0.0, schedule.test_before_shift or 0.0)) + _SOONER
        self._again[name] = now + _AGAIN
        for stint in stints_from(rosters(configuration)[name], now - LATE, now + ahead + _AGAIN, changes):
            for due, command in self._of(configuration, schedule, name, stint):
                if due <= now:
                    yield command
                else:
                    self._again[name] = min(self._again[name], due)

    def _of(
        self, configuration: Configuration, schedule: Schedule, name: str, stint: Stint
    ) -> Iterator[tuple[datetime, c.Command]]:
        """What is still to be done about a stint, and when."""
        known = self._engine.state.shift(name, stint.person, stint.start)
        if schedule.notice is not None and (known is None or known.told_at is None):
            due = stint.start - timedelta(seconds=schedule.notice)
            yield due, c.TellShift(schedule=name, person=stint.person, begins=stint.start)
        if known is not None and known.judge_at is not None:
            yield known.judge_at, c.JudgeShiftTest(schedule=name, person=stint.person, begins=stint.start)
        if schedule.test_before_shift is None or (known is not None and known.tested_at is not None):
            return
        wanted = stint.start - timedelta(seconds=schedule.test_before_shift)
        due = awake_before(configuration, stint.person, wanted)
        if stint.start > self._clock.now() and not configuration.shadow:
            yield due, c.TestShift(schedule=name, person=stint.person, begins=stint.start)

    async def _ask(self, command: c.Command) -> None:
        try:
            await self._engine.submit(command)
        except (JournalError, Overloaded) as error:
            log.warning("shift-not-told", error=str(error))
        except (Refusal, CommandFailed) as error:  # nobody is on call then any more, or somebody was paged
            log.warning("shift-not-told", error=str(error))
