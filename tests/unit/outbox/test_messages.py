"""Messages to audiences on their way: addressed, threaded, gathered, recorded with their words."""

from datetime import timedelta

import pytest
from harness.hostile import HOSTILE
from msgspec.structs import replace

from irpd.engine.ports import Outcome
from irpd.model.level import Level
from irpd.model.notice import Notice, Template
from irpd.model.page import Page, PageKind, Send, SendState


def message(
    world,
    id: str,
    *to: str,
    reason: str = "opened",
    via: str = "mail",
    audience: str = "board",
    **changes: object,
) -> Page:
    number = int(id.partition("-")[0])
    said = Notice(
        template=Template.INITIAL, audience=audience, incident=number, level=Level.HIGH, title="Slow"
    )
    now = world.time.now()
    return Page(
        id=id, incident=number, person="", kind=PageKind.MESSAGE, reason=reason, requested_at=now, dated=True,
        expires_at=now + timedelta(hours=12), notice=replace(said, **changes),
        sends=tuple(Send(n=n, channel=via, due_at=now, to=one) for n, one in enumerate(to, start=1)),
    )  # fmt: skip


@pytest.fixture
def gathering(world):
    configuration = world.engine.policy.configuration
    timing = configuration.timing.model_copy(update={"gather": 60.0})
    world.engine.policy.configuration = configuration.model_copy(update={"timing": timing})
    return world


async def test_each_address_gets_its_own_message_and_sees_no_other(world) -> None:
    world.engine.publish(world.incident(1), message(world, "1-1", "a@example.com", "b@example.com"))
    await world.time.advance(1)
    assert sorted(one.address for one in world.mail.sent) == ["a@example.com", "b@example.com"]
    assert len({one.id for one in world.mail.sent}) == 2
    first = world.mail.sent[0]
    assert all("b@example.com" not in part for part in (first.text, first.html, first.subject))


async def test_no_link_and_no_code_that_acts_is_in_a_message(world) -> None:
    world.engine.publish(world.incident(1), message(world, "1-1", "a@example.com"))
    await world.time.advance(1)
    sent = world.mail.sent[0]
    assert "http" not in sent.text
    assert not {"acknowledge_url", "cant_url"} & set(sent.fields)
    assert sent.fields["asks"] is False


async def test_the_words_that_went_out_are_recorded_with_each_address(world) -> None:
    world.mail.answers = iter(
        [Outcome(kind="delivered"), Outcome(kind="transient"), Outcome(kind="delivered")]
    )
    world.engine.publish(world.incident(1), message(world, "1-1", "a@example.com", "b@example.com"))
    await world.time.advance(60)
    said = [(one.send, one.state, bool(one.said)) for one in world.engine.submitted]
    assert sorted(said) == [
        (1, SendState.DELIVERED, True), (2, SendState.DELIVERED, True), (2, SendState.PENDING, False),
    ]  # fmt: skip
    assert world.engine.submitted[0].said.startswith("[INCIDENT #1] - HIGH Incident Reported\n")


async def test_messages_of_an_incident_are_one_thread(world) -> None:
    for n, reason in ((1, "opened"), (2, "update")):
        world.engine.publish(world.incident(1), message(world, f"1-{n}", "a@example.com", reason=reason))
        await world.time.advance(1)
    assert world.mail.sent[0].thread == world.mail.sent[1].thread != ""


async def test_many_openings_in_a_minute_are_one_message_to_each_audience(gathering) -> None:
    world = gathering
    for n in range(1, 21):
        world.engine.publish(
            replace(world.incident(n), level=Level(1 + n % 4)),
            message(world, f"{n}-1", "a@example.com"),
            message(world, f"{n}-2", "a@example.com", audience="team"),
        )
        await world.time.advance(2)
    await world.time.advance(30)
    told = [(one.page.notice.audience, len(one.pages)) for one in world.mail.sent]
    assert sorted(told) == [("board", 1), ("board", 19), ("team", 1), ("team", 19)]
    assert world.mail.sent[-1].text.count("Incident Reported\n") == 19


async def test_what_a_person_says_waits_for_no_others(gathering) -> None:
    world = gathering
    world.engine.publish(world.incident(1), message(world, "1-1", "a@example.com"))
    await world.time.advance(1)
    world.engine.publish(message(world, "1-2", "a@example.com", reason="update", template=Template.UPDATE))
    await world.time.advance(0)
    assert world.mail.times == [0.0, 1.0]


async def test_a_page_goes_before_any_message(world) -> None:
    await world.stop()
    world.engine.publish(world.incident(1), message(world, "1-1", "a@example.com"), world.page("1-2", "mail"))
    world.outbox = world.new_outbox(widths={"file": 1, "smtp": 1})
    await world.start()
    await world.time.advance(1)
    assert [one.page.id for one in world.mail.sent] == ["1-2", "1-1"]


async def test_in_shadow_mode_no_audience_is_told(world) -> None:
    shadow = world.engine.policy.configuration.model_copy(update={"shadow": True})
    world.engine.policy.configuration = shadow
    world.engine.publish(world.incident(1), message(world, "1-1", "a@example.com"))
    await world.time.advance(1)
    assert world.mail.sent == []
    assert [one.state for one in world.engine.submitted] == [SendState.WOULD_HAVE]


async def test_an_audience_that_is_in_the_files_no_more_is_told_what_was_decided(world) -> None:
    assert not world.engine.policy.configuration.audiences
    world.engine.publish(world.incident(1), message(world, "1-1", "a@example.com"))
    await world.time.advance(1)
    assert [one.address for one in world.mail.sent] == ["a@example.com"]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_a_title_written_to_do_harm_still_reaches_its_audience(world, text: str) -> None:
    world.engine.publish(world.incident(1), message(world, "1-1", "a@example.com", title=text, impact=text))
    await world.time.advance(1)
    assert [one.state for one in world.engine.submitted] == [SendState.DELIVERED]
    assert "\n" not in world.mail.sent[0].subject
