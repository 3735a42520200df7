"""``/heartbeat/NAME``: who may report, and what is answered."""

import base64

import pytest
from house import SECRET, House

from irpd.engine.ports import JournalFull

BEATS = """
heartbeats:
  open: {service: checkout, every: 1m, auth: none}
  nightly: {service: checkout, every: 1d, grace: 30m, auth: {bearer: {env: DOOR_SECRET}}}
  by-url: {service: checkout, every: 1m, auth: {query: {token: {env: DOOR_SECRET}}}}
  by-user: {service: checkout, every: 1m, auth: {basic: {cron: {env: DOOR_SECRET}}}}
  by-header: {service: checkout, every: 1m, auth: {header: {X-Beat: {env: DOOR_SECRET}}}}
  nobody: {service: checkout, every: 1m, auth: {bearer: {env: NOT_THERE_AT_ALL}}}
"""
BASIC = base64.b64encode(f"cron:{SECRET}".encode()).decode()


@pytest.fixture
async def beating(build) -> House:
    house = await build(more=BEATS)
    await house.engine.adopt(house.engine.policy, b"bundle", by="test")
    return house


async def said(house: House, method: str, path: str, **more) -> tuple[int, dict]:
    async with house.tcp.request(method, path, **more) as answer:
        return answer.status, await answer.json()


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "path, headers",
    [
        ("open", {}),
        ("nightly", {"Authorization": f"Bearer {SECRET}"}),
        (f"by-url?token={SECRET}", {}),
        ("by-user", {"Authorization": f"Basic {BASIC}"}),
        ("by-header", {"X-Beat": SECRET}),
    ],
)
async def test_a_monitor_with_its_secret_is_heard(
    beating: House, method: str, path: str, headers: dict[str, str]
) -> None:
    status, answer = await said(beating, method, f"/heartbeat/{path}", headers=headers)
    assert (status, answer["state"]) == (200, "up")
    assert answer["seen_at"] == "2026-11-24T02:06:40Z"
    assert SECRET not in str(answer)
    assert b'irpd_heartbeats_received_total{outcome="ok"} 1.0' in beating.services.metrics.exposition()


@pytest.mark.parametrize(
    "path, headers",
    [
        ("nightly", {}),
        ("nightly", {"Authorization": "Bearer wrong"}),
        (f"nightly?token={SECRET}", {}),
        ("by-url", {"Authorization": f"Bearer {SECRET}"}),
        ("by-url?token=", {}),
        ("nobody", {"Authorization": "Bearer "}),
        ("nobody", {}),
    ],
)
async def test_a_monitor_without_it_is_refused_and_not_heard(
    beating: House, path: str, headers: dict[str, str]
) -> None:
    status, answer = await said(beating, "POST", f"/heartbeat/{path}", headers=headers)
    assert (status, answer["code"]) == (401, "unauthenticated")
    _, document = await beating.api("GET", "/heartbeats")
    assert {one["state"] for one in document["heartbeats"]} == {"new"}
    assert b'irpd_heartbeats_received_total{outcome="refused"} 1.0' in beating.services.metrics.exposition()


@pytest.mark.parametrize("name", ["nobody-knows", "watchdog:open", "x" * 5000, "%00", "..%2f..%2fetc"])
async def test_an_unknown_name_is_404_and_counted(beating: House, name: str) -> None:
    status, answer = await said(beating, "GET", f"/heartbeat/{name}")
    assert (status, answer["code"]) == (404, "unknown-heartbeat")
    assert len(str(answer)) < 400
    assert b'irpd_heartbeats_received_total{outcome="unknown"} 1.0' in beating.services.metrics.exposition()


async def test_a_failure_opens_with_the_beginning_of_its_body(beating: House) -> None:
    body = b"disk full\n\x00\xff" + b"x" * 100_000
    status, _ = await said(beating, "POST", "/heartbeat/open/fail", data=body)
    assert status == 200
    (member,) = beating.engine.state.members_of(1)
    assert member.text.startswith("disk full\n")
    assert len(member.text) <= 4096
    status, answer = await said(beating, "GET", "/heartbeat/open")
    assert (status, answer["state"]) == (200, "up")
    assert beating.engine.state.incidents[1].firing == 0


async def test_what_can_not_be_kept_is_refused_so_that_it_is_reported_again(beating: House) -> None:
    beating.journal.fail(JournalFull("no space"), times=100)
    headers = {"Authorization": f"Bearer {SECRET}"}
    status, answer = await said(beating, "POST", "/heartbeat/nightly", headers=headers)
    assert (status, answer["code"]) == (503, "journal")
    assert (await said(beating, "POST", "/heartbeat/open"))[0] == 200, "what isn't kept needs no disk"


async def test_the_api_lists_them_and_the_gauge_counts_them(beating: House) -> None:
    await said(beating, "GET", "/heartbeat/open")
    beating.clock.step(minutes=2)
    status, document = await beating.api("GET", "/heartbeats")
    assert (status, document["schema"]) == (200, "irpd.heartbeats/1")
    assert document["heartbeats"][0] == {
        "name": "open", "state": "late", "service": "checkout", "level": 2, "every_seconds": 60.0,
        "grace_seconds": 300.0, "seen_at": "2026-11-24T02:06:40Z", "due_at": "2026-11-24T02:12:40Z",
        "incident": None,
    }  # fmt: skip
    exposition = beating.services.metrics.exposition()
    assert b'irpd_heartbeats{state="late"} 1.0' in exposition
    assert b'irpd_heartbeats{state="new"} 5.0' in exposition
