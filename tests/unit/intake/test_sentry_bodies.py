"""Every recorded Sentry body, with its header and without."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from irpd.engine.ports import Normalised
from irpd.model.share import Impact
from irpd.model.signal import Signal, Status

Only = Callable[..., Signal]
Read = Callable[..., Normalised]
Payload = Callable[[str], bytes]

INVALID = "Exception: program has entered an invalid state."
ZULIP = "zulip-integration-testing"
PRIORITY = "Error generated with event_id: 495d375a-1df6-45c0-9890-34dae8e1b6a4(Priority: HIGH)"
BLOOOPY = "ReferenceError: blooopy is not defined"
TEST = "Error #1: This is a test error!"
F, R, M, N = Status.FIRING, Status.RESOLVED, Status.MUTED, Status.NOTE
#: payload, resource, key, status, title, project, users affected
RECORDED = [
    ("issue-created", "issue", "issue:1234567890", F, PRIORITY, "python", 3),
    ("issue-created-2019", "issue", "issue:1170820242", F, BLOOOPY, "front-end", 1),
    ("issue-resolved", "issue", "issue:1638821441", R, INVALID, ZULIP, None),
    ("issue-ignored", "issue", "issue:1638821441", M, INVALID, ZULIP, None),
    ("issue-assigned-team", "issue", "issue:1638821441", N, INVALID, ZULIP, None),
    ("issue-assigned-user", "issue", "issue:1638844654", N, "A test message event from golang.",
     ZULIP, None),
    ("activity-alert", "activity_alert", "issue:43", F, "TypeError: you aren't my type", "error-gen", 24),
    ("event-alert-triggered", "event_alert", "issue:1117540176",
     F, "ReferenceError: heck is not defined", "front-end", None),
    ("error-created", "error", "issue:1170820242", F, BLOOOPY, "front-end", None),
    ("metric-alert-resolved", "metric_alert", "metric:7", R, "Too many errors", "bar", None),
    ("comment-created", "comment", "issue:100", N, "Comment in Sentry", "sentry", None),
    ("mock-issue-created", "issue", "issue:123", F, TEST, "ipe", 1),
    ("mock-issue-resolved", "issue", "issue:123", R, TEST, "ipe", 1),
    ("mock-issue-ignored", "issue", "issue:123", M, TEST, "ipe", 1),
    ("mock-issue-assigned", "issue", "issue:123", N, TEST, "ipe", 1),
    ("mock-comment-created", "comment", "issue:123", N, "Comment in Sentry", "ipe", None),
    ("mock-event-alert-triggered-with-alert-rule-action", "event_alert", "issue:123", F, TEST, "", None),
    ("mock-metric-alert-critical-with-alert-rule-action", "metric_alert", "metric:456",
     F, "metric alert", "", None),
    ("mock-metric-alert-warning", "metric_alert", "metric:456", F, "metric alert", "", None),
    ("mock-metric-alert-resolved", "metric_alert", "metric:456", R, "metric alert", "", None),
    ("legacy-webhook-plugin-js", "", "issue:4616132097",
     F, "Failed to fetch user profile", "frontend-app", None),
    ("legacy-webhook-plugin-v9", "", "issue:541485531",
     F, "This is an example Python exception", "alerta5", None),
]  # fmt: skip


@pytest.mark.parametrize("with_header", [True, False])
@pytest.mark.parametrize("name, resource, key, status, title, project, users", RECORDED)
def test_every_recorded_body_lands(
    name: str, resource: str, key: str, status: Status, title: str, project: str,
    users: int | None, with_header: bool, read: Read,
) -> None:  # fmt: skip
    headers = {"sentry-hook-resource": resource} if with_header and resource else {}
    said = read("sentry", f"sentry--{name}", headers)
    (signal,) = said.signals
    assert (said.accepted, said.unreadable, said.group) == (1, (), key)
    assert (signal.key, signal.status, signal.group) == (key, status, key)
    assert signal.impact == (Impact(affected=users, method="sentry") if users else Impact())
    assert (signal.title, signal.project) == (title, project)


@pytest.mark.parametrize("with_header", [True, False])
@pytest.mark.parametrize(
    "name, resource",
    [
        ("installation-created", "installation"),
        ("mock-installation-created", "installation"),
        ("mock-installation-deleted", "installation"),
        ("mock-comment-deleted", "comment"),
    ],
)
def test_what_means_nothing_to_us_is_accepted_and_says_nothing(
    name: str, resource: str, with_header: bool, read: Read
) -> None:
    headers = {"Sentry-Hook-Resource": resource} if with_header else {}
    assert read("sentry", f"sentry--{name}", headers) == Normalised(signals=(), accepted=0)


@pytest.mark.parametrize("resource", ["seer", "preprod_artifact", "external_issue", "something_of_2027"])
def test_resources_of_no_interest_or_unknown_are_accepted(resource: str, read: Read) -> None:
    body = json.dumps({"action": "x", "data": {"run_id": 1}, "installation": {"uuid": "u"}}).encode()
    assert read("sentry", body, {"Sentry-Hook-Resource": resource}) == Normalised(signals=(), accepted=0)


def test_every_recorded_sentry_body_is_tested_here(payload: Payload) -> None:
    from pathlib import Path

    folder = Path(__file__).resolve().parents[2] / "payloads"
    recorded = {path.stem.removeprefix("sentry--") for path in folder.glob("sentry--*.json")}
    assert recorded == {row[0] for row in RECORDED} | {
        "installation-created",
        "mock-installation-created",
        "mock-installation-deleted",
        "mock-comment-deleted",
    }


def test_an_issue_lands_with_all_that_it_says(only: Only) -> None:
    signal = only("sentry", "sentry--issue-created")
    assert signal.labels == {
        "level": "fatal",
        "priority": "high",
        "substatus": "new",
        "platform": "javascript",
        "logger": "edge-function",
        "issue": "PYTHON-Y",
        "issue_category": "error",
        "project": "python",
    }
    assert signal.text == "test-transaction-0-41e49cd3-7252-441f-8d27-63a9ad697b0a"
    assert signal.url == "https://example-org.sentry.io/issues/1234567890/"
    assert signal.starts_at == datetime(2025, 11, 10, 20, 56, 0, 679000, tzinfo=UTC)
    assert signal.note == ""


def test_a_resolved_and_an_ignored_say_who_did_it(only: Only) -> None:
    assert only("sentry", "sentry--issue-resolved").note == "resolved in Sentry (now) by Example User"
    assert only("sentry", "sentry--issue-ignored").note == "ignored in Sentry by Example User"


def test_an_assignment_is_a_note_that_says_to_whom(only: Only) -> None:
    assert only("sentry", "sentry--issue-assigned-team").note == "assigned to Hypro999"
    assert only("sentry", "sentry--mock-issue-assigned").note == "assigned to Person"


def test_a_comment_is_a_note_with_its_author(only: Only) -> None:
    assert only("sentry", "sentry--comment-created").note == "colleen: adding a comment"
    assert only("sentry", "sentry--mock-comment-created").note == "name: this is a test comment"


def test_an_issue_alert_has_its_tags_as_labels_but_nothing_of_the_visitor(only: Only) -> None:
    labels = only("sentry", "sentry--event-alert-triggered").labels
    assert labels["browser.name"] == "Chrome"
    assert labels["level"] == "error"
    assert labels["handled"] == "no"
    assert labels["alert"] == "Very Important Alert Rule!"
    assert not {"user", "url"} & set(labels)
    assert only("sentry", "sentry--error-created").labels["os.name"] == "Mac OS X"


def test_the_environment_of_an_event_is_a_label(only: Only) -> None:
    sparse = only("sentry", "sentry--mock-event-alert-triggered-with-alert-rule-action")
    assert sparse.labels == {"environment": "production", "platform": "javascript", "alert": "issue alert"}
    assert only("sentry", "sentry--legacy-webhook-plugin-js").labels["environment"] == "production"


def test_a_metric_alert_has_its_rule_as_key_and_its_own_id_as_episode(only: Only) -> None:
    signal = only("sentry", "sentry--metric-alert-resolved")
    assert (signal.key, signal.episode) == ("metric:7", "4")
    assert signal.text == "1000 events in the last 10 minutes\nFilter: level:error"
    assert signal.url == "https://sentry.io/organizations/baz/alerts/1/"
    assert signal.starts_at == datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC)
    assert signal.ends_at is None
    critical = only("sentry", "sentry--mock-metric-alert-critical-with-alert-rule-action")
    warning = only("sentry", "sentry--mock-metric-alert-warning")
    assert (critical.episode, critical.labels["level"]) == ("789", "critical")
    assert (warning.episode, warning.labels["level"]) == ("789", "warning")


def changed(payload: Payload, name: str, *path: str, to: Any) -> bytes:
    body = json.loads(payload(f"sentry--{name}"))
    place = body
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return json.dumps(body).encode()


@pytest.mark.parametrize(
    "action, status",
    [("created", F), ("unresolved", F), ("resolved", R), ("ignored", M), ("archived", M), ("assigned", N)],
)
def test_each_action_on_an_issue_has_its_status(
    action: str, status: Status, payload: Payload, only: Only
) -> None:
    assert only("sentry", changed(payload, "issue-created", "action", to=action)).status is status


@pytest.mark.parametrize("state, status", [("unresolved", F), ("resolved", R), ("ignored", M), ("?", N)])
def test_an_action_of_a_newer_sentry_is_read_by_the_state_it_left(
    state: str, status: Status, payload: Payload, only: Only
) -> None:
    body = json.loads(changed(payload, "issue-created", "action", to="regressed_again"))
    body["data"]["issue"]["status"] = state
    assert only("sentry", json.dumps(body).encode()).status is status


def test_a_regression_fires_and_says_so(payload: Payload, only: Only) -> None:
    body = json.loads(changed(payload, "issue-created", "action", to="unresolved"))
    body["data"]["issue"]["substatus"] = "regressed"
    signal = only("sentry", json.dumps(body).encode())
    assert (signal.status, signal.labels["substatus"]) == (F, "regressed")


def test_a_new_state_of_a_metric_alert_fires(payload: Payload, only: Only) -> None:
    assert only("sentry", changed(payload, "mock-metric-alert-warning", "action", to="open")).status is F


@pytest.mark.parametrize("users", [-1, "3", 2.5, True, None, 10**30, [], 0])
def test_a_user_count_that_says_nothing_is_unknown(users: object, payload: Payload, only: Only) -> None:
    body = changed(payload, "issue-created", "data", "issue", "userCount", to=users)
    assert only("sentry", body).impact == Impact()


def test_ids_may_be_numbers_or_texts(payload: Payload, only: Only) -> None:
    body = changed(payload, "issue-created", "data", "issue", "id", to=1234567890)
    assert only("sentry", body).key == "issue:1234567890"
    body = changed(payload, "comment-created", "data", "issue_id", to="100")
    assert only("sentry", body).key == "issue:100"


@pytest.mark.parametrize(
    "name, path, problem",
    [
        ("issue-created", ("data", "issue", "id"), "data.issue.id"),
        ("issue-created", ("data", "issue"), "issue: an object"),
        ("event-alert-triggered", ("data", "event"), "event: an object"),
        ("metric-alert-resolved", ("data", "metric_alert", "alert_rule"), "data.metric_alert.alert_rule.id"),
        ("comment-created", ("data", "issue_id"), "data.issue_id"),
        ("issue-created", ("data",), "this is not a Sentry webhook: data is null"),
        ("issue-created", ("action",), "this is not a Sentry webhook: action is null"),
    ],
)
def test_what_is_missing_is_named(
    name: str, path: tuple[str, ...], problem: str, payload: Payload, read: Read
) -> None:
    said = read("sentry", changed(payload, name, *path, to=None))
    assert said.accepted == 0
    assert said.unreadable[0].startswith(problem)


def test_an_event_without_issue_id_is_known_by_its_issues_address(payload: Payload, only: Only) -> None:
    body = changed(payload, "event-alert-triggered", "data", "event", "issue_id", to=None)
    assert only("sentry", body).key == "issue:1117540176"


def test_a_legacy_report_without_id_is_known_by_its_address(payload: Payload, only: Only) -> None:
    assert (
        only("sentry", changed(payload, "legacy-webhook-plugin-v9", "id", to=None)).key == "issue:541485531"
    )


def test_a_legacy_report_without_tags_slug_or_title_still_lands(payload: Payload, only: Only) -> None:
    body = json.loads(payload("sentry--legacy-webhook-plugin-v9"))
    del body["project_slug"], body["message"]
    body["event"].pop("tags", None)
    body["event"].pop("title", None)
    body["event"].pop("metadata", None)
    signal = only("sentry", json.dumps(body).encode())
    assert (signal.key, signal.project) == ("issue:541485531", "alerta5")
    assert signal.title == "This is an example Python exception"  # from sentry.interfaces.Message


def test_rules_that_triggered_a_legacy_report_are_a_label(payload: Payload, only: Only) -> None:
    body = changed(payload, "legacy-webhook-plugin-js", "triggering_rules", to=["One", "Two"])
    assert only("sentry", body).labels["alert"] == "One, Two"


@pytest.mark.parametrize("tags", [None, "x", [["one"], 5, ["a", "b", "c"], [None, None]], {"user": "u"}])
def test_odd_tags_do_no_harm(tags: object, payload: Payload, only: Only) -> None:
    body = changed(payload, "event-alert-triggered", "data", "event", "tags", to=tags)
    assert set(only("sentry", body).labels) == {"level", "platform", "project", "alert"}


def test_tags_of_old_events_may_be_an_object(payload: Payload, only: Only) -> None:
    body = changed(payload, "event-alert-triggered", "data", "event", "tags", to={"shard": "7"})
    assert only("sentry", body).labels["shard"] == "7"


@pytest.mark.parametrize(
    "name, path",
    [
        ("event-alert-triggered", ("data", "event", "user")),
        ("error-created", ("data", "error", "user")),
        ("legacy-webhook-plugin-v9", ("event", "user")),
    ],
)
def test_whom_an_event_happened_to_leaves_intake_as_a_keyed_hash_only(
    name: str, path: tuple[str, ...], payload: Payload, only: Only
) -> None:
    def said(user: object) -> Signal:
        return only("sentry", changed(payload, name, *path, to=user))

    one = said({"id": "17", "email": "Lovelace@example.com"})
    assert one.user is not None
    assert len(one.user) == 16
    assert "lovelace" not in repr(one).lower()
    assert said({"id": "99", "email": "lovelace@example.com "}).user == one.user
    assert said({"id": "17"}).user not in (one.user, None)
    assert said({"ip_address": "192.0.2.1"}).user is not None
    for nobody in ({}, {"id": None, "email": ""}):
        assert said(nobody).user is None
    elsewhere = name.startswith("legacy")  # it names the person a second time
    assert all((said(odd).user is not None) == elsewhere for odd in (None, "ada", [1], 7))


def test_a_person_is_the_same_in_a_ticket_and_in_an_event(payload: Payload, only: Only) -> None:
    event = changed(
        payload, "event-alert-triggered", "data", "event", "user", to={"email": "ada@example.com"}
    )
    ticket = json.dumps({"id": 1, "from": "ada@example.com"}).encode()
    written = only("ticket", ticket, fields={"key": "id", "reporter": "from"})
    assert only("sentry", event).user == written.reporter


def test_how_irpd_came_to_know_is_a_note(payload: Payload, only: Only) -> None:
    body = changed(payload, "issue-created", "irpd_note", to="Sentry was asked.")
    assert only("sentry", body).note == "Sentry was asked."
