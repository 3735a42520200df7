"""Putting a backup in the journal's place.

Nothing is deleted: what was there is set aside under another name, and what it had that the backup
hasn't is told.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import apsw
import msgspec

from irpd.engine.ports import Fact, JournalCorrupt, JournalError, JournalUnavailable
from irpd.journal import schema
from irpd.journal.backup import Seal, seal_path, sync
from irpd.journal.failure import explained
from irpd.journal.lock import Lock
from irpd.journal.reader import open_reader
from irpd.journal.verify import verify_chain

#: How many of the events that are lost are told; ``lost_events`` counts all.
TOLD = 1_000


@dataclass(frozen=True, slots=True)
class Restored:
    """What ``restore`` did.

    ``aside`` is where the old journal is now (None: there was none). ``readable`` says whether all of it
    could be read and its chain holds; ``lost`` are the first of its ``lost_events`` that the backup doesn't
    have, oldest first.
    ``same_history`` is False if the old journal isn't a continuation of the backup at all.
    """

    seq: int
    head: str
    aside: Path | None
    readable: bool
    lost_events: int
    lost: Sequence[Fact]
    same_history: bool


def restore(backup: Path | str, path: Path | str, *, now: datetime) -> Restored:
    """Make the verified ``backup`` the journal at ``path``.

    ``now`` goes into the name of what is set aside. Raises JournalHeld while a daemon runs, JournalCorrupt
    for a backup that doesn't verify, JournalNewer, JournalUnavailable."""
    backup, path = Path(backup).absolute(), Path(path).absolute()
    lock = Lock(path)
    lock.take()
    try:
        seq, head = _verified(backup)
        fresh = path.with_name(path.name + ".restoring")
        _copied(backup, fresh)
        _owned_like(path if path.exists() else path.parent, fresh, lock.path)
        if not path.exists():
            _swap(fresh, path, None)
            return Restored(seq, head, None, True, 0, (), True)
        readable, lost_events, lost, same = _lost(path, seq, head)
        aside = path.with_name(f"{path.name}.replaced-{now.astimezone(UTC):%Y%m%dT%H%M%S}")
        if aside.exists():
            raise JournalUnavailable(f"{aside} is there already")
        _swap(fresh, path, aside)
        return Restored(seq, head, aside, readable, lost_events, lost, same)
    finally:
        lock.release()


def _verified(backup: Path) -> tuple[int, str]:
    if not backup.is_file():
        raise JournalUnavailable(f"there is no backup {backup}")
    try:
        report = verify_chain(backup)
    except JournalCorrupt as error:  # which speaks of a journal that a restore would help
        cause = error.__cause__ or error
        raise JournalCorrupt(f"{backup} is no backup of irpd, or a damaged one: {cause}") from error
    if not report.ok:
        raise JournalCorrupt(f"the backup {backup} doesn't verify: {'; '.join(report.problems)}")
    with explained(backup):
        connection = schema.connect(backup, read_only=True)
        try:
            found = [str(row[0]) for row in schema.rows(connection, "PRAGMA quick_check(10)")]
        finally:
            connection.close()
    if found != ["ok"]:
        raise JournalCorrupt(f"the backup {backup} is damaged: {'; '.join(found)}")
    beside = seal_path(backup)
    if beside.exists():
        try:
            seal = msgspec.json.decode(beside.read_bytes(), type=Seal)
        except (msgspec.MsgspecError, OSError) as error:
            raise JournalCorrupt(f"{beside} can't be read: {error}") from error
        if (seal.seq, seal.head) != (report.events, report.head):
            raise JournalCorrupt(
                f"the backup {backup} ends with event {report.events} and the head {report.head},"
                f" but {beside} says {seal.seq} and {seal.head}:"
                " they don't belong together, or one was changed"
            )
    return report.events, report.head


def _copied(backup: Path, fresh: Path) -> None:
    try:
        fresh.unlink(missing_ok=True)
        with (
            backup.open("rb") as source,
            open(os.open(fresh, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as target,
        ):
            while piece := source.read(1024 * 1024):
                target.write(piece)
            target.flush()
            os.fsync(target.fileno())
    except OSError as error:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise JournalUnavailable(f"{fresh} can't be written: {error.strerror}") from error


def _owned_like(model: Path, *files: Path) -> None:
    """Restored by root, the files still belong to whom the daemon runs as."""
    if os.geteuid() != 0:
        return
    owner = model.stat()
    for file in files:
        if file.exists():
            os.chown(file, owner.st_uid, owner.st_gid)


def _lost(path: Path, seq: int, head: str) -> tuple[bool, int, Sequence[Fact], bool]:
    """Whether the old journal can be read, how many events it has after ``seq``, the first of them, and
    whether it goes on from ``head``."""
    readable, same, last = True, False, seq
    lost: list[Fact] = []
    try:
        with explained(path):
            # Bring everything into the one file that is going to be set aside.
            writer = schema.connect(path)
            try:
                writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            finally:
                writer.close()
    except JournalError:
        readable = False
    try:
        report = verify_chain(path, head)
        same = report.head_at == seq
        readable = readable and report.ok
    except JournalError:
        readable = False
    try:
        # A file that is damaged in one place may still say what came after the backup.
        reader = open_reader(path)
        try:
            with explained(path):
                last, _ = reader.head()
                for fact in reader.facts(after=seq):
                    lost.append(fact)
                    if len(lost) == TOLD:
                        break
        finally:
            reader.close()
    except JournalError:
        readable = False
    return readable, max(len(lost), last - seq), lost, same


def _swap(fresh: Path, path: Path, aside: Path | None) -> None:
    """At no moment is there no journal at ``path`` (hard links permitting), or a WAL that isn't its own."""
    try:
        if aside is not None:
            try:
                os.link(path, aside)
            except PermissionError:  # a file system without hard links
                os.rename(path, aside)
        for suffix in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                if aside is not None:
                    os.rename(f"{path}{suffix}", f"{aside}{suffix}")
                else:
                    os.unlink(f"{path}{suffix}")
        os.rename(fresh, path)
        sync(path.parent)
    except OSError as error:
        raise JournalUnavailable(
            f"the backup can't be put in the place of {path}: {error.strerror}"
        ) from error
