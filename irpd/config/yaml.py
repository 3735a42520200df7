"""YAML as plain values, with line and column of every key and value.

A narrower YAML than the library's: one document in UTF-8, no tags, keys are texts and stand once,
aliases are expanded within a bound, files and nesting are bounded. What YAML reads differently from what
its writer meant (``22:00`` as 1320, ``NO`` as false) stays as YAML has it, and ``written`` remembers the
letters, so that whoever wants a text there can say how to fix it: ``Document.found`` words that.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

import yaml

from irpd.config.nodes import Node, Position, Stop, compose
from irpd.config.problem import ConfigurationError, Problem, path_text

__all__ = ["MAX_BYTES", "Document", "Position", "Where", "parse_document", "read_bytes", "read_document"]

MAX_BYTES = 2 * 1024 * 1024
_TOO_LARGE = f"larger than {MAX_BYTES // 1024 // 1024} MiB; split it into several files"

Where = tuple[str | int, ...]
_LINE_BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One file as plain values. ``positions`` holds where each value begins by its path, ``key_positions``
    where its key does; ``written`` the letters of plain scalars that YAML doesn't read as text.
    ``problems`` are mistakes behind which reading goes on (a key twice, a key that is no text)."""

    file: str
    value: object
    positions: Mapping[Where, Position]
    key_positions: Mapping[Where, Position] = field(default_factory=dict)
    written: Mapping[Where, str] = field(default_factory=dict)
    lines: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    def position(self, path: Where, *, key: bool = False) -> Position:
        """Where the value (or its key) at ``path`` is; of what would hold it when it isn't there itself."""
        if key and path in self.key_positions:
            return self.key_positions[path]
        if path in self.positions:
            return self.positions[path]
        for end in range(len(path) - 1, -1, -1):
            for known in (self.key_positions, self.positions):
                if path[:end] in known:
                    return known[path[:end]]
        return Position(1, 1)

    def problem(
        self,
        path: Where,
        message: str,
        *,
        key: bool = False,
        allowed: Sequence[str] = (),
        severity: Literal["error", "warning"] = "error",
        secret: bool = False,
    ) -> Problem:
        """A problem at ``path``; ``secret`` keeps the line itself out of it."""
        line, column = self.position(path, key=key)
        return Problem(
            file=self.file,
            line=line,
            column=column,
            path=path_text(path),
            message=message,
            allowed=tuple(allowed),
            severity=severity,
            source_line="" if secret else _line(self.lines, line),
        )

    def found(self, path: Where, value: object, wanted: str = "text") -> str:
        """What was found where ``wanted`` is, and the fix where YAML misread it:
        ``a number, not text; quote it: "+4915100000001"``."""
        written = self.written.get(path, "")
        fix = f'; quote it: "{written}"' if written and wanted == "text" and len(written) <= 60 else ""
        if value is None:
            return self._nothing(path, wanted, fix)
        if isinstance(value, bool):
            read = "true" if value else "false"
            as_read = written.lower() in (read, "")
            return (
                f"{read}, not {wanted}" if as_read else f"YAML reads {written} as {read}, not {wanted}"
            ) + fix
        if isinstance(value, int | float):
            if ":" in written:
                return f"YAML reads {written} as the number {value}, not {wanted}{fix}"
            return f"a number, not {wanted}{fix}"
        if isinstance(value, date):
            return f"YAML reads {written or value} as a date, not {wanted}{fix}"
        kind = "a text" if isinstance(value, str) else "a mapping" if isinstance(value, Mapping) else "a list"
        return f"{kind}, not {wanted}"

    def _nothing(self, path: Where, wanted: str, fix: str) -> str:
        if fix:
            return f"YAML reads {self.written[path]} as nothing, not {wanted}{fix}"
        line, column = self.position(path, key=True)
        comment = re.search(r"(?:^|\s)(#[^\s#,\]}]+)", _line(self.lines, line)[column - 1 :])
        if comment:
            return f'nothing, not {wanted}: what follows # is a comment; quote it: "{comment[1]}"'
        return f"nothing, not {wanted}"


def read_document(path: str | Path, *, shown: str | None = None) -> Document:
    """The file at ``path``, named ``shown`` in problems. Raises ConfigurationError."""
    return parse_document(read_bytes(path, shown=shown), shown or str(path))


def read_bytes(path: str | Path, *, shown: str | None = None) -> bytes:
    """What a file of bounded size holds. Raises ConfigurationError that says why it can't be read."""
    file = shown or str(path)
    try:
        place = Path(path)
        if place.exists() and not place.is_file():
            raise ConfigurationError([Problem(file=file, message="not a file")])
        with place.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigurationError([Problem(file=file, message="no such file")]) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError([Problem(file=file, message=f"can't be read: {reason}")]) from None
    if len(data) > MAX_BYTES:
        raise ConfigurationError([Problem(file=file, message=_TOO_LARGE)])
    return data


def parse_document(text: str | bytes, file: str) -> Document:
    """Raises ConfigurationError when the text can't be read on: its syntax, its encoding, its bounds.
    Mistakes behind which reading goes on are in ``Document.problems``."""
    if len(text) > MAX_BYTES:
        raise ConfigurationError([Problem(file=file, message=_TOO_LARGE)])
    decoded = _decode(text, file) if isinstance(text, bytes) else text
    decoded = decoded.removeprefix("\ufeff")
    lines = tuple(_LINE_BREAK.split(decoded))
    try:
        _refuse_unprintable(decoded)
        root = compose(decoded)
    except Stop as stop:
        raise _stopped(file, lines, stop) from None
    except yaml.MarkedYAMLError as error:
        raise _stopped(file, lines, _syntax(error, lines)) from None
    except yaml.YAMLError as error:
        raise ConfigurationError([Problem(file=file, message=f"not YAML: {error}")]) from None
    builder = _Builder(file, lines)
    value = builder.value(root, ()) if root is not None else None
    return Document(
        file=file,
        value=value,
        positions=builder.positions,
        key_positions=builder.key_positions,
        written=builder.written,
        lines=lines,
        problems=tuple(builder.problems),
    )


class _Builder:
    """Walks the tree of nodes and fills a document's parts."""

    def __init__(self, file: str, lines: tuple[str, ...]) -> None:
        self.positions: dict[Where, Position] = {}
        self.key_positions: dict[Where, Position] = {}
        self.written: dict[Where, str] = {}
        self.problems: list[Problem] = []
        self._file = file
        self._lines = lines
        self._said: set[Position] = set()

    def value(self, node: Node, path: Where) -> object:
        self.positions[path] = node.position
        if node.kind == "list":
            return [self.value(item, (*path, n)) for n, item in enumerate(node.items)]
        if node.kind == "mapping":
            return self._mapping(node, path)
        if node.written:
            self.written[path] = node.written
        return node.value

    def _mapping(self, node: Node, path: Where) -> dict[str, object]:
        result: dict[str, object] = {}
        seen: dict[str, Position] = {}
        for key, value in node.pairs:
            if key.merges:
                continue
            if key.kind != "scalar" or not isinstance(key.value, str):
                self._say(key.position, path, _no_key(key, path))
            elif key.value in seen:
                first = seen[key.value]
                message = f"stands twice, first in line {first.line}, column {first.column}"
                self._say(key.position, (*path, key.value), message)
            else:
                seen[key.value] = key.position
                self.key_positions[(*path, key.value)] = key.position
                result[key.value] = self.value(value, (*path, key.value))
        for key, value in node.pairs:
            if key.merges:
                self._merge(value, path, result)
        return result

    def _merge(self, node: Node, path: Where, result: dict[str, object]) -> None:
        """``<<``: what stands in the mapping itself goes before what it takes over."""
        for source in node.items if node.kind == "list" else [node]:
            if source.kind != "mapping":
                self._say(source.position, path, "<< takes over a mapping, or a list of mappings")
                continue
            for key, value in source.pairs:
                if key.merges:
                    self._merge(value, path, result)
                elif isinstance(key.value, str) and key.kind == "scalar" and key.value not in result:
                    self.key_positions[(*path, key.value)] = key.position
                    result[key.value] = self.value(value, (*path, key.value))

    def _say(self, position: Position, path: Where, message: str) -> None:
        if position in self._said:  # the same lines again through an alias
            return
        self._said.add(position)
        self.problems.append(
            Problem(
                file=self._file,
                line=position.line,
                column=position.column,
                path=path_text(path),
                message=message,
                source_line=_line(self._lines, position.line),
            )
        )


def _no_key(key: Node, path: Where) -> str:
    if key.kind != "scalar":
        return f"a key is a text, not a {key.kind}"
    if path[-1:] == ("levels",) and isinstance(key.value, int):
        return "levels are named here, not numbered: critical, high, medium, low"
    if not key.written:
        return "a key is missing before the colon"
    read = {"true": "true", "false": "false", "none": "nothing", "date": "a date", "datetime": "a date"}
    kind = read.get(str(key.value).lower()) or read.get(type(key.value).__name__, "a number")
    return f'a key is a text, and YAML reads {key.written} as {kind}; quote it: "{key.written}"'


def _line(lines: Sequence[str], number: int) -> str:
    return lines[number - 1][:400] if 0 < number <= len(lines) else ""


def _decode(data: bytes, file: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ConfigurationError([Problem(file=file, line=1, column=1, message="UTF-16; save it as UTF-8")])
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = _LINE_BREAK.split(data[: error.start].decode("utf-8"))
        message = f"not UTF-8: byte 0x{data[error.start]:02x}; save the file as UTF-8"
        raise ConfigurationError(
            [Problem(file=file, line=len(before), column=len(before[-1]) + 1, message=message)]
        ) from None


def _refuse_unprintable(text: str) -> None:
    found = _UNPRINTABLE.search(text)
    if found:
        before = _LINE_BREAK.split(text[: found.start()])
        place = Position(len(before), len(before[-1]) + 1)
        raise Stop(place, f"the control character U+{ord(found[0]):04X} is not allowed")


def _stopped(file: str, lines: Sequence[str], stop: Stop) -> ConfigurationError:
    line, column = stop.position
    problem = Problem(
        file=file, line=line, column=column, message=stop.message, source_line=_line(lines, line)
    )
    return ConfigurationError([problem])


def _syntax(error: yaml.MarkedYAMLError, lines: Sequence[str]) -> Stop:
    mark = error.problem_mark or error.context_mark
    place = Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)
    message = error.problem or "not YAML"
    at = _line(lines, place.line)[place.column - 1 : place.column]
    if at == "\t" or (not _line(lines, place.line)[: place.column - 1].strip() and "\t" in at):
        message = "a tab; YAML indents with spaces only"
    elif error.context and error.context_mark and error.context_mark.line + 1 != place.line:
        message = f"{message}, {error.context} that begins in line {error.context_mark.line + 1}"
    elif error.context:
        message = f"{message}, {error.context}"
    return Stop(place, message)
