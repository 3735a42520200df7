"""Ten pages in a minute become one message with ten lines."""

import itertools
from datetime import timedelta

import pytest
from msgspec.structs import replace

from irpd.engine.ports import Outcome
from irpd.model.level import Level
from irpd.model.page import PageKind, SendState


@pytest.fixture
def gathering(world):
    configuration = world.engine.policy.configuration
    timing = configuration.timing.model_copy(update={"gather": 60.0})
    world.engine.policy.configuration = configuration.model_copy(update={"timing": timing})
    return world


def page(world, n: int, *, level: int = 2, via: str = "mail", **changes: object) -> None:
    incident = replace(world.incident(n), level=Level(level), title=f"Case {n} fails")
    world.engine.publish(incident, world.page(f"{n}-1", via, **changes))


def told(message) -> list[int]:
    return [one.incident for one, _ in message.pages]


async def test_the_first_goes_at_once_and_the_others_of_the_minute_in_one(gathering) -> None:
    world = gathering
    for n in range(1, 11):
        page(world, n)
        await world.time.advance(5)
    await world.time.advance(15)
    assert [told(message) for message in world.mail.sent] == [[1], list(range(2, 11))]
    assert world.mail.times == [0.0, 60.0]
    text = world.mail.sent[1].text
    assert text.startswith("9 pages: #2 HIGH · Case 2 fails\nSince 03:02 Berlin. Press I have it at each.\n")
    assert [text.index(f"#{n} HIGH") for n in range(2, 11)] == sorted(
        text.index(f"#{n} HIGH") for n in range(2, 11)
    )
    links = [line for line in text.splitlines() if line.startswith("I have it: https://irpd.example.com/a/")]
    assert len(set(links)) == 9, "each has its own link"


async def test_pages_that_come_due_together_go_out_together_at_once_the_most_severe_first(gathering) -> None:
    world = gathering
    await world.stop()
    for n, level in ((1, 3), (2, 1), (3, 2)):
        page(world, n, level=level)
    world.outbox = world.new_outbox()
    await world.start()
    await world.time.advance(0)
    assert [told(message) for message in world.mail.sent] == [[2, 3, 1]]
    assert world.mail.sent[0].subject.startswith("[irpd] 3 pages: #2 CRITICAL")


async def test_each_page_of_a_message_has_its_own_outcome_in_the_ledger(gathering) -> None:
    world = gathering
    answers = [Outcome(kind="delivered", provider_id=f"m{n}") for n in range(5)]
    world.mail.answers = iter(answers)
    for n in (1, 2, 3):
        page(world, n)
        await world.time.advance(1)
    await world.time.advance(60)
    sends = [world.engine.pages[f"{n}-1"].sends[0] for n in (1, 2, 3)]
    assert [send.state for send in sends] == [SendState.DELIVERED] * 3
    assert [send.provider_id for send in sends] == ["m0", "m1", "m1"]
    assert world.metrics.outcomes == [("mail", "delivered")] * 3


async def test_what_is_more_severe_goes_at_once_and_takes_along_what_waits(gathering) -> None:
    world = gathering
    page(world, 1, level=3)
    await world.time.advance(5)
    page(world, 2, level=3)
    await world.time.advance(5)
    page(world, 3, level=1)
    await world.time.advance(0)
    assert [told(message) for message in world.mail.sent] == [[1], [3, 2]]
    await world.time.advance(120)
    assert len(world.mail.sent) == 2


async def test_a_second_critical_incident_is_known_within_seconds(gathering) -> None:
    world = gathering
    page(world, 1, level=1)
    await world.time.advance(2)
    page(world, 2, level=1)
    page(world, 3, level=2)
    await world.time.advance(8)
    assert world.mail.times == [0.0, 10.0]
    assert [told(message) for message in world.mail.sent] == [[1], [2, 3]], "it takes along what waits"


async def test_ten_critical_incidents_in_a_minute_are_few_messages_and_each_is_known_soon(
    gathering,
) -> None:
    world = gathering
    for n in range(1, 11):
        page(world, n, level=1)
        await world.time.advance(6)
    await world.time.advance(60)
    assert world.mail.times == [0.0, 10.0, 30.0, 70.0]
    assert [told(message) for message in world.mail.sent] == [[1], [2], [3, 4, 5], [6, 7, 8, 9, 10]]


async def test_after_a_quiet_minute_a_critical_incident_waits_for_seconds_again(gathering) -> None:
    world = gathering
    for n in (1, 2):
        page(world, n, level=1)
    await world.time.advance(80)
    page(world, 3, level=1)
    await world.time.advance(1)
    page(world, 4, level=1)
    await world.time.advance(10)
    assert world.mail.times[-2:] == [80.0, 90.0]


async def test_a_critical_incident_never_waits_where_that_is_wanted(gathering) -> None:
    world = gathering
    configuration = world.engine.policy.configuration
    timing = configuration.timing.model_copy(update={"gather_critical": 0.0})
    world.engine.policy.configuration = configuration.model_copy(update={"timing": timing})
    for n in (1, 2, 3):
        page(world, n, level=1)
        await world.time.advance(1)
    assert world.mail.times == [0.0, 1.0, 2.0]


async def test_less_severe_news_waits_for_the_whole_minute_after_a_critical_one(gathering) -> None:
    world = gathering
    page(world, 1, level=1)
    await world.time.advance(2)
    page(world, 2, level=2)
    await world.time.advance(60)
    assert world.mail.times == [0.0, 60.0]


async def test_people_and_channels_are_gathered_each_by_themselves(gathering) -> None:
    world = gathering
    page(world, 1)
    page(world, 2, via="slack")
    await world.time.advance(1)
    assert len(world.mail.sent) == len(world.slack.sent) == 1


async def test_receivers_that_are_programs_get_each_page_by_itself(gathering) -> None:
    world = gathering
    for n in (1, 2, 3):
        page(world, n, via="hook")
    await world.time.advance(0)
    assert [told(message) for message in world.hook.sent] == [[1], [2], [3]]


async def test_updates_and_tests_are_held_for_nothing(gathering) -> None:
    world = gathering
    page(world, 1)
    await world.time.advance(1)
    page(world, 2, kind=PageKind.UPDATE, text="news")
    world.engine.publish(world.page("0-1", "mail", kind=PageKind.TEST))
    await world.time.advance(1)
    assert len(world.mail.sent) == 3


async def test_a_channel_that_the_rules_want_twice_comes_twice_at_its_times(gathering) -> None:
    world = gathering
    world.engine.publish(world.incident(1))
    once = world.page("1-1", "mail", "mail")
    later = replace(once.sends[1], due_at=once.sends[1].due_at + timedelta(seconds=20))
    world.engine.publish(replace(once, sends=(once.sends[0], later)))
    await world.time.advance(30)
    assert world.mail.times == [0.0, 20.0]


async def test_what_is_over_when_the_minute_ends_is_not_told(gathering) -> None:
    world = gathering
    for n in (1, 2, 3):
        page(world, n)
        await world.time.advance(1)
    world.acknowledge(2)
    await world.time.advance(60)
    assert [told(message) for message in world.mail.sent] == [[1], [3]]
    assert world.engine.outcome("2-1") is SendState.OBSOLETE


async def test_a_message_that_did_not_get_through_holds_nothing_back(gathering) -> None:
    world = gathering
    world.mail.gate.clear()
    page(world, 1)
    await world.time.advance(1)
    page(world, 2)
    await world.time.advance(1)
    assert len(world.mail.sent) == 1
    world.mail.answers = iter([Outcome(kind="transient", detail="451"), Outcome(kind="delivered")])
    world.mail.gate.set()
    await world.time.advance(0)
    assert [told(message) for message in world.mail.sent] == [[1], [2]]


async def test_a_message_of_several_that_fails_is_tried_again_as_one(gathering) -> None:
    world = gathering
    await world.stop()
    for n in (1, 2, 3):
        page(world, n)
    world.outbox = world.new_outbox()
    world.mail.answers = itertools.chain(
        [Outcome(kind="transient", detail="451")], itertools.repeat(Outcome(kind="delivered"))
    )
    await world.start()
    await world.time.advance(7)
    assert [told(message) for message in world.mail.sent] == [[1, 2, 3], [1, 2, 3]]
    assert len(set(world.mail.ids)) == 1, "the same message has the same identity"
    assert [world.engine.pages[f"{n}-1"].sends[0].attempts for n in (1, 2, 3)] == [2, 2, 2]


async def test_with_others_in_it_a_message_is_no_repeat(gathering) -> None:
    world = gathering
    await world.stop()
    for n in (1, 2, 3):
        page(world, n)
    world.outbox = world.new_outbox()
    world.mail.answers = itertools.chain(
        [Outcome(kind="transient", detail="timed out")], itertools.repeat(Outcome(kind="delivered"))
    )
    await world.start()
    world.acknowledge(2)
    await world.time.advance(7)
    assert [told(message) for message in world.mail.sent] == [[1, 2, 3], [1, 3]]
    assert len(set(world.mail.ids)) == 2


async def test_while_the_journal_fails_what_went_out_together_is_not_sent_again(gathering) -> None:
    world = gathering
    page(world, 1)
    await world.time.advance(1)
    page(world, 2)
    page(world, 3)
    await world.time.advance(1)
    world.refuse_writes()
    await world.time.advance(70)
    assert [told(message) for message in world.mail.sent] == [[1], [2, 3]]
    assert world.outbox.unrecorded == 2
    world.engine.failing = None
    await world.time.advance(40)
    assert world.outbox.unrecorded == 0
    assert [world.engine.outcome(f"{n}-1") for n in (2, 3)] == [SendState.DELIVERED] * 2
    assert len(world.mail.sent) == 2


async def test_what_was_held_is_sent_by_the_next_process_if_this_one_dies(gathering) -> None:
    world = gathering
    page(world, 1)
    await world.time.advance(1)
    page(world, 2)
    await world.time.advance(1)
    await world.restart()
    await world.time.advance(0)
    assert [told(message) for message in world.mail.sent] == [[2]]


async def test_a_channel_that_raises_fails_all_of_its_message_and_ends_no_turn(gathering) -> None:
    world = gathering
    await world.stop()
    for n in (1, 2):
        page(world, n)
    world.outbox = world.new_outbox()
    world.mail.answers = iter([RuntimeError("a defect")])
    await world.start()
    await world.time.advance(1)
    assert [world.engine.outcome(f"{n}-1") for n in (1, 2)] == [SendState.FAILED] * 2
    assert world.outbox.pending == 0


async def test_a_text_that_cannot_be_made_loses_none_of_them(gathering, monkeypatch) -> None:
    world = gathering
    await world.stop()
    for n in (1, 2):
        page(world, n)
    world.outbox = world.new_outbox()
    monkeypatch.setattr("irpd.outbox.sender.compose_several", lambda *_a, **_o: 1 / 0)
    await world.start()
    await world.time.advance(1)
    first, second = (world.engine.outcome(f"{n}-1") for n in (1, 2))
    assert first is SendState.FAILED, "so that its next method comes at once"
    assert second is SendState.DELIVERED
