"""The chain and the rows against the events, in a journal that somebody meddled with, or didn't."""

import sqlite3
import subprocess
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irpd.engine.ports import Fact, JournalError, JournalNewer, JournalUnavailable
from irpd.journal import chain
from irpd.journal.sqlite import SqliteJournal
from irpd.journal.verify import check_projection, verify_chain
from irpd.model.event import Noted

Opened = Callable[..., SqliteJournal]
History = Any  # conftest's
START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


@pytest.fixture
def written(journal: SqliteJournal, history: History, path: Path) -> SqliteJournal:
    """A closed journal with a bit of everything."""
    for number in range(1, 8):
        journal.commit(history.opened(number))
    journal.commit(history.sent(3))
    journal.commit(history.repeated(1, 7))
    journal.commit(history.closed(2))
    journal.commit(history.batch(("incident:1", Noted(text="secret words"))))
    journal.close()
    return journal


def meddle(path: Path, statement: str, *bindings: object) -> None:
    db = sqlite3.connect(path)
    changed = db.execute(statement, bindings).rowcount
    db.commit()
    db.close()
    assert changed, "the test must change something"


# ------------------------------------------------------------------ the chain
def test_an_untouched_chain_verifies(written: SqliteJournal, path: Path) -> None:
    seen: list[tuple[int, int]] = []
    report = verify_chain(path, progress=lambda at, of: seen.append((at, of)))
    assert report.ok, report.problems
    assert (report.events, report.erased) == (34, 0)
    assert report.head == written.head()[1]
    assert seen[-1] == (34, 34)


def test_an_empty_journal_verifies(opened: Opened, path: Path) -> None:
    opened().close()
    report = verify_chain(path)
    assert report.ok
    assert (report.events, report.head) == (0, chain.GENESIS.hex())
    assert check_projection(path).ok


TAMPERING = {
    "a payload": "UPDATE events SET payload = CAST(replace(payload, '3', '4') AS BLOB) WHERE seq = 9",
    "a time": "UPDATE events SET at = at + 1 WHERE seq = 9",
    "a subject": "UPDATE events SET subject = 1 WHERE seq = 9",
    "a type": "UPDATE events SET type = (SELECT id FROM names WHERE name = 'noted') WHERE seq = 9",
    "a version": "UPDATE events SET version = 2 WHERE seq = 9",
    "a version that is none": "UPDATE events SET version = -1 WHERE seq = 9",
    "a subject that is none": "UPDATE events SET subject = -999 WHERE seq = 9",
    "a salt": "UPDATE events SET salt = x'00' WHERE seq = 9",
    "a name": "UPDATE names SET name = 'source:b' WHERE name = 'source:am'",
    "an event less": "DELETE FROM events WHERE seq = 9",
    "the first event less": "DELETE FROM events WHERE seq = 1",
    "the last event less": "DELETE FROM events WHERE seq = 34",
    "a payload without its digest": "UPDATE events SET payload = NULL WHERE seq = 9",
    "an erased payload that never was": "UPDATE events SET digest = zeroblob(32) WHERE seq = 9",
    "a head": "UPDATE commits SET head = zeroblob(32) WHERE seq = 12",
    "the last head": "UPDATE commits SET head = zeroblob(32) WHERE seq = 34",
    "a commit that ends nowhere": "UPDATE commits SET seq = 90 WHERE seq = 34",
}


@pytest.mark.parametrize("what", sorted(TAMPERING))
def test_tampering_breaks_the_chain(written: SqliteJournal, path: Path, what: str) -> None:
    meddle(path, TAMPERING[what])
    report = verify_chain(path)
    assert not report.ok
    assert report.problems


def test_events_swapped_with_their_numbers_break_the_chain(written: SqliteJournal, path: Path) -> None:
    meddle(path, "UPDATE events SET seq = -1 WHERE seq = 9")
    meddle(path, "UPDATE events SET seq = 9 WHERE seq = 10")
    meddle(path, "UPDATE events SET seq = 10 WHERE seq = -1")
    assert not verify_chain(path).ok


def test_a_head_noted_elsewhere_is_found_in_the_chain(opened: Opened, history: History, path: Path) -> None:
    journal = opened()
    journal.commit(history.opened(1))
    seq, head = journal.head()
    journal.commit(history.opened(2))
    journal.close()
    assert verify_chain(path, head).head_at == seq
    assert verify_chain(path, head[:16].upper()).head_at == seq
    assert verify_chain(path, chain.GENESIS.hex()).head_at == 0
    for wrong in ("ab" * 32, head[:8]):
        report = verify_chain(path, wrong)
        assert not report.ok
        assert report.head_at is None


def test_a_journal_that_ends_before_a_noted_head_is_not_called_rewritten(
    opened: Opened, history: History, path: Path
) -> None:
    journal = opened()
    journal.commit(history.opened(1))
    last, head = journal.head()
    journal.close()
    (told,) = verify_chain(path, "ab" * 32, head_at=last + 7).problems
    assert told.endswith(f"noted after event {last + 7}, and the journal ends before it, with event {last}")
    (told,) = verify_chain(path, "ab" * 32).problems
    assert "ends before it (its last event is " in told
    assert "or what came before it was rewritten" in told
    (told,) = verify_chain(path, "ab" * 32, head_at=last).problems
    assert told.endswith(": what came before it was rewritten")
    (told,) = verify_chain(path, head, head_at=last - 1).problems
    assert told.endswith(f"after event {last}, not after event {last - 1}")


def test_a_rewritten_history_does_not_have_the_old_head(
    opened: Opened, history: History, tmp_path: Path
) -> None:
    first, second = opened(tmp_path / "a"), opened(tmp_path / "b")
    batch = history.opened(1)
    first.commit(batch)
    second.commit(batch)  # the same, with other salts
    assert not verify_chain(tmp_path / "b", first.head()[1]).ok


@given(parts=st.lists(st.text("ab:", max_size=3), min_size=2, max_size=2), cut=st.integers(0, 6))
def test_what_is_linked_cannot_be_cut_in_two_ways(parts: list[str], cut: int) -> None:
    """Subject and type are told apart: moving letters from one to the other gives another head."""
    whole = "".join(parts)
    other = (whole[:cut], whole[cut:])

    def head(subject: str, type: str) -> bytes:
        return chain.link(chain.GENESIS, seq=1, subject=subject, type=type, version=1, at=0, digest=bytes(32))

    assert (head(*parts) == head(*other)) == (tuple(parts) == other)


# ------------------------------------------------------------------ erasing
def test_an_erased_payload_is_gone_and_the_chain_still_verifies(
    opened: Opened, written: SqliteJournal, path: Path
) -> None:
    journal = opened()
    journal.erase(34)
    assert [f.seq for f in journal.facts(after=32)] == [33]
    for file in path.parent.glob("irpd.db*"):
        assert b"secret words" not in file.read_bytes(), file
    journal.close()
    report = verify_chain(path)
    assert report.ok, report.problems
    assert (report.events, report.erased) == (34, 1)
    assert report.head == written.head()[1]


def test_an_event_can_be_erased_to_one_without_what_had_to_go(
    opened: Opened, written: SqliteJournal, path: Path
) -> None:
    journal = opened()
    instead = Fact(subject="incident:1", event=Noted(text="[erased]"), at=START)
    journal.erase(34, instead)
    journal.erase(34, instead)
    assert [f.event for f in journal.facts(after=33)] == [Noted(text="[erased]")]
    with pytest.raises(LookupError):
        journal.erase(35)
    with pytest.raises(ValueError, match="opened"):
        journal.erase(1, instead)
    journal.close()
    report = verify_chain(path)
    assert report.ok, report.problems
    assert report.erased == 1
    assert check_projection(path).ok


# ------------------------------------------------------------------ the projection
def test_rows_and_events_of_an_untouched_journal_are_equal(written: SqliteJournal, path: Path) -> None:
    report = check_projection(path)
    assert report.ok, report.differences
    assert report.events == 34
    assert report.rows == 7 * 3 + 2


DIFFERENCES = {
    "UPDATE incidents SET data = CAST(replace(data, ':2', ':3') AS BLOB) WHERE number = 3": "3: level is",
    "UPDATE incidents SET live = 0 WHERE number = 3": "incident 3",
    "UPDATE incidents SET live = 1 WHERE number = 2": "incident 2",
    "UPDATE incidents SET data = x'7b' WHERE number = 3": "incident 3",
    "DELETE FROM incidents WHERE number = 3": "incident 3",
    "INSERT INTO incidents SELECT 70, live, data FROM incidents WHERE number = 3": "incident 70",
    "UPDATE members SET data = CAST(replace(data, ':2', ':3') AS BLOB) WHERE sid = 7": "signal 7: ",
    "UPDATE members SET incident = 1 WHERE sid = 7": "signal 7",
    "DELETE FROM members WHERE sid = 7": "signal 7",
    "DELETE FROM pages WHERE id = '3-1'": "page 3-1",
    "UPDATE pages SET awaited = 1 WHERE id = '3-1'": "page 3-1",
    "UPDATE counters SET value = 9 WHERE name = 'sid'": "counter sid",
    "DELETE FROM counters WHERE name = 'sid'": "counter sid",
    "DELETE FROM events WHERE seq = 1": "event 2",
    "UPDATE events SET payload = x'7b' WHERE seq = 34": "noted",
}


@pytest.mark.parametrize("statement", sorted(DIFFERENCES))
def test_a_difference_between_rows_and_events_is_named(
    written: SqliteJournal, path: Path, statement: str
) -> None:
    meddle(path, statement)
    report = check_projection(path)
    assert report.different == 1, report.differences
    assert DIFFERENCES[statement] in report.differences[0]


def test_only_the_first_hundred_differences_are_named(opened: Opened, history: History, path: Path) -> None:
    journal = opened()
    for number in range(1, 130):
        journal.commit(history.opened(number))
    journal.close()
    meddle(path, "DELETE FROM incidents")
    report = check_projection(path)
    assert (report.different, len(report.differences)) == (129, 100)


# ------------------------------------------------------------------ beside the daemon
def test_both_can_run_while_the_journal_is_written(opened: Opened, history: History, path: Path) -> None:
    journal = opened()
    for number in range(1, 50):
        journal.commit(history.opened(number))
    stop = threading.Event()

    def write() -> None:
        number = 50
        while not stop.is_set():
            journal.commit(history.opened(number))
            journal.commit(history.repeated(1, number))
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(5):
            chain_report, rows_report = verify_chain(path), check_projection(path)
            assert chain_report.ok, chain_report.problems
            assert rows_report.ok, rows_report.differences
            assert rows_report.events >= chain_report.events >= 196
    finally:
        stop.set()
        writer.join()


def test_a_journal_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    for check in (verify_chain, check_projection):
        with pytest.raises(JournalUnavailable, match="none"):
            check(tmp_path / "none")
    assert not list(tmp_path.iterdir())


def test_a_newer_journal_is_not_judged(written: SqliteJournal, path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(JournalNewer):
        verify_chain(path)


# ------------------------------------------------------------------ a copy from a crash
def test_a_copy_of_the_files_of_a_running_journal_verifies(
    journal: SqliteJournal, history: History, path: Path, tmp_path: Path
) -> None:
    for number in range(1, 30):
        journal.commit(history.opened(number))
    copy = tmp_path / "copy" / "irpd.db"
    copy.parent.mkdir()
    # In a process of its own: closing a file that SQLite has open would drop its locks.
    for suffix in ("", "-wal"):
        subprocess.run(["cp", f"{path}{suffix}", f"{copy}{suffix}"], check=True)
    assert verify_chain(copy).events == 29 * 4
    assert check_projection(copy).ok


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello" * 1000)
    with pytest.raises(JournalError):
        verify_chain(tmp_path / "text")
