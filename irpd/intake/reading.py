"""Bodies as plain values: what is JSON is read, what is not says where it breaks.

One parser for every source type (pydantic's own, which is also what validates the
Alertmanager bodies): it bounds depth and the digits of numbers, refuses invalid UTF-8,
keeps the last of duplicate keys and names line and column of what it can't read. Half of
a surrogate pair, which senders that cut texts by UTF-16 units do produce, becomes U+FFFD.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic_core import from_json

from irpd.intake.text import cut

_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|u([dD][89a-fA-F]..)|.)", re.DOTALL)
_MENDED = 1024 * 1024  # a larger body is not worth the time that looking at each escape takes
_BOM = b"\xef\xbb\xbf"
_OFFSET = re.compile(r"([+-]\d\d):?(\d\d)$")


class Unreadable(Exception):
    """A body, or a part of one, that can't be understood: what is wrong and where."""


def read_json(body: bytes) -> object:
    """The body as plain values. Raises Unreadable with line and column."""
    if not body.strip():
        raise Unreadable("the body is empty")
    body = body.removeprefix(_BOM)
    try:
        return from_json(body)
    except ValueError as error:
        problem = str(error)
    mended = mend_surrogates(body) if len(body) <= _MENDED else body
    if mended != body:
        try:
            return from_json(mended)
        except ValueError as error:
            problem = str(error)
    raise Unreadable(f"not JSON: {problem}")


def mend_surrogates(body: bytes) -> bytes:
    """The body with each escaped half of a surrogate pair as U+FFFD, all else as it was."""
    return _ESCAPE.sub(lambda escape: rb"\ufffd" if escape[1] else escape[0], body)


def read_object(body: bytes) -> dict[str, object]:
    """The body as an object. Raises Unreadable."""
    value = read_json(body)
    if not isinstance(value, dict):
        raise Unreadable(f"an object was expected, not {kind(value)}")
    return value


def kind(value: object) -> str:
    """What a JSON value is, in words."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "an empty list" if not value else "a list"
        case _:
            return "an object"


def at(value: object, path: str) -> object:
    """What stands at a dotted path (``data.item.contacts.0.id``), None where there is nothing.

    A key that itself has dots in it is found too, so that ``labels.app.kubernetes.io/name``
    means what it says.
    """
    if isinstance(value, dict) and path in value:
        return value[path]
    head, dot, rest = path.partition(".")
    while True:
        step = _step(value, head)
        if step is not None:
            if not dot:
                return step
            found = at(step, rest)
            if found is not None:
                return found
        if not dot or not isinstance(value, dict):
            return None
        more, dot, rest = rest.partition(".")
        head = f"{head}.{more}"


def _step(value: object, name: str) -> object:
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, list) and name.isascii() and name.isdigit() and len(name) < 10:
        index = int(name)
        return value[index] if index < len(value) else None
    return None


def text_at(value: object, path: str) -> str:
    """The text at a path; numbers as they are written, "" for what is no single value."""
    return as_text(at(value, path))


def as_text(value: object) -> str:
    """A single value as text, without spaces around it; "" for null, lists and objects."""
    match value:
        case str():
            return value.strip()
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case _:
            return ""


def count_of(value: object) -> int | None:
    """A count: a whole number from 0, of a size that can be people; else None."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 10**12:
        return value
    return None


def instant(value: object) -> datetime | None:
    """A sender's time as aware UTC: ISO 8601 with up to nine digits of fraction, or seconds
    since 1970; None for year 1 (Go's "no time") and for what is no time at all."""
    if isinstance(value, bool):
        return None
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value / 1000 if value > 10**11 else value, UTC)
        if isinstance(value, str) and value:
            return utc(datetime.fromisoformat(_OFFSET.sub(r"\1:\2", value.strip())))
    except (ValueError, OverflowError, OSError):
        pass
    return None


def utc(when: datetime) -> datetime | None:
    """The same instant in UTC (a time without zone is taken as UTC); None for year 1."""
    if when.year == 1:
        return None
    if when.tzinfo is None:
        return when.replace(tzinfo=UTC)
    try:
        return when.astimezone(UTC)
    except OverflowError:
        return None


def header(headers: Mapping[str, str], name: str) -> str | None:
    """A header by its name in any case, also from a plain dict."""
    value = headers.get(name)
    if value is not None:
        return value
    wanted = name.lower()
    return next((value for key, value in headers.items() if key.lower() == wanted), None)


def short(value: object) -> str:
    """A value as it may be shown in a message about it."""
    return cut(repr(value) if isinstance(value, str) else as_text(value) or kind(value), 60)
