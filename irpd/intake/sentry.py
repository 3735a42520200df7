"""Sentry: integration webhooks, and the legacy project webhooks of older set-ups.

Written against getsentry/sentry-docs ``integration-platform/webhooks`` as of 2026 and the
shapes since 2019. Facts that decide what is here:

* The resource is in the header ``Sentry-Hook-Resource``; without it the shape tells.
* An issue, an issue alert (``event_alert``), an ``error`` and a legacy report are about one
  issue: ``issue:<id>``. A metric alert is ``metric:<rule id>``; the id of the alert itself is
  its episode, because a new breach has a new one. Ids are texts here and numbers there.
* Only ``issue`` and ``activity_alert`` say how many users are affected, and 0 there means
  that the project tells Sentry nothing about users, not that nobody is affected.
* "archived" is the newer name of "ignored"; one click may send both.
* A comment or an assignment is a remark on what is known and opens nothing.
* The tag ``user`` names a person and ``url`` changes with each visit: neither is kept. Whom an event
  happened to leaves here only as a keyed hash.

Signature: hex HMAC-SHA256 with the integration's client secret over the raw body. The
timestamp header is not part of it. Sentry gives a webhook one second.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from msgspec.structs import replace

from irpd.engine.ports import Normalised
from irpd.intake.auth import Scheme
from irpd.intake.context import Context, Read
from irpd.intake.reading import Unreadable, as_text, at, count_of, header, instant, kind, read_object, text_at
from irpd.intake.result import nothing
from irpd.intake.text import body_text, bounded_labels, key, link, one_line
from irpd.model.share import Impact
from irpd.model.signal import Signal, Status

RESOURCE = "Sentry-Hook-Resource"
KEEP_HEADERS: tuple[str, ...] = (RESOURCE,)
SIGNATURE: Scheme | None = Scheme(header="Sentry-Hook-Signature")

_ISSUE_ACTIONS = {
    "created": Status.FIRING,
    "unresolved": Status.FIRING,
    "resolved": Status.RESOLVED,
    "ignored": Status.MUTED,
    "archived": Status.MUTED,
    "assigned": Status.NOTE,
}
_ISSUE_STATUSES = {"unresolved": Status.FIRING, "resolved": Status.RESOLVED, "ignored": Status.MUTED}
_NOT_KEPT = ("user", "url")
_PROJECT = re.compile(r"/projects/[^/]{1,100}/([^/]{1,100})/")
_ISSUE_IN_URL = re.compile(r"/issues/(\d{1,40})\b")


def build(context: Context) -> Read:
    def read(body: bytes, headers: Mapping[str, str], now: datetime) -> Normalised:
        value = read_object(body)
        signal = read_signal(value, header(headers, RESOURCE) or "")
        if signal is None:
            return nothing()
        if user := context.reporter(_user(value)):
            signal = replace(signal, user=user)
        if note := text_at(value, "irpd_note"):  # irpd itself asked and tells how it came to know
            signal = replace(signal, note=body_text(note))
        return Normalised(signals=(signal,), accepted=1, group=signal.group)

    return read


def read_signal(value: dict[str, object], resource: str) -> Signal | None:
    """The signal in a body; None for what means nothing to irpd. Raises Unreadable."""
    data = value.get("data")
    if "action" not in value and isinstance(value.get("event"), dict):
        return _legacy(value)
    if not isinstance(value.get("action"), str) or not isinstance(data, dict):
        missing = "action" if not isinstance(value.get("action"), str) else "data"
        raise Unreadable(f"this is not a Sentry webhook: {missing} is {_found(value, missing)}")
    reader = _RESOURCES.get(resource.strip().lower())
    if reader is None and resource:
        reader = _by_shape(data) if resource.strip().lower() not in _NOTHING_TO_US else None
    elif reader is None:
        reader = _by_shape(data)
        if reader is None and "installation" not in value:
            raise Unreadable("this is not a Sentry webhook that irpd knows: nothing known in data")
    return reader(value, data) if reader is not None else None


_NOTHING_TO_US = frozenset(
    {
        "installation",
        "seer",
        "preprod_artifact",
        "external_issue",
        "alert_rule_action",
        "select_options",
        "issue_link",
    }
)


def _user(value: dict[str, object]) -> str:
    """Whom the event happened to: their address, which help desks know them by too, else what there is."""
    for path in ("data.event.user", "data.error.user", "event.user", "event.sentry.interfaces.User"):
        if isinstance(user := at(value, path), dict):
            return next(filter(None, (text_at(user, name) for name in _USER)), "")
    return ""


#: In this order; an address is the same person everywhere, an id only at this source.
_USER = ("email", "id", "username", "ip_address")

_Resource = Callable[[dict[str, object], dict[str, object]], Signal | None]


def _by_shape(data: dict[str, object]) -> _Resource | None:
    if "activity" in data and "issue" in data:
        return _activity_alert
    for name, reader in _SHAPES:
        if name in data:
            return reader
    return None


def _found(value: dict[str, object], name: str) -> str:
    return kind(value[name]) if name in value else "missing"


def _issue(value: dict[str, object], data: dict[str, object]) -> Signal:
    action = text_at(value, "action")
    issue = _object(data, "issue")
    status = _ISSUE_ACTIONS.get(action)
    if status is None:  # an action of a newer Sentry: the state it left behind tells
        status = _ISSUE_STATUSES.get(text_at(issue, "status"), Status.NOTE)
    note = ""
    if status is Status.NOTE:
        to = text_at(data, "assignee.name") or text_at(issue, "assignedTo.name")
        note = f"assigned to {to}" if to and action == "assigned" else f"Sentry says {action}"
    elif status in (Status.MUTED, Status.RESOLVED):
        how = text_at(issue, "substatus") if status is Status.MUTED else text_at(data, "resolution_type")
        note = _by(value, f"{action} in Sentry" + (f" ({how})" if how else ""))
    return _issue_signal(issue, status, note=note)


def _activity_alert(value: dict[str, object], data: dict[str, object]) -> Signal:
    issue = _object(data, "issue")
    status = _ISSUE_STATUSES.get(text_at(issue, "status"), Status.FIRING)
    extra = {"alert": text_at(data, "alert.title"), "activity": text_at(data, "activity.type")}
    return _issue_signal(issue, status, extra=extra)


def _issue_signal(
    issue: dict[str, object], status: Status, *, note: str = "", extra: Mapping[str, str] | None = None
) -> Signal:
    identity = _issue_key(text_at(issue, "id"), "data.issue.id")
    users = count_of(issue.get("userCount"))
    labels = {
        "level": text_at(issue, "level"),
        "priority": text_at(issue, "priority"),
        "substatus": text_at(issue, "substatus"),
        "platform": text_at(issue, "platform"),
        "logger": text_at(issue, "logger"),
        "issue": text_at(issue, "shortId"),
        "issue_category": text_at(issue, "issueCategory"),
        "project": text_at(issue, "project.slug"),
        **(extra or {}),
    }
    title = text_at(issue, "title") or text_at(issue, "metadata.title") or text_at(issue, "shortId")
    return _signal(
        identity,
        status,
        title=title,
        text=text_at(issue, "culprit"),
        labels=labels,
        impact=Impact(affected=users, method="sentry") if users else Impact(),
        project=text_at(issue, "project.slug"),
        url=text_at(issue, "web_url") or text_at(issue, "permalink"),
        starts_at=instant(issue.get("firstSeen")),
        note=note,
    )


def _event_alert(value: dict[str, object], data: dict[str, object]) -> Signal:
    rule = text_at(data, "triggered_rule") or text_at(data, "issue_alert.title")
    return _event(_object(data, "event"), "data.event", extra={"alert": rule})


def _error(value: dict[str, object], data: dict[str, object]) -> Signal:
    return _event(_object(data, "error"), "data.error")


def _event(event: dict[str, object], path: str, *, extra: Mapping[str, str] | None = None) -> Signal:
    issue = text_at(event, "issue_id") or _first(_ISSUE_IN_URL, text_at(event, "issue_url"))
    identity = _issue_key(issue, f"{path}.issue_id")
    project = text_at(event, "project_slug") or _first(_PROJECT, text_at(event, "url"))
    return _signal(
        identity,
        Status.FIRING,
        title=_event_title(event),
        text=text_at(event, "culprit"),
        labels={**_event_labels(event), "project": project, **(extra or {})},
        project=project,
        url=text_at(event, "web_url"),
        starts_at=instant(event.get("timestamp")) or instant(event.get("datetime")),
        occurrence=True,
    )


def _event_title(event: dict[str, object]) -> str:
    return (
        text_at(event, "title")
        or text_at(event, "metadata.title")
        or ": ".join(filter(None, (text_at(event, "metadata.type"), text_at(event, "metadata.value"))))
        or text_at(event, "message")
        or text_at(event, "logentry.formatted")
    )


def _event_labels(event: dict[str, object]) -> dict[str, str]:
    """Tags come as a list of pairs (as an object in some old events)."""
    labels = {}
    tags = event.get("tags")
    pairs = list(tags.items()) if isinstance(tags, dict) else tags if isinstance(tags, list) else []
    for pair in pairs[:1000]:
        if isinstance(pair, list | tuple) and len(pair) == 2:
            name, text = as_text(pair[0]), as_text(pair[1])
            if name and name not in _NOT_KEPT and not name.startswith("user."):
                labels[name] = text
    for name in ("level", "environment", "platform", "release", "logger"):
        text = text_at(event, name)
        if text:
            labels[name] = text
    return labels


def _metric_alert(value: dict[str, object], data: dict[str, object]) -> Signal:
    alert = _object(data, "metric_alert")
    rule = text_at(alert, "alert_rule.id")
    if not rule:
        raise Unreadable("data.metric_alert.alert_rule.id: the rule's id was expected")
    action = text_at(value, "action")
    project = text_at(alert, "projects.0") or text_at(alert, "alert_rule.projects.0")
    resolved = action == "resolved"
    return _signal(
        f"metric:{rule}",
        Status.RESOLVED if resolved else Status.FIRING,
        title=text_at(alert, "alert_rule.name") or text_at(alert, "title"),
        # Sentry's own example has a backslash and an n where a line should end.
        text=text_at(data, "description_text").replace("\\n", "\n"),
        labels={
            "level": "" if resolved else action,
            "alert": text_at(alert, "alert_rule.name"),
            "environment": text_at(alert, "alert_rule.environment"),
            "dataset": text_at(alert, "alert_rule.dataset"),
            "aggregate": text_at(alert, "alert_rule.aggregate"),
            "project": project,
        },
        project=project,
        url=text_at(data, "web_url"),
        starts_at=instant(alert.get("date_started")),
        ends_at=instant(alert.get("date_closed")) if resolved else None,
        episode=key(text_at(alert, "id")) or None,
    )


def _comment(value: dict[str, object], data: dict[str, object]) -> Signal | None:
    if text_at(value, "action") != "created":
        return None
    identity = _issue_key(text_at(data, "issue_id"), "data.issue_id")
    project = text_at(data, "project_slug")
    text = text_at(data, "comment") or "(a comment)"
    author = text_at(value, "actor.name")
    return _signal(
        identity,
        Status.NOTE,
        title="Comment in Sentry",
        text="",
        labels={"project": project},
        project=project,
        note=f"{author}: {text}" if author else text,
    )


def _legacy(value: dict[str, object]) -> Signal:
    """The project's "WebHooks" plugin: no action, no signature, never a resolved."""
    event = _object(value, "event")
    project = text_at(value, "project_slug") or text_at(value, "project")
    if not project:
        raise Unreadable("this is not a Sentry webhook: neither action nor project_slug")
    issue = text_at(value, "id") or _first(_ISSUE_IN_URL, text_at(value, "url"))
    identity = _issue_key(issue, "id")
    rules = at(value, "triggering_rules")
    labels = _event_labels(event)
    labels["level"] = text_at(value, "level") or labels.get("level", "")
    labels["project"] = project
    if isinstance(rules, list) and rules:
        labels["alert"] = ", ".join(filter(None, map(as_text, rules[:20])))
    message = text_at(value, "message")
    return _signal(
        identity,
        Status.FIRING,
        title=text_at(event, "title")
        or message
        or text_at(event, "sentry.interfaces.Message.message")
        or text_at(value, "culprit"),
        text="\n".join(filter(None, (message, text_at(value, "culprit")))),
        labels=labels,
        project=project,
        url=text_at(value, "url"),
        starts_at=instant(event.get("timestamp")) or instant(event.get("received")),
        occurrence=True,
    )


_RESOURCES: dict[str, _Resource] = {
    "issue": _issue,
    "event_alert": _event_alert,
    "metric_alert": _metric_alert,
    "activity_alert": _activity_alert,
    "error": _error,
    "comment": _comment,
}
_SHAPES: tuple[tuple[str, _Resource], ...] = (
    ("issue", _issue),
    ("event", _event_alert),
    ("metric_alert", _metric_alert),
    ("error", _error),
    ("comment_id", _comment),
)


def _signal(
    identity: str,
    status: Status,
    *,
    title: str,
    text: str,
    labels: Mapping[str, str],
    project: str,
    url: str = "",
    impact: Impact | None = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    episode: str | None = None,
    note: str = "",
    occurrence: bool = False,
) -> Signal:
    return Signal(
        occurrence=occurrence,
        key=identity,
        status=status,
        title=one_line(title) or one_line(f"Sentry {identity}"),
        labels=bounded_labels({name: value for name, value in labels.items() if value}),
        text=body_text(text),
        starts_at=starts_at,
        ends_at=ends_at,
        episode=episode,
        group=identity,
        impact=impact if impact is not None else Impact(),
        project=one_line(project),
        url=link(url),
        note=body_text(note),
    )


def _object(value: dict[str, object], name: str) -> dict[str, object]:
    found = value.get(name)
    if not isinstance(found, dict):
        raise Unreadable(f"{name}: an object was expected, it is {_found(value, name)}")
    return found


def _issue_key(issue: str, path: str) -> str:
    if not issue:
        raise Unreadable(f"{path}: the issue's id was expected")
    return key(f"issue:{issue}")


def _by(value: dict[str, object], what: str) -> str:
    who = text_at(value, "actor.name") if text_at(value, "actor.type") == "user" else ""
    return f"{what} by {who}" if who else what


def _first(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[1] if match else ""
