"""Slack: ``chat.postMessage`` to a person, ``chat.update`` of what was posted.

Facts about the API: docs.slack.dev, methods chat.postMessage and chat.update, and "Rate
limits" (HTTP 429 with ``Retry-After`` in seconds; ``ok: false`` with HTTP 200 and an
``error`` word for everything else). Slack has no key to drop duplicates by; the message's
identity goes along as metadata.

``provider_id`` is ``<channel>:<ts>`` of the posted message. Later messages of the same
incident to the same person or room go into its thread; pages and messages also show outside it, because
nobody is notified of a thread that they have not written in.

Buttons that are pressed come by signed requests (``slack_buttons``) or by Socket Mode (``slack_socket``).
"""

import msgspec

from irpd.channels.http import Answer, Http
from irpd.channels.inbound import Heard, NotAuthentic, NotUnderstood, Request
from irpd.channels.parts import Parts
from irpd.channels.slack_buttons import Buttons, pressed_by_form
from irpd.channels.slack_socket import Socket
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
        self._clock = parts.clock
        self._base = settings.api_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {settings.auth.bot_token.reveal()}"}
        self._http = Http(parts, timeout=settings.timeout)
        auth = settings.auth
        self._signing = auth.signing_secret.reveal().encode() if auth.signing_secret is not None else b""
        self._buttons = Buttons(name, parts.desk, self._http)
        self._socket: Socket | None = None
        if auth.app_token is not None:
            token = auth.app_token.reveal()
            self._socket = Socket(name, self._base, token, self._buttons, self._http, parts)

    async def send(self, message: Message) -> Outcome:
        """Post it, into the thread of ``message.thread`` if that names a message."""
        channel, _, ts = message.thread.partition(":")
        body = self._body(message) | {"channel": channel if ts else message.address}
        if ts:
            body["thread_ts"] = ts
            body["reply_broadcast"] = message.page.kind in (PageKind.PAGE, PageKind.MESSAGE)
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

    async def hear(self, request: Request) -> Heard:
        """``interactivity``: a button was pressed. Raises NotAuthentic, NotUnderstood."""
        if request.place != "interactivity":
            raise NotUnderstood(f"nothing is heard at {request.place[:80]!r}")
        if not self._signing:
            raise NotAuthentic("auth.signing_secret is missing, with which Slack signs")
        now = self._clock.now()
        await self._buttons.take(pressed_by_form(self._signing, request.headers, request.body, now))
        return Heard()

    @property
    def listens(self) -> bool:
        return self._socket is not None

    @property
    def problem(self) -> str:
        return self._socket.problem if self._socket is not None else ""

    async def listen(self) -> None:
        """Socket Mode, until cancelled."""
        if self._socket is not None:
            await self._socket.listen()

    async def close(self) -> None:
        """Wait a moment for buttons that were pressed; the session belongs to whoever made it."""
        await self._buttons.close()

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
        answer = await self._http.post_json(f"{self._base}/{method}", body, self._headers)
        if isinstance(answer, Outcome):
            return answer
        return _outcome(answer) if answer.status == 200 else answer.refused()


_THREAD_GONE = frozenset(
    {"thread_not_found", "cannot_reply_to_message", "message_not_found", "channel_not_found"}
)


class _Said(msgspec.Struct):
    ok: bool
    error: str = ""
    channel: str = ""
    ts: str = ""


def _outcome(answer: Answer) -> Outcome:
    try:
        said = msgspec.convert(answer.said, type=_Said)
    except msgspec.ValidationError:
        return answer.strange("Slack")
    if said.ok:
        return Outcome(kind="delivered", provider_id=f"{said.channel}:{said.ts}" if said.ts else "")
    kind = "transient" if said.error in _PASSING else "permanent"
    detail = said.error[:200] or "refused without a reason"
    return Outcome(kind=kind, detail=detail, retry_after=answer.after)
