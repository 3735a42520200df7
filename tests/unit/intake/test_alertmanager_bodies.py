"""Every recorded Alertmanager body, and what a hand can do to one."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from irpd.engine.ports import Normalised
from irpd.intake.fingerprint import fingerprint
from irpd.model.share import Impact
from irpd.model.signal import MAX_LABELS, MAX_TITLE, MAX_VALUE, Signal, Status

Read = Callable[..., Normalised]
Only = Callable[..., Signal]
Payload = Callable[[str], bytes]

FIRST = datetime(2026, 11, 24, 2, 59, 38, 118000, tzinfo=UTC)


def altered(payload: Payload, name: str = "alertmanager--single-firing", **alert: Any) -> bytes:
    """A recorded body with fields of its first alert replaced (None removes one)."""
    body = json.loads(payload(name))
    for field, value in alert.items():
        if value is None:
            body["alerts"][0].pop(field, None)
        else:
            body["alerts"][0][field] = value
    return json.dumps(body).encode()


# ------------------------------------------------------------------ recorded
def test_a_firing_alert_lands_with_all_that_it_says(only: Only) -> None:
    assert only("alertmanager", "alertmanager--single-firing") == Signal(
        key="4b644247b434ad51",
        status=Status.FIRING,
        title="Database is down",
        labels={
            "alertname": "DBDown",
            "cluster": "eu-1",
            "instance": "db-1:9100",
            "scenario": "single",
            "severity": "critical",
        },
        text="db-1 has been unreachable for 2m",
        starts_at=FIRST,
        group='single\n{}/{scenario="single"}:{alertname="DBDown", cluster="eu-1"}',
        url="http://prom.example:9090/graph?g0.expr=up%7Bjob%3D%22db%22%7D+%3D%3D+0&g0.tab=1",
        runbook="https://runbooks.example/db-down",
    )


def test_its_resolved_is_the_same_key_group_and_start_with_an_end(only: Only) -> None:
    firing = only("alertmanager", "alertmanager--single-firing")
    resolved = only("alertmanager", "alertmanager--single-resolved")
    assert (resolved.key, resolved.group, resolved.starts_at) == (firing.key, firing.group, firing.starts_at)
    assert resolved.status is Status.RESOLVED
    assert resolved.ends_at is not None
    assert resolved.starts_at is not None
    assert resolved.ends_at > resolved.starts_at
    assert firing.ends_at is None


def test_a_resolve_by_timeout_is_a_resolve(only: Only) -> None:
    signal = only("alertmanager", "alertmanager--resolve-timeout")
    assert (signal.key, signal.status) == ("9f41acd421c48486", Status.RESOLVED)
    assert signal.ends_at is not None


def test_a_group_grows_and_resolves_in_parts_under_one_group(read: Read) -> None:
    bodies = ("group-firing", "group-joined", "group-partially-resolved", "group-resolved")
    said = [read("alertmanager", f"alertmanager--{name}") for name in bodies]
    assert [answer.accepted for answer in said] == [4, 5, 5, 4]
    assert len({answer.group for answer in said}) == 1
    statuses = [[s.status for s in answer.signals].count(Status.RESOLVED) for answer in said]
    assert statuses == [0, 0, 2, 4]
    assert {s.key for s in said[0].signals} < {s.key for s in said[1].signals}
    told = {s.key for s in said[2].signals if s.status is Status.RESOLVED}
    assert told.isdisjoint(s.key for s in said[3].signals)  # a resolved alert is told once
    assert not any(s.group_closed for answer in said for s in answer.signals)


def test_a_repeat_says_exactly_what_the_first_said(payload: Payload, read: Read) -> None:
    repeat = payload("alertmanager--repeat")
    assert b"repeat interval elapsed" in repeat
    first = repeat.replace(b"repeat interval elapsed", b"first notification")
    assert read("alertmanager", first) == read("alertmanager", repeat)


def test_one_alert_by_two_routes_is_one_key_in_two_groups(only: Only) -> None:
    a = only("alertmanager", "alertmanager--continue-route-a")
    b = only("alertmanager", "alertmanager--continue-route-b")
    assert a.key == b.key == "2b88855d87f019d3"
    assert a.group != b.group
    assert a.group.startswith("cont\n")
    assert b.group.startswith("cont2\n")


def test_a_truncated_group_says_nothing_about_the_unnamed(read: Read) -> None:
    for name in ("truncated", "truncated-hides-resolved"):
        said = read("alertmanager", f"alertmanager--{name}")
        assert [s.status for s in said.signals] == [Status.FIRING] * 3
        assert not any(s.group_closed for s in said.signals)


def test_a_truncated_group_that_is_resolved_closes_the_unnamed_too(payload: Payload, read: Read) -> None:
    body = json.loads(payload("alertmanager--truncated"))
    body["status"] = "resolved"
    for alert in body["alerts"]:
        alert |= {"status": "resolved", "endsAt": "2026-11-24T03:01:00Z"}
    closed = read("alertmanager", json.dumps(body).encode())
    assert [(s.status, s.group_closed) for s in closed.signals] == [(Status.RESOLVED, True)] * 3
    body["truncatedAlerts"] = 0
    whole = read("alertmanager", json.dumps(body).encode())
    assert not any(s.group_closed for s in whole.signals)


def test_a_truncated_group_never_closes_while_one_of_it_fires(payload: Payload, read: Read) -> None:
    body = json.loads(payload("alertmanager--truncated"))
    body["status"] = "resolved"  # contradicts its alerts
    assert not any(s.group_closed for s in read("alertmanager", json.dumps(body).encode()).signals)


def test_a_truncated_group_never_closes_while_an_unnamed_one_fires(payload: Payload, read: Read) -> None:
    body = json.loads(payload("alertmanager--truncated"))
    for alert in body["alerts"]:  # those named are resolved, those that fire were cut off
        alert |= {"status": "resolved", "endsAt": "2026-11-24T03:01:00Z"}
    said = read("alertmanager", json.dumps(body).encode())
    assert [(s.status, s.group_closed) for s in said.signals] == [(Status.RESOLVED, False)] * 3


def test_a_truncated_resolved_group_with_a_bad_part_closes_nothing(payload: Payload, read: Read) -> None:
    body = json.loads(payload("alertmanager--truncated"))
    body["status"] = "resolved"
    for alert in body["alerts"]:
        alert |= {"status": "resolved", "endsAt": "2026-11-24T03:01:00Z"}
    body["alerts"][1]["status"] = "perhaps"
    said = read("alertmanager", json.dumps(body).encode())
    assert said.accepted == 2
    assert not any(s.group_closed for s in said.signals)


def test_alerts_without_annotations_are_named_by_their_alertname(read: Read) -> None:
    said = read("alertmanager", "alertmanager--empty-annotations")
    assert [(s.title, s.text, s.runbook) for s in said.signals] == [("NoAnnotations", "", "")] * 2
    assert len({s.key for s in said.signals}) == 2


def test_an_alert_without_generator_has_no_address(payload: Payload, only: Only) -> None:
    assert only("alertmanager", altered(payload, generatorURL="")).url == ""
    assert only("alertmanager", altered(payload, generatorURL=None)).url == ""


def test_texts_in_every_script_arrive_whole(only: Only) -> None:
    signal = only("alertmanager", "alertmanager--unicode")
    assert signal.key == "fa444958df570285"
    assert signal.title == "Сервер недоступен 🔥 — «ой»"
    assert signal.labels["alertname"] == '高負荷 CPU "熱い"'
    assert signal.labels["cluster"] == "東京-1"
    assert signal.text.startswith('line1\nline2\ttab \\ backslash "quoted" <b>&amp;</b>')
    assert signal.group.endswith('{alertname="高負荷 CPU \\"熱い\\"", cluster="東京-1"}')


def test_a_huge_annotation_is_cut_where_one_can_see_it(only: Only) -> None:
    signal = only("alertmanager", "alertmanager--big-annotation")
    assert signal.key == "3fee6e726e586f4a"
    assert len(signal.text) <= MAX_VALUE
    assert len(signal.title) <= MAX_TITLE
    assert "…" in signal.text + signal.title


def test_version_3_has_a_number_as_group_and_no_fingerprint(only: Only) -> None:
    signal = only("alertmanager", "alertmanager--v3-old")
    assert signal.key == "d2089d8d0f422129"
    assert signal.group == "alerta\n5615590933959184469"
    assert signal.starts_at == datetime(2016, 8, 1, 10, 27, 8, 8000, tzinfo=UTC)
    assert (signal.title, signal.text) == ("Connect fail", "Connect to host2 fails")


def test_version_4_of_2017_gets_a_computed_fingerprint(only: Only) -> None:
    signal = only("alertmanager", "alertmanager--v4-2017")
    assert (
        signal.key == "2f30fca22fdaa8ef" == fingerprint({"alertname": "thing_dead", "severity": "critical"})
    )
    assert signal.group == "alerta\n{}:{alertname=thing_dead}"
    assert signal.starts_at == datetime(2017, 8, 3, 19, 17, 37, 804000, tzinfo=UTC)


def test_the_fingerprint_is_alertmanagers_for_every_recorded_alert(payload: Payload) -> None:
    names = ("group-joined", "group-resolved", "single-firing", "truncated", "unicode", "empty-annotations")
    seen = 0
    for name in names:
        for alert in json.loads(payload(f"alertmanager--{name}"))["alerts"]:
            assert fingerprint(alert["labels"]) == alert["fingerprint"]
            seen += 1
    assert seen >= 15


def test_a_computed_fingerprint_is_over_all_labels_in_whatever_order_they_come(
    payload: Payload, only: Only
) -> None:
    labels = {f"l{n:03}": "v" for n in range(100)}  # more than a signal carries
    key = only("alertmanager", altered(payload, labels=labels, fingerprint=None)).key
    backwards = dict(reversed(labels.items()))
    assert only("alertmanager", altered(payload, labels=backwards, fingerprint=None)).key == key
    assert key == fingerprint(labels)
    assert only("alertmanager", altered(payload, labels=labels | {"l099": "w"}, fingerprint=None)).key != key


def test_a_received_fingerprint_is_never_doubted(payload: Payload, only: Only) -> None:
    assert only("alertmanager", altered(payload, fingerprint="abcdefabcdefabcd")).key == "abcdefabcdefabcd"


def test_a_custom_payload_is_unreadable(read: Read) -> None:
    said = read("alertmanager", "alertmanager--custom-payload")
    assert said.accepted == 0
    assert said.unreadable == ("this is not an Alertmanager webhook: alerts is missing",)
    (signal,) = said.signals
    assert (signal.key, signal.status) == ("unreadable", Status.FIRING)
    assert signal.title == "Unreadable report from alertmanager"
    assert signal.unreadable == said.unreadable[0]


def test_alerts_that_prometheus_posts_fire_while_their_end_is_ahead(read: Read, now: datetime) -> None:
    said = read("alertmanager", "prometheus--api-v2-alerts-firing")
    assert [(s.key, s.status, s.title) for s in said.signals] == [
        ("87328538be1a627e", Status.FIRING, "value 1 on db-1:9100"),
        ("d98b73cf362b88f1", Status.FIRING, "flip"),
    ]
    assert [s.ends_at for s in said.signals] == [None, None]
    assert said.signals[0].runbook == "https://runbooks.example/always"


def test_alerts_that_prometheus_posts_are_resolved_once_their_end_is_past(
    source: Callable[..., Any], payload: Payload, now: datetime
) -> None:
    body = payload("prometheus--api-v2-alerts-firing")
    later = source("alertmanager").normalise(body, {}, now + timedelta(minutes=1))
    assert [s.status for s in later.signals] == [Status.RESOLVED] * 2
    assert later.signals[0].ends_at == datetime(2026, 11, 24, 3, 5, 29, 426000, tzinfo=UTC)


def test_a_posted_alert_that_ends_now_has_ended(read: Read, now: datetime) -> None:
    def status(ends_at: datetime) -> Status:
        body = [{"labels": {"a": "b"}, "endsAt": ends_at.isoformat()}]
        return read("alertmanager", json.dumps(body).encode()).signals[0].status

    assert status(now) is Status.RESOLVED
    assert status(now + timedelta(microseconds=1)) is Status.FIRING


def test_one_bad_posted_alert_is_named_and_the_others_count(payload: Payload, read: Read) -> None:
    body = json.loads(payload("prometheus--api-v2-alerts-firing"))
    body.insert(1, {"labels": 5})
    body.append({"labels": {"empty": ""}})
    said = read("alertmanager", json.dumps(body).encode())
    assert said.accepted == 2
    assert said.unreadable == (
        "[1].labels: Input should be a valid dictionary",
        "[3].labels: none; an alert has at least one",
    )


# ------------------------------------------------------------------ one bad among many
def test_one_bad_alert_among_a_hundred_is_named_and_the_others_count(payload: Payload, read: Read) -> None:
    body = json.loads(payload("alertmanager--single-firing"))
    good = body["alerts"][0]
    body["alerts"] = [{**good, "fingerprint": f"{n:016x}"} for n in range(100)]
    body["alerts"][37] = {**good, "labels": {"alertname": {"not": "a text"}}}
    said = read("alertmanager", json.dumps(body).encode())
    assert said.accepted == 99
    assert said.unreadable == ("alerts[37].labels.alertname: Input should be a valid string",)
    assert [s.key for s in said.signals[:-1]] == [f"{n:016x}" for n in range(100) if n != 37]
    assert said.signals[-1].key == "unreadable"
    assert said.signals[-1].unreadable == said.unreadable[0]


def test_many_bad_alerts_are_one_signal_that_counts_them(payload: Payload, read: Read) -> None:
    body = json.loads(payload("alertmanager--single-firing"))
    body["alerts"] = [17] * 1000
    said = read("alertmanager", json.dumps(body).encode())
    assert said.accepted == 0
    assert len(said.unreadable) == 1000
    (signal,) = said.signals
    assert signal.unreadable.endswith("and 980 more")
    assert len(signal.unreadable) <= MAX_VALUE


@pytest.mark.parametrize(
    "fields, problem",
    [
        ({"status": "FIRED"}, "alerts[0].status"),
        ({"status": None}, "alerts[0].status: Field required"),
        ({"labels": None}, "alerts[0].labels: Field required"),
        ({"labels": []}, "alerts[0].labels"),
        ({"labels": {}}, "alerts[0].labels: none; an alert has at least one"),
        ({"labels": {"only": ""}}, "alerts[0].labels: none; an alert has at least one"),
        ({"labels": {"a": True}}, "alerts[0].labels.a"),
        ({"annotations": "text"}, "alerts[0].annotations"),
        ({"fingerprint": ["x"]}, "alerts[0].fingerprint"),
    ],
)
def test_what_is_wrong_with_an_alert_is_said_with_its_place(
    fields: dict[str, Any], problem: str, payload: Payload, read: Read
) -> None:
    said = read("alertmanager", altered(payload, **fields))
    assert said.accepted == 0
    assert len(said.unreadable) == 1
    assert said.unreadable[0].startswith(problem)


def test_nulls_where_nothing_is_needed_change_nothing(payload: Payload, only: Only) -> None:
    body = json.loads(payload("alertmanager--single-firing"))
    whole = only("alertmanager", json.dumps(body).encode())
    for field in ("groupLabels", "commonLabels", "commonAnnotations", "truncatedAlerts", "version", "status"):
        body[field] = None
    assert only("alertmanager", json.dumps(body).encode()) == whole
    body["alerts"][0] |= {"annotations": None, "generatorURL": None, "endsAt": None, "fingerprint": None}
    bare = only("alertmanager", json.dumps(body).encode())
    assert (bare.key, bare.title, bare.text, bare.url) == ("4b644247b434ad51", "DBDown", "", "")


@pytest.mark.parametrize(
    "written, meant",
    [
        ("2026-11-24T03:00:00Z", datetime(2026, 11, 24, 3, tzinfo=UTC)),
        ("2026-11-24T03:00:26.739266876+02:00", datetime(2026, 11, 24, 1, 0, 26, 739266, tzinfo=UTC)),
        ("2026-11-24T03:00:00.5-03:30", datetime(2026, 11, 24, 6, 30, 0, 500000, tzinfo=UTC)),
        ("2026-11-24T03:00:00", datetime(2026, 11, 24, 3, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+05:30", None),
        ("9999-12-31T23:59:59-12:00", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_times_come_as_utc_and_year_one_as_none(
    written: str, meant: datetime | None, payload: Payload, only: Only
) -> None:
    signal = only("alertmanager", altered(payload, startsAt=written))
    assert signal.starts_at == meant
    if signal.starts_at is not None:
        assert signal.starts_at.tzinfo is UTC


def test_a_resolved_alert_with_the_zero_end_has_no_end(payload: Payload, only: Only) -> None:
    signal = only("alertmanager", altered(payload, status="resolved"))
    assert (signal.status, signal.ends_at) == (Status.RESOLVED, None)


# ------------------------------------------------------------------ texts, labels, limits
def test_labels_with_an_empty_value_are_no_labels(payload: Payload, only: Only) -> None:
    signal = only("alertmanager", altered(payload, labels={"alertname": "X", "pod": ""}, fingerprint=None))
    assert signal.labels == {"alertname": "X"}
    assert signal.key == fingerprint({"alertname": "X"})


def test_label_names_may_be_anything_in_utf8(payload: Payload, only: Only) -> None:
    labels = {"my.dotted-名前": "werkt", "alertname": "X"}
    assert only("alertmanager", altered(payload, labels=labels)).labels == labels


@pytest.mark.parametrize(
    "labels, annotations, title",
    [
        ({"alertname": "A"}, {"summary": "S", "title": "T"}, "S"),
        ({"alertname": "A"}, {"summary": "  ", "title": "T"}, "A"),
        ({"alertname": "A"}, {"title": "T"}, "T"),
        ({"alertname": "A"}, {}, "A"),
        ({"job": "db"}, {}, "job=db"),
        ({"alertname": "A"}, {"summary": "two\nlines\tand \x07 bell"}, "two lines and bell"),
        ({"alertname": "A"}, {"summary": "a\u202eb\u2066c"}, "abc"),
        ({"alertname": "DatasourceError", "rulename": "Memory"}, {}, "Memory: DatasourceError"),
        ({"alertname": "\x00"}, {}, "Alert without a name"),
    ],
)
def test_a_title_is_one_line_and_never_empty(
    labels: dict[str, str], annotations: dict[str, str], title: str, payload: Payload, only: Only
) -> None:
    assert only("alertmanager", altered(payload, labels=labels, annotations=annotations)).title == title


def test_too_many_labels_are_cut_and_the_cut_is_a_label(payload: Payload, only: Only) -> None:
    labels = {f"l{n:03}": "v" for n in range(200)} | {"severity": "critical", "service": "checkout"}
    kept = only("alertmanager", altered(payload, labels=labels)).labels
    assert len(kept) == MAX_LABELS
    assert kept["…"] == "139 more labels"
    assert kept["service"] == "checkout"
    assert kept["severity"] == "critical"
    assert kept["l000"] == "v"


def test_long_values_names_keys_and_groups_are_cut(payload: Payload, only: Only) -> None:
    body = json.loads(altered(payload, labels={"a" * 9000: "v" * 9000}, fingerprint="f" * 9000))
    body["groupKey"] = "g" * 9000
    body["receiver"] = "r" * 9000
    signal = only("alertmanager", json.dumps(body).encode())
    ((name, value),) = signal.labels.items()
    assert (len(name), len(value)) == (512, MAX_VALUE)
    assert name[-1] == value[-1] == "…"
    assert len(signal.key) <= 256
    assert len(signal.group) < 2200
    body["groupKey"] += "g"
    body["alerts"][0]["fingerprint"] += "f"
    other = only("alertmanager", json.dumps(body).encode())
    assert other.key != signal.key
    assert other.group != signal.group


@pytest.mark.parametrize("address", ["javascript:alert(1)", "ftp://x", "http://a b", "http://a\nb", "//x"])
def test_only_http_addresses_become_links(address: str, payload: Payload, only: Only) -> None:
    signal = only(
        "alertmanager",
        altered(payload, generatorURL=address + "\n", annotations={"runbook_url": address + "\n"}),
    )
    assert (signal.url, signal.runbook) == ("", "")


def test_dashboards_come_from_annotations(payload: Payload, only: Only) -> None:
    signal = only("alertmanager", altered(payload, annotations={"dashboard_url": "https://g.example/d/1"}))
    assert signal.dashboard == "https://g.example/d/1"


# ------------------------------------------------------------------ users affected
@pytest.mark.parametrize("place", ["labels", "annotations"])
def test_users_affected_come_from_labels_or_annotations(place: str, payload: Payload, only: Only) -> None:
    fields: dict[str, dict[str, str]] = {"labels": {"alertname": "A"}, "annotations": {}}
    fields[place] |= {"affected_users": "2400", "affected_share": "2%"}
    signal = only("alertmanager", altered(payload, **fields))
    assert signal.impact == Impact(affected=2400, share="1/50", method="label")


def test_the_names_of_these_labels_are_the_sources_own(payload: Payload, only: Only) -> None:
    body = altered(payload, labels={"alertname": "A", "broken_for": "7", "affected_users": "9"})
    assert only("alertmanager", body, users_label="broken_for").impact == Impact(affected=7, method="label")


def test_users_affected_that_are_no_number_are_ignored_and_said(payload: Payload, only: Only) -> None:
    body = altered(
        payload,
        labels={"alertname": "A", "affected_users": "many", "affected_share": "120%"},
        annotations={"description": "Down."},
    )
    signal = only("alertmanager", body)
    assert signal.impact == Impact()
    assert signal.text == (
        "Down.\n(affected_users 'many' ignored: not a count of users; "
        "affected_share '120%' ignored: not a share such as 0.42 or 42%)"
    )


def test_users_affected_are_found_among_any_number_of_labels(payload: Payload, only: Only) -> None:
    labels = {f"l{n:04}": "v" for n in range(5000)} | {"affected_users": "12"}
    assert only("alertmanager", altered(payload, labels=labels)).impact.affected == 12


# ------------------------------------------------------------------ repeats
def test_a_body_that_comes_again_is_not_read_again(
    source: Callable[..., Any], payload: Payload, now: datetime
) -> None:
    alertmanager = source("alertmanager")
    body = payload("alertmanager--group-joined")
    first = alertmanager.normalise(body, {}, now)
    again = alertmanager.normalise(bytes(bytearray(body)), {}, now + timedelta(hours=4))
    assert again is first
    other = alertmanager.normalise(body.replace(b"eu-1", b"eu-2"), {}, now)
    assert other != first


def test_a_large_body_of_ten_thousand_alerts_is_read_whole(payload: Payload, read: Read) -> None:
    body = json.loads(payload("alertmanager--single-firing"))
    alert = body["alerts"][0]
    body["alerts"] = [{**alert, "fingerprint": f"{n:016x}"} for n in range(10_000)]
    said = read("alertmanager", json.dumps(body).encode())
    assert said.accepted == len({s.key for s in said.signals}) == 10_000


def test_times_are_compared_as_instants_not_as_texts(payload: Payload, only: Only) -> None:
    a = only("alertmanager", altered(payload, startsAt="2026-11-24T05:00:00+02:00"))
    b = only("alertmanager", altered(payload, startsAt="2026-11-24T03:00:00Z"))
    assert a == b
    assert a.starts_at == datetime(2026, 11, 24, 5, tzinfo=timezone(timedelta(hours=2)))
