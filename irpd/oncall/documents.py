"""Schedules as objects of the API and of ``--json``: who is on call, shifts, gaps, load.

The daemon answers with these, and the command line makes the same from files alone; then without what people
changed at run time.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from irpd.config.values import Configuration
from irpd.model.override import Override
from irpd.oncall.changes import NONE, Changes
from irpd.oncall.load import loads
from irpd.oncall.roster import Turn, rosters
from irpd.oncall.shifts import Piece, Shift, pieces, shift_at
from irpd.oncall.wallclock import clock_changes

#: What a schedule that can't be read raises.
UNREADABLE = (LookupError, ValueError, OSError, OverflowError)
WEEK = timedelta(days=7)


def utc_text(at: datetime) -> str:
    """RFC 3339 with ``Z``; shifts begin at whole seconds."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def who_document(
    configuration: Configuration, at: datetime, changes: Changes = NONE, *, you: str = ""
) -> dict[str, Any]:
    """Who is on call at an instant on each schedule, until when, and who is next."""
    return {
        "schema": "irpd.who/1",
        "at": utc_text(at),
        "you": you or None,
        "schedules": [_who(configuration, name, at, changes) for name in configuration.schedules],
        "fallback": list(configuration.fallback),
        "operators": list(configuration.operators),
    }


def _who(configuration: Configuration, name: str, at: datetime, changes: Changes) -> dict[str, Any]:
    shift: Shift | None = None
    after: Turn | None = None
    try:
        roster = rosters(configuration)[name]
        shift = shift_at(roster, at, changes)
        after = None if shift is None else roster.on_call(shift.end, changes)
    except UNREADABLE:
        pass
    return {
        "name": name,
        "time_zone": configuration.schedules[name].time_zone,
        "person": shift and shift.person,
        "person_name": shift and _name(configuration, shift.person),
        "since": utc_text(shift.start) if shift else None,
        "until": utc_text(shift.end) if shift else None,
        "override": (shift and shift.override) or None,
        "next": None
        if after is None
        else {"person": after.person, "person_name": _name(configuration, after.person)},
    }


def schedule_document(
    configuration: Configuration, name: str, start: datetime, weeks: int, changes: Changes = NONE
) -> dict[str, Any]:
    """The final shifts of the coming weeks, gaps, changes of the clocks, and each person's load.

    Raises LookupError where there is no such schedule, and what a schedule that can't be read raises."""
    roster = rosters(configuration)[name]
    end = start + weeks * WEEK
    found = list(pieces(roster, start, end, changes))
    return {
        "schema": "irpd.schedule/1",
        "schedule": name,
        "time_zone": configuration.schedules[name].time_zone,
        "from": utc_text(start),
        "to": utc_text(end),
        "shifts": [_shift(configuration, piece) for piece in found if piece.turn is not None],
        "gaps": [_span(piece) for piece in found if piece.turn is None],
        "clock_changes": [
            {"at": utc_text(at), "by_minutes": int(by.total_seconds() // 60)}
            for at, by in clock_changes(roster.zone, start, end)
        ],
        "load": [
            {
                "person": load.person,
                "person_name": _name(configuration, load.person),
                "hours": load.hours,
                "nights": load.nights,
                "weekends": load.weekends,
            }
            for load in loads(found, roster.zone)
        ],
    }


def _shift(configuration: Configuration, piece: Piece) -> dict[str, Any]:
    turn = piece.turn
    assert turn is not None
    return {
        "person": turn.person,
        "person_name": _name(configuration, turn.person),
        **_span(piece),
        "layer": None if turn.override else turn.layer,
        "override": turn.override or None,
    }


def _span(piece: Piece) -> dict[str, str]:
    return {"from": utc_text(piece.start), "to": utc_text(piece.end)}


def override_view(one: Override, now: datetime) -> dict[str, Any]:
    """``person`` is null where whoever would be on call isn't; ``schedule`` where it is about every one."""
    return {
        "id": one.id,
        "schedule": one.schedule or None,
        "person": one.person or None,
        "away": one.away or None,
        "from": utc_text(one.since),
        "to": utc_text(one.until),
        "by": one.by,
        "because": one.because or None,
        "state": "over" if one.until <= now else "holds" if one.since <= now else "comes",
    }


def _name(configuration: Configuration, person: str) -> str:
    known = configuration.people.get(person)
    return known.name if known is not None else person
