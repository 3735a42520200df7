"""Timelines with what keeps people asleep: what is muted and why, storms, what is due meanwhile."""

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from irpd.config.load import load_configuration
from irpd.config.problem import ConfigurationError
from irpd.config.values import Configuration
from irpd.rehearsal.suite import rehearse
from irpd.triage.report import Report
from irpd.triage.ruleset import RuleSet
from tests.unit.rehearsal.test_backtest_of_noise import RULES, configured

Rules = Callable[..., RuleSet]
ALERT = "to: alertmanager, signal: "
NIGHT = 'at: "2026-11-24 03:00 Europe/Berlin"'


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory, configuration_text: str) -> Configuration:
    folder = tmp_path_factory.mktemp("noise")
    configured(folder, configuration_text)
    return load_configuration([folder / "irpd.yaml"]).configuration


def run(rules: Rules, noisy: Configuration, steps: str, expect: str, more: str = "until: 2m") -> Report:
    lines = "".join(f"    - {{{step.strip()}}}\n" for step in steps.strip().splitlines())
    test = f"- name: a\n  {more}\n  timeline:\n{lines}  expect: {{{expect}}}\n"
    return rehearse(rules(textwrap.indent(test, "  "), Path("rules"), RULES + "tests:\n"), noisy)


HELD = ALERT + "{key: c, title: Canary, labels: {category: canary}}"
BATCH = ALERT + "{key: b, title: Batch, labels: {category: batch}}"
OUTAGE = ALERT + "{key: d, title: Database, labels: {service: database, category: payment}}"
REPORTS = ALERT + "{key: r, title: Reports, labels: {service: reports}}"
SILENCE = "by: asha, silence: {match: {labels.category: other}, for: 1h}"
OTHER = ALERT + "{key: o, title: Other, labels: {category: other, service: checkout}}"
ANSWER = "after: 1m, answer: {service: checkout, affected: 900}"
MANY = "\n".join(ALERT + f"{{key: s{n}, labels: {{category: minor}}}}" for n in range(7))


@pytest.mark.parametrize(
    "steps, right, wrong, said, more",
    [
        (HELD, "muted: {kind: hold, by: canary}", "muted: {kind: window}", "[Canary (hold canary)]", ""),
        (HELD, "incidents: [{title: Canary}], muted: []", "incidents: []", "1", "until: 5m"),
        (f"{HELD}\n{HELD}\n{HELD}\n{HELD}", "muted: [], incidents: [{}]", "muted: Canary", "[]", ""),
        (BATCH, "muted: [{title: Batch, by: batch}]", "muted: []", "[Batch]", NIGHT),
        (BATCH, "muted: [], incidents: [{title: Batch}]", "muted: [Batch]", "[]", "until: 2h\n  " + NIGHT),
        (f"{OUTAGE}\n{REPORTS}", "muted: {kind: dependency, by: '1'}", "muted: [Database]", "[Reports]", ""),
        (f"{SILENCE}\n{OTHER}", "muted: [{kind: silence, by: '1'}], paged: []", "muted: []", "[Other]", ""),
        # In its incident it is muted too: that is one signal, not two.
        (f"{OTHER}\n{SILENCE}", "muted: Other, incidents: [{firing: 0}]", "muted: []", "[Other]", ""),
        (f"{SILENCE}\n{OTHER}\nby: asha, end_silence: 1", "incidents: [{}]", "muted: [Other]", "[]", ""),
        (f"{SILENCE}\n{OTHER}", "incidents: [{}], muted: []", "incidents: []", "1", "until: 1h"),
        (MANY, "incidents: [{}, {}, {}, {}, {}, {storm: true, signals: 7}]", "incidents: [{storm: true}]",
         "False", ""),
        (f"{OTHER}\n{ANSWER}", "incidents: [{level: 1}]", "incidents: [{level: 2}]", "1", ""),
    ],
)  # fmt: skip
def test_a_timeline_says_what_noise_came_to(
    rules: Rules, noisy: Configuration, steps: str, right: str, wrong: str, said: str, more: str
) -> None:
    assert (report := run(rules, noisy, steps, right, more or "until: 2m")).passed, report.text()
    differing = run(rules, noisy, steps, wrong, more or "until: 2m")
    assert any(one.got.startswith(said) for one in differing.results[0].differences), differing.text()


def test_a_failure_says_by_what_it_is_muted(rules: Rules, noisy: Configuration) -> None:
    report = run(rules, noisy, f"{HELD}\n{SILENCE}\n{OTHER}", "muted: []")
    assert "Canary: held by rule canary (canaries restart)" in report.results[0].why
    assert "Other: muted by silence 1 of asha (a test)" in report.results[0].why


@pytest.mark.parametrize(
    "steps, expect, message",
    [
        ("to: alertmanager, silence: {match: {service: a}, for: 1h}", "muted: []", "by is missing: who"),
        ("by: asha, silence: {match: {service: a}, for: 0m}", "muted: []", "timeline[0].silence.for"),
        ("by: asha, silence: {match: {}, for: 1m}", "muted: []", "an empty list; name at least one"),
        ("by: asha, end_silence: 0", "muted: []", "the number of a silence, 1 for the first"),
        ("by: asha, answer: {service: a, users: 1}", "muted: []", "is not for answer"),
        ("answer: {service: a}", "muted: []", "answers nothing: affected, users or both"),
        (HELD, "muted: [{why: x}]", "expect.muted[0].why: unknown key"),
        (HELD, "muted: [{kind: storm}]", "is not allowed here"),
        (HELD, "muted: 3", "expect.muted"),
    ],
)
def test_a_step_or_an_expectation_that_says_nothing_is_refused_with_its_place(
    rules: Rules, noisy: Configuration, steps: str, expect: str, message: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        run(rules, noisy, steps, expect)
    assert any(message in str(problem) for problem in caught.value.problems), caught.value.problems
    assert all(problem.line > 1 for problem in caught.value.problems)


def test_a_silence_that_names_what_is_not_there_fails_its_test(rules: Rules, noisy: Configuration) -> None:
    report = run(rules, noisy, "by: asha, silence: {match: {service: nowhere}, for: 1h}", "muted: []")
    assert "there is no service 'nowhere'" in str(report.results[0].differences[0])


def test_a_rule_that_held_something_back_has_decided(rules: Rules, noisy: Configuration) -> None:
    covered = {one.rule: one.decided for one in run(rules, noisy, HELD, "incidents: []").coverage}
    assert (covered["canary"], covered["pay"]) == (1, 0)
