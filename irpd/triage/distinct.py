"""How many different people: exact while they are few, then a sketch of bounded size.

People come as keyed 64-bit hashes in hexadecimal, never as what names them. Up to ``EXACT`` of them the set
itself is kept; past that the registers of a HyperLogLog (Flajolet, Fusy, Gandouet, Meunier 2007), counted
with the estimator of Ertl (2017), whose standard error is ``ERROR`` of the true number. Either takes at most
2 KiB, so that it can lie in an incident's row. Sets and sketches merge without loss: the union of two is what
adding everybody to one gives, in any order. Most new people change nothing in a large sketch; ``added`` then
gives back the same value, and nothing has to be written down.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from math import log, sqrt

from irpd.model.share import Distinct

#: So many are kept one by one.
EXACT = 256
_BITS = 11
_REGISTERS = 1 << _BITS
_RANKS = 64 - _BITS
_EMPTY = bytes(_REGISTERS)
_ALPHA = 1 / (2 * log(2))
#: Standard error of a sketch's count, as a fraction of it; bounds are two of them to either side.
ERROR = 1.04 / sqrt(_REGISTERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many there are; with ``low`` equal to ``high`` exactly so many."""

    value: int
    low: int
    high: int


def added(people: Distinct, person: str) -> Distinct:
    """With this person (16 hexadecimal digits); ``people`` itself when that changes nothing."""
    return union(people, Distinct(exact=_hash(person))) if is_new(people, person) else people


def union(one: Distinct, other: Distinct) -> Distinct:
    """Everybody who is in either; ``one`` itself when that is all of them."""
    if not one or not other:
        return one or other
    if not one.sketch and not other.sketch:
        here = set(_hashes(one.exact))
        new = here.union(_hashes(other.exact))
        if len(new) == len(here):
            return one
        exact = b"".join(sorted(new))
        return Distinct(exact=exact) if len(new) <= EXACT else Distinct(sketch=_sketched(exact))
    mine, theirs = (two.sketch or _sketched(two.exact) for two in (one, other))
    both = bytes(map(max, mine, theirs))
    return one if one.sketch == both else Distinct(sketch=both)


@lru_cache(maxsize=1024)
def counted(people: Distinct) -> Count:
    if not people.sketch:
        exactly = len(people.exact) // 8
        return Count(value=exactly, low=exactly, high=exactly)
    value = _estimate(people.sketch)
    return Count(value=round(value), low=int(value * (1 - 2 * ERROR)), high=int(value * (1 + 2 * ERROR)) + 1)


def is_new(people: Distinct, person: str) -> bool:
    """Whether adding this person would change anything."""
    if not people.sketch:
        return _hash(person) not in _hashes(people.exact)
    place, rank = _register(_hash(person))
    return people.sketch[place] < rank


def _hash(person: str) -> bytes:
    """Its 8 bytes; what is no keyed hash of ours (in old journals, in tests) is hashed here."""
    if len(person) == 16:
        try:
            return bytes.fromhex(person)
        except ValueError:
            pass
    return hashlib.sha256(person.encode("utf-8", "surrogatepass")).digest()[:8]


def _hashes(exact: bytes) -> list[bytes]:
    return [exact[i : i + 8] for i in range(0, len(exact), 8)]


def _sketched(exact: bytes) -> bytes:
    registers = bytearray(_EMPTY)
    for one in _hashes(exact):
        place, rank = _register(one)
        registers[place] = max(registers[place], rank)
    return bytes(registers)


def _register(one: bytes) -> tuple[int, int]:
    """Which register, and the place of the first bit that is set in the rest."""
    number = int.from_bytes(one, "big")
    rest = number & ((1 << _RANKS) - 1)
    return number >> _RANKS, _RANKS - rest.bit_length() + 1


def _estimate(registers: bytes) -> float:
    counts = [0] * (_RANKS + 2)
    for value in registers:
        counts[value] += 1
    z = _REGISTERS * _tau(1 - counts[_RANKS + 1] / _REGISTERS)
    for k in range(_RANKS, 0, -1):
        z = (z + counts[k]) / 2
    z += _REGISTERS * _sigma(counts[0] / _REGISTERS)
    return _ALPHA * _REGISTERS * _REGISTERS / z


def _sigma(x: float) -> float:
    if x == 1:
        return float("inf")
    z, y = x, 1.0
    while True:
        x *= x
        before = z
        z += x * y
        y += y
        if z == before:
            return z


def _tau(x: float) -> float:
    if x in (0, 1):
        return 0.0
    z, y = 1 - x, 1.0
    while True:
        x = sqrt(x)
        before = z
        y /= 2
        z -= (1 - x) ** 2 * y
        if z == before:
            return z / 3
