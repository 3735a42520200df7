"""From model values to JSON as irpd spells it.

RFC 3339 UTC with ``Z``, durations as ``*_seconds`` numbers, what is absent as ``null`` and
never as an empty text.
"""

from datetime import UTC, datetime
from enum import Enum

import msgspec

#: Fields of events and rows that are durations.
_SECONDS = {
    "took": "took_seconds",
    "wait": "wait_seconds",
    "every": "every_seconds",
    "quiet_for": "quiet_for_seconds",
    "reopen_within": "reopen_within_seconds",
    "group_within": "group_within_seconds",
    "group_at_most": "group_at_most_seconds",
    "down_for": "down_for_seconds",
    "seconds": "jump_seconds",
}

_ENCODER = msgspec.json.Encoder()


def encode(value: object) -> bytes:
    """One line of JSON, newline included, so that terminals and ``| jq`` are both content."""
    return _ENCODER.encode(value) + b"\n"


def utc_text(at: datetime) -> str:
    """``2026-11-24T02:02:11.482Z``; without the fraction where it is zero."""
    at = at.astimezone(UTC)
    return at.isoformat(timespec="milliseconds" if at.microsecond else "seconds").replace("+00:00", "Z")


def plain(value: object) -> object:
    """A model value as JSON's own types, every field of a struct named."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return value or None
    if isinstance(value, msgspec.Struct):
        return {_SECONDS.get(name, name): plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, dict):
        return {str(key): item if isinstance(item, str) else plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value)
