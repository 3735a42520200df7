"""Who is on call at an instant, when people work, and how a person is reached. Pure.

Local time exists only in here and in ``comms``; everything else is aware UTC.
"""

from irpd.oncall.changes import NONE, Changes, changes
from irpd.oncall.hours import next_working, working
from irpd.oncall.reach import methods_for, persons_for
from irpd.oncall.roster import Roster, Rosters, Turn, roster, rosters
from irpd.oncall.shifts import Piece, Shift, pieces, shift_at, shifts

__all__ = [
    "NONE",
    "Changes",
    "Piece",
    "Roster",
    "Rosters",
    "Shift",
    "Turn",
    "changes",
    "methods_for",
    "next_working",
    "persons_for",
    "pieces",
    "roster",
    "rosters",
    "shift_at",
    "shifts",
    "working",
]
