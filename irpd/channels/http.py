"""Asking a provider over HTTP: one question, and what its answer or its absence means."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import aiohttp
import msgspec

from irpd.channels.answers import read_some, refused, retry_after, unreachable
from irpd.channels.parts import Parts
from irpd.engine.ports import Outcome

Pauses = Literal["address", "channel"]
JSON = {"Content-Type": "application/json; charset=utf-8"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """``said`` is the answer's JSON object; empty where it is none. ``after`` is Retry-After in seconds, and
    ``pauses`` for whom it holds."""

    status: int
    after: float | None = None
    pauses: Pauses = "address"
    said: Mapping[str, Any] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300

    def refused(self, detail: str = "") -> Outcome:
        """What it means when it isn't good: 408, 425, 429 and 5xx pass, anything else is for good."""
        later = self.status in (408, 425, 429) or self.status >= 500
        outcome = refused(self.status, self.after, later=later)
        text = f"{outcome.detail}, {detail}"[:300] if detail else outcome.detail
        return replace(outcome, detail=text, pauses=self.pauses)

    def strange(self, who: str) -> Outcome:
        """Good, but not what this provider says."""
        return Outcome(kind="transient", detail=f"an answer that isn't {who}'s", retry_after=self.after)


class Http:
    """``timeout`` in seconds for all of it. Redirects are not followed: a token would go along. ``hide`` are
    secrets in addresses, struck out of what an error says; ``pauses`` whom a provider means that wants to be
    left alone: one address, or everybody whom the channel reaches."""

    def __init__(
        self, parts: Parts, *, timeout: float, hide: tuple[str, ...] = (), pauses: Pauses = "address"
    ) -> None:
        self._session = parts.session
        self._clock = parts.clock
        self._hide = hide
        self._pauses: Pauses = pauses
        self._timeout = aiohttp.ClientTimeout(total=timeout)

    async def ask(
        self, method: str, url: str, *, headers: Mapping[str, str], data: object = None
    ) -> Answer | Outcome:
        """The answer, or the outcome that it has none. Never raises for what the network does."""
        try:
            async with self._session.request(
                method, url, data=data, headers=headers, timeout=self._timeout, allow_redirects=False
            ) as answer:
                after = retry_after(answer.headers, self._clock.now())
                raw = await read_some(answer)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return self._hidden(unreachable(error))
        except ValueError as error:
            return self._hidden(Outcome(kind="permanent", detail=f"can't be sent: {error}"[:200]))
        return Answer(status=answer.status, after=after, pauses=self._pauses, said=_object(raw))

    def _hidden(self, outcome: Outcome) -> Outcome:
        detail = outcome.detail
        for secret in self._hide:
            # Whole or cut off at its end.
            detail = detail.replace(secret, "***").replace(secret[:16], "***")
        return replace(outcome, detail=detail)

    async def post_json(self, url: str, body: object, headers: Mapping[str, str]) -> Answer | Outcome:
        return await self.ask("POST", url, data=msgspec.json.encode(body), headers={**JSON, **headers})


def _object(raw: bytes) -> Mapping[str, Any]:
    try:
        said = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
