"""The soonest of many instants that change, by a label: what a scrape asks for, without looking at them all.

One heap a label, whose entries are dropped when they come to its top and are no longer so; a heap that is
mostly such entries is built anew. Putting an instant costs a logarithm, reading next to nothing.
"""

import heapq
from collections.abc import Mapping
from datetime import datetime
from typing import Generic, TypeVar

Label = TypeVar("Label")


class Soonest(Generic[Label]):
    """Each number has at most one instant a label."""

    def __init__(self) -> None:
        self._of: dict[int, dict[Label, datetime]] = {}
        self._heaps: dict[Label, list[tuple[datetime, int]]] = {}
        self._count: dict[Label, int] = {}

    def put(self, number: int, instants: Mapping[Label, datetime]) -> None:
        """These are the instants of this number from now on, and no others."""
        before = self._of.get(number, {})
        if before == instants:
            return
        for label in before:
            self._count[label] -= 1
        for label, at in instants.items():
            self._count[label] = self._count.get(label, 0) + 1
            if before.get(label) != at:
                heapq.heappush(self._heaps.setdefault(label, []), (at, number))
        if instants:
            self._of[number] = dict(instants)
        else:
            self._of.pop(number, None)
        for label in instants:
            if len(self._heaps[label]) > 2 * self._count[label] + 64:
                heap = [(of[label], n) for n, of in self._of.items() if label in of]
                heapq.heapify(heap)
                self._heaps[label] = heap

    def soonest(self) -> dict[Label, datetime]:
        """The earliest instant of each label that has any."""
        found = {}
        for label, heap in self._heaps.items():
            while heap and self._of.get(heap[0][1], {}).get(label) != heap[0][0]:
                heapq.heappop(heap)
            if heap:
                found[label] = heap[0][0]
        return found
