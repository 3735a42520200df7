import pytest
from hypothesis import given
from hypothesis import strategies as st

from irpd.config.duration import LONGEST, format_duration, parse_duration


@given(st.integers(min_value=0, max_value=int(LONGEST)))
def test_what_is_formatted_is_read_as_the_same_seconds(seconds: int) -> None:
    assert parse_duration(format_duration(seconds)) == seconds


@given(st.integers(0, 99), st.integers(0, 99), st.integers(0, 999), st.integers(0, 9999))
def test_units_add_up(days: int, hours: int, minutes: int, seconds: int) -> None:
    text = f"{days}d{hours}h{minutes}m{seconds}s"
    assert parse_duration(text) == days * 86400 + hours * 3600 + minutes * 60 + seconds


@given(st.integers(0, int(LONGEST)))
def test_the_written_form_has_each_unit_once_and_in_order(seconds: int) -> None:
    units = [c for c in format_duration(seconds) if c.isalpha()]
    assert units == sorted(set(units), key="dhms".index)


@given(st.text(max_size=12) | st.text("0123456789dhms", max_size=12))
def test_any_text_is_a_duration_or_refused_with_what_is_allowed(text: str) -> None:
    try:
        seconds, refusal = parse_duration(text), ""
    except ValueError as error:
        seconds, refusal = 0.0, str(error)
    assert 0 <= seconds <= LONGEST
    assert not refusal or "90s" in refusal or "longest" in refusal


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "5 m",
        "m",
        "-5m",
        "1.5h",
        "5M",
        "1m1h",
        "5m5m",
        "٣m",
        "1w",
        " 5m",
        "5m\n",
        None,
        True,
        300,
        [],
        {},
    ],
)
def test_what_has_no_plain_units_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["3651d", "999999999d", "87601h"])
def test_more_than_ten_years_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="longest duration is 3650d"):
        parse_duration(text)


def test_a_number_of_digits_without_end_is_refused_quickly() -> None:
    with pytest.raises(ValueError, match="this is not a duration"):
        parse_duration("9" * 100_000 + "d")


def test_seconds_in_the_code_stay_what_they_are() -> None:
    assert parse_duration(1800.0) == 1800.0
