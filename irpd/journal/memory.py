"""A journal in memory: for simulation and for tests of what stands on it.

It keeps bytes, as the others do, so nothing that a caller holds can change what was written. What
was written lies in a ``Storage``; the journal object is the process: throw it away and open another
one on the same storage, and you have what a restart finds.

``fail`` makes the next commits fail as a disk does. ``kill`` is called at the same points as in the
other adapters; raise from it, and everything after that point has not happened.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from irpd.engine.ports import (
    Batch,
    Fact,
    JournalError,
    JournalHeld,
    JournalUnavailable,
    Loaded,
    Receipt,
)
from irpd.journal import chain, codec, projection
from irpd.journal.checks import check_batch
from irpd.model.event import ClockJumped, ConfigLoaded
from irpd.model.incident import Incident, Member
from irpd.model.page import Page


def nothing(point: str) -> None:
    """The kill point of an ordinary life."""


class _Event(msgspec.Struct, frozen=True, gc=False):
    subject: str
    type: str
    version: int
    at: int
    payload: bytes


@dataclass(slots=True)
class Storage:
    """What survives the process."""

    events: list[_Event] = field(default_factory=list)
    head: bytes = chain.GENESIS
    receipts: dict[int, Receipt] = field(default_factory=dict)
    incidents: dict[int, bytes] = field(default_factory=dict)
    members: dict[int, bytes] = field(default_factory=dict)
    pages: dict[str, bytes] = field(default_factory=dict)
    standing: dict[tuple[str, str], bytes] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    configs: dict[str, bytes] = field(default_factory=dict)
    cursor: int = 0
    last_receipt: int = 0
    last_at: int | None = None
    holder: object = None


class MemoryJournal:
    """``engine.ports.Journal`` without a disk."""

    def __init__(self, storage: Storage | None = None, *, kill: Callable[[str], None] = nothing) -> None:
        self.storage = storage or Storage()
        self._kill = kill
        self._failures: list[tuple[JournalError, bool]] = []
        self._lost = False

    # -------------------------------------------------------------- failing on request
    def fail(self, error: JournalError, *, times: int = 1, written: bool = False) -> None:
        """The next commits raise ``error``; ``written`` says whether they are on "disk" all the same."""
        self._failures.extend([(error, written)] * times)

    def recover(self) -> None:
        """No more failing."""
        self._failures.clear()

    def crash(self) -> "MemoryJournal":
        """The process is gone; a new one's journal on what was written, not opened yet."""
        self.storage.holder = None
        return MemoryJournal(self.storage)

    # -------------------------------------------------------------- the port
    @property
    def reserve_ok(self) -> bool:
        return True

    def open(self) -> None:
        if self.storage.holder not in (None, self):
            raise JournalHeld("another process holds this journal")
        self.storage.holder = self

    def load(self) -> Loaded:
        kept = self.storage
        incidents = {
            number: incident
            for number, data in kept.incidents.items()
            if projection.live(incident := codec.decode_incident(data))
        }
        members = {
            sid: member
            for sid, data in kept.members.items()
            if (member := codec.decode_member(data)).incident in incidents or not projection.place(member)
        }
        outside = set(projection.newest_outside(kept.counters))
        pages = {
            id: page
            for id, data in kept.pages.items()
            if (page := codec.decode_page(data)).incident in incidents
            or projection.awaited(page)
            or id in outside
        }
        return Loaded(
            incidents=incidents,
            members=members,
            pages=pages,
            counters=dict(kept.counters),
            standing=[codec.decode_standing(kind, data) for (kind, _), data in sorted(kept.standing.items())],
            seq=len(kept.events),
            head=kept.head,
            cursor=kept.cursor,
            last_receipt=kept.last_receipt,
            last_at=None if kept.last_at is None else codec.instant(kept.last_at),
        )

    def commit(self, batch: Batch) -> int:
        if self._lost:
            raise JournalUnavailable("the connection is lost; reconnect first")
        kept = self.storage
        try:
            check_batch(batch, last_receipt=kept.last_receipt)
            events = []
            for fact in batch.facts:
                if fact.subject != codec.unicode(fact.subject):
                    raise codec.Unstorable(f"the name {fact.subject!r} isn't Unicode")
                type, version, payload = codec.encode_event(fact.event)
                events.append(_Event(fact.subject, type, version, codec.micros(fact.at), payload))
            incidents = {number: codec.encode_row(row) for number, row in batch.incidents.items()}
            members = {sid: codec.encode_row(row) for sid, row in batch.members.items()}
            pages = {id: codec.encode_row(row) for id, row in batch.pages.items()}
            standing = {
                (kind, key): None if row is None else codec.encode_row(row)
                for kind, rows in batch.standing.items()
                for key, row in rows.items()
            }
        except codec.Unstorable as error:
            raise JournalError(f"the batch can't be stored: {error}") from error
        failure = self._failures.pop(0) if self._failures else None
        if failure is not None and not failure[1]:
            self._lost = isinstance(failure[0], JournalUnavailable)
            raise failure[0]
        self._kill("before-commit")
        for event in events:
            salt = b"" if event.type in chain.UNSALTED else event.at.to_bytes(8, "big", signed=True)
            kept.events.append(event)
            kept.head = chain.link(
                kept.head,
                seq=len(kept.events),
                subject=event.subject,
                type=event.type,
                version=event.version,
                at=event.at,
                digest=chain.digest_of(salt, event.payload),
            )
        for receipt in batch.receipts:
            kept.receipts[receipt.id] = Receipt(
                id=receipt.id,
                source=receipt.source,
                at=receipt.at,
                body=bytes(receipt.body),
                headers={codec.unicode(name): codec.unicode(text) for name, text in receipt.headers.items()},
                group=codec.unicode(receipt.group),
                salt=receipt.salt,
            )
            kept.last_receipt = receipt.id
        kept.incidents.update(incidents)
        kept.members.update(members)
        kept.pages.update(pages)
        for name, data in standing.items():
            if data is None:
                kept.standing.pop(name, None)
            else:
                kept.standing[name] = data
        kept.counters.update(batch.counters)
        for hash, bundle in batch.configs.items():
            kept.configs.pop(hash, None)
            kept.configs[hash] = bytes(bundle)
        for fact in batch.facts:
            if isinstance(fact.event, ConfigLoaded) and fact.event.hash in kept.configs:
                kept.configs[fact.event.hash] = kept.configs.pop(fact.event.hash)
        if batch.cursor is not None:
            kept.cursor = batch.cursor
        for fact, event in zip(batch.facts, events, strict=True):
            jumped = isinstance(fact.event, ClockJumped)
            kept.last_at = event.at if jumped or kept.last_at is None else max(kept.last_at, event.at)
        for receipt in batch.receipts:
            kept.last_at = max(kept.last_at or 0, codec.micros(receipt.at))
        self._kill("after-commit")
        if failure is not None:
            self._lost = isinstance(failure[0], JournalUnavailable)
            raise failure[0]
        return len(kept.events)

    def reconnect(self) -> int:
        if self._failures and isinstance(self._failures[0][0], JournalUnavailable):
            raise self._failures.pop(0)[0]
        self._lost = False
        return len(self.storage.events)

    def unconsumed(self, after: int, limit: int) -> Sequence[Receipt]:
        found = sorted(id for id in self.storage.receipts if id > after)
        return [self.storage.receipts[id] for id in found[:limit]]

    def receipt(self, receipt: int) -> Receipt | None:
        return self.storage.receipts.get(receipt)

    def facts(self, *, after: int = 0, subject: str | None = None) -> Iterator[Fact]:
        for seq, event in enumerate(self.storage.events[after:], after + 1):
            if subject is None or event.subject == subject:
                yield Fact(
                    subject=event.subject,
                    event=codec.decode_event(event.type, event.version, event.payload),
                    at=codec.instant(event.at),
                    seq=seq,
                )

    def config(self, hash: str) -> bytes | None:
        return self.storage.configs.get(hash)

    def latest_config(self) -> tuple[str, bytes] | None:
        return next(reversed(self.storage.configs.items()), None)

    def incident(self, number: int) -> tuple[Incident, list[Member], list[Page]] | None:
        data = self.storage.incidents.get(number)
        if data is None:
            return None
        members = [
            member
            for _, data in sorted(self.storage.members.items())
            if (member := codec.decode_member(data)).incident == number
        ]
        pages = [
            page
            for data in self.storage.pages.values()
            if (page := codec.decode_page(data)).incident == number
        ]
        return codec.decode_incident(self.storage.incidents[number]), members, projection.in_order(pages)

    def issue(self, key: str) -> Member | None:
        found: Member | None = None
        if not projection.sought(key):
            return None
        for data in self.storage.members.values():
            member = codec.decode_member(data)
            if member.key == key and (found is None or member.sid > found.sid):
                found = member
        return found

    def maintain(self, now: datetime) -> None:
        pass

    def salt(self) -> bytes:
        return bytes(chain.SALT_BYTES)  # the same in each run

    def head(self) -> tuple[int, str]:
        return len(self.storage.events), self.storage.head.hex()

    def backup(self, path: str) -> None:
        raise JournalError("a journal in memory has no backup")

    def close(self) -> None:
        if self.storage.holder is self:
            self.storage.holder = None
