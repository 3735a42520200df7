"""Shares are exact: the protocol's borders hold for every count of users there can be."""

from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irpd.model.level import Level
from irpd.model.share import UNKNOWN, Impact, Share, band
from irpd.triage.share import level_of, percent, share_of, share_over, wording

users = st.integers(1, 10**12)
impacts = st.builds(
    Impact,
    affected=st.none() | st.integers(0, 10**13),
    share=st.none() | st.fractions(0, 1).map(lambda f: f"{f.numerator}/{f.denominator}"),
    method=st.sampled_from(["label", "sentry", "field"]),
)
evidences = st.lists(st.tuples(st.text(max_size=5), impacts), max_size=6, unique_by=lambda one: one[0])


def expected(affected: int, of: int) -> Level:
    """The protocol in whole numbers, no division anywhere."""
    if affected * 100 > of * 80:
        return Level.CRITICAL
    if affected * 100 >= of * 40:
        return Level.HIGH
    if affected * 100 >= of * 10:
        return Level.MEDIUM
    return Level.LOW


@given(users, st.data())
def test_a_count_of_users_falls_into_the_band_that_whole_numbers_give(of: int, data: st.DataObject) -> None:
    border = data.draw(st.sampled_from([10, 40, 80]))
    near = of * border // 100 + data.draw(st.integers(-2, 2))
    affected = min(max(near, 0), of)
    assert share_of(Impact(affected=affected), of).level == expected(affected, of)


@pytest.mark.parametrize(
    "share, level",
    [
        (Fraction(80, 100) + Fraction(1, 10**30), 1),
        (Fraction(80, 100), 2),
        (Fraction(80, 100) - Fraction(1, 10**30), 2),
        (Fraction(40, 100), 2),
        (Fraction(40, 100) - Fraction(1, 10**30), 3),
        (Fraction(10, 100), 3),
        (Fraction(10, 100) - Fraction(1, 10**30), 4),
        (Fraction(0), 4),
        (Fraction(1), 1),
    ],
)
def test_the_borders_of_the_bands_are_where_the_protocol_puts_them(share: Fraction, level: int) -> None:
    written = share_of(Impact(share=f"{share.numerator}/{share.denominator}"), None)
    assert (band(share), written.level, level_of(written)) == (level, level, level)


def test_ten_percent_written_as_a_fraction_that_no_double_holds_is_medium() -> None:
    assert share_of(Impact(affected=3), 30).level == Level.MEDIUM
    assert share_of(Impact(share="1/10"), None).level == Level.MEDIUM


def test_a_share_is_unknown_without_a_number_of_users() -> None:
    share = share_of(Impact(affected=7, method="label"), None)
    assert (share.known, share.level, share.affected) == (False, None, 7)
    assert share_of(Impact(), 100) == UNKNOWN
    assert share_of(Impact(affected=7), 0).known is False


def test_more_affected_than_there_are_users_is_all_of_them_and_the_counts_stay() -> None:
    share = share_of(Impact(affected=300), 200)
    assert (share.fraction, share.affected, share.users) == (1, 300, 200)


def test_a_share_that_the_sender_wrote_counts_before_a_count_of_users() -> None:
    share = share_of(Impact(affected=1, share="1/2", method="label"), 1000)
    assert (share.fraction, share.affected, share.users) == (Fraction(1, 2), 1, 1000)


@pytest.mark.parametrize("text", ["", "x", "1", "1/0", "-1/2", "1e999999999", "nan", "1/2/3", "½", "1 / 2"])
def test_a_share_that_is_no_fraction_is_no_evidence(text: str) -> None:
    assert not share_of(Impact(share=text), 100).known


def test_a_share_above_all_users_is_all_of_them() -> None:
    assert share_of(Impact(share="3/2"), None).fraction == 1


@given(evidences, st.integers(0, 50), users, st.randoms())
def test_the_order_in_which_evidence_arrives_never_shows(
    evidence: list[tuple[str, Impact]], reporters: int, of: int, random: Random
) -> None:
    shuffled = list(evidence)
    random.shuffle(shuffled)
    assert share_over(evidence, reporters, of) == share_over(shuffled, reporters, of)


def test_distinct_reporters_are_an_evidence_of_their_own() -> None:
    share = share_over([("k", Impact(affected=3, method="label"))], 20, 100)
    assert (share.fraction, share.method) == (Fraction(1, 5), "reporters")


@given(st.fractions(0, 1))
def test_the_percentage_people_read_is_on_the_same_side_of_each_border(share: Fraction) -> None:
    text = Fraction(percent(share).removeprefix("<").removesuffix(" %")) / 100
    borders = (Fraction(1, 10), Fraction(2, 5), Fraction(4, 5))
    if all(abs(share - border) > Fraction(1, 10**5) for border in borders):
        assert band(text) == band(share)
    assert abs(text - share) <= Fraction(1, 1000)


@pytest.mark.parametrize(
    "share, text",
    [
        (Share(numerator=1, denominator=50, affected=24, users=1200), "2.0 % (24 of 1,200)"),
        (Share(numerator=1, denominator=5, affected=2, method="label"), "20.0 % (2: label)"),
        (Share(numerator=1, denominator=2), "50.0 %"),
        (Share(numerator=999, denominator=10000, method="field"), "9.99 % (field)"),
        (Share(numerator=0), "0.0 %"),
        (Share(numerator=1, denominator=90_000, affected=1, users=90_000), "<0.1 % (1 of 90,000)"),
        (Share(numerator=1), "100.0 %"),
        (Share(affected=12), "unknown (12 affected, number of users not known)"),
        (UNKNOWN, "unknown"),
    ],
)  # fmt: skip
def test_a_share_is_worded_as_far_as_it_is_known(share: Share, text: str) -> None:
    assert wording(share) == text
