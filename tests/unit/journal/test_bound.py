"""Receipts and the end of the chain: what was changed, taken out or put in beside the events is found."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from irpd.engine.ports import Batch, Fact, Receipt
from irpd.journal.sqlite import SqliteJournal
from irpd.journal.verify import verify_chain
from irpd.model.event import Noted, ReceiptTaken, SignalsRepeated

Opened = Callable[..., SqliteJournal]
START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
LONG = b'{"alerts": ["%s"], "reason": "%s"}'


def receipt(number: int, *, at: datetime = START, reason: bytes = b"", salt: bytes | None = None) -> Receipt:
    body = LONG % (b"x" * 600, reason or b"%d" % number)
    salt = b"salt of that day" if salt is None else salt
    return Receipt(id=number, source="am", at=at, body=body, group="g", salt=salt)


def taken(one: Receipt) -> Fact:
    return Fact(subject="source:am", event=ReceiptTaken(receipt=one.id, body=one.digest), at=one.at)


@pytest.fixture
def kept(journal: SqliteJournal, path: Path) -> Path:
    """Ten receipts, the first whole and the others differences to it; the sixth carried by repeats."""
    for number in range(1, 11):
        one = receipt(number)
        fact = taken(one)
        if number in (6, 7):
            fact = Fact(
                subject="source:am",
                event=SignalsRepeated(sids=(), receipt=0 if number == 7 else 6, body=one.digest),
                at=one.at,
            )
        journal.commit(Batch(receipts=[one], facts=[fact], cursor=number))
    journal.close()
    return path


def meddle(path: Path, *statements: str) -> None:
    db = sqlite3.connect(path)
    for statement in statements:
        assert db.execute(statement).rowcount, "the test must change something"
    db.commit()
    db.close()


def test_receipts_that_nobody_touched_are_as_they_were_received(kept: Path) -> None:
    report = verify_chain(kept)
    assert report.ok, report.problems
    assert report.receipts == 10


CHANGED = {
    "a difference": "UPDATE receipts SET body = CAST(replace(body, '4', '9') AS BLOB) WHERE id = 4",
    "one that repeats carry": "UPDATE receipts SET body = CAST(replace(body,'6','9') AS BLOB) WHERE id = 6",
    "one whose number nothing says": "UPDATE receipts SET body = CAST(replace(body, '7', '9') AS BLOB)"
    " WHERE id = 7",
    "a salt": "UPDATE receipts SET salt = zeroblob(16) WHERE id = 1",
    "the sender": "INSERT INTO names VALUES (99, 'zz'); UPDATE receipts SET source = 99 WHERE id = 1",
    "one less": "DELETE FROM receipts WHERE id = 4",
    "the newest less": "DELETE FROM receipts WHERE id = 10",
}


@pytest.mark.parametrize("what", sorted(CHANGED))
def test_a_receipt_that_was_meddled_with_is_named(kept: Path, what: str) -> None:
    meddle(kept, *CHANGED[what].split("; "))
    report = verify_chain(kept)
    assert not report.ok
    assert all("receipt" in problem for problem in report.problems)


def test_a_whole_body_that_was_changed_is_named_with_the_differences_to_it(kept: Path) -> None:
    meddle(kept, "UPDATE receipts SET body = CAST(replace(body, 'xx', 'yy') AS BLOB) WHERE id = 1")
    assert len(verify_chain(kept).problems) == 10


def test_a_receipt_that_no_event_knows_is_named(journal: SqliteJournal, path: Path) -> None:
    for number in (1, 2, 3):
        one = receipt(number)
        facts = [] if number == 2 else [taken(one)]
        journal.commit(Batch(receipts=[one], facts=facts, cursor=number))
    journal.close()
    assert verify_chain(path).problems == ["receipt 2 is stored, but no event was decided on it"]


def test_what_is_past_its_retention_is_missed_by_nobody(opened: Opened, path: Path) -> None:
    journal = opened(keep_receipts=3600.0)
    for number in range(1, 9):
        one = receipt(number, at=START + timedelta(minutes=20 * number))
        journal.commit(Batch(receipts=[one], facts=[taken(one)], cursor=number))
    journal.maintain(START + timedelta(hours=3))
    left = [one.id for one in journal.unconsumed(0, 20)]
    journal.close()
    assert left[0] == 1, "the body that others are differences to"
    assert len(left) < 8
    report = verify_chain(path)
    assert report.ok, report.problems
    assert report.receipts == len(left)


def test_a_receipt_from_before_they_were_bound_is_neither_wrong_nor_vouched_for(
    journal: SqliteJournal, path: Path
) -> None:
    for number in (1, 2, 3, 4):
        one = receipt(number, salt=b"" if number < 4 else None)
        journal.commit(Batch(receipts=[one], facts=[taken(one)] if number > 2 else [], cursor=number))
    journal.close()
    report = verify_chain(path)
    assert report.ok, report.problems
    assert report.receipts == 2


def test_one_stored_and_not_decided_yet_is_not_missing_in_the_chain(
    journal: SqliteJournal, path: Path
) -> None:
    one = receipt(1)
    journal.commit(Batch(receipts=[one], facts=[taken(one)], cursor=1))
    journal.commit(Batch(receipts=[receipt(2)]))
    journal.close()
    assert verify_chain(path).ok


def test_where_an_event_was_erased_nobody_is_blamed(journal: SqliteJournal, path: Path) -> None:
    for number in (1, 2, 3):
        one = receipt(number)
        journal.commit(Batch(receipts=[one], facts=[taken(one)], cursor=number))
    journal.erase(2)
    journal.close()
    report = verify_chain(path)
    assert report.ok, report.problems


def together(*those: Receipt) -> Fact:
    first, *others = those
    event = ReceiptTaken(receipt=first.id, body=first.digest, more=tuple(one.digest for one in others))
    return Fact(subject="source:am", event=event, at=first.at)


@pytest.fixture
def several(journal: SqliteJournal, path: Path) -> Path:
    """Five receipts: the second to the fourth were decided in one commit."""
    first, *middle, last = [receipt(number) for number in range(1, 6)]
    journal.commit(Batch(receipts=[first], facts=[taken(first)], cursor=1))
    journal.commit(Batch(receipts=middle, facts=[together(*middle)], cursor=4))
    repeats = SignalsRepeated(sids=(), receipt=5, body=last.digest)
    journal.commit(
        Batch(receipts=[last], facts=[Fact(subject="source:am", event=repeats, at=last.at)], cursor=5)
    )
    return path


def test_each_of_several_receipts_that_share_an_event_is_compared(several: Path) -> None:
    assert verify_chain(several).receipts == 5
    meddle(several, "UPDATE receipts SET body = CAST(replace(body, '3', '9') AS BLOB) WHERE id = 3")
    assert verify_chain(several).problems == ["receipt 3 is not what was received: it was changed"]
    meddle(several, "DELETE FROM receipts WHERE id IN (3, 4)")
    assert verify_chain(several).problems == [
        f"receipt {number} is missing, and older ones are there" for number in (3, 4)
    ]


def test_where_an_event_of_several_was_erased_nobody_is_blamed(several: Path, journal: SqliteJournal) -> None:
    journal.erase(2)
    report = verify_chain(several)
    assert report.ok, report.problems
    assert report.receipts == 2
    meddle(several, "UPDATE receipts SET body = CAST(replace(body, '5', '9') AS BLOB) WHERE id = 5")
    assert verify_chain(several).problems == ["receipt 5 is not what was received: it was changed"]


def test_a_changed_digest_breaks_the_chain_itself(kept: Path) -> None:
    meddle(
        kept,
        'UPDATE events SET payload = CAST(replace(payload, \'"body":"\', \'"body":"A\') AS BLOB)'
        " WHERE seq = 6",
    )
    assert any("chain breaks" in problem for problem in verify_chain(kept).problems)


@pytest.mark.parametrize("lost", [1, 3, 9])
def test_a_tail_that_was_cut_off_is_missed_without_a_head_noted_elsewhere(kept: Path, lost: int) -> None:
    meddle(
        kept,
        f"DELETE FROM events WHERE seq > {10 - lost}",
        f"DELETE FROM commits WHERE seq > {10 - lost}",
        f"DELETE FROM receipts WHERE id > {10 - lost}",
    )
    (problem,) = verify_chain(kept).problems
    assert f"cut off after event {10 - lost}" in problem
    assert ("the last event is" if lost == 1 else f"the last {lost} events are") in problem


def test_a_journal_with_nothing_left_in_it_is_missed_too(kept: Path) -> None:
    meddle(kept, "DELETE FROM events", "DELETE FROM commits", "DELETE FROM receipts")
    assert "the last 10 events are missing" in verify_chain(kept).problems[0]


def test_what_is_written_while_it_is_read_is_not_missed(opened: Opened, path: Path) -> None:
    """The end of the chain and what is said of it are read in one go."""
    journal = opened()
    journal.commit(Batch(facts=[Fact(subject="incident:1", event=Noted(text="x"), at=START)]))

    def write(seen: int, of: int) -> None:
        journal.commit(Batch(facts=[Fact(subject="incident:1", event=Noted(text="y"), at=START)]))

    assert verify_chain(path, progress=write).ok
    assert verify_chain(path).events == 2


def test_a_salt_serves_a_day_and_differences_share_it(opened: Opened, path: Path) -> None:
    journal = opened()
    salts = []
    for hours in (0, 1, 23, 25, 26):
        journal.maintain(START + timedelta(hours=hours))
        salts.append(journal.salt())
        one = receipt(len(salts), at=START + timedelta(hours=hours), salt=journal.salt())
        journal.commit(Batch(receipts=[one], facts=[taken(one)], cursor=one.id))
    assert [len(salt) for salt in salts] == [16] * 5
    assert salts[0] == salts[1] == salts[2] != salts[3] == salts[4]
    assert [one.salt for one in journal.unconsumed(0, 9)] == salts
    journal.close()
    db = sqlite3.connect(path)
    stored = [salt for (salt,) in db.execute("SELECT salt FROM receipts ORDER BY id")]
    db.close()
    assert stored == [salts[0], None, None, salts[3], None]
    assert verify_chain(path).ok
    assert opened().salt() not in salts


def test_a_body_with_another_salt_is_no_difference(journal: SqliteJournal) -> None:
    for number in (1, 2):
        journal.commit(Batch(receipts=[receipt(number, salt=b"%016d" % number)]))
    assert [one.salt for one in journal.unconsumed(0, 9)] == [b"%016d" % 1, b"%016d" % 2]


def test_the_digest_says_who_sent_what() -> None:
    one = receipt(1, salt=b"s" * 16)
    others = [
        receipt(1, salt=b"t" * 16), receipt(1, salt=b"s" * 16, reason=b"other"),
        Receipt(id=1, source="a", at=START, body=b"m" + one.body, salt=one.salt),
    ]  # fmt: skip
    assert len({one.digest, *(other.digest for other in others)}) == 4
    assert receipt(2, salt=b"s" * 16, reason=b"1").digest != one.digest, "nobody sees what repeats"
