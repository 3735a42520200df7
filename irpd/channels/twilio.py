"""Twilio: text messages and calls, what becomes of them, and what people answer.

Facts about the API: twilio.com/docs, "Messages resource" (``POST .../Messages.json``, form fields To, From or
MessagingServiceSid, Body up to 1,600 characters, StatusCallback; 201 with ``sid``), "Calls resource" (Twiml
up to 4,000 characters, Timeout, StatusCallbackEvent), "Errors" (JSON with ``code`` and ``message``; 429 with
code 20429), "Webhooks security": ``X-Twilio-Signature`` is base64(HMAC-SHA1(auth token, URL as Twilio called
it, then name and value of each POST field in order of their names)).

Twilio has no key to drop duplicates by: a message whose answer was lost may come twice. ``provider_id`` is
the message's or call's SID. What the messages and calls say when it is over with them:

- messages: ``delivered`` and ``read``; ``undelivered`` and ``failed`` are for good;
- calls: answered means delivered (a mailbox answers too, so a call alone never stops anything); ``busy``,
  ``no-answer``, ``failed`` and ``canceled`` mean that it didn't get through.

Requests that come in are believed only with a signature over the public address: behind a proxy the URL that
Twilio called is not the one that arrives.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote

import aiohttp

from irpd.channels import twiml
from irpd.channels.http import Http
from irpd.channels.inbound import Does, Heard, NotAuthentic, NotUnderstood, Request
from irpd.channels.parts import Parts
from irpd.config.channels import TwilioChannel, VoiceChannel
from irpd.engine.ports import Message, Outcome
from irpd.model.page import Word

NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_LONGEST = 1600
_WORDS: Mapping[str, Word] = {
    "delivered": Word.DELIVERED,
    "read": Word.SEEN,
    "undelivered": Word.FAILED,
    "failed": Word.FAILED,
    "in-progress": Word.DELIVERED,
    "completed": Word.DELIVERED,
    "busy": Word.FAILED,
    "no-answer": Word.FAILED,
    "canceled": Word.FAILED,
}
_AGAIN = "9"
_NOT_ENOUGH = "That key means nothing here."


def signature(token: str, url: str, fields: list[tuple[str, str]]) -> str:
    """The value of ``X-Twilio-Signature``."""
    text = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.digest(token.encode(), text.encode(), hashlib.sha1)).decode()


class _Account:
    """One account: its credentials, its requests and ours. Raises LookupError when a secret isn't there."""

    def __init__(self, name: str, settings: TwilioChannel, parts: Parts) -> None:
        self.name = name
        self.desk = parts.desk
        self.sender = settings.sender
        self._http = Http(parts, pauses="channel", timeout=settings.timeout)
        account, self._token = settings.auth.account.reveal(), settings.auth.token.reveal()
        self._base = f"{settings.api_url.rstrip('/')}/2010-04-01/Accounts/{quote(account, safe='')}"
        credentials = base64.b64encode(f"{account}:{self._token}".encode()).decode()
        self._headers = {"Authorization": f"Basic {credentials}", "Accept": "application/json"}
        self._public = f"{parts.public_url.rstrip('/')}/channel/{quote(name)}" if parts.public_url else ""

    def url(self, place: str) -> str:
        """The address at which irpd hears; "" where it has none."""
        return f"{self._public}/{place}" if self._public else ""

    async def post(self, resource: str, fields: list[tuple[str, str]]) -> Outcome:
        """Delivered with the SID as ``provider_id``, or what the refusal means."""
        answer = await self._http.ask(
            "POST",
            f"{self._base}/{resource}.json",
            data=aiohttp.FormData(fields, charset="utf-8"),
            headers=self._headers,
        )
        if isinstance(answer, Outcome):
            return answer
        said = answer.said
        if not answer.good:
            return answer.refused(f"{said['code']}: {said.get('message', '')}" if "code" in said else "")
        sid = said.get("sid")
        if not isinstance(sid, str) or not sid:
            return answer.strange("Twilio")
        return Outcome(kind="delivered", detail=str(said.get("status", ""))[:100], provider_id=sid)

    def fields(self, request: Request) -> dict[str, str]:
        """The fields of a request that Twilio signed. Raises NotAuthentic, NotUnderstood."""
        if not self._public:
            raise NotAuthentic("server.public_url is missing, over which Twilio signs")
        try:
            pairs = parse_qsl(
                request.body.decode(),
                keep_blank_values=True,
                strict_parsing=bool(request.body),
                max_num_fields=200,
            )
        except ValueError as error:
            raise NotUnderstood("no form") from error
        given = request.headers.get("X-Twilio-Signature", "")
        if not hmac.compare_digest(signature(self._token, request.url, pairs).encode(), given.encode()):
            raise NotAuthentic("the signature is missing or wrong")
        return dict(pairs)

    async def status(self, fields: Mapping[str, str], sid: str, state: str) -> Heard:
        """Hand on what became of a message or call."""
        word = _WORDS.get(fields.get(state, ""))
        if word is not None and fields.get(sid):
            error = fields.get("ErrorCode", "")
            detail = f"{fields[state]}, error {error}" if error else fields[state]
            await self.desk.confirm(channel=self.name, provider_id=fields[sid], word=word, detail=detail)
        return Heard(status=204)


class Sms:
    """Text messages, and the answers to them."""

    def __init__(self, name: str, settings: TwilioChannel, parts: Parts) -> None:
        self.name = name
        self._account = _Account(name, settings, parts)

    async def send(self, message: Message) -> Outcome:
        """Never raises for what the network does."""
        if not NUMBER.fullmatch(message.address):
            return Outcome(kind="permanent", detail="not a telephone number such as +4915100000001")
        account = self._account
        sender = "MessagingServiceSid" if account.sender.startswith("MG") else "From"
        fields = [("To", message.address), (sender, account.sender), ("Body", _fitted(message.text))]
        if callback := account.url("status"):
            fields.append(("StatusCallback", callback))
        return await account.post("Messages", fields)

    async def hear(self, request: Request) -> Heard:
        """``status`` of a message, or a ``reply`` to one. Raises NotAuthentic, NotUnderstood."""
        fields = self._account.fields(request)
        match request.place:
            case "status":
                return await self._account.status(fields, "MessageSid", "MessageStatus")
            case "reply":
                said = ""
                if not fields.get("OptOutType"):  # STOP and its like: Twilio has answered that itself
                    said = await self._account.desk.write(
                        channel=self.name,
                        address=fields.get("From", ""),
                        text=fields.get("Body", ""),
                        via="sms",
                    )
                return Heard(content_type=twiml.XML, body=twiml.message(said))
            case _:
                raise NotUnderstood(f"nothing is heard at {request.place[:80]!r}")

    async def close(self) -> None:
        """The session belongs to whoever made it."""


class Voice:
    """Calls: they say what is wrong and take a key for an answer."""

    def __init__(self, name: str, settings: VoiceChannel, account: TwilioChannel, parts: Parts) -> None:
        self.name = name
        self._ring = str(round(settings.ring))
        self._account = _Account(name, account, parts)

    async def send(self, message: Message) -> Outcome:
        """Never raises for what the network does."""
        account = self._account
        if not NUMBER.fullmatch(message.address):
            return Outcome(kind="permanent", detail="not a telephone number such as +4915100000001")
        fields = [
            ("To", message.address),
            ("From", account.sender),
            ("Twiml", twiml.call(message.text[:700], self._keys(message.page.name))),
            ("Timeout", self._ring),
        ]
        if callback := account.url("status"):
            fields += [("StatusCallback", callback), ("StatusCallbackMethod", "POST")]
            fields += [("StatusCallbackEvent", "answered"), ("StatusCallbackEvent", "completed")]
        return await account.post("Calls", fields)

    async def hear(self, request: Request) -> Heard:
        """``status`` of a call, or ``keys/<page>``: what was pressed. Raises NotAuthentic, NotUnderstood."""
        fields = self._account.fields(request)
        place, _, page = request.place.partition("/")
        match place:
            case "status":
                return await self._account.status(fields, "CallSid", "CallStatus")
            case "keys":
                return Heard(content_type=twiml.XML, body=await self._pressed(page, fields))
            case _:
                raise NotUnderstood(f"nothing is heard at {request.place[:80]!r}")

    async def _pressed(self, page: str, fields: Mapping[str, str]) -> str:
        does = {"1": Does.HAS, "2": Does.CANT}.get(fields.get("Digits", ""))
        if does is not None:
            return twiml.said(
                await self._account.desk.press(
                    channel=self.name, page=page, does=does, address=fields.get("To", ""), via="call"
                )
            )
        speech = self._account.desk.speech(page)
        if not speech:
            return twiml.said("What this was about is over. Nothing to do.")
        prefix = "" if fields.get("Digits") == _AGAIN else f"{_NOT_ENOUGH} "
        return twiml.call(prefix + speech, self._keys(page))

    def _keys(self, page: str) -> str:
        return self._account.url(f"keys/{quote(page, safe='')}")

    async def close(self) -> None:
        """The session belongs to whoever made it."""


def _fitted(text: str) -> str:
    """Never refused for its length; the link at its end stays whole."""
    if len(text) <= _LONGEST:
        return text
    rest, _, link = text.rpartition(" ")
    if len(link) > 500:
        return f"{text[: _LONGEST - 3]}..."
    return f"{rest[: _LONGEST - len(link) - 4]}... {link}"
