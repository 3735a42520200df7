"""What the pages of shifts say: who is on call now and next, and what comes; how it looks is the template's.

Final shifts, overrides included, in the reader's own zone (a schedule's page: in the schedule's). Bounded in
every direction, so that a page stays below 20 kB whatever the configuration holds. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import islice

from irpd.comms import clean
from irpd.config.values import Configuration
from irpd.oncall.changes import NONE, Changes
from irpd.oncall.documents import UNREADABLE
from irpd.oncall.roster import rosters
from irpd.oncall.shifts import Shift, pieces, shift_at, shifts
from irpd.web.wording import span, zone_of

AHEAD = timedelta(weeks=8)
OWN, OTHERS, SHIFTS = 12, 24, 12  # entries of a page
_LOOKED_AT = 5000  # shifts of one schedule
_BYTES = 60  # of a name


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line: what it is about, and the small print under it."""

    title: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftsPage:
    """Everything that the template shows; an empty list is left out."""

    title: str
    headline: str
    lines: tuple[str, ...]
    shifts_title: str
    shifts: tuple[Entry, ...]
    now: tuple[Entry, ...]  # who has which schedule
    others: tuple[Entry, ...] = ()
    more_others: int = 0
    zone: str
    at: str


def person_page(
    configuration: Configuration, person: str, now: datetime, changes: Changes = NONE
) -> ShiftsPage:
    """For one person: their shifts on all schedules, and who is on call now."""
    zone = zone_of(configuration.people[person].time_zone)
    own: list[tuple[str, Shift]] = []
    for name in configuration.schedules:
        if not _may_have(configuration, name, person, changes):
            continue
        try:
            found = islice(shifts(rosters(configuration)[name], now, now + AHEAD, changes), _LOOKED_AT)
            theirs = (shift for shift in found if shift.person == person)
            own += [(name, shift) for shift in islice(theirs, SHIFTS + 1)]  # what is under way, and as many
        except UNREADABLE:
            continue  # said where the schedule stands
    own.sort(key=lambda one: (one[1].start, one[0]))
    current = [one for one in own if one[1].start <= now]
    coming = [one for one in own if one[1].start > now]
    mine = list(dict.fromkeys(name for name, _ in own))
    rest = [name for name in configuration.schedules if name not in set(mine)]
    return ShiftsPage(
        title=_cut(configuration.people[person].name),
        headline="You are on call." if current else "You are not on call.",
        lines=_mine(current, coming, zone, now),
        shifts_title="Your next shifts",
        shifts=tuple(
            Entry(title=moment(shift.start, zone, now), detail=_about(name, shift, zone, now))
            for name, shift in coming[:SHIFTS]
        ),
        now=tuple(_has(configuration, name, now, changes, zone) for name in mine[:OWN]),
        others=tuple(_has(configuration, name, now, changes, zone) for name in rest[:OTHERS]),
        more_others=max(0, len(rest) - OTHERS) + max(0, len(mine) - OWN),
        zone=str(zone),
        at=moment(now, zone, now),
    )


def _may_have(configuration: Configuration, schedule: str, person: str, changes: Changes) -> bool:
    """Whether a person is on a schedule at all; its shifts are looked at only then."""
    layers = configuration.schedules[schedule].layers
    return any(person in layer.people for layer in layers) or any(
        one.person == person for one in changes.of(schedule)
    )


def schedule_page(
    configuration: Configuration, name: str, now: datetime, changes: Changes = NONE
) -> ShiftsPage:
    """For one schedule: who has it, and the shifts that come. Raises what a schedule that can't be read
    raises."""
    zone = zone_of(configuration.schedules[name].time_zone)
    roster = rosters(configuration)[name]
    current = shift_at(roster, now, changes)
    start = now if current is None else current.end
    coming = []
    for piece in islice(pieces(roster, start, now + AHEAD, changes), SHIFTS):
        override = f" · override {piece.turn.override}" if piece.turn and piece.turn.override else ""
        who = "nobody" if piece.turn is None else _name(configuration, piece.turn.person)
        until = f"until {moment(piece.end, zone, now)}{override}"
        coming.append(Entry(title=f"{moment(piece.start, zone, now)}: {who}", detail=until))
    who = "Nobody is on call" if current is None else f"{_name(configuration, current.person)} is on call"
    return ShiftsPage(
        title=_cut(name),
        headline=f"{who}.",
        lines=(_fallback(configuration),) if current is None else (f"Until {moment(start, zone, now)}.",),
        shifts_title="Then",
        shifts=tuple(coming),
        now=(),
        zone=str(zone),
        at=moment(now, zone, now),
    )


def moment(at: datetime, zone: tzinfo, now: datetime) -> str:
    """``today 09:00``, ``tomorrow 09:00``, ``Mon 30 Nov 09:00``; nothing that is shown is a year away."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    days = (local.date() - today).days
    if days in (-1, 0, 1):
        return f"{('yesterday', 'today', 'tomorrow')[days + 1]} {local:%H:%M}"
    return f"{local:%a} {local.day} {local:%b %H:%M}"


def _mine(
    current: Sequence[tuple[str, Shift]], coming: Sequence[tuple[str, Shift]], zone: tzinfo, now: datetime
) -> tuple[str, ...]:
    if current:
        return tuple(f"{_cut(name)} until {moment(shift.end, zone, now)}." for name, shift in current[:OWN])
    if not coming:
        return (f"No shift of yours within {AHEAD.days // 7} weeks.",)
    name, shift = coming[0]
    away = span((shift.start - now).total_seconds())
    return (f"Next: {_cut(name)}, {moment(shift.start, zone, now)}, in {away}.",)


def _has(configuration: Configuration, name: str, now: datetime, changes: Changes, zone: tzinfo) -> Entry:
    """Who has a schedule now, until when, and who is next."""
    try:
        roster = rosters(configuration)[name]
        shift = shift_at(roster, now, changes)
        after = None if shift is None else roster.on_call(shift.end, changes)
    except UNREADABLE:
        return Entry(title=_cut(name), detail="can't be read just now")
    if shift is None:
        return Entry(title=f"{_cut(name)}: nobody", detail=_fallback(configuration))
    then = f", then {_name(configuration, after.person)}" if after is not None else ""
    return Entry(
        title=f"{_cut(name)}: {_name(configuration, shift.person)}",
        detail=f"until {moment(shift.end, zone, now)}{then}",
    )


def _about(name: str, shift: Shift, zone: tzinfo, now: datetime) -> str:
    override = f" · override {shift.override}" if shift.override else ""
    away = span((shift.start - now).total_seconds())
    return f"until {moment(shift.end, zone, now)} · {_cut(name)} · in {away}{override}"


def _fallback(configuration: Configuration) -> str:
    names = [_name(configuration, person) for person in configuration.fallback[:3]]
    return f"Paged instead: {', '.join(names)}."


def _name(configuration: Configuration, person: str) -> str:
    known = configuration.people.get(person)
    return _cut(known.name if known is not None else person)


def _cut(name: str) -> str:
    return clean.cut_bytes(clean.line(name, 80), _BYTES)
