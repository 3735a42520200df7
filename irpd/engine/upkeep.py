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
from irpd.model.signal import OWN, Signal, Status
from irpd.protocol.rows import Rows

if TYPE_CHECKING:
    from irpd.engine.engine import Engine

log = structlog.get_logger("irpd.engine")

#: Seconds between looks at the journal, and between looks for silent signals.
MAINTAIN_EVERY = 1.0
SWEEP_EVERY = 300.0

#: The key of irpd's own signal that the disk is full, and what the operators read then.
FULL = "journal-full"
WHAT_NOW = (
    "Senders are answered 503 and should try again. What is known is escalated, and people's commands "
    "are kept, in the 16 MiB set aside for that; what is held back stays held back. Make room on the "
    "disk: irpd goes on by itself."
)


async def keep_up(engine: "Engine", rows: Rows) -> None:
    """For ever. ``rows`` is the committed state."""
    told = False
    next_sweep = engine.clock.boot() + SWEEP_EVERY
    while True:
        await asyncio.sleep(MAINTAIN_EVERY)
        try:
            await engine.look_after_journal()
            told = await say_whether_full(engine, rows, told=told)
            if engine.clock.boot() >= next_sweep:
                next_sweep = engine.clock.boot() + SWEEP_EVERY
                await sweep(engine, rows)
        except JournalError as error:
            log.warning("journal-upkeep", error=str(error))
        except Exception:  # whatever it was, the reserve and retention are still looked after
            log.exception("upkeep-raised")


async def say_whether_full(engine: "Engine", rows: Rows, *, told: bool) -> bool:
    """Tell the operators once that the disk is full, and that it is over. Returns whether they know of it.

    It is over only once the reserve is back: a start on a disk that still is full takes nothing back."""
    room = not engine.full and getattr(engine.journal, "reserve_ok", True)
    command: c.Command
    if engine.down:
        return told
    if engine.full and not told:
        command = c.TellOperators(key=FULL, title="The journal's disk is full", text=WHAT_NOW)
    elif room and _fires(rows, f"{OWN}/{FULL}"):
        over = Signal(key=FULL, status=Status.RESOLVED, title="")
        command = c.Receive(receipt=0, source=OWN, signals=(over,))
    else:
        return told and not room
    try:
        await engine.submit(command)
    except (JournalError, Overloaded) as error:  # the reserve is used up, say: at the next look again
        log.debug("not-recorded", command=type(command).__name__, error=str(error))
        return told
    except CommandFailed as error:  # somebody was paged for that
        log.error("not-recorded", command=type(command).__name__, error=str(error))
    return not room


def _fires(rows: Rows, key: str) -> bool:
    sid = rows.sid_of(key)
    member = rows.member(sid) if sid is not None else None
    return member is not None and member.status is MemberStatus.FIRING


async def sweep(engine: "Engine", rows: Rows) -> None:
    """Mark signals of which nothing was heard for long; forget what is over and silent."""
    rows.let_go_outside()
    before = engine.clock.now() - timedelta(seconds=engine.policy.configuration.timing.stale)
    for i, number in enumerate(list(rows.incidents)):
        if i % 200 == 199:
            await asyncio.sleep(0)
        incident = rows.incidents.get(number)
        if incident is None or not incident.firing:
            continue
        firing = [m for m in rows.members_of(incident) if m.status is MemberStatus.FIRING]
        if not firing and incident.state in (State.CLOSED, State.MERGED) and incident.report is None:
            rows.forget(number)
        elif any(member.last_seen <= before for member in firing):
            try:
                await engine.submit(c.MarkStale(incident=number, before=before))
            except (JournalError, Overloaded, CommandFailed) as error:
                log.warning("sweep-stopped", error=str(error))
                return
