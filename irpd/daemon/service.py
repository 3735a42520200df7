"""The composition root: the only place that builds the parts and wires them together."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import aiohttp
import structlog
from aiohttp import web

from irpd import __version__
from irpd.comms.links import LinkKeyError, Links, load_key
from irpd.config.problem import ConfigurationError, Problem
from irpd.config.values import Configuration
from irpd.daemon import settings, systemd
from irpd.daemon.observe import Delivered, count_received, observe
from irpd.daemon.settings import Prepared
from irpd.daemon.watch import FileWatch
from irpd.daemon.watch_delivery import DeliveryWatch
from irpd.daemon.watch_descriptors import Accepts
from irpd.daemon.watchdog import Watchdog, Watched
from irpd.engine.clock import SystemClock
from irpd.engine.engine import Engine
from irpd.engine.inbox import Overloaded
from irpd.engine.ports import (
    Channel,
    JournalCorrupt,
    JournalError,
    JournalHeld,
    JournalNewer,
    Normalised,
    Receipt,
)  # fmt: skip
from irpd.intake import IntakeSource, SourceError, build_source
from irpd.journal.reader import open_reader
from irpd.journal.sqlite import SqliteJournal
from irpd.model import command as c
from irpd.outbox.channels import build_channels
from irpd.outbox.outbox import Outbox
from irpd.web.app import build_socket_app, build_tcp_app
from irpd.web.connections import Connections
from irpd.web.metrics import Metrics
from irpd.web.ports import Check, Reloaded, Services

log = structlog.get_logger("irpd.daemon")

#: Exit codes of ``irpd serve``, from sysexits.h where it has one.
EXIT_CONFIG = 78  # bad files and no last good configuration
EXIT_NEWER = 79  # the journal is newer than the program
EXIT_HELD = 75  # another process holds the journal
EXIT_JOURNAL = 74  # the journal can't be read or written
EXIT_ADDRESS = 71  # the address can't be listened on

DEFAULT_JOURNAL = "irpd.db"
NOTHING_EARLIER = "the configuration can't be used, and there is no earlier one to run on"

#: Good files that could not be recorded (a full disk) are tried again after so many looks, one a second.
ADOPT_AGAIN = 10
#: Seconds between lines in the log that hold the chain's head: an anchor outside the journal.
HEAD_EVERY = 3600.0

KillPoint = Callable[[str], None]


class StartError(Exception):
    """irpd can't start. ``code`` is the exit status, the text says what to do."""

    def __init__(self, code: int, text: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(text)
        self.code = code
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says. ``listen`` and ``state_dir`` stand over the files."""

    config: tuple[str, ...]
    listen: str | None = None
    state_dir: str | None = None
    socket: str | None = None


def no_kill(_point: str) -> None:
    """The kill points of an ordinary life: nothing happens."""


def kill_at(spec: str) -> KillPoint:
    """``POINT:N`` kills this process at the N-th time it comes to that point (tests only)."""
    name, _, count = spec.partition(":")
    left = [int(count or 1)]

    def kill(point: str) -> None:
        if point == name:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return kill


def _clear(path: Path) -> None:
    """Remove a socket that a killed daemon left. Raises OSError if one answers there."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)
            return
    raise OSError(f"another irpd answers at {path}")


class Daemon:
    """One life of ``irpd serve``: ``start``, then ``run`` until it is told to stop, then ``stop``."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.kill: KillPoint = kill_at(spec) if (spec := os.environ.get("IRPD_KILL_AT")) else no_kill
        self.clock = SystemClock()
        self.metrics = Metrics(__version__)
        self.delivered = DeliveryWatch(self.clock.boot)
        self.sources: dict[str, IntakeSource] = {}
        self.source_problems: dict[str, str] = {}
        self.refused: tuple[Problem, ...] = ()
        self._stack = AsyncExitStack()
        self._stop = asyncio.Event()
        self._reload_wanted = asyncio.Event()
        self._socket_made = False
        self._not_in_force = False  # good files were read and could not be recorded: again soon
        self._reloading = asyncio.Lock()
        self._beats = 0
        self._tasks: list[asyncio.Task[None]] = []

    # ------------------------------------------------------------ start
    async def start(self) -> None:
        """Raises StartError."""
        started = time.perf_counter()
        good, problems = await asyncio.to_thread(self._read_files)
        self.state_dir = self._state_dir(good)
        self.journal = await asyncio.to_thread(self._open_journal, good, problems)
        latest = await asyncio.to_thread(self.journal.latest_config)
        prepared = good or self._last_good(latest, problems)
        self.files = prepared.files
        self._keys()
        configuration = prepared.policy.configuration
        self.journal.keep_receipts = configuration.timing.keep_receipts
        self.journal.keep_receipts_bytes = configuration.timing.keep_receipts_bytes
        self.links = Links(self.link_key, self._public_url(configuration))
        self._build_sources(configuration)
        self.engine = Engine(self.journal, self.clock, prepared.policy, normalise=self._normalise)
        self.engine.on_commit(lambda facts, took: observe(self.metrics, self.engine.state, facts, took))
        self.engine.on_received(lambda name, what: count_received(self.metrics, name, what))
        loaded = await self.engine.start()
        self.clock.start_from(loaded.last_at)
        await self._start_delivery(configuration)
        await self._record_start(prepared, good, problems, latest, loaded.last_at)
        self._watch_progress()
        await self._listen(configuration)
        took = time.perf_counter() - started
        log.info(
            "ready", version=__version__, configuration=self.engine.policy.hash, address=self.address,
            socket=str(self.socket_path), incidents=len(self.engine.state.incidents), seconds=round(took, 3),
        )  # fmt: skip
        systemd.ready(f"{self.address}, configuration {self.engine.policy.hash}")

    def _read_files(self) -> tuple[Prepared | None, tuple[Problem, ...]]:
        try:
            return settings.from_files(self.options.config), ()
        except ConfigurationError as error:
            return None, tuple(error.problems)

    def _state_dir(self, good: Prepared | None) -> Path:
        named = self.options.state_dir or os.environ.get("STATE_DIRECTORY", "").split(":")[0]
        if not named and good is not None:
            named = good.policy.configuration.server.state_dir or ""
        elif not named:
            said = settings.place_of_journal(self.options.config)[0]
            named = said if os.path.isdir(said) else ""
        folder = Path(named or "var/state").absolute()
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        except OSError as error:
            raise StartError(EXIT_JOURNAL, f"state directory {folder}: {error.strerror}") from None
        return folder

    def _open_journal(self, good: Prepared | None, problems: Sequence[Problem]) -> SqliteJournal:
        name = DEFAULT_JOURNAL
        if good is not None:
            name = good.policy.configuration.journal.sqlite
        else:
            said = settings.place_of_journal(self.options.config)[1]
            name = said if said and (self.state_dir / said).is_file() else name
            if not (self.state_dir / name).exists():  # none is made for files that are bad
                raise StartError(EXIT_CONFIG, NOTHING_EARLIER, problems)
        journal = SqliteJournal(self.state_dir / name, kill=self.kill)
        try:
            journal.open()
        except JournalHeld as error:
            raise StartError(EXIT_HELD, str(error)) from None
        except JournalNewer as error:
            raise StartError(EXIT_NEWER, str(error)) from None
        except JournalCorrupt as error:
            raise StartError(EXIT_JOURNAL, f"{error}; `irpd restore BACKUP` brings back a backup") from None
        except JournalError as error:
            raise StartError(EXIT_JOURNAL, str(error)) from None
        return journal

    def _last_good(self, latest: tuple[str, bytes] | None, problems: Sequence[Problem]) -> Prepared:
        """The files are bad: run on what was in force, and say so loudly."""
        if latest is None:
            self.journal.close()
            raise StartError(
                EXIT_CONFIG,
                NOTHING_EARLIER,
                problems,
            )
        try:
            prepared = settings.from_journal(latest[1])
        except ConfigurationError as error:
            self.journal.close()
            raise StartError(
                EXIT_CONFIG,
                f"the configuration can't be used, nor can the last good one ({latest[0]})",
                (*problems, *error.problems),
            ) from None
        log.error("config-refused", in_force=latest[0], problems=[str(p) for p in problems])
        return prepared

    def _keys(self) -> None:
        try:
            self.link_key = load_key(self.state_dir)
        except LinkKeyError as error:
            self.journal.close()
            raise StartError(EXIT_CONFIG, str(error)) from None

    def _public_url(self, configuration: Configuration) -> str:
        listen = self.options.listen or configuration.server.listen
        return configuration.server.public_url or f"http://{listen}"

    async def _record_start(
        self,
        prepared: Prepared,
        good: Prepared | None,
        problems: tuple[Problem, ...],
        latest: tuple[str, bytes] | None,
        last_at: datetime | None,
    ) -> None:
        down = (self.clock.now() - last_at).total_seconds() if last_at is not None else None
        try:
            await self.engine.submit(c.RecordStart(version=__version__, down_for=down))
            if good is None:
                await self._refuse(problems)
            elif latest is None or latest[0] != prepared.policy.hash:
                await self.engine.adopt(prepared.policy, prepared.bundle, by="start")
        except (JournalError, Overloaded) as error:
            log.error("start-not-recorded", error=str(error))
            self._not_in_force = good is not None
        if good is not None:
            self.metrics.config_reloaded(True, self.clock.now())
            for warning in good.warnings:
                log.warning("config-warning", problem=str(warning))
        if self.source_problems:
            await self._tell_source_problems()

    # ------------------------------------------------------------ sources and channels
    def _build_sources(self, configuration: Configuration) -> None:
        """A source whose secret can't be had refuses everything and is said; the others work."""
        built: dict[str, IntakeSource] = {}
        self.source_problems = {}
        for name, one in configuration.sources.items():
            try:
                built[name] = build_source(name, one, reporter_key=self.link_key)
            except SourceError as error:
                self.source_problems[name] = str(error)
                log.error("source-unusable", source=name, error=str(error))
        self.sources.clear()
        self.sources.update(built)

    async def _tell_source_problems(self) -> None:
        text = "\n".join(f"{name}: {why}" for name, why in self.source_problems.items())
        await self._tell(
            c.TellOperators(key="sources", title="Sources can't authenticate anybody", text=text)
        )

    def _normalise(self, receipt: Receipt) -> Normalised:
        return self.sources[receipt.source].normalise(receipt.body, receipt.headers, receipt.at)

    async def _start_delivery(self, configuration: Configuration) -> None:
        self.session = aiohttp.ClientSession(trust_env=True)
        self._stack.push_async_callback(self.session.close)
        self.outbox = Outbox(
            self.engine,
            self._channels(configuration),
            self.clock,
            self.links,
            metrics=Delivered(self.metrics, self.delivered),
            kill=self.kill,
        )
        self._tasks.append(asyncio.create_task(self._deliver(), name="outbox"))

    async def _deliver(self) -> None:
        """Delivery never ends: should it raise, that is said and it begins again."""
        while not self._stop.is_set():
            try:
                await self.outbox.run()
                return
            except Exception:
                log.exception("delivery-raised")
                await asyncio.sleep(1)

    def _channels(self, configuration: Configuration) -> Mapping[str, Channel]:
        return build_channels(
            configuration.channels,
            state_dir=self.state_dir,
            # Under systemd the terminal is the system's journal, and links that acknowledge belong in no log.
            terminal=None if "JOURNAL_STREAM" in os.environ else sys.stdout,
            session=self.session,
            clock=self.clock,
        )

    # ------------------------------------------------------------ doors
    async def _listen(self, configuration: Configuration) -> None:
        services = Services(
            engine=self.engine,
            clock=self.clock,
            sources=self.sources,
            links=self.links,
            metrics=self.metrics,
            open_reader=lambda: open_reader(self.journal.path),
            readiness=self.readiness,
            reload=self.reload,
            backup=self.journal.backup,
            version=__version__,
        )
        listen = self.options.listen or configuration.server.listen
        host, _, port = listen.rpartition(":")
        public = build_tcp_app(services)
        connections = Connections(public, now=self.clock.boot, cut=self.metrics.connections_cut)
        tcp = web.AppRunner(public, access_log=None, shutdown_timeout=5.0)
        local = web.AppRunner(build_socket_app(services), access_log=None, shutdown_timeout=5.0)
        for runner in (tcp, local):
            await runner.setup()
            self._stack.push_async_callback(runner.cleanup)
        assert tcp.server is not None
        self._tasks.append(asyncio.create_task(connections.watch(tcp.server), name="connections"))
        self.socket_path = self._socket_path()
        try:
            await web.TCPSite(tcp, host.strip("[]") or None, int(port), backlog=1024).start()
            _clear(self.socket_path)
            before = os.umask(0o117)  # 0660 from the first moment
            try:
                await web.UnixSite(local, str(self.socket_path)).start()
                self._socket_made = True
            finally:
                os.umask(before)
        except (OSError, ValueError) as error:
            raise StartError(
                EXIT_ADDRESS, f"can't listen on {listen} or {self.socket_path}: {error}"
            ) from None
        addresses = tcp.addresses
        self.address = "http://{}:{}".format(*addresses[0][:2]) if addresses else listen

    def _socket_path(self) -> Path:
        if self.options.socket:
            return Path(self.options.socket)
        folder = os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
        return Path(folder or self.state_dir) / "irpd.sock"

    # ------------------------------------------------------------ configuration
    async def reload(self, by: str = "SIGHUP") -> Reloaded:
        """Read the files again, as one set: put in force whole, or refused whole."""
        async with self._reloading:
            systemd.reloading()
            previous = self.engine.policy.hash
            try:
                prepared = await asyncio.to_thread(settings.from_files, self.options.config)
            except ConfigurationError as error:
                await self._refuse(tuple(error.problems))
                systemd.ready(f"configuration refused; {previous} stays in force")
                return Reloaded(ok=False, hash=previous, previous=previous, problems=tuple(error.problems))
            self.files = prepared.files
            self._not_in_force = True
            await self._adopt(prepared, by)
            self._not_in_force = False
            self.refused = ()
            self.metrics.config_reloaded(True, self.clock.now())
            systemd.ready(f"{self.address}, configuration {prepared.policy.hash}")
            log.info("config-loaded", configuration=prepared.policy.hash, previous=previous, by=by)
            return Reloaded(ok=True, hash=prepared.policy.hash, previous=previous, problems=prepared.warnings)

    async def _adopt(self, prepared: Prepared, by: str) -> None:
        configuration = prepared.policy.configuration
        before = self.engine.policy.configuration
        await self.engine.adopt(prepared.policy, prepared.bundle, by=by)
        self._build_sources(configuration)
        self.journal.keep_receipts = configuration.timing.keep_receipts
        self.journal.keep_receipts_bytes = configuration.timing.keep_receipts_bytes
        if configuration.channels != before.channels:
            self.outbox.use_channels(self._channels(configuration))
        if self.source_problems:
            await self._tell_source_problems()
        if configuration.server != before.server or configuration.journal != before.journal:
            log.warning("needs-restart", what="server and journal settings take effect at the next start")

    async def _refuse(self, problems: tuple[Problem, ...]) -> None:
        """The files are bad: what is in force stays, and the operators are told once."""
        self.metrics.config_reloaded(False, self.clock.now())
        in_force = self.engine.policy.hash
        log.error("config-refused", in_force=in_force, problems=[str(p) for p in problems[:20]])
        if problems == self.refused:
            return
        self.refused = problems
        await self._tell(c.RefuseConfig(problems=tuple(str(p) for p in problems[:50]), in_force=in_force))

    async def _tell(self, command: c.Command) -> None:
        try:
            await self.engine.submit(command)
        except (JournalError, Overloaded) as error:
            log.error("not-recorded", command=type(command).__name__, error=str(error))

    # ------------------------------------------------------------ life
    async def run(self) -> None:
        """Until SIGTERM or SIGINT."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload_wanted.set)
        self._tasks.append(asyncio.create_task(self._look_after_files(), name="files"))
        self._tasks.append(asyncio.create_task(self._beat(), name="beat"))
        self._tasks.append(asyncio.create_task(self._anchor(), name="anchor"))
        await self._stop.wait()

    async def stop(self) -> None:
        """Stop taking in, let what is under way end, close the journal."""
        systemd.stopping()
        log.info("stopping")
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
        if self._socket_made:
            self.socket_path.unlink(missing_ok=True)
        log.info("stopped")

    async def _look_after_files(self) -> None:
        watch = FileWatch(lambda: (*self.options.config, *self.files))
        looks = 0
        while True:
            try:
                async with asyncio.timeout(1.0):
                    await self._reload_wanted.wait()
            except TimeoutError:
                looks += 1
                again = self._not_in_force and looks % ADOPT_AGAIN == 0
                if not again and not await asyncio.to_thread(watch.changed):
                    continue
                by = "changed files"
            else:
                self._reload_wanted.clear()
                by = "SIGHUP"
            await asyncio.to_thread(watch.take)
            try:
                await self.reload(by)
            except Exception:
                log.exception("reload-raised")

    async def _beat(self) -> None:
        """Shows that the loop lives, and tells what the clocks did."""
        while True:
            self._beats += 1
            self.delivered.look()
            self.clock.now()
            while self.clock.jumps:
                seconds = self.clock.jumps.pop()
                log.warning("clock-jumped", seconds=seconds)
                await self._tell(c.RecordJump(seconds=seconds))
            await asyncio.sleep(1.0)

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
        )
        self.watchdog.start()

    def _delivery_due(self) -> bool:
        due = self.outbox.oldest_due_at()
        return due is not None and (self.clock.now() - due).total_seconds() > 1.0

    def readiness(self) -> Sequence[Check]:
        engine = self.engine
        down = engine.down or ("no space left" if engine.full else "")
        stalled = ", ".join(self.watchdog.stalled)
        refused = f"{len(self.refused)} problems; {engine.policy.hash} stays in force" if self.refused else ""
        missing = "; ".join(f"{name}: {why}" for name, why in self.source_problems.items())
        silent = self.delivered.problem
        return (
            Check(name="journal", ok=not down, detail=down),
            Check(name="progress", ok=not stalled, detail=stalled),
            Check(name="decisions", ok=engine.behind < 1000, detail=f"{engine.behind} behind", fatal=False),
            Check(name="configuration", ok=not self.refused, detail=refused, fatal=False),
            Check(name="sources", ok=not missing, detail=missing, fatal=False),
            Check(name="delivery", ok=not silent, detail=silent, fatal=False),
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
