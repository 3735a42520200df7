"""An asyncio event loop in virtual time, with a seeded scheduler and no way out of the process.

What asyncio promises stays as it is: callbacks handed to ``call_soon`` run in the order of handing
over, and a timer never runs before its time. What it does not promise is chance here: the order of
timers that are due together, and when work of another thread (``run_in_executor``) begins and ends.
Such work runs in the one thread there is, at a virtual moment of its own, and its result is delivered
at a later one; a crash may come before, between and after.

The loop never runs by itself. ``turns`` runs so many callbacks as the world says, which may drop the
loop between any two of them. After ``drop`` no callback runs, no task is cancelled and no
``finally`` block is entered: the tasks are kept, so that nothing of them is closed while the run lasts.
"""

import asyncio
import heapq
from asyncio import base_events
from collections.abc import Callable
from contextvars import Context, copy_context
from itertools import count
from random import Random
from typing import Any

from simulation.clocks import VirtualTime


class Escape(BaseException):
    """Something simulated reached for a thread, a socket or a signal of the real world."""


class _Call:
    """What asyncio's handles are, without what nobody asks them for here."""

    __slots__ = ("_args", "_callback", "_cancelled", "_context", "_when")

    def __init__(self, callback: Any, args: tuple[Any, ...], context: Context | None, when: float) -> None:
        self._callback: Any = callback
        self._args: Any = args
        self._when = when
        self._context = copy_context() if context is None else context
        self._cancelled = False

    def cancel(self) -> None:
        self._cancelled = True
        self._callback = self._args = None

    def cancelled(self) -> bool:
        return self._cancelled

    def when(self) -> float:
        return self._when


class VirtualLoop(base_events.BaseEventLoop):
    """One process's event loop. ``problems`` are what asyncio itself complained about."""

    _ready: Any

    def __init__(
        self, time: VirtualTime, random: Random, slowness: Callable[[], tuple[float, float]]
    ) -> None:
        super().__init__()
        self._time_source = time
        self._chance = random
        self._slowness = slowness
        self.dropped = False
        self._timers: list[tuple[float, int, _Call]] = []
        self._nth = count()
        self.jobs = 0  # work of the other thread that has not been delivered
        self.problems: list[str] = []
        self._kept: list[asyncio.Task[Any]] = []
        self.set_exception_handler(self._complain)
        self.set_task_factory(self._task)

    # ------------------------------------------------------------ what asyncio asks for
    def time(self) -> float:
        return self._time_source.true

    def call_soon(  # type: ignore[override]  # typeshed's is generic
        self, callback: Any, *args: Any, context: Context | None = None
    ) -> Any:
        call = _Call(callback, args, context, 0.0)
        if not self.dropped:
            self._ready.append(call)
        return call

    def call_at(  # type: ignore[override]  # typeshed's is generic
        self, when: float, callback: Any, *args: Any, context: Context | None = None
    ) -> Any:
        call = _Call(callback, args, context, when)
        if not self.dropped:
            heapq.heappush(self._timers, (when, next(self._nth), call))
        return call

    def call_later(  # type: ignore[override]  # typeshed's is generic
        self, delay: float, callback: Any, *args: Any, context: Context | None = None
    ) -> Any:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def _task(self, loop: Any, coro: Any, **options: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, **options)
        if len(self._kept) >= 512:
            self._kept = [task for task in self._kept if not task.done()]
        self._kept.append(task)
        return task

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]  # typeshed's is generic
        future = self.create_future()
        before, after = self._slowness()
        self.jobs += 1

        def work() -> None:
            try:
                result, error = func(*args), None
            except Exception as raised:
                result, error = None, raised
            self.call_at(self.time() + after, deliver, result, error)

        def deliver(result: Any, error: Exception | None) -> None:
            self.jobs -= 1
            if future.cancelled():
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        self.call_at(self.time() + before, work)
        return future

    def _write_to_self(self) -> None:
        raise Escape("call_soon_threadsafe: no other thread exists here")

    def _process_events(self, event_list: Any) -> None:
        raise Escape("there are no file descriptors here")

    def _complain(self, loop: Any, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.problems.append(f"{context.get('message')}: {error!r}")

    # ------------------------------------------------------------ what the world does with it
    def next_timer(self) -> float | None:
        timers = self._timers
        while timers and timers[0][2]._cancelled:  # passed over when they surface
            heapq.heappop(timers)
        return timers[0][0] if timers else None

    def wake_due(self) -> None:
        """Make the timers ready whose time has come; among each other in an order of chance."""
        now = self.time()
        due = []
        while (when := self.next_timer()) is not None and when <= now:
            due.append(heapq.heappop(self._timers)[2])
        if len(due) > 1:
            self._chance.shuffle(due)
        self._ready.extend(due)

    def turns(self, most: int) -> int:
        """Run what is ready, at most so many callbacks; how many there were. The caller holds the loop as the
        running one."""
        ready, done = self._ready, 0
        while ready and done < most:
            call = ready.popleft()
            if call._cancelled:
                continue
            done += 1
            try:
                call._context.run(call._callback, *call._args)
            except (SystemExit, KeyboardInterrupt):
                raise
            except BaseException as error:
                self._complain(self, {"message": f"in {call._callback}", "exception": error})
        return done

    @property
    def idle(self) -> bool:
        return not self._ready

    def drop(self) -> list[asyncio.Task[Any]]:
        """The process is gone. Its tasks, for whoever keeps them from being closed."""
        self.dropped = True
        self._ready.clear()
        self._timers.clear()
        self._closed = True
        kept, self._kept = [task for task in self._kept if not task.done()], []
        for task in kept:
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # asyncio's own, not in typeshed
        return kept
