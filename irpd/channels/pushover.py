"""Pushover: push messages that ring again and again until somebody answers.

Facts about the API: pushover.net/api ("Message API": form by POST to ``/1/messages.json`` with token, user,
title up to 250 characters, message up to 1,024, url up to 512, url_title up to 100, priority -2 to 2; 2 is an
emergency, needs retry of at least 30 s and expire of at most 10,800 s, and breaks through quiet hours;
``status: 1`` and ``request``, errors as ``status: 0`` and ``errors``; 4xx must not be repeated, 429 means
that the month's messages are used up) and "Receipts and Callbacks API" (an emergency has a ``receipt``; its
``callback`` is posted receipt and acknowledged_by; ``cancel.json`` and ``cancel_by_tag`` end it).

Pages of level 1-2 are emergencies; to acknowledge one in the app is "I have it". The callback isn't signed,
so its address holds an HMAC over the page with the application's token. When somebody has the incident, what
still rings for it stops.
"""

import hashlib
import hmac
import re
from urllib.parse import parse_qs, quote

from irpd.channels.http import Answer, Http
from irpd.channels.inbound import Does, Heard, NotAuthentic, NotUnderstood, Request
from irpd.channels.parts import Parts
from irpd.comms import clean
from irpd.comms.push import Urgency
from irpd.config.channels import PushoverChannel
from irpd.engine.ports import Message, Outcome
from irpd.model.page import Word

KEY = re.compile(r"[A-Za-z0-9]{30}")
_PRIORITIES = {Urgency.ALARM: 2, Urgency.LOUD: 1, Urgency.NORMAL: 0, Urgency.SILENT: -1}
_RETRY, _LONGEST_RINGING = 60, 10_800  # seconds
_MESSAGE, _URL = 1024, 512  # characters
_FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
_NOT_IN_TAG = re.compile(r"[^A-Za-z0-9_-]")


class Pushover:
    """One application. Raises LookupError when its token isn't there."""

    def __init__(self, name: str, settings: PushoverChannel, parts: Parts) -> None:
        self.name = name
        self._desk = parts.desk
        self._clock = parts.clock
        self._base = f"{settings.api_url.rstrip('/')}/1"
        self._http = Http(parts, pauses="channel", timeout=settings.timeout)
        self._token = settings.auth.token.reveal()
        self._public = f"{parts.public_url.rstrip('/')}/channel/{quote(name)}" if parts.public_url else ""

    async def send(self, message: Message) -> Outcome:
        """Never raises for what the network does."""
        if not KEY.fullmatch(message.address):
            return Outcome(kind="permanent", detail="not a user key: 30 letters and digits")
        fields = message.fields
        priority = _PRIORITIES[Urgency(int(str(fields.get("urgency", Urgency.LOUD))))]
        link = str(fields.get("acknowledge_url") or "")
        form = {
            "token": self._token,
            "user": message.address,
            "title": clean.cut(message.subject, 250),
            "message": clean.cut(message.text, _MESSAGE) or "(no text)",
            "priority": str(priority),
        }
        if len(link) > _URL:
            form["message"] = f"{clean.cut(message.text, max(_MESSAGE - len(link) - 1, 1))}\n{link}"
        elif link:
            form |= {"url": link, "url_title": "I have it / I can't" if fields.get("asks") else "Open"}
        if priority == 2:
            left = (message.page.expires_at - self._clock.now()).total_seconds()
            form |= {"retry": str(_RETRY), "expire": str(int(min(max(left, _RETRY), _LONGEST_RINGING)))}
            form["tags"] = _tag(message)
            if self._public:
                page = message.page.name
                form["callback"] = f"{self._public}/have/{quote(page, safe='')}/{self._proof(page)}"
        answer = await self._post("messages.json", form)
        if isinstance(answer, Outcome):
            return answer
        if not answer.good:
            return _refused(answer)
        if answer.said.get("status") != 1:
            return answer.strange("Pushover")
        return Outcome(
            kind="delivered", provider_id=str(answer.said.get("receipt") or answer.said.get("request", ""))
        )

    async def edit(self, message: Message, provider_id: str) -> Outcome:
        """What rings stops once somebody has it; a message itself can't be changed there."""
        if not message.fields.get("over"):
            return Outcome(kind="delivered")
        form = {"token": self._token}
        if KEY.fullmatch(provider_id):  # one that rang for several incidents has no tag of this one
            await self._post(f"receipts/{provider_id}/cancel.json", form)
        answer = await self._post(f"receipts/cancel_by_tag/{_tag(message)}.json", form)
        if isinstance(answer, Outcome):
            return answer
        return Outcome(kind="delivered", provider_id=provider_id) if answer.good else _refused(answer)

    async def hear(self, request: Request) -> Heard:
        """``have/<page>/<proof>``: acknowledged in the app. Raises NotAuthentic, NotUnderstood."""
        place, _, rest = request.place.partition("/")
        page, _, proof = rest.partition("/")
        if place != "have":
            raise NotUnderstood(f"nothing is heard at {request.place[:80]!r}")
        if not hmac.compare_digest(proof.encode(), self._proof(page).encode()):
            raise NotAuthentic("the address is not one that irpd made")
        try:
            fields = parse_qs(request.body.decode(), max_num_fields=50)
        except ValueError as error:
            raise NotUnderstood("no form") from error
        if fields.get("acknowledged") != ["1"]:
            return Heard(status=204)
        address, receipt = (fields.get(name, [""])[0] for name in ("acknowledged_by", "receipt"))
        if receipt:
            await self._desk.confirm(channel=self.name, provider_id=receipt, word=Word.SEEN)
        said = await self._desk.press(
            channel=self.name, page=page, does=Does.HAS, address=address, via="pushover"
        )
        return Heard(body=said)

    async def close(self) -> None:
        """The session belongs to whoever made it."""

    def _proof(self, page: str) -> str:
        return hmac.digest(self._token.encode(), f"have\0{page}".encode(), hashlib.sha256).hex()[:32]

    async def _post(self, path: str, form: dict[str, str]) -> Answer | Outcome:
        data = "&".join(f"{name}={quote(value, safe='')}" for name, value in form.items())
        return await self._http.ask("POST", f"{self._base}/{path}", headers=_FORM, data=data.encode())


def _tag(message: Message) -> str:
    """One for all that rings for this incident at this person's."""
    return _NOT_IN_TAG.sub("-", f"{message.thread}-{message.page.person}")[-100:]


def _refused(answer: Answer) -> Outcome:
    errors = answer.said.get("errors")
    detail = "; ".join(map(str, errors))[:200] if isinstance(errors, list) else ""
    outcome = answer.refused(detail)
    if answer.status == 429 and answer.after is None:  # not for a while, but until next month
        return Outcome(kind="permanent", detail=outcome.detail)
    return outcome
