"""The projection out of the events, from nothing."""

from collections.abc import Callable, Iterable

import apsw

from irpd.engine.ports import Fact, JournalCorrupt
from irpd.journal import codec, projection
from irpd.journal.reader import Reader, key_number
from irpd.protocol.evolve import evolve
from irpd.protocol.rows import Rows, Torn

Progress = Callable[[int], None]

INCIDENT = (
    "INSERT INTO incidents (number, live, data) VALUES (?, ?, ?)"
    " ON CONFLICT (number) DO UPDATE SET live = excluded.live, data = excluded.data"
)
MEMBER = (
    "INSERT INTO members (sid, incident, key, seq, data) VALUES (?, ?, ?, ?, ?)"
    # Its key is for ever.
    " ON CONFLICT (sid) DO UPDATE SET incident = excluded.incident, seq = excluded.seq, data = excluded.data"
)
PAGE = (
    "INSERT INTO pages (id, incident, awaited, data) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (id) DO UPDATE SET"
    " incident = excluded.incident, awaited = excluded.awaited, data = excluded.data"
)
STANDING = (
    "INSERT INTO standing (kind, key, data) VALUES (?, ?, ?)"
    " ON CONFLICT (kind, key) DO UPDATE SET data = excluded.data"
)
COUNTER = (
    "INSERT INTO counters (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)


def apply(rows: Rows, fact: Fact) -> None:
    """Fold one event into the rows. Raises JournalCorrupt if it can't follow the ones before."""
    try:
        evolve(rows, fact.subject, fact.event, fact.at)
    except (Torn, LookupError, ValueError, TypeError, AttributeError) as error:
        raise JournalCorrupt(
            f"event {fact.seq} ({type(fact.event).__name__} of {fact.subject}) can't follow the events"
            f" before it: {error}"
        ) from error


def replayed(facts: Iterable[Fact], rows: Rows, progress: Progress) -> int:
    """Fold events into ``rows``; the last one's number (0: none). ``progress`` hears each 10,000th."""
    seq = 0
    for fact in facts:
        apply(rows, fact)
        seq = fact.seq
        if seq % 10_000 == 0:
            progress(seq)
    return seq


def rebuild(connection: apsw.Connection) -> None:
    """Replace every row of the projection by what the events say, in one transaction.

    Raises JournalCorrupt, or apsw's errors; nothing is changed then."""
    rows = Rows()
    seq, _ = Reader(connection).head()
    replayed(Reader(connection).facts(), rows, lambda seen: None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        for table in ("incidents", "members", "pages", "standing", "counters"):
            connection.execute(f"DELETE FROM {table}")
        connection.executemany(
            INCIDENT,
            (
                (number, int(projection.live(row)), codec.encode_row(row))
                for number, row in sorted(rows.incidents.items())
            ),
        )
        connection.executemany(
            MEMBER,
            (
                (sid, projection.place(row), key_number(row.key), seq, codec.encode_row(row))
                for sid, row in sorted(rows.members.items())
            ),
        )
        connection.executemany(
            PAGE,
            (
                (id, row.incident, int(projection.awaited(row)), codec.encode_row(row))
                for id, row in rows.pages.items()
            ),
        )
        connection.executemany(
            STANDING,
            (
                (kind, key, codec.encode_row(row))
                for kind, standing in rows.standing.items()
                for key, row in standing.items()
                if row is not None
            ),
        )
        connection.executemany(COUNTER, rows.counters.items())
        connection.execute("UPDATE state SET projection = ?, repeats = ?", (projection.VERSION, seq))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
