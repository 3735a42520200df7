"""Time zones, hand-offs, dates and working hours: whether they can be read, and the gaps they leave."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from functools import cache
from zoneinfo import available_timezones

from irpd.check.material import Material
from irpd.config.problem import Problem, quoted, suggest
from irpd.config.supported import places, value_at
from irpd.config.yaml import Where
from irpd.oncall.rotation import WEEKDAYS, Turns, turns
from irpd.oncall.wallclock import minute_of

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ZONES = (
    ("server", "time_zone"),
    ("people", "*", "time_zone"),
    ("schedules", "*", "time_zone"),
    ("levels", "*", "hours", "time_zone"),
)


def times(material: Material) -> Iterator[Problem]:
    """Errors for what can't be read, warnings for gaps and for what is never in force."""
    for pattern in _ZONES:
        for path, name in material.texts(*pattern):
            if name not in _zones():
                message = (
                    f"no time zone {quoted(name)}{suggest(name, _zones()) or '; write it like Europe/Berlin'}"
                )
                yield material.merged.problem(path, message)
    for path in places(material.merged.value, ("schedules", "*")):
        yield from _schedule(material, path)
    yield from _hours(material)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _schedule(material: Material, path: Where) -> Iterator[Problem]:
    schedule = value_at(material.merged.value, path)
    layers = schedule.get("layers") if isinstance(schedule, dict) else None
    if not isinstance(layers, list):
        return
    zone = schedule.get("time_zone")
    zone = zone if isinstance(zone, str) and zone in _zones() else "UTC"
    begins: list[datetime | None] = []
    for n, layer in enumerate(layers):
        at = (*path, "layers", n)
        if not isinstance(layer, dict):
            begins.append(None)
            continue
        problems = [*_handoff(material, at, layer), *_start(material, at, layer)]
        yield from problems
        begins.append(None)
        if not problems and all(isinstance(layer.get(key), str) for key in ("rotate", "handoff", "start")):
            found = _turns(layer, zone)
            begins[-1] = found.begins(0) if found else None
            yield from _first_shift(material, at, layer, found)
    yield from _gaps(material, path, begins)


def _turns(layer: dict[str, str], zone: str) -> Turns | None:
    try:
        return turns(layer["rotate"], layer["handoff"], layer["start"], zone)
    except (ValueError, LookupError, OverflowError, OSError):
        return None  # a rotate that is none: said already


def _handoff(material: Material, at: Where, layer: dict[str, object]) -> Iterator[Problem]:
    handoff, rotate = layer.get("handoff"), layer.get("rotate")
    if not isinstance(handoff, str) or rotate not in ("daily", "weekly"):
        return
    path = (*at, "handoff")
    weekday, _, clock = handoff.rpartition(" ")
    if rotate == "weekly" and weekday not in WEEKDAYS:
        wanted = 'write the weekday and the time: "Mon 09:00"'
        yield material.merged.problem(
            path, f"{quoted(handoff)} is no weekly hand-off; {wanted}", allowed=WEEKDAYS
        )
    elif rotate == "daily" and weekday:
        yield material.merged.problem(
            path, f'{quoted(handoff)} is no daily hand-off; write only the time: "09:00"'
        )
    elif not _is_clock(clock) or clock == "24:00":
        yield material.merged.problem(path, f'{quoted(clock)} is no time of day; "00:00" to "23:59" are')


def _start(material: Material, at: Where, layer: dict[str, object]) -> Iterator[Problem]:
    start = layer.get("start")
    if not isinstance(start, str):
        return
    if not _is_date(start):
        message = f'{quoted(start)} is no date; write the first shift\'s day: "2026-01-05"'
        yield material.merged.problem((*at, "start"), message)


def _first_shift(
    material: Material, at: Where, layer: dict[str, str], found: Turns | None
) -> Iterator[Problem]:
    if found is None or found.first == date.fromisoformat(layer["start"]):
        return
    day = WEEKDAYS[date.fromisoformat(layer["start"]).weekday()]
    message = f"is a {day}, and hand-offs are {layer['handoff']}: the first shift begins on {found.first}"
    yield material.merged.problem((*at, "start"), message, severity="warning")


def _gaps(material: Material, path: Where, begins: list[datetime | None]) -> Iterator[Problem]:
    known = [begin for begin in begins if begin is not None]
    if not known or len(known) != len(begins):
        return
    first = min(known)
    if first > material.now:
        at = (*path, "layers", begins.index(first), "start")
        message = f"nobody is on call before {first:%Y-%m-%d %H:%M} UTC; only fallback covers until then"
        yield material.merged.problem(at, message, severity="warning")
    for n, begin in enumerate(known[:-1]):
        over = [m for m in range(n + 1, len(known)) if known[m] <= max(begin, material.now)]
        if over:
            message = f"never on call (any more): layers[{over[-1]}] stands over it"
            yield material.merged.problem((*path, "layers", n), message, severity="warning")


def _hours(material: Material) -> Iterator[Problem]:
    for path in places(material.merged.value, ("levels", "*", "hours")):
        hours = value_at(material.merged.value, path)
        if not isinstance(hours, dict):
            continue
        for key in ("from", "to"):
            clock = hours.get(key)
            if isinstance(clock, str) and not _is_clock(clock):
                message = f'{quoted(clock)} is no time of day; "00:00" to "24:00" are'
                yield material.merged.problem((*path, key), message)
        if hours.get("days") == []:
            yield material.merged.problem(
                (*path, "days"), "must not be empty; nothing would wait for such hours"
            )
        settings = material.configuration and material.configuration.levels.get(path[1])  # type: ignore[call-overload]  # whatever the file has for a level
        if settings and settings.urgency != "working-hours":
            message = f"without effect: the level's urgency is {settings.urgency}, not working-hours"
            yield material.merged.problem(path, message, key=True, severity="warning")


def _is_clock(text: str) -> bool:
    try:
        minute_of(text)
    except ValueError:
        return False
    return True


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        return 1970 <= date.fromisoformat(text).year < 9000
    except ValueError:
        return False
