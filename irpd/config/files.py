"""Which files there are: what the command line names, and the rule files that the configuration names.

Names are kept as they were given, because people see them in messages; they are relative to ``directory``,
the one that was current then.
"""

import glob
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from irpd.config.problem import ConfigurationError, Problem
from irpd.config.yaml import Document, parse_document, read_bytes

MAX_FILES = 1000
_ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """Files as they were read: all ``names``, ``contents`` of those that could be read, in order, and
    ``documents`` of those that could be parsed."""

    names: tuple[str, ...]
    contents: dict[str, bytes]
    documents: tuple[Document, ...]
    problems: tuple[Problem, ...]


def configuration_files(paths: Iterable[str | Path]) -> tuple[list[str], list[Problem]]:
    """The files that ``paths`` name: each itself, or of a folder those that end in .yaml or .yml, by name."""
    names: list[str] = []
    problems: list[Problem] = []
    for path in map(str, paths):
        if not os.path.isdir(path):
            names.append(path)
            continue
        try:
            found = sorted(name for name in os.listdir(path) if _counts(name))
        except OSError as error:
            problems.append(Problem(file=path, message=f"can't be read: {error.strerror}"))
            continue
        if not found:
            problems.append(Problem(file=path, message="no file in this folder ends in .yaml or .yml"))
        names += [os.path.join(path, name) for name in found]
    if not names and not problems:
        problems.append(Problem(file="irpd.yaml", message="no configuration file was named"))
    return _without_doubles(names), problems


def rule_files(
    patterns: Sequence[tuple[str, Document, int]], configuration: Iterable[str]
) -> tuple[list[str], list[Problem]]:
    """The files that the patterns under ``rules`` name, in order. Each comes with its document, whose folder
    it is relative to, and its place in the list. A pattern never means a file of the configuration."""
    taken = {os.path.realpath(name) for name in configuration}
    names: list[str] = []
    problems: list[Problem] = []
    for pattern, document, n in patterns:
        where = os.path.normpath(os.path.join(os.path.dirname(document.file), pattern))
        if not glob.has_magic(pattern):
            if os.path.realpath(where) in taken:
                problems.append(
                    document.problem(("rules", n), "the configuration itself; rules have own files")
                )
            elif not os.path.lexists(where):
                problems.append(document.problem(("rules", n), f"no such file: {where}"))
            else:
                names.append(where)
            continue
        fitting = (name for name in glob.iglob(where, recursive=True) if _counts(os.path.basename(name)))
        found = sorted(name for name in fitting if os.path.realpath(name) not in taken)
        names += found
        if not found:
            problems.append(document.problem(("rules", n), f"no file fits {where}", severity="warning"))
    names = _without_doubles(names)
    if len(names) > MAX_FILES and patterns:
        problems.append(patterns[0][1].problem(("rules",), f"more than {MAX_FILES} files", key=True))
    return names[:MAX_FILES], problems


def read_files(names: Sequence[str]) -> Read:
    """Reads and parses each; what can't be read is a problem and doesn't stop the rest."""
    contents: dict[str, bytes] = {}
    problems: list[Problem] = []
    for name in names:
        try:
            contents[name] = read_bytes(name)
        except ConfigurationError as error:
            problems += error.problems
    parsed = parse_files(contents)
    return Read(
        names=tuple(names),
        contents=contents,
        documents=parsed.documents,
        problems=(*problems, *parsed.problems),
    )


def parse_files(contents: dict[str, bytes]) -> Read:
    """The same for files whose bytes are there already."""
    documents: list[Document] = []
    problems: list[Problem] = []
    for name, data in contents.items():
        try:
            documents.append(parse_document(data, name))
        except ConfigurationError as error:
            problems += error.problems
    return Read(
        names=tuple(contents), contents=contents, documents=tuple(documents), problems=tuple(problems)
    )


def _counts(name: str) -> bool:
    return name.endswith(_ENDINGS) and not name.startswith(".")


def _without_doubles(names: Iterable[str]) -> list[str]:
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(os.path.realpath(name), name)
    return list(first.values())
