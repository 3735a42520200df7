"""How many users something affects: counts, exact shares and where they come from."""

from fractions import Fraction

from msgspec import Struct

from irpd.model.level import Level

#: The protocol's bands. Above 80 % critical, 40 to 80 % both included high,
#: from 10 % (included) medium, below that low.
CRITICAL_ABOVE = Fraction(80, 100)
HIGH_FROM = Fraction(40, 100)
MEDIUM_FROM = Fraction(10, 100)


class Impact(Struct, frozen=True, omit_defaults=True):
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


class Share(Struct, frozen=True, omit_defaults=True):
    """The share of a service's users that an incident affects; unknown is unknown.

    ``numerator``/``denominator`` is the exact share, ``affected`` and ``users``
    the counts behind it where they are known.
    """

    numerator: int | None = None
    denominator: int = 1
    affected: int | None = None
    users: int | None = None
    method: str = ""

    @property
    def known(self) -> bool:
        return self.numerator is not None

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
