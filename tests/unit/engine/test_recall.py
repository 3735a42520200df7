"""What comes while the journal is read for others: nothing is decided that was not looked up."""

import threading
from typing import Any

import pytest

from irpd.engine.ports import JournalFull, JournalUnavailable
from irpd.model import command as c
from irpd.model.incident import State


class Reading:
    """The journal's reads of a ``name`` wait; ``begun`` is set once one does."""

    def __init__(self, bench: Any, name: str, patch: pytest.MonkeyPatch) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self._real = getattr(bench.journal, name)
        patch.setattr(bench.journal, name, self._wait)

    def _wait(self, *about: Any) -> Any:
        self.begun.set()
        assert self.go.wait(10)
        return self._real(*about)


async def closed(bench: Any, *keys: str) -> None:
    """Issues that somebody said to ignore; their incidents have left memory."""
    for number, issue in enumerate(keys, start=1):
        key = f"issue:{issue}"
        await bench.receive((key, "firing"), source="sentry")
        await bench.receive((key, "muted"), source="sentry")
        await bench.engine.submit(c.Resolve(incident=number, by="chi"))
    await bench.forward(3600)
    assert bench.engine.state.incidents == {}


async def test_an_event_of_an_ignored_issue_that_comes_while_another_is_looked_up_opens_nothing(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await closed(bench, "i", "j")
    reading = Reading(bench, "issue", monkeypatch)
    first = bench.later(("issue:i", "firing"), source="sentry", occurrence=True)
    await bench.until(reading.begun.is_set)
    second = bench.later(("issue:j", "firing"), source="sentry", occurrence=True)
    await bench.until(lambda: bench.engine.waiting == 2)
    reading.go.set()
    assert (await first).incidents == (1,)
    assert (await second).incidents == (2,)
    assert bench.journal.incident(3) is None


async def test_a_command_about_what_left_memory_that_comes_meanwhile_is_carried_out(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await closed(bench, "i", "j")
    reading = Reading(bench, "incident", monkeypatch)
    first = bench.submit(c.Reopen(incident=1, by="asha", because="not over"))
    await bench.until(reading.begun.is_set)
    second = bench.submit(c.Reopen(incident=2, by="asha", because="not over"))
    await bench.until(lambda: bench.engine.waiting == 2)
    reading.go.set()
    await first
    await second
    assert [bench.engine.state.incidents[n].state for n in (1, 2)] == [State.OPEN] * 2


async def test_receipts_that_wait_on_a_full_disk_are_decided_though_room_comes_amid_a_look_up(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await closed(bench, "i")
    monkeypatch.setattr("irpd.engine.engine.STORE_ONLY_ABOVE", 0)
    commit, errors = bench.journal.commit, [None, JournalFull("no space"), JournalUnavailable("I/O error")]

    def fails(batch: Any) -> int:
        if errors and (error := errors.pop(0)) is not None:
            bench.journal.fail(error)
        return int(commit(batch))

    monkeypatch.setattr(bench.journal, "commit", fails)
    bench.journal.reserve = False
    assert (await bench.receive(("x", "firing"))).incidents is None
    await bench.until(lambda: bench.engine.full)
    with pytest.raises(JournalUnavailable):
        await bench.engine.submit(c.Note(incident=1, by="asha", text="x"))
    reading = Reading(bench, "incident", monkeypatch)
    noted = bench.submit(c.Note(incident=1, by="asha", text="x"))
    await bench.until(reading.begun.is_set)
    assert bench.engine.full
    bench.engine.full = False
    reading.go.set()
    await noted
    await bench.idle()
    assert [member.key for member in bench.engine.state.members.values()] == ["am/x"]
