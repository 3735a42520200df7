"""Bodies meant to break things, bodies of other senders, and whatever hypothesis makes of them.

Each gets a clear answer: what is understood is kept, what is not opens one signal that says
so, and nothing raises. A defect of intake itself would answer "irpd itself failed": none may.
"""

import json
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from harness.examples import examples
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from irpd.engine.ports import Normalised
from irpd.intake import IntakeSource
from irpd.intake.text import MAX_KEY, MAX_NAME, MAX_URL
from irpd.model.signal import MAX_LABELS, MAX_TITLE, MAX_VALUE, Status

Read = Callable[..., Normalised]
Source = Callable[..., IntakeSource]

PAYLOADS = Path(__file__).resolve().parents[2] / "payloads"
RECORDED = {path.stem: path.read_bytes() for path in sorted(PAYLOADS.glob("*.json"))}
SMALL = {name: body for name, body in RECORDED.items() if len(body) < 20_000}

DESK = {"key": "data.item.id", "title": "data.item.name", "reporter": "data.item.contacts.contacts.0.id"}
TYPES: dict[str, dict[str, Any]] = {
    "alertmanager": {},
    "grafana": {},
    "sentry": {},
    "zendesk": {},
    "freshdesk": {},
    "jira": {},
    "ticket": {"fields": DESK},
}
#: Which of the recorded files are whose; the two monitoring types share the unified shape.
HOME = {"alertmanager": {"alertmanager", "grafana"}, "prometheus": {"alertmanager"}, "intercom": {"ticket"}}


def at_home(name: str, type: str) -> bool:
    sender = name.partition("--")[0]
    if name == "alertmanager--custom-payload":
        return False
    if name in ("grafana--firing", "grafana--resolved"):
        return type in ("grafana", "alertmanager")
    if name.startswith("prometheus"):
        return type in ("grafana", "alertmanager")
    return type in HOME.get(sender, {sender})


def proper(said: Normalised) -> None:
    """What holds of every answer, whatever was sent."""
    good = [s for s in said.signals if s.key != "unreadable"]
    look = [s for s in said.signals if s.key == "unreadable"]
    assert said.accepted == len(good)
    assert len(look) == (1 if said.unreadable else 0)
    assert not any("irpd itself failed" in problem for problem in said.unreadable), said.unreadable
    for problem in said.unreadable:
        assert problem
        assert problem == problem.strip()
        assert len(problem) <= MAX_TITLE
    for signal in said.signals:
        assert 0 < len(signal.key) <= MAX_KEY
        assert 0 < len(signal.title) <= MAX_TITLE
        assert "\n" not in signal.title
        assert "\0" not in signal.title + signal.text + signal.note
        assert len(signal.text) <= MAX_VALUE
        assert len(signal.note) <= MAX_VALUE
        assert len(signal.unreadable) <= MAX_VALUE
        assert len(signal.labels) <= MAX_LABELS
        assert all(
            0 < len(value) <= MAX_VALUE and len(name) <= MAX_NAME for name, value in signal.labels.items()
        )
        for link in (signal.url, signal.runbook, signal.dashboard):
            assert not link or (link.startswith(("http://", "https://")) and len(link) <= MAX_URL)
        for when in (signal.starts_at, signal.ends_at):
            assert when is None or when.utcoffset() is not None
        assert (signal.key == "unreadable") is bool(signal.unreadable)
        if signal.impact.affected is not None:
            assert signal.impact.affected >= 0
        assert msgspec.json.decode(msgspec.json.encode(signal), type=type(signal)) == signal
    json.dumps(said.unreadable).encode()


# ------------------------------------------------------------------ everything recorded, everywhere
@pytest.mark.parametrize("type", TYPES)
@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_body_at_another_senders_source_is_unreadable(name: str, type: str, read: Read) -> None:
    said = read(type, RECORDED[name], **TYPES[type])
    proper(said)
    if at_home(name, type):
        assert said.unreadable == ()
    else:
        assert (said.accepted, len(said.unreadable), len(said.signals)) == (0, 1, 1)
        assert said.signals[0].status is Status.FIRING
        assert said.signals[0].title == f"Unreadable report from {type}"


@pytest.mark.parametrize(
    "resource", ["issue", "event_alert", "metric_alert", "error", "comment", "activity_alert"]
)
def test_a_foreign_body_stays_unreadable_whatever_the_header_says(resource: str, read: Read) -> None:
    for name, body in RECORDED.items():
        if not name.startswith("sentry--"):
            assert read("sentry", body, {"Sentry-Hook-Resource": resource}).accepted == 0, name


# ------------------------------------------------------------------ broken by hand
BROKEN = {
    "empty": (b"", "the body is empty"),
    "blank": (b" \r\n\t", "the body is empty"),
    "null": (b"null", "null"),
    "true": (b"true", "true or false"),
    "number": (b"17", "a number"),
    "text": (b'"text"', "a text"),
    "empty list": (b"[]", "an empty list"),
    "empty object": (b"{}", ""),
    "list of nothing": (b"[null]", ""),
    "truncated": (RECORDED["alertmanager--group-joined"][:700], "not JSON: EOF"),
    "quote": (b'{"title": "a "b" c"}', "not JSON: expected `,` or `}` at line 1 column 15"),
    "deep": (b'{"alerts":' + b"[" * 100_000, "not JSON: recursion limit exceeded"),
    "deep and closed": (b'{"alerts":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "not JSON: recursion limit"),
    "deep objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "not JSON: recursion limit"),
    "invalid UTF-8": (b'{"a": "\xff"}', "not JSON: invalid unicode"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "not JSON"),
    "latin-1": ('{"title": "Über"}'.encode("latin-1"), "not JSON: invalid unicode"),
    "raw NUL": (b'{"a": "\0"}', "not JSON: control character"),
    "only NUL": (b"\0" * 1000, "not JSON"),
    "huge number": (b'{"a": 1' + b"0" * 5000 + b"}", "not JSON: number out of range"),
    "form": (b"payload=%7B%22a%22%3A1%7D", "not JSON"),
    "XML": (b"<xml/>", "not JSON"),
    "two bodies": (b"{}{}", "not JSON: trailing characters"),
}


@pytest.mark.parametrize("type", TYPES)
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_body_is_one_unreadable_signal_that_says_where(name: str, type: str, read: Read) -> None:
    body, problem = BROKEN[name]
    said = read(type, body, **TYPES[type])
    proper(said)
    assert (said.accepted, len(said.signals), len(said.unreadable)) == (0, 1, 1)
    assert problem in said.unreadable[0]
    if problem.startswith("not JSON"):
        assert "line 1 column " in said.unreadable[0]


def nested(levels: int, around: bytes) -> bytes:
    return around % (b'{"a":' * levels + b"1" + b"}" * levels)


@pytest.mark.parametrize("levels", [50, 150, 190, 199, 200, 201, 300, 100_000])
def test_depth_inside_a_good_body_never_crashes(levels: int, read: Read) -> None:
    extra = b'{"status":"firing","alerts":[{"status":"firing","labels":{"a":"b"},"x":%s}]}'
    said = read("alertmanager", nested(levels, extra))
    proper(said)
    assert said.accepted == (1 if levels < 190 else said.accepted)
    jira = b'{"webhookEvent":"jira:issue_created","issue":{"id":"1","fields":{"description":%s}}}'
    proper(read("jira", nested(levels, jira)))


def test_duplicate_keys_keep_the_last(read: Read) -> None:
    body = b'{"alerts":[],"alerts":[{"status":"firing","status":"resolved","labels":{"a":"1","a":"2"}}]}'
    (signal,) = read("alertmanager", body).signals
    assert (signal.status, signal.labels) == (Status.RESOLVED, {"a": "2"})


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-0.0", "1" + "0" * 4000])
def test_odd_numbers_do_no_harm(number: str, read: Read) -> None:
    written = bytes(number, "ascii")  # json.dumps would not write all of these
    alert = b'{"status":"firing","labels":{"a":"b"},"startsAt":%b,"values":{"A":%b}}' % (written, written)
    body = b'{"truncatedAlerts":%b,"groupKey":%b,"alerts":[%b]}' % (written, written, alert)
    proper(read("alertmanager", body))
    sentry = b'{"action":"created","data":{"issue":{"id":%b,"userCount":%b,"firstSeen":%b}}}' % (
        (written,) * 3
    )
    said = read("sentry", sentry)
    proper(said)
    assert said.signals[0].impact.affected is None
    desk = b'{"data":{"item":{"id":%b,"name":%b}}}' % (written, written)
    proper(read("ticket", desk, **TYPES["ticket"]))


def test_half_of_a_surrogate_pair_costs_one_character_not_the_report(read: Read) -> None:
    body = rb'{"alerts":[{"status":"firing","labels":{"a":"\ud83d","b":"\\ud83d","c":"\ud83d\udd25"}}]}'
    said = read("alertmanager", body)
    proper(said)
    assert said.unreadable == ()
    assert said.signals[0].labels == {"a": "�", "b": "\\ud83d", "c": "🔥"}
    sentry = json.loads(RECORDED["sentry--issue-created"])
    sentry["data"]["issue"]["title"] = "cut here \ud83d"
    said = read("sentry", json.dumps(sentry).encode())
    proper(said)
    assert said.signals[0].title == "cut here �"


def test_nul_characters_are_kept_out_of_texts_and_titles(read: Read) -> None:
    body = (
        rb'{"alerts":[{"status":"firing","labels":{"a\u0000":"b\u0000"},'
        rb'"annotations":{"summary":"x\u0000y","description":"d\u0000e"}}]}'
    )
    said = read("alertmanager", body)
    proper(said)
    (signal,) = said.signals
    assert (signal.title, signal.text) == ("x y", "d�e")


def test_a_byte_order_mark_is_no_obstacle(read: Read) -> None:
    body = b"\xef\xbb\xbf" + RECORDED["alertmanager--single-firing"]
    assert read("alertmanager", body) == read("alertmanager", "alertmanager--single-firing")


def test_a_hundred_thousand_labels_are_sixty_four(read: Read) -> None:
    labels = {f"l{n}": "v" for n in range(100_000)}
    body = json.dumps({"alerts": [{"status": "firing", "labels": labels}]}).encode()
    began = time.process_time()
    said = read("alertmanager", body)
    assert time.process_time() - began < 5
    proper(said)
    assert len(said.signals[0].labels) == MAX_LABELS


@pytest.mark.parametrize("type", TYPES)
def test_twenty_megabytes_are_read_in_bounded_time(type: str, read: Read) -> None:
    huge = "x" * 20_000_000
    bodies = [
        json.dumps(
            {"alerts": [{"status": "firing", "labels": {"a": huge}, "annotations": {"summary": huge}}]}
        ),
        json.dumps({"action": "created", "data": {"issue": {"id": huge, "title": huge}}}),
        json.dumps({"type": "zen:event-type:ticket.created", "detail": {"id": huge, "subject": huge}}),
        json.dumps({"freshdesk_webhook": {"ticket_id": 1, "ticket_description": "<div>" + "<" * 10_000_000}}),
        json.dumps({"issue": {"id": huge, "fields": {"summary": huge, "description": huge}}}),
        json.dumps({"data": {"item": {"id": huge, "name": huge}}}),
        '{"a": "' + huge,
        "[" + "1," * 10_000_000,
        '"' + "\\ud800" * 3_000_000 + '"',
    ]
    for body in bodies:
        began = time.process_time()
        proper(read(type, body.encode(), **TYPES[type]))
        assert time.process_time() - began < 10


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"alerts": [1] * 4_000_000}),
        json.dumps({"alerts": [{"status": "firing", "labels": {f"l{n}": [] for n in range(500_000)}}]}),
        json.dumps({"alerts": [{"status": "firing", "labels": 5}] * 400_000}),
        json.dumps([{}] * 3_000_000),
    ],
    ids=["numbers", "one alert of bad labels", "bad alerts", "posted nothings"],
)
def test_millions_of_faults_are_not_millions_of_errors(body: str, read: Read) -> None:
    raw = body.encode()
    began = time.process_time()
    said = read("alertmanager", raw)
    assert time.process_time() - began < 4
    proper(said)
    assert said.accepted == 0
    assert len(said.unreadable) <= 10_001


def test_where_looking_at_bad_alerts_ends_is_said(read: Read) -> None:
    said = read("alertmanager", json.dumps({"alerts": [1] * 10_500}).encode())
    assert said.unreadable[-1] == "alerts[10000] and 499 more: not looked at"


# ------------------------------------------------------------------ what hypothesis makes of them
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(
        ["firing", "resolved", "created", "2026-11-24T03:00:00Z", "0.42", "42%", "zen:ticket:5"]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(value, dict):
        for name in value:
            found += places(value[name], (*path, name))
    elif isinstance(value, list):
        for index in range(len(value)):
            found += places(value[index], (*path, index))
    return found


PLACES = {name: places(json.loads(body)) for name, body in SMALL.items()}


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, bytes]:
    """A recorded body with one to three of its parts replaced or removed."""
    name = draw(st.sampled_from(sorted(SMALL)))
    value = json.loads(SMALL[name])
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(PLACES[name]))
        if not path:
            value = draw(json_values)
            break
        place: Any = value
        try:
            for step in path[:-1]:
                place = place[step]
            if draw(st.booleans()):
                place[path[-1]] = draw(json_values)
            else:
                del place[path[-1]]
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took that part away
    return name, json.dumps(value).encode()


@given(
    body=mutated(), resource=st.sampled_from(["", "issue", "error", "event_alert", "metric_alert", "comment"])
)
@settings(max_examples=examples(300), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_recorded_body_with_parts_replaced_never_raises(
    body: tuple[str, bytes], resource: str, every_source: dict[str, IntakeSource], now: datetime
) -> None:
    name, raw = body
    sender = name.partition("--")[0]
    for type in {sender, "ticket"} & set(TYPES) or set(TYPES):
        proper(every_source[type].normalise(raw, {"Sentry-Hook-Resource": resource}, now))


@given(
    raw=st.binary(max_size=200)
    | st.text(max_size=100).map(str.encode)
    | json_values.map(json.dumps).map(str.encode)
)
@example(raw=b'{"alerts":[{"status":"firing","labels":{"\xc3\xa9":"\\ud800"}}]}')
@example(raw=b'[{"labels":{"a":"b"},"endsAt":"9999-12-31T23:59:59-23:59"}]')
@settings(max_examples=examples(300), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_never_raise(raw: bytes, every_source: dict[str, IntakeSource], now: datetime) -> None:
    for source in every_source.values():
        proper(source.normalise(raw, {}, now))


@given(name=st.sampled_from(sorted(SMALL)), data=st.data())
@settings(max_examples=examples(200), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_recorded_body_with_bytes_changed_or_cut_never_raises(
    name: str, data: st.DataObject, every_source: dict[str, IntakeSource], now: datetime
) -> None:
    raw = bytearray(SMALL[name])
    for _ in range(data.draw(st.integers(0, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    del raw[data.draw(st.integers(0, len(raw))) :]
    for source in every_source.values():
        proper(source.normalise(bytes(raw), {}, now))


@given(body=mutated())
@settings(max_examples=examples(100), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_same_body_says_the_same_twice_and_in_another_process(
    body: tuple[str, bytes], every_source: dict[str, IntakeSource], source: Source, now: datetime
) -> None:
    type = body[0].partition("--")[0]
    if type in TYPES:
        first = every_source[type].normalise(body[1], {}, now)
        assert every_source[type].normalise(body[1], {}, now) == first
        assert source(type, **TYPES[type]).normalise(body[1], {}, now) == first


@pytest.fixture(scope="module")
def every_source(source: Source) -> dict[str, IntakeSource]:
    return {type: source(type, **extra) for type, extra in TYPES.items()}


def test_a_defect_of_ours_is_an_unreadable_report_and_not_a_crash(
    source: Source, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Normalised:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr("irpd.intake.alertmanager.Reader.read", broken)
    said = source("alertmanager").normalise(RECORDED["alertmanager--single-firing"], {}, now)
    assert said.unreadable == ("irpd itself failed to read this (ZeroDivisionError)",)
    assert said.signals[0].key == "unreadable"
