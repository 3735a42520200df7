"""The lock that makes one process the journal's only writer.

An exclusive ``flock`` on a file beside the journal, held for the process's life and let go of by the
kernel however that ends. The holder's process id stands in the file, for people. The file is never
deleted: whoever waits for it must wait for the same one.
"""

import fcntl
import os
from pathlib import Path

from irpd.engine.ports import JournalHeld, JournalUnavailable


class Lock:
    """The lock beside the journal at ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(path.name + ".lock")
        self._file = -1

    @property
    def held(self) -> bool:
        """Whether this object holds it."""
        return self._file >= 0

    def take(self) -> None:
        """Raises JournalHeld (somebody else has it) or JournalUnavailable (no such folder, no permission)."""
        if self.held:
            return
        try:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise JournalUnavailable(
                f"the journal's lock {self.path} can't be made: {error.strerror}"
            ) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(file, 20, 0).decode("ascii", "replace").strip()
            os.close(file)
            who = f"process {holder}" if holder else "another process"
            raise JournalHeld(f"{who} holds the journal (its lock is {self.path})") from None
        except OSError as error:
            os.close(file)
            raise JournalUnavailable(
                f"the journal's lock {self.path} can't be taken: {error.strerror}"
            ) from error
        self._file = file
        try:
            os.ftruncate(file, 0)
            os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        except OSError:
            pass  # on a full disk the number is missing; the lock holds all the same

    def release(self) -> None:
        if self.held:
            os.close(self._file)
            self._file = -1
