"""A batch as the rows that one transaction writes.

Everything is encoded here, before the transaction begins, and nothing here changes anything: what
is on disk afterwards is in ``Prepared.state``, for whoever commits it.
"""

import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from irpd.engine.ports import Batch, JournalError
from irpd.journal import chain, codec, lag, projection, rebuild, receipts
from irpd.journal.checks import check_batch
from irpd.journal.reader import incident_of, key_number
from irpd.model.event import ClockJumped, ConfigLoaded
from irpd.model.incident import Member

_EVENT = "INSERT INTO events (seq, subject, type, version, at, salt, payload) VALUES (?, ?, ?, ?, ?, ?, ?)"
_RECEIPT = (
    "INSERT INTO receipts (id, at, base, body, packed, source, headers, sender_group, salt)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_CONFIG = (
    "INSERT INTO configs (hash, turn, bundle) VALUES (?, (SELECT coalesce(max(turn), 0) + 1 FROM configs), ?)"
    " ON CONFLICT (hash) DO UPDATE SET turn = excluded.turn, bundle = excluded.bundle"
)
_IN_FORCE = (
    "UPDATE configs SET turn = (SELECT max(turn) + 1 FROM configs)"
    " WHERE hash = ? AND turn < (SELECT max(turn) FROM configs)"
)


@dataclass(frozen=True, slots=True)
class State:
    """What is on disk, as far as the next batch depends on it."""

    seq: int
    head: bytes
    consumed: int
    last_receipt: int
    receipt_bytes: int
    last_at: int | None


@dataclass(slots=True)
class Prepared:
    """Statements with their rows, and what is so once they are committed."""

    statements: list[tuple[str, list[tuple[Any, ...]]]]
    state: State
    names: dict[str, int]
    staged: receipts.Staged
    lagging: Mapping[int, Member]
    written: Mapping[int, Member]


def prepare(
    batch: Batch, before: State, *, known: Mapping[str, int], bases: receipts.Bases, may_lag: bool
) -> Prepared:
    """The batch, encoded. ``known`` are the names that have a number already; ``may_lag`` says whether the
    rows of signals that only repeat may be left for later.

    Raises JournalError if it breaks the port's promises or can't be read back."""
    try:
        return _prepare(batch, before, known, bases, may_lag)
    except codec.Unstorable as error:
        raise JournalError(f"the batch can't be stored: {error}") from error


def _prepare(
    batch: Batch, before: State, known: Mapping[str, int], bases: receipts.Bases, may_lag: bool
) -> Prepared:
    check_batch(batch, last_receipt=before.last_receipt)
    names: dict[str, int] = {}

    def number_of(name: str) -> int:
        number = known.get(name) or names.get(name)
        if number is None:
            if not name.isascii() and name != codec.unicode(name):
                raise codec.Unstorable(f"the name {name!r} isn't Unicode")
            number = names[name] = len(known) + len(names) + 1
        return number

    seq, head, last_at = before.seq, before.head, before.last_at or 0
    events: list[tuple[Any, ...]] = []
    in_force: list[tuple[Any, ...]] = []
    numbers: dict[str, int] = {}  # of the subjects in here
    moment, at = None, 0  # most of a batch has one time
    salts = os.urandom(chain.SALT_BYTES * len(batch.facts))
    for place, fact in enumerate(batch.facts):
        seq += 1
        subject, event = fact.subject, fact.event
        type, version, payload = codec.encode_event(event)
        if fact.at is not moment:
            moment, at = fact.at, codec.micros(fact.at)
        salt = b"" if type in chain.UNSALTED else salts[place * chain.SALT_BYTES :][: chain.SALT_BYTES]
        head = chain.link(
            head,
            seq=seq,
            subject=subject,
            type=type,
            version=version,
            at=at,
            digest=chain.digest_of(salt, payload),
        )
        stored = numbers.get(subject)
        if stored is None:
            incident = incident_of(subject)
            stored = numbers[subject] = incident if incident is not None else -number_of(subject)
        events.append((seq, stored, number_of(type), version, at, salt or None, payload))
        # From a jump on the journal's time is the jump's, even if that is earlier: a clock that was wrong and
        # is no longer believed must not be followed again at the next start.
        last_at = at if isinstance(event, ClockJumped) else max(last_at, at)
        if isinstance(event, ConfigLoaded):
            in_force.append((event.hash,))
    staged = bases.stage(batch.receipts)
    if staged.rows:
        last_at = max(last_at, *(row[1] for row in staged.rows))
    sources = {source: number_of(source) for source in staged.sources}
    state = State(
        seq,
        head,
        before.consumed if batch.cursor is None else batch.cursor,
        staged.last or before.last_receipt,
        before.receipt_bytes + staged.size,
        last_at or None,
    )
    later = lag.only_repeated(batch) if may_lag else frozenset()
    lagging = {sid: row for sid, row in batch.members.items() if sid in later}
    written = {sid: row for sid, row in batch.members.items() if sid not in later} if later else batch.members
    new_names: list[tuple[Any, ...]] = [(number, name) for name, number in names.items()]
    statements: list[tuple[str, list[tuple[Any, ...]]]] = [
        ("INSERT INTO names (id, name) VALUES (?, ?)", new_names),
        (_RECEIPT, [(*row[:5], sources.get(row[5]), *row[6:]) for row in staged.rows]),
        ("INSERT INTO bases (id) VALUES (?)", list(staged.needed)),
        ("UPDATE bases SET last = ? WHERE id = ?", list(staged.over)),
        (_EVENT, events),
        ("INSERT INTO commits (seq, head) VALUES (?, ?)", [(seq, head)] if events else []),
        (
            rebuild.INCIDENT,
            [
                (number, int(projection.live(row)), codec.encode_row(row))
                for number, row in batch.incidents.items()
            ],
        ),
        (
            rebuild.MEMBER,
            [
                (sid, projection.place(row), key_number(row.key), seq, codec.encode_row(row))
                for sid, row in written.items()
            ],
        ),
        (
            rebuild.PAGE,
            [
                (id, row.incident, int(projection.awaited(row)), codec.encode_row(row))
                for id, row in batch.pages.items()
            ],
        ),
        (
            rebuild.STANDING,
            [
                (kind, key, codec.encode_row(row))
                for kind, rows in batch.standing.items()
                for key, row in rows.items()
                if row is not None
            ],
        ),
        (
            "DELETE FROM standing WHERE kind = ? AND key = ?",
            [
                (kind, key)
                for kind, rows in batch.standing.items()
                for key, row in rows.items()
                if row is None
            ],
        ),
        (rebuild.COUNTER, list(batch.counters.items())),
        (_CONFIG, [(hash, zlib.compress(bundle)) for hash, bundle in batch.configs.items()]),
        (_IN_FORCE, in_force),
        (
            "UPDATE state SET consumed = ?, last_receipt = ?, receipt_bytes = ?, last_at = ?, seq = ?",
            [(state.consumed, state.last_receipt, state.receipt_bytes, state.last_at, state.seq)],
        ),
    ]
    return Prepared(statements, state, names, staged, lagging, written)
