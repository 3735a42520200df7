"""The page of shifts, as somebody opens it on a phone: who is on call now and next, and when am I."""

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from irpd.config.values import Configuration
from irpd.model.override import Override
from irpd.oncall.changes import changes
from irpd.web import shifts
from irpd.web.html import shifts_html
from irpd.web.shifts import moment, person_page, schedule_page

#: A Tuesday, 03:06 in Berlin.
NOW = datetime(2026, 11, 24, 2, 6, tzinfo=UTC)


def company(**more: Any) -> Configuration:
    def weekly(*people: str, zone: str = "Europe/Berlin") -> dict[str, Any]:
        layer = {"rotate": "weekly", "handoff": "Mon 09:00", "start": "2026-11-23", "people": list(people)}
        return {"time_zone": zone, "layers": [layer]}

    return Configuration.model_validate(
        {
            "version": 1,
            "unmapped": "checkout",
            "fallback": ("emil",),
            "services": {"checkout": {}},
            "channels": {},
            "notify": {},
            "paths": {},
            "people": {
                "asha": {"name": "Asha Rao", "time_zone": "Europe/Berlin"},
                "ben": {"name": "Ben Ito", "time_zone": "America/New_York"},
                "chi": {"name": "Chi Okafor", "time_zone": "Africa/Lagos"},
                "emil": {"name": "Emil Novak", "time_zone": "Europe/Prague"},
            },
            "schedules": {"first-responder": weekly("asha", "ben"), "commander": weekly("chi")},
            **more,
        }
    )


def lines(entries: Any) -> list[str]:
    return [f"{entry.title} | {entry.detail}" for entry in entries]


def test_who_is_on_call_sees_until_when_and_the_next_shifts() -> None:
    page = person_page(company(), "asha", NOW)
    assert (page.title, page.headline) == ("Asha Rao", "You are on call.")
    assert page.lines == ("first-responder until Mon 30 Nov 09:00.",)
    assert lines(page.shifts)[:2] == [
        "Mon 7 Dec 09:00 | until Mon 14 Dec 09:00 · first-responder · in 13 days",
        "Mon 21 Dec 09:00 | until Mon 28 Dec 09:00 · first-responder · in 27 days",
    ]
    assert lines(page.now) == ["first-responder: Asha Rao | until Mon 30 Nov 09:00, then Ben Ito"]
    assert lines(page.others) == ["commander: Chi Okafor | until Mon 30 Nov 09:00, then Chi Okafor"]


def test_who_is_not_on_call_sees_when_they_are_in_their_own_zone() -> None:
    page = person_page(company(), "ben", NOW)
    assert page.headline == "You are not on call."
    assert page.lines == ("Next: first-responder, Mon 30 Nov 03:00, in 6 days.",)
    assert page.zone == "America/New_York"
    page = person_page(company(), "emil", NOW)
    assert page.lines == ("No shift of yours within 8 weeks.",)
    assert page.shifts == ()


def test_overrides_and_absences_count() -> None:
    until = NOW + timedelta(days=2)
    standing = changes(
        [Override(id=7, schedule="first-responder", person="ben", since=NOW, until=until, by="asha")]
    )
    page = person_page(company(), "ben", NOW, standing)
    assert page.headline == "You are on call."
    assert page.lines == ("first-responder until Wed 25 Nov 21:06.",)
    assert lines(page.now) == ["first-responder: Ben Ito | until Wed 25 Nov 21:06, then Asha Rao"]
    assert person_page(company(), "asha", NOW, standing).headline == "You are not on call."
    away = changes([Override(id=8, away="asha", since=NOW, until=until, by="asha")])
    assert person_page(company(), "asha", NOW, away).headline == "You are not on call."
    page = schedule_page(company(), "first-responder", NOW, standing)
    assert (page.headline, page.lines) == ("Ben Ito is on call.", ("Until Thu 26 Nov 03:06.",))


def test_a_schedule_shows_its_shifts_and_where_there_is_nobody() -> None:
    layer = {
        "rotate": "daily", "handoff": "09:00", "start": "2026-11-23", "people": ["asha", "ben"],
        "hours": [{"days": ["Mon", "Tue", "Wed", "Thu", "Fri"], "from": "09:00", "to": "17:00"}],
    }  # fmt: skip
    office = company(
        schedules={"office": {"time_zone": "Europe/Berlin", "layers": [layer], "gaps": "fallback"}}
    )
    page = schedule_page(office, "office", NOW)
    assert (page.headline, page.lines) == ("Nobody is on call.", ("Paged instead: Emil Novak.",))
    assert lines(page.shifts)[:3] == [
        "today 03:06: nobody | until today 09:00",
        "today 09:00: Ben Ito | until today 17:00",
        "today 17:00: nobody | until tomorrow 09:00",
    ]
    at_work = schedule_page(office, "office", NOW + timedelta(hours=8))
    assert (at_work.headline, at_work.lines) == ("Ben Ito is on call.", ("Until today 17:00.",))
    assert lines(person_page(office, "asha", NOW).now) == ["office: nobody | Paged instead: Emil Novak."]


def test_a_schedule_that_cannot_be_read_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    real = shifts.rosters

    def broken(configuration: Configuration) -> Any:
        return {"first-responder": real(configuration)["first-responder"]}

    monkeypatch.setattr(shifts, "rosters", broken)
    page = person_page(company(), "asha", NOW)
    assert page.headline == "You are on call."
    assert lines(page.others) == ["commander | can't be read just now"]


NAMES = ["𠮷" * 80, "<script>alert(1)</script>" * 9, "الدفع فشل " * 20, "x" * 80]


@pytest.mark.parametrize("name", NAMES)
def test_three_hundred_schedules_weigh_less_than_20_kb_whatever_people_are_called(name: str) -> None:
    called = {f"p{n}": {"name": name, "time_zone": "Europe/Berlin"} for n in range(3)}
    known = {"emil": {"name": "Emil Novak", "time_zone": "Europe/Prague"}, **called}
    layer = {"rotate": "hourly", "handoff": "09:00", "start": "2026-11-23", "people": list(called)}
    one = {"time_zone": "Europe/Berlin", "layers": [layer]}
    crowded = company(
        people=known, schedules={f"schedule-{n}-{'of-a-long-name' * 3}": one for n in range(300)}
    )
    for person in ("p0", "emil"):
        shown = shifts_html(person_page(crowded, person, NOW))
        assert len(shown.encode()) < 20_000
        assert "<script" not in shown
        assert "more: irpd oncall who" in shown or person == "p0"
    assert len(shifts_html(schedule_page(crowded, next(iter(crowded.schedules)), NOW)).encode()) < 20_000


@pytest.mark.parametrize(
    "at, said",
    [
        (NOW, "today 03:06"),
        (NOW + timedelta(days=1), "tomorrow 03:06"),
        (NOW - timedelta(days=1), "yesterday 03:06"),
        (datetime(2026, 11, 30, 8, tzinfo=UTC), "Mon 30 Nov 09:00"),
        (datetime(2027, 3, 29, 7, tzinfo=UTC), "Mon 29 Mar 09:00"),
    ],
)
def test_a_moment_reads_as_one_says_it(at: datetime, said: str) -> None:
    assert moment(at, ZoneInfo("Europe/Berlin"), NOW) == said


# ---------------------------------------------------------------- over HTTP
def path_of(address: str) -> str:
    return address.removeprefix("https://irpd.example.com")


async def test_a_phone_sees_the_page_without_signing_in_and_without_scripts(house: Any) -> None:
    _, told = await house.api("GET", "/calendar?person=asha")
    answer = await house.tcp.get(path_of(told["page"]))
    text = await answer.text()
    assert (answer.status, answer.content_type) == (200, "text/html")
    assert "script" not in text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    words = re.sub(r"<style>.*?</style>|<[^>]+>", " ", text, flags=re.DOTALL)
    assert "You are on call." in html.unescape(words)
    _, of_schedule = await house.api("GET", "/calendar?schedule=first-responder")
    assert "is on call." in await (await house.tcp.get(path_of(of_schedule["page"]))).text()


async def test_an_override_shows_at_once(house: Any) -> None:
    _, told = await house.api("GET", "/calendar?person=ben")
    assert "You are not on call." in await (await house.tcp.get(path_of(told["page"]))).text()
    until = (house.clock.now() + timedelta(hours=2)).isoformat()
    body = {"schedule": "first-responder", "person": "ben", "until": until, "because": "dentist"}
    status, _ = await house.api("POST", "/overrides", params={"as": "asha"}, json=body)
    assert status == 201
    text = await (await house.tcp.get(path_of(told["page"]))).text()
    assert "You are on call." in text


async def test_a_calendars_address_opens_no_page_and_guessing_is_slowed_down(house: Any) -> None:
    _, told = await house.api("GET", "/calendar?person=asha")
    right = path_of(told["page"])
    for wrong in (
        path_of(told["address"]).removesuffix(".ics").replace("/calendar/", "/on-call/"),
        right.replace("/asha/", "/ben/"),
        right.replace("/person/", "/schedule/"),
        right.replace("/person/", "/other/"),
        f"{right[:-2]}zz",
    ):
        answer = await house.tcp.get(wrong)
        assert answer.status == 404, wrong
        assert "No such page" in await answer.text()
    assert (await house.tcp.get(right.replace("/on-call/", "/calendar/") + ".ics")).status == 404
    statuses = [(await house.tcp.get(f"{right[:-2]}zz")).status for _ in range(40)]
    assert set(statuses) == {404, 429}
    assert (await house.tcp.post(right)).status == 405
