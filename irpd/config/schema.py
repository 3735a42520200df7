"""The JSON Schema of the files, for editors: completion, descriptions, and mistakes as they are typed.

It says what a file may look like, in the form that is written: durations are texts, defaults are as people
write them, and what the protocol fills in may be left out. Parts may stand in files of their own, so only
``version`` is required. ``irpd check`` knows more (references, people that can't be reached).
"""

from typing import Any

from irpd.config.duration import format_duration
from irpd.config.values import Configuration

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def configuration_schema() -> dict[str, Any]:
    """JSON Schema 2020-12."""
    schema = Configuration.model_json_schema(by_alias=True)
    definitions = schema.pop("$defs")
    # What the protocol fills in.
    definitions["LevelSettings"].pop("required", None)
    for definition in (schema, *definitions.values()):
        _as_written(definition)
    for name in ("Secret", "Auth"):
        definitions[name] |= {"minProperties": 1, "maxProperties": 1}
    definitions["PathStep"]["anyOf"] = [{"required": [key]} for key in ("schedule", "person", "team")]
    schema["required"] = ["version"]
    schema["description"] = "What irpd's configuration files say."
    return {
        "$schema": DIALECT,
        "title": "irpd configuration",
        **{key: value for key, value in schema.items() if key != "title"},
        "$defs": definitions,
    }


def _as_written(definition: dict[str, Any]) -> None:
    definition.pop("title", None)
    for part in definition.get("properties", {}).values():
        part.pop("title", None)
        if part.get("type") == "string":  # durations are texts here, with units
            part.pop("exclusiveMinimum", None)
            if isinstance(part.get("default"), float):
                part["default"] = format_duration(part["default"])
        if isinstance(part.get("default"), dict) or part.get("default") in (None, "", []):
            part.pop("default", None)
        _without_null(part)
        _closed(part)


def _closed(part: dict[str, Any]) -> None:
    """Names that don't fit are mistakes; ``discriminator`` is another standard's."""
    if "patternProperties" in part:
        part["additionalProperties"] = False
        for below in part["patternProperties"].values():
            below.pop("discriminator", None)


def _without_null(part: dict[str, Any]) -> None:
    """What is absent is left out, not written as nothing."""
    options = part.get("anyOf")
    if not isinstance(options, list) or {"type": "null"} not in options:
        return
    rest = [option for option in options if option != {"type": "null"}]
    if len(rest) == 1:
        del part["anyOf"]
        part.update(rest[0])
    else:
        part["anyOf"] = rest
