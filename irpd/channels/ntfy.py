"""ntfy: push messages to phones by a server of one's own (or ntfy.sh), through Do Not Disturb when urgent.

Facts about the API: docs.ntfy.sh, "Publishing": JSON by POST to the server's root with topic, title, message
(up to 4,096 bytes; longer ones become attachments), priority 1 to 5 (5 may break through Do Not Disturb),
tags, click, up to three actions (``http`` with a method, ``view``), ``sequence_id``; ``Authorization:
Bearer``; JSON answers with ``id``, errors with ``code`` and ``error``; 429 when there were too many. Since
2.16 a message with the ``sequence_id`` of an earlier one takes its place on the phone; servers before that
show another message.

"I have it" is a POST to the page's link from the phone itself, so irpd must be reachable from there, not from
the server. ``provider_id`` is the sequence's id, made of the message's own, so a repeat replaces what it
repeats.
"""

import re

from irpd.channels.http import Answer, Http
from irpd.channels.parts import Parts
from irpd.comms import clean
from irpd.comms.push import Urgency
from irpd.config.channels import NtfyChannel
from irpd.engine.ports import Message, Outcome

TOPIC = re.compile(r"[-_A-Za-z0-9]{1,64}")
_PRIORITIES = {Urgency.ALARM: 5, Urgency.LOUD: 4, Urgency.NORMAL: 3, Urgency.SILENT: 2}
_TAGS = {1: "rotating_light", 2: "rotating_light", 3: "warning", 4: "information_source"}
_LONGEST = 4096  # bytes of a message
_NOT_IN_SEQUENCE = re.compile(r"[^-_A-Za-z0-9]")


class Ntfy:
    """One server. Raises LookupError when the token isn't there."""

    def __init__(self, name: str, settings: NtfyChannel, parts: Parts) -> None:
        self.name = name
        self._url = settings.server.rstrip("/") + "/"
        self._http = Http(parts, pauses="channel", timeout=settings.timeout)
        token = settings.auth.token.reveal() if settings.auth is not None else ""
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def send(self, message: Message) -> Outcome:
        """Never raises for what the network does."""
        return await self._publish(message, _NOT_IN_SEQUENCE.sub("-", message.id)[-64:])

    async def edit(self, message: Message, provider_id: str) -> Outcome:
        """Let a message say something else; without a sound, whatever the server's age."""
        return await self._publish(message, provider_id)

    async def close(self) -> None:
        """The session belongs to whoever made it."""

    async def _publish(self, message: Message, sequence: str) -> Outcome:
        if not TOPIC.fullmatch(message.address):
            return Outcome(kind="permanent", detail="not a topic: letters, digits, - and _, at most 64")
        fields = message.fields
        urgency = Urgency(int(str(fields.get("urgency", Urgency.LOUD))))
        body: dict[str, object] = {
            "topic": message.address,
            "title": clean.cut(message.subject, 250),
            "message": clean.cut_bytes(message.text, _LONGEST),
            "priority": _PRIORITIES[urgency],
            "sequence_id": sequence,
        }
        link, cant = str(fields.get("acknowledge_url") or ""), str(fields.get("cant_url") or "")
        if link:
            body["click"] = link
            body["actions"] = _actions(link, cant if fields.get("asks") else "")
        level = fields.get("level")
        tag = _TAGS.get(level if isinstance(level, int) else 0)
        if tag and not fields.get("over"):
            body["tags"] = [tag]
        answer = await self._http.post_json(self._url, body, self._headers)
        if isinstance(answer, Outcome):
            return answer
        return _outcome(answer, sequence)


def _actions(link: str, cant: str) -> list[dict[str, object]]:
    look: dict[str, object] = {"action": "view", "label": "Open", "url": link}
    if not cant:
        return [look]
    return [
        {"action": "http", "label": "I have it", "url": link, "method": "POST", "clear": True},
        {"action": "http", "label": "I can't", "url": cant, "method": "POST", "clear": True},
        look,
    ]


def _outcome(answer: Answer, sequence: str) -> Outcome:
    if not answer.good:
        said = answer.said
        return answer.refused(f"{said.get('code', '')} {said.get('error', '')}".strip())
    if not isinstance(answer.said.get("id"), str):
        return answer.strange("ntfy")
    return Outcome(kind="delivered", provider_id=sequence)
