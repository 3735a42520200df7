"""Calendars of shifts, read back by a library that calendar programs are like."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import recurring_ical_events  # type: ignore[import-untyped]
from icalendar import Calendar

from irpd.comms.calendar import AHEAD, BACK, Calendars, person_calendar, schedule_calendar
from irpd.config.values import Configuration
from irpd.model.override import Override
from irpd.oncall.changes import NONE, Changes, changes
from irpd.oncall.roster import rosters
from irpd.oncall.shifts import pieces

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
DAY = timedelta(days=1)
ROTATIONS: list[dict[str, Any]] = [
    {"rotate": "weekly", "handoff": "Mon 09:00"},
    {"rotate": "daily", "handoff": "02:30"},
    {"rotate": "daily", "every": 3, "handoff": "02:15"},
    {"rotate": "monthly", "handoff": "31 09:00"},
    {"rotate": "hourly", "every": 8, "handoff": "06:00"},
]


def company(zone: str, rotation: dict[str, Any]) -> Configuration:
    day = {"rotate": "weekly", "handoff": "Mon 00:00", "start": "2026-01-05", "people": ["day"]}
    hours = [{"days": ["Mon", "Tue", "Wed", "Thu", "Fri"], "from": "09:00", "to": "17:00"}]
    layers = [{**rotation, "start": "2026-01-05", "people": ["asha", "ben"]}, {**day, "hours": hours}]
    return Configuration.model_validate(
        {
            "version": 1,
            "unmapped": "x",
            "fallback": ("asha",),
            "services": {},
            "channels": {},
            "notify": {},
            "paths": {},
            "people": {name: {"name": name.title(), "time_zone": zone} for name in ("asha", "ben", "day")},
            "schedules": {
                "first": {"time_zone": zone, "layers": layers},
                "second": {"time_zone": zone, "layers": layers[:1]},
            },
        }
    )


def read_back(data: bytes, start: datetime, end: datetime) -> list[tuple[datetime, datetime, str]]:
    events = recurring_ical_events.of(Calendar.from_ical(data)).between(start, end)
    return sorted((one["DTSTART"].dt, one["DTEND"].dt, str(one["SUMMARY"])) for one in events)


def final(
    configuration: Configuration, name: str, start: datetime, end: datetime, made: Changes = NONE
) -> list[tuple[datetime, datetime, str]]:
    return [
        (one.start, one.end, one.turn.person)
        for one in pieces(rosters(configuration)[name], start, end, made)
        if one.turn is not None
    ]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"])
@pytest.mark.parametrize("rotation", ROTATIONS, ids=lambda one: f"{one['rotate']}-{one.get('every', 1)}")
def test_a_calendar_has_the_same_shifts(zone: str, rotation: dict[str, Any]) -> None:
    configuration = company(zone, rotation)
    made = changes(
        [
            Override(id=1, since=NOW + DAY, until=NOW + 3 * DAY, by="x", schedule="first", person="asha"),
            Override(id=2, since=NOW + 9 * DAY, until=NOW + 20 * DAY, by="x", away="ben"),
        ]
    )
    data = schedule_calendar(configuration, "first", NOW, made)
    start, end = NOW - BACK, NOW + AHEAD
    wanted = final(configuration, "first", start, end, made)
    found = read_back(data, start, end)
    assert [summary for *_, summary in found] == [f"On call: {person.title()}" for *_, person in wanted]
    assert [one[:2] for one in found[1:-1]] == [one[:2] for one in wanted[1:-1]]
    assert found[0][0] <= start
    assert found[-1][1] >= end
    uids = [str(one["UID"]) for one in Calendar.from_ical(data).walk("VEVENT")]
    assert len(set(uids)) == len(uids) == len(wanted)


def test_a_persons_calendar_has_their_shifts_of_every_schedule() -> None:
    configuration = company("Europe/Berlin", ROTATIONS[0])
    found = read_back(person_calendar(configuration, "asha", NOW), NOW, NOW + 28 * DAY)
    wanted = [
        (start, f"On call: {name}")
        for name in ("first", "second")
        for start, _, person in final(configuration, name, NOW, NOW + 28 * DAY)
        if person == "asha" and start > NOW
    ]
    assert wanted
    assert sorted((start, said) for start, _, said in found if start > NOW) == sorted(wanted)


def test_a_name_with_line_breaks_and_commas_puts_no_other_event_into_a_calendar() -> None:
    configuration = company("Europe/Berlin", ROTATIONS[0])
    evil = configuration.people["asha"].model_copy(update={"name": "A\r\nEND:VEVENT\r\n, ; \\n B"})
    people = {**configuration.people, "asha": evil}
    configuration = configuration.model_copy(update={"people": people})
    data = schedule_calendar(configuration, "second", NOW)
    events = Calendar.from_ical(data).walk("VEVENT")
    assert len(events) == len(final(configuration, "second", NOW - BACK, NOW + AHEAD))


def test_an_address_is_its_own_calendars_and_nobody_elses() -> None:
    calendars = Calendars(b"k" * 32, "https://irpd.example.com/")
    address = calendars.address("person", "asha")
    token = address.rpartition("/")[2].removesuffix(".ics")
    assert address == f"https://irpd.example.com/calendar/person/asha/{token}.ics"
    assert len(token) == 32
    assert calendars.proves("person", "asha", token)
    assert not calendars.proves("schedule", "asha", token)
    assert not calendars.proves("person", "ben", token)
    assert not calendars.proves("person", "asha", "é" * 32)
    assert not Calendars(b"other" * 7, "").proves("person", "asha", token)
