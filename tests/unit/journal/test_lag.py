"""Signals' rows that are written later than their repeats."""

import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from harness.examples import examples
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from irpd.engine.ports import Batch
from irpd.journal import lag
from irpd.journal.reserve import Reserve
from irpd.journal.sqlite import SqliteJournal
from irpd.journal.verify import check_projection
from irpd.model import event as e
from irpd.model.incident import Member

Opened = Callable[..., SqliteJournal]
History = Any  # conftest's
START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


def stored_counts(journal: SqliteJournal) -> dict[int, int]:
    """What the rows on disk say, as they are."""
    query = "SELECT sid, coalesce(data ->> 'count', 1) FROM members"
    return dict(journal._connected().execute(query).fetchall())


def counts(members: dict[int, Member]) -> dict[int, int]:
    return {sid: member.count for sid, member in sorted(members.items())}


@pytest.fixture
def running(journal: SqliteJournal, history: History) -> SqliteJournal:
    """Three incidents, as the engine has it: loaded before the first batch."""
    journal.load()
    for number in (1, 2, 3):
        journal.commit(history.opened(number))
    return journal


def copied(path: Path, tmp_path: Path, name: str = "copy") -> Path:
    """The files as a crash leaves them."""
    copy = tmp_path / name / "irpd.db"
    copy.parent.mkdir()
    for suffix in ("", "-wal"):  # by another process: closing a file in this one drops SQLite's locks on it
        subprocess.run(["cp", f"{path}{suffix}", f"{copy}{suffix}"], check=True)
    return copy


def test_a_repeat_writes_its_record_and_no_row(running: SqliteJournal, history: History) -> None:
    for _ in range(5):
        running.commit(history.repeated(1, 2))
    assert stored_counts(running) == {1: 1, 2: 1, 3: 1}
    assert counts(running.load().members) == {1: 6, 2: 6, 3: 1}
    found = running.incident(2)
    assert found is not None
    assert found[1][0].count == 6
    member = running.issue("am/issue:1")
    assert member is not None
    assert (member.count, member.last_seen) == (6, history.at)


def test_upkeep_writes_the_rows_that_lag(running: SqliteJournal, history: History) -> None:
    running.commit(history.repeated(1, 2))
    running.maintain(START)
    assert stored_counts(running) == {1: 2, 2: 2, 3: 1}
    running.commit(history.repeated(2, 2))
    running.maintain(START + timedelta(seconds=30))
    assert stored_counts(running) == {1: 2, 2: 2, 3: 1}, "a round a minute is enough"
    running.maintain(START + timedelta(seconds=61))
    assert stored_counts(running) == {1: 2, 2: 3, 3: 2}


def test_a_crash_loses_no_repeat(
    running: SqliteJournal, opened: Opened, history: History, path: Path, tmp_path: Path
) -> None:
    running.commit(history.repeated(1, 1))
    running.maintain(START)
    running.commit(history.repeated(1, 3))
    # Written with another change of its own: it has the repeats before in it, and they must not count twice.
    running.commit(history.batch(("incident:2", e.SignalFired(sid=2))))
    running.commit(history.repeated(2, 1))
    expected = counts(running.load().members)
    copy = copied(path, tmp_path)
    assert check_projection(copy).ok
    again = opened(copy)
    assert counts(again.load().members) == expected == {1: 3, 2: 4, 3: 2}
    assert counts(again.load().members) == expected
    again.maintain(START + timedelta(hours=1))
    assert stored_counts(again) == expected
    assert counts(again.load().members) == expected


def test_a_stop_leaves_nothing_behind(
    running: SqliteJournal, opened: Opened, history: History, path: Path
) -> None:
    running.commit(history.repeated(1, 3))
    running.close()
    db = sqlite3.connect(path)
    assert db.execute("SELECT repeats FROM state").fetchone() == (13,)
    db.close()
    again = opened()
    assert stored_counts(again) == {1: 2, 2: 2, 3: 2}


def test_rows_of_an_incident_that_is_over_are_caught_up_too(
    running: SqliteJournal, opened: Opened, history: History, path: Path, tmp_path: Path
) -> None:
    running.commit(
        history.batch(
            (
                "incident:1",
                e.SignalJoined(
                    sid=4, n=2, key="am/4", source="am", title="x", service="checkout", status="resolved"
                ),
            )
        )
    )
    running.commit(history.repeated(4, 1))
    running.commit(history.closed(1))
    copy = copied(path, tmp_path)
    again = opened(copy)
    assert 4 not in again.load().members
    found = again.incident(1)
    assert found is not None
    assert [member.count for member in found[1]] == [2, 2]
    again.maintain(START)
    assert stored_counts(again)[4] == 2
    assert check_projection(copy).ok


def test_before_the_state_was_loaded_no_row_lags(
    running: SqliteJournal, opened: Opened, history: History, path: Path, tmp_path: Path
) -> None:
    """Whoever hasn't asked what lags must not say that nothing does."""
    running.commit(history.repeated(1, 3))
    again = opened(copied(path, tmp_path))
    again.commit(history.repeated(1, 1))
    for minutes in range(5):
        again.maintain(START + timedelta(minutes=minutes))
    assert counts(again.load().members) == {1: 3, 2: 2, 3: 2}


def test_after_a_reconnection_rows_go_on_to_lag(running: SqliteJournal, history: History) -> None:
    running.commit(history.repeated(1, 3))
    running.reconnect()
    running.commit(history.repeated(1, 2))
    assert stored_counts(running) == {1: 1, 2: 1, 3: 1}
    running.maintain(START)
    assert stored_counts(running) == {1: 3, 2: 3, 3: 2}


def test_a_round_is_written_in_pieces(
    running: SqliteJournal, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lag, "AT_A_TIME", 2)
    running.commit(history.repeated(1, 3))
    running.maintain(START)
    assert stored_counts(running) == {1: 2, 2: 2, 3: 1}
    assert running._connected().execute("SELECT repeats FROM state").get == 0
    running.commit(history.repeated(1, 3))
    running.maintain(START)
    assert stored_counts(running) == {1: 2, 2: 2, 3: 3}
    assert running._connected().execute("SELECT repeats FROM state").get == 13
    assert counts(running.load().members) == {1: 3, 2: 3, 3: 3}


def test_a_long_history_without_repeats_is_not_looked_through_again(
    running: SqliteJournal, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lag, "WORTH_SAYING", 10)
    running.maintain(START)
    assert running._connected().execute("SELECT repeats FROM state").get == 12


STEPS = ["open", "repeat", "repeat", "repeat", "fire", "close", "maintain", "load", "stop", "crash"]


@settings(
    max_examples=examples(40),
    phases=set(Phase) - {Phase.explain},
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_whatever_happens_rows_and_events_are_equal(
    tmp_path_factory: pytest.TempPathFactory, history: History, data: st.DataObject
) -> None:
    """Repeats, other changes, upkeep, loads, stops and crashes in any order."""
    story = type(history)()
    life = 0
    folder = tmp_path_factory.mktemp("lag")
    path = folder / "irpd.db"

    def another(at: Path) -> SqliteJournal:
        made = SqliteJournal(at, reserve=Reserve(at, size=4096, margin=0))
        made.open()
        return made

    journal = another(path)
    journal.load()
    now = START
    known = 0
    for _ in range(data.draw(st.integers(1, 20))):
        what = data.draw(
            st.sampled_from(
                ["open", "repeat", "repeat", "repeat", "fire", "close", "maintain", "load", "stop", "crash"]
            )
        )
        alive = [n for n in range(1, known + 1) if not story.rows.incident(n).closed_at]
        match what:
            case "open":
                known += 1
                journal.commit(story.opened(known))
            case "repeat" if known:
                first = data.draw(st.integers(1, known))
                journal.commit(story.repeated(first, data.draw(st.integers(1, known - first + 1))))
            case "fire" if alive:
                n = data.draw(st.sampled_from(alive))
                both = (
                    ("source:am", e.SignalsRepeated(sids=(1, known))),
                    (f"incident:{n}", e.SignalFired(sid=n)),
                )
                journal.commit(story.batch(*both))
            case "close" if alive:
                journal.commit(story.closed(data.draw(st.sampled_from(alive))))
            case "maintain":
                now += timedelta(seconds=data.draw(st.sampled_from([1, 61])))
                journal.maintain(now)
            case "load":
                journal.load()
            case "stop":
                journal.close()
                journal = another(path)
                if data.draw(st.booleans()):
                    journal.load()
            case "crash":
                life += 1
                old, path = path, folder / str(life) / "irpd.db"
                path.parent.mkdir()
                for suffix in ("", "-wal"):
                    if (file := old.with_name(f"irpd.db{suffix}")).exists():
                        shutil.copy(file, path.with_name(file.name))
                journal._lock.release()
                journal._disconnect()
                journal = another(path)
                if data.draw(st.booleans()):
                    journal.load()
        report = check_projection(path)
        assert report.ok, report.differences
    loaded = journal.load()
    assert all(member == story.rows.member(sid) for sid, member in loaded.members.items())
    assert all(incident == story.rows.incident(n) for n, incident in loaded.incidents.items())
    assert journal.commit(Batch()) == loaded.seq
    journal.close()
