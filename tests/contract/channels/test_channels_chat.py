"""Telegram, Mattermost and Teams: what a chat shows, what is pressed there, and what stays text."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from harness.providers import SECRET
from harness.waiting import until

from irpd.channels.inbound import Does, NotAuthentic, NotUnderstood, Request
from irpd.channels.listeners import Listeners
from irpd.channels.registry import build_channel
from irpd.config.channels import TelegramChannel

LINK = "https://irpd.example.com/a/7Kq2mXw9Rt"
LINKS = {"acknowledge_url": LINK, "cant_url": f"{LINK}/cant"}
PAGE = {"urgency": 4, "asks": True, "over": False, "level": 1, **LINKS}
TAKEN = {**PAGE, "urgency": 1, "asks": False, "over": True}


def said(other, n: int = -1) -> dict[str, Any]:
    return json.loads(other.requests[n][2])


# -------------------------------------------------------------------- Telegram
async def test_a_page_at_telegram_has_buttons_and_no_markup(provider, a_message) -> None:
    other = await provider("telegram")
    outcome = await other.channel.send(a_message(address=other.address, text="<b>*x*</b>", fields=PAGE))
    body = said(other)
    assert (body["text"], "parse_mode" in body, body["disable_notification"]) == ("<b>*x*</b>", False, False)
    ((has, cant, look),) = body["reply_markup"]["inline_keyboard"]
    assert (has["callback_data"], cant["callback_data"], look["url"]) == ("has:42-3", "cant:42-3", LINK)
    assert outcome.provider_id == f"{other.address}:101"


async def test_a_message_at_telegram_is_edited_and_one_that_is_the_same_is_fine(provider, a_message) -> None:
    other = await provider("telegram")
    message = a_message(address=other.address, text="Asha has it", fields=TAKEN)
    assert (await other.channel.edit(message, "123456789:101")).kind == "delivered"
    body = said(other)
    assert (body["chat_id"], body["message_id"], body["text"]) == ("123456789", 101, "Asha has it")
    description = "Bad Request: message is not modified"
    other.replies = [
        web.json_response({"ok": False, "error_code": 400, "description": description}, status=400)
    ]
    assert (await other.channel.edit(message, "123456789:101")).kind == "delivered"
    assert (await other.channel.edit(message, "elsewhere")).kind == "permanent"


async def test_telegram_says_in_its_own_way_how_long_to_wait(provider, a_message) -> None:
    other = await provider("telegram")
    later = {
        "ok": False,
        "error_code": 429,
        "description": "Too Many Requests",
        "parameters": {"retry_after": 9},
    }
    other.replies = [web.json_response(later, status=429)]
    outcome = await other.channel.send(a_message(address=other.address))
    assert (outcome.kind, outcome.retry_after) == ("transient", 9.0)


class Updates:
    """``getUpdates``: what was not confirmed yet, or silence until there is something."""

    def __init__(self) -> None:
        self.waiting: list[dict[str, Any]] = []
        self.news = asyncio.Event()
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.refuses: list[web.Response] = []
        self.url = ""

    def add(self, **update: object) -> None:
        number = self.waiting[-1]["update_id"] + 1 if self.waiting else 7
        self.waiting.append({"update_id": number, **update})
        self.news.set()

    async def handle(self, request: web.Request) -> web.Response:
        method, body = request.path.rpartition("/")[2], await request.json()
        if method != "getUpdates":
            self.calls.append((method, body))
            return web.json_response({"ok": True, "result": True})
        if self.refuses:
            return self.refuses.pop(0)
        fresh = [one for one in self.waiting if one["update_id"] >= body["offset"]]
        if not fresh:
            self.news.clear()
            await self.news.wait()
            fresh = [one for one in self.waiting if one["update_id"] >= body["offset"]]
        return web.json_response({"ok": True, "result": fresh})


@pytest.fixture
async def bot(make_parts, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Updates, Any, Listeners]]:
    monkeypatch.setenv("TEST_SECRET", SECRET)
    updates = Updates()
    app = web.Application()
    app.router.add_post("/{rest:.*}", updates.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    settings = TelegramChannel.model_validate(
        {"type": "telegram", "api_url": url, "auth": {"token": {"env": "TEST_SECRET"}}}
    )
    async with aiohttp.ClientSession() as session:
        parts = make_parts(session=session)
        channel = build_channel("it", settings, parts)
        channel._first = 0.01
        listeners = Listeners()
        listeners.use({"it": channel})
        yield updates, parts.desk, listeners
        await listeners.close()
        updates.news.set()
    await runner.cleanup()


def query(data: object = "has:42-3", who: object = 123456789) -> dict[str, Any]:
    return {"id": "q1", "from": {"id": who, "first_name": ""}, "data": data, "message": {"message_id": 101}}


async def test_a_button_at_telegram_is_heard_and_answered_without_anybody_reaching_irpd(bot) -> None:
    updates, desk, listeners = bot
    updates.add(callback_query=query())
    await until(lambda: updates.calls)
    assert desk.heard == [("press", "it", "42-3", Does.HAS, "123456789", "telegram")]
    method, body = updates.calls[0]
    assert method == "answerCallbackQuery"
    assert body == {
        "callback_query_id": "q1",
        "text": "You have #42. Escalation has stopped.",
        "show_alert": True,
    }
    updates.add(callback_query=query("cant:42-3"))
    await until(lambda: len(desk.heard) == 2)
    assert desk.heard[1][3] is Does.CANT, "each is heard once"
    assert listeners.problems() == {}


@pytest.mark.parametrize(
    "update",
    [
        {"callback_query": query("")},
        {"callback_query": query("has:")},
        {"callback_query": query(7)},
        {"callback_query": {}},
        {"message": {"text": "ack", "from": {"id": 5}, "chat": {"id": -100}}},
        {"message": {"from": {"id": 5}, "chat": {"id": 5}}},
        {"message": "x"},
        {"edited_message": {}},
    ],
)
async def test_what_means_nothing_at_telegram_keeps_nothing_back(bot, update) -> None:
    updates, desk, _ = bot
    updates.add(**update)
    updates.add(callback_query=query())
    await until(lambda: desk.heard)
    assert desk.heard == [("press", "it", "42-3", Does.HAS, "123456789", "telegram")]


async def test_who_starts_a_talk_with_the_bot_learns_their_id(bot) -> None:
    updates, desk, _ = bot
    updates.add(message={"text": "/start", "from": {"id": 55}, "chat": {"id": 55}})
    updates.add(message={"text": "ack", "from": {"id": 55}, "chat": {"id": 55}})
    await until(lambda: len(updates.calls) == 2)
    assert "Your id here is 55" in updates.calls[0][1]["text"]
    assert desk.heard == [("write", "it", "55", "ack", "telegram")]


async def test_another_program_that_takes_the_bots_updates_is_told_of(bot) -> None:
    updates, desk, listeners = bot
    conflict = {
        "ok": False,
        "error_code": 409,
        "description": "Conflict: terminated by other getUpdates request",
    }
    updates.refuses = [web.json_response(conflict, status=409) for _ in range(3)]
    updates.refuses.append(web.Response(text="[]"))
    updates.add(callback_query={})
    await until(lambda: "Conflict" in listeners.problems().get("it", ""))
    await until(lambda: listeners.problems() == {})
    updates.add(callback_query=query())
    await until(lambda: desk.heard)


# -------------------------------------------------------------------- Mattermost
async def test_a_page_at_mattermost_goes_to_the_person_and_has_buttons(provider, a_message) -> None:
    other = await provider("mattermost")
    for _ in range(2):
        outcome = await other.channel.send(a_message(address=other.address, fields=PAGE))
    assert outcome.provider_id == "post2"
    assert [path.removeprefix("/api/v4/") for path, _, _ in other.requests] == [
        "users/me",
        "users/username/asha.rao",
        "channels/direct",
        "posts",
        "posts",
    ], "who it is was asked once"
    actions = said(other)["props"]["attachments"][0]["actions"]
    assert [one["name"] for one in actions] == ["I have it", "I can't"]
    assert said(other)["message"].endswith(f"\n[Open]({LINK})")


@pytest.mark.parametrize("name", ["asha.rao", ""])
async def test_a_button_at_mattermost_says_who_pressed_it(provider, a_message, name: str) -> None:
    other = await provider("mattermost")
    await other.channel.send(a_message(address=other.address, fields=PAGE))
    context = said(other)["props"]["attachments"][0]["actions"][0]["integration"]["context"]
    heard = await other.channel.hear(pressed(context, user_id="user1", user_name=name))
    assert other.desk.heard == [("press", "it", "42-3", Does.HAS, "asha.rao", "mattermost")]
    assert json.loads(heard.body) == {"ephemeral_text": "You have #42. Escalation has stopped."}
    forged = {**context, "does": "cant"}
    with pytest.raises(NotAuthentic):
        await other.channel.hear(pressed(forged, user_id="user1"))


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"context": {"page": 1}}', b"\xff", b"[" * 100_000])
async def test_what_is_no_action_is_refused(provider, body: bytes) -> None:
    other = await provider("mattermost")
    with pytest.raises(NotUnderstood):
        await other.channel.hear(Request(place="pressed", target="", url="", headers={}, body=body))
    assert other.desk.heard == []


async def test_a_post_at_mattermost_is_edited_in_place(provider, a_message) -> None:
    other = await provider("mattermost")
    message = a_message(address=other.address, text="Asha has it", fields=TAKEN)
    assert (await other.channel.edit(message, "post1")).kind == "delivered"
    assert other.requests[0][0] == "/api/v4/posts/post1/patch"
    assert said(other)["props"]["attachments"] == [], "nothing to press any more"


async def test_where_mattermost_cant_reach_irpd_there_are_links(provider, a_message) -> None:
    other = await provider("mattermost", public_url="")
    await other.channel.send(a_message(address=other.address, fields=PAGE))
    assert said(other)["props"]["attachments"] == []
    assert f"[Open]({LINK})" in said(other)["message"]


def pressed(context: object, **more: str) -> Request:
    body = json.dumps({"context": context, "post_id": "post1", **more}).encode()
    return Request(place="pressed", target="", url="", headers={}, body=body)


# -------------------------------------------------------------------- Teams
async def test_a_card_at_teams_names_whom_it_is_for_and_what_to_press(provider, a_message) -> None:
    other = await provider("teams")
    outcome = await other.channel.send(a_message(address=other.address, text="first\nsecond", fields=PAGE))
    body = said(other)
    card = body["attachments"][0]["content"]
    assert outcome.kind == "delivered"
    assert body["recipient"] == "asha@example.com"
    assert [one["text"] for one in card["body"]] == ["first", "second"]
    assert [(one["title"], one["url"]) for one in card["actions"]] == [
        ("I have it", LINK),
        ("I can't", f"{LINK}/cant"),
    ]
    await other.channel.send(a_message(address=other.address, fields=TAKEN))
    assert [one["title"] for one in said(other)["attachments"][0]["content"]["actions"]] == ["Open"]
