"""Copies of a journal: made while it is written to, verified before they are put back."""

import os
from pathlib import Path

import apsw
import msgspec

from irpd.engine.ports import JournalError, JournalUnavailable
from irpd.journal import codec, schema
from irpd.journal.failure import explained
from irpd.journal.reader import Reader, open_reader

#: Pages copied at a time; between two steps the copy can be given up.
STEP = 1_000


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """What stands beside a backup, as JSON: where the chain stood when it was made."""

    seq: int
    head: str
    last_at: str | None = None
    schema: int = 0


def seal_path(backup: Path) -> Path:
    return backup.with_name(backup.name + ".json")


def copy(source: Path, target: Path) -> Seal:
    """Copy the journal at ``source``, as it is at this moment, to the new file ``target``.

    It may be written to meanwhile, by this process or another: the copy reads one snapshot. Refuses to
    overwrite. Raises JournalError."""
    if target.exists():
        raise JournalError(f"{target} exists already; a backup never overwrites anything")
    partial = target.with_name(target.name + ".partial")
    try:
        partial.unlink(missing_ok=True)
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise JournalUnavailable(f"the backup {partial} can't be written: {error.strerror}") from error
    try:
        with explained(source):
            connection = schema.connect(source, read_only=True)
        try:
            with explained(source):
                connection.execute("BEGIN")
                seq, head = Reader(connection).head()
                last_at = connection.execute("SELECT last_at FROM state").get
                version = schema.version(connection)
            with explained(target):
                _pages(connection, partial)
        finally:
            connection.close(True)
        seal = Seal(
            seq=seq,
            head=head.hex(),
            last_at=None if last_at is None else codec.instant(int(last_at)).isoformat(),
            schema=version,
        )
        try:
            sync(partial)
            seal_path(target).write_bytes(msgspec.json.format(msgspec.json.encode(seal)) + b"\n")
            sync(seal_path(target))
            os.rename(partial, target)
            sync(target.parent)
        except OSError as error:
            raise JournalUnavailable(f"the backup {target} can't be written: {error.strerror}") from error
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return seal


def _pages(source: apsw.Connection, target: Path) -> None:
    copied = apsw.Connection(str(target))
    try:
        # The snapshot that ``source`` holds is what is copied, so writers don't make it begin anew.
        with copied.backup("main", source, "main") as steps:
            while not steps.done:
                steps.step(STEP)
        copied.pragma("journal_mode", "DELETE")  # one file, readable from a read-only place
    finally:
        copied.close()


def sync(path: Path) -> None:
    """Have the kernel write what there is at this path, a folder's names included."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


__all__ = ["Seal", "copy", "open_reader", "seal_path"]
