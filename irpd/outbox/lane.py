"""A channel's own lane: what waits for it, most pressing first, and a bound on what is under way.

A channel that hangs fills its own lane and no other. An idle lane has no task. A place is free again once the
provider has answered: what is recorded of it holds nothing up.
"""

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog

log = structlog.get_logger(__name__)

Rank = tuple[int, float]
"""Smaller goes first: urgency, then how long it has been due."""


T = TypeVar("T")


class Lane(Generic[T]):
    """Runs ``deliver`` for each thing put in, at most ``width`` at a time. ``deliver`` is given a call that
    frees its place before it ends."""

    def __init__(
        self, name: str, width: int, deliver: Callable[[T, Callable[[], None]], Awaitable[None]]
    ) -> None:
        self.name = name
        self._width = width
        self._deliver = deliver
        self._waiting: list[tuple[Rank, int, T]] = []
        self._order = itertools.count()
        self._running: set[asyncio.Task[None]] = set()
        self._busy: set[int] = set()  # places that are taken, by the order in which they were
        self._closed = False

    @property
    def running(self) -> set[asyncio.Task[None]]:
        return self._running

    def put(self, thing: T, rank: Rank) -> None:
        heapq.heappush(self._waiting, (rank, next(self._order), thing))
        self._fill()

    def close(self) -> list[T]:
        """Begin nothing more; what was waiting is given back."""
        self._closed = True
        left = [thing for _, _, thing in self._waiting]
        self._waiting.clear()
        return left

    def _fill(self) -> None:
        while self._waiting and len(self._busy) < self._width and not self._closed:
            _, place, thing = heapq.heappop(self._waiting)
            self._busy.add(place)
            task = asyncio.create_task(self._run(thing, place), name=f"send {thing} {self.name}")
            self._running.add(task)
            task.add_done_callback(self._ended)

    async def _run(self, thing: T, place: int) -> None:
        try:
            await self._deliver(thing, lambda: self._free(place))
        finally:
            self._free(place)

    def _free(self, place: int) -> None:
        self._busy.discard(place)
        self._fill()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("send_task_died", task=task.get_name(), error=repr(error))
