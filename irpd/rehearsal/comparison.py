"""What changed rules would have made of recorded history: openings, grouping, levels and pages."""

import operator
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from irpd.config.duration import format_duration
from irpd.config.values import Configuration
from irpd.rehearsal.history import Course

#: Hours of a person's night: from and to, local.
NIGHT = (22, 7)
#: A deadline is woken a moment after it is due; a replay is exact.
SAME_TIME = timedelta(seconds=5)
#: The same signal further away is another incident.
FAR = timedelta(hours=1)
_SHOWN = 15
_FAIL_IF = re.compile(
    r"\s*([a-z][a-z0-9-]*)\s*(>=|<=|>|<|==|!=)\s*([+-]?)\s*(\d{1,9}(?:\.\d{1,3})?)\s*(%?)\s*"
)
_OPERATORS = {
    ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le, "==": operator.eq,
    "!=": operator.ne,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An incident that differs. ``before`` or ``after`` is None where there is none."""

    kind: str  # no-longer-opened | newly-opened | level | grouping | pages | time
    before: Course | None
    after: Course | None

    def __str__(self) -> str:
        one = self.before or self.after
        assert one is not None
        ref = f"#{one.number} " if self.before is not None else ""
        at = f"{one.at:%Y-%m-%d %H:%M}Z" if one.at is not None else ""
        said = {
            "no-longer-opened": "would not open",
            "newly-opened": f"would open, level {one.level}",
            "level": self._levels(),
            "grouping": self._keys(),
            "pages": self._pages(),
            "time": self._time(),
        }[self.kind]
        return f"{at} {ref}{one.service} {one.title[:60]}: {said}"

    def _time(self) -> str:
        if self.before is None or self.after is None:
            return ""
        later = _between(self.before, self.after)
        said = format_duration(float(round(abs(later).total_seconds())))
        return f"would open {said} {'later' if later > timedelta() else 'earlier'}"

    def _levels(self) -> str:
        return f"level {self.before.level} -> {self.after.level}" if self.before and self.after else ""

    def _keys(self) -> str:
        return (
            f"{len(self.before.keys)} -> {len(self.after.keys)} signals" if self.before and self.after else ""
        )

    def _pages(self) -> str:
        return (
            f"{len(self.before.pages)} -> {len(self.after.pages)} pages" if self.before and self.after else ""
        )


class Comparison:
    """``before`` is the record, ``after`` the replay; both within the range that was asked for."""

    def __init__(
        self, before: Sequence[Course], after: Sequence[Course], configuration: Configuration
    ) -> None:
        self._zones = {
            name: _zone(person.time_zone or configuration.server.time_zone)
            for name, person in configuration.people.items()
        }
        self.before, self.after = before, after
        pairs = _paired(before, after)
        paired = {id(other) for _, other in pairs if other is not None}
        self.changes: list[Change] = []
        for one, other in pairs:
            if other is None:
                self.changes.append(Change(kind="no-longer-opened", before=one, after=None))
            elif one.level != other.level:
                self.changes.append(Change(kind="level", before=one, after=other))
            elif one.keys.keys() != other.keys.keys():
                self.changes.append(Change(kind="grouping", before=one, after=other))
            elif Counter(p for p, _ in one.pages) != Counter(p for p, _ in other.pages):
                self.changes.append(Change(kind="pages", before=one, after=other))
            elif abs(_between(one, other)) > SAME_TIME:
                self.changes.append(Change(kind="time", before=one, after=other))
        self.changes += [
            Change(kind="newly-opened", before=None, after=one) for one in after if id(one) not in paired
        ]

    @property
    def identical(self) -> bool:
        return not self.changes

    def measures(self, courses: Iterable[Course]) -> dict[str, int]:
        """What ``--fail-if`` may ask of one side."""
        found = list(courses)
        pages = [page for one in found for page in one.pages]
        return {
            "incidents": len(found),
            "pages": len(pages),
            "night-pages": sum(self._at_night(person, at) for person, at in pages),
            **{f"level-{n}": sum(one.level == n for one in found) for n in (1, 2, 3, 4)},
        }

    def by_person(self) -> dict[str, dict[str, int]]:
        """Pages, and those at night, before and after, for each person who got any."""
        found: dict[str, dict[str, int]] = {}
        for side, courses in (("before", self.before), ("after", self.after)):
            for one in courses:
                for person, at in one.pages:
                    row = found.setdefault(
                        person, {"before": 0, "after": 0, "night_before": 0, "night_after": 0}
                    )
                    row[side] += 1
                    row[f"night_{side}"] += self._at_night(person, at)
        return dict(sorted(found.items()))

    def by_hour(self) -> list[tuple[int, int]]:
        """Pages at each local hour of those who got them: before, after."""
        hours = [[0, 0] for _ in range(24)]
        for side, courses in enumerate((self.before, self.after)):
            for one in courses:
                for person, at in one.pages:
                    hours[self._local(person, at).hour][side] += 1
        return [(before, after) for before, after in hours]

    def fails(self, expression: str) -> bool:
        """Whether ``pages > +10%`` and the like holds. Raises ValueError with what is allowed."""
        before, after = self.measures(self.before), self.measures(self.after)
        known = (*before, "changed")
        found = _FAIL_IF.fullmatch(expression)
        if found is None or found[1] not in known:
            raise ValueError(
                f"{expression!r}: write it like 'pages > +10%', 'level-1 > 3' or 'changed > 0'; "
                f"there are {', '.join(known)}"
            )
        name, compare, sign, number, percent = found.groups()
        if name == "changed":
            if sign or percent:
                raise ValueError(f"{expression!r}: changed is a plain number")
            return bool(_OPERATORS[compare](len(self.changes), float(number)))
        value, bound = float(after[name]), float(number)
        if sign or percent:
            value -= before[name]
            bound = -bound if sign == "-" else bound
            bound = bound * before[name] / 100 if percent else bound
        return bool(_OPERATORS[compare](value, bound))

    def _at_night(self, person: str, at: datetime) -> bool:
        begins, ends = NIGHT
        hour = self._local(person, at).hour
        return hour >= begins or hour < ends

    def _local(self, person: str, at: datetime) -> datetime:
        return at.astimezone(self._zones.get(person, UTC))

    # -------------------------------------------------------------- telling
    def text(self, *, shown: int = _SHOWN) -> list[str]:
        before, after = self.measures(self.before), self.measures(self.after)
        lines = [f"{'':<14}{'before':>9}{'after':>9}"]
        lines += [
            f"{name:<14}{before[name]:>9,}{after[name]:>9,}{_more(before[name], after[name])}"
            for name in before
        ]
        people = self.by_person()
        if people:
            width = max(len(name) for name in people) + 2
            lines += ["", f"{'pages to':<{max(width, 14)}}{'before':>9}{'after':>9}   at night"]
            for name, row in people.items():
                night = f"{row['night_before']} -> {row['night_after']}"
                lines.append(f"{name:<{max(width, 14)}}{row['before']:>9,}{row['after']:>9,}   {night}")
            hours = [
                f"{hour:02}h {old} -> {new}" for hour, (old, new) in enumerate(self.by_hour()) if old != new
            ]
            lines += ["", "pages by local hour: " + (", ".join(hours) or "as before"), _COUNTED]
        lines.append("")
        if self.identical:
            lines.append(f"All {len(self.before):,} incidents are the same.")
            return lines
        kinds = Counter(change.kind for change in self.changes)
        lines.append("; ".join(f"{count:,} {_KINDS[kind]}" for kind, count in kinds.items()))
        lines += [f"  {change}" for change in self.changes[:shown]]
        if len(self.changes) > shown:
            lines.append(f"  and {len(self.changes) - shown:,} more: --json has all")
        return lines

    def data(self) -> dict[str, object]:
        return {
            "schema": "irpd.backtest/1",
            "identical": self.identical,
            "before": self.measures(self.before),
            "after": self.measures(self.after),
            "people": self.by_person(),
            "hours": [{"before": old, "after": new} for old, new in self.by_hour()],
            "changes": [_change_data(change) for change in self.changes],
        }


#: What the numbers of pages are of; the record and the replay are counted alike.
_COUNTED = (
    "Pages are counted as they are asked for, also those that were put off, gathered or no longer sent."
)
_KINDS: Mapping[str, str] = {
    "no-longer-opened": "would not open",
    "newly-opened": "would open anew",
    "level": "of another level",
    "grouping": "with other signals",
    "pages": "with other pages",
    "time": "at another time",
}


def _paired(before: Sequence[Course], after: Sequence[Course]) -> list[tuple[Course, Course | None]]:
    """Each of the record with the one of the replay that the same signal opened: at the same time, else in
    order and not far from it, as with another hold."""
    by_signal: dict[str, list[Course]] = {}
    for one in after:
        by_signal.setdefault(one.first, []).append(one)
    found: dict[int, Course] = {}
    for limit in (SAME_TIME, FAR):
        for one in before:
            there = by_signal.get(one.first, [])
            if one.number in found or not there:
                continue
            nearest = min(there, key=partial(_apart, one))
            if _apart(one, nearest) <= limit:
                found[one.number] = nearest
                there.remove(nearest)
    return [(one, found.get(one.number)) for one in before]


def _apart(one: Course, other: Course) -> timedelta:
    return abs(_between(one, other))


def _between(before: Course, after: Course) -> timedelta:
    assert before.at is not None
    assert after.at is not None
    return after.at - before.at


def _change_data(change: Change) -> dict[str, object]:
    one = change.before or change.after
    assert one is not None
    return {
        "kind": change.kind,
        "incident": change.before.number if change.before is not None else None,
        "at": one.at.astimezone(UTC).isoformat().replace("+00:00", "Z") if one.at is not None else None,
        "service": one.service,
        "title": one.title,
        "level_before": change.before.level if change.before is not None else None,
        "level_after": change.after.level if change.after is not None else None,
        "signals_before": len(change.before.keys) if change.before is not None else None,
        "signals_after": len(change.after.keys) if change.after is not None else None,
        "pages_before": len(change.before.pages) if change.before is not None else None,
        "pages_after": len(change.after.pages) if change.after is not None else None,
    }


def _more(before: int, after: int) -> str:
    if before == after:
        return ""
    share = f" ({(after - before) / before:+.0%})" if before else ""
    return f"   {after - before:+,}{share}"


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
