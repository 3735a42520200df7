"""The share of a service's users that reports speak of, and how shares read.

How evidence makes a share, and why it is never added up, is told in ``estimate``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from irpd.model.level import Level
from irpd.model.share import CRITICAL_ABOVE, HIGH_FROM, MEDIUM_FROM, Impact, Part, Said, Share
from irpd.triage.distinct import Count
from irpd.triage.estimate import People, estimate
from irpd.triage.evidence import fraction_of, heard


def share_of(impact: Impact, users: int | None) -> Share:
    """What one report says, given how many users its service has (None: nobody knows).

    A written share counts before a count of users, because it needs no number from us. More affected
    than there are users is all of them; the counts stay as they were written.
    """
    return share_over((("", impact),), 0, users)


def share_over(impacts: Iterable[tuple[str, Impact]], reporters: int, users: int | None) -> Share:
    """The share of an incident of one service: the largest of what its signals say (each with its key) and
    its reporters. The order of arrival never shows."""
    parts: tuple[Part, ...] = ()
    for _, impact in impacts:
        parts = heard(parts, "", Impact(), impact)
    people = People(Count(value=reporters, low=reporters, high=reporters)) if reporters > 0 else None
    return estimate((("", users),), parts, (), people)


def percent(share: Fraction) -> str:
    """A share as people read it: ``2.0 %``; close to a border with as many digits as keep it on its side."""
    parts, whole = share.numerator * 100, share.denominator
    if 0 < parts * 20 < whole:
        return "<0.1 %"  # somebody is affected: 0.0 % reads as nobody
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
    if share.low is not None or share.high is not None:
        low, high = share.bounds or (fraction, fraction)
        inner = "; ".join(part for part in (inner, f"between {percent(low)} and {percent(high)}") if part)
    return f"{percent(fraction)} ({inner})" if inner else percent(fraction)


def part_wording(part: Said) -> str:
    """One evidence: ``checkout: 2,400 of 120,000 by label``."""
    counts = "" if part.affected is None else f"{part.affected:,}"
    if counts and part.users is not None:
        counts += f" of {part.users:,}"
    said = fraction_of(part.share)
    share = "" if said is None else percent(said)
    seen = " ".join(one for one in (share, f"({counts})" if share and counts else counts) if one)
    return f"{part.service or 'all services'}: {seen} by {part.method or 'nobody knows what'}"


@lru_cache(maxsize=4096)
def level_of(share: Share) -> Level | None:
    """``share.level``, remembered: most signals repeat what the last one said."""
    return share.level
