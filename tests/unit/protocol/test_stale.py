"""An acknowledgement grown stale: who has it is warned once, then the path goes on."""

import pytest
from harness.house import NIGHT, TUESDAY, House, alert, changed

from irpd.model import command as c
from irpd.model import event as e
from irpd.model.incident import State

_LEVELS = ("levels:\n", "levels:\n  critical: {stale_after: 0s}\n  high: {stale_after: 1h}\n")


def acknowledged(level: int = 2, *, night: bool = False) -> House:
    """asha has it since five minutes after it opened (the time it is now)."""
    medium = ("medium: {", "medium: {stale_after: 2h, ")
    house = House(changed(high=_LEVELS, medium=medium), at=NIGHT if night else TUESDAY)
    house.report(alert("a", want=level))
    house.forward("4m")
    house.ack("asha")
    return house


def test_the_holder_is_warned_once_and_then_the_path_goes_on() -> None:
    house = acknowledged()
    house.forward("59m")
    assert house.people(since="4m") == []
    house.forward("1m")
    assert house.people(since="4m") == ["64m asha"]
    assert house.incident().state is State.ACKNOWLEDGED
    house.forward("15m")
    assert house.incident().state is State.OPEN
    assert house.people(since="65m") == ["79m chi"]
    assert house.run().fired == 2


def test_why_is_recorded_and_said() -> None:
    house = acknowledged()
    house.forward("75m")
    (stale,) = house.of_type(e.AcknowledgementStale)
    (lapsed,) = house.of_type(e.AcknowledgementLapsed)
    assert stale.because == "nothing was done about it for 1h"
    assert lapsed.because == "nothing was done about it for 1h, and nothing after a warning"
    warning = next(page for page in house.rows.pages.values() if page.reason == "stale")
    assert "I have it once more" in warning.text
    assert "15m" in warning.text


def test_a_note_before_the_warning_puts_it_off() -> None:
    house = acknowledged()
    house.forward("50m")
    house.do(c.Note(incident=1, by="ben", text="rolling back"))
    house.forward("59m")
    assert house.people(since="5m") == []
    house.forward("1m")
    assert house.people(since="5m") == ["114m asha"]


@pytest.mark.parametrize(
    "act",
    [
        c.Note(incident=1, by="asha", text="still at it"),
        c.Acknowledge(incident=1, by="asha"),
        c.Acknowledge(incident=1, by="ben"),
        c.SetLevel(incident=1, by="asha", level=2, because="I looked"),
    ],
)
def test_an_act_after_the_warning_rearms_it(act: c.Command) -> None:
    house = acknowledged()
    house.forward("65m")
    house.do(act)
    house.forward("59m")
    assert house.incident().state is State.ACKNOWLEDGED
    house.forward("1m")
    assert len(house.of_type(e.AcknowledgementStale)) == 2


def test_what_senders_report_is_no_sign_of_work() -> None:
    house = acknowledged()
    house.forward("50m")
    house.report(alert("a", title="still failing"))
    house.forward("25m")
    assert house.incident().state is State.OPEN


def test_a_level_without_it_never_grows_stale() -> None:
    house = acknowledged()
    house.set_level(1)  # 0s there
    house.ack("asha")
    house.forward("3d")
    assert house.incident().state is State.ACKNOWLEDGED


def test_a_level_that_pages_in_working_hours_warns_and_goes_on_in_them() -> None:
    house = acknowledged(3)  # 09:04
    for _ in range(8):  # until 17:04
        house.forward("1h")
        house.do(c.Note(incident=1, by="asha", text="at it"))
    house.forward("15h")  # 08:04: it is stale since 19:04, and nobody was woken
    assert house.people() == ["0m asha"]
    house.forward("1h")
    assert house.people() == ["0m asha", "1440m asha"]  # 09:00
    assert house.incident().state is State.ACKNOWLEDGED
    house.forward("15m")
    assert house.incident().state is State.OPEN


def test_a_restart_in_between_loses_neither_the_warning_nor_the_resumption() -> None:
    house = acknowledged()
    house.sleep("2h")
    house.forward("0m")
    assert house.people(since="5m") == ["124m asha"]
    house.forward("15m")
    assert house.people(since="125m") == ["139m chi"]


def test_each_who_has_it_is_warned() -> None:
    house = acknowledged()
    house.ack("ben")
    house.forward("60m")
    assert house.people(since="5m") == ["64m asha", "64m ben"]
