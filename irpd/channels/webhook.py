"""Signed JSON by POST to a receiver that somebody wrote for irpd.

What is on the wire (version 1):

- ``X-Irpd-Signature: v1=<hex>``, HMAC-SHA256 with the shared secret over
  ``<timestamp>.<body>``; ``X-Irpd-Timestamp`` is that timestamp, in seconds since 1970;
- ``Idempotency-Key: <page>.<time>.<send>``: the same on every repeat of a message, and on no
  other, also not where a restored backup lets the numbers of pages begin again;
- 2xx means it was taken, whatever the answer says; 408, 425, 429 and 5xx mean later (with
  ``Retry-After`` in seconds or as a date); anything else never. Redirects are not followed.
"""

import hashlib
import hmac

import aiohttp
import msgspec
from yarl import URL

from irpd.channels.answers import refused, retry_after, unreachable
from irpd.channels.parts import Parts
from irpd.config.channels import WebhookChannel
from irpd.engine.ports import Message, Outcome

_LATER = frozenset({408, 425, 429})


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """The value of ``X-Irpd-Signature``."""
    return "v1=" + hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


class Webhook:
    """Posts to the address of each message. Raises LookupError when the secret isn't there."""

    def __init__(self, name: str, settings: WebhookChannel, parts: Parts) -> None:
        self.name = name
        self._session = parts.session
        self._clock = parts.clock
        self._secret = settings.auth.secret.reveal().encode()
        self._timeout = aiohttp.ClientTimeout(total=settings.timeout)

    async def send(self, message: Message) -> Outcome:
        """Never raises for what the network does."""
        try:
            url = URL(message.address)
        except ValueError as error:
            return Outcome(kind="permanent", detail=f"the URL is no URL: {error}")
        if url.scheme not in ("http", "https") or not url.host:
            return Outcome(kind="permanent", detail="the URL must begin with http:// or https://")
        body = msgspec.json.encode(
            {**message.fields, "subject": message.subject, "text": message.text, "thread": message.thread}
        )
        timestamp = str(int(self._clock.now().timestamp()))
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": message.id,
            "User-Agent": "irpd",
            "X-Irpd-Signature": signature(self._secret, timestamp, body),
            "X-Irpd-Timestamp": timestamp,
        }
        try:
            async with self._session.post(
                url, data=body, headers=headers, timeout=self._timeout, allow_redirects=False
            ) as answer:
                status, after = answer.status, retry_after(answer.headers, self._clock.now())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return unreachable(error)
        except ValueError as error:
            return Outcome(kind="permanent", detail=f"can't be posted: {error}")
        if 200 <= status < 300:
            return Outcome(kind="delivered", detail=f"HTTP {status}")
        return refused(status, after, later=status in _LATER or status >= 500)

    async def close(self) -> None:
        """The session belongs to whoever made it."""
