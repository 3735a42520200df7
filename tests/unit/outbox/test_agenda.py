"""The agenda against a plain dict."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from irpd.outbox.agenda import Agenda

START = datetime(2026, 11, 24, tzinfo=UTC)

steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 5), st.integers(0, 20)),
        st.tuples(st.just("drop"), st.integers(0, 5), st.just(0)),
        st.tuples(st.just("take"), st.just(0), st.integers(0, 20)),
    )
)


@given(steps)
def test_each_send_comes_up_once_and_at_its_last_time(steps) -> None:
    agenda, plain = Agenda(), {}
    for what, n, second in steps:
        key, at = ("42-1", n), START + timedelta(seconds=second)
        match what:
            case "put":
                agenda.put(key, at)
                plain[key] = at
            case "drop":
                agenda.drop(key)
                plain.pop(key, None)
            case "take":
                due = sorted((d, k) for k, d in plain.items() if d <= at)
                assert [(d, k) for k, d in agenda.take(at)] == due
                for _, k in due:
                    del plain[k]
        assert agenda.next_due() == min(plain.values(), default=None)
        assert len(agenda) == len(plain)
