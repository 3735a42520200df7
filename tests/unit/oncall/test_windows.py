"""Maintenance windows on the wall clock of their zone, over changes of the clocks."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irpd.model.window import Window
from irpd.oncall.windows import next_span, open_until

EVERY_DAY = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
BERLIN = "Europe/Berlin"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def nightly(
    opens: str = "02:00", closes: str = "04:00", days: tuple[str, ...] = EVERY_DAY, **more: date
) -> Window:
    minutes = [int(text[:2]) * 60 + int(text[3:]) for text in (opens, closes)]
    return Window(zone=BERLIN, days=days, opens=minutes[0], closes=minutes[1], **more)


def test_a_window_that_is_once_holds_from_its_beginning_until_before_its_end() -> None:
    once = Window(begin=utc("2026-12-05 21:00"), end=utc("2026-12-06 01:00"))
    assert open_until(once, utc("2026-12-05 20:59:59")) is None
    assert open_until(once, utc("2026-12-05 21:00")) == utc("2026-12-06 01:00")
    assert open_until(once, utc("2026-12-06 01:00")) is None
    assert next_span(once, utc("2026-12-06 01:00")) is None


def test_a_recurring_window_follows_the_wall_clock_in_winter_and_summer() -> None:
    window = nightly()
    assert open_until(window, utc("2026-12-05 01:30")) == utc("2026-12-05 03:00")
    assert open_until(window, utc("2026-07-05 01:30")) == utc("2026-07-05 02:00")
    assert open_until(window, utc("2026-07-05 02:30")) is None


@pytest.mark.parametrize(
    "opens, closes, begin, end",
    [
        ("01:00", "04:00", "2026-03-29 00:00", "2026-03-29 02:00"),  # an hour shorter
        ("02:15", "02:45", None, None),  # in the hour that is skipped: none at all that night
        ("02:30", "05:00", "2026-03-29 01:00", "2026-03-29 03:00"),
    ],
)
def test_when_clocks_go_forward(opens: str, closes: str, begin: str | None, end: str | None) -> None:
    window = nightly(opens, closes, days=("Sun",))
    span = next_span(window, utc("2026-03-28 12:00"))
    assert span is not None
    if begin is None or end is None:
        assert span[0].date() == date(2026, 4, 5)
    else:
        assert span == (utc(begin), utc(end))


def test_when_clocks_go_back_a_window_holds_through_both_readings() -> None:
    window = nightly("02:00", "04:00", days=("Sun",))
    assert next_span(window, utc("2026-10-24 12:00")) == (utc("2026-10-25 00:00"), utc("2026-10-25 03:00"))


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    window = nightly("22:00", "06:00", days=("Fri",))
    assert open_until(window, utc("2026-11-28 04:00")) == utc("2026-11-28 05:00")  # Saturday morning
    assert open_until(window, utc("2026-11-27 04:00")) is None  # Friday morning


def test_the_first_and_the_last_day_hold() -> None:
    window = nightly(first=date(2026, 12, 1), last=date(2026, 12, 2))
    assert open_until(window, utc("2026-11-30 02:00")) is None
    assert open_until(window, utc("2026-12-01 02:00")) is not None
    assert open_until(window, utc("2026-12-02 02:00")) is not None
    assert open_until(window, utc("2026-12-03 02:00")) is None
    assert next_span(window, utc("2026-12-03 02:00")) is None
    assert next_span(window, utc("2026-01-01 00:00")) == (utc("2026-12-01 01:00"), utc("2026-12-01 03:00"))


def test_spans_that_touch_are_one() -> None:
    always = nightly("00:00", "00:00", days=("Mon", "Tue"))
    assert open_until(always, utc("2026-11-23 12:00")) == utc("2026-11-24 23:00")


@given(
    st.timedeltas(timedelta(0), timedelta(days=730)).map(lambda span: utc("2026-01-01") + span),
    st.integers(0, 1439),
    st.integers(0, 1439),
    st.sets(st.sampled_from(EVERY_DAY), min_size=1),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "UTC"]),
)
def test_a_window_holds_exactly_between_its_readings(
    at: datetime, opens: int, closes: int, days: set[str], zone: str
) -> None:
    window = Window(zone=zone, days=tuple(days), opens=opens, closes=closes)
    end = open_until(window, at)
    if end is None:
        span = next_span(window, at)
        assert span is not None
        assert at < span[0]
        assert open_until(window, span[0]) is not None
        assert open_until(window, span[0] - timedelta(seconds=1)) is None
    else:
        assert at < end
        if end - at <= timedelta(days=8):  # else it never ends
            assert open_until(window, end) is None
            assert open_until(window, end - timedelta(seconds=1)) == end
