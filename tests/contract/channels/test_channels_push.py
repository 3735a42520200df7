"""ntfy and Pushover: how loud a message is, what can be pressed, and what stops when somebody has it."""

import json
from urllib.parse import parse_qs

import pytest
from aiohttp import web

from irpd.channels.inbound import Does, NotAuthentic, NotUnderstood, Request
from irpd.comms.push import Urgency
from irpd.model.page import Word

LINK = "https://irpd.example.com/a/7Kq2mXw9Rt"
PAGE = {
    "urgency": 4,
    "asks": True,
    "over": False,
    "level": 1,
    "acknowledge_url": LINK,
    "cant_url": f"{LINK}/cant",
}
RECEIPT = "r" + "0" * 28 + "1"
TAKEN = {**PAGE, "urgency": 1, "asks": False, "over": True}


def form(other, n: int = 0) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(other.requests[n][2].decode()).items()}


@pytest.mark.parametrize("urgency, ntfy, pushover", [(4, 5, "2"), (3, 4, "1"), (2, 3, "0"), (1, 2, "-1")])
async def test_the_level_says_how_loud_it_is(provider, a_message, urgency, ntfy, pushover) -> None:
    for kind, wanted in (("ntfy", ntfy), ("pushover", pushover)):
        other = await provider(kind)
        fields = {**PAGE, "urgency": Urgency(urgency)}
        await other.channel.send(a_message(address=other.address, fields=fields))
        said = json.loads(other.requests[0][2]) if kind == "ntfy" else form(other)
        assert said["priority"] == wanted


async def test_a_page_by_ntfy_is_answered_from_the_notification(provider, a_message) -> None:
    other = await provider("ntfy")
    outcome = await other.channel.send(a_message(address=other.address, fields=PAGE))
    said = json.loads(other.requests[0][2])
    assert [(one["action"], one["label"], one["url"]) for one in said["actions"]] == [
        ("http", "I have it", LINK),
        ("http", "I can't", f"{LINK}/cant"),
        ("view", "Open", LINK),
    ]
    assert all(one["method"] == "POST" for one in said["actions"][:2])
    assert (said["click"], said["topic"]) == (LINK, other.address)
    assert outcome.provider_id == said["sequence_id"] == "42-3-1"


async def test_a_message_by_ntfy_that_is_edited_keeps_its_place(provider, a_message) -> None:
    other = await provider("ntfy")
    outcome = await other.channel.edit(
        a_message(address=other.address, subject="Asha has it", fields=TAKEN), "42-3-1"
    )
    said = json.loads(other.requests[0][2])
    assert outcome.kind == "delivered"
    assert (said["sequence_id"], said["title"], said["priority"]) == ("42-3-1", "Asha has it", 2)
    assert [one["label"] for one in said["actions"]] == ["Open"]


async def test_an_emergency_rings_until_it_expires_and_is_answered_in_the_app(provider, a_message) -> None:
    other = await provider("pushover")
    outcome = await other.channel.send(
        a_message(address=other.address, fields=PAGE, thread="incident-42.2026")
    )
    said = form(other)
    assert outcome.provider_id == RECEIPT
    assert (said["retry"], said["expire"]) == ("60", "10800")
    assert (said["url"], said["url_title"]) == (LINK, "I have it / I can't")
    base = "https://irpd.example.com/channel/it/"
    assert said["callback"].startswith(f"{base}have/42-3/")
    place = said["callback"].removeprefix(base)
    body = f"receipt={RECEIPT}&acknowledged=1&acknowledged_by={other.address}".encode()
    heard = await other.channel.hear(asked(place, body))
    assert heard.status == 200
    assert other.desk.heard == [
        ("confirm", "it", RECEIPT, Word.SEEN),
        ("press", "it", "42-3", Does.HAS, other.address, "pushover"),
    ]


@pytest.mark.parametrize("place", ["have/42-3/0123", "have/42-3/", "have", "have/42-4/{proof}"])
async def test_an_address_that_irpd_did_not_make_is_refused(provider, a_message, place: str) -> None:
    other = await provider("pushover")
    await other.channel.send(a_message(address=other.address, fields=PAGE))
    proof = form(other)["callback"].rpartition("/")[2]
    with pytest.raises(NotAuthentic):
        await other.channel.hear(asked(place.format(proof=proof), b"acknowledged=1"))
    with pytest.raises(NotUnderstood):
        await other.channel.hear(asked("elsewhere", b""))
    assert other.desk.heard == []


async def test_what_rings_stops_when_somebody_has_it_and_not_before(provider, a_message) -> None:
    other = await provider("pushover")
    page = a_message(address=other.address, fields=PAGE, thread="incident-42.2026")
    await other.channel.send(page)
    tag = form(other)["tags"]
    assert (await other.channel.edit(page, RECEIPT)).kind == "delivered"
    assert len(other.requests) == 1, "it is open: what rings goes on"
    taken = a_message(address=other.address, fields=TAKEN, thread="incident-42.2026")
    assert (await other.channel.edit(taken, RECEIPT)).kind == "delivered"
    assert [path for path, _, _ in other.requests[1:]] == [
        f"/1/receipts/{RECEIPT}/cancel.json",
        f"/1/receipts/cancel_by_tag/{tag}.json",
    ]


async def test_a_month_that_is_used_up_brings_the_next_method_at_once(provider, a_message) -> None:
    other = await provider("pushover")
    other.replies = [web.json_response({"status": 0, "errors": ["quota"]}, status=429)]
    outcome = await other.channel.send(a_message(address=other.address, fields=PAGE))
    assert outcome.kind == "permanent"


async def test_a_link_too_long_for_its_field_stands_whole_in_the_text(provider, a_message) -> None:
    other = await provider("pushover")
    link = f"https://{'x' * 600}.example.com/a/7Kq2mXw9Rt"
    await other.channel.send(
        a_message(address=other.address, text="y" * 2000, fields={**PAGE, "acknowledge_url": link})
    )
    assert form(other)["message"].endswith(f"…\n{link}")


def asked(place: str, body: bytes) -> Request:
    return Request(place=place, target="", url="", headers={}, body=body)
