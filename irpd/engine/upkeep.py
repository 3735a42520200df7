"""What the engine does when nobody asks: look after the journal, and for signals that fell silent."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from irpd.engine.batch import CommandFailed
from irpd.engine.inbox import Overloaded
from irpd.engine.ports import JournalError
from irpd.model import command as c
from irpd.model.incident import MemberStatus, State
from irpd.protocol.rows import Rows

if TYPE_CHECKING:
    from irpd.engine.engine import Engine

log = structlog.get_logger("irpd.engine")

#: Seconds between looks at the journal, and between looks for silent signals.
MAINTAIN_EVERY = 1.0
SWEEP_EVERY = 300.0


async def keep_up(engine: "Engine", rows: Rows) -> None:
    """For ever. ``rows`` is the committed state."""
    next_sweep = engine.clock.boot() + SWEEP_EVERY
    while True:
        await asyncio.sleep(MAINTAIN_EVERY)
        try:
            await engine.look_after_journal()
            if engine.clock.boot() >= next_sweep:
                next_sweep = engine.clock.boot() + SWEEP_EVERY
                await sweep(engine, rows)
        except JournalError as error:
            log.warning("journal-upkeep", error=str(error))
        except Exception:  # whatever it was, the reserve and retention are still looked after
            log.exception("upkeep-raised")


async def sweep(engine: "Engine", rows: Rows) -> None:
    """Mark signals of which nothing was heard for long; forget what is over and silent."""
    before = engine.clock.now() - timedelta(seconds=engine.policy.configuration.timing.stale)
    for i, number in enumerate(list(rows.incidents)):
        if i % 200 == 199:
            await asyncio.sleep(0)
        incident = rows.incidents.get(number)
        if incident is None or not incident.firing:
            continue
        firing = [m for m in rows.members_of(incident) if m.status is MemberStatus.FIRING]
        if not firing and incident.state in (State.CLOSED, State.MERGED):
            rows.forget(number)
        elif any(member.last_seen <= before for member in firing):
            try:
                await engine.submit(c.MarkStale(incident=number, before=before))
            except (JournalError, Overloaded, CommandFailed) as error:
                log.warning("sweep-stopped", error=str(error))
                return
