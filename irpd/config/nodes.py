"""YAML's events as a bounded tree of nodes, each with its place.

The library cuts the text into events and says what a plain scalar means; building is done here because the
library's own builder keeps the last of two equal keys silently, recurses as deep as the text says, and
expands aliases without a bound. A node that is used again through an alias is the same object; its ``size``
counts everything below it once for each use, so that a few lines can't become a billion values.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import yaml
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

MAX_DEPTH = 40
MAX_NODES = 200_000  # after aliases are expanded

_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVER = Resolver()
_CONSTRUCTOR = SafeConstructor()
_TAG = "tag:yaml.org,2002:"


class Position(NamedTuple):
    """Counted from 1, as editors do."""

    line: int
    column: int


class Stop(Exception):
    """Reading can't go on at this place."""

    def __init__(self, position: Position, message: str) -> None:
        self.position = position
        self.message = message
        super().__init__(message)


@dataclass(slots=True, eq=False)
class Node:
    """``value`` is a scalar's; ``written`` its letters where it is plain and no text."""

    kind: Literal["scalar", "list", "mapping"]
    position: Position
    value: object = None
    written: str = ""
    items: list["Node"] = field(default_factory=list)
    pairs: list[tuple["Node", "Node"]] = field(default_factory=list)
    size: int = 1

    @property
    def merges(self) -> bool:
        """Whether this is the key ``<<``."""
        return self.kind == "scalar" and self.written == "<<"


def compose(text: str) -> Node | None:
    """The tree of the one document in ``text``; None when there is nothing in it. Raises Stop, and the
    library's own YAMLError for what is no YAML."""
    return _Composer(text).document()


class _Composer:
    def __init__(self, text: str) -> None:
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=_PARSER)
        self._anchors: dict[str, Node | None] = {}  # None while its node is being read

    def document(self) -> Node | None:
        root: Node | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise Stop(_position(event), "a second document; one file is one document, without ---")
                self._anchors.clear()
                root = self._node(next(self._events), depth=0)
        return root

    def _node(self, event: yaml.Event, *, depth: int) -> Node:
        place = _position(event)
        if depth > MAX_DEPTH:
            raise Stop(place, f"nested more than {MAX_DEPTH} deep")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(str(event.anchor), place)
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            self._anchors[anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            node = _scalar(event, place)
        elif isinstance(event, yaml.SequenceStartEvent):
            _refuse_tag(event.tag, place, "seq")
            node = self._list(place, depth)
        else:
            _refuse_tag(getattr(event, "tag", None), place, "map")
            node = self._mapping(place, depth)
        if node.size > MAX_NODES:
            raise Stop(place, f"more than {MAX_NODES:,} values once its aliases are filled in")
        if anchor is not None:
            self._anchors[anchor] = node
        return node

    def _alias(self, anchor: str, place: Position) -> Node:
        if anchor not in self._anchors:
            raise Stop(place, f"no anchor &{anchor} stands before this alias")
        node = self._anchors[anchor]
        if node is None:
            raise Stop(place, f"the alias *{anchor} stands inside what it names")
        return node

    def _list(self, place: Position, depth: int) -> Node:
        node = Node("list", place)
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            item = self._node(event, depth=depth + 1)
            node.items.append(item)
            node.size += item.size
        return node

    def _mapping(self, place: Position, depth: int) -> Node:
        node = Node("mapping", place)
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, depth=depth + 1)
            value = self._node(next(self._events), depth=depth + 1)
            node.pairs.append((key, value))
            node.size += key.size + value.size
        return node


def _position(event: yaml.Event) -> Position:
    mark = event.start_mark
    return Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)


def _refuse_tag(tag: str | None, place: Position, kind: str) -> None:
    if tag not in (None, "!", _TAG + kind):
        raise Stop(place, f"the tag {tag[:60] if tag else ''} is not allowed here; write the plain value")


def _scalar(event: yaml.ScalarEvent, place: Position) -> Node:
    written: str = event.value
    if event.tag is not None and event.tag != "!":
        _refuse_tag(event.tag, place, "str")
        return Node("scalar", place, written)
    if not event.implicit[0]:  # in quotes or a block
        return Node("scalar", place, written)
    tag = _RESOLVER.resolve(yaml.ScalarNode, written, (True, False))  # type: ignore[no-untyped-call]  # untyped in PyYAML's stubs
    kind = tag.removeprefix(_TAG)
    if kind == "merge":
        return Node("scalar", place, written, written)
    build = getattr(_CONSTRUCTOR, f"construct_yaml_{kind}", None)
    if kind == "str" or build is None:
        return Node("scalar", place, written)
    try:
        return Node("scalar", place, build(yaml.ScalarNode(tag, written)), written)
    except (ValueError, OverflowError):  # looks like a date or number and is none, such as 2026-13-45
        return Node("scalar", place, written)
