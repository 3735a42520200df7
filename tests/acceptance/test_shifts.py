"""Before a shift begins: what the next person hears, on a clock that fast-forwards."""

from datetime import timedelta

import pytest
from harness.fastforward import Service
from harness.house import CONFIG, TUESDAY, changed, policy_of

from irpd.comms.texts import render
from irpd.model import command as c
from irpd.model.page import PageKind
from irpd.protocol.policy import Policy

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
#: In Berlin: asha's week ends on Monday 30 November 2026, 09:00, ben's a week later.
HANDOVER = TUESDAY + 6 * DAY
_SCHEDULE = "  first-responder:\n    time_zone: Europe/Berlin\n"


def with_notice(notice: str = "1h", **more: tuple[str, str]) -> Policy:
    return changed(notice=(_SCHEDULE, f"{_SCHEDULE}    notice: {notice}\n"), **more)


def told(service: Service) -> list[str]:
    return service.phones(kind=PageKind.SHIFT)


def down(service: Service, by: str) -> None:
    """So long irpd isn't there, and a minute later it has done what was due."""
    service.die()
    service.forward(by)
    service.start()
    service.forward("1m")


def minutes(of: timedelta) -> int:
    return int(of.total_seconds() // 60)


def test_the_next_person_hears_before_the_shift_who_hands_over_and_what_is_open() -> None:
    service = Service(with_notice(), at=HANDOVER - 90 * MINUTE)
    service.report("a", want=1)
    service.report("b", want=3, service="bare")
    service.ack(number=1)
    service.forward("29m")
    assert told(service) == []
    service.forward("2m")
    assert told(service) == ["30m ben mail"]
    message = service.shown[-1][2]
    assert message.subject == "[irpd] On call from 09:00 Berlin: first-responder"
    assert message.text.splitlines() == [
        "Your shift on first-responder begins 09:00 Berlin and ends Mon 7 Dec 09:00 Berlin. Asha hands over.",
        "Open now:",
        "#1 CRITICAL Alert a: Asha has it",
    ], "what asks another path isn't named"
    assert message.fields["shift"]["incidents"] == [
        {"id": 1, "level": 1, "title": "Alert a", "has": ["asha"]}
    ]
    for number in (1, 2):
        service.ask(c.Resolve(incident=number, by="asha"))
    down(service, "7d")
    assert told(service) == ["30m ben mail", f"{minutes(7 * DAY) + 31}m asha mail"]
    assert service.shown[-1][2].text.endswith("Ben hands over.\nNothing of it is open.\n")


def test_a_word_is_sent_once_whatever_restarts_in_between() -> None:
    service = Service(with_notice(), at=HANDOVER - 2 * HOUR)
    service.forward("61m")
    for _ in range(3):
        service.die()
        service.start()
        service.forward("5m")
    assert told(service) == ["60m ben mail"]


def test_what_came_due_while_irpd_was_down_is_told_late_but_not_when_the_shift_is_long_under_way() -> None:
    for down, heard in (("130m", ["130m ben mail"]), ("140m", [])):
        service = Service(with_notice(), at=HANDOVER - 2 * HOUR)
        service.die()
        service.forward(down)
        service.start()
        service.forward("2h")
        assert told(service) == heard, down


def test_overrides_are_respected_and_who_takes_over_at_once_hears_at_once() -> None:
    service = Service(with_notice(), at=HANDOVER - 2 * HOUR)
    put = c.AddOverride(
        by="ben", schedule="first-responder", person="chi", since=HANDOVER, until=HANDOVER + 8 * HOUR
    )
    service.ask(put)
    service.forward("61m")
    assert told(service) == ["60m chi mail"]
    assert "ends 17:00 Berlin. Asha hands over." in service.shown[-1][2].text
    service.ask(c.AddOverride(by="dora", schedule="first-responder", person="dora", until=HANDOVER))
    service.forward("30s")
    assert told(service)[1:] == ["61m dora mail"]
    assert service.shown[-1][2].text.startswith("Your shift on first-responder began 08:01 Berlin")


def test_when_somebody_else_takes_the_shift_after_the_word_that_one_hears_too() -> None:
    service = Service(with_notice(), at=HANDOVER - 2 * HOUR)
    service.forward("70m")
    service.ask(
        c.AddOverride(
            by="ben", schedule="first-responder", person="chi", since=HANDOVER, until=HANDOVER + 8 * HOUR
        )
    )
    service.forward("30m")
    assert told(service) == ["60m ben mail", "70m chi mail"]


def test_a_swap_tells_who_has_the_shift_now() -> None:
    service = Service(with_notice(), at=HANDOVER - 2 * HOUR)
    service.ask(
        c.SwapShifts(
            by="ben", schedule="first-responder", first=HANDOVER + HOUR, second=HANDOVER + 7 * DAY + HOUR
        )
    )
    service.forward("61m")
    assert told(service) == [], "asha goes on: nobody hands over"
    down(service, "7d")
    assert told(service) == [f"{minutes(7 * DAY) + 61}m ben mail"]


def test_without_a_quiet_way_nothing_rings_and_it_is_not_tried_again() -> None:
    loud = (
        "  mail: {type: file, path: mail.jsonl}",
        "  mail: {type: voice, use: sms}",
    )
    text = CONFIG.replace(_SCHEDULE, f"{_SCHEDULE}    notice: 1h\n").replace(*loud)
    text = text.replace(
        "  sms: {type: file, path: sms.jsonl}",
        '  sms: {type: twilio, from: "+493012345678", auth: {account: {env: A}, token: {env: B}}}',
    )
    text = text.replace("ben: {name: Ben,", 'ben: {name: Ben, phone: "+4915100000001",')
    service = Service(policy_of(text), at=HANDOVER - 2 * HOUR)
    service.forward("3h")
    assert service.phones(kind=None) == []
    known = service.engine.state.shift("first-responder", "ben", HANDOVER)
    assert known is not None
    assert known.told_at is not None


def test_it_is_off_unless_a_schedule_wants_it() -> None:
    service = Service(at=HANDOVER - 2 * HOUR)
    service.forward("3h")
    assert told(service) == []


def test_a_reload_that_wants_it_holds_at_once() -> None:
    service = Service(with_notice("2m"), at=HANDOVER - 2 * HOUR)
    service.forward("30m")
    service.reload(with_notice("2h"))
    service.forward("30s")
    assert told(service) == ["30m ben mail"]


@pytest.mark.parametrize(
    "kind",
    ["smtp", "slack", "twilio", "voice", "ntfy", "pushover", "telegram", "mattermost", "teams", "webhook"],
)
def test_every_medium_has_a_text_for_it(kind: str) -> None:
    from irpd.comms.story import Subject

    service = Service(with_notice(), at=HANDOVER - 2 * HOUR)
    service.report("a")
    service.forward("61m")
    page = service.shown[-1][2].page
    assert page.kind is PageKind.SHIFT
    subject = Subject(
        page=page, incident=None, members=(), configuration=service.policy.configuration, now=service.now,
        link="https://irpd.invalid/a/x", cant_link="https://irpd.invalid/a/x/cant",
    )  # fmt: skip
    rendered = render(kind, subject)
    assert rendered.error == ""
    said = f"{rendered.subject} {rendered.text} {rendered.fields}"
    assert "first-responder" in said
    assert "irpd.invalid" not in said, "there is nothing to press"
