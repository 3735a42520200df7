"""Durable intake against the bare handler: repeats, joins and openings, in batches of 1, 10 and 100."""

import asyncio
import itertools
import statistics
from collections.abc import Callable, Iterator

from irpd.measure import bodies, process
from irpd.measure.load import closed_loop, send_all
from irpd.measure.process import Server

CONNECTIONS = 16
TARGETS = {
    ("repeats", 1): 0.40, ("repeats", 10): 0.35, ("repeats", 100): 0.30,
    ("joins", 1): 0.30, ("joins", 10): 0.10, ("joins", 100): 0.06,
}  # fmt: skip
KINDS: dict[str, Callable[[int], Iterator[bytes]]] = {
    "repeats": bodies.repeating,
    "joins": bodies.joining,
    "opens": bodies.opening,
}


def run(*, rounds: int = 5, seconds: float = 2.0, batches: tuple[int, ...] = (1, 10, 100)) -> None:
    """Print one line per kind and batch: rates, and the ratio by wall and by CPU time."""
    print(
        f"durable intake, {CONNECTIONS} connections, {rounds} interleaved rounds of {seconds:g} s, medians\n"
        f"{'':8} {'batch':>5} {'bare req/s':>11} {'irpd req/s':>11} {'ratio':>7}"
        f" {'CPU ratio':>10} {'target':>7}"
        f" {'p50 ms':>7} {'p99 ms':>7}"
    )
    for kind, batch in itertools.product(KINDS, batches):
        with process.bare() as bare, process.irpd() as irpd:
            stream = _prepared(kind, batch, irpd)
            rows = [asyncio.run(_round(bare, irpd, stream, seconds)) for _ in range(rounds)]
        wall = statistics.median(row[1] / row[0] for row in rows)
        cpu = statistics.median(row[2] / row[3] for row in rows)
        target = TARGETS.get((kind, batch))
        print(
            f"{kind:8} {batch:5} {statistics.median(r[0] for r in rows):11,.0f}"
            f" {statistics.median(r[1] for r in rows):11,.0f} {wall:7.2f} {cpu:10.2f}"
            f" {target if target is not None else '':>7}"
            f" {statistics.median(r[4] for r in rows) * 1e3:7.2f}"
            f" {statistics.median(r[5] for r in rows) * 1e3:7.2f}",
            flush=True,
        )


def _prepared(kind: str, batch: int, server: Server) -> Iterator[bytes]:
    if kind == "repeats":
        known = [bodies.new_alerts(batch, "production") for _ in range(50)]
        asyncio.run(send_all(server.port, known))
        return itertools.cycle(known)
    asyncio.run(send_all(server.port, [bodies.new_alerts(batch, "production")]))
    return KINDS[kind](batch)


async def _round(
    bare: Server, irpd: Server, stream: Iterator[bytes], seconds: float
) -> tuple[float, float, float, float, float, float]:
    """(bare rate, irpd rate, bare CPU a request, irpd CPU a request, p50, p99)."""
    ready = list(itertools.islice(stream, 20_000)) if not isinstance(stream, itertools.cycle) else None
    before = bare.cpu
    one = await closed_loop(
        bare.port, itertools.cycle(ready) if ready else stream, connections=CONNECTIONS, seconds=seconds
    )
    bare_cpu = (bare.cpu - before) / one.requests
    before = irpd.cpu
    two = await closed_loop(
        irpd.port, iter(ready) if ready else stream, connections=CONNECTIONS, seconds=seconds
    )
    irpd_cpu = (irpd.cpu - before) / max(two.requests, 1)
    ordered = sorted(two.latencies)
    return (
        one.rate, two.rate, bare_cpu, irpd_cpu,
        ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)],
    )  # fmt: skip
