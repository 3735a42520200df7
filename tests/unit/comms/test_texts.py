"""What the texts say: first what is wrong, how bad, since when and what to press."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace as replaced

from irpd.comms import texts
from irpd.comms.story import percent
from irpd.comms.texts import mail_text, plain_text, render, slack_text
from irpd.model.incident import LevelBy, State
from irpd.model.level import Level
from irpd.model.page import PageKind
from irpd.model.share import Share, band

NOW = datetime(2026, 11, 24, 2, 2, 11, 482_000, tzinfo=UTC)
FACTS = "2 % of users (2,400 of 120,000) · since 03:02 Berlin · respond by 03:17 · 3 signals"
WHY = (
    "Why critical: payments-failing (payment processing failure is critical at any share of users); "
    "share of users alone: level 4 (2 %)"
)


def test_a_mail_reads_like_this(about) -> None:
    mail = mail_text(about())
    assert mail.subject == "[#42] CRITICAL Checkout: Payments failing"
    assert mail.text == (
        "#42 CRITICAL · Checkout · Payments failing\n"
        "Since 03:02 Berlin. Press I have it by 03:17.\n"
        "I have it:  https://irpd.example.com/a/7Kq2mXw9Rt\n"
        "I can't:    https://irpd.example.com/a/7Kq2mXw9Rt/cant\n"
        "\n"
        "Payments failing at Checkout. 2 % of users (2,400 of 120,000). "
        "Since 03:02 (Europe/Berlin), 02:02 UTC.\n"
        "You are paged as first responder. Respond by 03:17. If you don't, Chi Okafor is paged at 03:07.\n"
        "\n"
        "Why critical  payments-failing (payment processing failure is critical at any share of users); "
        "share of users alone: level 4 (2 %)\n"
        'Signals       3 firing, newest 03:04 alertmanager "PaymentErrors" instance=pay-2\n'
        "Runbook       https://runbooks.example/pay\n"
    )


def test_where_presses_are_heard_the_buttons_of_a_slack_message_answer_at_once(about) -> None:
    subject = replaced(about(), code="K7")
    elements = slack_text(subject).blocks[1]["elements"]
    shown = [(one["text"]["text"], one.get("value"), one.get("url")) for one in elements]
    assert shown == [
        ("I have it", subject.page.name, None),
        ("I can't", subject.page.name, None),
        ("Open", None, "https://irpd.example.com/a/7Kq2mXw9Rt"),
        ("Runbook", None, "https://runbooks.example/pay"),
    ]
    assert elements[0]["action_id"] == "i-have-it"
    test = replaced(about(page={"kind": PageKind.TEST}), code="K7")
    (reached,) = slack_text(test).blocks[1]["elements"]
    assert (reached["value"], reached["action_id"]) == (test.page.name, "i-have-it")


def test_a_slack_message_reads_like_this(about) -> None:
    slack = slack_text(about())
    section, actions = slack.blocks
    lines = section["text"]["text"].splitlines()
    assert slack.text.splitlines() == lines[:2]
    assert lines == [
        ":red_circle: *#42 CRITICAL · Checkout · Payments failing*",
        "Since 03:02 Berlin. Press I have it by 03:17.",
        "2 % of users (2,400 of 120,000) · 3 signals",
        WHY,
        "Next if nobody answers: Chi Okafor at 03:07",
    ]
    buttons = [(button["text"]["text"], button["url"]) for button in actions["elements"]]
    assert buttons == [
        ("I have it", "https://irpd.example.com/a/7Kq2mXw9Rt"),
        ("I can't", "https://irpd.example.com/a/7Kq2mXw9Rt/cant"),
        ("Runbook", "https://runbooks.example/pay"),
    ]
    ids = [button["action_id"] for button in actions["elements"]]
    assert len(set(ids)) == len(ids)


def test_a_terminal_shows_this(about) -> None:
    assert plain_text(about()).text.splitlines()[:4] == [
        "#42 CRITICAL · Checkout · Payments failing",
        f"  Page to Asha Rao: {FACTS}",
        "  I have it: https://irpd.example.com/a/7Kq2mXw9Rt",
        "  I can't:   https://irpd.example.com/a/7Kq2mXw9Rt/cant",
    ]


def test_after_an_acknowledgement_slack_says_who_has_it_and_asks_nothing(about) -> None:
    taken = {
        "state": State.ACKNOWLEDGED,
        "acknowledged_at": NOW + timedelta(minutes=3),
        "acknowledged_by": ("asha",),
    }
    slack = slack_text(about(incident=taken, page={"live": False}))
    assert slack.text.startswith(":large_green_circle: *#42")
    assert slack.text.endswith("\nAsha Rao has it (03:05).")
    shown = str(slack.blocks)
    assert "I have it" not in shown
    assert "respond by" not in shown
    assert "Next if nobody answers" not in shown


@pytest.mark.parametrize("kind", ["smtp", "slack", "file"])
def test_when_all_signals_are_resolved_it_asks_to_confirm(about, kind: str) -> None:
    rendered = render(kind, about(incident={"firing": 0}))
    assert "Signals resolved, confirm" in rendered.text + str(rendered.fields.get("blocks", ""))
    assert "Signals resolved, confirm" not in str(render(kind, about()))
    update = {"kind": PageKind.UPDATE, "text": "all is quiet"}
    rendered = render(kind, about(page=update, incident={"firing": 0}))
    assert "Signals resolved, confirm" in rendered.text + str(rendered.fields.get("blocks", ""))


def test_the_subject_never_changes_when_the_level_or_the_services_do(about) -> None:
    before = mail_text(about(incident={"opened_level": Level.HIGH, "level": Level.HIGH})).subject
    risen = {"opened_level": Level.HIGH, "level": Level.CRITICAL, "services": ("checkout", "login")}
    after = mail_text(about(incident=risen))
    assert before == after.subject == "[#42] HIGH Checkout: Payments failing"
    assert after.text.startswith("#42 CRITICAL · Payments failing\n")
    assert "\nPayments failing at Checkout, login. " in after.text


def test_times_are_in_the_persons_zone(about) -> None:
    assert "Since 03:02 (Africa/Lagos), 02:02 UTC" in mail_text(about(page={"person": "chi"})).text
    assert "Since 02:02 UTC." in mail_text(about(page={"person": "utc"})).text
    assert "Since 02:02 UTC." in mail_text(about(page={"person": "lost"})).text


def test_a_time_of_another_day_says_so(about) -> None:
    text = mail_text(
        about(incident={"opened_at": NOW - timedelta(days=2), "respond_by": NOW + timedelta(days=1)})
    ).text
    assert "Since Sun 22 Nov 03:02 (Europe/Berlin)" in text
    assert "Respond by Wed 25 Nov 03:17" not in text
    assert "Respond by Wed 25 Nov 03:02" in text


@pytest.mark.parametrize(
    "said, shown",
    [
        (NOW - timedelta(minutes=4), "02:58"),
        (NOW + timedelta(hours=1), "03:02"),
        (datetime(1, 1, 1, tzinfo=UTC), "03:02"),
        (NOW - timedelta(days=400), "03:02"),
    ],
)
def test_a_senders_time_is_used_only_when_it_is_believable(about, said: datetime, shown: str) -> None:
    assert f"Since {shown} (Europe/Berlin)" in mail_text(about(incident={"impact_from": said})).text


def test_an_objective_that_has_passed_is_marked(about) -> None:
    assert (
        "Respond by 03:01 (passed)."
        in mail_text(about(incident={"respond_by": NOW - timedelta(minutes=1)})).text
    )


@pytest.mark.parametrize(
    "page, says",
    [
        ({}, "You are paged as first responder."),
        ({"step": 2}, "You are paged as Technical Lead."),
        ({"step": 4, "reason": "round"}, "You are paged again as Technical Lead."),
        ({"reason": "everyone"}, "Nobody has answered yet, so everybody on the path is paged."),
        ({"reason": "fallback"}, "You are paged because nobody else could be reached."),
        ({"reason": "evidence"}, "You are paged because there is evidence for a more severe level"),
        ({"reason": "operators"}, "You are paged as an operator: irpd itself needs somebody."),
        ({"reason": "something-new", "path": "gone"}, "You are paged."),
        ({"next_person": "", "next_at": None}, "Respond by 03:17.\n"),
        ({"next_person": "everyone"}, "If you don't, everyone is paged at 03:07."),
    ],
)
def test_it_says_why_this_person_and_who_is_next(about, page: dict[str, object], says: str) -> None:
    assert says in mail_text(about(page=page)).text


@pytest.mark.parametrize(
    "by, says",
    [
        (LevelBy("share"), "2 % of users are affected"),
        (LevelBy("default", None, None, "no rule holds"), "no rule holds"),
        (LevelBy("default"), "no rule holds and the share of users is unknown"),
        (LevelBy("person", None, "chi", "customers call"), "set by Chi Okafor: customers call"),
        (LevelBy("fallback"), "fallback"),
    ],
)
def test_it_says_why_this_level(about, by: LevelBy, says: str) -> None:
    assert f"Why critical  {says}" in mail_text(about(incident={"level_by": by})).text


def test_an_unknown_share_is_said_to_be_unknown(about) -> None:
    subject = about(incident={"share": Share()})
    assert "Users         how many are affected is not known" in mail_text(subject).text
    assert "users affected: unknown" in str(slack_text(subject).blocks)
    assert "1 user." in mail_text(about(incident={"share": Share(affected=1)})).text


@given(st.fractions(0, 1))
@example(Fraction(1, 195_312_500_000))  # too small for so many digits, and exact with three of its own
def test_a_share_is_never_shown_in_another_band_than_its_own(share: Fraction) -> None:
    shown, exact = percent(share)
    value = Fraction(shown.removesuffix(" %")) / 100
    assert band(value) == band(share)
    assert exact == (value == share)
    assert (value == 0) == (share == 0)


def test_a_share_just_above_a_band_shows_enough_digits() -> None:
    assert percent(Fraction(8001, 10000)) == ("80.01 %", True)
    assert percent(Fraction(999, 10000)) == ("9.99 %", True)
    assert percent(Fraction(1, 3)) == ("33 %", False)
    assert percent(Fraction(1)) == ("100 %", True)


def test_an_update_says_its_news_first_and_asks_nothing(about) -> None:
    subject = about(
        page={"kind": PageKind.UPDATE, "reason": "update", "text": "another signal joined: pay-3"}
    )
    mail = mail_text(subject)
    assert mail.text.startswith(
        "#42 CRITICAL · Checkout · Payments failing\n"
        "Since 03:02. another signal joined: pay-3\n"
        "Open:       https://irpd"
    )
    assert "another signal joined: pay-3" in str(slack_text(subject).blocks)
    assert "another signal joined: pay-3" in plain_text(subject).text
    for text in (mail.text, mail.html, str(slack_text(subject).blocks), plain_text(subject).text):
        assert "I can't" not in text
        assert "If you don't" not in text


def test_a_quiet_message_is_there_to_be_looked_at(about) -> None:
    mail = mail_text(about(page={"kind": PageKind.QUIET}, incident={"level": Level.LOW}))
    assert "Open:       https://irpd" in mail.text
    assert "I have it" not in mail.text + mail.html


@pytest.mark.parametrize("kind", ["smtp", "slack", "webhook", "file"])
def test_a_test_page_says_that_nothing_is_wrong(about, kind: str) -> None:
    subject = replaced(about(page={"kind": PageKind.TEST, "incident": 0}), incident=None, members=())
    rendered = render(kind, subject)
    assert not rendered.error
    assert "Nothing is wrong." in rendered.text
    assert "7Kq2mXw9Rt" in rendered.text + str(rendered.fields)
    assert "Asha Rao" in rendered.subject


def test_mail_does_not_speak_of_what_is_not_built(about) -> None:
    mail = mail_text(about())
    assert "reply" not in (mail.text + mail.html).lower()


def test_the_data_says_the_same(about) -> None:
    fields = render("webhook", about()).fields
    incident = fields["incident"]
    assert fields["schema"] == "irpd.page/1"
    assert (fields["page"], fields["kind"], fields["person"]) == ("42-1", "page", "asha")
    assert fields["requested_at"] == "2026-11-24T02:02:11.482Z"
    assert fields["acknowledge_url"] == "https://irpd.example.com/a/7Kq2mXw9Rt"
    assert fields["news"] is None
    assert (incident["level"], incident["severity"], incident["ref"]) == (1, "critical", "#42")
    assert incident["share"] == {
        "known": True,
        "value": 0.02,
        "affected": 2400,
        "users": 120000,
        "method": "label",
    }
    assert incident["signals"] == {"firing": 3, "resolved": 0}
    assert incident["acknowledged_at"] is None


@pytest.mark.parametrize("kind", ["smtp", "slack", "webhook", "file", "something-new"])
@pytest.mark.parametrize("planted", ["tell", "template", "both"])
def test_a_text_that_cannot_be_made_becomes_the_built_in_one(
    about, monkeypatch, kind: str, planted: str
) -> None:
    class Broken:
        def get_template(self, name: str) -> None:
            raise RuntimeError("planted")

    def broken(*_: object) -> None:
        raise RuntimeError("planted")

    if planted != "tell":
        monkeypatch.setattr(texts, "_PLAIN", Broken())
        monkeypatch.setattr(texts, "_HTML", Broken())
    if planted != "template":
        monkeypatch.setattr(texts, "tell", broken)
        monkeypatch.setattr(texts, "slack_text", broken)
    rendered = render(kind, about())
    assert "https://irpd.example.com/a/7Kq2mXw9Rt" in rendered.text + str(rendered.fields)
    assert "Payments failing" in rendered.text
    if not (kind == "slack" and planted == "template"):
        assert "planted" in rendered.error
        assert "#42 LEVEL 1" in rendered.text


def test_an_incident_that_is_not_known_still_has_a_page(about) -> None:
    rendered = render("smtp", replaced(about(), incident=None))
    assert rendered.error
    assert "incident #42" in rendered.text
    assert "7Kq2mXw9Rt" in rendered.text
