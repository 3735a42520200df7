"""The connections of the public door: how many there may be, and how long one may say nothing.

A sender that dribbles a head, or opens connections and leaves them, costs a descriptor each;
without descriptors irpd can neither take in nor send. So there is a bound well below the
process's own limit, and whoever has gone longest without an answer makes room: a sender that
works is answered every few seconds, one that attacks never.

What counts is the answer, not the bytes: a head that comes a byte a second is as good as none.
"""

import asyncio
import resource
from collections.abc import Callable

import structlog
from aiohttp import web

log = structlog.get_logger("irpd.web.connections")

#: Seconds that a new connection has for its first request to be answered. A body may take 30 s.
FIRST_ANSWER = 45.0
#: Seconds after its last answer that a connection is kept: more than a repeat interval of Alertmanager.
NEXT_ANSWER = 400.0
#: Seconds between looks.
LOOK_EVERY = 0.5
#: Never more connections than this, whatever the process may open.
AT_MOST = 8192
#: Descriptors that are kept for the journal, the channels, and files.
KEPT_BACK = 64
#: Seconds between lines in the log about connections that were cut.
SAY_EVERY = 10.0


def room() -> int:
    """How many connections there may be; the process may open as many files as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
        except (OSError, ValueError):
            pass
    if soft == resource.RLIM_INFINITY:
        return AT_MOST
    return max(8, min(AT_MOST, soft - KEPT_BACK, soft // 2 if soft < 4 * KEPT_BACK else soft))


class Connections:
    """Give it the application before it is frozen, then ``watch`` its server."""

    def __init__(self, app: web.Application, *, now: Callable[[], float], cut: Callable[[int], None]) -> None:
        self._now = now
        self._cut = cut
        self._heard: dict[web.RequestHandler, float] = {}  # when it came, or was last answered
        self._answered: set[web.RequestHandler] = set()
        self._said_at = -SAY_EVERY
        self._unsaid = 0
        self.limit = room()
        self.open = 0
        app.on_response_prepare.append(self._answering)

    async def _answering(self, request: web.BaseRequest, _response: web.StreamResponse) -> None:
        self._heard[request.protocol] = self._now()
        self._answered.add(request.protocol)

    async def watch(self, server: web.Server) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            self.look(server)

    def look(self, server: web.Server) -> None:
        """Cut those that have had their time, and more if there are too many."""
        now = self._now()
        there = server.connections
        self._heard = {one: self._heard.get(one, now) for one in there}
        self._answered.intersection_update(there)
        over = [
            one
            for one, at in self._heard.items()
            if now - at > (NEXT_ANSWER if one in self._answered else FIRST_ANSWER)
        ]
        excess = len(there) - len(over) - self.limit
        if excess > 0:
            # Those that were never answered first, and of them those that have had the longest.
            gone = set(over)
            rest = sorted(
                (one for one in there if one not in gone),
                key=lambda one: (one in self._answered, self._heard[one]),
            )
            over += rest[:excess]
        for one in over:
            self._heard.pop(one, None)
            one.force_close()
        self.open = len(there) - len(over)
        if over:
            self._cut(len(over))
            self._unsaid += len(over)
        if self._unsaid and now - self._said_at >= SAY_EVERY:
            log.warning("connections.cut", cut=self._unsaid, open=self.open, limit=self.limit)
            self._said_at, self._unsaid = now, 0
