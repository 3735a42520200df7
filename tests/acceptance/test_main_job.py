"""The main job, end to end: a real Alertmanager, a real mail server, a page, an answer, silence."""

import email
import email.policy
import re
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from harness import Alertmanager, Irpd, Mailbox, eventually, firing

pytestmark = [pytest.mark.acceptance, pytest.mark.needs("alertmanager")]

NOTIFY = "  default: [{after: 0s, via: [local, mail]}]"


def test_from_alert_to_silence(
    irpd: Irpd, alertmanager: Callable[..., Alertmanager], mailbox: Mailbox
) -> None:
    channels = f"  mail: {{type: smtp, host: 127.0.0.1, port: {mailbox.port}, from: irpd@example.com}}"
    irpd.configure(channels=channels, notify=NOTIFY, wait="3s")
    irpd.start()
    sender = alertmanager()
    sender.alert(alertname="PaymentErrors", service="checkout", category="payment", instance="pay-2")

    first = eventually(irpd.pages, what="the first page")[0]
    assert first["person"] == "asha"
    assert first["incident"]["level"] == 1
    assert first["incident"]["level_by"]["rule"] == "payment-processing-failure"

    mail = email.message_from_bytes(
        eventually(lambda: mailbox.to("asha@example.com"), what="the mail")[0], policy=email.policy.default
    )
    assert mail["Subject"] == "[#1] CRITICAL Checkout: PaymentErrors"
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    link = re.search(r"I have it:\s+(http\S+)", text)
    assert link, text

    # Nobody answers: the next step comes.
    eventually(lambda: "chi" in irpd.paged(), what="escalation to the second step")
    assert irpd.paged()[:2] == ["asha", "chi"]

    # The link shows the incident and acknowledges only by the button.
    path = urlsplit(link[1]).path
    status, page = irpd.get(path)
    assert status == 200
    assert "PaymentErrors" in page
    assert irpd.incident(1)["state"] == "open"
    status, headers, _ = irpd.request("POST", path)
    assert status == 303, headers
    incident = irpd.incident(1)
    assert incident["state"] == "acknowledged"
    assert incident["acknowledged_by"] == ["asha"]
    assert "You have it" in irpd.get(path)[1]

    # Silence: repeats go on coming, nobody is paged any more.
    before = len(irpd.paged())
    counted = eventually(
        lambda: irpd.json("incident", "show", "1", "--signals")["signals_list"][0]["count"] > 2,
        what="repeats",
    )
    assert counted
    assert len(irpd.paged()) == before

    # Resolved at level 1: a person confirms.
    sender.alert(
        alertname="PaymentErrors", service="checkout", category="payment", instance="pay-2",
        ends=datetime.now(UTC).isoformat(),
    )  # fmt: skip
    eventually(lambda: irpd.incident(1)["signals"]["resolved"] == 1, what="the resolved")
    assert irpd.incident(1)["state"] == "acknowledged"
    eventually(lambda: "asha" in irpd.paged("update"), what="the update to who has it")
    irpd.cli("incident", "resolve", "1", "--as", "asha", "--because", "restarted")
    assert irpd.incident(1)["state"] == "resolved"
    assert irpd.json("incident", "list", "--state", "resolved")["total"] == 1
    assert irpd.json("incident", "list")["total"] == 0


def test_two_replicas_of_a_cluster_make_one_incident_and_one_page(
    irpd: Irpd, alertmanager: Callable[..., Alertmanager]
) -> None:
    irpd.configure(wait="10m")
    irpd.start()
    one, two = alertmanager(), alertmanager()
    for sender in (one, two):
        sender.alert(alertname="CheckoutDown", service="checkout", category="outage")
    eventually(
        lambda: irpd.json("incident", "show", "1", "--signals")["signals_list"][0]["count"] >= 4,
        what="reports of both replicas",
    )
    assert len(irpd.json("incident", "list")["incidents"]) == 1
    assert irpd.paged() == ["asha"]


def test_alerts_of_one_service_join_one_incident(
    irpd: Irpd, alertmanager: Callable[..., Alertmanager]
) -> None:
    irpd.configure(wait="10m")
    irpd.start()
    sender = alertmanager()
    for n in range(5):
        sender.alert(alertname="CheckoutSlow", service="checkout", instance=f"node-{n}")
    eventually(lambda: irpd.incident(1)["signals"]["firing"] == 5, what="five signals in one incident")
    assert len(irpd.json("incident", "list")["incidents"]) == 1
    assert irpd.paged() == ["asha"]


def test_after_its_rounds_the_path_pages_everyone_until_somebody_acknowledges(irpd: Irpd) -> None:
    irpd.configure(wait="1s")
    irpd.start()
    irpd.post("alertmanager", firing())
    eventually(lambda: irpd.paged().count("emil") >= 2, within=30, what="fallback, again and again")
    assert irpd.paged()[:4] == ["asha", "chi", "asha", "chi"]
    irpd.cli("ack", "1", "--as", "emil")
    before = len(irpd.paged())
    eventually(lambda: irpd.incident(1)["state"] == "acknowledged")
    assert irpd.incident(1)["paths"][0]["state"] == "stopped"
    assert len(irpd.paged()) <= before + 3  # what was handed over in the same moment


def test_i_cant_passes_it_on_at_once(irpd: Irpd) -> None:
    irpd.configure(wait="10m")
    irpd.start()
    irpd.post("alertmanager", firing())
    page = eventually(irpd.pages)[0]
    status, _, _ = irpd.request("POST", urlsplit(page["cant_url"]).path)
    assert status == 303
    eventually(lambda: irpd.paged() == ["asha", "chi"], what="the next person, at once")
