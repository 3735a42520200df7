"""What the reference says of the doors is what they are."""

from typing import Any

from irpd.web.reference import api_reference, metrics_reference


async def test_every_metric_that_is_exposed_is_in_the_reference(house: Any) -> None:
    await house.alert()
    text = metrics_reference()
    exposed = {
        line.split()[2]
        for line in house.services.metrics.exposition().decode().splitlines()
        if "# TYPE" in line
    }
    listed = {line.split("`")[1] for line in text.splitlines() if line.startswith("| `")}
    assert listed == exposed
    assert "| `irpd_pages_total` | counter | `channel`, `outcome` |" in text


def test_the_promised_metrics_are_there() -> None:
    text = metrics_reference()
    for promised in (
        "irpd_signals_received_total", "irpd_signals_unmapped_total", "irpd_signals_unreadable_total",
        "irpd_incidents_open", "irpd_incidents_opened_total", "irpd_pages_total", "irpd_page_delay_seconds",
        "irpd_pages_pending", "irpd_oldest_pending_page_seconds", "irpd_acknowledge_seconds",
        "irpd_resolve_seconds", "irpd_objectives_missed_total", "irpd_rules_errors_total",
        "irpd_config_last_reload_successful", "irpd_config_last_reload_timestamp_seconds",
        "irpd_journal_commit_seconds", "irpd_journal_commit_events", "irpd_on_call_gap", "irpd_build_info",
    ):  # fmt: skip
        assert f"`{promised}`" in text


async def test_every_route_of_the_api_is_in_the_reference_with_a_text(house: Any) -> None:
    text = api_reference()
    for route in house.tcp.app.router.routes():
        address = route.resource.canonical if route.resource is not None else ""
        if not address.startswith("/api/v1") or route.method == "HEAD":
            continue
        (row,) = [
            line
            for line in text.splitlines()
            if f"`{route.method} {address.removeprefix('/api/v1')}`" in line
        ]
        assert row.count("|") == 4
        assert len(row.split("|")[3].strip()) > 20
