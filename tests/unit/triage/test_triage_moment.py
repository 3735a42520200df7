"""Times in tests of rules: with an offset or a zone; what the clocks skip or repeat is refused."""

from datetime import UTC, datetime

import pytest

from irpd.triage.moment import parse_moment


@pytest.mark.parametrize(
    "text, moment",
    [
        ("2026-11-24T02:00:00Z", datetime(2026, 11, 24, 2, tzinfo=UTC)),
        ("2026-11-24T03:00:00+01:00", datetime(2026, 11, 24, 2, tzinfo=UTC)),
        ("2026-11-24 03:00 Europe/Berlin", datetime(2026, 11, 24, 2, tzinfo=UTC)),
        ("2026-07-24 03:00:30 Europe/Berlin", datetime(2026, 7, 24, 1, 0, 30, tzinfo=UTC)),
        ("2026-11-24 03:00", datetime(2026, 11, 24, 3, tzinfo=UTC)),
        (" 2026-11-24 03:00 America/Argentina/Buenos_Aires ", datetime(2026, 11, 24, 6, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_as_people_write_it(text: str, moment: datetime) -> None:
    assert parse_moment(text) == moment


def test_a_local_time_is_read_in_the_zone_that_is_given() -> None:
    assert parse_moment("2026-11-24 03:00", "Asia/Tokyo") == datetime(2026, 11, 23, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "is not a time"),
        ("tomorrow", "is not a time"),
        ("2026-13-01 00:00", "is not a time"),
        ("2026-11-24", "is not a time"),
        ("0001-01-01T00:00:00+23:00", "is not a time"),
        ("2026-11-24 03:00 Europe/Berln", 'no time zone "Europe/Berln"'),
        ("2026-11-24 03:00 ../../etc/passwd", "is not a time"),
        ("2026-03-29 02:30 Europe/Berlin", "does not exist"),
        ("2026-10-25 02:30 Europe/Berlin", "happens twice"),
    ],
)
def test_what_is_no_time_is_refused_with_what_is_allowed(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_moment(text)


def test_a_time_that_happens_twice_is_refused_with_both_readings() -> None:
    with pytest.raises(
        ValueError, match="2026-10-25T00:30Z for the first time, 2026-10-25T01:30Z for the second"
    ):
        parse_moment("2026-10-25 02:30 Europe/Berlin")
