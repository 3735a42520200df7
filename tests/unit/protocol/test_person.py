"""How a person is reached by time of day: hours of methods, and quiet hours."""

from datetime import timedelta

import pytest
from harness.house import CONFIG, NIGHT, House, alert, policy_of

from irpd.protocol.policy import Policy

_SMS = "sms: {type: file, path: sms.jsonl}"
_TEXTS = 'sms: {type: twilio, from: "+493012345678", auth: {account: {env: A}, token: {env: B}}}'


def with_quiet(quiet: str) -> Policy:
    """asha has quiet hours; sms rings."""
    text = CONFIG.replace(_SMS, _TEXTS)
    return policy_of(text.replace("asha: {name: Asha, ", f"asha: {{name: Asha, quiet: {quiet}, "))


def of_asha(house: House) -> list[str]:
    return [line for line in house.phones() if " asha " in line]


@pytest.mark.parametrize("level, phones", [
    (1, ["0m asha mail", "2m asha sms"]),
    (2, ["0m asha mail"]),
])  # fmt: skip
def test_quiet_hours_are_broken_by_level_1(level: int, phones: list[str]) -> None:
    house = House(with_quiet("{from: '22:00', to: '07:00'}"), at=NIGHT)
    house.report(alert("a", want=level))
    house.forward("4m")
    assert of_asha(house) == phones


def test_level_2_breaks_them_where_that_is_said() -> None:
    house = House(with_quiet("{from: '22:00', to: '07:00', breaks: [2]}"), at=NIGHT)
    house.report(alert("a", want=2))
    house.forward("4m")
    assert of_asha(house) == ["0m asha mail", "2m asha sms"]


def test_outside_them_everything_rings() -> None:
    house = House(with_quiet("{from: '22:00', to: '07:00'}"))
    house.report(alert("a", want=2))
    house.forward("4m")
    assert of_asha(house) == ["0m asha mail", "2m asha sms"]


def test_what_comes_when_they_are_over_rings() -> None:
    house = House(with_quiet("{from: '22:00', to: '03:01'}"), at=NIGHT)  # 03:00
    house.report(alert("a", want=2))
    house.forward("4m")
    assert of_asha(house) == ["0m asha mail", "2m asha sms"]


def test_whom_quiet_hours_leave_no_method_is_not_the_only_one_who_is_asked() -> None:
    text = CONFIG.replace(_SMS, _TEXTS).replace(
        "asha: {name: Asha, ",
        "asha: {name: Asha, notify: [{via: [sms]}], quiet: {from: '22:00', to: '07:00'}, ",
    )
    house = House(policy_of(text), at=NIGHT)
    house.report(alert("a", want=2))
    assert house.people() == ["0m emil"]


def test_a_method_holds_in_its_hours() -> None:
    hours = "hours: {from: '08:00', to: '20:00'}"
    text = CONFIG.replace("{after: 0m, via: [mail]}", f"{{after: 0m, via: [mail], {hours}}}")
    day, night = House(policy_of(text)), House(policy_of(text), at=NIGHT)
    for house in (day, night):
        house.report(alert("a"))
        house.forward("4m")
    assert of_asha(day) == ["0m asha mail", "2m asha sms"]
    assert of_asha(night) == ["2m asha sms"]


def test_where_no_method_holds_at_this_hour_all_are_used() -> None:
    hours = "hours: {from: '08:00', to: '20:00'}"
    text = CONFIG.replace("{after: 0m, via: [mail]}", f"{{after: 0m, via: [mail], {hours}}}").replace(
        "via: [sms], levels: [1, 2]}", f"via: [sms], levels: [1, 2], {hours}}}"
    )
    house = House(policy_of(text), at=NIGHT)
    house.report(alert("a"))
    house.forward("4m")
    assert of_asha(house) == ["0m asha mail", "2m asha sms"]


def test_hours_are_those_at_which_the_message_would_come() -> None:
    hours = "hours: {from: '09:00', to: '18:00'}"
    text = CONFIG.replace("via: [sms], levels: [1, 2]}", f"via: [sms], levels: [1, 2], {hours}}}")
    house = House(policy_of(text), at=NIGHT + timedelta(hours=5, minutes=59))  # 08:59
    house.report(alert("a"))
    house.forward("4m")
    assert of_asha(house) == ["0m asha mail", "2m asha sms"]
