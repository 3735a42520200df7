"""Servers as processes of their own, and what they cost: CPU seconds and resident memory."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")

CONFIG = """\
version: 1
server: {{listen: "127.0.0.1:{port}"}}
{rules}
sources: {{alertmanager: {{type: alertmanager, auth: none}}}}
unmapped: platform
fallback: [asha]
operators: [asha]
services:
  checkout:
    title: Checkout
    paths: {{technical: engineering}}
    users: {{count: 120000}}
    signals: [{{source: alertmanager, labels: {{service: checkout}}}}]
  platform: {{title: Platform, paths: {{technical: engineering}}}}
channels:
  hook: {{type: webhook, url: "{hook}", auth: {{secret: {{env: IRPD_BENCH_SECRET}}}}}}
  local: {{type: file, path: pages.jsonl, terminal: false}}
notify: {{default: [{{after: 0m, via: [{channel}]}}]}}
people: {{asha: {{name: Asha Rao, time_zone: Europe/Berlin}}}}
paths: {{engineering: {{kind: technical, steps: [{{person: asha, wait: 30m}}]}}}}
"""


def configuration(*, port: int, hook: str, channel: str) -> str:
    """One service, one person; the shipped rules where this is a clone."""
    rules = Path(__file__).resolve().parents[2] / "rules"
    line = f"rules: [{rules}/*.yaml]" if rules.is_dir() else ""
    return CONFIG.format(port=port, rules=line, hook=hook, channel=channel)


class Server:
    """A running server and its counters. ``cpu`` is user and system time of all its threads."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process, self.port = process, port
        self.ready_after = 0.0  # seconds from its start

    @property
    def cpu(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    @property
    def resident(self) -> int:
        """Bytes."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * PAGE

    def wait_ready(self, seconds: float = 60.0) -> float:
        """How long it took until it said that it is ready."""
        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}")
            try:
                with urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                    if answer.status == 200:
                        return time.perf_counter() - began
            except (URLError, OSError):
                time.sleep(0.01)
        raise TimeoutError("the server did not become ready")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextlib.contextmanager
def bare() -> Iterator[Server]:
    port = free_port()
    with _running([sys.executable, "-m", "irpd.measure.bare", str(port)], port) as server:
        yield server


@contextlib.contextmanager
def irpd(
    *, state: Path | None = None, hook: str = "http://127.0.0.1:9/", channel: str = "local", wait: float = 60
) -> Iterator[Server]:
    """``irpd serve`` with the shipped rules, a journal on disk and one service."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="irpd-bench-") as folder:
        place = state or Path(folder)
        config = Path(folder) / "irpd.yaml"
        config.write_text(configuration(port=port, hook=hook, channel=channel))
        command = [sys.executable, "-m", "irpd", "serve", "--config", str(config), "--log-level", "warning"]
        environment = {
            **os.environ,
            "STATE_DIRECTORY": str(place),
            "RUNTIME_DIRECTORY": folder,
            "IRPD_BENCH_SECRET": "bench",
        }
        with _running(command, port, environment, wait) as server:
            yield server


@contextlib.contextmanager
def _running(
    command: list[str], port: int, environment: dict[str, str] | None = None, wait: float = 60
) -> Iterator[Server]:
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        server = Server(process, port)
        server.ready_after = server.wait_ready(wait)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
