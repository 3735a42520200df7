"""How many users something affects: counts, exact shares and where they come from."""

from datetime import datetime
from fractions import Fraction

from msgspec import Struct

from irpd.model.level import Level

#: The protocol's bands. Above 80 % critical, 40 to 80 % both included high,
#: from 10 % (included) medium, below that low.
CRITICAL_ABOVE = Fraction(80, 100)
HIGH_FROM = Fraction(40, 100)
MEDIUM_FROM = Fraction(10, 100)


class Impact(Struct, frozen=True, gc=False, omit_defaults=True):
    """What one report says of the users affected, exactly as it was written.

    ``affected`` is a count of users (0 or more), ``share`` an exact fraction of
    all users as ``"numerator/denominator"`` (0 to 1), ``method`` where it was
    read: ``label``, ``sentry``, ``reporters``, ``field``.
    """

    affected: int | None = None
    share: str | None = None
    method: str = ""

    @property
    def known(self) -> bool:
        return self.affected is not None or self.share is not None

    @property
    def cumulative(self) -> bool:
        """Whether the count is of everybody since the thing was first seen, maybe long ago."""
        return self.method == "sentry" and self.affected is not None


class Part(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """What reports of one kind say of one service's users, over the life of an incident.

    Of counts: ``affected`` is the largest that any of them gave, ``total`` the sum of what each gave. Of
    shares that senders wrote: ``share`` is the largest (``numerator/denominator``), ``affected`` the count
    that stood beside it. ``signals`` is how many signals gave one.
    """

    service: str
    method: str
    affected: int | None = None
    total: int = 0
    share: str | None = None
    signals: int = 0


class Answer(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """What monitoring said of a service's users when it was asked, ``at`` its newest: how many are
    ``affected`` and how many there are; None where it gave no number."""

    service: str
    at: datetime
    affected: int | None = None
    users: int | None = None


class Distinct(Struct, frozen=True, gc=False, omit_defaults=True):
    """A set of people, as keyed hashes: exact while it is small, then a sketch of bounded size.

    ``exact`` holds sorted 8-byte hashes, ``sketch`` the registers; at most one of them is not empty."""

    exact: bytes = b""
    sketch: bytes = b""

    def __bool__(self) -> bool:
        return bool(self.exact or self.sketch)


NOBODY = Distinct()


class Said(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """One evidence that an estimate rests on, as it counted. Empty ``service``: all of the incident's."""

    method: str
    service: str = ""
    affected: int | None = None
    users: int | None = None
    share: str | None = None


class Share(Struct, frozen=True, gc=False, omit_defaults=True):
    """The share of a service's users that an incident affects; unknown is unknown.

    ``numerator``/``denominator`` is the exact share, ``affected`` and ``users``
    the counts behind it where they are known. The true share lies between ``low``
    and ``high`` (``"numerator/denominator"``; None: the share itself is that bound).
    ``parts`` are the evidences it rests on, when there are several.
    """

    numerator: int | None = None
    denominator: int = 1
    affected: int | None = None
    users: int | None = None
    method: str = ""
    low: str | None = None
    high: str | None = None
    parts: tuple[Said, ...] = ()

    @property
    def known(self) -> bool:
        return self.numerator is not None

    @property
    def bounds(self) -> tuple[Fraction, Fraction] | None:
        """Between which the true share lies; None while it is unknown."""
        share = self.fraction
        if share is None:
            return None
        low = share if self.low is None else Fraction(self.low)
        return low, share if self.high is None else Fraction(self.high)

    @property
    def fraction(self) -> Fraction | None:
        return None if self.numerator is None else Fraction(self.numerator, self.denominator)

    @property
    def level(self) -> Level | None:
        """The level of the protocol's band that the share falls into; None while unknown."""
        share = self.fraction
        return None if share is None else band(share)


UNKNOWN = Share()


def band(share: Fraction) -> Level:
    """The level the protocol gives to a share of users (0 to 1)."""
    if share > CRITICAL_ABOVE:
        return Level.CRITICAL
    if share >= HIGH_FROM:
        return Level.HIGH
    if share >= MEDIUM_FROM:
        return Level.MEDIUM
    return Level.LOW
