"""Connections to the journal's file and the migrations that bring its tables up to date.

Migrations are the numbered files in ``migrations/``; ``PRAGMA user_version`` counts those that were
applied. Each runs in one transaction (never as a script: that would commit first), so a process that
dies in one leaves the journal as it was before it.

The WAL is checkpointed by the one writer alone: automatic checkpoints are off on every connection.
"""

import os
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import apsw

from irpd.engine.ports import JournalCorrupt, JournalNewer
from irpd.journal.failure import explained

#: "irpd": the file is a journal and nothing else.
APPLICATION = 0x69727064

#: From this version on receipts have salts, and the state says where the chain ends.
BOUND = 2
#: From this version on there are silences; in a table of their own before small rows all lie in one.
SILENCES = 3
STANDING = 4

#: How long to wait for another process (a reader that recovers the WAL), in milliseconds.
PATIENCE = 500


class Migration(NamedTuple):
    """One step: the version that it leads to, its name and its statements."""

    version: int
    name: str
    sql: str


def migrations() -> tuple[Migration, ...]:
    """All that this irpd knows, in order."""
    found = sorted(
        (file.name, file.read_text("utf-8"))
        for file in files("irpd.journal").joinpath("migrations").iterdir()
        if file.name.endswith(".sql")
    )
    steps = tuple(Migration(int(name[:4]), name.removesuffix(".sql"), sql) for name, sql in found)
    assert [step.version for step in steps] == list(range(1, len(steps) + 1))
    return steps


def connect(path: Path, *, read_only: bool = False) -> apsw.Connection:
    """A connection. Raises apsw's errors."""
    if read_only:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    else:
        # The file's mode is what SQLite gives to the WAL too. Nobody else needs to read bodies.
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            pass
        except OSError as error:
            raise apsw.CantOpenError(f"{path}: {error.strerror}") from error
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.set_busy_timeout(PATIENCE)
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, int(read_only))
        connection.wal_autocheckpoint(0)
        connection.pragma("mmap_size", 0)
        connection.pragma("cell_size_check", True)
        connection.pragma("temp_store", "MEMORY")
        if not read_only:
            _check_ours(connection, path)
            if (mode := connection.pragma("journal_mode", "WAL")) != "wal":
                raise apsw.CantOpenError(f"its file system can't have a WAL (journal_mode stays {mode})")
            connection.pragma("synchronous", "FULL")
            connection.pragma("secure_delete", "FAST")
            connection.pragma("cache_size", -16_000)
            connection.pragma("journal_size_limit", 64 * 1024 * 1024)
        else:
            connection.pragma("query_only", True)
    except BaseException:
        connection.close(True)
        raise
    return connection


def _check_ours(connection: apsw.Connection, path: Path) -> None:
    if connection.pragma("application_id") == APPLICATION:
        return
    if connection.execute("SELECT count(*) FROM sqlite_schema").get or connection.pragma("user_version"):
        raise JournalCorrupt(f"{path} is a database, but not a journal of irpd's")


def rows(connection: apsw.Connection, query: str, bindings: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """All rows that a query gives, the statement done with."""
    return connection.execute(query, bindings).fetchall()


def version(connection: apsw.Connection) -> int:
    """How many migrations were applied."""
    return int(connection.pragma("user_version"))


def pending(
    connection: apsw.Connection, path: Path, known: Sequence[Migration] | None = None
) -> list[Migration]:
    """What is to be applied. Raises JournalNewer if the journal knows more steps than this irpd."""
    known = migrations() if known is None else known
    applied = version(connection)
    if applied > len(known):
        raise JournalNewer(
            f"the journal {path} was written by a newer irpd (its tables are at version {applied}, this irpd"
            f" knows {len(known)}): install the newer one again, or `irpd restore` a backup made before"
        )
    return list(known[applied:])


def migrate(connection: apsw.Connection, steps: Sequence[Migration], kill: Callable[[str], None]) -> None:
    """Apply these steps, each in a transaction of its own."""
    for step in steps:
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute(step.sql)
            connection.pragma("application_id", APPLICATION)
            connection.pragma("user_version", step.version)
            kill("in-migration")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def plan(path: Path | str) -> list[Migration]:
    """Which migrations the next start would apply to the journal at ``path``; all if there is none yet.

    Raises JournalNewer, JournalCorrupt, JournalUnavailable."""
    path = Path(path)
    if not path.exists():
        return list(migrations())
    with explained(path):
        connection = connect(path, read_only=True)
        try:
            if version(connection):
                _check_ours(connection, path)
            return pending(connection, path)
        finally:
            connection.close()
