"""The real daemon, and Chromium as a phone and as a desktop, by day and by night, without scripts."""

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest
from harness import free_port
from harness.chromium import DEADLINE, Browser, chromium, look, show

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Irpd:
    """A running daemon and the pages that it has sent."""

    url: str
    state: Path
    process: subprocess.Popen[str]
    lines: "Queue[str]"

    def post(self, payload: dict[str, Any]) -> list[int]:
        request = urllib.request.Request(
            f"{self.url}/webhook/alertmanager", data=json.dumps(payload).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
            incidents: list[int] = json.load(answer)["incidents"]
        return incidents

    def alert(self, name: str, **changes: Any) -> int:
        """Fire an alert of its own; the incident's number."""
        payload = json.loads((ROOT / "config" / "first-alert.json").read_text())
        alert = payload["alerts"][0]
        alert["labels"] |= {"alertname": name, "environment": name}
        alert["fingerprint"] = f"{abs(hash(name)) % 16**16:016x}"
        alert |= changes
        return self.post(payload)[0]

    def link(self, incident: int, person: str = "asha") -> str:
        """The link in the page to this person; the page may still be on its way."""

        def sent() -> str | None:
            file = self.state / "pages.jsonl"
            whole = file.read_text().rpartition("\n")[0] if file.exists() else ""
            for line in whole.splitlines():
                page = json.loads(line)
                if (page.get("incident") or {}).get("id") == incident and page["person"] == person:
                    return str(page["acknowledge_url"])
            return None

        until = time.monotonic() + DEADLINE
        while (found := sent()) is None:
            assert time.monotonic() < until, f"no page of #{incident} to {person} came"
            with contextlib.suppress(Empty):
                self.lines.get(timeout=0.1)  # each page is announced on the terminal
        return found

    def next_line(self) -> str:
        try:
            return self.lines.get(timeout=DEADLINE)
        except Empty:
            raise AssertionError("the daemon said nothing more") from None

    def command(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "irpd", *arguments, "--socket", str(self.state / "irpd.sock")],
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=True,
        )
        return done.stdout


def configuration(folder: Path) -> Path:
    """The shipped one, but that the tests' incidents, many within minutes, are no storm."""
    (folder / "rules").symlink_to(ROOT / "rules")
    (folder / "config").mkdir()
    lines = (ROOT / "config" / "irpd.yaml").read_text().splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith("storm:")]
    assert len(kept) == len(lines) - 1
    (folder / "config" / "irpd.yaml").write_text("".join(kept))
    return folder / "config"


@pytest.fixture(scope="session")
def irpd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Irpd]:
    state, port = tmp_path_factory.mktemp("state"), free_port()
    options = {
        "--config": configuration(tmp_path_factory.mktemp("shipped")),
        "--listen": f"127.0.0.1:{port}",
        "--state-dir": state,
        "--socket": state / "irpd.sock",
    }
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "irpd",
            "serve",
            "--log-json",
            *(str(o) for pair in options.items() for o in pair),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    lines: Queue[str] = Queue()
    output = process.stdout
    reader = threading.Thread(target=lambda: [lines.put(line) for line in output], daemon=True)
    reader.start()
    running = Irpd(f"http://127.0.0.1:{port}", state, process, lines)
    try:
        while '"ready"' not in running.next_line():
            assert process.poll() is None, "the daemon ended"
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=DEADLINE)
        reader.join(timeout=DEADLINE)
        output.close()


Open = Callable[..., Browser]


@pytest.fixture(scope="session")
def _browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    driver = chromium(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()


@pytest.fixture
def browse(_browser: Browser) -> Open:
    """Open an address as a phone (360 px wide) or a desktop, light or dark."""
    return partial(look, _browser)


@pytest.fixture(scope="session")
def _scripted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    driver = chromium(tmp_path_factory.mktemp("profile"), scripts=True)
    driver.set_script_timeout(DEADLINE)
    yield driver
    driver.quit()


@pytest.fixture
def shown(_scripted: Browser, tmp_path: Path) -> Open:
    """Show a page that no server gives out, to what looks at it by scripts."""

    def show_page(html: str, **view: Any) -> Browser:
        return show(_scripted, html, tmp_path / "page.html", **view)

    return show_page
