"""Receipts against what the chain says of them.

The event of what a receipt came to holds the receipt's digest. While the chain is followed these are
gathered and, a piece at a time, compared with the receipts that are stored. What is past its retention is
gone, oldest first; what lies behind it must be there, byte for byte, and nothing else.
"""

import msgspec

from irpd.engine.ports import JournalCorrupt, Receipt
from irpd.journal.reader import Reader
from irpd.journal.schema import rows

#: Types of events that carry a digest. They are decoded as far as that and no further.
CARRYING = frozenset({"signals-repeated", "receipt-taken"})

_AT_ONCE = 25  # bodies are up to 16 MiB each
_SHOWN = 20


class _Carried(msgspec.Struct):
    receipt: int = 0
    body: str = ""
    more: tuple[str, ...] = ()


_decode = msgspec.json.Decoder(_Carried).decode


class Bound:
    """``seen`` receipts were compared; what is wrong with the first of them stands in ``problems``."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._said: dict[int, str | None] = {}
        self._last = 0
        self._erased = False  # whether the last event that carried one was: of how many receipts isn't known
        self._through = 0  # every receipt up to here was compared, or comes from before they were bound
        self.seen = 0
        self.problems: list[str] = []

    def carries(self, payload: bytes | None) -> None:
        """An event that carries a digest; its payload, for which the chain vouches, or None: it was erased.
        Raises JournalCorrupt."""
        if payload is None:
            if self._last:
                self._last += 1
                self._said[self._last] = None
            self._erased = True
            return
        try:
            found = _decode(payload)
        except msgspec.MsgspecError as error:
            raise JournalCorrupt(str(error)) from error
        if found.body:
            number = found.receipt or self._last + 1
            if self._erased and self._last:
                self._said.update(dict.fromkeys(range(self._last + 1, number)))
            self._erased = False
            for self._last, body in enumerate((found.body, *found.more), start=number):
                self._said[self._last] = body

    def compare(self) -> None:
        """What was gathered so far, with what is stored."""
        if not self._said:
            return
        first, last = min(self._said), max(self._said)
        after = self._through or first - 1
        stored: set[int] = set()
        while after < last and len(self.problems) < _SHOWN:
            found = [receipt for receipt in self._read(after) if receipt.id <= last]
            if not found:
                break
            for receipt in found:
                stored.add(receipt.id)
                self._judge(receipt.id, receipt.digest)
            after = found[-1].id
        gone = [number for number in self._said if number not in stored]
        oldest = self._oldest() if gone else 0
        for number in sorted(gone)[:_SHOWN]:
            if oldest and number > oldest and len(self.problems) < _SHOWN:
                self.problems.append(f"receipt {number} is missing, and older ones are there")
        self._through = last
        self._said.clear()

    def _read(self, after: int) -> list[Receipt]:
        try:
            return self._reader.receipts(after, _AT_ONCE)
        except JournalCorrupt as error:
            self.problems.append(str(error))
            return []

    def _judge(self, number: int, digest: str) -> None:
        if number not in self._said:
            self.problems.append(f"receipt {number} is stored, but no event was decided on it")
            return
        said = self._said[number]
        if said is None:
            return  # its event was erased
        self.seen += 1
        if said != digest:
            self.problems.append(f"receipt {number} is not what was received: it was changed")

    def _oldest(self) -> int:
        """The oldest receipt that is kept for its own sake (and not because others are differences to it)."""
        found = rows(
            self._reader.connection,
            "SELECT id FROM receipts r WHERE NOT EXISTS (SELECT 1 FROM bases b WHERE b.id = r.id)"
            " ORDER BY id LIMIT 1",
        )
        return int(found[0][0]) if found else 0
