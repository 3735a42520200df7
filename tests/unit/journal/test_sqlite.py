"""The journal in SQLite when its surroundings fail: full, locked, gone, newer, damaged."""

import os
import re
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
import pytest

from irpd.engine.ports import (
    Batch,
    Fact,
    JournalCorrupt,
    JournalError,
    JournalFull,
    JournalHeld,
    JournalNewer,
    JournalUnavailable,
)
from irpd.journal import schema
from irpd.journal.reader import open_reader
from irpd.journal.reserve import Reserve
from irpd.journal.sqlite import SqliteJournal
from irpd.model.event import Noted, Started

Opened = Callable[..., SqliteJournal]
History = Any  # conftest's
START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
RESERVE = 256 * 1024


def fill(journal: SqliteJournal) -> None:
    """From now on the journal's file can't grow."""
    db = journal._connected()
    db.pragma("max_page_count", db.pragma("page_count"))


def empty(journal: SqliteJournal) -> None:
    """There is room again."""
    journal._connected().pragma("max_page_count", 0xFFFFFFFE)


def big(*, urgent: bool = False) -> Batch:
    fact = Fact(subject="engine", event=Started(version="x" * 4000), at=START)
    return Batch(facts=[fact] * 20, urgent=urgent)


# ------------------------------------------------------------------ the disk is full
def test_a_full_disk_refuses_a_batch_whole_and_the_journal_lives_on(
    journal: SqliteJournal, history: History
) -> None:
    journal.commit(history.opened(1))
    before = journal.load()
    fill(journal)
    with pytest.raises(JournalFull):
        journal.commit(big())
    assert journal.load() == before
    assert journal.head() == (before.seq, before.head.hex())
    assert journal.incident(1) is not None


def test_the_reserve_stays_for_what_is_urgent(journal: SqliteJournal, history: History, path: Path) -> None:
    journal.commit(history.opened(1))
    reserve = path.with_name("irpd.db.reserve")
    assert reserve.stat().st_size == RESERVE
    fill(journal)
    with pytest.raises(JournalFull):
        journal.commit(big())
    assert reserve.exists(), "intake alone must not use it up"
    assert not journal.reserve_ok
    empty(journal)  # there is room, but until upkeep has seen that only urgent batches are written
    with pytest.raises(JournalFull):
        journal.commit(history.sent(1))
    journal.commit(history.batch(("incident:1", Noted(text="by a person")), urgent=True))
    assert reserve.exists()
    journal.maintain(START)
    assert journal.reserve_ok
    journal.commit(history.batch(("incident:1", Noted(text="as ever"))))


def test_an_urgent_batch_on_a_full_disk_is_written_in_the_reserves_room(
    journal: SqliteJournal, history: History, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve = path.with_name("irpd.db.reserve")
    give_up = Reserve.give_up

    def gives_room(self: Reserve) -> bool:
        empty(journal)
        return give_up(self)

    monkeypatch.setattr(Reserve, "give_up", gives_room)
    fill(journal)
    assert journal.commit(big(urgent=True)) == 20
    assert not reserve.exists()
    assert not journal.reserve_ok
    with pytest.raises(JournalFull):
        journal.commit(history.opened(1))
    monkeypatch.undo()
    journal.maintain(START)
    assert reserve.stat().st_blocks * 512 >= RESERVE, "its space is really taken"
    assert journal.reserve_ok


def test_an_urgent_batch_that_finds_no_room_at_all_is_refused_and_nothing_of_it_written(
    journal: SqliteJournal, history: History
) -> None:
    fill(journal)
    for _ in range(2):
        with pytest.raises(JournalFull):
            journal.commit(big(urgent=True))
    assert journal.load().seq == 0
    empty(journal)
    assert journal.commit(big(urgent=True)) == 20


def test_the_reserve_is_not_made_again_while_the_disk_has_little_room(path: Path) -> None:
    reserve = Reserve(path, size=RESERVE, margin=2**62)
    assert not reserve.restore()
    assert not reserve.path.exists()
    assert not reserve.ok


def test_a_reserve_that_was_cut_or_is_a_hole_is_none(path: Path) -> None:
    reserve = Reserve(path, size=RESERVE, margin=0)
    assert reserve.restore()
    os.truncate(reserve.path, RESERVE - 1)
    reserve.look()
    assert not reserve.ok
    os.truncate(reserve.path, 0)
    os.truncate(reserve.path, RESERVE)
    reserve.look()
    assert not reserve.ok
    assert reserve.restore()
    assert reserve.path.stat().st_blocks * 512 >= RESERVE


def test_on_a_full_disk_the_reserve_goes_before_the_journal_is_opened(path: Path) -> None:
    reserve = Reserve(path, size=RESERVE, margin=0)
    assert reserve.restore()
    reserve.make_room(1)
    assert reserve.ok
    assert reserve.path.exists()
    reserve.make_room(2**62)
    assert not reserve.ok
    assert not reserve.path.exists()


# ------------------------------------------------------------------ I/O errors
class Faulty:
    """A connection whose next COMMIT fails: before it was carried out, or after."""

    def __init__(self, real: apsw.Connection, error: apsw.Error, *, after: bool) -> None:
        self._real, self._error, self._after = real, error, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def execute(self, statement: str, *more: Any) -> Any:
        if statement != "COMMIT":
            return self._real.execute(statement, *more)
        if self._after:
            self._real.execute("COMMIT")
        raise self._error


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_after_an_error_in_a_commit_a_fresh_connection_says_what_is_on_disk(
    journal: SqliteJournal, history: History, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    journal.commit(history.opened(1))
    faulty = Faulty(journal._connected(), apsw.IOError("disk I/O error"), after=after)
    monkeypatch.setattr(journal, "_db", faulty)
    batch = history.opened(2)
    with pytest.raises(JournalUnavailable, match="disk I/O error"):
        journal.commit(batch)
    for _ in range(2):
        with pytest.raises(JournalUnavailable):
            journal.commit(batch)
    assert journal.reconnect() == (8 if after else 4)
    loaded = journal.load()
    assert loaded.last_receipt == (2 if after else 1)
    assert sorted(loaded.incidents) == ([1, 2] if after else [1])
    if not after:
        assert journal.commit(batch) == 8
    assert journal.commit(history.repeated(1, 2)) == 9


def test_a_full_disk_that_shows_after_the_commit_is_not_taken_for_nothing_written(
    journal: SqliteJournal, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        journal, "_db", Faulty(journal._connected(), apsw.FullError("disk is full"), after=True)
    )
    with pytest.raises(JournalUnavailable):
        journal.commit(history.opened(1))
    assert journal.reconnect() == 4


# ------------------------------------------------------------------ somebody else, or nobody
def test_who_holds_the_journal_is_named(journal: SqliteJournal, path: Path) -> None:
    with pytest.raises(JournalHeld, match=f"process {os.getpid()} holds"):
        SqliteJournal(path).open()


def test_another_program_that_locks_the_file_makes_the_journal_unavailable_until_it_lets_go(
    journal: SqliteJournal, history: History, path: Path
) -> None:
    journal.commit(history.opened(1))
    batch = history.batch(("incident:1", Noted(text="x")))
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalUnavailable, match="locked"):
        journal.commit(batch)
    with pytest.raises(JournalUnavailable):
        journal.commit(batch)
    other.execute("ROLLBACK")
    other.close()
    assert journal.reconnect() == 4
    assert journal.commit(batch) == 5


def test_another_writer_in_the_file_is_noticed_and_survived(
    journal: SqliteJournal, history: History, path: Path
) -> None:
    journal.commit(history.opened(1))
    other = apsw.Connection(str(path))
    other.execute("INSERT INTO events (seq, subject, type, version, at) VALUES (5, 1, 2, 1, 0)")
    other.close()
    with pytest.raises(JournalUnavailable):
        journal.commit(history.batch(("incident:1", Noted(text="x"))))
    with pytest.raises(JournalCorrupt, match="no commit"):
        journal.reconnect()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(JournalUnavailable, match=re.escape(str(tmp_path / "no"))):
        SqliteJournal(tmp_path / "no" / "irpd.db").open()


def test_a_folder_in_the_journals_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "irpd.db").mkdir()
    with pytest.raises(JournalError, match=r"irpd\.db"):
        SqliteJournal(tmp_path / "irpd.db").open()


def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    user, journal = os.geteuid(), SqliteJournal(tmp_path / "irpd.db")
    tmp_path.chmod(0o500)
    if user == 0:  # who may write everywhere; another may not even read the clone
        os.seteuid(65534)
    try:
        with pytest.raises(JournalUnavailable, match="Permission denied"):
            journal.open()
    finally:
        os.seteuid(user)
        tmp_path.chmod(0o700)


def test_a_journal_that_was_removed_under_the_daemon_is_noticed(
    journal: SqliteJournal, history: History, path: Path
) -> None:
    journal.commit(history.opened(1))
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink()
    with pytest.raises(JournalUnavailable, match="removed"):
        journal.maintain(START)
    with pytest.raises(JournalUnavailable):
        journal.commit(history.batch(("incident:1", Noted(text="x"))))
    with pytest.raises(JournalUnavailable, match="gone"):
        journal.reconnect()
    assert not path.exists(), "it must not begin a new one as if nothing had been"


def test_an_older_copy_put_in_the_journals_place_is_noticed(
    journal: SqliteJournal, history: History, path: Path, tmp_path: Path
) -> None:
    journal.commit(history.opened(1))
    journal.backup(str(tmp_path / "old"))
    journal.commit(history.opened(2))
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink()
    (tmp_path / "old").rename(path)
    with pytest.raises(JournalUnavailable):
        journal.maintain(START)
    with pytest.raises(JournalCorrupt, match="lost events"):
        journal.reconnect()


def test_its_files_are_for_the_owner_alone(journal: SqliteJournal, history: History, path: Path) -> None:
    journal.commit(history.opened(1))
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_a_closed_journal_refuses_politely(path: Path) -> None:
    journal = SqliteJournal(path)
    for call in (
        journal.load,
        journal.reconnect,
        lambda: journal.commit(Batch()),
        lambda: journal.receipt(1),
    ):
        with pytest.raises(JournalUnavailable):
            call()
    journal.close()


# ------------------------------------------------------------------ damage
def test_a_file_that_is_no_database_is_told_apart(path: Path) -> None:
    path.write_bytes(b"# a text file\n" * 1000)
    with pytest.raises(JournalCorrupt, match=re.escape(str(path))):
        SqliteJournal(path).open()
    assert path.read_bytes().startswith(b"# a text file"), "it is left alone"


def test_somebody_elses_database_is_left_alone(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (x)")
    other.close()
    with pytest.raises(JournalCorrupt, match="not a journal"):
        SqliteJournal(path).open()
    other = sqlite3.connect(path)
    assert other.execute("SELECT name FROM sqlite_schema").fetchall() == [("theirs",)]
    other.close()


def test_damaged_pages_are_said_to_be_damaged(opened: Opened, history: History, path: Path) -> None:
    journal = opened()
    for number in range(1, 200):
        journal.commit(history.opened(number))
    journal.close()
    content = bytearray(path.read_bytes())
    content[8192 : len(content) - 4096] = b"\xa5" * (len(content) - 8192 - 4096)
    path.write_bytes(content)
    with pytest.raises(JournalCorrupt, match="irpd restore"):
        opened().load()


def test_a_row_that_cannot_be_read_is_made_again_from_the_events(
    opened: Opened, history: History, path: Path
) -> None:
    journal = opened()
    journal.commit(history.opened(1))
    before = journal.load()
    journal.close()
    other = sqlite3.connect(path)
    other.execute("UPDATE incidents SET data = x'7b'")
    other.commit()
    other.close()
    assert opened().load() == before


def test_rows_of_another_version_are_made_again_from_the_events(
    opened: Opened, history: History, path: Path
) -> None:
    journal = opened()
    for number in range(1, 6):
        journal.commit(history.opened(number))
    journal.commit(history.closed(2))
    journal.commit(history.sent(3))
    journal.commit(history.repeated(1, 3))
    before = journal.load(), journal.incident(2), journal.issue("am/issue:2")
    journal.close()
    other = sqlite3.connect(path)
    other.execute("UPDATE state SET projection = projection + 1")
    other.execute("DELETE FROM incidents WHERE number > 1")
    other.execute("UPDATE members SET data = CAST(replace(data, 'Problem', 'Nonsense') AS BLOB)")
    other.execute("DELETE FROM pages")
    other.execute("DELETE FROM counters")
    other.commit()
    other.close()
    again = opened()
    assert (again.load(), again.incident(2), again.issue("am/issue:2")) == before
    assert sorted(before[0].incidents) == [1, 3, 4, 5]


def test_what_rows_have_in_common_is_in_memory_once_and_changes_nothing(
    opened: Opened, history: History
) -> None:
    journal = opened()
    for number in range(1, 4):
        journal.commit(history.opened(number))
    loaded = journal.load()
    assert loaded.incidents == history.rows.incidents
    assert loaded.members == history.rows.members
    assert loaded.pages == history.rows.pages
    one, other = loaded.incidents[1], loaded.incidents[2]
    assert one.level_by is other.level_by
    assert one.paths[0].steps is other.paths[0].steps
    assert loaded.members[1].service is loaded.members[2].service
    assert loaded.pages["1-1"].sends[0].channel is loaded.pages["2-1"].sends[0].channel


def test_an_issue_written_before_there_was_an_index_of_issues_alone_is_found(
    opened: Opened, history: History, path: Path
) -> None:
    old = opened(migrations=schema.migrations()[:4])
    for number in range(1, 4):
        old.commit(history.opened(number))
    known = old.issue("am/issue:2")
    assert known is not None
    old.close()
    reader = open_reader(path)
    assert (schema.version(reader.connection), reader.issue("am/issue:2")) == (4, known)
    reader.close()
    journal = opened()
    assert journal.issue("am/issue:2") == known
    reader = open_reader(path)
    (plan,) = reader.connection.execute(
        "EXPLAIN QUERY PLAN SELECT data FROM members WHERE key = 5 AND key <> 0"
    )
    assert "members_of_issues" in plan[3]
    reader.close()


def test_events_that_cannot_follow_each_other_are_said_to_be_damaged(
    opened: Opened, history: History, path: Path
) -> None:
    journal = opened()
    journal.commit(history.opened(1))
    journal.close()
    other = sqlite3.connect(path)
    other.execute("UPDATE state SET projection = projection + 1")
    other.execute("DELETE FROM events WHERE seq = 1")
    other.commit()
    other.close()
    with pytest.raises(JournalCorrupt, match="event 2"):
        opened().load()


# ------------------------------------------------------------------ migrations
NOW = len(schema.migrations())  # the version that this irpd's journals have
SECOND = schema.Migration(
    NOW + 1, "0008_second", "CREATE TABLE second (x); INSERT INTO second VALUES (1), (2);"
)
THIRD = schema.Migration(
    NOW + 2, "0009_third", "ALTER TABLE second ADD COLUMN y; UPDATE second SET y = x * 2;"
)
STEPS = (*schema.migrations(), SECOND, THIRD)


def tables(path: Path) -> tuple[int, list[tuple[object, ...]]]:
    db = sqlite3.connect(path)
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        names = [row[0] for row in db.execute("SELECT name FROM sqlite_schema")]
        return version, db.execute("SELECT * FROM second").fetchall() if "second" in names else []
    finally:
        db.close()


def test_migrations_are_applied_in_order_after_a_backup(opened: Opened, history: History, path: Path) -> None:
    journal = opened()
    journal.commit(history.opened(1))
    before = journal.load()
    journal.close()
    journal = opened(migrations=STEPS)
    assert journal.load() == before
    journal.close()
    assert tables(path) == (NOW + 2, [(1, 2), (2, 4)])
    kept = path.with_name(f"irpd.db.before-{NOW + 2}-2026-11-24")
    assert tables(kept) == (NOW, [])
    assert opened(kept).load() == before


def test_a_new_journal_is_migrated_without_a_backup(opened: Opened, path: Path) -> None:
    opened(migrations=STEPS).close()
    opened(migrations=STEPS).close()
    assert tables(path)[0] == NOW + 2
    assert not list(path.parent.glob("*before*"))


def test_a_migration_that_fails_leaves_the_journal_as_it_was(
    opened: Opened, history: History, path: Path
) -> None:
    journal = opened()
    journal.commit(history.opened(1))
    before = journal.load()
    journal.close()
    bad = schema.Migration(NOW + 2, "0009_bad", "INSERT INTO second VALUES (3); SELECT nonsense;")
    with pytest.raises(JournalError, match="nonsense"):
        opened(migrations=(*STEPS[:-1], bad))
    assert tables(path) == (NOW + 1, [(1,), (2,)]), "each step stands for itself"
    assert opened(migrations=STEPS).load() == before


def test_a_newer_journal_is_refused_and_left_alone(opened: Opened, history: History, path: Path) -> None:
    journal = opened(migrations=STEPS)
    journal.commit(history.opened(1))
    journal.close()
    content = path.read_bytes()
    with pytest.raises(JournalNewer, match=f"version {NOW + 2}, this irpd knows {NOW}"):
        opened()
    with pytest.raises(JournalNewer):
        schema.plan(path)
    assert path.read_bytes() == content


def test_the_plan_names_what_would_be_applied_and_changes_nothing(
    opened: Opened, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = schema.migrations()
    assert schema.plan(path) == list(first)
    assert not path.exists()
    opened().close()
    assert schema.plan(path) == []
    monkeypatch.setattr(schema, "migrations", lambda: STEPS)
    assert [step.name for step in schema.plan(path)] == ["0008_second", "0009_third"]
    assert tables(path) == (NOW, [])


def test_the_shipped_migrations_are_numbered_without_a_gap() -> None:
    steps = schema.migrations()
    assert [step.version for step in steps] == list(range(1, len(steps) + 1))


# ------------------------------------------------------------------ the WAL
def test_upkeep_keeps_the_wal_small(journal: SqliteJournal, history: History, path: Path) -> None:
    wal = path.with_name("irpd.db-wal")
    for number in range(1, 120):
        journal.commit(history.opened(number))
        if number % 10 == 0:
            journal.maintain(START)
    assert wal.stat().st_size < 4 * 1024 * 1024


def test_a_reader_in_another_process_does_not_stop_the_writer(
    journal: SqliteJournal, history: History, path: Path
) -> None:
    journal.commit(history.opened(1))
    reader = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM events").get == 4
    for number in range(2, 200):
        journal.commit(history.opened(number))
    journal.maintain(START)
    assert reader.execute("SELECT count(*) FROM events").get == 4
    reader.execute("COMMIT")
    assert reader.execute("SELECT count(*) FROM events").get == 4 * 199
    reader.close()


# ------------------------------------------------------------------ processes that are killed
CHILD = """
import os, signal, sys
from datetime import UTC, datetime
from irpd.engine.ports import Batch, Fact, Receipt
from irpd.journal import schema
from irpd.journal.sqlite import SqliteJournal
from irpd.model.event import Noted

path, point, at = sys.argv[1], sys.argv[2], int(sys.argv[3])
seen = 0

def kill(name):
    global seen
    if name == point:
        seen += 1
        if seen == at:
            os.kill(os.getpid(), signal.SIGKILL)

next = len(schema.migrations()) + 1
second = schema.Migration(next, "0008", "CREATE TABLE second (x); INSERT INTO second VALUES (1);")
journal = SqliteJournal(path, kill=kill, migrations=(*schema.migrations(), second))
journal.open()
loaded = journal.load()
now = datetime(2026, 11, 24, tzinfo=UTC)
for number in range(loaded.last_receipt + 1, loaded.last_receipt + 6):
    journal.commit(Batch(
        receipts=[Receipt(id=number, source="am", at=now, body=b"%d" % number, group="g")],
        facts=[Fact(subject=f"incident:{number}", event=Noted(text="x" * 5000), at=now)],
        counters={"n": number}, cursor=number,
    ))
    print(number, flush=True)
"""


@pytest.mark.parametrize("at", [1, 3, 5])
@pytest.mark.parametrize("point", ["before-commit", "after-commit"])
def test_a_killed_process_leaves_what_it_said_was_written(
    opened: Opened, path: Path, point: str, at: int
) -> None:
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(path), point, str(at)], capture_output=True, text=True, check=False
    )
    assert child.returncode == -9, child.stderr
    said = [int(line) for line in child.stdout.split()]
    assert said == list(range(1, at))
    there = at if point == "after-commit" else at - 1
    second = schema.Migration(NOW + 1, "0008", "SELECT 1")
    journal = opened(migrations=(*schema.migrations(), second))
    loaded = journal.load()
    assert (loaded.seq, loaded.cursor, loaded.last_receipt) == (there, there, there)
    assert loaded.counters == ({"n": there} if there else {})
    assert [r.body for r in journal.unconsumed(0, 10)] == [b"%d" % n for n in range(1, there + 1)]
    assert len(list(journal.facts())) == there


def test_a_process_killed_in_a_migration_leaves_the_version_before(
    opened: Opened, history: History, path: Path
) -> None:
    journal = opened()
    journal.commit(history.opened(1))
    before = journal.load()
    journal.close()
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(path), "in-migration", "1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.returncode == -9, child.stderr
    assert tables(path) == (NOW, [])
    assert opened().load() == before
