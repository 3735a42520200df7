"""Providers of messages on the loopback: they check what they are sent as the real ones do.

Sources of the facts stand in the docstrings of ``irpd.channels``. A fake refuses what its provider
refuses, in its words, so that a test sees a message that would not have gone out.
"""

import base64
import re
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree as ET

import msgspec
from aiohttp import web

SECRET = "hush"


class Provider(Protocol):
    """One provider. ``settings`` are those of a channel that uses it, ``address`` is a person's there."""

    address: str
    other: dict[str, Any]
    longest: int | None  # characters of text that it takes; None where irpd's own texts never come near

    def settings(self, url: str) -> dict[str, Any]: ...
    def answer(self, request: web.Request, body: bytes) -> web.Response: ...
    def refusal(self) -> web.Response: ...
    def text(self, body: bytes) -> str:
        """What the person would read or hear."""
        ...


class Fake:
    """``other`` are settings of further channels that its own needs."""

    def __init__(self) -> None:
        self.other: dict[str, Any] = {}
        self.made = 0


class Slack(Fake):
    address = "U01ASHA"
    longest: int | None = 3000

    def settings(self, url: str) -> dict[str, Any]:
        return {"type": "slack", "auth": {"bot_token": {"env": "TEST_SECRET"}}, "api_url": f"{url}/api"}

    def answer(self, request: web.Request, body: bytes) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {SECRET}":
            return web.json_response({"ok": False, "error": "invalid_auth"})
        if request.content_type != "application/json":
            return web.json_response({"ok": False, "error": "invalid_form_data"})
        said = msgspec.json.decode(body)
        if not said.get("channel"):
            return web.json_response({"ok": False, "error": "channel_not_found"})
        if not said.get("text") and not said.get("blocks"):
            return web.json_response({"ok": False, "error": "no_text"})
        if len(said.get("text", "")) > 40_000:
            return web.json_response({"ok": False, "error": "msg_too_long"})
        return web.json_response({"ok": True, "channel": "D01", "ts": "1.2"})

    def refusal(self) -> web.Response:
        return web.json_response({"ok": False, "error": "channel_not_found"})

    def text(self, body: bytes) -> str:
        return str(msgspec.json.decode(body)["text"])


class Webhook(Fake):
    address = "http://127.0.0.1:1/hook"
    longest: int | None = None

    def settings(self, url: str) -> dict[str, Any]:
        self.address = f"{url}/hook"
        return {"type": "webhook", "url": f"{url}/hook", "auth": {"secret": {"env": "TEST_SECRET"}}}

    def answer(self, request: web.Request, body: bytes) -> web.Response:
        return web.Response(status=200 if request.headers.get("X-Irpd-Signature") else 401)

    def refusal(self) -> web.Response:
        return web.Response(status=404)

    def text(self, body: bytes) -> str:
        return str(msgspec.json.decode(body)["text"])


class Twilio(Fake):
    """Messages and calls of account ``AC0``."""

    address = "+4915100000001"
    longest: int | None = 1600

    def settings(self, url: str) -> dict[str, Any]:
        return {
            "type": "twilio",
            "from": "+493012345678",
            "api_url": url,
            "auth": {"account": {"env": "TEST_ACCOUNT"}, "token": {"env": "TEST_SECRET"}},
        }

    def answer(self, request: web.Request, body: bytes) -> web.Response:
        expected = base64.b64encode(f"AC0:{SECRET}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {expected}":
            return self._error(401, 20003, "Authenticate")
        kind = re.fullmatch(r"/2010-04-01/Accounts/AC0/(Messages|Calls)\.json", request.path)
        if kind is None:
            return self._error(404, 20404, "The requested resource was not found")
        if request.content_type != "application/x-www-form-urlencoded":
            return self._error(400, 21201, "No form")
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))
        if not re.fullmatch(r"\+[1-9]\d{6,14}", fields.get("To", "")):
            return self._error(400, 21211, f"Invalid 'To' Phone Number: {fields.get('To')}")
        if not fields.get("From") and not fields.get("MessagingServiceSid"):
            return self._error(400, 21603, "A 'From' phone number is required")
        if "StatusCallback" in fields and urlsplit(fields["StatusCallback"]).scheme not in ("http", "https"):
            return self._error(400, 21609, "Invalid 'StatusCallback' URL")
        if kind[1] == "Messages" and not 0 < len(fields.get("Body", "")) <= 1600:
            return self._error(400, 21617, "The concatenated message body exceeds the 1600 character limit")
        if kind[1] == "Calls" and not self._twiml(fields.get("Twiml", "")):
            return self._error(400, 21219, "Twiml is no TwiML of at most 4000 characters")
        self.made += 1
        sid = f"{'SM' if kind[1] == 'Messages' else 'CA'}{self.made:032x}"
        return web.json_response({"sid": sid, "status": "queued", "error_code": None}, status=201)

    def refusal(self) -> web.Response:
        return self._error(400, 21211, "Invalid 'To' Phone Number")

    def text(self, body: bytes) -> str:
        fields = dict(parse_qsl(body.decode()))
        if "Body" in fields:
            return fields["Body"]
        return next(iter(ET.fromstring(fields["Twiml"]).iter("Say"))).text or ""

    @staticmethod
    def _twiml(text: str) -> bool:
        if not 0 < len(text) <= 4000:
            return False
        verbs = {element.tag for element in ET.fromstring(text).iter()}
        return verbs <= {"Response", "Gather", "Say", "Pause", "Hangup"} and "Say" in verbs

    @staticmethod
    def _error(status: int, code: int, message: str) -> web.Response:
        body = {"code": code, "message": message, "status": status, "more_info": "https://twilio.example"}
        return web.json_response(body, status=status)


class Voice(Twilio):
    longest = 700

    def settings(self, url: str) -> dict[str, Any]:
        self.other["sms"] = super().settings(url)
        return {"type": "voice", "use": "sms"}


PROVIDERS: dict[str, type[Any]] = {"slack": Slack, "webhook": Webhook, "twilio": Twilio, "voice": Voice}
