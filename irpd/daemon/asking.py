"""Those who ask others: whom, from which configuration, and how it goes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

import aiohttp
import structlog

from irpd.config.values import Configuration
from irpd.engine.engine import Engine
from irpd.engine.ports import Clock
from irpd.evidence import Asker, Reconciler
from irpd.intake import IntakeSource
from irpd.web.metrics import Metrics
from irpd.web.ports import Check

log = structlog.get_logger("irpd.daemon")


class Asking:
    """``last_alive`` is the time of the journal's last event before this start."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        session: aiohttp.ClientSession,
        sources: Mapping[str, IntakeSource],
        metrics: Metrics,
        *,
        last_alive: datetime | None,
    ) -> None:
        self._asker = Asker(engine, clock, session, metrics)
        self._reconciler = Reconciler(engine, clock, session, sources, metrics, last_alive=last_alive)
        self._tasks: list[asyncio.Task[None]] = []
        self.use(engine.policy.configuration)

    def use(self, configuration: Configuration) -> None:
        """From here on ask as these files say; secrets are read now."""
        self._asker.use(configuration)
        self._reconciler.use(configuration)

    def start(self) -> None:
        for name, asks in (("asker", self._asker.run), ("reconciler", self._reconciler.run)):
            self._tasks.append(asyncio.create_task(_for_ever(name, asks), name=name))

    async def stop(self) -> None:
        """Ask nothing any more; what is under way is given up."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def checks(self) -> Sequence[Check]:
        """Who doesn't answer. irpd goes on with what it knows, but somebody should look."""
        asked = {"prometheus": self._asker.problems, "senders": self._reconciler.problems}
        return [
            Check(
                name=name,
                ok=not problems,
                detail="; ".join(f"{who}: {why}" for who, why in problems.items()),
                fatal=False,
            )
            for name, problems in asked.items()
        ]


async def _for_ever(name: str, asks: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await asks()
        except Exception:  # whatever it was, later answers are still wanted
            log.exception("asking-raised", who=name)
            await asyncio.sleep(1)
