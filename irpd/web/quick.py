"""What the webhooks answer most, written in one go: the 202, and the 503 while there is too much.

Put together as bytes an answer costs a fifth of what aiohttp takes to make a response of headers, and
uses nothing of it but what is public: ``StreamResponse`` as the type of an answer, the signal before it, and
the request's writer. Of the 503 there are thousands a second just when there is no time for them (both
measured: see ``docs/performance.md``).

Only for HTTP/1.1 on a connection that stays: everything else gets an ordinary response.
"""

from datetime import datetime
from email.utils import format_datetime

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter

from irpd.web.problem import JSON, PROBLEM, problem_details, retry_after, unavailable
from irpd.web.shapes import encode

_HEADERS = {"Content-Type": JSON, "Server": "irpd"}
_TOO_MUCH = "irpd has more to do than it can; send it again"
_TOO_MUCH_BODY = encode(problem_details(503, "overloaded", _TOO_MUCH))


class Quick:
    """Makes the answers; remembers the date's text for the second that it is true. Times are aware UTC."""

    def __init__(self) -> None:
        self._second = -1
        self._accepted = b""
        self._overloaded = b""

    def accepted(self, request: web.Request, body: bytes, now: datetime) -> web.StreamResponse:
        """202 with this body."""
        if request.version != HttpVersion11 or not request.keep_alive:
            return web.Response(status=202, body=body, headers=_HEADERS)
        self._at(now)
        return _Whole(202, b"%s%d\r\n\r\n%s" % (self._accepted, len(body), body))

    def overloaded(self, request: web.Request, now: datetime) -> web.StreamResponse:
        """503 with a Retry-After."""
        if request.version != HttpVersion11 or not request.keep_alive:
            return unavailable(_TOO_MUCH, code="overloaded")
        self._at(now)
        return _Whole(503, b"%s%s\r\n\r\n%s" % (self._overloaded, retry_after().encode(), _TOO_MUCH_BODY))

    def _at(self, now: datetime) -> None:
        second = int(now.timestamp())
        if second == self._second:
            return
        self._second = second
        date = format_datetime(now, usegmt=True)
        self._accepted = (
            f"HTTP/1.1 202 Accepted\r\nContent-Type: {JSON}\r\nServer: irpd\r\n"
            f"Date: {date}\r\nContent-Length: "
        ).encode()
        self._overloaded = (
            f"HTTP/1.1 503 Service Unavailable\r\nContent-Type: {PROBLEM}\r\nServer: irpd\r\n"
            f"Cache-Control: no-store\r\nDate: {date}\r\nContent-Length: {len(_TOO_MUCH_BODY)}\r\n"
            "Retry-After: "
        ).encode()


class _Whole(web.StreamResponse):
    """An answer whose bytes are all there: head, empty line, body."""

    def __init__(self, status: int, whole: bytes) -> None:
        super().__init__(status=status)
        self._whole = whole
        self._through: AbstractStreamWriter | None = None

    @property
    def keep_alive(self) -> bool:
        return True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        assert isinstance(request, web.Request)
        await request.app.on_response_prepare.send(request, self)
        self._through = request.writer
        return self._through

    async def write_eof(self, data: bytes = b"") -> None:
        assert self._through is not None
        await self._through.write_eof(self._whole + data)
