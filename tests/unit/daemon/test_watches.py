"""What the daemon notices of itself: nothing delivered, files it could not look at, accepts that fail."""

import asyncio
import errno
from pathlib import Path
from typing import Any

import pytest
import structlog

from irpd.daemon.watch import FileWatch
from irpd.daemon.watch_delivery import DeliveryWatch
from irpd.daemon.watch_descriptors import Accepts


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_attempts_in_vain_are_told_after_a_while_and_no_longer_once_one_is_taken() -> None:
    hand = Hand()
    watch = DeliveryWatch(hand, silent_after=300)
    watch.sent("mail", "failed")
    hand.now += 299
    watch.sent("slack", "transient")
    assert watch.problem == ""
    hand.now += 1
    assert "mail 1, slack 1" in watch.problem
    watch.sent("sms", "delivered")
    assert watch.problem == ""
    hand.now += 1000
    assert watch.problem == "", "nothing was due"


def test_one_channel_that_works_is_enough_and_what_was_not_attempted_says_nothing() -> None:
    hand = Hand()
    watch = DeliveryWatch(hand, silent_after=300)
    for _ in range(100):
        hand.now += 60
        watch.sent("mail", "failed")
        watch.sent("local", "delivered")
        watch.sent("slack", "obsolete")
        watch.sent("slack", "expired")
        assert watch.problem == ""


def test_each_change_is_one_line_in_the_log() -> None:
    hand = Hand()
    watch = DeliveryWatch(hand, silent_after=300)
    with structlog.testing.capture_logs() as lines:
        watch.sent("mail", "failed")
        for _ in range(700):
            hand.now += 1
            watch.look()
        watch.sent("mail", "delivered")
        watch.look()
        watch.look()
    assert [line["event"] for line in lines] == ["nothing-delivered", "delivered-again"]


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_files_that_nobody_could_look_at_have_not_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    (tmp_path / "irpd.yaml").write_text("version: 1\n")
    watch = FileWatch(lambda: [tmp_path])

    def exhausted(_folder: Path) -> Any:
        raise OSError(number, "none left")

    with monkeypatch.context() as broken:
        broken.setattr(Path, "iterdir", exhausted)
        assert not any(watch.changed() for _ in range(5))
    assert not any(watch.changed() for _ in range(5))
    (tmp_path / "irpd.yaml").write_text("version: 2 \n")
    assert [watch.changed() for _ in range(2)] == [False, True]


def test_a_thousand_accepts_that_fail_are_two_lines_with_their_count() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        now = Hand()
        handler = Accepts(now)
        for _ in range(1000):
            handler(loop, {"socket": object(), "exception": OSError(errno.EMFILE, "none left")})
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for _ in range(500):
            handler(loop, {"socket": object(), "exception": OSError(errno.EMFILE, "none left")})
        await asyncio.sleep(0)
        assert [line.get("attempts") for line in lines] == [1000], "the second waits for its time"

    with structlog.testing.capture_logs() as lines:
        asyncio.run(main())
    assert {line["event"] for line in lines} == {"connections.not-taken"}


def test_what_is_no_exhausted_accept_is_left_to_asyncio(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        Accepts(loop.time)(loop, {"message": "a defect", "exception": ValueError("it raised")})

    asyncio.run(main())
    assert "it raised" in caplog.text
