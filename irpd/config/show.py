"""The configuration for people to look at: as it was written, or as it is in force. Never a secret."""

import json
from collections.abc import Mapping
from typing import Any, Literal

import yaml
from pydantic import BaseModel

from irpd.config.duration import format_duration
from irpd.config.load import Loaded
from irpd.config.secret import Secret

_HIDDEN = "***"


def show(loaded: Loaded, *, effective: bool = True, form: Literal["yaml", "json"] = "yaml") -> str:
    """``effective`` has every default filled in; without, only what the files say. The result can be read as
    a configuration again, once the places of the secrets are put back."""
    value = effective_value(loaded) if effective else written_value(loaded)
    if form == "json":
        return json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n"
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def effective_value(loaded: Loaded) -> dict[str, Any]:
    """Plain values under the keys of the files: durations as texts, secrets as ``***`` with their place."""
    shown: dict[str, Any] = _shown(loaded.configuration)
    return shown


def written_value(loaded: Loaded) -> dict[str, Any]:
    """What the files say, joined."""
    return {key: _masked(value, (key,)) for key, value in loaded.merged.value.items()}


def _shown(value: Any, *, duration: bool = False) -> Any:
    match value:
        case Secret():
            return f"{_HIDDEN} ({value.place})"
        case BaseModel():
            shown = {}
            for name, field in type(value).model_fields.items():
                item = getattr(value, name)
                if item is None:
                    continue  # absent
                key = field.alias or name
                shown[key] = _HIDDEN if key == "hash" else _shown(item, duration=_is_duration(field.metadata))
            return shown
        case Mapping():
            return {str(key): _shown(item) for key, item in value.items()}
        case tuple():
            return [_shown(item) for item in value]
        case float() if duration:
            return format_duration(value)
        case _:
            return value


def _is_duration(metadata: list[Any]) -> bool:
    return any(getattr(item, "return_type", None) is str for item in metadata)


def _masked(value: Any, path: tuple[str, ...]) -> Any:
    if isinstance(value, Mapping):
        if "auth" in path and len(value) == 1:
            ((key, place),) = value.items()
            if key in ("env", "file", "credential") and isinstance(place, str):
                return f"{_HIDDEN} ({key} {place})"
        return {key: _HIDDEN if key == "hash" else _masked(item, (*path, key)) for key, item in value.items()}
    return [_masked(item, path) for item in value] if isinstance(value, list) else value


class _Dumper(yaml.SafeDumper):
    """Indents lists under their key, and never writes aliases."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True
