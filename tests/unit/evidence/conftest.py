"""The real engine on a journal in memory, a clock moved by hand, and servers that answer as a test says."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from harness.house import CONFIG, TUESDAY, policy_of

from irpd.engine.engine import Engine
from irpd.engine.ports import Receipt
from irpd.intake import IntakeSource, build_source
from irpd.journal.memory import MemoryJournal


class HandClock:
    def __init__(self, at: datetime = TUESDAY) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def boot(self) -> float:
        return (self.at - datetime(2026, 1, 1, tzinfo=UTC)).total_seconds()

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Counted:
    """What was counted, in order."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def asked(self, server: str, outcome: str) -> None:
        self.lines.append(f"{server} {outcome}")

    def looked(self, source: str, outcome: str) -> None:
        self.lines.append(f"{source} {outcome}")

    def found(self, source: str, what: str, n: int) -> None:
        self.lines.append(f"{source} {what} {n}")


class Server:
    """Answers by path with what a test put there: a value, a text, a status, or a function of the request."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.headers: list[dict[str, str]] = []
        self.hangs = asyncio.Event()
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        form = dict(await request.post()) if request.method == "POST" else {}
        said = {**request.query, **{name: str(value) for name, value in form.items()}}
        self.asked.append((request.path, said))
        self.headers.append(dict(request.headers))
        answer = self._answer(request.path, said)
        if answer == "hang":
            await self.hangs.wait()
            answer = self._answer(request.path, said)
        if answer == "elsewhere":
            return web.Response(status=302, headers={"Location": "/elsewhere"})
        if isinstance(answer, int):
            return web.json_response({"error": "no"}, status=answer)
        if isinstance(answer, str):
            return web.Response(text=answer)
        return web.json_response(answer)

    def _answer(self, path: str, said: dict[str, str]) -> Any:
        answer = self.answers.get(path, 404)
        return answer(said) if callable(answer) else answer

    def number(self, value: float | str) -> None:
        """What Prometheus answers to a query from now on."""
        result = [{"metric": {}, "value": [1764000000.0, str(value)]}]
        self.answers["/api/v1/query"] = {
            "status": "success", "data": {"resultType": "vector", "result": result},
        }  # fmt: skip


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    one = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", one.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    one.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield one
    one.hangs.set()
    await runner.cleanup()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as one:
        yield one


class Company:
    """The small company with its engine."""

    def __init__(self, config: str) -> None:
        self.clock = HandClock()
        self.policy = policy_of(config)
        self.sources: dict[str, IntakeSource] = {
            name: build_source(name, settings, reporter_key=b"k")
            for name, settings in self.configuration.sources.items()
        }
        self.engine = Engine(MemoryJournal(), self.clock, self.policy, normalise=self._normalise)
        self.engine.journal.open()
        self.counted = Counted()

    @property
    def configuration(self) -> Any:
        return self.policy.configuration

    def _normalise(self, receipt: Receipt) -> Any:
        return self.sources[receipt.source].normalise(receipt.body, receipt.headers, receipt.at)

    async def receive(self, source: str, body: Any, headers: dict[str, str] | None = None) -> Any:
        data = json.dumps(body).encode()
        now = self.clock.now()
        normalised = self.sources[source].normalise(data, headers or {}, now)
        return await self.engine.receive(source, data, headers or {}, normalised, now)

    async def report(self, name: str, *, status: str = "firing", **labels: str) -> int:
        """An alert about checkout by its name; the incident it went to."""
        alert = {
            "status": status,
            "labels": {"service": "checkout", "alertname": name, **labels},
            "startsAt": "2026-11-24T07:00:00Z",
            "fingerprint": fingerprint(name),
        }
        said = await self.receive("am", {"version": "4", "status": status, "alerts": [alert]})
        return next(iter(said.incidents or (0,)))

    def events(self, number: int) -> list[Any]:
        return [fact.event for fact in self.engine.journal.facts(subject=f"incident:{number}")]


def fingerprint(name: str) -> str:
    return name.encode().hex()[:16].ljust(16, "0")


@pytest.fixture
async def company() -> AsyncIterator[Callable[..., Any]]:
    started: list[Company] = []

    async def start(*changes: tuple[str, str]) -> Company:
        config = CONFIG
        for old, new in changes:
            assert old in config
            config = config.replace(old, new, 1)
        one = Company(config)
        await one.engine.start()
        started.append(one)
        return one

    yield start
    for one in started:
        await one.engine.stop()


async def until(condition: Callable[[], object], what: str = "it") -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true in time"
        await asyncio.sleep(0.005)


@pytest.fixture
def wait_until() -> Callable[..., Any]:
    return until
