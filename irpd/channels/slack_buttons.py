"""Buttons pressed in Slack: who proves that it was Slack, what was pressed, and the word to who pressed it.

Facts: docs.slack.dev, "Verifying requests from Slack" (``X-Slack-Signature: v0=<hex>``, HMAC-SHA256 with the
signing secret over ``v0:<X-Slack-Request-Timestamp>:<raw body>``; older than five minutes is a replay),
"Handling user interaction" (a form with ``payload``, a JSON object; to be answered within three seconds;
``response_url`` takes up to five messages within half an hour) and "block_actions payload" (``user.id``,
``actions`` with ``action_id`` and ``value``; a user's name may be missing or empty and means nothing here).
"""

import asyncio
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import parse_qs

import msgspec
import structlog

from irpd.channels.http import Answer, Http
from irpd.channels.inbound import DeskLike, Does, NotAuthentic, NotUnderstood

SKEW = 300.0  # seconds that a request may be old, or ahead
#: What Slack waits for at most is three seconds; whoever pressed then still gets the word.
WITHIN = 2.0
_DOES: Mapping[str, Does] = {"i-have-it": Does.HAS, "i-cant": Does.CANT}

log = structlog.get_logger(__name__)


class _User(msgspec.Struct):
    id: str = ""


class _Action(msgspec.Struct):
    action_id: str = ""
    value: str | None = None


class Pressed(msgspec.Struct):
    """What of a payload means something here."""

    type: str = ""
    user: _User = msgspec.field(default_factory=_User)
    actions: list[_Action] = []
    response_url: str = ""


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """The value of ``X-Slack-Signature``."""
    return "v0=" + hmac.new(secret, b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()


def pressed_by_form(secret: bytes, headers: Mapping[str, str], body: bytes, now: datetime) -> Pressed:
    """What a signed request says. Raises NotAuthentic, NotUnderstood."""
    timestamp, given = headers.get("X-Slack-Request-Timestamp", ""), headers.get("X-Slack-Signature", "")
    if not hmac.compare_digest(signature(secret, timestamp, body).encode(), given.encode()):
        raise NotAuthentic("the signature is missing or wrong")
    if not timestamp.isdecimal() or abs(now.timestamp() - int(timestamp[:15])) > SKEW:
        raise NotAuthentic("the request is older than five minutes")
    try:
        (payload,) = parse_qs(body.decode(), max_num_fields=20, strict_parsing=True)["payload"]
    except (ValueError, KeyError) as error:
        raise NotUnderstood("no form with a payload") from error
    return pressed(payload.encode())


def pressed(payload: bytes) -> Pressed:
    """Raises NotUnderstood."""
    try:
        return msgspec.json.decode(payload, type=Pressed)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotUnderstood("a payload that isn't Slack's") from error


class Buttons:
    """Takes what was pressed to the desk and the desk's answer to who pressed it, and to nobody else."""

    def __init__(self, channel: str, desk: DeskLike, http: Http) -> None:
        self._channel = channel
        self._desk = desk
        self._http = http
        self._under_way: set[asyncio.Task[None]] = set()

    async def take(self, what: Pressed) -> None:
        """Returns when it has been done, or after ``WITHIN`` seconds; then it is done all the same."""
        task = asyncio.create_task(self._take(what), name=f"button of {self._channel}")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        await asyncio.wait([task], timeout=WITHIN)

    async def close(self) -> None:
        """Wait a moment for what is under way."""
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=WITHIN)
            for task in late:
                task.cancel()

    async def _take(self, what: Pressed) -> None:
        if what.type != "block_actions":
            return
        for action in what.actions[:5]:
            does = _DOES.get(action.action_id)
            if does is None or not action.value:
                continue  # a link that was followed
            try:
                said = await self._desk.press(
                    channel=self._channel, page=action.value, does=does, address=what.user.id, via="slack"
                )
            except Exception:  # the desk never raises; if it does the person must hear something
                log.exception("button_raised", channel=self._channel)
                said = "irpd could not take that just now. Please press again, or open the link."
            await self._say(what.response_url, said)

    async def _say(self, url: str, text: str) -> None:
        if not url.startswith(("https://", "http://127.0.0.1:")):
            return
        shown = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        body = {"response_type": "ephemeral", "replace_original": False, "text": shown}
        answer = await self._http.post_json(url, body, {})
        if not isinstance(answer, Answer) or not answer.good:
            log.info("button_answer_not_shown", channel=self._channel)
