"""One question over HTTP, its answer as JSON: bounded in time and size, not asked of who doesn't answer.

After ``TRIES`` failures in a row the breaker opens: nothing is asked for a while, which doubles up to
``LONGEST``, then one question goes through and decides. Redirects are not followed, because the secret that
goes with a question is for the configured address alone.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp

from irpd.config.auth import ApiAuth

#: Failures in a row that open the breaker; how long it then stays so, at first and at most (seconds).
TRIES = 3
FIRST = 5.0
LONGEST = 60.0


class NoAnswer(Exception):
    """Nothing usable came back; the text says why and holds no secret."""


class Resting(NoAnswer):
    """It was not even asked: it did not answer before."""


class Breaker:
    """Keeps count of what was answered; ``now`` is a clock of seconds that goes on evenly."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._failures = 0
        self._closed_again = 0.0
        self.problem = ""  # why it doesn't answer; empty as long as it does

    @property
    def rests(self) -> bool:
        return self._failures >= TRIES and self._now() < self._closed_again

    @property
    def rests_for(self) -> float:
        """Seconds until it may be asked again."""
        return max(self._closed_again - self._now(), 0.0) if self.rests else 0.0

    def answered(self) -> None:
        self._failures, self.problem = 0, ""

    def failed(self, why: str) -> None:
        self._failures += 1
        self.problem = why
        if self._failures >= TRIES:
            rest = min(FIRST * 2.0 ** min(self._failures - TRIES, 10), LONGEST)
            self._closed_again = self._now() + rest

    def probing(self) -> None:
        """One question goes through; until it is answered, no other does."""
        if self._failures >= TRIES:
            self._closed_again = self._now() + LONGEST


class Refused(NoAnswer):
    """It answered, with a status that is no success."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status

    @property
    def of_the_question(self) -> bool:
        """Whether this one question was wrong, and another may well be answered."""
        return self.status in (400, 404, 414, 422)


class Http:
    """A server that answers questions. Raises LookupError at once when its secret can't be had."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        *,
        auth: ApiAuth | None,
        timeout: float,
        now: Callable[[], float],
        most: int = 1024 * 1024,
    ) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._timeout = timeout
        self._most = most
        self._headers = {"Accept": "application/json", **(auth.header() if auth is not None else {})}
        self.breaker = Breaker(now)

    async def get(self, path: str, parameters: Mapping[str, str] | None = None) -> Any:
        """What it says, as plain values. Raises NoAnswer."""
        return await self._ask("GET", path, params=dict(parameters or {}))

    async def post(self, path: str, form: Mapping[str, str]) -> Any:
        """The same with a form, for questions that are too long for an address. Raises NoAnswer."""
        return await self._ask("POST", path, data=dict(form))

    async def _ask(self, method: str, path: str, **more: Any) -> Any:
        if self.breaker.rests:
            raise Resting(self.breaker.problem)
        self.breaker.probing()
        try:
            answer = await self._answer(method, path, **more)
        except Refused as error:
            if error.of_the_question:
                self.breaker.answered()
            else:
                self.breaker.failed(str(error))
            raise
        except NoAnswer as error:
            self.breaker.failed(str(error))
            raise
        except BaseException:
            self.breaker.failed("the question was given up")
            raise
        self.breaker.answered()
        return answer

    async def _answer(self, method: str, path: str, **more: Any) -> Any:
        try:
            async with asyncio.timeout(self._timeout):
                async with self._session.request(
                    method, self._url + path, headers=self._headers, allow_redirects=False, **more
                ) as response:
                    body = await _bounded(response, self._most)
                    status = response.status
        except TimeoutError:
            raise NoAnswer(f"no answer within {self._timeout:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NoAnswer(_told(error)) from None
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            value = None
        if status // 100 != 2:
            said = value.get("error") if isinstance(value, dict) else None
            raise Refused(f"HTTP {status}" + (f": {str(said)[:200]}" if said else ""), status)
        if value is None:
            raise NoAnswer("what came back is no JSON")
        return value


async def _bounded(response: aiohttp.ClientResponse, most: int) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > most:
            raise NoAnswer(f"the answer is larger than {most // 1024} KiB")
    return bytes(body)


def _told(error: Exception) -> str:
    text = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
