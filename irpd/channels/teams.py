"""Microsoft Teams, by a workflow: a card is posted to its address, and the workflow brings it to a chat.

Facts: support.microsoft.com, "Create incoming webhooks with Workflows for Microsoft Teams" (trigger "When a
Teams webhook request is received"; JSON of type ``message`` with ``attachments``, each an Adaptive Card; 202
when it was taken; the address holds the signature that proves who may post), learn.microsoft.com, "Create and
send messages" (a card has at most 28 KB) and "Text features in Adaptive Cards" (Markdown). The connectors of
Office 365 that came before are gone.

``recipient`` goes along, the person's e-mail address: a workflow may send to it. A workflow answers before
Teams has anything, so "accepted" is all that is known. There are no answers but the link: a workflow's card
can't call irpd.
"""

from irpd.channels.http import Http
from irpd.channels.parts import Parts
from irpd.comms import clean
from irpd.config.channels import TeamsChannel
from irpd.engine.ports import Message, Outcome

_LONGEST = 16_000  # bytes of text; with the rest of the card below 28 KB
_CARD = "application/vnd.microsoft.card.adaptive"


class Teams:
    """One workflow. Raises LookupError when its address isn't there, ValueError when it is none."""

    def __init__(self, name: str, settings: TeamsChannel, parts: Parts) -> None:
        self.name = name
        self._url = settings.auth.url.reveal()
        if not self._url.startswith(("https://", "http://")):
            raise ValueError("the workflow's address must begin with https://")
        self._http = Http(parts, pauses="channel", timeout=settings.timeout, hide=(self._url,))

    async def send(self, message: Message) -> Outcome:
        """Never raises for what the network does."""
        first, *rest = clean.cut_bytes(message.text, _LONGEST).split("\n")
        body: list[dict[str, object]] = [_block(first, weight="Bolder", size="Medium")]
        body += [_block(line) for line in rest if line.strip()]
        link, cant = (str(message.fields.get(key) or "") for key in ("acknowledge_url", "cant_url"))
        asks = bool(message.fields.get("asks"))
        actions = [_link("I have it" if asks else "Open", link)] if link else []
        if asks and cant:
            actions.append(_link("I can't", cant))
        card = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "fallbackText": clean.cut(message.subject, 200),
            "body": body,
            "actions": actions,
        }
        said = {
            "type": "message",
            "recipient": message.address,
            "attachments": [{"contentType": _CARD, "contentUrl": None, "content": card}],
        }
        answer = await self._http.post_json(self._url, said, {})
        if isinstance(answer, Outcome):
            return answer
        if answer.good:
            return Outcome(kind="delivered", detail=f"HTTP {answer.status}")
        error = answer.said.get("error")
        return answer.refused(str(error.get("message", ""))[:200] if isinstance(error, dict) else "")

    async def close(self) -> None:
        """The session belongs to whoever made it."""


def _block(text: str, **more: str) -> dict[str, object]:
    return {"type": "TextBlock", "text": text, "wrap": True, **more}


def _link(title: str, url: str) -> dict[str, object]:
    return {"type": "Action.OpenUrl", "title": title, "url": url}
