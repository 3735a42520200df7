"""Contact methods: an answer to a message verifies the address that it came to, and no other."""

from datetime import timedelta
from typing import Any

import pytest
from harness.house import CONFIG, House, plain, policy_of, replayed, restored

from irpd.comms.links import Links
from irpd.comms.story import Subject
from irpd.comms.texts import render
from irpd.model import command as c
from irpd.model.command import Refusal
from irpd.model.contact import Contact
from irpd.model.page import PageKind
from irpd.oncall.contacts import Contacts, to_verify
from irpd.protocol.policy import Policy

MAIL = "  post: {type: smtp, host: localhost, from: irpd@example.com}\n"
SMS = '  text: {type: twilio, from: "+493012345678", auth: {account: {env: A}, token: {env: B}}}\n'


def with_addresses(email: str = "asha@example.com", phone: str = "+4915100000001") -> Policy:
    text = CONFIG.replace("  mail: {type: file", f"{MAIL}{SMS}  mail: {{type: file")
    text = text.replace(
        "    - {after: 0m, via: [mail]}\n",
        "    - {after: 0m, via: [mail, post]}\n    - {after: 1m, via: [text], levels: [1]}\n",
    )
    return policy_of(text.replace("{name: Asha,", f'{{name: Asha, email: {email}, phone: "{phone}",'))


def verified(house: House, channel: str, policy: Policy | None = None) -> bool:
    configuration = (policy or house.policy).configuration
    return Contacts(house.rows.all_standing(Contact)).verified(configuration, "asha", channel)


def ask(house: House, **more: Any) -> Any:
    return house.do(c.VerifyContact(person="asha", by="emil", **more))


def whole(house: House) -> None:
    assert plain(replayed(house.facts)) == plain(house.rows)
    assert plain(restored(house.rows)) == plain(house.rows)


def test_each_address_gets_a_message_of_its_own_and_an_answer_verifies_that_one() -> None:
    house = House(with_addresses())
    assert to_verify(house.policy.configuration, "asha") == ("post", "text")
    asked = ask(house)
    assert asked.text == "Asha is asked to confirm by post, text."
    pages = [house.rows.pages[page] for page in asked.pages]
    assert [(page.kind, [send.channel for send in page.sends]) for page in pages] == [
        (PageKind.TEST, ["post"]), (PageKind.TEST, ["text"]),
    ]  # fmt: skip
    assert not verified(house, "post")
    house.do(c.SeePage(page=asked.pages[1], via="sms"))
    assert (verified(house, "post"), verified(house, "text")) == (False, True)
    whole(house)


def test_a_file_has_nothing_to_verify() -> None:
    house = House(with_addresses())
    assert verified(house, "mail")
    with pytest.raises(Refusal, match="a file, which has no address"):
        ask(house, via="mail")


def test_an_address_that_changed_is_unverified_again_and_not_by_the_answer_to_the_old_one() -> None:
    house = House(with_addresses())
    (page,) = ask(house, via="post").pages
    house.policy = with_addresses(email="new@example.com")
    house.do(c.SeePage(page=page, via="link"))
    assert not verified(house, "post")
    (page,) = _later(house, via="post")
    house.do(c.SeePage(page=page, via="link"))
    assert verified(house, "post")
    assert not verified(house, "post", with_addresses())
    whole(house)


def test_only_the_newest_message_counts() -> None:
    house = House(with_addresses())
    (first,) = ask(house, via="post").pages
    _later(house, via="post")
    house.do(c.SeePage(page=first, via="link"))
    assert not verified(house, "post")


def test_a_test_page_that_is_answered_verifies_nothing() -> None:
    house = House(with_addresses())
    page = house.do(c.TestPage(person="asha", by="emil"))
    house.do(c.SeePage(page=page, via="link"))
    assert house.rows.all_standing(Contact) == []


def test_no_event_has_the_address() -> None:
    house = House(with_addresses())
    ask(house)
    assert "asha@example.com" not in repr(house.facts)
    assert "15100000001" not in repr(house.facts)


def test_nobody_is_asked_twice_within_a_minute() -> None:
    house = House(with_addresses())
    ask(house, via="text")
    with pytest.raises(Refusal, match="asked on text just now"):
        ask(house)
    assert len(_later(house)) == 2


@pytest.mark.parametrize(
    "person, via, says",
    [
        ("asah", "", "no person 'asah'; did you mean asha?"),
        ("asha", "pots", "no channel 'pots'; did you mean post?"),
        ("ben", "post", "Ben has no address on post"),
        ("ben", "", "Ben has no address that could be verified"),
    ],
)
def test_who_or_what_there_is_not_is_refused_with_what_there_is(person: str, via: str, says: str) -> None:
    house = House(with_addresses())
    with pytest.raises(Refusal) as refused:
        house.do(c.VerifyContact(person=person, via=via, by="emil"))
    assert says in refused.value.text
    assert house.rows.all_standing(Contact) == []


def test_people_and_channels_that_are_gone_are_forgotten() -> None:
    house = House(with_addresses())
    (page,) = ask(house, via="post").pages
    house.do(c.SeePage(page=page, via="link"))
    house.policy = policy_of(CONFIG)
    house.do(c.ChangeConfig(hash="new"))
    assert house.rows.all_standing(Contact) == []
    whole(house)


def test_what_reaches_somebody_only_unconfirmed_is_told_by_level() -> None:
    house = House(with_addresses())
    alone = with_addresses().configuration
    contacts = Contacts()
    assert contacts.missing(alone, "asha") == (), "the file needs no confirmation"
    text = CONFIG.replace("  mail: {type: file, path: mail.jsonl}", MAIL.replace("post", "mail").rstrip())
    text = text.replace("  sms: {type: file, path: sms.jsonl}", SMS.replace("text", "sms").rstrip())
    text = text.replace("{name: Asha,", '{name: Asha, email: a@example.com, phone: "+4915100000001",')
    house = House(policy_of(text))
    configuration = house.policy.configuration
    assert contacts.missing(configuration, "asha") == (1, 2, 3)
    assert contacts.missing(configuration, "ben") == (), "nothing reaches him at all: said elsewhere"
    (page,) = ask(house, via="sms").pages
    house.do(c.SeePage(page=page, via="sms"))
    assert Contacts(house.rows.all_standing(Contact)).missing(configuration, "asha") == (3,)


@pytest.mark.parametrize(
    "kind", ["smtp", "slack", "twilio", "voice", "ntfy", "telegram", "mattermost", "teams", "webhook"]
)
def test_every_medium_says_what_to_do_and_who_reads_it_can_type_the_code(kind: str) -> None:
    house = House(with_addresses())
    (page_id,) = ask(house, via="post").pages
    page, links = house.rows.pages[page_id], Links(b"k" * 32, "https://irpd.invalid")
    subject = Subject(
        page=page, incident=None, members=(), configuration=house.policy.configuration, now=house.now,
        link=links.url(page), cant_link=links.cant_url(page), digits=links.digits(page),
    )  # fmt: skip
    rendered = render(kind, subject)
    assert rendered.error == ""
    said = f"{rendered.subject} {rendered.text} {rendered.fields}"
    assert "confirm" in said
    assert "Asha" in said
    if kind not in ("voice", "twilio"):
        assert links.digits(page) in said
    if kind != "voice":
        assert links.url(page) in said


def _later(house: House, **more: Any) -> Any:
    house.now += timedelta(minutes=2)
    return ask(house, **more).pages
