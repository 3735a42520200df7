"""What is asked of Slack, and what its answers mean."""

import json

import pytest
from aiohttp import web
from msgspec.structs import replace

from irpd.model.page import PageKind


def asked(slack, n: int = 0) -> dict:
    return json.loads(slack.requests[n][2])


async def test_a_message_is_posted_with_its_blocks_and_the_line_for_the_lock_screen(slack, a_message) -> None:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "hello"}}]
    outcome = await slack.channel.send(
        a_message(address="U01ASHA", text="line one", fields={"blocks": blocks})
    )
    path, headers, _ = slack.requests[0]
    body = asked(slack)
    assert path == "/api/chat.postMessage"
    assert headers["Authorization"] == "Bearer hush"
    assert (body["channel"], body["text"], body["blocks"]) == ("U01ASHA", "line one", blocks)
    assert not body["unfurl_links"]
    assert "thread_ts" not in body
    assert outcome.provider_id == "D01:1.2"


@pytest.mark.parametrize("kind, shown", [(PageKind.PAGE, True), (PageKind.UPDATE, False)])
async def test_a_later_message_goes_into_the_thread_and_a_page_shows_outside_it(
    slack, a_message, kind, shown
) -> None:
    page = replace(a_message().page, kind=kind)
    await slack.channel.send(a_message(address="U01ASHA", thread="D01:1.2", page=page))
    body = asked(slack)
    assert (body["channel"], body["thread_ts"], body["reply_broadcast"]) == ("D01", "1.2", shown)


async def test_a_thread_that_is_gone_does_not_keep_a_page_back(slack, a_message) -> None:
    slack.replies = [web.json_response({"ok": False, "error": "thread_not_found"})]
    outcome = await slack.channel.send(a_message(address="U01ASHA", thread="D01:1.2"))
    assert outcome.kind == "delivered"
    assert "thread_ts" not in asked(slack, 1)
    assert asked(slack, 1)["channel"] == "U01ASHA"


async def test_a_posted_message_is_edited_in_place(slack, a_message) -> None:
    outcome = await slack.channel.edit(a_message(text="Asha has it"), "D01:1.2")
    assert outcome.kind == "delivered"
    assert slack.requests[0][0] == "/api/chat.update"
    assert (asked(slack)["channel"], asked(slack)["ts"], asked(slack)["text"]) == (
        "D01",
        "1.2",
        "Asha has it",
    )


@pytest.mark.parametrize(
    "error, kind",
    [
        ("channel_not_found", "permanent"),
        ("invalid_auth", "permanent"),
        ("account_inactive", "permanent"),
        ("not_in_channel", "permanent"),
        ("something_new", "permanent"),
        ("", "permanent"),
        ("internal_error", "transient"),
        ("ratelimited", "transient"),
        ("service_unavailable", "transient"),
    ],
)
async def test_an_error_word_is_for_good_unless_it_is_known_to_pass(
    slack, a_message, error: str, kind: str
) -> None:
    slack.replies = [web.json_response({"ok": False, "error": error})]
    outcome = await slack.channel.send(a_message())
    assert outcome.kind == kind
    assert error in outcome.detail


async def test_too_many_requests_says_how_long_to_wait(slack, a_message) -> None:
    slack.behave("refuses for now")
    assert (await slack.channel.send(a_message())).retry_after == 7


@pytest.mark.parametrize(
    "status, kind",
    [(500, "transient"), (503, "transient"), (302, "permanent"), (403, "permanent"), (204, "permanent")],
)
async def test_an_answer_without_a_word_is_judged_by_its_status(
    slack, a_message, status: int, kind: str
) -> None:
    headers = {"Location": "http://127.0.0.1/elsewhere"} if status == 302 else {}
    slack.replies = [web.Response(status=status, headers=headers)]
    assert (await slack.channel.send(a_message())).kind == kind
    assert len(slack.requests) == 1


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"ok": "yes"}', b'{"ok": true, "ts": 7}', b"\xff\xfe", b"{" * 300_000]
)
async def test_an_answer_that_is_not_slacks_is_a_passing_failure(slack, a_message, body: bytes) -> None:
    slack.replies = [web.Response(body=body)]
    assert (await slack.channel.send(a_message())).kind == "transient"


async def test_the_token_never_shows_in_an_outcome(slack, a_message) -> None:
    for how in ("refuses for good", "refuses for now", "hangs up", "talks nonsense", "hangs"):
        slack.behave(how)
        assert "hush" not in str(await slack.channel.send(a_message()))
