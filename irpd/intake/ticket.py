"""Any help desk, feedback form, security platform or pipeline, through a field map.

``fields`` says where in the body what stands, as dotted paths with list indexes::

    fields: {key: data.item.id, title: data.item.subject, reporter: data.item.contacts.0.id,
             status: data.item.state, labels.environment: data.env}
    closed: [resolved]

Only ``key`` is needed. The same map may stand beside the types that know their vendor's
shape: it adds to what they read (``service: issue.fields.customfield_10100.value``) and
reads the bodies that people make by hand there.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from irpd.config.values import SOURCE_FIELDS
from irpd.engine.ports import Normalised
from irpd.intake.auth import Scheme, SourceError
from irpd.intake.context import Context, Read
from irpd.intake.desk import Ticket, answer, rich_text, tags_of
from irpd.intake.reading import Unreadable, as_text, at, read_object
from irpd.intake.text import MAX_NAME

KEEP_HEADERS: tuple[str, ...] = ()
SIGNATURE: Scheme | None = None

_LABELS = "labels."


class FieldMap:
    """Where in a body what stands. Raises SourceError for a name that means nothing."""

    def __init__(self, context: Context, fields: Mapping[str, str] | None = None) -> None:
        fields = context.settings.fields if fields is None else fields
        place = f"sources.{context.name}.fields"
        for name, path in fields.items():
            if not path.strip():
                raise SourceError(f"{place}.{name}", "a path into the body was expected, not nothing")
            if name in SOURCE_FIELDS or (name.startswith(_LABELS) and len(_LABELS) < len(name) <= MAX_NAME):
                continue
            close = get_close_matches(name, SOURCE_FIELDS, n=1)
            hint = f"did you mean {close[0]}? " if close else ""
            raise SourceError(f"{place}.{name}", f"{hint}({', '.join(SOURCE_FIELDS)}, labels.NAME)")
        self.fields = fields
        self._paths = {name: path for name, path in fields.items() if not name.startswith(_LABELS)}
        self._labels = {
            name.removeprefix(_LABELS): path for name, path in fields.items() if name.startswith(_LABELS)
        }

    def add_to(self, ticket: Ticket, value: object) -> Ticket:
        """The ticket with what the map finds in the body put over it."""
        found: dict[str, Any] = {}
        for name, path in self._paths.items():
            there = at(value, path)
            if name == "tags":
                read: object = tags_of(there)
            elif name == "body":
                read = rich_text(there) or as_text(there)
            else:
                read = as_text(there)
            if read:
                found["id" if name == "key" else name] = read
        labels = {name: text for name, path in self._labels.items() if (text := as_text(at(value, path)))}
        if labels:
            found["labels"] = {**ticket.labels, **labels}
        if "status" in found:
            found["closed"] = None  # its own list of closed statuses decides
        return replace(ticket, **found)

    def ticket(self, value: object) -> Ticket:
        """A ticket by the map alone. Raises Unreadable when there is no identity in the body."""
        ticket = self.add_to(Ticket(), value)
        if not ticket.id:
            raise Unreadable(f"{self.fields['key']}: nothing there; the field map expects the ticket's key")
        return ticket


def build(context: Context) -> Read:
    """Raises SourceError for a map without ``key`` or with a name that means nothing."""
    if "key" not in context.settings.fields:
        raise SourceError(
            f"sources.{context.name}.fields", "key is needed: the path of the ticket's own identity"
        )
    fields = FieldMap(context)

    def read(body: bytes, headers: Mapping[str, str], now: datetime) -> Normalised:
        return answer(context, fields.ticket(read_object(body)))

    return read
