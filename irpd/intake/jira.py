"""Jira and Jira Service Management: webhooks of an administrator or an automation.

A webhook has ``webhookEvent`` and ``issue``; an automation may send the issue alone. The key
is the issue's id (its readable key changes when it moves). Whether an issue is over is in
``fields.status.statusCategory.key`` ("done") whatever the statuses are called; old servers
lack it, there a resolution says so. Times have an offset without a colon. Texts are plain
in version 2 of the API and documents (ADF) in some automations.

Signature: ``X-Hub-Signature: sha256=<hex>`` over the raw body.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from irpd.engine.ports import Normalised
from irpd.intake.auth import Scheme
from irpd.intake.context import Context, Read
from irpd.intake.desk import Ticket, answer, rich_text, tags_of
from irpd.intake.reading import Unreadable, at, instant, kind, read_object, text_at
from irpd.intake.result import nothing
from irpd.intake.ticket import FieldMap

KEEP_HEADERS: tuple[str, ...] = ()
SIGNATURE: Scheme | None = Scheme(header="X-Hub-Signature", prefix="sha256=")


def build(context: Context) -> Read:
    fields = FieldMap(context)

    def read(body: bytes, headers: Mapping[str, str], now: datetime) -> Normalised:
        value = read_object(body)
        event = text_at(value, "webhookEvent")
        issue = value.get("issue")
        if not event and issue is None and isinstance(value.get("fields"), dict):
            issue = value  # an automation's "issue data"
        if isinstance(issue, dict):
            if event in ("comment_updated", "comment_deleted"):
                return nothing()
            ticket = _ticket(issue, closed=True if event == "jira:issue_deleted" else None)
            return answer(context, fields.add_to(_commented(ticket, value, event), value))
        if "key" in fields.fields:
            return answer(context, fields.ticket(value))
        if event and issue is None:
            return nothing()  # sprints, boards, users, worklogs
        found = f"is {kind(issue)}" if "issue" in value else "is missing"
        raise Unreadable(f"this is not a Jira webhook: issue {found}; another body needs a field map")

    return read


def _ticket(issue: dict[str, object], *, closed: bool | None) -> Ticket:
    number = text_at(issue, "id")
    if not number:
        raise Unreadable("issue.id: the issue's id was expected")
    readable = text_at(issue, "key")
    fields = issue.get("fields")
    labels = {
        "key": readable,
        "components": ", ".join(tags_of(at(fields, "components"))),
        "environment": rich_text(at(fields, "environment")),
        "resolution": text_at(fields, "resolution.name"),
    }
    return Ticket(
        id=number,
        title=text_at(fields, "summary") or readable,
        body=rich_text(at(fields, "description")),
        reporter=_person(at(fields, "reporter")),
        status=text_at(fields, "status.name").lower(),
        closed=_over(fields) if closed is None else closed,
        project=text_at(fields, "project.key"),
        category=text_at(fields, "issuetype.name"),
        priority=text_at(fields, "priority.name").lower(),
        tags=tags_of(at(fields, "labels")),
        labels={name: text for name, text in labels.items() if text},
        url=_browse(text_at(issue, "self"), readable),
        created_at=instant(at(fields, "created")),
        updated_at=instant(at(fields, "resolutiondate")) or instant(at(fields, "updated")),
    )


def _over(fields: object) -> bool | None:
    category = text_at(fields, "status.statusCategory.key").lower()
    if category:
        return category == "done"
    if at(fields, "resolution") is not None or at(fields, "resolutiondate") is not None:
        return True
    return None  # the status's name decides


def _commented(ticket: Ticket, value: dict[str, object], event: str) -> Ticket:
    """The ticket as a note, where this is about a comment on it and nothing else."""
    alone = text_at(value, "issue_event_type_name") == "issue_commented" and not at(value, "changelog.items")
    if event != "comment_created" and not alone:
        return ticket
    text = rich_text(at(value, "comment.body")) or "(a comment)"
    author = text_at(value, "comment.author.displayName")
    return replace(ticket, comment=f"{author}: {text}" if author else text)


def _person(value: object) -> str:
    return (
        text_at(value, "accountId")
        or text_at(value, "key")
        or text_at(value, "name")
        or text_at(value, "emailAddress")
    )


def _browse(own: str, readable: str) -> str:
    base, rest, _ = own.partition("/rest/")
    return f"{base}/browse/{readable}" if rest and readable else ""
