"""Every channel against what its counterpart may do: take it, refuse it, hang, hang up, talk nonsense."""

import asyncio
import contextlib
import json
from pathlib import Path

import aiohttp
import pytest
from harness import free_port
from harness.providers import PROVIDERS, SECRET

from irpd.channels.registry import build_channel
from irpd.config.channels import SmtpChannel


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
    async with asyncio.timeout(30):
        outcome = await counterpart.channel.send(a_message(address=counterpart.address))
    if counterpart.kind == "apprise":
        kind = "transient"  # it doesn't tell why
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


@pytest.mark.parametrize("kind", PROVIDERS)
async def test_nobody_listens_is_a_passing_failure(provider, a_message, kind: str) -> None:
    other = await provider(kind)
    await other.close_door()
    outcome = await other.channel.send(a_message(address=other.address))
    assert outcome.kind == "transient", outcome


async def test_no_mail_server_is_a_passing_failure(a_message, make_parts) -> None:
    settings = SmtpChannel.model_validate(
        {"type": "smtp", "host": "127.0.0.1", "port": free_port(), "from": "i@x.io"}
    )
    async with aiohttp.ClientSession() as session:
        channel = build_channel("it", settings, make_parts(session=session))
        outcome = await channel.send(a_message(address="a@x.io"))
    assert outcome.kind == "transient", outcome


@pytest.mark.parametrize("kind", sorted({*PROVIDERS} - {"apprise"}))
async def test_how_long_a_provider_wants_to_be_left_alone_is_kept_to(provider, a_message, kind: str) -> None:
    other = await provider(kind)
    other.behave("refuses for now")
    outcome = await other.channel.send(a_message(address=other.address))
    assert (outcome.kind, outcome.retry_after) == ("transient", 7.0)
    one = kind in ("slack", "telegram", "webhook")
    assert outcome.pauses == ("address" if one else "channel"), "whom the provider means"


@pytest.mark.parametrize("kind", PROVIDERS)
async def test_a_provider_that_is_broken_is_asked_again(provider, a_message, kind: str) -> None:
    other = await provider(kind)
    other.behave("is broken")
    outcome = await other.channel.send(a_message(address=other.address))
    assert outcome.kind == "transient", outcome


LINK = "https://irpd.example.com/a/7Kq2mXw9Rt"
HOSTILE = "Zahlung <!channel> <b>&amp;</b> ]]> *x* [a](b) \x1b[31m \x00 \ud800 \u202e " + "x" * 9000


@pytest.mark.parametrize("kind", PROVIDERS)
async def test_a_text_of_any_length_and_content_is_taken(provider, a_message, kind: str) -> None:
    other = await provider(kind)
    text = f"{HOSTILE.encode('utf-8', 'replace').decode()} {LINK}"
    outcome = await other.channel.send(a_message(address=other.address, text=text))
    assert outcome.kind == "delivered", outcome


@pytest.mark.parametrize("kind", PROVIDERS)
async def test_no_secret_is_in_an_outcome_or_a_log(
    provider, a_message, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    other = await provider(kind)
    for how in ("accepts", "refuses for good", "is broken", "hangs up", "talks nonsense"):
        other.behave(how)
        outcome = await other.channel.send(a_message(address=other.address))
        assert SECRET not in repr(outcome)
    shown = capsys.readouterr()
    assert SECRET not in shown.out + shown.err


async def test_a_channel_that_can_keeps_the_messages_identity(counterpart, a_message) -> None:
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
    elif counterpart.kind == "file":
        assert json.loads(counterpart.path.read_text())["id"] == "42-3.7"
