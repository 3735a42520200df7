"""What the outbox needs of the rest: the published state, a way to submit, metrics, waiting.

All of it is injected, so that a test drives the outbox through virtual time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Protocol

from irpd.config.values import Configuration
from irpd.model.command import Command
from irpd.model.incident import Incident, Member
from irpd.model.page import Page

Published = Callable[[Collection[Page], Collection[Incident]], None]
#: Waits until the event is set, at most so many seconds (None: for ever).
Wait = Callable[[asyncio.Event, float | None], Awaitable[None]]


class PublishedState(Protocol):
    """What is committed, read-only."""

    @property
    def incidents(self) -> Mapping[int, Incident]: ...

    @property
    def pages(self) -> Mapping[str, Page]: ...

    def members_of(self, number: int, /) -> Sequence[Member]: ...

    def pages_of(self, number: int, /) -> Sequence[Page]: ...

    def sends_in(self, channel: str, provider_id: str, /) -> Sequence[tuple[str, int]]: ...


class InForce(Protocol):
    @property
    def configuration(self) -> Configuration: ...


class EngineLike(Protocol):
    """The engine as the outbox sees it."""

    @property
    def state(self) -> PublishedState: ...

    @property
    def policy(self) -> InForce: ...

    async def submit(self, command: Command, /) -> object: ...

    def on_publish(self, callback: Published, /) -> object: ...


class OutboxMetrics(Protocol):
    """What the outbox counts."""

    def sent(self, channel: str, outcome: str) -> None:
        """One attempt, or a send that became obsolete or expired before it."""

    def delayed(self, seconds: float) -> None:
        """From a request's first byte to its page being handed to the channel."""

    def erred(self, where: str) -> None:
        """Something raised that must not: ``channel``, ``text`` or ``outbox``."""

    def works(self, channel: str, up: bool) -> None:
        """A channel has gone down, or is up again."""


class NoMetrics:
    def sent(self, channel: str, outcome: str) -> None: ...

    def delayed(self, seconds: float) -> None: ...

    def erred(self, where: str) -> None: ...

    def works(self, channel: str, up: bool) -> None: ...
