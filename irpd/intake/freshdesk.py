"""Freshdesk: the webhook of an automation rule in its simple mode.

Everything is text, under ``freshdesk_webhook``. ``ticket_status`` is a name in the
account's language, or a code; ``triggered_event`` looks like JSON and is not
(``{status:{from:4,to:6}}``), may be absent, and carries status codes that hold in every
language: 2 open, 3 pending, 4 resolved, 5 closed, 6 and above the account's own. The
description is HTML. Bodies of the advanced mode are free: a field map reads them.

There is no signature: basic authentication or a header of the rule's own.
"""

import re
from collections.abc import Mapping
from datetime import datetime

from irpd.engine.ports import Normalised
from irpd.intake.auth import Scheme
from irpd.intake.context import Context, Read
from irpd.intake.desk import Ticket, answer, tags_of
from irpd.intake.reading import Unreadable, instant, kind, read_object, text_at
from irpd.intake.ticket import FieldMap

KEEP_HEADERS: tuple[str, ...] = ()
SIGNATURE: Scheme | None = None

_STATUSES = {"2": "open", "3": "pending", "4": "resolved", "5": "closed"}
_PRIORITIES = {"1": "low", "2": "medium", "3": "high", "4": "urgent"}
_CHANGE = re.compile(r"\bstatus\s*:\s*\{\s*from\s*:\s*([^,{}]{0,40}),\s*to\s*:\s*([^,{}]{0,40})\}")
_NOTE = re.compile(r"\bnote_type\s*:\s*([a-z]{1,20})")
_COUNTED = re.compile(r"\d{1,4}", re.ASCII)


def build(context: Context) -> Read:
    fields = FieldMap(context)

    def read(body: bytes, headers: Mapping[str, str], now: datetime) -> Normalised:
        value = read_object(body)
        wrapped = value.get("freshdesk_webhook")
        if isinstance(wrapped, dict):
            return answer(context, fields.add_to(_ticket(wrapped), value))
        if "key" in fields.fields:
            return answer(context, fields.ticket(value))
        found = f"is {kind(wrapped)}" if wrapped is not None else "is missing"
        raise Unreadable(f"freshdesk_webhook {found}; another body needs a field map")

    return read


def _ticket(value: dict[str, object]) -> Ticket:
    number = text_at(value, "ticket_id")
    if not number:
        raise Unreadable("freshdesk_webhook.ticket_id: the ticket's id was expected")
    event = text_at(value, "triggered_event")[:2000]
    status = text_at(value, "ticket_status").lower()
    priority = text_at(value, "ticket_priority").lower()
    note = _NOTE.search(event)
    return Ticket(
        id=number,
        title=text_at(value, "ticket_subject"),
        body=text_at(value, "ticket_description"),
        reporter=text_at(value, "requester_email")
        or text_at(value, "ticket_requester_email")
        or text_at(value, "requester_name"),
        status=_STATUSES.get(status, status),
        closed=_closed(event),
        category=text_at(value, "ticket_type"),
        priority=_PRIORITIES.get(priority, priority),
        tags=tags_of(value.get("ticket_tags")),
        url=text_at(value, "ticket_url"),
        created_at=instant(value.get("ticket_created_at")),
        updated_at=instant(value.get("ticket_updated_at")),
        comment=(text_at(value, "ticket_latest_public_comment") or f"({note[1]} note)") if note else None,
    )


def _closed(event: str) -> bool | None:
    """What the codes in the event say, whatever the status is called; None if they say nothing."""
    change = _CHANGE.search(event)
    code = change[2].strip() if change else ""
    if not _COUNTED.fullmatch(code):
        return None
    # The account's own statuses (6 and above) may be in `closed` by name.
    return True if code in ("4", "5") else False if code in ("2", "3") else None
