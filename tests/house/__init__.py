"""The real engine with a journal in memory, the example's people, and clients for both doors."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, UnixConnector, web
from aiohttp.test_utils import TestClient, TestServer
from harness.house import NO_REPORTS

from irpd.channels.desk import Desk
from irpd.channels.parts import Parts
from irpd.channels.registry import build_channels
from irpd.comms.calendar import Calendars
from irpd.comms.links import Links
from irpd.config.load import Loaded, load_configuration
from irpd.daemon.heartbeats import Heartbeats
from irpd.engine.engine import Engine
from irpd.intake import build_source
from irpd.journal.memory import MemoryJournal
from irpd.model.incident import Incident
from irpd.model.page import Page
from irpd.protocol.policy import Policy
from irpd.triage.ruleset import compile_rules
from irpd.triage.service import ServiceIndex
from irpd.web.app import build_socket_app, build_tcp_app
from irpd.web.history import JournalReader
from irpd.web.metrics import Metrics
from irpd.web.ports import Check, Reloaded, Services

NOW = datetime(2026, 11, 24, 2, 6, 40, tzinfo=UTC)
SECRET = "correct horse battery staple"

CONFIGURATION = """
version: 1
server:
  public_url: "https://irpd.example.com"
  time_zone: Europe/Berlin
  max_body: 200000
  tokens: TOKENS
sources:
  alertmanager: {type: alertmanager, auth: {bearer: {env: DOOR_SECRET}}}
  open: {type: alertmanager, auth: none}
  strict: {type: alertmanager, auth: none, unreadable: refuse}
  slow: {type: alertmanager, auth: none, limit: 2}
  sentry: {type: sentry, auth: {client_secret: {env: DOOR_SECRET}}}
unmapped: platform
fallback: [emil]
operators: [emil]
services:
  checkout:
    title: Checkout
    paths: {technical: engineering}
    users: {count: 120000}
    signals: [{source: [alertmanager, open], labels: {service: checkout}}]
    runbook: "https://runbooks.example.com/checkout"
  platform: {title: Platform, paths: {technical: engineering}}
channels:
  local: {type: file, path: pages.jsonl}
  CHANNELS
notify:
  default: NOTIFY
people:
  asha: {name: Asha Rao, phone: "+4915100000001", slack: U01ASHA, time_zone: Europe/Berlin, login: LOGIN}
  ben: {name: Ben Ito, phone: "+4915100000002", slack: U02BEN, time_zone: Europe/Berlin}
  chi: {name: Chi Okafor, time_zone: Africa/Lagos}
  emil: {name: Emil Novak, time_zone: Europe/Prague}
schedules:
  first-responder:
    time_zone: Europe/Berlin
    layers: [{rotate: weekly, handoff: "Mon 09:00", start: "2026-11-23", people: [asha, ben]}]
paths:
  engineering:
    kind: technical
    steps:
      - {schedule: first-responder, wait: 5m}
      - {person: chi, title: Technical Lead, wait: 10m}
  business: {kind: business, steps: [{person: emil, title: CEO, wait: 15m}]}
"""

ALERT: dict[str, Any] = {
    "version": "4",
    "groupKey": "{}:{}",
    "status": "firing",
    "receiver": "irpd",
    "groupLabels": {},
    "commonLabels": {},
    "commonAnnotations": {},
    "externalURL": "http://alertmanager.example.com",
    "truncatedAlerts": 0,
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "PaymentErrors", "service": "checkout", "instance": "pay-2"},
            "annotations": {"summary": "Payments failing", "affected_users": "50400"},
            "startsAt": "2026-11-24T02:02:11.482Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "https://prometheus.example.com/graph?g0.expr=up",
            "fingerprint": "9b681f5d8b57936a",
        }
    ],
}


class SteppedClock:
    """Moves only when a test says so."""

    def __init__(self) -> None:
        self._now = NOW
        self._boot = 1000.0

    def now(self) -> datetime:
        return self._now

    def boot(self) -> float:
        return self._boot

    def step(self, **span: float) -> None:
        self._now += timedelta(**span)
        self._boot += timedelta(**span).total_seconds()


@dataclass
class House:
    """Everything behind the doors, and the doors' clients."""

    engine: Engine
    journal: MemoryJournal
    clock: SteppedClock
    services: Services
    links: Links
    loaded: Loaded
    tcp: "TestClient[web.Request, web.Application]"
    socket: ClientSession
    socket_path: Path
    reload_answer: Reloaded = field(default_factory=lambda: Reloaded(ok=True, hash="0123456789ab"))
    checks: list[Check] = field(default_factory=list)
    backups: list[str] = field(default_factory=list)
    payload: dict[str, Any] = field(default_factory=lambda: ALERT)
    secret: str = SECRET
    channels: Mapping[str, object] = field(default_factory=dict)
    desk: Desk = field(init=False)

    async def alert(self, **changes: Any) -> Incident:
        """Post the example's alert; its incident."""
        payload = {**ALERT, "alerts": [{**ALERT["alerts"][0], **changes}]}
        answer = await self.tcp.post("/webhook/open", json=payload)
        assert answer.status == 202, await answer.text()
        (number,) = (await answer.json())["incidents"]
        return self.engine.state.incidents[number]

    def page_of(self, incident: Incident, person: str = "asha") -> Page:
        return next(p for p in self.engine.state.pages_of(incident.number) if p.person == person)

    def link(self, page: Page) -> str:
        return f"/a/{self.links.token(page)}"

    async def until(self, condition: Callable[[], object]) -> None:
        """Let the loop run until the condition holds."""
        async with asyncio.timeout(5):
            while not condition():  # noqa: ASYNC110 - the loop's own turns are what is waited for
                await asyncio.sleep(0)

    async def api(self, method: str, path: str, **options: Any) -> tuple[int, dict[str, Any]]:
        """Over the Unix socket."""
        async with self.socket.request(method, f"http://irpd/api/v1{path}", **options) as answer:
            return answer.status, await answer.json()


def configured(
    *,
    tokens: str = "[]",
    login: str = "nobody-here",
    notify: str = "[{after: 0m, via: [local]}]",
    channels: str = "",
) -> str:
    """The house's configuration. ``tokens``, ``notify`` (how people are paged) and ``channels`` (one a line,
    besides the file) are YAML; whoever's login is ``login`` is asha."""
    text = CONFIGURATION.replace("TOKENS", tokens).replace("LOGIN", login).replace("NOTIFY", notify)
    return text.replace("CHANNELS", channels.strip().replace("\n", "\n  "))


async def build_house(
    stack: AsyncExitStack,
    folder: Path,
    *,
    tokens: str = "[]",
    login: str = "nobody-here",
    body_timeout: float = 30.0,
    notify: str = "[{after: 0m, via: [local]}]",
    more: str = "",
    channels: str = "",
    reports: str = NO_REPORTS,
) -> House:
    """A house that ``stack`` takes down again, ``configured`` so; ``reports`` and ``more`` are added to that.

    $DOOR_SECRET must hold the secret of its sources."""
    file = folder / "irpd.yaml"
    file.write_text(configured(tokens=tokens, login=login, notify=notify, channels=channels) + reports + more)
    loaded = load_configuration([file])
    configuration = loaded.configuration
    policy = Policy(configuration, compile_rules([]), ServiceIndex(configuration), loaded.hash)
    clock = SteppedClock()
    journal = MemoryJournal()
    journal.open()
    sources = {
        name: build_source(name, settings, reporter_key=b"k" * 32)
        for name, settings in configuration.sources.items()
    }
    engine = Engine(
        journal,
        clock,
        policy,
        normalise=lambda r: sources[r.source].normalise(r.body, r.headers, r.at),
    )
    house: House

    async def reload(_by: str) -> Reloaded:
        return house.reload_answer

    services = Services(
        engine=engine,
        clock=clock,
        sources=sources,
        links=(links := Links(b"x" * 32, "https://irpd.example.com")),
        calendars=Calendars(b"x" * 32, "https://irpd.example.com"),
        metrics=(metrics := Metrics("1.2.3")),
        heartbeats=(heartbeats := Heartbeats(engine, clock, metrics)),
        open_reader=lambda: JournalReader(journal),
        readiness=lambda: house.checks,
        reload=reload,
        backup=lambda path: house.backups.append(path),  # noqa: PLW0108 - the house comes later
        channel=lambda name: house.channels.get(name),  # noqa: PLW0108
        version="1.2.3",
        body_timeout=body_timeout,
    )
    await engine.start()
    heartbeats.use(configuration)
    stack.push_async_callback(engine.stop)
    client = TestClient(TestServer(build_tcp_app(services)))
    await client.start_server()
    stack.push_async_callback(client.close)
    runner = web.AppRunner(build_socket_app(services))
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    path = folder / "irpd.sock"
    await web.UnixSite(runner, str(path)).start()
    session = ClientSession(connector=UnixConnector(str(path)))
    stack.push_async_callback(session.close)
    house = House(engine, journal, clock, services, links, loaded, client, session, path)
    house.desk = Desk(engine, clock, links)
    stack.push_async_callback(house.desk.close)
    engine.on_publish(lambda pages, _incidents: links.codes.note(pages))
    outward = ClientSession()
    stack.push_async_callback(outward.close)
    house.channels = build_channels(
        Parts(
            session=outward, clock=clock, desk=house.desk, state_dir=folder,
            public_url=configuration.server.public_url, settings=configuration.channels,
        )
    )  # fmt: skip
    return house
