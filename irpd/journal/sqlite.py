"""The journal in SQLite: the embedded default.

One connection, one writer thread, one transaction a batch. Everything is encoded before it begins,
so that no value can fail in the middle. WAL with ``synchronous=FULL``: what ``commit`` returned from is
on disk. The same thread checkpoints, when the WAL is large or in ``maintain``.

What follows from the disk is kept in memory beside it (head of the chain, numbers of names, last bodies)
and changes only after COMMIT; ``reconnect`` reads it anew.

When the disk is full the batch is rolled back, and urgent ones are tried again in the room that the reserve
gives up; until the reserve is back nothing else is written.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import apsw

from irpd.engine.ports import (
    Batch,
    Fact,
    JournalCorrupt,
    JournalError,
    JournalFull,
    JournalUnavailable,
    Loaded,
    Receipt,
)
from irpd.journal import backup, chain, codec, projection, rebuild, receipts, schema
from irpd.journal.failure import explained, meaning, no_space
from irpd.journal.lag import Lag
from irpd.journal.lock import Lock
from irpd.journal.memory import nothing
from irpd.journal.reader import Reader, key_number
from irpd.journal.reserve import Reserve
from irpd.journal.writing import Prepared, State, prepare
from irpd.model.incident import Incident, Member
from irpd.model.page import Page

#: WAL sizes, in pages: checkpoint after a commit from here on, and in ``maintain`` from there.
LARGE_WAL = 4_000
WORTH_CHECKPOINT = 250

#: Free space, in bytes, without which the reserve goes before the journal is opened. SQLite maps a file
#: of its own into memory, and on some file systems a page of it that finds no room kills the process.
ROOM_TO_OPEN = 1024 * 1024


class SqliteJournal:
    """``engine.ports.Journal`` in the file ``path``.

    ``keep_receipts`` (seconds) and ``keep_receipts_bytes`` say how long receipts stay. ``kill`` is called
    with the name of each point at which a test may want the process to die.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        keep_receipts: float = 30 * 86_400.0,
        keep_receipts_bytes: int = 10 * 1024**3,
        bodies_in_memory: int = 32 * 1024 * 1024,
        kill: Callable[[str], None] = nothing,
        migrations: Sequence[schema.Migration] | None = None,
        reserve: Reserve | None = None,
    ) -> None:
        self.path = Path(path).absolute()
        self.keep_receipts = keep_receipts
        self.keep_receipts_bytes = keep_receipts_bytes
        self.damaged = ""  # what a write found wrong with the file; it stays until a start without it
        self._kill = kill
        self._migrations = schema.migrations() if migrations is None else migrations
        self._lock = Lock(self.path)
        self._reserve = reserve or Reserve(self.path)
        self._bases = receipts.Bases(bodies_in_memory)
        self._lag = Lag()
        self._db: apsw.Connection | None = None
        self._reader: Reader | None = None
        self._names: dict[str, int] = {}
        self._state = State(0, chain.GENESIS, 0, 0, 0, None)
        self._wal = 0  # pages in it
        self._moved = 0  # pages in it at the last checkpoint
        self._file = (0, 0)
        self._swept = 0
        self._salt, self._salted = (
            os.urandom(chain.SALT_BYTES),
            0,
        )  # and when, for the first upkeep, it was drawn

    # -------------------------------------------------------------- opening and closing
    def open(self) -> None:
        self._lock.take()
        try:
            self._reserve.look()
            self._reserve.make_room(ROOM_TO_OPEN)
            self._connect()
            self._reserve.restore()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._db is not None and self._reserve.ok:
            with suppress(JournalError):  # else the next start makes up for it
                while self._write_lagging(None):
                    pass
        self._disconnect()
        self._lock.release()

    def reconnect(self) -> int:
        if not self._lock.held:
            raise JournalUnavailable(f"the journal {self.path} isn't open")
        self._disconnect()
        if not self.path.exists():
            raise JournalUnavailable(f"the journal {self.path} is gone")
        known = self._state.seq
        self._connect()
        if self._state.seq < known:
            self._disconnect()
            raise JournalCorrupt(f"the journal {self.path} has lost events: {known} were written to it")
        db = self._connected()
        with explained(self.path):
            try:
                # After an I/O error the kernel may have dropped what it couldn't write to the WAL: what is
                # read now has to be on disk before anything is decided on it.
                db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            except (apsw.BusyError, apsw.LockedError):
                db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            except apsw.FullError:
                pass
            self._lag.reset(self._reading().repeated())
        return self._state.seq

    def _connect(self) -> None:
        with explained(self.path):
            db = schema.connect(self.path)
            try:
                steps = schema.pending(db, self.path, self._migrations)
                if steps:
                    self._keep_old(db, steps[-1].version)
                    schema.migrate(db, steps, self._kill)
                self._read_state(db)
                self._settle(db)
            except BaseException:
                db.close(True)
                raise
            db.set_wal_hook(self._wal_grew)
        self._file = _identity(self.path)
        self._wal = self._moved = 0
        self._db = db
        self._reader = Reader(db)
        self._bases.clear()
        self._lag.reset(None)
        self._swept = 0

    def _settle(self, db: apsw.Connection) -> None:
        """What an earlier life left to be done."""
        bases = db.execute("SELECT EXISTS (SELECT 1 FROM bases WHERE last IS NULL)").get
        empty = self._state.seq == 0 and db.execute("SELECT projection FROM state").get != projection.VERSION
        if not bases and not empty:
            return
        db.execute("BEGIN IMMEDIATE")
        try:
            if bases:
                receipts.settle(db)
            if empty:
                db.execute("UPDATE state SET projection = ?", (projection.VERSION,))
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise

    def _disconnect(self) -> None:
        db, self._db, self._reader = self._db, None, None
        if db is not None:
            try:
                db.close()
            except apsw.Error:
                db.close(True)

    def _keep_old(self, db: apsw.Connection, version: int) -> None:
        """A copy of what is there before it is migrated."""
        if not schema.version(db) or not (at := db.execute("SELECT max(at) FROM events").get):
            return
        day = codec.instant(int(at)).date()
        target = self.path.with_name(f"{self.path.name}.before-{version}-{day}")
        if not target.exists():
            backup.copy(self.path, target)

    def _read_state(self, db: apsw.Connection) -> None:
        seq, head = Reader(db).head()
        if (db.execute("SELECT max(seq) FROM events").get or 0) != seq:
            raise JournalCorrupt(f"the journal {self.path} has events that no commit ends with")
        found = schema.rows(db, "SELECT consumed, last_receipt, receipt_bytes, last_at FROM state")
        if len(found) != 1:
            raise JournalCorrupt(f"the journal {self.path} has lost its state row")
        self._state = State(seq, head, *found[0])
        self._names = {name: number for number, name in schema.rows(db, "SELECT id, name FROM names")}

    def _wal_grew(self, db: apsw.Connection, name: str, pages: int) -> int:
        if pages < self._wal:
            self._moved = 0  # it begins anew
        self._wal = pages
        return apsw.SQLITE_OK

    def _connected(self) -> apsw.Connection:
        if self._db is None:
            raise JournalUnavailable(self.damaged or f"the journal {self.path} isn't connected")
        return self._db

    def _reading(self) -> Reader:
        if self._reader is None:
            raise JournalUnavailable(f"the journal {self.path} isn't connected")
        return self._reader

    # -------------------------------------------------------------- writing
    @property
    def reserve_ok(self) -> bool:
        """Whether the reserve is there; while it isn't, only urgent batches are written."""
        return self._reserve.ok

    def commit(self, batch: Batch) -> int:
        db = self._connected()
        if not self._reserve.ok and not batch.urgent:
            raise JournalFull(f"no space left for the journal {self.path}: what is left is for urgent things")
        prepared = prepare(batch, self._state, known=self._names, bases=self._bases, may_lag=self._lag.active)
        try:
            self._write(db, prepared)
        except JournalFull:
            self._reserve.press()
            if not batch.urgent or not self._reserve.give_up():
                raise
            self._write(db, prepared)
        self._state = prepared.state
        self._names.update(prepared.names)
        self._bases.apply(prepared.staged)
        self._lag.note(prepared.lagging, prepared.written)
        # With little room left the WAL is used again and again rather than grown.
        if self._wal - self._moved >= (LARGE_WAL if self._reserve.ok else WORTH_CHECKPOINT):
            with suppress(JournalError):  # the batch is written; what is wrong will show at the next one
                self._checkpoint()
        return self._state.seq

    def _write(self, db: apsw.Connection, prepared: Prepared) -> None:
        """All of it in one transaction. Raises the port's errors."""
        with self._guarded(db):
            db.execute("BEGIN IMMEDIATE")
            for statement, rows in prepared.statements:
                if rows:
                    db.executemany(statement, rows)
            self._kill("before-commit")
            db.execute("COMMIT")
        self._kill("after-commit")

    @contextmanager
    def _guarded(self, db: apsw.Connection) -> Iterator[None]:
        """Around a transaction: whatever happens in it, nothing of it stays, or the connection goes."""
        try:
            yield
        except BaseException as error:
            try:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                usable = Reader(db).head()[0] == self._state.seq
            except apsw.Error:
                usable = False
            if not isinstance(error, apsw.Error):
                raise
            found = meaning(error, self.path)
            if isinstance(found, JournalFull) and usable:
                raise found from error
            self._disconnect()
            if isinstance(found, JournalCorrupt):
                self.damaged = str(found)
            if isinstance(found, JournalFull):
                found = JournalUnavailable(str(found))
            raise found from error

    # -------------------------------------------------------------- upkeep
    def _checkpoint(self) -> None:
        """Move what is in the WAL into the file. On a full disk it stays where it is."""
        db = self._connected()
        try:
            db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except apsw.Error as error:
            if not no_space(error) and not isinstance(error, apsw.BusyError | apsw.LockedError):
                self._disconnect()
                raise meaning(error, self.path) from error
        self._moved = self._wal

    def maintain(self, now: datetime) -> None:
        db = self._connected()
        if self._file != _identity(self.path):
            self._disconnect()
            raise JournalUnavailable(f"the journal {self.path} was removed or replaced while it was in use")
        self._reserve.restore()
        if not 0 <= codec.micros(now) - self._salted < receipts.DAY:
            self._salt, self._salted = os.urandom(chain.SALT_BYTES), codec.micros(now)
        if self._reserve.ok:
            with suppress(JournalFull):
                self._drop_old(db, now)
                self._write_lagging(now)
        if self._wal - self._moved >= WORTH_CHECKPOINT:
            self._checkpoint()

    def _drop_old(self, db: apsw.Connection, now: datetime) -> None:
        state = self._state
        over = self._bases.expire(codec.micros(now))
        before = codec.micros(now - timedelta(seconds=self.keep_receipts))
        excess = max(0, state.receipt_bytes - self.keep_receipts_bytes)
        oldest = db.execute(
            "SELECT min(at) FROM (SELECT at FROM receipts WHERE id > ? ORDER BY id LIMIT 1)", (self._swept,)
        ).get
        if not over and not excess and (oldest is None or oldest >= before):
            return
        with self._guarded(db):
            db.execute("BEGIN IMMEDIATE")
            db.executemany("UPDATE bases SET last = ? WHERE id = ?", over)
            swept = receipts.sweep(
                db, after=self._swept, consumed=state.consumed, before=before, excess=excess
            )
            left = max(0, state.receipt_bytes - swept.freed)
            db.execute("UPDATE state SET receipt_bytes = ?", (left,))
            db.execute("COMMIT" if over or swept.freed else "ROLLBACK")
        self._bases.settled()
        self._swept = swept.through
        self._state = replace(state, receipt_bytes=left)

    def _write_lagging(self, now: datetime | None) -> bool:
        """Write some of the rows that lag behind. False if there was none to write (now)."""
        db = self._connected()
        piece = self._lag.piece(now, self._state.seq)
        if piece is None:
            return False
        members, through = piece
        encoded = [
            (row.sid, projection.place(row), key_number(row.key), self._state.seq, codec.encode_row(row))
            for row in members
        ]
        with self._guarded(db):
            db.execute("BEGIN IMMEDIATE")
            db.executemany(rebuild.MEMBER, encoded)
            if through is not None:
                db.execute("UPDATE state SET repeats = ?", (through,))
            db.execute("COMMIT")
        self._lag.written(members)
        return True

    def erase(self, seq: int, instead: Fact | None = None) -> None:
        """Erase an event's payload and its salt for good; the chain still verifies.

        ``instead`` is what readers get from now on (the same event without what had to go); without it
        they don't see the event. Raises LookupError if there is no such event."""
        db = self._connected()
        reader = self._reading()
        with self._guarded(db):
            db.execute("BEGIN IMMEDIATE")
            row = db.execute(
                "SELECT type, salt, payload, digest FROM events WHERE seq = ?", (seq,)
            ).fetchone()
            if row is None:
                db.execute("ROLLBACK")
                raise LookupError(f"there is no event {seq}")
            type, salt, payload, digest = row
            new: bytes | None = None
            if instead is not None:
                encoded = codec.encode_event(instead.event)
                if encoded.type != reader.name(type):
                    db.execute("ROLLBACK")
                    raise ValueError(f"event {seq} is of the type {reader.name(type)}")
                new = encoded.payload
            db.execute(
                "UPDATE events SET salt = NULL, payload = ?, digest = ? WHERE seq = ?",
                (new, digest or chain.digest_of(salt or b"", payload), seq),
            )
            db.execute("COMMIT")
        with explained(self.path):
            # What was erased must not stay readable in the WAL.
            db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)

    def backup(self, path: str) -> None:
        backup.copy(self.path, Path(path))

    # -------------------------------------------------------------- reading
    def load(self) -> Loaded:
        db = self._connected()
        with explained(self.path):
            if db.execute("SELECT projection FROM state").get != projection.VERSION:
                rebuild.rebuild(db)
                return self._load()
            try:
                return self._load()
            except JournalCorrupt:
                # A row that can't be read is no reason to be down: the events have it too.
                rebuild.rebuild(db)
                return self._load()

    def _load(self) -> Loaded:
        reader = self._reading()
        loaded = reader.load()
        behind = reader.repeated(loaded.members)
        loaded.members.update((sid, row) for sid, row in behind.items() if sid in loaded.members)
        self._lag.reset(behind)
        return loaded

    def unconsumed(self, after: int, limit: int) -> Sequence[Receipt]:
        with explained(self.path):
            return self._reading().receipts(after, limit)

    def receipt(self, receipt: int) -> Receipt | None:
        with explained(self.path):
            return self._reading().receipt(receipt)

    def facts(self, *, after: int = 0, subject: str | None = None) -> Iterator[Fact]:
        with explained(self.path):
            yield from self._reading().facts(after=after, subject=subject)

    def config(self, hash: str) -> bytes | None:
        with explained(self.path):
            return self._reading().config(hash)

    def latest_config(self) -> tuple[str, bytes] | None:
        with explained(self.path):
            return self._reading().latest_config()

    def incident(self, number: int) -> tuple[Incident, list[Member], list[Page]] | None:
        with explained(self.path):
            found = self._reading().incident(number)
        if found is None:
            return None
        incident, members, pages = found
        return incident, [self._lag.rows.get(member.sid, member) for member in members], pages

    def issue(self, key: str) -> Member | None:
        """The newest signal of an issue, also one that has left memory."""
        with explained(self.path):
            member = self._reading().issue(key)
        return None if member is None else self._lag.rows.get(member.sid, member)

    def salt(self) -> bytes:
        return self._salt

    def head(self) -> tuple[int, str]:
        return self._state.seq, self._state.head.hex()


def _identity(path: Path) -> tuple[int, int]:
    """Which file is at this path; (0, 0) for none."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_dev, found.st_ino)
