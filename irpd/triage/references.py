"""Whether the sources and services that rule files name exist. Needs the configuration; the rest doesn't."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

from irpd.config.problem import Problem, quoted, suggest
from irpd.config.values import Configuration, Source
from irpd.config.yaml import Document
from irpd.triage.reading import Reader, Where

#: What ``source_type`` may be: the configuration's own list.
SOURCE_TYPES = tuple(str(name) for name in get_args(Source.model_fields["type"].annotation))


def reference_problems(documents: Sequence[Document], configuration: Configuration) -> list[Problem]:
    """An error for each source, type of source and service that is named and isn't there."""
    known: dict[str, Sequence[str]] = {
        "source": tuple(configuration.sources),
        "source_type": SOURCE_TYPES,
        "service": tuple(configuration.services),
    }
    problems = []
    for document in documents:
        reader = Reader(document)
        for path, value in _named(document.value):
            kind = next(part for part in reversed(path) if isinstance(part, str))
            if value in known[kind] or (value == "" and kind != "source_type"):
                continue
            what = {"source": "source", "source_type": "type of source", "service": "service"}[kind]
            near = suggest(value, known[kind])
            problem = document.problem(path, f"no {what} {quoted(value)}{near}", allowed=known[kind])
            problems.append(replace(problem, path=reader.spoken(path)))
    return problems


def _named(value: Any) -> Iterator[tuple[Where, str]]:
    """Every source, type and service that a file names, with its path. Whatever has another shape is left
    to those who read the file."""
    for section in ("rules", "group", "tests"):
        for number, item in enumerate(_list(value, section)):
            path: Where = (section, number)
            if section != "tests":
                yield from _in(item, (*path, "match"), ("source", "source_type", "service"))
                continue
            yield from _in(item, (*path, "given"), ("source", "source_type"))
            for case, inner in enumerate(_list(item, "cases")):
                yield from _in(inner, (*path, "cases", case, "given"), ("source", "source_type"))


def _in(item: Any, path: Where, names: Sequence[str]) -> Iterator[tuple[Where, str]]:
    found = item.get(path[-1]) if isinstance(item, Mapping) else None
    if not isinstance(found, Mapping):
        return
    for name in names:
        value = found.get(name)
        if isinstance(value, str):
            yield (*path, name), value
        elif isinstance(value, Sequence):
            for number, one in enumerate(value):
                if isinstance(one, str):
                    yield (*path, name, number), one


def _list(value: Any, name: str) -> Sequence[Any]:
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, list | tuple) else ()
