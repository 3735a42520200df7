"""The other ends of the channels: real servers on the loopback and a folder, that do what a test says."""

import asyncio
import contextlib
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import pytest
from aiohttp import web
from aiosmtpd.smtp import SMTP
from harness.files import good, write
from harness.providers import PROVIDERS, Provider
from pydantic import TypeAdapter

from irpd.channels import file as file_module
from irpd.channels.inbound import Does, NotSaved
from irpd.channels.parts import Parts
from irpd.channels.registry import build_channel
from irpd.config.channels import ChannelSettings, FileChannel, SmtpChannel
from irpd.engine.ports import Channel, Message
from irpd.model.page import Page, PageKind, Send, Word

__all__ = ["good", "write"]

NOW = datetime(2026, 11, 24, 2, 2, 11, tzinfo=UTC)
#: Seconds that a channel waits for an answer: long, for the machine may have much else to do; short where a
#: test waits for it to pass.
LONG, SHORT = 15.0, 0.5
ANY_CHANNEL: TypeAdapter[ChannelSettings] = TypeAdapter(ChannelSettings)


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


class SilentDesk:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[object, ...]] = []
        self.says = "You have #42. Escalation has stopped."
        self.spoken = "Incident 42."
        self.full = False

    async def press(self, *, channel: str, page: str, does: Does, address: str, via: str) -> str:
        self.heard.append(("press", channel, page, does, address, via))
        return self.says

    async def write(self, *, channel: str, address: str, text: str, via: str) -> str:
        self.heard.append(("write", channel, address, text, via))
        return self.says

    async def confirm(
        self, *, channel: str, provider_id: str, word: Word, at: datetime | None = None, detail: str = ""
    ) -> None:
        self.heard.append(("confirm", channel, provider_id, word))

    async def answer(self, *, page: str, does: Does, via: str) -> str:
        if self.full:
            raise NotSaved("irpd could not save that just now")
        self.heard.append(("answer", page, does, via))
        return self.says

    def proof(self, page: str) -> str:
        return "0123456789abcdef0123456789abcdef" if page.startswith("42-3") else "f" * 32

    def speech(self, page: str) -> str:
        return self.spoken


class HttpCounterpart:
    """A provider behind HTTP. ``replies`` are answered first, one a request."""

    def __init__(self, kind: str, provider: Provider) -> None:
        self.kind = kind
        self.provider = provider
        self._how = "accepts"
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.taken: list[bytes] = []
        self._never = asyncio.Event()
        self.channel: Channel
        self.desk = SilentDesk()
        self.replies: list[web.Response] = []
        self.url = ""
        self.build: Callable[[float], Channel]  # one that waits so many seconds
        self.close_door: Callable[[], Awaitable[None]]  # nobody listens any more

    @property
    def address(self) -> str:
        return self.provider.address

    def behave(self, how: str) -> None:
        self._how = how
        if how == "hangs":
            self.channel = self.build(SHORT)

    def received(self) -> int:
        return self.provider.made

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
                return self.provider.refusal()
            case "refuses for now":
                return web.Response(status=429, headers={"Retry-After": "7"})
            case "is broken":
                return web.Response(status=503, text="upstream request timeout")
        self.taken.append(body)
        return self.provider.answer(request, body)

    def release(self) -> None:
        self._never.set()


@contextlib.asynccontextmanager
async def http(
    kind: str, monkeypatch: pytest.MonkeyPatch, *, public_url: str = "https://irpd.example.com"
) -> AsyncIterator[HttpCounterpart]:
    counterpart = HttpCounterpart(kind, PROVIDERS[kind]())
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", counterpart.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    counterpart.close_door = site.stop
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    counterpart.url = url
    for variable, secret in counterpart.provider.environment(url).items():
        monkeypatch.setenv(variable, secret)
    own = counterpart.provider.settings(url)
    settings = {"it": own, **counterpart.provider.other}
    async with aiohttp.ClientSession() as session, contextlib.AsyncExitStack() as stack:

        def build(timeout: float) -> Channel:
            every = {
                name: waiting(ANY_CHANNEL.validate_python(one), timeout) for name, one in settings.items()
            }
            given = parts(session=session, desk=counterpart.desk, settings=every, public_url=public_url)
            channel = build_channel("it", every["it"], given)
            stack.push_async_callback(channel.close)
            return channel

        counterpart.build = build
        counterpart.channel = build(LONG)
        yield counterpart
        counterpart.release()
    await runner.cleanup()


def waiting(settings: ChannelSettings, seconds: float) -> ChannelSettings:
    """With this time limit, if it has one."""
    has = "timeout" in type(settings).model_fields
    return settings.model_copy(update={"timeout": seconds}) if has else settings


def parts(*, session: Any = None, **changes: Any) -> Parts:
    values: dict[str, Any] = {"clock": StillClock(), "desk": SilentDesk(), "state_dir": Path("/")}
    return Parts(session=session, **(values | changes))


class MailCounterpart:
    """An SMTP server; aiosmtpd calls the handlers by name."""

    kind = "smtp"

    def __init__(self) -> None:
        self._how = "accepts"
        self.mails: list[tuple[str, list[str], bytes]] = []
        self._never = asyncio.Event()
        self.build: Callable[[float], Channel]
        self.channel: Channel
        self.address = "Asha Rao <asha@example.com>"

    def behave(self, how: str) -> None:
        self._how = how
        if how == "hangs":
            self.channel = self.build(SHORT)

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
    )
    counterpart.build = lambda seconds: build_channel("it", waiting(settings, seconds), parts())
    counterpart.channel = counterpart.build(LONG)
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
        given = parts(session=session, state_dir=folder)
        counterpart.channel = build_channel("it", FileChannel(type="file"), given)
        yield counterpart
        counterpart.release()
        await counterpart.channel.close()


@pytest.fixture(params=["smtp", "file", *PROVIDERS])
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
def make_parts():
    """Makes what channels are built of."""
    return parts


@pytest.fixture
async def provider(
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Callable[..., Awaitable[HttpCounterpart]]]:
    """Makes the other end of one kind: ``await provider("twilio")``."""
    async with contextlib.AsyncExitStack() as stack:

        async def make(kind: str, **options: Any) -> HttpCounterpart:
            return await stack.enter_async_context(http(kind, monkeypatch, **options))

        yield make
