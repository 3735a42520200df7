"""An event of a timeline in one line."""

import pytest

from irpd.cli.timeline import share


@pytest.mark.parametrize(
    "found, says",
    [
        (
            {"numerator": 1, "denominator": 50, "affected": 2400, "users": 120_000, "method": "label"},
            "2 % of users (2,400 of 120,000) by label",
        ),
        ({"numerator": 1, "denominator": 2}, "50 % of users"),
        ({"numerator": None, "denominator": 1, "affected": 12}, "share of users not known"),
    ],
)
def test_a_share_that_was_measured_says_how_large_it_is_and_who_says_so(
    found: dict[str, object], says: str
) -> None:
    assert share(found) == says
