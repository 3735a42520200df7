"""An engine on a journal in memory, with a clock moved by hand and a gate before each commit."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from harness.house import CONFIG, NO_REPORTS, TUESDAY, policy_of

from irpd.engine.engine import Accepted, Engine
from irpd.engine.ports import Batch, Normalised, Receipt
from irpd.journal.memory import MemoryJournal, Storage
from irpd.model import command as c
from irpd.model.page import SendState
from irpd.model.signal import Signal, Status
from irpd.protocol.policy import Policy


class HandClock:
    """Stands still until it is moved. ``boot`` moves with it."""

    def __init__(self, at: datetime = TUESDAY) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def boot(self) -> float:
        return (self.at - datetime(2026, 1, 1, tzinfo=UTC)).total_seconds()

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class GatedJournal(MemoryJournal):
    """Remembers its batches; while ``gate`` is closed a commit waits in the writer's thread."""

    def __init__(self, storage: Storage | None = None) -> None:
        super().__init__(storage)
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.batches: list[Batch] = []
        self.reserve = True
        self.connections = 0

    @property
    def reserve_ok(self) -> bool:
        return self.reserve

    def commit(self, batch: Batch) -> int:
        self.entered.set()
        assert self.gate.wait(10)
        seq = super().commit(batch)
        self.batches.append(batch)
        return seq

    def reconnect(self) -> int:
        self.connections += 1
        return super().reconnect()


def body(*signals: tuple[str, str], **more: Any) -> bytes:
    """What ``normalise`` of these tests reads: keys with their status."""
    return json.dumps({"signals": signals, **more}).encode()


def normalise(receipt: Receipt) -> Normalised:
    said = json.loads(receipt.body)
    if said.get("gone"):
        raise LookupError(f"there is no source {receipt.source!r}")
    signals = tuple(
        Signal(
            key=key, status=Status(status), title=key,
            labels={"service": "checkout", "want": str(said.get("want", 2))},
            occurrence=said.get("occurrence", False),
        )
        for key, status in said["signals"]
    )  # fmt: skip
    return Normalised(signals=signals, accepted=len(signals))


class Bench:
    """An engine and all it stands on. ``restart`` makes another on the same storage."""

    def __init__(self, policy: Policy | None = None, **settings: Any) -> None:
        self.policy = policy or policy_of(CONFIG + NO_REPORTS)
        self.settings = settings
        self.clock = HandClock()
        self.journal = GatedJournal()
        self.engine = self._engine()

    def _engine(self) -> Engine:
        return Engine(self.journal, self.clock, self.policy, normalise=normalise, **self.settings)

    async def start(self) -> "Bench":
        self.journal.open()
        await self.engine.start()
        return self

    async def restart(self) -> None:
        """As after ``kill -9``: nothing but the storage is left."""
        await self.crash()
        self.journal = GatedJournal(self.journal.storage)
        self.journal.storage.holder = None
        self.engine = self._engine()
        await self.start()

    async def crash(self) -> None:
        for task in self.engine._tasks:
            task.cancel()
        await asyncio.gather(*self.engine._tasks, return_exceptions=True)
        self.engine._writer.shutdown(wait=True)

    async def receive(self, *signals: tuple[str, str], source: str = "am", **more: Any) -> Accepted:
        sent = body(*signals, **more)
        receipt = Receipt(id=0, source=source, at=self.clock.now(), body=sent)
        said = Normalised(signals=(), accepted=0) if more.get("gone") else normalise(receipt)
        return await self.engine.receive(source, sent, {}, said, self.clock.now())

    def later(self, *signals: tuple[str, str], **more: Any) -> "asyncio.Task[Accepted]":
        return asyncio.create_task(self.receive(*signals, **more))

    def submit(self, command: c.Command) -> "asyncio.Task[object]":
        return asyncio.create_task(self.engine.submit(command))

    async def closed_gate(self) -> None:
        """From here on commits wait; one is under way when this returns."""
        self.journal.gate.clear()
        self.journal.entered.clear()
        self.first = self.later(("under-way", "firing"))
        await self.until(self.journal.entered.is_set)

    async def until(self, condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(30):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.001)

    async def idle(self) -> None:
        await self.until(lambda: not self.engine.busy and not self.engine.waiting and not self.engine.behind)

    async def forward(self, seconds: float) -> None:
        """Move the clock and let the timer look at it, as it does by itself after its wait."""
        self.clock.forward(seconds)
        self.engine._timer._changed.set()
        for _ in range(3):
            await asyncio.sleep(0)
        await self.idle()

    def paged(self, number: int = 1) -> list[str]:
        return [page.person for page in self.engine.state.pages_of(number)]

    async def deliver(self) -> None:
        for page in list(self.engine.state.pages.values()):
            for send in page.sends:
                if page.live and send.state is SendState.PENDING and send.due_at <= self.clock.now():
                    await self.engine.submit(
                        c.RecordSend(page=page.id, send=send.n, state=SendState.DELIVERED)
                    )

    def rows(self) -> Mapping[str, Any]:
        rows = self.engine._rows
        return {
            "incidents": rows.incidents,
            "members": rows.members,
            "pages": rows.pages,
            "counters": rows.counters,
        }


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    one = await Bench().start()
    yield one
    one.journal.gate.set()
    one.journal.recover()
    await one.engine.stop()


@pytest.fixture
async def benches() -> AsyncIterator[Callable[..., Bench]]:
    """Makes benches with settings of their own, and stops them."""
    made: list[Bench] = []

    def make(**settings: Any) -> Bench:
        made.append(Bench(**settings))
        return made[-1]

    yield make
    for one in made:
        one.journal.gate.set()
        one.journal.recover()
        await one.engine.stop()
