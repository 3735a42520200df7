"""What ``irpd check`` says of rules beside the configuration: warnings, each with its place."""

from pathlib import Path

import pytest

from irpd.check import check_files
from irpd.rehearsal.coverage import untested

CONFIGURATION = """\
version: 1
rules: [rules.yaml]
unmapped: checkout
fallback: [emil]
sources:
  alertmanager: {type: alertmanager, auth: none}
  desk: {type: ticket, auth: none, fields: {key: id, title: title, labels.environment: env}}
services:
  checkout:
    paths: {technical: engineering}
    signals: [{source: alertmanager, labels: {service: checkout}}, {source: desk}]
channels: {local: {type: file, path: a.jsonl}}
notify: {default: [{after: 0m, via: [local]}, {after: 1m, via: [local]}]}
people: {emil: {name: Emil Novak, time_zone: Europe/Prague}}
schedules:
  first:
    time_zone: Europe/Prague
    layers: [{rotate: weekly, handoff: "Mon 09:00", start: "2026-01-05", people: [emil]}]
paths: {engineering: {kind: technical, steps: [{schedule: first, wait: 5m}]}}
"""
RULES = """\
version: 1
rules:
  - {id: a, match: {labels: {environment: staging}}, at_most: 4, because: x}
  - {id: b, match: {labels: {category: payment}}, level: 1, because: x}
tests:
  - {name: t, given: {labels: {environment: staging, category: payment}}, expect: {level: 4, rules: [a]}}
  - {name: u, given: {labels: {category: payment}}, expect: {level: 1}}
"""


def warnings(folder: Path, rules: str) -> list[str]:
    (folder / "irpd.yaml").write_text(CONFIGURATION)
    (folder / "rules.yaml").write_text(rules)
    checked = check_files([folder / "irpd.yaml"])
    assert checked.good, checked.problems
    assert checked.loaded is not None
    assert checked.ruleset is not None
    checked = checked.with_more(untested(checked.ruleset, checked.loaded.configuration), strict=False)
    return [str(problem).replace(f"{folder}/", "") for problem in checked.problems]


def test_rules_that_are_tested_and_named_rightly_get_no_warning(tmp_path: Path) -> None:
    assert warnings(tmp_path, RULES) == []


@pytest.mark.parametrize(
    "rule, warning",
    [
        ("- {id: c, match: {labels: {category: x}}, level: 2, because: x}", "c: decides in no test"),
        (
            '- {id: c, match: {labels: {category: x}}, when: status == "off", level: 2, because: x}',
            "c.when: when is never so for what match lets in: the rule can't hold",
        ),
        (
            "- {id: c, match: {labels: {category: x}}, when: count >= 1, level: 2, because: x}",
            "c.when: when is always so for what match lets in: leave it out",
        ),
        (
            "- {id: c, match: {labels: {enviroment: x}}, level: 2, because: x}",
            'label "enviroment" is named nowhere else; did you mean environment?',
        ),
        (
            '- {id: c, match: {labels: {category: x}}, when: labels.get("categroy") == "", level: 2, because: x}',  # noqa: E501
            'label "categroy" is named nowhere else; did you mean category?',
        ),
        (
            '- {id: c, match: {labels: {category: x}}, when: labels.team == "", level: 2, because: x}',
            "labels.team errs for a signal without that label",
        ),
        ("- {id: c, match: {service: chekout}, level: 2, because: x}", "did you mean checkout?"),
        ("- {id: c, match: {labels: {alertnam: x}}, level: 2, because: x}", "did you mean alertname?"),
        (
            "- {id: c, when: share < 0.1, at_most: 4, because: x}",
            "c.when: holds while nothing is known of users, because share is 0 then",
        ),
        (
            "- {id: c, when: count > 3 && !(affected >= 50), at_most: 4, because: x}",
            "because affected is 0 then",
        ),
        (
            "- {id: c, when: open_minutes * 2 > 30, level: 2, because: x}",
            "as in open_minutes >= 30, it is as time",
        ),
    ],
)
def test_a_doubtful_rule_is_named(tmp_path: Path, rule: str, warning: str) -> None:
    found = warnings(tmp_path, RULES.replace("tests:\n", f"  {rule}\ntests:\n"))
    assert any("rules.yaml:5" in one and warning in one for one in found), found


@pytest.mark.parametrize(
    "test, warning",
    [
        ("given: {source: alertmanger}, expect: {level: 2}", 'no source "alertmanger"; did you mean'),
        ("given: {service: chekout}, expect: {level: 2}", 'no service "chekout"; did you mean checkout?'),
        ("cases: [{given: {service: checkot}, expect: {level: 2}}]", 'no service "checkot"'),
        (
            "given: {}, expect: {level: 2, not_held: [aa]}",
            'no rule "aa"; did you mean a?',
        ),
        ("cases: [{given: {}, expect: {level: 2, held: [aa]}}]", 'no rule "aa"'),
        ("given: {}, expect: {level: 2, rules: [share-of-user]}", "did you mean share-of-users?"),
        ("given: {}, expect: {pages: [frist]}", 'no person or schedule "frist"; did you mean first?'),
        ("cases: [{given: {}, expect: {pages: [asha]}}]", 'no person or schedule "asha"'),
        (
            "timeline: [{to: nowhere, signal: {}}], expect: {muted: []}",
            'tests[2].timeline[0].to: no source "nowhere"',
        ),
        (
            "timeline: [{to: desk, signal: {}}], expect: {paged: [{person: emli}]}",
            'tests[2].expect.paged[0].person: no person "emli"; did you mean emil?',
        ),
        ("given: {}, expect: {level: 4}", "t3: this test fails: level: wanted 4, got 2"),
    ],
)
def test_a_test_that_names_what_is_not_there_or_fails_is_named(
    tmp_path: Path, test: str, warning: str
) -> None:
    found = warnings(tmp_path, RULES + f"  - {{name: t3, {test}}}\n")
    assert any("rules.yaml:8" in one and warning in one for one in found), found


def test_a_file_without_any_test_is_named_once(tmp_path: Path) -> None:
    found = warnings(tmp_path, RULES.partition("tests:")[0])
    assert found == ["rules.yaml:1:1: warning: 2 rules and no test"]


@pytest.mark.parametrize(
    "rule",
    [
        "{id: c, when: share_known && share < 0.1, at_most: 4, because: x}",
        "{id: c, when: share > 0.5, level: 1, because: x}",
        "{id: c, when: affected >= 50 || count > 9, level: 1, because: x}",
        "{id: c, match: {labels: {alertname: x}}, level: 1, because: x}",
    ],
)
def test_a_rule_that_does_not_take_the_unknown_for_few_gets_no_warning(tmp_path: Path, rule: str) -> None:
    found = warnings(tmp_path, RULES.replace("tests:\n", f"  - {rule}\ntests:\n"))
    assert [one for one in found if "decides in no test" not in one] == []


def test_a_service_of_somebody_elses_rules_is_no_mistake(tmp_path: Path) -> None:
    test = "  - {name: v, given: {service: search}, expect: {level: 2}}\n"
    assert [one for one in warnings(tmp_path, RULES + test) if "service" in one] == []
