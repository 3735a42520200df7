"""Asks Prometheus about the users of services with open incidents: at once, and again every so often.

One question serves all open incidents of a service, and services that ask the same share it: an answer is
kept for as long as its query's ``every``. An incident that opens meanwhile gets the kept answer at once. What
comes back is handed to the engine as a command; what doesn't, the next round asks for again. Nothing here
ever holds up a report or a page.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp
import structlog

from irpd.config.values import Configuration, Query
from irpd.engine.batch import CommandFailed
from irpd.engine.inbox import Overloaded
from irpd.engine.ports import Clock, JournalError
from irpd.evidence.ask import Http, NoAnswer, Resting
from irpd.evidence.prometheus import number
from irpd.model import command as c
from irpd.model.command import Refusal
from irpd.model.incident import Incident
from irpd.model.page import Page

log = structlog.get_logger("irpd.evidence")

#: Questions that are under way at one Prometheus at most.
AT_ONCE = 4
#: After an answer that did not come it is asked again so soon, where its ``every`` is longer (seconds).
SOON = 10.0
#: Incidents that one command names at most: each may have its signals asked again.
TOLD_AT_ONCE = 3


class EngineLike(Protocol):
    @property
    def state(self) -> Any: ...
    async def submit(self, command: c.Command, /) -> object: ...
    def on_publish(self, callback: Callable[[Collection[Page], Collection[Incident]], None], /) -> object: ...


class Counted(Protocol):
    """Who counts what became of questions: answered | empty | failed | resting."""

    def asked(self, server: str, outcome: str) -> None: ...


@dataclass(slots=True)
class _Server:
    http: Http
    timeout: float
    room: asyncio.Semaphore
    answers: dict[str, tuple[float, int | None]] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)  # queries that gave no number, and why
    under_way: dict[str, "asyncio.Task[int | None]"] = field(default_factory=dict)


@dataclass(slots=True)
class _Service:
    affected: Query | None
    users: Query | None
    due: float = 0.0
    busy: bool = False
    new: set[int] = field(default_factory=set)  # incidents that have not been told an answer yet

    @property
    def every(self) -> float:
        return min(query.every for query in (self.affected, self.users) if query is not None)


class Asker:
    """``use`` a configuration, then ``run``. ``problems`` says who doesn't answer."""

    def __init__(
        self, engine: EngineLike, clock: Clock, session: aiohttp.ClientSession, counted: Counted
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._session = session
        self._counted = counted
        self._servers: dict[str, _Server] = {}
        self._services: dict[str, _Service] = {}
        self._open: dict[str, set[int]] = {}  # service → its incidents that are worked on
        self._where: dict[int, tuple[str, ...]] = {}
        self._unusable: dict[str, str] = {}
        self._wakeup = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        engine.on_publish(self._published)
        self._published((), list(engine.state.incidents.values()))

    # ------------------------------------------------------------ what to ask
    def use(self, configuration: Configuration) -> None:
        """From here on ask what these files say; what was answered before is forgotten."""
        self._servers, self._unusable = {}, {}
        for name, settings in configuration.prometheus.items():
            try:
                http = Http(
                    self._session, settings.url, auth=settings.auth, timeout=settings.timeout,
                    now=self._clock.boot,
                )  # fmt: skip
            except LookupError as error:
                self._unusable[name] = str(error)
                log.error("prometheus-unusable", prometheus=name, error=str(error))
            else:
                self._servers[name] = _Server(http, settings.timeout, asyncio.Semaphore(AT_ONCE))
        self._services = {
            name: _Service(affected=service.affected, users=service.users.query if service.users else None)
            for name, service in configuration.services.items()
            if service.affected is not None or (service.users is not None and service.users.query is not None)
        }
        for name, one in self._services.items():
            one.new.update(self._open.get(name, ()))
        self._wakeup.set()

    @property
    def problems(self) -> Mapping[str, str]:
        """Each Prometheus that doesn't answer, and why."""
        found = dict(self._unusable)
        for name, server in self._servers.items():
            if why := server.http.breaker.problem or next(iter(server.wrong.values()), ""):
                found[name] = why
        return found

    def _published(self, _pages: Collection[Page], incidents: Collection[Incident]) -> None:
        for incident in incidents:
            before = self._where.get(incident.number, ())
            now = incident.services if incident.state.active else ()
            if before == now:
                continue
            for service in before:
                if service not in now:
                    self._open[service].discard(incident.number)
            for service in now:
                if service not in before:
                    self._open.setdefault(service, set()).add(incident.number)
                    if (asked := self._services.get(service)) is not None:
                        asked.new.add(incident.number)
                        self._wakeup.set()
            if now:
                self._where[incident.number] = now
            else:
                del self._where[incident.number]

    # ------------------------------------------------------------ asking
    async def run(self) -> None:
        """For ever."""
        try:
            while True:
                self._wakeup.clear()
                wait = self._begin()
                try:
                    async with asyncio.timeout(wait):
                        await self._wakeup.wait()
                except TimeoutError:
                    pass
        finally:
            asking = [task for server in self._servers.values() for task in server.under_way.values()]
            for task in (*self._tasks, *asking):
                task.cancel()

    def _begin(self) -> float | None:
        """Begin what is due; seconds until something else is (None: nothing will be)."""
        now = self._clock.boot()
        waits = []
        for name, service in self._services.items():
            if service.busy or not self._open.get(name):
                continue
            if service.due <= now or service.new:
                only = None if service.due <= now else service.new
                service.busy, service.new = True, set()
                task = asyncio.create_task(self._round(name, service, only), name=f"ask {name}")
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            else:
                waits.append(service.due - now)
        return min(waits, default=None)

    async def _round(self, name: str, service: _Service, only: set[int] | None) -> None:
        """Ask for one service, and tell its incidents; ``only`` these, where the others have been told."""
        whole = False
        try:
            numbers = await asyncio.gather(self._number(service.affected), self._number(service.users))
            whole = all(told for told, _ in numbers)
            (_, affected), (_, users) = numbers
            if affected is not None or users is not None:
                await self._tell(name, only, affected, users)
        except (Refusal, Overloaded, JournalError, CommandFailed) as error:
            log.warning("answer-not-taken", service=name, error=str(error))
        except Exception:  # a defect in here must not end the asking for other services
            log.exception("asking-raised", service=name)
        finally:
            if only is None or not whole:
                pause = service.every if whole else min(service.every, SOON)
                service.due = self._clock.boot() + pause
            service.busy = False
            self._wakeup.set()

    async def _tell(self, name: str, only: set[int] | None, affected: int | None, users: int | None) -> None:
        there = self._open.get(name, set())
        incidents = sorted(there if only is None else there & only)
        for i in range(0, len(incidents), TOLD_AT_ONCE):
            some = tuple(incidents[i : i + TOLD_AT_ONCE])
            await self._engine.submit(
                c.TakeAnswer(service=name, incidents=some, affected=affected, users=users)
            )

    async def _number(self, query: Query | None) -> tuple[bool, int | None]:
        """Whether there was an answer, and the number in it."""
        if query is None:
            return True, None
        name = query.ask or next(iter(self._servers), "")
        server = self._servers.get(name)
        if server is None:
            return False, None
        kept = server.answers.get(query.promql)
        if kept is not None and self._clock.boot() - kept[0] < query.every * 0.9:
            return True, kept[1]
        task = server.under_way.get(query.promql)
        if task is None:
            task = asyncio.create_task(self._ask(name, server, query.promql))
            server.under_way[query.promql] = task
            task.add_done_callback(lambda _: server.under_way.pop(query.promql, None))
        try:
            return True, await asyncio.shield(task)
        except NoAnswer:
            return False, None

    async def _ask(self, name: str, server: _Server, promql: str) -> int | None:
        before = server.http.breaker.problem
        try:
            async with server.room:
                value = await number(server.http, promql, within=server.timeout)
        except Resting:
            self._counted.asked(name, "resting")
            raise
        except NoAnswer as error:
            self._counted.asked(name, "failed")
            if not server.http.breaker.problem:
                before = server.wrong.get(promql, "")
                server.wrong[promql] = str(error)
            if str(error) != before:
                log.warning("prometheus-silent", prometheus=name, query=promql[:200], error=str(error))
            raise
        self._counted.asked(name, "answered" if value is not None else "empty")
        server.wrong.pop(promql, None)
        if before:
            log.info("prometheus-answers-again", prometheus=name)
        server.answers[promql] = (self._clock.boot(), value)
        return value
