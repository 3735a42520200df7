"""Zendesk: event subscriptions, and the bodies that triggers and automations make.

Event subscriptions carry the vendor's schema ("2022-11-06"): ``type`` like
``zen:event-type:ticket.status_changed``, the ticket as it is now in ``detail`` (all ids are
texts), what changed in ``event``. Enumerations are in capitals in some examples and not in
others, so they are compared without regard to case. Order is not kept.

A trigger's body is whatever its administrator wrote. The template that needs no field map::

    {"ticket": {"id": "{{ticket.id}}", "title": "{{ticket.title}}", "status": "{{ticket.status}}",
                "priority": "{{ticket.priority}}", "type": "{{ticket.ticket_type}}",
                "requester": "{{ticket.requester.id}}", "tags": "{{ticket.tags}}",
                "description": "{{ticket.description}}", "link": "{{ticket.link}}"}}

A quote in a title breaks such a body; it is then unreadable, and a person looks. Statuses
come in the account's language: ``closed`` names those that mean "over" there.

Signature: base64 of HMAC-SHA256 over timestamp and body (``X-Zendesk-Webhook-Signature``).
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from irpd.engine.ports import Normalised
from irpd.intake.auth import Scheme
from irpd.intake.context import Context, Read
from irpd.intake.desk import Ticket, answer, tags_of
from irpd.intake.reading import Unreadable, at, instant, read_object, text_at
from irpd.intake.result import nothing
from irpd.intake.ticket import FieldMap

KEEP_HEADERS: tuple[str, ...] = ()
SIGNATURE: Scheme | None = Scheme(
    header="X-Zendesk-Webhook-Signature",
    encoding="base64",
    timestamp_header="X-Zendesk-Webhook-Signature-Timestamp",
)

#: Where a trigger made from the template above has what.
TEMPLATE = {
    "key": "ticket.id",
    "title": "ticket.title",
    "body": "ticket.description",
    "reporter": "ticket.requester",
    "status": "ticket.status",
    "priority": "ticket.priority",
    "category": "ticket.type",
    "url": "ticket.link",
}
_EVENT = "zen:event-type:"
_TICKET_EVENT = "zen:event-type:ticket."
_OVER = ("soft_deleted", "permanently_deleted", "marked_as_spam")
_NOBODY = ("", "0", "-1")  # what an unset id looks like


def build(context: Context) -> Read:
    own = FieldMap(context)
    by_hand = FieldMap(context, {**TEMPLATE, **context.settings.fields})

    def read(body: bytes, headers: Mapping[str, str], now: datetime) -> Normalised:
        value = read_object(body)
        kind = text_at(value, "type")
        if not kind.startswith(_EVENT):
            return answer(context, _trigger(by_hand, value))
        if not kind.startswith(_TICKET_EVENT):
            return nothing()  # users, organisations, articles
        return answer(context, own.add_to(_event(value, kind.removeprefix(_TICKET_EVENT)), value))

    return read


def _trigger(fields: FieldMap, value: dict[str, object]) -> Ticket:
    ticket = fields.ticket(value)
    return replace(
        ticket,
        status=ticket.status.lower(),
        priority=ticket.priority.lower(),
        reporter=ticket.reporter or text_at(value, "ticket.requester.id"),
        tags=ticket.tags or tags_of(at(value, "ticket.tags"), separator=r"[,\s]+"),
        # {{ticket.link}} has no scheme in it
        url=f"https://{ticket.url}" if ticket.url and "://" not in ticket.url else ticket.url,
    )


def _event(value: dict[str, object], event: str) -> Ticket:
    detail = value.get("detail")
    if not isinstance(detail, dict):
        raise Unreadable("detail: an object was expected")
    subject = re.fullmatch(r"zen:ticket:(\d{1,40})", text_at(value, "subject"))
    number = text_at(detail, "id") or (subject[1] if subject else "")
    if not number:
        raise Unreadable("detail.id: the ticket's id was expected")
    requester = text_at(detail, "requester_id")
    labels = {
        "channel": text_at(detail, "via.channel"),
        "organization": _id(text_at(detail, "organization_id")),
        "problem": _id(text_at(detail, "problem_id")),
        "group": _id(text_at(detail, "group_id")),
    }
    return Ticket(
        id=number,
        title=text_at(detail, "subject"),
        body=text_at(detail, "description"),
        reporter=_id(requester),
        status=text_at(detail, "status").lower(),
        closed=True if event in _OVER else None,
        category=text_at(detail, "type").lower(),
        priority=text_at(detail, "priority").lower(),
        tags=tags_of(detail.get("tags")),
        labels={name: text for name, text in labels.items() if text},
        created_at=instant(detail.get("created_at")),
        updated_at=instant(detail.get("updated_at")) or instant(value.get("time")),
        comment=_comment(value) if event == "comment_added" else None,
    )


def _id(text: str) -> str:
    return "" if text in _NOBODY else text


def _comment(value: dict[str, object]) -> str:
    text = text_at(value, "event.comment.body") or "(a comment)"
    author = text_at(value, "event.comment.author.name")
    return f"{author}: {text}" if author else text
