"""What the validator found, said to the person who wrote the file.

pydantic names a place by its own words (``('sources', 'a', 'auth', "literal['none']")``) and reports each
branch of a union; here each mistake is named once, at its place in the file, with what was found, what is
allowed and, for what YAML misread, the fix. Values under ``auth`` and ``tokens`` are never repeated.
"""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from irpd.config.channels import CHANNEL_TYPES
from irpd.config.duration import format_duration
from irpd.config.merge import Merged
from irpd.config.problem import Problem, quoted, suggest
from irpd.config.shape import keys_at
from irpd.config.yaml import Where

_PLACE = "{env: NAME}, {file: PATH} or {credential: NAME}"
_SECRET = f"a secret is never written here; say where it is: {_PLACE}"
_DURATION = "a duration like 90s, 30m, 1h30m or 2d"
_NAME = "names are of a-z, 0-9, - and _, begin with a letter or digit, and have 63 characters at most"
_AUTH = "write a way of authentication with its secret's place, such as {bearer: {env: NAME}}, or none"
_KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
}
_BOUNDS = {
    "greater_than": ("gt", "must be more than"),
    "greater_than_equal": ("ge", "must be at least"),
    "less_than": ("lt", "must be less than"),
    "less_than_equal": ("le", "must be at most"),
}
_PATTERNS = {
    "hash": 'sha256: and 64 hexadecimal digits; make it with printf %s "$TOKEN" | sha256sum',
    "url": "an http:// or https:// address",
    "api_url": "an http:// or https:// address",
    "host": "a host name or address, without scheme or port",
    "from": "an e-mail address",
    "credential": "a credential's name, without /",
}


def problems_of(error: ValidationError, merged: Merged, value: Mapping[str, Any]) -> list[Problem]:
    """All mistakes of ``value``, which is what was validated (``merged`` less what was said already)."""
    problems: list[Problem] = []
    wrong_keys: set[Where] = set()
    for item in error.errors(include_url=False):
        path, branches, is_key = _place(item["loc"], value)
        if is_key:
            wrong_keys.add(path)
        elif any(path[:end] in wrong_keys for end in range(1, len(path) + 1)):
            continue  # what stands under a key that means nothing
        if all(_meant(branch, at) for branch, at in branches):
            said = _problem(item, path, is_key, merged, value)
            if said is not None:
                problems.append(said)
    if not problems:  # never nothing for what was refused
        problems = [merged.problem(_place(i["loc"], value)[0], "not allowed here") for i in error.errors()]
    return problems


def _place(loc: tuple[int | str, ...], value: Any) -> tuple[Where, list[tuple[str, Any]], bool]:
    """The path in the file, the branches of unions that were taken with the value they were tried on, and
    whether the key itself is meant."""
    path: list[str | int] = []
    branches: list[tuple[str, Any]] = []
    for n, part in enumerate(loc):
        if part == "[key]" and n == len(loc) - 1:
            return tuple(path), branches, True
        if _holds(value, part):
            path.append(part)
            value = value[part]
        elif n == len(loc) - 1 and isinstance(value, Mapping) and not _is_branch(part):
            path.append(part)  # a key that is missing
        else:
            branches.append((str(part), value))
    return tuple(path), branches, False


def _holds(value: Any, part: int | str) -> bool:
    if isinstance(value, Mapping):
        return part in value
    return isinstance(value, list) and isinstance(part, int) and part < len(value)


def _written(value: Any, path: Where) -> Any:
    """What stands at a path in the files; None where nothing does."""
    for part in path:
        if not _holds(value, part):
            return None
        value = value[part]
    return value


def _is_branch(part: int | str) -> bool:
    return isinstance(part, str) and (part[:1].isupper() or "[" in part or part in ("str", "int"))


def _meant(branch: str, value: Any) -> bool:
    """Whether this branch of a union is the one that the value was meant for."""
    if isinstance(value, Mapping):
        return not branch.startswith(("literal", "str", "tuple", "int"))
    if isinstance(value, list):
        return not branch.startswith(("literal", "str", "int"))
    return branch.startswith(("literal", "str"))


def _problem(
    item: Any, path: Where, is_key: bool, merged: Merged, value: Mapping[str, Any]
) -> Problem | None:
    kind, given, context = item["type"], item["input"], item.get("ctx", {})
    hidden = "auth" in path or "tokens" in path
    if kind == "missing":
        return merged.problem(path, "missing")
    if kind == "extra_forbidden" or (is_key and kind == "literal_error"):
        allowed = keys_at(path[:-1], value)
        return merged.problem(path, "unknown key" + suggest(path[-1], allowed), key=True, allowed=allowed)
    if is_key:
        return merged.problem(path, _NAME, key=True)
    if kind == "model_type" and context.get("class_name") == "Secret":
        return merged.problem(path, _SECRET if isinstance(given, str) else merged.found(path, given, _PLACE))
    if path[:1] == ("sources",) and path[2:] == ("auth",) and not isinstance(given, Mapping):
        return merged.problem(path, _AUTH)
    if kind in _KINDS:
        return _wrong_type(_KINDS[kind], path, given, merged, value)
    if kind == "value_error":
        reason = str(context.get("error", item["msg"]))
        number = isinstance(given, int | float) or given is None
        return merged.problem(path, merged.found(path, given, _DURATION) if number else reason)
    if kind in ("literal_error", "union_tag_invalid"):
        return _not_listed(kind, path, given, context, merged)
    if kind == "union_tag_not_found":
        return merged.problem((*path, "type"), "missing", allowed=CHANNEL_TYPES)
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        bound = context[name]
        if isinstance(_written(value, path), str):  # a duration, whose bounds are seconds in here
            return merged.problem(path, f"{words} {format_duration(bound)}")
        return merged.problem(path, f"{words} {f'{bound:g}' if isinstance(bound, float) else bound}")
    if kind in ("too_short", "string_too_short"):
        if given:
            return None  # its items are wrong, and said to be
        return merged.problem(path, "must not be empty")
    if kind == "string_pattern_mismatch":
        wanted = _PATTERNS.get(str(path[-1]), _NAME)
        return merged.problem(path, f"must be {wanted}" if wanted is not _NAME else _NAME)
    return merged.problem(path, item["msg"] if not hidden else "not allowed here")


def _wrong_type(wanted: str, path: Where, given: Any, merged: Merged, value: Mapping[str, Any]) -> Problem:
    if path == ("rules",) or (path[:1] == ("rules",) and isinstance(given, Mapping)):
        return merged.problem(path, "names rule files, such as [rules/*.yaml]; the rules stand in those")
    allowed: tuple[str, ...] = ()
    if wanted == "a mapping":
        allowed = keys_at(path, value)
    message = merged.found(path, given, wanted)
    if wanted == "a whole number" and isinstance(given, float):
        message = f"{given} is not {wanted}"
    if wanted == "a list" and isinstance(given, str) and "auth" not in path:
        message += f"; write [{given}]" if len(given) <= 40 else ""
    return merged.problem(path, message, allowed=allowed)


def _not_listed(kind: str, path: Where, given: Any, context: Any, merged: Merged) -> Problem:
    if kind == "union_tag_invalid":
        path, given, allowed = (*path, "type"), context["tag"], _listed(context["expected_tags"])
    else:
        allowed = _listed(context["expected"])
    if path == ("version",):
        return merged.problem(path, "this irpd reads version 1 only", allowed=("1",))
    if path[-1:] == ("unreadable",):
        allowed += ("{level: N}",)
    if not isinstance(given, str):
        return merged.problem(path, merged.found(path, given, f"one of {', '.join(allowed)}"))
    shown = "not allowed here" if "auth" in path else f"{quoted(given)} is not allowed here"
    return merged.problem(path, shown + suggest(given, allowed), allowed=allowed)


def _listed(expected: str) -> tuple[str, ...]:
    return tuple(re.findall(r"'([^']*)'", expected)) or tuple(expected.split(", "))
