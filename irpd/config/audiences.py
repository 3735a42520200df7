"""Whom messages about an incident go to besides the people who are paged, and by which way."""

from typing import Literal

from pydantic import Field, field_validator

from irpd.config.base import LevelNumber, Name, Value

#: The languages that the protocol's templates are in.
LANGUAGES = ("en", "de", "fr", "es")
Language = Literal["en", "de", "fr", "es"]
#: What the protocol says of audiences that have these names, where the files say nothing.
PROTOCOL_AUDIENCES = {"executives": (1, 2), "customers": (1, 2)}
ALL_LEVELS = (1, 2, 3, 4)


class Audience(Value):
    """``to`` or ``room``, whichever the channel's type has."""

    via: Name = Field(description="Name of the channel by which it is told.")
    to: tuple[str, ...] = Field(
        (),
        max_length=200,
        description="Addresses there: mail addresses, telephone numbers, topics. Each gets a message of its "
        "own; nobody sees the others.",
    )
    room: str = Field("", description="Slack: the room, `incidents` or its id `C024BE91L`.")
    levels: tuple[LevelNumber, ...] = Field(
        (),
        description="Incidents of these levels. Without it 1 and 2 for `executives` and `customers`, all "
        "for others.",
    )
    when: Literal["always", "regimes"] | None = Field(
        None,
        description="`regimes`: only of incidents that fall under a compliance regime. Without it so for "
        "`legal`, else `always`.",
    )
    services: tuple[Name, ...] = Field(
        (), description="Only of incidents that affect one of these services. Without it of any."
    )
    send: Literal["automatic", "draft"] = Field(
        "automatic", description="At once, or as a draft that somebody in `approve` releases."
    )
    approve: tuple[str, ...] = Field(
        (),
        description="Roles and people, any of whom releases its drafts. Where that is nobody: whoever "
        "has the incident.",
    )
    page: tuple[Name, ...] = Field(
        (), description="People who are also paged when it is told first; what they answer stops no path."
    )
    language: Language = Field("en", description="Language of its messages.")
    time_zone: str = Field("", description="Zone of the times in them. Without it `server.time_zone`.")

    @field_validator("to")
    @classmethod
    def _each_once(cls, to: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(to)) != len(to):
            raise ValueError("an address stands twice; each would get the message twice")
        return to

    def levels_as(self, name: str) -> tuple[int, ...]:
        """The levels of an audience of this name."""
        return self.levels or PROTOCOL_AUDIENCES.get(name, ALL_LEVELS)

    def when_as(self, name: str) -> str:
        """``always`` or ``regimes``."""
        return self.when or ("regimes" if name == "legal" else "always")


class MessageTemplate(Value):
    """A team's own text in place of one of the protocol's."""

    template: Literal["initial", "update", "resolution"] = Field(description="Which of the protocol's.")
    audience: str = Field("", description="Only for this audience. Without it for all.")
    language: Language | Literal[""] = Field("", description="Only in this language. Without it in all.")
    text: str = Field(
        min_length=1,
        max_length=20_000,
        description="The text (Jinja2, sandboxed). Its first line is the subject; what may stand in it is in "
        "docs/guides/messages.md.",
    )
