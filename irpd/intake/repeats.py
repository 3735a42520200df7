"""Bodies that come again byte for byte, which is most of what a monitoring system sends.

Alertmanager repeats a group that still fires every few hours, or minutes, and but for the
first time the bodies are identical. What such a body says is remembered, so that a repeat
costs one look-up instead of reading and building it all again. Bounded by bytes; the one
that was not seen for longest goes first. Only for readings that depend on nothing but the
body.
"""

from collections import OrderedDict

from irpd.engine.ports import Normalised


class Repeats:
    """What the last bodies said, by the bodies themselves (no digest: no collisions).

    ``budget`` is in bytes of bodies; what they said takes about three times as much again.
    """

    __slots__ = ("_budget", "_known", "_size")

    def __init__(self, budget: int = 4 * 1024 * 1024) -> None:
        self._budget = budget
        self._known: OrderedDict[bytes, Normalised] = OrderedDict()
        self._size = 0

    def get(self, body: bytes) -> Normalised | None:
        known = self._known.get(body)
        if known is not None:
            self._known.move_to_end(body)
        return known

    def add(self, body: bytes, said: Normalised) -> None:
        """Remember a body; one that would fill more than an eighth by itself is not."""
        if len(body) > self._budget // 8 or body in self._known:
            return
        self._known[body] = said
        self._size += len(body)
        while self._size > self._budget:
            oldest, _ = self._known.popitem(last=False)
            self._size -= len(oldest)

    def __len__(self) -> int:
        return len(self._known)
