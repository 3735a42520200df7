"""How much of being on call falls on whom: hours, nights and weekends."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from irpd.oncall.shifts import Piece
from irpd.oncall.wallclock import DAY, instant

#: A night is from 22:00 to 06:00 on the wall clock.
_NIGHT = (22 * 60, 6 * 60)
_DAY = timedelta(days=1)
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Load:
    """``nights`` and ``weekends`` count those that any part of a shift falls into."""

    person: str
    hours: float
    nights: int
    weekends: int


def loads(pieces: Iterable[Piece], zone: ZoneInfo) -> list[Load]:
    """Per person, the most hours first. Nights and weekends are those of ``zone``."""
    hours: dict[str, float] = {}
    nights: dict[str, set[date]] = {}
    weekends: dict[str, set[date]] = {}
    for piece in pieces:
        if piece.turn is None:
            continue
        person = piece.turn.person
        hours[person] = hours.get(person, 0.0) + (piece.end - piece.start).total_seconds() / 3600
        day = piece.start.astimezone(zone).date() - _DAY
        while (begins := instant(day, 0, zone)) < piece.end:
            evening, morning = instant(day, _NIGHT[0], zone), instant(day + _DAY, _NIGHT[1], zone)
            if _overlap(piece, evening, morning):
                nights.setdefault(person, set()).add(day)
            if day.weekday() >= _SATURDAY and _overlap(piece, begins, instant(day, DAY, zone)):
                weekends.setdefault(person, set()).add(day - (day.weekday() - _SATURDAY) * _DAY)
            day += _DAY
    found = [
        Load(person, round(hours[person], 2), len(nights.get(person, ())), len(weekends.get(person, ())))
        for person in hours
    ]
    return sorted(found, key=lambda load: (-load.hours, load.person))


def _overlap(piece: Piece, start: datetime, end: datetime) -> bool:
    return max(piece.start, start) < min(piece.end, end)
