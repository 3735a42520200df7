"""Pages about no incident (tests, words before a shift): the newest stay in memory, also over a start."""

import pytest
from harness.house import House
from msgspec.structs import replace

from irpd.journal.projection import newest_outside
from irpd.model import command as c
from irpd.model.page import SendState
from irpd.protocol import rows as rows_room
from irpd.protocol.rows import Rows


def test_the_newest_are_named_by_the_counter_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("irpd.journal.projection.OUTSIDE_KEPT", 3)
    assert newest_outside({}) == []
    assert newest_outside({"page": 2}) == ["0-1", "0-2"]
    assert newest_outside({"page": 10}) == ["0-8", "0-9", "0-10"]


def test_old_ones_leave_memory_once_nothing_of_them_is_to_be_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_room, "OUTSIDE_KEPT", 2)
    house = House()
    for _ in range(4):
        house.do(c.TestPage(person="asha", by="ben"))
    rows: Rows = house.rows
    (done, *_) = rows.pages["0-1"].sends
    waiting = replace(done, state=SendState.PENDING)
    rows.pages["0-1"] = replace(rows.pages["0-1"], sends=(waiting,))
    rows.pages["0-2"] = replace(rows.pages["0-2"], sends=(waiting,), live=False)
    rows.let_go_outside()
    assert [id for id in rows.pages if id.startswith("0-")] == ["0-1", "0-3", "0-4"]
