"""Who is reached when, and what is left open."""

import itertools
from datetime import UTC, datetime, timedelta

from harness.house import CONFIG, TUESDAY, changed, policy_of

from irpd.check.coverage import gaps, said, used_schedules
from irpd.check.reached import moments, reached
from irpd.check.report import coverage_document
from irpd.config.values import Configuration
from irpd.model.override import Override
from irpd.oncall.changes import changes

NEXT_MONDAY = TUESDAY + timedelta(days=6)


def company() -> Configuration:
    return policy_of(CONFIG).configuration


def lines(configuration: Configuration, path: str, level: int, at: datetime = TUESDAY) -> list[str]:
    return [
        f"{one.after / 60:g}m {one.person} {','.join(one.via)}{' fallback' if one.fallback else ''}"
        for one in reached(configuration, path, level, at)
    ]


def test_a_page_reaches_each_steps_people_by_each_of_their_methods_in_order() -> None:
    assert lines(company(), "engineering", 1) == [
        "0m asha mail", "2m asha sms", "5m chi mail", "7m chi sms", "15m dora mail", "17m dora sms",
    ]  # fmt: skip


def test_less_urgent_levels_wait_longer_and_have_fewer_methods() -> None:
    assert lines(company(), "engineering", 3) == ["0m asha mail", "120m chi mail", "240m dora mail"]
    assert lines(company(), "engineering", 4) == ["0m asha mail"]


def test_a_step_that_means_nobody_pages_fallback() -> None:
    assert lines(company(), "nobody", 1) == ["0m emil mail fallback", "2m emil sms fallback"]
    assert lines(company(), "unreached", 1) == []


def test_who_is_on_call_is_asked_when_the_step_fires() -> None:
    before = changed(
        steps=("{schedule: first-responder, wait: 5m}", "{person: chi, wait: 5m}"),
        second=(
            "{person: dora, wait: 15m}\n  business",
            "{schedule: first-responder, wait: 15m}\n  business",
        ),
    ).configuration
    at = NEXT_MONDAY - timedelta(minutes=10)
    assert lines(before, "engineering", 1, at)[-2:] == ["15m ben mail", "17m ben sms"]
    found = list(moments(before, "engineering", 1, TUESDAY, NEXT_MONDAY + timedelta(days=1)))
    assert [one.start for one in found] == [TUESDAY, NEXT_MONDAY - timedelta(minutes=15)]


def test_a_method_after_the_steps_wait_is_late() -> None:
    configuration = changed(wait=("first-responder, wait: 5m", "first-responder, wait: 1m")).configuration
    late = [(one.person, one.via) for one in reached(configuration, "engineering", 1, TUESDAY) if one.late]
    assert late == [("asha", ("sms",))]


def test_moments_tile_the_time_and_know_overrides() -> None:
    made = changes(
        [
            Override(
                id=1, since=TUESDAY + timedelta(days=1), until=TUESDAY + timedelta(days=2), by="x",
                schedule="first-responder", person="fay",
            )
        ]
    )  # fmt: skip
    end = TUESDAY + timedelta(days=10)
    found = list(moments(company(), "engineering", 1, TUESDAY, end, made))
    assert (found[0].start, found[-1].end) == (TUESDAY, end)
    assert all(one.end == other.start for one, other in itertools.pairwise(found))
    assert [one.attempts[0].person for one in found] == ["asha", "fay", "asha", "ben"]


def test_gaps_are_those_of_schedules_that_are_used_and_not_meant_to_have_any() -> None:
    configuration = company()
    assert used_schedules(configuration) == ["first-responder", "empty"]
    found = gaps(configuration, "empty", TUESDAY, TUESDAY + timedelta(days=14))
    assert [(one.start, one.end) for one in found] == [(TUESDAY, TUESDAY + timedelta(days=14))]
    assert "from 2026-11-24 09:00 to 2026-12-08 09:00 (Europe/Berlin)" in said(configuration, "empty", found)
    meant = changed(empty=("  empty:\n", "  empty:\n    gaps: fallback\n")).configuration
    assert used_schedules(meant) == ["first-responder"]


def test_the_report_names_what_is_open_and_only_that() -> None:
    document = coverage_document(company(), TUESDAY, 2, levels=(1,))
    by_path = {one["path"]: one for one in document["paths"]}
    assert by_path["engineering"]["services"] == ["checkout", "login", "platform"]
    assert by_path["engineering"]["first_after_seconds"] == 0
    assert not by_path["engineering"]["unreached"]
    assert (document["gaps"], document["open"]) == ([], [])
    text = CONFIG.replace("bare: {title: Bare, paths: {technical: solo}", "bare: {paths: {technical: nobody}")
    document = coverage_document(policy_of(text).configuration, TUESDAY, 2, services=("bare",), levels=(1,))
    assert document["open"] == ["nobody is on call on empty"]
    text = CONFIG.replace(
        "bare: {title: Bare, paths: {technical: solo}", "bare: {paths: {technical: unreached}"
    )
    document = coverage_document(policy_of(text).configuration, TUESDAY, 2, services=("bare",), levels=(1,))
    assert document["open"] == [
        "unreached reaches nobody at level 1",
        "mute has no method that reaches them on unreached at level 1",
    ]


def test_a_schedule_that_can_not_be_read_is_a_gap() -> None:
    configuration = company()
    lost = configuration.schedules["first-responder"].model_copy(update={"time_zone": "Mars/Olympus"})
    broken = configuration.model_copy(update={"schedules": {"first-responder": lost}})
    found = gaps(broken, "first-responder", TUESDAY, TUESDAY + timedelta(days=1))
    assert len(found) == 1
    assert "(UTC)" in said(broken, "first-responder", found)
    assert reached(broken, "engineering", 1, datetime(2026, 11, 24, 8, tzinfo=UTC))[0].person == "emil"


def test_steps_of_other_levels_or_hours_are_passed_over_and_teams_are_everybody() -> None:
    text = CONFIG.replace(
        "      - {schedule: first-responder, wait: 5m}\n      - {person: chi, wait: 10m}\n",
        "      - {schedule: first-responder, wait: 5m, hours: out}\n"
        "      - {team: core, wait: 10m, levels: [1]}\n",
    ).replace(
        "schedules:\n", "teams: {core: {people: [chi, fay], schedules: [first-responder]}}\nschedules:\n", 1
    )
    configuration = policy_of(text).configuration
    day, night = TUESDAY + timedelta(hours=4), TUESDAY + timedelta(hours=14)
    by_mail = [line for line in lines(configuration, "engineering", 1, day) if line.endswith("mail")]
    assert by_mail == ["0m chi mail", "0m fay mail", "0m asha mail", "10m dora mail"]
    by_mail = [line for line in lines(configuration, "engineering", 1, night) if line.endswith("mail")]
    assert by_mail == ["0m asha mail", "5m chi mail", "5m fay mail", "5m asha mail", "15m dora mail"]
    assert lines(configuration, "engineering", 2, day)[0] == "0m dora mail"
    begin = TUESDAY + timedelta(days=1)
    found = list(moments(configuration, "engineering", 1, begin, begin + timedelta(days=1)))
    # Working hours (without a zone: the server's, UTC) end at 18:00 and begin at 09:00.
    assert [f"{one.start:%H:%M}" for one in found] == ["08:00", "09:00", "18:00"]
