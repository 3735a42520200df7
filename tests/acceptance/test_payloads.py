"""Every recorded body at every kind of source, and every malformed variant: answered as promised,
kept, and the daemon lives."""

import hashlib
import hmac
import json
from pathlib import Path

import pytest
from harness import PAYLOADS, Irpd, eventually

pytestmark = pytest.mark.acceptance

ALL = sorted(PAYLOADS.glob("*.json"))
SOURCES = """
  am: {type: alertmanager, auth: {bearer: {env: IRPD_AM}}}
  gf: {type: grafana, auth: {basic: {grafana: {env: IRPD_AM}}}}
  se: {type: sentry, auth: {client_secret: {env: IRPD_SENTRY}}}
  zd: {type: zendesk, auth: none}
  fd: {type: freshdesk, auth: none}
  ji: {type: jira, auth: none}
  ic:
    type: ticket
    auth: none
    fields:
      key: data.item.id
      title: data.item.ticket_attributes._default_title_
      status: data.item.ticket_state
"""
#: Which recorded files each source reads; all others are unreadable there.
READS = {
    "am": ("alertmanager--", "grafana--firing", "grafana--resolved", "prometheus--"),
    "gf": ("alertmanager--", "grafana--", "prometheus--"),
    "se": ("sentry--",),
    "zd": ("zendesk--",),
    "fd": ("freshdesk--",),
    "ji": ("jira--",),
    "ic": ("intercom--",),
}
NOT_A_WEBHOOK = ("alertmanager--custom-payload",)
SECRET = {"IRPD_AM": "alert-secret", "IRPD_SENTRY": "sentry-secret"}


@pytest.fixture
def with_sources(irpd: Irpd, monkeypatch: pytest.MonkeyPatch) -> Irpd:
    for name, value in SECRET.items():
        monkeypatch.setenv(name, value)
    text = irpd.config.read_text().replace("sources:\n", "sources:" + SOURCES, 1)
    irpd.config.write_text(text.replace("wait: 2s", "wait: 10m"))
    return irpd.start()


def send(irpd: Irpd, source: str, body: bytes, name: str = "") -> tuple[int, dict[str, object]]:
    headers = {"Content-Type": "application/json"}
    if source == "am":
        headers["Authorization"] = "Bearer alert-secret"
    elif source == "gf":
        headers["Authorization"] = "Basic Z3JhZmFuYTphbGVydC1zZWNyZXQ="
    elif source == "se":
        headers["Sentry-Hook-Signature"] = hmac.new(b"sentry-secret", body, hashlib.sha256).hexdigest()
        resource = name.removeprefix("sentry--").removeprefix("mock-").split("-")
        joined = "_".join(resource[:2])
        if joined in ("event_alert", "metric_alert", "activity_alert"):
            headers["Sentry-Hook-Resource"] = joined
        elif resource[0] in ("issue", "error", "comment", "installation"):
            headers["Sentry-Hook-Resource"] = resource[0]
    status, _, answer = irpd.request("POST", f"/webhook/{source}", body, headers)
    return status, json.loads(answer)


def reads(source: str, file: Path) -> bool:
    return file.stem.startswith(READS[source]) and not file.stem.startswith(NOT_A_WEBHOOK)


def test_every_recorded_body_is_accepted_everywhere_and_unreadable_ones_make_one_incident_a_source(
    with_sources: Irpd,
) -> None:
    irpd = with_sources
    wrong: list[str] = []
    for source in READS:
        for file in ALL:
            status, answer = send(irpd, source, file.read_bytes(), file.stem)
            unreadable = "unreadable" in answer
            if status != 202 or unreadable == reads(source, file):
                wrong.append(f"{file.stem} to {source}: {status} {answer}")
    assert not wrong, "\n".join(wrong)
    incidents = irpd.json("incident", "list", "--state", "all", "--limit", "500")["incidents"]
    titles = [one["title"] for one in incidents if one["title"].startswith("Unreadable")]
    assert sorted(titles) == sorted(f"Unreadable report from {source}" for source in READS)
    levels = {one["title"]: one["level"] for one in incidents}
    assert levels["Unreadable report from am"] == 2
    assert levels["Unreadable report from zd"] == 4


ALERTS = (PAYLOADS / "alertmanager--group-firing.json").read_bytes()
MALFORMED = {
    "empty": b"",
    "truncated": ALERTS[: len(ALERTS) // 2],
    "wrong types": b'{"version": "4", "alerts": {"a": 1}}',
    "nulls": b'{"version": null, "alerts": [null], "status": null, "groupKey": null}',
    "an empty list": b"[]",
    "null": b"null",
    "deep": b"[" * 200_000 + b"]" * 200_000,
    "invalid utf-8": b'{"alerts": "\xff\xfe"}',
    "not json": b"alertname=Down&severity=critical",
    "many labels": json.dumps(
        {"alerts": [{"status": "firing", "labels": {f"l{n}": "x" for n in range(100_000)}}]}
    ).encode(),
    "a nul": b'{"alerts": [{"status": "firing", "labels": {"alertname": "a\\u0000b"}}]}',
    "a number too long": b'{"alerts": [{"status": "firing", "labels": {}, "startsAt": '
    + b"9" * 5000
    + b"}]}",
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_body_is_kept_counted_and_opens_an_incident(with_sources: Irpd, what: str) -> None:
    irpd = with_sources
    for source in ("am", "se", "zd"):
        status, answer = send(irpd, source, MALFORMED[what])
        assert status == 202, answer
    assert irpd.get("/healthz")[0] == 200
    assert irpd.json("incident", "list")["total"] >= 3


def test_20_mb_is_413_and_its_head_is_kept_where_the_sender_proved_itself(with_sources: Irpd) -> None:
    irpd = with_sources
    huge = b'{"alerts": ["' + b"x" * (20 * 1024 * 1024) + b'"]}'
    status, _ = send(irpd, "am", huge)
    assert status == 413
    status, _, _ = irpd.request("POST", "/webhook/am", huge, {"Authorization": "Bearer wrong"})
    assert status == 401
    titles = [one["title"] for one in irpd.json("incident", "list")["incidents"]]
    assert titles == ["Unreadable report from am"]
    kept = irpd.json("unreadable", "list")
    assert len(str(kept)) < 10_000
    assert irpd.get("/healthz")[0] == 200


def test_who_does_not_prove_itself_is_refused_and_nothing_is_kept(with_sources: Irpd) -> None:
    irpd = with_sources
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic bm86bm8="}):
        assert irpd.request("POST", "/webhook/am", ALERTS, headers)[0] == 401
    assert irpd.request("POST", "/webhook/se", ALERTS, {"Sentry-Hook-Signature": "0" * 64})[0] == 401
    assert irpd.request("POST", "/webhook/nobody", ALERTS)[0] == 404
    assert irpd.json("incident", "list")["total"] == 0
    assert "alert-secret" not in irpd.log.read_text()
    assert "wrong" not in irpd.log.read_text()


def test_tickets_of_many_people_raise_the_share_and_a_solved_one_resolves(with_sources: Irpd) -> None:
    irpd = with_sources
    for n in range(150):
        irpd.post(
            "helpdesk", {"id": n, "subject": "can't log in", "from": f"u{n}@example.com", "state": "open"}
        )
    incident = eventually(lambda: irpd.incident(1))
    assert incident["share"]["affected"] == 150
    assert incident["level"] == 3  # 150 of 1,000 users of the platform
    irpd.post("helpdesk", {"id": 3, "subject": "can't log in", "from": "u3@example.com", "state": "solved"})
    assert irpd.incident(1)["signals"]["resolved"] == 1
