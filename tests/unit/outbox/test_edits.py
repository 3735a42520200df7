"""Messages edited in place when somebody takes an incident or ends it."""

import itertools

import pytest
from msgspec.structs import replace

from irpd.engine.ports import Outcome
from irpd.model.incident import State


@pytest.fixture
def slacked(world):
    """Each message posted gets an id of its own."""
    world.slack.answers = (Outcome(kind="delivered", provider_id=f"D1:{n}.0") for n in itertools.count(1))
    return world


async def test_an_acknowledgement_shows_in_the_first_message_to_each_person(slacked) -> None:
    slacked.engine.publish(slacked.page("42-1", "slack"))
    await slacked.time.advance(1)
    slacked.engine.publish(slacked.page("42-2", "slack"))
    await slacked.time.advance(1)
    slacked.acknowledge()
    await slacked.time.advance(0)
    ((where, text),) = slacked.slack.edited
    assert where == "D1:1.0"
    assert "Asha Rao has it" in text


async def test_the_end_shows_too_and_other_changes_edit_nothing(slacked) -> None:
    slacked.engine.publish(slacked.page("42-1", "slack"))
    await slacked.time.advance(1)
    slacked.engine.publish(slacked.incident(firing=0))
    slacked.engine.publish(slacked.incident(firing=3))
    await slacked.time.advance(1)
    assert slacked.slack.edited == []
    slacked.engine.publish(slacked.incident(state=State.RESOLVED, resolved_at=slacked.time.now()))
    slacked.engine.publish(slacked.incident(state=State.RESOLVED, resolved_at=slacked.time.now(), firing=2))
    await slacked.time.advance(1)
    assert len(slacked.slack.edited) == 1
    assert "Over 03:02. Nothing to do." in slacked.slack.edited[0][1]


async def test_a_message_that_was_under_way_at_the_acknowledgement_is_edited_after_it(slacked) -> None:
    slacked.slack.gate.clear()
    slacked.engine.publish(slacked.page("42-1", "slack"))
    await slacked.time.advance(0)
    slacked.acknowledge()
    await slacked.time.advance(0)
    assert slacked.slack.edited == []
    slacked.slack.gate.set()
    await slacked.time.advance(0)
    assert [where for where, _ in slacked.slack.edited] == ["D1:1.0"]


async def test_an_edit_that_fails_for_now_is_tried_a_few_times(slacked) -> None:
    slacked.slack.edit_answers = itertools.repeat(Outcome(kind="transient"))
    slacked.engine.publish(slacked.page("42-1", "slack"))
    await slacked.time.advance(1)
    slacked.acknowledge()
    await slacked.time.advance(3600)
    assert len(slacked.slack.edited) == 4


async def test_what_changes_meanwhile_shows_at_last(slacked) -> None:
    slacked.slack.edit_answers = itertools.chain(
        [Outcome(kind="transient")], itertools.repeat(Outcome(kind="delivered"))
    )
    slacked.engine.publish(slacked.page("42-1", "slack"))
    await slacked.time.advance(1)
    slacked.acknowledge()
    await slacked.time.advance(1)
    now = slacked.engine.incidents[42]
    slacked.engine.publish(
        replace(now, state=State.RESOLVED, resolved_at=slacked.time.now(), resolved_by="asha")
    )
    await slacked.time.advance(60)
    assert "Over 03:02 by Asha Rao." in slacked.slack.edited[-1][1]


async def test_channels_that_cannot_edit_are_left_alone(world) -> None:
    world.mail.answers = itertools.repeat(Outcome(kind="delivered", provider_id="<1@x>"))
    world.engine.publish(world.page("42-1", "mail"))
    await world.time.advance(1)
    world.acknowledge()
    await world.time.advance(1)
    assert world.mail.edited == []
