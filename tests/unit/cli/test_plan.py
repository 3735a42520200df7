"""What `irpd rules explain` says of who is paged is what the protocol would do."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from irpd.cli.plan import Plan
from irpd.config.load import load_configuration
from irpd.model.signal import Signal, Status
from irpd.protocol.policy import Policy
from irpd.triage.ruleset import compile_rules
from irpd.triage.service import ServiceIndex

ROOT = Path(__file__).resolve().parents[3]
SUNDAY_NIGHT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def policy() -> Policy:
    loaded = load_configuration([ROOT / "config"])
    configuration = loaded.configuration
    return Policy(configuration, compile_rules(loaded.rules), ServiceIndex(configuration), loaded.hash)


def plan(policy: Policy, category: str) -> str:
    labels = {"service": "checkout", "category": category}
    signal = Signal(key="1", status=Status.FIRING, title="t", labels=labels)
    return Plan(policy, "alertmanager", signal, SUNDAY_NIGHT).text(None)


def test_a_critical_one_is_paged_at_once_and_the_second_step_follows(policy: Policy) -> None:
    # dora is asked to command.
    paged, told = plan(policy, "payment").split("   tells ")
    assert paged == "ben by local; 3m local; dora by local; 3m local; 5m chi"
    assert told == "team, executives, support-desk"


def test_a_medium_one_waits_for_working_hours_and_steps_wait_half_the_objective(policy: Policy) -> None:
    # Sunday 03:00 in Berlin to Monday 09:00, when the week is handed over; two hours to the next step.
    assert plan(policy, "intermittent") == "1d6h asha by local; 1d8h chi   tells team, support-desk"


def test_a_low_one_tells_the_first_step_and_nobody_after_that(policy: Policy) -> None:
    assert plan(policy, "cosmetic").endswith("quietly, and nobody after that   tells team")
    assert "chi" not in plan(policy, "cosmetic")
