"""Deadlines of signals that wait outside any incident, and what else may end a wait.

A silence that is ended, an outage that is over: the signals that waited for it are due at once. Everything
here is derived from the rows; in the timer these signals stand as negative numbers.
"""

from datetime import datetime
from typing import Protocol

from irpd.model.waits import Silence
from irpd.protocol.evolve import subject_of
from irpd.protocol.rows import Rows
from irpd.protocol.waiting import due_at


class Deadlines(Protocol):
    def set(self, number: int, due: datetime | None, /) -> None:
        """The deadline of ``number`` is ``due`` from now on; None: it has none."""
        ...


class Waiting:
    """``rows`` is the committed state."""

    def __init__(self, rows: Rows, timer: Deadlines) -> None:
        self._rows = rows
        self._timer = timer
        self._for: dict[str, set[int]] = {}  # subject → the signals that wait for it
        self._subject: dict[int, str] = {}  # signal → what it waits for

    def loaded(self) -> None:
        """The state was read anew."""
        self._for.clear()
        self._subject.clear()
        for sid in list(self._rows.waiting):
            self._follow(sid, self._rows.waiting[sid])
            self.arm(sid)

    def published(self, layer: Rows) -> None:
        """A batch's changes are in the committed state now."""
        if layer.waiting:
            self._moved(layer)
        for key in layer.standing.get(Silence.kind, ()):
            self._arm_all(f"silence:{key}")
        if self._for:
            for number in layer.incidents:
                self._arm_all(subject_of(number))

    def _moved(self, layer: Rows) -> None:
        ended = []
        for sid, subject in layer.waiting.items():
            self._follow(sid, subject)
            if subject is None:
                ended.append(sid)
                self._timer.set(-sid, None)
            else:
                self.arm(sid)
        if ended:
            self._rows.let_go(ended)

    def _follow(self, sid: int, subject: str | None) -> None:
        before = self._subject.pop(sid, "")
        if before:
            self._for[before].discard(sid)
            if not self._for[before]:
                del self._for[before]
        if subject:
            self._subject[sid] = subject
            self._for.setdefault(subject, set()).add(sid)

    def _arm_all(self, subject: str) -> None:
        for sid in self._for.get(subject, ()):
            self.arm(sid)

    def arm(self, sid: int) -> None:
        """Its deadline as it is now."""
        member = self._rows.members.get(sid)
        self._timer.set(-sid, due_at(self._rows, member) if member is not None else None)
