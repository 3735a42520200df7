"""Group commit, answers, backlog, restart: what is on disk when somebody hears that it is."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from harness.house import changed, plain, replayed

from irpd.engine.inbox import Overloaded
from irpd.model import command as c
from irpd.model import event as e
from irpd.model.command import Refusal
from irpd.model.incident import State
from irpd.model.page import SendState


async def test_what_waits_during_a_commit_shares_the_next_one(bench: Any) -> None:
    await bench.closed_gate()
    tasks = [bench.later((f"k{n}", "firing")) for n in range(20)]
    tasks.append(bench.submit(c.Open(by="asha", title="by hand", service="checkout")))
    await bench.until(lambda: bench.engine.waiting == 21)
    bench.journal.gate.set()
    await asyncio.gather(bench.first, *tasks)
    assert [len(batch.receipts) for batch in bench.journal.batches] == [1, 20]


async def test_nobody_hears_accepted_before_the_commit(bench: Any) -> None:
    await bench.closed_gate()
    task = bench.later(("a", "firing"))
    await bench.until(lambda: bench.engine.waiting == 1)
    assert not bench.first.done()
    assert not task.done()
    assert bench.engine.state.incidents == {}
    bench.journal.gate.set()
    assert (await bench.first).receipt == 1
    assert (await task).receipt == 2


async def test_receipt_events_rows_and_cursor_go_in_one_commit(bench: Any) -> None:
    accepted = await bench.receive(("a", "firing"))
    assert (accepted.receipt, accepted.incidents, accepted.outcomes) == (1, (1,), {"opens": 1})
    (batch,) = bench.journal.batches
    assert (len(batch.receipts), batch.cursor, list(batch.incidents), list(batch.pages)) == (
        1,
        1,
        [1],
        ["1-1"],
    )
    assert batch.facts
    assert bench.journal.storage.receipts[1].body == b'{"signals": [["a", "firing"]]}'


async def test_a_refused_command_writes_nothing_and_the_others_of_its_batch_stay(bench: Any) -> None:
    await bench.closed_gate()
    refused = bench.submit(c.Acknowledge(incident=77, by="asha"))
    kept = bench.later(("a", "firing"))
    await bench.until(lambda: bench.engine.waiting == 2)
    bench.journal.gate.set()
    with pytest.raises(Refusal, match="#77"):
        await refused
    assert (await kept).incidents == (2,)
    assert len(bench.journal.batches) == 2


async def test_a_command_that_changes_nothing_is_answered_without_a_commit(bench: Any) -> None:
    await bench.receive(("a", "firing"))
    await bench.engine.submit(c.Resolve(incident=1, by="asha"))
    before = len(bench.journal.batches)
    answer: Any = await bench.engine.submit(c.Acknowledge(incident=1, by="asha"))
    assert not answer.changed
    assert len(bench.journal.batches) == before


async def test_peoples_commands_go_before_reports(bench: Any) -> None:
    await bench.closed_gate()
    reports = [bench.later((f"k{n}", "firing")) for n in range(3)]
    await bench.until(lambda: bench.engine.waiting == 3)
    person = bench.submit(c.Open(by="asha", title="now", service="checkout"))
    await bench.until(lambda: bench.engine.waiting == 4)
    bench.journal.gate.set()
    answer: Any = await person
    assert answer.incident == 2
    assert [(await report).incidents for report in reports] == [(3,), (4,), (5,)]


async def test_what_was_committed_is_told_to_readers_after_it_is_on_disk(bench: Any) -> None:
    told: list[tuple[list[str], list[int], int]] = []
    bench.engine.on_publish(
        lambda pages, incidents: told.append(
            ([page.id for page in pages], [i.number for i in incidents], len(bench.journal.batches))
        )
    )
    await bench.receive(("a", "firing"))
    assert told == [(["1-1"], [1], 1)]


async def test_what_signals_came_to_is_told_once_for_each_source_of_a_commit(bench: Any) -> None:
    told: list[tuple[str, dict[str, int], int]] = []
    bench.engine.on_received(lambda source, what: told.append((source, dict(what.outcomes), what.unmapped)))
    await bench.closed_gate()
    waiting = [
        bench.later(("a", "firing"), ("b", "firing")),
        bench.later(("c", "firing"), ("a", "firing")),
        bench.later(("i", "firing"), source="other"),
        bench.later(("j", "firing"), source="other"),
    ]
    await bench.until(lambda: bench.engine.waiting == 4)
    bench.journal.gate.set()
    await asyncio.gather(*waiting)
    first, *together = told
    assert first == ("am", {"opens": 1}, 0)
    assert together == [("am", {"opens": 3, "updates": 1}, 0), ("other", {"opens": 2}, 0)]


async def test_a_callback_that_raises_stops_nothing(bench: Any) -> None:
    def raises(*_: Any) -> None:
        raise RuntimeError("planted")

    bench.engine.on_publish(raises)
    bench.engine.on_commit(raises)
    bench.engine.on_received(raises)
    assert (await bench.receive(("a", "firing"))).incidents == (1,)
    assert (await bench.receive(("b", "firing"))).incidents == (2,)


async def test_a_sender_that_hangs_up_changes_nothing_for_the_others(bench: Any) -> None:
    await bench.closed_gate()
    gone, kept = bench.later(("a", "firing")), bench.later(("b", "firing"))
    await bench.until(lambda: bench.engine.waiting == 2)
    gone.cancel()
    bench.journal.gate.set()
    assert (await kept).receipt == 3
    assert len(bench.engine.state.incidents) == 3


# ------------------------------------------------------------------ bounds
async def test_past_the_inboxs_limit_it_is_overloaded_and_peoples_commands_still_come_in(
    benches: Callable[..., Any],
) -> None:
    bench = await benches(inbox_limit=3).start()
    await bench.closed_gate()
    tasks = [bench.later((f"k{n}", "firing")) for n in range(3)]
    await bench.until(lambda: bench.engine.waiting == 3)
    with pytest.raises(Overloaded) as overloaded:
        await bench.receive(("more", "firing"))
    assert overloaded.value.retry_after > 0
    person = bench.submit(c.Open(by="asha", title="by hand", service="checkout"))
    await bench.until(lambda: bench.engine.waiting == 4)
    bench.journal.gate.set()
    await asyncio.gather(person, *tasks)


async def test_behind_it_answers_with_the_receipt_alone_and_catches_up_in_order(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("irpd.engine.engine.STORE_ONLY_ABOVE", 5)
    await bench.closed_gate()
    tasks = [bench.later((f"k{n}", "firing")) for n in range(30)]
    await bench.until(lambda: bench.engine.waiting == 30)
    bench.journal.gate.set()
    answers = await asyncio.gather(*tasks)
    assert [answer.receipt for answer in answers] == list(range(2, 32))
    assert {answer.incidents for answer in answers} == {None}
    await bench.idle()
    keys = [bench.engine.state.members_of(n)[0].key for n in sorted(bench.engine.state.incidents)]
    assert keys == ["am/under-way", *(f"am/k{n}" for n in range(30))]
    assert all(member.count == 1 for member in bench.engine.state.members.values())
    cursors = [batch.cursor for batch in bench.journal.batches if batch.cursor is not None]
    assert cursors == sorted(set(cursors))
    assert cursors[-1] == 31


async def test_too_far_behind_it_is_overloaded(
    benches: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = changed(timing=("levels:\n", "timing: {behind_receipts: 10}\nlevels:\n"))
    bench = await benches(policy=policy).start()
    monkeypatch.setattr("irpd.engine.engine.STORE_ONLY_ABOVE", 2)
    monkeypatch.setattr(bench.journal, "unconsumed", lambda after, limit: blocked.wait(10) and ())  # type: ignore[func-returns-value]
    import threading

    blocked = threading.Event()
    await bench.closed_gate()
    tasks = [bench.later((f"k{n}", "firing")) for n in range(12)]
    await bench.until(lambda: bench.engine.waiting == 12)
    bench.journal.gate.set()
    await asyncio.gather(*tasks)
    with pytest.raises(Overloaded, match="12 receipts"):
        await bench.receive(("more", "firing"))
    monkeypatch.undo()
    blocked.set()
    await bench.idle()


async def test_a_steady_backlog_is_as_old_as_its_oldest_receipt_and_not_as_long_as_there_is_one(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("irpd.engine.engine.STORE_ONLY_ABOVE", 0)
    monkeypatch.setattr("irpd.engine.engine.CATCH_UP", 1)
    # Each batch decides one receipt and stores the next, so that one always waits; each takes 2 s.
    commit = bench.journal.commit

    def slow(batch: Any) -> int:
        bench.clock.forward(2)
        return int(commit(batch))

    monkeypatch.setattr(bench.journal, "commit", slow)
    await bench.receive(("k0", "firing"))
    for n in range(1, 60):
        assert bench.engine.behind
        assert (await bench.receive((f"k{n}", "firing"))).incidents is None
    bench.journal.gate.clear()
    bench.journal.entered.clear()
    late = bench.later(("late", "firing"))
    await bench.until(bench.journal.entered.is_set)
    bench.clock.forward(60)
    with pytest.raises(Overloaded, match="more than 60 s behind"):
        await bench.receive(("more", "firing"))
    bench.journal.gate.set()
    await late
    await bench.idle()
    assert (await bench.receive(("more", "firing"))).receipt


async def test_receipts_that_are_gone_hold_nothing_up(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("irpd.engine.engine.STORE_ONLY_ABOVE", 2)
    monkeypatch.setattr(bench.journal, "unconsumed", lambda after, limit: ())
    await bench.closed_gate()
    tasks = [bench.later((f"k{n}", "firing")) for n in range(5)]
    await bench.until(lambda: bench.engine.waiting == 5)
    bench.journal.gate.set()
    await asyncio.gather(*tasks)
    await bench.idle()
    assert (await bench.receive(("next", "firing"))).incidents is not None


# ------------------------------------------------------------------ restart
async def test_a_restart_finds_the_same_rows_and_goes_on_with_its_deadlines(bench: Any) -> None:
    await bench.receive(("a", "firing"), ("b", "firing"))
    await bench.engine.submit(c.Acknowledge(incident=2, by="asha"))
    before = {name: dict(rows) for name, rows in bench.rows().items()}
    await bench.restart()
    assert bench.rows() == before
    assert bench.paged(1) == ["asha"]
    await bench.forward(300)
    assert bench.paged(1) == ["asha", "chi"]
    assert bench.paged(2) == ["asha"]


async def test_after_a_long_downtime_one_step_fires_and_its_wait_counts_from_there(bench: Any) -> None:
    await bench.receive(("a", "firing"))
    bench.clock.forward(3600)
    await bench.restart()
    await bench.until(lambda: bench.paged(1) == ["asha", "chi"])
    await bench.forward(599)
    assert bench.paged(1) == ["asha", "chi"]
    await bench.forward(1)
    assert bench.paged(1) == ["asha", "chi", "dora"]


async def test_a_restart_decides_what_was_only_stored_and_each_once(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("irpd.engine.engine.STORE_ONLY_ABOVE", 2)
    monkeypatch.setattr(type(bench.engine), "_catch_up", lambda *_, **__: None)
    await bench.closed_gate()
    tasks = [bench.later((f"k{n}", "firing")) for n in range(8)]
    await bench.until(lambda: bench.engine.waiting == 8)
    bench.journal.gate.set()
    await asyncio.gather(*tasks)
    assert bench.engine.behind == 8
    monkeypatch.undo()
    await bench.restart()
    await bench.idle()
    assert [member.count for member in bench.engine.state.members.values()] == [1] * 9
    await bench.restart()
    await bench.idle()
    assert len(bench.engine.state.incidents) == 9


async def test_stop_finishes_what_waits_and_refuses_what_is_new(benches: Callable[..., Any]) -> None:
    bench = await benches().start()
    await bench.closed_gate()
    waiting = bench.later(("a", "firing"))
    await bench.until(lambda: bench.engine.waiting == 1)
    stop = asyncio.create_task(bench.engine.stop())
    await asyncio.sleep(0)
    with pytest.raises(Overloaded, match="stopping"):
        await bench.receive(("late", "firing"))
    with pytest.raises(Overloaded, match="stopping"):
        await bench.engine.submit(c.Open(by="asha", title="x", service="checkout"))
    bench.journal.gate.set()
    await stop
    assert (await waiting).incidents == (2,)
    assert bench.journal.storage.holder is None
    bench.engine = bench._engine()
    await bench.start()


async def test_history_replayed_gives_the_rows_of_the_living_engine(bench: Any) -> None:
    await bench.receive(("a", "firing"), ("b", "firing"))
    await bench.receive(("a", "firing"))
    await bench.receive(("a", "resolved"))
    await bench.deliver()
    await bench.engine.submit(c.Merge(incident=1, into=2, by="asha"))
    await bench.engine.submit(c.Acknowledge(incident=2, by="asha"))
    facts = [(fact.subject, fact.event, fact.at) for fact in bench.journal.facts()]
    rows = replayed(facts)
    rows.forget(1)  # merged: over, and out of memory
    assert plain(rows) == plain(bench.engine._rows)


# ------------------------------------------------------------------ what has left memory
async def closed(bench: Any) -> None:
    await bench.receive(("a", "firing"))
    await bench.receive(("a", "resolved"))
    await bench.engine.submit(c.Resolve(incident=1, by="chi"))
    await bench.forward(1800)
    assert bench.engine.state.incidents == {}
    assert bench.engine.state.pages == {}


async def test_a_late_acknowledgement_of_what_left_memory_says_how_it_ended(bench: Any) -> None:
    await closed(bench)
    answer: Any = await bench.engine.submit(c.Acknowledge(incident=1, by="asha"))
    assert "was resolved" in answer.text
    assert "Chi" in answer.text
    assert bench.engine.state.incidents == {}


async def test_a_late_acknowledgement_of_what_was_merged_says_where_it_went(bench: Any) -> None:
    await bench.receive(("a", "firing"), ("b", "firing"))
    await bench.engine.submit(c.Merge(incident=1, into=2, by="chi"))
    answer: Any = await bench.engine.submit(c.Acknowledge(incident=1, by="asha"))
    assert "#2" in answer.text


async def test_what_left_memory_can_be_reopened_with_all_its_signals_and_pages(bench: Any) -> None:
    await closed(bench)
    await bench.engine.submit(c.Reopen(incident=1, by="asha"))
    assert bench.engine.state.incidents[1].state is State.OPEN
    assert [member.key for member in bench.engine.state.members_of(1)] == ["am/a"]
    assert [page.id for page in bench.engine.state.pages_of(1)] == ["1-1", "1-2"]
    assert (await bench.receive(("a", "firing"))).incidents == (1,)
    await bench.forward(300)
    assert bench.paged(1) == ["asha", "asha", "chi"]


async def test_a_reopened_incident_does_not_take_the_key_of_a_newer_signal(bench: Any) -> None:
    await closed(bench)
    await bench.receive(("a", "firing"))  # #2
    await bench.engine.submit(c.Reopen(incident=1, by="asha"))
    assert (await bench.receive(("a", "firing"))).incidents == (2,)


async def test_a_note_on_what_left_memory_is_kept(bench: Any) -> None:
    await closed(bench)
    await bench.engine.submit(c.Note(incident=1, by="asha", text="It was the disk."))
    assert bench.engine.state.incidents == {}
    assert "noted" in [event.type for event in bench.journal.storage.events]


async def test_an_outcome_of_a_page_whose_incident_left_memory_is_recorded(bench: Any) -> None:
    await closed(bench)
    recorded = await bench.engine.submit(c.RecordSend(page="1-1", send=1, state=SendState.OBSOLETE))
    assert recorded is True
    _, _, pages = bench.journal.incident(1)
    assert pages[0].sends[0].state is SendState.OBSOLETE


# ------------------------------------------------------------------ configuration
async def test_adopt_puts_a_configuration_in_force_durably(bench: Any) -> None:
    policy = changed(title=("title: Bare,", "title: Barer,"))
    await bench.engine.adopt(policy, b"the files", by="asha")
    assert bench.engine.policy is policy
    assert bench.journal.latest_config() == (policy.hash, b"the files")
    await bench.receive(("a", "firing"))
    assert bench.engine.state.incidents[1].config == policy.hash


async def test_commands_before_and_after_an_adoption_are_decided_under_theirs(bench: Any) -> None:
    policy = changed(title=("title: Bare,", "title: Barer,"))
    await bench.closed_gate()
    before = bench.later(("before", "firing"))
    await bench.until(lambda: bench.engine.waiting == 1)
    adoption = asyncio.create_task(bench.engine.adopt(policy, b"x", by="asha"))
    await bench.until(lambda: bench.engine.waiting == 2)
    after = bench.later(("after", "firing"))
    await bench.until(lambda: bench.engine.waiting == 3)
    bench.journal.gate.set()
    await asyncio.gather(before, adoption, after)
    hashes = [bench.engine.state.incidents[n].config for n in (2, 3)]
    assert hashes == [bench.policy.hash, policy.hash]


async def test_every_receipt_that_was_decided_is_in_the_chain_once_with_its_digest(bench: Any) -> None:
    await bench.receive(("a", "firing"))
    await bench.receive(("a", "firing"))  # a repeat
    await bench.receive(("nobody", "resolved"))  # leads to nothing
    await bench.closed_gate()
    waiting = [bench.later((f"k{n}", "firing")) for n in range(3)]
    bench.journal.gate.set()
    await asyncio.gather(*waiting)
    await bench.idle()
    await bench.receive(("a", "firing"))
    await bench.restart()
    await bench.receive(("a", "firing"))
    said: dict[int, list[str]] = {}
    number = 0
    for fact in bench.journal.facts():
        if isinstance(fact.event, e.SignalsRepeated | e.ReceiptTaken):
            number = fact.event.receipt or number + 1
            said.setdefault(number, []).append(fact.event.body)
            for body in getattr(fact.event, "more", ()):
                number += 1
                said.setdefault(number, []).append(body)
    stored = {number: [one.digest] for number, one in bench.journal.storage.receipts.items()}
    assert said == stored
    assert sorted(said) == list(range(1, 10))
    repeats = [f.event.receipt for f in bench.journal.facts() if isinstance(f.event, e.SignalsRepeated)]
    assert repeats == [0, 8, 9], "said where a life begins and behind several, else it follows"
    taken = [f.event.receipt for f in bench.journal.facts() if isinstance(f.event, e.ReceiptTaken)]
    assert taken == [1, 3, 4, 5], "those of one commit share an event"


async def test_receipts_share_an_event_with_none_of_another_source_and_across_no_command(
    bench: Any,
) -> None:
    """A replay takes them in this order again."""
    await bench.closed_gate()
    waiting = [bench.later((key, "firing"), source=source) for key, source in (("a", "am"), ("b", "am"))]
    waiting.append(bench.later(("c", "firing"), source="sentry"))
    until = bench.clock.now() + timedelta(hours=1)
    silence = c.AddSilence(by="asha", match={"service": ("login",)}, until=until, because="drill")
    waiting.append(bench.submit(silence))
    waiting.append(bench.later(("d", "firing"), source="sentry"))
    bench.journal.gate.set()
    await asyncio.gather(bench.first, *waiting)
    facts = list(bench.journal.facts())
    order = [
        (fact.subject, fact.event.receipt, len(fact.event.more))
        if isinstance(fact.event, e.ReceiptTaken)
        else ""
        for fact in facts
        if isinstance(fact.event, e.ReceiptTaken | e.SilenceAdded)
    ]
    assert order == [
        ("source:am", 1, 0),
        ("source:am", 2, 1),
        ("source:sentry", 4, 0),
        "",
        ("source:sentry", 5, 0),
    ]


async def ignored(bench: Any) -> None:
    """An issue that somebody said to ignore; its incident has left memory."""
    await bench.receive(("issue:i", "firing"), source="sentry")
    await bench.receive(("issue:i", "muted"), source="sentry")
    await bench.engine.submit(c.Resolve(incident=1, by="chi"))
    await bench.forward(3600)
    assert bench.engine.state.incidents == {}


async def test_one_more_event_of_an_ignored_issue_whose_incident_left_memory_opens_nothing(
    bench: Any,
) -> None:
    await ignored(bench)
    for _ in range(2):
        answer = await bench.receive(("issue:i", "firing"), source="sentry", occurrence=True)
        assert (answer.incidents, dict(answer.outcomes)) == ((1,), {"updates": 1})
    assert bench.engine.state.incidents == {}
    assert bench.journal.incident(1)[1][0].count == 3
    assert bench.journal.incident(2) is None


async def test_one_that_was_only_stored_at_first_opens_nothing_either(bench: Any) -> None:
    await ignored(bench)
    bench.engine._last_receipt += 1  # the engine is behind by one that is gone
    answer = await bench.receive(("issue:i", "firing"), source="sentry", occurrence=True)
    assert answer.incidents is None, "stored only"
    await bench.idle()
    assert bench.journal.incident(2) is None
    assert bench.journal.incident(1)[1][0].count == 2


async def test_no_other_key_is_looked_up_once_it_left_memory(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which is why the journal needs an index of issues alone: the journal would know this key."""
    await bench.receive(("f00", "firing"))
    await bench.receive(("f00", "resolved"))
    await bench.engine.submit(c.Resolve(incident=1, by="chi"))
    await bench.forward(3600)
    assert bench.engine.state.incidents == {}
    monkeypatch.setattr(bench.journal, "issue", None)
    assert (await bench.receive(("f00", "firing"))).incidents == (2,)
    assert (await bench.receive(("f01", "firing"))).incidents == (3,)


async def test_what_is_not_an_occurrence_or_of_an_issue_not_ignored_opens_an_incident(bench: Any) -> None:
    await ignored(bench)
    assert (await bench.receive(("issue:i", "firing"), source="sentry")).incidents == (2,)
    assert (await bench.receive(("issue:j", "firing"), source="sentry", occurrence=True)).incidents == (3,)
