"""One process of irpd in the simulated machine: what ``daemon.service`` wires, without sockets.

A life begins with ``start`` on a disk as it is, and ends by ``kill`` at any point or by ``stop``. The
parts are the real ones; doors are called as the HTTP handlers call them.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from random import Random
from typing import Any, Protocol

from irpd.comms.links import Links
from irpd.config.values import Configuration
from irpd.daemon.heartbeats import Heartbeats
from irpd.daemon.settings import Prepared, from_journal
from irpd.engine.clock import SystemClock
from irpd.engine.engine import Engine
from irpd.engine.inbox import Overloaded
from irpd.engine.ports import Channel, JournalError, Message, Normalised, Outcome, Receipt
from irpd.intake import IntakeSource, build_source
from irpd.model import command as c
from irpd.model.page import Page
from irpd.outbox.outbox import Outbox
from simulation.clocks import VirtualTime
from simulation.disk import Disk, SimulatedJournal, Trouble
from simulation.loop import VirtualLoop
from simulation.phones import Provider, SimulatedChannel
from simulation.senders import Request

KEY = b"simulated-key-of-32-bytes-------"
#: How many commands may wait: small, so that runs meet it.
INBOX = 20


class _Links(Links):
    """Nobody follows a link in here: which page it is of is enough."""

    def token(self, page: Page) -> str:
        return page.id


LINKS = _Links(KEY, "https://irpd.invalid")


class World(Trouble, Protocol):
    """What a life asks of the world around it."""

    time: VirtualTime
    chance: Random
    disk: Disk
    files: Prepared | None  # what the configuration files say; None: they are bad

    @property
    def providers(self) -> Mapping[str, Provider]: ...

    def hit(self, section: str, name: str) -> None: ...

    def sending(self, life: "Life", message: Message) -> None: ...

    def sent(self, life: "Life", message: Message, outcome: Outcome) -> None: ...

    def show(self, message: Message) -> None: ...


class Life:
    def __init__(self, world: World) -> None:
        self.world = world
        self.loop = VirtualLoop(world.time, world.chance, self._slowness)
        self.clock = SystemClock(wall=world.time.wall, boot=world.time.boot)
        self.journal = SimulatedJournal(world.disk, world)
        self.sources: dict[str, IntakeSource] = {}
        self.ready = False
        self.over = False
        self.failed_to_start = False
        self.recorded = True  # its start: else what it ends (shadow mode) hasn't ended on disk
        self.began = world.time.true
        self.engine: Engine
        self.outbox: Outbox
        self.heartbeats: Heartbeats
        self.beats_since = 0.0  # since when these monitors are expected, by the ideal clock
        self.looked_at = -1.0  # by the ideal clock
        self.ahead = 0.0  # irpd's time less the ideal one, then
        self.answered: dict[tuple[str, int], str] = {}  # the provider's answers, in this life
        self.calling: set[tuple[str, int]] = set()
        self.main: asyncio.Task[None] | None = None
        self.refused: tuple[str, ...] = ()
        self._reloading = asyncio.Lock()

    def _slowness(self) -> tuple[float, float]:
        low, high = self.world.disk.slow
        chance = self.world.chance
        return chance.uniform(low, high), chance.uniform(low / 4, high / 4)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        return self.loop.create_task(work)

    # ------------------------------------------------------------ as the daemon does it
    async def start(self) -> None:
        run = self.loop.run_in_executor
        journal, world = self.journal, self.world
        await run(None, journal.open)
        latest = await run(None, journal.latest_config)
        good = world.files
        prepared = good
        if prepared is None:
            if latest is None:
                self.failed_to_start = True
                return
            prepared = _kept(latest[1])
        self._build_sources(prepared.policy.configuration)
        self.engine = Engine(
            journal, self.clock, prepared.policy, normalise=self._normalise, inbox_limit=INBOX
        )
        self.heartbeats = Heartbeats(self.engine, self.clock, self)
        try:
            loaded = await self.engine.start()
        except JournalError:
            self.failed_to_start = True
            return
        self.clock.start_from(loaded.last_at)
        self.outbox = Outbox(
            self.engine, self._channels(prepared.policy.configuration), self.clock,
            LINKS, random=world.chance,
        )  # fmt: skip
        down = (self.clock.now() - loaded.last_at).total_seconds() if loaded.last_at is not None else None
        try:
            await self.engine.submit(c.RecordStart(version="0", down_for=down))
            if good is None:
                await self.engine.submit(c.RefuseConfig(problems=("bad",), in_force=prepared.policy.hash))
            elif latest is None or latest[0] != prepared.policy.hash:
                await self.engine.adopt(prepared.policy, prepared.bundle, by="start")
        except (JournalError, Overloaded):
            world.hit("answer", "start-not-recorded")
            self.recorded = False
        self.delivery = self.spawn(self.outbox.run())
        self._expect()
        self.watching = self.spawn(self.heartbeats.run())
        self.ready = True
        while True:  # the daemon's beat
            self.clock.now()
            while self.clock.jumps:
                await self.tell(c.RecordJump(seconds=self.clock.jumps.pop()))
            await asyncio.sleep(20.0)

    async def tell(self, command: c.Command) -> None:
        try:
            await self.engine.submit(command)
        except (JournalError, Overloaded):
            self.world.hit("answer", "not-recorded")

    async def reload(self) -> None:
        async with self._reloading:
            prepared = self.world.files
            if prepared is None:
                if self.refused:
                    return
                self.refused = ("bad",)
                await self.tell(c.RefuseConfig(problems=("bad",), in_force=self.engine.policy.hash))
                return
            self.refused = ()
            before = self.engine.policy.configuration
            try:
                await self.engine.adopt(prepared.policy, prepared.bundle, by="SIGHUP")
            except (JournalError, Overloaded):
                self.world.hit("answer", "not-adopted")
                return
            configuration = prepared.policy.configuration
            self._build_sources(configuration)
            self._expect()
            if configuration.channels != before.channels:
                self.outbox.use_channels(self._channels(configuration))

    def _expect(self) -> None:
        self.heartbeats.use(self.engine.policy.configuration)
        self.beats_since = self.world.time.true

    def heartbeat(self, outcome: str) -> None:
        """``daemon.heartbeats.Counters``."""
        self.world.hit("met", f"beat-{outcome}")

    def _build_sources(self, configuration: Configuration) -> None:
        self.sources = {
            name: build_source(name, one, reporter_key=KEY) for name, one in configuration.sources.items()
        }

    def _normalise(self, receipt: Receipt) -> Normalised:
        return self.sources[receipt.source].normalise(receipt.body, receipt.headers, receipt.at)

    def _channels(self, configuration: Configuration) -> dict[str, Channel]:
        world = self.world
        return {
            name: SimulatedChannel(
                world.providers[name],
                world.chance,
                sending=lambda message: world.sending(self, message),
                sent=lambda message, outcome: world.sent(self, message, outcome),
                show=world.show,
                hit=lambda what: world.hit("fault", what),
            )
            for name in configuration.channels
        }

    @property
    def waiting(self) -> int:
        """The longest queue of the inbox."""
        inbox = self.engine._inbox
        return max(len(inbox.urgent), len(inbox.owed), len(inbox.normal))

    async def post(self, request: Request) -> tuple[int, int, Normalised | None]:
        """The webhook's door: status, receipt and what was read."""
        first_byte_at = self.clock.now()
        source = self.sources.get(request.source)
        if source is None:
            return 404, 0, None
        if self.world.chance.random() < 0.3:
            await asyncio.sleep(self.world.chance.uniform(0, 0.05))  # the body is on its way
        kept = source.kept(request.headers)
        normalised = source.normalise(request.body, kept, first_byte_at)
        if normalised.unreadable:
            kept = {**kept, "irpd-unreadable": "; ".join(normalised.unreadable)[:1000]}
        try:
            accepted = await self.engine.receive(
                request.source, request.body, kept, normalised, first_byte_at
            )
        except Overloaded:
            self.world.hit("answer", "503-overloaded")
            return 503, 0, None
        except JournalError:
            self.world.hit("answer", "503-journal")
            return 503, 0, None
        self.world.hit("answer", "202" if accepted.incidents is not None else "202-decided-later")
        return 202, accepted.receipt, normalised

    async def stop(self) -> None:
        """The daemon's own end, on SIGTERM."""
        self.ready = False
        await self.outbox.drain(10.0)
        tasks = [task for task in (self.main, self.delivery, self.watching) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.engine.stop()
        self.over = True

    @property
    def troubled(self) -> bool:
        """Whether something keeps it from deciding what comes."""
        if not self.ready:
            return True
        engine = self.engine
        return bool(engine.down or engine.full or engine.behind)

    def kill(self) -> "list[asyncio.Task[Any]]":
        """The process is gone between two instructions; its tasks, to be kept as they are."""
        self.ready, self.over = False, True
        self.journal.cut()
        return self.loop.drop()


_read: dict[bytes, Prepared] = {}


def _kept(bundle: bytes) -> Prepared:
    found = _read.get(bundle)
    if found is None:
        found = _read[bundle] = from_journal(bundle)
    return found
