"""Waiting for what must come, with a deadline that only a failure meets."""

import asyncio
import time
from collections.abc import Callable


async def until(condition: Callable[[], object], *, within: float = 40.0) -> None:
    """Let the loop turn until the condition holds; AssertionError after ``within`` real seconds."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        await asyncio.sleep(0)  # the loop's own turns, sockets and threads included, are what is waited for
