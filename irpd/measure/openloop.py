"""An open loop: requests at their intended times, whether or not earlier ones were answered.

The latency counts from the intended time, so that a server that makes its senders wait can't hide
it. It costs little a request (bare protocols, no task), because it shares the machine with what it
measures.
"""

import asyncio
import gc
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from irpd.measure.traffic import Request

TICK = 0.001


@dataclass(frozen=True, slots=True)
class Answer:
    request: Request
    intended: float
    sent: float
    done: float
    status: int  # 0: the connection broke
    retry_after: str = ""

    @property
    def latency(self) -> float:
        return self.done - self.intended

    @property
    def late(self) -> float:
        """How long the generator kept it: its own slowness, or no connection was free."""
        return self.sent - self.intended


class _Connection(asyncio.Protocol):
    def __init__(self, loop: "OpenLoop") -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._got = b""
        self._asked: tuple[Request, float, float] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._loop.free(self)

    def ask(self, request: Request, intended: float) -> None:
        assert self._transport is not None
        self._asked = request, intended, time.perf_counter()
        self._transport.write(self._loop.head + b"%d\r\n\r\n" % len(request.body) + request.body)

    def data_received(self, data: bytes) -> None:
        self._got += data
        end = self._got.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._got[:end].lower()
        length = int(_header(head, b"content-length:") or 0)
        if len(self._got) < end + 4 + length:
            return
        self._got = b""
        self._answer(int(head[9:12]), _header(head, b"retry-after:"))
        if b"connection: close" not in head:
            self._loop.free(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._answer(0)
        self._loop.lost(self)

    def _answer(self, status: int, retry_after: str = "") -> None:
        if self._asked is not None:
            answer = Answer(*self._asked, time.perf_counter(), status, retry_after)
            self._asked = None
            self._loop.answers.append(answer)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _header(head: bytes, name: bytes) -> str:
    at = head.find(b"\r\n" + name)
    return head[at + 2 + len(name) :].split(b"\r\n", 1)[0].strip().decode() if at >= 0 else ""


@dataclass(slots=True)
class OpenLoop:
    """``run`` for a while at a rate; ``answers`` has all that came. Closes nothing between runs."""

    port: int
    connections: int = 500
    answers: list[Answer] = field(default_factory=list)
    _free: "deque[_Connection]" = field(default_factory=deque)
    _waiting: deque[tuple[Request, float]] = field(default_factory=deque)
    _open: "set[_Connection]" = field(default_factory=set)
    _opening: "set[asyncio.Task[None]]" = field(default_factory=set)
    _closed: bool = False

    @property
    def head(self) -> bytes:
        return (
            b"POST /webhook/alertmanager HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Alertmanager/0.33.1\r\n"
            b"Content-Type: application/json\r\nContent-Length: "
        )

    async def open(self) -> None:
        for _ in range(self.connections):
            await self._connect()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self.port)
        self._open.add(protocol)

    def free(self, connection: "_Connection") -> None:
        if self._waiting:
            connection.ask(*self._waiting.popleft())
        else:
            self._free.append(connection)

    def lost(self, connection: "_Connection") -> None:
        self._open.discard(connection)
        if connection in self._free:
            self._free.remove(connection)
        if not self._closed:
            task = asyncio.get_running_loop().create_task(self._connect())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def run(
        self, next_request: Callable[[], Request], rate: float, seconds: float, *, settle: float = 5.0
    ) -> list[Answer]:
        """The answers to what was sent in this time; at most ``settle`` seconds are waited for them."""
        self.answers = []
        gc.disable()  # a look through so many answers takes 50 ms and more, and would count as the server's
        try:
            return await self._run(next_request, rate, seconds, settle)
        finally:
            gc.enable()

    async def _run(
        self, next_request: Callable[[], Request], rate: float, seconds: float, settle: float
    ) -> list[Answer]:
        began, sent, count = time.perf_counter(), 0, int(rate * seconds)
        while sent < count:
            now = time.perf_counter()
            while sent < count and (intended := began + sent / rate) <= now:
                request = next_request()
                if self._free:
                    self._free.popleft().ask(request, intended)
                else:
                    self._waiting.append((request, intended))
                sent += 1
            await asyncio.sleep(TICK)
        until = time.perf_counter() + settle
        while len(self.answers) < count and time.perf_counter() < until:  # noqa: ASYNC110 - answers come by sockets
            await asyncio.sleep(TICK)
        self._waiting.clear()
        return self.answers

    def close(self) -> None:
        self._closed = True
        for connection in list(self._open):
            connection.close()
