"""Maintenance windows as values: when something is muted by plan."""

from datetime import date, datetime

from msgspec import Struct


class Window(Struct, frozen=True, gc=False, kw_only=True):
    """Either once, from ``begin`` until before ``end`` (aware), or on each of ``days`` (Mon ... Sun) of the
    wall clock in ``zone`` from minute ``opens`` to minute ``closes`` of the day; when that isn't later, to
    the next day's. ``first`` and ``last`` are the first and last days on which it begins."""

    zone: str = "UTC"
    begin: datetime | None = None
    end: datetime | None = None
    days: tuple[str, ...] = ()
    opens: int = 0
    closes: int = 0
    first: date | None = None
    last: date | None = None
