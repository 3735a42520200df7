"""Heartbeats, switches and shadow mode: mistakes in their settings have a place and a word."""

from collections.abc import Callable

import pytest

from irpd.check import check_files

Write = Callable[..., list[str]]
BEAT = "heartbeats: {nightly: {service: checkout, every: 1d, auth: none%s}}\n"


def said(write: Write, text: str) -> list[str]:
    checked = check_files(write(irpd=text), reveal=False)
    return [f"{problem.path}: {problem.message}" for problem in checked.problems]


@pytest.mark.parametrize(
    "more, problem",
    [
        (BEAT.replace("checkout", "chekout") % "", 'heartbeats.nightly.service: no service "chekout"'),
        (BEAT.replace(", auth: none%s", "%s") % "", "heartbeats.nightly"),
        (BEAT.replace("none%s", "{hmac: {secret: {env: X}}}%s") % "", "a monitor signs nothing"),
        (BEAT.replace("1d", "1s") % "", "heartbeats.nightly.every: must be at least 10s"),
        (BEAT % ", grace: 8d", "heartbeats.nightly.grace"),
        (BEAT % ", level: 5", "heartbeats.nightly.level"),
        (BEAT % ", hours: {from: '25:00'}", "heartbeats.nightly.hours.from"),
        (BEAT % ", hours: {time_zone: Mars/Olympus}", 'no time zone "Mars/Olympus"'),
        ("shadow: perhaps\n", "shadow"),
        ("shadow_uses: [nothing]\n", 'shadow_uses[0]: no channel "nothing"'),
        ("watching: {report: [{url: nowhere}]}\n", "watching.report[0].url: is no address"),
        ("watching: {report: [{url: 'https://x.example.com', every: 0s}]}\n", "watching.report[0].every"),
    ],
)
def test_a_mistake_is_named(write: Write, good: str, more: str, problem: str) -> None:
    found = [one for one in said(write, good + more) if problem in one]
    assert found, said(write, good + more)


def test_what_is_right_is_not_complained_of(write: Write, good: str) -> None:
    more = BEAT % ", grace: 30m, level: 1, hours: {from: '08:00', to: '18:00'}"
    more += "watching: {report: [{url: 'https://x.example.com/irpd'}]}\nshadow: false\n"
    assert said(write, good + more) == said(write, good)


def test_no_source_has_the_name_of_what_irpd_says_of_monitors(write: Write, good: str) -> None:
    assert "sources:\n" in good
    taken = good.replace("sources:\n", "sources:\n  heartbeat: {type: alertmanager, auth: none}\n", 1)
    assert any("sources.heartbeat: is the name of" in one for one in said(write, taken))


def test_only_a_file_is_used_in_shadow_mode(write: Write, good: str) -> None:
    assert "channels:\n" in good
    mail = "channels:\n  mail: {type: smtp, host: mail.example.com, from: irpd@example.com}\n"
    text = good.replace("channels:\n", mail, 1) + "shadow_uses: [local, mail]\n"
    assert 'shadow_uses[1]: "mail" tells people; only a channel of type file may' in said(write, text)
    assert not [one for one in said(write, text) if "shadow_uses[0]" in one]
