"""Channels as the world has them, and what people's phones show.

Each channel is in a mood: it works, is slow, fails for now or for good, never answers, answers late,
or delivers and loses its answer. ``line`` always works, as one channel of somebody must.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from irpd.engine.ports import Message, Outcome

MOODS = (
    "works",
    "works",
    "slow",
    "transient",
    "busy",
    "refuses-late",
    "permanent",
    "hangs",
    "late",
    "lost",
    "raises",
    "flaky",
)
CHANNELS = ("line", "mail", "chat", "hook", "push")
#: The channel that always works.
SURE = "line"


@dataclass(frozen=True, slots=True)
class Shown:
    """A message on somebody's phone."""

    page: str
    incident: int
    person: str
    channel: str
    at: float


class Provider:
    """The far end of one channel. It outlives irpd's processes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.mood = "works"
        self.made = 0


class SimulatedChannel:
    """``engine.ports.Channel`` in one process, onto a provider."""

    def __init__(
        self,
        provider: Provider,
        chance: Random,
        *,
        sending: Callable[[Message], None],
        sent: Callable[[Message, Outcome], None],
        show: Callable[[Message], None],
        hit: Callable[[str], None],
    ) -> None:
        self.name = provider.name
        self._provider = provider
        self._chance = chance
        self._sending, self._sent, self._show, self._hit = sending, sent, show, hit

    async def send(self, message: Message) -> Outcome:
        self._sending(message)
        mood = self._provider.mood
        if mood == "flaky":
            mood = self._chance.choice(MOODS)
        if mood != "works":
            self._hit(f"channel-{mood}")
        outcome = Outcome(kind="transient", detail="cut off")
        try:
            outcome = await self._act(mood, message)
        finally:
            self._sent(message, outcome)
        return outcome

    async def _act(self, mood: str, message: Message) -> Outcome:
        match mood:
            case "slow":
                await asyncio.sleep(self._chance.uniform(0.2, 9.0))
            case "transient":
                return Outcome(kind="transient", detail="no route")
            case "busy":
                return Outcome(kind="transient", detail="too many", retry_after=self._chance.uniform(1, 40))
            case "refuses-late":
                await asyncio.sleep(self._chance.uniform(0.5, 3.0))
                return Outcome(kind="transient", detail="cut off in the middle")
            case "permanent":
                return Outcome(kind="permanent", detail="unknown address")
            case "hangs":
                await asyncio.sleep(1e6)
            case "late":
                await asyncio.sleep(self._chance.uniform(20, 119))
            case "lost":
                self._show(message)
                return Outcome(kind="transient", detail="the answer was lost")
            case "raises":
                raise RuntimeError("a defect in the channel")
            case _:
                if self._chance.random() < 0.5:
                    await asyncio.sleep(self._chance.uniform(0.001, 0.2))
        self._show(message)
        self._provider.made += 1
        return Outcome(kind="delivered", provider_id=f"{self.name}-{self._provider.made}")

    async def edit(self, message: Message, provider_id: str) -> Outcome:
        self._hit("message-edited")
        if self._provider.mood in ("transient", "lost", "flaky") and self._chance.random() < 0.5:
            return Outcome(kind="transient", detail="no route")
        return Outcome(kind="delivered", provider_id=provider_id)

    async def close(self) -> None: ...
