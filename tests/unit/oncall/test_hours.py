"""Working hours, against a slow search minute by minute."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irpd.config.paths import Hours
from irpd.oncall.hours import next_working, working
from irpd.oncall.rotation import WEEKDAYS

BERLIN = "Europe/Berlin"


def at(text: str, zone: str = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def hours(**settings: object) -> Hours:
    return Hours.model_validate(settings)


def test_hours_are_read_in_the_persons_zone_unless_they_name_one() -> None:
    eight_utc = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
    assert working(hours(), BERLIN, eight_utc)
    assert not working(hours(), "America/New_York", eight_utc)
    assert working(hours(time_zone=BERLIN), "America/New_York", eight_utc)


def test_they_begin_with_their_first_instant_and_end_before_their_last() -> None:
    assert not working(hours(), BERLIN, at("2026-11-24 08:59:59"))
    assert working(hours(), BERLIN, at("2026-11-24 09:00"))
    assert working(hours(), BERLIN, at("2026-11-24 17:59:59"))
    assert not working(hours(), BERLIN, at("2026-11-24 18:00"))


def test_after_friday_evening_comes_monday_morning() -> None:
    assert next_working(hours(), BERLIN, at("2026-11-27 18:00")) == at("2026-11-30 09:00")


def test_over_the_weekend_of_a_clock_change_monday_begins_at_nine_all_the_same() -> None:
    assert next_working(hours(), BERLIN, at("2026-03-27 18:30")) == datetime(2026, 3, 30, 7, 0, tzinfo=UTC)
    assert next_working(hours(), BERLIN, at("2026-10-23 18:30")) == datetime(2026, 10, 26, 8, 0, tzinfo=UTC)


def test_a_span_over_midnight_belongs_to_the_day_it_begins_on() -> None:
    night = hours(**{"days": ("Fri",), "from": "22:00", "to": "06:00"})
    assert working(night, BERLIN, at("2026-11-28 05:59"))  # Saturday
    assert not working(night, BERLIN, at("2026-11-28 06:00"))
    assert not working(night, BERLIN, at("2026-11-27 05:59"))  # Friday morning is Thursday's
    assert next_working(night, BERLIN, at("2026-11-28 06:00")) == at("2026-12-04 22:00")


def test_the_same_time_twice_is_the_whole_day() -> None:
    always = hours(**{"days": WEEKDAYS, "from": "00:00", "to": "00:00"})
    assert working(always, BERLIN, at("2026-11-28 03:00"))
    assert working(hours(**{"from": "00:00", "to": "24:00"}), BERLIN, at("2026-11-27 23:59:59"))


def test_hours_that_the_clock_skips_begin_a_week_later() -> None:
    skipped = hours(**{"days": ("Sun",), "from": "02:10", "to": "02:50"})
    assert next_working(skipped, BERLIN, at("2026-03-29 00:00")) == at("2026-04-05 02:10")


def test_hours_without_a_day_hold_nothing_back() -> None:
    night = at("2026-11-28 03:00")
    assert next_working(hours(days=()), BERLIN, night) == night


@pytest.mark.parametrize("zone", [BERLIN, "America/New_York", "Australia/Lord_Howe"])
@given(
    days=st.sets(st.sampled_from(WEEKDAYS), min_size=1),
    opens=st.sampled_from(["00:00", "01:30", "02:15", "02:30", "09:00", "22:00"]),
    closes=st.sampled_from(["02:30", "03:00", "06:00", "18:00", "24:00"]),
    around=st.sampled_from(
        [(2026, 3, 8), (2026, 3, 29), (2026, 4, 5), (2026, 10, 4), (2026, 10, 25), (2026, 11, 1)]
    ),
    minutes=st.integers(-4 * 1440, 2 * 1440),
)
def test_the_next_instant_is_the_first_that_a_slow_search_finds(
    zone: str, days: set[str], opens: str, closes: str, around: tuple[int, int, int], minutes: int
) -> None:
    settings = hours(**{"days": tuple(days), "from": opens, "to": closes})
    begin = datetime(*around, tzinfo=UTC) + timedelta(minutes=minutes)
    found = next_working(settings, zone, begin)
    assert found >= begin
    assert working(settings, zone, found)
    probe = begin
    while probe < min(found, begin + timedelta(days=1)):
        assert not working(settings, zone, probe)
        probe += timedelta(minutes=23)
    # The plain reading of the wall clock agrees wherever the clocks are not being changed.
    local = found.astimezone(ZoneInfo(zone))
    steady = (found - timedelta(hours=3)).astimezone(ZoneInfo(zone)).utcoffset() == local.utcoffset()
    if steady and found > begin:
        assert local.strftime("%H:%M") == opens
        assert WEEKDAYS[local.weekday()] in days
