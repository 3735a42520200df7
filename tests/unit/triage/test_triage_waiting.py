"""Holds and windows of rule files: what is read, and what is doubtful."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from harness.house import CONFIG

from irpd.check.whole import check_files
from irpd.config.problem import ConfigurationError
from irpd.config.yaml import parse_document
from irpd.triage.ruleset import RuleSet, compile_rules

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def rules(text: str) -> RuleSet:
    return compile_rules([parse_document("version: 1\n" + text, "a.yaml")])


def window(**keys: str) -> str:
    inside = ", ".join(f"{name}: {value}" for name, value in keys.items())
    return (
        "silences:\n  - id: w\n    match: {service: checkout}\n"
        f"    window: {{{inside}, time_zone: Europe/Berlin}}\n    because: x\n"
    )


def test_a_rule_may_only_hold() -> None:
    (rule,) = rules(
        "rules:\n  - {id: r, match: {service: s}, hold: {for: 5m, or_count: 3}, because: x}\n"
    ).rules
    assert rule.hold is not None
    assert (rule.hold.seconds, rule.hold.or_count) == (300.0, 3)
    assert rule.effect == {"hold": {"for_seconds": 300.0, "or_count": 3}}


def test_without_holds_and_windows_nothing_is_asked() -> None:
    assert rules("rules:\n  - {id: r, match: {service: s}, level: 2, because: x}\n").quieting.empty
    assert not rules(window(**{"from": '"02:00"', "to": '"04:00"'})).quieting.empty


@pytest.mark.parametrize(
    "text, said",
    [
        ("rules:\n  - {id: r, hold: {or_count: 3}, because: x}\n", "for is missing"),
        ("rules:\n  - {id: r, hold: {for: 0s}, because: x}\n", "greater than 0"),
        ("rules:\n  - {id: r, hold: {for: 5m, or_count: 1}, because: x}\n", "a whole number"),
        (window(**{"from": '"02:00"', "to": '"26:00"'}), "not a time of day"),
        (window(**{"from": '"02:00"', "to": '"2026-12-05 04:00"'}), "not a time of day"),
        (window(**{"from": '"2026-12-05 02:00"', "to": '"04:00"'}), "is not a time"),
        (window(**{"from": '"2026-12-05 02:00"', "to": '"2026-12-05 01:00"'}), "this never holds"),
        (window(**{"from": '"2026-12-05 02:00"', "to": '"2026-12-06 01:00"', "days": "[Sun]"}), "recurs"),
        (window(**{"from": '"2026-03-29 02:30"', "to": '"2026-03-30 01:00"'}), "does not exist"),
        (window(**{"from": '"02:00"', "to": '"04:00"', "until": '"soon"'}), "is not a day"),
        (window(**{"from": '"02:00"', "to": '"04:00"', "days": "[Sonntag]"}), "Sonntag"),
        (window(**{"from": '"02:00"', "to": '"04:00"'}).replace("Europe/Berlin", "Berlin"), "no time zone"),
        (
            window(**{"from": '"02:00"', "to": '"04:00"'}) + window(**{"from": '"2:00"', "to": "x"})[10:],
            "already",
        ),
    ],
)
def test_what_is_wrong_is_said(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        rules(text)
    assert said in "\n".join(map(str, caught.value.problems))


@pytest.mark.parametrize(
    "text, said",
    [
        (window(**{"from": '"2026-01-05 02:00"', "to": '"2026-01-06 01:00"'}), "mutes nothing any more"),
        (window(**{"from": '"02:00"', "to": '"04:00"', "until": '"2026-11-01"'}), "at no time"),
        (
            window(**{"from": '"02:15"', "to": '"02:45"', "since": '"2027-03-28"', "until": '"2027-03-28"'}),
            "at no time",
        ),
        (window(**{"from": '"00:00"', "to": '"24:00"'}), "more than 7 days on end"),
        (
            window(**{"from": '"02:00"', "to": '"04:00"'}).replace("match: {service: checkout}", "match: {}"),
            "every",
        ),
        (window(**{"from": '"02:00"', "to": '"04:00"'}).replace("checkout", "chekout"), "no service"),
    ],
)
def test_what_is_doubtful_is_a_warning(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "irpd.yaml").write_text(CONFIG + "rules: [rules.yaml]\n")
    (tmp_path / "rules.yaml").write_text("version: 1\n" + text)
    checked = check_files([tmp_path / "irpd.yaml"], now=NOW)
    problems = [one for one in checked.problems if "rules.yaml" in one.file]
    assert {one.severity for one in problems} == {"warning"}
    assert any(said in str(one) for one in problems), problems


def test_a_window_that_is_well_is_not_doubted(tmp_path: Path) -> None:
    (tmp_path / "irpd.yaml").write_text(CONFIG + "rules: [rules.yaml]\n")
    text = window(**{"from": '"02:00"', "to": '"04:00"', "days": "[Sun]", "until": '"2027-03-31"'})
    (tmp_path / "rules.yaml").write_text("version: 1\n" + text)
    checked = check_files([tmp_path / "irpd.yaml"], now=NOW)
    assert [one for one in checked.problems if "rules.yaml" in one.file] == []
