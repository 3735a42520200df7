"""The journal of the simulated machine: the real one in memory, on a disk that misbehaves.

``Disk`` is the machine's: it outlives processes, and remembers which events are really on it, object
by object, so that the world can ask of any decision whether it is durable. Within a commit a crash
leaves all or nothing, as a transaction does.
"""

from dataclasses import dataclass, field
from typing import Protocol

from irpd.engine.ports import Batch, Fact, JournalFull, JournalUnavailable
from irpd.journal.memory import MemoryJournal, Storage

#: How many urgent batches the reserve of a full disk takes.
RESERVE = 40


class Trouble(Protocol):
    """Who counts what the disk did."""

    def suffer(self, what: str) -> None: ...


@dataclass(slots=True)
class Disk:
    storage: Storage = field(default_factory=Storage)
    full: bool = False
    reserve: int = RESERVE
    failing: int = 0  # so many accesses fail yet
    written: bool = False  # whether the first of those writes all the same
    slow: tuple[float, float] = (0.0004, 0.003)
    trouble_at: float = -1e9  # when it last refused something, by the ideal clock
    durable: dict[int, object] = field(default_factory=dict)  # events on it, by identity
    fresh: list[Fact] = field(default_factory=list)  # facts that the checker has not seen yet
    batches: int = 0
    spoilt: str = ""  # what was written over, which a real database would refuse


class SimulatedJournal(MemoryJournal):
    """One process's hold on the disk. ``cut`` when that process is gone."""

    def __init__(self, disk: Disk, trouble: Trouble) -> None:
        super().__init__(disk.storage)
        self.disk = disk
        self._trouble = trouble

    def cut(self) -> None:
        self.storage.holder = None
        self.storage = Storage()
        self.disk = Disk()

    @property
    def reserve_ok(self) -> bool:
        return self.disk.reserve >= RESERVE

    def commit(self, batch: Batch) -> int:
        disk = self.disk
        if disk.failing > 0:
            disk.failing -= 1
            written, disk.written = disk.written, False
            self._trouble.suffer("journal-unavailable-written" if written else "journal-unavailable")
            if written:
                self._keep(batch)
            self._lost = True
            raise JournalUnavailable("an I/O error")
        if disk.full and not self._lost:
            if not batch.urgent or disk.reserve <= 0:
                self._trouble.suffer("journal-full")
                raise JournalFull("no space left")
            disk.reserve -= 1
            self._trouble.suffer("reserve-used")
        return self._keep(batch)

    def _keep(self, batch: Batch) -> int:
        disk, storage = self.disk, self.disk.storage
        for receipt in batch.receipts:
            if receipt.id in storage.receipts:
                disk.spoilt = f"receipt {receipt.id} was written over"
        if batch.cursor is not None and batch.cursor < storage.cursor:
            disk.spoilt = f"the cursor went back from {storage.cursor} to {batch.cursor}"
        seq = super().commit(batch)
        disk.batches += 1
        first = seq - len(batch.facts)
        for n, fact in enumerate(batch.facts, start=1):
            disk.durable[id(fact.event)] = fact.event
            disk.fresh.append(Fact(subject=fact.subject, event=fact.event, at=fact.at, seq=first + n))
        return seq

    def reconnect(self) -> int:
        disk = self.disk
        if disk.failing > 0:
            disk.failing -= 1
            disk.written = False
            self._trouble.suffer("reconnect-fails")
            raise JournalUnavailable("an I/O error")
        return super().reconnect()

    def maintain(self, now: object) -> None:
        disk = self.disk
        if disk.failing > 0:
            return
        if not disk.full:
            disk.reserve = RESERVE
