"""What SQLite's errors mean for whoever waits for the journal."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from irpd.engine.ports import JournalCorrupt, JournalError, JournalFull, JournalUnavailable

_DAMAGED = (apsw.CorruptError, apsw.NotADBError, apsw.FormatError)


def no_space(error: apsw.Error) -> bool:
    """Whether the disk is full. Without room for its shared memory SQLite calls it an I/O error."""
    if isinstance(error, apsw.FullError):
        return True
    return getattr(error, "extendedresult", 0) == apsw.SQLITE_IOERR_SHMSIZE


def meaning(error: apsw.Error, path: Path) -> JournalError:
    """The port's error for SQLite's."""
    if no_space(error):
        return JournalFull(f"no space left for the journal {path}: {error}")
    if isinstance(error, _DAMAGED):
        return JournalCorrupt(
            f"the journal {path} is damaged: {error}; `irpd journal check` says more, `irpd restore` brings"
            " back a backup"
        )
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return JournalUnavailable(f"another program has locked the journal {path}: {error}")
    if isinstance(error, apsw.ReadOnlyError | apsw.CantOpenError | apsw.PermissionsError):
        return JournalUnavailable(f"the journal {path} can't be opened for writing: {error}")
    return JournalUnavailable(f"the journal {path} can't be used: {error}")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """SQLite's errors inside come out as the port's."""
    try:
        yield
    except apsw.Error as error:
        raise meaning(error, path) from error
