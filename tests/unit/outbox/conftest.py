"""An engine, a clock and channels that a test holds in its hands. Time is virtual: nothing here sleeps."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from irpd.comms.links import Links
from irpd.config.load import load_configuration
from irpd.config.values import Configuration
from irpd.engine.engine import Engine as RealEngine
from irpd.engine.ports import JournalUnavailable, Message, Outcome
from irpd.journal.memory import MemoryJournal
from irpd.model.command import Command, Open, RecordSend
from irpd.model.incident import Incident, LevelBy, Member, State
from irpd.model.level import Level
from irpd.model.page import Page, PageKind, Send, SendState
from irpd.outbox.needs import Published
from irpd.outbox.outbox import Outbox
from irpd.protocol.policy import Policy
from irpd.triage.ruleset import compile_rules
from irpd.triage.service import ServiceIndex

START = datetime(2026, 11, 24, 2, 2, 11, tzinfo=UTC)


class VirtualTime:
    """A clock that moves when the test says so, and the waiting that goes with it."""

    def __init__(self) -> None:
        self._now = START
        self._waiters: list[tuple[datetime, asyncio.Future[None]]] = []
        self.waits: list[float | None] = []

    def now(self) -> datetime:
        return self._now

    def boot(self) -> float:
        return (self._now - START).total_seconds()

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        self.waits.append(seconds)
        timer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if seconds is not None:
            self._waiters.append((self._now + timedelta(seconds=seconds), timer))
        woken = asyncio.ensure_future(event.wait())
        try:
            await asyncio.wait([woken, timer], return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
            timer.cancel()

    async def advance(self, seconds: float) -> None:
        """Pass so much time, stopping at each instant somebody waits for."""
        target = self._now + timedelta(seconds=seconds)
        await settle()
        while True:
            self._waiters = [(at, timer) for at, timer in self._waiters if not timer.done()]
            due = min((at for at, _ in self._waiters), default=None)
            if due is None or due > target:
                break
            self._now = max(self._now, due)
            for at, timer in self._waiters:
                if at <= self._now and not timer.done():
                    timer.set_result(None)
            await settle()
        self._now = target
        await settle()


async def settle() -> None:
    """Let everything run that can run without time passing."""
    for _ in range(60):
        await asyncio.sleep(0)


class Engine:
    """Publishes what it is given and records outcomes as the protocol does."""

    def __init__(self, configuration: Configuration, clock: VirtualTime) -> None:
        self.policy = SimpleNamespace(configuration=configuration)
        self.state = self
        self.incidents: dict[int, Incident] = {}
        self.pages: dict[str, Page] = {}
        self.submitted: list[RecordSend] = []
        self.attempts_to_submit = 0
        self.failing: Exception | None = None
        self._clock = clock
        self._callbacks: list[Published] = []

    def members_of(self, number: int, /) -> list[Member]:
        return []

    def pages_of(self, number: int, /) -> list[Page]:
        return [page for page in self.pages.values() if page.incident == number]

    def sends_in(self, channel: str, provider_id: str, /) -> list[tuple[str, int]]:
        return [
            (page.id, send.n)
            for page in self.pages.values()
            for send in page.sends
            if provider_id and (send.channel, send.provider_id) == (channel, provider_id)
        ]

    def on_publish(self, callback: Published, /) -> None:
        self._callbacks.append(callback)

    def publish(self, *values: Page | Incident) -> None:
        pages = [value for value in values if isinstance(value, Page)]
        incidents = [value for value in values if isinstance(value, Incident)]
        self.pages.update({page.id: page for page in pages})
        self.incidents.update({incident.number: incident for incident in incidents})
        self._tell(pages, incidents)

    def _tell(self, pages: Collection[Page], incidents: Collection[Incident]) -> None:
        for callback in self._callbacks:
            callback(pages, incidents)

    async def submit(self, command: Command, /) -> object:
        assert isinstance(command, RecordSend)
        self.attempts_to_submit += 1
        await asyncio.sleep(0)
        if self.failing is not None:
            raise self.failing
        self.submitted.append(command)
        page = self.pages[command.page]
        sends = tuple(
            self._recorded(send, command) if send.n == command.send else send for send in page.sends
        )
        self.publish(replace(page, sends=sends))
        return True

    def _recorded(self, send: Send, command: RecordSend) -> Send:
        if send.state is not SendState.PENDING:
            return send
        tried = command.tried and command.state not in (SendState.OBSOLETE, SendState.EXPIRED)
        return replace(
            send,
            state=command.state,
            attempts=send.attempts + tried,
            last_at=self._clock.now(),
            due_at=command.retry_at or send.due_at,
            provider_id=command.provider_id,
            detail=command.detail,
            moved_on=send.moved_on or command.moves_on,
        )

    def outcome(self, page: str, send: int = 1) -> SendState:
        return self.pages[page].sends[send - 1].state


class FakeChannel:
    """Answers as it is told; ``gate`` holds every send until it is set."""

    def __init__(self, name: str, clock: VirtualTime) -> None:
        self.name = name
        self.sent: list[Message] = []
        self.times: list[float] = []
        self.edited: list[tuple[str, str]] = []
        self.edit_answers: Iterator[Outcome] = itertools.repeat(Outcome(kind="delivered"))
        self.answers: Iterator[Outcome | Exception] = itertools.repeat(Outcome(kind="delivered"))
        self.gate = asyncio.Event()
        self.gate.set()
        self.most_at_once = 0
        self.closed = 0
        self._at_once = 0
        self._clock = clock

    async def send(self, message: Message) -> Outcome:
        self.sent.append(message)
        self.times.append(self._clock.boot())
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await self.gate.wait()
        finally:
            self._at_once -= 1
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None:
        self.closed += 1

    @property
    def ids(self) -> list[str]:
        return [message.id for message in self.sent]


class EditingChannel(FakeChannel):
    """One whose messages can say something else later."""

    async def edit(self, message: Message, provider_id: str) -> Outcome:
        self.edited.append((provider_id, message.text))
        return next(self.edit_answers)


class Metrics:
    def __init__(self) -> None:
        self.outcomes: list[tuple[str, str]] = []
        self.delays: list[float] = []
        self.errors: list[str] = []
        self.working: list[tuple[str, bool]] = []

    def sent(self, channel: str, outcome: str) -> None:
        self.outcomes.append((channel, outcome))

    def delayed(self, seconds: float) -> None:
        self.delays.append(seconds)

    def erred(self, where: str) -> None:
        self.errors.append(where)

    def works(self, channel: str, up: bool) -> None:
        self.working.append((channel, up))


def configuration() -> Configuration:
    webhook = {"type": "webhook", "url": "http://localhost/", "auth": {"secret": {"env": "NOT_READ"}}}
    return Configuration.model_validate(
        {
            "version": 1,
            "unmapped": "checkout",
            "fallback": ("asha",),
            "services": {"checkout": {"title": "Checkout"}},
            "channels": {
                "mail": {"type": "smtp", "host": "localhost", "from": "irpd@example.com"},
                "hook": webhook,
                "other": webhook,
                "slack": {"type": "slack", "auth": {"bot_token": {"env": "NOT_READ"}}},
            },
            "notify": {},
            "paths": {},
            "timing": {"gather": "0s"},  # whoever wants pages gathered says so
            "people": {
                "asha": {
                    "name": "Asha Rao",
                    "email": "asha@example.com",
                    "slack": "U01",
                    "time_zone": "Europe/Berlin",
                },
                "ben": {"name": "Ben Ito"},
            },
        }
    )


class World:
    """Everything around one outbox."""

    def __init__(self) -> None:
        self.time = VirtualTime()
        self.engine = Engine(configuration(), self.time)
        self.channels = {name: FakeChannel(name, self.time) for name in ("mail", "hook", "other")}
        self.channels["slack"] = EditingChannel("slack", self.time)
        self.metrics = Metrics()
        self.kill: Callable[[str], None] = lambda point: None
        self.outbox = self.new_outbox()
        self.task: asyncio.Task[None] | None = None

    def __getattr__(self, name: str) -> FakeChannel:
        try:
            return self.channels[name]
        except KeyError:
            raise AttributeError(name) from None

    def new_outbox(self, widths: Mapping[str, int] | None = None) -> Outbox:
        return Outbox(
            self.engine,
            self.channels,
            self.time,
            Links(b"k" * 32, "https://irpd.example.com"),
            metrics=self.metrics,
            random=Random(7),
            wait=self.time.wait,
            kill=self._reached,
            widths=widths or {"smtp": 10, "webhook": 32},
        )

    def _reached(self, point: str) -> None:
        self.kill(point)

    async def start(self) -> None:
        self.task = asyncio.create_task(self.outbox.run())
        await settle()

    async def restart(self) -> None:
        """The process died; another one begins with what is on disk."""
        await self.stop()
        self.engine._callbacks.clear()
        for channel in self.channels.values():
            channel.sent.clear()
        self.outbox = self.new_outbox()
        await self.start()

    async def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
        await self.outbox.drain(0.0)

    def incident(self, number: int = 42, **changes: object) -> Incident:
        base = Incident(
            number=number,
            title="Payments failing",
            services=("checkout",),
            level=Level.CRITICAL,
            level_by=LevelBy("default"),
            opened_at=START,
            members=1,
            firing=1,
        )
        return replace(base, **changes)

    def page(
        self,
        id: str = "42-1",
        *vias: str,
        after: float = 0.0,
        kind: PageKind = PageKind.PAGE,
        **changes: object,
    ) -> Page:
        now = self.time.now()
        due = now + timedelta(seconds=after)
        base = Page(
            id=id,
            incident=int(id.partition("-")[0]),
            person="asha",
            kind=kind,
            reason="step",
            requested_at=now,
            expires_at=now + timedelta(hours=4),
            sends=tuple(
                Send(n=n, channel=via, due_at=due) for n, via in enumerate(vias or ("mail",), start=1)
            ),
        )
        return replace(base, **changes)

    def acknowledge(self, number: int = 42) -> None:
        """As the protocol does, but for the pages' own ``live``."""
        incident = self.engine.incidents[number]
        self.engine.publish(
            replace(
                incident,
                state=State.ACKNOWLEDGED,
                acknowledged_at=self.time.now() + timedelta(microseconds=1),
                acknowledged_by=("asha",),
            )
        )

    def refuse_writes(self) -> None:
        self.engine.failing = JournalUnavailable("the disk is gone")


@pytest.fixture
async def world():
    """A running outbox with nothing to do."""
    made = World()
    made.engine.publish(made.incident())
    await made.start()
    yield made
    await made.stop()


CONFIGURATION = """
version: 1
unmapped: platform
fallback: [emil]
timing: {gather: 0s}
services:
  platform: {title: Platform, paths: {technical: engineering}}
channels:
  mail: {type: smtp, host: localhost, from: irpd@example.com}
  hook: {type: webhook, url: "http://localhost:1/", auth: {secret: {env: NOT_READ}}}
notify:
  default:
    - {after: 0m, via: [mail]}
    - {after: 2m, via: [hook]}
people:
  asha: {name: Asha Rao, email: asha@example.com}
  ben: {name: Ben Ito, email: ben@example.com}
  emil: {name: Emil Novak, email: emil@example.com}
paths:
  engineering:
    kind: technical
    steps:
      - {person: asha, wait: 5m}
      - {person: ben, wait: 5m}
"""


class Real:
    """The outbox on the real engine and protocol, in memory."""

    def __init__(self, folder: Path, world) -> None:
        file = folder / "irpd.yaml"
        file.write_text(CONFIGURATION)
        loaded = load_configuration([file])
        configuration = loaded.configuration
        self.journal = MemoryJournal()
        self.journal.open()
        self.time = world.time
        self.channels = {"mail": world.mail, "hook": world.hook}
        self.mail, self.hook = world.mail, world.hook
        policy = Policy(configuration, compile_rules([]), ServiceIndex(configuration), loaded.hash)
        self.engine = RealEngine(
            self.journal, self.time, policy, normalise=lambda _: pytest.fail("no receipts here")
        )
        self.outbox = Outbox(
            self.engine,
            self.channels,
            self.time,
            Links(b"k" * 32, "https://irpd.example.com"),
            random=Random(7),
            wait=self.time.wait,
        )

    async def open(self, level: int = 1) -> None:
        await self.engine.submit(
            Open(by="emil", title="All is down", service="platform", level=level, because="x")
        )

    def send(self, page: str, n: int):
        return self.engine.state.pages[page].sends[n - 1]

    def paged(self) -> list[str]:
        return [page.person for page in self.engine.state.pages.values() if page.kind is PageKind.PAGE]


@pytest.fixture
async def real(world, tmp_path: Path) -> AsyncIterator[Real]:
    made = Real(tmp_path, world)
    await made.engine.start()
    task = asyncio.create_task(made.outbox.run())
    yield made
    await made.outbox.drain(1.0)
    await task
    await made.engine.stop()
