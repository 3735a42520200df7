"""The reserve: a file of 16 MiB beside the journal that is given up when the disk is full.

It buys room for what must not wait: people's commands, the outcomes of sends, and escalation. So it goes
only when one of those finds no room: whatever filled the disk would eat what is set free too early. From the
first time that the disk was found full until there is room again, the reserve isn't ``ok``.
"""

import os
from pathlib import Path

SIZE = 16 * 1024 * 1024

#: Free space, beside the reserve's own, from which on a reserve is made again: less would be
#: gone at once, and the disk be full again.
MARGIN = 16 * 1024 * 1024

_PIECE = 1024 * 1024


class Reserve:
    """The reserve of the journal at ``path``."""

    def __init__(self, path: Path, *, size: int = SIZE, margin: int = MARGIN) -> None:
        self.path = path.with_name(path.name + ".reserve")
        self.size = size
        self._margin = margin
        self._ok = False

    @property
    def ok(self) -> bool:
        """Whether it is there, whole, and the disk wasn't found full since it last was."""
        return self._ok

    def press(self) -> None:
        """The disk is full."""
        self._ok = False

    def look(self) -> None:
        """Find out whether it is there, whole."""
        self._ok = self._whole()

    def _whole(self) -> bool:
        try:
            found = os.stat(self.path)
        except OSError:
            return False
        return found.st_size == self.size and found.st_blocks * 512 >= self.size

    def make_room(self, least: int) -> None:
        """Give it up if less than this many bytes are free."""
        try:
            disk = os.statvfs(self.path.parent)
        except OSError:
            return
        if disk.f_bavail * disk.f_frsize < least:
            self.give_up()

    def give_up(self) -> bool:
        """Free its space. False if there was none to free."""
        self._ok = False
        try:
            os.unlink(self.path)
        except OSError:
            return False
        return True

    def restore(self) -> bool:
        """Make it again if there is room for it. True if it is there now."""
        if self._ok:
            return True
        try:
            disk = os.statvfs(self.path.parent)
            whole = self._whole()
            if disk.f_bavail * disk.f_frsize < self._margin + (0 if whole else self.size):
                return False
            if whole:
                self._ok = True
                return True
            file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.ftruncate(file, self.size)
                os.posix_fallocate(file, 0, self.size)
                os.fsync(file)
                if not self._whole():  # a file system that compresses: zeros take no room there
                    for start in range(0, self.size, _PIECE):
                        os.pwrite(file, os.urandom(min(_PIECE, self.size - start)), start)
                    os.fsync(file)
            finally:
                os.close(file)
        except OSError:
            self.give_up()
            return False
        self._ok = True
        return True
