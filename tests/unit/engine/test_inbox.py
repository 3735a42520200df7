"""Waiting a moment for as many as the last batch had."""

import asyncio
from datetime import UTC, datetime

import pytest

from irpd.engine import inbox as room
from irpd.engine.inbox import Inbox, Incoming, Item
from irpd.model import command as c

NOW = datetime(2026, 3, 3, 10, tzinfo=UTC)


def report() -> Item:
    return Item(what=Incoming(source="a", body=b"{}", headers={}, group="", signals=(), first_byte_at=NOW))


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what comes ends the waiting, not the time."""
    monkeypatch.setattr(room, "GATHER", 3600.0)


@pytest.mark.usefixtures("patient")
async def test_a_batch_goes_on_once_as_many_are_there_as_last_time() -> None:
    inbox = Inbox()
    inbox.put(report())
    waiting = asyncio.create_task(inbox.gather(3))
    await asyncio.sleep(0)
    inbox.put(report())
    await asyncio.sleep(0)
    assert not waiting.done()
    inbox.put(report())
    await asyncio.wait_for(waiting, 30)
    assert len(inbox) == 3


@pytest.mark.usefixtures("patient")
async def test_an_urgent_command_ends_the_waiting_and_begins_none() -> None:
    inbox = Inbox()
    inbox.put(report())
    waiting = asyncio.create_task(inbox.gather(9))
    await asyncio.sleep(0)
    inbox.put(Item(what=c.Acknowledge(incident=1, by="asha")))
    await asyncio.wait_for(waiting, 30)
    await asyncio.wait_for(inbox.gather(9), 30)


@pytest.mark.usefixtures("patient")
async def test_nobody_waits_for_more_than_the_last_batch_had_or_with_nothing_there() -> None:
    inbox = Inbox()
    await asyncio.wait_for(inbox.gather(4), 30)
    inbox.put(report())
    await asyncio.wait_for(inbox.gather(1), 30)
    await asyncio.wait_for(inbox.gather(0), 30)


async def test_senders_that_do_not_come_again_are_not_waited_for_long() -> None:
    inbox = Inbox()
    inbox.put(report())
    await asyncio.wait_for(inbox.gather(50), 30)
    assert (len(inbox), inbox.enough) == (1, 1)
    inbox.wakeup.clear()
    inbox.put(report())
    assert inbox.wakeup.is_set()
