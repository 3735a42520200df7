"""What every journal promises, asked of each adapter."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest
from harness.examples import examples
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from irpd.engine.ports import (
    Batch,
    Fact,
    Journal,
    JournalError,
    JournalHeld,
    Loaded,
    Receipt,
)
from irpd.journal.memory import MemoryJournal, Storage
from irpd.journal.reserve import Reserve
from irpd.journal.sqlite import SqliteJournal
from irpd.model.event import ClockJumped, ConfigLoaded, Noted, SignalsRepeated, Started
from irpd.model.incident import Incident, LevelBy, Member, MemberStatus, State
from irpd.model.level import Level
from irpd.model.page import Page, PageKind, Send, SendState
from irpd.model.waits import Silence, WaitKind, Waits
from irpd.protocol.evolve import evolve
from irpd.protocol.rows import Rows

START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


class Killed(BaseException):
    """The process dies here."""


class Disk(Protocol):
    """Something that outlives a journal object."""

    def journal(self, kill: Callable[[str], None] = ...) -> Journal: ...
    def crash(self, journal: Journal) -> None:
        """The journal's process is gone, without a word."""


def alive(point: str) -> None:
    pass


class MemoryDisk:
    def __init__(self, folder: Path) -> None:
        self.storage = Storage()

    def journal(self, kill: Callable[[str], None] = alive) -> Journal:
        return MemoryJournal(self.storage, kill=kill)

    def crash(self, journal: Journal) -> None:
        assert isinstance(journal, MemoryJournal)
        journal.crash()


class SqliteDisk:
    """A crash leaves the files as they are: later journals get a copy of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lives = 0
        self.left: list[Journal] = []

    def path(self) -> Path:
        return self.folder / str(self.lives) / "irpd.db"

    def journal(self, kill: Callable[[str], None] = alive) -> Journal:
        self.path().parent.mkdir(parents=True, exist_ok=True)
        return SqliteJournal(self.path(), kill=kill, reserve=Reserve(self.path(), size=64 * 1024))

    def crash(self, journal: Journal) -> None:
        old = self.path()
        self.lives += 1
        self.path().parent.mkdir()
        for suffix in ("", "-wal"):
            if (file := old.with_name(old.name + suffix)).exists():
                self.path().with_name(file.name).write_bytes(file.read_bytes())
        self.left.append(journal)  # it must not close, and so checkpoint, before it was copied
        journal.close()


DISKS = {"memory": MemoryDisk, "sqlite": SqliteDisk}


@pytest.fixture(params=sorted(DISKS))
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Disk:
    made: Disk = DISKS[request.param](tmp_path)
    return made


@pytest.fixture
def journal(disk: Disk) -> Iterator[Journal]:
    opened = disk.journal()
    opened.open()
    yield opened
    opened.close()


def note(text: str = "x", *, incident: int = 1, minutes: float = 0) -> Fact:
    return Fact(subject=f"incident:{incident}", event=Noted(text=text), at=START + timedelta(minutes=minutes))


def repeat(first: int = 1, count: int = 1, *, source: str = "am") -> Fact:
    return Fact(subject=f"source:{source}", event=SignalsRepeated(sids=(first, count)), at=START)


def receipt(number: int, body: bytes = b"{}", **more: object) -> Receipt:
    return Receipt(id=number, source="am", at=START + timedelta(seconds=number), body=body, **more)  # type: ignore[arg-type]


def incident(
    number: int = 1, *, state: State = State.OPEN, firing: int = 1, title: str = "It burns"
) -> Incident:
    return Incident(
        number=number,
        title=title,
        services=("checkout",),
        level=Level.HIGH,
        level_by=LevelBy("default"),
        opened_at=START,
        state=state,
        firing=firing,
        members=1,
    )


def member(sid: int = 1, *, of: int = 1, key: str = "am/f00", **more: object) -> Member:
    return Member(
        sid=sid,
        incident=of,
        n=1,
        key=key,
        source="am",
        status=MemberStatus.FIRING,
        title="It burns",
        service="checkout",
        first_seen=START,
        last_seen=START,
        **more,  # type: ignore[arg-type]
    )


def page(id: str = "1-1", *, of: int = 1, live: bool = True, state: SendState = SendState.PENDING) -> Page:
    return Page(
        id=id,
        incident=of,
        person="ada",
        kind=PageKind.PAGE,
        reason="step",
        requested_at=START,
        expires_at=START + timedelta(hours=4),
        sends=(Send(n=1, channel="mail", due_at=START, state=state),),
        live=live,
    )


def everything(journal: Journal) -> tuple[Loaded, list[Fact], list[Receipt], object]:
    loaded = journal.load()
    return loaded, list(journal.facts()), list(journal.unconsumed(0, 10_000)), journal.latest_config()


# ------------------------------------------------------------------ opening
def test_an_empty_journal_holds_nothing(journal: Journal) -> None:
    loaded = journal.load()
    assert (loaded.incidents, loaded.members, loaded.pages, loaded.counters) == ({}, {}, {}, {})
    assert (loaded.seq, loaded.head, loaded.cursor, loaded.last_receipt) == (0, bytes(32), 0, 0)
    assert loaded.last_at is None
    assert journal.head() == (0, bytes(32).hex())
    assert list(journal.facts()) == []
    assert journal.unconsumed(0, 10) == []
    assert journal.receipt(1) is None
    assert journal.config("h") is None
    assert journal.latest_config() is None
    assert journal.incident(1) is None
    assert journal.issue("s/issue:7") is None
    assert journal.reserve_ok


def test_two_processes_cannot_hold_the_same_journal(disk: Disk, journal: Journal) -> None:
    other = disk.journal()
    with pytest.raises(JournalHeld):
        other.open()
    journal.close()
    other.open()
    other.close()


def jumped(*, minutes: float) -> Fact:
    return Fact(subject="engine", event=ClockJumped(seconds=-3600.0), at=START + timedelta(minutes=minutes))


def test_its_time_is_that_of_the_last_event_and_goes_back_at_a_jump_alone(journal: Journal) -> None:
    def last() -> float:
        at = journal.load().last_at
        assert at is not None
        return (at - START).total_seconds() / 60

    journal.commit(Batch(facts=[note(minutes=60)]))
    journal.commit(Batch(facts=[note(minutes=1)]))
    assert last() == 60
    journal.commit(Batch(facts=[jumped(minutes=2)]))
    assert last() == 2
    journal.commit(Batch(facts=[note(minutes=3)]))
    assert last() == 3
    journal.commit(Batch(facts=[note(minutes=70), jumped(minutes=4), note(minutes=5)]))
    assert last() == 5


def test_what_was_committed_is_there_after_a_restart(disk: Disk, journal: Journal) -> None:
    journal.commit(
        Batch(
            receipts=[receipt(1), receipt(2)],
            facts=[note("a"), note("b", minutes=1), repeat()],
            incidents={1: incident()},
            members={1: member()},
            pages={"1-1": page()},
            counters={"incident": 1, "sid": 1},
            configs={"h": b"bundle"},
            cursor=1,
        )
    )
    before = everything(journal)
    journal.close()
    again = disk.journal()
    again.open()
    assert everything(again) == before
    loaded = before[0]
    assert loaded.incidents == {1: incident()}
    assert loaded.members == {1: member()}
    assert loaded.pages == {"1-1": page()}
    assert loaded.counters == {"incident": 1, "sid": 1}
    assert (loaded.seq, loaded.cursor, loaded.last_receipt) == (3, 1, 2)
    assert loaded.last_at == START + timedelta(minutes=1)
    assert again.head() == (3, loaded.head.hex())
    again.close()


# ------------------------------------------------------------------ history
def test_events_come_back_in_order_with_their_numbers(journal: Journal) -> None:
    assert journal.commit(Batch(facts=[note("a"), note("b", incident=2)])) == 2
    assert journal.commit(Batch(facts=[note("c", minutes=5)])) == 3
    found = list(journal.facts())
    assert [(f.seq, f.subject, f.at) for f in found] == [
        (1, "incident:1", START),
        (2, "incident:2", START),
        (3, "incident:1", START + timedelta(minutes=5)),
    ]
    assert [f.event for f in found] == [Noted(text="a"), Noted(text="b"), Noted(text="c")]
    assert [f.seq for f in journal.facts(after=1)] == [2, 3]


@pytest.mark.parametrize(
    "subject",
    [
        "incident:1",
        "incident:9007199254740993",
        "source:am",
        "config",
        "engine",
        "incident:007",
        "incident:x",
    ],
)
def test_one_subjects_history_is_its_own_events(journal: Journal, subject: str) -> None:
    other = Fact(subject="incident:2", event=Noted(text="other"), at=START)
    event = SignalsRepeated(sids=(1, 2)) if subject == "source:am" else Started(version="1")
    mine = Fact(subject=subject, event=event, at=START)
    journal.commit(Batch(facts=[other, mine, other, mine]))
    assert [(f.seq, f.subject) for f in journal.facts(subject=subject)] == [(2, subject), (4, subject)]
    assert [f.seq for f in journal.facts(subject=subject, after=2)] == [4]
    assert list(journal.facts(subject="nobody")) == []


def test_history_longer_than_a_piece_is_whole(journal: Journal) -> None:
    journal.commit(Batch(facts=[note(str(i), incident=1 + i % 2) for i in range(2_345)]))
    assert [f.seq for f in journal.facts()] == list(range(1, 2_346))
    assert len(list(journal.facts(subject="incident:1"))) == 1_173


def test_history_can_be_read_while_it_is_written(journal: Journal) -> None:
    journal.commit(Batch(facts=[note() for _ in range(1_500)]))
    reading = journal.facts()
    next(reading)
    journal.commit(Batch(facts=[note("late")]))
    assert len(list(reading)) >= 1_499


def test_each_commit_moves_the_head(journal: Journal) -> None:
    heads = [journal.head()[1]]
    for _ in range(3):
        journal.commit(Batch(facts=[note()]))
        heads.append(journal.head()[1])
    assert len(set(heads)) == 4
    journal.commit(Batch(receipts=[receipt(1)]))
    assert journal.head() == (3, heads[-1])


def test_an_empty_batch_changes_nothing(journal: Journal) -> None:
    journal.commit(Batch(facts=[note()]))
    before = everything(journal)
    assert journal.commit(Batch()) == 1
    assert everything(journal) == before


# ------------------------------------------------------------------ receipts
BODIES = [b"", b"{}", b"\x00\xff\xfe", b"x" * 100_000, bytes(range(256)) * 20]


def test_receipts_come_back_byte_for_byte(journal: Journal) -> None:
    receipts = [
        receipt(i + 1, body, headers={"x-kind": "a", "x-other": "ü"}, group="g" if i % 2 else "")
        for i, body in enumerate(BODIES + BODIES)
    ]
    journal.commit(Batch(receipts=receipts[:4]))
    journal.commit(Batch(receipts=receipts[4:]))
    assert [journal.receipt(r.id) for r in receipts] == receipts
    assert list(journal.unconsumed(0, 100)) == receipts


@pytest.mark.parametrize("alone", [True, False], ids=["a commit each", "one commit"])
def test_repeats_of_a_group_come_back_byte_for_byte(journal: Journal, alone: bool) -> None:
    def body(reason: str) -> bytes:
        return b'{"alerts":[' + b'{"labels":{"a":"b"}},' * 50 + b'],"reason":"' + reason.encode() + b'"}'

    receipts = [
        receipt(1, body("first"), group="g", headers={"k": "1"}),
        receipt(2, body("repeat"), group="g", headers={"k": "1"}),
        receipt(3, body("repeat"), group="other", headers={"k": "1"}),
        receipt(4, body("repeat"), group="g"),
        receipt(5, body("repeat"), group="g", headers={"k": "2"}),
        receipt(6, b"all new", group="g"),
        receipt(7, b"all new", group="g"),
        receipt(8, b"", group="g"),
        receipt(9, body("repeat"), group="g"),
    ]
    for batch in [[r] for r in receipts] if alone else [receipts]:
        journal.commit(Batch(receipts=batch))
    assert list(journal.unconsumed(0, 100)) == receipts


def test_unconsumed_receipts_are_those_above_the_cursor(journal: Journal) -> None:
    receipts = [receipt(i) for i in range(1, 8)]
    journal.commit(Batch(receipts=receipts, cursor=2))
    assert [r.id for r in journal.unconsumed(journal.load().cursor, 3)] == [3, 4, 5]
    assert [r.id for r in journal.unconsumed(6, 3)] == [7]
    journal.commit(Batch(facts=[note()]))
    assert journal.load().cursor == 2
    journal.commit(Batch(cursor=7))
    assert journal.unconsumed(journal.load().cursor, 3) == []


# ------------------------------------------------------------------ the projection
def test_only_what_is_not_over_is_loaded(journal: Journal) -> None:
    states = {
        1: incident(1),
        2: incident(2, state=State.RESOLVED, firing=0),
        3: incident(3, state=State.CLOSED, firing=0),
        4: incident(4, state=State.CLOSED, firing=1),
        5: incident(5, state=State.MERGED, firing=0),
    }
    journal.commit(
        Batch(
            incidents=states,
            members={n: member(n, of=n, key=f"am/{n}") for n in states},
            pages={f"{n}-1": page(f"{n}-1", of=n, live=False) for n in states},
        )
    )
    loaded = journal.load()
    assert sorted(loaded.incidents) == [1, 2, 4]
    assert sorted(loaded.members) == [1, 2, 4]
    assert sorted(loaded.pages) == ["1-1", "2-1", "4-1"]
    assert journal.incident(3) == (states[3], [member(3, of=3, key="am/3")], [page("3-1", of=3, live=False)])
    # It comes back when its row says so.
    journal.commit(Batch(incidents={3: incident(3)}))
    assert sorted(journal.load().members) == [1, 2, 3, 4]


def test_a_page_still_to_be_sent_is_loaded_whatever_became_of_its_incident(journal: Journal) -> None:
    journal.commit(
        Batch(
            incidents={3: incident(3, state=State.CLOSED, firing=0)},
            pages={
                "3-1": page("3-1", of=3),
                "3-2": page("3-2", of=3, state=SendState.DELIVERED),
                "3-3": page("3-3", of=3, live=False),
                "test-1": page("test-1", of=0),
            },
        )
    )
    assert sorted(journal.load().pages) == ["3-1", "test-1"]


def test_a_row_takes_the_place_of_the_one_before(journal: Journal) -> None:
    journal.commit(
        Batch(incidents={1: incident(), 2: incident(2)}, members={1: member()}, pages={"1-1": page()})
    )
    moved = member(of=2, text="moved")
    journal.commit(
        Batch(
            incidents={1: incident(title="Worse")},
            members={1: moved},
            pages={"1-1": page(state=SendState.FAILED)},
            counters={"a": 5},
        )
    )
    journal.commit(Batch(counters={"a": 6}))
    assert journal.incident(1) == (incident(title="Worse"), [], [page(state=SendState.FAILED)])
    assert journal.incident(2) == (incident(2), [moved], [])
    assert journal.load().counters == {"a": 6}


def test_an_issue_is_found_by_its_newest_signal_also_out_of_memory_and_no_other_key_is(
    journal: Journal,
) -> None:
    issue = "sentry/issue:7"
    journal.commit(
        Batch(
            incidents={n: incident(n, state=State.CLOSED, firing=0) for n in (1, 2, 3)},
            members={
                1: member(1, key=issue),
                2: member(2, of=2, key=issue),
                3: member(3, of=2, key="sentry/issue:8"),
                4: member(4, of=3, key="am/f00"),
            },
        )
    )
    assert journal.issue(issue) == member(2, of=2, key=issue)
    assert journal.issue("sentry/issue:9") is None
    assert journal.issue("am/f00") is None


# ------------------------------------------------------------------ configurations
def test_the_latest_configuration_is_the_one_last_put_in_force(journal: Journal) -> None:
    def loaded(hash: str) -> Fact:
        return Fact(subject="config", event=ConfigLoaded(hash=hash), at=START)

    journal.commit(Batch(configs={"a": b"A"}, facts=[loaded("a")]))
    journal.commit(Batch(configs={"b": b"B"}, facts=[loaded("b")]))
    assert journal.latest_config() == ("b", b"B")
    journal.commit(Batch(facts=[loaded("a")]))
    assert journal.latest_config() == ("a", b"A")
    journal.commit(Batch(configs={"b": b"B"}))
    assert journal.latest_config() == ("b", b"B")
    journal.commit(Batch(facts=[loaded("never kept")]))
    assert journal.latest_config() == ("b", b"B")
    assert journal.config("a") == b"A"
    assert journal.config("never kept") is None


# ------------------------------------------------------------------ all of it or nothing
BAD = {
    "a receipt twice": Batch(receipts=[receipt(3)]),
    "receipts out of order": Batch(receipts=[receipt(9), receipt(8)]),
    "a cursor past the last receipt": Batch(cursor=4),
    "a row under another number": Batch(incidents={7: incident(8)}),
    "a signal under another number": Batch(members={7: member(8)}),
    "a page under another id": Batch(pages={"7-1": page("8-1")}),
    "a time without its zone": Batch(
        facts=[Fact(subject="incident:1", event=Noted(text="x"), at=START.replace(tzinfo=None))]
    ),
    "a number that is none": Batch(
        facts=[Fact(subject="engine", event=ClockJumped(seconds=float("nan")), at=START)]
    ),
    "a subject that is no text": Batch(
        facts=[Fact(subject="source:\ud800", event=Noted(text="x"), at=START)]
    ),
    "a counter too large": Batch(counters={"a": 2**70}),
}


@pytest.mark.parametrize("what", sorted(BAD))
def test_a_batch_that_cannot_be_stored_is_refused_whole(journal: Journal, what: str) -> None:
    journal.commit(Batch(facts=[note()], receipts=[receipt(1), receipt(3)], cursor=1))
    before = everything(journal)
    bad = BAD[what]
    bad = Batch(
        facts=[note("before"), *bad.facts, note("after")],
        receipts=bad.receipts,
        incidents={**bad.incidents, 50: incident(50)},
        members=bad.members,
        pages=bad.pages,
        counters=bad.counters,
        cursor=bad.cursor,
    )
    with pytest.raises(JournalError):
        journal.commit(bad)
    assert everything(journal) == before
    assert journal.commit(Batch(facts=[note()], receipts=[receipt(4)])) == 2


@pytest.mark.parametrize("point", ["before-commit", "after-commit"])
def test_a_process_that_dies_in_a_commit_leaves_all_of_it_or_nothing(disk: Disk, point: str) -> None:
    dying = False

    def kill(at: str) -> None:
        if dying and at == point:
            raise Killed

    journal = disk.journal(kill)
    journal.open()
    journal.commit(Batch(facts=[note("first")], receipts=[receipt(1)]))
    dying = True
    with pytest.raises(Killed):
        journal.commit(
            Batch(
                facts=[note("second")],
                receipts=[receipt(2)],
                incidents={1: incident()},
                members={1: member()},
                pages={"1-1": page()},
                counters={"a": 1},
                configs={"h": b"c"},
                cursor=2,
            )
        )
    disk.crash(journal)
    again = disk.journal()
    again.open()
    loaded = again.load()
    written = point == "after-commit"
    assert loaded.seq == again.reconnect() == (2 if written else 1)
    assert (loaded.cursor, loaded.last_receipt) == ((2, 2) if written else (0, 1))
    assert bool(loaded.incidents) == bool(loaded.members) == bool(loaded.pages) == written
    assert bool(loaded.counters) == bool(again.latest_config()) == written
    assert len(list(again.facts())) == loaded.seq
    assert again.commit(Batch(facts=[note("third")])) == loaded.seq + 1
    again.close()


def test_what_a_caller_does_with_its_values_later_does_not_reach_the_journal(journal: Journal) -> None:
    labels, headers, counters = {"a": "b"}, {"h": "1"}, {"n": 1}
    given = receipt(1, headers=headers)
    journal.commit(
        Batch(
            incidents={1: incident()},
            members={1: member(labels=labels)},
            receipts=[given],
            counters=counters,
        )
    )
    labels["a"] = headers["h"] = "changed"
    counters["n"] = 2
    loaded = journal.load()
    assert loaded.members[1].labels == {"a": "b"}
    assert loaded.counters == {"n": 1}
    kept = journal.receipt(1)
    assert kept is not None
    assert kept.headers == {"h": "1"}
    loaded.members[1].labels["a"] = "changed"
    loaded.incidents.clear()
    assert journal.load().members[1].labels == {"a": "b"}
    assert journal.load().incidents == {1: incident()}


def test_text_that_is_not_unicode_is_kept_readable(journal: Journal) -> None:
    journal.commit(
        Batch(
            facts=[note("a\ud800b\U0001f525")],
            incidents={1: incident(title="\udcff")},
            receipts=[receipt(1, headers={"h": "\udce9"}, group="g\udce9")],
        )
    )
    (fact,) = journal.facts()
    assert fact.event == Noted(text="a\ufffdb\U0001f525")
    assert journal.load().incidents[1].title == "\ufffd"
    kept = journal.receipt(1)
    assert kept is not None
    assert (kept.body, kept.group, dict(kept.headers)) == (b"{}", "g\ufffd", {"h": "\ufffd"})


def test_upkeep_of_a_fresh_journal_changes_nothing(journal: Journal) -> None:
    journal.maintain(START)
    journal.commit(Batch(facts=[note()], receipts=[receipt(1)], incidents={1: incident()}, cursor=1))
    before = everything(journal)
    journal.maintain(START + timedelta(days=1))
    assert everything(journal) == before
    assert journal.reconnect() == 1
    assert everything(journal) == before


# ------------------------------------------------------------------ any sequence
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
BODY = st.one_of(
    st.binary(max_size=40),
    st.builds(
        lambda reason: b'{"alerts": [' + b"0123456789" * 20 + b"], " + reason + b"}", st.binary(max_size=9)
    ),
)


def named(facts: list[Fact]) -> set[int]:
    """The signals that repeats name."""
    runs = [fact.event.sids for fact in facts if isinstance(fact.event, SignalsRepeated)]
    return {sid for first, count in runs for sid in range(first, first + count)}


@st.composite
def batches(draw: st.DrawFn) -> list[Batch]:
    """Batches as an engine could make them."""
    out: list[Batch] = []
    known = Rows()
    last_receipt = consumed = 0
    for _ in range(draw(st.integers(1, 8))):
        receipts = []
        for _ in range(draw(st.integers(0, 3))):
            last_receipt += draw(st.integers(1, 2))
            receipts.append(receipt(last_receipt, draw(BODY), group=draw(st.sampled_from(["", "g", "h"]))))
        consumed = draw(st.integers(consumed, last_receipt))
        facts = [
            draw(
                st.one_of(
                    st.builds(note, TEXTS, incident=st.integers(1, 4), minutes=st.integers(0, 9)),
                    st.builds(repeat, st.integers(1, 5), st.integers(1, 5)),
                )
            )
            for _ in range(draw(st.integers(0, 4)))
        ]
        # A signal that only repeats has the row that its repeats make of it; others may have any.
        layer = Rows(known)
        for fact in facts:
            if isinstance(fact.event, SignalsRepeated):
                evolve(layer, fact.subject, fact.event, fact.at)
        numbers = draw(st.sets(st.integers(1, 4), max_size=3)) - named(facts)
        for n in numbers:
            layer.put_member(member(n, of=draw(st.integers(1, 4)), key=f"am/issue:{n}"))
        known.absorb(layer)
        out.append(
            Batch(
                receipts=receipts,
                facts=facts,
                incidents={
                    n: incident(n, state=draw(st.sampled_from(list(State))), firing=draw(st.integers(0, 1)))
                    for n in numbers
                },
                members=layer.members,
                pages={f"{n}-1": page(f"{n}-1", of=n, live=draw(st.booleans())) for n in numbers},
                counters={"incident": draw(st.integers(0, 9))},
                configs=draw(st.dictionaries(st.sampled_from("ab"), st.binary(max_size=4), max_size=2)),
                cursor=draw(st.sampled_from([consumed, None])),
            )
        )
    return out


def state_of(journal: Journal) -> dict[str, object]:
    """Everything but the chain's head, whose salts are random."""
    loaded, facts, receipts, config = everything(journal)
    return {
        "incidents": loaded.incidents,
        "members": loaded.members,
        "pages": loaded.pages,
        "counters": loaded.counters,
        "numbers": (loaded.seq, loaded.cursor, loaded.last_receipt, loaded.last_at),
        "facts": facts,
        "receipts": receipts,
        "config": config,
        "each": [journal.incident(n) for n in range(1, 5)],
        "keys": [journal.issue(f"am/issue:{n}") for n in range(1, 5)],
    }


@settings(
    max_examples=examples(60),
    phases=set(Phase) - {Phase.explain},
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(batches=batches(), data=st.data())
def test_a_crash_at_any_point_leaves_what_was_committed(
    tmp_path_factory: pytest.TempPathFactory, batches: list[Batch], data: st.DataObject
) -> None:
    """Both adapters go through the same batches, crash at the same points, and agree with each other."""
    disks: list[Disk] = [MemoryDisk(Path()), SqliteDisk(tmp_path_factory.mktemp("crash"))]
    point, dying = "", False

    def kill(at: str) -> None:
        if dying and at == point:
            raise Killed

    journals = [disk.journal(kill) for disk in disks]
    for journal in journals:
        journal.open()
    for batch in batches:
        point = data.draw(st.sampled_from(["", "", "before-commit", "after-commit"]))
        dying = bool(point)
        before = state_of(journals[0])
        for place, disk in enumerate(disks):
            if dying:
                with pytest.raises(Killed):
                    journals[place].commit(batch)
                disk.crash(journals[place])
                journals[place] = disk.journal(kill)
                journals[place].open()
            else:
                journals[place].commit(batch)
        dying = False
        if data.draw(st.booleans()):
            for journal in journals:
                journal.maintain(START)
        after = [state_of(journal) for journal in journals]
        assert after[0] == after[1]
        if point == "before-commit":
            assert after[1] == before
            for journal in journals:
                journal.commit(batch)
    for journal in journals:
        journal.close()


# ------------------------------------------------------------------ what waits, and silences
def waiting(sid: int, *, ended: bool = False) -> Member:
    waits = Waits(kind=WaitKind.SILENCE, by="1", because="upgrade", author="asha", since=START, before=7)
    return Member(
        sid=sid, incident=0, n=0, key=f"am/{sid}", source="am", title="x", service="s", first_seen=START,
        last_seen=START, status=MemberStatus.RESOLVED if ended else MemberStatus.MUTED,
        waits=None if ended else waits,
    )  # fmt: skip


def silence(number: int) -> Silence:
    return Silence(
        id=number, match={"labels.job": ("pg",)}, by="asha", because="upgrade", since=START,
        until=START + timedelta(hours=number),
    )  # fmt: skip


def test_what_waits_and_the_silences_are_loaded_and_what_ended_is_not(disk: Disk) -> None:
    journal = disk.journal()
    journal.open()
    facts = [note()]
    journal.commit(
        Batch(
            facts=facts,
            members={1: waiting(1), 2: waiting(2)},
            standing={"silence": {"1": silence(1), "2": silence(2)}},
        )
    )
    journal.commit(
        Batch(
            facts=facts,
            members={2: waiting(2, ended=True)},
            standing={"silence": {"1": None, "2": silence(2)}},
        )
    )
    disk.crash(journal)
    again = disk.journal()
    again.open()
    loaded = again.load()
    assert loaded.members == {1: waiting(1)}
    assert loaded.standing == [silence(2)]
    again.close()


def test_a_small_row_under_another_name_than_its_own_is_refused(disk: Disk) -> None:
    journal = disk.journal()
    journal.open()
    with pytest.raises(JournalError, match="the row of silence 2 was given as silence 1"):
        journal.commit(Batch(facts=[note()], standing={"silence": {"1": silence(2)}}))
    assert journal.load().standing == []
    journal.close()
