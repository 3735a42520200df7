"""``irpd rules test``: each expectation can fail, and says with a place what was wanted and what came."""

from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest

from irpd.config.values import Configuration
from irpd.triage.ruleset import RuleSet
from irpd.triage.testing import run_tests

Rules = Callable[..., RuleSet]
RULES = """\
version: 1
rules:
  - {id: pay, match: {labels: {category: payment}}, level: 1, regimes: [pci-dss], because: payments}
  - {id: flood, match: {source: helpdesk}, when: reporters >= 20 && open_minutes >= 10, level: 3, because: x}
  - {id: night, when: 'at.getHours("Europe/Berlin") < 6', at_most: 3, because: night}
  - {id: health, match: {labels: {data: health}}, regimes: [hipaa], because: health}
group:
  - {id: by, by: [service]}
tests:
"""
CONFIGURATION = Configuration.model_validate(
    {
        "version": 1, "unmapped": "login", "fallback": ["emil"],
        "channels": {}, "notify": {}, "people": {}, "paths": {},
        "services": {
            "checkout": {
                "users": {"count": 1000},
                "signals": [{"source": "alertmanager", "labels": {"service": "checkout"}}],
            },
            "login": {},
        },
        "sources": {
            "alertmanager": {"type": "alertmanager", "auth": "none"},
            "helpdesk": {"type": "ticket", "auth": "none"},
        },
    }
)  # fmt: skip


def run(rules: Rules, given: str, expect: str, more: str = "") -> list[str]:
    ruleset = rules(f"{RULES}  - {{name: t, {more} given: {{{given}}}, expect: {{{expect}}}}}\n")
    (result,) = run_tests(ruleset, CONFIGURATION).results
    assert result.passed == (not result.differences)
    return [str(difference) for difference in result.differences]


PAYMENT = "labels: {category: payment}"
HEALTH = "labels: {data: health}"
ALERT = "source: alertmanager, labels: {service: checkout}"
NIGHT = 'at: "2026-11-24 03:00 Europe/Berlin"'


@pytest.mark.parametrize(
    "given, expect, other, difference",
    [
        (PAYMENT, "level: 1", "level: 2", "level: wanted 2, got 1"),
        (PAYMENT, "rules: [pay]", "rules: [flood]", "rules: wanted [flood], got [pay]"),
        (PAYMENT, "rules: pay", "rules: []", "rules: wanted [], got [pay]"),
        ("labels: {}", "rules: []", "rules: [pay]", "rules: wanted [pay], got []"),
        (HEALTH, "held: health", "held: pay", "held: wanted [pay], got [health]"),
        (HEALTH, "not_held: pay", "not_held: health", "not_held: wanted [health], got [health]"),
        (HEALTH, "regimes: hipaa", "regimes: []", "regimes: wanted [], got [hipaa]"),
        (ALERT, "service: checkout", "service: login", "service: wanted login, got checkout"),
        ("source: helpdesk", "service: login", "service: checkout", "service: wanted checkout, got login"),
        ("service: login", "group: [by, login]", "group: []", "group: wanted [], got [by, login]"),
        ("source: helpdesk", "level: 4", "level: 2", "level: wanted 2, got 4"),
        ("source: alertmanager", "level: 2", "level: 4", "level: wanted 4, got 2"),
        ("service: checkout, affected: 100", "level: 3", "level: 4", "level: wanted 4, got 3"),
        ("service: checkout, affected: 99", "level: 4", "level: 3", "level: wanted 3, got 4"),
        ("affected: 1, users: 2", "level: 2", "level: 3", "level: wanted 3, got 2"),
        (
            "source: helpdesk, reporters: 20, open_minutes: 10",
            "level: 3",
            "level: 4",
            "level: wanted 4, got 3",
        ),
        (
            "source: helpdesk, reporters: 19, open_minutes: 10",
            "level: 4",
            "level: 3",
            "level: wanted 3, got 4",
        ),
        ('share: "1/3"', "level: 3", "level: 2", "level: wanted 2, got 3"),
        (f"{PAYMENT}, {NIGHT}", "level: 3, rules: night", "level: 1", "level: wanted 1, got 3"),
    ],
)
def test_each_expectation_passes_when_it_is_so_and_fails_when_it_is_not(
    rules: Rules, given: str, expect: str, other: str, difference: str
) -> None:
    assert run(rules, given, expect) == []
    assert run(rules, given, other) == [difference]


def test_the_time_of_a_test_is_that_of_its_cases(rules: Rules) -> None:
    assert run(rules, "share: 1", "level: 3", 'at: "2026-11-24 03:00 Europe/Berlin",') == []
    assert run(rules, "share: 1", "level: 1") == []


CASES = """\
  - name: edges
    cases:
      - {given: {share: 0.8001}, expect: {level: 1}}
      - {given: {share: 0.80}, expect: {level: 1}}
  - name: payments <&> "more"
    given: {labels: {category: payment}}
    expect: {level: 1}
"""


def test_a_failing_case_is_named_with_its_line_and_a_diff(rules: Rules) -> None:
    report = run_tests(rules(RULES + CASES))
    assert not report.passed
    assert [result.at for result in report.results] == [
        "rules/a.yaml:12",
        "rules/a.yaml:13",
        "rules/a.yaml:14",
    ]
    text = report.text()
    assert text.startswith(
        "rules/a.yaml:13: edges, case 2\n  - level: 1\n  + level: 2\n    level 2 because 80.0 %"
    )
    assert "2 of 3 cases passed\n1 of 4 rules decided in a case\n" in text
    assert "rules/a.yaml:4: flood decided in none" in text


def test_coverage_counts_rules_that_decided_not_those_that_merely_held(rules: Rules) -> None:
    covered = """\
  - {name: a, given: {labels: {category: payment}, share: 1}, expect: {level: 1}}
  - {name: b, given: {labels: {data: health}}, expect: {regimes: [hipaa]}}
  - {name: c, given: {source: helpdesk, reporters: 20, open_minutes: 10, share: 0.5}, expect: {level: 2}}
"""
    assert [name for name, _ in run_tests(rules(RULES + covered)).undecided] == ["flood", "night"]


def test_a_pattern_keeps_the_cases_that_it_names_and_says_nothing_of_coverage(rules: Rules) -> None:
    report = run_tests(rules(RULES + CASES), pattern="PAYments")
    assert (len(report.results), report.passed, report.partial) == (1, True, True)
    assert report.text() == "1 of 1 cases passed"
    assert report.data()["undecided"] is None
    assert len(run_tests(rules(RULES + CASES), pattern="a.yaml").results) == 3
    assert run_tests(rules(RULES + CASES), pattern="none such").results == ()


def test_a_rule_that_errs_fails_the_case_that_met_it(rules: Rules) -> None:
    ruleset = rules(
        """\
        version: 1
        rules: [{id: bad, when: 'labels.team == "x"', level: 1, because: x}]
        tests: [{name: t, given: {}, expect: {level: 2}}]
        """
    )
    (result,) = run_tests(ruleset).results
    assert [str(one) for one in result.differences] == [
        'rule bad: wanted an answer, got the error Key not found in map : "team"'
    ]


def test_the_report_is_junit_xml_too(rules: Rules) -> None:
    root = ET.fromstring(run_tests(rules(RULES + CASES)).junit())
    assert (root.tag, root.get("tests"), root.get("failures")) == ("testsuites", "3", "1")
    (suite,) = root
    assert [case.get("name") for case in suite] == ["edges, case 1", "edges, case 2", 'payments <&> "more"']
    assert [case.get("line") for case in suite] == ["12", "13", "14"]
    (failure,) = suite[1]
    assert failure.get("message") == "level: wanted 1, got 2"


def test_no_tests_are_no_failure(rules: Rules) -> None:
    report = run_tests(rules("version: 1\n"))
    assert (report.passed, report.text()) == (True, "0 of 0 cases passed\n0 of 0 rules decided in a case")
    assert ET.fromstring(report.junit()).get("tests") == "0"
