"""The questions asked of the whole: after steps, at each crash, and at the end.

* in time: what is due happens; what is to be sent is tried;
* memory: what the engine believes is what is on the disk, and nothing grows without bound;
* at a crash and at the end: replaying every byte of history gives the projection and the model.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from irpd.intake import build_source
from irpd.journal import codec
from irpd.journal.memory import MemoryJournal
from irpd.journal.projection import live
from irpd.model.incident import Incident, MemberStatus, State
from irpd.model.page import SendState
from irpd.model.signal import Status
from irpd.protocol.rows import Rows
from simulation.clocks import BEGINS
from simulation.judged import holds
from simulation.model import fold
from simulation.reach import reaches
from simulation.response import settled
from simulation.worlds import prepared

if TYPE_CHECKING:
    from simulation.life import Life
    from simulation.run import Simulation

#: Seconds by which anything may be late in a calm world: the longest look of a timer is 30.
GRACE = 10.0
AFTER_TROUBLE = 75.0


#: What was found to be the same, by key. Rows are values, so two that were are; the end looks at all anew.
Alike = dict[Any, tuple[Any, Any]]


class Replay:
    """All of history, read from its bytes and folded into rows."""

    def __init__(self) -> None:
        self.rows = Rows()
        self.seq = 0

    def read(self, journal: MemoryJournal) -> None:
        for fact in journal.facts(after=self.seq):
            fold(self.rows, fact)
            self.seq = fact.seq


def in_time(world: "Simulation") -> None:
    life = world.life
    if life is None or not life.ready or life.over:
        return
    engine, true = life.engine, world.time.true
    for task in (*engine._tasks, life.delivery, life.watching):
        if task.done():
            holds(False, "alive", f"{task.get_name()} has ended: {task}")
    now = life.clock.now()
    _believes(world, life, now.timestamp() - BEGINS - true)
    calm_since = max(world.troubled_at, world.time.touched, life.began)
    if true - calm_since < AFTER_TROUBLE:
        return
    reaches(world, calm_since)
    world.beats.in_time(world, life, calm_since)
    before = now - timedelta(seconds=GRACE)
    late = world.model.overdue(before)
    holds(not late, "in-time", f"{late}; it is {now}")
    overslept = world.model.overslept(before)
    holds(not overslept, "in-time", f"{overslept}; it is {now}")
    outbox = life.outbox
    if not world.model.sends or world.model.sends[0][0] >= before:
        return
    soon = now + timedelta(seconds=60)
    seen_to = {key for key, due in outbox._agenda._due.items() if now - timedelta(seconds=1) <= due <= soon}
    seen_to |= set(outbox._under_way) | set(outbox._recorder.held) | world.unrecorded
    unsent = world.model.unsent(before, seen_to)
    holds(not unsent, "in-time", f"{unsent}; it is {now}")


def _believes(world: "Simulation", life: "Life", ahead: float) -> None:
    """irpd's time runs on with the ideal one; ahead it moves only to where the wall clock stood for a
    minute, and back never, but for what a lead gives up: a hundredth of a second each second."""
    elapsed, moved = world.time.true - life.looked_at, ahead - life.ahead
    if life.looked_at >= 0:
        give = 2.5 + 0.011 * elapsed
        holds(moved > -give, "clock", f"time went back by {-moved:.0f} s in {elapsed:.0f} s")
        if moved > give:
            stood = world.time.stood_for(ahead, give=give)
            holds(stood > 55, "clock", f"a jump of {moved:.0f} s was believed after {stood:.0f} s")
        if abs(moved) > give:
            world.time.touched = world.time.true
    life.looked_at, life.ahead = world.time.true, ahead


def memory(world: "Simulation") -> None:
    """Memory equals what is durable; queues are within their bounds."""
    life = world.life
    if life is None or not life.ready or life.over:
        return
    engine, outbox, model = life.engine, life.outbox, world.model
    pending = sum(
        1 for p in engine.state.pages.values() if p.live for s in p.sends if s.state is SendState.PENDING
    )
    room = 40 + 2 * pending
    for name, size in (
        ("agenda", len(outbox._agenda)),
        ("handled", len(outbox._handled)),
        ("first attempts", len(outbox._sender._first_at)),
        ("unrecorded", len(outbox._recorder.held)),
        ("under way", len(outbox._under_way)),
    ):
        holds(size <= room, "bounded", f"{size} {name} for {pending} pending sends")
    holds(
        len(engine._timer._due) <= len(engine.state.incidents) + len(engine._rows.waiting) + 1,
        "bounded",
        "deadlines of what is gone",
    )
    behind = engine.behind
    holds(
        behind <= engine.policy.configuration.timing.behind_receipts + 60,
        "bounded",
        f"{behind} receipts wait",
    )
    as_on_disk(world)
    if life.loop.jobs or not life.loop.idle or engine.down:
        return
    rows = engine._rows
    for number, incident in model.rows.incidents.items():
        if _needed(world, incident):
            holds(number in rows.incidents, "memory", f"{incident.ref} ({incident.state}) is not in memory")
        elif number in rows.incidents:
            over = incident.state is State.CLOSED and not incident.firing and settled(incident)
            holds(not over, "bounded", f"{incident.ref} is closed and stays in memory")


def as_on_disk(world: "Simulation", *, touched: Collection[int] | None = None) -> None:
    """What memory holds is what history comes to, whenever the engine knows of all of it; all of memory,
    or these incidents only."""
    life, model = world.life, world.model
    if life is None or not life.ready or life.over:
        return
    engine = life.engine
    if engine.down or engine._seq != model.seq or world.disk.fresh:
        return
    rows, history = engine._rows, model.rows
    if life.loop.idle and not life.loop.jobs:
        storage = world.disk.storage
        for name, value in rows.counters.items():
            holds(storage.counters.get(name) == value, "memory", f"counter {name} is {value}")
        holds(engine._cursor == storage.cursor, "memory", "another cursor in memory than on disk")
    standing = {kind: small for kind, small in rows.standing.items() if small}
    known = {kind: small for kind, small in history.standing.items() if small}
    if standing != known:
        holds(False, "memory", f"beside the incidents: {standing}, by history {known}")
    alike = world.alike
    if touched is None:
        _same("memory", rows.incidents, history.incidents, alike["incidents in memory"])
        _same("memory", rows.members, history.members, alike["members in memory"])
        _same("memory", rows.pages, history.pages, alike["pages in memory"])
        return
    for number in touched:
        incident = rows.incidents.get(number)
        if incident is not None:
            _same("memory", {number: incident}, history.incidents, alike["incidents in memory"])


def _needed(world: "Simulation", incident: Incident) -> bool:
    """Whether it must be in memory: not over, or with a signal of which something was heard lately."""
    if incident.state in (State.CLOSED, State.MERGED):
        if not settled(incident):
            return True
        sids = world.model.in_incident.get(incident.number, ())
        return any(world.model.rows.members[sid].status is MemberStatus.FIRING for sid in sids)
    return True


def _same(name: str, some: Mapping[Any, Any], all_: Mapping[Any, Any], alike: Alike) -> None:
    for key, row in some.items():
        other = all_.get(key)
        known = alike.get(key)
        if known is not None and known[0] is row and known[1] is other:
            continue
        if row != other:
            holds(False, name, f"{key}: {_difference(row, other)}")
        alike[key] = row, other


def _difference(row: Any, other: Any) -> str:
    if other is None:
        return "it exists here only"
    return "; ".join(
        f"{field} is {getattr(row, field)!r}, by history {getattr(other, field)!r}"
        for field in row.__struct_fields__
        if getattr(row, field) != getattr(other, field)
    )


def history(world: "Simulation") -> None:
    """Replay, projection and model are the same; each receipt counts once."""
    storage = world.disk.storage
    world.replay.read(MemoryJournal(storage))
    replay, model = world.replay.rows, world.model.rows
    holds(world.replay.seq == world.model.seq == len(storage.events), "history", "facts are missing")
    for name, kept, decode in (
        ("incidents", storage.incidents, codec.decode_incident),
        ("members", storage.members, codec.decode_member),
        ("pages", storage.pages, codec.decode_page),
    ):
        rows, alike = getattr(replay, name), world.alike[f"{name} on disk"]
        if kept.keys() != rows.keys():
            holds(False, "replay", f"{name}: {kept.keys() ^ rows.keys()}")
        for key, data in kept.items():
            known = alike.get(key)
            if known is not None and known[0] is data and known[1] is rows[key]:
                continue
            row = decode(data)
            if row != rows[key]:
                holds(False, "replay", f"{name} {key}: {_difference(row, rows[key])}")
            alike[key] = data, rows[key]
        _same("replay", rows, getattr(model, name), world.alike[f"{name} by history"])
    receipts(world)


def receipts(world: "Simulation") -> None:
    """Each receipt took effect exactly once: reports and what the events count of them agree."""
    storage, model = world.disk.storage, world.model
    for id in range(world.read_to + 1, storage.cursor + 1):
        receipt = storage.receipts.get(id)
        holds(receipt is not None, "durable", f"receipt {id} is gone")
        holds(id in model.receipts, "exactly-once", f"receipt {id} is below the cursor and had no effect")
        assert receipt is not None
        for signal in _read(world, receipt.source, receipt.body, receipt.headers).signals:
            key = f"{receipt.source}/{signal.key}"
            world.most[key] += 1
            if signal.status is Status.FIRING and id not in model.set_aside:
                world.reports[key] += 1
    world.read_to = storage.cursor
    for key, most in world.most.items():
        counted = model.counted[key]
        upper = most + model.closed_groups[key] + model.stale[key] + model.besides[key]
        holds(counted <= upper, "exactly-once", f"{key}: {most} reports had {counted} effects")
        least = world.reports[key]
        holds(counted >= least, "exactly-once", f"{key}: {least} reports had only {counted} effects")


def _read(world: "Simulation", source: str, body: bytes, headers: Mapping[str, str]) -> Any:
    known = world.normalised.get(body)
    if known is None:
        settings = prepared("base").policy.configuration.sources[source]
        known = world.normalised[body] = build_source(source, settings, reporter_key=b"k" * 32).normalise(
            body, headers, world.now()
        )
    return known


def after_crash(world: "Simulation") -> None:
    """What the next process will find: nothing answered is missing, nothing is half there."""
    world._learn()
    if world.violation is None:
        history(world)
        _restart_finds(world)


def _restart_finds(world: "Simulation") -> None:
    """What a start loads is what was live."""
    loaded = MemoryJournal(world.disk.storage).load()
    for number, incident in world.model.rows.incidents.items():
        if live(incident):
            holds(
                loaded.incidents.get(number) == incident, "replay", f"a start would not find {incident.ref}"
            )
    rows = world.model.rows
    for sid in rows.all_waiting():
        found = loaded.members.get(sid)
        holds(found == rows.members[sid], "replay", f"a start would not find signal {sid}, which waits")
    standing = {(row.kind, row.key): row for row in loaded.standing}
    live_ones = {(kind, key): row for kind, small in rows.standing.items() for key, row in small.items()}
    holds(standing == live_ones, "replay", f"a start finds {sorted(standing)} beside the incidents")


def at_end(world: "Simulation") -> None:
    life = world.life
    holds(life is not None and life.ready, "alive", "irpd did not come back")
    assert life is not None
    holds(not life.engine.down and not life.engine.full, "alive", "the journal is there, irpd does not write")
    holds(life.engine.behind == 0, "alive", f"{life.engine.behind} receipts are not decided")
    world._learn()
    world.alike.clear()
    as_on_disk(world)
    history(world)
    for receipt, request in world.receipts.items():
        kept = world.disk.storage.receipts.get(receipt)
        holds(kept is not None and kept.body == request.body, "durable", f"receipt {receipt} is gone")
    shown = {message.incident for message in world.phones if message.at >= world.calm_since}
    for number, incident in world.model.rows.incidents.items():
        muted = not any(run.next_at for run in incident.paths) and not world.model.forsaken(number)
        if muted:
            continue  # by a person's silence, which some of it waits for
        if incident.state is State.OPEN and incident.level.urgent and incident.opened_at <= world.calm_at:
            holds(
                number in shown,
                "reaches",
                f"{incident.ref} is open; nobody heard of it for a quarter of an hour",
            )
