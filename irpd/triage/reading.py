"""A rule file's document into its model, with every mistake found on the way.

Parts are read one by one, so that a mistake in one rule leaves the others to be checked too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from irpd.config.problem import Problem, path_text, quoted, suggest
from irpd.config.yaml import Document
from irpd.triage.part import Part
from irpd.triage.rulefile import NOT_YET, GroupPart, RulePart, SilencePart, WordsPart, model_at
from irpd.triage.testfile import TestPart

Where = tuple[str | int, ...]
SECTIONS: Mapping[str, type[Part]] = {
    "words": WordsPart,
    "rules": RulePart,
    "group": GroupPart,
    "silences": SilencePart,
    "tests": TestPart,
}


class Reader:
    """Reads one document; ``problems`` gathers what is wrong in it."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = list(document.problems)

    def parts(self) -> list[tuple[Where, Part | Mapping[Any, Any]]]:
        """Each rule, group rule and test with its path; as it stands in the file where it is wrong."""
        value = self.document.value
        if value is None:
            self.add((), "the file is empty; a rule file begins with version: 1")
            return []
        if not isinstance(value, Mapping):
            self.add((), self.document.found((), value, "a mapping with version and rules"))
            return []
        self._top(value)
        found: list[tuple[Where, Part | Mapping[Any, Any]]] = []
        for section, model in SECTIONS.items():
            items = value.get(section)
            if items is None and section not in value:
                continue
            if not isinstance(items, Sequence) or isinstance(items, str):
                self.add((section,), self.document.found((section,), items, "a list"))
                continue
            for number, item in enumerate(items):
                part = self._part(model, (section, number), item)
                if part is not None:
                    found.append(((section, number), part))
        return found

    def add(self, path: Where, message: str, *, key: bool = False, allowed: Sequence[str] = ()) -> None:
        problem = self.document.problem(path, message, key=key, allowed=allowed)
        self.problems.append(replace(problem, path=self.spoken(path)))

    def spoken(self, path: Where) -> str:
        """A path with a rule's id in place of its number: ``payments-failing.when``."""
        value = self.document.value
        if (
            len(path) >= 2
            and path[0] in ("words", "rules", "group", "silences")
            and isinstance(value, Mapping)
        ):
            try:
                name = value[path[0]][path[1]]["id"]
            except (LookupError, TypeError):
                return path_text(path)
            if isinstance(name, str):
                return path_text((name, *path[2:]))
        return path_text(path)

    def _top(self, value: Mapping[Any, Any]) -> None:
        known = ("version", *SECTIONS)
        for name in value:
            if name not in known:
                self._unknown((name,), known)
        version = value.get("version")
        if "version" not in value:
            self.add((), "version is missing; the first line of a rule file is version: 1")
        elif version != 1 or isinstance(version, bool):
            self.add(("version",), f"version {quoted(version)} is not known; this irpd reads version 1")

    def _part(self, model: type[Part], path: Where, item: object) -> Part | Mapping[Any, Any] | None:
        if not isinstance(item, Mapping):
            self.add(path, self.document.found(path, item, "a mapping"))
            return None
        try:
            return model.model_validate(item)
        except ValidationError as error:
            for one in error.errors(include_url=False):
                self._invalid(path, one)
            return item

    def _invalid(self, base: Where, error: Any) -> None:
        path = self._existing((*base, *error["loc"]), missing=error["type"] == "missing")
        value = error["input"]
        context = error.get("ctx", {})
        match error["type"]:
            case "extra_forbidden":
                model = model_at(path[:-1])
                fields = model.model_fields if model else {}
                self._unknown(path, tuple(field.alias or name for name, field in fields.items()))
            case "missing":
                self.add(path[:-1], f"{path[-1]} is missing{_why(path[-1])}")
            case "string_type":
                self.add(path, self.document.found(path, value))
            case "tuple_type" | "list_type":
                wanted = "a list" if path[-1] == "cases" or isinstance(value, Mapping) else "text"
                self.add(path, self.document.found(path, value, wanted))
            case "model_type" | "model_attributes_type" | "mapping_type" | "dict_type":
                self.add(path, self.document.found(path, value, "a mapping"))
            case "string_pattern_mismatch" if "look_in" in path:
                self.add(path, f"{quoted(value)} is not allowed here; title, text or labels.NAME")
            case "string_pattern_mismatch":
                self.add(path, f"{quoted(value)}: only lower-case letters, digits and hyphens, 63 at most")
            case "string_too_short":
                self.add(path, "is empty")
            case "string_too_long":
                self.add(path, f"longer than {context['max_length']:,} characters")
            case "too_long":
                self.add(path, f"a list of more than {context['max_length']:,}; make two of it")
            case "too_short":
                self.add(path, "an empty list; name at least one")
            case "literal_error":
                self.add(path, f"{quoted(value)} is not allowed here; {context['expected']}")
            case "value_error":
                self.add(path, str(context["error"]))
            case _ if path[-1] in ("level", "at_most", "at_least"):
                self.add(path, "a level is a whole number from 1 (critical) to 4 (low)")
            case "greater_than_equal" | "int_type" | "int_from_float" | "int_parsing":
                self.add(path, "a whole number, 0 or more")
            case _:
                self.add(path, str(error["msg"])[:200])

    def _unknown(self, path: Where, known: Sequence[str]) -> None:
        name = path[-1]
        if name in NOT_YET:
            self.add(
                path, f"not supported yet: {NOT_YET[str(name)]}; supported: {', '.join(known)}", key=True
            )
            return
        near = suggest(name, known)
        self.add(path, f"unknown key{near}", key=True, allowed=() if near else known)

    def _existing(self, path: Where, *, missing: bool) -> Where:
        """The path as far as the document has it: a single text that stands for a list has no items."""
        value: Any = self.document.value
        for number, part in enumerate(path):
            try:
                if isinstance(value, str):
                    return path[:number]
                value = value[part]
            except (LookupError, TypeError):
                return path if missing else path[:number]
        return path


def _why(name: str | int) -> str:
    if name == "because":
        return "; it is what the person who is paged reads"
    return "; explanations and tests name the rule by it" if name == "id" else ""
