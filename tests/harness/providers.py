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

    made: int  # messages that it took

    def settings(self, url: str) -> dict[str, Any]: ...
    def environment(self, url: str) -> dict[str, str]: ...
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

    def environment(self, url: str) -> dict[str, str]:
        """Secrets, by the variables that hold them."""
        return {"TEST_SECRET": SECRET, "TEST_ACCOUNT": "AC0"}


class Slack(Fake):
    address = "U01ASHA"
    longest: int | None = 3000

    def settings(self, url: str) -> dict[str, Any]:
        secret = {"env": "TEST_SECRET"}
        auth = {"bot_token": secret, "signing_secret": secret}
        return {"type": "slack", "auth": auth, "api_url": f"{url}/api"}

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
        self.made += 1
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
        if not request.headers.get("X-Irpd-Signature"):
            return web.Response(status=401)
        self.made += 1
        return web.Response(status=200)

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


class Ntfy(Fake):
    address = "asha-3f9c2a1"
    longest: int | None = 4096

    def settings(self, url: str) -> dict[str, Any]:
        return {"type": "ntfy", "server": url, "auth": {"token": {"env": "TEST_SECRET"}}}

    def answer(self, request: web.Request, body: bytes) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {SECRET}":
            return self._error(401, 40101, "unauthorized")
        if request.path != "/" or request.method != "POST":
            return self._error(404, 40401, "page not found")
        said = msgspec.json.decode(body)
        if not re.fullmatch(r"[-_A-Za-z0-9]{1,64}", said["topic"]):
            return self._error(400, 40009, "invalid request: topic invalid")
        if said["priority"] not in (1, 2, 3, 4, 5):
            return self._error(400, 40007, "invalid priority parameter")
        if len(said["message"].encode()) > 4096:
            return self._error(413, 41301, "attachment too large, or bandwidth limit reached")
        if len(said.get("actions", [])) > 3 or not all(
            a["action"] in ("view", "http") and urlsplit(a["url"]).scheme in ("http", "https") and a["label"]
            for a in said.get("actions", [])
        ):
            return self._error(400, 40018, "invalid request: actions invalid")
        if not re.fullmatch(r"[-_A-Za-z0-9]{1,64}", said.get("sequence_id", "x")):
            return self._error(400, 40049, "invalid request: sequence ID invalid")
        self.made += 1
        return web.json_response(
            {"id": f"id{self.made}", "time": 1, "event": "message", "topic": said["topic"]}
        )

    def refusal(self) -> web.Response:
        return self._error(403, 40301, "forbidden")

    def text(self, body: bytes) -> str:
        return str(msgspec.json.decode(body)["message"])

    @staticmethod
    def _error(status: int, code: int, error: str) -> web.Response:
        return web.json_response({"code": code, "http": status, "error": error}, status=status)


class Pushover(Fake):
    address = "uQiRzpo4DXghDmr9QzzfQu27cmVRsG"
    longest: int | None = 1024

    def settings(self, url: str) -> dict[str, Any]:
        return {"type": "pushover", "api_url": url, "auth": {"token": {"env": "TEST_SECRET"}}}

    def answer(self, request: web.Request, body: bytes) -> web.Response:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))
        if fields.get("token") != SECRET:
            return self._error("application token is invalid")
        if re.fullmatch(r"/1/receipts/(cancel_by_tag/[\w-]+|[A-Za-z0-9]{30}/cancel)\.json", request.path):
            return web.json_response({"status": 1, "canceled": 1, "request": "r0"})
        if request.path != "/1/messages.json":
            return web.Response(status=404)
        if not re.fullmatch(r"[A-Za-z0-9]{30}", fields.get("user", "")):
            return self._error("user identifier is not a valid user, group, or subscribed user key")
        bounds = {"message": 1024, "title": 250, "url": 512, "url_title": 100}
        for name, most in bounds.items():
            if len(fields.get(name, "")) > most:
                return self._error(f"{name} is too long")
        if not fields.get("message"):
            return self._error("message cannot be blank")
        if fields["priority"] == "2" and not (
            int(fields.get("retry", 0)) >= 30 and 0 < int(fields.get("expire", 0)) <= 10_800
        ):
            return self._error("expire and retry must be supplied for priority=2")
        self.made += 1
        said: dict[str, Any] = {"status": 1, "request": f"r{self.made}"}
        if fields["priority"] == "2":
            said["receipt"] = f"r{self.made:029}"
        return web.json_response(said)

    def refusal(self) -> web.Response:
        return self._error("user identifier is not a valid user, group, or subscribed user key")

    def text(self, body: bytes) -> str:
        return dict(parse_qsl(body.decode()))["message"]

    @staticmethod
    def _error(error: str) -> web.Response:
        return web.json_response({"status": 0, "request": "r0", "errors": [error]}, status=400)


class Telegram(Fake):
    address = "123456789"
    longest: int | None = 4096

    def settings(self, url: str) -> dict[str, Any]:
        return {"type": "telegram", "api_url": url, "auth": {"token": {"env": "TEST_SECRET"}}}

    def answer(self, request: web.Request, body: bytes) -> web.Response:
        if not request.path.startswith(f"/bot{SECRET}/"):
            return self._error(401, "Unauthorized")
        method = request.path.rpartition("/")[2]
        said = msgspec.json.decode(body)
        if method == "answerCallbackQuery":
            if len(said["text"]) > 200:
                return self._error(400, "Bad Request: MESSAGE_TOO_LONG")
            return web.json_response({"ok": True, "result": True})
        if method not in ("sendMessage", "editMessageText"):
            return self._error(404, "Not Found")
        if not re.fullmatch(r"-?\d+", str(said.get("chat_id"))):
            return self._error(400, "Bad Request: chat not found")
        if not 0 < len(said.get("text", "").encode("utf-16-le")) <= 2 * 4096:
            return self._error(400, "Bad Request: message is too long")
        for button in (one for row in said.get("reply_markup", {}).get("inline_keyboard", []) for one in row):
            if len(button.get("callback_data", "").encode()) > 64:
                return self._error(400, "Bad Request: BUTTON_DATA_INVALID")
        self.made += 1
        result = {"message_id": 100 + self.made, "chat": {"id": int(said["chat_id"])}}
        return web.json_response({"ok": True, "result": result})

    def refusal(self) -> web.Response:
        return self._error(403, "Forbidden: bot was blocked by the user")

    def text(self, body: bytes) -> str:
        return str(msgspec.json.decode(body)["text"])

    @staticmethod
    def _error(code: int, description: str) -> web.Response:
        return web.json_response({"ok": False, "error_code": code, "description": description}, status=code)


class Mattermost(Fake):
    address = "asha.rao"
    longest: int | None = 16_383

    def settings(self, url: str) -> dict[str, Any]:
        return {"type": "mattermost", "server": url, "auth": {"token": {"env": "TEST_SECRET"}}}

    def answer(self, request: web.Request, body: bytes) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {SECRET}":
            return self._error(401, "Invalid or expired session, please login again.")
        match request.method, request.path.removeprefix("/api/v4/"):
            case "GET", "users/me":
                return web.json_response({"id": "bot0", "username": "irpd"})
            case "GET", "users/username/asha.rao":
                return web.json_response({"id": "user1", "username": "asha.rao"})
            case "GET", "users/user1":
                return web.json_response({"id": "user1", "username": "asha.rao"})
            case "POST", "channels/direct" if msgspec.json.decode(body) == ["bot0", "user1"]:
                return web.json_response({"id": "room1", "type": "D"}, status=201)
            case "POST", "posts":
                return self._post(msgspec.json.decode(body), status=201)
            case "PUT", "posts/post1/patch":
                return self._post({"channel_id": "room1", **msgspec.json.decode(body)}, status=200)
        return self._error(404, "Unable to find the user.")

    def _post(self, said: dict[str, Any], *, status: int) -> web.Response:
        if said["channel_id"] != "room1":
            return self._error(403, "You do not have the appropriate permissions.")
        if len(said["message"]) > 16_383:
            return self._error(400, "Post Message property is longer than the maximum permitted length.")
        actions = [one for attachment in said["props"]["attachments"] for one in attachment["actions"]]
        if not all(re.fullmatch("[a-z0-9]+", one["id"]) and one["integration"]["url"] for one in actions):
            return self._error(400, "Invalid action")
        self.made += 1
        return web.json_response({"id": f"post{self.made}", "channel_id": "room1"}, status=status)

    def refusal(self) -> web.Response:
        return self._error(404, "Unable to find the user.")

    def text(self, body: bytes) -> str:
        return str(msgspec.json.decode(body)["message"])

    @staticmethod
    def _error(status: int, message: str) -> web.Response:
        return web.json_response(
            {"id": "api.error", "message": message, "status_code": status}, status=status
        )


class Teams(Fake):
    address = "asha@example.com"
    longest: int | None = 16_000

    def environment(self, url: str) -> dict[str, str]:
        return {"TEST_URL": f"{url}/workflows/9a/triggers/manual/paths/invoke?api-version=1&sig={SECRET}"}

    def settings(self, url: str) -> dict[str, Any]:
        return {"type": "teams", "auth": {"url": {"env": "TEST_URL"}}}

    def answer(self, request: web.Request, body: bytes) -> web.Response:
        if request.query.get("sig") != SECRET:
            return self._error(401, "DirectApiAuthorizationRequired")
        if len(body) > 28 * 1024:
            return self._error(413, "RequestEntityTooLarge")
        said = msgspec.json.decode(body)
        (attachment,) = said["attachments"]
        card = attachment["content"]
        good = (
            said["type"] == "message"
            and attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
            and (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
            and all(one["type"] == "TextBlock" and isinstance(one["text"], str) for one in card["body"])
            and all(one["type"] == "Action.OpenUrl" and one["url"] for one in card["actions"])
        )
        if not good:
            return self._error(400, "TriggerInputSchemaMismatch")
        self.made += 1
        return web.Response(status=202)

    def refusal(self) -> web.Response:
        return self._error(404, "WorkflowNotFound")

    def text(self, body: bytes) -> str:
        card = msgspec.json.decode(body)["attachments"][0]["content"]
        return "\n".join(one["text"] for one in card["body"])

    @staticmethod
    def _error(status: int, code: str) -> web.Response:
        return web.json_response({"error": {"code": code, "message": f"{code}."}}, status=status)


class Apprise(Fake):
    """Behind apprise's plugin ``json``: its own form of a message by POST."""

    address = "asha"
    longest: int | None = 32_768

    def environment(self, url: str) -> dict[str, str]:
        return {"TEST_URL": f"{url.replace('http://', 'json://irpd:' + SECRET + '@')}/to/{{address}}"}

    def settings(self, url: str) -> dict[str, Any]:
        return {"type": "apprise", "auth": {"url": {"env": "TEST_URL"}}}

    def answer(self, request: web.Request, body: bytes) -> web.Response:
        expected = base64.b64encode(f"irpd:{SECRET}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {expected}":
            return web.Response(status=401)
        if not request.path.startswith("/to/"):
            return web.Response(status=404)
        if len(msgspec.json.decode(body)["message"]) > self.longest:
            return web.Response(status=413)
        self.made += 1
        return web.Response(status=200)

    def refusal(self) -> web.Response:
        return web.Response(status=404)

    def text(self, body: bytes) -> str:
        return str(msgspec.json.decode(body)["message"])


PROVIDERS: dict[str, type[Any]] = {
    "slack": Slack,
    "webhook": Webhook,
    "twilio": Twilio,
    "voice": Voice,
    "ntfy": Ntfy,
    "pushover": Pushover,
    "telegram": Telegram,
    "mattermost": Mattermost,
    "teams": Teams,
    "apprise": Apprise,
}
