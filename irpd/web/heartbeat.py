"""``/heartbeat/{name}``: monitors report that they live, or (``/fail``) that what they watch went wrong.

GET does as much as POST, because that is what ``curl`` and cron lines do; the monitor's own secret is asked
for either way. What is in the body of a report is not looked at; that of a failure is what people read.
"""

import asyncio
from typing import Final

import structlog
from aiohttp import ClientError, web

from irpd.engine.ports import JournalError
from irpd.intake.text import body_text
from irpd.web.bucket import Bucket
from irpd.web.ports import Beat, Services
from irpd.web.problem import answer, problem, unavailable
from irpd.web.shapes import utc_text

MAX_BODY: Final = 16 * 1024
WITHIN: Final = 10.0  # seconds that a body may take

log = structlog.get_logger("irpd.web.heartbeat")


class Heartbeat:
    """The handler of all configured monitors."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._logged = Bucket(0.2, 10.0, services.clock.boot())

    def add_to(self, app: web.Application) -> None:
        for method in ("GET", "POST"):
            app.router.add_route(method, "/heartbeat/{name}", self.beat)
            app.router.add_route(method, "/heartbeat/{name}/fail", self.fail)

    async def beat(self, request: web.Request) -> web.StreamResponse:
        return await self._report(request, None)

    async def fail(self, request: web.Request) -> web.StreamResponse:
        return await self._report(request, "It said no more.")

    async def _report(self, request: web.Request, failed: str | None) -> web.StreamResponse:
        name = request.match_info["name"]
        heartbeats = self._services.heartbeats
        allowed = heartbeats.authenticate(name, request.headers, request.query)
        if allowed is None:
            self._log(request, name, "unknown")
            return problem(
                404, "unknown-heartbeat", f"no heartbeat is configured under the name {name[:80]!r}"
            )
        if not allowed:
            self._log(request, name, "credentials")
            return problem(401, "unauthenticated", "the credentials of this heartbeat are missing or wrong")
        if failed is not None:
            failed = await _said(request) or failed
        try:
            return answer(beat_view(await heartbeats.report(name, failed=failed)))
        except JournalError:
            return unavailable("the journal can't be written; report it again", code="journal")
        except Exception as error:  # a monitor that gets no answer would think all is well
            if not hasattr(error, "retry_after"):
                log.exception("heartbeat.failed", heartbeat=name)
            return unavailable("irpd could not take it in; report it again", code="overloaded")

    def _log(self, request: web.Request, name: str, reason: str) -> None:
        if self._logged.take(self._services.clock.boot()):
            log.warning("heartbeat.refused", heartbeat=name[:80], remote=request.remote, reason=reason)


async def _said(request: web.Request) -> str:
    """The beginning of the body, as text; what can't be received is not waited for."""
    said = b""
    try:
        async with asyncio.timeout(WITHIN):
            while len(said) < MAX_BODY and (chunk := await request.content.readany()):
                said += chunk
    except (TimeoutError, OSError, web.RequestPayloadError, ClientError):
        pass
    return body_text(said[:MAX_BODY].decode("utf-8", "replace").strip())


def beat_view(beat: Beat) -> dict[str, object]:
    """As the API and the answers to reports have it."""
    return {
        "name": beat.name,
        "state": beat.state,
        "service": beat.service or None,
        "level": beat.level,
        "every_seconds": beat.every,
        "grace_seconds": beat.grace,
        "seen_at": utc_text(beat.seen_at) if beat.seen_at is not None else None,
        "due_at": utc_text(beat.due_at) if beat.due_at is not None else None,
        "incident": beat.incident,
    }
