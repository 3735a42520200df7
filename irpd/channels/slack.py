"""Slack: ``chat.postMessage`` to a person, ``chat.update`` of what was posted.

Facts about the API: docs.slack.dev, methods chat.postMessage and chat.update, and "Rate
limits" (HTTP 429 with ``Retry-After`` in seconds; ``ok: false`` with HTTP 200 and an
``error`` word for everything else). Slack has no key to drop duplicates by; the message's
identity goes along as metadata.

``provider_id`` is ``<channel>:<ts>`` of the posted message. Later messages of the same
incident to the same person go into its thread; pages also show outside it, because nobody
is notified of a thread that they have not written in.
"""

import aiohttp
import msgspec

from irpd.channels.answers import read_some, refused, retry_after, unreachable
from irpd.channels.parts import Parts
from irpd.config.channels import SlackChannel
from irpd.engine.ports import Message, Outcome
from irpd.model.page import PageKind

#: Words in ``error`` for what passes by itself; all others don't.
_PASSING = frozenset(
    {
        "fatal_error",
        "internal_error",
        "ratelimited",
        "rate_limited",
        "request_timeout",
        "service_unavailable",
        "team_added_to_org",
        "accesslimited",
    }
)


class Slack:
    """One workspace. Raises LookupError when the token isn't there."""

    def __init__(self, name: str, settings: SlackChannel, parts: Parts) -> None:
        self.name = name
        self._session = parts.session
        self._clock = parts.clock
        self._base = settings.api_url.rstrip("/")
        self._token = settings.auth.bot_token.reveal()
        self._timeout = aiohttp.ClientTimeout(total=settings.timeout)

    async def send(self, message: Message) -> Outcome:
        """Post it, into the thread of ``message.thread`` if that names a message."""
        channel, _, ts = message.thread.partition(":")
        body = self._body(message) | {"channel": channel if ts else message.address}
        if ts:
            body["thread_ts"] = ts
            body["reply_broadcast"] = message.page.kind is PageKind.PAGE
        outcome = await self._call("chat.postMessage", body)
        if ts and outcome.kind == "permanent" and outcome.detail in _THREAD_GONE:
            body = self._body(message) | {"channel": message.address}
            outcome = await self._call("chat.postMessage", body)
        return outcome

    async def edit(self, message: Message, provider_id: str) -> Outcome:
        """Let a message that was posted say something else."""
        channel, _, ts = provider_id.partition(":")
        if not ts:
            return Outcome(kind="permanent", detail="not a message of Slack's")
        return await self._call("chat.update", self._body(message) | {"channel": channel, "ts": ts})

    async def close(self) -> None:
        """The session belongs to whoever made it."""

    def _body(self, message: Message) -> dict[str, object]:
        body: dict[str, object] = {
            "text": message.text,
            "unfurl_links": False,
            "unfurl_media": False,
            "metadata": {"event_type": "irpd_page", "event_payload": {"id": message.id}},
        }
        blocks = message.fields.get("blocks")
        return body | ({"blocks": blocks} if blocks else {})

    async def _call(self, method: str, body: dict[str, object]) -> Outcome:
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/json; charset=utf-8",
        }
        try:
            async with self._session.post(
                f"{self._base}/{method}",
                data=msgspec.json.encode(body),
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
            ) as answer:
                after = retry_after(answer.headers, self._clock.now())
                if answer.status != 200:
                    return refused(answer.status, after, later=answer.status == 429 or answer.status >= 500)
                raw = await read_some(answer)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return unreachable(error)
        return _outcome(raw, after)


_THREAD_GONE = frozenset(
    {"thread_not_found", "cannot_reply_to_message", "message_not_found", "channel_not_found"}
)


class _Answer(msgspec.Struct):
    ok: bool
    error: str = ""
    channel: str = ""
    ts: str = ""


def _outcome(raw: bytes, after: float | None) -> Outcome:
    try:
        answer = msgspec.json.decode(raw, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Outcome(kind="transient", detail="an answer that isn't Slack's", retry_after=after)
    if answer.ok:
        return Outcome(kind="delivered", provider_id=f"{answer.channel}:{answer.ts}" if answer.ts else "")
    kind = "transient" if answer.error in _PASSING else "permanent"
    return Outcome(kind=kind, detail=answer.error[:200] or "refused without a reason", retry_after=after)
