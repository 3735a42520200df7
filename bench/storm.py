"""A storm of alerts, played through the protocol in virtual time: does everything end where it must?

Seeded: the same storm each time. Of the alerts, which are all distinct, 30 % flap (they resolve and fire
again twice, quickly), and 20 % are resolved and fire again once; the rest fire and stay. They come within a
minute, as an Alertmanager sends them, several in a request. Then nobody answers for an hour.

What must hold: every alert is in exactly one incident; each has an explanation (why it is in its incident,
and why that has its level); and nobody who is affected gets more than one message in any minute.
"""

import json
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

from irpd.config.load import load_bundle
from irpd.model.signal import Signal, Status
from irpd.protocol.policy import Policy
from irpd.rehearsal.world import World
from irpd.triage.ruleset import compile_rules
from irpd.triage.service import ServiceIndex

BEGINS = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
MINUTE = timedelta(seconds=60)
STORM = {"incidents": 25, "within": "5m", "settle": "5s"}
RULES = """
version: 1
rules:
  - {id: payments, match: {labels: {category: payment}}, level: 2, because: money is not moving}
group:
  - {id: same-service, match: {source: am}, by: [service], within: 30m}
"""


@dataclass(slots=True)
class Outcome:
    """``problems`` is what did not hold; the rest are counts."""

    alerts: int
    reports: int = 0
    requests: int = 0
    opened: int = 0
    left: int = 0  # incidents that are worked on at the end
    in_storm: int = 0
    flapping: int = 0
    messages: int = 0
    people: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"storm: {self.alerts:,} alerts, {self.reports:,} reports in {self.requests:,} requests "
            f"within a minute, {self.seconds:.1f} s of this machine\n"
            f"  incidents opened {self.opened}, worked on at the end {self.left}; in the storm "
            f"{self.in_storm:,} signals, flapping {self.flapping:,}\n"
            f"  messages in the hour {self.messages} to {self.people} people; "
            + ("all holds" if not self.problems else "; ".join(self.problems[:10]))
        )


def policy_of(services: int, teams: int, storm: object) -> Policy:
    """``services`` of as many ``teams`` as there are, each with its own path and first responder."""
    said = {
        "version": 1,
        "sources": {"am": {"type": "alertmanager", "auth": "none"}},
        "unmapped": "s0",
        "fallback": ["lead"],
        "services": {
            f"s{n}": {
                "title": f"Service {n}",
                "paths": {"technical": f"team-{n % teams}"},
                "signals": [{"labels": {"service": f"s{n}"}}],
            }
            for n in range(services)
        },
        "channels": {"mail": {"type": "file", "path": "m"}, "sms": {"type": "file", "path": "s"}},
        "notify": {"default": [{"after": "0m", "via": ["mail"]}, {"after": "2m", "via": ["sms"]}]},
        "people": {name: {"name": name.title()} for name in ("lead", *(f"p{n}" for n in range(teams)))},
        "paths": {
            f"team-{n}": {
                "kind": "technical",
                "repeat": 2,
                "steps": [{"person": f"p{n}", "wait": "5m"}, {"person": "lead", "wait": "10m"}],
            }
            for n in range(teams)
        },
        "storm": storm,
        "rules": ["rules.yaml"],
    }
    bundle = {
        "format": "irpd.bundle/1",
        "directory": "/nowhere",
        "configuration": [["irpd.yaml", json.dumps(said)]],
        "rules": [["rules.yaml", RULES]],
    }
    loaded = load_bundle(json.dumps(bundle).encode())
    configuration = loaded.configuration
    return Policy(configuration, compile_rules(loaded.rules), ServiceIndex(configuration), loaded.hash)


def storm_of(alerts: int, services: int, random: Random) -> list[tuple[float, list[Signal]]]:
    """Requests with the second at which they come, in order."""
    reports: list[tuple[float, Signal]] = []
    for n in range(alerts):
        begins = random.random() * 60
        kind = random.random()
        changes = 4 if kind < 0.3 else 2 if kind < 0.5 else 0
        at = [begins, *sorted(begins + random.random() * (60 - begins) for _ in range(changes))]
        for turn, moment in enumerate(at):
            labels = {"service": f"s{n % services}", "alertname": f"A{n % 97}", "instance": str(n)}
            if n % 11 == 0:
                labels["category"] = "payment"
            status = Status.RESOLVED if turn % 2 else Status.FIRING
            reports.append(
                (moment, Signal(key=f"{n:016x}", status=status, title=f"A{n % 97} on {n}", labels=labels))
            )
    reports.sort(key=lambda report: report[0])
    requests: list[tuple[float, list[Signal]]] = []
    while reports:
        size = random.choice((1, 1, 1, 2, 5, 20))
        chosen, reports = reports[:size], reports[size:]
        requests.append((chosen[-1][0], [signal for _, signal in chosen]))
    return requests


def play(
    *, alerts: int = 10_000, services: int = 300, teams: int = 20, seed: int = 1, storm: object = STORM
) -> Outcome:
    """The whole storm and the hour after it; ``storm`` is that setting."""
    random = Random(seed)
    outcome = Outcome(alerts=alerts)
    world = World(policy_of(services, teams, storm), BEGINS)
    began = time.perf_counter()
    for after, signals in storm_of(alerts, services, random):
        world.advance(BEGINS + timedelta(seconds=after))
        world.receive("am", signals)
        outcome.requests += 1
        outcome.reports += len(signals)
    _look(world, outcome)
    world.advance(BEGINS + timedelta(hours=1))
    outcome.seconds = time.perf_counter() - began
    _hear(world, outcome)
    return outcome


def _look(world: World, outcome: Outcome) -> None:
    outcome.opened = world.rows.counter("incident")
    where: Counter[str] = Counter()
    for incident in world.incidents:
        if not incident.state.active:
            continue
        outcome.left += 1
        if not incident.level_by.because:
            outcome.problems.append(f"{incident.ref} doesn't say why its level is what it is")
        for member in world.members(incident):
            where[member.key] += 1
            outcome.flapping += member.flapping
            outcome.in_storm += incident.group == "storm"
            if not member.why:
                outcome.problems.append(f"{member.handle} doesn't say why it is there")
    twice = [key for key, count in where.items() if count > 1]
    lost = outcome.alerts - len(where)
    if lost:
        outcome.problems.append(f"{lost} alerts are in no incident")
    if twice:
        outcome.problems.append(f"{len(twice)} alerts are in more than one incident, like {twice[0]}")


def _hear(world: World, outcome: Outcome) -> None:
    heard: dict[str, set[datetime]] = defaultdict(set)
    for message in world.messages:
        heard[message.person].add(message.at)
    outcome.people = len(heard)
    outcome.messages = sum(map(len, heard.values()))
    for person, instants in heard.items():
        times = sorted(instants)
        for before, after in pairwise(times):
            if after - before < MINUTE:
                outcome.problems.append(f"{person} got two messages within {after - before}")


def run(*, alerts: int = 10_000, services: int = 300) -> Outcome:
    outcome = play(alerts=alerts, services=services)
    print(outcome)
    return outcome
