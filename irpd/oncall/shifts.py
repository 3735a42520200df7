"""Shifts: the stretches of time that belong to one person, as a schedule comes to in the end."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from irpd.oncall.changes import NONE, Changes
from irpd.oncall.roster import Roster, Turn

_FIRST_LOOK = timedelta(days=4)
#: So far a shift is followed to its ends.
_FAR = timedelta(days=3660)


@dataclass(frozen=True, slots=True)
class Shift:
    """From ``start`` to just before ``end`` (UTC) somebody's turn. ``layer`` is -1 where it is the
    ``override`` with that number."""

    person: str
    start: datetime
    end: datetime
    layer: int = 0
    override: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of time with one answer; ``turn`` is None where nobody is on call."""

    start: datetime
    end: datetime
    turn: Turn | None


def pieces(roster: Roster, start: datetime, end: datetime, changes: Changes = NONE) -> Iterator[Piece]:
    """The time from ``start`` to ``end`` in order, without gap or overlap; cut at both."""
    begin, turn = start, roster.on_call(start, changes)
    for edge in roster.edges(start, end, changes):
        now = roster.on_call(edge, changes)
        if now != turn:
            yield Piece(begin, edge, turn)
            begin, turn = edge, now
    if begin < end:
        yield Piece(begin, end, turn)


def shift_at(roster: Roster, at: datetime, changes: Changes = NONE) -> Shift | None:
    """The shift under way at ``at``, from its beginning to its end (at most ten years either way)."""
    at = at.astimezone(UTC)
    turn = roster.on_call(at, changes)
    if turn is None:
        return None
    return Shift(
        turn.person, _began(roster, at, turn, changes), _ends(roster, at, turn, changes), turn.layer,
        turn.override,
    )  # fmt: skip


def _ends(roster: Roster, at: datetime, turn: Turn, changes: Changes) -> datetime:
    look, seen = _FIRST_LOOK, timedelta()
    while seen < _FAR:
        for edge in roster.edges(at + seen, at + look, changes):
            if roster.on_call(edge, changes) != turn:
                return edge
        if roster.on_call(at + look, changes) != turn:
            return at + look
        seen, look = look, look * 2
    return at + look


def _began(roster: Roster, at: datetime, turn: Turn, changes: Changes) -> datetime:
    look, begin = _FIRST_LOOK, at
    while look < _FAR * 2:
        for edge in reversed([*roster.edges(at - look, begin, changes), begin]):
            if roster.on_call(edge, changes) != turn:
                return begin
            begin = edge
        look *= 2
    return begin


def shifts(roster: Roster, start: datetime, end: datetime, changes: Changes = NONE) -> Iterator[Shift]:
    """Every shift that overlaps ``start`` to ``end``, in order, from its beginning to its end."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    for piece in pieces(roster, start, end, changes):
        if piece.turn is None:
            continue
        if piece.start == start or piece.end == end:
            shift = shift_at(roster, piece.start, changes)
            if shift is not None:
                yield shift
        else:
            turn = piece.turn
            yield Shift(turn.person, piece.start, piece.end, turn.layer, turn.override)
