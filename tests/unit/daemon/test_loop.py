"""Names are looked up without holding anything up."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import irpd.daemon.loop as names
from irpd.daemon.loop import Loop


class NameServer:
    """Stands for ``socket.getaddrinfo``; names in ``hanging`` get no answer until ``release``."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.hanging: set[str] = set()
        self.release = threading.Event()

    def __call__(self, host: str, port: int, *_: int) -> list[Any]:
        self.asked.append(host)
        if host in self.hanging:
            self.release.wait()
        if host.startswith("no"):
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Any:
    one = NameServer()
    monkeypatch.setattr(socket, "getaddrinfo", one)
    yield one
    one.release.set()


def run(main: Callable[[Loop], Any]) -> Any:
    with asyncio.Runner(loop_factory=Loop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, Loop)
        return runner.run(main(loop))


async def hung(loop: Loop, host: str, seconds: float = 0.05) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(seconds):
            await loop.getaddrinfo(host, 1)


def test_a_name_is_found_and_one_that_is_unknown_says_so(server: NameServer) -> None:
    async def main(loop: Loop) -> None:
        assert (await loop.getaddrinfo("host", 80))[0][4] == ("127.0.0.1", 80)
        with pytest.raises(socket.gaierror, match="unknown"):
            await loop.getaddrinfo("nowhere", 80)

    run(main)


def test_any_number_who_ask_for_a_hanging_name_leave_the_others_and_the_end_alone(
    server: NameServer,
) -> None:
    server.hanging.add("dead")

    async def main(loop: Loop) -> None:
        await asyncio.gather(*(hung(loop, "dead") for _ in range(200)))
        assert server.asked.count("dead") == 1
        await loop.getaddrinfo("alive", 80)

    began = time.monotonic()
    run(main)
    assert time.monotonic() - began < 5


def test_a_question_that_hangs_is_asked_anew_after_a_while(
    server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "ASK_AGAIN", 0.01)
    server.hanging.add("host")

    async def main(loop: Loop) -> None:
        await hung(loop, "host")
        server.hanging.clear()
        assert await loop.getaddrinfo("host", 80)

    run(main)


def test_the_number_of_hanging_look_ups_is_bounded(
    server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "AT_MOST", 3)
    server.hanging |= {"a", "b", "c"}

    async def main(loop: Loop) -> None:
        await asyncio.gather(*(hung(loop, host) for host in "abc"))
        with pytest.raises(socket.gaierror, match="too many"):
            await loop.getaddrinfo("d", 80)
        server.release.set()
        await asyncio.gather(*(loop.getaddrinfo(host, 1) for host in "abc"))
        assert await loop.getaddrinfo("d", 80)

    run(main)
