"""What reports say of the users affected, gathered: one ``Part`` for each service, method and kind of number.

A part keeps the largest that any signal said and what all of them come to, so it stays small however many
signals there are. What was once said stays: an incident has affected whom it has affected.
"""

from datetime import datetime, timedelta
from fractions import Fraction

from irpd.model.share import Impact, Part

#: A cumulative count of something first seen so shortly before we heard of it is the incident's own.
FRESH = timedelta(hours=1)
_NONE, _ALL = Fraction(0), Fraction(1)


def first_count(impact: Impact, starts_at: datetime | None, at: datetime) -> int | None:
    """What a count that is of all time was when the incident began; None for any other count.

    Of something older than the incident it is the first count seen, so that only what is added counts: a
    difference of counts of different people is the least number of new ones."""
    if not impact.cumulative:
        return None
    return impact.affected if starts_at is not None and at - starts_at > FRESH else 0


def during(impact: Impact, since: int | None) -> Impact:
    """What of an impact happened during the incident; ``since`` as ``first_count`` gave it."""
    if not impact.cumulative or impact.affected is None or since is None:
        return impact
    return (
        Impact(affected=impact.affected - since, method=impact.method)
        if impact.affected > since
        else Impact()
    )


def heard(parts: tuple[Part, ...], service: str, before: Impact, impact: Impact) -> tuple[Part, ...]:
    """The parts with what one signal says now; ``before`` is what the same signal said last.

    In any order of signals the same parts come out."""
    if not impact.known:
        return parts
    written = fraction_of(impact.share) is not None
    old = next((p for p in parts if _is(p, service, impact.method, written)), None)
    first = not before.known
    if written:
        new = _larger_share(old, service, impact, first)
    else:
        if impact.affected is None:
            return parts  # a share that is none
        count = max(impact.affected, 0)
        said = max(before.affected or 0, 0) if not first and before.share is None else 0
        new = Part(
            service=service,
            method=impact.method,
            affected=count if old is None else max(count, old.affected or 0),
            total=(old.total if old else 0) + max(count - said, 0),
            signals=(old.signals if old else 0) + int(first),
        )
    if new == old:
        return parts
    others = [part for part in parts if part is not old]
    return tuple(sorted((*others, new), key=lambda p: (p.service, p.method, p.share is not None)))


def _is(part: Part, service: str, method: str, written: bool) -> bool:
    return part.service == service and part.method == method and (part.share is not None) == written


def _larger_share(old: Part | None, service: str, impact: Impact, first: bool) -> Part:
    beside = -1 if impact.affected is None else max(impact.affected, 0)
    new = fraction_of(impact.share) or _NONE
    share, affected = f"{new.numerator}/{new.denominator}", beside
    if old is not None:
        had = fraction_of(old.share) or _NONE, -1 if old.affected is None else old.affected
        if had > (new, beside):
            share, affected = old.share or share, had[1]
    return Part(
        service=service,
        method=impact.method,
        share=share,
        affected=None if affected < 0 else affected,
        signals=(old.signals if old else 0) + int(first),
    )


def fraction_of(share: str | None) -> Fraction | None:
    """A share as it was written, ``numerator/denominator``; more than all is all, anything else nothing."""
    if share is None:
        return None
    above, slash, below = share.partition("/")
    if not slash or not _digits(above) or not _digits(below) or not int(below):
        return None
    return min(Fraction(int(above), int(below)), _ALL)


def _digits(text: str) -> bool:
    return 0 < len(text) <= 100 and text.isascii() and text.isdecimal()
