"""People who are to be on call and have confirmed no way to reach them, told days before.

Files are checked when they are read; this looks at who is on call in the coming days, also by overrides, and
at addresses that changed. It says nothing unless ``server.verify`` asks for it.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Protocol

import structlog

from irpd.check.coverage import AHEAD, used_schedules
from irpd.check.verified import in_words, never_confirmed
from irpd.config.values import Configuration
from irpd.daemon.watch_gaps import LEVEL, Tell
from irpd.engine.engine import Engine
from irpd.engine.ports import Clock
from irpd.model import command as c
from irpd.model.contact import Contact
from irpd.oncall.changes import Changes
from irpd.oncall.contacts import Contacts
from irpd.oncall.documents import UNREADABLE
from irpd.oncall.roster import rosters
from irpd.oncall.shifts import pieces

log = structlog.get_logger("irpd.contacts")

#: Seconds between looks at whether something changed, and between looks at all of it.
EVERY, ANYWAY = 10.0, 300.0
KEY = "unverified-contacts"


class Counters(Protocol):
    def people_unverified(self, n: int) -> None: ...


class ContactWatch:
    """``look`` tells when what is open has changed, and when nothing is any more."""

    def __init__(self, engine: Engine, clock: Clock, tell: Tell, counters: Counters) -> None:
        self._engine = engine
        self._clock = clock
        self._tell = tell
        self._counters = counters
        self._told: list[str] | None = None  # None: an earlier life may have told something
        self._seen: tuple[Configuration | None, list[Contact]] = (None, [])
        self._next = 0.0

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                await self.look_if_due()
            except Exception:  # whatever it was, the next look is worth having
                log.exception("contacts-not-looked-at")
            await asyncio.sleep(EVERY)

    async def look_if_due(self) -> None:
        """A look when files or contacts changed, and every few minutes."""
        seen = self._engine.policy.configuration, self._engine.state.contacts
        same = seen[0] is self._seen[0] and seen[1] == self._seen[1]
        if same and self._clock.boot() < self._next:
            return
        self._seen, self._next = seen, self._clock.boot() + ANYWAY
        await self.look()

    async def look(self) -> None:
        configuration, state = self._engine.policy.configuration, self._engine.state
        contacts = Contacts(state.contacts)
        missing = await asyncio.to_thread(never_confirmed, configuration, contacts)
        self._counters.people_unverified(len(missing))
        lines: list[str] = []
        if configuration.server.verify != "ignore" and missing:
            names = await asyncio.to_thread(
                lambda: set(_on_call(configuration, self._clock.now(), state.changes))
            )
            lines = [
                f"{configuration.people[person].name} ({person}) {in_words(levels)}"
                for person, levels in missing.items()
                if person in names
            ]
        if lines == self._told:
            return
        self._told = lines
        if not lines:
            await self._tell(c.ConditionOver(key=KEY), about=KEY)
            return
        text = "\n".join([*lines, "irpd page verify asks them to confirm. They are paged all the same."])
        title = f"Unconfirmed contact methods of people on call within {AHEAD.days} days"
        await self._tell(c.TellOperators(key=KEY, title=title, text=text, level=LEVEL), about=KEY)


def _on_call(configuration: Configuration, now: datetime, changes: Changes) -> Iterator[str]:
    """Who is on call on a schedule that is used, and who is paged in any case."""
    yield from (*configuration.fallback, *configuration.operators)
    for path in configuration.paths.values():
        for step in path.steps:
            yield from step.people
            for team in step.teams:
                yield from configuration.teams[team].people if team in configuration.teams else ()
    start = now.astimezone(UTC)
    for name in used_schedules(configuration, every=True):
        try:
            for piece in pieces(rosters(configuration)[name], start, start + AHEAD, changes):
                if piece.turn is not None:
                    yield piece.turn.person
        except UNREADABLE:
            continue
