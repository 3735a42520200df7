"""A body as its difference to an earlier one of the same group.

A sender that repeats itself changes one place: a reason, a time, a counter. What is kept is how
many bytes at the start and at the end are the earlier body's, and what stands between:

    prefix length ‖ suffix length ‖ middle        (lengths as LEB128, 7 bits a byte)

There are never differences to differences: the earlier body is always a whole one.
"""

#: A difference is worth keeping only if it is smaller than the body by this factor.
WORTH = 4


def _common_prefix(a: bytes, b: bytes) -> int:
    most = min(len(a), len(b))
    if a[:most] == b[:most]:
        return most
    low, high = 0, most  # a[:low] == b[:low], a[:high] != b[:high]
    while high - low > 1:
        middle = (low + high) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle
    return low


def _common_suffix(a: bytes, b: bytes, most: int) -> int:
    if not most:
        return 0
    if a[-most:] == b[-most:]:
        return most
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        if a[len(a) - middle : len(a) - low] == b[len(b) - middle : len(b) - low]:
            low = middle
        else:
            high = middle
    return low


def difference(base: bytes, body: bytes) -> bytes | None:
    """What has to be kept beside ``base`` to have ``body`` again; None if it wouldn't pay."""
    if base == body:
        return _number(len(base)) + _number(0)
    prefix = _common_prefix(base, body)
    suffix = _common_suffix(base, body, min(len(base), len(body)) - prefix)
    middle = body[prefix : len(body) - suffix]
    if len(middle) * WORTH > len(body):
        return None
    return _number(prefix) + _number(suffix) + middle


def restored(base: bytes, kept: bytes) -> bytes:
    """The body that ``difference(base, body)`` was made of. Raises ValueError for what isn't one."""
    prefix, at = _read(kept, 0)
    suffix, at = _read(kept, at)
    if prefix + suffix > len(base):
        raise ValueError("the difference doesn't belong to this body")
    return base[:prefix] + kept[at:] + base[len(base) - suffix :]


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(0x80 | (value & 0x7F))
        value >>= 7
    out.append(value)
    return bytes(out)


def _read(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("the difference is cut off")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
