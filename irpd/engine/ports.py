"""The ports of the engine: what it asks of a journal, a clock, a channel and a normaliser.

Adapters live in ``journal/``, ``channels/`` and ``intake/``; ``tests/contract`` holds what
each must satisfy. Nothing in here does I/O.
"""

from binascii import b2a_base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Literal, Protocol

import msgspec

from irpd.model.event import AnyEvent
from irpd.model.incident import Incident, Member
from irpd.model.page import Page, Send
from irpd.model.signal import Signal
from irpd.model.standing import Standing


class Clock(Protocol):
    """The one place that reads clocks."""

    def now(self) -> datetime:
        """The time, aware UTC. Never goes back while the process lives."""
        ...

    def boot(self) -> float:
        """Seconds on the boot-time clock (goes on through suspend; no relation to the date)."""
        ...


# ------------------------------------------------------------------ journal
class JournalError(Exception):
    """Base of what a journal raises. Nothing of the batch was written unless it says so."""


class JournalFull(JournalError):
    """No space left. The reserve, where there is one, has been given up for urgent batches."""


class JournalUnavailable(JournalError):
    """Locked, unwritable, an I/O error. Whether the batch was written is unknown until
    ``reconnect`` has read the highest sequence number."""


class JournalHeld(JournalError):
    """Another process holds the journal's lock."""


class JournalNewer(JournalError):
    """The journal was written by a newer irpd than this one."""


class JournalCorrupt(JournalError):
    """A checksum, a page or the chain is wrong."""


class Receipt(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A verified raw request. ``id`` is given by the engine, dense and ascending.

    ``at`` is when it was accepted (UTC), ``group`` the sender's own group of which this may
    repeat the last body, ``headers`` the few that normalisation needs (never credentials). ``salt`` goes
    when the receipts of its time do: what stays of them in the chain then says nothing of what was in them.
    """

    id: int
    source: str
    at: datetime
    body: bytes
    headers: Mapping[str, str] = {}
    group: str = ""
    salt: bytes = b""

    @property
    def digest(self) -> str:
        """Binds who sent what: the first 128 bits, as base64, of SHA-256(salt ‖ number ‖ source ‖ body)."""
        source = self.source.encode("utf-8", "surrogatepass")
        bound = sha256(b"%b%d %d:%b%b" % (self.salt, self.id, len(source), source, self.body))
        return b2a_base64(bound.digest()[:16])[:22].decode()


class Fact(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An event with its subject and time, on its way into the journal or out of it.

    ``seq`` is 0 until the journal has given it one.
    """

    subject: str
    event: AnyEvent
    at: datetime
    seq: int = 0


@dataclass(slots=True, kw_only=True)
class Batch:
    """What one commit writes: all of it or nothing.

    ``incidents``, ``members``, ``pages``, ``standing`` (by kind and key; None: forgotten) and ``counters``
    are the projection's changed rows; what is in ``configs`` is in force from now on. ``cursor`` is the
    highest receipt whose effects are in here. The row of a signal that no event but ``SignalsRepeated`` names
    is what the repeats make of the row before: a journal may write it later. ``urgent`` batches (people's
    commands, outcomes of sends, deadlines) may use the reserve when the disk is full.
    """

    receipts: Sequence[Receipt] = ()
    facts: Sequence[Fact] = ()
    incidents: Mapping[int, Incident] = field(default_factory=dict)
    members: Mapping[int, Member] = field(default_factory=dict)
    pages: Mapping[str, Page] = field(default_factory=dict)
    standing: Mapping[str, Mapping[str, Standing | None]] = field(default_factory=dict)
    counters: Mapping[str, int] = field(default_factory=dict)
    configs: Mapping[str, bytes] = field(default_factory=dict)
    cursor: int | None = None
    urgent: bool = False


@dataclass(slots=True, kw_only=True)
class Loaded:
    """What a journal holds of live state: the incidents that have not left memory."""

    incidents: dict[int, Incident]
    members: dict[int, Member]
    pages: dict[str, Page]
    counters: dict[str, int]
    seq: int
    head: bytes
    cursor: int
    last_receipt: int
    last_at: datetime | None
    standing: list[Standing] = field(default_factory=list)  # in the order of kind and key


class Journal(Protocol):
    """Append-only history with a projection beside it; one writer.

    Every method blocks and is called from the one writer thread, except where said.
    """

    def open(self) -> None:
        """Take the lock, migrate (after a backup) and be ready.

        Raises JournalHeld, JournalNewer, JournalCorrupt, JournalUnavailable."""
        ...

    def load(self) -> Loaded:
        """The live state. Rebuilds the projection from events first when its version changed."""
        ...

    def commit(self, batch: Batch) -> int:
        """Write the batch in one transaction and sync it; returns the highest sequence number.

        Raises JournalFull (nothing written) or JournalUnavailable (unknown)."""
        ...

    def reconnect(self) -> int:
        """A fresh connection after JournalUnavailable; the highest sequence number on disk.

        Raises JournalUnavailable while it can't be had."""
        ...

    def unconsumed(self, after: int, limit: int) -> Sequence[Receipt]:
        """Receipts above the cursor, in order."""
        ...

    def receipt(self, receipt: int) -> Receipt | None:
        """One stored receipt, its body byte for byte."""
        ...

    def facts(self, *, after: int = 0, subject: str | None = None) -> Iterator[Fact]:
        """History in order; of one subject, or all."""
        ...

    def config(self, hash: str) -> bytes | None: ...

    def latest_config(self) -> tuple[str, bytes] | None:
        """The configuration last put in force (the last good one)."""
        ...

    def incident(self, number: int) -> tuple[Incident, list[Member], list[Page]] | None:
        """An incident from the projection, also one that has left memory."""
        ...

    def issue(self, key: str) -> Member | None:
        """The newest signal of an issue (``SOURCE/issue:ID``), also one that has left memory. None for what
        isn't there, and for every other key: nobody looks for those."""
        ...

    @property
    def reserve_ok(self) -> bool:
        """Whether the reserve is there; while it isn't, only urgent batches are written."""
        ...

    def maintain(self, now: datetime) -> None:
        """Checkpoint when worthwhile, drop what is past its retention, restore the reserve."""
        ...

    def salt(self) -> bytes:
        """What nobody can guess, for the receipts of about a day. Safe from another thread."""
        ...

    def head(self) -> tuple[int, str]:
        """Highest sequence number and the chain's head hash (hex)."""
        ...

    def backup(self, path: str) -> None:
        """A consistent copy while the daemon runs. Safe from another thread."""
        ...

    def close(self) -> None: ...


# ------------------------------------------------------------------ channels
class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel is asked to hand to one person, rendered.

    ``id`` is the identity that the provider or receiver can drop duplicates by
    (``42-3.20261124020211000000.1``: ``Page.name`` and the send). ``address`` is what the
    person's configuration says for this channel. ``fields`` is the same content as data, for
    channels that send JSON.
    """

    id: str
    page: Page
    send: Send
    address: str
    subject: str
    text: str
    html: str = ""
    thread: str = ""  # one per incident: mail threads, Slack's first message
    fields: Mapping[str, object] = msgspec.field(default_factory=dict)
    others: tuple[tuple[Page, Send], ...] = ()  # what else it tells of: pages to the same person, less severe

    @property
    def pages(self) -> tuple[tuple[Page, Send], ...]:
        """All that it tells of. Its outcome, and each later word on it, is that of each of them."""
        return ((self.page, self.send), *self.others)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one attempt.

    ``kind``: delivered (the channel took it) | transient (try again, not before
    ``retry_after`` seconds) | permanent (never will). ``retry_after`` is the provider's own word (429,
    ``Retry-After``): it works, and nothing else goes to this address before either; ``pauses`` says
    ``channel`` where nothing goes to anybody.
    """

    kind: str
    detail: str = ""
    provider_id: str = ""
    retry_after: float | None = None
    pauses: Literal["address", "channel"] = "address"


class Channel(Protocol):
    """One way to reach people. Never raises for what the network does: that is an Outcome."""

    name: str

    async def send(self, message: Message) -> Outcome: ...

    async def close(self) -> None: ...


# ------------------------------------------------------------------ intake, as recovery needs it
class Normalised(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a body says. ``unreadable`` names each part that could not be understood;
    for each there is also a signal with the key ``unreadable`` among ``signals``. ``alive``: the sender's
    always-firing alert was in it, which is none of the signals."""

    signals: tuple[Signal, ...]
    accepted: int
    unreadable: tuple[str, ...] = ()
    group: str = ""
    alive: bool = False


class Normaliser(Protocol):
    """Reads a body. Never raises: what can't be read is in the answer."""

    def normalise(self, body: bytes, headers: Mapping[str, str], now: datetime) -> Normalised: ...
