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
    message = next(one for _, _, one in service.shown if one.page.kind is PageKind.SHIFT)
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
    last = [message for _, _, message in service.shown if message.page.kind is PageKind.SHIFT][-1]
    assert last.text.endswith("Ben hands over.\nNothing of it is open.\n")


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


# ------------------------------------------------------------------ a test before it
def with_test(before: str = "2h", **more: tuple[str, str]) -> Policy:
    return changed(test=(_SCHEDULE, f"{_SCHEDULE}    test_before_shift: {before}\n"), **more)


def probed(service: Service) -> list[str]:
    return service.phones(kind=PageKind.TEST)


def pressed(service: Service) -> None:
    page = next(message.page for _, _, message in service.shown if message.page.kind is PageKind.TEST)
    service.ask(c.SeePage(page=page.id, via="link"))


def test_whoever_is_next_is_tested_by_each_channel_and_nobody_hears_of_one_that_was_answered() -> None:
    service = Service(with_test(), at=HANDOVER - 3 * HOUR)
    service.forward("61m")
    assert probed(service) == ["60m ben mail", "60m ben sms"]
    assert "Your shift on first-responder begins 09:00" in service.shown[-1][2].text
    pressed(service)
    service.forward("3h")
    assert service.phones(kind=None) == probed(service)
    sends = service.engine.state.pages["0-1"].sends
    assert [(one.channel, one.state.value) for one in sends] == [("mail", "delivered"), ("sms", "delivered")]


def test_a_test_that_only_a_provider_took_is_a_quiet_word_to_the_operators_until_it_is_answered() -> None:
    service = Service(with_test(), at=HANDOVER - 3 * HOUR)
    service.forward("121m")
    assert service.phones(kind=PageKind.QUIET) == ["120m olga mail"]
    assert service.incident().title == "Ben has not answered the test before a shift on first-responder"
    pressed(service)
    assert service.incident().firing == 0


def test_a_test_that_nothing_took_pages_the_operators_in_time() -> None:
    service = Service(with_test("1h"), at=HANDOVER - 2 * HOUR)
    service.broken |= {("ben", "mail"), ("ben", "sms")}
    service.forward("91m")
    assert service.phones() == ["90m olga mail"]
    assert service.incident().title == "Nothing reached Ben in the test before a shift on first-responder"
    said = service.incident().level_by.because
    assert said.startswith("The shift begins 30 Nov 08:00 UTC. irpd oncall override add puts somebody else")


def test_it_is_sent_once_and_judged_once_whatever_restarts_in_between() -> None:
    service = Service(with_test(), at=HANDOVER - 3 * HOUR)
    for _ in range(4):
        service.forward("35m")
        service.die()
        service.start()
    service.forward("30m")
    assert probed(service) == ["60m ben mail", "60m ben sms"]
    assert service.phones(kind=PageKind.QUIET) == ["120m olga mail"]


def test_one_that_would_ring_in_quiet_hours_comes_before_them() -> None:
    sms = (
        "  sms: {type: file, path: sms.jsonl}",
        '  sms: {type: twilio, from: "+493012345678", auth: {account: {env: A}, token: {env: B}}}',
    )
    quiet = 'ben: {name: Ben, phone: "+4915100000001", quiet: {from: "22:00", to: "08:00"},'
    policy = with_test(quiet=("ben: {name: Ben,", quiet), sms=sms)
    service = Service(policy, at=HANDOVER - 12 * HOUR)  # 21:00 in Berlin
    service.forward("46m")
    assert probed(service) == ["45m ben mail", "45m ben sms"]
    late = Service(policy, at=HANDOVER - 8 * HOUR)
    late.forward("1m")
    assert probed(late) == ["0m ben mail"], "in them only what doesn't ring"


def test_who_gave_the_shift_away_is_not_judged() -> None:
    service = Service(with_test(), at=HANDOVER - 3 * HOUR)
    service.forward("61m")
    put = c.AddOverride(
        by="ben", schedule="first-responder", person="chi", since=HANDOVER, until=HANDOVER + 8 * HOUR
    )
    service.ask(put)
    service.forward("30m")
    assert probed(service) == ["60m ben mail", "60m ben sms", "61m chi mail", "61m chi sms"]
    service.forward("31m")
    titles = [incident.title for incident in service.engine.state.incidents.values()]
    assert titles == ["Chi has not answered the test before a shift on first-responder"]


def test_shadow_mode_tests_nobody() -> None:
    shadow = Service(with_test(shadow=("version: 1\n", "version: 1\nshadow: true\n")), at=HANDOVER - 3 * HOUR)
    shadow.forward("3h")
    assert shadow.phones(kind=None) == []
    assert "0-1" not in shadow.engine.state.pages


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
