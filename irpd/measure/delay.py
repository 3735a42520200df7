"""From a request's first byte to the page handed to its channel, at a steady rate of new incidents.

Open loop: each request is sent at its intended time whether or not earlier ones were answered, and
its delay counts from that time. The page goes to a webhook receiver in this process.
"""

import asyncio
import contextlib
import json
import time
from pathlib import Path

from aiohttp import web

from irpd.measure import bodies, process
from irpd.measure.load import Connection
from irpd.measure.process import free_port

CONNECTIONS = 16


def run(*, rate: float = 100.0, seconds: float = 20.0, rounds: int = 5) -> None:
    """Print p50, p99 and the worst of each round; the target is a p99 below 50 ms."""
    print(f"first byte to page handed over, {rate:g} new incidents/s, {rounds} rounds of {seconds:g} s")
    print(
        f"{'':8} {'pages':>6} {'p50 ms':>8} {'p99 ms':>8} {'worst':>8} {'CPU':>6}   (target: p99 below 50 ms)"
    )
    for number in range(1, rounds + 1):
        delays, cpu = once(rate=rate, seconds=seconds)
        ordered = sorted(delays)
        print(
            f"round {number:2} {len(ordered):6} {ordered[len(ordered) // 2] * 1e3:8.1f}"
            f" {ordered[int(len(ordered) * 0.99)] * 1e3:8.1f} {ordered[-1] * 1e3:8.1f} {cpu:5.0%}",
            flush=True,
        )


def once(*, rate: float, seconds: float, state: Path | None = None) -> tuple[list[float], float]:
    """Delays in seconds, in no order, and the daemon's share of a core. ``state`` is the state directory of a
    daemon that has worked before; else a fresh one."""
    return asyncio.run(_round(rate, seconds, state))


async def _round(rate: float, seconds: float, state: Path | None) -> tuple[list[float], float]:
    arrived: dict[str, float] = {}
    came = asyncio.Event()

    async def receive(request: web.Request) -> web.Response:
        page = json.loads(await request.read())
        arrived.setdefault(page["incident"]["title"], time.perf_counter())
        came.set()
        return web.Response()

    app = web.Application()
    app.router.add_post("/", receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        with process.irpd(state=state, hook=f"http://127.0.0.1:{port}/", channel="hook") as server:
            return await _measure(server, rate, seconds, arrived, came)
    finally:
        await runner.cleanup()


async def _measure(
    server: process.Server, rate: float, seconds: float, arrived: dict[str, float], came: asyncio.Event
) -> tuple[list[float], float]:
    connections = [Connection(server.port) for _ in range(CONNECTIONS)]
    for connection in connections:
        await connection.open()
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for connection in connections:
        free.put_nowait(connection)
    intended: dict[str, float] = {}
    count = int(rate * seconds)
    ready = [bodies.new_alerts(1) for _ in range(count)]
    titles = [json.loads(body)["alerts"][0]["annotations"]["summary"] for body in ready]

    async def send(n: int) -> None:
        connection = await free.get()
        await connection.post(ready[n])
        free.put_nowait(connection)

    cpu, began = server.cpu, time.perf_counter()
    tasks = []
    for n in range(count):
        at = began + n / rate
        await asyncio.sleep(max(0.0, at - time.perf_counter()))
        intended[titles[n]] = at
        tasks.append(asyncio.create_task(send(n)))
    await asyncio.gather(*tasks)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(10):
            while len(arrived) < count:
                came.clear()
                await came.wait()
    share = (server.cpu - cpu) / (time.perf_counter() - began)
    for connection in connections:
        connection.close()
    missing = [title for title in titles if title not in arrived]
    if missing:
        raise RuntimeError(f"{len(missing)} pages never came, {missing[0]!r} first")
    return [arrived[title] - intended[title] for title in titles], share
