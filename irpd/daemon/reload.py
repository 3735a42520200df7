"""Another configuration while irpd runs: read as one set, put in force whole or refused whole."""

import asyncio
from collections.abc import Callable, Mapping

import structlog

from irpd.config.problem import ConfigurationError, Problem
from irpd.config.values import Configuration
from irpd.daemon import settings, systemd
from irpd.daemon.alive import Alive
from irpd.daemon.asking import Asking
from irpd.daemon.heartbeats import Heartbeats
from irpd.daemon.options import Options
from irpd.daemon.settings import Prepared
from irpd.daemon.sources import Sources
from irpd.daemon.watch import FileWatch
from irpd.engine.engine import Engine
from irpd.engine.inbox import Overloaded
from irpd.engine.ports import Channel, Clock, JournalError
from irpd.journal.sqlite import SqliteJournal
from irpd.model import command as c
from irpd.oncall.contacts import Contacts
from irpd.outbox.outbox import Outbox
from irpd.web.metrics import Metrics
from irpd.web.ports import Reloaded

log = structlog.get_logger("irpd.daemon")

#: What could not be recorded (a full disk) is tried again after so many looks, one a second.
AGAIN = 10


class Reloading:
    """``refused`` are the problems of the files while they are bad. ``address`` is told to systemd."""

    def __init__(
        self,
        options: Options,
        files: tuple[str, ...],
        *,
        engine: Engine,
        journal: SqliteJournal,
        outbox: Outbox,
        channels: Callable[[Configuration], Mapping[str, Channel]],
        sources: Sources,
        asking: Asking,
        metrics: Metrics,
        clock: Clock,
        alive: Alive,
        heartbeats: Heartbeats,
    ) -> None:
        self._options = options
        self._files = files
        self._engine = engine
        self._journal = journal
        self._outbox = outbox
        self._channels = channels
        self._sources = sources
        self._asking = asking
        self._metrics = metrics
        self._clock = clock
        self._alive = alive
        self._heartbeats = heartbeats
        self._one_at_a_time = asyncio.Lock()
        self.wanted = asyncio.Event()
        self.not_in_force = False  # good files were read and could not be recorded: again soon
        self.refused: tuple[Problem, ...] = ()
        self._untold: dict[str, c.Command] = {}  # by what they are about: only the newest counts
        self.address = ""

    async def reload(self, by: str = "SIGHUP") -> Reloaded:
        """Read the files again, and every secret with them."""
        async with self._one_at_a_time:
            systemd.reloading()
            previous = self._engine.policy.hash
            try:
                prepared = await asyncio.to_thread(
                    settings.from_files,
                    self._options.config,
                    shadow=self._options.shadow,
                    contacts=Contacts(self._engine.state.contacts),
                )
            except ConfigurationError as error:
                await self.refuse(tuple(error.problems))
                systemd.ready(f"configuration refused; {previous} stays in force")
                return Reloaded(ok=False, hash=previous, previous=previous, problems=tuple(error.problems))
            self._files = prepared.files
            self.not_in_force = True
            await self._adopt(prepared, by)
            self.not_in_force = False
            self.refused = ()
            self._untold.pop("config", None)
            self._metrics.config_reloaded(True, self._clock.now())
            systemd.ready(f"{self.address}, configuration {prepared.policy.hash}")
            log.info("config-loaded", configuration=prepared.policy.hash, previous=previous, by=by)
            return Reloaded(ok=True, hash=prepared.policy.hash, previous=previous, problems=prepared.warnings)

    async def _adopt(self, prepared: Prepared, by: str) -> None:
        configuration = prepared.policy.configuration
        before = self._engine.policy.configuration
        await self._engine.adopt(prepared.policy, prepared.bundle, by=by)
        self._sources.use(configuration)
        self._asking.use(configuration)
        self._alive.use(configuration.watching.report)
        self._heartbeats.use(configuration)
        keep_receipts(self._journal, configuration)
        # Also where the files say the same as before: what they name (a secret's file) may have changed.
        self._outbox.use_channels(self._channels(configuration))
        self._metrics.channels(configuration.channels)
        await self.tell_source_problems()
        if later := only_at_a_start(before, configuration):
            log.warning("needs-restart", settings=later)

    async def refuse(self, problems: tuple[Problem, ...]) -> None:
        """The files are bad: what is in force stays, and the operators are told once."""
        self._metrics.config_reloaded(False, self._clock.now())
        in_force = self._engine.policy.hash
        log.error("config-refused", in_force=in_force, problems=[str(p) for p in problems[:20]])
        if problems == self.refused:
            await self.tell_again()
            return
        self.refused = problems
        errors_first = sorted(problems, key=lambda problem: problem.severity != "error")
        command = c.RefuseConfig(problems=tuple(str(p) for p in errors_first[:50]), in_force=in_force)
        await self.tell(command, about="config")

    async def tell_source_problems(self) -> None:
        self._untold.pop("sources", None)
        if not self._sources.problems:
            return
        text = "\n".join(f"{name}: {why}" for name, why in self._sources.problems.items())
        title = "Sources can't authenticate anybody"
        await self.tell(c.TellOperators(key="sources", title=title, text=text), about="sources")

    async def tell(self, command: c.Command, *, about: str) -> None:
        """Record it, now or as soon as that is possible, unless there is something newer to say ``about``
        it by then."""
        self._untold[about] = command
        try:
            await self._engine.submit(command)
        except (JournalError, Overloaded) as error:
            log.error("not-recorded", command=type(command).__name__, error=str(error))
        else:
            if self._untold.get(about) is command:
                del self._untold[about]

    async def tell_again(self) -> None:
        """Try again what could not be recorded."""
        for about, command in list(self._untold.items()):
            if self._untold.get(about) is command:
                await self.tell(command, about=about)

    async def look_after_files(self) -> None:
        """Reload when they have changed, or somebody wants it."""
        watch = FileWatch(lambda: (*self._options.config, *self._files))
        looks = 0
        while True:
            try:
                async with asyncio.timeout(1.0):
                    await self.wanted.wait()
            except TimeoutError:
                looks += 1
                again = looks % AGAIN == 0
                if again:
                    await self.tell_again()
                if not (again and self.not_in_force) and not await asyncio.to_thread(watch.changed):
                    continue
                by = "changed files"
            else:
                self.wanted.clear()
                by = "SIGHUP"
            await asyncio.to_thread(watch.take)
            try:
                await self.reload(by)
            except Exception:  # whatever a file made it raise, the next change is looked at too
                log.exception("reload-raised")


def keep_receipts(journal: SqliteJournal, configuration: Configuration) -> None:
    journal.keep_receipts = configuration.timing.keep_receipts
    journal.keep_receipts_bytes = configuration.timing.keep_receipts_bytes


def only_at_a_start(before: Configuration, after: Configuration) -> list[str]:
    """The settings that changed and take effect at the next start only."""
    changed = [
        f"server.{name}"
        for name in ("listen", "public_url", "state_dir")
        if getattr(before.server, name) != getattr(after.server, name)
    ]
    return changed + (["journal"] if before.journal != after.journal else [])
