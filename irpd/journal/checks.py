"""What every adapter checks of a batch before it writes any of it."""

from irpd.engine.ports import Batch, JournalError

#: SQLite's, and so everybody's.
MAX_INTEGER = 2**63 - 1


def check_batch(batch: Batch, *, last_receipt: int) -> None:
    """Raises JournalError for a batch that breaks the port's promises; nothing was written then."""
    for receipt in batch.receipts:
        if receipt.id <= last_receipt:
            raise JournalError(f"receipt {receipt.id} comes after receipt {last_receipt}: numbers ascend")
        last_receipt = receipt.id
    for number, incident in batch.incidents.items():
        if number != incident.number:
            raise JournalError(f"the row of incident {incident.number} was given as incident {number}")
    for sid, member in batch.members.items():
        if sid != member.sid:
            raise JournalError(f"the row of signal {member.sid} was given as signal {sid}")
    for id, page in batch.pages.items():
        if id != page.id:
            raise JournalError(f"the row of page {page.id} was given as page {id}")
    for kind, rows in batch.standing.items():
        for key, row in rows.items():
            if row is not None and (kind, key) != (row.kind, row.key):
                raise JournalError(f"the row of {row.kind} {row.key} was given as {kind} {key}")
    if batch.cursor is not None and not 0 <= batch.cursor <= last_receipt:
        raise JournalError(f"the cursor {batch.cursor} is past the last receipt {last_receipt}")
    for name, value in batch.counters.items():
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise JournalError(f"the counter {name} is too large")
