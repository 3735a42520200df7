"""The post-incident report as far as later decisions need it: whose it is, when it is due, how far it came,
and the action items that followed. Its texts are events."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class ActionKind(StrEnum):
    PREVENTIVE = "preventive"  # keeps it from happening again
    PROCESS = "process"  # makes the response better
    OTHER = "other"


class ActionItem(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """``n`` counts from 1 within the incident. ``reminded`` says how far an overdue one went: 0 not at all, 1
    its owner was reminded, 2 it was escalated."""

    n: int
    text: str
    kind: ActionKind
    owner: str
    due_at: datetime
    done_at: datetime | None = None
    dropped: bool = False  # it ended without being done, for a reason that stands in its event
    reminded: int = 0


class Report(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """``version`` counts its saved texts; 0: nothing was written yet. ``review_at`` is when the people
    involved meet over it; None: they needn't."""

    owner: str
    due_at: datetime
    asked_at: datetime
    version: int = 0
    reviewed_version: int = 0
    reviewed_by: str = ""
    published_at: datetime | None = None
    published_version: int = 0
    review_at: datetime | None = None
    review_held_at: datetime | None = None
    review_reminded: bool = False
    reminded: int = 0
    escalate_after: float = 0.0  # seconds; what is late for so long others than its owner hear of
    items: tuple[ActionItem, ...] = ()

    @property
    def state(self) -> str:
        """asked | draft | reviewed | published; a text that was changed since is a draft again."""
        if self.published_version and self.published_version == self.version:
            return "published"
        if self.reviewed_version and self.reviewed_version == self.version:
            return "reviewed"
        return "draft" if self.version else "asked"

    @property
    def settled(self) -> bool:
        """Nothing is left to be done about the incident."""
        return (
            self.published_at is not None
            and all(item.done_at is not None for item in self.items)
            and (self.review_at is None or self.review_held_at is not None)
        )
