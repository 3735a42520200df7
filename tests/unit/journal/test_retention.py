"""How long receipts stay, what they take, and that none goes while another needs it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from harness.examples import examples
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from irpd.engine.ports import Batch, Fact, Receipt
from irpd.journal import receipts
from irpd.journal.reserve import Reserve
from irpd.journal.sqlite import SqliteJournal
from irpd.model.event import SignalsRepeated

Opened = Callable[..., SqliteJournal]
START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
ALERTS = b", ".join(b'{"fingerprint": "%016x", "labels": {"job": "checkout"}}' % n for n in range(40))


def body(reason: str, group: str = "g") -> bytes:
    head = f'{{"groupKey": "{group}", "notification_reason": "{reason}", "alerts": ['
    return head.encode() + ALERTS + b"]}\n"


def receipt(
    number: int, *, hours: float = 0, reason: str = "", group: str = "g", more: bytes = b""
) -> Receipt:
    at = START + timedelta(hours=hours)
    return Receipt(id=number, source="am", at=at, body=body(reason, group) + more, group=group)


def left(journal: SqliteJournal) -> list[int]:
    return [r.id for r in journal.unconsumed(0, 100_000)]


def stored(journal: SqliteJournal) -> int:
    value = journal._connected().execute("SELECT receipt_bytes FROM state").get
    assert isinstance(value, int)
    return value


def counted(journal: SqliteJournal) -> int:
    """What the receipts take, counted one by one."""
    query = (
        "SELECT coalesce(sum(length(body) + coalesce(length(headers), 0) + coalesce(length(sender_group), 0)"
        f" + {receipts.OVERHEAD}), 0) FROM receipts"
    )
    value = journal._connected().execute(query).get
    assert isinstance(value, int)
    return value


def whole(journal: SqliteJournal) -> list[int]:
    return [
        row[0]
        for row in journal._connected().execute("SELECT id FROM receipts WHERE base IS NULL ORDER BY id")
    ]


# ------------------------------------------------------------------ what is kept whole
def test_a_groups_repeats_are_differences_to_one_whole_body(journal: SqliteJournal) -> None:
    given = [receipt(n, reason="first" if n == 1 else "repeat", hours=n / 12) for n in range(1, 100)]
    for one in given:
        journal.commit(Batch(receipts=[one]))
    assert whole(journal) == [1]
    assert list(journal.unconsumed(0, 1000)) == given
    assert stored(journal) == counted(journal) < len(given[0].body) + 100 * (receipts.OVERHEAD + 12)


def test_a_whole_body_is_kept_anew_each_day(journal: SqliteJournal) -> None:
    for n in range(1, 74):
        journal.commit(Batch(receipts=[receipt(n, hours=n)]))
    assert whole(journal) == [1, 25, 49, 73]


def test_after_a_restart_each_group_begins_with_a_whole_body(opened: Opened) -> None:
    for life in range(3):
        journal = opened()
        journal.commit(Batch(receipts=[receipt(2 * life + 1), receipt(2 * life + 2)]))
        journal.close()
    assert whole(opened()) == [1, 3, 5]


def test_groups_beyond_the_memory_for_them_are_kept_whole(opened: Opened) -> None:
    journal = opened(bodies_in_memory=10 * len(body("")))
    number = 0
    for _ in range(2):
        for group in range(40):
            number += 1
            journal.commit(Batch(receipts=[receipt(number, group=f"g{group}")]))
    assert len(whole(journal)) == 80
    assert journal._bases._bytes <= 10 * len(body(""))


def test_a_clock_that_went_back_makes_no_difference_to_the_future(journal: SqliteJournal) -> None:
    given = [receipt(1, hours=5), receipt(2, hours=0), receipt(3, hours=6)]
    for one in given:
        journal.commit(Batch(receipts=[one]))
    assert list(journal.unconsumed(0, 9)) == given
    assert whole(journal) == [1, 2]


# ------------------------------------------------------------------ what goes
def test_old_receipts_go_and_young_ones_stay(opened: Opened) -> None:
    journal = opened(keep_receipts=86_400.0)
    for n in range(1, 21):
        journal.commit(Batch(receipts=[receipt(n, hours=n * 6, group="")], cursor=n))
    journal.maintain(START + timedelta(hours=120 + 1))
    assert left(journal) == [17, 18, 19, 20]
    assert stored(journal) == counted(journal)
    journal.maintain(START + timedelta(days=365))
    assert left(journal) == []
    assert stored(journal) == counted(journal) == 0
    # Numbers are never given twice.
    assert journal.load().last_receipt == 20
    assert journal.commit(Batch(receipts=[receipt(21)], cursor=21)) == 0


def test_what_has_not_taken_effect_stays_however_old_it_is(opened: Opened) -> None:
    journal = opened(keep_receipts=60.0, keep_receipts_bytes=0)
    journal.commit(Batch(receipts=[receipt(n, group="") for n in range(1, 11)], cursor=4))
    journal.maintain(START + timedelta(days=365))
    assert left(journal) == [5, 6, 7, 8, 9, 10]
    journal.commit(Batch(cursor=9))
    journal.maintain(START + timedelta(days=365))
    assert left(journal) == [10]


def test_the_oldest_go_when_there_are_too_many_bytes(opened: Opened) -> None:
    one = len(body("")) + receipts.OVERHEAD
    journal = opened(keep_receipts_bytes=10 * 200)
    incompressible = [receipt(n, group="", more=b"") for n in range(1, 31)]
    for r in incompressible:
        journal.commit(Batch(receipts=[r], cursor=r.id))
    each = stored(journal) // 30
    assert each < one
    journal.maintain(START)
    assert left(journal) == list(range(31 - 2000 // each, 31))
    assert stored(journal) == counted(journal) <= 2000


def test_a_whole_body_stays_while_a_difference_to_it_does(opened: Opened) -> None:
    journal = opened(keep_receipts=3600.0)
    given = [receipt(n, hours=n) for n in range(1, 6)]
    for one in given:
        journal.commit(Batch(receipts=[one], cursor=one.id))
    journal.maintain(START + timedelta(hours=5, minutes=30))
    assert left(journal) == [1, 5]
    assert journal.receipt(5) == given[4]
    # It may still serve: the group goes on repeating.
    later = receipt(6, hours=6)
    journal.commit(Batch(receipts=[later], cursor=6))
    journal.maintain(START + timedelta(hours=6, minutes=30))
    assert left(journal) == [1, 6]
    assert journal.receipt(6) == later


def test_a_whole_body_that_nothing_needs_any_more_goes(opened: Opened) -> None:
    journal = opened(keep_receipts=3600.0)
    for n in range(1, 4):
        journal.commit(Batch(receipts=[receipt(n)], cursor=n))
    journal.maintain(START + timedelta(hours=23))
    assert left(journal) == [1], "until tomorrow it may serve"
    journal.maintain(START + timedelta(hours=25))
    assert left(journal) == []
    assert journal._connected().execute("SELECT count(*) FROM bases").get == 0
    assert stored(journal) == counted(journal) == 0


def test_a_whole_body_of_an_earlier_life_goes_too(opened: Opened) -> None:
    journal = opened(keep_receipts=3600.0)
    for n in range(1, 4):
        journal.commit(Batch(receipts=[receipt(n)], cursor=n))
    journal.close()
    journal = opened(keep_receipts=3600.0)
    journal.commit(Batch(receipts=[receipt(4, hours=2)], cursor=4))
    journal.maintain(START + timedelta(hours=2, minutes=30))
    assert left(journal) == [4]


def test_a_whole_body_whose_place_another_took_goes_with_the_last_that_needs_it(opened: Opened) -> None:
    journal = opened(keep_receipts=3600.0)
    two, three = b"another body altogether" * 200, b"a third that is larger still" * 900
    given = [
        receipt(1),
        receipt(2),
        receipt(3, more=two),
        receipt(4, more=two),
        receipt(5, more=three, hours=20),
    ]
    for one in given:
        journal.commit(Batch(receipts=[one], cursor=one.id))
    journal.maintain(START + timedelta(hours=2))
    assert whole(journal) == [5], "3 was the base of 4 alone, 1 of 2 alone"
    assert left(journal) == [5]


def test_a_whole_body_that_memory_had_no_room_for_goes_with_the_last_that_needs_it(opened: Opened) -> None:
    journal = opened(keep_receipts=3600.0, bodies_in_memory=5 * len(body("")))
    given = [
        receipt(1),
        receipt(2),
        *(receipt(n, group=f"g{n}") for n in range(3, 20)),
        receipt(20, hours=20),
    ]
    for one in given:
        journal.commit(Batch(receipts=[one], cursor=one.id))
    journal.maintain(START + timedelta(hours=2))
    assert left(journal) == [20]


def test_after_a_reconnection_too_each_group_begins_with_a_whole_body(opened: Opened) -> None:
    journal = opened(keep_receipts=3600.0)
    for n in (1, 2):
        journal.commit(Batch(receipts=[receipt(n)], cursor=n))
    journal.reconnect()
    journal.commit(Batch(receipts=[receipt(3, hours=2)], cursor=3))
    journal.maintain(START + timedelta(hours=2))
    assert left(journal) == [3]
    assert journal.receipt(3) == receipt(3, hours=2)


def test_upkeep_does_a_bounded_piece_at_a_time(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipts, "SWEEP", 10)
    journal = opened(keep_receipts=60.0)
    journal.commit(Batch(receipts=[receipt(n, group="") for n in range(1, 36)], cursor=35))
    later = START + timedelta(days=1)
    seen = []
    for _ in range(5):
        journal.maintain(later)
        seen.append(len(left(journal)))
    assert seen == [25, 15, 5, 0, 0]


def test_upkeep_with_nothing_to_do_writes_nothing(opened: Opened, path: Path) -> None:
    journal = opened(keep_receipts=60.0, keep_receipts_bytes=0)
    journal.commit(Batch(receipts=[receipt(n) for n in range(1, 4)], cursor=3))
    journal.maintain(START + timedelta(hours=1))
    wal = path.with_name("irpd.db-wal")
    before = wal.read_bytes()
    for minutes in range(5):
        journal.maintain(START + timedelta(hours=1, minutes=minutes))
    assert wal.read_bytes() == before


@settings(
    max_examples=examples(40),
    phases=set(Phase) - {Phase.explain},
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_whatever_is_kept_comes_back_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Any mix of groups, changes, times, restarts and upkeep; the journal against a dict."""
    path = tmp_path_factory.mktemp("retention") / "irpd.db"

    def another() -> SqliteJournal:
        made = SqliteJournal(
            path,
            keep_receipts=86_400.0,
            keep_receipts_bytes=20_000,
            bodies_in_memory=4 * len(body("")),
            reserve=Reserve(path, size=4096, margin=0),
        )
        made.open()
        return made

    journal = another()
    given: dict[int, Receipt] = {}
    number, hours = 0, 0.0
    for _ in range(data.draw(st.integers(1, 25))):
        match data.draw(st.sampled_from(["receive", "receive", "receive", "maintain", "restart"])):
            case "receive":
                batch = []
                for _ in range(data.draw(st.integers(1, 4))):
                    number += 1
                    hours += data.draw(st.sampled_from([0.0, 0.1, 7.0]))
                    batch.append(
                        receipt(
                            number,
                            hours=hours,
                            group=data.draw(st.sampled_from(["", "a", "b", "c"])),
                            reason=data.draw(st.sampled_from(["first", "repeat"])),
                            more=data.draw(st.sampled_from([b"", b"x" * 3000])),
                        )
                    )
                given |= {r.id: r for r in batch}
                journal.commit(Batch(receipts=batch, cursor=data.draw(st.sampled_from([number, None]))))
            case "maintain":
                journal.maintain(START + timedelta(hours=hours))
            case "restart":
                journal.close()
                journal = another()
        kept = list(journal.unconsumed(0, 1000))
        assert kept == [given[r.id] for r in kept]
        assert stored(journal) == counted(journal)
        cursor = journal.load().cursor
        fresh = {n for n, r in given.items() if r.at > START + timedelta(hours=hours - 24)}
        small = stored(journal) <= 20_000
        assert {n for n in given if n > cursor} <= {r.id for r in kept}
        if small and sum(len(r.body) for r in given.values()) < 20_000:
            assert fresh <= {r.id for r in kept}
    # In the end everything that took effect can go.
    journal.commit(Batch(cursor=number))
    for _ in range(3):
        journal.maintain(START + timedelta(hours=hours + 24 * 30))
    assert left(journal) == []
    assert stored(journal) == 0
    journal.close()


# ------------------------------------------------------------------ what a day takes
def test_a_day_of_repeats_stays_within_its_bytes(journal: SqliteJournal, path: Path) -> None:
    """1,000 alerts that repeat every 5 minutes, each a group, a request and a commit of its own, may add
    50 MB in a day: 173 bytes each. Measured here over a few hundred of the 288,000."""
    groups, rounds = 250, 3
    number = 0

    def round_of(reason: str, at: datetime) -> None:
        nonlocal number
        for group in range(groups):
            number += 1
            one = Receipt(
                id=number, source="am", at=at, body=body(reason, f"g{group}"), group=f"{{}}:{{a={group}}}",
                salt=journal.salt(),
            )  # fmt: skip
            repeated = SignalsRepeated(sids=(100_000 + group, 1), body=one.digest)
            said = Fact(subject="source:am", event=repeated, at=at)
            journal.commit(Batch(receipts=[one], facts=[said], cursor=number))

    round_of("first notification", START)
    journal._checkpoint()
    before = path.stat().st_size
    for n in range(rounds):
        round_of("repeat interval elapsed", START + timedelta(minutes=5 * n + 5))
    journal._checkpoint()
    each = (path.stat().st_size - before) / (groups * rounds)
    assert each < 173, f"{each:.1f} bytes"


def test_what_a_repeat_takes_does_not_depend_on_the_body(journal: SqliteJournal) -> None:
    large = b"y" * 200_000

    def row(number: int) -> Any:
        return journal._connected().execute("SELECT length(body) FROM receipts WHERE id = ?", (number,)).get

    journal.commit(Batch(receipts=[receipt(1, reason="first", more=large)]))
    journal.commit(Batch(receipts=[receipt(2, reason="repeat", more=large)]))
    assert row(2) < 16
