"""When which send is due: a heap whose outdated entries are passed over when they surface.

A send has at most one time in force; giving it another costs one push. Nothing runs while
nothing is due.
"""

import heapq
from datetime import datetime

Key = tuple[str, int]
"""A send: its page's id and its number in the page."""


class Agenda:
    def __init__(self) -> None:
        self._due: dict[Key, datetime] = {}
        self._heap: list[tuple[datetime, Key]] = []

    def __len__(self) -> int:
        return len(self._due)

    def put(self, key: Key, due: datetime) -> None:
        """This send is due then, whatever was said before."""
        if self._due.get(key) != due:
            self._due[key] = due
            heapq.heappush(self._heap, (due, key))

    def drop(self, key: Key) -> None:
        self._due.pop(key, None)

    def next_due(self) -> datetime | None:
        """The earliest time in force."""
        while self._heap:
            due, key = self._heap[0]
            if self._due.get(key) == due:
                return due
            heapq.heappop(self._heap)
        return None

    def take(self, now: datetime) -> list[tuple[Key, datetime]]:
        """What has come due, in order; no longer on the agenda."""
        taken = []
        while (due := self.next_due()) is not None and due <= now:
            _, key = heapq.heappop(self._heap)
            del self._due[key]
            taken.append((key, due))
        return taken
