"""Whether anything that people should have got has reached them lately, over any channel.

Each page finds its next method and its next person by itself; this watches for the case in which no
such way is left: attempts are made, and for minutes none of them, on no channel, has been taken. It
holds until something is delivered, for what ``irpd page test`` proves is all that anybody knows then.

Only in memory: after a start the first attempts tell anew.
"""

from collections.abc import Callable

import structlog

log = structlog.get_logger("irpd.delivery")

#: Seconds of attempts without one that was taken: a provider that restarts is back by then.
SILENT_AFTER = 300.0


class DeliveryWatch:
    """Told of each attempt by ``sent``; ``look`` logs what has changed; ``problem`` is for /readyz."""

    def __init__(self, now: Callable[[], float], *, silent_after: float = SILENT_AFTER) -> None:
        """``now`` counts seconds and is never set."""
        self._now = now
        self._silent_after = silent_after
        self._since: float | None = None  # the first attempt in vain after the last that was taken
        self._in_vain: dict[str, int] = {}  # attempts since then, by channel
        self._said = False

    def sent(self, channel: str, outcome: str) -> None:
        """``outcome`` as in ``irpd_pages_total``; what was not attempted says nothing."""
        if outcome == "delivered":
            self._since = None
            self._in_vain.clear()
        elif outcome in ("transient", "failed"):
            if self._since is None:
                self._since = self._now()
            self._in_vain[channel] = self._in_vain.get(channel, 0) + 1

    @property
    def problem(self) -> str:
        """Empty while all is well."""
        if self._since is None or (silent := self._now() - self._since) < self._silent_after:
            return ""
        tries = ", ".join(f"{name} {count}" for name, count in sorted(self._in_vain.items()))
        return f"no channel has taken a page for {silent / 60:.0f} min; attempts in vain: {tries}"

    def look(self) -> None:
        problem = self.problem
        if bool(problem) == self._said:
            return
        self._said = bool(problem)
        if problem:
            log.error("nothing-delivered", problem=problem, attempts=dict(self._in_vain))
        else:
            log.info("delivered-again")
