"""Alertmanager's fingerprint of a label set (prometheus/common model/signature.go).

FNV-1a, 64 bit, over the labels sorted by name: name, 0xFF, value, 0xFF of each, in UTF-8;
sixteen lower-case hex digits. Checked against every alert recorded from Alertmanager.
"""

import hashlib

_OFFSET = 14695981039346656037
_PRIME = 1099511628211
_MASK = 0xFFFFFFFFFFFFFFFF
#: Beyond this many bytes the loop below would hold everybody up; no real label set is near it.
_MOST = 65536


def fingerprint(labels: dict[str, str]) -> str:
    """The identity of an alert by its labels (those with an empty value don't count)."""
    data = b"".join(
        name.encode("utf-8", "surrogatepass") + b"\xff" + value.encode("utf-8", "surrogatepass") + b"\xff"
        for name, value in sorted(labels.items())
        if value
    )
    if len(data) > _MOST:
        return hashlib.blake2b(data, digest_size=16).hexdigest()
    state = _OFFSET
    for byte in data:
        state = ((state ^ byte) * _PRIME) & _MASK
    return f"{state:016x}"
