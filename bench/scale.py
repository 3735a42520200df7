"""A hundred thousand open incidents and a million events: start, memory, and what a signal costs."""

import asyncio
import itertools
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from irpd.config.load import load_configuration
from irpd.engine.ports import Batch, Fact
from irpd.intake.source import build_source
from irpd.journal.sqlite import SqliteJournal
from irpd.measure import bodies, process
from irpd.measure.load import closed_loop, send_all
from irpd.model import command as c
from irpd.protocol.decide import decide
from irpd.protocol.draft import Draft
from irpd.protocol.policy import Policy
from irpd.protocol.rows import Rows
from irpd.triage.ruleset import compile_rules
from irpd.triage.service import ServiceIndex


def run(*, incidents: int = 100_000, events: int = 1_000_000, rounds: int = 5, seconds: float = 2.0) -> None:
    with tempfile.TemporaryDirectory(prefix="irpd-scale-") as one, tempfile.TemporaryDirectory() as two:
        large, small = Path(one), Path(two)
        for place, count, facts in ((large, incidents, events), (small, 100, 1000)):
            began = time.perf_counter()
            written = fill(place / "irpd.db", count, facts)
            print(
                f"wrote {count:,} open incidents, {written:,} events in {time.perf_counter() - began:.0f} s"
            )
        ready, resident = [], []
        for _ in range(rounds):
            with process.irpd(state=large, wait=120) as server:
                ready.append(server.ready_after)
                resident.append(server.resident)
        print(
            f"ready after {statistics.median(ready):.1f} s (target below 15), "
            f"{statistics.median(resident) / 2**20:,.0f} MiB resident (target below 1,024)"
        )
        ratios = {"repeats": [], "opens": []}  # type: dict[str, list[float]]
        with process.irpd(state=large, wait=120) as much, process.irpd(state=small) as little:
            for kind, stream in (("repeats", bodies.repeating(10)), ("opens", bodies.opening(10))):
                if kind == "repeats":
                    known = list(itertools.islice(stream, 50))
                    for server in (much, little):
                        asyncio.run(send_all(server.port, known))
                for _ in range(rounds):
                    cost = [_cost(server, stream, seconds) for server in (little, much)]
                    ratios[kind].append(cost[1] / cost[0])
        for kind, found in ratios.items():
            print(
                f"CPU per signal, {kind}: {statistics.median(found):.2f} times that with 100 open"
                " (target at most 1.2)"
            )


def _cost(server: process.Server, stream: Iterator[bytes], seconds: float) -> float:
    before = server.cpu
    result = asyncio.run(closed_loop(server.port, stream, connections=16, seconds=seconds))
    return (server.cpu - before) / max(result.requests, 1)


def fill(path: Path, incidents: int, events: int) -> int:
    """A journal of that many open, acknowledged incidents, made by the protocol itself. They are so young
    that nothing is due of any: what a start costs is to be told, not a hundred thousand reminders."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "irpd.yaml"
        config.write_text(process.configuration(port=1, hook="http://127.0.0.1:9/", channel="local"))
        loaded = load_configuration([config])
    configuration = loaded.configuration
    policy = Policy(configuration, compile_rules(loaded.rules), ServiceIndex(configuration), loaded.hash)
    source = build_source("alertmanager", configuration.sources["alertmanager"], reporter_key=b"k" * 32)
    journal = SqliteJournal(path)
    journal.open()
    journal.load()
    apart = timedelta(milliseconds=5)
    base, now, written = Rows(), datetime.now(UTC) - incidents * apart, 0
    notes = max(0, events // incidents - 8)
    for first in range(0, incidents, 500):
        layer, facts = Rows(base), []
        for n in range(first, min(first + 500, incidents)):
            now += apart
            signals = source.normalise(bodies.new_alerts(1), {}, now).signals
            commands: list[c.Command] = [c.Receive(receipt=0, source="alertmanager", signals=signals)]
            commands.append(c.Acknowledge(incident=n + 1, by="asha"))
            commands += [c.Note(incident=n + 1, by="asha", text=f"looking at it ({i})") for i in range(notes)]
            for command in commands:
                draft = Draft(layer, policy, now)
                decide(draft, command)
                layer.absorb(draft.rows)
                facts += [Fact(subject=subject, event=event, at=now) for subject, event in draft.events]
        journal.commit(
            Batch(
                facts=facts, incidents=layer.incidents, members=layer.members, pages=layer.pages,
                counters=layer.counters,
            )
        )  # fmt: skip
        base.absorb(layer)
        written += len(facts)
        journal.maintain(now)
    journal.close()
    return written
