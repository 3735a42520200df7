"""The 202 of the webhooks, written in one go.

Most of what irpd ever answers is this one head with a short body. Put together as bytes it costs
a fifth of what aiohttp takes to make a response of headers (measured: see
``docs/performance.md``), and uses nothing of it but what is public: ``StreamResponse`` as the type
of an answer, the signal before it, and the request's writer.

Only for HTTP/1.1 on a connection that stays: everything else gets an ordinary response.
"""

from datetime import datetime
from email.utils import format_datetime

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter

from irpd.web.problem import JSON

_HEADERS = {"Content-Type": JSON, "Server": "irpd"}


class Accepted:
    """Makes the answers; remembers the date's text for the second that it is true."""

    def __init__(self) -> None:
        self._second = -1
        self._head = b""

    def answer(self, request: web.Request, body: bytes, now: datetime) -> web.StreamResponse:
        """``now`` is aware UTC."""
        if request.version != HttpVersion11 or not request.keep_alive:
            return web.Response(status=202, body=body, headers=_HEADERS)
        second = int(now.timestamp())
        if second != self._second:
            self._second = second
            self._head = (
                f"HTTP/1.1 202 Accepted\r\nContent-Type: {JSON}\r\nServer: irpd\r\n"
                f"Date: {format_datetime(now, usegmt=True)}\r\nContent-Length: "
            ).encode()
        return _Whole(b"%s%d\r\n\r\n%s" % (self._head, len(body), body))


class _Whole(web.StreamResponse):
    """An answer whose bytes are all there: head, empty line, body."""

    def __init__(self, whole: bytes) -> None:
        super().__init__(status=202)
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
