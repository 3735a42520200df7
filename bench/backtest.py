"""A backtest over 100,000 recorded signals: how long, how much memory, whether it says the same, and what it
costs a daemon that works on the same journal meanwhile."""

import asyncio
import json
import random
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from irpd.config.load import Loaded, bundle, load_configuration
from irpd.engine.clock import SystemClock
from irpd.engine.engine import Engine
from irpd.intake import build_source
from irpd.journal.sqlite import SqliteJournal
from irpd.measure import delay
from irpd.protocol.policy import Policy
from irpd.triage.ruleset import compile_rules
from irpd.triage.service import ServiceIndex

SERVICES, ALERTS = 300, 10_000
_RULES = """\
version: 1
rules:
  - {id: pay, match: {labels: {category: payment}}, level: 1, because: payments}
  - {id: minor, match: {labels: {category: minor}}, when: count >= 1, level: 3, because: minor}
group:
  - {id: same-service, by: [service], within: 30m, at_most: 12h}
"""


def run(
    *, signals: int = 100_000, each: int = 5, rate: float = 100.0, seconds: float = 20.0, rounds: int = 3
) -> None:
    with TemporaryDirectory(prefix="irpd-backtest-") as name:
        folder = Path(name)
        loaded = _configured(folder)
        began = time.perf_counter()
        asyncio.run(_record(folder / "irpd.db", loaded, signals, each))
        print(f"recorded {signals:,} signals in {time.perf_counter() - began:.0f} s")
        command = [
            sys.executable, "-m", "irpd", "rules", "backtest", "--from", "2020-01-01T00:00:00Z", "--config",
            str(folder / "irpd.yaml"), "--journal", str(folder / "irpd.db"), "--json",
        ]  # fmt: skip
        began = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        took = time.perf_counter() - began
        said = json.loads(done.stdout)
        # The children so far are this one command.
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        most, cpu = used.ru_maxrss / 1024, used.ru_utime + used.ru_stime
        print(
            f"backtest over {said['signals']:,} signals, {said['before']['incidents']:,} incidents: "
            f"{took:.1f} s (target below 60), {cpu:.1f} s of CPU, {most:,.0f} MiB (target below 500), "
            f"{'identical' if said['identical'] else 'NOT identical'} with unchanged rules",
            flush=True,
        )
        for number in range(1, rounds + 1):
            alone = _pages(delay.once(rate=rate, seconds=seconds, state=folder)[0])
            with _again_and_again(command) as times:
                beside = _pages(delay.once(rate=rate, seconds=seconds, state=folder)[0])
            print(
                f"round {number}: pages of that journal's daemon at {rate:g} new incidents/s, {alone} alone;"
                f" {beside} beside {len(times)} backtests or a part of one (target: p99 below 50 ms)",
                flush=True,
            )


def _pages(delays: list[float]) -> str:
    ordered = sorted(delays)
    return (
        f"p50 {ordered[len(ordered) // 2] * 1e3:.1f} ms, p99 {ordered[int(len(ordered) * 0.99)] * 1e3:.1f} ms"
    )


@contextmanager
def _again_and_again(command: list[str]) -> Iterator[list[float]]:
    """The command runs as long as this does, over and over; when each began."""
    began: list[float] = []
    over = threading.Event()
    running: list[subprocess.Popen[bytes]] = []

    def work() -> None:
        while not over.is_set():
            began.append(time.perf_counter())
            running[:] = [subprocess.Popen(command, stdout=subprocess.DEVNULL)]
            running[0].wait()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield began
    finally:
        over.set()
        running[0].terminate()
        thread.join()


def _configured(folder: Path) -> Loaded:
    (folder / "rules.yaml").write_text(_RULES)
    services = "\n".join(
        f"  s{n}: {{paths: {{technical: engineering}}, signals: [{{labels: {{service: s{n}}}}}]}}"
        for n in range(SERVICES)
    )
    (folder / "irpd.yaml").write_text(
        f"""\
version: 1
rules: [rules.yaml]
sources: {{alertmanager: {{type: alertmanager, auth: none}}}}
unmapped: s0
fallback: [asha]
channels: {{local: {{type: file, path: pages.jsonl}}}}
notify: {{default: [{{after: 0s, via: [local]}}]}}
people: {{asha: {{name: Asha Rao, time_zone: Europe/Berlin}}}}
paths: {{engineering: {{kind: technical, steps: [{{person: asha, wait: 5m}}]}}}}
services:
{services}
"""
    )
    return load_configuration([folder / "irpd.yaml"])


async def _record(path: Path, loaded: Loaded, signals: int, each: int) -> None:
    configuration = loaded.configuration
    policy = Policy(configuration, compile_rules(loaded.rules), ServiceIndex(configuration), loaded.hash)
    source = build_source("alertmanager", configuration.sources["alertmanager"], reporter_key=b"k" * 32)
    journal = SqliteJournal(path)
    journal.open()
    engine = Engine(
        journal, SystemClock(), policy, normalise=lambda r: source.normalise(r.body, r.headers, r.at)
    )
    await engine.start()
    await engine.adopt(policy, bundle(loaded), by="bench")
    chance = random.Random(1)

    async def post(body: bytes) -> None:
        at = datetime.now(UTC)
        await engine.receive("alertmanager", body, {}, source.normalise(body, {}, at), at)

    for first in range(0, signals // each, 64):
        count = min(64, signals // each - first)
        await asyncio.gather(*(post(_body(chance, each)) for _ in range(count)))
    await engine.stop()


def _body(chance: random.Random, each: int) -> bytes:
    alerts = []
    for _ in range(each):
        n = chance.randrange(ALERTS)
        firing = chance.random() < 0.7
        now = datetime.now(UTC).isoformat()
        category = ("payment", "minor", "other")[n % 3]
        alerts.append(
            {
                "status": "firing" if firing else "resolved", "annotations": {}, "startsAt": now,
                "labels": {"alertname": f"A{n}", "service": f"s{n % SERVICES}", "category": category},
                "endsAt": "0001-01-01T00:00:00Z" if firing else now, "fingerprint": f"{n:016x}",
            }
        )  # fmt: skip
    return json.dumps(
        {"version": "4", "groupKey": "g", "status": "firing", "receiver": "r", "alerts": alerts}
    ).encode()
