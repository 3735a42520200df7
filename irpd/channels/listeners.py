"""The connections that channels keep open by themselves, while they are in use."""

import asyncio
from collections.abc import Mapping

from irpd.channels.inbound import Listening


class Listeners:
    """At most one task a channel."""

    def __init__(self) -> None:
        self._tasks: dict[str, tuple[Listening, asyncio.Task[None]]] = {}

    def use(self, channels: Mapping[str, object]) -> None:
        """Listen by these from now on, and by no others."""
        before, self._tasks = self._tasks, {}
        for name, channel in channels.items():
            if isinstance(channel, Listening) and channel.listens:
                task = asyncio.create_task(channel.listen(), name=f"listen by {name}")
                self._tasks[name] = channel, task
        for _, task in before.values():
            task.cancel()

    def problems(self) -> Mapping[str, str]:
        """What is wrong with those that don't hear anything now, by the channel's name."""
        return {name: channel.problem for name, (channel, _) in self._tasks.items() if channel.problem}

    async def close(self) -> None:
        """End all of them."""
        tasks = [task for _, task in self._tasks.values()]
        self._tasks = {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
