"""What ships in deploy/ is accepted by the programs it is for."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from irpd.web.metrics import Metrics, Readings

HERE = Path(__file__).resolve().parent
DEPLOY = HERE.parents[1] / "deploy"


def output_of(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    return text


@pytest.mark.needs("systemd-analyze")
def test_the_unit_is_exposed_to_2_0_or_less() -> None:
    unit = DEPLOY / "systemd" / "irpd.service"
    report = output_of("systemd-analyze", "security", "--offline=true", "--no-pager", unit)
    exposure = re.search(r"Overall exposure level for irpd.service: ([0-9.]+)", report)
    assert exposure, report
    assert float(exposure[1]) <= 2.0, report


@pytest.mark.needs("amtool")
def test_alertmanager_accepts_the_receiver(tmp_path: Path) -> None:
    snippet = yaml.safe_load((DEPLOY / "alertmanager" / "receiver.yml").read_text())
    whole = tmp_path / "alertmanager.yml"
    whole.write_text(yaml.safe_dump({"global": {"resolve_timeout": "5m"}, **snippet}))
    assert "1 receivers" in output_of("amtool", "check-config", whole)


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("rules", sorted((DEPLOY / "prometheus").glob("*.yml")), ids=lambda path: path.name)
def test_prometheus_accepts_the_rules(rules: Path) -> None:
    assert "SUCCESS" in output_of("promtool", "check", "rules", rules)


@pytest.mark.needs("promtool")
def test_the_alerts_fire_when_they_should(tmp_path: Path) -> None:
    for path in (DEPLOY / "prometheus" / "irpd-alerts.yml", HERE / "irpd-alerts.test.yml"):
        shutil.copy(path, tmp_path)
    output_of("promtool", "test", "rules", tmp_path / "irpd-alerts.test.yml")


@pytest.mark.parametrize("rules", sorted((DEPLOY / "prometheus").glob("*.yml")), ids=lambda path: path.name)
def test_each_alert_says_what_is_wrong_and_what_to_do(rules: Path) -> None:
    for group in yaml.safe_load(rules.read_text())["groups"]:
        for rule in group["rules"]:
            assert {"summary", "description", "runbook"} <= rule["annotations"].keys(), rule["alert"]


@pytest.mark.parametrize("rules", sorted((DEPLOY / "prometheus").glob("*.yml")), ids=lambda path: path.name)
def test_the_alerts_ask_for_metrics_that_irpd_has(rules: Path) -> None:
    metrics = Metrics("0")
    metrics.watch(lambda: Readings(gaps={"first-responder": True}))
    shown = set(re.findall(r"^# TYPE (\w+)", metrics.exposition().decode(), flags=re.MULTILINE))
    asked = {
        name.removesuffix("_bucket")
        for group in yaml.safe_load(rules.read_text())["groups"]
        for rule in group["rules"]
        for name in re.findall(r"\birpd_\w+", rule["expr"])
    }
    assert asked
    assert asked <= shown, f"unknown: {asked - shown}"
