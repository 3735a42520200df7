"""Fixtures of the acceptance tests; what they are made of is in ``harness``."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from harness import Alertmanager, Irpd, Mailbox
from harness.peers import Silent, Supervisor


@pytest.fixture
def irpd(tmp_path: Path) -> Iterator[Irpd]:
    """Whatever a test does to it, at its end nothing that was accepted may be missing."""
    one = Irpd(tmp_path)
    yield one
    if one.process is not None and one.process.poll() is None:
        one.process.terminate()
        try:
            one.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            one.kill()
            pytest.fail("irpd did not stop within 20 s of SIGTERM")
    one.kept()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    yield box
    controller.stop()


@pytest.fixture
def alertmanager(irpd: Irpd, tmp_path: Path) -> Iterator[Callable[..., Alertmanager]]:
    started: list[Alertmanager] = []

    def start(**more: str) -> Alertmanager:
        url = f"http://127.0.0.1:{irpd.port}/webhook/alertmanager"
        one = Alertmanager(tmp_path, url, name=f"am{len(started)}", **more)
        started.append(one)  # before it runs: one that never gets ready is stopped, too
        return one.start()

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    one = Supervisor(tmp_path)
    yield one
    one.close()


@pytest.fixture
def silent() -> Iterator[Silent]:
    one = Silent()
    yield one
    one.close()
