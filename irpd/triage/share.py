"""The share of a service's users that reports speak of, as an exact fraction.

Several reports about one outage mostly count the same people, so evidence is never added up: the
largest single evidence stands. Distinct reporters of tickets are one evidence of their own, because
each is a person who was certainly affected.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from irpd.model.level import Level
from irpd.model.share import CRITICAL_ABOVE, HIGH_FROM, MEDIUM_FROM, UNKNOWN, Impact, Share

_FRACTION = re.compile(r"(\d{1,100})/(\d{1,100})", re.ASCII)
_NONE = Fraction(0)
_ALL = Fraction(1)


def share_of(impact: Impact, users: int | None) -> Share:
    """What one report says, given how many users its service has (None: nobody knows).

    A written share counts before a count of users, because it needs no number from us. More affected
    than there are users is all of them; the counts stay as they were written.
    """
    written = _written(impact.share)
    if written is not None:
        return Share(
            numerator=written.numerator,
            denominator=written.denominator,
            affected=impact.affected,
            users=users,
            method=impact.method,
        )
    if impact.affected is None:
        return UNKNOWN
    affected = max(impact.affected, 0)
    if users is None or users <= 0:
        return Share(affected=affected, method=impact.method)
    counted = min(Fraction(affected, users), _ALL)
    return Share(
        numerator=counted.numerator,
        denominator=counted.denominator,
        affected=affected,
        users=users,
        method=impact.method,
    )


def share_over(impacts: Iterable[tuple[str, Impact]], reporters: int, users: int | None) -> Share:
    """The share of an incident: the largest of what its signals say (each with its key) and its reporters.

    A known share stands before one without a number of users to divide by; among equals the smallest key
    does, so that the order of arrival never shows.
    """
    best: Share = UNKNOWN
    best_rank: tuple[bool, Fraction, int] | None = None
    best_key = ""
    evidence = list(impacts)
    if reporters > 0:
        # Last among equals: a sender's own report says more than a count of tickets.
        evidence.append(("\U0010ffff", Impact(affected=reporters, method="reporters")))
    for key, impact in evidence:
        share = share_of(impact, users)
        fraction = share.fraction
        if fraction is None and share.affected is None:
            continue
        rank = (fraction is not None, fraction or _NONE, share.affected or 0)
        if best_rank is None or rank > best_rank or (rank == best_rank and key < best_key):
            best, best_rank, best_key = share, rank, key
    return best


def _written(share: str | None) -> Fraction | None:
    """What isn't ``numerator/denominator`` is no evidence; more than all is all."""
    found = _FRACTION.fullmatch(share) if share is not None else None
    if found is None or not int(found[2]):
        return None
    return min(Fraction(int(found[1]), int(found[2])), _ALL)


def percent(share: Fraction) -> str:
    """A share as people read it: ``2.0 %``; close to a border with as many digits as keep it on its side."""
    parts, whole = share.numerator * 100, share.denominator
    for digits in (1, 2, 3):
        scale = 10**digits
        rounded = (2 * parts * scale + whole) // (2 * whole)
        if all(_side(rounded, border * scale) == _side(parts, border * whole) for border in (10, 40, 80)):
            return f"{rounded // scale}.{rounded % scale:0{digits}} %"
    return f"{parts / whole:.6f} %"


def _side(value: int, border: int) -> int:
    return (value > border) - (value < border)


@dataclass(frozen=True, slots=True, kw_only=True)
class NextBand:
    """The nearest more severe band of the protocol; ``above`` means that its border is not in it."""

    level: int
    begins: float
    above: bool

    @classmethod
    def after(cls, share: Share) -> "NextBand | None":
        match share.level:
            case Level.LOW:
                return cls(level=3, begins=float(MEDIUM_FROM), above=False)
            case Level.MEDIUM:
                return cls(level=2, begins=float(HIGH_FROM), above=False)
            case Level.HIGH:
                return cls(level=1, begins=float(CRITICAL_ABOVE), above=True)
            case _:
                return None

    @property
    def words(self) -> str:
        return f"{'above' if self.above else 'from'} {self.begins * 100:.0f} %"


@lru_cache(maxsize=4096)
def wording(share: Share) -> str:
    """``2.0 % (2,400 of 120,000: label)``, as far as it is known."""
    fraction = share.fraction
    counts = ""
    if share.affected is not None:
        counts = f"{share.affected:,}" if share.users is None else f"{share.affected:,} of {share.users:,}"
    if fraction is None:
        return f"unknown ({counts} affected, number of users not known)" if counts else "unknown"
    inner = ": ".join(part for part in (counts, share.method) if part)
    return f"{percent(fraction)} ({inner})" if inner else percent(fraction)


@lru_cache(maxsize=4096)
def level_of(share: Share) -> Level | None:
    """``share.level``, remembered: most signals repeat what the last one said."""
    return share.level
