"""Incidents that have left memory, while a command speaks of them.

A late press, a note after the end, a reopening, an outcome of a page's last send: the command names an
incident that only the journal holds. It is brought back with its signals and pages before the command is
decided, and leaves again after the batch unless it is open now. What comes back is committed state, so that
readers who see it meanwhile see nothing wrong.

A report may speak of one too: somebody at Sentry said to ignore an issue, and its next event, long after its
incident left memory, must open nothing. That is the one thing a key that isn't in memory is looked up for.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial

from irpd.engine.inbox import Item
from irpd.engine.ports import Journal
from irpd.model import command as c
from irpd.model.incident import Incident, Member, MemberStatus
from irpd.model.page import Page
from irpd.protocol.rows import Rows

Stored = tuple[Incident, list[Member], list[Page]] | None


class Recall:
    """``rows`` is the committed state; ``read`` runs something on the journal's thread."""

    def __init__(
        self, rows: Rows, journal: Journal, read: Callable[[Callable[[], Stored]], Awaitable[Stored]]
    ) -> None:
        self._rows = rows
        self._journal = journal
        self._read = read
        self._here: set[int] = set()

    async def bring(self, waiting: Iterable[Item], reported: Iterable[str] = ()) -> None:
        """Bring back what these commands name, and what is ignored of these keys, of which one more
        occurrence was ``reported``. Raises JournalError."""
        named = {number for item in waiting for number in named_by(item.what)}
        # One by one: a difference of sets would walk through every open incident at each batch.
        for number in [number for number in named if number not in self._rows.incidents]:
            stored = await self._read(partial(self._journal.incident, number))
            if stored is not None:
                self._rows.recall(*stored)
                self._here.add(number)

        for key in reported:
            if self._rows.sid_of(key) is None:
                stored = await self._read(partial(self._ignored, key))
                if stored is not None:
                    self._rows.recall(*stored)
                    self._here.add(stored[0].number)

    def _ignored(self, key: str) -> Stored:
        member = self._journal.issue(key)
        if member is None or member.status is not MemberStatus.MUTED:
            return None
        return self._journal.incident(member.incident)

    def let_go(self) -> None:
        """What is over leaves again."""
        for number in self._here:
            incident = self._rows.incidents.get(number)
            if incident is not None and incident.leaves:
                self._rows.forget(number)
        self._here.clear()


def named_by(command: object) -> Iterator[int]:
    """The incidents that a person's command, or one about a page, names."""
    if isinstance(command, c.Wake | c.MarkStale):
        return
    for name in ("incident", "into"):
        number = getattr(command, name, None)
        if isinstance(number, int):
            yield number
    number, dash, _ = str(getattr(command, "page", "")).partition("-")
    if dash and number.isdecimal() and number != "0":
        yield int(number)
