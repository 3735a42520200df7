"""The other ends of the channels: real servers on the loopback and a folder, that do what a test says."""

import asyncio
import contextlib
import os
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import aiohttp
import pytest
from aiohttp import web
from aiosmtpd.smtp import SMTP

from irpd.channels import file as file_module
from irpd.channels.registry import build_channel
from irpd.config.channels import FileChannel, SlackChannel, SmtpChannel, WebhookChannel
from irpd.engine.ports import Channel, Message
from irpd.model.page import Page, PageKind, Send

NOW = datetime(2026, 11, 24, 2, 2, 11, tzinfo=UTC)
TIMEOUT = 1.0


class StillClock:
    def now(self) -> datetime:
        return NOW

    def boot(self) -> float:
        return 0.0


def message(**changes: object) -> Message:
    send = Send(n=1, channel="it", due_at=NOW)
    page = Page(
        id="42-3",
        incident=42,
        person="asha",
        kind=PageKind.PAGE,
        reason="step",
        requested_at=NOW,
        expires_at=NOW + timedelta(hours=4),
        sends=(send,),
    )
    values: dict[str, object] = {
        "id": "42-3.1",
        "page": page,
        "send": send,
        "address": "asha",
        "subject": "[#42] CRITICAL Checkout: Zahlung schlägt fehl",
        "text": "Zahlung schlägt fehl\nI have it: http://localhost/a/x\n",
        "thread": "",
        "fields": {"id": "42-3.1", "incident": {"level": 1}},
    }
    return Message(**(values | changes))


class Counterpart(Protocol):
    """The other end of a channel."""

    kind: str

    channel: Channel
    address: str

    def behave(self, how: str) -> None: ...

    def received(self) -> int: ...


class HttpCounterpart:
    """For Slack and webhooks. ``replies`` are answered first, one a request."""

    kind = "http"

    def __init__(self, good: object) -> None:
        self._good = good
        self._how = "accepts"
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self._never = asyncio.Event()
        self.channel: Channel
        self.address = ""
        self.replies: list[web.Response] = []

    def behave(self, how: str) -> None:
        self._how = how

    def received(self) -> int:
        return len(self.requests)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.requests.append((request.path, dict(request.headers), body))
        if self.replies:
            return self.replies.pop(0)
        transport = request.transport
        assert isinstance(transport, asyncio.Transport)
        match self._how:
            case "hangs":
                await self._never.wait()
            case "hangs up":
                transport.write(b"HTTP/1.1 20")
                transport.abort()
            case "talks nonsense":
                transport.write(b"\x00\xff\x1b]0;nonsense\r\n\r\n")
                transport.close()
            case "refuses for good":
                return self._answer(status=404, slack={"ok": False, "error": "channel_not_found"})
            case "refuses for now":
                return web.Response(status=429, headers={"Retry-After": "7"})
        return self._answer(status=200, slack=self._good)

    def _answer(self, *, status: int, slack: object) -> web.Response:
        return web.json_response(slack, status=200) if self._good else web.Response(status=status)

    def release(self) -> None:
        self._never.set()


@contextlib.asynccontextmanager
async def http(kind: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[HttpCounterpart]:
    monkeypatch.setenv("TEST_SECRET", "hush")
    slack = kind == "slack"
    counterpart = HttpCounterpart({"ok": True, "channel": "D01", "ts": "1.2"} if slack else None)
    app = web.Application()
    app.router.add_post("/{rest:.*}", counterpart.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    settings = (
        SlackChannel.model_validate(
            {"type": "slack", "auth": {"bot_token": {"env": "TEST_SECRET"}}, "api_url": f"{url}/api"}
        )
        if slack
        else WebhookChannel.model_validate(
            {"type": "webhook", "url": f"{url}/hook", "auth": {"secret": {"env": "TEST_SECRET"}}}
        )
    )
    settings = settings.model_copy(update={"timeout": TIMEOUT})
    async with aiohttp.ClientSession() as session:
        counterpart.kind = kind
        counterpart.address = "U01ASHA" if slack else f"{url}/hook"
        counterpart.channel = build_channel(
            "it", settings, state_dir=Path("/"), terminal=None, session=session, clock=StillClock()
        )
        yield counterpart
        counterpart.release()
    await runner.cleanup()


class MailCounterpart:
    """An SMTP server; aiosmtpd calls the handlers by name."""

    kind = "smtp"

    def __init__(self) -> None:
        self._how = "accepts"
        self.mails: list[tuple[str, list[str], bytes]] = []
        self._never = asyncio.Event()
        self.channel: Channel
        self.address = "Asha Rao <asha@example.com>"

    def behave(self, how: str) -> None:
        self._how = how

    def received(self) -> int:
        return len(self.mails)

    def connect(self) -> asyncio.Protocol:
        return self.protocol()  # looked up for each connection: a test may put another one in its place

    def protocol(self) -> asyncio.Protocol:
        if self._how == "talks nonsense":
            return _Nonsense()
        return SMTP(self, hostname="localhost", enable_SMTPUTF8=True, loop=asyncio.get_running_loop())

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if self._how == "refuses for good":
            return "550 5.1.1 no such user"
        if self._how == "refuses for now":
            return "451 4.7.1 greylisted, come again"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if self._how == "hangs":
            await self._never.wait()
        if self._how == "hangs up":
            server.transport.abort()
            return "250 ok"
        self.mails.append((envelope.mail_from, list(envelope.rcpt_tos), envelope.content))
        return "250 2.0.0 queued as 17"

    async def handle_QUIT(self, server, session, envelope):  # noqa: N802
        return "221 bye"

    def release(self) -> None:
        self._never.set()


class _Nonsense(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(b"\x00\xff HTTP/1.1 200 OK\r\n\r\n")
        transport.close()


@contextlib.asynccontextmanager
async def smtp() -> AsyncIterator[MailCounterpart]:
    counterpart = MailCounterpart()
    server = await asyncio.get_running_loop().create_server(counterpart.connect, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings = SmtpChannel.model_validate(
        {"type": "smtp", "host": "127.0.0.1", "port": port, "from": "irpd <irpd@example.com>"}
    ).model_copy(update={"timeout": TIMEOUT})
    async with aiohttp.ClientSession() as session:
        counterpart.channel = build_channel(
            "it", settings, state_dir=Path("/"), terminal=None, session=session, clock=StillClock()
        )
        yield counterpart
    counterpart.release()
    server.close()
    await server.wait_closed()


class DiskCounterpart:
    """A folder that can be full, slow or not writable."""

    kind = "file"

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = folder / "pages.jsonl"
        self._monkeypatch = monkeypatch
        self._slow = threading.Event()
        self.address = "asha"
        self.channel: Channel

    def behave(self, how: str) -> None:
        match how:
            case "refuses for good":
                self.path.mkdir()
            case "refuses for now":
                self.path.symlink_to("/dev/full")
            case "hangs":
                self._monkeypatch.setattr(file_module, "_PATIENCE", 0.2)
                self._monkeypatch.setattr(file_module, "_append", lambda *_: self._slow.wait(30))
            case "hangs up":  # the disk takes a part of the line and is full
                write = os.write
                self._monkeypatch.setattr(os, "write", lambda to, data: write(to, data[:20]))
            case "talks nonsense":  # a named pipe that nobody reads
                os.mkfifo(self.path)

    def received(self) -> int:
        return len(self.path.read_text().splitlines()) if self.path.is_file() else 0

    def release(self) -> None:
        self._slow.set()


@contextlib.asynccontextmanager
async def file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DiskCounterpart]:
    counterpart = DiskCounterpart(folder, monkeypatch)
    async with aiohttp.ClientSession() as session:
        counterpart.channel = build_channel(
            "it",
            FileChannel(type="file"),
            state_dir=folder,
            terminal=None,
            session=session,
            clock=StillClock(),
        )
        yield counterpart
        counterpart.release()
        await counterpart.channel.close()


@pytest.fixture(params=["smtp", "slack", "webhook", "file"])
async def counterpart(request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Counterpart]:
    match request.param:
        case "smtp":
            made = smtp()
        case "file":
            made = file(tmp_path, monkeypatch)
        case kind:
            made = http(kind, monkeypatch)
    async with made as opened:
        yield opened


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def mail() -> AsyncIterator[MailCounterpart]:
    async with smtp() as opened:
        yield opened


@pytest.fixture
async def slack(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[HttpCounterpart]:
    async with http("slack", monkeypatch) as opened:
        yield opened


@pytest.fixture
async def hook(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[HttpCounterpart]:
    async with http("webhook", monkeypatch) as opened:
        yield opened


@pytest.fixture
def a_message():
    """Makes messages: ``a_message(id="42-3.2")``."""
    return message


@pytest.fixture
def still_clock() -> StillClock:
    return StillClock()
