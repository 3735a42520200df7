"""Push messages: the first two lines on a lock screen say what is wrong, how bad, since when."""

from datetime import UTC, datetime

import pytest

from irpd.comms.push import Urgency, push_text
from irpd.comms.several import several
from irpd.comms.texts import render
from irpd.model.incident import State
from irpd.model.level import Level
from irpd.model.page import PageKind

#: Somebody has it, and the page is answered by that.
TAKEN = {
    "page": {"live": False},
    "incident": {
        "state": State.ACKNOWLEDGED,
        "acknowledged_at": datetime(2026, 11, 24, 2, 5, tzinfo=UTC),
        "acknowledged_by": ("chi",),
    },
}


def test_a_push_message_reads_like_this(about) -> None:
    push = push_text(about())
    assert push.title == "#42 CRITICAL · Checkout · Payments failing"
    assert push.text.splitlines()[:3] == [
        "Since 03:02 Berlin. Press I have it by 03:17.",
        "2 % of users (2,400 of 120,000) · 3 signals",
        "Next if nobody answers: Chi Okafor at 03:07",
    ]
    assert (push.urgency, push.asks, push.over) == (Urgency.ALARM, True, False)


def test_when_somebody_has_it_the_message_says_who_and_is_silent(about) -> None:
    push = push_text(about(**TAKEN))
    assert push.title == "🟢 #42 CRITICAL · Checkout · Payments failing"
    assert push.text.startswith("Chi Okafor has it (03:05). Nothing to do.\n")
    assert (push.urgency, push.asks, push.over) == (Urgency.SILENT, False, True)


@pytest.mark.parametrize(
    "level, kind, urgency",
    [
        (Level.HIGH, PageKind.PAGE, Urgency.ALARM),
        (Level.MEDIUM, PageKind.PAGE, Urgency.LOUD),
        (Level.LOW, PageKind.QUIET, Urgency.SILENT),
        (Level.CRITICAL, PageKind.UPDATE, Urgency.NORMAL),
    ],
)
def test_only_pages_of_level_1_and_2_go_through_do_not_disturb(about, level, kind, urgency) -> None:
    assert push_text(about(incident={"level": level}, page={"kind": kind})).urgency is urgency


def test_what_a_channel_needs_to_know_goes_along(about) -> None:
    rendered = render("ntfy", about())
    assert rendered.fields["acknowledge_url"] == "https://irpd.example.com/a/7Kq2mXw9Rt"
    assert (rendered.fields["level"], rendered.fields["asks"]) == (1, True)


@pytest.mark.parametrize("kind", ["telegram", "mattermost", "teams"])
def test_a_chat_shows_what_is_wrong_in_its_first_line(about, kind: str) -> None:
    text = render(kind, about()).text
    first, second = text.splitlines()[:2]
    assert "42 CRITICAL · Checkout · Payments failing" in first
    assert second == "Since 03:02 Berlin. Press I have it by 03:17."


@pytest.mark.parametrize("kind", ["mattermost", "teams"])
@pytest.mark.parametrize(
    "title",
    ["[press](https://evil.example)", "![x](https://evil.example)", "*b* _i_ ~s~ `c`", "@all @channel"],
)
def test_a_title_is_no_markup_and_mentions_nobody(about, kind: str, title: str) -> None:
    text = render(kind, about(incident={"title": title})).text
    for sign in "*_~`[]":
        bare = text.replace("**", "") if kind == "mattermost" else text
        assert bare.count(sign) == bare.count(f"\\{sign}"), (sign, text)
    assert "@all" not in text
    assert "@channel" not in text


def test_what_tells_of_several_rings_on_until_all_of_them_are_taken(about) -> None:
    taken = about(**TAKEN)
    for subjects, over in (([taken, about()], False), ([taken, taken], True)):
        fields = several("pushover", subjects).fields
        assert (fields["asks"], fields["over"]) == (False, over)
