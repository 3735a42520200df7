"""Audiences of a real daemon, by a real mail server: told at once, updated, by a draft, at the end."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from harness import Irpd, Mailbox, eventually, firing

pytestmark = pytest.mark.acceptance

AUDIENCES = """
roles:
  commander: {person: chi, levels: [1, 2]}
audiences:
  team: {via: local}
  executives: {via: mail, to: [board@example.com, ceo@example.com], time_zone: Europe/Berlin}
  customers: {via: mail, to: [status@example.org], send: draft, approve: [commander], language: de}
"""


def read(mailbox: Mailbox, address: str) -> list[EmailMessage]:
    mails = [message_from_bytes(raw, policy=policy.default) for raw in mailbox.to(address)]
    return [mail for mail in mails if isinstance(mail, EmailMessage)]


def words(mail: EmailMessage) -> list[str]:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).strip().splitlines()


def test_audiences_hear_of_an_incident_from_its_opening_to_its_end(irpd: Irpd, mailbox: Mailbox) -> None:
    irpd.configure(
        channels=f"  mail: {{type: smtp, host: 127.0.0.1, port: {mailbox.port}, from: irpd@example.com}}",
        wait="10m",
        more=AUDIENCES,
    )
    irpd.start()
    irpd.post("alertmanager", firing("PaymentErrors", category="payment"))

    board = eventually(lambda: read(mailbox, "board@example.com"), what="the executives' first message")
    assert words(board[0])[0] == "[INCIDENT #1] - CRITICAL Incident Reported"
    assert words(board[0])[2:6] == [
        "Issue: PaymentErrors on node-1",
        "Impact: Checkout; how many users are affected is not known yet",
        "Status: Investigation in progress",
        "Workaround: None available at this time",
    ]
    assert re.fullmatch(
        r"Next update expected by: \d+ \w+ \d+, \d\d:\d\d \(Europe/Berlin\)", words(board[0])[7]
    )
    assert board[0]["To"] == "board@example.com"
    assert "ceo@example.com" not in board[0].as_string()
    eventually(lambda: read(mailbox, "ceo@example.com"))
    team = eventually(lambda: [one for one in irpd.pages() if one["schema"] == "irpd.message/1"])
    assert team[0]["text"].startswith("[INCIDENT #1] - CRITICAL Incident Reported\n")
    assert read(mailbox, "status@example.org") == []

    shown = irpd.cli("incident", "update", "1", "--progress", "failed over", "--preview", "--as", "chi")
    assert "  | Progress: failed over" in shown
    irpd.cli("incident", "update", "1", "--to", "executives", "--progress", "failed over", "--as", "chi")
    update = eventually(lambda: read(mailbox, "board@example.com")[1:], what="the update")[0]
    assert words(update)[0] == "[INCIDENT #1] - CRITICAL Incident Update"
    assert "Progress: failed over" in words(update)
    assert update["References"] == board[0]["References"]

    refused = irpd.run("incident", "approve", "1", "customers", "--as", "asha")
    assert (refused.returncode, "approved by Chi Okafor" in refused.stderr) == (4, True)
    assert "  | [VORFALL #1] - KRITISCH Vorfall gemeldet" in irpd.cli("incident", "drafts", "1")
    irpd.cli("incident", "approve", "1", "customers", "--as", "chi")
    customers = eventually(lambda: read(mailbox, "status@example.org"), what="what was approved")
    assert words(customers[0])[0] == "[VORFALL #1] - KRITISCH Vorfall gemeldet"

    irpd.cli("incident", "set", "1", "root-cause=an expired certificate", "--as", "chi")
    irpd.cli("incident", "resolve", "1", "--because", "certificate renewed", "--as", "chi")
    end = eventually(lambda: read(mailbox, "ceo@example.com")[2:], what="the end")[0]
    assert words(end)[0] == "[INCIDENT #1] - CRITICAL Incident Resolved"
    assert words(end)[3:5] == ["Root Cause: an expired certificate", "Resolution: certificate renewed"]
    assert words(end)[-1] == "A detailed post-incident report will be available within 3 days."

    events = irpd.json("incident", "show", "1", "--events")["events"]
    sent = [one for one in events if one["type"] == "send-attempted" and one.get("said")]
    pages = {one["page"]["id"]: one["page"] for one in events if one["type"] == "paged"}
    told = [pages[one["page"]] for one in sent]
    assert {one["notice"]["audience"] for one in told} == {"team", "executives", "customers"}
    by_mail = [one for one in sent if "Incident Resolved" in one["said"]]
    assert {send["to"] for one in by_mail for send in pages[one["page"]]["sends"]} >= {
        "board@example.com", "ceo@example.com",
    }  # fmt: skip
    assert irpd.stop() == 0
    irpd.sound()
