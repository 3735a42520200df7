"""Verified contact methods: a message to each address, and the person's word that it came.

Whoever answers a message (by its link, a button, a reply, a key in the call, or the code that stands in it)
has shown that its address reaches them. Each address has a message of its own, so that an answer says which.
"""

from datetime import timedelta

from msgspec import Struct

from irpd.config.problem import suggest
from irpd.model import command as c
from irpd.model import event as e
from irpd.model.command import Refusal
from irpd.model.contact import VERIFY, Contact, digest, key_of
from irpd.model.page import Page, PageKind
from irpd.oncall.contacts import needed, to_verify
from irpd.protocol.draft import Draft
from irpd.protocol.evolve_contacts import CONTACTS
from irpd.protocol.sends import send_outside

#: So soon again the same address isn't written to: text messages cost money.
AGAIN = timedelta(minutes=1)
#: So long a message may take to get out.
EXPIRES = timedelta(hours=1)


class Asked(Struct, frozen=True):
    """``pages`` are the messages, one a channel."""

    pages: tuple[str, ...]
    text: str


def ask_to_confirm(draft: Draft, command: c.VerifyContact) -> Asked:
    """Send a person a message by each of their channels, or by one. Raises Refusal for whom or what there is
    not."""
    configuration, person = draft.configuration, command.person
    if person not in configuration.people:
        known = tuple(configuration.people)
        raise Refusal("not-found", f"there is no person {person[:60]!r}{suggest(person, known)}")
    channels = to_verify(configuration, person)
    if command.via:
        channels = (_one(draft, person, command.via),)
    if not channels:
        raise Refusal("invalid", f"{draft.name(person)} has no address that could be verified")
    now = draft.now
    for channel in channels:
        row = draft.rows.stands(Contact, key_of(person, channel))
        if row is not None and row.asked_at is not None and now < row.asked_at + AGAIN:
            raise Refusal("state", f"{draft.name(person)} was asked on {channel} just now: wait a minute")
    pages = tuple(_sent(draft, person, channel, command.by) for channel in channels)
    by = ", ".join(channels)
    return Asked(pages, f"{draft.name(person)} is asked to confirm by {by}.")


def _one(draft: Draft, person: str, channel: str) -> str:
    configuration = draft.configuration
    if channel not in configuration.channels:
        known = tuple(configuration.channels)
        raise Refusal("invalid", f"there is no channel {channel[:60]!r}{suggest(channel, known)}")
    if not needed(configuration, channel):
        raise Refusal("invalid", f"{channel} is a file, which has no address to verify")
    if not configuration.address(person, channel):
        raise Refusal("invalid", f"{draft.name(person)} has no address on {channel}")
    return channel


def _sent(draft: Draft, person: str, channel: str, by: str) -> str:
    page_id = send_outside(
        draft, person, (channel,), kind=PageKind.TEST, reason=VERIFY, expires_at=draft.now + EXPIRES,
        text=f"A confirmation asked for by {by}.",
    )  # fmt: skip
    page = draft.rows.page(page_id)
    salt = page.name if page is not None else page_id
    draft.emit_about(
        CONTACTS,
        e.ContactAsked(
            person=person, channel=channel, page=page_id, salt=salt,
            digest=digest(draft.configuration.address(person, channel), salt),
        ),
    )  # fmt: skip
    return page_id


def confirmed(draft: Draft, page: Page, via: str) -> None:
    """A message was answered: if it asked to confirm an address that still is the person's, that is
    verified."""
    if page.reason != VERIFY or not page.sends:
        return
    channel = page.sends[0].channel
    row = draft.rows.stands(Contact, key_of(page.person, channel))
    if row is None or row.page != page.id:
        return
    address = draft.configuration.address(page.person, channel)
    if address and digest(address, row.asked_salt) == row.asked:
        draft.emit_about(
            CONTACTS, e.ContactVerified(person=page.person, channel=channel, page=page.id, via=via)
        )


def forget_gone(draft: Draft) -> None:
    """Another configuration is in force: people and channels that there are no more are forgotten."""
    configuration = draft.configuration
    for row in draft.rows.all_standing(Contact):
        if row.person not in configuration.people or row.channel not in configuration.channels:
            draft.emit_about(CONTACTS, e.ContactForgotten(person=row.person, channel=row.channel))
