"""Several files as one value, section by section, with each word's own file kept.

Top-level sections that are mappings are joined key by key; everything else may stand in one file only.
``version`` may stand in each, as long as all agree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from irpd.config.problem import Problem
from irpd.config.values import Configuration
from irpd.config.yaml import Document, Where


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """``value`` is all files as one; ``problems`` what kept them from being joined."""

    value: Mapping[str, object]
    documents: tuple[Document, ...]
    problems: tuple[Problem, ...]
    origin: Mapping[Where, Document]

    def document(self, path: Where) -> Document:
        """The file in which ``path`` stands; the first where it stands in none."""
        for end in (2, 1):
            if path[:end] in self.origin:
                return self.origin[path[:end]]
        return self.documents[0]

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
        """A problem at its place in its file. A line that may hold a secret isn't quoted."""
        secret = secret or "auth" in path or "tokens" in path
        return self.document(path).problem(
            path, message, key=key, allowed=allowed, severity=severity, secret=secret
        )

    def found(self, path: Where, value: object, wanted: str = "text") -> str:
        """See ``Document.found``; what may be a secret isn't repeated."""
        if "auth" in path or "tokens" in path:
            return f"must be {wanted}" if wanted != "text" else "a text is wanted here; put it in quotes"
        return self.document(path).found(path, value, wanted)


def merge(documents: Sequence[Document]) -> Merged:
    """Joins what was read, in order. There is at least one document."""
    value: dict[str, object] = {}
    origin: dict[Where, Document] = {}
    problems: list[Problem] = [problem for document in documents for problem in document.problems]
    for document in documents:
        if document.value is None:
            continue  # only comments
        if not isinstance(document.value, Mapping):
            wanted = (
                f"the sections of a configuration ({', '.join(list(Configuration.model_fields)[:5])}, ...)"
            )
            problems.append(document.problem((), document.found((), document.value, wanted)))
            continue
        for section, content in document.value.items():
            problems += _join(document, section, content, value, origin)
    return Merged(value=value, documents=tuple(documents), problems=tuple(problems), origin=origin)


def _join(
    document: Document,
    section: str,
    content: object,
    value: dict[str, object],
    origin: dict[Where, Document],
) -> list[Problem]:
    if section not in value:
        value[section] = dict(content) if isinstance(content, Mapping) else content
        origin[(section,)] = document
        if isinstance(content, Mapping):
            origin.update({(section, key): document for key in content})
        return []
    there = value[section]
    if not isinstance(there, dict) or not isinstance(content, Mapping):
        return [] if section == "version" and there == content else [_twice(document, (section,), origin)]
    problems = []
    for key, item in content.items():
        if key in there:
            problems.append(_twice(document, (section, key), origin))
        else:
            there[key] = item
            origin[(section, key)] = document
    return problems


def _twice(document: Document, path: Where, origin: Mapping[Where, Document]) -> Problem:
    first = origin[path] if path in origin else origin[path[:1]]
    line, column = first.position(path, key=True)
    message = f"stands twice, first in {first.file}:{line}:{column}"
    if path == ("version",):
        message = f"differs from {first.file}:{line}:{column}"
    return document.problem(path, message, key=True)
