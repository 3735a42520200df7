"""A thread outside the event loop that watches whether work moves on.

The loop proves that it lives by moving a counter once a second; engine and delivery prove
that they progress by moving theirs whenever they have something to do. Only while all of
them do, this thread feeds the supervisor's watchdog. A wedged delivery therefore restarts
irpd, although its process, its loop and its health endpoint are all well. Each look is told to whoever
watches from outside (``alive``).
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from irpd.daemon import systemd

log = structlog.get_logger("irpd.watchdog")

#: Seconds without progress, while there is work, after which something is stalled.
STALLED_AFTER = 15.0
#: Seconds by which a look may be late before the whole process counts as having stood still.
ABSENT_AFTER = 1.0


@dataclass(slots=True)
class Watched:
    """``progress`` is a counter, ``busy`` whether it ought to move. Both only read."""

    name: str
    progress: Callable[[], int]
    busy: Callable[[], bool]
    seen: int = -1
    since: float = field(default=0.0)


class Watchdog:
    """Give it what to watch, then ``start``. ``stalled`` names what doesn't move."""

    def __init__(
        self,
        watched: Sequence[Watched],
        *,
        now: Callable[[], float],
        feed: Callable[[], object] = lambda: systemd.notify(WATCHDOG=1),
        tell: Callable[[Sequence[str]], object] = lambda _stalled: None,
        every: float | None = None,
        stalled_after: float = STALLED_AFTER,
    ) -> None:
        self._watched = watched
        self._now = now
        self._feed = feed
        self._tell = tell
        period = systemd.watchdog_seconds()
        self._every = every if every is not None else min((period or 4.0) / 4, 2.0)
        self._stalled_after = stalled_after
        self._looked_at = now()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="irpd-watchdog", daemon=True)
        self.stalled: tuple[str, ...] = ()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=5)

    def look(self) -> tuple[str, ...]:
        """The names of what has had work and not moved for too long."""
        now = self._now()
        if now - self._looked_at > self._every + ABSENT_AFTER:
            # This thread stood still too: the process was stopped, or the machine slept. Nothing could move.
            for one in self._watched:
                one.since = now
        self._looked_at = now
        stalled = []
        for one in self._watched:
            progress = one.progress()
            if progress != one.seen or not one.busy():
                one.seen, one.since = progress, now
            elif now - one.since > self._stalled_after:
                stalled.append(one.name)
        return tuple(stalled)

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            stalled = self.look()
            if stalled != self.stalled:
                log.error("stalled", what=list(stalled)) if stalled else log.info("progressing-again")
            self.stalled = stalled
            self._tell(stalled)
            if not stalled:
                self._feed()
