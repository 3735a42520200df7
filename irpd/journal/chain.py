"""The hash chain over the journal's events.

h(n) = SHA-256(h(n-1) ‖ seq ‖ time ‖ version ‖ subject ‖ type ‖ digest), where numbers have a
fixed width (big-endian), texts their length in front, and digest = SHA-256(salt ‖ payload). So
every event's place, subject, type, time and content is bound, and a payload can be erased together
with its salt: the digest that stays verifies, and says nothing about what it was made of.

h(0) is 32 zero bytes.
"""

from functools import lru_cache
from hashlib import sha256
from struct import Struct

GENESIS = bytes(32)
SALT_BYTES = 16

_numbers = Struct(">QqI")
_length = Struct(">I")

#: Types that hold numbers of the journal's own and nothing else. There is nothing in them that a
#: salt would have to hide, and they are by far the most frequent.
UNSALTED = frozenset({"signals-repeated"})


def digest_of(salt: bytes, payload: bytes) -> bytes:
    return sha256(salt + payload).digest()


def link(
    previous: bytes, *, seq: int, subject: str, type: str, version: int, at: int, digest: bytes
) -> bytes:
    """The head after this event. ``at`` is in microseconds since 1970."""
    numbers = _numbers.pack(seq, at, version)
    return sha256(b"".join((previous, numbers, _text(subject), _text(type), digest))).digest()


@lru_cache(4096)
def _text(text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    return _length.pack(len(data)) + data
