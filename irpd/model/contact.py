"""Whether a person has shown that a channel reaches them: verified contact methods.

What is kept is bound to the address, as a salted digest: an address that changed is unverified again, and
no event says what it was.
"""

import hashlib
from datetime import datetime
from typing import ClassVar

from irpd.model.standing import Standing

#: The reason of a page that asks its person to confirm the address that it came to.
VERIFY = "verify"


class Contact(Standing, frozen=True, omit_defaults=True, kw_only=True):
    """A person on a channel. ``page`` is the newest message that asked them to confirm, about an address
    whose digest is ``asked``; ``verified`` is that of the address that they confirmed. Both digests have the
    salt beside them."""

    kind: ClassVar[str] = "contact"
    person: str
    channel: str
    page: str = ""
    asked: str = ""
    asked_salt: str = ""
    asked_at: datetime | None = None
    verified: str = ""
    verified_salt: str = ""
    verified_at: datetime | None = None

    @property
    def key(self) -> str:
        return key_of(self.person, self.channel)


def key_of(person: str, channel: str) -> str:
    """Neither a person's name nor a channel's has a slash in it."""
    return f"{person}/{channel}"


def digest(address: str, salt: str) -> str:
    """128 bits that only the same address with the same salt has."""
    return hashlib.sha256(f"{salt}\0{address}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
