"""Monitors that must report: what they do, and what must hold of irpd's word that one is silent.

Nobody is called silent before its time and its grace are over, nor for irpd's own absence; who is silent for
longer is called so; and who reports again is called so no more.
"""

from functools import partial
from typing import TYPE_CHECKING

from irpd.engine.batch import CommandFailed
from irpd.engine.inbox import Overloaded
from irpd.engine.ports import JournalError
from irpd.model import command as c
from irpd.model.command import Refusal
from irpd.model.heartbeat import Heartbeat
from irpd.model.incident import MemberStatus
from simulation.judged import Decision, holds

if TYPE_CHECKING:
    from simulation.life import Life
    from simulation.run import Simulation

#: How often each of them reports, in seconds.
PERIODS = {"nightly": 100.0, "archive": 2400.0}
#: irpd's patience with all of them after it was away, and how often it looks.
PATIENCE, LOOKS = 60.0, 4.0
_LATE = 20.0


class Beats:
    """All monitors. ``heard`` is when a report of each was answered, ``tried`` when one came in, both by the
    ideal clock."""

    def __init__(self) -> None:
        self.stopped: set[str] = set()
        self.failed: set[str] = set()  # whose last word was that something went wrong
        self.heard: dict[str, float] = {}
        self.tried: dict[str, float] = {}

    def begin(self, world: "Simulation") -> None:
        for n, name in enumerate(PERIODS):
            world.later(5.0 + 7 * n, partial(self._beats, world, name))

    def _beats(self, world: "Simulation", name: str) -> None:
        if name not in self.stopped:
            self.report(world, name)
        world.later(PERIODS[name], partial(self._beats, world, name))

    def report(self, world: "Simulation", name: str, failed: str | None = None) -> None:
        life = world.life
        if life is None or not life.ready or life.heartbeats.authenticate(name, {}, {}) is not True:
            return

        async def call() -> None:
            self.tried[name] = world.time.true
            try:
                await life.heartbeats.report(name, failed=failed)
            except (Overloaded, JournalError, Refusal, CommandFailed):
                return
            self.heard[name] = world.time.true
            (self.failed.discard if failed is None else self.failed.add)(name)

        life.spawn(call())

    # ------------------------------------------------------------ what must hold
    def check(self, decision: Decision, life: "Life", true: float) -> None:
        """Of the decision that a monitor is silent. Raises Violation."""
        command = decision.command
        if not isinstance(command, c.HeartbeatMissed) or command.failed:
            return
        settings = decision.configuration.heartbeats[command.name]
        allowed, here = settings.every + settings.grace, true - life.began
        known = here >= max(settings.grace, PATIENCE) - 1.0
        holds(known, "silent", f"{command.name} is called silent {here:.0f} s after irpd's own start")
        row = decision.before.stands(Heartbeat, command.name)
        since = (row.seen_at or row.since) if row is not None else None
        by_report = settings.every >= 3600 and since is not None
        slower = 1.0 + 0.011 * here  # a clock that gives back its lead
        if by_report and since is not None and (decision.now - since).total_seconds() >= allowed - slower:
            return
        quiet = true - max(self._last(command.name, life), life.began)
        holds(quiet >= allowed - 2.0, "silent", f"{command.name} is called silent after {quiet:.0f} s")

    def in_time(self, world: "Simulation", life: "Life", calm_since: float) -> None:
        """Asked while nothing keeps irpd from its work. Raises Violation."""
        true, rows = world.time.true, world.model.rows
        for name, settings in life.engine.policy.configuration.heartbeats.items():
            sid = rows.sid_of(f"heartbeat/{name}")
            fires = sid is not None and rows.members[sid].status is not MemberStatus.RESOLVED
            allowed, last = settings.every + settings.grace, self._last(name, life)
            quiet = true - max(last, calm_since, life.beats_since)
            if quiet > allowed + PATIENCE + LOOKS + _LATE:
                holds(fires, "in-time", f"{name} has been silent for {quiet:.0f} s and nothing says so")
            elif last > calm_since and _LATE < true - last < allowed and name not in self.failed:
                where = rows.incidents.get(rows.members[sid].incident) if fires and sid is not None else None
                told = fires and (where is None or where.state.active)  # what is over tells nobody
                holds(not told, "in-time", f"{name} reported {true - last:.0f} s ago and is called silent")

    def _last(self, name: str, life: "Life") -> float:
        """When this life of irpd, or one before it that answered, heard of it last."""
        tried = self.tried.get(name, -1.0)
        return max(self.heard.get(name, -1.0), tried if tried >= life.began else -1.0)
