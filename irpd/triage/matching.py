"""Which of many matches hold, without asking each: an inverted index with a memory.

A match is a set of columns, each with the values it accepts; all must hold. A column is a field's name
(``source``, ``service``) or ``labels.NAME``; a missing label reads as the empty text. For each column the
index knows which matches accept a value, so a signal meets only those that agree with it somewhere.
Signals of one kind look alike in the columns that matches mention: the answer for such a row of values is
remembered, in a bounded memory that is emptied when full.

The memory is all that ever changes in here, and it only saves work: the answers are those of
``Match.missed`` for each match in turn.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Generic, TypeVar

#: Rows remembered, and the most letters in one: a hostile label must not become megabytes of memory.
MEMORY = 4096
#: Matches that nearly hold, the first ones of so many.
MOST_NEARLY = 8
LETTERS = 1024

_LABELS = "labels."
#: Columns that so many signals share that holding in them alone is no near thing.
_GENERAL = frozenset({"source", "source_type", "status"})
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Match:
    """``wants`` maps a column to the values it accepts, in the order they were written."""

    wants: Mapping[str, tuple[str, ...]]

    def missed(self, row: Mapping[str, str]) -> tuple[str, ...]:
        """The columns that don't hold for these values; none when the match holds."""
        return tuple(column for column, values in self.wants.items() if row[column] not in values)

    def nearly(self, missed: tuple[str, ...]) -> bool:
        """Whether it would hold but for one column, and held in one that says something."""
        return len(missed) == 1 and any(
            column not in _GENERAL and column not in missed for column in self.wants
        )


@dataclass(frozen=True, slots=True)
class Found:
    """``held`` are the numbers of the matches that hold, ascending; ``nearly`` the first ``MOST_NEARLY`` of
    those that hold but for one column (see ``Match.nearly``), with that column."""

    held: tuple[int, ...]
    nearly: tuple[tuple[int, str], ...]


class MatchIndex(Generic[Answer]):
    """What ``answer`` makes of the matches that hold for a row of values, remembered with the row.

    Immutable but for that memory. ``fields`` are the attributes that columns without ``labels.`` read.
    """

    def __init__(
        self, matches: Sequence[Match], answer: Callable[[Found, Mapping[str, str]], Answer]
    ) -> None:
        self._answer = answer
        columns = sorted({column for match in matches for column in match.wants})
        self.columns: tuple[str, ...] = tuple(columns)
        self.fields = tuple(column for column in columns if not column.startswith(_LABELS))
        self.labels = tuple(column[len(_LABELS) :] for column in columns if column.startswith(_LABELS))
        self._of_fields = _getter(self.fields)
        self._without = ("",) * len(self.labels)
        self._matches = tuple(matches)
        self._always = tuple(number for number, match in enumerate(matches) if not match.wants)
        self._needs = tuple(len(match.wants) for match in matches)
        accepts: list[dict[str, list[int]]] = [{} for _ in (*self.fields, *self.labels)]
        place = {column: number for number, column in enumerate(self._order())}
        for number, match in enumerate(matches):
            for column, values in match.wants.items():
                for value in set(values):
                    accepts[place[column]].setdefault(value, []).append(number)
        self._accepts = tuple({value: tuple(found) for value, found in one.items()} for one in accepts)
        self._memory: dict[tuple[str, ...], Answer] = {}

    def _order(self) -> tuple[str, ...]:
        return (*self.fields, *(_LABELS + label for label in self.labels))

    def find(self, values: Any, labels: Mapping[str, str]) -> Answer:
        """``values`` has the fields as attributes; a label that is missing reads as empty."""
        row = (*self._of_fields(values), *map(labels.get, self.labels, self._without))
        try:
            return self._memory[row]
        except KeyError:
            pass
        named = dict(zip(self._order(), row, strict=True))
        answer = self._answer(self._look(row, named), named)
        if sum(map(len, row)) <= LETTERS:
            if len(self._memory) >= MEMORY:
                self._memory.clear()
            self._memory[row] = answer
        return answer

    def row(self, values: Any, labels: Mapping[str, str]) -> dict[str, str]:
        """The values of all columns by name."""
        row = {name: getattr(values, name) for name in self.fields}
        row.update((_LABELS + name, labels.get(name, "")) for name in self.labels)
        return row

    def _look(self, row: tuple[str, ...], named: Mapping[str, str]) -> Found:
        hits: dict[int, int] = {}
        for accepts, value in zip(self._accepts, row, strict=True):
            for number in accepts.get(value, ()):
                hits[number] = hits.get(number, 0) + 1
        held = list(self._always)
        near: list[int] = []
        needs = self._needs
        for number, count in hits.items():
            if count == needs[number]:
                held.append(number)
            elif count == needs[number] - 1:
                near.append(number)
        nearly: list[tuple[int, str]] = []
        for number in sorted(near):  # many rules may be about one service: few of them are worth telling
            missed = self._matches[number].missed(named)
            if self._matches[number].nearly(missed):
                nearly.append((number, missed[0]))
                if len(nearly) == MOST_NEARLY:
                    break
        return Found(tuple(sorted(held)), tuple(nearly))


def _getter(names: tuple[str, ...]) -> Callable[[Any], tuple[str, ...]]:
    """What reads these attributes."""
    if not names:
        return lambda _values: ()
    if len(names) > 1:
        return attrgetter(*names)
    read = attrgetter(names[0])
    return lambda values: (read(values),)
