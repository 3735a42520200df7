"""The outbox on the real engine: what it records moves the real protocol on."""

import asyncio
import time
from datetime import timedelta

from harness.waiting import until
from msgspec.structs import replace

from irpd.comms.links import Links
from irpd.engine.ports import JournalUnavailable, Outcome
from irpd.model.command import Acknowledge
from irpd.model.page import SendState
from irpd.outbox.outbox import Outbox


def identity(real, send: int) -> str:
    """What the first page's messages are called at their receivers."""
    return f"{real.engine.state.pages['1-1'].name}.{send}"


async def test_a_page_is_delivered_and_its_later_method_waits(real) -> None:
    await real.open()
    await until(lambda: real.send("1-1", 1).state is SendState.DELIVERED)
    assert real.mail.ids == [identity(real, 1)]
    assert "All is down" in real.mail.sent[0].text
    assert real.hook.ids == []
    await real.time.advance(120)
    await until(lambda: real.send("1-1", 2).state is SendState.DELIVERED)
    assert real.hook.ids == [identity(real, 2)]


async def test_an_acknowledgement_stops_the_remaining_methods(real) -> None:
    await real.open()
    await until(lambda: real.send("1-1", 1).state is SendState.DELIVERED)
    await real.engine.submit(Acknowledge(incident=1, by="asha", via="link", page="1-1"))
    await real.time.advance(600)
    assert real.hook.ids == []
    assert real.outbox.pending == 0


async def test_a_method_that_fails_for_good_brings_the_next_one_at_once(real) -> None:
    real.mail.answers = iter([Outcome(kind="permanent", detail="550 no such user")])
    await real.open()
    await until(lambda: real.send("1-1", 2).state is SendState.DELIVERED)
    assert real.send("1-1", 1).state is SendState.FAILED
    assert real.time.boot() == 0


async def test_when_every_method_fails_the_next_person_is_paged_at_once(real) -> None:
    gone = Outcome(kind="permanent", detail="gone")
    real.mail.answers = iter([gone, Outcome(kind="delivered")])
    real.hook.answers = iter([gone, Outcome(kind="delivered")])
    await real.open()
    await until(lambda: "ben" in real.paged())
    await until(lambda: real.send("1-2", 1).state is SendState.DELIVERED)
    assert real.time.boot() == 0


async def test_a_passing_failure_is_on_disk_with_the_time_of_the_next_attempt(real) -> None:
    real.mail.answers = iter([Outcome(kind="transient", detail="451 later"), Outcome(kind="delivered")])
    await real.open()
    await until(lambda: real.send("1-1", 1).attempts == 1)
    send = real.send("1-1", 1)
    assert send.state is SendState.PENDING
    assert timedelta(seconds=4) <= send.due_at - real.time.now() <= timedelta(seconds=6)
    await real.time.advance(7)
    await until(lambda: real.send("1-1", 1).state is SendState.DELIVERED)
    assert real.send("1-1", 1).attempts == 2


async def test_while_the_journal_cannot_write_what_is_due_is_sent_once(real, monkeypatch) -> None:
    await real.open()
    await until(lambda: real.send("1-1", 1).state is SendState.DELIVERED)
    commit = real.journal.commit
    broken = [True]

    def refusing(batch):
        if broken[0]:
            raise JournalUnavailable("the disk is gone")
        return commit(batch)

    monkeypatch.setattr(real.journal, "commit", refusing)
    await real.time.advance(130)
    await until(lambda: real.outbox.unrecorded == 1)
    await real.time.advance(60)
    assert real.hook.ids == [identity(real, 2)]
    broken[0] = False
    deadline = time.monotonic() + 20
    while real.outbox.unrecorded:
        assert time.monotonic() < deadline
        await real.time.advance(5)
    assert real.send("1-1", 2).state is SendState.DELIVERED
    assert real.hook.ids == [identity(real, 2)]


async def test_after_a_restart_what_was_pending_is_sent_under_the_same_identity(real) -> None:
    real.mail.gate.clear()
    await real.open()
    await until(lambda: real.mail.ids == [identity(real, 1)])
    assert not await real.outbox.drain(0.01)
    real.mail.gate.set()
    second = Outbox(
        real.engine,
        real.channels,
        real.time,
        Links(b"k" * 32, "https://irpd.example.com"),
        wait=real.time.wait,
    )
    task = asyncio.create_task(second.run())
    await until(lambda: real.send("1-1", 1).state is SendState.DELIVERED)
    assert real.mail.ids == [identity(real, 1), identity(real, 1)]
    await second.drain(1.0)
    await task


async def test_a_page_changed_by_nobody_is_no_reason_to_send_it_again(real) -> None:
    await real.open()
    await until(lambda: real.send("1-1", 1).state is SendState.DELIVERED)
    page = real.engine.state.pages["1-1"]
    real.outbox._published([replace(page, seen_at=real.time.now())], [])
    await real.time.advance(1)
    assert real.mail.ids == [identity(real, 1)]
