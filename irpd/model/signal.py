"""Signals: what a sender's report says once its format has been taken off."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from irpd.model.share import Impact

#: Longest texts that a signal carries; intake cuts longer ones visibly (with "…").
MAX_TITLE = 300
MAX_VALUE = 4096
MAX_LABELS = 64
#: The source of what irpd says of itself. No configured source has this name.
OWN = "irpd"
#: Keys of what stands for a report that nobody could read, or that irpd failed to handle.
UNREADABLE = ("unreadable", "set-aside")


class Status(StrEnum):
    """What a report says of its key."""

    FIRING = "firing"
    RESOLVED = "resolved"
    MUTED = "muted"  # somebody at the sender said: ignore this (Sentry's ignored, archived)
    NOTE = "note"  # a remark about the key; opens nothing (a comment, an assignment)


class Signal(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """One normalised report out of a receipt.

    ``key`` is the sender's own identity of the thing (a fingerprint, ``issue:17``,
    ``ticket:4711``) without the source's name. ``starts_at`` and ``ends_at`` are the
    sender's times: data, never trusted as a clock. ``episode`` is the sender's own
    identity of this occurrence, where it has one (Sentry's metric-alert id); otherwise
    episodes begin as ``architecture.md`` says.

    ``group_closed`` is set on a signal of a resolved Alertmanager group that was
    truncated: every signal with the same ``group`` is resolved, named or not.
    ``unreadable`` is what could not be understood; such a signal has the key
    ``unreadable`` and stands for "somebody must look".
    """

    key: str
    status: Status
    title: str
    labels: dict[str, str] = {}
    text: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    episode: str | None = None
    group: str = ""
    group_closed: bool = False
    impact: Impact = Impact()
    reporter: str | None = None  # a keyed hash of who wrote the ticket, never the address
    user: str | None = None  # a keyed hash of one person whom it happened to, never the id
    project: str = ""
    service: str = ""  # set only where a field map names the service outright
    url: str = ""
    runbook: str = ""
    dashboard: str = ""
    note: str = ""
    occurrence: bool = False  # one more event of the thing, not a change of its state: un-mutes nothing
    unreadable: str = ""


def given(source: str, key: str) -> bool:
    """Whether this is what irpd says of itself, or of what nobody could read: its level is given, and no rule
    has a say. ``key`` has the source in front."""
    return source == OWN or key.removeprefix(f"{source}/") in UNREADABLE
