"""Telegram: messages by a bot, with buttons that are heard by asking, so behind a firewall too.

Facts about the API: core.telegram.org/bots/api: JSON by POST to ``/bot<token>/<method>``; sendMessage (text
up to 4,096 UTF-16 units, without parse_mode no markup; disable_notification; reply_markup with
inline_keyboard, whose callback_data has up to 64 bytes), editMessageText ("message is not modified" when
nothing changed), answerCallbackQuery (up to 200 characters), getUpdates (long polling; ``offset`` confirms
what is below it; 409 when a webhook is set or somebody else asks); answers ``ok`` with ``result`` or
``error_code`` and ``description``, 429 with ``parameters.retry_after`` in seconds. Updates are kept for 24
hours, so what is pressed while irpd is down is heard at its start.

A person's address is their numeric id there: it is the chat's, and that of whoever presses. The token stands
in the URL, which is why it is struck out of whatever an error says.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog

from irpd.channels.http import Answer, Http
from irpd.channels.inbound import Does
from irpd.channels.parts import Parts
from irpd.comms import clean
from irpd.comms.push import Urgency
from irpd.config.channels import TelegramChannel
from irpd.engine.ports import Message, Outcome

CHAT = re.compile(r"-?[1-9][0-9]{0,18}|@[A-Za-z0-9_]{4,40}")
_LONGEST = 4096  # UTF-16 units
_POLL = 50  # seconds that Telegram may wait for something to say
_FIRST, _SLOWEST = 1.0, 60.0  # seconds before it is asked again after a failure
_DOES: Mapping[str, Does] = {"has": Does.HAS, "cant": Does.CANT}
_ALLOWED = ["callback_query", "message"]

log = structlog.get_logger(__name__)


class Telegram:
    """One bot. Raises LookupError when its token isn't there, ValueError when it is none."""

    def __init__(self, name: str, settings: TelegramChannel, parts: Parts) -> None:
        self.name = name
        token = settings.auth.token.reveal()
        if not re.fullmatch(r"[A-Za-z0-9:_-]{1,200}", token):
            raise ValueError("the token has a character that no token of Telegram's has")
        self._desk = parts.desk
        self._base = f"{settings.api_url.rstrip('/')}/bot{token}"
        self._http = Http(parts, timeout=settings.timeout, hide=(token,))
        self._asking = Http(parts, timeout=_POLL + settings.timeout, hide=(token,))
        self._first = _FIRST
        self.problem = "not asked yet"

    async def send(self, message: Message) -> Outcome:
        """Never raises for what the network does."""
        if not CHAT.fullmatch(message.address):
            return Outcome(kind="permanent", detail="not a chat: a number, or @ and a channel's name")
        urgency = message.fields.get("urgency")
        quiet = urgency == Urgency.SILENT
        body = {"chat_id": message.address, "disable_notification": quiet, **_content(message)}
        answer = await self._call("sendMessage", body)
        if isinstance(answer, Outcome):
            return answer
        result = answer.said.get("result")
        if not isinstance(result, dict) or not isinstance(result.get("message_id"), int):
            return answer.strange("Telegram")
        return Outcome(kind="delivered", provider_id=f"{message.address}:{result['message_id']}")

    async def edit(self, message: Message, provider_id: str) -> Outcome:
        """Let a message that was sent say something else."""
        chat, _, number = provider_id.rpartition(":")
        if not chat or not number.isdecimal():
            return Outcome(kind="permanent", detail="not a message of Telegram's")
        body = {"chat_id": chat, "message_id": int(number), **_content(message)}
        answer = await self._call("editMessageText", body)
        if isinstance(answer, Outcome) and "message is not modified" not in answer.detail:
            return answer
        return Outcome(kind="delivered", provider_id=provider_id)

    @property
    def listens(self) -> bool:
        return True

    async def listen(self) -> None:
        """Ask for what was pressed and written, until cancelled."""
        offset, wait = 0, self._first
        while True:
            try:
                updates = await self._updates(offset)
            except Exception as error:  # whatever it was, the next question may be answered
                log.exception("updates_raised", channel=self.name)
                self.problem, updates = type(error).__name__, None
            if updates is None:
                log.warning("updates_not_heard", channel=self.name, why=self.problem, again_in=wait)
                await asyncio.sleep(wait)
                wait = min(2 * wait, _SLOWEST)
                continue
            self.problem, wait = "", self._first
            for update in updates:
                number = update.get("update_id")
                if isinstance(number, int):
                    await self._take(update)
                    offset = max(offset, number + 1)

    async def close(self) -> None:
        """The session belongs to whoever made it."""

    # ---------------------------------------------------------------- what comes back
    async def _updates(self, offset: int) -> list[Mapping[str, Any]] | None:
        body = {"offset": offset, "timeout": _POLL, "allowed_updates": _ALLOWED}
        answer = await self._call("getUpdates", body, http=self._asking)
        if isinstance(answer, Outcome):
            self.problem = answer.detail
            return None
        result = answer.said.get("result")
        if not isinstance(result, list):
            self.problem = "an answer that isn't Telegram's"
            return None
        return [update for update in result if isinstance(update, dict)]

    async def _take(self, update: Mapping[str, Any]) -> None:
        try:
            if isinstance(query := update.get("callback_query"), dict):
                await self._pressed(query)
            elif isinstance(message := update.get("message"), dict):
                await self._written(message)
        except Exception:  # one that can't be read keeps none of the others back
            log.exception("update_raised", channel=self.name)

    async def _pressed(self, query: Mapping[str, Any]) -> None:
        what, _, page = str(query.get("data", "")).partition(":")
        does = _DOES.get(what)
        if does is None or not page:
            return
        said = await self._desk.press(
            channel=self.name, page=page, does=does, address=_id(query.get("from")), via="telegram"
        )
        body = {
            "callback_query_id": str(query.get("id", "")),
            "text": clean.cut(said, 200),
            "show_alert": True,
        }
        await self._call("answerCallbackQuery", body)

    async def _written(self, message: Mapping[str, Any]) -> None:
        writer, text = _id(message.get("from")), message.get("text")
        if not writer or writer != _id(message.get("chat")) or not isinstance(text, str):
            return  # a group's talk
        if text.strip().startswith("/start"):
            said = f"Your id here is {writer}. It goes under telegram: in irpd's configuration."
        else:
            said = await self._desk.write(channel=self.name, address=writer, text=text, via="telegram")
        if said:
            await self._call("sendMessage", {"chat_id": writer, "text": clean.cut(said, 1000)})

    async def _call(self, method: str, body: object, *, http: Http | None = None) -> Answer | Outcome:
        """An answer that is ok, or the outcome that it isn't."""
        answer = await (http or self._http).post_json(f"{self._base}/{method}", body, {})
        if isinstance(answer, Outcome) or answer.said.get("ok") is True:
            return answer
        if answer.good or not answer.said:
            return answer.strange("Telegram") if answer.good else answer.refused()
        parameters = answer.said.get("parameters")
        after = parameters.get("retry_after") if isinstance(parameters, dict) else None
        outcome = answer.refused(str(answer.said.get("description", ""))[:200])
        later = float(after) if isinstance(after, int | float) and 0 <= after < 1e6 else outcome.retry_after
        return replace(outcome, retry_after=later)


def _content(message: Message) -> dict[str, object]:
    fields = message.fields
    link = str(fields.get("acknowledge_url") or "")
    row: list[dict[str, str]] = []
    if fields.get("asks"):
        name = message.page.name
        row = [
            {"text": "I have it", "callback_data": f"has:{name}"},
            {"text": "I can't", "callback_data": f"cant:{name}"},
        ]
    if link:
        row.append({"text": "Open", "url": link})
    return {
        "text": clean.cut_units(message.text, _LONGEST) or "(no text)",
        "link_preview_options": {"is_disabled": True},
        "reply_markup": {"inline_keyboard": [row] if row else []},
    }


def _id(of: object) -> str:
    number = of.get("id") if isinstance(of, dict) else None
    return str(number) if isinstance(number, int) else ""
