"""A provider that gives no answer, or asks for a pause: who is told by what, and when."""

import itertools
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from harness.waiting import until
from msgspec.structs import replace

from irpd.engine.ports import Outcome
from irpd.model.page import PageKind, SendState

LOST = Outcome(kind="transient", detail="timed out")


async def passes(real, seconds: float, condition: Callable[[], object]) -> None:
    """Let so much time pass, and wait for what it leads to."""
    await real.time.advance(seconds)
    await until(condition)


async def goes_down(world, *, pages: int = 5, start: int = 1) -> None:
    """So many pages to two people, none of them answered."""
    for n in range(start, start + pages):
        world.engine.publish(world.incident(n), world.page(f"{n}-1", "mail", person=("asha", "ben")[n % 2]))
    await world.time.advance(0)


@pytest.fixture
def addressed(world):
    people = world.engine.policy.configuration.people
    changed = {**people, "ben": people["ben"].model_copy(update={"email": "ben@example.com"})}
    configuration = world.engine.policy.configuration.model_copy(update={"people": changed})
    world.engine.policy.configuration = configuration
    return world


# ------------------------------------------------------------------ down
async def test_while_a_provider_is_down_the_next_method_comes_at_once(real) -> None:
    real.mail.answers = itertools.repeat(LOST)
    await real.open()
    await until(lambda: real.send("1-1", 1).attempts == 1)
    while real.send("1-1", 1).attempts < 5:
        before = real.send("1-1", 1).attempts
        wait = (real.send("1-1", 1).due_at - real.time.now()).total_seconds()
        await passes(real, wait, lambda before=before: real.send("1-1", 1).attempts > before)
    assert real.outbox.down.keys() == {"mail"}
    began = real.time.boot()
    tries = len(real.mail.ids)
    await real.open()
    page = next(page for page in real.engine.state.pages.values() if page.incident == 2)
    await until(lambda: real.send(page.id, 2).state is SendState.DELIVERED)
    assert real.time.boot() == began, "by the other method, two minutes before its time"
    assert len(real.mail.ids) == tries
    send = real.send(page.id, 1)
    assert (send.state, send.attempts, send.moved_on) == (SendState.PENDING, 0, True)
    assert send.detail == "not tried, the next method comes at once: mail is down: timed out"
    real.mail.answers = itertools.repeat(Outcome(kind="delivered"))
    await passes(real, 60, lambda: real.send(page.id, 1).state is SendState.DELIVERED)
    assert not real.outbox.down


async def test_what_cannot_be_tried_again_before_the_next_method_brings_it_at_once(real) -> None:
    real.mail.answers = itertools.repeat(LOST)
    await real.open()
    await until(lambda: real.send("1-1", 1).attempts == 1)
    while real.hook.ids == []:
        attempts = real.send("1-1", 1).attempts
        assert real.send("1-1", 2).state is SendState.PENDING
        await real.time.advance((real.send("1-1", 1).due_at - real.time.now()).total_seconds())
        await until(lambda attempts=attempts: real.send("1-1", 1).attempts > attempts)
        await until(lambda: real.send("1-1", 1).moved_on is (real.send("1-1", 2).due_at <= real.time.now()))
        if real.send("1-1", 1).moved_on:
            await until(lambda: real.hook.ids)
    assert real.time.boot() < 120
    assert real.send("1-1", 1).state is SendState.PENDING, "it is tried on beside the next method"
    assert real.send("1-1", 1).due_at > real.time.now()


async def test_a_long_pause_brings_the_next_method_and_a_short_one_is_waited_for(real) -> None:
    real.mail.answers = iter([Outcome(kind="transient", retry_after=30), Outcome(kind="delivered")])
    await real.open()
    await passes(real, 37, lambda: real.send("1-1", 1).state is SendState.DELIVERED)
    assert real.hook.ids == []
    real.mail.answers = iter([Outcome(kind="transient", retry_after=300), Outcome(kind="delivered")])
    await real.open()
    page = next(page for page in real.engine.state.pages.values() if page.incident == 2)
    await until(lambda: real.send(page.id, 2).state is SendState.DELIVERED)


async def test_nothing_more_than_probes_goes_to_a_provider_that_is_down(addressed) -> None:
    world = addressed
    world.mail.answers = itertools.repeat(LOST)
    await goes_down(world)
    assert len(world.mail.sent) == 5
    await goes_down(world, pages=20, start=6)
    await world.time.advance(9)
    tries = len(world.mail.sent)
    assert tries < 12, "the retries of the five, and nothing of the twenty"
    await world.time.advance(51)
    assert len(world.mail.sent) - tries <= 5, "one probe at a time"
    assert world.metrics.working == [("mail", False)]


async def test_once_it_answers_everything_that_waited_goes_at_once_the_most_severe_first(addressed) -> None:
    world = addressed
    world.mail.answers = itertools.repeat(LOST)
    await goes_down(world)
    for n, level in ((7, 3), (8, 1), (9, 2)):
        world.engine.publish(
            replace(world.incident(n), level=type(world.incident(n).level)(level)),
            world.page(f"{n}-1", "mail"),
        )
    await world.time.advance(1)
    world.mail.answers = itertools.repeat(Outcome(kind="delivered"))
    world.mail.sent.clear()
    await world.time.advance(13)
    assert [world.engine.outcome(f"{n}-1") for n in (7, 8, 9)] == [SendState.DELIVERED] * 3
    order = [message.page.incident for message in world.mail.sent if message.page.incident > 5]
    assert order == [8, 9, 7]
    assert world.metrics.working == [("mail", False), ("mail", True)]


async def test_a_test_page_goes_out_though_its_channel_is_down_and_proves_the_repair(addressed) -> None:
    world = addressed
    world.mail.answers = itertools.repeat(LOST)
    await goes_down(world)
    world.mail.answers = itertools.repeat(Outcome(kind="delivered"))
    world.engine.publish(world.page("0-1", "mail", kind=PageKind.TEST))
    await world.time.advance(0)
    assert world.engine.outcome("0-1") is SendState.DELIVERED
    assert world.metrics.working[-1] == ("mail", True)


async def test_what_was_put_off_for_ten_minutes_has_failed(addressed) -> None:
    world = addressed
    world.mail.answers = itertools.repeat(LOST)
    await goes_down(world)
    world.engine.publish(world.incident(9), world.page("9-1", "mail"))
    await world.time.advance(700)
    send = world.engine.pages["9-1"].sends[0]
    assert send.state is SendState.FAILED
    assert send.detail.startswith("gave up")


async def test_what_is_put_off_is_never_sent_after_it_expired_or_was_taken(addressed) -> None:
    world = addressed
    world.mail.answers = itertools.repeat(LOST)
    await goes_down(world)
    now = world.time.now()
    world.engine.publish(world.incident(8), world.page("8-1", "mail", expires_at=now + timedelta(seconds=5)))
    world.engine.publish(world.incident(9), world.page("9-1", "mail"))
    await world.time.advance(1)
    world.acknowledge(9)
    world.mail.answers = itertools.repeat(Outcome(kind="delivered"))
    await world.time.advance(120)
    assert [world.engine.outcome(f"{n}-1") for n in (8, 9)] == [SendState.EXPIRED, SendState.OBSOLETE]
    assert not {"8-1.1", "9-1.1"} & set(world.mail.ids)


async def test_other_settings_open_the_gate_at_once(addressed) -> None:
    world = addressed
    world.mail.answers = itertools.repeat(LOST)
    await goes_down(world)
    world.engine.publish(world.incident(9), world.page("9-1", "mail"))
    await world.time.advance(1)
    mended = type(world.mail)("mail", world.time)
    world.outbox.use_channels({**world.channels, "mail": mended})
    await world.time.advance(0)
    assert "9-1.1" in mended.ids


# ------------------------------------------------------------------ pauses
async def test_a_pause_of_one_channel_delays_no_other(addressed) -> None:
    world = addressed
    pause = Outcome(kind="transient", retry_after=45, pauses="channel")
    world.hook.answers = iter([pause, *[Outcome(kind="delivered")] * 10])
    world.engine.publish(world.page("42-1", "hook"))
    await world.time.advance(0)
    world.engine.publish(world.page("42-2", "hook", "mail", "other"))
    await world.time.advance(44)
    assert world.mail.ids == ["42-2.2"]
    assert world.other.ids == ["42-2.3"]
    assert world.hook.ids == ["42-1.1"]
    await world.time.advance(12)
    assert sorted(world.hook.ids) == ["42-1.1", "42-1.1", "42-2.1"]


async def test_after_a_pause_the_most_severe_goes_first(addressed) -> None:
    world = addressed
    pause = Outcome(kind="transient", retry_after=45, pauses="channel")
    world.mail.answers = iter([pause, *[Outcome(kind="delivered")] * 10])
    world.engine.publish(world.page("42-1", "mail"))
    await world.time.advance(0)
    for n, level in ((7, 4), (8, 2), (9, 1)):
        low = world.incident(n)
        world.engine.publish(replace(low, level=type(low.level)(level)), world.page(f"{n}-1", "mail"))
    await world.time.advance(60)
    assert [message.page.incident for message in world.mail.sent[1:] if message.page.incident < 42] == [
        9,
        8,
        7,
    ]


async def test_a_failing_journal_loses_no_word_that_the_next_method_is_wanted(addressed) -> None:
    world = addressed
    world.mail.answers = itertools.repeat(LOST)
    await goes_down(world)
    world.engine.publish(world.incident(9))
    page = world.page("9-1", "mail", "hook")
    later = replace(page.sends[1], due_at=world.time.now() + timedelta(minutes=2))
    world.refuse_writes()
    world.engine.publish(replace(page, sends=(page.sends[0], later)))
    await world.time.advance(5)
    assert world.outbox.unrecorded >= 1
    world.engine.failing = None
    await world.time.advance(30)
    assert world.engine.pages["9-1"].sends[0].moved_on
    deadline = time.monotonic() + 5
    while world.outbox.unrecorded:
        assert time.monotonic() < deadline
        await world.time.advance(5)
