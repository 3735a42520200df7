"""Thousands of pages due at one instant: how soon each is handed to its channel, and what that costs.

The engine on a journal on disk, the protocol and the outbox are the real ones, in this process; the channels
are fake and take 50 ms for each message. The pages stand on disk, as after a start, and the outbox begins.
"""

import asyncio
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import structlog

from irpd.comms.links import Links
from irpd.config.load import load_configuration
from irpd.engine import batch
from irpd.engine.clock import SystemClock
from irpd.engine.engine import Engine
from irpd.engine.ports import Message, Outcome
from irpd.journal.sqlite import SqliteJournal
from irpd.model import command as c
from irpd.model.page import SendState
from irpd.outbox import sender
from irpd.outbox.outbox import Outbox
from irpd.protocol.policy import Policy
from irpd.triage.ruleset import compile_rules
from irpd.triage.service import ServiceIndex

TAKES = 0.05
TARGET = 10.0
CHANNELS = ("mail", "chat", "hook", "push")


class _Channel:
    """Takes 50 ms; notes when it was given each message."""

    def __init__(self, name: str, given: list[float]) -> None:
        self.name = name
        self._given = given

    async def send(self, message: Message) -> Outcome:
        self._given.append(time.perf_counter())
        await asyncio.sleep(TAKES)
        return Outcome(kind="delivered", provider_id=message.id)

    async def close(self) -> None: ...


class _Spent:
    """CPU seconds by stage, each measured in the thread that does it."""

    def __init__(self) -> None:
        self.by_stage: defaultdict[str, float] = defaultdict(float)  # CPU seconds

    def on(self, stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **options: Any) -> Any:
            began = time.thread_time()
            try:
                return call(*args, **options)
            finally:
                self.by_stage[stage] += time.thread_time() - began

        return timed


def run(*, pages: int = 5000, people: int = 1000, rounds: int = 3) -> None:
    lanes = f"{len(CHANNELS)} channels that take {TAKES * 1e3:.0f} ms"
    print(f"{pages:,} pages due at one instant, {lanes} (target: handed over within {TARGET:.0f} s)")
    for gather in ("0s", "60s"):
        print("each page by itself:" if gather == "0s" else "to one person over one channel in one message:")
        for number in range(1, rounds + 1):
            with tempfile.TemporaryDirectory(prefix="irpd-paging-") as folder:
                told = asyncio.run(_round(_policy(Path(folder), people, gather), Path(folder), pages, people))
            print(f"  round {number}: {told}", flush=True)


async def _round(policy: Policy, folder: Path, pages: int, people: int) -> str:
    journal = SqliteJournal(folder / "irpd.db")
    journal.open()
    spent, given, clock = _Spent(), [], SystemClock()
    engine = Engine(journal, clock, policy, normalise=_nothing_comes_in)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    try:
        await engine.start()
        await _open(engine, pages, people)
        channels = {name: _Channel(name, given) for name in CHANNELS}
        outbox = Outbox(engine, channels, clock, Links(b"k" * 32, "https://irpd.example.com"))
        with (
            mock.patch.object(sender, "compose", spent.on("texts", sender.compose)),
            mock.patch.object(sender, "compose_several", spent.on("texts", sender.compose_several)),
            mock.patch.object(batch, "decide", spent.on("deciding", batch.decide)),
            mock.patch.object(journal, "commit", spent.on("commits", journal.commit)),
        ):
            cpu, began = time.process_time(), time.perf_counter()
            task = asyncio.create_task(outbox.run())
            while outbox.pending or not given:  # noqa: ASYNC110  # its last turn ends after the last event
                await asyncio.sleep(0.005)
            recorded = time.perf_counter() - began
            cpu = time.process_time() - cpu
        await outbox.drain(5.0)
        await task
        states = Counter(send.state for page in engine.state.pages.values() for send in page.sends)
    finally:
        structlog.reset_defaults()
        await engine.stop()
        journal.close()
    if states != {SendState.DELIVERED: pages}:
        raise RuntimeError(f"not every page was delivered: {states}")
    times = sorted(at - began for at in given)
    other = cpu - sum(spent.by_stage.values())
    stages = ", ".join(
        f"{stage} {seconds:.2f}" for stage, seconds in (*sorted(spent.by_stage.items()), ("other", other))
    )
    first, half, last = times[0], times[len(times) // 2], times[-1]
    return (
        f"handed over: the first after {first:.2f} s, half after {half:.2f} s, all after {last:.2f} s in"
        f" {len(times):,} messages; recorded after {recorded:.2f} s; CPU {cpu:.2f} s ({stages}),"
        f" {cpu / pages * 1e6:.0f} us a page"
    )


async def _open(engine: Engine, pages: int, people: int) -> None:
    """An incident for each page; nothing is sent yet."""
    for first in range(0, pages, 500):
        await asyncio.gather(
            *(
                engine.submit(
                    c.Open(
                        by="p0", title=f"Case {n}", service=f"s{n % people}", level=1 + n % 2, because="bench"
                    )
                )
                for n in range(first, min(first + 500, pages))
            )
        )


def _policy(folder: Path, people: int, gather: str) -> Policy:
    lines = [
        "version: 1", "unmapped: s0", "fallback: [p0]", "storm: none",
        f"timing: {{gather: {gather}}}", "channels:",
        "  mail: {type: smtp, host: localhost, from: irpd@example.com}",
        "  chat: {type: slack, auth: {bot_token: {env: NOT_READ}}}",
        '  hook: {type: webhook, url: "http://localhost:1/", auth: {secret: {env: NOT_READ}}}',
        '  push: {type: webhook, url: "http://localhost:2/", auth: {secret: {env: NOT_READ}}}',
        "notify:", "  default: [{after: 0m, via: [mail]}]",
    ]  # fmt: skip
    lines += [f"  {name}: [{{after: 0m, via: [{name}]}}]" for name in CHANNELS]
    lines.append("people:")
    for n in range(people):
        addresses = f"email: p{n}@example.com, slack: U{n}"
        lines.append(f"  p{n}: {{name: Person {n}, {addresses}, notify: {CHANNELS[n % len(CHANNELS)]}}}")
    lines.append("services:")
    lines += [f"  s{n}: {{title: Service {n}, paths: {{technical: t{n}}}}}" for n in range(people)]
    lines.append("paths:")
    lines += [f"  t{n}: {{kind: technical, steps: [{{person: p{n}, wait: 30m}}]}}" for n in range(people)]
    file = folder / "irpd.yaml"
    file.write_text("\n".join(lines) + "\n")
    loaded = load_configuration([file])
    configuration = loaded.configuration
    return Policy(configuration, compile_rules([]), ServiceIndex(configuration), loaded.hash)


def _nothing_comes_in(_receipt: object) -> Any:
    raise AssertionError("no receipts here")
