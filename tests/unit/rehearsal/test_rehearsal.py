"""``irpd rules test``: timelines run through the protocol, and each expectation can fail with what came."""

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from irpd.config.audiences import Audience
from irpd.config.problem import ConfigurationError
from irpd.config.values import Configuration
from irpd.rehearsal.suite import rehearse
from irpd.triage.report import Report
from irpd.triage.ruleset import RuleSet

Rules = Callable[..., RuleSet]
PAYLOADS = Path(__file__).parents[2] / "payloads"

TWO_ALERTS = """\
- name: two alerts of one outage are one incident and one page
  at: "2026-11-24 03:00 Europe/Berlin"
  timeline:
    - {after: 0m, to: alertmanager, signal: {key: a, labels: {service: checkout, category: payment}}}
    - {after: 1m, to: alertmanager, signal: {key: b, labels: {service: checkout}}}
  expect: {EXPECT}
"""
ONE = "{service: checkout, level: 1, signals: 2, firing: 2, state: open, rules: [pay], regimes: []}"
PAGED = "[{after: 0m, person: asha, via: [quick]}, {after: 2m, person: asha, via: loud}]"


def run(rules: Rules, configuration: Configuration, tests: str, **options: Path) -> Report:
    return rehearse(rules(textwrap.indent(tests, "  "), **options), configuration)


def differences(report: Report) -> list[str]:
    return [str(one) for result in report.results for one in result.differences]


def test_a_timeline_goes_through_the_real_protocol(rules: Rules, configuration: Configuration) -> None:
    report = run(rules, configuration, TWO_ALERTS.replace("EXPECT", f"incidents: [{ONE}], paged: {PAGED}"))
    assert report.passed, report.text()
    assert [(one.rule, one.held, one.decided) for one in report.coverage] == [("pay", 1, 1), ("minor", 0, 0)]


@pytest.mark.parametrize(
    "expect, difference",
    [
        ("incidents: []", "incidents: wanted 0, got 1: checkout level 1 open signals 2"),
        (f"incidents: [{ONE}, {{}}]", "incidents: wanted 2, got 1: checkout level 1 open signals 2"),
        ("incidents: [{level: 2}]", "incidents[0].level: wanted 2, got 1"),
        ("incidents: [{service: login}]", "incidents[0].service: wanted login, got checkout"),
        ("incidents: [{title: x}]", "incidents[0].title: wanted x, got a"),
        ("incidents: [{signals: 3}]", "incidents[0].signals: wanted 3, got 2"),
        ("incidents: [{firing: 1}]", "incidents[0].firing: wanted 1, got 2"),
        ("incidents: [{state: closed}]", "incidents[0].state: wanted closed, got open"),
        ("incidents: [{rules: minor}]", "incidents[0].rules: wanted [minor], got [pay]"),
        ("incidents: [{rules: []}]", "incidents[0].rules: wanted [], got [pay]"),
        ("incidents: [{regimes: gdpr}]", "incidents[0].regimes: wanted [gdpr], got []"),
        ("incidents: [{acknowledged_by: asha}]", "incidents[0].acknowledged_by: wanted [asha], got []"),
        ("paged: []", "paged: wanted nothing, got 0s asha by quick"),
        ("paged: [{after: 0m, person: chi}]", "paged: wanted 0s chi, got nothing"),
        (
            "paged: [{after: 0m, person: asha, via: loud}]",
            "paged: wanted 0s asha by loud, got 0s asha by quick",
        ),
        ("told: [{after: 0m, person: asha}]", "told: wanted 0s asha, got nothing"),
        ("muted: [a]", "muted: wanted [a], got []"),
    ],
)
def test_each_expectation_of_a_timeline_fails_with_what_came(
    rules: Rules, configuration: Configuration, expect: str, difference: str
) -> None:
    report = run(rules, configuration, TWO_ALERTS.replace("EXPECT", expect))
    assert difference in differences(report)
    assert report.results[0].at == "rules/a.yaml:8"
    assert "    0s page asha by quick (#1)" in report.results[0].why


@pytest.mark.parametrize(
    "step, said",
    [
        ("{after: 1m, by: ahsa, acknowledge: 1}", 'no person "ahsa"; did you mean asha?'),
        (
            "{after: 1m, to: alertmanager, signal: {service: chekout}}",
            'no service "chekout"; did you mean checkout?',
        ),
        ("{after: 1m, answer: {service: chekout, affected: 3}}", 'no service "chekout"'),
    ],
)
def test_a_step_that_names_what_is_not_there_fails_the_test(
    rules: Rules, configuration: Configuration, step: str, said: str
) -> None:
    timeline = "[{to: alertmanager, signal: {key: a, labels: {service: checkout}}}, " + step + "]"
    report = run(rules, configuration, f"- {{name: a, timeline: {timeline}, expect: {{muted: []}}}}\n")
    (difference,) = differences(report)
    assert difference.startswith("timeline[1]: wanted a step that can be taken, got")
    assert said in difference


@pytest.mark.parametrize("signals", ["a", "ab"])
def test_that_an_incident_flaps_is_so_however_many_of_its_signals_do(
    rules: Rules, configuration: Configuration, signals: str
) -> None:
    steps = [
        f"    - {{after: {minute}m, to: alertmanager, signal: {{key: {key}, status: {status}, "
        "labels: {service: checkout, category: payment}}}\n"
        for minute, status in enumerate(("firing", "resolved") * 3)
        for key in signals
    ]
    timeline = f"- name: a\n  timeline:\n{''.join(steps)}  expect: {{incidents: [{{flapping: true}}]}}\n"
    assert run(rules, configuration, timeline).passed


def test_people_act_and_the_path_stops(rules: Rules, configuration: Configuration) -> None:
    report = run(
        rules,
        configuration,
        """\
- name: the one who can't hands on, the next one has it and ends it
  timeline:
    - {to: alertmanager, signal: {key: a, labels: {service: checkout, category: payment}}}
    - {after: 1m, by: asha, cant: 1}
    - {after: 2m, by: chi, acknowledge: 1}
    - {after: 20m, to: alertmanager, signal: {key: a, status: resolved, labels: {service: checkout}}}
    - {after: 21m, by: chi, resolve: 1}
  until: 2h
  expect:
    incidents: [{state: closed, acknowledged_by: chi, firing: 0}]
    paged: [{after: 0m, person: asha, via: quick}, {after: 1m, person: chi, via: quick}]
""",
    )
    assert report.passed, report.text()


def test_what_is_due_at_the_instant_of_a_step_comes_after_it(
    rules: Rules, configuration: Configuration
) -> None:
    report = run(
        rules,
        configuration,
        """\
- name: an answer at the last moment stops the second message and the second step
  timeline:
    - {to: alertmanager, signal: {key: a, labels: {service: checkout, category: payment}}}
    - {after: 2m, by: asha, acknowledge: 1}
  until: 20m
  expect: {paged: [{after: 0m, person: asha, via: quick}]}
""",
    )
    assert report.passed, report.text()


@pytest.mark.parametrize("at, after", [("03:00", "6h"), ("12:00", "0m")])
def test_level_three_waits_for_working_hours(
    rules: Rules, configuration: Configuration, at: str, after: str
) -> None:
    report = run(
        rules,
        configuration,
        f"""\
- name: nobody gets up for it
  at: "2026-11-24 {at} Europe/Berlin"
  timeline: [{{to: alertmanager, signal: {{labels: {{service: checkout, category: minor}}}}}}]
  until: {after}
  expect: {{incidents: [{{level: 3}}], paged: [{{after: {after}, person: asha, via: quick}}], told: []}}
""",
    )
    assert report.passed, report.text()


def test_a_payload_beside_the_rules_is_read_by_its_source(
    rules: Rules, configuration: Configuration, tmp_path: Path
) -> None:
    (tmp_path / "fixtures").mkdir()
    for name in (
        "alertmanager--single-firing.json",
        "sentry--issue-ignored.json",
        "sentry--issue-created.json",
    ):
        (tmp_path / "fixtures" / name).write_bytes((PAYLOADS / name).read_bytes())
    report = run(
        rules,
        configuration,
        """\
- name: an alert and an issue
  timeline:
    - {post: fixtures/alertmanager--single-firing.json, to: alertmanager}
    - {after: 1m, post: fixtures/sentry--issue-created.json, to: sentry}
    - after: 2m
      post: fixtures/sentry--issue-created.json
      to: sentry
      headers: {Sentry-Hook-Resource: issue}
  expect: {incidents: [{signals: 1}, {signals: 1}], muted: []}
""",
        folder=tmp_path,
    )
    assert report.passed, report.text()


def test_a_muted_signal_is_named(rules: Rules, configuration: Configuration) -> None:
    report = run(
        rules,
        configuration,
        """\
- name: ignored in Sentry
  timeline:
    - {to: sentry, signal: {key: i, title: Boom}}
    - {after: 1m, to: sentry, signal: {key: i, title: Boom, status: muted}}
  expect: {muted: Boom}
""",
    )
    assert report.passed, report.text()


@pytest.mark.parametrize(
    "step, got",
    [
        ("{post: nothing.json, to: alertmanager}", "rules/nothing.json: No such file or directory"),
        ("{post: ., to: alertmanager}", "rules: Is a directory"),
        ("{signal: {}, to: nowhere}", 'no source "nowhere"; there are alertmanager, sentry, helpdesk'),
        ("{acknowledge: 7, by: asha}", "there is no incident #7"),
    ],
)
def test_a_step_that_cannot_be_taken_fails_its_test_and_says_why(
    rules: Rules, configuration: Configuration, step: str, got: str
) -> None:
    report = run(
        rules, configuration, f"- {{name: a, timeline: [{step}], expect: {{incidents: [], muted: []}}}}\n"
    )
    (difference,) = differences(report)
    assert difference.startswith("timeline[0]: wanted a step that can be taken, got ")
    assert got in difference


@pytest.mark.parametrize(
    "given, pages, difference",
    [
        ("labels: {category: payment}", "[first]", None),
        ("labels: {category: payment}", "[asha]", None),
        ("labels: {category: payment}", "[chi]", "pages: wanted [chi], got [asha]"),
        ("labels: {category: payment}", "[]", "pages: wanted [], got [asha]"),
        ("labels: {category: minor}, at: '2026-11-24 12:00 Europe/Berlin'", "[first]", None),
        ("labels: {category: minor}, at: '2026-11-24 03:00 Europe/Berlin'", "[]", None),
        (
            "labels: {category: minor}, at: '2026-11-24 03:00 Europe/Berlin'",
            "first",
            "pages: wanted [first (asha)], got []",
        ),
        ("source: helpdesk", "[]", None),  # level 4 tells quietly
    ],
)
def test_a_case_says_who_is_paged_at_once(
    rules: Rules, configuration: Configuration, given: str, pages: str, difference: str | None
) -> None:
    report = run(
        rules,
        configuration,
        f"- {{name: a, given: {{service: checkout, {given}}}, expect: {{pages: {pages}}}}}\n",
    )
    assert differences(report) == ([] if difference is None else [difference])


@pytest.mark.parametrize(
    "tells, difference",
    [
        ("[team, executives]", None),
        ("[team]", "tells: wanted [team], got [team, executives]"),
        ("[]", "tells: wanted [], got [team, executives]"),
    ],
)
def test_a_case_says_which_audiences_are_told(
    rules: Rules, configuration: Configuration, tells: str, difference: str | None
) -> None:
    audiences = {name: Audience(via="quick") for name in ("team", "executives", "legal")}
    telling = configuration.model_copy(update={"audiences": audiences})
    case = f"{{service: checkout, labels: {{category: payment}}}}, expect: {{tells: {tells}}}"
    report = run(rules, telling, f"- {{name: a, given: {case}}}\n")
    assert differences(report) == ([] if difference is None else [difference])


def test_cases_and_timelines_stand_in_the_report_in_the_order_of_the_file(
    rules: Rules, configuration: Configuration
) -> None:
    tests = TWO_ALERTS.replace("EXPECT", "muted: []") + "- {name: z, given: {}, expect: {level: 2}}\n"
    ruleset = rules(textwrap.indent(tests, "  "))
    assert [one.name[:3] for one in rehearse(ruleset, configuration).results] == ["two", "z"]
    only = rehearse(ruleset, configuration, "two alerts")
    assert ([one.name[:3] for one in only.results], only.partial) == (["two"], True)


@pytest.mark.parametrize(
    "test, message",
    [
        ("timeline: []", "tests[0].timeline: an empty list; name at least one"),
        ("timeline: [{}], expect: {muted: []}", "nothing happens in it; one of post, signal, acknowledge"),
        ("timeline: [{post: a, signal: {}, to: b}], expect: {muted: []}", "post and signal in one step"),
        ("timeline: [{post: a}], expect: {muted: []}", "to is missing: the source"),
        ("timeline: [{acknowledge: 1}], expect: {muted: []}", "by is missing: who"),
        ("timeline: [{acknowledge: 0, by: a}], expect: {muted: []}", "1 for the first that opens"),
        ("timeline: [{acknowledge: 1, by: a, to: b}], expect: {muted: []}", "is not for acknowledge"),
        (
            "timeline: [{after: 2m, post: a, to: b}, {after: 1m, post: a, to: b}], expect: {muted: []}",
            "timeline[1].after: earlier than the step before; time goes on",
        ),
        ("timeline: [{after: 5, post: a, to: b}], expect: {muted: []}", "is not a duration"),
        ("timeline: [{post: a, to: b}]", "expects nothing, so it can't fail"),
        ("timeline: [{post: a, to: b}], expect: {level: 1}", "is of a case; say it of one of incidents"),
        ("timeline: [{post: a, to: b}], given: {}, expect: {muted: []}", "either a timeline, or given"),
        ("given: {}, expect: {incidents: []}", "is of a timeline"),
        ("given: {}, expect: {level: 1}, until: 5m", "is for a timeline"),
        (
            "timeline: [{post: a, to: b}], until: 1m, expect: {paged: [{after: 2m, person: x}]}",
            "earlier than the last after of the test",
        ),
    ],
)
def test_a_timeline_that_cannot_be_says_why_with_its_place(rules: Rules, test: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        rules(f"  - {{name: a, {test}}}\n")
    assert any(message in str(problem) for problem in caught.value.problems), caught.value.problems
    assert all(problem.line == 8 for problem in caught.value.problems)
