"""What may stand in a rule file: its keys, their types and what each is for.

These models are the one source of the JSON Schema and of the reference page; ``reading`` turns a file
into them and words what is wrong.
"""

import re
from collections.abc import Mapping
from fractions import Fraction
from math import isfinite
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from irpd.config.duration import Duration

#: Keys that belong to rule files but whose feature is not built yet.
NOT_YET = frozenset(
    {"hold", "silences", "visible_to", "lower_after", "timeline", "pages", "tells", "paged", "incidents"}
)

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
LookIn = Annotated[str, Field(pattern=r"^(title|text|labels\..{1,200})$")]
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


class MatchPart(Part):
    """Every key given must hold; a list means any of; a missing label is the empty text."""

    source: AnyOf | None = Field(None, description="Name of the source.")
    source_type: AnyOf | None = Field(None, description="Its type: alertmanager, sentry, ticket, ...")
    service: AnyOf | None = Field(None, description="The service that claimed the signal.")
    project: AnyOf | None = Field(None, description="The sender's project (Sentry).")
    status: AnyOf | None = Field(None, description="firing or resolved.")
    labels: Mapping[str, AnyOf] = Field({}, description='By name; "" is a label that is missing.')


class RuleMatchPart(MatchPart):
    """Every key given must hold; a list means any of; a missing label is the empty text."""

    words: AnyOf | None = Field(None, description="A list under `words` of which a phrase is said.")


class WordsPart(Part):
    """Phrases that people write, with what takes them back."""

    id: Id = Field(description="The name that `match: {words: ...}` knows it by.")
    phrases: Annotated[tuple[Text, ...], BeforeValidator(_listed), _SCHEMA_OF_TEXTS] = Field(
        min_length=1,
        max_length=1000,
        description="Words in order: `a|b` is any of these, `fail*` one that begins so, "
        "`...` at most three words between. Case doesn't count, `ä` is `ae`.",
    )
    look_in: Annotated[tuple[LookIn, ...], BeforeValidator(_listed), _SCHEMA_OF_TEXTS] = Field(
        ("title", "text"), min_length=1, description="title, text or labels.NAME; absent, title and text."
    )
    not_after: Texts = Field(
        (), description="Lists whose phrases take this back from up to four words before it: no, kein."
    )
    not_before: Texts = Field((), description="Lists whose phrases take it back from behind: ruled out.")
    until: Texts = Field((), description="Words that what takes back does not reach across: but, aber.")


class RulePart(Part):
    """What must hold and what it then says."""

    id: Id = Field(description="Explanations, statistics and tests name it: it is for ever.")
    match: RuleMatchPart = Field(RuleMatchPart(), description="What must hold, declaratively.")
    when: str | None = Field(None, description="A condition in CEL that must hold too.")
    level: LevelNumber | None = Field(None, description="Proposes a level, 1 (critical) to 4 (low).")
    at_most: LevelNumber | None = Field(None, description="A cap: no more severe than this level.")
    at_least: LevelNumber | None = Field(None, description="A floor: no less severe; no cap lowers it.")
    regimes: Regimes = Field((), description="Regulatory regimes it may touch, like gdpr.")
    because: Text = Field(description="The reason, as a person who is paged should read it.")


class GroupPart(Part):
    """Binds signals that agree in ``by`` into one incident; the first that matches decides."""

    id: Id = Field(description="It is for ever, like a rule's.")
    match: MatchPart = Field(MatchPart(), description="Which signals it is about; absent, all.")
    by: Texts = Field(
        min_length=1, description="What they must agree in: service, source, project, key or labels' names."
    )
    within: Duration = Field(0.0, description="Since the group's last signal; absent, no limit.")
    at_most: Duration = Field(0.0, description="Since the group's first signal; absent, no limit.")


class GivenPart(Part):
    """A signal and what its incident has gathered. What is absent is as in an ordinary firing alert."""

    source: str = Field("", description="Name of a source; absent, none in particular.")
    source_type: str = Field("", description="Its type; absent, that of `source`, else alertmanager.")
    service: str = Field("", description="The service; absent, the one that claims the signal.")
    project: str = ""
    status: Literal["firing", "resolved"] = "firing"
    title: str = ""
    text: str = ""
    key: str = Field("key", description="The signal's key, for groups.")
    labels: Mapping[str, str] = {}
    share: ExactShare | None = Field(None, description="Share of users affected, 0 to 1, exact as written.")
    affected: Amount | None = Field(None, description="Users affected; divided by the service's users.")
    users: Amount | None = Field(None, description="Users of the service, where it isn't configured.")
    reporters: Amount = Field(0, description="Distinct people who wrote tickets.")
    signals: Amount = 1
    open_minutes: Amount = 0
    count: Amount = 1
    at: str | None = Field(None, description='"2026-11-24 03:00 Europe/Berlin" or RFC 3339.')


class ExpectPart(Part):
    """What must come of it; only what is named is compared."""

    level: LevelNumber | None = Field(None, description="The level, 1 to 4.")
    rules: Texts | None = Field(
        None, description="Each of these decided the level (share-of-users too); [] means that no rule did."
    )
    held: Texts | None = Field(None, description="Each of these held, whether it decided or not.")
    not_held: Texts | None = Field(None, description="None of these held.")
    regimes: Texts | None = Field(None, description="Exactly these.")
    service: str | None = Field(None, description="The service that the signal belongs to.")
    group: Texts | None = Field(None, description="Id of the group rule, then the values of by.")


class CasePart(Part):
    given: GivenPart
    expect: ExpectPart


class TestPart(Part):
    """One case (``given``, ``expect``) or several (``cases``)."""

    __test__ = False  # not a test of pytest's

    name: Text = Field(description="A sentence about what must be so.")
    at: str | None = Field(None, description="The time of all its cases that name none.")
    given: GivenPart | None = None
    expect: ExpectPart | None = None
    cases: tuple[CasePart, ...] | None = Field(
        None, min_length=1, description="Several, each with given and expect."
    )


class RuleFile(Part):
    """A whole file."""

    version: Literal[1]
    words: tuple[WordsPart, ...] = ()
    rules: tuple[RulePart, ...] = ()
    group: tuple[GroupPart, ...] = ()
    tests: tuple[TestPart, ...] = ()


def model_at(path: tuple[str | int, ...]) -> type[Part] | None:
    """The model whose keys stand at ``path`` of a file; None where keys are free (labels)."""
    model: Any = RuleFile
    for part in path:
        if isinstance(part, int):
            continue
        model = _NESTED.get((model, part))
        if model is None:
            return None
    found: type[Part] = model
    return found


_NESTED: dict[tuple[type[Part], str], type[Part]] = {
    (RuleFile, "words"): WordsPart,
    (RuleFile, "rules"): RulePart,
    (RuleFile, "group"): GroupPart,
    (RuleFile, "tests"): TestPart,
    (RulePart, "match"): RuleMatchPart,
    (GroupPart, "match"): MatchPart,
    (TestPart, "given"): GivenPart,
    (TestPart, "expect"): ExpectPart,
    (TestPart, "cases"): CasePart,
    (CasePart, "given"): GivenPart,
    (CasePart, "expect"): ExpectPart,
}
