"""``POST /channel/{name}/{place}``: what providers send back, such as answers to text messages and keys
pressed.

The channel itself proves who speaks and reads what is meant (``irpd.channels.inbound``); here are only the
bounds of a request, and the answers to what can't be believed.
"""

import asyncio
from typing import Final

import structlog
from aiohttp import ClientError, web

from irpd.channels.inbound import Heard, Hearing, NotAuthentic, NotUnderstood, Request
from irpd.web.bucket import Bucket
from irpd.web.ports import Services
from irpd.web.problem import problem

MAX_BODY: Final = 1024 * 1024  # a mail that answers brings the one that it answers along
AT_ONCE: Final = 64  # bodies that are read at a time
WITHIN: Final = 20.0  # seconds that a body may take

log = structlog.get_logger("irpd.web.channels")


class Channels:
    """The handler of all configured channels that hear."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._reading = 0
        self._refusals_logged = Bucket(0.2, 10.0, services.clock.boot())

    def add_to(self, app: web.Application) -> None:
        app.router.add_post("/channel/{name}/{place:.+}", self.handle)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        channel = self._services.channel(name)
        if not isinstance(channel, Hearing):
            return problem(404, "unknown-channel", "nothing is heard under this address")
        if self._reading >= AT_ONCE:
            return problem(503, "overloaded", "too much is coming in", headers={"Retry-After": "5"})
        self._reading += 1
        try:
            body = await _body(request)
        finally:
            self._reading -= 1
        if isinstance(body, web.Response):
            return body
        base = self._services.engine.policy.configuration.server.public_url.rstrip("/")
        heard = Request(
            place=request.match_info["place"],
            target=request.raw_path,
            url=f"{base}{request.raw_path}",
            headers=request.headers,
            body=body,
        )
        try:
            return _answer(await channel.hear(heard))
        except NotAuthentic as error:
            if self._refusals_logged.take(self._services.clock.boot()):
                log.warning("channel.refused", channel=name, remote=request.remote, reason=str(error))
            return problem(403, "unauthenticated", str(error))
        except NotUnderstood as error:
            log.warning("channel.not_understood", channel=name, reason=str(error)[:200])
            return problem(400, "not-understood", str(error)[:200])
        except Exception:  # a channel never raises anything else; the provider may ask again
            log.exception("channel.failed", channel=name)
            return problem(503, "internal", "irpd could not take it in", headers={"Retry-After": "10"})


async def _body(request: web.Request) -> bytes | web.Response:
    raw = b""
    if (request.content_length or 0) > MAX_BODY:
        return problem(413, "too-large", f"the body is above {MAX_BODY} bytes")
    try:
        async with asyncio.timeout(WITHIN):
            while len(raw) <= MAX_BODY and (chunk := await request.content.readany()):
                raw += chunk
    except TimeoutError:
        return problem(408, "slow-body", f"the body did not arrive within {WITHIN:g} s")
    except (OSError, web.RequestPayloadError, ClientError) as error:
        return problem(400, "broken-body", f"the body can't be received: {type(error).__name__}")
    return raw if len(raw) <= MAX_BODY else problem(413, "too-large", f"the body is above {MAX_BODY} bytes")


def _answer(heard: Heard) -> web.Response:
    headers = {"Server": "irpd", "Cache-Control": "no-store", **heard.headers}
    if heard.status == 204:
        return web.Response(status=204, headers=headers)
    return web.Response(
        status=heard.status,
        text=heard.body,
        content_type=heard.content_type,
        charset="utf-8",
        headers=headers,
    )
