"""What the journal knows beyond the state in memory, read in a thread of its own.

One thread, one connection: a slow read waits for nobody but the next read, and the writer
never for either. The connection is made at the first read and made again after an error.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from irpd.engine.ports import Fact, Journal, Receipt
from irpd.model.incident import Incident, Member
from irpd.model.page import Page
from irpd.web.ports import Reader

T = TypeVar("T")
Stored = tuple[Incident, list[Member], list[Page]]

MAX_EVENTS = 50_000
_RECEIPTS_AT_ONCE = 25  # bodies are up to 16 MiB each


class JournalReader:
    """A journal of the port as a Reader (for the one in memory)."""

    def __init__(self, journal: Journal) -> None:
        self.facts = journal.facts
        self.receipt = journal.receipt
        self.receipts = journal.unconsumed
        self.incident = journal.incident


class History:
    def __init__(self, open_reader: Callable[[], Reader]) -> None:
        self._open_reader = open_reader
        self._reader: Reader | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="irpd-history")

    async def read(self, work: Callable[[Reader], T]) -> T:
        """``work`` with the reader, in the thread. Raises what it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._with_reader, work)

    def _with_reader(self, work: Callable[[Reader], T]) -> T:
        if self._reader is None:
            self._reader = self._open_reader()
        try:
            return work(self._reader)
        except (
            Exception
        ):  # it may be the connection: the next question gets another; the asker gets the error
            self._close_reader()
            raise

    def close(self) -> None:
        self._thread.submit(self._close_reader)
        self._thread.shutdown(wait=False)

    def _close_reader(self) -> None:
        close = getattr(self._reader, "close", None)
        self._reader = None
        if close is not None:
            close()

    async def incident(self, number: int) -> Stored | None:
        return await self.read(lambda reader: reader.incident(number))

    async def incidents(self, numbers: Sequence[int]) -> list[Stored]:
        """Those that exist, in the order asked for."""
        return await self.read(
            lambda reader: [stored for n in numbers if (stored := reader.incident(n)) is not None]
        )

    async def events(self, number: int) -> list[Fact]:
        """The timeline of one incident, oldest first."""

        def work(reader: Reader) -> list[Fact]:
            found = []
            for fact in reader.facts(subject=f"incident:{number}"):
                found.append(fact)
                if len(found) >= MAX_EVENTS:
                    break
            return found

        return await self.read(work)

    async def receipt(self, number: int) -> Receipt | None:
        return await self.read(lambda reader: reader.receipt(number))

    async def highest_incident(self) -> int:
        return await self.read(lambda reader: highest(lambda n: reader.incident(n) is not None))

    async def newest_receipts(self, wanted: Callable[[Receipt], bool], *, look_at: int) -> list[Receipt]:
        """Of the newest ``look_at`` receipts those that are wanted, newest first."""

        def work(reader: Reader) -> list[Receipt]:
            last = highest(lambda n: bool(reader.receipts(n - 1, 1)))
            found: list[Receipt] = []
            after = max(0, last - look_at)
            while chunk := reader.receipts(after, _RECEIPTS_AT_ONCE):
                found.extend(receipt for receipt in chunk if wanted(receipt))
                after = chunk[-1].id
            return found[::-1]

        return await self.read(work)


def highest(exists: Callable[[int], bool]) -> int:
    """The highest number for which it holds, where it holds for all below; 0 if for none."""
    high = 1
    while exists(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if exists(middle) else (low, middle)
    return low
