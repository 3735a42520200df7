"""What providers send back: answers to text messages, keys pressed in a call, words on what was delivered."""

import email.policy
import io
import json
from email.message import EmailMessage
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest
from house import SECRET, House

from irpd.channels import slack_buttons
from irpd.channels.mail_reply import answer_id
from irpd.channels.twilio import signature
from irpd.engine.ports import JournalFull
from irpd.model import command as c
from irpd.model.incident import State
from irpd.model.page import SendState
from irpd.web import channels

ASHA, BEN = "+4915100000001", "+4915100000002"
CHANNELS = """
sms: {type: twilio, from: "+493012345678", auth: {account: {env: DOOR_SECRET}, token: {env: DOOR_SECRET}}}
call: {use: sms, as: voice}
"""
NOTIFY = "[{after: 0m, via: [local, sms, call]}]"


@pytest.fixture
async def phones(build) -> House:
    return await build(channels=CHANNELS, notify=NOTIFY)


async def post(house: House, place: str, *, sign: str = SECRET, **fields: str) -> tuple[int, str]:
    """As Twilio posts it."""
    url = f"https://irpd.example.com/channel/{place}"
    headers = {
        "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
        "X-Twilio-Signature": signature(sign, url, list(fields.items())),
    }
    async with house.tcp.post(f"/channel/{place}", data=urlencode(fields), headers=headers) as answer:
        return answer.status, await answer.text()


async def reply(house: House, text: str, *, number: str = ASHA) -> str:
    """What the answer to a text message says; "" for none."""
    status, body = await post(house, "sms/reply", From=number, Body=text, MessageSid="SM1")
    assert status == 200, body
    message = ET.fromstring(body).find("Message")
    return "" if message is None else message.text or ""


def code(house: House, incident) -> str:
    return house.links.codes.code(house.page_of(incident))


async def test_the_code_of_a_page_acknowledges_it(phones: House) -> None:
    incident = await phones.alert()
    said = await reply(phones, code(phones, incident))
    assert said == "You have #1. Escalation has stopped."
    found = phones.engine.state.incidents[1]
    assert (found.state, found.acknowledged_by) == (State.ACKNOWLEDGED, ("asha",))


@pytest.mark.parametrize("spelled", ["{} ", " {}!", "{}.", "\n{}\n"])
async def test_a_code_is_understood_however_a_thumb_writes_it(phones: House, spelled: str) -> None:
    incident = await phones.alert()
    assert "You have #1" in await reply(phones, spelled.format(code(phones, incident).lower()))


@pytest.mark.parametrize("spelled", ["{}N", "{}n", "{} N", "{} no"])
async def test_the_code_with_an_n_hands_the_page_on(phones: House, spelled: str) -> None:
    incident = await phones.alert()
    said = await reply(phones, spelled.format(code(phones, incident)))
    assert said == "Passed on: Chi Okafor is paged now."


async def test_a_code_from_another_telephone_is_worth_nothing(phones: House) -> None:
    incident = await phones.alert()
    assert "no page" in await reply(phones, code(phones, incident), number=BEN)
    assert await reply(phones, code(phones, incident), number="+4915199999999") == ""
    assert phones.engine.state.incidents[1].state is State.OPEN


async def test_a_late_code_hears_who_has_it_and_changes_nothing(phones: House) -> None:
    incident = await phones.alert()
    await reply(phones, f"{code(phones, incident)}N")
    chi = phones.page_of(phones.engine.state.incidents[1], "chi")
    async with phones.tcp.post(phones.link(chi)) as answer:
        assert answer.status == 200
    said = await reply(phones, code(phones, incident))
    assert said == "Chi Okafor has #1. Nothing to do. To join, open the link."
    assert phones.engine.state.incidents[1].acknowledged_by == ("chi",)


async def test_a_code_of_what_is_over_hears_so(phones: House) -> None:
    incident = await phones.alert()
    await phones.engine.submit(c.Resolve(incident=1, by="chi", because="x", via="cli"))
    assert (await reply(phones, code(phones, incident))).startswith("Nothing to do: #1")


async def test_a_word_will_do_while_one_page_waits(phones: House) -> None:
    await phones.alert()
    assert "You have #1" in await reply(phones, "Ack!")
    assert await reply(phones, "ok") == "Nothing waits for an answer of yours."


async def test_with_two_pages_waiting_a_word_is_answered_with_their_codes(phones: House) -> None:
    first = await phones.alert()
    labels = {"alertname": "Other", "service": "elsewhere"}
    second = await phones.alert(fingerprint="1" * 16, labels=labels)
    said = await reply(phones, "yes")
    assert said.startswith("2 pages wait for you")
    assert code(phones, first) in said
    assert code(phones, second) in said
    assert phones.engine.state.incidents[1].state is State.OPEN


async def test_a_machine_that_answers_for_ever_is_answered_three_times(phones: House) -> None:
    said = [await reply(phones, "I am on holiday until Monday") for _ in range(6)]
    assert [bool(one) for one in said] == [True, True, True, False, False, False]
    phones.clock.step(hours=2)
    assert await reply(phones, "hello")


async def test_a_test_page_is_answered_too(phones: House) -> None:
    await phones.engine.submit(c.TestPage(person="asha", by="emil"))
    (page,) = [p for p in phones.engine.state.pages.values() if p.person == "asha"]
    assert await reply(phones, phones.links.codes.code(page)) == "It works: your answer has arrived."
    assert phones.engine.state.pages[page.id].seen_at is not None


async def press(house: House, key: str, *, page: str, number: str = ASHA) -> str:
    status, body = await post(house, f"call/keys/{page}", Digits=key, To=number, CallSid="CA1")
    assert status == 200, body
    return " ".join(say.text or "" for say in ET.fromstring(body).iter("Say"))


async def test_the_keys_of_a_call_do_what_the_call_says(phones: House) -> None:
    page = phones.page_of(await phones.alert())
    again = await press(phones, "9", page=page.name)
    assert "critical" in again or "high" in again
    assert "Payments failing" in again
    assert "Press 1 if you have it" in again
    assert "That key means nothing here" in await press(phones, "5", page=page.name)
    assert "Passed on" in await press(phones, "2", page=page.name)
    assert "You have #1" in await press(phones, "1", page=page.name)


async def test_a_key_pressed_on_another_telephone_changes_nothing(phones: House) -> None:
    page = phones.page_of(await phones.alert())
    assert "doesn't know" in await press(phones, "1", page=page.name, number="+4915199999999")
    assert "no longer open" in await press(phones, "1", page="1-1.20200101000000000000")
    assert phones.engine.state.incidents[1].state is State.OPEN


async def test_what_isnt_signed_by_twilio_is_refused_and_does_nothing(phones: House) -> None:
    incident = await phones.alert()
    fields = {"From": ASHA, "Body": code(phones, incident)}
    status, body = await post(phones, "sms/reply", sign="guessed", **fields)
    assert status == 403
    assert SECRET not in body
    async with phones.tcp.post("/channel/sms/reply", data=fields) as answer:
        assert answer.status == 403
    good = signature(SECRET, "https://irpd.example.com/channel/sms/reply", [("From", ASHA), ("Body", "x")])
    async with phones.tcp.post(
        "/channel/sms/reply", data=fields, headers={"X-Twilio-Signature": good}
    ) as answer:
        assert answer.status == 403, "a signature of something else"
    assert phones.engine.state.incidents[1].state is State.OPEN


async def test_a_text_message_that_never_arrived_brings_the_next_method_at_once(build) -> None:
    house = await build(channels=CHANNELS, notify="[{after: 0m, via: [sms]}, {after: 4m, via: [call]}]")
    page = house.page_of(await house.alert())
    await house.engine.submit(
        c.RecordSend(
            page=page.id, send=1, state=SendState.DELIVERED, provider_id="SM7", handed_at=house.clock.now()
        )
    )
    house.clock.step(seconds=5)
    assert await post(house, "sms/status", MessageSid="SM7", MessageStatus="sent") == (204, "")
    before = house.engine.state.pages[page.id].sends
    assert before[0].state is SendState.DELIVERED
    await post(house, "sms/status", MessageSid="SM7", MessageStatus="undelivered", ErrorCode="30003")
    after = house.engine.state.pages[page.id].sends
    assert after[0].state is SendState.FAILED
    assert after[0].detail == "undelivered, error 30003"
    assert after[1].due_at <= house.clock.now() < before[1].due_at


async def test_a_channel_that_hears_nothing_and_one_that_isnt_there_are_not_found(phones: House) -> None:
    for place in ("local/reply", "nobody/reply"):
        async with phones.tcp.post(f"/channel/{place}", data=b"x") as answer:
            assert answer.status == 404
    status, _ = await post(phones, "sms/elsewhere", From=ASHA)
    assert status == 400


@pytest.mark.parametrize("body", [b"\xff\xfe", b"%zz=%00", b"a" * 2_000_000, b"&".join([b"a=b"] * 500)])
async def test_a_body_that_is_no_form_or_too_large_is_refused(phones: House, body: bytes) -> None:
    headers = {"X-Twilio-Signature": "x"}
    async with phones.tcp.post("/channel/sms/reply", data=io.BytesIO(body), headers=headers) as answer:
        assert answer.status in (400, 403, 413)


SLACK = "slack: {type: slack, auth: {bot_token: {env: DOOR_SECRET}, signing_secret: {env: DOOR_SECRET}}}"


async def pressed(house: House, page: str, *, user: str = "U01ASHA", action: str = "i-have-it") -> int:
    """As Slack posts it."""
    said = {
        "type": "block_actions",
        "user": {"id": user},
        "actions": [{"action_id": action, "value": page}],
    }
    body = urlencode({"payload": json.dumps(said)}).encode()
    at = str(int(house.clock.now().timestamp()))
    signed = slack_buttons.signature(SECRET.encode(), at, body)
    headers = {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": signed}
    async with house.tcp.post("/channel/slack/interactivity", data=body, headers=headers) as answer:
        return answer.status


async def test_a_button_in_slack_acknowledges_for_who_pressed_it(build) -> None:
    house = await build(channels=SLACK, notify="[{after: 0m, via: [slack]}]")
    page = house.page_of(await house.alert())
    assert await pressed(house, page.name, user="U99STRANGER") == 200
    assert house.engine.state.incidents[1].state is State.OPEN
    assert await pressed(house, page.name) == 200
    assert house.engine.state.incidents[1].acknowledged_by == ("asha",)
    assert await pressed(house, page.name, user="U02BEN", action="i-cant") == 200
    assert house.engine.state.incidents[1].acknowledged_by == ("asha",)
    assert house.engine.policy.configuration.hears("slack")


MAIL = """
mail: {type: smtp, host: localhost, port: 9, from: i@x.io, replies: {auth: {secret: {env: DOOR_SECRET}}}}
"""


async def test_a_mail_that_answers_acknowledges(build) -> None:
    house = await build(channels=MAIL, notify="[{after: 0m, via: [mail]}]")
    page = house.page_of(await house.alert())
    answer = EmailMessage(policy=email.policy.SMTP.clone(max_line_length=990))
    answer["From"] = "asha@elsewhere.example"
    answer["References"] = answer_id(page.name, house.links.proof(page.name), "example.com")
    answer.set_content("ack")
    headers = {"Authorization": f"Bearer {SECRET}"}
    async with house.tcp.post("/channel/mail/reply", data=answer.as_bytes(), headers=headers) as response:
        assert (response.status, await response.text()) == (200, "You have #1. Escalation has stopped.")
    assert house.engine.state.incidents[1].acknowledged_by == ("asha",)


async def test_an_answer_that_cant_be_saved_is_said_so_or_asked_for_again(build, monkeypatch) -> None:
    house = await build(channels=f"{CHANNELS}{MAIL}", notify="[{after: 0m, via: [sms]}]")
    page = house.page_of(await house.alert())

    async def full(_command: object) -> object:
        raise JournalFull("no space left")

    monkeypatch.setattr(house.engine, "submit", full)
    assert "could not save" in await reply(house, house.links.codes.code(page))
    answer = EmailMessage(policy=email.policy.SMTP.clone(max_line_length=990))
    answer["References"] = answer_id(page.name, house.links.proof(page.name), "example.com")
    answer.set_content("ack")
    headers = {"Authorization": f"Bearer {SECRET}"}
    async with house.tcp.post("/channel/mail/reply", data=answer.as_bytes(), headers=headers) as response:
        assert response.status == 503


async def test_more_bodies_at_a_time_than_can_be_held_are_answered_later(phones: House, monkeypatch) -> None:
    monkeypatch.setattr(channels, "AT_ONCE", 0)
    async with phones.tcp.post("/channel/sms/reply", data=b"x") as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
