"""Roles: filled once, by whoever is on call when the level first calls for them."""

from datetime import timedelta

from harness.house import NIGHT, TUESDAY, House, alert, changed, replayed

from irpd.model import command as c

ON_CALL = ("levels:\n", "roles: {commander: {schedule: first-responder, levels: [1, 2]}}\nlevels:\n")
ONE = ("levels:\n", "roles: {commander: {person: fay}}\nlevels:\n")


def test_a_level_that_calls_for_a_commander_has_one_from_the_beginning() -> None:
    house = House(changed(role=ON_CALL))
    house.report(alert("a", want=2))
    assert house.incident().roles == {"commander": "asha"}


def test_a_level_below_has_none_until_it_rises() -> None:
    house = House(changed(role=ON_CALL))
    house.report(alert("a", want=3))
    assert house.incident().roles == {}
    house.report(alert("a", want=1))
    assert house.incident().roles == {"commander": "asha"}


def test_a_persons_word_on_the_level_fills_it_too() -> None:
    house = House(changed(role=ONE))
    house.report(alert("a", want=3))
    house.set_level(2)
    assert house.incident().roles == {"commander": "fay"}


def test_who_commands_goes_on_when_the_shift_ends_and_the_level_changes() -> None:
    house = House(changed(role=ON_CALL), at=TUESDAY - timedelta(days=1, minutes=10))  # Monday 08:50
    house.report(alert("a", want=2))
    house.ack()
    house.do(c.AcceptRole(incident=1, by="ben"))
    house.forward("20m")
    house.set_level(1, by="chi")
    house.set_level(3, by="chi")
    assert house.incident().roles == {"commander": "ben"}


def test_evidence_for_a_level_without_a_commander_goes_to_who_has_it() -> None:
    house = House(changed(role=ONE), at=NIGHT)
    house.report(alert("a", want=4, grouped=True))
    house.ack()
    house.set_level(4)
    house.report(alert("b", want=3, grouped=True))
    house.forward("1d")
    assert house.phones() == ["360m asha mail"]


def test_history_replayed_fills_the_same_roles() -> None:
    house = House(changed(role=ON_CALL))
    house.report(alert("a", want=3))
    house.set_level(1)
    assert replayed(house.facts).incidents[1].roles == {"commander": "asha"}
