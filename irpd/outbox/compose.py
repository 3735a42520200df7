"""From a page's send to the message a channel is handed: address, thread, texts, links."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from irpd.comms.links import Links
from irpd.comms.notices import render_notices
from irpd.comms.several import several
from irpd.comms.story import Subject
from irpd.comms.texts import Rendered, render
from irpd.config.values import Configuration
from irpd.engine.ports import Message
from irpd.model.contact import VERIFY
from irpd.model.incident import Incident, Member
from irpd.model.page import Page, Send, SendState
from irpd.outbox.needs import PublishedState


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


def address_of(configuration: Configuration, page: Page, send: Send) -> str:
    """Where a send goes: a message to an audience has its address in it. Raises NoAddress."""
    if page.notice is None:
        return address_for(configuration, page.person, send.channel)
    if send.channel not in configuration.channels:
        raise NoAddress(f"there is no channel {send.channel!r} any more")
    if not send.to:
        raise NoAddress(f"no address for {send.channel}")
    return send.to


def compose_notice(
    pages: Sequence[tuple[Page, Send]],
    *,
    incidents: Mapping[int, Incident],
    configuration: Configuration,
    thread: str = "",
) -> tuple[Message, Rendered]:
    """One message to one address of an audience, that tells of these. ``thread`` as in ``compose``.
    Raises NoAddress."""
    ranked = sorted(pages, key=lambda one: (severity(incidents.get(one[0].incident)), one[0].requested_at))
    page, send = pages[0]
    address = address_of(configuration, page, send)
    kind = configuration.channels[send.channel].type
    notices = [one.notice for one, _ in ranked if one.notice is not None]
    rendered = render_notices(kind, configuration, notices)
    names = " ".join(sorted(f"{one.name}.{n.n}" for one, n in pages))
    together = f".{hashlib.sha256(names.encode()).hexdigest()[:10]}" if len(pages) > 1 else ""
    if kind != "slack":
        alone = thread_of(page, incidents.get(page.incident))
        thread = f"messages-{page.id}{together}" if together else alone
    message = Message(
        id=f"{page.name}.{send.n}{together}",
        page=page,
        send=send,
        address=address,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        thread="" if kind == "slack" and together else thread,
        fields={**rendered.fields, "id": f"{page.id}.{send.n}", "channel": send.channel},
        others=tuple(pages[1:]),
    )
    return message, rendered


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
    told = Told(page=page, send=send, incident=incident, members=members)
    rendered = render(kind, _subject(told, configuration, links, now))
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


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One of the pages that a message tells of."""

    page: Page
    send: Send
    incident: Incident | None
    members: Sequence[Member]


def compose_several(
    told: Sequence[Told], *, configuration: Configuration, links: Links, now: datetime
) -> tuple[Message, Rendered]:
    """One message that tells of these pages to one person over one channel, given most severe first.

    Its id is that of the first and of which others are in it, so that a repeat with others among them is
    no duplicate to anybody. Raises NoAddress."""
    first, *others = told
    page, send = first.page, first.send
    address = address_for(configuration, page.person, send.channel)
    kind = configuration.channels[send.channel].type
    rendered = several(kind, [_subject(one, configuration, links, now) for one in told])
    names = " ".join(sorted(f"{one.page.name}.{one.send.n}" for one in told))
    digest = hashlib.sha256(names.encode()).hexdigest()[:10]
    message = Message(
        id=f"{page.name}.{send.n}.{digest}",
        page=page,
        send=send,
        address=address,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        thread="" if kind == "slack" else f"pages-{page.id}.{digest}",
        fields={**rendered.fields, "id": f"{page.id}.{send.n}", "channel": send.channel},
        others=tuple((one.page, one.send) for one in others),
    )
    return message, rendered


def told_of(pages: Sequence[tuple[Page, Send]], state: PublishedState) -> list[Told]:
    """These pages with their incidents, the most severe first, then the one that was asked for first."""
    told = []
    for page, send in pages:
        incident = state.incidents.get(page.incident)
        members = state.members_of(page.incident) if incident is not None else ()
        told.append(Told(page=page, send=send, incident=incident, members=members))
    return sorted(told, key=lambda one: (severity(one.incident), one.page.requested_at, one.page.id))


def severity(incident: Incident | None) -> int:
    """Its level; 1 where it isn't known: when in doubt it is urgent."""
    return int(incident.level) if incident is not None else 1


def _subject(told: Told, configuration: Configuration, links: Links, now: datetime) -> Subject:
    return Subject(
        page=told.page,
        incident=told.incident,
        members=told.members,
        configuration=configuration,
        now=now,
        link=links.url(told.page),
        cant_link=links.cant_url(told.page),
        code=links.codes.code(told.page) if configuration.hears(told.send.channel) else "",
        digits=links.digits(told.page) if told.page.reason == VERIFY else "",
    )


def thread_of(page: Page, incident: Incident | None) -> str:
    """One name for an incident's messages. With the time, because numbers begin again when a
    journal does, and a mail program must not put two incidents into one thread."""
    if incident is None:
        return f"page-{page.id}.{page.requested_at:%Y%m%d%H%M%S}"
    return f"incident-{incident.number}.{incident.opened_at:%Y%m%d%H%M%S}"


def _audience(page: Page) -> str:
    return page.notice.audience if page.notice is not None else ""


def first_message(pages: Sequence[Page], page: Page, send: Send) -> str:
    """What the provider called the first message of this incident to this person or audience, or ""."""
    delivered = [
        (other.requested_at, one.n, one.provider_id)
        for other in pages
        if other.person == page.person and _audience(other) == _audience(page)
        for one in other.sends
        if one.channel == send.channel
        and one.to == send.to
        and one.state is SendState.DELIVERED
        and one.provider_id
    ]
    return min(delivered)[2] if delivered else ""
