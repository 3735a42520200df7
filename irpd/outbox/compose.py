"""From a page's send to the message a channel is handed: address, thread, texts, links."""

from collections.abc import Sequence
from datetime import datetime

from irpd.comms.links import Links
from irpd.comms.story import Subject
from irpd.comms.texts import Rendered, render
from irpd.config.values import Configuration
from irpd.engine.ports import Message
from irpd.model.incident import Incident, Member
from irpd.model.page import Page, Send, SendState


class NoAddress(Exception):
    """The send can't be addressed, now or ever; the text says why."""


def address_for(configuration: Configuration, person: str, channel: str) -> str:
    """A person's address on a channel. Raises NoAddress where there is no such channel, person
    or address (the configuration may have changed since the page was requested)."""
    if channel not in configuration.channels:
        raise NoAddress(f"there is no channel {channel!r} any more")
    if person not in configuration.people:
        raise NoAddress(f"there is no person {person!r} any more")
    address = configuration.address(person, channel)
    if not address:
        raise NoAddress(f"no address for {channel}")
    return address


def compose(
    *,
    page: Page,
    send: Send,
    incident: Incident | None,
    members: Sequence[Member],
    configuration: Configuration,
    links: Links,
    now: datetime,
    thread: str = "",
) -> tuple[Message, Rendered]:
    """The message of one send. ``thread`` is the provider's own name of the incident's first
    message, on a channel that threads by it (``first_message``). Raises NoAddress."""
    address = address_for(configuration, page.person, send.channel)
    kind = configuration.channels[send.channel].type
    subject = Subject(
        page=page,
        incident=incident,
        members=members,
        configuration=configuration,
        now=now,
        link=links.url(page),
        cant_link=links.cant_url(page),
        code=links.codes.code(page) if configuration.hears(send.channel) else "",
    )
    rendered = render(kind, subject)
    message = Message(
        id=f"{page.name}.{send.n}",
        page=page,
        send=send,
        address=address,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        thread=thread if kind == "slack" else thread_of(page, incident),
        fields={**rendered.fields, "id": f"{page.id}.{send.n}", "channel": send.channel},
    )
    return message, rendered


def thread_of(page: Page, incident: Incident | None) -> str:
    """One name for an incident's messages. With the time, because numbers begin again when a
    journal does, and a mail program must not put two incidents into one thread."""
    if incident is None:
        return f"page-{page.id}.{page.requested_at:%Y%m%d%H%M%S}"
    return f"incident-{incident.number}.{incident.opened_at:%Y%m%d%H%M%S}"


def first_message(pages: Sequence[Page], page: Page, send: Send) -> str:
    """What the provider called the first message of this incident to this person, or ""."""
    delivered = [
        (other.requested_at, one.n, one.provider_id)
        for other in pages
        if other.person == page.person
        for one in other.sends
        if one.channel == send.channel and one.state is SendState.DELIVERED and one.provider_id
    ]
    return min(delivered)[2] if delivered else ""
