"""The page behind the link of what asks for something else than to take the incident."""

from typing import Any

import pytest
from harness.house import CONFIG, House, alert, policy_of
from msgspec.structs import replace

from irpd.model import command as c
from irpd.web.asked import asked_for
from irpd.web.screen import Screen, screen_for

ROTA = CONFIG + "roles: {commander: {schedule: first-responder}}\n"


@pytest.fixture
def house() -> House:
    house = House(policy_of(ROTA))
    house.report(alert("a", want=2))
    return house


def shown(house: House, asks: str, person: str) -> Screen:
    incident = house.incident()
    pages = [p for p in house.rows.pages_of(incident) if p.asks == asks and p.person == person]
    return screen_for(pages[-1], incident, house.members(), house.policy.configuration, house.now)


def buttons(screen: Screen) -> dict[str, Any]:
    names = ("can_take", "can_join", "can_hand_on", "can_undo", "can_resolve", "confirm")
    return {name: True for name in names if getattr(screen, name)}


def test_a_role_is_taken_or_not_and_nothing_else(house: House) -> None:
    screen = shown(house, "role:commander", "asha")
    assert screen.headline == "Incident commander: do you take it?"
    assert screen.lines[0].startswith("You are incident commander of #1")
    assert (screen.take, screen.hand_on) == ("I take it", "I can’t")
    assert buttons(screen) == {"can_take": True, "can_hand_on": True}


def test_who_has_the_role_sees_that_they_have_it(house: House) -> None:
    house.do(c.AcceptRole(incident=1, by="asha"))
    screen = shown(house, "role:commander", "asha")
    assert (screen.state, screen.headline) == ("yours", "You are incident commander.")
    assert buttons(screen) == {"can_hand_on": True}


def test_who_was_late_sees_who_is_asked_and_may_still_take_it(house: House) -> None:
    house.forward("6m")
    screen = shown(house, "role:commander", "asha")
    assert screen.lines == ("Ben is asked now. You can still take it.",)
    assert buttons(screen) == {"can_take": True}
    house.do(c.AcceptRole(incident=1, by="ben"))
    screen = shown(house, "role:commander", "asha")
    assert (screen.state, screen.headline, buttons(screen)) == ("theirs", "Ben is incident commander.", {})


def test_a_question_has_a_field_for_its_answer(house: House) -> None:
    house.do(c.AskHelp(incident=1, by="chi", who="dora", question="<b>is it slow?</b>"))
    screen = shown(house, "help:1", "dora")
    assert (screen.headline, screen.lines) == ("Your help is asked for.", ("Chi asks: <b>is it slow?</b>",))
    assert (screen.take, screen.note) == ("I see to it", "Answer the question")
    house.do(c.AnswerHelp(incident=1, by="dora", ask=1, text="no"))
    assert shown(house, "help:1", "dora").headline == "The question was answered."


def test_an_overdue_update_is_seen_to(house: House) -> None:
    house.ack()
    house.do(c.AcceptRole(incident=1, by="asha"))
    house.forward("121m")
    assert shown(house, "update", "asha").take == "I see to it"
    house.do(c.Note(incident=1, by="asha", text="told", update=True))
    assert shown(house, "update", "asha").headline == "Nothing to do about the update."


def test_what_is_over_asks_for_nothing(house: House) -> None:
    house.resolve()
    screen = shown(house, "role:commander", "asha")
    assert (screen.state, buttons(screen)) == ("over", {})


def test_who_has_the_incident_reads_when_the_next_update_is_due(house: House) -> None:
    house.ack()
    page = next(p for p in house.rows.pages_of(house.incident()) if not p.asks)
    screen = screen_for(page, house.incident(), house.members(), house.policy.configuration, house.now)
    assert "Next: update due 11:00." in screen.lines


def test_who_is_paged_with_an_audience_is_asked_to_know_of_it_not_for_an_update(house: House) -> None:
    paged = next(p for p in house.rows.pages_of(house.incident()) if not p.asks)
    page = replace(paged, asks="audience:legal", text="You are paged together with the audience legal.")
    asked = asked_for(page, house.incident(), {})
    assert (asked.headline, asked.take) == ("You are paged with the audience legal.", "I know of it")
    assert asked_for(replace(page, live=False), house.incident(), {}).headline == "You know of it."
