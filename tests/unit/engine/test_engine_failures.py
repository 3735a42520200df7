"""The journal can't write, or deciding raises: nothing is lost, nothing counts twice, somebody is paged."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import structlog
from harness.house import changed

from irpd.engine.batch import CommandFailed
from irpd.engine.ports import JournalError, JournalFull, JournalUnavailable
from irpd.engine.upkeep import say_whether_full
from irpd.model import command as c
from irpd.model.incident import MemberStatus, State
from irpd.model.page import SendState

FULL = JournalFull("no space")
LOST = JournalUnavailable("I/O error")


async def upkeep(bench: Any) -> None:
    """The engine's own look at the journal, which it has every second."""
    bench.engine._inbox.wakeup.set()
    await bench.until(lambda: not bench.engine.full and not bench.engine.down)


# ------------------------------------------------------------------ full
async def test_full_reports_are_refused_and_peoples_commands_go_on(bench: Any) -> None:
    await bench.receive(("a", "firing"))
    bench.journal.reserve = False
    bench.journal.fail(FULL)
    with pytest.raises(JournalFull):
        await bench.receive(("b", "firing"))
    with pytest.raises(JournalFull):
        await bench.receive(("c", "firing"))
    answer: Any = await bench.engine.submit(c.Acknowledge(incident=1, by="asha"))
    assert answer.changed
    assert bench.journal.batches[-1].urgent
    recorded = await bench.engine.submit(c.RecordSend(page="1-1", send=1, state=SendState.OBSOLETE))
    assert recorded is True
    assert list(bench.engine.state.incidents) == [1]
    assert list(bench.journal.storage.receipts) == [1]


async def test_full_in_the_middle_of_a_batch_the_urgent_ones_are_tried_again_alone(
    bench: Any,
) -> None:
    await bench.receive(("a", "firing"))
    await bench.closed_gate()
    report = bench.later(("b", "firing"))
    await bench.until(lambda: bench.engine.waiting == 1)
    person = bench.submit(c.Acknowledge(incident=1, by="asha"))
    await bench.until(lambda: bench.engine.waiting == 2)
    bench.journal.reserve = False
    bench.journal.gate.set()
    await bench.first
    bench.journal.fail(FULL)
    results = await asyncio.gather(report, person, return_exceptions=True)
    assert not isinstance(results[1], BaseException)
    assert bench.engine.state.incidents[1].state is State.ACKNOWLEDGED


async def test_full_and_the_reserve_is_used_up_peoples_commands_are_refused_once_tried(bench: Any) -> None:
    await bench.receive(("a", "firing"))
    bench.journal.reserve = False
    bench.journal.fail(FULL, times=2)
    with pytest.raises(JournalFull):
        await bench.engine.submit(c.Acknowledge(incident=1, by="asha"))
    assert bench.engine.state.incidents[1].state is State.OPEN


async def test_when_there_is_room_again_reports_are_taken_again(bench: Any) -> None:
    bench.journal.reserve = False
    bench.journal.fail(FULL)
    with pytest.raises(JournalFull):
        await bench.receive(("a", "firing"))
    bench.journal.reserve = True
    await bench.until(lambda: not bench.engine.full)
    assert (await bench.receive(("a", "firing"))).incidents == (1,)


async def test_full_the_path_goes_on_in_the_reserve(bench: Any) -> None:
    await bench.receive(("a", "firing"))
    bench.journal.reserve = False
    bench.journal.fail(FULL)
    await bench.forward(300)
    assert bench.engine.full
    assert bench.paged() == ["asha", "chi"]
    assert bench.journal.batches[-1].urgent
    await bench.forward(600)
    assert bench.engine.full
    assert bench.paged() == ["asha", "chi", "dora"]


async def test_a_deadline_for_which_the_reserve_has_no_room_comes_again(bench: Any) -> None:
    await bench.receive(("a", "firing"))
    bench.journal.reserve = False
    bench.journal.fail(FULL, times=4)
    with structlog.testing.capture_logs() as lines:
        await bench.forward(300)
        assert bench.paged() == ["asha"]
        await bench.forward(1)
        assert bench.paged() == ["asha"]
        await bench.forward(1)
    assert bench.paged() == ["asha", "chi"]
    said = [line["event"] for line in lines if line["log_level"] == "error"]
    assert said == ["journal-full", "journal-reserve-used-up"]


async def test_a_person_is_not_refused_because_the_reserve_has_no_room_for_a_deadline(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.receive(("a", "firing"))
    await bench.receive(("b", "firing"))
    bench.journal.reserve = False
    bench.journal.fail(FULL)
    with pytest.raises(JournalFull):
        await bench.receive(("c", "firing"))
    commit, pages = bench.journal.commit, []

    def only_small(batch: Any) -> int:
        if "1-2" in batch.pages:
            pages.append("1-2")
            raise FULL
        return int(commit(batch))

    monkeypatch.setattr(bench.journal, "commit", only_small)
    bench.clock.forward(300)
    for _ in range(2):  # whosever turn it is
        assert bench.engine._wake(1)
        await bench.engine.submit(c.Acknowledge(incident=2, by="asha"))
        await bench.idle()
    assert bench.engine.state.incidents[2].state is State.ACKNOWLEDGED
    assert len(pages) == 4, "each deadline was tried too"


async def test_the_operators_hear_of_a_full_disk_once_and_that_it_is_over(bench: Any) -> None:
    bench.journal.reserve = False
    bench.journal.fail(FULL)
    with pytest.raises(JournalFull):
        await bench.receive(("a", "firing"))
    await bench.until(lambda: bench.engine.state.incidents)
    incident = bench.engine.state.incidents[1]
    assert (incident.title, bench.paged()) == ("The journal's disk is full", ["olga"])
    assert bench.journal.batches[-1].urgent
    assert await say_whether_full(bench.engine, bench.engine._rows, told=True)
    assert bench.engine.state.members_of(1)[0].count == 1
    bench.engine.full = False  # as after a start on the disk that is full yet
    assert not await say_whether_full(bench.engine, bench.engine._rows, told=False)
    assert bench.engine.state.members_of(1)[0].status is MemberStatus.FIRING
    bench.journal.reserve = True
    await bench.until(lambda: bench.engine.state.members_of(1)[0].status is MemberStatus.RESOLVED)


async def test_operators_that_could_not_be_told_of_a_full_disk_are_told_once_they_can(bench: Any) -> None:
    bench.journal.reserve = False
    bench.journal.fail(FULL, times=3)
    with pytest.raises(JournalFull):
        await bench.receive(("a", "firing"))
    assert not await say_whether_full(bench.engine, bench.engine._rows, told=False)
    assert bench.engine.state.incidents == {}
    assert await say_whether_full(bench.engine, bench.engine._rows, told=False)
    assert bench.paged() == ["olga"]


async def test_what_is_held_back_stays_so_while_the_disk_is_full(bench: Any) -> None:
    until = bench.clock.now() + timedelta(minutes=5)
    await bench.engine.submit(
        c.AddSilence(by="asha", match={"service": ("checkout",)}, until=until, because="x")
    )
    await bench.receive(("a", "firing"))
    bench.journal.reserve = False
    bench.engine.full = True
    await bench.forward(301)
    assert all(one.title != "a" for one in bench.engine.state.incidents.values())
    bench.journal.reserve = True
    await bench.until(lambda: not bench.engine.full)
    await bench.forward(2)
    await bench.until(lambda: any(one.title == "a" for one in bench.engine.state.incidents.values()))


async def test_an_adoption_on_a_full_disk_is_refused_and_the_configuration_stays(bench: Any) -> None:
    bench.journal.reserve = False
    bench.journal.fail(FULL)
    with pytest.raises(JournalFull):
        await bench.engine.adopt(changed(title=("title: Bare,", "title: Barer,")), b"x", by="asha")
    assert bench.engine.policy is bench.policy
    assert not bench.engine.down


# ------------------------------------------------------------------ unavailable
@pytest.mark.parametrize("written", [False, True])
async def test_unavailable_the_sender_is_refused_and_its_retry_counts_as_what_it_is(
    bench: Any, written: bool
) -> None:
    bench.journal.fail(LOST, written=written)
    with pytest.raises(JournalUnavailable):
        await bench.receive(("a", "firing"))
    await upkeep(bench)
    assert list(bench.engine.state.incidents) == ([1] if written else [])
    accepted = await bench.receive(("a", "firing"))
    assert accepted.incidents == (1,)
    assert accepted.outcomes == ({"updates": 1} if written else {"opens": 1})
    assert bench.paged() == ["asha"]
    assert accepted.receipt == (2 if written else 1)


async def test_while_it_is_unavailable_everything_is_refused_early_and_nothing_is_decided(bench: Any) -> None:
    await bench.receive(("a", "firing"))
    bench.journal.fail(LOST, times=1000)
    with pytest.raises(JournalUnavailable):
        await bench.receive(("b", "firing"))
    with pytest.raises(JournalUnavailable):
        await bench.receive(("c", "firing"))
    with pytest.raises(JournalUnavailable):
        await bench.engine.submit(c.Acknowledge(incident=1, by="asha"))
    assert list(bench.engine.state.incidents) == [1]
    bench.journal.recover()
    answer: Any = await bench.engine.submit(c.Acknowledge(incident=1, by="asha"))
    assert answer.changed
    assert not bench.engine.down


@pytest.mark.parametrize("written", [False, True])
async def test_a_deadline_that_fell_into_an_outage_comes_again(bench: Any, written: bool) -> None:
    await bench.receive(("a", "firing"))
    bench.journal.fail(LOST, written=written)
    await bench.forward(300)
    await upkeep(bench)
    await bench.forward(2)
    await bench.until(lambda: bench.paged() == ["asha", "chi"])
    await bench.forward(600)
    assert bench.paged() == ["asha", "chi", "dora"]


async def test_a_backlog_survives_an_outage_and_each_receipt_counts_once(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("irpd.engine.engine.STORE_ONLY_ABOVE", 2)
    await bench.closed_gate()
    tasks = [bench.later((f"k{n}", "firing")) for n in range(10)]
    await bench.until(lambda: bench.engine.waiting == 10)
    commit = bench.journal.commit
    calls = []

    def third_fails(batch: Any) -> int:
        calls.append(batch)
        if len(calls) == 2:
            bench.journal.fail(LOST, written=True)
        return int(commit(batch))

    monkeypatch.setattr(bench.journal, "commit", third_fails)
    bench.journal.gate.set()
    await asyncio.gather(*tasks)
    await upkeep(bench)
    await bench.idle()
    assert [member.count for member in bench.engine.state.members.values()] == [1] * 11


async def test_an_outage_with_a_backlog_does_not_ask_for_the_journal_without_a_pause(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("irpd.engine.engine.STORE_ONLY_ABOVE", 2)
    monkeypatch.setattr(bench.journal, "unconsumed", unavailable)
    await bench.closed_gate()
    tasks = [bench.later((f"k{n}", "firing")) for n in range(5)]
    await bench.until(lambda: bench.engine.waiting == 5)
    bench.journal.gate.set()
    await asyncio.gather(*tasks)
    monkeypatch.setattr(bench.journal, "reconnect", lambda: counted.append(1) or unavailable())
    counted: list[int] = []
    await bench.until(lambda: bench.engine.down)
    await bench.until(lambda: counted)
    for _ in range(200):
        await asyncio.sleep(0)
    assert len(counted) <= 3
    monkeypatch.undo()
    await upkeep(bench)
    await bench.idle()
    assert len(bench.engine.state.incidents) == 6


def unavailable(*_: Any) -> Any:
    raise LOST


async def test_it_stops_though_the_journal_is_gone(benches: Callable[..., Any]) -> None:
    bench = await benches().start()
    bench.journal.fail(LOST, times=10_000)
    with pytest.raises(JournalUnavailable):
        await bench.receive(("a", "firing"))
    async with asyncio.timeout(30):
        await bench.engine.stop()
    bench.journal.recover()
    bench.engine = bench._engine()
    await bench.start()


async def test_an_error_of_the_journal_that_nobody_foresaw_does_not_end_the_loop(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def surprise(_: Any) -> int:
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr(bench.journal, "commit", surprise)
    with pytest.raises(JournalUnavailable, match="nobody foresaw"):
        await bench.receive(("a", "firing"))
    monkeypatch.undo()
    await upkeep(bench)
    assert (await bench.receive(("a", "firing"))).incidents == (1,)


# ------------------------------------------------------------------ what can't be stored
def poisoned(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal refuses any batch that speaks of the key ``poison``."""
    commit = bench.journal.commit

    def refuses(batch: Any) -> int:
        if any("poison" in member.key for member in batch.members.values()):
            raise JournalError("the batch can't be stored: poison")
        return int(commit(batch))

    monkeypatch.setattr(bench.journal, "commit", refuses)


async def test_a_report_that_cant_be_stored_is_kept_and_somebody_is_paged_and_the_others_go_on(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    poisoned(bench, monkeypatch)
    await bench.closed_gate()
    tasks = [bench.later((key, "firing")) for key in ("x", "poison", "y")]
    await bench.until(lambda: bench.engine.waiting == 3)
    bench.journal.gate.set()
    answers = await asyncio.gather(*tasks)
    assert all(answer.incidents for answer in answers)
    titles = {incident.title for incident in bench.engine.state.incidents.values()}
    assert titles == {"under-way", "x", "A report of am could not be handled", "y"}
    assert len(bench.journal.storage.receipts) == 4
    assert not bench.engine.down


async def test_a_stored_receipt_that_cant_be_decided_holds_the_others_up_for_no_time(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    poisoned(bench, monkeypatch)
    monkeypatch.setattr("irpd.engine.engine.STORE_ONLY_ABOVE", 2)
    await bench.closed_gate()
    tasks = [bench.later((key, "firing")) for key in ("x", "poison", "y", "z")]
    await bench.until(lambda: bench.engine.waiting == 4)
    bench.journal.gate.set()
    await asyncio.gather(*tasks)
    await bench.idle()
    titles = {incident.title for incident in bench.engine.state.incidents.values()}
    assert titles == {"under-way", "x", "A report of am could not be handled", "y", "z"}


async def test_a_command_that_cant_be_stored_fails_and_somebody_is_paged(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = bench.journal.commit

    def refuses(batch: Any) -> int:
        if any(type(fact.event).__name__ == "Noted" for fact in batch.facts):
            raise JournalError("the batch can't be stored: a note")
        return int(commit(batch))

    monkeypatch.setattr(bench.journal, "commit", refuses)
    await bench.receive(("a", "firing"))
    with pytest.raises(CommandFailed, match="a note"):
        await bench.engine.submit(c.Note(incident=1, by="asha", text="x"))
    assert bench.paged(2) == ["olga"]


# ------------------------------------------------------------------ deciding raises
def planted(*_: Any, **__: Any) -> Any:
    raise ZeroDivisionError("planted")


async def test_deciding_raises_somebody_is_paged_the_receipt_is_kept_and_the_loop_lives(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("irpd.protocol.receive.unknown", planted_for("a", bench))
    accepted = await bench.receive(("a", "firing"))
    assert accepted.incidents == (1,)
    incident = bench.engine.state.incidents[1]
    assert (incident.title, incident.level) == ("A report of am could not be handled", 2)
    assert bench.paged() == ["asha"]
    assert "planted" in bench.engine.state.members_of(1)[0].text
    assert bench.journal.storage.receipts[1]
    assert bench.journal.storage.cursor == 1
    assert (await bench.receive(("b", "firing"))).incidents == (2,)


def planted_for(key: str, bench: Any) -> Any:
    from irpd.protocol import placing

    real = placing.unknown

    def fails(draft: Any, source: str, found: str, *rest: Any) -> None:
        if found == f"am/{key}":
            raise ZeroDivisionError("planted")
        real(draft, source, found, *rest)

    return fails


async def test_setting_aside_raises_too_and_fallback_is_paged_by_every_channel(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("irpd.protocol.decide.receive", planted)
    monkeypatch.setattr("irpd.protocol.decide.open_incident", planted)
    accepted = await bench.receive(("a", "firing"))
    assert accepted.incidents == (1,)
    page = bench.engine.state.pages["1-1"]
    assert page.person == "emil"
    assert [send.channel for send in page.sends] == ["mail", "sms"]
    await bench.receive(("b", "firing"))
    assert list(bench.engine.state.incidents) == [1]
    await bench.forward(900)
    assert bench.paged() == ["emil", "emil"]


async def test_even_the_last_resort_raises_and_the_loop_lives(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("irpd.engine.batch.decide", planted)
    monkeypatch.setattr("irpd.engine.batch.emergency", planted)
    await bench.receive(("a", "firing"))
    assert [event.type for event in bench.journal.storage.events] == ["command-set-aside", "receipt-taken"]
    monkeypatch.undo()
    assert (await bench.receive(("a", "firing"))).incidents == (1,)


async def test_a_persons_command_that_raises_fails_with_an_answer_and_operators_are_paged(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.receive(("a", "firing"))
    monkeypatch.setattr("irpd.protocol.people.stop_paths", planted)
    with pytest.raises(CommandFailed, match=r"Acknowledge .*planted"):
        await bench.engine.submit(c.Acknowledge(incident=1, by="asha"))
    assert bench.engine.state.incidents[1].state is State.OPEN
    assert bench.paged(2) == ["olga"]


async def test_a_deadline_that_raises_comes_again_and_operators_are_paged(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.receive(("a", "firing"))
    monkeypatch.setattr("irpd.protocol.deadlines.fire_step", planted)
    await bench.forward(300)
    assert bench.paged(1) == ["asha"]
    assert bench.paged(2) == ["olga"]
    monkeypatch.undo()
    await bench.forward(60)
    await bench.until(lambda: bench.paged(1) == ["asha", "chi"])


@pytest.mark.parametrize("where", ["irpd.protocol.levels.level_for", "irpd.protocol.placing.group_for"])
async def test_a_rule_that_raises_pages_somebody_all_the_same(
    bench: Any, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr(where, planted)
    await bench.receive(("a", "firing"))
    assert bench.paged() == ["asha"]
    assert bench.engine.state.incidents[1].title == "a"


async def test_a_stored_receipt_whose_source_is_gone_is_kept_and_operators_are_paged(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("irpd.engine.engine.STORE_ONLY_ABOVE", 1)
    await bench.closed_gate()
    tasks = [
        bench.later(source="removed", gone=True),
        bench.later(("b", "firing")),
        bench.later(("c", "firing")),
    ]
    await bench.until(lambda: bench.engine.waiting == 3)
    bench.journal.gate.set()
    await asyncio.gather(*tasks)
    await bench.idle()
    assert {page.person for page in bench.engine.state.pages.values()} == {"asha", "olga"}
    assert len(bench.engine.state.incidents) == 4


@pytest.mark.parametrize(
    "what, place",
    [
        ("group", "irpd.protocol.placing.group_for"),
        ("service", "irpd.triage.service.ServiceIndex.service_for"),
        ("level", "irpd.protocol.levels.level_for"),
        ("waiting", "irpd.protocol.waiting._window"),
        ("schedule", "irpd.protocol.paging.persons_for"),
        ("hours", "irpd.protocol.paging.next_working"),
    ],
)
async def test_judgement_that_raises_and_is_made_up_for_is_logged_and_counted(
    bench: Any, monkeypatch: pytest.MonkeyPatch, what: str, place: str
) -> None:
    counted: list[str] = []
    bench.engine.on_defect(counted.append)
    monkeypatch.setattr("irpd.protocol.waiting.anything_mutes", lambda _draft: True)
    monkeypatch.setattr(place, planted)
    want = 3 if what == "hours" else 2
    with structlog.testing.capture_logs() as lines:
        assert (await bench.receive(("a", "firing"), want=want)).incidents == (1,)
    said = {(line["what"], line["error"]) for line in lines if line["event"] == "judgement-raised"}
    assert said == {(what, "ZeroDivisionError: planted")}
    assert set(counted) == {what}
    assert bench.paged(1)
