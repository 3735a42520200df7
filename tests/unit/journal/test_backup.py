"""Copies of a journal, and putting one back."""

import json
import os
import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
import pytest

from irpd.engine.ports import JournalCorrupt, JournalError, JournalHeld, JournalUnavailable
from irpd.journal import backup as backups
from irpd.journal.restore import restore
from irpd.journal.sqlite import SqliteJournal
from irpd.journal.verify import check_projection, verify_chain
from irpd.model.event import Noted

Opened = Callable[..., SqliteJournal]
History = Any  # conftest's
NOW = datetime(2026, 11, 25, 6, 30, tzinfo=UTC)


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    return tmp_path / "backups" / "monday.db"


@pytest.fixture
def backed_up(opened: Opened, history: History, backup: Path) -> SqliteJournal:
    """A closed journal whose first three incidents are in the backup, and a fourth isn't."""
    journal = opened()
    for number in range(1, 4):
        journal.commit(history.opened(number))
    backup.parent.mkdir()
    journal.backup(str(backup))
    journal.commit(history.opened(4))
    journal.commit(history.batch(("incident:1", Noted(text="after the backup"))))
    journal.close()
    return journal


# ------------------------------------------------------------------ making one
def test_a_backup_is_one_file_that_holds_everything(
    opened: Opened, backed_up: SqliteJournal, backup: Path
) -> None:
    assert sorted(file.name for file in backup.parent.iterdir()) == ["monday.db", "monday.db.json"]
    seal = json.loads(backup.with_name("monday.db.json").read_text())
    assert seal["seq"] == 12
    assert verify_chain(backup, seal["head"]).head_at == 12
    assert check_projection(backup).ok
    copy = opened(backup)
    assert copy.head() == (12, seal["head"])
    assert sorted(copy.load().incidents) == [1, 2, 3]
    assert copy.receipt(3) is not None


def test_a_backup_can_be_made_while_the_journal_is_written(
    opened: Opened, history: History, tmp_path: Path
) -> None:
    journal = opened()
    journal.commit(history.opened(1))
    stop = threading.Event()

    def write() -> None:
        number = 2
        while not stop.is_set():
            journal.commit(history.opened(number))
            if number % 20 == 0:
                journal.maintain(history.at)
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            target = tmp_path / f"{number}.db"
            journal.backup(str(target))
            seal = json.loads(target.with_name(f"{number}.db.json").read_text())
            chain = verify_chain(target)
            assert chain.ok, chain.problems
            assert (seal["seq"], seal["head"]) == (chain.events, chain.head)
            report = check_projection(target)
            assert report.ok, report.differences
    finally:
        stop.set()
        writer.join()


def test_a_backup_is_of_the_moment_it_was_begun(
    opened: Opened, history: History, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = opened()
    journal.commit(history.opened(1))
    pages = backups._pages

    def late(source: apsw.Connection, target: Path) -> None:
        journal.commit(history.opened(2))
        pages(source, target)

    monkeypatch.setattr(backups, "_pages", late)
    backup.parent.mkdir()
    journal.backup(str(backup))
    seal = json.loads(backup.with_name("monday.db.json").read_text())
    assert seal["seq"] == verify_chain(backup).events == 4


def test_a_backup_never_overwrites(backed_up: SqliteJournal, backup: Path) -> None:
    before = backup.read_bytes()
    with pytest.raises(JournalError, match="exists already"):
        backed_up.backup(str(backup))
    assert backup.read_bytes() == before


def test_a_backup_to_nowhere_says_so(backed_up: SqliteJournal, tmp_path: Path) -> None:
    with pytest.raises(JournalUnavailable, match="No such file"):
        backed_up.backup(str(tmp_path / "no" / "such" / "folder.db"))


def test_a_backup_that_fails_leaves_nothing_behind(
    opened: Opened, backed_up: SqliteJournal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("irpd.journal.backup.sync", full)
    target = tmp_path / "target" / "x.db"
    target.parent.mkdir()
    with pytest.raises(JournalUnavailable, match="No space left"):
        backed_up.backup(str(target))
    assert not list(target.parent.iterdir())


# ------------------------------------------------------------------ putting it back
def test_restoring_sets_the_old_journal_aside_and_says_what_is_lost(
    opened: Opened, backed_up: SqliteJournal, backup: Path, path: Path
) -> None:
    report = restore(backup, path, now=NOW)
    assert report.seq == 12
    assert (report.readable, report.same_history, report.lost_events) == (True, True, 5)
    assert [fact.seq for fact in report.lost] == [13, 14, 15, 16, 17]
    assert report.lost[-1].event == Noted(text="after the backup")
    journal = opened()
    assert journal.head() == (12, report.head)
    assert sorted(journal.load().incidents) == [1, 2, 3]
    assert report.aside == path.with_name("irpd.db.replaced-20261125T063000")
    assert report.aside is not None
    assert sorted(opened(report.aside).load().incidents) == [1, 2, 3, 4]


def test_restoring_where_there_is_no_journal(
    opened: Opened, backed_up: SqliteJournal, backup: Path, tmp_path: Path
) -> None:
    report = restore(backup, tmp_path / "new.db", now=NOW)
    assert (report.aside, report.lost_events, list(report.lost)) == (None, 0, [])
    assert sorted(opened(tmp_path / "new.db").load().incidents) == [1, 2, 3]


def test_restoring_refuses_while_a_daemon_holds_the_journal(
    opened: Opened, backed_up: SqliteJournal, backup: Path, path: Path
) -> None:
    journal = opened()
    with pytest.raises(JournalHeld):
        restore(backup, path, now=NOW)
    assert journal.head()[0] == 17


def test_a_journal_with_work_left_in_its_wal_is_set_aside_whole(
    opened: Opened, backed_up: SqliteJournal, backup: Path, path: Path, tmp_path: Path, history: History
) -> None:
    running = opened()
    running.commit(history.opened(5))
    crashed = tmp_path / "crashed" / "irpd.db"
    crashed.parent.mkdir()
    for suffix in ("", "-wal"):
        path.with_name(f"irpd.db{suffix}").rename(crashed.with_name(f"irpd.db{suffix}"))
    report = restore(backup, crashed, now=NOW)
    assert report.lost_events == 9
    assert report.aside is not None
    assert sorted(opened(report.aside).load().incidents) == [1, 2, 3, 4, 5]
    assert sorted(opened(crashed).load().incidents) == [1, 2, 3]


def test_an_old_journal_that_cannot_be_read_is_set_aside_all_the_same(
    opened: Opened, backed_up: SqliteJournal, backup: Path, path: Path
) -> None:
    path.write_bytes(b"not a database at all" * 500)
    report = restore(backup, path, now=NOW)
    assert not report.readable
    assert report.aside is not None
    assert report.aside.read_bytes().startswith(b"not a database")
    assert sorted(opened().load().incidents) == [1, 2, 3]


def test_a_backup_of_another_history_is_told_apart(
    opened: Opened, history: History, tmp_path: Path, path: Path
) -> None:
    other = opened(tmp_path / "other.db")
    batch = history.opened(1)
    other.commit(batch)
    other.backup(str(tmp_path / "other.backup"))
    journal = opened()
    journal.commit(batch)
    journal.close()
    assert not restore(tmp_path / "other.backup", path, now=NOW).same_history


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET payload = CAST(replace(payload, 'Problem', 'Nothing') AS BLOB)",
        "DELETE FROM events WHERE seq > 10",
        "DELETE FROM commits WHERE seq > 8",
    ],
)
def test_a_backup_that_does_not_verify_is_refused(
    opened: Opened, backed_up: SqliteJournal, backup: Path, path: Path, statement: str
) -> None:
    db = sqlite3.connect(backup)
    db.execute(statement)
    db.commit()
    db.close()
    before = path.read_bytes()
    with pytest.raises(JournalCorrupt, match=r"monday\.db"):
        restore(backup, path, now=NOW)
    assert path.read_bytes() == before
    assert not list(path.parent.glob("*restoring*"))


def test_a_backup_cut_back_to_an_earlier_commit_is_refused_by_what_stands_beside_it(
    backed_up: SqliteJournal, backup: Path, path: Path
) -> None:
    db = sqlite3.connect(backup)
    db.execute("DELETE FROM events WHERE seq > 8")
    db.execute("DELETE FROM commits WHERE seq > 8")
    db.commit()
    db.close()
    db = sqlite3.connect(backup)
    db.execute("UPDATE state SET seq = 8")
    db.commit()
    db.close()
    assert verify_chain(backup).ok, "by itself it can't be told"
    with pytest.raises(JournalCorrupt, match="don't belong together"):
        restore(backup, path, now=NOW)


def test_a_backup_that_is_not_there_is_named(path: Path, tmp_path: Path) -> None:
    with pytest.raises(JournalUnavailable, match=r"none\.db"):
        restore(tmp_path / "none.db", path, now=NOW)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_restored_by_root_the_journal_still_belongs_to_whom_the_daemon_runs_as(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    os.chown(folder, 4711, 4711)
    source = SqliteJournal(tmp_path / "one.db")
    source.open()
    source.backup(str(tmp_path / "backup.db"))
    source.close()
    restore(tmp_path / "backup.db", folder / "irpd.db", now=datetime.now(UTC))
    owners = {file.name: file.stat().st_uid for file in folder.iterdir()}
    assert set(owners.values()) == {4711}, owners
