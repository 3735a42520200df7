"""The share of users that an incident affects, out of all that is known of it, with bounds.

Evidence comes in kinds: what reports say (per service and method, a ``Part``), how many different people were
heard of, what monitoring answered. Each may speak of the same people as any other, so none is added to
another: of one service the largest single evidence is the share; it is also the least that the true share can
be, and the most is what all would come to if no two spoke of the same person, capped at everybody.

Of several services the share is over the union of their users. How far their users overlap nobody knows: the
share takes them as different people, which never asks for more than the worst of the services does by itself;
the bounds take each overlap at its worst. A service of which no evidence says how many are affected is left
out, because unknown isn't zero.

Counts are exact, but for the sketch of many different people, whose bounds are two standard errors away.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache

from msgspec import Struct

from irpd.model.share import UNKNOWN, Answer, Part, Said, Share
from irpd.triage.distinct import Count
from irpd.triage.evidence import fraction_of

_NONE, _ALL = Fraction(0), Fraction(1)
#: A service and how many users the files say it has; None where nobody knows.
Population = tuple[tuple[str, int | None], ...]


class People(Struct, frozen=True):
    """Different people of whom was heard; ``method`` is reporters, or people where others are among them."""

    count: Count
    method: str = "reporters"


class _Evidence(Struct, frozen=True):
    """One evidence on one service. ``least`` and ``most`` are shares; None without a number of users."""

    method: str
    affected: int | None
    least: Fraction | None
    most: Fraction | None
    value: Fraction | None
    written: str | None = None

    @property
    def rank(self) -> tuple[bool, Fraction, int, bool, str]:
        """The strongest has the highest: known, large; between equals a sender's own word first."""
        own = self.method != "reporters"
        return self.value is not None, self.value or _NONE, self.affected or 0, own, self.method


class _Service(Struct, frozen=True):
    name: str
    users: int | None
    evidence: tuple[_Evidence, ...]

    @property
    def best(self) -> _Evidence | None:
        return max(self.evidence, key=lambda one: one.rank, default=None)

    @property
    def most(self) -> Fraction:
        return min(sum((one.most for one in self.evidence if one.most is not None), _NONE), _ALL)

    @property
    def least(self) -> Fraction:
        return max((one.least for one in self.evidence if one.least is not None), default=_NONE)


@lru_cache(maxsize=4096)
def estimate(
    population: Population,
    parts: tuple[Part, ...] = (),
    answers: tuple[Answer, ...] = (),
    people: People | None = None,
) -> Share:
    """The share of the users of these services. Evidence on a service that isn't among them is left out."""
    alone = people if len(population) == 1 else None
    services = [_service(name, users, parts, answers, alone) for name, users in population]
    told = [one for one in services if one.evidence]
    if len(population) > 1 and people is not None:
        return _of_several(told, services, people)
    if not told:
        return UNKNOWN
    return _of_several(told, services, None) if len(told) > 1 else _of_one(told[0])


def _service(
    name: str, users: int | None, parts: Sequence[Part], answers: Sequence[Answer], people: People | None
) -> _Service:
    answer = next((one for one in answers if one.service == name), None)
    if answer is not None and answer.users is not None:
        users = answer.users
    users = users if users is not None and users > 0 else None
    found = [_part(part, users) for part in parts if part.service == name]
    if answer is not None and answer.affected is not None:
        found.append(_counted("promql", answer.affected, answer.affected, answer.affected, users))
    if people is not None:
        count = people.count
        found.append(_counted(people.method, count.low, count.value, count.high, users))
    return _Service(name, users, tuple(found))


def _part(part: Part, users: int | None) -> _Evidence:
    share = fraction_of(part.share)
    if share is None:
        affected = part.affected or 0
        return _counted(part.method, affected, affected, max(part.total, affected), users)
    most = min(share * max(part.signals, 1), _ALL)
    return _Evidence(part.method, part.affected, share, most, share, part.share)


def _counted(method: str, low: int, value: int, high: int, users: int | None) -> _Evidence:
    if users is None:
        return _Evidence(method, value, None, None, None)
    least, share, most = (min(Fraction(max(n, 0), users), _ALL) for n in (low, value, high))
    return _Evidence(method, value, least, most, share)


def _of_one(service: _Service) -> Share:
    best = service.best
    assert best is not None
    parts = _said([service], None) if len(service.evidence) > 1 else ()
    if best.value is None:
        return Share(affected=best.affected, method=best.method, parts=parts)
    return Share(
        numerator=best.value.numerator,
        denominator=best.value.denominator,
        affected=best.affected,
        users=service.users,
        method=best.method,
        low=_bound(service.least, best.value),
        high=_bound(service.most, best.value),
        parts=parts,
    )


def _of_several(told: Sequence[_Service], services: Sequence[_Service], people: People | None) -> Share:
    """Over the union of users; people who were heard of may be of any of the services."""
    parts = _said(told, people)
    known = [(one, best) for one in told if (best := one.best) is not None and best.value is not None]
    measured = [(one.users, best.value, one) for one, best in known if one.users and best.value is not None]
    if len(measured) < len(known) or not measured:
        if people is None or known:
            return _of_unmeasured(told, parts)
        return _of_people(services, people, parts)
    users = sum(count for count, _, _ in measured)
    affected = sum((count * share for count, share, _ in measured), _NONE)
    least = max(count * one.least for count, _, one in measured)
    most = sum((count * one.most for count, _, one in measured), _NONE)
    largest = max(count for count, _, _ in measured)
    method = max(known, key=lambda pair: pair[1].rank)[1].method
    if people is not None:
        if people.count.value > affected:
            affected, method = Fraction(people.count.value), people.method
        least, most = max(least, Fraction(people.count.low)), most + people.count.high
    value = min(affected / users, _ALL)
    return Share(
        numerator=value.numerator,
        denominator=value.denominator,
        affected=round(min(affected, Fraction(users))),
        users=users,
        method=method,
        low=_bound(min(least / users, value), value),
        high=_bound(max(min(most / largest, _ALL), value), value),
        parts=parts,
    )


def _of_unmeasured(told: Sequence[_Service], parts: tuple[Said, ...]) -> Share:
    """Of a service with a known share nobody knows how many users it has: the worst stands for all."""
    found = [(best, one) for one in told if (best := one.best) is not None]
    best, worst = max(found, key=lambda pair: pair[0].rank)
    if best.value is None:
        return Share(affected=best.affected, method=best.method, parts=parts)
    return Share(
        numerator=best.value.numerator,
        denominator=best.value.denominator,
        affected=best.affected,
        users=worst.users,
        method=best.method,
        low=_bound(_NONE, best.value),
        high=_bound(_ALL, best.value),
        parts=parts,
    )


def _of_people(services: Sequence[_Service], people: People, parts: tuple[Said, ...]) -> Share:
    """Nothing is known but who was heard of."""
    if not all(one.users for one in services):
        return Share(affected=people.count.value, method=people.method)
    sizes = [one.users or 0 for one in services]
    value, low = (min(Fraction(n, sum(sizes)), _ALL) for n in (people.count.value, people.count.low))
    return Share(
        numerator=value.numerator,
        denominator=value.denominator,
        affected=people.count.value,
        users=sum(sizes),
        method=people.method,
        low=_bound(low, value),
        high=_bound(min(Fraction(people.count.high, max(sizes)), _ALL), value),
        parts=parts,
    )


def _said(services: Iterable[_Service], people: People | None) -> tuple[Said, ...]:
    said = [
        Said(method=e.method, service=one.name, affected=e.affected, users=one.users, share=e.written)
        for one in services
        for e in one.evidence
    ]
    if people is not None:
        said.append(Said(method=people.method, affected=people.count.value))
    return tuple(said)


def _bound(bound: Fraction, value: Fraction) -> str | None:
    return None if bound == value else f"{bound.numerator}/{bound.denominator}"
