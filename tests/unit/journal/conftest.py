"""A SQLite journal in a folder of its own, and histories as an engine would write them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from irpd.engine.ports import Batch, Fact, Receipt
from irpd.journal.reserve import Reserve
from irpd.journal.sqlite import SqliteJournal
from irpd.model import event as e
from irpd.model.incident import LevelBy, PathRun, Step
from irpd.model.page import Page, PageKind, Send, SendState
from irpd.protocol.evolve import evolve
from irpd.protocol.rows import Rows

START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
RESERVE = 256 * 1024


class History:
    """Makes events and, with them, the rows that they come to."""

    def __init__(self) -> None:
        self.rows = Rows()
        self.at = START
        self.receipts = 0

    def batch(self, *events: tuple[str, e.AnyEvent], receipts: int = 0, **more: Any) -> Batch:
        layer = Rows(self.rows)
        facts = []
        for subject, event in events:
            self.at += timedelta(seconds=1)
            evolve(layer, subject, event, self.at)
            facts.append(Fact(subject=subject, event=event, at=self.at))
        self.rows.absorb(layer)
        taken = [
            Receipt(id=self.receipts + n, source="am", at=self.at, body=b"{}") for n in range(1, receipts + 1)
        ]
        self.receipts += receipts
        return Batch(
            facts=facts,
            receipts=taken,
            incidents=layer.incidents,
            members=layer.members,
            pages=layer.pages,
            standing=layer.standing,
            counters=layer.counters,
            cursor=self.receipts,
            **more,
        )

    def opened(self, number: int) -> Batch:
        """An incident with one signal, its path and a page."""
        about = f"incident:{number}"
        page = Page(
            id=f"{number}-1",
            incident=number,
            person="ada",
            kind=PageKind.PAGE,
            reason="step",
            requested_at=self.at,
            expires_at=self.at + timedelta(hours=4),
            sends=(Send(n=1, channel="mail", due_at=self.at),),
        )
        run = PathRun(
            name="technical", kind="technical", steps=(Step(wait=300.0, person="ada"),), repeat=2, every=900.0
        )
        return self.batch(
            (
                about,
                e.Opened(
                    number=number,
                    title=f"Problem {number}",
                    services=("checkout",),
                    level=2,
                    level_by=LevelBy("default"),
                    evidence_level=2,
                    group=f"g{number}",
                ),
            ),
            (
                about,
                e.SignalJoined(
                    sid=number,
                    n=1,
                    key=f"am/issue:{number}",
                    source="am",
                    title=f"Problem {number}",
                    service="checkout",
                    labels={"instance": f"web-{number}"},
                ),
            ),
            (about, e.PathStarted(run=run)),
            (about, e.Paged(page=page)),
            receipts=1,
        )

    def sent(self, number: int) -> Batch:
        return self.batch(
            (
                f"incident:{number}",
                e.SendAttempted(page=f"{number}-1", send=1, state=SendState.DELIVERED, attempt=1),
            )
        )

    def repeated(self, *sids: int) -> Batch:
        return self.batch(("source:am", e.SignalsRepeated(sids=sids)), receipts=1)

    def closed(self, number: int) -> Batch:
        about = f"incident:{number}"
        return self.batch(
            (about, e.SignalResolved(sid=number)), (about, e.Resolved()), (about, e.Closed(by="ada"))
        )


@pytest.fixture
def history() -> History:
    return History()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "irpd.db"


@pytest.fixture
def opened(path: Path) -> Iterator[Callable[..., SqliteJournal]]:
    """Opens the journal at ``path`` (or another), as often as one likes."""
    made: list[SqliteJournal] = []

    def open_one(at: Path = path, **settings: Any) -> SqliteJournal:
        settings.setdefault("reserve", Reserve(at, size=RESERVE, margin=RESERVE))
        journal = SqliteJournal(at, **settings)
        made.append(journal)
        journal.open()
        return journal

    yield open_one
    for journal in made:
        journal.close()


@pytest.fixture
def journal(opened: Callable[..., SqliteJournal]) -> SqliteJournal:
    return opened()
