"""Who is taken in when more comes than can be done: as many as keep the loop quick.

What waits under load waits for the loop, not in a queue one could count: reading, deciding and
answering take turns on it, each turn does all that has come, and the longer the turns, the longer
everything takes, pages on their way out first of all. So the measure is how long a round of a few
turns takes, as many as a request needs on its way through.

Only when rounds have been long for a while is anybody refused: a burst, such as a restart of
Alertmanager sends, is simply done. From then on each round takes in only so many, and how many
follows from how long the rounds are. A refusal costs a fraction of what taking in does, because it
comes before the body is looked at. A slow disk is no overload: what waits for it is written in one go.

A few senders that wait for their answers are never an overload, however long their requests take.

Nothing runs while nothing comes: rounds are only timed when there are requests in them.
"""

import asyncio
from collections.abc import Callable

#: Turns of the loop that a request takes from being read to being decided.
TURNS = 4
#: A round that takes longer is long, in seconds.
LONG = 0.015
#: More work than this before the engine is long, too, in seconds.
WAIT = 0.020
#: Rounds must have been long for this many seconds before anybody is refused.
PATIENCE = 0.100
#: So long without a refusal, in seconds, and the overload is over.
OVER_AFTER = 1.0
#: With so few requests under way, nobody is refused: what a few ask for is their own wait.
FEW = 32
#: The most that a round takes in.
MOST = 500.0


class Admission:
    """Ask ``admit`` at the beginning of each request."""

    def __init__(self, now: Callable[[], float], wait: Callable[[], float]) -> None:
        """``wait`` is the time that the engine needs for what it has, in seconds."""
        self._now = now
        self._wait = wait
        self._round_at = 0.0  # when the first request of this round came
        self.under_way = 0  # requests taken in and not answered yet
        self._turns_left = 0  # of the round that is being timed
        self._taken = 0  # in this round
        self._allowed = MOST  # in a round
        self._long_since: float | None = None
        self._refused_at: float | None = None  # the last refusal, while there is an overload

    @property
    def overloaded(self) -> bool:
        """Whether requests are being refused."""
        return self._refused_at is not None

    def admit(self) -> bool:
        now = self._now()
        if not self._turns_left:
            self._turns_left, self._round_at, self._taken = TURNS, now, 0
            asyncio.get_running_loop().call_soon(self._turned)
        if self._refused_at is not None and now - self._refused_at > OVER_AFTER:
            self._refused_at = self._long_since = None
        if self.under_way < FEW:
            self._taken += 1
            return True
        if self._refused_at is None and (self._long_since is None or now - self._long_since < PATIENCE):
            self._taken += 1
            return True
        if self._taken < self._allowed and self._wait() <= WAIT:
            self._taken += 1
            return True
        self._refused_at = now
        return False

    def _turned(self) -> None:
        self._turns_left -= 1
        if self._turns_left:
            asyncio.get_running_loop().call_soon(self._turned)
            return
        took = self._now() - self._round_at
        if took > LONG or self._wait() > WAIT:
            if self._long_since is None:
                self._long_since = self._round_at
        elif not self.overloaded:
            self._long_since = None
        if took > LONG:
            # At once to what would have fitted, then little by little.
            fitting = max(1.0, self._taken * LONG / took)
            self._allowed = max(1.0, min(self._allowed * 0.9, max(fitting, self._allowed * 0.5)))
        elif self._taken >= self._allowed:
            self._allowed = min(MOST, self._allowed * 1.05 + 0.2)
