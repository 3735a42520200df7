"""What the types allow where: which keys stand at a path, and what kind of value is wanted.

Read off the models of ``values``, so that messages, reference and code can't disagree.
"""

from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from irpd.config.values import Configuration
from irpd.config.yaml import Where


def members(annotation: Any) -> list[Any]:
    """The types a value may have: what a union lists, without ``None`` and ``Annotated``."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return members(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [m for part in get_args(annotation) for m in members(part)]
    return [] if annotation is type(None) else [annotation]


def mapping_of(annotation: Any) -> tuple[Any, Any] | None:
    """The types of keys and values, if it is a mapping."""
    origin = get_origin(annotation)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        key, value = get_args(annotation)
        return key, value
    return None


def is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def named_fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """A model's fields by the key that stands in the file."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def keys_at(path: Where, value: Mapping[str, object]) -> tuple[str, ...]:
    """The keys that may stand in the mapping at ``path`` of a whole configuration ``value``; empty where any
    name may."""
    model = _model(_at(path, value), _value(path, value))
    if model is not None:
        return tuple(named_fields(model))
    for option in _at(path, value):
        if (mapping := mapping_of(option)) is not None:
            return tuple(choice for key in members(mapping[0]) for choice in choices(key))
    return ()


def choices(annotation: Any) -> tuple[str, ...]:
    """The texts that a type lists."""
    return tuple(str(c) for c in get_args(annotation)) if get_origin(annotation) is Literal else ()


def _at(path: Where, value: object) -> list[Any]:
    options: list[Any] = [Configuration]
    for part in path:
        following: list[Any] = []
        for option in [m] if (m := _model(options, value)) else options:
            if is_model(option):
                field = named_fields(option).get(str(part))
                following += members(field.annotation) if field else []
            elif get_origin(option) is tuple:
                following += members(get_args(option)[0])
            elif (mapping := mapping_of(option)) is not None:
                following += members(mapping[1])
        options, value = following, _value((part,), value)
    return options


def _model(options: list[Any], value: object) -> type[BaseModel] | None:
    """The one model that is meant; where several may be, the one whose ``type`` stands in the value."""
    models: list[type[BaseModel]] = [option for option in options if is_model(option)]
    if len(models) > 1 and isinstance(value, Mapping):
        kind = value.get("type")
        models = [m for m in models if kind in choices(m.model_fields["type"].annotation)]
    return models[0] if len(models) == 1 else None


def _value(path: Where, value: object) -> object:
    for part in path:
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value
