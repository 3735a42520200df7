"""Who is on call when, as the files say it: schedules, their layers, hours, holidays and absences.

Times of day and dates stay texts here, as they are written; ``oncall`` reads them on the wall clock of their
zone, and ``check`` says which can't be read.
"""

from typing import Literal

from pydantic import Field

from irpd.config.base import Name, Value, Weekday
from irpd.config.duration import Duration


class Span(Value):
    """Hours of a week, on the wall clock of the schedule's zone."""

    days: tuple[Weekday, ...] = Field(
        ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
        min_length=1,
        description="Days on which they begin.",
    )
    start: str = Field("00:00", alias="from", description='When they begin: `"09:00"`.')
    end: str = Field(
        "24:00", alias="to", description='When they end: `"17:00"`; not after `from` means on the next day.'
    )


class Layer(Value):
    """A rotation. ``handoff`` is local wall-clock: ``"Mon 09:00"`` weekly, ``"09:00"`` daily and hourly,
    ``"1 09:00"`` monthly. ``start`` is the local date of the first person's first shift."""

    rotate: Literal["hourly", "daily", "weekly", "monthly"] = Field(
        description="How often it goes to the next person."
    )
    every: int = Field(
        1, ge=1, le=100, description="After how many of these: `3` with `daily` is every three days."
    )
    handoff: str = Field(
        description='Local time of the change: `"Mon 09:00"` weekly, `"09:00"` daily, `"1 09:00"` monthly '
        '(`"31 09:00"`: the last day of each month); hourly the time of the first one.'
    )
    start: str = Field(description='Local date of the first person\'s first shift: `"2026-01-05"`.')
    people: tuple[str, ...] = Field(min_length=1, description="Whose turn it is, in order.")
    hours: tuple[Span, ...] = Field(
        (),
        description="Only in these hours; outside them the layer below has its turn. Without any: always.",
    )
    except_: tuple[Name, ...] = Field(
        (), alias="except", description="Not on the days of these `holidays`: the layer below has them."
    )
    only: tuple[Name, ...] = Field((), description="Only on the days of these `holidays`.")


class Schedule(Value):
    """Later layers stand over earlier ones where they have somebody."""

    time_zone: str = Field(description="Zone of its hand-offs, hours and holidays.")
    layers: tuple[Layer, ...] = Field(
        min_length=1, description="Rotations; later ones stand over earlier ones where they have somebody."
    )
    gaps: Literal["refuse", "fallback"] = Field(
        "refuse",
        description="Whether times at which nobody is on call are a mistake, or are left to `fallback`.",
    )
    notice: Duration | None = Field(
        None,
        ge=60,
        le=7 * 86400,
        description="So long before somebody's shift begins they get a quiet message: from when until when, "
        "who hands over, what is open. Without it none.",
    )
    test_before_shift: Duration | None = Field(
        None,
        ge=300,
        le=7 * 86400,
        description="So long before somebody's shift begins they get a test page by each of their channels, "
        "before their quiet hours where it would come in them; operators hear of one that isn't answered. "
        "Without it none.",
    )


class Away(Value):
    """When somebody isn't there: dates, or dates with a time, on the person's own wall clock."""

    start: str = Field(
        alias="from", description='First day, or from when on: `"2026-12-24"`, `"2026-12-24 18:00"`.'
    )
    end: str = Field(alias="to", description='Last day, or until when: `"2027-01-03"`, `"2027-01-04 09:00"`.')
