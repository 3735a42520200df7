"""A real Prometheus is asked how many users are affected; whatever it does, pages go out in time."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import Irpd, eventually, firing
from harness.measuring import Prometheus

pytestmark = [pytest.mark.acceptance, pytest.mark.needs("prometheus")]

#: Seconds that a query may take, and within which a page stands in its channel's file also on a slow machine
#: under load: what waited for an answer that doesn't come would be later.
TIMEOUT, NORMAL = 4, 3.5


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[Prometheus]:
    one = Prometheus(tmp_path)
    yield one
    one.close()


def configure(irpd: Irpd, prometheus: Prometheus) -> None:
    """Checkout's users and how many are affected are asked each few seconds."""
    irpd.configure(
        wait="60s",
        more=f"prometheus: {{main: {{url: 'http://127.0.0.1:{prometheus.port}', timeout: {TIMEOUT}s}}}}\n",
    )
    text = irpd.config.read_text()
    old = "    users: {count: 120000}\n    signals: [{source: alertmanager, labels: {service: checkout}}]\n"
    assert old in text
    new = (
        "    users: {promql: 'sum(active_users)', every: 5s}\n"
        "    affected: {promql: 'sum(users_with_errors)', every: 5s}\n"
        "    signals: [{source: alertmanager, labels: {service: checkout}}]\n"
    )
    irpd.config.write_text(text.replace(old, new))


def paged_within(irpd: Irpd, name: str) -> float:
    """Report an alert and wait for its page; how long that took (seconds)."""
    before = len(irpd.paged())
    began = time.monotonic()
    irpd.post("alertmanager", firing(name, environment=name))  # a group, and so an incident, of its own
    eventually(lambda: len(irpd.paged()) > before, what=f"the page of {name}")
    return time.monotonic() - began


def share(irpd: Irpd, number: int) -> dict[str, Any]:
    return irpd.incident(number)["share"]  # type: ignore[no-any-return]


def changes(irpd: Irpd, number: int) -> list[dict[str, Any]]:
    events = irpd.json("incident", "show", str(number), "--events")["events"]
    return [event for event in events if event["type"] == "level-changed"]


def test_the_level_follows_what_prometheus_measures(irpd: Irpd, prometheus: Prometheus) -> None:
    prometheus.gauges.values = {"active_users": 1000, "users_with_errors": 300}
    prometheus.start()
    configure(irpd, prometheus)
    irpd.start()

    # It answers: the share is known soon after the page, which didn't wait.
    assert paged_within(irpd, "Slow") < NORMAL
    known = eventually(lambda: s if (s := share(irpd, 1))["known"] else None, what="the share")
    assert (known["affected"], known["users"], known["method"]) == (300, 1000, "promql")
    assert irpd.incident(1)["level"] == 2  # nothing lowers it by itself

    # More users: decided again, up at once, with before, after and why.
    prometheus.gauges.values["users_with_errors"] = 900
    eventually(lambda: irpd.incident(1)["level"] == 1, what="level 1")
    (change,) = changes(irpd, 1)
    assert (change["before"], change["after"], change["level_by"]["rule"]) == (2, 1, "share-of-users")
    assert change["share"]["affected"] == 900
    assert "900 of 1,000" in irpd.cli("incident", "why", "1")
    assert irpd.check_of("prometheus")["ok"]
    irpd.stop()
    irpd.sound()


def test_a_prometheus_that_stops_is_named_and_what_it_owes_is_asked_for_when_it_is_back(
    irpd: Irpd, prometheus: Prometheus
) -> None:
    prometheus.gauges.values = {"active_users": 1000, "users_with_errors": 300}
    prometheus.start()
    configure(irpd, prometheus)
    irpd.start()
    assert paged_within(irpd, "Answered") < NORMAL
    eventually(lambda: share(irpd, 1)["known"], what="the share")

    # What is new pages as ever, and irpd says who doesn't answer.
    prometheus.stop()
    assert paged_within(irpd, "Stopped") < NORMAL
    check = eventually(lambda: c if not (c := irpd.check_of("prometheus"))["ok"] else None)
    assert "main: " in check["detail"]
    assert irpd.get("/readyz")[0] == 200
    assert irpd.metric('irpd_evidence_queries_total{outcome="failed",prometheus="main"}') > 0

    prometheus.gauges.values["users_with_errors"] = 950
    prometheus.start()
    eventually(lambda: irpd.check_of("prometheus")["ok"], within=60, what="an answer again")
    eventually(lambda: share(irpd, 2)["known"], what="the answer that was owed")
    eventually(lambda: irpd.incident(2)["level"] == 1, what="the level it asks for")
    irpd.stop()
    irpd.sound()


def test_no_page_waits_for_a_prometheus_that_hangs(irpd: Irpd, prometheus: Prometheus) -> None:
    prometheus.gauges.values = {"active_users": 1000, "users_with_errors": 300}
    prometheus.start()
    configure(irpd, prometheus)
    irpd.start()
    assert paged_within(irpd, "Answered") < NORMAL
    eventually(lambda: share(irpd, 1)["known"], what="the share")
    prometheus.hang()
    try:
        took = [paged_within(irpd, f"Hanging{n}") for n in range(5)]
        assert max(took) < NORMAL, took
        eventually(lambda: not irpd.check_of("prometheus")["ok"], what="that it hangs is said")
        assert paged_within(irpd, "HangingStill") < NORMAL
    finally:
        prometheus.go_on()
    eventually(lambda: irpd.check_of("prometheus")["ok"], within=60, what="an answer after it hung")
    irpd.stop()
    irpd.sound()


def test_without_an_answer_the_share_is_unknown_and_the_level_rests_on_the_rules(
    irpd: Irpd, prometheus: Prometheus
) -> None:
    configure(irpd, prometheus)  # nobody ever listens there
    irpd.start()
    assert paged_within(irpd, "PaymentErrors") < NORMAL
    eventually(lambda: not irpd.check_of("prometheus")["ok"])
    incident = irpd.incident(1)
    assert incident["share"]["known"] is False
    assert incident["level_by"]["kind"] == "default"
    assert "unknown" in irpd.cli("incident", "why", "1")
