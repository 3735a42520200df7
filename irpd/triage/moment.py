"""Instants as people write them in tests: with an offset, or local with the name of a zone."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_LOCAL = re.compile(r"(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}(?::\d{2})?)(?: +([A-Za-z][\w+/-]*))?")


def parse_moment(text: str, zone: str = "UTC") -> datetime:
    """Aware UTC. ``zone`` is that of a local time which names none.

    Raises ValueError that says what is allowed, also for a local time that a change of the clocks
    skips or repeats.
    """
    text = text.strip()
    local = _LOCAL.fullmatch(text)
    try:
        if local is None:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                raise ValueError
            return moment.astimezone(UTC)
        naive = datetime.fromisoformat(f"{local[1]} {local[2]}")
    except (ValueError, OverflowError):
        raise ValueError(
            f'"{text[:60]}" is not a time; '
            "write it like 2026-11-24T02:00:00Z or 2026-11-24 03:00 Europe/Berlin"
        ) from None
    name = local[3] or zone
    try:
        where = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f'no time zone "{name}"; write it like Europe/Berlin') from None
    early = naive.replace(tzinfo=where).astimezone(UTC)
    late = naive.replace(tzinfo=where, fold=1).astimezone(UTC)
    if early == late:
        return early
    if early.astimezone(where).replace(tzinfo=None) != naive:
        raise ValueError(f"{text} does not exist in {name}: the clocks go forward there then")
    raise ValueError(
        f"{text} happens twice in {name}: write {early:%Y-%m-%dT%H:%MZ} for the first time, "
        f"{late:%Y-%m-%dT%H:%MZ} for the second"
    )
