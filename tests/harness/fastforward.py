"""The real service on a clock that fast-forwards: intake, engine, journal in memory, outbox, phones.

Arrange, fast-forward, expect what the person's phone shows. An hour passes in the milliseconds that irpd
needs for it; nothing waits for real time. ``die`` and ``start`` are the end and the beginning of a process on
the same disk.
"""

import gc
import json
from asyncio import events as asyncio_events
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeVar

from harness.house import TUESDAY, policy_of, seconds_of
from irpd.comms.links import Links
from irpd.daemon.heartbeats import Heartbeats
from irpd.daemon.shifts import Shifts
from irpd.engine.clock import SystemClock
from irpd.engine.engine import Engine
from irpd.engine.ports import Fact, Message, Normalised, Outcome, Receipt
from irpd.intake import build_source
from irpd.journal.memory import MemoryJournal, Storage
from irpd.model import command as c
from irpd.model.incident import Incident
from irpd.model.page import PageKind
from irpd.outbox.outbox import Outbox
from irpd.protocol.policy import Policy
from simulation.clocks import VirtualTime
from simulation.loop import VirtualLoop

T = TypeVar("T")
#: Processes that are gone, as they were: nothing of them runs any more, and nothing tidies them up.
_GONE: list[object] = []
LINKS = Links(b"k" * 32, "https://irpd.invalid")


class _Time(VirtualTime):
    """Begins at an instant; only ``forward`` lets it pass."""

    def __init__(self, at: datetime) -> None:
        super().__init__()
        self._at = at.timestamp()

    def boot(self) -> float:
        return self.true - self.booted

    def wall(self) -> float:
        return self._at + self.true


class _Uncounted:
    def heartbeat(self, outcome: str) -> None: ...


class _Phone:
    """A channel whose messages are on the phones as soon as they are sent."""

    def __init__(self, name: str, service: "Service") -> None:
        self.name = name
        self._service = service

    async def send(self, message: Message) -> Outcome:
        if self.name in self._service.broken or (message.page.person, self.name) in self._service.broken:
            return Outcome(kind="permanent", detail="no such number")
        self._service.shown.append((self._service.now, self.name, message))
        return Outcome(kind="delivered", provider_id=f"{self.name}-{len(self._service.shown)}")

    async def close(self) -> None: ...


class Service:
    """One irpd, its senders and everybody's phones."""

    def __init__(self, policy: Policy | None = None, *, at: datetime = TUESDAY) -> None:
        self.policy = policy or policy_of()
        self.began = at
        self.time = _Time(at)
        self.shown: list[tuple[datetime, str, Message]] = []
        self.broken: set[object] = set()  # channels, or (person, channel), that fail for good
        self._storage = Storage()
        self.start()

    # ------------------------------------------------------------ a process
    def start(self) -> None:
        self.loop = VirtualLoop(self.time, Random(1), lambda: (0.0005, 0.0005))
        _GONE.append(self.loop)
        journal = self._journal = MemoryJournal(self._storage)
        clock = SystemClock(wall=self.time.wall, boot=self.time.boot)
        configuration = self.policy.configuration
        sources = {
            name: build_source(name, one, reporter_key=b"k") for name, one in configuration.sources.items()
        }

        def normalise(receipt: Receipt) -> Normalised:
            return sources[receipt.source].normalise(receipt.body, receipt.headers, receipt.at)

        self.sources = sources
        self.engine = Engine(journal, clock, self.policy, normalise=normalise)

        async def begin() -> None:
            journal.open()
            loaded = await self.engine.start()
            clock.start_from(loaded.last_at)
            phones = {name: _Phone(name, self) for name in configuration.channels}
            self.outbox = Outbox(self.engine, phones, clock, LINKS, random=Random(1))
            self.delivery = self.loop.create_task(self.outbox.run())
            self.heartbeats = Heartbeats(self.engine, clock, _Uncounted())
            self.heartbeats.use(configuration)
            self.shifts = Shifts(self.engine, clock)
            schedules = configuration.schedules.values()
            if any(one.notice or one.test_before_shift for one in schedules):
                self.handing = self.loop.create_task(self.shifts.run())
            if configuration.heartbeats:
                self.watching = self.loop.create_task(self.heartbeats.run())

        self._wait(begin())
        gc.unfreeze()  # a daemon keeps what it has loaded for ever; a test doesn't

    def die(self) -> None:
        """Between two instructions; what was synced stays."""
        _GONE.append(self.loop.drop())
        self._storage.holder = None

    def reload(self, policy: Policy) -> None:
        """Put another configuration in force."""
        self.policy = policy
        self._wait(self.engine.adopt(policy, b"{}", by="test"))

    # ------------------------------------------------------------ acting
    def report(self, *keys: str, status: str = "firing", want: int | None = 2, **labels: str) -> None:
        """Alertmanager reports these alerts about checkout, at this level."""
        named = {"service": "checkout", **({"want": str(want)} if want else {}), **labels}
        alerts = [
            {
                "status": status,
                "labels": {"alertname": f"Alert {key}", **named},
                "annotations": {"summary": f"Alert {key}"},
                "startsAt": self.began.isoformat(),
                "endsAt": self.now.isoformat() if status == "resolved" else "0001-01-01T00:00:00Z",
                "fingerprint": key,
            }
            for key in keys
        ]  # fmt: skip
        body = {"version": "4", "status": status, "receiver": "irpd", "groupKey": "all", "alerts": alerts}
        self.post("am", body)

    def post(self, source: str, body: object) -> None:
        raw = json.dumps(body).encode()
        normalised = self.sources[source].normalise(raw, {}, self.now)
        self._wait(self.engine.receive(source, raw, {}, normalised, self.now))
        self.forward(1)

    def ask(self, command: c.Command) -> Any:
        """What irpd answers to a command, carried out now; what follows from it at once has gone out."""
        answer = self._wait(self.engine.submit(command))
        self.forward(1)
        return answer

    def beat(self, monitor: str) -> None:
        """A monitor reports."""
        self._wait(self.heartbeats.report(monitor))
        self.forward(1)

    def ack(self, by: str = "asha", number: int = 1) -> Any:
        return self.ask(c.Acknowledge(incident=number, by=by))

    # ------------------------------------------------------------ time
    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time.wall(), UTC)

    def forward(self, by: str | float) -> None:
        """Let the time pass."""
        self._pass(self.time.true + seconds_of(by))

    def until(self, minutes: float) -> None:
        """Let the time pass until so many minutes after the beginning, and a second."""
        self._pass(minutes * 60 + 1)

    def _pass(self, until: float) -> None:
        while True:
            self._turn()
            following = self.loop.next_timer()
            if following is None or following > until:
                self.time.true = max(self.time.true, until)
                return
            self.time.true = max(self.time.true, following)
            self.loop.wake_due()

    def _turn(self) -> None:
        asyncio_events._set_running_loop(self.loop)
        try:
            while self.loop.turns(1000):
                pass
        finally:
            asyncio_events._set_running_loop(None)
        assert not self.loop.problems, self.loop.problems

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        task = self.loop.create_task(work)
        for _ in range(10_000):
            self._turn()
            if task.done():
                return task.result()
            following = self.loop.next_timer()
            assert following is not None, "it waits for nothing"
            self.time.true = max(self.time.true, following)
            self.loop.wake_due()
        raise AssertionError("no answer")

    # ------------------------------------------------------------ looking
    def phones(self, *, kind: PageKind | None = PageKind.PAGE, since: float = 0) -> list[str]:
        """What the phones have shown: ``5m chi mail``, in minutes since the beginning."""
        return [
            f"{int((at - self.began).total_seconds() // 60)}m {message.page.person} {channel}"
            for at, channel, message in self.shown
            if (kind is None or message.page.kind is kind) and at >= self.began + timedelta(minutes=since)
        ]

    def people(self, *, since: float = 0) -> list[str]:
        """The same by mail alone, which is everybody's first method."""
        return [line.removesuffix(" mail") for line in self.phones(since=since) if line.endswith(" mail")]

    def incident(self, number: int = 1) -> Incident:
        return self.engine.state.incidents[number]

    def stored(self, number: int = 1) -> Incident:
        """As the journal has it, also once it has left memory."""
        found = self._journal.incident(number)
        assert found is not None
        return found[0]

    def facts(self, subject: str) -> list[Fact]:
        """What the journal has of a subject."""
        return list(self._journal.facts(subject=subject))
