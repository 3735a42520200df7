"""What a new signal costs with 200 rules against 10: they are indexed, so that a signal meets few of them."""

import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from irpd.config.load import load_configuration
from irpd.config.yaml import parse_document, read_document
from irpd.measure import process
from irpd.model import command as c
from irpd.model.share import UNKNOWN
from irpd.model.signal import Signal, Status
from irpd.protocol.decide import decide
from irpd.protocol.draft import Draft
from irpd.protocol.policy import Policy
from irpd.protocol.rows import Rows
from irpd.triage.facts import Facts
from irpd.triage.level import level_for
from irpd.triage.ruleset import RuleSet, compile_rules
from irpd.triage.service import ServiceIndex

FEW, MANY = 10, 200


def run(*, signals: int = 4000, rounds: int = 7) -> None:
    few, many = _policy(FEW), _policy(MANY)
    for name, cost, unseen in (
        ("of kinds seen before", _cost, False),
        ("each unlike any before", _cost, True),
        ("each unlike any before, the verdict alone", _verdict_cost, True),
    ):
        ratios, costs = [], []
        for number in range(rounds + 1):
            pair = [cost(policy, number, signals, unseen=unseen) for policy in (few, many)]
            if number:  # the first warms up
                ratios.append(pair[1] / pair[0])
                costs.append(pair[1])
        print(
            f"new signals {name}: {MANY} rules cost {statistics.median(ratios):.2f} times what {FEW} do"
            f" (target at most 5), {statistics.median(costs) * 1e6:.0f} us a signal"
        )
    _words()


#: A ticket's text, in characters.
TICKET = 4096
#: Tickets that are written to be dear to read.
_DEAR = {
    "ordinary prose": "the checkout page is slow since this morning and some of our people wait. ",
    "phrases that begin and don't end": "all our data all our files all our data files are ",
    "one taken-back phrase after another": "no data loss, not all files are gone, without data loss ",
    "one word": "x",
    "one-letter words": "a ",
    "marks": ".,;:!?-",
    "combining letters": "a\u0308\u0323",
}


def _words() -> None:
    """Seconds of CPU time that the shipped word lists take over one ticket of that size."""
    files = sorted((Path(__file__).parents[1] / "rules").glob("*.yaml"))
    ruleset = compile_rules([read_document(file) for file in files])
    for name, piece in _DEAR.items():
        taken = []
        for number in range(20):
            text = f"{number} {piece * (TICKET // len(piece) + 1)}"[:TICKET]
            facts = Facts(
                source="desk", source_type="zendesk", service="checkout", status="firing", title="Help",
                text=text, labels={}, share=UNKNOWN, at=datetime(2026, 1, 5, 12, tzinfo=UTC),
            )  # fmt: skip
            began = time.process_time()
            level_for(ruleset, facts, default=4, default_because="the default")
            taken.append(time.process_time() - began)
        print(
            f"a ticket of {TICKET:,} characters, {name}: {statistics.median(taken) * 1e3:.2f} ms,"
            f" {max(taken) * 1e3:.2f} ms at most"
        )


def rules_of(count: int) -> RuleSet:
    """Rules as people write them: most look at an alert's name, every third asks a condition, and every
    tenth is for all services."""
    lines = ["version: 1", "rules:"]
    for n in range(count):
        match = f"labels: {{alertname: [Alert{n}, Alert{n}Slow]}}"
        if n % 10:
            match = f"service: checkout, {match}"
        when = 'when: count >= 1 && labels.get("severity") != "none", ' if n % 3 == 0 else ""
        level = n % 4 + 1
        lines.append(f"  - {{id: rule-{n}, match: {{{match}}}, {when}level: {level}, because: reason {n}}}")
    return compile_rules([parse_document("\n".join(lines) + "\n", "rules.yaml")])


def _policy(count: int) -> Policy:
    with TemporaryDirectory(prefix="irpd-rules-") as folder:
        file = Path(folder) / "irpd.yaml"
        file.write_text(process.configuration(port=1, hook="http://127.0.0.1:9/", channel="local"))
        loaded = load_configuration([file])
    configuration = loaded.configuration
    return Policy(configuration, rules_of(count), ServiceIndex(configuration), loaded.hash)


def _cost(policy: Policy, turn: int, signals: int, *, unseen: bool) -> float:
    """Seconds of CPU time for a new signal, all of its decision: group, level, incident, path and page."""
    base, now = Rows(), datetime(2026, 1, 5, 12, tzinfo=UTC)
    commands = list(_new(turn, signals, unseen=unseen))
    began = time.process_time()
    for command in commands:
        now += timedelta(milliseconds=10)
        draft = Draft(base, policy, now)
        decide(draft, command)
        base.absorb(draft.rows)
    return (time.process_time() - began) / signals


def _verdict_cost(policy: Policy, turn: int, signals: int, *, unseen: bool) -> float:
    """The same for the rules' part of it."""
    at = datetime(2026, 1, 5, 12, tzinfo=UTC)
    facts = [
        Facts(
            source="alertmanager", source_type="alertmanager", service="checkout", status="firing",
            title=signal.title, labels=signal.labels, share=UNKNOWN, at=at,
        )
        for command in _new(turn, signals, unseen=unseen)
        for signal in command.signals
    ]  # fmt: skip
    began = time.process_time()
    for one in facts:
        level_for(policy.ruleset, one, default=2, default_because="the default")
    return (time.process_time() - began) / signals


def _new(turn: int, signals: int, *, unseen: bool) -> Iterator[c.Receive]:
    for n in range(signals):
        name = f"Unseen{turn}-{n}" if unseen else f"Alert{n % FEW}"
        labels = {"alertname": name, "service": "checkout", "severity": "page", "instance": f"host-{n}"}
        signal = Signal(key=f"{turn}-{n}", status=Status.FIRING, title=name, labels=labels)
        yield c.Receive(receipt=0, source="alertmanager", signals=(signal,))
