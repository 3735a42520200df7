"""Slack's Socket Mode: buttons without an address that Slack could reach, for teams behind a firewall.

Facts: docs.slack.dev, "Using Socket Mode" (``apps.connections.open`` with the app's token answers the address
of a websocket; ``hello``; envelopes with ``envelope_id``, ``type`` and ``payload``, each to be acknowledged
by its id; ``disconnect`` before Slack closes the connection, which it does every few hours; up to ten
connections).

The connection is kept open by itself: lost, refused or silent for half a minute, it is opened again, after a
second, then twice as long each time, at most a minute. An envelope is acknowledged when what it asks for has
been done, or after two seconds.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
import msgspec
import structlog

from irpd.channels.http import Http
from irpd.channels.inbound import NotUnderstood
from irpd.channels.parts import Parts
from irpd.channels.slack_buttons import Buttons, pressed
from irpd.engine.ports import Outcome

_FIRST, _LONGEST = 1.0, 60.0  # seconds before it is tried again
_SILENCE = 30.0  # seconds after which a connection is asked whether it lives
_MOST = 1024 * 1024  # bytes of a message

log = structlog.get_logger(__name__)


class Socket:
    """One workspace's connection. ``problem`` says what is wrong while it isn't open."""

    def __init__(self, name: str, base: str, token: str, buttons: Buttons, http: Http, parts: Parts) -> None:
        self._name = name
        self._url = f"{base}/apps.connections.open"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._buttons = buttons
        self._http = http
        self._session = parts.session
        self._first = _FIRST
        self.problem = "not connected yet"

    async def listen(self) -> None:
        """Until cancelled."""
        wait = self._first
        while True:
            try:
                greeted = await self._connection()
                wait = self._first if greeted else wait
            except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
                self.problem = f"{type(error).__name__}: the connection was lost"
            except Exception as error:  # whatever it was, the next connection may work
                self.problem = f"{type(error).__name__}"
                log.exception("socket_raised", channel=self._name)
            log.warning("socket_closed", channel=self._name, why=self.problem, again_in=wait)
            await asyncio.sleep(wait)
            wait = min(2 * wait, _LONGEST)

    async def _connection(self) -> bool:
        """One connection from its beginning to its end; whether Slack greeted."""
        url = await self._address()
        if not url:
            return False
        greeted = False
        async with self._session.ws_connect(url, heartbeat=_SILENCE, max_msg_size=_MOST) as socket:
            async for message in socket:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    continue
                envelope = _decoded(message.data)
                match envelope.get("type"):
                    case "hello":
                        greeted, self.problem = True, ""
                        log.info("socket_open", channel=self._name)
                    case "disconnect":
                        self.problem = f"Slack closed it: {str(envelope.get('reason', ''))[:80]}"
                        return greeted
                    case _:
                        await self._take(envelope)
                        if isinstance(envelope.get("envelope_id"), str):
                            await socket.send_json({"envelope_id": envelope["envelope_id"]})
        self.problem = self.problem or "the connection was closed"
        return greeted

    async def _address(self) -> str:
        answer = await self._http.ask("POST", self._url, headers=self._headers)
        if isinstance(answer, Outcome):
            self.problem = answer.detail
        elif not answer.good or answer.said.get("ok") is not True:
            error = str(answer.said.get("error", ""))[:80]
            self.problem = f"Slack refuses it: {error or f'HTTP {answer.status}'}"
        else:
            return str(answer.said.get("url", ""))
        return ""

    async def _take(self, envelope: Mapping[str, Any]) -> None:
        if envelope.get("type") != "interactive":
            return
        try:
            await self._buttons.take(pressed(msgspec.json.encode(envelope.get("payload"))))
        except NotUnderstood as error:
            log.warning("socket_not_understood", channel=self._name, why=str(error))


def _decoded(text: str) -> Mapping[str, Any]:
    try:
        envelope = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}
    return envelope if isinstance(envelope, dict) else {}
