"""Two sources, three people, one path: what timelines are played in."""

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from irpd.config.load import load_configuration
from irpd.config.values import Configuration
from irpd.config.yaml import parse_document
from irpd.triage.ruleset import RuleSet, compile_rules

CONFIGURATION = """\
version: 1
unmapped: login
fallback: [emil]
channels: {quick: {type: file, path: a.jsonl}, loud: {type: file, path: b.jsonl}}
notify:
  default: [{after: 0m, via: [quick]}, {after: 2m, via: [loud], levels: [1, 2]}]
people:
  asha: {name: Asha Rao, time_zone: Europe/Berlin}
  chi: {name: Chi Okafor, time_zone: Africa/Lagos}
  emil: {name: Emil Novak, time_zone: Europe/Prague}
schedules:
  first:
    time_zone: Europe/Berlin
    layers: [{rotate: weekly, handoff: "Mon 09:00", start: "2026-01-05", people: [asha]}]
paths:
  engineering: {kind: technical, steps: [{schedule: first, wait: 5m}, {person: chi, wait: 10m}]}
services:
  checkout:
    users: {count: 1000}
    paths: {technical: engineering}
    signals: [{source: alertmanager, labels: {service: checkout}}]
  login: {paths: {technical: engineering}}
sources:
  alertmanager: {type: alertmanager, auth: none}
  sentry: {type: sentry, auth: none}
  helpdesk: {type: ticket, auth: none, fields: {key: id}}
"""

RULES = """\
version: 1
rules:
  - {id: pay, match: {labels: {category: payment}}, level: 1, because: payments}
  - {id: minor, match: {labels: {category: minor}}, level: 3, because: minor}
group:
  - {id: by, match: {service: checkout}, by: [service], within: 30m}
tests:
"""


@pytest.fixture(scope="session")
def configuration_text() -> str:
    return CONFIGURATION


@pytest.fixture(scope="session")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    file = tmp_path_factory.mktemp("configuration") / "irpd.yaml"
    file.write_text(CONFIGURATION)
    return load_configuration([file]).configuration


@pytest.fixture(scope="session")
def rules() -> Callable[..., RuleSet]:
    def compiled(tests: str, folder: Path = Path("rules"), head: str = RULES) -> RuleSet:
        return compile_rules([parse_document(head + textwrap.dedent(tests), str(folder / "a.yaml"))])

    return compiled
