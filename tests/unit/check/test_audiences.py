"""Audiences that could tell nobody, and templates that can't be filled, are found before they are needed."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from irpd.check import check_files
from irpd.config.problem import Problem

Write = Callable[..., list[str]]
NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
CHANNELS = """
channels:
  local: {type: file, path: pages.jsonl}
  mail: {type: smtp, host: mail.example.com, from: irpd@example.com}
  chat: {type: slack, auth: {bot_token: {env: SLACK}}}
  hook: {type: webhook, auth: {secret: {env: HOOK}}}
  text: {type: twilio, from: "+493012345678", auth: {account: {env: A}, token: {env: B}}}
  call: {use: text, as: voice}
"""


@pytest.fixture
def found(write: Write, good: str) -> Callable[[str], list[Problem]]:
    def look(more: str) -> list[Problem]:
        before, channels, after = good.partition("channels:\n")
        assert channels
        rest = after[after.index("\nnotify:") :]
        server = 'server: {public_url: "https://irpd.example.com"}\n'
        text = f"{before}{server}{CHANNELS.lstrip()}{rest}\n{more}"
        return list(check_files(write(irpd=text), now=NOW, reveal=False).problems)

    return look


@pytest.mark.parametrize(
    "audience, path, says",
    [
        (
            "{via: status-page}",
            "audiences.a.via",
            "a status page is not supported yet; name a channel (local, mail",
        ),
        (
            "{via: mial, to: [a@example.com]}",
            "audiences.a.via",
            'no channel "mial"; did you mean mail? (local',
        ),
        ("{via: call, to: ['+4915100000001']}", "audiences.a.via", "a call can't read a message"),
        ("{via: mail}", "audiences.a", "to is missing: nobody would be told"),
        ("{via: mail, to: [a b@example.com]}", "audiences.a.to[0]", "is no e-mail address"),
        ("{via: mail, to: [a@example.com, a@example.com]}", "audiences.a.to", "an address stands twice"),
        ("{via: mail, room: x}", "audiences.a.room", "a channel of type smtp has no rooms; write to:"),
        ("{via: chat, to: [x]}", "audiences.a", "room is missing: the room at Slack"),
        ("{via: hook}", "audiences.a", "to is missing, and the channel has no url"),
        ("{via: hook, to: [ftp://x]}", "audiences.a.to[0]", "is no http:// or https:// address"),
        ("{via: text, to: ['0151']}", "audiences.a.to[0]", "no telephone number in international form"),
        ("{via: local, to: [x]}", "audiences.a.to", "a channel of type file has no addresses"),
        ("{via: local, approve: [chef]}", "audiences.a.approve[0]", 'no role or person "chef"'),
        ("{via: local, page: [chef]}", "audiences.a.page[0]", 'no person "chef"'),
        ("{via: local, services: [chekout]}", "audiences.a.services[0]", 'no service "chekout"'),
        ("{via: local, time_zone: Mars/Olympus}", "audiences.a.time_zone", "no time zone"),
        ("{via: local, language: nl}", "audiences.a.language", '"nl" is not allowed here (en, de, fr, es)'),
        ("{via: local, levels: [5]}", "audiences.a.levels[0]", "must be at most 4"),
        ("{via: local, sent: x}", "audiences.a.sent", "unknown key; did you mean send?"),
    ],
)
def test_an_audience_that_could_tell_nobody_is_an_error_at_its_place(
    found: Callable[[str], list[Problem]], audience: str, path: str, says: str
) -> None:
    problems = found(f"audiences:\n  a: {audience}\n")
    assert [(one.severity, one.path) for one in problems if says in str(one)] == [("error", path)], problems


@pytest.mark.parametrize(
    "audience",
    [
        "{via: mail, to: [a@example.com, b@example.com]}",
        "{via: chat, room: incidents}",
        "{via: hook, to: [https://example.com/x]}",
        "{via: text, to: ['+4915100000001']}",
        "{via: local, send: draft, approve: [emil]}",
    ],
)
def test_an_audience_that_can_be_told_is_none(found: Callable[[str], list[Problem]], audience: str) -> None:
    assert [str(one) for one in found(f"audiences:\n  a: {audience}\n")] == []


@pytest.mark.parametrize(
    "audiences, says",
    [
        (
            "a: {via: local, send: draft}",
            "nobody is named in approve; drafts wait for whoever has the incident",
        ),
        (
            "executives: {via: local, levels: [1]}",
            "the protocol tells executives of every level 1-2 incident",
        ),
        ("executives: {via: local, send: draft, approve: [emil]}", "the protocol tells executives of every"),
    ],
)
def test_what_the_protocol_wants_otherwise_is_warned_of(
    found: Callable[[str], list[Problem]], audiences: str, says: str
) -> None:
    (problem,) = found(f"audiences:\n  {audiences}\n")
    assert problem.severity == "warning"
    assert says in problem.message


def test_a_broken_template_is_found_with_the_line_it_stands_on(found: Callable[[str], list[Problem]]) -> None:
    more = (
        "templates:\n  ours:\n    template: initial\n    text: |\n"
        "      {{ issue }}\n\n      Sorry: {{ isue }}\n"
    )
    (problem,) = found(more)
    assert problem.source_line == "      Sorry: {{ isue }}"
    assert problem.message == "isue is nothing that a message has"
    assert "issue" in problem.allowed
    assert problem.path == "templates.ours.text"


@pytest.mark.parametrize(
    "template, says",
    [
        ('{template: initial, text: "{{ issue"}', "unexpected end of template"),
        ('{template: resolution, text: "{{ progress }}"}', "progress is nothing that a message has"),
        ('{template: first, text: "x"}', '"first" is not allowed here (initial, update, resolution)'),
        ('{template: initial, text: "x", audience: b}', 'no audience "b"'),
        (
            '{template: update, text: "x"}\n  b: {template: update, text: "y"}',
            "the same messages as templates.ours",
        ),
    ],
)
def test_a_template_that_cannot_be_filled_is_an_error(
    found: Callable[[str], list[Problem]], template: str, says: str
) -> None:
    problems = found(f"audiences:\n  a: {{via: local}}\ntemplates:\n  ours: {template}\n")
    assert any(says in str(one) and one.severity == "error" for one in problems), [
        str(one) for one in problems
    ]
