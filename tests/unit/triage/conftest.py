"""What the tests of triage share: rules from a text, and facts with everything filled in."""

import textwrap
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from irpd.config.yaml import parse_document
from irpd.model.share import UNKNOWN
from irpd.triage.facts import Facts
from irpd.triage.ruleset import RuleSet, compile_rules

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def facts_of(**given: Any) -> Facts:
    values: dict[str, Any] = {
        "source": "alertmanager",
        "source_type": "alertmanager",
        "service": "checkout",
        "status": "firing",
        "title": "Payments failing",
        "labels": {},
        "share": UNKNOWN,
        "at": NOON,
    }
    return Facts(**{**values, **given})


def rules_of(text: str, file: str = "rules/a.yaml") -> RuleSet:
    return compile_rules([parse_document(textwrap.dedent(text), file)])


@pytest.fixture(scope="session")
def facts() -> Callable[..., Facts]:
    return facts_of


@pytest.fixture(scope="session")
def rules() -> Callable[..., RuleSet]:
    return rules_of
