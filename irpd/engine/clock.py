"""The one place that reads clocks.

Waits and intervals run on the boot-time clock, which goes on through suspend and knows no
date. The date is that clock plus an offset: small differences to the wall clock are followed
(a lead of ours only slowly, because ``now`` never goes back), and a jump is believed only
after it has lasted ``BELIEVE_AFTER`` seconds, so that one bad reading of a time server
expires no page and fires no escalation.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

#: A difference of more than this many seconds between the clocks is a jump.
JUMP = 2.0
#: How long, in seconds of the boot-time clock, a jump must last to be believed.
BELIEVE_AFTER = 60.0
#: A lead over the wall clock is given back at this rate (seconds a second).
SLEW = 0.01
#: A journal whose last event is further ahead than this was written under a wrong clock.
TRUSTED_LEAD = 86400.0


_boot_time = partial(time.clock_gettime, time.CLOCK_BOOTTIME)


class SystemClock:
    """Wall clock and boot-time clock of this machine as one time that never goes back."""

    def __init__(
        self, *, wall: Callable[[], float] = time.time, boot: Callable[[], float] = _boot_time
    ) -> None:
        self._wall, self.boot = wall, boot
        self._offset = wall() - boot()
        self._last = 0.0
        self._seen_at = boot()
        self._jump_since: float | None = None
        self._jump_offset = 0.0
        self._back_at: float | None = None  # the offset of a step back that has been recorded
        self.jumps: list[float] = []

    def start_from(self, last: datetime | None, *, believe_wall: bool = False) -> None:
        """Never say a time before ``last``, the time of the journal's last event; with ``believe_wall`` do,
        and call it a jump."""
        if last is None:
            return
        lead = last.timestamp() - (self.boot() + self._offset)
        if lead > TRUSTED_LEAD or (believe_wall and lead > JUMP):
            self.jumps.append(-lead)
        elif lead > 0:
            self._offset += lead
            self._last = last.timestamp()

    def lead(self) -> float:
        """How many seconds ``now`` is ahead of the wall clock at this moment; 0.0 where it isn't."""
        return max(0.0, self.now().timestamp() - self._wall())

    @property
    def settled(self) -> bool:
        """False while the clocks differ and it isn't known yet whether that will last."""
        return self._jump_since is None

    def now(self) -> datetime:
        boot = self.boot()
        self._follow(boot, self._wall() - boot)
        self._seen_at = boot
        self._last = max(self._last, boot + self._offset)
        return datetime.fromtimestamp(self._last, UTC)

    def _follow(self, boot: float, offset: float) -> None:
        difference = offset - self._offset
        if abs(difference) <= JUMP or (difference < 0 and self._believed(offset)):
            self._jump_since = None
            if abs(difference) <= JUMP:
                self._back_at = None
            step = SLEW * (boot - self._seen_at)
            self._offset += difference if difference > 0 else max(difference, -step)
            return
        if self._jump_since is None or abs(offset - self._jump_offset) > JUMP:
            self._jump_since, self._jump_offset = boot, offset
        elif boot - self._jump_since >= BELIEVE_AFTER:
            self.jumps.append(difference)
            self._jump_since = None
            if difference > 0:
                self._offset = offset
            else:
                self._back_at = offset

    def _believed(self, offset: float) -> bool:
        """A step back that was recorded is given back slowly, without a new record each time."""
        return self._back_at is not None and abs(offset - self._back_at) <= JUMP
