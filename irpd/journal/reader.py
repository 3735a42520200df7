"""Reading a SQLite journal: used by the writer on its own connection and by other processes on theirs.

No statement stays open between two calls, so nothing here keeps the writer from checkpointing.
"""

import gc
import zlib
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import apsw
import msgspec

from irpd.engine.ports import Fact, JournalCorrupt, Loaded, Receipt
from irpd.journal import chain, codec, delta, lag, projection
from irpd.journal.failure import explained
from irpd.journal.schema import BOUND, SILENCES, STANDING, connect, pending, rows
from irpd.journal.schema import version as version_of
from irpd.journal.sharing import Sharing
from irpd.model.incident import Incident, Member
from irpd.model.page import Page

_INCIDENT = "incident:"
_SOURCE = "source:"
_CHUNK = 500
_headers: msgspec.json.Decoder[dict[str, str]] = msgspec.json.Decoder(dict[str, str])

_RECEIPT = "SELECT id, at, base, body, packed, source, headers, sender_group, {} FROM receipts "


def incident_of(subject: str) -> int | None:
    """The incident's number if that is what the subject is."""
    digits = subject.removeprefix(_INCIDENT)
    if len(digits) < len(subject) and digits.isdecimal() and digits.isascii() and digits[0] != "0":
        number = int(digits)
        return number if number < 2**62 else None
    return None


def key_number(key: str) -> int:
    """What the index of issues holds for a key; 0: nothing, as it isn't an issue's."""
    if not projection.sought(key):
        return 0
    return int.from_bytes(sha256(key.encode("utf-8", "surrogatepass")).digest()[:8], "big") >> 1


class Reader:
    """What is in the journal behind ``connection``."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection
        self._names: dict[int, str] = {}
        self._select = _RECEIPT.format("salt" if version_of(connection) >= BOUND else "NULL")

    def close(self) -> None:
        self.connection.close()

    # -------------------------------------------------------------- names
    def name(self, number: int) -> str:
        found = self._names.get(number)
        if found is None:
            found = self.connection.execute("SELECT name FROM names WHERE id = ?", (number,)).get
            if not isinstance(found, str):
                raise JournalCorrupt(f"an event names the name {number}, which doesn't exist")
            self._names[number] = found
        return found

    def number(self, name: str) -> int | None:
        """The number of a name, if it has one."""
        found = self.connection.execute("SELECT id FROM names WHERE name = ?", (name,)).get
        return None if found is None else int(found)

    def subject(self, stored: int) -> str:
        return f"{_INCIDENT}{stored}" if stored > 0 else self.name(-stored)

    # -------------------------------------------------------------- history
    def facts(
        self, *, after: int = 0, subject: str | None = None, until: int | None = None
    ) -> Iterator[Fact]:
        """Events in order, but those whose payload was erased; ``until`` is the last to give."""
        where = "seq > ?"
        bindings: tuple[int, ...] = ()
        if subject is not None:
            stored = incident_of(subject)
            if stored is None:
                name = self.number(subject)
                if name is None:
                    return
                stored = -name
            bindings = (stored,)
            # Repeats are not in the index; only sources have any.
            where += " AND subject = ?" + ("" if subject.startswith(_SOURCE) else " AND type > 1")
        if until is not None:
            bindings = (*bindings, until)
            where += " AND seq <= ?"
        query = (
            f"SELECT seq, subject, type, version, at, payload FROM events WHERE {where}"
            f" ORDER BY seq LIMIT {_CHUNK}"
        )
        while True:
            found = rows(self.connection, query, (after, *bindings))
            for seq, stored, type, version, at, payload in found:
                if payload is not None:
                    yield Fact(
                        subject=self.subject(stored),
                        event=codec.decode_event(self.name(type), version, payload),
                        at=codec.instant(at),
                        seq=seq,
                    )
            if len(found) < _CHUNK:
                return
            after = found[-1][0]

    def head(self) -> tuple[int, bytes]:
        """Highest sequence number and the chain's head."""
        found = rows(self.connection, "SELECT seq, head FROM commits ORDER BY seq DESC LIMIT 1")
        return (found[0][0], found[0][1]) if found else (0, chain.GENESIS)

    # -------------------------------------------------------------- receipts
    def receipt(self, number: int) -> Receipt | None:
        found = rows(self.connection, self._select + "WHERE id = ?", (number,))
        return self._receipt(found[0], {}) if found else None

    def receipts(self, after: int, limit: int) -> list[Receipt]:
        found = rows(self.connection, self._select + "WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
        bases: dict[int, Receipt] = {}
        return [self._receipt(row, bases) for row in found]

    def _receipt(self, row: tuple[Any, ...], bases: dict[int, Receipt]) -> Receipt:
        number, at, base, body, packed, source, headers, group, salt = row
        try:
            if base is None:
                return Receipt(
                    id=number,
                    source=self.name(source),
                    at=codec.instant(at),
                    body=zlib.decompress(body) if packed else body,
                    headers=_headers.decode(headers) if headers else {},
                    group=group or "",
                    salt=salt or b"",
                )
            whole = bases.get(base)
            if whole is None:
                found = rows(self.connection, self._select + "WHERE id = ? AND base IS NULL", (base,))
                if not found:
                    raise JournalCorrupt(f"receipt {number} is a difference to {base}, which doesn't exist")
                whole = bases[base] = self._receipt(found[0], bases)
            return Receipt(
                id=number,
                source=whole.source,
                at=codec.instant(at),
                body=delta.restored(whole.body, body),
                headers=_headers.decode(headers) if headers else whole.headers,
                group=whole.group,
                salt=whole.salt,
            )
        except (zlib.error, msgspec.MsgspecError, ValueError, TypeError) as error:
            raise JournalCorrupt(f"receipt {number} can't be read: {error}") from error

    # -------------------------------------------------------------- the projection
    def load(self) -> Loaded:
        """The live state."""
        # A few million new objects, none of them garbage: looking for some takes longer than the rest.
        collecting = gc.isenabled()
        gc.disable()
        try:
            return self._load()
        finally:
            if collecting:
                gc.enable()

    def repeated(self, loaded: Mapping[int, Member] | None = None) -> dict[int, Member]:
        """The signals whose stored rows lag behind, as they are now. What is among ``loaded`` (stored rows)
        needn't be read again."""
        (after,) = rows(self.connection, "SELECT repeats FROM state")[0]

        def find(sid: int) -> tuple[Member, int] | None:
            found = rows(self.connection, "SELECT seq, data FROM members WHERE sid = ?", (sid,))
            if not found:
                return None
            seq, data = found[0]
            member = loaded.get(sid) if loaded is not None else None
            return member or codec.decode_member(data), seq

        return lag.caught_up(self.connection, after=after, find=find)

    def _load(self) -> Loaded:
        execute, shared = self.connection.execute, Sharing()
        incidents: dict[int, Incident] = {}
        for number, data in execute("SELECT number, data FROM incidents WHERE live = 1 ORDER BY number"):
            incidents[number] = shared.incident(codec.decode_incident(data))
        members: dict[int, Member] = {}
        for sid, data in execute(
            "SELECT m.sid, m.data FROM incidents i CROSS JOIN members m ON m.incident = i.number"
            " WHERE i.live = 1"
        ):
            members[sid] = shared.member(codec.decode_member(data))
        pages: dict[str, Page] = {}
        for id, data in execute(
            "SELECT p.id, p.data FROM incidents i CROSS JOIN pages p ON p.incident = i.number"
            " WHERE i.live = 1"
        ):
            pages[id] = shared.page(codec.decode_page(data))
        for id, data in execute("SELECT id, data FROM pages WHERE awaited = 1"):
            if id not in pages:
                pages[id] = codec.decode_page(data)
        for sid, data in execute("SELECT sid, data FROM members WHERE incident = 0"):
            members[sid] = shared.member(codec.decode_member(data))
        standing = [codec.decode_standing(kind, data) for kind, _, data in self.standing()]
        counters: dict[str, int] = dict(execute("SELECT name, value FROM counters"))
        for id in projection.newest_outside(counters):
            if id not in pages:
                for (data,) in execute("SELECT data FROM pages WHERE id = ?", (id,)):
                    pages[id] = codec.decode_page(data)
        ((consumed, last_receipt, last_at),) = rows(
            self.connection, "SELECT consumed, last_receipt, last_at FROM state"
        )
        seq, head = self.head()
        return Loaded(
            incidents=incidents,
            members=members,
            pages=pages,
            counters=counters,
            standing=standing,
            seq=seq,
            head=head,
            cursor=consumed,
            last_receipt=last_receipt,
            last_at=None if last_at is None else codec.instant(last_at),
        )

    def standing(self) -> list[tuple[str, str, bytes]]:
        """The small rows beside the incidents, in order: kind, key, data. Reads older tables too."""
        found = version_of(self.connection)
        if found >= STANDING:
            return rows(self.connection, "SELECT kind, key, data FROM standing ORDER BY kind, key")
        if found >= SILENCES:
            return rows(self.connection, "SELECT 'silence', CAST(id AS TEXT), data FROM silences ORDER BY id")
        return []

    def incident(self, number: int) -> tuple[Incident, list[Member], list[Page]] | None:
        if not 0 < number < 2**62:
            return None
        execute = self.connection.execute
        data = execute("SELECT data FROM incidents WHERE number = ?", (number,)).get
        if data is None:
            return None
        members = rows(self.connection, "SELECT data FROM members WHERE incident = ? ORDER BY sid", (number,))
        pages = rows(self.connection, "SELECT data FROM pages WHERE incident = ?", (number,))
        return (
            codec.decode_incident(data),
            [codec.decode_member(row[0]) for row in members],
            projection.in_order(codec.decode_page(row[0]) for row in pages),
        )

    def issue(self, key: str) -> Member | None:
        if not projection.sought(key):
            return None
        query = "SELECT data FROM members WHERE key = ? AND key <> 0 ORDER BY sid DESC"
        found = rows(self.connection, query, (key_number(key),))
        for (data,) in found:
            member = codec.decode_member(data)
            if member.key == key:
                return member
        return None

    # -------------------------------------------------------------- configurations
    def config(self, hash: str) -> bytes | None:
        data = self.connection.execute("SELECT bundle FROM configs WHERE hash = ?", (hash,)).get
        return None if data is None else zlib.decompress(data)

    def latest_config(self) -> tuple[str, bytes] | None:
        found = rows(self.connection, "SELECT hash, bundle FROM configs ORDER BY turn DESC LIMIT 1")
        return (found[0][0], zlib.decompress(found[0][1])) if found else None


def open_reader(path: Path | str) -> Reader:
    """A reader on a connection of its own, beside the daemon or without one.

    Raises JournalUnavailable, JournalCorrupt, JournalNewer."""
    path = Path(path)
    with explained(path):
        connection = connect(path, read_only=True)
        try:
            pending(connection, path)
        except BaseException:
            connection.close()
            raise
        return Reader(connection)
