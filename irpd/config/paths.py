"""Whom to page, in which order and when: paths and their steps, teams, roles, notification rules, hours.

A step names schedules, people and teams, one or several of each; all of them are paged at once. What a name
means is looked up when the step fires.
"""

from typing import Literal

from pydantic import Field

from irpd.config.base import LevelNumber, Name, Value, Weekday
from irpd.config.duration import Duration

_WEEK: tuple[Weekday, ...] = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class Hours(Value):
    """Working hours. Without ``time_zone`` they are read in the person's own."""

    days: tuple[Weekday, ...] = Field(
        ("Mon", "Tue", "Wed", "Thu", "Fri"), description="Days on which they begin."
    )
    start: str = Field("09:00", alias="from", description='When they begin: `"09:00"`.')
    end: str = Field(
        "18:00", alias="to", description='When they end: `"18:00"`; before `from` means overnight.'
    )
    time_zone: str | None = Field(None, description="Their zone. Without it the person's own.")


class Method(Value):
    """After so long, by these channels."""

    after: Duration = Field(0.0, description="How long after the page began.")
    via: tuple[str, ...] = Field(min_length=1, description="Names of channels, all at once.")
    levels: tuple[LevelNumber, ...] = Field((1, 2, 3, 4), min_length=1, description="For which levels.")
    hours: Hours | None = Field(
        None, description="Only at these times of day. Where no method holds, all of them are used."
    )


class QuietHours(Value):
    """Every night, on the person's own wall clock: no text message, no call, no push message; what doesn't
    ring (mail, chat) comes all the same. Level 1 always rings."""

    start: str = Field("22:00", alias="from", description='When they begin: `"22:00"`.')
    end: str = Field("07:00", alias="to", description='When they end: `"07:00"`.')
    breaks: tuple[LevelNumber, ...] = Field((1,), description="Levels that ring all the same; 1 always does.")

    @property
    def hours(self) -> Hours:
        return Hours.model_validate({"days": _WEEK, "from": self.start, "to": self.end})


class Team(Value):
    """Everybody who belongs to it, and whoever is on call on its schedules."""

    title: str = Field("", description="Its name for people. Without it the key.")
    people: tuple[Name, ...] = Field((), description="People who belong to it.")
    schedules: tuple[Name, ...] = Field((), description="Schedules whose person on call belongs to it.")


class PathStep(Value):
    """``schedule``, ``person`` and ``team`` may stand together; each is a name or a list of names."""

    schedule: str | tuple[str, ...] | None = Field(
        None, description="Page who is on call on this schedule, or on each of these."
    )
    person: str | tuple[str, ...] | None = Field(None, description="Page this person, or all of these.")
    team: str | tuple[str, ...] | None = Field(None, description="Page this team, or all of these.")
    title: str = Field("", description="As what: `Technical Lead`.")
    wait: Duration = Field(gt=0, description="How long to wait for an answer before the next step.")
    levels: tuple[LevelNumber, ...] = Field(
        (1, 2, 3, 4), min_length=1, description="Only at these levels; at others the step is passed over."
    )
    hours: Literal["in", "out"] | None = Field(
        None, description="Only `in` the path's working hours, or only `out` of them. Without it always."
    )

    @property
    def schedules(self) -> tuple[str, ...]:
        return _listed(self.schedule)

    @property
    def people(self) -> tuple[str, ...]:
        return _listed(self.person)

    @property
    def teams(self) -> tuple[str, ...]:
        return _listed(self.team)


def _listed(names: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names or ()


class Path(Value):
    kind: Literal["technical", "business", "customer"] = Field(description="What it is for.")
    repeat: int = Field(
        2, ge=1, le=10, description="Rounds; then everyone on it and `fallback` again and again."
    )
    hours: Hours = Field(
        Hours(),
        description="Its working hours, for steps with `hours`. Without `time_zone` in the server's zone.",
    )
    steps: tuple[PathStep, ...] = Field(min_length=1, description="Whom to page, in order.")


class ServicePath(Value):
    """A path that levels start by themselves."""

    path: Name = Field(description="Its name under `paths`.")
    levels: tuple[LevelNumber, ...] = Field(
        min_length=1, description="Started, besides the one that the report asks for, at these levels."
    )


class Role(Value):
    schedule: str | None = Field(None, description="Who is on call on this schedule.")
    person: str | None = Field(None, description="This person.")
    levels: tuple[LevelNumber, ...] = Field(
        (1, 2), min_length=1, description="Levels for which the role is filled."
    )
    accept_within: Duration = Field(
        300.0, gt=0, description="So long somebody has to accept it until the next is asked."
    )
