"""Durations as people write them: ``90s``, ``30m``, ``1h30m``, ``2d``. Seconds inside."""

import re
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_WHOLE = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_SECONDS = (86400, 3600, 60, 1)


def parse_duration(text: object) -> float:
    """Seconds. Raises ValueError with what is allowed for anything else, bare numbers too."""
    if isinstance(text, float) and not isinstance(text, bool):
        return text  # a default that is already in seconds
    match = _WHOLE.fullmatch(text) if isinstance(text, str) and text else None
    if match is None or not any(match.groups()):
        raise ValueError(f"{text!r} is not a duration; write it with units, like 90s, 30m, 1h30m or 2d")
    return float(sum(int(n) * unit for n, unit in zip(match.groups(), _SECONDS, strict=True) if n))


def format_duration(seconds: float) -> str:
    """The shortest way to write it in these units; below a second is rounded."""
    rest = round(seconds)
    parts = []
    for unit, letter in zip(_SECONDS, "dhms", strict=True):
        count, rest = divmod(rest, unit)
        if count:
            parts.append(f"{count}{letter}")
    return "".join(parts) or "0s"


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema(
        {"type": "string", "pattern": r"^(\d+d)?(\d+h)?(\d+m)?(\d+s)?$", "examples": ["90s", "1h30m"]}
    ),
]
