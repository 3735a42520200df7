"""A channel's own lane: what waits for it, most pressing first, and a bound on what is under way.

A channel that hangs fills its own lane and no other. An idle lane has no task.
"""

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable

import structlog

from irpd.outbox.agenda import Key

log = structlog.get_logger(__name__)

Rank = tuple[int, float]
"""Smaller goes first: urgency, then how long it has been due."""


class Lane:
    """Runs ``deliver`` for each key put in, at most ``width`` at a time."""

    def __init__(self, name: str, width: int, deliver: Callable[[Key], Awaitable[None]]) -> None:
        self.name = name
        self._width = width
        self._deliver = deliver
        self._waiting: list[tuple[Rank, int, Key]] = []
        self._order = itertools.count()
        self._running: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def running(self) -> set[asyncio.Task[None]]:
        return self._running

    def put(self, key: Key, rank: Rank) -> None:
        heapq.heappush(self._waiting, (rank, next(self._order), key))
        self._fill()

    def close(self) -> list[Key]:
        """Begin nothing more; what was waiting is given back."""
        self._closed = True
        left = [key for _, _, key in self._waiting]
        self._waiting.clear()
        return left

    def _fill(self) -> None:
        while self._waiting and len(self._running) < self._width and not self._closed:
            _, _, key = heapq.heappop(self._waiting)
            task = asyncio.create_task(self._run(key), name=f"send {key[0]}.{key[1]} {self.name}")
            self._running.add(task)
            task.add_done_callback(self._ended)

    async def _run(self, key: Key) -> None:
        await self._deliver(key)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("send_task_died", task=task.get_name(), error=repr(error))
        self._fill()
