"""Help desks: Zendesk, Freshdesk, Jira, and any other through a field map."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from irpd.engine.ports import Normalised
from irpd.intake import SourceError
from irpd.model.share import Impact
from irpd.model.signal import MAX_TITLE, MAX_VALUE, Signal, Status

Only = Callable[..., Signal]
Read = Callable[..., Normalised]
Payload = Callable[[str], bytes]
Source = Callable[..., Any]

INTERCOM = {
    "key": "data.item.id",
    "title": "data.item.ticket_attributes._default_title_",
    "body": "data.item.ticket_attributes._default_description_",
    "reporter": "data.item.contacts.contacts.0.id",
    "status": "data.item.ticket_state.category",
    "category": "data.item.category",
    "labels.channel": "data.item.channel",
}


# ------------------------------------------------------------------ Zendesk, events
def test_a_zendesk_ticket_fires_with_all_that_it_says(only: Only) -> None:
    signal = only("zendesk", "zendesk--event-ticket-created")
    assert (signal.key, signal.group, signal.status) == ("ticket:5158", "ticket:5158", Status.FIRING)
    assert signal.title == "Cannot login to mobile app"
    assert signal.text == "Customer is experiencing login issues with the mobile app"
    assert signal.labels == {
        "category": "problem",
        "priority": "high",
        "status": "open",
        "tags": "mobile, login",
        "tag.mobile": "true",
        "tag.login": "true",
        "channel": "web_service",
        "organization": "8447346622462",
        "group": "8447320466430",
    }
    assert signal.starts_at == datetime(2025, 1, 8, 10, 12, 7, tzinfo=UTC)
    assert signal.reporter is not None
    assert signal.impact == Impact()
    assert signal.service == ""


def test_a_solved_zendesk_ticket_is_resolved(only: Only) -> None:
    signal = only("zendesk", "zendesk--event-ticket-status-changed")
    assert (signal.key, signal.status) == ("ticket:5158", Status.RESOLVED)
    assert signal.ends_at == datetime(2025, 1, 8, 16, 45, 20, tzinfo=UTC)
    assert signal.reporter is None


def test_a_sparse_zendesk_event_with_a_status_in_mixed_case_fires(only: Only) -> None:
    signal = only("zendesk", "zendesk--event-ticket-created-min")
    assert (signal.key, signal.status, signal.title) == ("ticket:35436", Status.FIRING, "Ticket 35436")
    assert signal.labels == {"status": "open", "channel": "web"}


def zendesk(payload: Payload, name: str = "event-ticket-created", **fields: Any) -> bytes:
    return json.dumps(json.loads(payload(f"zendesk--{name}")) | fields).encode()


@pytest.mark.parametrize("status", ["SOLVED", "solved", "Closed", "DELETED"])
def test_zendesk_statuses_are_read_in_any_case(status: str, payload: Payload, only: Only) -> None:
    body = zendesk(payload, detail={"id": "1", "status": status})
    assert only("zendesk", body).status is Status.RESOLVED


@pytest.mark.parametrize("status", ["NEW", "open", "Pending", "HOLD", "", None])
def test_zendesk_tickets_in_any_other_status_fire(status: str | None, payload: Payload, only: Only) -> None:
    body = zendesk(payload, detail={"id": 1, "status": status})
    signal = only("zendesk", body)
    assert (signal.key, signal.status) == ("ticket:1", Status.FIRING)


@pytest.mark.parametrize("event", ["soft_deleted", "permanently_deleted", "marked_as_spam"])
def test_a_zendesk_ticket_that_is_gone_is_resolved(event: str, payload: Payload, only: Only) -> None:
    body = zendesk(payload, type=f"zen:event-type:ticket.{event}")
    assert only("zendesk", body).status is Status.RESOLVED


def test_a_zendesk_comment_is_a_note(payload: Payload, only: Only) -> None:
    body = zendesk(
        payload,
        type="zen:event-type:ticket.comment_added",
        event={"comment": {"body": "Still broken.", "author": {"name": "Kim"}}},
    )
    signal = only("zendesk", body)
    assert (signal.status, signal.note) == (Status.NOTE, "Kim: Still broken.")
    bare = only("zendesk", zendesk(payload, type="zen:event-type:ticket.comment_added"))
    assert (bare.status, bare.note) == (Status.NOTE, "(a comment)")


def test_zendesk_events_about_other_things_say_nothing(payload: Payload, read: Read) -> None:
    body = zendesk(payload, type="zen:event-type:user.created", detail={"id": "5"})
    assert read("zendesk", body) == Normalised(signals=(), accepted=0)


def test_a_zendesk_event_is_known_by_its_subject_when_the_detail_has_no_id(
    payload: Payload, only: Only, read: Read
) -> None:
    assert only("zendesk", zendesk(payload, detail={"status": "OPEN"})).key == "ticket:5158"
    said = read("zendesk", zendesk(payload, detail={}, subject="zen:ticket:none"))
    assert said.unreadable == ("detail.id: the ticket's id was expected",)
    assert read("zendesk", zendesk(payload, detail=None)).accepted == 0


def test_unset_zendesk_ids_are_nobody(payload: Payload, only: Only) -> None:
    signal = only("zendesk", zendesk(payload, detail={"id": "1", "requester_id": "0", "group_id": None}))
    assert signal.reporter is None
    assert "group" not in signal.labels


# ------------------------------------------------------------------ Zendesk, triggers
TRIGGER = {
    "id": "77",
    "title": "Printer on fire",
    "status": "Open",
    "priority": "Urgent",
    "type": "Incident",
    "requester": "8447388090494",
    "tags": "printer floor_3",
    "description": "Smoke.",
    "link": "acme.zendesk.com/agent/tickets/77",
}


def test_a_zendesk_trigger_made_from_our_template_needs_no_map(only: Only) -> None:
    signal = only("zendesk", json.dumps({"ticket": TRIGGER}).encode())
    assert (signal.key, signal.status, signal.title) == ("ticket:77", Status.FIRING, "Printer on fire")
    assert signal.text == "Smoke."
    assert signal.url == "https://acme.zendesk.com/agent/tickets/77"
    assert signal.labels == {
        "category": "Incident",
        "priority": "urgent",
        "status": "open",
        "tags": "printer, floor_3",
        "tag.printer": "true",
        "tag.floor_3": "true",
    }


def test_trigger_and_event_of_one_zendesk_ticket_agree_on_key_and_reporter(
    payload: Payload, only: Only
) -> None:
    event = only("zendesk", "zendesk--event-ticket-created")
    trigger = only("zendesk", json.dumps({"ticket": TRIGGER | {"id": 5158}}).encode())
    assert (trigger.key, trigger.reporter) == (event.key, event.reporter)


def test_a_trigger_in_another_language_is_closed_by_the_configured_word(only: Only) -> None:
    body = json.dumps({"ticket": TRIGGER | {"status": "Gelöst"}}).encode()
    assert only("zendesk", body).status is Status.FIRING
    assert only("zendesk", body, closed=("gelöst",)).status is Status.RESOLVED


def test_a_trigger_with_its_own_names_is_read_by_a_map(only: Only) -> None:
    body = json.dumps({"nr": 5, "subj": "Hello", "state": "solved", "ticket": {"title": "no"}}).encode()
    signal = only("zendesk", body, fields={"key": "nr", "title": "subj", "status": "state"})
    assert (signal.key, signal.title, signal.status) == ("ticket:5", "Hello", Status.RESOLVED)


def test_a_quote_in_a_title_breaks_a_template_and_the_place_is_named(read: Read) -> None:
    body = b'{"ticket": {"id": "1", "title": "the "best" printer", "status": "Open"}}'
    said = read("zendesk", body)
    assert said.accepted == 0
    assert said.unreadable == ("not JSON: expected `,` or `}` at line 1 column 39",)
    assert said.signals[0].key == "unreadable"


def test_a_line_break_in_a_template_is_named_too(read: Read) -> None:
    said = read("zendesk", b'{"ticket":\n {"id": "1", "title": "two\nlines"}}')
    assert said.unreadable[0].startswith("not JSON: control character")
    assert "line 3" in said.unreadable[0]  # it ends where the next line begins


# ------------------------------------------------------------------ Freshdesk
def test_a_freshdesk_ticket_fires_with_all_that_it_says(only: Only) -> None:
    signal = only("freshdesk", "freshdesk--ticket-created")
    assert (signal.key, signal.group, signal.status) == ("ticket:11", "ticket:11", Status.FIRING)
    assert signal.title == "Test ticket subject ☃"
    assert signal.text == "Test ticket description ☃."
    assert signal.url == "http://test1234zzz.freshdesk.com/helpdesk/tickets/11"
    assert signal.labels == {"category": "Incident", "priority": "high", "status": "pending"}
    assert signal.reporter is not None


def test_freshdesk_bodies_with_and_without_the_event_agree(only: Only) -> None:
    changed = only("freshdesk", "freshdesk--status-changed")
    assert changed == only("freshdesk", "freshdesk--missing-triggered-event")
    assert (changed.status, changed.labels["status"]) == (Status.FIRING, "waiting on customer")
    assert changed.reporter == only("freshdesk", "freshdesk--ticket-created").reporter


def freshdesk(payload: Payload, **fields: Any) -> bytes:
    body = json.loads(payload("freshdesk--status-changed"))
    body["freshdesk_webhook"] |= fields
    return json.dumps(body).encode()


@pytest.mark.parametrize(
    "name, event, status",
    [
        ("Resolved", "", Status.RESOLVED),
        ("closed", "{ticket_action:updated}", Status.RESOLVED),
        ("4", "", Status.RESOLVED),
        (5, "", Status.RESOLVED),
        ("2", "", Status.FIRING),
        ("Resuelto", "{status:{from:2,to:4}}", Status.RESOLVED),
        ("Cerrado", "{status:{from:4, to:5}}", Status.RESOLVED),
        ("Resolved", "{status:{from:4,to:2}}", Status.FIRING),  # the code is newer than the name
        ("Waiting on Customer", "{status:{from:4,to:6}}", Status.FIRING),
        ("Resuelto", "", Status.FIRING),
        ("Open", "{status:{from:,to:}}", Status.FIRING),
        ("Open", "{priority:{from:1,to:4}}", Status.FIRING),
        ("Open", "not { even : close", Status.FIRING),
    ],
)
def test_freshdesk_statuses_by_name_and_by_code(
    name: object, event: str, status: Status, payload: Payload, only: Only
) -> None:
    body = freshdesk(payload, ticket_status=name, triggered_event=event)
    assert only("freshdesk", body).status is status


def test_a_freshdesk_note_is_a_note(payload: Payload, only: Only) -> None:
    signal = only("freshdesk", freshdesk(payload, triggered_event="{note_type:public}"))
    assert (signal.status, signal.note) == (Status.NOTE, "(public note)")


def test_html_becomes_text(payload: Payload, only: Only) -> None:
    html = "<div>First &amp; <b>bold</b><br>second</div><script>x()</script><p>a &lt; b</p>"
    text = only("freshdesk", freshdesk(payload, ticket_description=html)).text
    assert text == "First & bold\nsecond\nx()a < b"


def test_a_freshdesk_body_of_the_advanced_mode_needs_a_map(only: Only, read: Read) -> None:
    body = json.dumps({"t": {"id": 9, "subject": "S"}}).encode()
    assert read("freshdesk", body).unreadable == (
        "freshdesk_webhook is missing; another body needs a field map",
    )
    assert only("freshdesk", body, fields={"key": "t.id", "title": "t.subject"}).key == "ticket:9"
    assert read("freshdesk", b'{"freshdesk_webhook": {"ticket_id": ""}}').accepted == 0
    assert read("freshdesk", b'{"freshdesk_webhook": []}').accepted == 0


# ------------------------------------------------------------------ Jira
def test_a_jira_issue_fires_with_all_that_it_says(only: Only) -> None:
    signal = only("jira", "jira--issue-created")
    assert (signal.key, signal.group, signal.status) == ("ticket:10400", "ticket:10400", Status.FIRING)
    assert (signal.title, signal.text, signal.project) == ("New bug with hook", "Fix me please", "BUG")
    assert signal.labels == {"category": "Bug", "priority": "major", "status": "open", "key": "BUG-15"}
    assert signal.starts_at == datetime(2013, 3, 27, 16, 53, 58, 301000, tzinfo=UTC)
    assert signal.url == "http://jira.example.com:8080/browse/BUG-15"
    assert signal.reporter is not None


def test_a_jira_issue_in_progress_still_fires(only: Only) -> None:
    signal = only("jira", "jira--issue-updated-status")
    assert (signal.key, signal.status) == ("ticket:10000", Status.FIRING)
    assert signal.starts_at == datetime(2017, 1, 30, 17, 30, 41, 962000, tzinfo=UTC)
    assert signal.labels["status"] == "in progress"


def jira(payload: Payload, *, event: str | None = None, **fields: Any) -> bytes:
    body = json.loads(payload("jira--issue-updated-status"))
    body["issue"]["fields"] |= fields
    if event is not None:
        body["webhookEvent"] = event
    return json.dumps(body).encode()


@pytest.mark.parametrize(
    "fields, status",
    [
        ({"status": {"name": "Whatever", "statusCategory": {"key": "done"}}}, Status.RESOLVED),
        ({"status": {"name": "Done", "statusCategory": {"key": "indeterminate"}}}, Status.FIRING),
        (
            {"status": {"name": "Done", "statusCategory": {"key": "new"}}, "resolution": {"name": "x"}},
            Status.FIRING,
        ),
        ({"status": {"name": "Old"}, "resolution": {"name": "Fixed"}}, Status.RESOLVED),
        ({"status": {"name": "Old"}, "resolutiondate": "2017-01-30T18:32:14.716+0100"}, Status.RESOLVED),
        ({"status": {"name": "Closed"}}, Status.RESOLVED),
        ({"status": {"name": "Reopened"}}, Status.FIRING),
        ({"status": None}, Status.FIRING),
    ],
)
def test_a_jira_issue_is_over_by_category_then_resolution_then_name(
    fields: dict[str, Any], status: Status, payload: Payload, only: Only
) -> None:
    assert only("jira", jira(payload, **fields)).status is status


def test_a_deleted_jira_issue_is_resolved(payload: Payload, only: Only) -> None:
    assert only("jira", jira(payload, event="jira:issue_deleted")).status is Status.RESOLVED


def test_a_jira_comment_is_a_note_also_as_a_document(payload: Payload, only: Only) -> None:
    body = json.loads(jira(payload, event="comment_created"))
    body["comment"] = {"body": "Seen it too.", "author": {"displayName": "Kim"}}
    signal = only("jira", json.dumps(body).encode())
    assert (signal.status, signal.note) == (Status.NOTE, "Kim: Seen it too.")
    body["comment"]["body"] = {
        "type": "doc",
        "content": [
            {
                "type": "paragraph",
                "content": [{"type": "text", "text": "One"}, {"type": "text", "text": " two"}],
            },
            {"type": "paragraph", "content": [{"type": "text", "text": "three"}]},
        ],
    }
    assert only("jira", json.dumps(body).encode()).note == "Kim: One two\nthree"


def test_an_older_jira_says_comment_in_the_kind_of_update(payload: Payload, only: Only) -> None:
    body = json.loads(jira(payload))
    body |= {"issue_event_type_name": "issue_commented", "changelog": None, "comment": {"body": "hm"}}
    assert only("jira", json.dumps(body).encode()).note == "hm"
    body["changelog"] = {"items": [{"field": "status"}]}
    assert only("jira", json.dumps(body).encode()).status is Status.FIRING


@pytest.mark.parametrize("event", ["comment_updated", "comment_deleted"])
def test_changed_comments_say_nothing(event: str, payload: Payload, read: Read) -> None:
    assert read("jira", jira(payload, event=event)) == Normalised(signals=(), accepted=0)


def test_jira_events_about_other_things_say_nothing(read: Read) -> None:
    said = read("jira", b'{"timestamp": 1, "webhookEvent": "sprint_started", "sprint": {"id": 1}}')
    assert said == Normalised(signals=(), accepted=0)


def test_an_automation_may_send_the_issue_alone(payload: Payload, only: Only) -> None:
    whole = only("jira", "jira--issue-created")
    alone = json.dumps(json.loads(payload("jira--issue-created"))["issue"]).encode()
    assert only("jira", alone) == whole


def test_a_map_adds_to_what_jira_says(payload: Payload, only: Only) -> None:
    body = jira(payload, customfield_10100={"value": "checkout"}, customfield_7="41")
    signal = only(
        "jira",
        body,
        fields={
            "service": "issue.fields.customfield_10100.value",
            "affected_users": "issue.fields.customfield_7",
            "labels.who": "user.displayName",
        },
    )
    assert (signal.key, signal.title, signal.service) == ("ticket:10000", "Fix That", "checkout")
    assert signal.impact == Impact(affected=41, method="field")
    assert signal.labels["who"] == "James Williams"
    assert signal.labels["key"] == "TEST-1"


@pytest.mark.parametrize(
    "body", [b"{}", b'{"issue": 5}', b'{"issue": {}}', b'{"webhookEvent": "x", "issue": []}']
)
def test_jira_bodies_without_an_issue_are_unreadable(body: bytes, read: Read) -> None:
    said = read("jira", body)
    assert said.accepted == 0
    assert "issue" in said.unreadable[0]


# ------------------------------------------------------------------ any desk
def test_intercom_lands_through_a_field_map(only: Only) -> None:
    signal = only("ticket", "intercom--ticket-state-updated", fields=INTERCOM, closed=("resolved",))
    assert (signal.key, signal.status) == ("ticket:215472629311235", Status.FIRING)
    assert signal.title == "Unclear user message 'erf' with pending email response"
    assert signal.text.startswith("User sent an unclear message")
    assert signal.labels == {"category": "Customer", "status": "submitted", "channel": "messenger"}
    assert signal.reporter is not None
    assert len(signal.reporter) == 16


def test_intercom_resolved_by_its_configured_status(payload: Payload, only: Only) -> None:
    body = json.loads(payload("intercom--ticket-state-updated"))
    body["data"]["item"]["ticket_state"]["category"] = "Resolved"
    signal = only("ticket", json.dumps(body).encode(), fields=INTERCOM, closed=("resolved",))
    assert signal.status is Status.RESOLVED


def test_every_field_of_a_map_has_its_place(only: Only) -> None:
    body = {
        "id": 7,
        "t": " Title ",
        "b": "<p>Body</p>",
        "from": "Kim@Example.com",
        "s": "Open",
        "svc": "checkout",
        "c": "Payment",
        "p": 1,
        "tags": ["a", {"name": "b"}, None, "a"],
        "n": "1200",
        "share": "42%",
        "u": "https://desk.example/7",
        "list": [["x", "y"]],
        "dotted.name": {"in.side": True},
    }
    fields = {
        "key": "id", "title": "t", "body": "b", "reporter": "from", "status": "s", "service": "svc",
        "category": "c", "priority": "p", "tags": "tags", "affected_users": "n", "affected_share": "share",
        "url": "u", "labels.second": "list.0.1", "labels.odd": "dotted.name.in.side",
        "labels.gone": "list.5.x",
    }  # fmt: skip
    signal = only("ticket", json.dumps(body).encode(), fields=fields)
    assert (signal.key, signal.title, signal.text) == ("ticket:7", "Title", "Body")
    assert (signal.service, signal.url) == ("checkout", "https://desk.example/7")
    assert signal.impact == Impact(affected=1200, share="21/50", method="field")
    assert signal.labels == {
        "category": "Payment", "priority": "1", "status": "Open", "tags": "a, b", "tag.a": "true",
        "tag.b": "true", "second": "y", "odd": "true",
    }  # fmt: skip


def test_a_body_without_the_key_is_unreadable_and_names_the_path(read: Read) -> None:
    said = read("ticket", b'{"ticket": {"id": null}}', fields={"key": "ticket.id"})
    assert said.unreadable == ("ticket.id: nothing there; the field map expects the ticket's key",)


@pytest.mark.parametrize("there", [b'{"id": {}}', b'{"id": []}', b'{"id": ""}', b'{"id": "  "}', b"{}"])
def test_a_key_that_is_no_single_value_is_no_key(there: bytes, read: Read) -> None:
    assert read("ticket", there).accepted == 0


def test_a_ticket_of_a_configured_closed_status_is_resolved(only: Only) -> None:
    for status, expected in (
        ("SOLVED", Status.RESOLVED),
        ("closed ", Status.RESOLVED),
        ("open", Status.FIRING),
    ):
        body = json.dumps({"id": 1, "s": status}).encode()
        assert only("ticket", body, fields={"key": "id", "status": "s"}).status is expected


def test_configured_statuses_and_sent_ones_are_compared_in_any_case(only: Only) -> None:
    fields = {"key": "id", "status": "s"}
    for closed, sent in (("Gelöst", "gelöst"), ("gelöst", "GELÖST"), ("STRASSE", "straße")):
        body = json.dumps({"id": 1, "s": sent}).encode()
        assert only("ticket", body, fields=fields, closed=(closed,)).status is Status.RESOLVED


def test_a_mapped_status_stands_over_the_vendors_own(payload: Payload, only: Only) -> None:
    body = jira(payload, customfield_9="Mitigated", status={"name": "x", "statusCategory": {"key": "done"}})
    assert only("jira", body).status is Status.RESOLVED
    fields = {"status": "issue.fields.customfield_9"}
    assert only("jira", body, fields=fields).status is Status.FIRING
    assert only("jira", body, fields=fields, closed=("mitigated",)).status is Status.RESOLVED


@pytest.mark.parametrize(
    "fields, problem",
    [
        ({"title": "t"}, "sources.desk.fields: key is needed"),
        ({"key": "id", "titel": "t"}, "sources.desk.fields.titel: did you mean title?"),
        ({"key": "id", "labels.": "t"}, "sources.desk.fields.labels.:"),
        ({"key": " "}, "sources.desk.fields.key: a path into the body"),
    ],
)
def test_a_map_that_makes_no_sense_is_refused_with_its_place(
    fields: dict[str, str], problem: str, source: Source
) -> None:
    with pytest.raises(SourceError) as refused:
        source("ticket", "desk", fields=fields)
    assert str(refused.value).startswith(problem)


# ------------------------------------------------------------------ reporters
def test_a_reporter_is_a_keyed_hash_and_never_the_address(only: Only) -> None:
    signal = only("freshdesk", "freshdesk--ticket-created")
    assert signal.reporter is not None
    assert len(bytes.fromhex(signal.reporter)) == 8
    assert "bob" not in repr(signal).lower().replace(signal.reporter, "")


def test_one_address_is_one_person_at_every_desk_and_in_every_spelling(source: Source, now: datetime) -> None:
    def reporter(name: str, who: object) -> str | None:
        desk = source("ticket", name, fields={"key": "id", "reporter": "from"})
        answer = desk.normalise(json.dumps({"id": 1, "from": who}).encode(), {}, now)
        return str(answer.signals[0].reporter) if answer.signals[0].reporter else None

    assert reporter("a", "Kim@Example.com ") == reporter("b", "kim@example.com")
    assert reporter("a", 17) == reporter("a", "17")
    assert reporter("a", 17) != reporter("b", 17)  # a number means something only at its own desk
    assert reporter("a", "") is None
    assert reporter("a", {"id": 1}) is None


def test_another_key_gives_other_hashes(source: Source, only: Only) -> None:
    from irpd.config.values import Source as Settings
    from irpd.intake import build_source

    settings = Settings.model_validate(
        {"type": "ticket", "auth": "none", "fields": {"key": "id", "reporter": "r"}}
    )
    hashes = {
        build_source("desk", settings, reporter_key=key)
        .normalise(b'{"id": 1, "r": "kim@example.com"}', {}, datetime(2026, 1, 1, tzinfo=UTC))
        .signals[0]
        .reporter
        for key in (b"one", b"two")
    }
    assert len(hashes) == 2


# ------------------------------------------------------------------ limits
def test_long_texts_of_a_ticket_are_cut(only: Only) -> None:
    body = json.dumps(
        {"id": "9" * 5000, "t": "t" * 5000, "b": "b" * 50_000, "tags": [str(n) for n in range(500)]}
    )
    fields = {"key": "id", "title": "t", "body": "b", "tags": "tags"}
    signal = only("ticket", body.encode(), fields=fields)
    assert len(signal.key) <= 256
    assert len(signal.title) == MAX_TITLE
    assert len(signal.text) == MAX_VALUE
    assert signal.title[-1] == signal.text[-1] == "…"
    assert len(signal.labels) <= 64
