"""A rule made expensive on purpose: refused at reload, and what is let in keeps the intake quick."""

from typing import Any

import pytest
from harness import ROOT, Irpd, firing

pytestmark = pytest.mark.acceptance

#: Each is just below what one rule may take; together they are just below what all may.
DEAREST = (
    'labels.exists(a, labels[a].matches("^x*y$"))',
    'labels.exists(a, labels[a].matches("^(x|y)*z$"))',
    'labels.exists(a, labels.exists(b, a == b && labels[a] == "c"))',
    'text.matches("(x*y){55}z")',
)  # fmt: skip
TOO_DEAR = (
    "labels.exists(a, labels.exists(b, labels.exists(c, a == b && b == c)))",
    'labels.exists(a, labels.exists(b, labels[b].matches("(x+x+)+y")))',
    'text.matches("(((a|b){10}){10}){10}c")',
    "text.matches(title)",
)


def rule_file(*conditions: str) -> str:
    lines = ["version: 1", "rules:"]
    for n, condition in enumerate(conditions):
        lines += [f"  - id: dear-{n}", "    when: >-", f"      {condition}", "    level: 3", "    because: x"]
    return "\n".join(lines) + "\n"


def hostile(n: int) -> dict[str, Any]:
    """As large as an alert that irpd keeps can be, made for the patterns above."""
    body = firing("Dear", 1, environment=f"env-{n}")
    (alert,) = body["alerts"]
    alert["fingerprint"] = f"{n:016x}"
    alert["labels"] |= {f"label{k:02}": "xxxy" * 1023 for k in range(55)}
    alert["annotations"] = {"summary": "ab" * 140, "description": "xxxy" * 1000}
    return body


@pytest.fixture
def own_rules(irpd: Irpd) -> Irpd:
    config = irpd.config.read_text()
    irpd.config.write_text(config.replace(f"rules: [{ROOT}/rules/*.yaml]", "rules: [own/*.yaml]"))
    (irpd.folder / "own").mkdir()
    return irpd


@pytest.mark.parametrize("condition", TOO_DEAR)
def test_a_file_with_an_expensive_rule_is_refused_and_the_daemon_goes_on(
    own_rules: Irpd, condition: str
) -> None:
    file = own_rules.folder / "own" / "rules.yaml"
    file.write_text(rule_file("count >= 1"))
    own_rules.start()
    file.write_text(rule_file(condition))
    done = own_rules.run("reload", "--wait", "--socket", str(own_rules.folder / "irpd.sock"))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "dear-0.when" in done.stdout + done.stderr
    assert own_rules.post("alertmanager", hostile(1))["accepted"] == 1


def test_with_the_dearest_rules_that_are_let_in_a_report_costs_a_fraction_of_a_tenth_of_a_second(
    own_rules: Irpd,
) -> None:
    """In time of the processor, which a busy machine doesn't change."""
    (own_rules.folder / "own" / "rules.yaml").write_text(rule_file(*DEAREST))
    own_rules.start()
    own_rules.post("alertmanager", hostile(0))
    before = worked(own_rules)
    for n in range(1, 101):
        own_rules.post("alertmanager", hostile(n))
    assert (worked(own_rules) - before) / 100 < 0.05
    assert own_rules.metric('irpd_rules_errors_total{rule="dear-0"}') == 0


def worked(irpd: Irpd) -> float:
    """Seconds that the daemon's process has been on the processor."""
    return irpd.metric("process_cpu_seconds_total")
