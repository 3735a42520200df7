"""Twice what it can sustain, for a minute: who is refused, how, and how fast the rest is served.

A short ramp finds the rate that this machine sustains; the run then offers twice that in an open
loop, and afterwards half of it, to see how soon all is well again. Pages go to a webhook receiver in
this process. Targets: the excess gets 503 with Retry-After, accepted intake p99 below 250 ms, pages
p99 below 100 ms, memory within a limit that is imposed on the process, recovery within 5 s.

Latencies below a tenth of a second say something about irpd only where it has a core of its own and the
generator another: the share of a core that each got, and how late the generator sent, stand beside them.
"""

import asyncio
import json
import resource
import time
from dataclasses import dataclass, field

from aiohttp import web

from irpd.measure import process
from irpd.measure.openloop import Answer, OpenLoop
from irpd.measure.process import free_port
from irpd.measure.traffic import Request, Traffic

#: Above this p99 a rate isn't sustained, in seconds.
SUSTAINED_P99 = 0.100
START_RATE = 100.0
STEP = 1.25
#: Memory that irpd may have for its data, in bytes: past it, Python raises.
MEMORY = 512 * 2**20
#: A window of the recovery, in seconds.
WINDOW = 0.25


@dataclass(slots=True)
class Result:
    """Seconds, requests a second, bytes."""

    sustained: float = 0.0
    offered: float = 0.0
    accepted: int = 0
    refused: int = 0
    without_retry_after: int = 0
    broken: int = 0  # neither taken nor refused
    intake_p50: float = 0.0
    intake_p99: float = 0.0
    refusal_p99: float = 0.0
    pages: int = 0
    pages_missing: int = 0
    page_p50: float = 0.0
    page_p99: float = 0.0
    resident_before: int = 0
    resident_most: int = 0
    recovery: float = 0.0
    cpu: float = 0.0  # of a core
    generator_cpu: float = 0.0
    late_p99: float = 0.0  # of the generator's requests
    ramp: list[tuple[float, float]] = field(default_factory=list)  # rate, p99


def quantile(values: list[float], q: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * q))] if values else 0.0


def run(*, seconds: float = 60.0, step_seconds: float = 3.0, times: float = 2.0, seed: int = 1) -> Result:
    """Print the figures, and the target beside each."""
    result = asyncio.run(measure(seconds=seconds, step_seconds=step_seconds, times=times, seed=seed))
    answered = result.accepted + result.refused + result.broken
    print(
        f"overload: sustained {result.sustained:,.0f} requests/s (p99 below {SUSTAINED_P99 * 1e3:.0f} ms),"
        f" offered {result.offered:,.0f}/s for {seconds:g} s, {answered:,} answers\n"
        f"  accepted {result.accepted:,} ({result.accepted / seconds:,.0f}/s), refused {result.refused:,}"
        f" of which without Retry-After {result.without_retry_after}, broken {result.broken}\n"
        f"  accepted intake p50 {result.intake_p50 * 1e3:.1f} ms, p99 {result.intake_p99 * 1e3:.1f} ms"
        f" (target below 250); refusals p99 {result.refusal_p99 * 1e3:.1f} ms\n"
        f"  pages {result.pages:,}, missing {result.pages_missing}, p50 {result.page_p50 * 1e3:.1f} ms,"
        f" p99 {result.page_p99 * 1e3:.1f} ms (target below 100)\n"
        f"  resident {result.resident_before / 2**20:.0f} MiB before, {result.resident_most / 2**20:.0f} MiB"
        f" at most (limit {MEMORY // 2**20})\n"
        f"  irpd had {result.cpu:.0%} of a core; the generator {result.generator_cpu:.0%}, and sent"
        f" {result.late_p99 * 1e3:.1f} ms late at p99\n"
        f"  well again after {result.recovery:.2f} s (target below 5)",
        flush=True,
    )
    return result


async def measure(*, seconds: float, step_seconds: float, times: float, seed: int) -> Result:
    arrived: dict[str, float] = {}

    async def receive(request: web.Request) -> web.Response:
        page = json.loads(await request.read())
        arrived.setdefault(page["incident"]["title"], time.perf_counter())
        return web.Response()

    app = web.Application()
    app.router.add_post("/", receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        with process.irpd(hook=f"http://127.0.0.1:{port}/", channel="hook") as server:
            resource.prlimit(server.process.pid, resource.RLIMIT_DATA, (MEMORY, MEMORY))
            return await _measure(server, arrived, seconds, step_seconds, times, seed)
    finally:
        await runner.cleanup()


async def _measure(
    server: process.Server,
    arrived: dict[str, float],
    seconds: float,
    step_seconds: float,
    times: float,
    seed: int,
) -> Result:
    result = Result()
    traffic = Traffic(seed)
    load = OpenLoop(server.port)
    await load.open()
    await load.run(_each(traffic), 200.0, len(traffic.known) / 200.0)  # the groups that fire already
    await _ramp(load, traffic, result, step_seconds)
    result.offered = times * result.sustained
    result.resident_before = server.resident
    watch = asyncio.create_task(_watch(server, result))
    cpu, own, began = server.cpu, time.process_time(), time.perf_counter()
    answers = await load.run(traffic.next, result.offered, seconds)
    took = time.perf_counter() - began
    result.cpu, result.generator_cpu = (server.cpu - cpu) / took, (time.process_time() - own) / took
    ended = time.perf_counter()
    _account(result, answers)
    result.recovery = await _recovery(load, traffic, result.sustained / 2) if answers else 0.0
    watch.cancel()
    opened = {a.request.title: a.intended for a in answers if a.status == 202 and a.request.kind == "open"}
    until = time.perf_counter() + 10
    while any(t not in arrived for t in opened) and time.perf_counter() < until:  # noqa: ASYNC110 - answers come by sockets
        await asyncio.sleep(0.05)
    delays = [arrived[title] - at for title, at in opened.items() if title in arrived]
    result.pages, result.pages_missing = len(delays), len(opened) - len(delays)
    result.page_p50, result.page_p99 = quantile(delays, 0.5), quantile(delays, 0.99)
    result.recovery = max(result.recovery, max(arrived.values(), default=ended) - ended if delays else 0.0)
    load.close()
    return result


def _each(traffic: Traffic) -> "_Known":
    return _Known(traffic)


class _Known:
    def __init__(self, traffic: Traffic) -> None:
        self._bodies = iter(traffic.known)

    def __call__(self) -> Request:
        return Request("repeat", next(self._bodies))


async def _ramp(load: OpenLoop, traffic: Traffic, result: Result, step_seconds: float) -> None:
    """Faster until it isn't sustained in two of two tries; the last rate that was."""
    rate = START_RATE
    good, p99 = True, 0.0
    while good:
        for _ in range(2):
            answers = await load.run(traffic.next, rate, step_seconds)
            p99 = quantile([answer.latency for answer in answers], 0.99)
            good = p99 < SUSTAINED_P99 and all(answer.status == 202 for answer in answers)
            if good:
                break
        result.ramp.append((rate, p99))
        result.sustained = rate if good else result.sustained
        rate *= STEP
    result.sustained = result.sustained or START_RATE
    await asyncio.sleep(1.0)


async def _watch(server: process.Server, result: Result) -> None:
    while True:
        result.resident_most = max(result.resident_most, server.resident)
        await asyncio.sleep(0.2)


def _account(result: Result, answers: list[Answer]) -> None:
    taken = [answer for answer in answers if answer.status == 202]
    refused = [answer for answer in answers if answer.status == 503]
    result.accepted, result.refused = len(taken), len(refused)
    result.broken = len(answers) - len(taken) - len(refused)
    result.without_retry_after = sum(1 for answer in refused if not answer.retry_after.isdecimal())
    result.intake_p50 = quantile([answer.latency for answer in taken], 0.5)
    result.intake_p99 = quantile([answer.latency for answer in taken], 0.99)
    result.late_p99 = quantile([answer.late for answer in answers], 0.99)
    result.refusal_p99 = quantile([answer.latency for answer in refused], 0.99)


async def _recovery(load: OpenLoop, traffic: Traffic, rate: float) -> float:
    """Seconds until a window in which all is taken, and soon."""
    began = time.perf_counter()
    while time.perf_counter() - began < 30:
        at = time.perf_counter()
        answers = await load.run(traffic.next, rate, WINDOW)
        good = all(answer.status == 202 for answer in answers)
        if good and quantile([answer.latency for answer in answers], 0.99) < SUSTAINED_P99:
            return at - began
    return time.perf_counter() - began
