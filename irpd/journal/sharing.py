"""Values that rows have in common, once in memory and not once in each row.

A hundred thousand open incidents name the same few services, paths and reasons, and each row that is read
has copies of its own. Rows are immutable and so is what stands in them here: nobody can tell equal values
apart.
Measured: see ``docs/performance.md``.
"""

from typing import TypeVar

from msgspec.structs import force_setattr

from irpd.model.incident import Incident, Member, PathRun
from irpd.model.page import Page, Send

Row = TypeVar("Row", Incident, Member, Page, PathRun, Send)

#: Attributes that few rows have for themselves. All their values can be hashed.
_COMMON: dict[type, tuple[str, ...]] = {
    Incident: (
        "services", "level_by", "detected_by", "source", "config", "group_rule", "acknowledged_by",
    ),
    PathRun: ("name", "kind", "steps"),
    Member: ("source", "service", "why", "project"),
    Page: ("person", "reason", "path", "next_person"),
    Send: ("channel",),
}  # fmt: skip


class Sharing:
    """Give it rows that nobody has seen yet: it changes them in place, to equal ones."""

    def __init__(self) -> None:
        self._known: dict[object, object] = {}

    def incident(self, row: Incident) -> Incident:
        for run in row.paths:
            self._share(run)
        return self._share(row)

    def member(self, row: Member) -> Member:
        return self._share(row)

    def page(self, row: Page) -> Page:
        for send in row.sends:
            self._share(send)
        return self._share(row)

    def _share(self, row: Row) -> Row:
        known = self._known
        for name in _COMMON[type(row)]:
            value = getattr(row, name)
            if (same := known.setdefault(value, value)) is not value:
                force_setattr(row, name, same)
        return row
