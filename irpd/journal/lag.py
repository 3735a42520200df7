"""Signals' rows that lag behind: a repeat writes its record, and no row.

Most of what comes in repeats what is known. Each repeat changes nothing but a count and a time in the rows of
its signals, which lie all over the file; so these rows are only noted, and written in rounds, in order, by
``maintain``. What makes up for the difference is in the events:

* ``members.seq`` is the last event that a row has in it;
* ``state.repeats`` says that rows have in them at least every repeat up to there.

So whoever reads the rows applies the ``SignalsRepeated`` after ``state.repeats`` to each row that is older
(``caught_up``). A row that any other event of a batch touches is written with it.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

import apsw

from irpd.engine.ports import Batch
from irpd.journal import codec
from irpd.journal.schema import rows
from irpd.model.event import SignalsRepeated
from irpd.model.incident import Member
from irpd.protocol.evolve import evolve
from irpd.protocol.rows import Rows

#: The number of the name ``signals-repeated`` (see the first migration).
REPEATED = 1

#: A round begins this long after the last one began, and writes this many rows at a time.
EVERY = timedelta(minutes=1)
AT_A_TIME = 1_000

#: So many events may lie after ``state.repeats`` for nothing: they are looked through at the next start.
WORTH_SAYING = 10_000


def only_repeated(batch: Batch) -> frozenset[int]:
    """The batch's signals that repeats name, and no other of its events."""
    repeated: set[int] = set()
    for fact in batch.facts:
        if isinstance(fact.event, SignalsRepeated):
            runs = fact.event.sids
            for place in range(0, len(runs), 2):
                repeated.update(range(runs[place], runs[place] + runs[place + 1]))
    if not repeated:
        return frozenset()
    return frozenset(repeated.difference(getattr(fact.event, "sid", 0) for fact in batch.facts))


def caught_up(
    connection: apsw.Connection,
    *,
    after: int,
    find: Callable[[int], tuple[Member, int] | None],
) -> dict[int, Member]:
    """The rows that the repeats after the event ``after`` change, as they are with them.

    ``find`` gives a stored row and the last event that is in it."""
    layer = Rows()
    seqs: dict[int, int] = {}
    while True:
        found = rows(
            connection,
            "SELECT seq, at, version, payload FROM events"
            f" WHERE seq > ? AND type = {REPEATED} AND payload IS NOT NULL ORDER BY seq LIMIT 1000",
            (after,),
        )
        for seq, at, version, payload in found:
            event = codec.decode_event("signals-repeated", version, payload)
            assert isinstance(event, SignalsRepeated)
            late: list[int] = []
            for place in range(0, len(event.sids), 2):
                for sid in range(event.sids[place], event.sids[place] + event.sids[place + 1]):
                    if sid not in seqs:
                        stored = find(sid)
                        seqs[sid] = seq if stored is None else stored[1]
                        if stored is not None:
                            layer.members[sid] = stored[0]
                    if seq > seqs[sid]:
                        late += (sid, 1)
            if late:
                evolve(layer, "", SignalsRepeated(sids=tuple(late)), codec.instant(at))
            after = seq
        if len(found) < 1000:
            return layer.members


class Lag:
    """The rows that lag, in memory, and the round that writes them."""

    def __init__(self) -> None:
        self.rows: dict[int, Member] = {}
        self.active = False  # until the rows that an earlier life left behind are known, none may lag
        self._round: list[int] = []
        self._through = 0
        self._began: datetime | None = None

    def reset(self, behind: Mapping[int, Member] | None) -> None:
        """What lags now; None: not known."""
        self.rows = dict(behind or {})
        self.active = behind is not None
        self._through = 0
        self._round = []
        self._began = None

    def note(self, lagging: Mapping[int, Member], written: Iterable[int]) -> None:
        """A batch is committed: some rows were left for later, others are up to date."""
        if self.rows:
            for sid in written:
                self.rows.pop(sid, None)
        self.rows.update(lagging)

    def piece(self, now: datetime | None, seq: int) -> tuple[list[Member], int | None] | None:
        """Rows to be written now, and what ``state.repeats`` is after that (None: as before).

        ``now`` is None when it can't wait."""
        if not self._round:
            if now and self._began and self._began <= now < self._began + EVERY:
                return None
            if not self.rows and (not self.active or seq - self._through < WORTH_SAYING):
                return None
            self._began, self._through = now, seq
            self._round = sorted(self.rows, reverse=True)
        sids = self._round[-AT_A_TIME:]
        last = len(sids) == len(self._round)
        members = [self.rows[sid] for sid in reversed(sids) if sid in self.rows]
        return members, self._through if last else None

    def written(self, members: Iterable[Member]) -> None:
        """What ``piece`` gave is committed."""
        del self._round[-AT_A_TIME:]
        for member in members:
            if self.rows.get(member.sid) is member:
                del self.rows[member.sid]
