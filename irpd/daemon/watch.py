"""Notices that configuration or rule files have changed.

It looks at the files' identity, size and time once a second instead of asking the kernel:
a folder that a container platform swaps by a symbolic link, a network file system and an
editor that writes a new file in place of the old all look the same that way. A change is
reported once it has been still for one look, so that a half-written file is rarely read;
a bad one is refused anyway and the configuration in force stays.

A look that fails because the process has no descriptors or memory left has seen nothing: that is
no change of the files.
"""

import errno
import os
from collections.abc import Callable, Iterable
from pathlib import Path

Signature = tuple[tuple[str, int, int, int], ...]
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})


def signature(names: Iterable[str | Path]) -> Signature | None:
    """What these files and folders (one level deep) look like now; a missing one is left out.

    None when nobody could look."""
    found: list[tuple[str, int, int, int]] = []
    for name in names:
        path = Path(name)
        try:
            inside = sorted(path.iterdir()) if path.is_dir() else [path]
        except OSError as error:
            if error.errno in EXHAUSTED:
                return None
            continue
        for file in inside:
            try:
                status = os.stat(file)
            except OSError:
                continue
            found.append((str(file), status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(sorted(set(found)))


class FileWatch:
    """``changed()`` once a second: True when the files differ from the last ones taken and
    have been still since the look before."""

    def __init__(self, names: Callable[[], Iterable[str | Path]]) -> None:
        self._names = names
        self._taken = signature(names())
        self._before = self._taken

    def take(self) -> None:
        """What is there now is what is in force (or has been refused)."""
        self._taken = self._before = signature(self._names())

    def changed(self) -> bool:
        now = signature(self._names())
        if now is None:
            return False
        still, self._before = now == self._before, now
        return now != self._taken and still
