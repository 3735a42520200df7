"""Grafana's unified webhook, and the alerts of old dashboards."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from irpd.engine.ports import Normalised
from irpd.model.signal import Signal, Status

Only = Callable[..., Signal]
Read = Callable[..., Normalised]
Payload = Callable[[str], bytes]


def test_a_firing_grafana_alert_lands_under_its_own_fingerprint(only: Only) -> None:
    signal = only("grafana", "grafana--firing")
    assert (signal.key, signal.status, signal.title) == (
        "e6349a25f5ef0e9e",
        Status.FIRING,
        "High memory usage",
    )
    assert signal.labels == {"alertname": "Memory (copy)", "debug": "true", "grafana_folder": "device"}
    assert signal.starts_at == datetime(2024, 3, 1, 2, 9, tzinfo=UTC)
    assert signal.ends_at is None
    assert signal.dashboard == (
        "https://play.grafana.org/d/ece9fb32-7f71-4be9-bd94-2f23608ae5b9?orgId=1&viewPanel=2"
    )
    assert signal.url.startswith("https://play.grafana.org/alerting/grafana/dd2f0260")
    assert signal.text.startswith("[ var='A' labels={instance=node_exporter:9100")
    assert signal.group.startswith("Debug webhook\n{}/")


def test_a_resolved_grafana_alert_resolves(only: Only) -> None:
    signal = only("grafana", "grafana--resolved")
    assert (signal.key, signal.status) == ("d8a21484c9c25a60", Status.RESOLVED)
    assert signal.title == "This is a summary field, failure on <no value>"
    assert signal.text == "This is a description"
    assert signal.ends_at == datetime(2022, 6, 17, 0, 51, 24, 67337, tzinfo=UTC)
    assert signal.runbook == "https://example.com/"
    assert signal.dashboard == ""


@pytest.mark.parametrize("name", ["grafana--firing", "grafana--resolved", "alertmanager--group-joined"])
def test_the_unified_shape_reads_the_same_at_either_source(name: str, read: Read) -> None:
    assert read("grafana", name).signals == read("alertmanager", name).signals


def test_a_dashboard_alert_is_known_by_its_rule(only: Only) -> None:
    firing = only("grafana", "grafana--legacy-v6-alerting")
    assert firing == Signal(
        key="rule:7",
        status=Status.FIRING,
        title="Zeta CPU alert",
        labels={
            "__name__": "netdata_cpu_cpu_percentage_average",
            "chart": "cpu.cpu0",
            "dimension": "user",
            "family": "utilization",
            "instance": "zeta.domain",
            "job": "monitoring",
            "info.host_id": "i-0d0721c7f97545d43",
            "alertname": "Zeta CPU alert",
            "state": "alerting",
        },
        text="boom!",
        group="rule:7",
        url="https://grafana.domain.tld/dashboard/db/alarms?fullscreen&edit&tab=alert&panelId=1&orgId=1",
    )
    resolved = only("grafana", "grafana--legacy-v6-ok")
    assert (resolved.key, resolved.status, resolved.title) == ("rule:7", Status.RESOLVED, firing.title)


@pytest.mark.parametrize(
    "state, status",
    [
        ("alerting", Status.FIRING),
        ("no_data", Status.FIRING),
        ("ok", Status.RESOLVED),
        ("paused", Status.MUTED),
        ("pending", Status.NOTE),
    ],
)
def test_each_state_of_a_dashboard_alert_has_its_status(
    state: str, status: Status, payload: Payload, only: Only
) -> None:
    body = json.loads(payload("grafana--legacy-v6-alerting")) | {"state": state}
    assert only("grafana", json.dumps(body).encode()).status is status


@pytest.mark.parametrize(
    "change, problem",
    [({"state": "exploded"}, "state: "), ({"state": None}, "state: "), ({"ruleId": None}, "ruleId: ")],
)
def test_a_dashboard_alert_without_state_or_rule_is_unreadable(
    change: dict[str, object], problem: str, payload: Payload, read: Read
) -> None:
    body = json.loads(payload("grafana--legacy-v6-alerting")) | change
    said = read("grafana", json.dumps(body).encode())
    assert said.accepted == 0
    assert said.unreadable[0].startswith(problem)


def test_a_dashboard_alert_is_no_alertmanager_webhook(read: Read) -> None:
    assert read("alertmanager", "grafana--legacy-v6-alerting").accepted == 0


@pytest.mark.parametrize(
    "matches", [None, "x", [], [None], [{"tags": None}], [{"tags": {"a": {}}}], [{}, {}]]
)
def test_odd_matches_of_a_dashboard_alert_do_no_harm(matches: object, payload: Payload, only: Only) -> None:
    body = json.loads(payload("grafana--legacy-v6-alerting")) | {"evalMatches": matches}
    labels = only("grafana", json.dumps(body).encode()).labels
    assert labels == {"alertname": "Zeta CPU alert", "state": "alerting"}
