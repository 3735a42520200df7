"""One heap of deadlines for all incidents, and one task that waits for the earliest.

The heap holds derived values only; an entry that no longer matches is dropped when it
comes up. Nothing here is lost by a restart.
"""

import asyncio
import heapq
from collections.abc import Callable
from datetime import datetime, timedelta

from irpd.engine.ports import Clock

#: The longest wait in seconds before the clock is looked at again.
LOOK_AGAIN = 30.0
#: When a deadline can't be handled now, it is tried again after this many seconds.
NOT_NOW = timedelta(seconds=1)


class Timer:
    """``fire(incident)`` is called at its deadline; it returns False if it can't take it now."""

    def __init__(self, clock: Clock, fire: Callable[[int], bool]) -> None:
        self._clock = clock
        self._fire = fire
        self._due: dict[int, datetime] = {}
        self._heap: list[tuple[datetime, int]] = []
        self._changed = asyncio.Event()

    def set(self, incident: int, due: datetime | None) -> None:
        """The incident's deadline is ``due`` from now on; None: it has none."""
        if due is None:
            self._due.pop(incident, None)
            return
        if self._due.get(incident) == due:
            return
        self._due[incident] = due
        heapq.heappush(self._heap, (due, incident))
        if self._heap[0] == (due, incident):
            self._changed.set()

    def clear(self) -> None:
        self._due.clear()
        self._heap.clear()

    @property
    def next(self) -> datetime | None:
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due(self, now: datetime) -> list[int]:
        """Take out the incidents whose deadline has come."""
        found = []
        while (first := self.next) is not None and first <= now:
            _, incident = heapq.heappop(self._heap)
            del self._due[incident]
            found.append(incident)
        return found

    async def run(self) -> None:
        while True:
            now = self._clock.now()
            for incident in self.due(now):
                if not self._fire(incident):
                    self.set(incident, now + NOT_NOW)
            self._changed.clear()
            first = self.next
            wait = (
                LOOK_AGAIN if first is None else min((first - self._clock.now()).total_seconds(), LOOK_AGAIN)
            )
            try:
                async with asyncio.timeout(max(wait, 0.0)):
                    await self._changed.wait()
            except TimeoutError:
                pass
