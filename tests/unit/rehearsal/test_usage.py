"""Rules that history never saw decide."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from irpd.cli.root import group
from irpd.engine.ports import Fact
from irpd.model import event as e
from irpd.model.incident import Contribution, LevelBy
from irpd.model.waits import WaitKind, Waits
from irpd.rehearsal import usage as module
from irpd.rehearsal.usage import Usage, usage
from irpd.triage.ruleset import RuleSet
from tests.unit.rehearsal.test_backtest import BEGIN

Rules = Callable[..., RuleSet]
RULES = """\
version: 1
rules:
  - {id: decides, level: 1, because: a}
  - {id: only-holds, level: 2, because: b}
  - {id: tags, regimes: [gdpr], because: c}
  - {id: waits, hold: {for: 5m}, because: d}
  - {id: never, level: 4, because: e}
"""
NOW = BEGIN + timedelta(days=30)


class Journal:
    def __init__(self, *facts: tuple[datetime, e.AnyEvent], bundle: bytes | None = None) -> None:
        self.told = [
            Fact(subject="incident:1", event=one, at=at, seq=n + 1) for n, (at, one) in enumerate(facts)
        ]
        self.bundle = bundle

    def facts(self, *, after: int = 0) -> Iterator[Fact]:
        return iter(self.told[after:])

    def head(self) -> tuple[int, bytes]:
        return len(self.told), b""

    def config(self, hash: str) -> bytes | None:
        return self.bundle


def opened(*said: Contribution) -> e.Opened:
    return e.Opened(
        number=1, title="a", services=("login",), level=1, level_by=LevelBy(kind="rule", because="a"),
        evidence_level=1, rules=said, rules_hash="x",
    )  # fmt: skip


DECIDED = opened(
    Contribution("decides", "held", level=1, decided=True), Contribution("only-holds", "held", level=2),
    Contribution("tags", "held", regimes=("gdpr",)), Contribution("never", "not-held"),
)  # fmt: skip
HELD = e.SignalWaits(
    sid=1, key="a/b", source="a", title="t", service="s",
    waits=Waits(kind=WaitKind.HOLD, by="waits", because="d", since=BEGIN),
)  # fmt: skip


def told(rules: Rules, journal: Journal, since: datetime = BEGIN) -> Usage:
    return usage(journal, rules("", head=RULES), since=since, now=NOW)


def unused(found: Usage) -> list[str]:
    return [problem.path for problem in found.problems]


def test_rules_that_decided_nothing_are_named_with_what_was_looked_at(rules: Rules) -> None:
    found = told(rules, Journal((BEGIN, DECIDED), (BEGIN, HELD)))
    assert unused(found) == ["only-holds", "never"]
    assert found.problems[0].line == 4
    assert found.problems[0].message == "decided nothing in history (2 decisions since 2026-11-23)"
    assert {problem.severity for problem in found.problems} == {"warning"}


def test_without_any_decision_nothing_is_said_of_rules(rules: Rules) -> None:
    assert told(rules, Journal()) == Usage(problems=(), decisions=0, since=None)
    assert not told(rules, Journal((BEGIN, e.Closed()))).problems


@pytest.mark.parametrize("count", [1, 2, 3, 8, 100])
def test_what_is_older_than_was_asked_for_does_not_count(rules: Rules, count: int) -> None:
    old = [(BEGIN - timedelta(seconds=count - n), HELD) for n in range(count)]
    found = told(rules, Journal(*old, (BEGIN, DECIDED)))
    assert (found.decisions, unused(found)) == (1, ["only-holds", "waits", "never"])


def test_of_a_long_history_the_newest_events_are_looked_at(
    rules: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    found = told(rules, Journal((BEGIN, DECIDED), *[(BEGIN, HELD)] * 2))
    assert (found.decisions, "decides" in unused(found)) == (2, True)


@pytest.mark.parametrize("days, new", [(20, True), (25, False)])
def test_a_rule_that_is_new_is_given_time(rules: Rules, days: int, new: bool, tmp_path: Path) -> None:
    from irpd.config.load import bundle, load_configuration
    from tests.unit.rehearsal.conftest import CONFIGURATION

    (tmp_path / "irpd.yaml").write_text(CONFIGURATION + "rules: [rules.yaml]\n")
    (tmp_path / "rules.yaml").write_text(RULES.replace("never", "another"))
    kept = bundle(load_configuration([tmp_path / "irpd.yaml"]))
    loaded = e.ConfigLoaded(hash="h")
    journal = Journal((BEGIN, DECIDED), (BEGIN + timedelta(days=days), loaded), bundle=kept)
    assert unused(told(rules, journal)) == (
        ["only-holds", "waits"] if new else ["only-holds", "waits", "never"]
    )


def test_check_says_it_and_refuses_what_is_no_duration(tmp_path: Path, configuration_text: str) -> None:
    (tmp_path / "irpd.yaml").write_text(
        configuration_text.replace("{key: id}", "{key: id, title: subject}") + "rules: [rules.yaml]\n"
    )
    (tmp_path / "rules.yaml").write_text(RULES)
    common = ["check", "--config", str(tmp_path / "irpd.yaml")]
    missing = CliRunner().invoke(group, [*common, "--history", "90d", "--journal", str(tmp_path / "no.db")])
    assert missing.exit_code == 1
    assert "no journal at" in missing.output
    bad = CliRunner().invoke(group, [*common, "--history", "often", "--journal", str(tmp_path / "no.db")])
    assert bad.exit_code == 2, bad.output
