"""How events change what is known of contact methods."""

from datetime import datetime

from msgspec.structs import replace

from irpd.model import event as e
from irpd.model.contact import Contact, key_of
from irpd.protocol.rows import Rows, Torn

#: The subject of these events.
CONTACTS = "contacts"


def evolve_contacts(rows: Rows, event: e.AnyEvent, at: datetime) -> None:
    """Apply one event of this subject. Raises Torn if it speaks of what isn't there."""
    match event:
        case e.ContactAsked():
            known = rows.stands(Contact, key_of(event.person, event.channel))
            contact = known or Contact(person=event.person, channel=event.channel)
            rows.put_standing(
                replace(contact, page=event.page, asked=event.digest, asked_salt=event.salt, asked_at=at)
            )
        case e.ContactVerified():
            contact = _known(rows, event.person, event.channel)
            rows.put_standing(
                replace(contact, verified=contact.asked, verified_salt=contact.asked_salt, verified_at=at)
            )
        case e.ContactForgotten():
            rows.drop_standing(_known(rows, event.person, event.channel))
        case _:
            raise Torn(f"{type(event).__name__} can't happen to contacts")


def _known(rows: Rows, person: str, channel: str) -> Contact:
    row = rows.stands(Contact, key_of(person, channel))
    if row is None:
        raise Torn(f"contact {person} on {channel} is not known")
    return row
