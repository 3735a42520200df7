"""The soonest of many instants, kept up as they change."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from irpd.web.soonest import Soonest

BEGAN = datetime(2026, 11, 24, tzinfo=UTC)
PUTS = st.lists(
    st.tuples(st.integers(0, 5), st.dictionaries(st.sampled_from(["a", "b"]), st.integers(0, 9))), max_size=60
)


@given(puts=PUTS)
def test_it_is_what_looking_at_all_of_them_would_find(puts: list[tuple[int, dict[str, int]]]) -> None:
    soonest: Soonest[str] = Soonest()
    plain: dict[int, dict[str, datetime]] = {}
    for number, minutes in puts:
        instants = {label: BEGAN + timedelta(minutes=m) for label, m in minutes.items()}
        soonest.put(number, instants)
        plain[number] = instants
        found = {
            label: min(of[label] for of in plain.values() if label in of)
            for label in ("a", "b")
            if any(label in of for of in plain.values())
        }
        assert soonest.soonest() == found


def test_what_changes_often_is_kept_in_bounds() -> None:
    soonest: Soonest[str] = Soonest()
    for n in range(10_000):
        soonest.put(1, {"a": BEGAN + timedelta(minutes=n)})
    assert len(soonest._heaps["a"]) < 100
