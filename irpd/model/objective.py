"""The protocol's time limits of an incident: resolution and status updates, beside its first response.

Part of the incident's row and of the events that set it, so that each clock is pinned when it is set: what
the files say later moves no running one.
"""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace


class Objective(StrEnum):
    RESPONSE = "response"
    UPDATE = "update"
    RESOLUTION = "resolution"


class Clock(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """One limit. ``state``: running | met | missed | not-needed. ``warn_at`` is when it is warned of; None
    once that has been done, or where no warning is wanted."""

    due_at: datetime
    state: str = "running"
    warn_at: datetime | None = None

    @property
    def running(self) -> bool:
        return self.state == "running"


class Objectives(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """``update`` is one clock for all audiences. ``since`` is when it was begun: by the opening, the last
    update, or a change of level.

    An update that is missed is due again an interval later, and so on: ``missed_since`` is when the first of
    them was due, ``chase_at`` when the next person is paged for it, ``chased`` how many were since it was
    missed last.
    """

    resolution: Clock | None = None
    update: Clock | None = None
    since: datetime | None = None
    updated_at: datetime | None = None  # when somebody was last told
    extended: bool = False  # past its resolution target: updates are due more often
    missed_since: datetime | None = None
    chase_at: datetime | None = None
    chased: int = 0
    response_warn_at: datetime | None = None

    def over(self) -> "Objectives":
        """As they are once the incident is over: nothing runs."""
        resolution, update = self.resolution, self.update
        if resolution is not None:
            resolution = replace(
                resolution, state="met" if resolution.running else resolution.state, warn_at=None
            )
        if update is not None:
            state = "missed" if self.missed_since else "met" if self.updated_at else "not-needed"
            update = replace(update, due_at=self.missed_since or update.due_at, state=state, warn_at=None)
        return replace(self, resolution=resolution, update=update, chase_at=None, response_warn_at=None)


#: Of an incident that has none, also of one from before irpd kept them.
NO_OBJECTIVES = Objectives()
