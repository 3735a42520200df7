"""Time zones, hand-offs, dates and hours: whether they can be read. For gaps see ``coverage``."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from irpd.check.material import Material
from irpd.config.problem import Problem, quoted, suggest
from irpd.config.supported import places, value_at
from irpd.config.yaml import Where
from irpd.oncall.rotation import WEEKDAYS, Turns, turns
from irpd.oncall.wallclock import DAY, day_of, instant_at, minute_of

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ZONES = (
    ("server", "time_zone"),
    ("people", "*", "time_zone"),
    ("schedules", "*", "time_zone"),
    ("audiences", "*", "time_zone"),
    ("levels", "*", "hours", "time_zone"),
    ("paths", "*", "hours", "time_zone"),
    ("heartbeats", "*", "hours", "time_zone"),
    ("notify", "*", "*", "hours", "time_zone"),
    ("people", "*", "notify", "*", "hours", "time_zone"),
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
    yield from _days(material)


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
            found = _turns(layer)
            begins[-1] = _instant(found, zone) if found else None
            yield from _first_shift(material, at, layer, found)
    yield from _never(material, path, layers, begins)


def _turns(layer: dict[str, Any]) -> Turns | None:
    every = layer.get("every", 1)
    try:
        return (
            turns(layer["rotate"], every, layer["handoff"], layer["start"])
            if every in range(1, 101)
            else None
        )
    except (ValueError, LookupError, OverflowError, TypeError):
        return None  # a rotate that is none: said already


def _instant(found: Turns, zone: str) -> datetime | None:
    try:
        return instant_at(found.first, ZoneInfo(zone))
    except (ValueError, LookupError, OverflowError, OSError):
        return None


def _handoff(material: Material, at: Where, layer: dict[str, object]) -> Iterator[Problem]:
    handoff, rotate = layer.get("handoff"), layer.get("rotate")
    if not isinstance(handoff, str) or rotate not in ("hourly", "daily", "weekly", "monthly"):
        return
    path = (*at, "handoff")
    weekday, _, clock = handoff.rpartition(" ")
    if rotate == "monthly" and not re.fullmatch(r"[1-9]|[12][0-9]|3[01]", weekday):
        wanted = 'write the day of the month and the time: "1 09:00"'
        yield material.merged.problem(path, f"{quoted(handoff)} is no monthly hand-off; {wanted}")
    elif rotate == "weekly" and weekday not in WEEKDAYS:
        wanted = 'write the weekday and the time: "Mon 09:00"'
        yield material.merged.problem(
            path, f"{quoted(handoff)} is no weekly hand-off; {wanted}", allowed=WEEKDAYS
        )
    elif rotate in ("hourly", "daily") and weekday:
        yield material.merged.problem(
            path, f'{quoted(handoff)} is no {rotate} hand-off; write only the time: "09:00"'
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
    if found is None or found.first // DAY == date.fromisoformat(layer["start"]).toordinal():
        return
    day = WEEKDAYS[date.fromisoformat(layer["start"]).weekday()]
    first = date.fromordinal(found.first // DAY)
    message = f"is a {day}, and hand-offs are {layer['handoff']}: the first shift begins on {first}"
    yield material.merged.problem((*at, "start"), message, severity="warning")


def _never(
    material: Material, path: Where, layers: list[Any], begins: list[datetime | None]
) -> Iterator[Problem]:
    """A layer that another stands over at all times."""
    always = [
        isinstance(layer, dict) and not any(layer.get(key) for key in ("hours", "except", "only"))
        for layer in layers
    ]
    for n, begin in enumerate(begins):
        if begin is None:
            continue
        over = [
            m
            for m in range(n + 1, len(begins))
            if always[m] and (above := begins[m]) is not None and above <= max(begin, material.now)
        ]
        if over:
            message = f"never on call (any more): layers[{over[-1]}] stands over it"
            yield material.merged.problem((*path, "layers", n), message, severity="warning")


def _days(material: Material) -> Iterator[Problem]:
    """Holidays and absences."""
    for path, text in material.texts("holidays", "*"):
        if not _is_date(text):
            message = f'{quoted(text)} is no date; write it like "2026-12-25"'
            yield material.merged.problem(path, message)
    for path in places(material.merged.value, ("people", "*", "away", "*")):
        away = value_at(material.merged.value, path)
        if not isinstance(away, dict):
            continue
        moments = {key: away.get(key) for key in ("from", "to")}
        bad = [key for key, text in moments.items() if isinstance(text, str) and not _is_moment(text)]
        for key in bad:
            message = f'{quoted(str(moments[key]))} is no date; write "2026-12-24" or "2026-12-24 18:00"'
            yield material.merged.problem((*path, key), message)
        begin, end = moments["from"], moments["to"]
        if not bad and isinstance(begin, str) and isinstance(end, str):
            last = end if " " in end else f"{end} 24:00"
            if last <= (begin if " " in begin else f"{begin} 00:00"):
                yield material.merged.problem((*path, "to"), "ends before it begins")


def _hours(material: Material) -> Iterator[Problem]:
    for pattern in (
        ("levels", "*", "hours"),
        ("paths", "*", "hours"),
        ("heartbeats", "*", "hours"),
        ("notify", "*", "*", "hours"),
        ("people", "*", "notify", "*", "hours"),
        ("people", "*", "quiet"),
        ("schedules", "*", "layers", "*", "hours", "*"),
    ):
        for path in places(material.merged.value, pattern):
            span = value_at(material.merged.value, path)
            for key in ("from", "to") if isinstance(span, dict) else ():
                clock = span.get(key)
                if isinstance(clock, str) and not _is_clock(clock):
                    message = f'{quoted(clock)} is no time of day; "00:00" to "24:00" are'
                    yield material.merged.problem((*path, key), message)
    for path in places(material.merged.value, ("levels", "*", "hours")):
        hours = value_at(material.merged.value, path)
        if not isinstance(hours, dict):
            continue
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
    try:
        day_of(text)
    except ValueError:
        return False
    return _DATE.fullmatch(text) is not None


def _is_moment(text: str) -> bool:
    day, space, clock = text.partition(" ")
    return _is_date(day) and (not space or _is_clock(clock))
