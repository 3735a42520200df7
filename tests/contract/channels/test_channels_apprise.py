"""The long tail through apprise: which URL, which text, and what is said where the library is missing."""

import json
import sys

import pytest

from irpd.channels.registry import build_channel, build_channels
from irpd.check.whole import check_files
from irpd.config.channels import AppriseChannel

LINK = "https://irpd.example.com/a/7Kq2mXw9Rt"


async def test_the_persons_address_stands_in_the_url_as_text_only(provider, a_message) -> None:
    other = await provider("apprise")
    await other.channel.send(a_message(address="a/../b?x=1&y", text="t", fields={"acknowledge_url": LINK}))
    path, _, body = other.requests[0]
    assert path.startswith("/to/")
    assert path.endswith("b?x=1&y"), "it is a part of the path, not a query"
    said = json.loads(body)
    assert said["message"] == f"t\n{LINK}"
    assert said["title"].startswith("[#42] CRITICAL")


async def test_a_long_text_is_cut_before_its_link(provider, a_message) -> None:
    other = await provider("apprise")
    await other.channel.send(a_message(address="asha", text="x" * 50_000, fields={"acknowledge_url": LINK}))
    message = json.loads(other.requests[0][2])["message"]
    assert message.endswith(f"…\n{LINK}")
    assert len(message) <= 32_768


async def test_a_url_of_no_service_fails_for_good(make_parts, a_message, monkeypatch) -> None:
    monkeypatch.setenv("TEST_URL", "nonsense://hush@here")
    settings = AppriseChannel.model_validate({"type": "apprise", "auth": {"url": {"env": "TEST_URL"}}})
    channel = build_channel("it", settings, make_parts())
    outcome = await channel.send(a_message(address="asha"))
    assert outcome.kind == "permanent"
    assert "hush" not in outcome.detail
    await channel.close()


async def test_without_the_library_the_others_work_and_it_is_said(
    make_parts, a_message, good: str, write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    monkeypatch.setenv("TEST_URL", "json://localhost")
    settings = AppriseChannel.model_validate({"type": "apprise", "auth": {"url": {"env": "TEST_URL"}}})
    channel = build_channels(make_parts(settings={"it": settings}))["it"]
    outcome = await channel.send(a_message(address="asha"))
    assert outcome.kind == "permanent"
    assert "install irpd[apprise]" in outcome.detail
    text = good.replace("{type: file}", "{type: file}\n  it: {type: apprise, auth: {url: {env: TEST_URL}}}")
    (problem,) = check_files(write(irpd=text)).problems
    assert (problem.path, "install irpd[apprise]" in problem.message) == ("channels.it.type", True)
