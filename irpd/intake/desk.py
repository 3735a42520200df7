"""Tickets: what any help desk's report becomes, whoever sent it.

A vendor's module reads a body into a ``Ticket``; ``signal_of`` makes the signal. The
reporter leaves intake only as a keyed hash. A ticket in a status that means "over" is
resolved, any other fires; a comment is a note on it.

Values of a vendor's own enumerations (priorities, statuses) come in lower case, so that one
rule fits however the vendor writes them this year; what people typed stays as typed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from irpd.engine.ports import Normalised
from irpd.intake.context import Context
from irpd.intake.impact import impact_of
from irpd.intake.reading import Unreadable, as_text, at
from irpd.intake.text import body_text, bounded_labels, html_text, key, link, one_line, with_remark
from irpd.model.signal import MAX_VALUE, Signal, Status

_HTML = re.compile(r"\s*<(?:div|p|br|span|html|body|table|ul|ol|b|i|strong|h[1-6])\b", re.IGNORECASE)
_MOST_TAGS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """``closed`` is what the vendor's own fields say; None leaves it to the status's name."""

    id: str = ""
    title: str = ""
    body: str = ""
    reporter: str = ""
    status: str = ""
    closed: bool | None = None
    service: str = ""
    project: str = ""
    category: str = ""
    priority: str = ""
    tags: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    affected_users: str = ""
    affected_share: str = ""
    url: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    comment: str | None = None  # set: this is a comment on the ticket, not news of its state


def answer(context: Context, ticket: Ticket) -> Normalised:
    """The one signal of a ticket. Raises Unreadable when it has no identity."""
    signal = signal_of(context, ticket)
    return Normalised(signals=(signal,), accepted=1, group=signal.group)


def signal_of(context: Context, ticket: Ticket) -> Signal:
    if not ticket.id:
        raise Unreadable("the ticket's id: missing")
    identity = key(f"ticket:{ticket.id}")
    impact, remark = impact_of(
        ticket.affected_users,
        ticket.affected_share,
        users_name="affected_users",
        share_name="affected_share",
        method="field",
    )
    status, ends_at = _status(context, ticket)
    return Signal(
        key=identity,
        status=status,
        title=one_line(ticket.title) or one_line(f"Ticket {ticket.id}"),
        labels=bounded_labels(_labels(ticket)),
        text=with_remark(plain(ticket.body), remark),
        starts_at=ticket.created_at,
        ends_at=ends_at,
        group=identity,
        impact=impact,
        reporter=context.reporter(ticket.reporter),
        project=one_line(ticket.project),
        service=one_line(ticket.service),
        url=link(ticket.url),
        note=plain(ticket.comment) if ticket.comment is not None else "",
    )


def _status(context: Context, ticket: Ticket) -> tuple[Status, datetime | None]:
    if ticket.comment is not None:
        return Status.NOTE, None
    closed = ticket.closed
    if closed is None:
        name = ticket.status.casefold()
        closed = any(name == over.casefold() for over in context.settings.closed)
    return (Status.RESOLVED, ticket.updated_at) if closed else (Status.FIRING, None)


def _labels(ticket: Ticket) -> dict[str, str]:
    labels = {
        "category": ticket.category,
        "priority": ticket.priority,
        "status": ticket.status,
        "tags": ", ".join(ticket.tags),
    }
    labels.update((f"tag.{tag}", "true") for tag in ticket.tags)
    labels.update(ticket.labels)
    return {name: value for name, value in labels.items() if value}


def plain(text: str) -> str:
    """A ticket's text as plain text; many desks send HTML."""
    return html_text(text) if _HTML.match(text) else body_text(text.strip())


def tags_of(value: object, *, separator: str = r",") -> tuple[str, ...]:
    """Tags as desks write them: a list of texts or of objects with a name, or one text."""
    if isinstance(value, str):
        found = (part.strip() for part in re.split(separator, value[:MAX_VALUE]))
    elif isinstance(value, list):
        found = (
            as_text(at(tag, "name") or at(tag, "tag") or at(tag, "label"))
            if isinstance(tag, dict)
            else as_text(tag)
            for tag in value[:_MOST_TAGS]
        )
    else:
        return ()
    return tuple(dict.fromkeys(one_line(tag) for tag in found if tag))[:_MOST_TAGS]


def rich_text(value: object) -> str:
    """A text, or the words of Atlassian's document format (an object with nested content)."""
    if isinstance(value, str):
        return value
    words: list[str] = []
    length = 0
    waiting = [value]
    while waiting and length < MAX_VALUE:
        node = waiting.pop()
        if not isinstance(node, dict):
            continue
        text = node.get("text")
        if isinstance(text, str):
            words.append(text)
            length += len(text)
        if node.get("type") in ("paragraph", "heading", "hardBreak", "listItem") and words:
            words.append("\n")
        content = node.get("content")
        if isinstance(content, list):
            waiting.extend(reversed(content[:1000]))
    return "".join(words).strip()
