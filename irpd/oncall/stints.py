"""Stints: somebody's whole time on a schedule at a stretch, whatever it is made of.

A shift (``shifts``) ends where a rotation hands over, also to the same person, and where another layer's
turn begins. A stint ends where somebody else is on call, or nobody: that is when people hand over.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from irpd.oncall.changes import NONE, Changes
from irpd.oncall.roster import Roster

_MOMENT = timedelta(microseconds=1)
_FIRST_LOOK = timedelta(days=8)
#: So far an end is looked for.
_FAR = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Stint:
    """From ``start`` to just before ``end`` (UTC; None: no end within a year). ``after`` is who was on call
    just before, "" for nobody."""

    person: str
    start: datetime
    end: datetime | None
    after: str


def stint_from(roster: Roster, start: datetime, changes: Changes = NONE) -> Stint | None:
    """The stint that begins at ``start``; None where none does."""
    person, before = _person(roster, start, changes), _person(roster, start - _MOMENT, changes)
    if not person or person == before:
        return None
    return Stint(person, start, _end(roster, start, person, changes), before)


def stints_from(roster: Roster, since: datetime, until: datetime, changes: Changes = NONE) -> Iterator[Stint]:
    """Those that begin after ``since`` and not after ``until``, in order."""
    since, until = since.astimezone(UTC), until.astimezone(UTC)
    for edge in roster.edges(since, until + _MOMENT, changes):
        stint = stint_from(roster, edge, changes)
        if stint is not None:
            yield stint


def _person(roster: Roster, at: datetime, changes: Changes) -> str:
    turn = roster.on_call(at, changes)
    return turn.person if turn is not None else ""


def _end(roster: Roster, start: datetime, person: str, changes: Changes) -> datetime | None:
    seen, look = timedelta(), _FIRST_LOOK
    while seen < _FAR:
        for edge in roster.edges(start + seen, start + look + _MOMENT, changes):
            if _person(roster, edge, changes) != person:
                return edge
        seen, look = look, look * 2
    return None
