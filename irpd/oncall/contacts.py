"""Which of a person's contact methods they have confirmed. Pure.

Nothing of it changes how anybody is paged: a page goes to unverified addresses too. A channel of type file
has no address of anybody's, so there is nothing to confirm.
"""

from collections.abc import Iterable, Iterator

from irpd.config.values import Configuration
from irpd.model.contact import Contact, digest
from irpd.oncall.reach import methods_for

#: Levels that page somebody; 4 only tells.
LOUD = (1, 2, 3)


class Contacts:
    """What is known of contact methods, asked by person and channel."""

    def __init__(self, rows: Iterable[Contact] = ()) -> None:
        self._rows = {(one.person, one.channel): one for one in rows}

    def row(self, person: str, channel: str) -> Contact | None:
        return self._rows.get((person, channel))

    def verified(self, configuration: Configuration, person: str, channel: str) -> bool:
        """Whether this person has confirmed the address that this configuration has there."""
        if not needed(configuration, channel):
            return True
        row, address = self.row(person, channel), configuration.address(person, channel)
        if row is None or not row.verified or not address:
            return False
        return row.verified == digest(address, row.verified_salt)

    def missing(self, configuration: Configuration, person: str) -> tuple[int, ...]:
        """The levels at which pages reach this person, but by nothing that they have confirmed."""
        return tuple(
            level
            for level in LOUD
            if (channels := list(_channels(configuration, person, (level,))))
            and not any(self.verified(configuration, person, channel) for channel in channels)
        )


def needed(configuration: Configuration, channel: str) -> bool:
    """Whether there is something to confirm on this channel."""
    settings = configuration.channels.get(channel)
    return settings is not None and settings.type != "file"


def to_verify(configuration: Configuration, person: str) -> tuple[str, ...]:
    """The channels on which this person has an address by which pages reach them, each once."""
    every = _channels(configuration, person, (*LOUD, 4))
    return tuple(dict.fromkeys(channel for channel in every if needed(configuration, channel)))


def _channels(configuration: Configuration, person: str, levels: tuple[int, ...]) -> Iterator[str]:
    for level in levels:
        for method in methods_for(configuration, person, level):
            yield from (channel for channel in method.via if configuration.address(person, channel))
