"""Signals that wait outside any incident: why, for whom and how long; and the silences that people set."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from msgspec import Struct

from irpd.model.standing import Standing


class WaitKind(StrEnum):
    HOLD = "hold"  # a rule: opens nothing before that
    SILENCE = "silence"  # a person, for a time
    WINDOW = "window"  # a maintenance window of the rule files
    DEPENDENCY = "dependency"  # what its service depends on has an outage


class Waits(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """Why a signal is in no incident, though it fires.

    ``by`` names the reason: a rule's id, a silence's number, a window's id, an incident's number.
    ``since`` is when this episode began to wait, ``until`` when it is decided again at the latest
    (None: when that incident is over). ``or_count`` reports end a hold sooner. After a resolved the row stays
    for ``linger`` seconds, so that a key that comes and goes is known. ``before`` is the signal's earlier
    row in an incident, 0 if it has none; ``project`` what rules may ask besides the row.
    """

    kind: WaitKind
    by: str
    because: str
    since: datetime
    until: datetime | None = None
    author: str = ""
    or_count: int = 0
    linger: float = 0.0
    before: int = 0

    @property
    def subject(self) -> str:
        """What it waits for, as the subject of that thing's events; "" when only time ends it."""
        match self.kind:
            case WaitKind.SILENCE:
                return f"silence:{self.by}"
            case WaitKind.DEPENDENCY:
                return f"incident:{self.by}"
            case _:
                return ""

    @property
    def reason(self) -> str:
        """In words, to follow "muted by" or "held by"."""
        match self.kind:
            case WaitKind.HOLD:
                return f"rule {self.by} ({self.because})"
            case WaitKind.SILENCE:
                return f"silence {self.by} of {self.author} ({self.because})"
            case WaitKind.WINDOW:
                return f"window {self.by} ({self.because})"
            case WaitKind.DEPENDENCY:
                return f"#{self.by} ({self.because})"


class Silence(Standing, frozen=True, omit_defaults=True, kw_only=True):
    """What a person has muted. ``match`` maps a field (``service``, ``labels.NAME``) to the values that it
    may have; all must hold. It holds from ``since`` until before ``until``."""

    kind: ClassVar[str] = "silence"
    id: int
    match: dict[str, tuple[str, ...]]
    by: str
    because: str
    since: datetime
    until: datetime

    @property
    def key(self) -> str:
        return str(self.id)

    @property
    def name(self) -> str:
        return f"silence:{self.id}"
