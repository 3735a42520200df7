"""What comes back by a channel: people's answers and providers' words.

A channel that is talked to has ``hear`` (a request that came to ``/channel/<name>/<place>``) or ``listen`` (a
loop of its own, for providers that are asked rather than ask). It proves who speaks, reads what is meant,
hands it to the desk and says the desk's answer in the provider's own form. It decides nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from irpd.model.page import Word


class Does(StrEnum):
    """What a person answers to a page."""

    HAS = "has"
    CANT = "cant"


class NotAuthentic(Exception):
    """It can't be shown that the provider sent this. The text says what is missing, never a secret."""


class NotUnderstood(Exception):
    """The provider sent something that this version can't read."""


class NotSaved(Exception):
    """The journal would not take it just now; it is to come again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """``place`` is what stands behind the channel's name, ``target`` the path and query as they came,
    ``url`` the same under the public address."""

    place: str
    target: str
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """The answer to a request."""

    status: int = 200
    content_type: str = "text/plain"
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


class DeskLike(Protocol):
    """Takes what was heard. Each answer is a sentence for the person."""

    async def press(self, *, channel: str, page: str, does: Does, address: str, via: str) -> str:
        """Somebody at ``address`` pressed a button of the page with this ``name``."""
        ...

    async def answer(self, *, page: str, does: Does, via: str) -> str:
        """Whoever has the message about this page answers it; that is proven. Raises NotSaved."""
        ...

    def proof(self, page: str) -> str:
        """What only who has the message about this page knows: 32 hexadecimal digits."""
        ...

    async def write(self, *, channel: str, address: str, text: str, via: str) -> str:
        """Somebody at ``address`` wrote something: a code, or a word. "" where silence is better."""
        ...

    async def confirm(
        self, *, channel: str, provider_id: str, word: Word, at: datetime | None = None, detail: str = ""
    ) -> None:
        """The provider says what became of a message."""
        ...

    def speech(self, page: str) -> str:
        """What a call about this page says now; "" when the page isn't known (any more)."""
        ...


@runtime_checkable
class Hearing(Protocol):
    """A channel that requests come to."""

    async def hear(self, request: Request) -> Heard:
        """Raises NotAuthentic or NotUnderstood."""
        ...


@runtime_checkable
class Listening(Protocol):
    """A channel that can keep a connection of its own open, and does where ``listens``. ``problem`` is what
    is wrong while nothing is heard, "" while all is well."""

    @property
    def listens(self) -> bool: ...
    @property
    def problem(self) -> str: ...

    async def listen(self) -> None:
        """Until cancelled; comes back from every failure by itself."""
        ...
