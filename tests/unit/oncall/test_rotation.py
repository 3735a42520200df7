"""Whose turn it is, against a slow search that looks at every minute of the wall clock."""

import bisect
import itertools
import time
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from harness.examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from irpd.config.schedules import Layer, Schedule
from irpd.oncall.roster import Roster, roster
from irpd.oncall.rotation import WEEKDAYS
from irpd.oncall.shifts import Shift, shift_at, shifts

ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/St_Johns", "America/Havana"]
MINUTE = timedelta(minutes=1)


def weekly(zone: str, *people: str, handoff: str = "Mon 09:00", start: str = "2026-01-05") -> Roster:
    layer = Layer(rotate="weekly", handoff=handoff, start=start, people=people)
    return roster("first", Schedule(time_zone=zone, layers=(layer,)))


def daily(zone: str, *people: str, handoff: str = "09:00", start: str = "2026-01-05") -> Roster:
    layer = Layer(rotate="daily", handoff=handoff, start=start, people=people)
    return roster("first", Schedule(time_zone=zone, layers=(layer,)))


@cache
def readings(zone: str) -> tuple[list[datetime], list[str]]:
    """Every minute of two years and what the wall clock shows, the highest so far (it never goes back)."""
    where = ZoneInfo(zone)
    instants, shown = [], []
    at, end, highest = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC), ""
    while at < end:
        highest = max(highest, at.astimezone(where).isoformat()[:16])
        instants.append(at)
        shown.append(highest)
        at += MINUTE
    return instants, shown


def slowly(zone: str, day: date, clock: str) -> datetime:
    """The first minute at which the wall clock has come to this reading, or past it."""
    instants, shown = readings(zone)
    return instants[bisect.bisect_left(shown, f"{day}T{clock}")]


def on_call_at(schedule: Roster, at: datetime) -> str | None:
    turn = schedule.on_call(at)
    return None if turn is None else turn.person


CLOCKS = ["00:00", "00:01", "00:30", "01:30", "02:00", "02:15", "02:30", "03:00", "09:00", "23:59"]
clocks = st.sampled_from(CLOCKS)


@pytest.mark.parametrize("zone", ZONES)
@settings(max_examples=examples(40))
@given(
    clock=clocks,
    offset=st.integers(0, 580),
    people=st.integers(1, 4),
    minutes=st.integers(0, 120 * 24 * 60),
    rotate=st.sampled_from(["daily", "weekly"]),
)
def test_each_instant_has_the_person_whom_a_slow_search_finds(
    zone: str, clock: str, offset: int, people: int, minutes: int, rotate: str
) -> None:
    first = date(2026, 1, 2) + timedelta(days=offset)
    names = tuple("abcd"[:people])
    if rotate == "daily":
        schedule, days = daily(zone, *names, handoff=clock, start=first.isoformat()), 1
    else:
        handoff = f"{WEEKDAYS[first.weekday()]} {clock}"
        schedule, days = weekly(zone, *names, handoff=handoff, start=first.isoformat()), 7
    begin = slowly(zone, first, clock)
    at = begin - timedelta(days=1) + minutes * MINUTE
    expected, day, turn = None, first, 0
    while slowly(zone, day, clock) <= at:
        expected = names[turn % people]
        day, turn = day + timedelta(days=days), turn + 1
    assert on_call_at(schedule, at) == expected
    shift = shift_at(schedule, at)
    assert (shift and shift.person) == expected
    if shift:
        assert shift.start <= at < shift.end


@pytest.mark.parametrize("zone", [*ZONES, "Pacific/Apia"])
@settings(max_examples=examples(40))
@given(
    clock=clocks,
    start=st.dates(date(2006, 1, 1), date(2027, 1, 1)),
    second=st.none() | st.integers(-400, 400),
    rotate=st.sampled_from(["daily", "weekly"]),
)
def test_shifts_tile_time_without_gap_or_overlap(
    zone: str, clock: str, start: date, second: int | None, rotate: str
) -> None:
    handoff = clock if rotate == "daily" else f"Wed {clock}"
    layers = [Layer(rotate=rotate, handoff=handoff, start=start.isoformat(), people=("a", "b", "c"))]  # type: ignore[arg-type]
    if second is not None:
        later = (start + timedelta(days=second)).isoformat()
        layers.append(Layer(rotate="daily", handoff="12:00", start=later, people=("x", "y")))
    schedule = roster("first", Schedule(time_zone=zone, layers=tuple(layers)))
    first = datetime(start.year, start.month, start.day, tzinfo=UTC) - timedelta(days=420)
    found = list(shifts(schedule, first, first + timedelta(days=1300)))
    assert found
    for one, following in itertools.pairwise(found):
        assert one.start < one.end == following.start
    for shift in found[:: max(1, len(found) // 25)]:
        middle = shift.start + (shift.end - shift.start) / 2
        for at in (shift.start, middle, shift.end - timedelta(seconds=1)):
            assert on_call_at(schedule, at) == shift.person
    assert on_call_at(schedule, found[0].start - timedelta(seconds=1)) is None


def test_a_hand_off_that_the_clock_skips_happens_when_the_clock_is_set() -> None:
    schedule = daily("Europe/Berlin", "a", "b", handoff="02:30", start="2026-03-28")
    changed = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)  # 02:00 becomes 03:00
    assert on_call_at(schedule, changed - timedelta(seconds=1)) == "a"
    assert on_call_at(schedule, changed) == "b"


def test_a_hand_off_that_the_clock_shows_twice_happens_the_first_time() -> None:
    schedule = daily("Europe/Berlin", "a", "b", handoff="02:30", start="2026-10-24")
    first, second = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert on_call_at(schedule, first - timedelta(seconds=1)) == "a"
    assert [on_call_at(schedule, at) for at in (first, second - MINUTE, second)] == ["b", "b", "b"]


def test_a_clock_set_back_over_midnight_does_not_give_the_turn_back() -> None:
    schedule = daily("America/St_Johns", "a", "b", handoff="00:00", start="2010-11-06")
    midnight = datetime(2010, 11, 7, 2, 30, tzinfo=UTC)  # a minute later it is 23:01 again
    assert on_call_at(schedule, midnight - MINUTE) == "a"
    assert [on_call_at(schedule, midnight + n * MINUTE) for n in (0, 1, 30, 60, 120)] == ["b"] * 5


def test_a_half_hour_change_moves_a_hand_off_by_half_an_hour() -> None:
    schedule = daily("Australia/Lord_Howe", "a", "b", handoff="02:15", start="2026-10-03")
    changed = datetime(2026, 10, 3, 15, 30, tzinfo=UTC)  # 02:00 (+10:30) becomes 02:30 (+11)
    assert shift_at(schedule, changed) == Shift("b", changed, datetime(2026, 10, 4, 15, 15, tzinfo=UTC))


def test_a_day_that_a_zone_skipped_leaves_no_gap() -> None:
    schedule = daily("Pacific/Apia", "a", "b", "c", handoff="00:00", start="2011-12-29")
    skipped = datetime(2011, 12, 30, 10, 0, tzinfo=UTC)
    before = shift_at(schedule, skipped - timedelta(seconds=1))
    assert before == Shift("a", skipped - timedelta(days=1), skipped)
    assert shift_at(schedule, skipped) == Shift("c", skipped, skipped + timedelta(days=1))


def test_before_its_start_a_schedule_has_nobody() -> None:
    schedule = weekly("Europe/Berlin", "asha", "ben")
    start = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
    assert on_call_at(schedule, start - timedelta(microseconds=1)) is None
    assert shift_at(schedule, start - timedelta(microseconds=1)) is None
    assert shift_at(schedule, start) == Shift("asha", start, start + timedelta(days=7))


def test_a_start_on_another_weekday_means_the_first_hand_off_after_it() -> None:
    schedule = weekly("UTC", "asha", "ben", start="2026-01-01")
    assert on_call_at(schedule, datetime(2026, 1, 5, 8, 59, tzinfo=UTC)) is None
    assert on_call_at(schedule, datetime(2026, 1, 5, 9, 0, tzinfo=UTC)) == "asha"


def test_a_later_layer_stands_over_the_earlier_ones_from_its_start_on() -> None:
    earlier = Layer(rotate="weekly", handoff="Mon 09:00", start="2026-01-05", people=("asha", "ben"))
    later = Layer(rotate="daily", handoff="12:00", start="2026-01-07", people=("chi",))
    schedule = roster("first", Schedule(time_zone="UTC", layers=(earlier, later)))
    takes_over = datetime(2026, 1, 7, 12, 0, tzinfo=UTC)
    start = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    assert shift_at(schedule, takes_over - MINUTE) == Shift("asha", start, takes_over)
    assert on_call_at(schedule, takes_over) == "chi"


@pytest.mark.parametrize(
    "rotate, handoff, start",
    [
        ("weekly", "09:00", "2026-01-05"),
        ("weekly", "Mo 09:00", "2026-01-05"),
        ("daily", "Mon 09:00", "2026-01-05"),
        ("daily", "9:00", "2026-01-05"),
        ("daily", "24:00", "2026-01-05"),
        ("daily", "12:60", "2026-01-05"),
        ("daily", "٠٩:٠٠", "2026-01-05"),
        ("daily", "09:00", "5 January"),
        ("daily", "09:00", "0001-01-01"),
    ],
)
def test_what_is_no_rotation_is_refused_in_words(rotate: str, handoff: str, start: str) -> None:
    layer = Layer(rotate=rotate, handoff=handoff, start=start, people=("asha",))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r".+"):
        roster("first", Schedule(time_zone="UTC", layers=(layer,)))


def test_a_look_up_takes_microseconds() -> None:
    schedule = weekly("Europe/Berlin", "asha", "ben", "chi")
    instants = [datetime(2026, 1, 5, 9, tzinfo=UTC) + timedelta(minutes=7 * n) for n in range(5000)]
    best = min(_seconds(schedule, instants) for _ in range(5)) / len(instants)
    assert best < 20e-6


def _seconds(schedule: Roster, instants: list[datetime]) -> float:
    begin = time.process_time()
    for at in instants:
        schedule.on_call(at)
    return time.process_time() - begin
