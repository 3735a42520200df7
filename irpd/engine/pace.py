"""How fast commands are done just now, and so how long what waits will have to.

Only the work counts: time on the processor for deciding and for writing. What the disk takes is left
out, because all that waits for it is written in one go, however much that is.
"""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

#: How much the newest batch counts.
NEWEST = 0.2
#: Smaller batches say more about what a batch costs than about what one more command costs.
WORTH_LOOKING = 4
#: Deciding, writing and the rest of the process share one interpreter: work takes longer than itself.
SHARE = 2.5


class Pace:
    """Told of each batch; ``wait`` is the expected wait for so many commands, in seconds."""

    def __init__(self) -> None:
        self.each = 0.0003  # seconds of work for one command
        self.elsewhere = 0.0  # seconds that a commit took without working: the disk
        self.under_way = 0  # commands in the batch that is being written
        self._worked = 0.0

    def counting(self, work: Callable[[], T]) -> T:
        """Do this work, on whatever thread; it counts for the batch that ``done`` is told of."""
        began = time.thread_time()
        try:
            return work()
        finally:
            self._worked += time.thread_time() - began

    def done(self, commands: int, took: float) -> None:
        """A batch of so many commands was decided and written; writing took so many seconds."""
        worked, self._worked = self._worked, 0.0
        self.elsewhere += NEWEST * (max(0.0, took - SHARE * worked) - self.elsewhere)
        if commands >= WORTH_LOOKING:
            self.each += NEWEST * (worked / commands - self.each)

    def wait(self, commands: int) -> float:
        """How long it takes to be through with so many, beyond what the disk takes anyway."""
        return max(0.0, (commands + self.under_way) * self.each * SHARE - self.elsewhere)
