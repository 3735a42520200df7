"""What the parts of rule files are made of: the base of their models, and the types of their values."""

import re
from fractions import Fraction
from math import isfinite
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

ID_PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}$"


#: No exponents: 1e999999999 is a number that would take hours to write out.
_SHARE = re.compile(r"(\d{1,30}(?=/)|\d{1,30}(?:\.\d{1,40})?(?!/))(/0*[1-9]\d{0,30})?(\s?%)?", re.ASCII)


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _exact_share(value: object) -> object:
    """A share as it was written: 0.42, "42%" or "1/3"; exact."""
    if isinstance(value, Fraction):
        share = value
    elif isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
        share = Fraction(str(value))
    elif isinstance(value, str) and (found := _SHARE.fullmatch(value)):
        share = Fraction(found[1] + (found[2] or "")) / (100 if found[3] else 1)
    else:
        raise ValueError('a share of users is a number from 0 to 1, like 0.42, "42%" or "1/3"')
    if not 0 <= share <= 1:
        raise ValueError("a share of users is from 0 to 1")
    return share


_SCHEMA_OF_TEXTS = WithJsonSchema(
    {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
)
AnyOf = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1), _SCHEMA_OF_TEXTS]
Texts = Annotated[
    tuple[str, ...],
    BeforeValidator(_listed),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
LevelNumber = Annotated[int, Field(ge=1, le=4, strict=True)]
Id = Annotated[str, Field(pattern=ID_PATTERN, description="Letters, digits and hyphens; for ever.")]
Text = Annotated[str, Field(min_length=1, max_length=1000)]
Phrases = Annotated[tuple[Text, ...], BeforeValidator(_listed), _SCHEMA_OF_TEXTS]
LookIn = Annotated[str, Field(pattern=r"^(title|text|labels\..{1,200})$")]
Places = Annotated[tuple[LookIn, ...], BeforeValidator(_listed), _SCHEMA_OF_TEXTS]
Regimes = Annotated[tuple[Annotated[str, Field(pattern=ID_PATTERN)], ...], BeforeValidator(_listed)]
ExactShare = Annotated[
    Fraction,
    BeforeValidator(_exact_share),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "string"}]}),
]
Amount = Annotated[int, Field(ge=0, strict=True)]


class Part(BaseModel):
    """Base: frozen, unknown keys are errors, texts are texts."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)
