"""What HTTP answers, and their absence, mean for a message."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp

from irpd.engine.ports import Outcome


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that ``Retry-After`` asks for, in either of its forms (RFC 9110, 10.2.3); None if
    it says nothing usable."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError):
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max((at - now).total_seconds(), 0.0)


def refused(status: int, after: float | None, *, later: bool) -> Outcome:
    """An answer that isn't 2xx."""
    if later:
        return Outcome(kind="transient", detail=f"HTTP {status}", retry_after=after)
    return Outcome(kind="permanent", detail=f"HTTP {status}")


def unreachable(error: BaseException) -> Outcome:
    """No answer, or none that can be understood. Whether the message arrived is unknown."""
    if isinstance(error, TimeoutError):
        return Outcome(kind="transient", detail="timed out")
    if isinstance(error, aiohttp.InvalidURL):
        return Outcome(kind="permanent", detail=f"the URL is no URL: {error}")
    name = type(error).__name__
    return Outcome(kind="transient", detail=f"{name}: {error}"[:300])


async def read_some(answer: aiohttp.ClientResponse, most: int = 256 * 1024) -> bytes:
    """The body's first ``most`` bytes: no provider's answer that means something is longer."""
    raw = b""
    while len(raw) < most and (chunk := await answer.content.read(most - len(raw))):
        raw += chunk
    return raw
