"""``python -m simulation.pages``: thousands of pages over providers that fail, in virtual time.

A fifth of the calls fail at random, a tenth time out (half of those have delivered all the same), one
provider is down throughout, and irpd dies now and then. The real engine, protocol and outbox run on the
journal in memory. What must hold:

- each page reaches its person, by some method, before its path moves on to somebody else;
- the same page comes twice by the same method only where the answer was lost or irpd died.
"""

import argparse
import asyncio
import heapq
import time
from asyncio import events as asyncio_events
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import structlog

from irpd.comms.links import Links
from irpd.config.load import load_configuration
from irpd.engine.clock import SystemClock
from irpd.engine.engine import Engine
from irpd.engine.ports import Message, Normalised, Outcome, Receipt
from irpd.journal.memory import MemoryJournal, Storage
from irpd.model import command as c
from irpd.model.page import PageKind, SendState
from irpd.outbox.outbox import Outbox
from irpd.protocol.policy import Policy
from irpd.triage.ruleset import compile_rules
from irpd.triage.service import ServiceIndex
from simulation.clocks import VirtualTime
from simulation.loop import VirtualLoop

#: Seconds until a path moves on to its next person: by then the page must have reached the first.
ALLOWED = 300.0
#: A provider that doesn't answer is given up by its channel after so many seconds.
TIMEOUT = 10.0
FAILS, TIMES_OUT = 0.20, 0.10
#: Incidents a second that open, and seconds between two deaths of irpd, on average.
RATE, DIES_EVERY = 4.0, 60.0
#: The down one stands first, second and last.
ORDERS = (("gone", "mail", "hook"), ("mail", "gone", "hook"), ("mail", "hook", "gone"))

Key = tuple[str, int]


@dataclass(slots=True)
class Report:
    """What came of it. ``broken`` is what must not be."""

    pages: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    deaths: int = 0
    reached_after: list[float] = field(default_factory=list)
    again_lost: int = 0  # came again because the provider's answer was lost
    again_died: int = 0  # because irpd died
    broken: list[str] = field(default_factory=list)
    cpu: float = 0.0
    simulated: float = 0.0

    def __str__(self) -> str:
        times = sorted(self.reached_after) or [0.0]
        middle, late, worst = times[len(times) // 2], times[int(len(times) * 0.99)], times[-1]
        calls = ", ".join(f"{name} {n:,}" for name, n in sorted(self.calls.items()))
        died, cpu = f"{self.deaths} deaths of irpd", f"{self.cpu:.1f} s CPU"
        slowest = f"worst {worst:.1f} s (allowed {ALLOWED:.0f} s)"
        again = f"{self.again_lost} after a lost answer, {self.again_died} after a death"
        lines = [
            f"{self.pages:,} pages in {self.simulated / 60:.0f} simulated minutes, {died}, {cpu}",
            f"calls: {calls}",
            f"reached after: median {middle:.1f} s, p99 {late:.1f} s, {slowest}",
            f"twice by the same method: {again}",
            *(f"BROKEN: {one}" for one in self.broken[:20]),
        ]
        return "\n".join(lines)


class _Provider:
    """``engine.ports.Channel``, with the provider behind it."""

    def __init__(self, name: str, world: "World") -> None:
        self.name = name
        self._world = world

    async def send(self, message: Message) -> Outcome:
        world = self._world
        if self.name == "gone":
            world.report.calls["to the one that is down"] += 1
            await asyncio.sleep(TIMEOUT)
            return Outcome(kind="transient", detail="timed out")
        luck = world.chance.random()
        if luck < FAILS:
            world.report.calls["failed"] += 1
            await asyncio.sleep(world.chance.uniform(0.01, 0.3))
            return Outcome(kind="transient", detail="HTTP 500")
        if luck < FAILS + TIMES_OUT:
            world.report.calls["timed out"] += 1
            lost = world.chance.random() < 0.5
            if lost:
                world.show(message, lost=True)
            await asyncio.sleep(TIMEOUT)
            return Outcome(kind="transient", detail="timed out")
        world.report.calls["taken"] += 1
        await asyncio.sleep(world.chance.uniform(0.01, 0.15))
        world.show(message, lost=False)
        await asyncio.sleep(world.chance.uniform(0.01, 0.15))
        return Outcome(kind="delivered", provider_id=f"{self.name}-{next(world.made)}")

    async def close(self) -> None: ...


class _Life:
    """One process of irpd."""

    def __init__(self, world: "World", storage: Storage) -> None:
        self.loop = VirtualLoop(world.time, world.chance, lambda: (0.0005, 0.0005))
        self.journal = MemoryJournal(storage)
        self.clock = SystemClock(wall=world.time.wall, boot=world.time.boot)
        self.engine = Engine(self.journal, self.clock, world.policy, normalise=_nothing_comes_in)
        self.ready = False

    async def start(self, world: "World") -> None:
        self.journal.open()
        loaded = await self.engine.start()
        self.clock.start_from(loaded.last_at)
        channels = {name: _Provider(name, world) for name in ("mail", "hook", "gone")}
        self.outbox = Outbox(self.engine, channels, self.clock, world.links, random=world.chance)
        self.ready = True
        await self.outbox.run()


class World:
    def __init__(self, *, pages: int, seed: int, people: int = 200) -> None:
        self.chance = Random(seed)
        self.time = VirtualTime()
        self.policy = _policy(people)
        self.links = Links(b"k" * 32, "https://irpd.invalid")
        self.report = Report(pages=pages)
        self.made = count()
        self._people = people
        self._storage = Storage()
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._shown: Counter[Key] = Counter()
        self._lost: Counter[Key] = Counter()
        self._cut: Counter[Key] = Counter()
        self._this_life: set[Key] = set()  # shown by it with no answer lost
        self._reached: set[int] = set()  # incidents whose first page somebody has
        self._unanswered: dict[int, c.Command] = {}
        self._kept: list[asyncio.Task[None]] = []  # of processes that are gone
        self._life: _Life | None = None

    # ------------------------------------------------------------ what happens
    def run(self) -> Report:
        began = time.process_time()
        for n in range(self.report.pages):
            self._at(5.0 + n / RATE, partial(self._open, n))
        ends = 5.0 + self.report.pages / RATE + ALLOWED + 60.0
        dies = self.chance.expovariate(1 / DIES_EVERY)
        while dies < ends:
            self._at(dies, self._die)
            dies += self.chance.expovariate(1 / DIES_EVERY)
        self._begin()
        self._pass(ends)
        self._judge()
        self._drop()
        self.report.cpu, self.report.simulated = time.process_time() - began, self.time.true
        return self.report

    def show(self, message: Message, *, lost: bool) -> None:
        """A message is on somebody's phone."""
        for page, send in message.pages:
            key = (page.name, send.n)
            self._shown[key] += 1
            if lost:
                self._lost[key] += 1
            else:
                self._this_life.add(key)
            if page.kind is PageKind.PAGE and page.incident not in self._reached:
                self._reached.add(page.incident)
                assert self._life is not None
                self.report.reached_after.append((self._life.clock.now() - page.requested_at).total_seconds())
                if self.report.reached_after[-1] > ALLOWED:
                    self.report.broken.append(f"{page.id} came after {self.report.reached_after[-1]:.0f} s")
                if page.step != 1:
                    self.report.broken.append(f"{page.id} reached the next person first")
                has_it = c.Acknowledge(incident=page.incident, by=page.person, page=page.id)
                self._at(self.time.true + self.chance.uniform(5, 60), partial(self._ask, has_it))

    def _open(self, n: int) -> None:
        service = f"s{n % self._people}"
        self._ask(
            c.Open(by="p0", title=f"Case {n}", service=service, level=1 + n % 2, because="it must be seen")
        )

    def _ask(self, command: c.Command) -> None:
        """Ask irpd, and again when it isn't there or dies over it, unless it was done all the same."""
        life = self._life
        n = next(self._order)

        def ended(task: "asyncio.Task[object]") -> None:
            self._unanswered.pop(n, None)
            if not task.cancelled() and (error := task.exception()) is not None:
                self.report.broken.append(f"{type(command).__name__} raised {error!r}")

        if life is None or not life.ready:
            self._at(self.time.true + 1.0, partial(self._ask, command))
            return
        if isinstance(command, c.Open) and self.report.deaths and self._known(command.title):
            return
        self._unanswered[n] = command
        task: asyncio.Task[object] = life.loop.create_task(life.engine.submit(command))
        task.add_done_callback(ended)

    def _known(self, title: str) -> bool:
        assert self._life is not None
        return any(incident.title == title for incident in self._life.engine.state.incidents.values())

    def _die(self) -> None:
        """Between two instructions; two seconds later it starts anew."""
        life = self._life
        if life is None or not life.ready:
            return
        self.report.deaths += 1
        for page in life.engine.state.pages.values():
            for send in page.sends:
                if send.state is SendState.PENDING and (page.name, send.n) in self._this_life:
                    self._cut[page.name, send.n] += 1
        self._drop()
        unanswered, self._unanswered = self._unanswered, {}
        for command in unanswered.values():
            self._at(self.time.true + 3.0, partial(self._ask, command))
        self._at(self.time.true + 2.0, self._begin)

    def _drop(self) -> None:
        if self._life is not None:
            self._kept += self._life.loop.drop()
            self._storage.holder = None
            self._life = None
        self._this_life.clear()

    def _begin(self) -> None:
        life = self._life = _Life(self, self._storage)
        life.loop.create_task(life.start(self))

    # ------------------------------------------------------------ how time passes
    def _at(self, when: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._later, (when, next(self._order), what))

    def _pass(self, until: float) -> None:
        while True:
            if self._life is not None:
                loop = self._life.loop
                asyncio_events._set_running_loop(loop)
                try:
                    while loop.turns(1):
                        pass
                finally:
                    asyncio_events._set_running_loop(None)
                self.report.broken += loop.problems
                loop.problems.clear()
            following = self._later[0][0] if self._later else until
            if self._life is not None and (timer := self._life.loop.next_timer()) is not None:
                following = min(following, timer)
            if following >= until:
                self.time.true = max(self.time.true, until)
                return
            self.time.true = max(self.time.true, following)
            if self._life is not None:
                self._life.loop.wake_due()
            while self._later and self._later[0][0] <= self.time.true:
                heapq.heappop(self._later)[2]()

    # ------------------------------------------------------------ what must hold
    def _judge(self) -> None:
        report = self.report
        assert self._life is not None
        opened = set(self._life.engine.state.incidents)
        if len(opened) != report.pages:
            report.broken.append(f"{len(opened)} incidents were opened, not {report.pages}")
        if missing := opened - self._reached:
            report.broken.append(f"{len(missing)} incidents reached nobody: {sorted(missing)[:5]}")
        for key, shown in self._shown.items():
            again = shown - 1
            lost = min(again, self._lost[key])
            died = min(again - lost, self._cut[key])
            report.again_lost += lost
            report.again_died += died
            if again > lost + died:
                report.broken.append(f"{key[0]}.{key[1]} came {shown} times")


def _policy(people: int) -> Policy:
    lines = [
        "version: 1", "unmapped: s0", "fallback: [p0]", "storm: none", "channels:",
        "  mail: {type: smtp, host: mail.invalid, from: irpd@example.com}",
        '  hook: {type: webhook, url: "https://hook.invalid/", auth: {secret: {env: NOT_READ}}}',
        "  gone: {type: smtp, host: gone.invalid, from: irpd@example.com}",
        "notify:",
    ]  # fmt: skip
    for n, (first, second, third) in enumerate(ORDERS):
        name = "default" if not n else f"order{n}"
        lines.append(
            f"  {name}: [{{after: 0m, via: [{first}]}}, {{after: 1m, via: [{second}]}},"
            f" {{after: 2m, via: [{third}]}}]"
        )
    lines.append("people:")
    for n in range(people):
        rules = "" if not n % 3 else f", notify: order{n % 3}"
        lines.append(f"  p{n}: {{name: Person {n}, email: p{n}@example.com{rules}}}")
    lines.append("services:")
    lines += [f"  s{n}: {{title: Service {n}, paths: {{technical: t{n}}}}}" for n in range(people)]
    lines.append("paths:")
    for n in range(people):
        steps = ", ".join(f"{{person: p{m % people}, wait: 5m}}" for m in (n, n + 1))
        lines.append(f"  t{n}: {{kind: technical, steps: [{steps}]}}")
    with TemporaryDirectory() as folder:
        file = Path(folder) / "irpd.yaml"
        file.write_text("\n".join(lines) + "\n")
        loaded = load_configuration([file])
    configuration = loaded.configuration
    return Policy(configuration, compile_rules([]), ServiceIndex(configuration), loaded.hash)


def _nothing_comes_in(_receipt: Receipt) -> Normalised:
    raise AssertionError("no receipts here")


@contextmanager
def quiet() -> Iterator[None]:
    """Nothing is logged meanwhile: a line for each attempt would be most of the work."""
    before = structlog.get_config()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(50), cache_logger_on_first_use=False
    )
    try:
        yield
    finally:
        structlog.configure(**before)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m simulation.pages", description=__doc__)
    parser.add_argument("--pages", type=int, default=10_000, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="S")
    options = parser.parse_args()
    with quiet():
        report = World(pages=options.pages, seed=options.seed).run()
    print(f"seed {options.seed}: {report}")
    return 1 if report.broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
