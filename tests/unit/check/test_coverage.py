"""Who is reached when, and what is left open."""

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from harness.house import CONFIG, TUESDAY, House, alert, changed, policy_of

from irpd.check import check_files
from irpd.check.coverage import gaps, said, used_schedules
from irpd.check.reached import moments, reached
from irpd.check.report import coverage_document
from irpd.config.values import Configuration
from irpd.model.override import Override
from irpd.oncall.changes import changes
from irpd.oncall.reachable import unreached, unreached_at

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
    assert lines(company(), "unreached", 1) == ["0m emil mail fallback", "2m emil sms fallback"]


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


# ------------------------------------------------------------------ times of day
_SMS = '  sms: {type: twilio, from: "+493012345678", auth: {account: {env: A}, token: {env: B}}}'
#: 23:00 in Berlin, a Tuesday.
LATE = TUESDAY + timedelta(hours=14)


def ringing(quiet: str = '{from: "22:00", to: "07:00"}', notify: str = "[{after: 0m, via: [sms]}]") -> str:
    """Asha, who is on call, is reached by text messages alone, and has quiet hours."""
    text = CONFIG.replace("  sms: {type: file, path: sms.jsonl}", _SMS)
    for path in ("nobody", "unreached"):
        text = text.replace(f"  {path}: {{kind", f"  # {path}: {{kind")
    asha = f'{{name: Asha, phone: "+4915100000001", quiet: {quiet}, notify: {notify},'
    return text.replace("{name: Asha,", asha).replace("people: [asha, ben]}]", "people: [asha]}]", 1)


def ring(**more: str) -> Configuration:
    return policy_of(ringing(**more)).configuration


def test_in_quiet_hours_level_2_reaches_only_fallback_and_level_1_whom_it_means() -> None:
    assert lines(ring(), "engineering", 2, LATE)[:2] == ["0m emil mail fallback", "5m chi mail"]
    assert lines(ring(), "engineering", 1, LATE)[0] == "0m asha sms"
    assert lines(ring(), "engineering", 2, TUESDAY)[0] == "0m asha sms"
    breaks = '{from: "22:00", to: "07:00", breaks: [1, 2]}'
    assert lines(ring(quiet=breaks), "engineering", 2, LATE)[0] == "0m asha sms"


def test_level_3_waits_for_working_hours_and_reaches_them_then() -> None:
    notify = '[{after: 0m, via: [sms], hours: {from: "08:00", to: "20:00"}}, {via: [mail], levels: [4]}]'
    assert lines(ring(notify=notify), "engineering", 3, LATE)[0] == "0m asha sms"


def test_a_methods_own_hours_choose_what_comes() -> None:
    notify = '[{after: 0m, via: [mail], hours: {from: "08:00", to: "20:00"}}, {after: 1m, via: [sms]}]'
    assert lines(ring(notify=notify), "engineering", 1, TUESDAY)[:2] == ["0m asha mail", "1m asha sms"]
    assert lines(ring(notify=notify), "engineering", 1, LATE)[0] == "1m asha sms"


@pytest.mark.parametrize("level", [1, 2, 3])
def test_coverage_is_what_the_protocol_does(level: int) -> None:
    """Against the real protocol, over a day of which each part differs."""
    policy = policy_of(ringing())
    for hour in (0, 5, 9, 14, 21, 22, 23):
        at = TUESDAY + timedelta(hours=hour)
        house = House(policy, at=at)
        house.report(alert(want=level))
        begins = house.incident().paths[0].next_at
        if not house.phones():
            house.forward((begins - at).total_seconds() + 1)  # type: ignore[operator]
        first = {line.split()[1] for line in house.phones()}
        said = {
            one.person for one in reached(policy.configuration, "engineering", level, at) if one.step == 0
        }
        assert first == said, f"{hour} h later"


@pytest.mark.parametrize("level", [1, 2, 3])
def test_moments_with_hours_are_what_a_look_at_each_quarter_of_an_hour_finds(level: int) -> None:
    notify = (
        '[{after: 0m, via: [mail], hours: {from: "08:00", to: "20:00"}}, '
        '{after: 7m, via: [sms], hours: {from: "20:00", to: "23:00", time_zone: Africa/Lagos}}, '
        "{after: 20m, via: [sms], levels: [1, 2]}]"
    )
    configuration = ring(notify=notify)
    found = list(moments(configuration, "engineering", level, TUESDAY, TUESDAY + timedelta(days=3)))
    assert [one.end for one in found[:-1]] == [one.start for one in found[1:]]
    for quarter in range(3 * 24 * 4):
        at = TUESDAY + timedelta(minutes=15 * quarter, seconds=1)
        (moment,) = [one for one in found if one.start <= at < one.end]
        assert moment.attempts == reached(configuration, "engineering", level, at), at


def test_times_at_which_who_is_on_call_can_not_be_reached_are_gaps(tmp_path: Path) -> None:
    configuration = ring()
    found = unreached(configuration, "first-responder", TUESDAY, TUESDAY + timedelta(days=2))
    assert [(one.person, one.level, one.start.hour, one.end.hour) for one in found] == [
        ("asha", 2, 21, 6), ("asha", 2, 21, 6),
    ]  # fmt: skip
    assert unreached_at(configuration, "first-responder", "asha", LATE)
    assert not unreached_at(configuration, "first-responder", "asha", TUESDAY)
    document = coverage_document(configuration, TUESDAY, 1)
    assert "asha, on call on first-responder, can't be reached at times at level 2" in document["open"]
    file = tmp_path / "irpd.yaml"
    file.write_text(ringing())

    def problems(text: str, **more: bool) -> list[str]:
        file.write_text(text)
        found = check_files([file], now=TUESDAY, reveal=False, **more).problems
        return [one.severity for one in found if "can't be reached at level 2 (high) from" in one.message]

    assert problems(ringing()) == ["error"]
    assert problems(ringing(), starting=True) == ["warning"]
    assert problems(ringing(quiet="{breaks: [1, 2]}")) == []
    assert problems(ringing(notify="[{after: 0m, via: [sms]}, {after: 1m, via: [mail]}]")) == []
    meant = ringing().replace("first-responder:\n", "first-responder:\n    gaps: fallback\n", 1)
    assert problems(meant) == []


def test_whom_nothing_reaches_at_any_time_is_no_gap_of_hours() -> None:
    configuration = ring(notify="[{after: 0m, via: [sms], levels: [1]}]")
    assert unreached(configuration, "first-responder", TUESDAY, TUESDAY + timedelta(days=2)) == []
