"""``POST /webhook/{source}``: what senders report, answered once it is on disk.

Few senders retry for long, and those that do repeat for ever what they are refused. So an
authenticated body is kept whatever it says, an unreadable one too, and the only refusals of
good senders are 503 with a Retry-After (never 429: Alertmanager doesn't repeat it within a
flush). Authentication that stands in the headers decides before the body is read.

This is the hot path: no middleware, no log line for what went well, the answer written by
hand.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime

import structlog
from aiohttp import ClientError, web

from irpd.engine.ports import JournalError, Normalised
from irpd.intake.result import unreadable
from irpd.web.admission import Admission
from irpd.web.bucket import Bucket
from irpd.web.ports import Services, SourceLike
from irpd.web.problem import problem, unavailable
from irpd.web.quick import Quick
from irpd.web.shapes import encode

KEPT_OF_TOO_LARGE = 64 * 1024
#: Bytes of bodies that may be on their way in at a time; whoever would exceed it comes again later.
BODIES_AT_ONCE = 96 * 1024 * 1024
_NO_HEADERS: Mapping[str, str] = {}

log = structlog.get_logger("irpd.web.webhook")


class BodyTooLarge(Exception):
    """Above the limit; ``head`` is its beginning."""

    def __init__(self, head: bytes) -> None:
        super().__init__()
        self.head = head


class NoRoom(Exception):
    """Too many bytes of bodies are on their way in."""


class Webhook:
    """The handler of all configured sources."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._admission = Admission(services.clock.boot, lambda: services.engine.expected_wait)
        self._quick = Quick()
        self._coming = 0  # bytes of bodies that are being read
        self._limits: dict[str, tuple[float, Bucket]] = {}
        self._refusals_logged = Bucket(1.0, 20.0, services.clock.boot())
        self._defects_logged = Bucket(0.1, 1.0, services.clock.boot())  # tracebacks are dear

    def add_to(self, app: web.Application) -> None:
        app.router.add_post("/webhook/{source}", self.handle, expect_handler=self.expect)

    async def expect(self, request: web.Request) -> web.StreamResponse | None:
        """Before "100 Continue": whoever isn't let in need not send the body."""
        source = self._services.sources.get(request.match_info["source"])
        if source is not None and source.authenticate_headers(request.headers, request.query) is not False:
            if request.transport is not None:
                request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return None
        return self._unknown(request) if source is None else self._refused(request, source.name, "")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        services = self._services
        first_byte_at = services.clock.now()
        source = services.sources.get(request.match_info["source"])
        if source is None:
            return self._unknown(request)
        name = source.name
        headers = request.headers
        allowed = source.authenticate_headers(headers, request.query)
        if allowed is False:
            return self._refused(request, name, "")
        if not self._admission.admit():
            services.metrics.request(name, 503)
            return self._quick.overloaded(request, first_byte_at)
        self._admission.under_way += 1
        try:
            return await self._take_in(request, source, allowed, first_byte_at)
        finally:
            self._admission.under_way -= 1

    async def _take_in(
        self, request: web.Request, source: SourceLike, allowed: bool | None, first_byte_at: datetime
    ) -> web.StreamResponse:
        services, name, headers = self._services, source.name, request.headers
        if allowed is not None and not self._within_limit(source):
            return self._over_limit(name)
        limit = services.engine.policy.configuration.server.max_body
        try:
            if request.content.is_eof():  # all of it came with the headers
                body = request.content.read_nowait(-1)
                if len(body) > limit:
                    raise BodyTooLarge(body[:KEPT_OF_TOO_LARGE])
            else:
                body = await self._read(request, limit, services.body_timeout)
        except BodyTooLarge as error:
            kept = allowed is True and await self._keep_head(
                source, error.head, headers, limit, first_byte_at
            )
            return self._too_large(name, limit, kept=kept)
        except (NoRoom, MemoryError):
            services.metrics.request(name, 503)
            return unavailable("irpd is taking in as much as it can hold", code="overloaded")
        except TimeoutError:
            services.metrics.request(name, 408)
            return problem(408, "slow-body", f"the body did not arrive within {services.body_timeout:g} s")
        except (
            OSError,
            web.RequestPayloadError,
            ClientError,
        ) as error:  # it broke off, or isn't what it says
            services.metrics.request(name, 400)
            return problem(400, "broken-body", f"the body can't be received: {type(error).__name__}")
        if allowed is None:
            result = source.authenticate(headers, request.query, body, first_byte_at)
            if not result.ok:
                return self._refused(request, name, result.reason)
            if not self._within_limit(source):
                return self._over_limit(name)
        kept_headers = _kept(source, headers)
        try:
            normalised = source.normalise(body, kept_headers, first_byte_at)
        except Exception as error:  # a normaliser never raises; if one does, somebody must look
            log.exception("webhook.normalise_raised", source=name)
            normalised = unreadable(name, f"reading it raised {type(error).__name__}")
        if normalised.unreadable:
            services.metrics.unreadable(name, len(normalised.unreadable))
            if source.settings.unreadable == "refuse" and not normalised.accepted:
                services.metrics.request(name, 400)
                return problem(400, "unreadable", "; ".join(normalised.unreadable))
            kept_headers = {**kept_headers, "irpd-unreadable": "; ".join(normalised.unreadable)[:1000]}
        try:
            received = await services.engine.receive(name, body, kept_headers, normalised, first_byte_at)
        except Exception as error:  # told apart there; a sender that gets no answer would not send again
            return self._unable(name, error)
        if normalised.alive:
            services.heartbeats.alive(name)
        services.metrics.request(name, 202)
        body = _accepted(normalised, received.incidents, received.receipt)
        return self._quick.accepted(request, body, first_byte_at)

    async def _read(self, request: web.Request, limit: int, within: float) -> bytes:
        """The whole body as it comes, or BodyTooLarge with its head, or NoRoom, or TimeoutError."""
        stream = request.content
        length = request.content_length
        limit = limit if length is None or length <= limit else KEPT_OF_TOO_LARGE - 1
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(within):
                while chunk := await stream.readany():
                    chunks.append(chunk)
                    size += len(chunk)
                    self._coming += len(chunk)
                    if size > limit:
                        raise BodyTooLarge(b"".join(chunks)[:KEPT_OF_TOO_LARGE])
                    if self._coming > BODIES_AT_ONCE:
                        raise NoRoom
            return b"".join(chunks)
        finally:
            self._coming -= size

    async def _keep_head(
        self, source: SourceLike, head: bytes, headers: Mapping[str, str], limit: int, at: datetime
    ) -> bool:
        what = f"a body above {limit} bytes; its first {len(head)} bytes are kept"
        kept_headers = {**_kept(source, headers), "irpd-unreadable": what, "irpd-cut": "1"}
        try:
            await self._services.engine.receive(
                source.name, head, kept_headers, unreadable(source.name, what), at
            )
        except Exception as error:  # it is refused either way; only its head isn't kept
            log.warning("webhook.head_not_kept", source=source.name, error=repr(error))
            return False
        self._services.metrics.unreadable(source.name)
        return True

    # ---------------------------------------------------------------- answers other than 202
    def _unknown(self, request: web.Request) -> web.Response:
        name = request.match_info["source"][:80]
        if name in self._services.engine.policy.configuration.sources:
            # Its secret can't be had, so nobody can prove anything: the sender should try again later.
            self._services.metrics.request(name, 503)
            text = f"the source {name!r} can't authenticate anybody now; its operators are told"
            return problem(503, "source-unusable", text, headers={"Retry-After": "30"})
        self._services.metrics.request("", 404)
        return problem(404, "unknown-source", f"no source is configured under the name {name!r}")

    def _refused(self, request: web.Request, name: str, reason: str) -> web.Response:
        self._services.metrics.request(name, 401)
        if self._refusals_logged.take(self._services.clock.boot()):
            log.warning("webhook.refused", source=name, remote=request.remote, reason=reason or "credentials")
        return problem(
            401, "unauthenticated", reason or "the credentials of this source are missing or wrong"
        )

    def _too_large(self, name: str, limit: int, *, kept: bool) -> web.Response:
        self._services.metrics.request(name, 413)
        ending = f"; the first {KEPT_OF_TOO_LARGE} bytes are kept" if kept else ""
        return problem(413, "too-large", f"the body is above {limit} bytes{ending}")

    def _over_limit(self, name: str) -> web.Response:
        self._services.metrics.request(name, 503)
        return unavailable("more requests than this source's limit allows", code="over-limit")

    def _unable(self, name: str, error: Exception) -> web.Response:
        self._services.metrics.request(name, 503)
        asked = getattr(error, "retry_after", None)
        if asked is not None:
            return unavailable(
                "irpd is behind with what it has; send it again", code="overloaded", asked=asked
            )
        if isinstance(error, JournalError):
            if self._refusals_logged.take(self._services.clock.boot()):
                log.error("webhook.journal", source=name, error=repr(error))
            return unavailable("the journal can't be written; nothing was kept", code="journal")
        if self._defects_logged.take(self._services.clock.boot()):
            log.error("webhook.failed", source=name, exc_info=error)
        return unavailable("irpd could not take it in", code="internal")

    def _within_limit(self, source: SourceLike) -> bool:
        rate = source.settings.limit
        if rate is None:
            return True
        now = self._services.clock.boot()
        known = self._limits.get(source.name)
        if known is None or known[0] != rate:
            known = self._limits[source.name] = (rate, Bucket(rate, max(1.0, rate), now))
        return known[1].take(now)


def _kept(source: SourceLike, headers: Mapping[str, str]) -> Mapping[str, str]:
    names = source.keep_headers
    if not names:
        return _NO_HEADERS
    return {name: headers[name] for name in names if name in headers}


def _accepted(normalised: Normalised, incidents: tuple[int, ...] | None, receipt: int) -> bytes:
    if normalised.unreadable:
        document = {
            "accepted": normalised.accepted,
            "unreadable": "; ".join(normalised.unreadable)[:2000],
            "incidents": None if incidents is None else list(incidents),
            "receipt": str(receipt),
        }
        return encode(document)
    numbers = "null" if incidents is None else f"[{', '.join(map(str, incidents))}]"
    return f'{{"accepted": {normalised.accepted}, "incidents": {numbers}, "receipt": "{receipt}"}}\n'.encode()
