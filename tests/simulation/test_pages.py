"""Pages over providers that fail: each arrives in time, and twice only for a reason."""

from unittest import mock

import pytest

from irpd.outbox.sender import Sender
from simulation import pages
from simulation.pages import Report, World, quiet

pytestmark = pytest.mark.timeout(120)


def played(*, seed: int, count: int) -> Report:
    with quiet():
        report = World(pages=count, seed=seed).run()
    print(f"seed {seed}: {report}")
    return report


def test_each_page_reaches_its_person_in_time_and_twice_only_after_a_lost_answer_or_a_death() -> None:
    report = played(seed=1, count=1000)
    assert not report.broken, report
    assert len(report.reached_after) == 1000
    assert report.again_lost, "lost answers are met"
    assert report.deaths, "irpd dies"


def test_providers_that_take_nothing_are_found_out() -> None:
    with mock.patch.object(pages, "FAILS", 1.0):
        report = played(seed=3, count=20)
    assert any("reached nobody" in one for one in report.broken), report


def test_a_message_that_is_sent_twice_for_no_reason_is_found() -> None:
    once = Sender._hand_over

    async def twice(self: Sender, *arguments: object) -> object:
        await once(self, *arguments)  # type: ignore[arg-type]
        return await once(self, *arguments)  # type: ignore[arg-type]

    with mock.patch.object(Sender, "_hand_over", twice):
        report = played(seed=3, count=50)
    assert any("times" in one for one in report.broken), report
