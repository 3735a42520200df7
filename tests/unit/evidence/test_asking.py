"""One question over HTTP: bounded, secret only where it belongs, and not asked of who doesn't answer."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from harness import free_port

from irpd.config.auth import ApiAuth
from irpd.config.secret import Secret
from irpd.evidence.ask import FIRST, LONGEST, TRIES, Breaker, Http, NoAnswer, Refused, Resting
from irpd.evidence.prometheus import number

Server = Any


class Seconds:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def http(session: aiohttp.ClientSession, server: Server, **more: Any) -> Http:
    settings = {"auth": None, "timeout": 5.0, "now": Seconds(), **more}
    return Http(session, server.url, **settings)


async def test_the_answer_is_plain_values(session: aiohttp.ClientSession, server: Server) -> None:
    server.answers["/x"] = {"a": [1, None]}
    assert await http(session, server).get("/x", {"q": "1"}) == {"a": [1, None]}
    assert server.asked == [("/x", {"q": "1"})]


@pytest.mark.parametrize(
    "answer, said",
    [
        (500, "HTTP 500: no"),
        (401, "HTTP 401: no"),
        ("<html>", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("x" * 2_000_000, "larger than 1024 KiB"),
    ],
)
async def test_what_is_no_answer_says_why(
    session: aiohttp.ClientSession, server: Server, answer: Any, said: str
) -> None:
    server.answers["/x"] = answer
    one = http(session, server)
    with pytest.raises(NoAnswer, match=said):
        await one.get("/x")
    assert said in one.breaker.problem


async def test_who_hangs_is_waited_for_no_longer_than_the_timeout(
    session: aiohttp.ClientSession, server: Server
) -> None:
    server.answers["/x"] = "hang"
    with pytest.raises(NoAnswer, match=r"no answer within 0\.05 s"):
        await http(session, server, timeout=0.05).get("/x")


async def test_nobody_there_is_no_answer(session: aiohttp.ClientSession) -> None:
    one = Http(session, f"http://127.0.0.1:{free_port()}", auth=None, timeout=5.0, now=Seconds())
    with pytest.raises(NoAnswer, match=r"refused|Connect"):
        await one.get("/x")


async def test_a_secret_is_sent_and_never_said(
    session: aiohttp.ClientSession, server: Server, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("hunter2\n")
    secret = Secret(file=str(tmp_path / "token"))
    server.answers["/x"] = 403
    for auth, sent in (
        (ApiAuth(bearer=secret), "Bearer hunter2"),
        (ApiAuth(basic={"me": secret}), "Basic bWU6aHVudGVyMg=="),
    ):
        with pytest.raises(NoAnswer) as error:
            await http(session, server, auth=auth).get("/x")
        assert server.headers[-1]["Authorization"] == sent
        assert "hunter2" not in str(error.value)


async def test_a_secret_that_cannot_be_had_is_said_when_it_is_built(session: aiohttp.ClientSession) -> None:
    with pytest.raises(LookupError, match="NOT_THERE is not set"):
        Http(
            session, "http://127.0.0.1:1", auth=ApiAuth(bearer=Secret(env="NOT_THERE")), timeout=1,
            now=Seconds(),
        )  # fmt: skip


async def test_a_redirect_is_not_followed(session: aiohttp.ClientSession, server: Server) -> None:
    server.answers["/x"] = "elsewhere"
    server.answers["/elsewhere"] = {}
    with pytest.raises(Refused, match="HTTP 302"):
        await http(session, server).get("/x")
    assert [path for path, _ in server.asked] == ["/x"]


async def test_who_did_not_answer_rests_and_one_question_then_decides(
    session: aiohttp.ClientSession, server: Server
) -> None:
    now = Seconds()
    one = http(session, server, now=now)
    server.answers["/x"] = 503
    for _ in range(TRIES):
        with pytest.raises(Refused):
            await one.get("/x")
    with pytest.raises(Resting, match="HTTP 503"):
        await one.get("/x")
    assert len(server.asked) == TRIES
    now.now += FIRST
    server.answers["/x"] = {}
    assert await one.get("/x") == {}
    assert one.breaker.problem == ""


async def test_a_question_that_was_wrong_says_nothing_of_the_server(
    session: aiohttp.ClientSession, server: Server
) -> None:
    server.answers["/x"] = 400
    one = http(session, server)
    for _ in range(TRIES + 2):
        with pytest.raises(Refused, match="HTTP 400"):
            await one.get("/x")
    assert one.breaker.problem == ""


def test_it_rests_longer_each_time_and_never_longer_than_a_minute() -> None:
    now = Seconds()
    breaker = Breaker(now)
    rests = []
    for _ in range(TRIES + 12):
        breaker.failed("x")
        rests.append(breaker.rests_for)
        now.now += breaker.rests_for
    assert rests[: TRIES + 2] == [0.0] * (TRIES - 1) + [FIRST, 2 * FIRST, 4 * FIRST]
    assert max(rests) == LONGEST
    breaker.answered()
    assert not breaker.rests


async def test_while_one_question_tries_again_no_other_does(
    session: aiohttp.ClientSession, server: Server, wait_until: Any
) -> None:
    now = Seconds()
    one = http(session, server, now=now)
    for _ in range(TRIES):
        one.breaker.failed("x")
    now.now += LONGEST
    server.answers["/x"] = "hang"
    trying = asyncio.create_task(one.get("/x"))
    await wait_until(lambda: server.asked)
    with pytest.raises(Resting):
        await one.get("/x")
    server.answers["/x"] = {}
    server.hangs.set()
    assert await trying == {}
    assert not one.breaker.rests


# ------------------------------------------------------------------ Prometheus
def vector(*values: str) -> dict[str, Any]:
    result = [{"metric": {}, "value": [1.0, value]} for value in values]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


@pytest.mark.parametrize(
    "answer, value",
    [
        (vector("900"), 900),
        (vector("899.6"), 900),
        (vector("1e3"), 1000),
        (vector("-3"), 0),
        ({"status": "success", "data": {"resultType": "scalar", "result": [1.0, "7"]}}, 7),
        (vector(), None),
        (vector("NaN"), None),
        (vector("+Inf"), None),
    ],
)
async def test_a_query_is_answered_by_one_number_or_by_none(
    session: aiohttp.ClientSession, server: Server, answer: Any, value: int | None
) -> None:
    server.answers["/api/v1/query"] = answer
    assert await number(http(session, server), "sum(x)", within=2.0) == value
    assert server.asked == [("/api/v1/query", {"query": "sum(x)", "timeout": "2s"})]


@pytest.mark.parametrize(
    "answer, said",
    [
        (vector("1", "2"), "2 series, not one number; sum"),
        (vector("x"), "a number was expected"),
        (vector("1e300"), "no number of users"),
        ({"status": "success", "data": {"resultType": "matrix", "result": []}}, "gives a matrix"),
        ({"status": "success", "data": {"resultType": "scalar", "result": 3}}, "a number was expected"),
        ({"status": "error"}, "not the answer of a Prometheus"),
        ([1], "not the answer of a Prometheus"),
        ({"status": "success", "data": {"resultType": "vector", "result": [{}]}}, "a number was expected"),
    ],
)
async def test_what_is_not_one_number_is_no_answer_and_says_why(
    session: aiohttp.ClientSession, server: Server, answer: Any, said: str
) -> None:
    server.answers["/api/v1/query"] = answer
    with pytest.raises(NoAnswer, match=said):
        await number(http(session, server), "sum(x)", within=2.0)
