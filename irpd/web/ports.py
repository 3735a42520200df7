"""What the door asks of the rooms behind it, as small protocols."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from irpd.config.problem import Problem
from irpd.config.values import Configuration, Source
from irpd.engine.ports import Clock, Fact, Normalised, Receipt
from irpd.model.command import Command
from irpd.model.contact import Contact
from irpd.model.incident import Incident, Member
from irpd.model.override import Override
from irpd.model.page import Page
from irpd.model.waits import Silence
from irpd.oncall.changes import Changes
from irpd.triage.ruleset import RuleSet
from irpd.web.metrics import Metrics

Published = Callable[[Collection[Page], Collection[Incident]], None]


class StateLike(Protocol):
    """The published state: only what is committed, never changed while one reads it."""

    @property
    def incidents(self) -> Mapping[int, Incident]: ...
    @property
    def members(self) -> Mapping[int, Member]: ...
    @property
    def pages(self) -> Mapping[str, Page]: ...
    def members_of(self, number: int, /) -> Sequence[Member]: ...
    def pages_of(self, number: int, /) -> Sequence[Page]: ...
    def member_of(self, key: str, /) -> Member | None: ...
    @property
    def waiting(self) -> Sequence[Member]: ...
    @property
    def silences(self) -> Sequence[Silence]: ...
    @property
    def overrides(self) -> Sequence[Override]: ...
    @property
    def changes(self) -> Changes: ...
    @property
    def contacts(self) -> Sequence[Contact]: ...


class PolicyLike(Protocol):
    @property
    def configuration(self) -> Configuration: ...
    @property
    def ruleset(self) -> RuleSet: ...
    @property
    def hash(self) -> str: ...


class ReceivedLike(Protocol):
    @property
    def receipt(self) -> int: ...
    @property
    def incidents(self) -> tuple[int, ...] | None: ...


class EngineLike(Protocol):
    @property
    def state(self) -> StateLike: ...
    @property
    def policy(self) -> PolicyLike: ...

    @property
    def expected_wait(self) -> float:
        """Seconds of work that stand before a command that would come now."""
        ...

    async def submit(self, command: Command, /) -> object:
        """Raises Refusal, Overloaded or JournalError."""
        ...

    async def receive(
        self,
        source: str,
        body: bytes,
        headers: Mapping[str, str],
        normalised: Normalised,
        first_byte_at: datetime,
    ) -> ReceivedLike:
        """Returns once the receipt is on disk. Raises Overloaded or JournalError."""
        ...

    def on_publish(self, callback: Published, /) -> object: ...


class AuthLike(Protocol):
    @property
    def ok(self) -> bool: ...
    @property
    def reason(self) -> str: ...


class SourceLike(Protocol):
    """A configured source of intake."""

    @property
    def name(self) -> str: ...
    @property
    def settings(self) -> Source: ...
    @property
    def keep_headers(self) -> tuple[str, ...]: ...

    def authenticate_headers(
        self, headers: Mapping[str, str], query: Mapping[str, str], /
    ) -> bool | None: ...
    def authenticate(
        self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes, now: datetime, /
    ) -> AuthLike: ...
    def normalise(self, body: bytes, headers: Mapping[str, str], now: datetime, /) -> Normalised: ...


class LinksLike(Protocol):
    def token(self, page: Page, /) -> str: ...
    def digits(self, page: Page, /) -> str: ...


class CalendarsLike(Protocol):
    def address(self, kind: str, name: str, /) -> str: ...
    def proves(self, kind: str, name: str, token: str, /) -> bool: ...
    def page_address(self, kind: str, name: str, /) -> str: ...
    def proves_page(self, kind: str, name: str, token: str, /) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """A monitor as it is now: ``state`` new | up | late | silent. ``every`` and ``grace`` in seconds;
    ``due_at`` is when it counts as silent."""

    name: str
    state: str
    service: str
    every: float
    grace: float
    level: int
    seen_at: datetime | None
    due_at: datetime | None
    incident: int | None


class HeartbeatsLike(Protocol):
    """The monitors that must report."""

    def authenticate(self, name: str, headers: Mapping[str, str], query: Mapping[str, str], /) -> bool | None:
        """None when none of this name is expected."""
        ...

    async def report(self, name: str, *, failed: str | None = None) -> Beat:
        """Raises KeyError, Overloaded or JournalError."""
        ...

    def alive(self, source: str, /) -> None: ...
    def beats(self) -> Iterable[Beat]: ...


class Reader(Protocol):
    """Reading the journal beside the engine. Blocks; made and called in one thread.
    ``journal.reader.Reader`` on a read-only connection is one."""

    def facts(self, *, after: int = 0, subject: str | None = None) -> Iterator[Fact]: ...
    def receipt(self, number: int, /) -> Receipt | None: ...
    def receipts(self, after: int, limit: int, /) -> Sequence[Receipt]: ...
    def incident(self, number: int, /) -> tuple[Incident, list[Member], list[Page]] | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that readiness depends on. What is not ``ok`` and not ``fatal`` degrades:
    irpd still pages, but somebody should look."""

    name: str
    ok: bool
    detail: str = ""
    fatal: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Reloaded:
    """What came of a reload. ``hash`` is the configuration now in force."""

    ok: bool
    hash: str
    previous: str = ""
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """All that the door needs.

    ``sources`` is looked up at each request, so a reload replaces its content. ``backup``
    writes a copy of the journal to a path of this machine; it blocks. ``channel`` is the one in use under a
    name.
    """

    engine: EngineLike
    clock: Clock
    sources: Mapping[str, SourceLike]
    links: LinksLike
    calendars: CalendarsLike
    metrics: Metrics
    heartbeats: HeartbeatsLike
    open_reader: Callable[[], Reader]
    readiness: Callable[[], Sequence[Check]]
    reload: Callable[[str], Awaitable[Reloaded]]
    backup: Callable[[str], None]
    channel: Callable[[str], object | None] = lambda _name: None
    version: str = ""
    body_timeout: float = 30.0  # seconds that a sender may take for its body
