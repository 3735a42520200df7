"""Shifts that are about to begin, as far as irpd has told or tested anybody because of them."""

from datetime import datetime
from typing import ClassVar

from msgspec import Struct

from irpd.model.standing import Standing

#: The reason of a page that tests whether who is on call next can be reached.
SHIFT_TEST = "before-shift"


class ComingShift(Standing, frozen=True, omit_defaults=True, kw_only=True):
    """A person's time on a schedule, from ``begins``. ``told_at`` is when they got a word of it, ``test`` the
    page by which they were tested ("" for none that could be sent), ``judge_at`` when that is judged (None:
    it has been, or there is no test)."""

    kind: ClassVar[str] = "shift"
    schedule: str
    person: str
    begins: datetime
    told_at: datetime | None = None
    tested_at: datetime | None = None
    test: str = ""
    judge_at: datetime | None = None

    @property
    def key(self) -> str:
        return key_of(self.schedule, self.person, self.begins)


def key_of(schedule: str, person: str, begins: datetime) -> str:
    """Neither a schedule's name nor a person's has a slash in it."""
    return f"{schedule}/{person}/{begins:%Y%m%dT%H%M%S.%fZ}"


class OpenNow(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """An incident that was open when a word of a shift was asked for."""

    number: int
    level: int
    title: str
    has: tuple[str, ...] = ()  # who has it; nobody


class ShiftWord(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """What a word before a shift says. ``ends`` is None where no end is in sight, ``after`` the person who
    hands over ("" for nobody). ``more`` incidents are open than those named."""

    schedule: str
    begins: datetime
    ends: datetime | None = None
    after: str = ""
    incidents: tuple[OpenNow, ...] = ()
    more: int = 0
