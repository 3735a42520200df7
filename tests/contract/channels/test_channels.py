"""Every channel against what its counterpart may do: take it, refuse it, hang, hang up, talk nonsense."""

import asyncio
import contextlib
import json
import socket
from pathlib import Path

import aiohttp
import pytest

from irpd.channels.registry import build_channel
from irpd.config.channels import SlackChannel, SmtpChannel, WebhookChannel


async def test_what_is_taken_is_delivered(counterpart, a_message) -> None:
    outcome = await counterpart.channel.send(a_message(address=counterpart.address))
    assert outcome.kind == "delivered"
    assert counterpart.received() == 1


@pytest.mark.parametrize(
    "how, kind",
    [
        ("refuses for good", "permanent"),
        ("refuses for now", "transient"),
        ("hangs", "transient"),
        ("hangs up", "transient"),
        ("talks nonsense", "transient"),
    ],
)
async def test_what_is_not_taken_is_told_apart_for_good_and_for_now(
    counterpart, a_message, how: str, kind: str
) -> None:
    counterpart.behave(how)
    async with asyncio.timeout(5):
        outcome = await counterpart.channel.send(a_message(address=counterpart.address))
    assert outcome.kind == kind, outcome
    assert outcome.detail


async def test_many_at_once_all_arrive(counterpart, a_message) -> None:
    messages = [a_message(id=f"42-3.{n}", address=counterpart.address) for n in range(1, 31)]
    outcomes = await asyncio.gather(*(counterpart.channel.send(one) for one in messages))
    assert [outcome.kind for outcome in outcomes] == ["delivered"] * 30
    assert counterpart.received() == 30


async def test_it_works_again_after_a_failure(counterpart, a_message, tmp_path: Path) -> None:
    counterpart.behave("refuses for now")
    await counterpart.channel.send(a_message(address=counterpart.address))
    with contextlib.suppress(FileNotFoundError):
        (tmp_path / "pages.jsonl").unlink()
    counterpart.behave("accepts")
    outcome = await counterpart.channel.send(a_message(address=counterpart.address))
    assert outcome.kind == "delivered"


@pytest.mark.parametrize(
    "hostile", ["", "\r\nBcc: all@example.com", "a\x00b", "x" * 5000, "<script>", "javascript:x()"]
)
async def test_a_hostile_address_is_an_outcome_and_never_an_error(
    counterpart, a_message, hostile: str
) -> None:
    outcome = await counterpart.channel.send(a_message(address=hostile))
    if counterpart.kind in ("smtp", "webhook"):
        assert outcome.kind == "permanent"
    assert outcome.kind in ("delivered", "permanent")


async def test_nobody_listens_is_a_passing_failure(
    a_message, still_clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_SECRET", "hush")
    auth = {"env": "TEST_SECRET"}
    closed = "127.0.0.1", _unused_port()
    async with aiohttp.ClientSession() as session:
        for settings, address in [
            (
                SmtpChannel.model_validate(
                    {"type": "smtp", "host": closed[0], "port": closed[1], "from": "i@x.io"}
                ),
                "a@x.io",
            ),
            (
                WebhookChannel.model_validate({"type": "webhook", "auth": {"secret": auth}}),
                f"http://{closed[0]}:{closed[1]}/",
            ),
            (
                SlackChannel.model_validate(
                    {
                        "type": "slack",
                        "auth": {"bot_token": auth},
                        "api_url": f"http://{closed[0]}:{closed[1]}",
                    }
                ),
                "U01",
            ),
        ]:
            channel = build_channel(
                "it", settings, state_dir=Path("/"), terminal=None, session=session, clock=still_clock
            )
            outcome = await channel.send(a_message(address=address))
            assert outcome.kind == "transient", outcome


def _unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_every_type_of_channel_keeps_the_messages_identity(counterpart, a_message) -> None:
    await counterpart.channel.send(
        a_message(id="42-3.7", address=counterpart.address, fields={"id": "42-3.7"})
    )
    if counterpart.kind == "smtp":
        shown = counterpart.mails[0][2].decode()
        assert "Message-ID: <irpd.42-3.7.20261124020211@example.com>" in shown
    elif counterpart.kind == "slack":
        assert json.loads(counterpart.requests[0][2])["metadata"]["event_payload"] == {"id": "42-3.7"}
    elif counterpart.kind == "webhook":
        assert counterpart.requests[0][1]["Idempotency-Key"] == "42-3.7"
    else:
        assert json.loads(counterpart.path.read_text())["id"] == "42-3.7"
