"""A backtest: unchanged rules give what was recorded; changed ones differ in what they say."""

import asyncio
import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zlib import crc32

import pytest

from irpd.cli.root import group
from irpd.config.load import Loaded, bundle, load_configuration
from irpd.engine.engine import Engine
from irpd.engine.ports import Fact, Receipt
from irpd.intake import build_source
from irpd.journal.reader import Reader, open_reader
from irpd.journal.sqlite import SqliteJournal
from irpd.model import command as c
from irpd.model import event as e
from irpd.protocol.deadlines import next_deadline
from irpd.protocol.policy import Policy
from irpd.rehearsal.backtest import backtest
from irpd.rehearsal.history import history_of
from irpd.triage.ruleset import compile_rules
from irpd.triage.service import ServiceIndex

BEGIN = datetime(2026, 11, 23, 6, tzinfo=UTC)
END = BEGIN + timedelta(days=2)
RULES = """\
version: 1
rules:
  - {id: pay, match: {labels: {category: payment}}, level: 1, because: payments}
  - {id: minor, match: {labels: {category: minor}}, level: 3, because: minor}
group:
  - {id: by, match: {service: checkout}, by: [service, environment], within: 30m}
"""


class Clock:
    def __init__(self) -> None:
        self.at = BEGIN

    def now(self) -> datetime:
        return self.at

    def boot(self) -> float:
        return (self.at - BEGIN).total_seconds()


def alert(name: str, status: str, at: datetime, **labels: str) -> bytes:
    one = {
        "status": status, "labels": {"alertname": name, "service": "checkout", **labels}, "annotations": {},
        "startsAt": at.isoformat(),
        "endsAt": "0001-01-01T00:00:00Z" if status == "firing" else at.isoformat(),
        "fingerprint": f"{crc32(repr((name, sorted(labels.items()))).encode()):016x}",
    }  # fmt: skip
    return json.dumps(
        {"version": "4", "groupKey": name, "status": status, "receiver": "r", "alerts": [one]}
    ).encode()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, configuration_text: str) -> tuple[Path, Loaded]:
    """A day of alerts through the real engine into a real journal, with people who answer some."""
    folder = tmp_path_factory.mktemp("history")
    (folder / "rules.yaml").write_text(RULES)
    (folder / "irpd.yaml").write_text(configuration_text + "rules: [rules.yaml]\n")
    loaded = load_configuration([folder / "irpd.yaml"])
    asyncio.run(_record(folder / "irpd.db", loaded))
    return folder, loaded


async def _until(engine: Engine, clock: Clock, at: datetime) -> None:
    """Time goes on, and what is due comes when it is due."""
    while True:
        due = [
            (when, one.number)
            for one in engine.state.incidents.values()
            if (when := next_deadline(one)) is not None and when <= at
        ]
        if not due:
            break
        when, number = min(due)
        clock.at = max(clock.at, when)
        await engine.submit(c.Wake(incident=number))
    clock.at = at


async def _record(path: Path, loaded: Loaded) -> None:
    clock, chance = Clock(), random.Random(7)
    configuration = loaded.configuration
    policy = Policy(configuration, compile_rules(loaded.rules), ServiceIndex(configuration), loaded.hash)
    journal = SqliteJournal(path)
    journal.open()
    source = build_source("alertmanager", configuration.sources["alertmanager"], reporter_key=b"k" * 32)
    engine = Engine(journal, clock, policy, normalise=lambda r: source.normalise(r.body, r.headers, r.at))
    await engine.start()
    try:
        await engine.adopt(policy, bundle(loaded), by="test")
        for n in range(300):
            await _until(engine, clock, clock.at + timedelta(seconds=chance.choice([1, 5, 60, 600, 2400])))
            labels = {
                "environment": chance.choice(["production", "staging"]),
                "category": chance.choice(["payment", "minor", "other"]),
            }
            status = chance.choice(["firing", "firing", "resolved"])
            body = alert(chance.choice("ABCDEF"), status, clock.at, **labels)
            read = source.normalise(body, {}, clock.at)
            await engine.receive("alertmanager", body, {}, read, clock.at)
            for number, incident in list(engine.state.incidents.items()):
                if incident.state.active and chance.random() < 0.02:
                    await engine.submit(c.Acknowledge(incident=number, by="asha"))
                    if chance.random() < 0.5:
                        await engine.submit(c.Resolve(incident=number, by="asha"))
            if n % 60 == 30:  # the files say who is on call, and people change it
                schedule, until = next(iter(configuration.schedules)), clock.at + timedelta(hours=3)
                person = chance.choice([*configuration.people])
                made = c.AddOverride(by="chi", schedule=schedule, person=person, until=until)
                await engine.submit(made)
            if n % 60 == 40:
                await engine.submit(c.EndOverride(by="chi", override=len(engine.state.overrides)))
            if n % 50 == 25:
                with_level = [one.number for one in engine.state.incidents.values() if one.state.active]
                if with_level:
                    await engine.submit(c.SetLevel(incident=with_level[0], by="chi", level=2, because="x"))
    finally:
        await engine.stop()


@pytest.fixture
def journal(recorded: tuple[Path, Loaded]) -> Iterator[Reader]:
    reader = open_reader(recorded[0] / "irpd.db")
    yield reader
    reader.close()


def test_unchanged_rules_give_identical_incidents(journal: Reader, recorded: tuple[Path, Loaded]) -> None:
    loaded = recorded[1]
    for ruleset in (None, compile_rules(loaded.rules)):
        done = backtest(journal, loaded, ruleset, begin=BEGIN, end=BEGIN + timedelta(days=30))
        assert done.replayed.receipts == 300
        assert len(done.comparison.before) > 20
        assert done.comparison.identical, "\n".join(done.comparison.text())


@pytest.mark.parametrize(
    "change, kind, fails, holds",
    [
        (("level: 3", "level: 1"), "level", "level-1 > +0", "level-1 < +0"),
        (("within: 30m", "within: 1s"), "newly-opened", "incidents > +10%", "incidents < +10%"),
        (
            ("by: [service, environment]", "by: [service]"),
            "no-longer-opened",
            "incidents < +0",
            "pages > 9999",
        ),
    ],
)
def test_changed_rules_differ_in_what_they_say(
    journal: Reader,
    recorded: tuple[Path, Loaded],
    rules: Callable[..., object],
    change: tuple[str, str],
    kind: str,
    fails: str,
    holds: str,
) -> None:
    changed = rules("", head=RULES.replace(*change))
    done = backtest(journal, recorded[1], changed, begin=BEGIN, end=BEGIN + timedelta(days=30))  # type: ignore[arg-type]
    assert kind in {one.kind for one in done.comparison.changes}
    assert done.comparison.fails(fails)
    assert not done.comparison.fails(holds)
    assert done.comparison.fails("changed > 0")


@pytest.mark.parametrize("text", ["", "pages", "pages > ", "pagers > 1", "pages > +1e5", "changed > +1"])
def test_a_fail_if_that_says_nothing_is_refused(
    journal: Reader, recorded: tuple[Path, Loaded], text: str
) -> None:
    done = backtest(journal, recorded[1], None, begin=BEGIN, end=BEGIN + timedelta(hours=1))
    with pytest.raises(ValueError, match=r"write it like|plain number"):
        done.comparison.fails(text)


def test_a_part_of_history_is_compared_with_what_was_open_before_known(
    journal: Reader, recorded: tuple[Path, Loaded]
) -> None:
    begin = BEGIN + timedelta(hours=12)
    done = backtest(journal, recorded[1], None, begin=begin, end=begin + timedelta(hours=12))
    assert done.comparison.before
    assert all(one.at is not None and one.at >= begin for one in done.comparison.before)
    assert done.comparison.identical, "\n".join(done.comparison.text())


def test_the_command_says_what_differs_and_exits_by_what_was_asked(
    recorded: tuple[Path, Loaded], monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    lowered: list[bool] = []
    # In this process the least priority would stay for all tests to come.
    monkeypatch.setattr("irpd.cli.rules._in_the_background", lambda: lowered.append(True))
    folder = recorded[0]
    (folder / "changed").mkdir(exist_ok=True)
    (folder / "changed" / "rules.yaml").write_text(RULES.replace("level: 3", "level: 1"))
    common = [
        "rules", "backtest", "--from", "2026-11-23T00:00:00Z", "--to", "2026-12-20T00:00:00Z", "--config",
        str(folder / "irpd.yaml"), "--journal", str(folder / "irpd.db"),
    ]  # fmt: skip
    same = CliRunner().invoke(group, [*common, "--as-it-was", "--fail-if", "changed > 0"])
    assert same.exit_code == 0, same.output
    assert lowered == [True]
    assert "incidents are the same." in same.output
    changed = ["--rules", str(folder / "changed")]
    other = CliRunner().invoke(group, [*common, *changed, "--fail-if", "level-1 > +0"])
    assert other.exit_code == 1, other.output
    assert "level 3 -> 1" in other.output
    assert "pages to" in other.output
    data = CliRunner().invoke(group, [*common, *changed, "--json"])
    document = json.loads(data.output)
    assert (document["schema"], document["identical"], document["signals"]) == ("irpd.backtest/1", False, 300)
    assert CliRunner().invoke(group, [*common, "--fail-if", "x"]).exit_code == 2


class Told:
    """A journal that says just this."""

    def __init__(self, *facts: Fact) -> None:
        self._facts = facts

    def facts(self, *, after: int = 0, subject: str | None = None) -> Iterator[Fact]:
        return iter(self._facts)

    def receipts(self, after: int, limit: int) -> list[Receipt]:
        every = [Receipt(id=n, source="alertmanager", at=BEGIN, body=b"") for n in range(1, 10)]
        return [one for one in every if one.id > after][:limit]

    def config(self, hash: str) -> bytes | None:
        return None


def test_repeats_that_do_not_say_their_number_are_of_the_next_receipt() -> None:
    minutes = [BEGIN + timedelta(minutes=n) for n in range(5)]
    journal = Told(
        Fact(subject="source:a", event=e.ReceiptTaken(receipt=5, body="b"), at=minutes[0], seq=1),
        Fact(subject="source:a", event=e.SignalsRepeated(sids=(1, 1), body="b"), at=minutes[1], seq=2),
        Fact(subject="source:a", event=e.SignalsRepeated(sids=(1, 1), body="b"), at=minutes[2], seq=3),
        Fact(
            subject="source:a", event=e.ReceiptTaken(receipt=8, body="b", more=("c",)), at=minutes[3], seq=4
        ),
    )
    history = history_of(journal, BEGIN, END)
    at = {one.receipt: one.at for one in history.happenings}
    assert [at[number] for number in (5, 6, 7, 8, 9)] == [*minutes[:4], minutes[3]]
    # Receipts that no event names, as older journals have them, come when they came in.
    assert [one.receipt for one in history.happenings if one.at == BEGIN] == [5, 1, 2, 3, 4]
