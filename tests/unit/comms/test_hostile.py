"""Titles, labels and notes that were written to do harm, or by accident."""

import re
import unicodedata
from html.parser import HTMLParser

import pytest
from harness.examples import examples
from harness.hostile import HOSTILE
from hypothesis import example, given, settings
from hypothesis import strategies as st

from irpd.comms import clean, gsm, texts
from irpd.comms.texts import Rendered, render
from irpd.config.channels import CHANNEL_TYPES
from irpd.model.incident import LevelBy
from irpd.model.page import PageKind


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links |= {value or "" for name, value in attrs if name == "href"}


KNOWN_TAGS = {"html", "head", "meta", "title", "body", "div", "p", "b", "bdi", "a", "table", "tr", "td"}
KNOWN_LINKS = {
    "https://irpd.example.com/a/7Kq2mXw9Rt",
    "https://irpd.example.com/a/7Kq2mXw9Rt/cant",
    "https://runbooks.example/pay",
    "https://runbooks.example/checkout",
}


def harmless(rendered: Rendered, kind: str) -> None:
    assert not rendered.error
    assert len(rendered.subject) < 400
    assert len(rendered.text) < 6000
    for text in (rendered.subject, rendered.text):
        wrong = [
            c
            for c in text
            if unicodedata.category(c) in ("Cc", "Cs", "Cf", "Zl", "Zp") and c not in "\n\u200c\u200d"
        ]
        assert wrong == []
    assert "\n" not in rendered.subject
    assert "49" not in rendered.text.replace("2,49", "")
    if kind == "smtp":
        tags = Tags()
        tags.feed(rendered.html)
        assert tags.tags <= KNOWN_TAGS
        assert tags.links <= KNOWN_LINKS
        assert tags.attributes <= {"lang", "charset", "name", "content", "style", "href"}
        assert len(rendered.html) < 30_000
    if kind == "slack":
        shown = rendered.fields["blocks"][0]["text"]["text"]
        assert len(shown) <= 3000
        for text in (shown, rendered.text):
            assert "<" not in text
            assert ">" not in text
            assert re.search(r"&(?!amp;|lt;|gt;)", text) is None
        assert rendered.text.count("*") == 2, "the title ends neither its bold nor begins code"
        assert "`" not in rendered.text
    of_its_medium(rendered, kind)


def of_its_medium(rendered: Rendered, kind: str) -> None:
    """Nothing that the medium itself would take for markup."""
    text = rendered.text
    match kind:
        case "twilio":
            assert text.endswith(" https://irpd.example.com/a/7Kq2mXw9Rt")
            assert gsm.length(text) <= 160
            assert gsm.plain(text) == text
        case "voice":
            assert not set("<>&#") & set(text)
            assert len(text) <= 700
        case "mattermost" | "teams":
            bare = text.replace("**", "") if kind == "mattermost" else text
            for sign in "*_~`[]":
                assert bare.count(sign) == bare.count(f"\\{sign}"), sign
            assert re.search(r"@\w", text) is None


@pytest.mark.parametrize("kind", CHANNEL_TYPES)
@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:24]))
def test_hostile_text_does_no_harm_wherever_it_stands(about, kind: str, text: str) -> None:
    subject = about(
        incident={
            "title": text,
            "level_by": LevelBy("rule", text, None, text),
            "source": text,
            "services": ("checkout", text),
        },
        member={"title": text, "source": text, "labels": {"instance": text, text: text}},
    )
    harmless(render(kind, subject), kind)


@pytest.mark.parametrize("kind", CHANNEL_TYPES)
@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:24]))
def test_hostile_news_do_no_harm(about, kind: str, text: str) -> None:
    harmless(render(kind, about(page={"kind": PageKind.UPDATE, "text": text})), kind)


@pytest.mark.parametrize("kind", ["smtp", "slack", "webhook", "file"])
@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:24]))
def test_hostile_text_does_no_harm_in_the_built_in_text_either(
    about, monkeypatch, kind: str, text: str
) -> None:
    def planted(*_: object) -> None:
        raise RuntimeError("planted")

    for name in ("tell", "slack_text"):
        monkeypatch.setattr(texts, name, planted)
    rendered = render(kind, about(incident={"title": text}))
    assert rendered.error
    assert rendered.text.count("\n") == 3
    assert "\n" not in rendered.subject
    assert len(rendered.text) < 1000
    assert "\x1b" not in rendered.text
    if kind == "slack":
        assert "<" not in rendered.text


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "javascript://x/%0aalert(1)",
        "ftp://x/y",
        "data:text/html,x",
        'https://x/"onmouseover=alert(1)',
        "https://x/<script>",
        "https://x/ y",
        "https://x/\r\nBcc: a@b",
        "https://",
        "//x/y",
        "https://x/|label>",
        "https://[::1",
        "https://x/" + "a" * 5000,
        "x",
    ],
)
def test_a_hostile_link_of_a_signal_is_left_out_and_the_services_own_stands(about, url: str) -> None:
    for kind in ("smtp", "slack", "webhook", "file"):
        subject = about(member={"runbook": url, "dashboard": url, "url": url})
        rendered = render(kind, subject)
        harmless(rendered, kind)
        tags = Tags()
        tags.feed(rendered.html)
        assert url not in [*tags.links, *rendered.text.split()]
    assert "https://runbooks.example/checkout" in render("smtp", subject).text


@settings(max_examples=examples(200))
@given(title=st.text(), because=st.text(), label=st.text(max_size=50))
def test_any_text_at_all_makes_a_page(about, title: str, because: str, label: str) -> None:
    subject = about(
        incident={"title": title, "level_by": LevelBy("person", None, label, because)},
        member={"labels": {"instance": label}},
    )
    for kind in CHANNEL_TYPES:
        rendered = render(kind, subject)
        assert not rendered.error
        if kind == "slack":
            assert "<" not in rendered.text + str(rendered.fields["blocks"])


@given(st.text())
@example("0\r\x1b 0")
def test_a_line_is_one_line_without_what_is_not_seen(text: str) -> None:
    shown = clean.line(text, 40)
    assert len(shown) <= 40
    assert shown == clean.line(shown, 40)
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]


def test_what_is_cut_is_cut_visibly() -> None:
    assert clean.line("x" * 50, 10) == "x" * 9 + "…"
    assert clean.line("x" * 10, 10) == "x" * 10
    assert clean.block("\n".join("abc"), lines=2) == "a\nb\n…"


def test_scripts_and_emoji_that_need_joiners_keep_them() -> None:
    assert clean.line("👩\u200d🚒 می\u200cخواهم") == "👩\u200d🚒 می\u200cخواهم"
