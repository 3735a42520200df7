"""Answers that are written in one go say what ordinary responses say."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from irpd.web.quick import Quick

NOW = datetime(2026, 3, 3, 10, 0, 0, 999_999, tzinfo=UTC)
BODY = b'{"accepted": 1}\n'


class Clock:
    def __init__(self) -> None:
        self.at = NOW


@pytest.fixture
async def place() -> "tuple[TestServer, Clock, list[int]]":  # type: ignore[misc]
    quick, clock = Quick(), Clock()
    prepared: list[int] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        await request.read()
        return quick.accepted(request, BODY, clock.at)

    async def count(_request: web.BaseRequest, response: web.StreamResponse) -> None:
        prepared.append(response.status)

    async def refuse(request: web.Request) -> web.StreamResponse:
        return quick.overloaded(request, clock.at)

    app = web.Application()
    app.router.add_post("/", handle)
    app.router.add_post("/busy", refuse)
    app.on_response_prepare.append(count)
    server = TestServer(app)
    await server.start_server()
    yield server, clock, prepared
    await server.close()


async def talk(server: TestServer, *requests: bytes) -> bytes:
    """Everything that is answered to these bytes until the server, or we, have no more to say."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    answer = b""
    for request in requests:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        answer += head + await reader.readexactly(len(BODY))
    if b"close" in requests[-1] or b"HTTP/1.0" in requests[-1]:
        answer += await asyncio.wait_for(reader.read(), 30)
    writer.close()
    await writer.wait_closed()
    return answer


ONE = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"


async def test_it_has_the_head_of_a_response_and_the_connection_stays(
    place: "tuple[TestServer, Clock, list[int]]",
) -> None:
    server, clock, prepared = place
    first = await talk(server, ONE, ONE)
    assert first.count(b"HTTP/1.1 202 Accepted\r\n") == 2
    assert first.count(b"Date: Tue, 03 Mar 2026 10:00:00 GMT\r\n") == 2
    assert first.count(b"Content-Type: application/json; charset=utf-8\r\nServer: irpd\r\n") == 2
    assert first.count(b"Content-Length: 16\r\n\r\n" + BODY) == 2
    assert prepared == [202, 202]
    clock.at += timedelta(seconds=1)
    assert b"10:00:01 GMT" in await talk(server, ONE)


@pytest.mark.parametrize(
    "request_",
    [
        b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
        b"POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
    ],
    ids=["close", "1.0"],
)
async def test_a_connection_that_ends_with_its_request_is_closed_after_the_answer(
    place: "tuple[TestServer, Clock, list[int]]", request_: bytes
) -> None:
    server, _, prepared = place
    answer = await talk(server, request_)
    assert b" 202 Accepted\r\n" in answer
    assert answer.endswith(BODY)
    assert prepared == [202]


async def test_a_sender_that_went_away_before_its_answer_harms_nobody(
    place: "tuple[TestServer, Clock, list[int]]",
) -> None:
    server, _, _ = place
    _, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(ONE)
    writer.transport.abort()
    assert b"202" in await talk(server, ONE)


@pytest.mark.parametrize("version", [aiohttp.HttpVersion11, aiohttp.HttpVersion10], ids=str)
async def test_who_is_refused_learns_why_and_when_to_come_again(
    place: "tuple[TestServer, Clock, list[int]]", version: aiohttp.HttpVersion
) -> None:
    server, _, prepared = place
    async with aiohttp.ClientSession(version=version) as session:
        for _ in range(2):
            async with session.post(server.make_url("/busy"), data=b"{}") as answer:
                assert (answer.status, answer.reason) == (503, "Service Unavailable")
                assert 5 <= int(answer.headers["Retry-After"]) <= 30
                assert answer.headers["Cache-Control"] == "no-store"
                assert answer.content_type == "application/problem+json"
                said = json.loads(await answer.read())
                assert (said["code"], said["status"]) == ("overloaded", 503)
    assert prepared == [503, 503]
