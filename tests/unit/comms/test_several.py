"""One message that tells of several pages, for every kind of channel."""

import pytest
from msgspec.structs import replace

from irpd.comms import gsm
from irpd.comms.several import LIMITS, several
from irpd.comms.story import Subject
from irpd.model.level import Level

KINDS = (
    "smtp",
    "slack",
    "twilio",
    "voice",
    "ntfy",
    "pushover",
    "telegram",
    "mattermost",
    "teams",
    "unheard-of",
)


@pytest.fixture
def pages(about):
    def make(count: int, *, title: str = "Case {n} fails", code: bool = False) -> list[Subject]:
        made = []
        for n in range(1, count + 1):
            level = Level(min(1 + n // 4, 4))
            subject = about(incident={"number": n, "title": title.format(n=n), "level": level})
            made.append(
                replace(subject, link=f"https://irpd.example.com/a/link{n}", code=f"K{n}" if code else "")
            )
        return made

    return make


def test_a_mail_of_three_pages_reads_like_this(pages) -> None:
    rendered = several("smtp", pages(3))
    assert rendered.subject == "[irpd] 3 pages: #1 CRITICAL · Checkout · Case 1 fails"
    assert rendered.text.splitlines()[:6] == [
        "3 pages: #1 CRITICAL · Case 1 fails",
        "Since 03:02 Berlin. Press I have it at each.",
        "",
        "#1 CRITICAL · Checkout · Case 1 fails",
        "2 % of users (2,400 of 120,000) · since 03:02 Berlin · respond by 03:17",
        "I have it: https://irpd.example.com/a/link1",
    ]
    assert all(f'href="https://irpd.example.com/a/link{n}"' in rendered.html for n in (1, 2, 3))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "voice"])
def test_each_page_has_its_own_link_in_every_medium(pages, kind: str) -> None:
    rendered = several(kind, pages(3))
    whole = f"{rendered.text} {rendered.fields}"
    assert all(f"https://irpd.example.com/a/link{n}" in whole for n in (1, 2, 3))
    assert not rendered.error


def test_a_text_message_has_the_codes_where_replies_are_heard(pages) -> None:
    text = several("twilio", pages(10, code=True)).text
    heading, *lines, tail = text.splitlines()
    assert heading == "irpd: 10 pages since 03:02. Reply a code:"
    assert [line.split()[0] for line in lines] == [f"K{n}" for n in range(1, 11)]
    assert tail == "A code = I have it, with N behind it = can't."
    assert text == gsm.plain(text)


def test_a_call_speaks_of_the_most_severe_and_counts_the_others(pages) -> None:
    text = several("voice", pages(10)).text
    assert text.startswith("You are paged for 10 incidents. The keys are for the most severe.")
    assert "Case 1 fails" in text


@pytest.mark.parametrize("kind", sorted(LIMITS))
def test_a_list_that_is_too_long_is_cut_where_people_see_it(pages, kind: str) -> None:
    rendered = several(kind, pages(300, title="Case {n} " + "fails and fails " * 12))
    text, titled = rendered.text, kind in ("ntfy", "pushover")
    assert len(text) <= LIMITS[kind]
    heading, last = rendered.subject if titled else text.splitlines()[0], text.splitlines()[-1]
    assert "300 pages" in heading
    shown = text.count("https://irpd.example.com/a/link")
    assert last.strip(".… ") == f"and {300 - shown} more"
    assert shown >= 2


def test_slack_takes_no_more_than_fifty_blocks(pages) -> None:
    blocks = several("slack", pages(300)).fields["blocks"]
    assert len(blocks) <= 50
    assert blocks[-1]["text"]["text"] == "… and 255 more"


@pytest.mark.parametrize("kind", KINDS)
def test_what_senders_write_is_no_markup_in_a_list(pages, kind: str) -> None:
    rendered = several(kind, pages(2, title="<b>&*_`[x](https://evil.example)<!channel> @all"))
    assert "<b>&" not in rendered.html
    assert "<!channel>" not in str(rendered.fields.get("blocks", ""))
    if kind in ("mattermost", "teams"):
        assert "[x](" not in rendered.text


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_that_cannot_be_made_is_told_in_plain_words(pages, kind: str, monkeypatch) -> None:
    monkeypatch.setattr("irpd.comms.several.tell", lambda subject: 1 / 0)
    rendered = several(kind, pages(3))
    assert rendered.error
    assert all(f"https://irpd.example.com/a/link{n}" in rendered.text for n in (1, 2, 3))
