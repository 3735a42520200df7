"""What may stand in the tests of a rule file.

A case gives a signal with what its incident has gathered, and asks for the verdict. A timeline lets time
pass: payloads come in, people act, monitoring answers, and at its end it says what there is, what is muted
and why, who was paged when, and who was told.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from irpd.config.duration import Duration
from irpd.model.waits import WaitKind
from irpd.triage.part import Amount, AnyOf, ExactShare, LevelNumber, Part, Text, Texts


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


class SignalPart(Part):
    """One signal as a source would have read it, where no payload is at hand."""

    key: str = Field("key", description="The sender's identity of it: the same key is the same thing.")
    status: Literal["firing", "resolved", "muted"] = "firing"
    title: str = ""
    text: str = ""
    service: str = Field("", description="The service; absent, the one that claims the signal.")
    project: str = ""
    labels: Mapping[str, str] = {}
    share: ExactShare | None = Field(None, description="Share of users affected, 0 to 1, exact as written.")
    affected: Amount | None = Field(None, description="Users affected.")
    reporter: str = Field("", description="Who wrote the ticket; distinct ones are counted.")


class SilencedPart(Part):
    """What a person mutes, as ``irpd silence add`` does."""

    match: Mapping[str, AnyOf] = Field(
        min_length=1, description="source, source_type, service, project or labels.NAME: its values."
    )
    lasts: Duration = Field(alias="for", gt=0, description="How long it is muted.")
    because: Text = "a test"


class AnswerPart(Part):
    """What Prometheus answers about the users of a service, for its incidents that are open."""

    service: Text
    affected: Amount | None = Field(None, description="Users affected.")
    users: Amount | None = Field(None, description="Users of the service.")


class StepPart(Part):
    """One thing that happens: a payload or a signal comes `to` a source, monitoring answers, or a person
    acts."""

    after: Duration = Field(0.0, description="Since the beginning of the timeline.")
    post: Text | None = Field(None, description="A file with a payload, relative to the rule file.")
    signal: SignalPart | None = Field(None, description="A signal instead of a payload.")
    to: str | None = Field(None, description="The source that it comes to.")
    headers: Mapping[str, str] = Field({}, description="Headers that the source needs (Sentry's resource).")
    by: str | None = Field(None, description="The person who acts.")
    acknowledge: Amount | None = Field(None, description="The incident that the person has, 1 for the first.")
    cant: Amount | None = Field(None, description="The incident that the person can't take.")
    escalate: Amount | None = Field(None, description="The incident whose next step is due now.")
    resolve: Amount | None = Field(None, description="The incident that the person says is over.")
    silence: SilencedPart | None = Field(None, description="What the person mutes, and how long.")
    end_silence: Amount | None = Field(None, description="The silence that the person ends, 1 for the first.")
    answer: AnswerPart | None = Field(None, description="What Prometheus answers, where it is asked.")


class IncidentPart(Part):
    """An incident as it must be at the end; only what is named is compared."""

    service: str | None = Field(None, description="Its service; several with a comma between.")
    title: str | None = Field(None, description="Its title.")
    level: LevelNumber | None = Field(None, description="The level in force.")
    state: Literal["open", "acknowledged", "resolved", "closed", "merged"] | None = Field(
        None, description="open, acknowledged, resolved, closed or merged."
    )
    signals: Amount | None = Field(None, description="How many signals are in it.")
    firing: Amount | None = Field(None, description="How many of them fire.")
    rules: Texts | None = Field(None, description="Each of these decided its level at some time.")
    regimes: Texts | None = Field(None, description="Exactly these.")
    acknowledged_by: Texts | None = Field(None, description="Exactly these people have it.")
    storm: bool | None = Field(None, description="Whether it is a storm, made of what would be many.")
    flapping: bool | None = Field(None, description="Whether a signal of it flaps.")


class MessagePart(Part):
    """A message that goes out; only what is named is compared."""

    after: Duration = Field(0.0, description="Since the beginning of the timeline.")
    person: str = Field(description="Who gets it.")
    via: Texts | None = Field(None, description="Exactly these channels, at that time.")


class MutedPart(Part):
    """A signal that is muted or held at the end; only what is named is compared."""

    title: str | None = Field(None, description="Its title.")
    kind: Literal["hold", "silence", "window", "dependency", "sender"] | None = Field(
        None,
        description="Why: hold, silence, window, dependency, or sender for one muted where it came from.",
    )
    by: str | None = Field(
        None, description="The rule's or window's id, the silence's or incident's number (as text)."
    )


def _titled(value: object) -> object:
    return {"title": value} if isinstance(value, str) else value


def _listed(value: object) -> object:
    return [value] if isinstance(value, str | Mapping) else value


_MUTED_SCHEMA: dict[str, object] = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "title": {"type": "string"},
                "kind": {"enum": [*(kind.value for kind in WaitKind), "sender"]},
                "by": {"type": "string"},
            },
        },
    ]
}
Muted = Annotated[MutedPart, BeforeValidator(_titled), WithJsonSchema(_MUTED_SCHEMA)]


class ExpectPart(Part):
    """What must come of it. Only what is named is compared."""

    level: LevelNumber | None = Field(None, description="The level, 1 to 4.")
    rules: Texts | None = Field(
        None, description="Each of these decided the level (share-of-users too); [] means that no rule did."
    )
    held: Texts | None = Field(None, description="Each of these held, whether it decided or not.")
    not_held: Texts | None = Field(None, description="None of these held.")
    regimes: Texts | None = Field(None, description="Exactly these.")
    service: str | None = Field(None, description="The service that the signal belongs to.")
    group: Texts | None = Field(None, description="Id of the group rule, then the values of by.")
    pages: Texts | None = Field(
        None,
        description="Exactly these are paged at once: people, or schedules for who is on call; [], nobody.",
    )
    tells: Texts | None = Field(
        None, description="Exactly these audiences are to be told, at once or by a draft."
    )
    incidents: tuple[IncidentPart, ...] | None = Field(
        None, description="Of a timeline: exactly these, in the order in which they opened."
    )
    paged: tuple[MessagePart, ...] | None = Field(
        None, description="Of a timeline: exactly these pages went out, up to its end."
    )
    told: tuple[MessagePart, ...] | None = Field(
        None, description="Of a timeline: exactly these updates and quiet messages went out."
    )
    muted: Annotated[tuple[Muted, ...], BeforeValidator(_listed)] | None = Field(
        None,
        description="Of a timeline: exactly these are muted or held at its end; a title, or `title`, `kind` "
        "(hold, silence, window, dependency, sender) and `by`.",
    )


class CasePart(Part):
    given: GivenPart
    expect: ExpectPart


class TestPart(Part):
    """One case (``given``, ``expect``), several (``cases``), or a ``timeline`` with ``expect``."""

    __test__ = False  # not a test of pytest's

    name: Text = Field(description="A sentence about what must be so.")
    at: str | None = Field(
        None, description="The time of all its cases that name none; a timeline's beginning."
    )
    given: GivenPart | None = None
    expect: ExpectPart | None = None
    cases: tuple[CasePart, ...] | None = Field(
        None, min_length=1, description="Several, each with given and expect."
    )
    timeline: Annotated[tuple[StepPart, ...], Field(min_length=1, max_length=1000)] | None = Field(
        None, description="What happens, in virtual time and through the real protocol."
    )
    until: Duration | None = Field(
        None, description="How long a timeline is looked at; absent, up to the last `after` in it."
    )
