"""What may stand in a rule file: its keys, their types and what each is for.

These models are the one source of the JSON Schema and of the reference page; ``reading`` turns a file
into them and words what is wrong. Those of tests are in ``testfile``.
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from irpd.config.base import Weekday
from irpd.config.duration import Duration
from irpd.triage.part import AnyOf, Id, LevelNumber, Part, Phrases, Places, Regimes, Text, Texts
from irpd.triage.testfile import (
    AnswerPart,
    CasePart,
    ExpectPart,
    GivenPart,
    IncidentPart,
    MessagePart,
    MutedPart,
    SignalPart,
    SilencedPart,
    StepPart,
    TestPart,
)

#: Keys that belong to rule files but whose feature is not built yet, with what there is instead.
NOT_YET = {
    "visible_to": "everyone with access sees every incident",
}


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
    phrases: Phrases = Field(
        min_length=1,
        max_length=1000,
        description="Words in order: `a|b` is any of these, `fail*` one that begins so, "
        "`...` at most three words between. Case doesn't count, `ä` is `ae`.",
    )
    look_in: Places = Field(
        ("title", "text"), min_length=1, description="title, text or labels.NAME; absent, title and text."
    )
    not_after: Texts = Field(
        (), description="Lists whose phrases take this back from up to four words before it: no, kein."
    )
    not_before: Texts = Field((), description="Lists whose phrases take it back from behind: ruled out.")
    until: Texts = Field((), description="Words that what takes back does not reach across: but, aber.")


class HoldPart(Part):
    """Opens nothing before that."""

    seconds: Duration = Field(
        alias="for", gt=0, le=7 * 86400.0, description="How long it must fire without a resolved in between."
    )
    or_count: int | None = Field(
        None, ge=2, le=10_000, strict=True, description="So many reports end the wait sooner."
    )


class WindowPart(Part):
    """Once (`from` and `to` with their dates) or on each of the `days` at these times of the day."""

    begins: Text = Field(alias="from", description='`"2026-12-05 22:00"`, or `"02:00"` for each of the days.')
    ends: Text = Field(
        alias="to", description="Likewise; a time of the day that isn't later is the next day's."
    )
    days: tuple[Weekday, ...] | None = Field(
        None, min_length=1, description="Mon, Tue, ...: the days on which it begins; absent, every day."
    )
    time_zone: Text = Field(description="Whose wall clock that is: `Europe/Berlin`.")
    since: Text | None = Field(None, description='The first day on which it begins: `"2026-12-01"`.')
    until: Text | None = Field(None, description='The last day on which it begins: `"2027-03-31"`.')


class SilencePart(Part):
    """What is muted by plan: it opens nothing, is kept, and what still fires at the end is decided again."""

    id: Id = Field(description="What is muted names it: it is for ever.")
    match: MatchPart = Field(MatchPart(), description="Which signals; absent, all.")
    window: WindowPart = Field(description="When.")
    because: Text = Field(description="Why, and who asked for it.")


class RulePart(Part):
    """What must hold and what it then says."""

    id: Id = Field(description="Explanations, statistics and tests name it: it is for ever.")
    match: RuleMatchPart = Field(RuleMatchPart(), description="What must hold, declaratively.")
    when: str | None = Field(None, description="A condition in CEL that must hold too.")
    level: LevelNumber | None = Field(None, description="Proposes a level, 1 (critical) to 4 (low).")
    at_most: LevelNumber | None = Field(None, description="A cap: no more severe than this level.")
    at_least: LevelNumber | None = Field(None, description="A floor: no less severe; no cap lowers it.")
    regimes: Regimes = Field((), description="Regulatory regimes it may touch, like gdpr.")
    start: tuple[Literal["business", "customer"], ...] = Field(
        (),
        description="Starts the service's path of this kind too, beside the one that the report asks for.",
    )
    lower_after: Duration = Field(
        0.0, description="Its level sinks once evidence has asked for less for so long; absent, never."
    )
    hold: HoldPart | None = Field(None, description="Opens nothing before it has lasted.")
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


class RuleFile(Part):
    """A whole file."""

    version: Literal[1]
    words: tuple[WordsPart, ...] = ()
    rules: tuple[RulePart, ...] = ()
    group: tuple[GroupPart, ...] = ()
    silences: tuple[SilencePart, ...] = ()
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
    (RuleFile, "silences"): SilencePart,
    (RuleFile, "tests"): TestPart,
    (RulePart, "match"): RuleMatchPart,
    (RulePart, "hold"): HoldPart,
    (GroupPart, "match"): MatchPart,
    (SilencePart, "match"): MatchPart,
    (SilencePart, "window"): WindowPart,
    (TestPart, "given"): GivenPart,
    (TestPart, "expect"): ExpectPart,
    (TestPart, "cases"): CasePart,
    (CasePart, "given"): GivenPart,
    (CasePart, "expect"): ExpectPart,
    (TestPart, "timeline"): StepPart,
    (StepPart, "signal"): SignalPart,
    (StepPart, "silence"): SilencedPart,
    (StepPart, "answer"): AnswerPart,
    (ExpectPart, "muted"): MutedPart,
    (ExpectPart, "incidents"): IncidentPart,
    (ExpectPart, "paged"): MessagePart,
    (ExpectPart, "told"): MessagePart,
}
