"""Whether a journal is what it says: its hash chain, and its rows against its events.

Both read on a connection of their own, in pieces, so they may run beside the daemon, in another process.
They judge what was there when they began (``check_projection`` catches up with what came meanwhile).
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import apsw
import msgspec

from irpd.engine.ports import JournalCorrupt
from irpd.journal import chain, codec, projection
from irpd.journal.bound import CARRYING, Bound
from irpd.journal.failure import explained
from irpd.journal.reader import Reader, open_reader
from irpd.journal.rebuild import replayed
from irpd.journal.schema import BOUND, rows
from irpd.journal.schema import version as version_of
from irpd.model.incident import Incident, Member
from irpd.model.page import Page
from irpd.model.standing import Standing
from irpd.protocol.rows import Rows

T = TypeVar("T", Incident, Member, Page, Standing)

_CHUNK = 2_000
_SHOWN = 100

#: Called with how many events have been looked at, and how many there are.
Progress = Callable[[int, int], None]


def _silent(seen: int, of: int) -> None:
    pass


@dataclass(slots=True)
class ChainReport:
    """``events`` verified up to the head ``head``; ``erased`` of them have lost their payload. ``receipts``
    are stored as they were received."""

    events: int = 0
    erased: int = 0
    receipts: int = 0
    head: str = ""
    head_at: int | None = None  # the event after which the chain's head was the one asked for
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems


@dataclass(slots=True)
class ProjectionReport:
    """``differences`` names the first hundred of ``different`` rows."""

    events: int = 0
    erased: int = 0
    rows: int = 0
    different: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.different

    def add(self, difference: str) -> None:
        self.different += 1
        if len(self.differences) < _SHOWN:
            self.differences.append(difference)


def verify_chain(
    path: Path | str, head: str | None = None, *, head_at: int | None = None, progress: Progress = _silent
) -> ChainReport:
    """Follow the chain from its beginning.

    ``head`` is a head that was noted elsewhere (in hex, or at least its first 16 digits): it must be one
    that the chain had after some commit. ``head_at``, if it was noted too, is the event after which it was:
    only with that can a journal which ends before it be told from one that was rewritten.

    Raises JournalUnavailable, JournalNewer, JournalCorrupt (where the file itself can't be read)."""
    reader = open_reader(path)
    try:
        with explained(Path(path)):
            return _follow(reader, head.strip().lower() if head is not None else None, head_at, progress)
    finally:
        reader.close()


def _follow(reader: Reader, asked: str | None, asked_at: int | None, progress: Progress) -> ChainReport:
    report = ChainReport()
    connection = reader.connection
    connection.execute("BEGIN")  # one snapshot: where the chain ends, and where it is said to
    last, stored_head = reader.head()
    said = _ends(connection)
    connection.execute("COMMIT")
    bound = Bound(reader)
    previous, seq = chain.GENESIS, 0
    if asked is not None and len(asked) < 16:
        report.problems.append("the head to look for must have at least 16 hexadecimal digits")
        asked = None
    if asked is not None and chain.GENESIS.hex().startswith(asked):
        report.head_at = 0
    while seq < last and not report.problems:
        upto = min(seq + _CHUNK, last)
        heads: dict[int, bytes] = dict(
            rows(connection, "SELECT seq, head FROM commits WHERE seq > ? AND seq <= ?", (seq, upto))
        )
        found = rows(
            connection,
            "SELECT seq, subject, type, version, at, salt, payload, digest FROM events"
            " WHERE seq > ? AND seq <= ? ORDER BY seq",
            (seq, upto),
        )
        for number, subject, type, version, at, salt, payload, digest in found:
            seq += 1
            if number != seq:
                report.problems.append(f"event {seq} is missing")
                break
            if digest is None:
                if payload is None:
                    report.problems.append(f"event {seq} has neither a payload nor the digest of one")
                    break
            else:
                report.erased += 1
            try:
                kind = reader.name(type)
                previous = chain.link(
                    previous,
                    seq=seq,
                    subject=reader.subject(subject),
                    type=kind,
                    version=version,
                    at=at,
                    digest=chain.digest_of(salt or b"", payload) if digest is None else digest,
                )
                if kind in CARRYING:
                    bound.carries(payload if digest is None else None)
            except (JournalCorrupt, TypeError, ValueError, struct.error) as error:
                report.problems.append(f"event {seq} can't be read: {error}")
                break
            report.events = seq
            written = heads.pop(seq, None)
            if written is not None and written != previous:
                report.problems.append(
                    f"the chain breaks at event {seq} or in the commit that it ends: an event was changed"
                )
                break
            if asked is not None and written is not None and previous.hex().startswith(asked):
                report.head_at = seq
        else:
            if seq < upto:
                report.problems.append(f"events {seq + 1} to {upto} are missing")
            elif heads:
                report.problems.append(f"a commit ends with event {min(heads)}, which doesn't exist")
            else:
                bound.compare()
                report.problems += bound.problems
        progress(seq, last)
    report.receipts = bound.seen
    report.head = previous.hex()
    if not report.problems:
        if (lost := said - last) > 0:
            what = "the last event is" if lost == 1 else f"the last {lost} events are"
            report.problems.append(f"{what} missing: the journal's tail was cut off after event {last}")
        elif previous != stored_head:
            report.problems.append("the last event has no commit of its own")
        elif asked is not None and report.head_at is None:
            report.problems.append(_without(asked, asked_at, last))
        elif asked is not None and asked_at not in (None, report.head_at):
            report.problems.append(
                f"the chain had the head {asked} after event {report.head_at}, not after event {asked_at}"
            )
    return report


def _without(asked: str, asked_at: int | None, last: int) -> str:
    """What it means that a chain which holds never had the head ``asked``."""
    if asked_at is None:
        why = f"it ends before it (its last event is {last}), or what came before it was rewritten"
    elif asked_at > last:
        why = f"it was noted after event {asked_at}, and the journal ends before it, with event {last}"
    else:
        why = "what came before it was rewritten"
    return f"the chain never had the head {asked}: {why}"


def _ends(connection: apsw.Connection) -> int:
    """Where the journal's state says that the chain ends; 0 in one from before it said so."""
    if version_of(connection) < BOUND:
        return 0
    return int(connection.execute("SELECT seq FROM state").get or 0)


def check_projection(path: Path | str, *, progress: Progress = _silent) -> ProjectionReport:
    """Replay every event and compare what comes out with the rows that are stored.

    Raises JournalUnavailable, JournalNewer, JournalCorrupt."""
    reader = open_reader(path)
    try:
        with explained(Path(path)):
            report = ProjectionReport()
            connection = reader.connection
            last, _ = reader.head()
            replay = Rows()
            try:
                seq = replayed(reader.facts(until=last), replay, lambda seen: progress(seen, last))
                connection.execute("BEGIN")  # one snapshot: the rows, and the events that made them
                last, _ = reader.head()
                replayed(reader.facts(after=seq, until=last), replay, lambda seen: progress(seen, last))
            except JournalCorrupt as error:
                report.add(str(error))
                return report
            report.events = last
            report.erased = int(
                connection.execute("SELECT count(*) FROM events WHERE digest IS NOT NULL").get or 0
            )
            if connection.execute("SELECT projection FROM state").get not in (projection.VERSION, 0):
                report.add("the rows were made by another version of irpd; the next start makes them anew")
                return report
            _compare_all(reader, replay, report)
            progress(last, last)
            return report
    finally:
        reader.close()


def _compare_all(reader: Reader, replay: Rows, report: ProjectionReport) -> None:
    connection = reader.connection
    try:
        repeated = reader.repeated()
    except JournalCorrupt:
        repeated = {}  # the row that can't be read is named below
    incidents = dict(replay.incidents)
    for number, live, data in connection.execute("SELECT number, live, data FROM incidents"):
        incident = _compare(
            report, f"incident {number}", codec.decode_incident, data, incidents.pop(number, None)
        )
        if incident is not None and live != int(projection.live(incident)):
            report.add(f"incident {number}: stored as {'live' if live else 'not live'}")
    members = dict(replay.members)
    for sid, at, data in connection.execute("SELECT sid, incident, data FROM members"):
        behind = repeated.get(sid)
        member = _compare(
            report,
            f"signal {sid}",
            codec.decode_member if behind is None else partial(_known, behind),
            data,
            members.pop(sid, None),
        )
        if member is not None and at != projection.place(member):
            report.add(f"signal {sid}: stored with incident {at}")
    pages = dict(replay.pages)
    for id, awaited, data in connection.execute("SELECT id, awaited, data FROM pages"):
        page = _compare(report, f"page {id}", codec.decode_page, data, pages.pop(id, None))
        if page is not None and awaited != int(projection.awaited(page)):
            report.add(f"page {id}: stored as {'awaited' if awaited else 'not awaited'}")
    standing = {
        f"{kind} {key}": row
        for kind, small in replay.standing.items()
        for key, row in small.items()
        if row is not None
    }
    for kind, key, data in reader.standing():
        name = f"{kind} {key}"
        _compare(report, name, partial(codec.decode_standing, kind), data, standing.pop(name, None))
    for missing in standing:
        report.add(f"{missing}: events make one, but it isn't stored")
    counters = dict(replay.counters)
    for name, value in connection.execute("SELECT name, value FROM counters"):
        expected = counters.pop(name, 0)
        report.rows += 1
        if expected != value:
            report.add(f"counter {name}: stored {value}, events say {expected}")
    for left, what in ((incidents, "incident"), (members, "signal"), (pages, "page"),
                       (counters, "counter")):  # fmt: skip
        for one in left:
            report.add(f"{what} {one}: events make one, but it isn't stored")


def _known(member: Member, data: bytes) -> Member:
    return member


def _compare(
    report: ProjectionReport, what: str, decode: Callable[[bytes], T], data: bytes, expected: T | None
) -> T | None:
    """The stored row if it is as expected."""
    report.rows += 1
    try:
        stored = decode(data)
    except JournalCorrupt as error:
        report.add(f"{what}: {error}")
        return None
    if expected is None:
        report.add(f"{what}: stored, but no event makes it")
        return None
    if stored == expected:
        return stored
    fields: list[str] = []
    for name in stored.__struct_fields__:
        kept: Any = getattr(stored, name)
        made: Any = getattr(expected, name)
        if kept != made:
            fields.append(f"{name} is stored as {_short(kept)}, events say {_short(made)}")
    report.add(f"{what}: {'; '.join(fields)}")
    return None


def _short(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 200 else text[:199] + "…"
