"""Keeps the time of monitors that must report, and says when one is overdue.

All waits run on the boot-time clock, so that no jump of the wall clock makes a monitor late. In memory are
when each was heard of last and when it is due. On disk is the last report only of those that report hourly or
less (``KEPT_FROM``), before they are answered; the others begin anew at a start.

Nobody is called silent for irpd's own absence: what came due while it was down, stood still or slept has one
grace from the moment that it is back, and at least ``PATIENCE``.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from irpd.config.values import Configuration
from irpd.engine.batch import CommandFailed
from irpd.engine.engine import Engine
from irpd.engine.inbox import Overloaded
from irpd.engine.ports import Clock, JournalError
from irpd.intake.auth import Authenticator, SourceError, build_credential
from irpd.model import command as c
from irpd.model.command import Refusal
from irpd.protocol.heartbeats import fires, key_of
from irpd.protocol.monitors import WATCHDOG, Monitor, monitors
from irpd.web.ports import Beat

log = structlog.get_logger("irpd.heartbeats")

#: Seconds that a monitor has at least from the moment at which irpd is there again: senders try again.
PATIENCE = 60.0
#: A look that comes so many seconds late says that irpd stood still.
ABSENT = 5.0
#: A monitor that stays silent is reported again this often at most, should its incident have been closed.
AGAIN = 3600.0
#: A report of the same monitor comes on disk at most this often (seconds).
KEEP_EACH = 60.0
#: How often it is looked who is overdue (seconds).
LOOK_EVERY = 1.0
#: Silences told to the engine together.
AT_ONCE = 50


class Counters(Protocol):
    def heartbeat(self, outcome: str) -> None: ...


@dataclass(slots=True)
class _Expected:
    """``heard`` and ``due`` count on the boot-time clock; ``heard`` is -1 if not in this life."""

    monitor: Monitor
    check: Authenticator | None
    due: float
    seen_at: datetime | None = None
    heard: float = -1.0
    kept: float = -KEEP_EACH  # when a report came on disk last
    owed: bool = False  # a report that the engine doesn't know of yet
    told: bool = False  # its silence has been told, or is being told

    @property
    def allowed(self) -> float:
        return self.monitor.every + self.monitor.grace

    @property
    def patience(self) -> float:
        return max(self.monitor.grace, PATIENCE)


class Heartbeats:
    """``use`` what the files say; ``report`` and ``alive`` what comes in; ``run`` for ever."""

    def __init__(self, engine: Engine, clock: Clock, counters: Counters) -> None:
        self._engine = engine
        self._clock = clock
        self._counters = counters
        self._expected: dict[str, _Expected] = {}
        self._looked_at = clock.boot()
        self.problems: dict[str, str] = {}  # monitors that nobody can report for, and why

    # ------------------------------------------------------------ what is expected
    def use(self, configuration: Configuration) -> None:
        """From here on expect these; secrets are read now. What stays keeps its time."""
        before, self._expected, self.problems = self._expected, {}, {}
        for one in monitors(configuration):
            known = before.get(one.name)
            expected = self._first(one) if known is None else _changed(known, one, self._clock.boot())
            expected.check = self._check_of(configuration, one.name)
            self._expected[one.name] = expected

    def _check_of(self, configuration: Configuration, name: str) -> Authenticator | None:
        settings = configuration.heartbeats.get(name)
        if settings is None or settings.auth == "none":
            return None
        try:
            return build_credential(settings.auth, f"heartbeats.{name}.auth")
        except SourceError as error:
            self.problems[name] = str(error)
            log.error("heartbeat-unusable", heartbeat=name, error=str(error))
            return None

    def _first(self, monitor: Monitor) -> _Expected:
        """One that this life doesn't know yet: at a start, or new in the files."""
        row = self._engine.state.heartbeat(monitor.name)
        boot, now = self._clock.boot(), self._clock.now()
        expected = _Expected(monitor, None, boot, seen_at=row.seen_at if row is not None else None)
        left = expected.allowed
        if row is not None and monitor.kept:
            left -= (now - (row.seen_at or row.since)).total_seconds()
        expected.due = boot + max(left, expected.patience)
        return expected

    # ------------------------------------------------------------ what comes in
    def authenticate(self, name: str, headers: Mapping[str, str], query: Mapping[str, str]) -> bool | None:
        """Whether this comes from that monitor; None when none of this name is expected."""
        expected = self._expected.get(name)
        if expected is None or name.startswith(WATCHDOG):
            self._counters.heartbeat("unknown")
            return None
        allowed = name not in self.problems and (
            expected.check is None or expected.check.by_headers(headers, query) is True
        )
        if not allowed:
            self._counters.heartbeat("refused")
        return allowed

    async def report(self, name: str, *, failed: str | None = None) -> Beat:
        """That monitor has reported; with ``failed`` that what it watches went wrong. Returns once it is on
        disk, where it is kept. Raises KeyError, Overloaded or JournalError; it was heard of all the same."""
        expected = self._expected[name]
        self._hear(expected)
        if failed is not None:
            self._counters.heartbeat("failed")
            expected.owed, expected.told = False, True
            await self._engine.submit(c.HeartbeatMissed(name=name, text=failed, failed=True))
            expected.kept = expected.heard
        else:
            self._counters.heartbeat("ok")
            expected.owed = expected.owed or self._must_be_known(expected)
            if expected.owed:
                await self._pay(expected)
        return self._view(expected)

    def alive(self, source: str) -> None:
        """The always-firing alert of this source has come."""
        expected = self._expected.get(f"{WATCHDOG}{source}")
        if expected is not None:
            self._counters.heartbeat("ok")
            self._hear(expected)
            expected.owed = self._must_be_known(expected)

    def _hear(self, expected: _Expected) -> None:
        expected.seen_at = self._clock.now()
        expected.heard = self._clock.boot()
        expected.due = expected.heard + expected.allowed

    def _must_be_known(self, expected: _Expected) -> bool:
        fresh = expected.heard - expected.kept < KEEP_EACH
        return expected.told or self._silent(expected) or (expected.monitor.kept and not fresh)

    async def _pay(self, expected: _Expected) -> None:
        """Have the engine know of a report."""
        await self._engine.submit(c.HeartbeatReported(name=expected.monitor.name))
        expected.owed = expected.told = False
        expected.kept = expected.heard

    # ------------------------------------------------------------ what doesn't
    async def run(self) -> None:
        """Look, for ever."""
        while True:
            try:
                await self.look()
            except Exception:  # whatever it was, the next monitor that falls silent must be noticed
                log.exception("heartbeats-raised")
            await asyncio.sleep(LOOK_EVERY)

    async def look(self) -> None:
        """Tell of those that are overdue, and of reports that could not be told of when they came."""
        boot = self._clock.boot()
        if boot - self._looked_at > ABSENT:
            for expected in self._expected.values():
                expected.due = max(expected.due, boot + expected.patience)
        self._looked_at = boot
        for expected in self._expected.values():
            if expected.due <= boot and (closed := expected.monitor.closed_for(self._clock.now())):
                expected.due = boot + closed + expected.allowed
        todo = [one for one in self._expected.values() if one.owed or one.due <= boot]
        for start in range(0, len(todo), AT_ONCE):
            some = todo[start : start + AT_ONCE]
            done = await asyncio.gather(*(self._tell(one, boot) for one in some))
            if not all(done):
                return  # the journal can't be written, or there is too much to do: at the next look

    async def _tell(self, expected: _Expected, boot: float) -> bool:
        heard = expected.heard
        try:
            if expected.owed:
                await self._pay(expected)
            else:
                expected.told = True
                await self._engine.submit(
                    c.HeartbeatMissed(name=expected.monitor.name, text=self._text(expected))
                )
                if expected.heard == heard:
                    expected.due = boot + max(expected.allowed, AGAIN)
        except (JournalError, Overloaded) as error:
            log.warning("heartbeat-not-recorded", heartbeat=expected.monitor.name, error=str(error))
            return False
        except (Refusal, CommandFailed) as error:  # it isn't in force yet, or somebody was paged for that
            log.warning("heartbeat-not-taken", heartbeat=expected.monitor.name, error=str(error))
            expected.due = max(expected.due, boot + PATIENCE)
            expected.owed = False
        return True

    def _text(self, expected: _Expected) -> str:
        seen = f"{expected.seen_at:%d %b %H:%M:%S} UTC" if expected.seen_at is not None else "never"
        return f"It should report {expected.monitor.allowance}. Last heard of: {seen}."

    # ------------------------------------------------------------ for those who look
    def beats(self) -> Iterable[Beat]:
        """All monitors as they are now."""
        return [self._view(expected) for expected in self._expected.values()]

    def _silent(self, expected: _Expected) -> bool:
        return fires(self._engine.state.member_of(key_of(expected.monitor.name)))

    def _view(self, expected: _Expected) -> Beat:
        left = expected.due - self._clock.boot()
        silent = self._silent(expected)
        if silent:
            state = "silent"
        elif expected.seen_at is None:
            state = "new"
        else:
            state = "late" if left < expected.monitor.grace else "up"
        member = self._engine.state.member_of(key_of(expected.monitor.name)) if silent else None
        return Beat(
            name=expected.monitor.name, state=state, service=expected.monitor.service,
            every=expected.monitor.every, grace=expected.monitor.grace, level=expected.monitor.level,
            seen_at=expected.seen_at,
            due_at=None if silent else self._clock.now() + timedelta(seconds=max(left, 0.0)),
            incident=member.incident or None if member is not None else None,
        )  # fmt: skip


def _changed(known: _Expected, monitor: Monitor, boot: float) -> _Expected:
    """The same monitor in other files; another time holds from now on, and never comes before a grace."""
    if (monitor.every, monitor.grace) != (known.monitor.every, known.monitor.grace):
        known.monitor = monitor
        since = known.heard if known.heard >= 0 else boot
        known.due = max(since + known.allowed, boot + known.patience)
    known.monitor = monitor
    return known
