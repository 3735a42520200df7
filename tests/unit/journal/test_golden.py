"""Journals that earlier releases wrote: each is read for ever, and comes to the same rows.

A release adds its own with ``golden/make.py``. Files of releases are never changed.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from irpd.journal import codec
from irpd.journal.sqlite import SqliteJournal
from irpd.journal.verify import check_projection, verify_chain
from irpd.model.event import AnyEvent

Opened = Callable[..., SqliteJournal]
GOLDEN = sorted(Path(__file__).parent.glob("golden/*.sql"), key=lambda path: path.stem)


@pytest.fixture(params=GOLDEN, ids=lambda path: path.stem)
def golden(request: pytest.FixtureRequest, path: Path) -> Path:
    db = sqlite3.connect(path)
    db.executescript(request.param.read_text("utf-8"))
    db.close()
    return path


def test_an_earlier_releases_journal_verifies(golden: Path) -> None:
    report = verify_chain(golden)
    assert report.ok, report.problems
    assert report.events > 0


def test_an_earlier_releases_events_come_to_the_rows_it_kept(opened: Opened, golden: Path) -> None:
    """Unless the projection's version was raised, the rows are those of that release."""
    journal = opened()
    loaded = journal.load()
    assert loaded.incidents
    assert loaded.members
    journal.close()
    report = check_projection(golden)
    assert report.ok, report.differences


def test_silences_of_older_tables_are_read_before_and_after_the_migration(path: Path, opened: Opened) -> None:
    db = sqlite3.connect(path)
    db.executescript((Path(__file__).parent / "golden/0.1.1-tables-3.sql").read_text("utf-8"))
    assert [id for (id,) in db.execute("SELECT id FROM silences")] == [1, 2]
    db.close()
    assert check_projection(path).differences == [
        "the rows were made by another version of irpd; the next start makes them anew"
    ]
    journal = opened()
    loaded = journal.load()
    assert [(row.kind, row.key) for row in loaded.standing] == [("silence", "1"), ("silence", "2")]
    journal.close()
    db = sqlite3.connect(path)
    assert not db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'silences'").fetchall()
    db.execute("DELETE FROM standing WHERE key = '2'")
    db.commit()
    db.close()
    assert check_projection(path).differences == ["silence 2: events make one, but it isn't stored"]


def test_an_earlier_releases_receipts_come_back(opened: Opened, golden: Path) -> None:
    journal = opened()
    bodies = [receipt.body for receipt in journal.unconsumed(0, 10)]
    assert len(bodies) == 3
    assert bodies[1] == bodies[0].replace(b"first", b"repeat")
    assert b"\xff\x00" in bodies[2]
    assert journal.latest_config() == ("0123456789ab", b"bundle")


def test_every_type_of_event_is_in_the_latest_golden_journal(path: Path) -> None:
    db = sqlite3.connect(path)
    db.executescript(GOLDEN[-1].read_text("utf-8"))
    names = "SELECT DISTINCT name FROM names JOIN events ON type = names.id"
    there = {row[0] for row in db.execute(names)}
    db.close()
    assert there == codec.TYPES
    assert len(codec.TYPES) == len(get_args(AnyEvent))
