"""Numbers of users as people and templates write them: exact, bounded, or ignored."""

import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irpd.intake.impact import impact_of, read_count, read_share
from irpd.model.level import Level
from irpd.model.share import Impact, band


@pytest.mark.parametrize(
    "text, count",
    [
        ("0", 0), ("2400", 2400), (" 2400 ", 2400), ("+7", 7), ("2400.0", 2400),
        ("1.234567e+06", 1234567),
        ("1e3", 1000), ("007", 7), ("1000000000000", 10**12), ("1000000000001", None),
        ("-1", None), ("-0", None),
        ("2.5", None), ("1e-1", None), ("1e999999999", None), ("12 users", None), ("1,200", None), ("", None),
        ("NaN", None), ("+Inf", None), ("0x10", None), ("1_000", None), ("٣", None), ("²", None),
        ("9" * 5000, None),
        (".", None), ("1.", 1), ("{{ $value }}", None), ("true", None),
    ],
)  # fmt: skip
def test_a_count_is_a_whole_number_from_zero_or_nothing(text: str, count: int | None) -> None:
    assert read_count(text) == count


@pytest.mark.parametrize(
    "text, share",
    [
        ("0.42", "21/50"), ("42%", "21/50"), ("42 %", "21/50"), ("0", "0/1"), ("1", "1/1"), ("100%", "1/1"),
        ("0.1", "1/10"), ("10%", "1/10"), (".5", "1/2"), ("12.5%", "1/8"), ("4.2e-05", "21/500000"),
        ("1.0000001", None), ("100.1%", None), ("42", None), ("-0.1", None), ("%", None), ("", None),
        ("42%%", None), ("half", None), ("1/2", None), ("NaN", None),
        ("1e-99", f"1/{10**99}"), ("1e-100", None),
    ],
)  # fmt: skip
def test_a_share_is_exact_and_from_zero_to_one_or_nothing(text: str, share: str | None) -> None:
    assert read_share(text) == share


@given(st.integers(0, 10_000))
def test_a_share_is_the_fraction_that_was_written(n: int) -> None:
    written = read_share(f"{n / 10000:.4f}")
    assert written is not None
    assert Fraction(written) == Fraction(n, 10_000)
    assert read_share(f"{n / 100:.2f}%") == written


@pytest.mark.parametrize(
    "text, level",
    [
        ("80%", Level.HIGH),
        ("0.8000001", Level.CRITICAL),
        ("40%", Level.HIGH),
        ("0.1", Level.MEDIUM),
        ("9.99%", Level.LOW),
    ],
)
def test_the_edges_of_the_bands_survive_reading(text: str, level: Level) -> None:
    share = read_share(text)
    assert share is not None
    assert band(Fraction(share)) is level


@given(st.text(max_size=40))
def test_any_text_is_a_number_or_ignored_at_once(text: str) -> None:
    began = time.process_time()
    impact, remark = impact_of(text, text, users_name="u", share_name="s", method="label")
    assert time.process_time() - began < 1
    assert impact.affected is None or 0 <= impact.affected <= 10**12
    assert impact.share is None or 0 <= Fraction(impact.share) <= 1
    ignored = [impact.affected, impact.share].count(None) if text else 0
    assert remark.count("ignored:") == ignored


def test_what_is_ignored_is_said_and_the_rest_counts() -> None:
    impact, remark = impact_of("many", "2%", users_name="affected", share_name="share", method="label")
    assert impact == Impact(share="1/50", method="label")
    assert remark == "affected 'many' ignored: not a count of users"
    assert impact_of("", "", users_name="u", share_name="s", method="label") == (Impact(), "")
