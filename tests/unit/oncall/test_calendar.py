"""Time limits in calendars: around the clock, in working hours, over holidays and changes of the clocks.

Expectations are worked out by hand; Berlin sets its clocks forward on 29 March 2026 at 02:00 (to 03:00) and
back on 25 October 2026 at 03:00 (to 02:00).
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irpd.config.paths import Hours
from irpd.oncall.calendar import a_day_after, after, days_off
from irpd.oncall.hours import next_working, working

BERLIN = "Europe/Berlin"
OFFICE = Hours.model_validate({"from": "09:00", "to": "17:00", "time_zone": BERLIN})
NIGHTS = Hours.model_validate({"days": ["Fri", "Sat"], "from": "22:00", "to": "06:00", "time_zone": BERLIN})
CHRISTMAS = frozenset({date(2026, 12, 24), date(2026, 12, 25)})
H = 3600.0


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(BERLIN)).astimezone(UTC)


@pytest.mark.parametrize(
    "begins, hours, due",
    [
        ("2026-11-24 10:00", 4, "2026-11-24 14:00"),  # within one day
        ("2026-11-24 15:00", 4, "2026-11-25 11:00"),  # 2 h on Tuesday, 2 h on Wednesday
        ("2026-11-27 16:00", 4, "2026-11-30 12:00"),  # 1 h on Friday, then 3 h on Monday
        ("2026-11-28 12:00", 4, "2026-11-30 13:00"),  # a Saturday: counted from Monday 09:00
        ("2026-11-24 05:00", 8, "2026-11-24 17:00"),  # exactly until it closes
        ("2026-11-24 17:00", 8, "2026-11-25 17:00"),  # begins as it closes
        ("2026-12-23 15:00", 24, "2026-12-30 15:00"),  # 2 h, Christmas, a weekend, then 8 + 8 + 6
        ("2026-03-27 16:00", 9, "2026-03-30 17:00"),  # over the change forward: Monday is as long as any
    ],
)
def test_only_working_time_counts(begins: str, hours: float, due: str) -> None:
    assert after(hours * H, local(begins), OFFICE, BERLIN, CHRISTMAS) == local(due)


def test_a_working_night_in_which_the_clocks_are_set_back_has_an_hour_more() -> None:
    # Saturday 24 October 22:00 to Sunday 06:00 are nine hours. After eight of them it is 05:00.
    assert after(8 * H, local("2026-10-24 22:00"), NIGHTS, BERLIN) == local("2026-10-25 05:00")
    # Saturday 28 March: seven hours, so that the eighth is worked next Friday night.
    assert after(8 * H, local("2026-03-28 22:00"), NIGHTS, BERLIN) == local("2026-04-03 23:00")


def test_around_the_clock_every_second_counts() -> None:
    assert after(24 * H, local("2026-10-24 12:00"), None, BERLIN) == local("2026-10-25 11:00")
    assert after(24 * H, local("2026-03-28 12:00"), None, BERLIN) == local("2026-03-29 13:00")


@pytest.mark.parametrize(
    "begins, due, elapsed",
    [
        ("2026-11-24 09:30", "2026-11-25 09:30", 24),
        ("2026-03-28 12:00", "2026-03-29 12:00", 23),  # the night is an hour shorter
        ("2026-10-24 12:00", "2026-10-25 12:00", 25),  # the night is an hour longer
        ("2026-03-28 02:30", "2026-03-29 03:00", 23.5),  # 02:30 isn't shown: when the clock is set
        ("2026-10-24 02:30", "2026-10-25 02:30", 24),  # shown twice: the first time
        ("2026-03-29 03:30", "2026-03-30 03:30", 24),
    ],
)
def test_daily_is_the_same_time_on_the_wall_clock(begins: str, due: str, elapsed: float) -> None:
    at = local(begins)
    found = a_day_after(at, None, BERLIN)
    assert (found, found - at) == (local(due), timedelta(hours=elapsed))


def test_daily_from_the_hour_that_is_shown_twice_is_that_reading_on_the_next_day() -> None:
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)  # 02:30 for the second time
    assert a_day_after(second, None, BERLIN) == local("2026-10-26 02:30")


@pytest.mark.parametrize(
    "begins, due",
    [
        ("2026-11-24 15:20", "2026-11-25 15:20"),
        ("2026-11-27 15:20", "2026-11-30 15:20"),  # Friday to Monday
        ("2026-11-28 12:00", "2026-12-01 09:00"),  # Saturday: a day from Monday 09:00 on
        ("2026-11-24 20:00", "2026-11-26 09:00"),  # in the evening: from Wednesday 09:00 on
        ("2026-12-23 11:00", "2026-12-28 11:00"),  # Christmas and a weekend lie between
        ("2026-03-27 10:00", "2026-03-30 10:00"),  # 71 hours
        ("2026-10-23 10:00", "2026-10-26 10:00"),  # 73 hours
    ],
)
def test_daily_in_working_hours_is_the_next_working_day(begins: str, due: str) -> None:
    assert a_day_after(local(begins), OFFICE, BERLIN, CHRISTMAS) == local(due)


def test_seconds_are_kept() -> None:
    at = local("2026-11-24 09:30") + timedelta(seconds=11, microseconds=482_000)
    assert a_day_after(at, None, BERLIN) == at + timedelta(days=1)


def test_on_a_holiday_no_working_hours_begin() -> None:
    eve = local("2026-12-24 10:00")
    assert working(OFFICE, BERLIN, eve)
    assert next_working(OFFICE, BERLIN, eve, CHRISTMAS) == local("2026-12-28 09:00")


def test_a_night_that_began_before_the_holiday_ends_as_always() -> None:
    at = local("2026-12-26 02:00")  # of the night of Friday the 25th
    assert next_working(NIGHTS, BERLIN, at) == at
    assert next_working(NIGHTS, BERLIN, at, CHRISTMAS) == local("2026-12-26 22:00")


def test_hours_that_never_come_leave_the_clock_running() -> None:
    never = Hours.model_validate({"days": [], "time_zone": BERLIN})
    at = local("2026-11-24 09:30")
    assert after(4 * H, at, never, BERLIN) == at + timedelta(hours=4)
    assert a_day_after(at, never, BERLIN) == at + timedelta(days=1)


def test_holidays_are_read_by_name() -> None:
    assert days_off({"de": ("2026-12-24", "2026-12-25"), "fr": ("2026-07-14",)}, ("de",)) == CHRISTMAS
    with pytest.raises(LookupError):
        days_off({}, ("de",))


BEGAN = datetime(2020, 1, 1, tzinfo=UTC)
INSTANTS = st.integers(0, 10 * 365 * 86400).map(lambda seconds: BEGAN + timedelta(seconds=seconds))
LIMIT = st.integers(1, 3 * 86400)
ZONES = st.sampled_from([BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"])
DAYS = st.sets(st.sampled_from(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]), min_size=1)
CLOCK = st.integers(0, 47).map(lambda half: f"{half // 2:02}:{half % 2 * 30:02}")
HOURS = st.builds(
    lambda days, start, end: Hours.model_validate({"days": sorted(days), "from": start, "to": end}),
    DAYS, CLOCK, CLOCK,
)  # fmt: skip


@given(at=INSTANTS, zone=ZONES, hours=HOURS, seconds=st.integers(1, 5 * 86400))
def test_a_limit_ends_later_and_in_working_hours(at: datetime, zone: str, hours: Hours, seconds: int) -> None:
    due = after(seconds, at, hours, zone)
    assert due >= at + timedelta(seconds=seconds)
    assert working(hours, zone, due - timedelta(microseconds=1))


@given(at=INSTANTS, zone=ZONES, hours=HOURS, first=LIMIT, second=LIMIT)
def test_two_limits_one_after_the_other_are_one(
    at: datetime, zone: str, hours: Hours, first: int, second: int
) -> None:
    assert after(second, after(first, at, hours, zone), hours, zone) == after(first + second, at, hours, zone)


@given(at=INSTANTS, zone=ZONES)
def test_a_day_is_about_a_day(at: datetime, zone: str) -> None:
    assert timedelta(hours=22) <= a_day_after(at, None, zone) - at <= timedelta(hours=26)
