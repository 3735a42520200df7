"""What belongs to irpd's configuration and is not built yet: refused with what there is instead.

A key that did nothing would be believed. An entry goes when its feature comes.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from irpd.config.channels import CHANNEL_TYPES
from irpd.config.merge import Merged
from irpd.config.problem import Problem
from irpd.config.shape import keys_at
from irpd.config.yaml import Where

_KEYS: tuple[tuple[str, ...], ...] = (
    *((section,) for section in ("calendars", "objectives", "regimes")),
    *((section,) for section in ("silences", "twilio", "audit", "status_page")),
    ("journal", "redis"),
    ("server", "tls"),
    ("services", "*", "visible_to"),
    *(("schedules", "*", key) for key in ("overrides", "calendar")),
    *(("schedules", "*", "layers", "*", key) for key in ("restrict", "until", "end")),
    *(("roles", role) for role in ("legal", "subject-matter-expert")),
)
_CHANNEL_TYPES = (
    *("sms", "call", "status-page", "discord"),
    *("pagerduty", "opsgenie", "matrix", "signal", "whatsapp", "web-push"),
)


def unsupported(merged: Merged) -> tuple[list[Problem], set[Where]]:
    """The problems, and the paths to leave out of further checks of single values."""
    problems: list[Problem] = []
    left_out: set[Where] = set()
    for pattern in _KEYS:
        for path in places(merged.value, pattern):
            holder = path[:-1]
            left_out.add(path)
            here = keys_at(holder, merged.value) or ("type",)
            problems.append(merged.problem(path, _message(here), key=True))
    for path in places(merged.value, ("channels", "*", "type")):
        kind = value_at(merged.value, path)
        if isinstance(kind, str) and kind.lower() in _CHANNEL_TYPES:
            left_out.add(path[:-1])
            problems.append(merged.problem(path, f"{kind} is {_message(CHANNEL_TYPES)}"))
    return problems, left_out


def places(value: object, pattern: tuple[str, ...], path: Where = ()) -> Iterator[Where]:
    """The paths in ``value`` that fit ``pattern``, where ``*`` is any key or place in a list."""
    if not pattern:
        yield path
        return
    head, rest = pattern[0], pattern[1:]
    if isinstance(value, Mapping):
        for key in value if head == "*" else ([head] if head in value else []):
            yield from places(value[key], rest, (*path, key))
    elif isinstance(value, list) and head == "*":
        for n, item in enumerate(value):
            yield from places(item, rest, (*path, n))


def value_at(value: Any, path: Where) -> Any:
    """What stands at a path that ``places`` found."""
    for part in path:
        value = value[part]
    return value


def _message(instead: tuple[str, ...]) -> str:
    return "not supported yet" + (f"; supported here: {', '.join(instead)}" if instead else "")
