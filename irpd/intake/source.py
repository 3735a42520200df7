"""A configured sender: how it proves itself, and how its bodies become signals.

``build_source`` is where a source's settings, its secret (resolved once, here) and the
module of its type come together. A module of a source type is registered in ``TYPES`` and
has what ``SourceType`` says.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import structlog
from msgspec.structs import replace

from irpd.config.values import Source
from irpd.config.watching import Watchdog
from irpd.engine.ports import Normalised
from irpd.intake import alertmanager, freshdesk, grafana, jira, sentry, ticket, zendesk
from irpd.intake.auth import Authenticator, AuthResult, Scheme, build_authenticator
from irpd.intake.context import Context, Read
from irpd.intake.reading import Unreadable, header
from irpd.intake.result import unreadable
from irpd.model.signal import Status

_log = structlog.get_logger(__name__)


class SourceType(Protocol):
    """What the module of a source type has.

    ``KEEP_HEADERS``: the headers that reading a body needs, kept with its receipt (never
    credentials). ``SIGNATURE``: how this sender signs, where it does. ``build`` makes the
    function that reads its bodies; it may raise Unreadable for a body that says nothing.
    """

    @property
    def KEEP_HEADERS(self) -> tuple[str, ...]: ...  # noqa: N802 - a module's constant
    @property
    def SIGNATURE(self) -> Scheme | None: ...  # noqa: N802 - the same
    @property
    def build(self) -> Callable[[Context], Read]: ...


TYPES: Mapping[str, SourceType] = {
    "alertmanager": alertmanager,
    "grafana": grafana,
    "sentry": sentry,
    "zendesk": zendesk,
    "freshdesk": freshdesk,
    "jira": jira,
    "ticket": ticket,
}


@dataclass(frozen=True, slots=True)
class IntakeSource:
    """One configured source. Built by ``build_source``."""

    name: str
    settings: Source
    keep_headers: tuple[str, ...]
    _authenticator: Authenticator = field(repr=False)
    _read: Read = field(repr=False)

    def authenticate_headers(self, headers: Mapping[str, str], query: Mapping[str, str]) -> bool | None:
        """Whether headers and query alone prove the sender; None when it needs the body."""
        return self._authenticator.by_headers(headers, query)

    def authenticate(
        self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes, now: datetime
    ) -> AuthResult:
        """Whether this request comes from the source, and if not why (for logs; no secrets in it)."""
        return self._authenticator.check(headers, query, body, now)

    def normalise(self, body: bytes, headers: Mapping[str, str], now: datetime) -> Normalised:
        """What the body says. Never raises: what can't be read is in the answer."""
        try:
            said = self._read(body, headers, now)
            return said if self.settings.watchdog is None else _without(said, self.settings.watchdog)
        except Unreadable as error:
            return unreadable(self.name, str(error))
        except Exception as error:
            # A defect of ours, and still somebody's report: it opens an incident like any
            # unreadable body. The traceback goes to the log, the body never does.
            _log.exception("intake_failed", source=self.name, bytes=len(body))
            return unreadable(self.name, f"irpd itself failed to read this ({type(error).__name__})")

    def kept(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers to keep with the receipt: those that reading it again needs."""
        found = ((name, header(headers, name)) for name in self.keep_headers)
        return {name: value for name, value in found if value is not None}


def _without(said: Normalised, watchdog: Watchdog) -> Normalised:
    """What is said besides that the sender lives: the alert that always fires opens nothing. Its end is left
    in, which ends what it may have opened before it was known as that."""
    marks = watchdog.labels.items()
    others = tuple(
        signal
        for signal in said.signals
        if signal.status is not Status.FIRING
        or signal.unreadable
        or any(signal.labels.get(name) != value for name, value in marks)
    )
    return said if len(others) == len(said.signals) else replace(said, signals=others, alive=True)


def build_source(name: str, settings: Source, *, reporter_key: bytes) -> IntakeSource:
    """The source ready for work. ``reporter_key`` keys the hashes that stand for the people
    who wrote tickets. Raises SourceError (a LookupError) naming the place in the configuration
    when a secret can't be had or the authentication makes no sense."""
    module = TYPES[settings.type]
    return IntakeSource(
        name=name,
        settings=settings,
        keep_headers=module.KEEP_HEADERS,
        _authenticator=build_authenticator(name, settings, module.SIGNATURE),
        _read=module.build(Context(name=name, settings=settings, reporter_key=reporter_key)),
    )
