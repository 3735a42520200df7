"""What is told of bad files, also when nothing can be recorded just then."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, cast

import pytest
from harness.house import TUESDAY, policy_of

from irpd import __version__
from irpd.config.problem import Problem
from irpd.daemon.options import Options
from irpd.daemon.reload import Reloading
from irpd.engine.engine import Engine
from irpd.engine.ports import JournalFull, Normalised
from irpd.journal.memory import MemoryJournal
from irpd.model import command as c
from irpd.model import event as e
from irpd.web.metrics import Metrics

FULL = JournalFull("no space left")
BAD = (Problem(file="irpd.yaml", message="there is no person 'cih'"),)
WORSE = (*BAD, Problem(file="irpd.yaml", message="there is no channel 'pgaer'"))


class Still:
    def now(self) -> datetime:
        return TUESDAY

    def boot(self) -> float:
        return 1000.0


class Telling:
    """The reloading of a daemon whose journal can be made to fail."""

    def __init__(self) -> None:
        self.journal = MemoryJournal()
        self.engine = Engine(
            self.journal, Still(), policy_of(), normalise=lambda _: Normalised(signals=(), accepted=0)
        )
        self.said: list[e.AnyEvent] = []
        self.engine.on_commit(lambda facts, _: self.said.extend(fact.event for fact in facts))
        nothing = cast(Any, None)
        self.reloading = Reloading(
            Options(config=()), (), engine=self.engine, journal=nothing, outbox=nothing, channels=nothing,
            sources=nothing, asking=nothing, metrics=Metrics(__version__), clock=Still(),
            alive=nothing,
            heartbeats=nothing,
        )  # fmt: skip

    def refusals(self) -> list[tuple[str, ...]]:
        return [event.problems for event in self.said if isinstance(event, e.ConfigRefused)]

    async def until_told(self, kind: type[e.AnyEvent]) -> None:
        """As the daemon does each ten seconds, until the engine has found that there is room again."""
        async with asyncio.timeout(30):
            while not any(isinstance(event, kind) for event in self.said):
                await self.reloading.tell_again()
                await asyncio.sleep(0.01)


@pytest.fixture
async def telling() -> AsyncIterator[Telling]:
    one = Telling()
    one.journal.open()
    await one.engine.start()
    yield one
    await one.engine.stop()


async def test_a_refusal_that_could_not_be_recorded_is_told_once_the_journal_can_be_written(
    telling: Telling,
) -> None:
    telling.journal.fail(FULL, times=20)
    await telling.reloading.refuse(BAD)
    await telling.reloading.tell_again()
    assert telling.refusals() == []
    telling.journal.recover()
    await telling.until_told(e.ConfigRefused)
    await telling.reloading.tell_again()
    await telling.reloading.refuse(BAD)
    assert telling.refusals() == [tuple(map(str, BAD))]
    assert any(incident.state.active for incident in telling.engine.state.incidents.values())


async def test_errors_are_told_before_warnings(telling: Telling) -> None:
    warning = Problem(file="irpd.yaml", message="it is never paged", severity="warning")
    await telling.reloading.refuse((warning, *BAD))
    assert telling.refusals() == [(str(BAD[0]), str(warning))]


async def test_of_several_refusals_that_could_not_be_recorded_the_newest_is_told(telling: Telling) -> None:
    telling.journal.fail(FULL, times=20)
    await telling.reloading.refuse(BAD)
    await telling.reloading.refuse(WORSE)
    telling.journal.recover()
    await telling.until_told(e.ConfigRefused)
    assert telling.refusals() == [tuple(map(str, WORSE))]


async def test_what_could_not_be_recorded_of_other_things_is_told_as_well(telling: Telling) -> None:
    telling.journal.fail(FULL, times=20)
    await telling.reloading.refuse(BAD)
    await telling.reloading.tell(c.RecordJump(seconds=9.0), about="jump")
    telling.journal.recover()
    await telling.until_told(e.ClockJumped)
    assert e.ClockJumped(seconds=9.0) in telling.said
    assert len(telling.refusals()) == 1


async def test_files_that_are_refused_again_are_told_if_they_could_not_be_before(telling: Telling) -> None:
    telling.journal.fail(FULL, times=20)
    await telling.reloading.refuse(BAD)
    telling.journal.recover()
    async with asyncio.timeout(30):
        while telling.engine.full:  # noqa: ASYNC110 - the engine's own look is waited for
            await asyncio.sleep(0.01)
    await telling.reloading.refuse(BAD)
    await telling.reloading.refuse(BAD)
    assert len(telling.refusals()) == 1
