"""Coverage as an object: for each path and level who is reached in the coming weeks, and what is open."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from irpd.check.coverage import gaps
from irpd.check.reached import Moment, moments, paged_by, schedules_of
from irpd.config.base import LEVEL_NAMES
from irpd.config.values import Configuration
from irpd.oncall.changes import NONE, Changes
from irpd.oncall.contacts import Contacts
from irpd.oncall.documents import utc_text
from irpd.oncall.reach import methods_for
from irpd.oncall.reachable import unreached


def coverage_document(
    configuration: Configuration,
    start: datetime,
    weeks: int,
    changes: Changes = NONE,
    *,
    services: tuple[str, ...] = (),
    levels: tuple[int, ...] = (1, 2, 3),
    contacts: Contacts | None = None,
) -> dict[str, Any]:
    """``services``: only their paths; all when none is named. ``open`` is what nobody but ``fallback``
    covers, or nothing reaches: what there should be none of. ``contacts`` are what people confirmed, where
    that is asked for and known."""
    start = start.astimezone(UTC)
    end = start + timedelta(weeks=weeks)
    used = _used(configuration, services)
    paths = [
        _path(configuration, path, of, level, list(moments(configuration, path, level, start, end, changes)))
        for path, of in used.items()
        for level in levels
    ]
    schedules = {
        name
        for path in used
        for step in configuration.paths[path].steps
        for name in schedules_of(configuration, step)
    }
    nobody = [gap for name in sorted(schedules) for gap in _gaps(configuration, name, start, end, changes)]
    open_ = [f"nobody is on call on {one['schedule']}" for one in nobody if not one["meant"]]
    open_ += [f"{one['path']} reaches nobody at level {one['level']}" for one in paths if one["unreached"]]
    open_ += [
        f"{person} has no method that reaches them on {one['path']} at level {one['level']}"
        for one in paths
        for person in one["without"]
    ]
    silent = [
        {"schedule": name, "person": one.person, "level": one.level, "from": utc_text(one.start),
         "to": utc_text(one.end), "meant": configuration.schedules[name].gaps == "fallback"}
        for name in sorted(schedules)
        for one in unreached(configuration, name, start, end, changes)
        if one.level in levels
    ]  # fmt: skip
    open_ += [
        f"{one['person']}, on call on {one['schedule']}, can't be reached at times at level {one['level']}"
        for one in silent
        if not one["meant"]
    ]
    unverified = sorted(_unverified(configuration, paths, contacts))
    open_ += [f"{person} has confirmed no address that pages go to" for person in unverified]
    return {
        "schema": "irpd.coverage/1",
        "from": utc_text(start),
        "to": utc_text(end),
        "paths": paths,
        "gaps": nobody,
        "unreached": silent,
        "unverified": unverified,
        "open": list(dict.fromkeys(open_)),
    }


def _unverified(
    configuration: Configuration, paths: list[dict[str, Any]], contacts: Contacts | None
) -> set[str]:
    if contacts is None:
        return set()
    reached = {
        (one["person"], path["level"])
        for path in paths
        for moment in path["moments"]
        for one in moment["reached"]
    }
    return {person for person, level in reached if level in contacts.missing(configuration, person)}


def _used(configuration: Configuration, services: tuple[str, ...]) -> dict[str, list[str]]:
    """Path → the services that it is of."""
    used: dict[str, list[str]] = {}
    for name, service in configuration.services.items():
        if not services or name in services:
            for path in dict.fromkeys(configuration.path_of(name, kind) for kind in service.paths):
                used.setdefault(path, []).append(name)
    return used


def _path(
    configuration: Configuration, path: str, services: list[str], level: int, found: list[Moment]
) -> dict[str, Any]:
    firsts = [moment.attempts[0].after if moment.attempts else None for moment in found]
    known = [first for first in firsts if first is not None]
    settings = configuration.paths[path]
    meant = {
        person for step in settings.steps if level in step.levels for person in paged_by(configuration, step)
    }
    return {
        "path": path,
        "kind": settings.kind,
        "services": services,
        "level": level,
        "severity": LEVEL_NAMES[level - 1],
        "urgency": configuration.level(level).urgency,
        "first_after_seconds": max(known) if known else None,
        "unreached": None in firsts,
        "late": sorted({one.person for moment in found for one in moment.attempts if one.late}),
        "without": sorted(person for person in meant if not _any_method(configuration, person, level)),
        "moments": [_moment(moment) for moment in found],
    }


def _any_method(configuration: Configuration, person: str, level: int) -> bool:
    return any(
        configuration.address(person, channel)
        for method in methods_for(configuration, person, level)
        for channel in method.via
    )


def _moment(moment: Moment) -> Mapping[str, Any]:
    return {
        "from": utc_text(moment.start),
        "to": utc_text(moment.end),
        "reached": [
            {
                "after_seconds": one.after,
                "person": one.person,
                "via": list(one.via),
                "step": one.step,
                "late": one.late,
                "fallback": one.fallback,
            }
            for one in moment.attempts
        ],
    }


def _gaps(
    configuration: Configuration, name: str, start: datetime, end: datetime, changes: Changes
) -> list[dict[str, Any]]:
    meant = configuration.schedules[name].gaps == "fallback"
    return [
        {"schedule": name, "from": utc_text(one.start), "to": utc_text(one.end), "meant": meant}
        for one in gaps(configuration, name, start, end, changes)
    ]
