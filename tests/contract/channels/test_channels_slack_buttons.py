"""Buttons in Slack: by signed requests, and by Socket Mode from behind a firewall."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import pytest
from aiohttp import web
from harness.providers import SECRET
from harness.waiting import until

from irpd.channels.inbound import Does, NotAuthentic, NotUnderstood, Request
from irpd.channels.listeners import Listeners
from irpd.channels.registry import build_channel
from irpd.channels.slack_buttons import signature
from irpd.config.channels import SlackChannel

NOW = 1_795_485_731  # what the contract's clock says


def payload(action: str = "i-have-it", *, user: object = None, **more: object) -> dict[str, Any]:
    return {
        "type": "block_actions",
        "user": {"id": "U01ASHA", "username": "", "name": ""} if user is None else user,
        "actions": [{"type": "button", "action_id": action, "value": "42-3", "block_id": "x"}],
        "container": {"type": "message", "message_ts": "1.2", "channel_id": "D01"},
        "trigger_id": "1",
        **more,
    }


def request(body: bytes, *, secret: str = SECRET, at: int = NOW, place: str = "interactivity") -> Request:
    headers = {
        "X-Slack-Request-Timestamp": str(at),
        "X-Slack-Signature": signature(secret.encode(), str(at), body),
    }
    return Request(place=place, target="", url="", headers=headers, body=body)


def form(said: object) -> bytes:
    return urlencode({"payload": json.dumps(said)}).encode()


@pytest.fixture
async def slack(provider):
    return await provider("slack")


@pytest.mark.parametrize("action, does", [("i-have-it", Does.HAS), ("i-cant", Does.CANT)])
async def test_a_button_does_what_it_says_and_only_who_pressed_it_hears_the_answer(
    slack, action, does
) -> None:
    back = f"{slack.url}/actions/1"
    heard = await slack.channel.hear(request(form(payload(action, response_url=back))))
    assert heard.status == 200
    assert slack.desk.heard == [("press", "it", "42-3", does, "U01ASHA", "slack")]
    path, _, body = slack.requests[0]
    assert path == "/actions/1"
    assert json.loads(body) == {
        "response_type": "ephemeral",
        "replace_original": False,
        "text": "You have #42. Escalation has stopped.",
    }


@pytest.mark.parametrize(
    "said",
    [
        payload("open"),
        payload(user={}),
        payload(type="view_submission"),
        {"type": "block_actions"},
        payload(actions=[{"action_id": "i-have-it"}]),
        payload(actions=[{"action_id": "i-have-it", "value": None}] * 50),
    ],
)
async def test_what_asks_for_nothing_does_nothing(slack, said: object) -> None:
    await slack.channel.hear(request(form(said)))
    assert [one for one in slack.desk.heard if one[4]] == []


@pytest.mark.parametrize(
    "asked",
    [
        request(form(payload()), secret="guessed"),
        request(form(payload()), at=NOW - 301),
        request(form(payload()), at=NOW + 301),
        Request(place="interactivity", target="", url="", headers={}, body=form(payload())),
        Request(
            place="interactivity",
            target="",
            url="",
            headers={"X-Slack-Request-Timestamp": "\u0665", "X-Slack-Signature": "v0=ä"},
            body=b"",
        ),
    ],
)
async def test_what_slack_did_not_sign_just_now_is_refused(slack, asked: Request) -> None:
    with pytest.raises(NotAuthentic):
        await slack.channel.hear(asked)
    assert slack.desk.heard == []


@pytest.mark.parametrize(
    "body", [b"", b"payload=", b"payload=%7B", b"payload=[]", b"x=1", b"\xff", b"payload=" + b"[" * 9000]
)
async def test_a_signed_request_that_says_nothing_is_refused(slack, body: bytes) -> None:
    with pytest.raises(NotUnderstood):
        await slack.channel.hear(request(body))
    with pytest.raises(NotUnderstood):
        await slack.channel.hear(request(form(payload()), place="elsewhere"))


async def test_the_signature_is_over_the_bytes_as_they_came(slack) -> None:
    body = b"payload=" + quote(json.dumps(payload()), safe="{}:,").encode() + b"&payload2=%20+"
    await slack.channel.hear(request(body))
    assert slack.desk.heard
    with pytest.raises(NotAuthentic):
        await slack.channel.hear(
            Request(
                place="interactivity",
                target="",
                url="",
                headers=request(body).headers,
                body=body.replace(b"+", b"%20"),
            )
        )


async def test_a_word_for_the_presser_never_goes_to_an_address_without_encryption(slack) -> None:
    await slack.channel.hear(request(form(payload(response_url="http://example.com/"))))
    await slack.channel.hear(request(form(payload(response_url="file:///etc/passwd"))))
    assert len(slack.desk.heard) == 2
    assert slack.requests == []


class Slack:
    """``apps.connections.open`` and the websocket behind it."""

    def __init__(self) -> None:
        self.open: web.WebSocketResponse | None = None
        self.acknowledged: list[str] = []
        self.refuses: list[object] = []
        self.opened = 0
        self.tokens: list[str] = []
        self.url = ""

    async def address(self, request: web.Request) -> web.Response:
        self.tokens.append(request.headers.get("Authorization", ""))
        if self.refuses:
            return web.json_response(self.refuses.pop(0))
        return web.json_response({"ok": True, "url": f"{self.url.replace('http', 'ws')}/link?ticket=1"})

    async def link(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": 1})
        self.open = socket
        self.opened += 1
        async for message in socket:
            self.acknowledged.append(json.loads(message.data)["envelope_id"])
        return socket


@pytest.fixture
async def workspace() -> AsyncIterator[Slack]:
    made = Slack()
    app = web.Application()
    app.router.add_post("/api/apps.connections.open", made.address)
    app.router.add_get("/link", made.link)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.fixture
async def firewalled(workspace: Slack, make_parts, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TEST_SECRET", SECRET)
    secret = {"env": "TEST_SECRET"}
    settings = SlackChannel.model_validate(
        {
            "type": "slack",
            "api_url": f"{workspace.url}/api",
            "auth": {"bot_token": secret, "app_token": secret},
        }
    )
    async with aiohttp.ClientSession() as session:
        parts = make_parts(session=session)
        channel = build_channel("it", settings, parts)
        channel._socket._first = 0.01
        listeners = Listeners()
        listeners.use({"it": channel})
        yield channel, parts.desk, listeners
        await listeners.close()
        await channel.close()


async def test_a_button_behind_a_firewall_comes_by_the_socket(workspace: Slack, firewalled) -> None:
    _, desk, listeners = firewalled
    await until(lambda: workspace.open)
    envelope = {"envelope_id": "e1", "type": "interactive", "payload": payload()}
    await workspace.open.send_json(envelope)
    await until(lambda: workspace.acknowledged)
    assert desk.heard == [("press", "it", "42-3", Does.HAS, "U01ASHA", "slack")]
    assert workspace.acknowledged == ["e1"]
    assert workspace.tokens == [f"Bearer {SECRET}"]
    assert listeners.problems() == {}


@pytest.mark.parametrize(
    "said", ["", "{", "[]", '{"type": "interactive"}', '{"type": "interactive", "payload": 7}', "null"]
)
async def test_what_the_socket_says_that_means_nothing_does_no_harm(
    workspace: Slack, firewalled, said: str
) -> None:
    _, desk, _ = firewalled
    await until(lambda: workspace.open)
    await workspace.open.send_str(said)
    await workspace.open.send_json({"envelope_id": "e2", "type": "interactive", "payload": payload()})
    await until(lambda: "e2" in workspace.acknowledged)
    assert len(desk.heard) == 1
    assert workspace.opened == 1


@pytest.mark.parametrize("how", ["disconnect", "close", "abort"])
async def test_a_connection_that_ends_is_opened_again(workspace: Slack, firewalled, how: str) -> None:
    await until(lambda: workspace.open)
    first = workspace.open
    match how:
        case "disconnect":
            await first.send_json({"type": "disconnect", "reason": "refresh_requested"})
        case "close":
            await first.close()
        case "abort":
            first._req.transport.abort()
    await until(lambda: workspace.opened == 2)


async def test_a_refused_token_is_said_and_tried_again(workspace: Slack, firewalled) -> None:
    _, _, listeners = firewalled
    await until(lambda: workspace.open)
    workspace.refuses = [{"ok": False, "error": "invalid_auth"}] * 3
    await workspace.open.close()
    await until(lambda: listeners.problems() == {"it": "Slack refuses it: invalid_auth"})
    await until(lambda: workspace.opened == 2)
    await until(lambda: listeners.problems() == {})


async def test_without_an_app_token_nothing_is_listened_to(slack) -> None:
    listeners = Listeners()
    listeners.use({"it": slack.channel})
    assert listeners.problems() == {}
    assert not slack.channel.listens


class Deaf:
    """Takes being cancelled for a failure, as some libraries do, and goes on."""

    listens, problem = True, ""

    def __init__(self) -> None:
        self.cancelled = 0

    async def listen(self) -> None:
        while self.cancelled < 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled += 1


async def test_what_takes_being_ended_for_a_failure_is_ended_all_the_same() -> None:
    deaf = Deaf()
    listeners = Listeners()
    listeners.use({"it": deaf})
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await listeners.close()
    assert deaf.cancelled == 2
