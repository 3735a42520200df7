"""Load: closed-loop over a number of connections, or open-loop at a rate.

Raw sockets and ready-made requests, so that the generator costs less than what it measures.
Loopback only.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Result:
    requests: int = 0
    refused: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


class Connection:
    """One kept-alive connection."""

    def __init__(self, port: int, path: str = "/webhook/alertmanager") -> None:
        self._port = port
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: Alertmanager/0.33.1\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)

    async def post(self, body: bytes) -> int:
        """The status of the answer."""
        self._writer.write(self._head + b"%d\r\n\r\n" % len(body) + body)
        head = await self._reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        at = lower.index(b"content-length:") + 15
        length = int(lower[at : lower.index(b"\r\n", at)])
        if length:
            await self._reader.readexactly(length)
        return int(head[9:12])

    def close(self) -> None:
        self._writer.close()


async def closed_loop(port: int, bodies: Iterator[bytes], *, connections: int, seconds: float) -> Result:
    """As fast as the answers come, on so many connections, for so long."""
    result = Result()
    until = time.perf_counter() + seconds

    async def one() -> None:
        connection = Connection(port)
        await connection.open()
        while (now := time.perf_counter()) < until:
            status = await connection.post(next(bodies))
            result.latencies.append(time.perf_counter() - now)
            if status == 202:
                result.requests += 1
            else:
                result.refused += 1
        connection.close()

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(connections)))
    result.seconds = time.perf_counter() - began
    return result


async def send_all(port: int, bodies: list[bytes]) -> None:
    connection = Connection(port)
    await connection.open()
    for body in bodies:
        status = await connection.post(body)
        if status != 202:
            raise RuntimeError(f"answered {status}")
    connection.close()
