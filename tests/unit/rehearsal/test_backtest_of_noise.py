"""A backtest over days with holds, silences, windows, outages, storms, answers of monitoring and a downtime:
unchanged rules give what was recorded, though deadlines were woken a moment late."""

import asyncio
import random
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from irpd.config.load import Loaded, bundle, load_configuration
from irpd.engine.engine import Engine
from irpd.engine.ports import Fact
from irpd.intake import build_source
from irpd.journal.reader import open_reader
from irpd.journal.sqlite import SqliteJournal
from irpd.model import command as c
from irpd.model import event as e
from irpd.protocol.deadlines import next_deadline
from irpd.protocol.paging import STORM
from irpd.protocol.policy import Policy
from irpd.protocol.waiting import due_at
from irpd.rehearsal.backtest import Backtest, backtest
from irpd.triage.ruleset import compile_rules
from irpd.triage.service import ServiceIndex
from tests.unit.rehearsal.test_backtest import BEGIN, Clock, alert

FOREVER = BEGIN + timedelta(days=30)
RULES = """\
version: 1
rules:
  - {id: pay, match: {labels: {category: payment}}, level: 1, because: payments}
  - {id: minor, match: {labels: {category: minor}}, level: 3, because: minor}
  - {id: canary, match: {labels: {category: canary}}, hold: {for: 5m, or_count: 4}, because: canaries restart}
silences:
  - id: batch
    match: {labels: {category: batch}}
    window: {from: "02:00", to: "05:00", time_zone: Europe/Berlin}
    because: weekly batch
group:
  - {id: by, match: {service: checkout}, by: [service, environment], within: 30m}
"""
SERVICES = """\
  database: {paths: {technical: engineering}, signals: [{labels: {service: database}}]}
  reports:
    depends_on: {database: mutes}
    paths: {technical: engineering}
    signals: [{labels: {service: reports}}]
rules: [rules.yaml]
storm: {incidents: 6, within: 2m}
"""
CATEGORIES = ("payment", "minor", "canary", "batch", "other")


def configured(folder: Path, text: str, rules: str = RULES) -> Loaded:
    (folder / "rules.yaml").write_text(rules)
    head, login, rest = text.partition("  login:")
    services, sources, others = rest.partition("sources:")
    (folder / "irpd.yaml").write_text(head + login + services + SERVICES + sources + others)
    return load_configuration([folder / "irpd.yaml"])


class Recorder:
    """The real engine and a real journal, on a clock that this turns."""

    def __init__(self, path: Path, loaded: Loaded, seed: int) -> None:
        self.clock, self.chance, self.path, self.loaded = Clock(), random.Random(seed), path, loaded
        self.source = build_source(
            "alertmanager", loaded.configuration.sources["alertmanager"], reporter_key=b"k" * 32
        )

    async def start(self) -> None:
        configuration = self.loaded.configuration
        policy = Policy(
            configuration, compile_rules(self.loaded.rules), ServiceIndex(configuration), self.loaded.hash
        )
        journal = SqliteJournal(self.path)
        journal.open()
        self.engine = Engine(
            journal, self.clock, policy, normalise=lambda r: self.source.normalise(r.body, r.headers, r.at)
        )
        await self.engine.start()
        await self.engine.submit(c.RecordStart(version="1", down_for=None))
        await self.engine.adopt(policy, bundle(self.loaded), by="test")

    def next_due(self) -> tuple[datetime, c.Command] | None:
        state = self.engine._rows
        due: list[tuple[datetime, int]] = [
            (when, one.number) for one in state.incidents.values() if (when := next_deadline(one)) is not None
        ]
        for sid in state.all_waiting():
            member = state.member(sid)
            when = due_at(state, member) if member is not None else None
            if when is not None:
                due.append((when, -sid))
        if not due:
            return None
        when, number = min(due)
        return when, c.Wake(incident=number) if number > 0 else c.WakeSignal(sid=-number)

    async def until(self, at: datetime) -> None:
        """Time goes on; what is due is woken up to 40 ms late."""
        while (due := self.next_due()) is not None and due[0] <= at:
            self.clock.at = max(self.clock.at, due[0] + timedelta(milliseconds=self.chance.randrange(40)))
            await self.engine.submit(due[1])
        self.clock.at = max(self.clock.at, at)

    async def moment(self) -> None:
        """What something just did may be due at once."""
        await self.until(self.clock.at + timedelta(milliseconds=3))

    async def report(self, name: str, status: str, **labels: str) -> None:
        body = alert(name, status, self.clock.at, **labels)
        await self.engine.receive(
            "alertmanager", body, {}, self.source.normalise(body, {}, self.clock.at), self.clock.at
        )
        await self.moment()

    async def act(self, command: c.Command) -> None:
        try:
            await self.engine.submit(command)
        except c.Refusal:
            return
        await self.moment()


async def record(path: Path, loaded: Loaded, seed: int) -> None:
    recorder = Recorder(path, loaded, seed)
    chance, clock = recorder.chance, recorder.clock
    await recorder.start()
    for turn in range(180):
        # Never at the very instant at which something is due.
        await recorder.until(
            clock.at + timedelta(seconds=chance.choice([1, 5, 60, 400, 1500, 2500]), milliseconds=171)
        )
        for _ in range(chance.choice([1, 1, 1, 7])):
            service = chance.choice(["checkout", "checkout", "database", "reports", "login"])
            await recorder.report(
                chance.choice("ABCDEF"), chance.choice(["firing", "firing", "resolved"]), service=service,
                category=chance.choice(CATEGORIES), environment=chance.choice(["production", "staging"]),
            )  # fmt: skip
        if turn % 60 == 20:  # more than a few incidents at once
            for n in range(9):
                await recorder.report(f"S{turn}-{n}", "firing", service="login", category="other")
        active = [n for n, one in recorder.engine.state.incidents.items() if one.state.active]
        someone = chance.choice(active) if active else 0
        silences = [one.id for one in recorder.engine.state.silences if one.until > clock.at]
        match chance.randrange(12):
            case 0:
                match = {"labels.category": (chance.choice(CATEGORIES),)}
                until = clock.at + timedelta(minutes=chance.choice([3, 50]))
                await recorder.act(c.AddSilence(by="asha", match=match, until=until, because="x"))
            case 1 if silences:
                await recorder.act(c.EndSilence(by="asha", silence=chance.choice(silences)))
            case 2 if someone:
                await recorder.act(c.Resolve(incident=someone, by="asha"))
            case 3 if someone:
                await recorder.act(c.Acknowledge(incident=someone, by="asha"))
            case 4 if active:
                affected = chance.randrange(1000)
                mine = tuple(n for n in active if "checkout" in recorder.engine.state.incidents[n].services)
                await recorder.act(
                    c.TakeAnswer(service="checkout", incidents=mine, affected=affected, users=None)
                )
            case 5 if turn % 3 == 0:
                await recorder.act(c.Open(by="chi", title="by hand", service="login"))
            case _:
                pass
        if turn == 120:  # irpd is down for a while, and what was due comes late
            await recorder.engine.stop()
            clock.at += timedelta(minutes=25)
            await recorder.start()
    await recorder.engine.stop()


Recorded = tuple[Path, Loaded]


@pytest.fixture(scope="module", params=[1])
def noisy(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, configuration_text: str
) -> Recorded:
    folder = tmp_path_factory.mktemp("noisy")
    loaded = configured(folder, configuration_text)
    asyncio.run(record(folder / "irpd.db", loaded, request.param))
    return folder, loaded


def played(noisy: Recorded, begin: datetime = BEGIN, rules: str | None = None) -> Backtest:
    from irpd.config.yaml import parse_document

    reader = open_reader(noisy[0] / "irpd.db")
    try:
        changed = compile_rules([parse_document(rules, "rules.yaml")]) if rules is not None else None
        return backtest(reader, noisy[1], changed, begin=begin, end=FOREVER)
    finally:
        reader.close()


def facts(noisy: Recorded) -> list[Fact]:
    reader = open_reader(noisy[0] / "irpd.db")
    try:
        return list(reader.facts())
    finally:
        reader.close()


def test_unchanged_rules_give_identical_incidents_whatever_noise_was_muted(noisy: Recorded) -> None:
    kinds = Counter(type(one.event) for one in facts(noisy))
    for kind in (e.SignalWaits, e.SilenceAdded, e.SilenceEnded, e.UsersAnswered, e.Paged):
        assert kinds[kind], f"{kind.__name__} is nowhere in the record"
    assert kinds[e.Started] == 2
    assert any(isinstance(one.event, e.Opened) and one.event.group == STORM for one in facts(noisy))
    waits = {one.event.waits.kind.value for one in facts(noisy) if isinstance(one.event, e.SignalWaits)}
    assert waits == {"hold", "silence", "window", "dependency"}
    done = played(noisy)
    assert len(done.comparison.before) > 20
    # Who is told of a storm rests on who was told of what else within a minute, to the millisecond: there
    # the number of pages may differ, and nothing else.
    others = [
        str(one)
        for one in done.comparison.changes
        if not (one.kind == "pages" and one.before is not None and one.before.title.startswith("Storm:"))
    ]
    assert not others, others


ACTS = {
    "split": c.Split(incident=1, signals=(2,), by="asha"),
    "escalate": c.Escalate(incident=1, by="asha"),
    "note": c.Note(incident=1, by="asha", text="I looked"),
}


@pytest.mark.parametrize("act", ACTS)
def test_what_a_person_did_ends_the_comparison_on_both_sides_also_where_it_is_not_played(
    act: str, tmp_path: Path, configuration_text: str
) -> None:
    loaded = configured(tmp_path, configuration_text)

    async def happen() -> None:
        recorder = Recorder(tmp_path / "irpd.db", loaded, 1)
        await recorder.start()
        for name in "AB":
            await recorder.report(name, "firing", service="checkout", category="other")
        await recorder.until(recorder.clock.at + timedelta(seconds=61))
        await recorder.engine.submit(ACTS[act])
        await recorder.until(recorder.clock.at + timedelta(hours=3))
        await recorder.engine.stop()

    asyncio.run(happen())
    done = played((tmp_path, loaded))
    assert [one.acted is not None for one in done.comparison.after] == [True]
    assert done.comparison.identical, done.comparison.text()
