"""The outbox in virtual time: what goes out when, and what is recorded of it."""

import asyncio
import itertools
import re
import sys
from datetime import timedelta

import pytest
from harness.waiting import until
from msgspec.structs import replace

from irpd.comms import texts
from irpd.engine.batch import CommandFailed
from irpd.engine.ports import JournalFull, Outcome
from irpd.model.command import Refusal
from irpd.model.incident import State
from irpd.model.level import Level
from irpd.model.page import PageKind, SendState


class Killed(BaseException):
    """The process died at a kill point."""


def kill_at(point: str):
    def kill(reached: str) -> None:
        if reached == point:
            raise Killed(point)

    return kill


async def settle(world) -> None:
    await world.time.advance(0)


async def test_a_page_is_sent_when_it_is_published_and_its_outcome_recorded(world) -> None:
    world.mail.answers = iter([Outcome(kind="delivered", provider_id="<1@x>", detail="250 ok")])
    world.engine.publish(world.page())
    await settle(world)
    assert world.mail.ids == ["42-1.1"]
    send = world.engine.pages["42-1"].sends[0]
    assert (send.state, send.attempts, send.provider_id, send.detail) == (
        SendState.DELIVERED,
        1,
        "<1@x>",
        "250 ok",
    )
    assert world.metrics.outcomes == [("mail", "delivered")]


async def test_what_was_pending_before_the_start_is_sent(world) -> None:
    await world.stop()
    world.engine.pages["42-1"] = world.page()
    await world.restart()
    assert world.mail.ids == ["42-1.1"]


async def test_a_later_method_waits_for_its_time(world) -> None:
    world.engine.publish(world.page(after=120))
    await world.time.advance(119.9)
    assert world.mail.ids == []
    await world.time.advance(0.1)
    assert world.mail.ids == ["42-1.1"]


async def test_a_send_that_is_brought_forward_goes_out_at_once_and_once_only(world) -> None:
    page = world.page(after=120)
    world.engine.publish(page)
    await world.time.advance(10)
    sends = (replace(page.sends[0], due_at=world.time.now()),)
    world.engine.publish(replace(page, sends=sends))
    await world.time.advance(300)
    assert world.mail.times == [10]


async def test_an_idle_outbox_costs_nothing(world) -> None:
    before, waits = world.outbox.progress, len(world.time.waits)
    await world.time.advance(86400)
    assert world.outbox.progress == before
    assert world.time.waits[waits - 1 :] == [None]


# ------------------------------------------------------------------ still wanted?
@pytest.mark.parametrize("state", [State.RESOLVED, State.CLOSED, State.MERGED])
async def test_a_page_of_an_incident_that_is_over_is_obsolete(world, state: State) -> None:
    world.engine.publish(world.page(after=60))
    await world.time.advance(30)
    world.engine.publish(world.incident(state=state))
    await world.time.advance(60)
    assert world.mail.ids == []
    assert world.engine.outcome("42-1") is SendState.OBSOLETE


async def test_whether_it_is_wanted_is_asked_again_at_the_moment_of_sending(world) -> None:
    world.mail.gate.clear()
    world.engine.publish(*(world.page(f"42-{n}") for n in range(1, 30)))
    await settle(world)
    first = len(world.mail.sent)
    assert 0 < first < 29
    world.acknowledge()
    world.mail.gate.set()
    await settle(world)
    assert len(world.mail.sent) == first
    outcomes = [world.engine.outcome(f"42-{n}") for n in range(1, 30)]
    assert outcomes.count(SendState.DELIVERED) == first
    assert outcomes.count(SendState.OBSOLETE) == 29 - first


async def test_a_page_that_ends_while_it_waits_for_its_turn_is_obsolete(world) -> None:
    world.mail.gate.clear()
    pages = [world.page(f"42-{n}") for n in range(1, 12)]
    world.engine.publish(*pages)
    await settle(world)
    waiting = next(page for page in pages if f"{page.id}.1" not in world.mail.ids)
    world.engine.publish(replace(waiting, live=False))
    world.mail.gate.set()
    await settle(world)
    assert f"{waiting.id}.1" not in world.mail.ids
    assert world.engine.outcome(waiting.id) is SendState.OBSOLETE


async def test_a_page_asked_for_after_the_acknowledgement_is_sent(world) -> None:
    world.acknowledge()
    await world.time.advance(5)
    world.engine.publish(world.page(reason="evidence"))
    await settle(world)
    assert world.engine.outcome("42-1") is SendState.DELIVERED


async def test_an_update_is_delivered_to_who_has_it(world) -> None:
    world.engine.publish(world.page(kind=PageKind.UPDATE, text="another signal joined", after=30))
    world.acknowledge()
    await world.time.advance(30)
    assert world.engine.outcome("42-1") is SendState.DELIVERED


async def test_a_page_that_has_ended_leaves_the_agenda(world) -> None:
    page = world.page(after=60)
    world.engine.publish(page)
    world.engine.publish(replace(page, live=False))
    assert world.outbox.pending == 0
    await world.time.advance(600)
    assert world.mail.ids == []
    assert world.engine.submitted == []


async def test_an_expired_page_is_not_sent_and_is_recorded_so_that_the_path_moves_on(world) -> None:
    await world.stop()
    world.engine.pages["42-1"] = world.page(expires_at=world.time.now() + timedelta(hours=1))
    await world.time.advance(3600)  # the daemon was down
    await world.restart()
    assert world.mail.ids == []
    assert world.engine.outcome("42-1") is SendState.EXPIRED


async def test_a_test_page_needs_no_incident(world) -> None:
    world.engine.publish(world.page("0-1", kind=PageKind.TEST))
    await settle(world)
    assert world.engine.outcome("0-1") is SendState.DELIVERED
    assert "Test page" in world.mail.sent[0].text


async def test_a_page_about_an_incident_that_is_not_known_is_sent_all_the_same(world) -> None:
    world.engine.publish(world.page("77-1"))
    await settle(world)
    assert world.mail.ids == ["77-1.1"]
    assert "#77" in world.mail.sent[0].text
    assert world.metrics.errors == ["text"]


# ------------------------------------------------------------------ failures
async def test_a_passing_failure_is_tried_again_at_growing_distances(world) -> None:
    world.mail.answers = itertools.repeat(Outcome(kind="transient", detail="451 later"))
    world.engine.publish(world.page())
    await world.time.advance(3600)
    gaps = [b - a for a, b in itertools.pairwise(world.mail.times)]
    for gap, nominal in zip(gaps, [5, 10, 20, 40, *[60] * 20], strict=False):
        assert nominal * 0.8 <= gap <= nominal * 1.2
    assert len({round(gap / 60, 3) for gap in gaps[4:]}) > 1, "the distances are spread"
    assert 500 < world.mail.times[-1] <= 600
    send = world.engine.pages["42-1"].sends[0]
    assert send.state is SendState.FAILED
    assert send.detail.startswith("gave up after")
    assert set(world.mail.ids) == {"42-1.1"}, "every attempt has the same identity"


async def test_a_retry_that_succeeds_ends_it(world) -> None:
    world.mail.answers = iter([Outcome(kind="transient"), Outcome(kind="delivered")])
    world.engine.publish(world.page())
    await world.time.advance(600)
    assert len(world.mail.times) == 2
    assert world.engine.outcome("42-1") is SendState.DELIVERED
    assert world.metrics.outcomes == [("mail", "transient"), ("mail", "delivered")]


async def test_a_retry_waits_as_long_as_it_was_asked_to(world) -> None:
    world.mail.answers = iter([Outcome(kind="transient", retry_after=100), Outcome(kind="delivered")])
    world.engine.publish(world.page())
    await world.time.advance(600)
    assert 100 <= world.mail.times[1] <= 120


async def test_asked_to_wait_longer_than_it_tries_it_gives_up_at_once(world) -> None:
    world.mail.answers = iter([Outcome(kind="transient", retry_after=3600, detail="HTTP 429")])
    world.engine.publish(world.page())
    await settle(world)
    assert world.engine.outcome("42-1") is SendState.FAILED
    assert "HTTP 429" in world.engine.pages["42-1"].sends[0].detail


async def test_it_gives_up_at_the_pages_expiry(world) -> None:
    world.mail.answers = itertools.repeat(Outcome(kind="transient"))
    world.engine.publish(world.page(expires_at=world.time.now() + timedelta(seconds=60)))
    await world.time.advance(600)
    assert world.mail.times[-1] < 60
    assert world.engine.outcome("42-1") is SendState.FAILED


async def test_a_permanent_failure_is_recorded_at_once(world) -> None:
    world.mail.answers = iter([Outcome(kind="permanent", detail="550 no such user")])
    world.engine.publish(world.page())
    await world.time.advance(600)
    assert len(world.mail.times) == 1
    assert world.engine.pages["42-1"].sends[0].detail == "550 no such user"


async def test_no_address_fails_for_good_in_words(world) -> None:
    world.engine.publish(
        world.page(person="ben"), world.page("42-2", "fax"), world.page("42-3", person="zoe")
    )
    await settle(world)
    details = [world.engine.pages[f"42-{n}"].sends[0].detail for n in (1, 2, 3)]
    assert details[0] == "no address for mail"
    assert "fax" in details[1]
    assert "zoe" in details[2]
    assert all(world.engine.outcome(f"42-{n}") is SendState.FAILED for n in (1, 2, 3))


async def test_a_channel_that_raises_fails_this_send_and_no_other(world) -> None:
    world.mail.answers = iter([RuntimeError("planted"), Outcome(kind="delivered")])
    world.engine.publish(world.page("42-1"))
    await settle(world)
    world.engine.publish(world.page("42-2"))
    await settle(world)
    assert world.engine.outcome("42-1") is SendState.FAILED
    assert "planted" in world.engine.pages["42-1"].sends[0].detail
    assert world.engine.outcome("42-2") is SendState.DELIVERED
    assert world.metrics.errors == ["channel"]


async def test_a_template_that_raises_pages_somebody_all_the_same(
    world, monkeypatch: pytest.MonkeyPatch
) -> None:
    def planted(*_: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(texts, "tell", planted)
    world.engine.publish(world.page())
    await settle(world)
    assert world.engine.outcome("42-1") is SendState.DELIVERED
    assert "Payments failing" in world.mail.sent[0].text
    assert "https://irpd.example.com/a/" in world.mail.sent[0].text
    assert world.metrics.errors == ["text"]


async def test_one_hanging_channel_delays_no_other(world) -> None:
    world.hook.gate.clear()
    pages = [world.page(f"42-{n}", "hook", "other", "mail") for n in range(1, 101)]
    world.engine.publish(*pages)
    await until(lambda: len(world.mail.sent) == 100 and len(world.other.sent) == 100)
    assert len(world.hook.sent) == world.hook.most_at_once == 32
    assert world.outbox.oldest_due_at() is None, "what a hanging channel has been given is seen to"
    await until(lambda: world.outbox.pending == 100)
    world.hook.gate.set()
    await until(lambda: len(world.hook.sent) == 100)


async def test_the_most_severe_goes_first_through_a_narrow_lane(world) -> None:
    world.mail.gate.clear()
    world.engine.publish(*(world.incident(n, level=Level(n)) for n in (1, 2, 3, 4)))
    world.engine.publish(*(world.page(f"42-{n}", kind=PageKind.UPDATE) for n in range(1, 11)))
    await settle(world)
    assert len(world.mail.sent) == 10  # all lanes full
    waiting = [
        world.page("3-1", kind=PageKind.UPDATE),
        world.page("4-1"),
        world.page("2-1"),
        world.page("1-1"),
    ]
    world.engine.publish(*waiting)
    await settle(world)
    world.mail.gate.set()
    await settle(world)
    assert world.mail.ids[10:] == ["1-1.1", "2-1.1", "4-1.1", "3-1.1"]


async def test_a_burst_to_one_slack_user_is_slowed_down_but_urgent_pages_are_not(world) -> None:
    world.engine.publish(world.incident(7, level=Level.LOW))
    world.engine.publish(*(world.page(f"7-{n}", "slack", kind=PageKind.QUIET) for n in range(1, 9)))
    await settle(world)
    assert len(world.slack.sent) == 5
    world.engine.publish(world.page("42-1", "slack"))
    await settle(world)
    assert world.slack.ids[5:] == ["42-1.1"]
    await world.time.advance(10)
    assert len(world.slack.sent) == 9


async def test_five_thousand_due_at_one_instant_are_handed_over_at_that_instant(world) -> None:
    pages = [world.page(f"42-{n}", "hook") for n in range(1, 5001)]
    world.engine.publish(*pages)
    await until(lambda: len(world.engine.submitted) == 5000)
    assert sorted(world.hook.ids) == sorted(f"42-{n}.1" for n in range(1, 5001))
    assert set(world.hook.times) == {0}
    await settle(world)
    assert world.outbox.pending == 0
    assert world.outbox.oldest_due_at() is None


async def test_a_page_among_thousands_takes_no_more_work_than_among_hundreds(world) -> None:
    """Work is counted in calls, which a busy machine makes no more of."""

    async def calls_for(numbers: range) -> float:
        made = itertools.count()
        pages = [world.page(f"42-{n}", "hook") for n in numbers]
        sys.setprofile(lambda _frame, event, _what: next(made) if event == "call" else None)
        try:
            world.engine.publish(*pages)
            await until(lambda: world.outbox.pending == 0 and len(world.engine.submitted) == numbers.stop - 1)
        finally:
            sys.setprofile(None)
        return next(made) / len(numbers)

    few = await calls_for(range(1, 101))
    many = await calls_for(range(101, 1101))
    assert few > 100
    assert many < 1.15 * few


# ------------------------------------------------------------------ the journal can't write
@pytest.mark.parametrize("error", [JournalFull("no space left"), OSError(5, "Input/output error")])
async def test_when_the_journal_cannot_write_a_due_page_is_sent_once_and_recorded_later(world, error) -> None:
    world.engine.failing = error
    world.engine.publish(world.page())
    await world.time.advance(600)
    assert world.mail.ids == ["42-1.1"]
    assert world.engine.attempts_to_submit > 10
    assert world.outbox.unrecorded == 1
    world.engine.failing = None
    await world.time.advance(31)
    assert world.engine.outcome("42-1") is SendState.DELIVERED
    assert world.outbox.unrecorded == 0
    await world.time.advance(600)
    assert world.mail.ids == ["42-1.1"]


async def test_the_first_outcome_that_commits_brings_the_others_along(world) -> None:
    world.refuse_writes()
    world.engine.publish(world.page("42-1"), world.page("42-2"))
    await world.time.advance(300)
    assert world.outbox.unrecorded == 2
    world.engine.failing = None
    world.engine.publish(world.page("42-3"))
    await settle(world)
    assert world.outbox.unrecorded == 0
    assert [world.engine.outcome(f"42-{n}") for n in (1, 2, 3)] == [SendState.DELIVERED] * 3


async def test_a_send_that_is_put_off_is_not_sent_at_its_first_time(world) -> None:
    page = world.page(after=60)
    world.engine.publish(page)
    later = (replace(page.sends[0], due_at=world.time.now() + timedelta(seconds=120)),)
    world.engine.publish(replace(page, sends=later))
    await world.time.advance(300)
    assert world.mail.times == [120]


async def test_other_commits_meanwhile_do_not_send_it_again(world) -> None:
    world.refuse_writes()
    page = world.page(after=0)
    world.engine.publish(page)
    await world.time.advance(5)
    world.engine.publish(replace(page, seen_at=world.time.now()))
    await world.time.advance(5)
    assert world.mail.ids == ["42-1.1"]


async def test_a_passing_failure_is_tried_again_although_it_cannot_be_recorded(world) -> None:
    world.refuse_writes()
    world.mail.answers = iter(
        [Outcome(kind="transient"), Outcome(kind="transient"), Outcome(kind="delivered")]
    )
    world.engine.publish(world.page())
    await world.time.advance(120)
    assert len(world.mail.times) == 3
    assert 4 <= world.mail.times[1] <= 6
    assert 12 <= world.mail.times[2] <= 18
    world.engine.failing = None
    await world.time.advance(60)
    assert world.engine.outcome("42-1") is SendState.DELIVERED
    assert len(world.mail.times) == 3


async def test_what_was_delivered_is_not_sent_again_while_only_an_earlier_try_is_on_disk(world) -> None:
    world.refuse_writes()
    world.mail.answers = iter([Outcome(kind="transient"), *[Outcome(kind="delivered")] * 5])
    world.engine.publish(world.page())
    await world.time.advance(2)
    world.mail.gate.clear()
    await world.time.advance(20)  # the second try is under way,
    assert len(world.mail.sent) == 2
    world.engine.failing = None
    await world.time.advance(31)  # the first is recorded,
    assert world.outbox.unrecorded == 0
    assert world.engine.pages["42-1"].sends[0].attempts == 1
    world.refuse_writes()
    world.mail.gate.set()
    await world.time.advance(120)  # and that the second was delivered can't be
    assert len(world.mail.sent) == 2
    world.engine.failing = None
    await world.time.advance(31)
    assert world.engine.outcome("42-1") is SendState.DELIVERED
    assert len(world.mail.sent) == 2


@pytest.mark.parametrize("error", [Refusal("not-found", "there is no page 42-1"), CommandFailed("planted")])
async def test_a_refused_outcome_is_not_submitted_for_ever_and_not_sent_again(world, error) -> None:
    world.engine.failing = error
    world.engine.publish(world.page())
    await world.time.advance(600)
    assert world.mail.ids == ["42-1.1"]
    assert world.engine.attempts_to_submit == 1


# ------------------------------------------------------------------ kill points
@pytest.mark.parametrize(
    "point, first, again",
    [
        ("before-send", [], ["42-1.1"]),
        ("after-send", ["42-1.1"], ["42-1.1"]),
        ("before-record", ["42-1.1"], ["42-1.1"]),
    ],
)
async def test_after_a_crash_the_page_goes_out_under_the_same_identity(world, point, first, again) -> None:
    world.kill = kill_at(point)
    world.engine.publish(world.page())
    await settle(world)
    assert world.mail.ids == first
    assert world.engine.submitted == []
    world.kill = lambda _: None
    await world.restart()
    assert world.mail.ids == again
    assert world.engine.outcome("42-1") is SendState.DELIVERED


async def test_what_a_provider_answers_is_recorded_as_one_harmless_line(world) -> None:
    world.mail.answers = iter([Outcome(kind="permanent", detail="550 \x1b[2J no\r\nsuch" + "x" * 9000)])
    world.engine.publish(world.page())
    await settle(world)
    detail = world.engine.pages["42-1"].sends[0].detail
    assert detail.startswith("550 [2J no such")
    assert len(detail) == 300


async def test_a_change_that_is_not_understood_never_reaches_the_engine(world, monkeypatch) -> None:
    def planted(_: object) -> None:
        raise RuntimeError("planted")

    with monkeypatch.context() as patch:
        patch.setattr(world.outbox, "_look_at", planted)
        world.engine.publish(world.page())  # does not raise
    await settle(world)
    assert world.engine.outcome("42-1") is SendState.DELIVERED
    assert world.metrics.errors == ["outbox"]


async def test_a_reload_brings_other_channels_and_closes_those_before(world) -> None:
    before = dict(world.channels)
    world.channels["mail"] = type(world.mail)("mail", world.time)
    world.outbox.use_channels(world.channels)
    world.engine.publish(world.page())
    await settle(world)
    assert world.mail.ids == ["42-1.1"]
    assert before["mail"].ids == []
    assert (before["mail"].closed, world.mail.closed, world.hook.closed) == (1, 0, 0)
    await world.outbox.drain(0.0)
    assert (world.mail.closed, world.hook.closed) == (1, 1)


# ------------------------------------------------------------------ stopping, watching, measuring
async def test_draining_waits_for_what_is_under_way_and_begins_nothing(world) -> None:
    world.mail.gate.clear()
    world.engine.publish(*(world.page(f"42-{n}") for n in range(1, 15)))
    await settle(world)
    drained = asyncio.create_task(world.outbox.drain(5.0))
    await settle(world)
    assert not drained.done()
    world.mail.gate.set()
    assert await drained
    states = [world.engine.outcome(f"42-{n}") for n in range(1, 15)]
    assert states.count(SendState.DELIVERED) == 10
    assert states.count(SendState.PENDING) == 4
    assert world.task is not None
    await world.task  # the loop has ended


async def test_draining_cuts_off_what_takes_too_long_and_says_so(world) -> None:
    world.mail.gate.clear()
    world.engine.publish(world.page())
    await settle(world)
    assert not await world.outbox.drain(0.01)
    assert world.engine.outcome("42-1") is SendState.PENDING


async def test_the_delay_is_measured_from_the_requests_first_byte(world) -> None:
    received = world.time.now() - timedelta(milliseconds=40)
    world.engine.publish(world.page(receipt_at=received), world.page("42-2", after=120, receipt_at=received))
    await world.time.advance(200)
    assert world.metrics.delays == [pytest.approx(0.04)]


async def test_a_message_carries_its_link_thread_and_data(world) -> None:
    world.engine.publish(world.page())
    await settle(world)
    message = world.mail.sent[0]
    assert message.thread == "incident-42.20261124020211"
    assert message.fields["id"] == "42-1.1"
    assert message.address == "asha@example.com"


def link_in(text: str) -> str:
    found = re.search(r"/a/\w{11}", text)
    assert found is not None
    return found[0]


async def test_messages_of_two_pages_with_one_number_are_no_repeats_of_each_other(world) -> None:
    """As after a restore, where the numbers of pages begin again."""
    first = world.page(dated=True)
    world.engine.publish(first)
    await settle(world)
    world.engine.publish(replace(first, requested_at=first.requested_at + timedelta(hours=1)))
    await settle(world)
    one, other = world.mail.sent
    assert one.fields["id"] == other.fields["id"] == "42-1.1"
    assert (one.id, other.id) == ("42-1.20261124020211000000.1", "42-1.20261124030211000000.1")
    assert link_in(one.text) != link_in(other.text)


async def test_later_slack_messages_of_an_incident_go_under_the_first(world) -> None:
    world.slack.answers = iter([Outcome(kind="delivered", provider_id=f"D1:{n}.0") for n in range(1, 9)])
    for n in (1, 2, 3):
        world.engine.publish(world.page(f"42-{n}", "slack"))
        await world.time.advance(1)
    assert [message.thread for message in world.slack.sent] == ["", "D1:1.0", "D1:1.0"]


async def test_a_stuck_outbox_is_seen_by_who_watches_it(world) -> None:
    assert world.task is not None
    world.task.cancel()
    await asyncio.gather(world.task, return_exceptions=True)
    progress = world.outbox.progress
    world.engine.publish(world.page())
    await world.time.advance(60)
    assert world.outbox.oldest_due_at() == world.engine.pages["42-1"].sends[0].due_at
    assert world.outbox.progress == progress


# ------------------------------------------------------------------ shadow mode
async def test_in_shadow_mode_no_channel_is_called_and_each_send_is_one_that_would_have_been(world) -> None:
    in_shadow(world)
    world.engine.publish(world.page(), world.page("42-2", kind=PageKind.UPDATE))
    await settle(world)
    assert world.mail.ids == []
    for name in ("42-1", "42-2"):
        send = world.engine.pages[name].sends[0]
        assert (send.state, send.attempts, send.detail) == (SendState.WOULD_HAVE, 0, "shadow mode")
    assert world.metrics.outcomes == [("mail", "would-have")] * 2


async def test_a_test_page_goes_out_in_shadow_mode_and_so_does_what_is_excepted(world) -> None:
    in_shadow(world)
    world.engine.publish(world.page(kind=PageKind.TEST))
    await settle(world)
    assert world.mail.ids == ["42-1.1"]
    in_shadow(world, uses=("mail",))
    world.engine.publish(world.page("42-2"))
    await settle(world)
    assert world.mail.ids == ["42-1.1", "42-2.1"]


def in_shadow(world, *, uses: tuple[str, ...] = ()) -> None:
    policy = world.engine.policy
    policy.configuration = policy.configuration.model_copy(update={"shadow": True, "shadow_uses": uses})
