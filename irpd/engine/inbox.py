"""What waits for the engine: people's commands and outcomes of pages, then deadlines, then reports."""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from irpd.engine.ports import Receipt
from irpd.model import command as c
from irpd.model.signal import Signal
from irpd.protocol.policy import Policy

#: Commands that go first, and may still be written when the disk is full: people's, and
#: what became of pages.
URGENT = frozenset((
    c.RecordSend, c.ConfirmSend, c.Acknowledge, c.Decline, c.Undo, c.Escalate, c.SetLevel, c.Note, c.Resolve,
    c.Reopen, c.Open, c.Merge, c.Split, c.TestPage,
))  # fmt: skip

#: What irpd owes by itself. It goes before reports, and on when the disk is full: who was not paged yet is
#: paged, and the operators hear of it. In a queue of its own, so that it is never in people's way.
OWED = frozenset((c.Wake, c.TellOperators))

#: How long a batch waits for others, in seconds; about what a commit takes on a good disk.
GATHER = 0.001


class Overloaded(Exception):
    """Too much is waiting; try again after ``retry_after`` seconds."""

    def __init__(self, reason: str, retry_after: float = 10.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Incoming(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A receipt on its way in: what its sender sent and what it says."""

    source: str
    body: bytes
    headers: Mapping[str, str]
    group: str
    signals: tuple[Signal, ...]
    first_byte_at: datetime


class Adoption(msgspec.Struct, frozen=True, kw_only=True):
    """Another configuration is to be in force from here on."""

    policy: Policy
    bundle: bytes
    by: str


class Item(msgspec.Struct, kw_only=True, eq=False):
    """One thing to do, and who waits for its answer."""

    what: c.Command | Incoming | Adoption | Receipt
    answer: asyncio.Future[object] | None = None
    tried_alone: bool = False
    unstorable: Exception | None = None  # why what it leads to can't be written

    @property
    def urgent(self) -> bool:
        return type(self.what) in URGENT

    @property
    def in_reserve(self) -> bool:
        """Whether it may be written in the room of the journal's reserve."""
        return self.urgent or type(self.what) in OWED

    @property
    def size(self) -> int:
        """Bytes of its body."""
        return len(self.what.body) if isinstance(self.what, Incoming) else 0

    def succeed(self, value: object) -> None:
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(value)

    def fail(self, error: BaseException) -> None:
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(error)


@dataclass(slots=True)
class Seen:
    """How many of what waits were looked at and may be taken; what came later waits for another batch."""

    urgent: int
    owed: int
    normal: int


@dataclass(slots=True)
class Inbox:
    """Bounded queues: urgent first, then what irpd owes, each in order of arrival."""

    limit: int = 5000
    enough: int = 1  # so many make the engine go on, unless something is urgent
    limit_bytes: int = 64 * 1024 * 1024  # of bodies
    bytes: int = 0
    urgent: deque[Item] = field(default_factory=deque)
    owed: deque[Item] = field(default_factory=deque)
    normal: deque[Item] = field(default_factory=deque)
    wakeup: asyncio.Event = field(default_factory=asyncio.Event)

    def __len__(self) -> int:
        return len(self.urgent) + len(self.owed) + len(self.normal)

    def _queue(self, item: Item) -> deque[Item]:
        if item.urgent:
            return self.urgent
        return self.owed if item.in_reserve else self.normal

    def put(self, item: Item) -> None:
        """Raises Overloaded past the limit; each queue has room of its own."""
        queue, size = self._queue(item), item.size
        if len(queue) >= self.limit:
            raise Overloaded(f"{len(queue)} commands are waiting")
        if self.bytes and self.bytes + size > self.limit_bytes:
            raise Overloaded(f"{self.bytes} bytes are waiting")
        self.bytes += size
        queue.append(item)
        if queue is self.urgent or len(queue) >= self.enough:
            self.wakeup.set()

    async def gather(self, last: int) -> None:
        """Wait until as many are here as the last batch had, something is urgent, or ``GATHER`` has passed.

        Who was answered a moment ago tends to send the next at once, and one commit for all of them
        costs a fraction of two. Measured: see ``docs/performance.md``."""
        if self.urgent or not 0 < len(self.normal) < last:
            return
        self.enough = last
        self.wakeup.clear()
        timer = asyncio.get_running_loop().call_later(GATHER, self.wakeup.set)
        try:
            await self.wakeup.wait()
        finally:
            timer.cancel()
            self.enough = 1

    @property
    def seen(self) -> Seen:
        """What waits now."""
        return Seen(len(self.urgent), len(self.owed), len(self.normal))

    def take(self, seen: Seen, *, only_reserved: bool = False) -> Item | None:
        """The next of what was ``seen``, which counts down; ``only_reserved``: of what the reserve is for."""
        if self.urgent and seen.urgent:
            seen.urgent -= 1
            return self.urgent.popleft()
        if self.owed and seen.owed:
            seen.owed -= 1
            return self.owed.popleft()
        if self.normal and seen.normal and not only_reserved:
            seen.normal -= 1
            item = self.normal.popleft()
            self.bytes -= item.size
            return item
        return None

    def give_back(self, items: list[Item]) -> None:
        """Put items back at the front, in their order."""
        for item in reversed(items):
            self.bytes += item.size
            self._queue(item).appendleft(item)
        if items:
            self.wakeup.set()

    def drain(self) -> list[Item]:
        """Everything that waits, taken out."""
        first = [*self.urgent, *self.owed]
        self.urgent.clear()
        self.owed.clear()
        return first + self.drain_normal()

    def drain_normal(self) -> list[Item]:
        """What has no room when the disk is full, taken out."""
        items = list(self.normal)
        self.normal.clear()
        self.bytes = 0
        return items
