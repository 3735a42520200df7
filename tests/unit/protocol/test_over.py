"""A word when it is over, to everybody who was paged for it."""

import pytest
from harness.house import CONFIG, House, alert, changed, policy_of

from irpd.model import command as c
from irpd.model.page import PageKind


def over(house: House) -> list[str]:
    return [f"{person} {channel}" for _, person, channel, page in house.shown if page.reason == "over"]


def test_everybody_who_was_paged_hears_it_once_but_who_ended_it() -> None:
    house = House()
    house.report(alert("a"))
    house.forward("16m")
    house.resolve(by="chi")
    assert over(house) == ["asha mail", "dora mail"]
    page = house.shown[-1][3]
    assert page.kind is PageKind.UPDATE
    assert page.text == "Over: resolved by Chi. Nothing to do."


def test_who_was_paged_and_not_reached_hears_nothing() -> None:
    house = House()
    house.broken = {("asha", "mail"), ("asha", "sms")}
    house.report(alert("a"))
    house.resolve(by="chi")
    assert "asha mail" not in over(house)


def test_it_goes_by_the_channel_that_reached_them() -> None:
    house = House()
    house.broken = {("asha", "mail")}
    house.report(alert("a"))
    house.forward("3m")
    house.broken = set()
    house.resolve(by="chi")
    assert "asha sms" in over(house)


@pytest.mark.parametrize("types, via", [("smtp voice", ["asha mail"]), ("voice smtp", ["asha sms"])])
def test_a_call_never_tells_it(types: str, via: list[str]) -> None:
    first, second = types.split()
    kinds = {
        "twilio": '{type: twilio, from: "+493012345678", auth: {account: {env: A}, token: {env: B}}}',
        "voice": "{use: text, as: voice}",
        "smtp": "{type: smtp, host: mail.invalid, from: irpd@example.com}",
    }
    text = CONFIG.replace(
        "mail: {type: file, path: mail.jsonl}", f"text: {kinds['twilio']}\n  mail: {kinds[first]}"
    )
    house = House(policy_of(text.replace("sms: {type: file, path: sms.jsonl}", f"sms: {kinds[second]}")))
    house.report(alert("a"), alert("b"))
    house.resolve(by="chi")  # where the first method is a call, nothing else has reached asha
    assert over(house) == ([] if first == "voice" else via)
    house.forward("3m")
    house.resolve(2, by="chi")
    assert over(house)[-1:] == via


def test_what_ends_by_itself_is_told_too() -> None:
    house = House()
    house.report(alert("a", want=3))
    house.report(alert("a", "resolved", want=3))
    house.forward("15m")
    assert over(house) == ["asha mail"]
    assert house.shown[-1][3].text == "Over: resolved by itself. Nothing to do."


def test_a_word_that_was_not_sent_yet_is_not_sent_after_it_opened_again() -> None:
    house = House()
    house.report(alert("a"))
    house.delivers = False
    house.quietly(c.Resolve(incident=1, by="chi"))
    house.quietly(c.Reopen(incident=1, by="chi"))
    house.delivers = True
    house.deliver()
    assert over(house) == []


def test_channels_that_are_gone_tell_nothing() -> None:
    house = House()
    house.report(alert("a"))
    house.policy = changed(
        channel=("  mail: {type: file, path: mail.jsonl}\n", "  post: {type: file, path: mail.jsonl}\n"),
        notify=("via: [mail]}\n", "via: [post]}\n"),
        mute=("via: [mail], levels: [4]", "via: [post], levels: [4]"),
    )
    house.resolve(by="chi")
    assert over(house) == []
