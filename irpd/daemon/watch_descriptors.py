"""Connections that can't be taken because descriptors or memory have run out, as one line in the log.

asyncio tells of each ``accept`` that fails, with a traceback, and some versions try as often as the
backlog is long, each second anew: a thousand tracebacks a second on a disk that others need. It leaves
the listening socket alone for a second and then goes on by itself, so nothing is to be done but to say so.
"""

import asyncio
import errno
from collections.abc import Callable
from typing import Any

import structlog

log = structlog.get_logger("irpd.descriptors")

#: Seconds between two lines.
SAY_EVERY = 10.0
#: What a system says that has nothing left to give.
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Accepts:
    """``loop.set_exception_handler(Accepts(loop.time))``: all else is left to asyncio."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._said_at = -SAY_EVERY
        self._unsaid = 0
        self._waiting: asyncio.TimerHandle | None = None

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        listening = "socket" in context and isinstance(error, OSError) and error.errno in EXHAUSTED
        if not listening:
            loop.default_exception_handler(context)
            return
        self._unsaid += 1
        if self._waiting is None:
            due = max(0.0, self._said_at + SAY_EVERY - self._now())
            self._waiting = loop.call_later(due, self._say, str(error))

    def _say(self, error: str) -> None:
        log.error("connections.not-taken", attempts=self._unsaid, error=error)
        self._said_at, self._unsaid, self._waiting = self._now(), 0, None
