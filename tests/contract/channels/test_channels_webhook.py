"""What a webhook's receiver sees and how its answers are understood."""

import hashlib
import hmac
import json

import pytest
from aiohttp import web


async def test_a_receiver_can_check_the_signature_over_time_and_body(hook, a_message) -> None:
    await hook.channel.send(a_message(address=hook.address))
    _, headers, body = hook.requests[0]
    signed = headers["X-Irpd-Timestamp"].encode() + b"." + body
    assert headers["X-Irpd-Signature"] == "v1=" + hmac.new(b"hush", signed, hashlib.sha256).hexdigest()
    assert headers["X-Irpd-Timestamp"] == "1795485731"
    assert headers["Content-Type"] == "application/json"


async def test_the_body_is_the_page_as_data_with_the_text_beside_it(hook, a_message) -> None:
    await hook.channel.send(a_message(address=hook.address))
    body = json.loads(hook.requests[0][2])
    assert body["id"] == "42-3.1"
    assert body["incident"] == {"level": 1}
    assert body["subject"].startswith("[#42]")
    assert "I have it" in body["text"]


@pytest.mark.parametrize(
    "status, kind",
    [
        (200, "delivered"), (202, "delivered"), (204, "delivered"),
        (408, "transient"), (425, "transient"), (429, "transient"), (500, "transient"), (503, "transient"),
        (400, "permanent"), (401, "permanent"), (404, "permanent"), (410, "permanent"),
    ],
)  # fmt: skip
async def test_each_status_means_taken_later_or_never(hook, a_message, status: int, kind: str) -> None:
    hook.replies = [web.Response(status=status)]
    assert (await hook.channel.send(a_message(address=hook.address))).kind == kind


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(hook, a_message, status: int) -> None:
    hook.replies = [web.Response(status=status, headers={"Location": hook.address})]
    assert (await hook.channel.send(a_message(address=hook.address))).kind == "permanent"
    assert len(hook.requests) == 1


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("30", 30),
        ("Tue, 24 Nov 2026 02:03:11 GMT", 60),
        ("Tue, 24 Nov 2026 02:00:00 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("1e9", None),
        ("９", None),
        ("9" * 50, None),
    ],
)
async def test_retry_after_is_read_in_both_its_forms(
    hook, a_message, text: str, seconds: float | None
) -> None:
    hook.replies = [web.Response(status=503, headers={"Retry-After": text})]
    assert (await hook.channel.send(a_message(address=hook.address))).retry_after == seconds


async def test_an_endless_answer_is_not_read(hook, a_message) -> None:
    hook.replies = [web.Response(status=200, body=b"x" * 5_000_000)]
    assert (await hook.channel.send(a_message(address=hook.address))).kind == "delivered"
