"""Text messages and calls: what they say, how long they are, and what can't get into them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as replaced

from irpd.comms import gsm, texts
from irpd.comms.sms import sms_text
from irpd.comms.texts import render
from irpd.comms.voice import voice_text
from irpd.model.incident import State
from irpd.model.page import PageKind

LINK = "https://irpd.example.com/a/7Kq2mXw9Rt"


def coded(about, **changes):
    return replaced(about(**changes), code="K7")


def test_a_text_message_reads_like_this(about) -> None:
    text = sms_text(coded(about))
    assert text == (
        "irpd #42 CRITICAL checkout: Payments failing. 2% of users, since 03:02. "
        f"Reply K7 = I have it, K7N = can't. {LINK}"
    )
    assert gsm.length(text) == 144


def test_a_message_that_nobody_can_reply_to_names_no_code(about) -> None:
    assert sms_text(about()) == (
        f"irpd #42 CRITICAL checkout: Payments failing. 2% of users, since 03:02. Press the link: {LINK}"
    )


def test_the_word_that_it_is_over_reads_like_this(about) -> None:
    incident = about().incident
    over = {
        "state": State.RESOLVED,
        "resolved_at": incident.opened_at + timedelta(minutes=68),
        "resolved_by": "chi",
    }
    subject = about(incident=over, page={"kind": PageKind.UPDATE})
    text = sms_text(subject)
    assert text == "irpd #42: over. Resolved 04:10 by Chi Okafor after 68 min. Nothing to do."
    assert gsm.length(text) == 73


def test_a_drill_says_so_first(about) -> None:
    text = sms_text(coded(about, incident={"drill": True}))
    assert text.startswith("DRILL irpd ")
    assert "DRILL" not in text[6:]


@pytest.mark.parametrize(
    "title", ["x" * 5000, "€" * 300, "Zahlungsausfälle überall – „kritisch“ … " * 5, "支付失败" * 50]
)
def test_a_long_title_is_cut_visibly_and_the_link_never(about, title: str) -> None:
    text = sms_text(coded(about, incident={"title": title}))
    assert text.endswith(f" {LINK}")
    assert gsm.length(text) <= 160
    assert "K7N" in text
    assert "..." in text or "?" in text


def test_an_address_too_long_for_one_message_stays_whole(about) -> None:
    link = f"https://{'x' * 150}.example.com/a/7Kq2mXw9Rt"
    text = sms_text(replaced(coded(about), link=link))
    assert text.endswith(f" {link}")
    assert "Payments failing" in text
    assert gsm.length(text) < 306


@given(st.text(max_size=200))
def test_any_text_becomes_the_networks_own_alphabet(text: str) -> None:
    plain = gsm.plain(text)
    allowed = set(map(chr, range(128))) | gsm._ALPHABET | gsm._TWICE
    assert set(plain) <= allowed - {"`"}
    assert gsm.length(gsm.cut(plain, 40)) <= 40


@pytest.mark.parametrize(
    "text, plain",
    [
        ("Zürich – „now“ …", 'Zürich - "now" ...'),
        ("čšž ñ é ł œ", "csz ñ é l oe"),
        ("支付 failed 💥!", "? failed ?!"),
        ("5 µs ≥ 3°", "5 us >= 3 deg"),
        ("1\u00a0234", "1 234"),
    ],
)
def test_what_has_something_alike_becomes_that(text: str, plain: str) -> None:
    assert gsm.plain(text) == plain


def test_a_call_says_level_service_and_title(about) -> None:
    assert voice_text(about()) == (
        "This is I R P D. Incident 42, critical. Service Checkout. Payments failing. Since 03:02 Berlin."
    )


def test_a_call_about_what_somebody_has_says_so(about) -> None:
    subject = about(incident={"state": State.ACKNOWLEDGED, "acknowledged_by": ("chi",)})
    assert "Chi Okafor has it" in voice_text(subject)


@pytest.mark.parametrize(
    "title", ["<Hangup/>", "a & b </Say><Dial>+1900</Dial>", "\x1b[31m \x00", "x" * 9000]
)
def test_nothing_in_a_title_is_markup_in_a_call(about, title: str) -> None:
    said = voice_text(about(incident={"title": title}))
    assert not set("<>&\x00\x1b") & set(said)
    assert len(said) <= 700


@pytest.mark.parametrize("kind", ["twilio", "voice"])
def test_a_text_that_cant_be_made_still_names_the_incident(
    about, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "tell", None)
    monkeypatch.setattr("irpd.comms.sms.tell", None)
    monkeypatch.setattr("irpd.comms.voice.tell", None)
    rendered = render(kind, about())
    assert rendered.error
    assert "42" in rendered.text
    assert (LINK in rendered.text) == (kind == "twilio")
