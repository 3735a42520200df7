"""Durations as people write them: ``90s``, ``30m``, ``1h30m``, ``2d``. Seconds inside."""

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, PlainSerializer, ValidationInfo, WithJsonSchema

_WHOLE = re.compile(r"(?:([0-9]{1,9})d)?(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?")
_SECONDS = (86400, 3600, 60, 1)
LONGEST = 3650 * 86400.0  # ten years; sums of durations and dates stay within what dates can hold


def parse_duration(text: object) -> float:
    """Seconds. Raises ValueError with what is allowed for anything else, bare numbers too."""
    if isinstance(text, float):
        return text  # a default that is already in seconds
    match = _WHOLE.fullmatch(text) if isinstance(text, str) and text else None
    if match is None or not any(match.groups()):
        shown = repr(text) if len(repr(text)) <= 40 else "this"
        raise ValueError(f"{shown} is not a duration; write it with units, like 90s, 30m, 1h30m or 2d")
    seconds = float(sum(int(n) * unit for n, unit in zip(match.groups(), _SECONDS, strict=True) if n))
    if seconds > LONGEST:
        raise ValueError(f"{text} is too long; the longest duration is {format_duration(LONGEST)}")
    return seconds


def format_duration(seconds: float) -> str:
    """The shortest way to write it in these units; below a second is rounded."""
    rest = round(seconds)
    parts = []
    for unit, letter in zip(_SECONDS, "dhms", strict=True):
        count, rest = divmod(rest, unit)
        if count:
            parts.append(f"{count}{letter}")
    return "".join(parts) or "0s"


def _from_file(value: object, info: ValidationInfo) -> float:
    if info.mode == "json" and isinstance(value, float):  # a bare number in a file
        raise ValueError(f"{value} is not a duration; write it with units, like 90s, 30m, 1h30m or 2d")
    return parse_duration(value)


Duration = Annotated[
    float,
    BeforeValidator(_from_file),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema(
        {"type": "string", "pattern": r"^(?=\d)(\d+d)?(\d+h)?(\d+m)?(\d+s)?$", "examples": ["90s", "1h30m"]}
    ),
]


def _every(value: object, info: ValidationInfo) -> float | str:
    if isinstance(value, str) and value in ("daily", "as-needed"):
        return value
    try:
        seconds = _from_file(value, info)
    except ValueError as error:
        raise ValueError(f"{error}; or daily, or as-needed") from None
    if seconds < 60:
        raise ValueError("at least 1m, or daily, or as-needed")
    return seconds


def _every_text(value: float | str) -> str:
    return value if isinstance(value, str) else format_duration(value)


#: How often something is due: a duration, ``daily`` (the same time of day on the next day) or ``as-needed``.
Every = Annotated[
    float | Literal["daily", "as-needed"],
    BeforeValidator(_every),
    PlainSerializer(_every_text, return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^(daily|as-needed|(?=\d)(\d+d)?(\d+h)?(\d+m)?(\d+s)?)$",
            "examples": ["30m", "daily", "as-needed"],
        }
    ),
]
