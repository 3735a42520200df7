"""How receipts are kept: whole bodies, and differences to them.

Per sender's group the last whole body stays in memory, within bounds; the group's next bodies are
kept as differences to it while that pays. A whole body is kept anew at least daily, so that no old
receipt has to outlive its retention for long because of young ones that need it, and with it a new salt
begins: differences have that of their whole body.

The table ``bases`` names the whole bodies that others need, with the last receipt that does, once
that is known. A receipt may go when it is consumed, past its retention, and no base that a kept one
still needs.

``stage`` changes nothing: what it returns is applied after the commit, or dropped.
"""

import zlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import apsw
import msgspec
from msgspec.structs import replace

from irpd.engine.ports import Receipt
from irpd.journal import codec, delta, schema

DAY = 86_400 * 1_000_000  # microseconds

#: Bodies from here to there are deflated: a smaller one is less than a page of the file and costs more time
#: to deflate than to write; a larger one holds up the writer.
PACK_FROM = 4096
PACK_TO = 1024 * 1024

#: What a receipt takes beside its body, headers and group.
OVERHEAD = 32

#: How many receipts one sweep looks at.
SWEEP = 2_000

#: The size of a row ``r`` without its overhead, as ``Staged.size`` counts it.
_SIZE = (
    "length(r.body) + coalesce(length(r.headers), 0) + coalesce(length(r.sender_group), 0)"
    " + coalesce(length(r.salt), 0)"
)

_encode = msgspec.json.Encoder().encode


def _headers(headers: Mapping[str, str]) -> bytes:
    if not headers:
        return b""
    try:
        return _encode(dict(headers))
    except UnicodeEncodeError:
        return _encode({codec.unicode(name): codec.unicode(value) for name, value in headers.items()})


def _deflated(body: bytes) -> bytes:
    """With a window of 8 KiB: the usual one takes 256 KiB of memory for each body, and setting that up
    costs six times what deflating a usual body does."""
    deflate = zlib.compressobj(1, zlib.DEFLATED, 13, 6)
    return deflate.compress(body) + deflate.flush()


class Base(msgspec.Struct, frozen=True, gc=False):
    """A whole body that may serve as a base. ``last``: the highest receipt that needs it, 0 for none."""

    id: int
    at: int
    body: bytes
    headers: bytes
    salt: bytes
    last: int = 0


@dataclass(slots=True)
class Staged:
    """Receipts as rows, and what becomes of the bases when they are committed."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    needed: list[tuple[int]] = field(default_factory=list)
    over: list[tuple[int, int]] = field(default_factory=list)  # (last, base)
    bases: dict[tuple[str, str], Base] = field(default_factory=dict)
    size: int = 0
    last: int = 0
    sources: set[str] = field(default_factory=set)


class Bases:
    """The last whole body of each group, ``capacity`` bytes of them."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[tuple[str, str], Base] = OrderedDict()
        self._bytes = 0
        self._over: list[tuple[int, int]] = []

    def clear(self) -> None:
        """Forget them; what they were needed for is settled at the next ``settle``."""
        self._kept.clear()
        self._over.clear()
        self._bytes = 0

    def stage(self, receipts: Sequence[Receipt]) -> Staged:
        """Receipts as they are to be written. A row's source is a name yet, not a number."""
        staged = Staged()
        moment, at = None, 0  # all of a batch have one time
        for receipt in receipts:
            if receipt.at is not moment:
                moment, at = receipt.at, codec.micros(receipt.at)
            headers = _headers(receipt.headers)
            group = receipt.group if receipt.group.isascii() else codec.unicode(receipt.group)
            key = (receipt.source, group)
            base = staged.bases.get(key) or self._kept.get(key) if group else None
            kept = (
                delta.difference(base.body, receipt.body)
                if base is not None and 0 <= at - base.at < DAY and base.salt == receipt.salt
                else None
            )
            staged.last = receipt.id
            if kept is not None and base is not None:
                own = None if headers == base.headers else headers or b"{}"
                staged.rows.append((receipt.id, at, base.id, kept, None, None, own, None, None))
                staged.size += len(kept) + len(own or b"") + OVERHEAD
                if not base.last:
                    staged.needed.append((base.id,))
                staged.bases[key] = replace(base, last=receipt.id)
                continue
            body, packed = receipt.body, None
            if PACK_FROM <= len(body) <= PACK_TO:
                smaller = _deflated(body)
                if len(smaller) < len(body):
                    body, packed = smaller, 1
            staged.sources.add(receipt.source)
            own = headers or None
            staged.rows.append(
                (receipt.id, at, None, body, packed, receipt.source, own, group or None, receipt.salt)
            )
            staged.size += len(body) + len(headers) + len(group) + len(receipt.salt) + OVERHEAD
            if base is not None and base.last:
                staged.over.append((base.last, base.id))
            if group and len(receipt.body) * 4 <= self._capacity:
                staged.bases[key] = Base(receipt.id, at, receipt.body, headers, receipt.salt)
            elif base is not None:
                # Too large to serve: the older one can't serve either, it is settled above.
                staged.bases[key] = Base(receipt.id, at - DAY, b"", b"", b"")
        staged.over.extend(self._over)
        return staged

    def apply(self, staged: Staged) -> None:
        """What was staged is committed."""
        self._over.clear()
        for key, base in staged.bases.items():
            self._drop(key)
            self._kept[key] = base
            self._bytes += self._size(key, base)
        while self._bytes > self._capacity:
            self._let_go(next(iter(self._kept)))

    def expire(self, now: int) -> list[tuple[int, int]]:
        """Let go of bases too old to serve; (last, base) of all that are over and not written yet."""
        for key in [key for key, base in self._kept.items() if not 0 <= now - base.at < DAY]:
            self._let_go(key)
        return list(self._over)

    def settled(self) -> None:
        """What ``expire`` returned is committed."""
        self._over.clear()

    def _let_go(self, key: tuple[str, str]) -> None:
        base = self._drop(key)
        if base is not None and base.last:
            self._over.append((base.last, base.id))

    def _drop(self, key: tuple[str, str]) -> Base | None:
        base = self._kept.pop(key, None)
        if base is not None:
            self._bytes -= self._size(key, base)
        return base

    @staticmethod
    def _size(key: tuple[str, str], base: Base) -> int:
        return len(base.body) + len(base.headers) + len(key[1]) + 400


def settle(connection: apsw.Connection) -> None:
    """At opening: nobody will need the bases of an earlier life again. Inside a transaction."""
    connection.execute("UPDATE bases SET last = (SELECT max(id) FROM receipts) WHERE last IS NULL")


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep did. ``through``: every receipt up to here was looked at."""

    through: int
    freed: int


def sweep(connection: apsw.Connection, *, after: int, consumed: int, before: int, excess: int) -> Swept:
    """Delete receipts above ``after`` that are older than ``before`` (µs) or, oldest first, until
    ``excess`` bytes are freed; never unconsumed ones or bases still needed. Inside a transaction."""
    rows = schema.rows(
        connection,
        f"SELECT id, at, {_SIZE} FROM receipts r WHERE id > ? AND id <= ? ORDER BY id LIMIT ?",
        (after, consumed, SWEEP),
    )
    needed = {
        row[0]
        for row in schema.rows(
            connection,
            "SELECT id FROM bases WHERE id > ? AND id <= ?",
            (after, rows[-1][0] if rows else after),
        )
    }
    freed, through, gone = 0, after, []
    for id, at, size in rows:
        if at >= before and freed >= excess:
            break
        through = id
        if id not in needed:
            gone.append((id,))
            freed += size + OVERHEAD
    over = schema.rows(
        connection,
        f"SELECT b.id, {_SIZE} FROM bases b JOIN receipts r ON r.id = b.id WHERE b.last <= ? AND b.id <= ?",
        (through, through),
    )
    for id, size in over:
        gone.append((id,))
        freed += size + OVERHEAD
    connection.executemany("DELETE FROM bases WHERE id = ?", [(row[0],) for row in over])
    connection.executemany("DELETE FROM receipts WHERE id = ?", gone)
    return Swept(through, freed)
