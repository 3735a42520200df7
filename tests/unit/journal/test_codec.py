"""Events and rows as bytes."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

import msgspec
import pytest
from harness.examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from irpd.engine.ports import JournalCorrupt
from irpd.journal import codec
from irpd.model import event as e

# Events are made from their fields' types alone, so that a new type is tested by being there.
UNICODE = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def _struct_strategy(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    fields = msgspec.structs.fields(kind)
    return st.fixed_dictionaries(
        {f.encode_name: st.from_type(f.type) for f in fields if f.required},
        optional={f.encode_name: st.from_type(f.type) for f in fields if not f.required},
    ).map(lambda given: kind(**given))


@pytest.fixture(autouse=True, scope="module")
def _types() -> None:
    from irpd.model import incident, page, share

    st.register_type_strategy(str, UNICODE)
    st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
    st.register_type_strategy(datetime, st.datetimes(timezones=st.just(UTC)))
    parts: list[type[msgspec.Struct]] = [share.Impact, share.Share, incident.LevelBy, incident.Contribution]
    parts += [incident.Step, incident.PathRun, page.Send, page.Page]
    for kind in (*parts, *get_args(e.AnyEvent)):  # what others are made of comes first
        st.register_type_strategy(kind, _struct_strategy(kind))


@pytest.mark.parametrize("kind", get_args(e.AnyEvent), ids=lambda kind: kind.__name__)
def test_an_event_reads_back_as_it_was_written(kind: type[e.Event]) -> None:
    @settings(max_examples=examples(25))
    @given(event=st.from_type(kind))
    def check(event: Any) -> None:
        type, version, payload = codec.encode_event(event)
        assert codec.decode_event(type, version, payload) == event
        assert b'"type"' not in payload[:8]

    check()


def test_a_repeat_takes_next_to_nothing() -> None:
    assert codec.encode_event(e.SignalsRepeated(sids=(123456, 1))).payload == b'{"sids":[123456,1]}'


def test_an_event_without_values_is_an_empty_object() -> None:
    assert codec.encode_event(e.Resolved()) == ("resolved", 1, b"{}")
    assert codec.decode_event("resolved", 1, b"{}") == e.Resolved()


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_none_is_refused(number: float) -> None:
    with pytest.raises(codec.Unstorable, match="clock-jumped"):
        codec.encode_event(e.ClockJumped(seconds=number))


def test_a_value_that_is_null_by_right_is_no_reason_to_refuse() -> None:
    event = e.PathMoved(path="technical", fired=1, next_at=None)
    assert codec.decode_event(*codec.encode_event(event)) == event
    noted = e.Noted(text="null and void")
    assert codec.decode_event(*codec.encode_event(noted)) == noted


@pytest.mark.parametrize(
    "stored",
    [
        ("no-such-type", 1, b"{}"),
        ("resolved", 99, b"{}"),
        ("noted", 1, b"{}"),
        ("noted", 1, b'{"text":'),
        ("noted", 1, b'{"text":7}'),
        ("noted", 1, b"\xff"),
    ],
    ids=["type", "version", "missing", "cut", "kind", "bytes"],
)
def test_what_cannot_be_read_says_so(stored: tuple[str, int, bytes]) -> None:
    with pytest.raises(JournalCorrupt):
        codec.decode_event(*stored)


def test_an_older_version_is_brought_up_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def renamed(values: dict[str, Any]) -> dict[str, Any]:
        return {"words": values["message"]}

    def again(values: dict[str, Any]) -> dict[str, Any]:
        return {"text": values["words"]}

    monkeypatch.setattr(codec, "VERSIONS", {"noted": 3})
    monkeypatch.setattr(codec, "UPCASTS", {("noted", 1): renamed, ("noted", 2): again})
    assert codec.decode_event("noted", 1, b'{"message":"hi"}') == e.Noted(text="hi")
    assert codec.decode_event("noted", 2, b'{"words":"hi"}') == e.Noted(text="hi")
    assert codec.decode_event("noted", 3, b'{"text":"hi"}') == e.Noted(text="hi")
    with pytest.raises(JournalCorrupt):
        codec.decode_event("noted", 1, b"{}")


def test_every_step_between_versions_exists() -> None:
    for type, present in codec.VERSIONS.items():
        assert type in codec.TYPES
        assert all((type, older) in codec.UPCASTS for older in range(1, present))


@given(at=st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))])))
def test_times_keep_their_microseconds(at: datetime) -> None:
    try:
        expected = at.astimezone(UTC)
    except OverflowError:  # the first hours of year 1, the last of 9999
        return
    assert codec.instant(codec.micros(at)) == expected


def test_a_time_without_its_zone_is_refused() -> None:
    with pytest.raises(codec.Unstorable):
        codec.micros(datetime(2026, 1, 1))  # noqa: DTZ001
