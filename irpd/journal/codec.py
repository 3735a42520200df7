"""Events and rows as bytes, and back.

An event lies in the journal as its type, the version of that type and a JSON object without the
tag and without what has its default. Rows are JSON objects too. What was written once is read for
ever: a type whose shape changed gets a higher number in ``VERSIONS`` and a function in ``UPCASTS``
for each step up, which gets the older version's plain values and returns the newer's.

Invariants: ``decode_event(*encode_event(e)) == e`` for every event that ``encode_event`` takes; what
it can't write so that it is read back (a NaN in a number, a time without its zone) it refuses, before
anything is written. Text that is not Unicode (lone surrogates) is written with U+FFFD in its place.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple, TypeVar, get_args

import msgspec

from irpd.engine.ports import JournalCorrupt
from irpd.model.contact import Contact
from irpd.model.event import AnyEvent
from irpd.model.heartbeat import Heartbeat
from irpd.model.incident import Incident, Member
from irpd.model.override import Override
from irpd.model.page import Page
from irpd.model.shadow import Shadow
from irpd.model.shift import ComingShift
from irpd.model.standing import Standing
from irpd.model.waits import Silence

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

#: Types whose shape has changed since their first release, with their present version.
VERSIONS: Mapping[str, int] = {}

#: (type, version) → the function that turns that version's plain values into the next one's.
UPCASTS: Mapping[tuple[str, int], Callable[[dict[str, Any]], dict[str, Any]]] = {}

Row = Incident | Member | Page | Standing
T = TypeVar("T")


class Unstorable(ValueError):
    """A value that the journal can't write so that it reads back the same."""


class Encoded(NamedTuple):
    """An event as it lies in the journal."""

    type: str
    version: int
    payload: bytes


_encode = msgspec.json.Encoder().encode
_incident: msgspec.json.Decoder[Incident] = msgspec.json.Decoder(Incident)
_member: msgspec.json.Decoder[Member] = msgspec.json.Decoder(Member)
_page: msgspec.json.Decoder[Page] = msgspec.json.Decoder(Page)
#: Every kind of row that stands beside the incidents; a new one is added here.
_standing: Mapping[str, msgspec.json.Decoder[Any]] = {
    kind.kind: msgspec.json.Decoder(kind)
    for kind in (Silence, Override, Heartbeat, Shadow, ComingShift, Contact)
}


class _Kind(NamedTuple):
    name: str
    version: int
    prefix: int  # how many bytes `{"type":"name"` has


def _name_of(kind: type) -> str:
    return str(kind.__struct_config__.tag)  # type: ignore[attr-defined]  # of every Struct; mypy doesn't see it


_KINDS: Mapping[type, _Kind] = {
    kind: _Kind(
        _name_of(kind), VERSIONS.get(_name_of(kind), 1), len(b'{"type":""') + len(_name_of(kind).encode())
    )
    for kind in get_args(AnyEvent)
}
_TYPES: Mapping[str, type] = {kind.name: type_ for type_, kind in _KINDS.items()}
TYPES = frozenset(_TYPES)


@cache
def _decoder(type: str) -> msgspec.json.Decoder[AnyEvent]:
    return msgspec.json.Decoder(_TYPES[type])


# ------------------------------------------------------------------ times
def micros(at: datetime) -> int:
    """Microseconds since 1970 (UTC). Raises Unstorable for a time without its zone."""
    if at.tzinfo is None:
        raise Unstorable(f"the time {at.isoformat()} has no time zone")
    since = at - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def instant(at: int) -> datetime:
    """The other way round."""
    return EPOCH + at * MICROSECOND


# ------------------------------------------------------------------ events
def encode_event(event: AnyEvent) -> Encoded:
    """The event's type, version and payload. Raises Unstorable."""
    kind = _KINDS[type(event)]
    whole = _written(event)
    rest = whole[kind.prefix :]
    payload = b"{" + rest[1:] if rest[:1] == b"," else b"{}"
    if b"null" in payload:
        # The one word that a NaN and an infinity leave behind where a number must stand.
        _readable(_decoder(kind.name), payload, kind.name)
    return Encoded(kind.name, kind.version, payload)


def decode_event(type: str, version: int, payload: bytes) -> AnyEvent:
    """The event, brought up to its type's present version. Raises JournalCorrupt."""
    if type not in _TYPES:
        raise JournalCorrupt(f"an event has the type {type!r}, which this irpd doesn't know")
    present = VERSIONS.get(type, 1)
    try:
        if version == present:
            return _decoder(type).decode(payload)
        if version > present:
            raise JournalCorrupt(
                f"an event {type!r} has version {version}; this irpd knows it up to version {present}"
            )
        values = msgspec.json.decode(payload)
        for older in range(version, present):
            values = UPCASTS[type, older](values)
        event: AnyEvent = msgspec.convert(values, _TYPES[type])
        return event
    except (msgspec.MsgspecError, KeyError, ValueError) as error:
        raise JournalCorrupt(f"an event {type!r} (version {version}) can't be read: {error}") from error


# ------------------------------------------------------------------ rows
def encode_row(row: Row) -> bytes:
    """A row of the projection as bytes. Raises Unstorable."""
    data = _written(row)
    if b"null" in data:
        _readable(_decoder_of(row), data, type(row).__name__)
    return data


def _decoder_of(row: Row) -> msgspec.json.Decoder[Any]:
    match row:
        case Incident():
            return _incident
        case Member():
            return _member
        case Page():
            return _page
        case Standing():
            return _standing[row.kind]


def decode_incident(data: bytes) -> Incident:
    return _row(_incident, data, "incident")


def decode_member(data: bytes) -> Member:
    return _row(_member, data, "member")


def decode_page(data: bytes) -> Page:
    return _row(_page, data, "page")


def decode_standing(kind: str, data: bytes) -> Standing:
    if kind not in _standing:
        raise JournalCorrupt(f"a row has the kind {kind!r}, which this irpd doesn't know")
    row: Standing = _row(_standing[kind], data, kind)
    return row


def _row(decoder: msgspec.json.Decoder[T], data: bytes, what: str) -> T:
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, ValueError) as error:
        raise JournalCorrupt(f"a row of an {what} can't be read: {error}") from error


# ------------------------------------------------------------------ what can be written
def unicode(text: str) -> str:
    """The text with U+FFFD for what isn't Unicode: lone surrogates, as undecodable bytes leave them."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _written(value: AnyEvent | Row) -> bytes:
    try:
        return _encode(value)
    except UnicodeEncodeError:
        kind = type(value)
        plain = msgspec.to_builtins(value)
        return _encode(msgspec.convert(_unicode(plain), kind))
    except (msgspec.MsgspecError, ValueError, OverflowError, TypeError) as error:
        raise Unstorable(f"{type(value).__name__} can't be written: {error}") from error


def _readable(decoder: msgspec.json.Decoder[Any], data: bytes, what: str) -> None:
    try:
        decoder.decode(data)
    except msgspec.MsgspecError as error:
        raise Unstorable(f"{what} would not be readable again: {error}") from error


def _unicode(value: Any) -> Any:
    if isinstance(value, str):
        return unicode(value)
    if isinstance(value, dict):
        return {_unicode(key): _unicode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_unicode(item) for item in value]
    return value
