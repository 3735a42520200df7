"""What the command line says of a life of the daemon, and how one that can't begin ends."""

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from irpd.config.problem import Problem

#: Exit codes of ``irpd serve``, from sysexits.h where it has one.
EXIT_CONFIG = 78  # bad files and no last good configuration
EXIT_NEWER = 79  # the journal is newer than the program
EXIT_HELD = 75  # another process holds the journal
EXIT_JOURNAL = 74  # the journal can't be read or written
EXIT_ADDRESS = 71  # the address can't be listened on

KillPoint = Callable[[str], None]


class StartError(Exception):
    """irpd can't start. ``code`` is the exit status, the text says what to do."""

    def __init__(self, code: int, text: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(text)
        self.code = code
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says. ``listen`` and ``state_dir`` stand over the files, and with
    ``believe_clock`` the machine's clock over the journal's last event."""

    config: tuple[str, ...]
    listen: str | None = None
    state_dir: str | None = None
    socket: str | None = None
    believe_clock: bool = False
    shadow: bool = False  # shadow mode, whatever the files say


def kill_point() -> KillPoint:
    """What happens at the points where tests may want the process to die: nothing, in an ordinary life."""
    spec = os.environ.get("IRPD_KILL_AT")
    return _kill_at(spec) if spec else lambda _point: None


def _kill_at(spec: str) -> KillPoint:
    """``POINT:N`` kills this process at the N-th time it comes to that point."""
    name, _, count = spec.partition(":")
    left = [int(count or 1)]

    def kill(point: str) -> None:
        if point == name:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return kill
