"""What irpd would have paged beside what another pager did page: both, only irpd, only the other.

Of irpd's pages the first to each person about each incident counts: nobody acknowledges in shadow mode, so
its paths go on where the other pager's stopped. Pages of one person are paired in order of their times, as
many as can be, when they lie no further apart than the tolerance.
"""

import csv
import io
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from irpd.config.values import Configuration
from irpd.engine.ports import Fact
from irpd.model import event as e
from irpd.model.page import PageKind

K = TypeVar("K", str, int)

#: Rows of the other pager's file that are read.
MOST = 1_000_000


class NotReadable(ValueError):
    """The other pager's file can't be read; the text says where and why."""


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Paged:
    """One page: when, whom, and about what."""

    at: datetime
    person: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """``both`` has irpd's page first. ``strangers`` are people of the other pager whom irpd doesn't know,
    with their number of pages, which are in nothing else here."""

    both: tuple[tuple[Paged, Paged], ...]
    only_irpd: tuple[Paged, ...]
    only_other: tuple[Paged, ...]
    strangers: Mapping[str, int]


def read_pages(text: str, when: Callable[[str], datetime]) -> list[Paged]:
    """The other pager's pages: CSV with a head line, or a JSON object a line, each with ``time``, ``person``
    and (if there is one) ``what``. ``when`` reads a time and raises ValueError. Raises NotReadable."""
    pages = []
    for line, row in _rows(text):
        if line > MOST:
            raise NotReadable(f"more than {MOST:,} pages")
        at, person = str(row.get("time") or "").strip(), str(row.get("person") or "").strip()
        if not at or not person:
            missing = "time" if not at else "person"
            raise NotReadable(f"line {line}: no {missing}; a page has time, person and what")
        try:
            pages.append(Paged(at=when(at), person=person, what=str(row.get("what") or "").strip()))
        except (ValueError, OverflowError) as error:
            raise NotReadable(f"line {line}: {error}") from None
    return pages


def _rows(text: str) -> Iterable[tuple[int, Mapping[str, Any]]]:
    text = text.removeprefix("\ufeff")
    if text.lstrip().startswith("{"):
        for number, line in enumerate(text.splitlines(), start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise NotReadable(f"line {number}: no JSON: {str(error)[:100]}") from None
            if not isinstance(row, dict):
                raise NotReadable(f"line {number}: no object with time, person and what")
            yield number, row
        return
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        head = [name.strip().lower() for name in reader.fieldnames or ()]
        if not {"time", "person"} <= set(head):
            raise NotReadable(f"line 1: a head line with time, person, what was expected, not {head[:10]}")
        reader.fieldnames = head
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise NotReadable(f"line {reader.line_num}: {error}") from None


def would_have(
    facts: Iterable[Fact], *, since: datetime, until: datetime, every: bool = False
) -> list[Paged]:
    """irpd's pages in that time; with ``every`` also those that repeat or escalate to the same person."""
    titles: dict[str, str] = {}
    known: set[tuple[int, str]] = set()
    pages = []
    for fact in facts:
        match fact.event:
            case e.Opened(title=title):
                titles[fact.subject] = title
            case e.Paged(page=page) if page.kind is PageKind.PAGE:
                first = (page.incident, page.person) not in known
                known.add((page.incident, page.person))
                if (first or every) and since <= page.requested_at < until:
                    what = f"#{page.incident} {titles.get(fact.subject, '')}".strip()
                    pages.append(Paged(at=page.requested_at, person=page.person, what=what))
            case _:
                pass
    return pages


def compare(
    irpd: Sequence[Paged], other: Sequence[Paged], configuration: Configuration, *, tolerance: timedelta
) -> Comparison:
    """People of the other pager are known by their id here, name, e-mail address or login."""
    ids = _ids(configuration)
    strangers: Counter[str] = Counter()
    theirs: defaultdict[str, list[Paged]] = defaultdict(list)
    for page in other:
        person = ids.get(page.person.casefold())
        if person is None:
            strangers[page.person] += 1
        else:
            theirs[person].append(Paged(at=page.at, person=person, what=page.what))
    ours: defaultdict[str, list[Paged]] = defaultdict(list)
    for page in irpd:
        ours[page.person].append(page)
    both: list[tuple[Paged, Paged]] = []
    only_irpd: list[Paged] = []
    only_other: list[Paged] = []
    for person in ours.keys() | theirs.keys():
        _pair(sorted(ours[person]), sorted(theirs[person]), tolerance, both, only_irpd, only_other)
    return Comparison(
        both=tuple(sorted(both)),
        only_irpd=tuple(sorted(only_irpd)),
        only_other=tuple(sorted(only_other)),
        strangers=dict(strangers.most_common()),
    )


def _pair(
    ours: list[Paged], theirs: list[Paged], tolerance: timedelta,
    both: list[tuple[Paged, Paged]], only_irpd: list[Paged], only_other: list[Paged],
) -> None:  # fmt: skip
    """In order of time, the earliest with the earliest: no other way pairs more."""
    i = j = 0
    while i < len(ours) and j < len(theirs):
        if abs(ours[i].at - theirs[j].at) <= tolerance:
            both.append((ours[i], theirs[j]))
            i, j = i + 1, j + 1
        elif ours[i].at < theirs[j].at:
            only_irpd.append(ours[i])
            i += 1
        else:
            only_other.append(theirs[j])
            j += 1
    only_irpd += ours[i:]
    only_other += theirs[j:]


def _ids(configuration: Configuration) -> dict[str, str]:
    found: dict[str, str] = {}
    for person, settings in configuration.people.items():
        for name in (person, settings.name, settings.email, settings.login):
            if name:
                found.setdefault(name.casefold(), person)
    return found


def by_person(done: Comparison) -> dict[str, tuple[int, int, int]]:
    """Person → how many both had, only irpd, only the other."""
    return _counted(done, lambda page: page.person)


def by_hour(done: Comparison, configuration: Configuration) -> dict[int, tuple[int, int, int]]:
    """Hour of the day where the person lives → the same."""
    zones = {name: _zone(person.time_zone) for name, person in configuration.people.items()}
    utc = ZoneInfo("UTC")
    counted = _counted(done, lambda page: page.at.astimezone(zones.get(page.person, utc)).hour)
    return dict(sorted(counted.items()))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return ZoneInfo("UTC")


def _counted(done: Comparison, of: Callable[[Paged], K]) -> dict[K, tuple[int, int, int]]:
    ways = (Counter(of(one) for one, _ in done.both), Counter(map(of, done.only_irpd)))
    others = Counter(map(of, done.only_other))
    keys = ways[0].keys() | ways[1].keys() | others.keys()
    return {key: (ways[0][key], ways[1][key], others[key]) for key in keys}
