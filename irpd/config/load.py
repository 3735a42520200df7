"""From files to the configuration in force, with everything that is wrong in them at once.

``read_configuration`` never raises for what stands in the files: it goes on as far as it can, so that one
look names all mistakes. ``load_configuration`` is for those who need a configuration or an error. A
``Loaded`` can be put into a bundle, from which irpd runs without the files: secrets are not in it, because
the files don't hold any.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import isfinite
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from irpd.config.base import LEVEL_NAMES
from irpd.config.files import Read, configuration_files, parse_files, read_files, rule_files
from irpd.config.merge import Merged, merge
from irpd.config.mistakes import problems_of
from irpd.config.problem import ConfigurationError, Problem, in_file_order
from irpd.config.supported import unsupported
from irpd.config.values import Configuration
from irpd.config.yaml import Document, Where

_LEVEL_KEYS = ("respond_within", "update_every", "resolve_within", "urgency", "stale_after")
#: The protocol's objectives and urgencies, level by level.
PROTOCOL_LEVELS: Mapping[str, Mapping[str, str]] = {
    "critical": dict(zip(_LEVEL_KEYS, ("15m", "30m", "4h", "now", "1h"), strict=True)),
    "high": dict(zip(_LEVEL_KEYS, ("1h", "2h", "8h", "now", "4h"), strict=True)),
    "medium": dict(zip(_LEVEL_KEYS, ("4h", "daily", "24h", "working-hours", "2d"), strict=True)),
    "low": dict(zip(_LEVEL_KEYS, ("24h", "as-needed", "72h", "quiet", "0s"), strict=True)),
}
_PASSWORD_IN_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A good configuration and the files it comes from. ``documents`` are those of the configuration,
    ``rules`` those of the rules; ``files`` holds all bytes by name, in order, the configuration's first.
    ``hash`` names the set: 12 hexadecimal digits. ``problems`` are warnings only."""

    configuration: Configuration
    documents: tuple[Document, ...]
    rules: tuple[Document, ...]
    rule_paths: tuple[Path, ...]
    files: dict[str, bytes]
    hash: str
    directory: str
    merged: Merged
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was read, good or not. ``merged`` is None when a file could not be parsed; ``loaded`` when
    there is an error in ``problems``. ``files`` names all that take part, those too that can't be read."""

    merged: Merged | None
    configuration: Configuration | None
    rules: tuple[Document, ...]
    problems: tuple[Problem, ...]
    files: tuple[str, ...]
    loaded: Loaded | None


def load_configuration(paths: Iterable[str | Path]) -> Loaded:
    """The configuration that these files and folders say. Raises ConfigurationError with all problems."""
    return _good(read_configuration(paths))


def read_configuration(paths: Iterable[str | Path]) -> Reading:
    """The same for who wants to go on after an error."""
    names, problems = configuration_files(paths)
    return _reading(read_files(names), None, problems, os.getcwd())


def bundle(loaded: Loaded) -> bytes:
    """Everything needed to run again from this alone, but for the secrets. Equal for equal files."""
    rules = {str(path) for path in loaded.rule_paths}
    files = [(name, data.decode("utf-8")) for name, data in loaded.files.items()]
    content = {
        "format": "irpd.bundle/1",
        "directory": loaded.directory,
        "configuration": [file for file in files if file[0] not in rules],
        "rules": [file for file in files if file[0] in rules],
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def load_bundle(data: bytes) -> Loaded:
    """Raises ConfigurationError when it is no bundle, or holds what this irpd no longer takes."""
    try:
        content = json.loads(data)
        if content["format"] != "irpd.bundle/1":
            raise ValueError
        files = {str(name): str(text).encode("utf-8") for name, text in content["configuration"]}
        rules = {str(name): str(text).encode("utf-8") for name, text in content["rules"]}
        directory = str(content["directory"])
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ConfigurationError(
            [Problem(file="bundle", message="not a configuration kept by irpd")]
        ) from None
    return _good(_reading(parse_files(files), parse_files(rules), [], directory))


def hash_of(contents: Iterable[bytes]) -> str:
    """The first 12 hexadecimal digits of SHA-256 over all files, each with its length before it."""
    digest = hashlib.sha256()
    for data in contents:
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:12]


def _good(reading: Reading) -> Loaded:
    if reading.loaded is None:
        raise ConfigurationError(reading.problems)
    return reading.loaded


def _reading(read: Read, rules: Read | None, problems: Sequence[Problem], directory: str) -> Reading:
    found = [*problems, *read.problems]
    # With a part unread, what the rest lacks would be said to be missing.
    merged = merge(read.documents) if read.documents and not found else None
    configuration = None
    if merged is not None:
        if rules is None:
            rule_names, more = rule_files(_patterns(merged), read.contents)
            rules = read_files(rule_names)
            found += more
        found += [*merged.problems, *_empty(merged), *_rule_problems(rules)]
        configuration, more = _validated(merged, directory)
        found += more
    rules = rules or Read(names=(), contents={}, documents=(), problems=())
    names = (*read.names, *rules.names)
    ordered = tuple(in_file_order(found, names))
    loaded = None
    if merged and configuration and not any(problem.severity == "error" for problem in ordered):
        files = read.contents | rules.contents
        loaded = Loaded(
            configuration=configuration,
            documents=read.documents,
            rules=rules.documents,
            rule_paths=tuple(Path(name) for name in rules.contents),
            files=files,
            hash=hash_of(files.values()),
            directory=directory,
            merged=merged,
            problems=ordered,
        )
    return Reading(
        merged=merged,
        configuration=configuration,
        rules=rules.documents,
        problems=ordered,
        files=names,
        loaded=loaded,
    )


def _patterns(merged: Merged) -> list[tuple[str, Document, int]]:
    patterns = merged.value.get("rules")
    if not isinstance(patterns, list):
        return []
    document = merged.document(("rules",))
    return [
        (text, document, n) for n, text in enumerate(patterns) if isinstance(text, str) and "\0" not in text
    ]


def _rule_problems(rules: Read) -> list[Problem]:
    return [*rules.problems, *(problem for document in rules.documents for problem in document.problems)]


def _empty(merged: Merged) -> list[Problem]:
    if merged.value or merged.problems:
        return []
    return [Problem(file=merged.documents[0].file, line=1, column=1, message="nothing stands in it")]


def _validated(merged: Merged, directory: str) -> tuple[Configuration | None, list[Problem]]:
    if not merged.value:
        return None, []
    problems, left_out = unsupported(merged)
    plain = _Plain(merged, directory, left_out)
    value = plain.copy(merged.value, ())
    _fill_levels(value)
    _name_types(value)
    problems += plain.problems
    try:
        # As JSON, because strict reading then takes a list for a tuple and no text for a number.
        configuration = Configuration.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        return None, problems + problems_of(error, merged, value)
    return configuration, problems


def _fill_levels(value: dict[str, Any]) -> None:
    levels = value.setdefault("levels", {})
    if isinstance(levels, dict):
        for name in LEVEL_NAMES:
            own = levels.get(name, {})
            if isinstance(own, dict):
                levels[name] = {**PROTOCOL_LEVELS[name], **own}


def _name_types(value: dict[str, Any]) -> None:
    """``{use: sms, as: voice}`` is of type voice."""
    channels = value.get("channels")
    for settings in channels.values() if isinstance(channels, dict) else ():
        if isinstance(settings, dict) and "use" in settings and "type" not in settings:
            settings["type"] = settings.get("as", "voice")


class _Plain:
    """Copies the value without what was refused already, and refuses what is wrong wherever it stands."""

    def __init__(self, merged: Merged, directory: str, left_out: set[Where]) -> None:
        self.problems: list[Problem] = []
        self._merged = merged
        self._directory = directory
        self._left_out = left_out

    def copy(self, value: Any, path: Where) -> Any:
        if isinstance(value, Mapping):
            if "auth" in path and list(value) == ["file"] and isinstance(value["file"], str):
                return {"file": self._absolute(value["file"], path)}
            return {
                key: self.copy(item, (*path, key))
                for key, item in value.items()
                if (*path, key) not in self._left_out
            }
        if isinstance(value, list):
            return [self.copy(item, (*path, n)) for n, item in enumerate(value)]
        if isinstance(value, date):
            self._refuse(path, self._merged.found(path, value))
            return value.isoformat()
        if isinstance(value, float) and not isfinite(value):
            self._refuse(path, "a number without end; write a plain one")
            return 1
        if isinstance(value, str):
            if _PASSWORD_IN_URL.search(value):
                self._refuse(
                    path, "a password in a URL; leave it out and say under auth where it is", secret=True
                )
            if _CONTROL.search(value):
                self._refuse(path, "a control character in it is not allowed")
        return value

    def _refuse(self, path: Where, message: str, *, secret: bool = False) -> None:
        self.problems.append(self._merged.problem(path, message, secret=secret))

    def _absolute(self, name: str, path: Where) -> str:
        folder = os.path.dirname(self._merged.document(path).file)
        return os.path.normpath(os.path.join(self._directory, folder, name)) if name else ""
