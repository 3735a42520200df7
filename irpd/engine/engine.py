"""The engine: one task that decides, one thread that writes.

Commands wait in the inbox. The engine takes what is there, decides it on a layer above the
committed state, commits all of it in one go and publishes. While a commit is under way the
next commands gather and share the one after it (group commit). Readers only ever see what
is committed.

When the journal can't write: everything waiting is refused, the layer is dropped and the
committed state stays. When the disk is full, commands of people, outcomes of pages and deadlines
of incidents go on in the room of the journal's reserve, and nothing else until the reserve is back.
"""

import asyncio
import gc
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TypeVar, cast

import msgspec
import structlog

from irpd.engine.batch import Assembly, CommandFailed
from irpd.engine.inbox import Adoption, Inbox, Incoming, Item, Overloaded, Seen
from irpd.engine.pace import Pace
from irpd.engine.ports import (
    Clock,
    Fact,
    Journal,
    JournalError,
    JournalFull,
    JournalUnavailable,
    Loaded,
    Normalised,
    Receipt,
)  # fmt: skip
from irpd.engine.recall import Recall
from irpd.engine.state import State
from irpd.engine.timer import NOT_NOW, Timer
from irpd.engine.upkeep import MAINTAIN_EVERY, keep_up
from irpd.engine.waiting import Waiting
from irpd.model import command as c
from irpd.model.command import Refusal
from irpd.model.incident import Incident
from irpd.model.page import Page
from irpd.model.signal import Signal
from irpd.protocol.deadlines import next_deadline
from irpd.protocol.placing import Received
from irpd.protocol.policy import Policy
from irpd.protocol.rows import Rows
from irpd.protocol.waiting import due_at

log = structlog.get_logger("irpd.engine")
T = TypeVar("T")

#: How long one batch may decide before it is committed, in seconds: what waits behind it waits
#: no longer than this and a commit.
DECIDE_FOR = 0.020
#: With more than this many receipts waiting, further ones are stored now and decided later.
STORE_ONLY_ABOVE = 500
#: How many stored receipts are decided in one batch while catching up.
CATCH_UP = 200
#: A deadline that could not be handled comes again after so long.
IN_VAIN = timedelta(seconds=60)

PublishCallback = Callable[[Collection[Page], Collection[Incident]], None]
CommitCallback = Callable[[Sequence[Fact], float], None]
ReceivedCallback = Callable[[str, Received], None]
DefectCallback = Callable[[str], None]


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """A receipt that is on disk. ``incidents`` is None when it is decided later."""

    receipt: int
    incidents: tuple[int, ...] | None
    outcomes: Mapping[str, int]
    unmapped: int = 0


class Engine:
    """Give it a journal, a clock and a policy; then ``start``, and ``submit`` or ``receive``."""

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        policy: Policy,
        *,
        normalise: Callable[[Receipt], Normalised],
        inbox_limit: int = 5000,
    ) -> None:
        self.journal = journal
        self.clock = clock
        self.policy = policy
        self._normalise = normalise
        self._rows = Rows()
        self.state = State(self._rows)
        self._inbox = Inbox(limit=inbox_limit)
        self._timer = Timer(clock, self._wake)
        self._waiting = Waiting(self._rows, self._timer)
        self._recall = Recall(self._rows, journal, self._write)
        self._pace = Pace()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="irpd-writer")
        self._tasks: list[asyncio.Task[None]] = []
        self._publish_callbacks: list[PublishCallback] = []
        self._commit_callbacks: list[CommitCallback] = []
        self._received_callbacks: list[ReceivedCallback] = []
        self._defect_callbacks: list[DefectCallback] = []
        self._seq = 0
        self._last_receipt = 0
        self._bound = 0  # the receipt whose digest came into the chain last, in this life
        self._cursor = 0
        self._backlog: Sequence[Receipt] = ()
        self._undecided_since: datetime | None = None  # when the oldest receipt came that isn't decided
        self._stopping = False
        self._recovering = asyncio.Lock()
        self._last_batch = 0  # how many things the last batch was of
        self._singly = 0  # how many batches from here on are of one thing each
        self._unstorable: tuple[int, JournalError | None] = (0, None)
        self._owed_next = False  # whose turn in the reserve is next, where both wait
        self._reserve_gone = False
        self.full = False
        self.down = ""  # why the journal can't be written, while it can't
        self.progress = 0  # counts batches and idle looks: the watchdog sees it move
        self.busy = False

    # ------------------------------------------------------------ life
    async def start(self) -> Loaded:
        """Load the state, decide what was stored but not decided, and begin.

        The journal must be open. Raises JournalError."""
        loaded = await self._write(self.journal.load)
        self._adopt_loaded(loaded)
        gc.collect()
        gc.freeze()
        self._tasks = [
            asyncio.create_task(self._loop(), name="engine"),
            asyncio.create_task(self._timer.run(), name="timer"),
            asyncio.create_task(keep_up(self, self._rows), name="upkeep"),
        ]
        return loaded

    async def stop(self) -> None:
        """Refuse what is new, finish what waits, and close the journal."""
        self._stopping = True
        self._inbox.wakeup.set()
        tasks, self._tasks = self._tasks, []
        for task in tasks[1:]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for item in self._inbox.drain():
            item.fail(Overloaded("irpd is stopping", 5.0))
        await self._write(self.journal.close)
        self._writer.shutdown(wait=True)

    def on_publish(self, callback: PublishCallback) -> None:
        """Called on the loop after each commit with the pages and incidents it changed."""
        self._publish_callbacks.append(callback)

    def on_commit(self, callback: CommitCallback) -> None:
        """Called on the loop after each commit with its facts and how long it took (seconds)."""
        self._commit_callbacks.append(callback)

    def on_received(self, callback: ReceivedCallback) -> None:
        """Called on the loop, after a commit, with how many of a source's signals came to what in it."""
        self._received_callbacks.append(callback)

    def on_defect(self, callback: DefectCallback) -> None:
        """Called on the loop, after the commit, with what could not be judged and was made up for."""
        self._defect_callbacks.append(callback)

    # ------------------------------------------------------------ doors
    async def submit(self, command: c.Command) -> object:
        """Carry out a command; its answer once it is committed.

        Raises Refusal, Overloaded, CommandFailed or JournalError."""
        if self._stopping:
            raise Overloaded("irpd is stopping", 5.0)
        item = Item(what=command, answer=asyncio.get_running_loop().create_future())
        self._refuse_early(item)
        self._inbox.put(item)
        assert item.answer is not None
        answer = await item.answer
        if isinstance(answer, Refusal | CommandFailed):
            raise answer
        return answer

    async def receive(
        self,
        source: str,
        body: bytes,
        headers: Mapping[str, str],
        normalised: Normalised,
        first_byte_at: datetime,
    ) -> Accepted:
        """Take a verified request; returns once it is on disk.

        Raises Overloaded or JournalError; then nothing of it was kept."""
        if self._stopping:
            raise Overloaded("irpd is stopping", 5.0)
        timing = self.policy.configuration.timing
        behind = self._last_receipt - self._cursor
        if behind >= timing.behind_receipts:
            raise Overloaded(f"{behind} receipts are waiting to be decided")
        if self._undecided_since is not None and (
            self.clock.now() - self._undecided_since > timedelta(seconds=timing.behind)
        ):
            raise Overloaded(f"decisions are more than {timing.behind:.0f} s behind")
        item = Item(
            what=Incoming(
                source=source,
                body=body,
                headers=headers,
                group=normalised.group,
                signals=normalised.signals,
                first_byte_at=first_byte_at,
            ),
            answer=asyncio.get_running_loop().create_future(),
        )
        self._refuse_early(item)
        self._inbox.put(item)
        assert item.answer is not None
        receipt, answer = cast("tuple[int, object]", await item.answer)
        if not isinstance(answer, Received):
            return Accepted(receipt, None, {})
        return Accepted(receipt, tuple(answer.incidents), answer.outcomes, answer.unmapped)

    async def adopt(self, policy: Policy, bundle: bytes, *, by: str) -> None:
        """Put another configuration in force, durably. Raises JournalError."""
        item = Item(
            what=Adoption(policy=policy, bundle=bundle, by=by),
            answer=asyncio.get_running_loop().create_future(),
        )
        self._inbox.put(item)
        assert item.answer is not None
        answer = await item.answer
        if isinstance(answer, CommandFailed):
            raise answer

    @property
    def behind(self) -> int:
        """Receipts on disk that are not decided yet."""
        return self._last_receipt - self._cursor

    @property
    def waiting(self) -> int:
        return len(self._inbox)

    @property
    def expected_wait(self) -> float:
        """Seconds of work that stand before a command that would come now."""
        return self._pace.wait(len(self._inbox))

    async def read(self, work: Callable[[], T]) -> T:
        """Run something that uses the journal on the writer's thread, between commits."""
        return await self._write(work)

    # ------------------------------------------------------------ the loop
    async def _loop(self) -> None:
        while True:
            if not len(self._inbox) and not (self.behind and not self.full):
                self.busy = False
                if self._stopping:
                    return
                self._inbox.wakeup.clear()
                await self._inbox.wakeup.wait()
            self.busy = True
            self.progress += 1
            if not self.behind:
                await self._inbox.gather(self._last_batch)
            if self.down and not await self._recover():
                if self._stopping:
                    return
                await self._pause()
                continue
            await self._one_batch()

    async def _pause(self) -> None:
        """The journal can't be had: until somebody asks for something, or a little later."""
        self._inbox.wakeup.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(MAINTAIN_EVERY):
                await self._inbox.wakeup.wait()

    async def _one_batch(self) -> None:
        adoption = self._next_adoption()
        if adoption is not None:
            await self._adopt(adoption)
            return
        full = self.full  # for the whole batch: what isn't read now must not count as read when there is room
        if self.behind and not full and not any(r.id > self._cursor for r in self._backlog):
            cursor = self._cursor
            try:
                self._backlog = await self._write(lambda: self.journal.unconsumed(cursor, CATCH_UP))
            except JournalError as error:
                self._failed([], error)
                return
            self._look_how_old(self._undecided_since)
        # What comes while the journal is read has been looked up by nobody: it waits for the next batch.
        seen = self._inbox.seen
        if full and seen.urgent and seen.owed:
            # Apart, in turn: where there is room for one of them only, the other isn't refused with it.
            if self._owed_next:
                seen.urgent = 0
            else:
                seen.owed = 0
            self._owed_next = not self._owed_next
        try:
            looks = (i for i in self._inbox.normal if isinstance(i.what, c.SeePage))
            await self._recall.bring([*self._inbox.urgent, *looks], self._occurred())
        except JournalError as error:
            self._failed([], error)
            return
        assembly = self._assembly(self.policy)
        try:
            await self._decide_and_commit(assembly, seen, full=full)
        except Exception as error:  # a defect in here must not end the one task that decides
            log.exception("batch-raised")
            self._seq = -1  # whatever is on disk is read again before anything else is decided
            self._failed(assembly.items, JournalUnavailable(f"{type(error).__name__}: {error}"))
        self._recall.let_go()

    def _occurred(self) -> set[str]:
        """Keys of Sentry's issues of which one more event was reported, as far as it is decided next."""
        configured = self.policy.configuration.sources
        sentry = {name for name, source in configured.items() if source.type == "sentry"}
        if not sentry or self.full:
            return set()
        if self.behind:
            signals = [
                (receipt.source, signal)
                for receipt in self._backlog
                if receipt.source in sentry and receipt.id > self._cursor
                for signal in self._said(receipt)
            ]
        else:
            coming = (item.what for item in self._inbox.normal if isinstance(item.what, Incoming))
            signals = [(what.source, one) for what in coming if what.source in sentry for one in what.signals]
        return {f"{source}/{one.key}" for source, one in signals if one.occurrence}

    def _said(self, receipt: Receipt) -> tuple[Signal, ...]:
        try:
            return self._normalise(receipt).signals
        except Exception:  # that it can't be read is said where it is decided
            return ()

    def _assembly(self, policy: Policy) -> Assembly:
        return Assembly(
            self._rows, policy, self.clock.now(), last_receipt=self._last_receipt, bound=self._bound,
            salt=self.journal.salt,
        )  # fmt: skip

    async def _decide_and_commit(self, assembly: Assembly, seen: Seen, *, full: bool) -> None:
        self._pace.counting(lambda: self._assemble(assembly, seen, full=full))
        self._last_batch = len(assembly.items)
        if not assembly.items and assembly.empty:
            if self.full and len(self._inbox):
                await self._refuse_waiting()
            await asyncio.sleep(0)  # whatever made this a batch of nothing: others get their turn
            return
        try:
            await self._commit(assembly)
        except JournalFull as error:
            self._full(error)
            retry = [item for item in assembly.items if item.in_reserve and not item.tried_alone]
            for item in assembly.items:
                if item.in_reserve and not item.tried_alone:
                    item.tried_alone = True
                else:
                    self._fail(item, error)
            self._inbox.give_back(retry)
        except JournalUnavailable as error:
            self._failed(assembly.items, error)
        except JournalError as error:
            self._isolate(assembly, error)

    def _isolate(self, assembly: Assembly, error: JournalError) -> None:
        """Something of the batch can't be stored: each by itself, and the one that can't is set aside."""
        log.error("batch-unstorable", error=str(error), items=len(assembly.items))
        alone = len(assembly.items) + assembly.consumed == 1
        if alone and assembly.consumed:
            self._unstorable = (self._backlog_next(), error)
        if alone and assembly.items and assembly.items[0].unstorable is not None:
            self._fail(assembly.items[0], error)
            return
        if alone and assembly.items:
            assembly.items[0].unstorable = error
        self._inbox.give_back(assembly.items)
        self._singly = max(self._singly, len(assembly.items) + assembly.consumed)

    def _assemble(self, assembly: Assembly, seen: Seen, *, full: bool) -> None:
        until = self.clock.boot() + DECIDE_FOR
        singly, self._singly = self._singly > 0, max(self._singly - 1, 0)
        store_only = self.behind > 0 or len(self._inbox.normal) > STORE_ONLY_ABOVE
        while (item := self._inbox.take(seen, only_reserved=full)) is not None:
            match item.what:
                case Incoming() if item.unstorable is not None:
                    if store_only:
                        assembly.store_only(item, item.what)
                    else:
                        assembly.receive_unread(item, item.what, item.unstorable)
                case Incoming():
                    if store_only:
                        assembly.store_only(item, item.what)
                    else:
                        assembly.receive(item, item.what)
                case Adoption():
                    self._inbox.give_back([item])
                    break
                case Receipt():
                    raise AssertionError("receipts are consumed from the journal")
                case _:
                    if item.unstorable is not None:
                        assembly.refuse(item, item.what, item.unstorable)
                    else:
                        assembly.command(item, item.what)
            if singly:
                return
            if self.clock.boot() >= until:
                break
        if not full:
            self._catch_up(assembly, until, singly=singly)

    def _backlog_next(self) -> int:
        return next((receipt.id for receipt in self._backlog if receipt.id > self._cursor), 0)

    def _look_how_old(self, unread: datetime | None) -> None:
        """How long the oldest undecided receipt waits; ``unread``: what to go by until it is read."""
        if not self.behind:
            self._undecided_since = None
            return
        known = (receipt.at for receipt in self._backlog if receipt.id > self._cursor)
        self._undecided_since = next(known, unread)

    def _catch_up(self, assembly: Assembly, until: float, *, singly: bool) -> None:
        """Decide receipts that were only stored, in their order."""
        if self.behind and not self._backlog_next():
            log.error("receipts-gone", after=self._cursor, last=self._last_receipt)
            assembly.cursor = assembly.cursor or self._last_receipt
            return
        for receipt in self._backlog:
            if receipt.id <= self._cursor:
                continue
            try:
                if receipt.id == self._unstorable[0] and self._unstorable[1] is not None:
                    raise self._unstorable[1]
                signals = self._normalise(receipt).signals
            except Exception as error:  # its source is gone, say: kept, and somebody is told
                assembly.consume_unread(receipt, error)
            else:
                assembly.consume(receipt, signals)
            if singly or self.clock.boot() >= until:
                break

    async def _commit(self, assembly: Assembly) -> None:
        if assembly.empty:
            self._answer(assembly)
            return
        started = self.clock.boot()
        batch = assembly.batch(urgent=self.full)
        self._pace.under_way = len(assembly.items)
        try:
            self._seq = await self._write(lambda: self._pace.counting(lambda: self.journal.commit(batch)))
        finally:
            self._pace.under_way = 0
        took = self.clock.boot() - started
        self._pace.done(len(assembly.items) + assembly.consumed, took)
        self._publish(assembly)
        self._answer(assembly)
        self._rearm(assembly)
        for callback in self._commit_callbacks:
            _tell(callback, assembly.facts, took)
        for received_callback in self._received_callbacks:
            for source, received in assembly.received.items():
                _tell(received_callback, source, received)
        for defect_callback in self._defect_callbacks:
            for what in assembly.defects:
                _tell(defect_callback, what)

    def _rearm(self, assembly: Assembly) -> None:
        """A deadline that came and is there still (what it led to raised, say) comes again later."""
        for item in assembly.items:
            if isinstance(item.what, c.WakeSignal):
                sid = item.what.sid
                member = self._rows.members.get(sid)
                due = due_at(self._rows, member) if member is not None else None
                if due is not None and due <= assembly.now:
                    self._timer.set(-sid, assembly.now + IN_VAIN)
            if isinstance(item.what, c.Wake):
                incident = self._rows.incidents.get(item.what.incident)
                due = next_deadline(incident) if incident is not None else None
                if due is not None:
                    self._timer.set(item.what.incident, due if due > assembly.now else assembly.now + IN_VAIN)

    def _publish(self, assembly: Assembly) -> None:
        """One go, on the loop, nothing awaited in between."""
        self._rows.absorb(assembly.rows)
        self._last_receipt = assembly.last_receipt
        self._bound = assembly.bound
        if assembly.cursor is not None:
            self._cursor = assembly.cursor
        self._look_how_old(self._undecided_since or assembly.now)
        for incident in assembly.rows.incidents.values():
            self._timer.set(incident.number, next_deadline(incident))
        self._waiting.published(assembly.rows)
        for callback in self._publish_callbacks:
            _tell(callback, assembly.rows.pages.values(), assembly.rows.incidents.values())
        for incident in assembly.rows.incidents.values():
            if incident.leaves:
                self._rows.forget(incident.number)

    def _answer(self, assembly: Assembly) -> None:
        for item, answer in assembly.answers:
            item.succeed(answer)

    # ------------------------------------------------------------ configuration
    def _next_adoption(self) -> Item | None:
        queue = self._inbox.normal
        if queue and isinstance(queue[0].what, Adoption):
            return queue.popleft()
        return None

    async def _adopt(self, item: Item) -> None:
        adoption = item.what
        assert isinstance(adoption, Adoption)
        previous = self.policy
        assembly = self._assembly(adoption.policy)
        assembly.command(
            item, c.ChangeConfig(hash=adoption.policy.hash, previous=previous.hash, by=adoption.by)
        )
        assembly.configs[adoption.policy.hash] = adoption.bundle
        try:
            await self._commit(assembly)
        except JournalFull as error:
            self._full(error)
            item.fail(error)
        except JournalError as error:
            self._failed([item], error)
        else:
            if not any(isinstance(answer, CommandFailed) for _, answer in assembly.answers):
                self.policy = adoption.policy

    # ------------------------------------------------------------ when the journal can't write
    def _refuse_early(self, item: Item) -> None:
        if self.full and not item.in_reserve:
            raise JournalFull("no space left for the journal")
        if self.down and not item.urgent:
            raise JournalUnavailable(self.down)

    def _full(self, error: JournalFull) -> None:
        """Said once of the disk, and once when the reserve is used up too."""
        if not self.full:
            log.error("journal-full", error=str(error))
        elif not self._reserve_gone:
            log.error("journal-reserve-used-up", error=str(error))
            self._reserve_gone = True
        self.full = True

    def _failed(self, items: Sequence[Item], error: JournalError) -> None:
        """Unknown whether it was written: nothing is decided until that has been read."""
        log.error("journal-unavailable", error=str(error))
        self.down = str(error) or "the journal can't be written"
        for item in (*items, *self._inbox.drain()):
            self._fail(item, error)

    def _fail(self, item: Item, error: Exception) -> None:
        """Nobody waits for a deadline's answer: it comes again."""
        if isinstance(item.what, c.Wake):
            self._timer.set(item.what.incident, self.clock.now() + NOT_NOW)
        elif isinstance(item.what, c.WakeSignal):
            self._timer.set(-item.what.sid, self.clock.now() + NOT_NOW)
        else:
            item.fail(error)

    async def _refuse_waiting(self) -> None:
        for item in self._inbox.drain_normal():
            self._fail(item, JournalFull("no space left for the journal"))

    async def _recover(self) -> bool:
        """Ask a fresh connection what is on disk, and believe that."""
        async with self._recovering:
            return not self.down or await self._reconnect()

    async def _reconnect(self) -> bool:
        try:
            seq = await self._write(self.journal.reconnect)
            # Always, not only when the sequence moved: a receipt that led to no event has none.
            loaded = await self._write(self.journal.load)
        except JournalError as error:
            self.down = str(error) or "the journal can't be written"
            for item in self._inbox.drain():
                self._fail(item, error)
            return False
        self._adopt_loaded(loaded)
        log.info("journal-back", seq=seq)
        self.down = ""
        return True

    def _adopt_loaded(self, loaded: Loaded) -> None:
        rows = Rows()
        rows.restore(loaded.incidents, loaded.members, loaded.pages, loaded.counters, loaded.standing)
        for name in Rows.__slots__:
            if name != "parent":
                setattr(self._rows, name, getattr(rows, name))
        self._seq = loaded.seq
        self._last_receipt = loaded.last_receipt
        self._bound = 0
        self._cursor = loaded.cursor
        self._backlog = ()
        self._undecided_since = None
        self._timer.clear()
        for incident in rows.incidents.values():
            self._timer.set(incident.number, next_deadline(incident))
        self._waiting.loaded()
        for callback in self._publish_callbacks:
            _tell(callback, rows.pages.values(), rows.incidents.values())

    # ------------------------------------------------------------ timers and upkeep
    def _wake(self, number: int) -> bool:
        """A deadline has come: an incident's, or (negative) a waiting signal's. False: not now, ask again.

        On a full disk incidents' go on in the reserve; what waits to be let in waits on."""
        if self.down or (self.full and number < 0):
            return False
        try:
            wake = c.Wake(incident=number) if number > 0 else c.WakeSignal(sid=-number)
            self._inbox.put(Item(what=wake))
        except Overloaded:
            return False
        return True

    async def look_after_journal(self) -> None:
        """Reconnect what is lost, drop what is past its time, see whether there is room again."""
        if self.down:
            await self._recover()
            return
        await self._write(lambda: self.journal.maintain(self.clock.now()))
        if self.full and getattr(self.journal, "reserve_ok", True):
            log.info("journal-has-room-again")
            self.full = self._reserve_gone = False
            self._inbox.wakeup.set()

    async def _write(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer, work)


def _tell(callback: Callable[..., None], *about: object) -> None:
    """Call who wants to know; what goes wrong there is theirs, and stops nothing here."""
    try:
        callback(*about)
    except Exception:  # who asked to be told is no reason to stop deciding
        log.exception("callback-raised", callback=repr(callback))
