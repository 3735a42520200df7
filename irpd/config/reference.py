"""The reference of every key as Markdown: ``docs/reference/configuration.md`` is this, printed.

Made from the models, so that the page can't say anything else than the code.
"""

from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from irpd.config.duration import format_duration
from irpd.config.load import PROTOCOL_LEVELS
from irpd.config.secret import Secret
from irpd.config.shape import choices, is_model, mapping_of, members, named_fields
from irpd.config.values import Configuration

_SHOWN = ("respond_within", "update_every", "resolve_within", "urgency")
_PROTOCOL = tuple(f"levels.NAME.{key}" for key in _SHOWN)
_INTRODUCTION = """\
# Configuration

One file, several, or a folder whose `.yaml` and `.yml` files are read in order of their names. Several files
are joined section by section and, inside a section, key by key; a key that stands twice is an error. Paths
are relative to the file in which they stand. Durations have units: `90s`, `30m`, `1h30m`, `2d`. `NAME` stands
for a name of your choice, `[]` for each item of a list. A secret is never written in a file: it is
`{env: NAME}`, `{file: PATH}` or `{credential: NAME}`.

`irpd check` says what is wrong and where; `irpd config show --effective` what is in force.
`irpd schema config` prints a JSON Schema for editors.
"""


def reference() -> str:
    """The whole page, ending in a newline."""
    parts = [_INTRODUCTION]
    for section, field in named_fields(Configuration).items():
        rows = list(_rows(section, field))
        parts.append(f"## {section}\n\n{field.description}\n")
        parts.append(
            "| key | type | default | meaning |\n| --- | --- | --- | --- |\n" + "\n".join(rows) + "\n"
        )
        if section == "levels":
            parts.append(_levels())
    return "\n".join(parts)


def _rows(path: str, field: FieldInfo, which: str = "") -> Iterator[str]:
    """``which`` is the type for which a key holds, where several types of a thing differ."""
    kind = _type(field.annotation, _is_duration(field))
    meaning = (field.description or "").replace("|", "\\|")
    default = "see below" if path in _PROTOCOL else _default(field)
    yield f"| `{path}`{which} | {kind} | {default} | {meaning} |"
    yield from _below(path, field.annotation, which)


def _below(path: str, annotation: Any, which: str = "") -> Iterator[str]:
    options = members(annotation)
    models = [option for option in options if is_model(option) and option is not Secret]
    for model in models:
        if len(models) > 1:
            which = f" ({choices(model.model_fields['type'].annotation)[0]})"
        for key, field in named_fields(model).items():
            yield from _rows(f"{path}.{key}", field, which)
    for option in options:
        mapping = mapping_of(option)
        if get_origin(option) is tuple and _has_keys(get_args(option)[0]):
            yield from _below(f"{path}[]", get_args(option)[0])
        elif mapping is not None and _has_keys(mapping[1]):
            names = [name for key in members(mapping[0]) for name in choices(key)]
            yield from _below(f"{path}.{names[0] if len(names) == 1 else 'NAME'}", mapping[1])


def _has_keys(annotation: Any) -> bool:
    return any(
        (is_model(option) and option is not Secret)
        or (get_origin(option) is tuple and _has_keys(get_args(option)[0]))
        for option in members(annotation)
    )


def _type(annotation: Any, duration: bool) -> str:
    if duration:
        return "duration"
    return " or ".join(dict.fromkeys(_one_type(option) for option in members(annotation)))


def _one_type(option: Any) -> str:
    plain = {str: "text", int: "number", float: "number", bool: "true or false", Secret: "secret"}
    if option in plain:
        return plain[option]
    if choices(option):
        return ", ".join(f"`{choice}`" for choice in choices(option))
    if get_origin(option) is tuple:
        return f"list of {_plural(_type(get_args(option)[0], False))}"
    mapping = mapping_of(option)
    return f"mapping of {_plural(_type(mapping[1], False))}" if mapping else "mapping"


def _plural(kind: str) -> str:
    return kind + "s" if kind in ("text", "number", "mapping", "secret") else kind


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if _is_duration(field):
        return f"`{format_duration(value)}`"
    if value is None or value in ("", (), {}) or isinstance(value, BaseModel):
        return ""
    if isinstance(value, tuple):
        return "`[" + ", ".join(map(str, value)) + "]`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _is_duration(field: FieldInfo) -> bool:
    return any(getattr(item, "return_type", None) is str for item in field.metadata)


def _levels() -> str:
    rows = (
        f"| `{name}` | " + " | ".join(f"`{s[key]}`" for key in _SHOWN) + " |"
        for name, s in PROTOCOL_LEVELS.items()
    )
    head = f"What the protocol says, and holds for what is left out:\n\n| level | {' | '.join(_SHOWN)} |\n"
    return head + "| --- " * (len(_SHOWN) + 1) + "|\n" + "\n".join(rows) + "\n"
