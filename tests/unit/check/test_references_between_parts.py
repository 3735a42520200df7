"""Every name that stands for something else must name something."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from irpd.check import check, check_files
from irpd.config.load import load_configuration
from irpd.config.problem import Problem

Write = Callable[..., list[str]]
NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)

REFERENCES = [
    ("unmapped: platform", "unmapped: platfrom", "unmapped", 'no service "platfrom"; did you mean platform?'),
    ("fallback: [emil]", "fallback: [emli]", "fallback[0]", 'no person "emli"; did you mean emil?'),
    ("fallback: [emil]", "fallback: [emil]\noperators: [x]", "operators[0]", 'no person "x"'),
    (
        "{technical: engineering}\n    s",
        "{technical: x}\n    s",
        "services.checkout.paths.technical",
        'no path "x"',
    ),
    ("source: alertmanager", "source: prometheus", "services.checkout.signals[0].source", "no source"),
    (
        "source: alertmanager",
        "source: [alertmanager, x]",
        "services.checkout.signals[0].source[1]",
        "no source",
    ),
    ("via: [local]", "via: [local, loca]", "notify.default[0].via[1]", "did you mean local?"),
    ("Emil Novak", "Emil Novak, notify: quick", "people.emil.notify", 'no notify "quick"'),
    ("Emil Novak", "Emil, notify: [{via: [sms]}]", "people.emil.notify[0].via[0]", 'no channel "sms"'),
    ("Emil Novak", "Emil, addresses: {sms: x}", "people.emil.addresses.sms", 'no channel "sms"'),
    ("[asha, emil]", "[asha, eml]", "schedules.first-responder.layers[0].people[1]", "did you mean emil?"),
    ("{schedule: first-responder", "{schedule: first", "paths.engineering.steps[0].schedule", "no schedule"),
    ("{person: emil", "{person: cih", "paths.engineering.steps[1].person", 'no person "cih"'),
    (
        "version: 1",
        "version: 1\nroles: {commander: {schedule: x}}",
        "roles.commander.schedule",
        "no schedule",
    ),
    ("version: 1", "version: 1\nroles: {commander: {person: x}}", "roles.commander.person", "no person"),
    ("default: [", "quick: [", "notify", "default is missing; it is for asha, emil"),
    ("{person: emil, wait", "{wait", "paths.engineering.steps[1]", "can never fire"),
    (
        "version: 1",
        "version: 1\nroles: {commander: {person: emil, schedule: first-responder}}",
        "roles.commander",
        "not both",
    ),
    ("{person: emil, wait", "{person: [], wait", "paths.engineering.steps[1]", "can never fire"),
    (
        "{person: emil, wait",
        "{person: [emil, eml], wait",
        "paths.engineering.steps[1].person[1]",
        "mean emil?",
    ),
    ("{person: emil, wait", "{team: payments, wait", "paths.engineering.steps[1].team", 'no team "payments"'),
    (
        "version: 1",
        "version: 1\nteams: {payments: {people: [eml]}}",
        "teams.payments.people[0]",
        "mean emil?",
    ),
    (
        "version: 1",
        "version: 1\nteams: {payments: {schedules: [x]}}",
        "teams.payments.schedules[0]",
        "no schedule",
    ),
    ("version: 1", "version: 1\nteams: {payments: {}}", "teams.payments", "can never fire"),
    (
        "{technical: engineering}\n    s",
        "{technical: engineering, business: {path: x, levels: [1]}}\n    s",
        "services.checkout.paths.business.path",
        'no path "x"',
    ),
    ("version: 1", "version: 1\nroles: {commander: {}}", "roles.commander", "can never fire"),
]


@pytest.mark.parametrize("old, new, path, says", REFERENCES)
def test_a_name_that_names_nothing_is_an_error_at_its_place(
    write: Write, good: str, old: str, new: str, path: str, says: str
) -> None:
    assert old in good
    loaded = load_configuration(write(irpd=good.replace(old, new, 1)))
    problems = [problem for problem in check(loaded, now=NOW)[0] if problem.severity == "error"]
    assert [problem.path for problem in problems] == [path]
    assert says in problems[0].message
    assert problems[0].line > 1


def test_the_names_that_there_are_come_with_it(write: Write, good: str) -> None:
    loaded = load_configuration(write(irpd=good.replace("{person: emil", "{person: cih")))
    (problem,) = check(loaded, now=NOW)[0]
    assert problem.allowed == ("asha", "emil")
    assert str(problem) == (
        'irpd.yaml:25:61: error: paths.engineering.steps[1].person: no person "cih" (asha, emil)'
    )


def test_names_are_looked_up_although_other_things_are_wrong(write: Write, good: str) -> None:
    text = good.replace('"+4915100000001"', "+49").replace("{person: emil", "{person: cih")
    checked = check_files(
        write(irpd=text.replace("time_zone: Europe/Berlin", "time_zone: Europe/Berln")), now=NOW
    )
    assert [problem.path for problem in checked.problems] == [
        "people.asha.phone",
        "schedules.first-responder.time_zone",
        "paths.engineering.steps[1].person",
    ]
    assert not checked.good
    assert checked.loaded is None


def test_a_rule_about_what_is_not_there_is_a_warning(write: Write, good: str) -> None:
    rules = """\
version: 1
rules:
  - {id: a, match: {service: chekout}, level: 1, because: x}
  - {id: b, match: {source: [alertmanager, sentry]}, level: 1, because: x}
group:
  - {id: c, match: {service: [checkout]}, by: [service]}
"""
    names = write(irpd=good + "rules: [r.yaml]\n", r=rules)
    problems: list[Problem] = []
    problems += check(load_configuration(names[:1]), now=NOW)[0]
    unknown = [problem for problem in problems if "never holds" in problem.message]
    assert [(problem.file, problem.line, problem.severity) for problem in unknown] == [
        ("r.yaml", 3, "warning"),
        ("r.yaml", 4, "warning"),
    ]
    assert "did you mean checkout?" in unknown[0].message
