"""Words before shifts where something is in the way: a full disk, a schedule that can't be read."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from harness.house import CONFIG, TUESDAY, House, changed

from irpd.comms.story import Subject
from irpd.comms.texts import render
from irpd.daemon.shifts import EVERY, Shifts
from irpd.engine.ports import JournalFull
from irpd.engine.state import State
from irpd.model import command as c
from irpd.model.page import PageKind
from irpd.protocol.policy import Policy

HANDOVER = TUESDAY + timedelta(days=6)
_SCHEDULE = "  first-responder:\n    time_zone: Europe/Berlin\n"


def with_notice(**more: tuple[str, str]) -> Policy:
    return changed(notice=(_SCHEDULE, f"{_SCHEDULE}    notice: 1h\n"), **more)


class Daemon:
    """The real protocol behind an engine that can be told to fail."""

    def __init__(self, policy: Policy) -> None:
        self.house = House(policy, at=HANDOVER - timedelta(minutes=30))
        self.failing: Exception | None = None
        self.policy, self.state = self.house.policy, State(self.house.rows)
        self.shifts = Shifts(cast(Any, self), cast(Any, SimpleNamespace(now=lambda: self.house.now)))

    async def submit(self, command: c.Command) -> object:
        if self.failing is not None:
            raise self.failing
        return self.house.do(command)

    @property
    def told(self) -> list[str]:
        return [page.person for page in self.house.rows.pages.values() if page.kind is PageKind.SHIFT]


async def test_while_the_disk_is_full_it_is_asked_again_and_told_once_there_is_room() -> None:
    daemon = Daemon(with_notice())
    daemon.failing = JournalFull("no space left")
    for _ in range(3):
        await daemon.shifts.look()
        daemon.house.now += timedelta(seconds=EVERY)
    assert daemon.told == []
    daemon.failing = None
    await daemon.shifts.look()
    await daemon.shifts.look()
    assert daemon.told == ["ben"]


async def test_one_schedule_that_can_not_be_read_keeps_nobody_of_the_others_from_hearing() -> None:
    zone, layers = "empty:\n    time_zone: Europe/Berlin\n", "    layers: [{rotate: weekly, handoff: "
    broken = (f'{zone}{layers}"Mon 09:00"', f'{zone}    notice: 1h\n{layers}"Mun 09:00"')
    assert broken[0] in CONFIG
    daemon = Daemon(with_notice(broken=broken))
    await daemon.shifts.look()
    assert daemon.told == ["ben"]


@pytest.mark.parametrize("kind", ["smtp", "slack", "twilio", "ntfy", "telegram", "mattermost", "teams"])
async def test_a_hostile_title_stays_one_line_of_plain_text(kind: str) -> None:
    daemon = Daemon(with_notice())
    house = daemon.house
    title = "<!channel> *x* \x1b[31m\nBcc: all@example.com\r\n\u202e" + "y" * 5000
    house.do(c.Open(by="emil", title=title, service="checkout", level=1))
    await daemon.shifts.look()
    (page,) = [page for page in house.rows.pages.values() if page.kind is PageKind.SHIFT]
    subject = Subject(
        page=page, incident=None, members=(), configuration=house.policy.configuration, now=house.now,
        link="", cant_link="",
    )  # fmt: skip
    rendered = render(kind, subject)
    assert rendered.error == ""
    said = f"{rendered.subject}\n{rendered.text}"
    for harm in ("\x1b", "\r", "\u202e", "\nBcc"):
        assert harm not in said
    if kind == "slack":  # elsewhere it means nothing
        assert "<!channel>" not in f"{rendered.text} {rendered.fields}"
    assert len(said) < 2000
