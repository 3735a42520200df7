"""The answers that senders get."""

import asyncio
import gzip
import hashlib
import hmac
import json
import logging
from typing import Any

import pytest

from irpd.engine.inbox import Overloaded
from irpd.engine.ports import JournalFull, JournalUnavailable


def bearer(house: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {house.secret}"}


async def test_an_authenticated_alert_is_answered_202_with_its_incident_and_receipt(house: Any) -> None:
    answer = await house.tcp.post("/webhook/alertmanager", json=house.payload, headers=bearer(house))
    assert answer.status == 202
    assert await answer.json() == {"accepted": 1, "incidents": [1], "receipt": "1"}
    assert answer.headers["Content-Type"].startswith("application/json")
    assert house.engine.state.incidents[1].title == "Payments failing"


async def test_the_receipt_is_kept_byte_for_byte_without_the_credentials(house: Any) -> None:
    body = json.dumps(house.payload, indent=3).encode()
    await house.tcp.post("/webhook/alertmanager", data=body, headers=bearer(house))
    receipt = house.journal.receipt(1)
    assert receipt.body == body
    assert house.secret not in str(receipt.headers)


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "nonsense", ""])
async def test_the_content_type_is_ignored(house: Any, content_type: str) -> None:
    answer = await house.tcp.post(
        "/webhook/open", data=json.dumps(house.payload).encode(), headers={"Content-Type": content_type}
    )
    assert (await answer.json())["accepted"] == 1


async def test_a_wrong_secret_is_401_before_the_body_is_read(house: Any) -> None:
    started = asyncio.Event()

    async def endless() -> Any:
        started.set()
        yield b"["
        await asyncio.Event().wait()

    async with asyncio.timeout(30):
        answer = await house.tcp.post(
            "/webhook/alertmanager", data=endless(), headers={"Authorization": "Bearer wrong"}
        )
        assert answer.status == 401
        assert (await answer.json())["code"] == "unauthenticated"
    answer.close()
    assert not house.engine.state.incidents


async def test_a_client_that_asks_before_sending_is_refused_without_sending(house: Any) -> None:
    reader, writer = await asyncio.open_connection(house.tcp.server.host, house.tcp.server.port)
    writer.write(
        b"POST /webhook/alertmanager HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
        b"Expect: 100-continue\r\nAuthorization: Bearer wrong\r\n\r\n"
    )
    assert (await asyncio.wait_for(reader.readline(), 30)).startswith(b"HTTP/1.1 401")
    writer.close()
    await writer.wait_closed()


async def test_a_client_that_asks_before_sending_and_may_is_told_to_go_on(house: Any) -> None:
    body = json.dumps(house.payload).encode()
    reader, writer = await asyncio.open_connection(house.tcp.server.host, house.tcp.server.port)
    writer.write(
        b"POST /webhook/alertmanager HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        b"Content-Length: %d\r\nExpect: 100-continue\r\nAuthorization: Bearer %s\r\n\r\n"
        % (len(body), house.secret.encode())
    )
    assert (await asyncio.wait_for(reader.readline(), 30)) == b"HTTP/1.1 100 Continue\r\n"
    await reader.readline()
    writer.write(body)
    assert (await asyncio.wait_for(reader.readline(), 30)).startswith(b"HTTP/1.1 202")
    writer.close()
    await writer.wait_closed()


async def test_a_signature_over_the_raw_bytes_decides_where_the_body_is_signed(house: Any) -> None:
    body = b'{"action": "created", "data": {}, "installation": {"uuid": "x"}}'
    good = hmac.new(house.secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"Sentry-Hook-Resource": "issue", "Sentry-Hook-Signature": good}
    assert (await house.tcp.post("/webhook/sentry", data=body, headers=headers)).status == 202
    assert (await house.tcp.post("/webhook/sentry", data=body + b" ", headers=headers)).status == 401


async def test_an_unknown_source_is_404_as_a_problem(house: Any) -> None:
    answer = await house.tcp.post("/webhook/nobody", data=b"x")
    assert answer.status == 404
    problem = await answer.json()
    assert (problem["code"], problem["status"], problem["errors"]) == ("unknown-source", 404, [])
    assert answer.headers["Content-Type"].startswith("application/problem+json")


async def test_a_get_of_a_webhook_is_405_and_says_what_is_allowed(house: Any) -> None:
    answer = await house.tcp.get("/webhook/open")
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert (await answer.json())["code"] == "method"


async def test_an_unknown_address_is_404_as_json(house: Any) -> None:
    answer = await house.tcp.get("/no/such/thing")
    assert (answer.status, (await answer.json())["code"]) == (404, "not-found")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"\xff\xfe",
        b"[" * 5000,
        b'{"alerts": "x"}',
        b'"text"',
        json.dumps({"a": 1}).encode(),
    ],
    ids=["empty", "cut", "null", "not-utf8", "deep", "wrong-type", "text", "no-alerts"],
)
async def test_what_cannot_be_read_is_202_kept_counted_and_opens_an_incident(house: Any, body: bytes) -> None:
    answer = await house.tcp.post("/webhook/open", data=body)
    said = await answer.json()
    assert (answer.status, said["accepted"]) == (202, 0)
    assert said["unreadable"]
    assert said["incidents"] == [1]
    assert house.journal.receipt(int(said["receipt"])).body == body
    assert b'irpd_signals_unreadable_total{source="open"}' in house.services.metrics.exposition()


async def test_one_bad_alert_among_good_ones_is_named_and_the_others_count(house: Any) -> None:
    payload = {**house.payload, "alerts": [*house.payload["alerts"], 17]}
    said = await (await house.tcp.post("/webhook/open", json=payload)).json()
    assert said["accepted"] == 1
    assert "alerts[1]" in said["unreadable"]


async def test_a_source_that_refuses_the_unreadable_answers_400_and_keeps_nothing(house: Any) -> None:
    answer = await house.tcp.post("/webhook/strict", data=b"{")
    assert (answer.status, (await answer.json())["code"]) == (400, "unreadable")
    assert house.journal.receipt(1) is None


async def test_a_body_above_the_limit_is_413_and_its_beginning_is_kept(house: Any) -> None:
    body = bytes(range(256)) * 1000
    answer = await house.tcp.post("/webhook/alertmanager", data=body, headers=bearer(house))
    assert answer.status == 413
    receipt = house.journal.receipt(1)
    assert receipt.body == body[: 64 * 1024]
    assert "200000 bytes" in receipt.headers["irpd-unreadable"]
    assert len(house.engine.state.incidents) == 1


async def test_a_body_above_the_limit_that_comes_in_pieces_is_413_too(house: Any) -> None:
    async def pieces() -> Any:
        for _ in range(100):
            yield b"x" * 5000

    answer = await house.tcp.post("/webhook/open", data=pieces())
    assert answer.status == 413
    assert len(house.journal.receipt(1).body) == 64 * 1024


async def test_a_body_above_the_limit_that_only_its_signature_could_prove_is_not_kept(house: Any) -> None:
    answer = await house.tcp.post(
        "/webhook/sentry", data=b"x" * 300_000, headers={"Sentry-Hook-Signature": "0" * 64}
    )
    assert answer.status == 413
    assert house.journal.receipt(1) is None


async def test_a_body_of_exactly_the_limit_is_taken(house: Any) -> None:
    body = json.dumps(house.payload).encode()
    answer = await house.tcp.post("/webhook/open", data=body + b" " * (200_000 - len(body)))
    assert answer.status == 202


@pytest.mark.parametrize(
    "error",
    [Overloaded("too much", 10.0), JournalFull("full"), JournalUnavailable("gone"), ValueError("a defect")],
)
async def test_what_cannot_be_kept_is_503_with_a_jittered_retry_after(
    house: Any, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def receive(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(house.engine, "receive", receive)
    waits = set()
    for _ in range(30):
        answer = await house.tcp.post("/webhook/open", json=house.payload)
        assert answer.status == 503
        assert "Traceback" not in await answer.text()
        waits.add(int(answer.headers["Retry-After"]))
    assert len(waits) > 1
    assert all(5 <= wait <= 30 for wait in waits)


async def test_a_source_over_its_limit_is_503_until_time_has_passed(house: Any) -> None:
    async def post() -> int:
        return (await house.tcp.post("/webhook/slow", json=house.payload)).status

    assert [await post() for _ in range(3)] == [202, 202, 503]
    house.clock.step(seconds=1)
    assert [await post() for _ in range(3)] == [202, 202, 503]


async def test_a_sender_that_stalls_in_its_body_is_given_up(build: Any) -> None:
    house = await build(body_timeout=0.05)

    async def stalling() -> Any:
        yield b"{"
        await asyncio.Event().wait()

    async with asyncio.timeout(30):
        answer = await house.tcp.post("/webhook/open", data=stalling())
    assert answer.status == 408
    answer.close()


async def test_a_body_that_is_not_what_its_encoding_says_is_400(house: Any) -> None:
    answer = await house.tcp.post("/webhook/open", data=b"not gzip", headers={"Content-Encoding": "gzip"})
    assert answer.status == 400


async def test_a_body_that_unpacks_to_far_more_than_the_limit_is_413(house: Any) -> None:
    bomb = gzip.compress(bytes(50 * 1024 * 1024))
    answer = await house.tcp.post("/webhook/open", data=bomb, headers={"Content-Encoding": "gzip"})
    assert answer.status == 413
    assert len(house.journal.receipt(1).body) == 64 * 1024


async def test_a_repeat_of_a_known_episode_opens_nothing(house: Any) -> None:
    for receipt in ("1", "2", "3"):
        said = await (await house.tcp.post("/webhook/open", json=house.payload)).json()
        assert said == {"accepted": 1, "incidents": [1], "receipt": receipt}
    assert len(house.engine.state.incidents) == 1


async def test_neither_secrets_nor_bodies_reach_the_log(
    house: Any, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    await house.tcp.post(
        "/webhook/alertmanager", data=b"private words", headers={"Authorization": "Bearer hush"}
    )
    await house.tcp.post("/webhook/alertmanager", data=b"private words", headers=bearer(house))
    shown = caplog.text + "".join(capsys.readouterr())
    assert "webhook.refused" in shown
    for word in ("hush", "private words", house.secret):
        assert word not in shown


async def test_answers_are_counted_by_source_and_code(house: Any) -> None:
    await house.tcp.post("/webhook/open", json=house.payload)
    await house.tcp.post("/webhook/whatever-name", data=b"")
    text = (await (await house.tcp.get("/metrics")).text()).splitlines()
    assert 'irpd_webhook_requests_total{code="202",source="open"} 1.0' in text
    assert 'irpd_webhook_requests_total{code="404",source=""} 1.0' in text
    assert not any("whatever-name" in line for line in text)


async def test_while_overloaded_a_sender_gets_503_with_retry_after_and_a_stranger_401(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from irpd.web.admission import Admission

    monkeypatch.setattr(Admission, "admit", lambda _self: False)
    answer = await house.tcp.post("/webhook/alertmanager", json=house.payload, headers=bearer(house))
    assert answer.status == 503
    assert (await answer.json())["code"] == "overloaded"
    assert 5 <= int(answer.headers["Retry-After"]) <= 30
    stranger = await house.tcp.post(
        "/webhook/alertmanager", json=house.payload, headers={"Authorization": "Bearer wrong"}
    )
    assert stranger.status == 401
    assert not house.engine.state.incidents


async def test_more_bytes_on_their_way_in_than_there_is_room_for_come_again_later(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import irpd.web.webhook as door

    monkeypatch.setattr(door, "BODIES_AT_ONCE", 60_000)
    large = b" " * 50_000 + json.dumps(house.payload).encode()
    head = b"POST /webhook/open HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(large)

    async def begin() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(house.tcp.server.host, house.tcp.server.port)
        writer.write(head + large[:40_000])
        await writer.drain()
        return reader, writer

    async with asyncio.timeout(30):
        first, second = await begin(), await begin()
        # Together they have sent more than there is room for: one of them is told so.
        waiting = {asyncio.ensure_future(one[0].readline()): one for one in (first, second)}
        done, left = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert (await done.pop()).startswith(b"HTTP/1.1 503")
        other = left.pop()
        waiting[other][1].write(large[40_000:])
        assert (await other).startswith(b"HTTP/1.1 202")
        third = await begin()
        third[1].write(large[40_000:])
        assert (await third[0].readline()).startswith(b"HTTP/1.1 202")
    for _, writer in (first, second, third):
        writer.close()
