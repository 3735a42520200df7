"""Mattermost: direct messages by a bot, with buttons where the server reaches irpd; edited in place.

Facts about the API: api.mattermost.com (version 4: ``users/me``, ``users/username/<name>``, ``users/<id>``,
``channels/direct``, ``posts`` with a message up to 16,383 characters and ``props.attachments``,
``posts/<id>/patch``; 201 or 200 with JSON, errors with ``id``, ``message`` and ``status_code``; 429 with
``X-Ratelimit-Reset``) and developers.mattermost.com, "Interactive messages" (an action has an ``id`` of
letters and digits and an ``integration`` with ``url`` and ``context``, which clients never see; the server
posts ``user_id``, ``user_name`` and the context to the URL, unsigned, and shows ``ephemeral_text`` of the
answer).

Because nothing is signed there, the context holds an HMAC over page and answer with the bot's token.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from irpd.channels.http import Answer, Http
from irpd.channels.inbound import Does, Heard, NotAuthentic, NotUnderstood, Request
from irpd.channels.parts import Parts
from irpd.comms import clean
from irpd.config.channels import MattermostChannel
from irpd.engine.ports import Message, Outcome

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_LONGEST = 16_383
_KNOWN = 10_000  # people whose channel is remembered


class Mattermost:
    """One server. Raises LookupError when the token isn't there."""

    def __init__(self, name: str, settings: MattermostChannel, parts: Parts) -> None:
        self.name = name
        self._desk = parts.desk
        token = settings.auth.token.reveal()
        self._key = token.encode()
        self._base = f"{settings.server.rstrip('/')}/api/v4"
        self._http = Http(parts, pauses="channel", timeout=settings.timeout, hide=(token,))
        self._headers = {"Authorization": f"Bearer {token}"}
        public = parts.public_url.rstrip("/")
        self._heard_at = f"{public}/channel/{quote(name)}/pressed" if public else ""
        self._me = ""
        self._rooms: dict[str, str] = {}

    async def send(self, message: Message) -> Outcome:
        """Never raises for what the network does."""
        room = await self._room(message.address)
        if isinstance(room, Outcome):
            return room
        answer = await self._call("POST", "posts", {"channel_id": room, **self._content(message)})
        if isinstance(answer, Outcome):
            if answer.kind == "permanent":
                self._rooms.pop(message.address, None)  # it may have been another one's
            return answer
        post = answer.said.get("id")
        if not isinstance(post, str) or not post:
            return answer.strange("Mattermost")
        return Outcome(kind="delivered", provider_id=post)

    async def edit(self, message: Message, provider_id: str) -> Outcome:
        """Let a message that was posted say something else."""
        answer = await self._call("PUT", f"posts/{quote(provider_id, safe='')}/patch", self._content(message))
        return answer if isinstance(answer, Outcome) else Outcome(kind="delivered", provider_id=provider_id)

    async def hear(self, request: Request) -> Heard:
        """``pressed``: a button. Raises NotAuthentic, NotUnderstood."""
        if request.place != "pressed":
            raise NotUnderstood(f"nothing is heard at {request.place[:80]!r}")
        try:
            said = msgspec.json.decode(request.body, type=_Pressed)
            does = Does(said.context.does)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
            raise NotUnderstood("no action of a message") from error
        page = said.context.page
        if not hmac.compare_digest(said.context.proof.encode(), self._proof(page, does).encode()):
            raise NotAuthentic("the button is not one that irpd made")
        who = said.user_name or await self._name_of(said.user_id)
        text = await self._desk.press(channel=self.name, page=page, does=does, address=who, via="mattermost")
        return Heard(
            content_type="application/json", body=msgspec.json.encode({"ephemeral_text": text}).decode()
        )

    async def close(self) -> None:
        """The session belongs to whoever made it."""

    # ---------------------------------------------------------------- what is asked of the server
    async def _room(self, name: str) -> str | Outcome:
        """The channel of direct messages with this person."""
        if not NAME.fullmatch(name):
            return Outcome(kind="permanent", detail="not a user name of Mattermost's")
        if (known := self._rooms.get(name)) is not None:
            return known
        if not self._me:
            me = await self._id("GET", "users/me")
            if isinstance(me, Outcome):
                return me
            self._me = me
        person = await self._id("GET", f"users/username/{name}")
        if isinstance(person, Outcome):
            return person
        room = await self._id("POST", "channels/direct", [self._me, person])
        if isinstance(room, str):
            if len(self._rooms) >= _KNOWN:
                self._rooms.clear()
            self._rooms[name] = room
        return room

    async def _id(self, method: str, path: str, body: object = None) -> str | Outcome:
        answer = await self._call(method, path, body)
        if isinstance(answer, Outcome):
            return answer
        found = answer.said.get("id")
        return found if isinstance(found, str) and found else answer.strange("Mattermost")

    async def _name_of(self, user: str) -> str:
        answer = await self._call("GET", f"users/{quote(user, safe='')}", None) if user else None
        return str(answer.said.get("username", "")) if isinstance(answer, Answer) else ""

    async def _call(self, method: str, path: str, body: object) -> Answer | Outcome:
        url = f"{self._base}/{path}"
        data = msgspec.json.encode(body) if body is not None else None
        answer = await self._http.ask(
            method, url, data=data, headers={"Content-Type": "application/json", **self._headers}
        )
        if isinstance(answer, Outcome) or answer.good:
            return answer
        return answer.refused(str(answer.said.get("message", ""))[:200])

    def _content(self, message: Message) -> dict[str, object]:
        actions = self._actions(message)
        attachments = [{"fallback": message.subject[:200], "text": "", "actions": actions}] if actions else []
        link = str(message.fields.get("acknowledge_url") or "")
        tail = f"\n[Open]({link})" if link else ""
        text = clean.cut(message.text, _LONGEST - len(tail)) + tail
        return {"message": text, "props": {"attachments": attachments}}

    def _actions(self, message: Message) -> list[Mapping[str, Any]]:
        if not self._heard_at or not message.fields.get("asks"):
            return []
        return [
            self._action("I have it", Does.HAS, message.page.name) | {"style": "primary"},
            self._action("I can't", Does.CANT, message.page.name),
        ]

    def _action(self, label: str, does: Does, page: str) -> dict[str, Any]:
        context = {"page": page, "does": does.value, "proof": self._proof(page, does)}
        return {"id": does.value, "name": label, "integration": {"url": self._heard_at, "context": context}}

    def _proof(self, page: str, does: Does) -> str:
        return hmac.digest(self._key, f"{does.value}\0{page}".encode(), hashlib.sha256).hex()[:32]


class _Context(msgspec.Struct):
    page: str
    does: str
    proof: str


class _Pressed(msgspec.Struct):
    context: _Context
    user_id: str = ""
    user_name: str = ""
