"""The composition root: the only place that builds the parts and wires them together.

A life is ``start``, ``run`` until it is told to stop, ``stop``. What each part of it does has a file of its
own: ``opening`` (files, journal, what to run on), ``doors``, ``reload``.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import aiohttp
import structlog

from irpd import __version__
from irpd.channels.desk import Desk
from irpd.channels.listeners import Listeners
from irpd.channels.parts import Parts
from irpd.channels.registry import build_channels
from irpd.comms.calendar import Calendars
from irpd.comms.links import Links
from irpd.config.values import Configuration
from irpd.daemon import systemd
from irpd.daemon.alive import Alive
from irpd.daemon.asking import Asking
from irpd.daemon.doors import open_doors, socket_path
from irpd.daemon.heartbeats import Heartbeats
from irpd.daemon.observe import Delivered, count_received, observe
from irpd.daemon.opening import Opened, open_all
from irpd.daemon.options import EXIT_JOURNAL, Options, StartError, kill_point
from irpd.daemon.reload import Reloading, keep_receipts
from irpd.daemon.shifts import Shifts
from irpd.daemon.sources import Sources
from irpd.daemon.watch_channels import ChannelWatch
from irpd.daemon.watch_clock import ClockWatch
from irpd.daemon.watch_contacts import ContactWatch
from irpd.daemon.watch_delivery import DeliveryWatch
from irpd.daemon.watch_descriptors import Accepts
from irpd.daemon.watch_gaps import GapWatch
from irpd.daemon.watchdog import Watchdog, Watched
from irpd.engine.clock import SystemClock
from irpd.engine.engine import Engine
from irpd.engine.inbox import Overloaded
from irpd.engine.ports import Channel, JournalError
from irpd.journal.reader import open_reader
from irpd.model import command as c
from irpd.outbox.outbox import Outbox
from irpd.web.metrics import Metrics
from irpd.web.ports import Check, Services

log = structlog.get_logger("irpd.daemon")

#: What those who look are told while shadow mode holds.
SHADOW = "shadow mode: everything is taken in and decided, and nobody is paged"
#: Seconds between lines in the log that hold the chain's head: an anchor outside the journal.
HEAD_EVERY = 3600.0


class Daemon:
    """One life of ``irpd serve``: ``start``, then ``run`` until it is told to stop, then ``stop``."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.kill = kill_point()
        self.clock = SystemClock()
        self.metrics = Metrics(__version__)
        self.delivered = DeliveryWatch(self.clock.boot)
        self._stack = AsyncExitStack()
        self._unwell = ""  # why irpd doesn't do its job; the watching thread reads it
        self.alive = Alive(
            now=self.clock.boot, wrong=lambda: self._unwell, counters=self.metrics,
            clock=lambda: datetime.now(UTC),
        )  # fmt: skip
        self._stop = asyncio.Event()
        self._ready = False
        self._beats = 0
        self._tasks: list[asyncio.Task[None]] = []

    # ------------------------------------------------------------ start
    async def start(self) -> None:
        """Raises StartError."""
        started = time.perf_counter()
        opened = await asyncio.to_thread(open_all, self.options, kill=self.kill)
        self.state_dir, self.journal = opened.state_dir, opened.journal
        configuration = opened.prepared.policy.configuration
        keep_receipts(self.journal, configuration)
        listen = self.options.listen or configuration.server.listen
        public_url = configuration.server.public_url or f"http://{listen}"
        self.links = Links(opened.link_key, public_url)
        self.calendars = Calendars(opened.link_key, public_url)
        self.sources = Sources(configuration, reporter_key=opened.link_key)
        self.engine = Engine(
            self.journal, self.clock, opened.prepared.policy, normalise=self.sources.normalise
        )
        self.engine.on_commit(lambda facts, took: observe(self.metrics, self.engine.state, facts, took))
        self.engine.on_received(lambda name, what: count_received(self.metrics, name, what))
        self.engine.on_defect(self.metrics.judgement_failed)
        try:
            loaded = await self.engine.start()
        except JournalError as error:  # found damaged only when all of it was read
            raise StartError(EXIT_JOURNAL, str(error)) from None
        self.clock.start_from(loaded.last_at, believe_wall=self.options.believe_clock)
        self._build_delivery(configuration)
        self.asking = Asking(
            self.engine, self.clock, self.session, self.sources.built, self.metrics, last_alive=loaded.last_at
        )
        self.heartbeats = Heartbeats(self.engine, self.clock, self.metrics)
        self.asking.start()
        self._stack.push_async_callback(self.asking.stop)
        self.reloading = Reloading(
            self.options, opened.prepared.files, engine=self.engine, journal=self.journal, outbox=self.outbox,
            channels=self._channels, sources=self.sources, asking=self.asking, metrics=self.metrics,
            clock=self.clock, alive=self.alive, heartbeats=self.heartbeats,
        )  # fmt: skip
        self.clock_watch = ClockWatch(self.clock, self.reloading.tell)
        self.shifts = Shifts(self.engine, self.clock)
        self.contact_watch = ContactWatch(self.engine, self.clock, self.reloading.tell, self.metrics)
        self.gap_watch = GapWatch(self.engine, self.clock, self.reloading.tell)
        await self._record_start(opened, loaded.last_at)
        # Not before: the start may end shadow mode, and what that has left is for nobody.
        self._tasks.append(asyncio.create_task(self._deliver(), name="outbox"))
        self._watch_progress()
        place = socket_path(self.options.socket, self.state_dir)
        address, watching = await open_doors(
            self._services(), listen=listen, socket_path=place, clock=self.clock, metrics=self.metrics,
            stack=self._stack,
        )  # fmt: skip
        self._tasks.append(watching)
        self.reloading.address = address
        self._ready = True
        took = time.perf_counter() - started
        log.info(
            "ready", version=__version__, configuration=self.engine.policy.hash, address=address,
            socket=str(place), incidents=len(self.engine.state.incidents), seconds=round(took, 3),
        )  # fmt: skip
        if self.engine.policy.configuration.shadow:
            log.warning("shadow-mode", text=SHADOW)
        systemd.ready(f"{address}, configuration {self.engine.policy.hash}")

    async def _record_start(self, opened: Opened, last_at: datetime | None) -> None:
        down = max(0.0, (self.clock.now() - last_at).total_seconds()) if last_at is not None else None
        policy = opened.prepared.policy
        try:
            await self.engine.submit(c.RecordStart(version=__version__, down_for=down))
            if opened.good and opened.latest != policy.hash:
                await self.engine.adopt(policy, opened.prepared.bundle, by="start")
        except (JournalError, Overloaded) as error:
            log.error("start-not-recorded", error=str(error))
            self.reloading.not_in_force = opened.good
        if not opened.good:
            await self.reloading.refuse(opened.problems)
        else:
            self.metrics.config_reloaded(True, self.clock.now())
            for warning in opened.prepared.warnings:
                log.warning("config-warning", problem=str(warning))
        await self.reloading.tell_source_problems()

    def _services(self) -> Services:
        return Services(
            engine=self.engine,
            clock=self.clock,
            sources=self.sources.built,
            links=self.links,
            calendars=self.calendars,
            metrics=self.metrics,
            heartbeats=self.heartbeats,
            open_reader=lambda: open_reader(self.journal.path),
            readiness=self.readiness,
            reload=self.reloading.reload,
            backup=self.journal.backup,
            channel=self.outbox.channel,
            version=__version__,
        )

    # ------------------------------------------------------------ delivery
    def _build_delivery(self, configuration: Configuration) -> None:
        self.session = aiohttp.ClientSession(trust_env=True)
        self._stack.push_async_callback(self.session.close)
        self.listeners = Listeners()
        self._stack.push_async_callback(self.listeners.close)
        self.desk = Desk(self.engine, self.clock, self.links)
        self._stack.push_async_callback(self.desk.close)
        self.links.codes.note(self.engine.state.pages.values())
        self.engine.on_publish(lambda pages, _incidents: self.links.codes.note(pages))
        self.channel_watch = ChannelWatch(lambda: self.outbox.down, self.clock.boot, self._tell)
        self.metrics.channels(configuration.channels)
        self.outbox = Outbox(
            self.engine,
            self._channels(configuration),
            self.clock,
            self.links,
            metrics=Delivered(self.metrics, self.delivered, self.channel_watch),
            kill=self.kill,
        )

    async def _tell(self, command: c.Command, *, about: str) -> None:
        await self.reloading.tell(command, about=about)

    async def _deliver(self) -> None:
        """Delivery never ends: should it raise, that is said and it begins again."""
        while not self._stop.is_set():
            try:
                await self.outbox.run()
                return
            except Exception:  # whatever it was, the next page must still go out
                log.exception("delivery-raised")
                await asyncio.sleep(1)

    def _channels(self, configuration: Configuration) -> Mapping[str, Channel]:
        """As configured, their secrets read now."""
        built = build_channels(
            Parts(
                session=self.session,
                clock=self.clock,
                desk=self.desk,
                state_dir=self.state_dir,
                public_url=configuration.server.public_url,
                # Under systemd it is the system's journal, and links that acknowledge belong in no log.
                terminal=None if "JOURNAL_STREAM" in os.environ else sys.stdout,
                settings=configuration.channels,
            )
        )
        self.listeners.use(built)
        return built

    # ------------------------------------------------------------ life
    async def run(self) -> None:
        """Until SIGTERM or SIGINT."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self.reloading.wanted.set)
        self._tasks.append(asyncio.create_task(self.reloading.look_after_files(), name="files"))
        self._tasks.append(asyncio.create_task(self._beat(), name="beat"))
        self._tasks.append(asyncio.create_task(self._anchor(), name="anchor"))
        self._tasks.append(asyncio.create_task(self.gap_watch.run(), name="gaps"))
        self._tasks.append(asyncio.create_task(self.shifts.run(), name="shifts"))
        self._tasks.append(asyncio.create_task(self.contact_watch.run(), name="contacts"))
        await self._stop.wait()

    async def stop(self) -> None:
        """Stop taking in, let what is under way end, close the journal. Says nothing of a start that failed:
        whoever started it is told why."""
        if self._ready:
            systemd.stopping()
            log.info("stopping")
        self.alive.stop()
        if hasattr(self, "outbox"):
            await self.outbox.drain(10.0)
        await self._stack.aclose()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if hasattr(self, "engine"):
            await self.engine.stop()
        if hasattr(self, "watchdog"):
            self.watchdog.stop()
        if self._ready:
            log.info("stopped")

    async def _beat(self) -> None:
        """Shows that the loop lives, and tells what the clocks did."""
        while True:
            self._beats += 1
            self.delivered.look()
            self._unwell = self._why_unwell()
            self.clock.now()
            while self.clock.jumps:
                seconds = self.clock.jumps.pop()
                log.warning("clock-jumped", seconds=seconds)
                await self.reloading.tell(c.RecordJump(seconds=seconds), about="jump")
            await self.channel_watch.look()
            await self.clock_watch.look()
            await asyncio.sleep(1.0)

    def _why_unwell(self) -> str:
        """What keeps irpd from its job, for those who watch from outside; "" while nothing does."""
        try:
            checks = [check for check in self.readiness() if check.fatal or check.name == "delivery"]
        except Exception as error:  # the beat goes on: that nobody can say how irpd is, is what is wrong
            log.exception("readiness-raised")
            return f"readiness: {type(error).__name__}: {error}"
        return "; ".join(f"{check.name}: {check.detail}" for check in checks if not check.ok)

    async def _anchor(self) -> None:
        """Whoever keeps the logs elsewhere can prove later that the history was not rewritten."""
        while True:
            try:
                seq, head = await self.engine.read(self.journal.head)
                log.info("journal-head", seq=seq, head=head)
            except JournalError as error:
                log.warning("journal-head-unknown", error=str(error))
            await asyncio.sleep(HEAD_EVERY)

    def _watch_progress(self) -> None:
        self.watchdog = Watchdog(
            (
                Watched("loop", lambda: self._beats, lambda: True),
                Watched("engine", lambda: self.engine.progress, lambda: self.engine.busy),
                Watched("delivery", lambda: self.outbox.progress, self._delivery_due),
            ),
            now=self.clock.boot,
            tell=self.alive.feed,
        )
        self.watchdog.start()
        self.heartbeats.use(self.engine.policy.configuration)
        self._tasks.append(asyncio.create_task(self.heartbeats.run(), name="heartbeats"))
        self.alive.use(self.engine.policy.configuration.watching.report)

    def _delivery_due(self) -> bool:
        due = self.outbox.oldest_due_at()
        return due is not None and (self.clock.now() - due).total_seconds() > 1.0

    def readiness(self) -> Sequence[Check]:
        engine, refused = self.engine, self.reloading.refused
        down = self.journal.damaged or engine.down or ("no space left" if engine.full else "")
        stalled = ", ".join(self.watchdog.stalled)
        bad = f"{len(refused)} problems; {engine.policy.hash} stays in force" if refused else ""
        unusable = self.sources.problems | self.heartbeats.problems
        missing = "; ".join(f"{name}: {why}" for name, why in unusable.items())
        silent = self.delivered.problem
        shadow = engine.policy.configuration.shadow
        deaf = [f"{name}: {why}" for name, why in self.listeners.problems().items()]
        lame = "; ".join((*self.channel_watch.problems, *deaf))
        ahead = self.clock_watch.problem
        return (
            Check(name="journal", ok=not down, detail=down),
            Check(name="progress", ok=not stalled, detail=stalled),
            Check(name="decisions", ok=engine.behind < 1000, detail=f"{engine.behind} behind", fatal=False),
            Check(name="configuration", ok=not refused, detail=bad, fatal=False),
            Check(name="sources", ok=not missing, detail=missing, fatal=False),
            Check(name="delivery", ok=not silent, detail=silent, fatal=False),
            Check(name="channels", ok=not lame, detail=lame, fatal=False),
            Check(name="shadow", ok=not shadow, detail=SHADOW if shadow else "", fatal=False),
            Check(name="clock", ok=not ahead, detail=ahead, fatal=False),
            *self.asking.checks(),
        )


async def serve(options: Options) -> None:
    """Run irpd until it is told to stop. Raises StartError."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(Accepts(loop.time))
    daemon = Daemon(options)
    try:
        await daemon.start()
        await daemon.run()
    finally:
        await daemon.stop()
