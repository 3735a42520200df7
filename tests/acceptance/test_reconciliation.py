"""A real Alertmanager whose reports never arrive is asked what fires, at start and again."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from harness import Alertmanager, Irpd, eventually, free_port

pytestmark = [pytest.mark.acceptance, pytest.mark.needs("alertmanager")]


@pytest.fixture
def cut_off(tmp_path: Path) -> Iterator[Alertmanager]:
    """An Alertmanager that sends where nobody listens."""
    one = Alertmanager(tmp_path, f"http://127.0.0.1:{free_port()}/webhook/alertmanager", name="cut-off")
    one.start()
    yield one
    one.stop()


def asked(irpd: Irpd, *senders: Alertmanager) -> None:
    urls = ", ".join(f"'http://127.0.0.1:{one.port}'" for one in senders)
    text = irpd.config.read_text()
    old = "  alertmanager: {type: alertmanager, auth: none}\n"
    assert old in text
    api = f"{{urls: [{urls}], every: 1s, after: 0s, trust_after: 0s, receiver: irpd}}"
    irpd.config.write_text(
        text.replace(old, f"  alertmanager: {{type: alertmanager, auth: none, api: {api}}}\n")
    )


def timeline(irpd: Irpd, number: int) -> list[dict[str, Any]]:
    return irpd.json("incident", "show", str(number), "--events")["events"]  # type: ignore[no-any-return]


def test_what_never_arrived_opens_and_what_ended_without_a_word_ends(
    irpd: Irpd, cut_off: Alertmanager
) -> None:
    labels = {"alertname": "PaymentErrors", "service": "checkout", "category": "payment"}
    cut_off.alert(**labels)
    asked(irpd, cut_off)
    irpd.start()

    page = eventually(irpd.pages, what="the page of an alert whose report never came")[0]
    assert page["incident"]["level"] == 1
    assert page["incident"]["level_by"]["rule"] == "payment-processing-failure"
    (note,) = [event for event in timeline(irpd, 1) if event["type"] == "noted"]
    assert "it fires there, and no report of it had come" in note["text"]
    assert irpd.metric('irpd_reconciled_signals_total{source="alertmanager",what="missed"}') == 1
    assert "Alertmanager was asked" in irpd.cli("incident", "show", "1", "--events")

    cut_off.alert(ends=datetime.now(UTC).isoformat(), **labels)
    eventually(lambda: irpd.incident(1)["signals"]["resolved"] == 1, what="its end")
    (resolved,) = [event for event in timeline(irpd, 1) if event["type"] == "signal-resolved"]
    assert "no resolved had come" in resolved["because"]
    assert irpd.json("incident", "list")["total"] == 1
    irpd.stop()
    irpd.sound()


def test_an_alertmanager_that_is_gone_ends_nothing_and_is_named(irpd: Irpd, cut_off: Alertmanager) -> None:
    cut_off.alert(alertname="Slow", service="checkout")
    asked(irpd, cut_off)
    irpd.start()
    eventually(irpd.pages, what="the page")
    cut_off.stop()
    check = eventually(
        lambda: c if not (c := irpd.check_of("senders"))["ok"] else None, what="that it is said"
    )
    assert "alertmanager: " in check["detail"]
    assert irpd.get("/readyz")[0] == 200
    failed = 'irpd_reconciliations_total{outcome="failed",source="alertmanager"}'
    eventually(lambda: irpd.metric(failed) >= 2, what="another look")
    assert irpd.incident(1)["signals"] == {"firing": 1, "resolved": 0}
