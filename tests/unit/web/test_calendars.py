"""Calendars over HTTP: at their secret address for anybody, at a wrong one for nobody."""

from typing import Any

from icalendar import Calendar


def path_of(address: str) -> str:
    return address.removeprefix("https://irpd.example.com")


async def test_a_calendar_program_gets_the_shifts_without_signing_in(house: Any) -> None:
    _, told = await house.api("GET", "/calendar?schedule=first-responder")
    assert told["schema"] == "irpd.calendar/1"
    answer = await house.tcp.get(path_of(told["address"]))
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/calendar; charset=utf-8")
    body = await answer.read()
    assert body.decode() == told["ical"]
    assert len(Calendar.from_ical(body).walk("VEVENT")) > 20
    _, person = await house.api("GET", "/calendar?person=asha")
    assert (await house.tcp.get(path_of(person["address"]))).status == 200


async def test_a_wrong_address_is_nobodys_and_asking_is_slowed_down(house: Any) -> None:
    _, told = await house.api("GET", "/calendar?schedule=first-responder")
    right = path_of(told["address"])
    for wrong in (
        right.replace("first-responder", "commander"),
        right.replace("/schedule/", "/person/"),
        right.replace("/schedule/", "/other/"),
        right[:-6] + "zz.ics",
    ):
        assert (await house.tcp.get(wrong)).status == 404, wrong
    statuses = [(await house.tcp.get(right[:-6] + "zz.ics")).status for _ in range(40)]
    assert set(statuses) == {404, 429}
    assert (await house.tcp.get(right)).headers["Retry-After"]


async def test_who_or_what_there_is_not_has_no_calendar(house: Any) -> None:
    for query in ("schedule=nights", "person=zoe", ""):
        status, _ = await house.api("GET", f"/calendar?{query}")
        assert status == 404, query
    assert (await house.tcp.get("/api/v1/calendar?schedule=first-responder")).status == 404
