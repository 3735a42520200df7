"""The connections that channels keep open by themselves, while they are in use."""

import asyncio
from collections.abc import Mapping

from irpd.channels.inbound import Listening


class Listeners:
    """At most one task a channel."""

    def __init__(self) -> None:
        self._tasks: dict[str, tuple[Listening, asyncio.Task[None]]] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def use(self, channels: Mapping[str, object]) -> None:
        """Listen by these from now on, and by no others."""
        before, self._tasks = self._tasks, {}
        for name, channel in channels.items():
            if isinstance(channel, Listening) and channel.listens:
                task = asyncio.create_task(channel.listen(), name=f"listen by {name}")
                self._tasks[name] = channel, task
        for name, (_, task) in before.items():
            ending = asyncio.create_task(_end(task), name=f"no longer listen by {name}")
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    def problems(self) -> Mapping[str, str]:
        """What is wrong with those that don't hear anything now, by the channel's name."""
        return {name: channel.problem for name, (channel, _) in self._tasks.items() if channel.problem}

    async def close(self) -> None:
        """End all of them."""
        self.use({})
        await asyncio.gather(*self._ending)


async def _end(task: "asyncio.Task[None]") -> None:
    """Again and again: a library on the way may take being cancelled for a failure of its own."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=0.5)
