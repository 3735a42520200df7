"""Who asks Prometheus, and when: at once, again, once for many, and never in anybody's way."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from irpd.evidence import Asker
from irpd.model import command as c
from irpd.model import event as e

COUNTED = "    users: {count: 1000}\n    signals: [{labels: {service: checkout}}]"
QUERIED = COUNTED.replace("\n", "\n    affected: {promql: sum(errors), every: 10s}\n")


@pytest.fixture
def asked(company: Any, session: aiohttp.ClientSession, server: Any) -> Callable[..., Any]:
    """The company with a Prometheus, and somebody asking it."""

    @asynccontextmanager
    async def start(*changes: tuple[str, str]) -> AsyncIterator[Any]:
        one = await company(
            ("channels:\n", f"prometheus: {{main: {{url: '{server.url}', timeout: 1s}}}}\nchannels:\n"),
            (COUNTED, QUERIED),
            *changes,
        )
        one.asker = Asker(one.engine, one.clock, session, one.counted)
        one.asker.use(one.configuration)
        task = asyncio.create_task(one.asker.run())
        yield one
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    return start


async def test_it_asks_when_an_incident_opens_and_again_while_it_is_open(
    asked: Any, server: Any, wait_until: Any
) -> None:
    server.number(300)
    async with asked() as one:
        assert server.asked == []  # nothing is open
        number = await one.report("A", want="4")
        await wait_until(lambda: one.engine.state.incidents[number].share.affected == 300)
        assert one.engine.state.incidents[number].level == 3
        server.number(900)
        one.clock.forward(10)
        one.asker.use(one.configuration)  # wakes it, as any news does
        await wait_until(lambda: one.engine.state.incidents[number].level == 1)
        assert one.counted.lines == ["main answered"] * 2


async def test_one_question_serves_all_open_incidents_of_a_service_and_those_that_open_later(
    asked: Any, server: Any, wait_until: Any
) -> None:
    server.number(300)
    async with asked() as one:
        numbers = [await one.report(f"A{n}", want="4") for n in range(5)]
        await wait_until(
            lambda: all(one.engine.state.incidents[n].share.affected == 300 for n in numbers), "all told"
        )
        told: list[tuple[int, ...]] = []
        submit = one.engine.submit

        async def recorded(command: Any) -> object:
            if isinstance(command, c.TakeAnswer):
                told.append(command.incidents)
            return await submit(command)

        one.engine.submit = recorded
        later = await one.report("B", want="4")
        await wait_until(lambda: one.engine.state.incidents[later].share.affected == 300)
        assert len(server.asked) == 1
        assert told == [(later,)]  # the others know


async def test_services_that_ask_the_same_share_the_question(
    asked: Any, server: Any, wait_until: Any
) -> None:
    server.answers["/api/v1/query"] = "hang"
    old = "    users: {count: 1000}\n    signals: [{labels: {service: login}}]"
    new = old.replace("\n", "\n    affected: {promql: sum(errors), every: 10s}\n")
    async with asked((old, new)) as one:
        first = await one.report("A", want="4")
        second = await one.report("B", service="login", want="4")
        rounds = {"ask checkout", "ask login"}
        await wait_until(lambda: rounds <= {task.get_name() for task in asyncio.all_tasks()})
        await wait_until(lambda: server.asked)
        server.number(300)
        server.hangs.set()
        for number in (first, second):
            await wait_until(lambda: one.engine.state.incidents[number].share.affected == 300)  # noqa: B023
        assert len(server.asked) == 1


async def test_a_server_that_hangs_holds_up_no_report_and_is_named(
    asked: Any, server: Any, wait_until: Any
) -> None:
    server.answers["/api/v1/query"] = "hang"
    async with asked() as one:
        async with asyncio.timeout(0.9):  # less than its timeout
            number = await one.report("A", want="2")
        await wait_until(lambda: one.asker.problems)
        assert one.asker.problems == {"main": "no answer within 1 s"}
        assert not one.engine.state.incidents[number].share.known
        assert not [event for event in one.events(number) if isinstance(event, e.UsersAnswered)]
        assert one.counted.lines == ["main failed"]


async def test_a_wrong_query_is_named_and_other_services_are_asked_for(
    asked: Any, server: Any, wait_until: Any
) -> None:
    server.number(300)
    good = server.answers["/api/v1/query"]
    server.answers["/api/v1/query"] = lambda said: 400 if "wrong" in said["query"] else good
    old = "    users: {count: 1000}\n    signals: [{labels: {service: login}}]"
    new = old.replace("\n", "\n    affected: {promql: wrong(, every: 10s}\n")
    async with asked((old, new)) as one:
        await one.report("B", service="login", want="4")
        number = await one.report("A", want="4")
        await wait_until(lambda: one.engine.state.incidents[number].share.affected == 300)
        await wait_until(lambda: one.asker.problems)
        assert one.asker.problems == {"main": "HTTP 400: no"}


async def test_what_is_over_is_asked_about_no_more(asked: Any, server: Any, wait_until: Any) -> None:
    server.number(300)
    async with asked() as one:
        number = await one.report("A", want="4")
        await wait_until(lambda: one.engine.state.incidents[number].share.affected == 300)
        await one.engine.submit(c.Resolve(incident=number, by="asha"))
        one.clock.forward(60)
        one.asker.use(one.configuration)
        later = await one.report("B", want="4")
        await wait_until(lambda: one.engine.state.incidents[later].share.affected == 300)
        assert len(server.asked) == 2  # for the later one alone
        assert len([event for event in one.events(number) if isinstance(event, e.UsersAnswered)]) == 1


async def test_a_secret_that_is_missing_is_a_problem_and_nothing_is_asked(
    asked: Any, server: Any, wait_until: Any
) -> None:
    async with asked(("timeout: 1s}}", "timeout: 1s, auth: {bearer: {env: NOT_THERE}}}}")) as one:
        await one.report("A", want="4")
        assert one.asker.problems == {"main": "environment variable NOT_THERE is not set"}
        assert server.asked == []
