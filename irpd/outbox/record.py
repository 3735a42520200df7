"""Outcomes on their way into the journal: submitted, and when it can't write, again until it can."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from msgspec.structs import replace

from irpd.engine.batch import CommandFailed
from irpd.model.command import RecordSend, Refusal
from irpd.model.page import SendState
from irpd.outbox.agenda import Key
from irpd.outbox.needs import EngineLike, Wait

log = structlog.get_logger(__name__)

_FIRST, _LONGEST = 1.0, 30.0


@dataclass(frozen=True, slots=True)
class Unrecorded:
    """An outcome that the journal would not take. ``attempts`` counts those not on disk."""

    command: RecordSend
    attempts: int


class Recorder:
    """Records outcomes. ``held`` are those that are not on disk yet."""

    def __init__(self, engine: EngineLike, wait: Wait, kill: Callable[[str], None]) -> None:
        self._engine = engine
        self._wait = wait
        self._kill = kill
        self._task: asyncio.Task[None] | None = None
        self._again = asyncio.Event()
        self.held: dict[Key, Unrecorded] = {}

    async def record(self, key: Key, command: RecordSend) -> None:
        """Returns once it is on disk, or known to be kept here until it can be."""
        self._kill("before-record")
        earlier = self.held.get(key)
        tried = int(command.tried)
        if earlier is not None:
            tried += earlier.attempts
            if earlier.command.moves_on and command.state is SendState.PENDING:
                command = replace(command, moves_on=True)  # what nobody has read yet must not be lost
        mine = Unrecorded(command, tried)
        if await self._submit(mine):
            self.held.pop(key, None)
            self._again.set()  # the journal writes: the others need wait no longer
            return
        self.held[key] = mine
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._until_recorded(), name="record outcomes")

    async def close(self) -> bool:
        """One more try for what is held; whether nothing is left."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._submit_held()
        return not self.held

    async def _submit(self, outcome: Unrecorded) -> bool:
        command = outcome.command
        try:
            await self._engine.submit(command)
        except Refusal as refusal:
            log.warning("outcome_refused", page=command.page, send=command.send, why=refusal.text)
        except CommandFailed:
            # It was set aside and somebody is told; again it would fail again.
            log.error("outcome_set_aside", page=command.page, send=command.send)
        except Exception as error:  # whatever the engine raises, the outcome is held and recorded later
            log.error("outcome_not_recorded", page=command.page, send=command.send, error=repr(error))
            return False
        return True

    async def _until_recorded(self) -> None:
        delay = _FIRST
        while self.held:
            self._again.clear()
            await self._wait(self._again, delay)
            delay = _FIRST if await self._submit_held() else min(2 * delay, _LONGEST)

    async def _submit_held(self) -> bool:
        """One first, to see whether the journal writes; then the others together."""
        waiting = list(self.held.items())
        for batch in (waiting[:1], waiting[1:]):
            took = await asyncio.gather(*(self._submit(outcome) for _, outcome in batch))
            for (key, outcome), recorded in zip(batch, took, strict=True):
                if recorded and self.held.get(key) is outcome:
                    del self.held[key]
            if not all(took):
                return False
        return True
