"""The real daemon as a process, real senders, real receivers, loopback only.

The style is: arrange (a configuration whose waits are seconds), do what a sender or a person
does, expect what a person's phone shows. Nothing waits by sleeping: ``eventually`` waits on a
condition with a deadline and says what was there instead.
"""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from harness import promises

ROOT = Path(__file__).resolve().parents[2]
PAYLOADS = ROOT / "tests" / "payloads"
T = TypeVar("T")

CONFIG = """\
version: 1
server: {{listen: "127.0.0.1:{port}"}}
rules: [{root}/rules/*.yaml]
sources:
  alertmanager: {{type: alertmanager, auth: none}}
  sentry: {{type: sentry, auth: none}}
  helpdesk:
    type: ticket
    auth: none
    fields: {{key: id, title: subject, reporter: from, status: state}}
unmapped: platform
operators: [emil]
fallback: [emil]
services:
  checkout:
    title: Checkout
    paths: {{technical: engineering}}
    users: {{count: 120000}}
    signals: [{{source: alertmanager, labels: {{service: checkout}}}}]
  platform: {{title: Platform, paths: {{technical: engineering}}, users: {{count: 1000}}}}
channels:
  local: {{type: file, path: pages.jsonl, terminal: false}}
{channels}
notify:
{notify}
people:
  asha: {{name: Asha Rao, email: asha@example.com, time_zone: Europe/Berlin}}
  chi: {{name: Chi Okafor, email: chi@example.com, time_zone: Africa/Lagos}}
  emil: {{name: Emil Novak, email: emil@example.com, time_zone: Europe/Prague}}
paths:
  engineering:
    kind: technical
    repeat: 2
    steps:
      - {{person: asha, wait: {wait}}}
      - {{person: chi, wait: {wait}}}
timing: {{everyone_urgent: 3s, flap_changes: 4, gather: 0s}}
"""
NOTIFY = "  default: [{after: 0s, via: [local]}]"


def eventually(look: Callable[[], T], *, within: float = 30.0, what: str = "") -> T:
    """The first true answer of ``look``; fails after ``within`` seconds, saying what it last saw."""
    until = time.monotonic() + within
    pause = threading.Event()
    seen: object = None
    while time.monotonic() < until:
        try:
            seen = look()
        except (OSError, http.client.HTTPException, KeyError, IndexError) as error:
            seen = error
        else:
            if seen:
                return seen  # type: ignore[return-value]
        pause.wait(0.02)
    pytest.fail(f"{what or 'it'} did not come true within {within:g} s; last seen: {seen!r}")


_HELD: list[socket.socket] = []


def free_port() -> int:
    """A port of the loopback that stays this run's to its end, also while nothing listens there.

    It is held by a socket that is bound and never listens. Whoever sets SO_REUSEADDR, as servers do, may
    listen beside it; the kernel gives it to nobody who asks for any port, nor to one who connects.
    """
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind(("127.0.0.1", 0))
    _HELD.append(one)
    return int(one.getsockname()[1])


class Irpd:
    """``irpd serve`` with a state directory of its own, and what its users do to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.config = folder / "irpd.yaml"
        self.port = free_port()
        self.log = folder / "irpd.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.accepted: dict[int, tuple[str, ...]] = {}  # receipt → keys of its alerts, as it was answered
        self.configure()

    def configure(
        self, *, channels: str = "", notify: str = NOTIFY, wait: str = "2s", more: str = ""
    ) -> None:
        self.config.write_text(
            CONFIG.format(port=self.port, root=ROOT, channels=channels, notify=notify, wait=wait) + more
        )

    # ------------------------------------------------------------ life
    def spawn(
        self,
        *,
        kill_at: str = "",
        prefix: tuple[str, ...] = (),
        planted: str = "",
        env: dict[str, str] | None = None,
    ) -> "subprocess.Popen[bytes]":
        """``planted`` is Python that runs in the daemon before it starts, to break something."""
        environment = {
            **os.environ,
            "STATE_DIRECTORY": str(self.state),
            "RUNTIME_DIRECTORY": str(self.folder),
            "IRPD_HOOK_SECRET": "hook-secret",
            **(env or {}),
        }
        if kill_at:
            environment["IRPD_KILL_AT"] = kill_at
        program = ["-c", f"{planted}\nfrom irpd.__main__ import main\nmain()"] if planted else ["-m", "irpd"]
        command = [*prefix, sys.executable, *program, "serve", "--config", str(self.config), "--log-json"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=self.folder)
        return self.process

    def start(
        self,
        *,
        kill_at: str = "",
        prefix: tuple[str, ...] = (),
        planted: str = "",
        env: dict[str, str] | None = None,
    ) -> "Irpd":
        self.spawn(kill_at=kill_at, prefix=prefix, planted=planted, env=env)
        eventually(self.ready, within=30, what=f"readiness (log: {self.log_tail()})")
        return self

    def ready(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            pytest.fail(f"irpd ended with {self.process.returncode}: {self.log_tail()}")
        return self.get("/readyz")[0] == 200

    def kill(self) -> None:
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(timeout=30)

    def ended(self, within: float = 30.0) -> int:
        assert self.process is not None
        return self.process.wait(timeout=within)

    def log_tail(self) -> str:
        return self.log.read_text()[-2000:] if self.log.exists() else ""

    # ------------------------------------------------------------ doors
    def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        timeout: float = 20,
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            said = answer.read()
            if answer.status == 202:
                self._remember(path, body, said)
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, said
        finally:
            connection.close()

    def _remember(self, path: str, body: bytes, said: bytes) -> None:
        """What this answer promises: that the report is on disk."""
        promise = json.loads(said)
        keys: tuple[str, ...] = ()
        if path == "/webhook/alertmanager" and promise["accepted"]:
            alerts = json.loads(body)["alerts"]
            if promise["accepted"] == len(alerts):
                keys = tuple(f"alertmanager/{alert['fingerprint']}" for alert in alerts)
        self.accepted[int(promise["receipt"])] = keys

    def kept(self) -> None:
        """Whatever happened, what was answered with 202 is there, whole. The daemon has ended."""
        if self.accepted:
            promises.held(self.state / "irpd.db", self.accepted)

    def get(self, path: str) -> tuple[int, str]:
        status, _, body = self.request("GET", path)
        return status, body.decode()

    def metric(self, series: str) -> float:
        """A series of ``/metrics`` by its name with labels; 0 for one that isn't there yet."""
        found = re.search(rf"^{re.escape(series)} (\S+)$", self.get("/metrics")[1], re.MULTILINE)
        return float(found[1]) if found else 0.0

    def check_of(self, name: str) -> dict[str, Any]:
        """What ``/readyz`` says about one check."""
        checks = json.loads(self.get("/readyz")[1])["checks"]
        return next(check for check in checks if check["name"] == name)

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The lines of the log with this event."""
        if not self.log.exists():
            return []
        lines = [line for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in map(json.loads, lines) if line.get("event") == event]

    def sound(self) -> None:
        """The journal of the stopped daemon is whole: chain, and rows equal to events."""
        self.cli("journal", "check", "--journal", str(self.state / "irpd.db"))

    def post(self, source: str, body: bytes | dict[str, Any]) -> dict[str, Any]:
        """Send to a source; the answer must be 202."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        status, _, answer = self.request("POST", f"/webhook/{source}", data)
        assert status == 202, (status, answer)
        return json.loads(answer)  # type: ignore[no-any-return]

    def run(self, *arguments: str, env: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
        """A command of irpd, however it ends."""
        return subprocess.run(
            [sys.executable, "-m", "irpd", *arguments],
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, "RUNTIME_DIRECTORY": str(self.folder), "NO_COLOR": "1", **(env or {})},
            timeout=60,
        )

    def cli(self, *arguments: str, ok: bool = True, env: dict[str, str] | None = None) -> str:
        done = self.run(*arguments, env=env)
        if ok:
            assert done.returncode == 0, (arguments, done.returncode, done.stdout, done.stderr)
        return done.stdout

    def api(self, path: str) -> Any:
        """What the API says over the Unix socket."""

        class Local(http.client.HTTPConnection):
            def connect(connection) -> None:  # noqa: N805
                connection.sock = socket.socket(socket.AF_UNIX)
                connection.sock.connect(str(self.folder / "irpd.sock"))

        connection = Local("localhost", timeout=10)
        try:
            connection.request("GET", "/api/v1" + path)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def json(self, *arguments: str) -> Any:
        return json.loads(self.cli(*arguments, "--json"))

    def incident(self, number: int) -> dict[str, Any]:
        return self.json("incident", "show", str(number))["incident"]  # type: ignore[no-any-return]

    def pages(self) -> list[dict[str, Any]]:
        """What came out of the file channel, oldest first."""
        file = self.state / "pages.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        return [json.loads(line) for line in lines]

    def paged(self, kind: str = "page") -> list[str]:
        """Who was paged, in order."""
        return [page["person"] for page in self.pages() if page["kind"] == kind]


class Mailbox:
    """A real SMTP server that keeps what it takes."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], bytes]] = []
        self.port = free_port()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append((list(envelope.rcpt_tos), content))
        return "250 2.0.0 kept"

    def to(self, address: str) -> list[bytes]:
        return [content for recipients, content in list(self.mails) if address in recipients]


class Alertmanager:
    """The real Alertmanager, grouping and repeating within seconds."""

    def __init__(self, folder: Path, url: str, *, repeat: str = "2s", name: str = "am") -> None:
        self.folder = folder / name
        self.folder.mkdir()
        self.port = free_port()
        self.url, self.repeat = url, repeat

    def start(self) -> "Alertmanager":
        config = self.folder / "alertmanager.yml"
        config.write_text(
            f"""\
route:
  receiver: irpd
  group_by: [service]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: {self.repeat}
receivers:
  - name: irpd
    webhook_configs: [{{url: "{self.url}", send_resolved: true}}]
"""
        )
        command = [
            "alertmanager", f"--config.file={config}", f"--storage.path={self.folder}/data",
            f"--web.listen-address=127.0.0.1:{self.port}", "--cluster.listen-address=",
        ]  # fmt: skip
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        eventually(lambda: self._get("/-/ready"), within=30, what="Alertmanager")
        return self

    def _get(self, path: str) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        finally:
            connection.close()

    def alert(
        self, *, ends: str | None = None, annotations: dict[str, str] | None = None, **labels: str
    ) -> None:
        """Fire (or with ``ends`` in the past resolve) an alert."""
        one: dict[str, Any] = {
            "labels": labels,
            "annotations": annotations or {"summary": labels["alertname"]},
        }
        if ends is not None:
            one["endsAt"] = ends
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(
                "POST", "/api/v2/alerts", json.dumps([one]), {"Content-Type": "application/json"}
            )
            assert connection.getresponse().status == 200
        finally:
            connection.close()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=20)


def firing(name: str = "PaymentErrors", n: int = 1, **labels: str) -> dict[str, Any]:
    """A body as Alertmanager sends it, with a fingerprint of its own for each name and n."""
    own = {"alertname": name, "service": "checkout", "instance": f"node-{n}", **labels}
    return {
        "version": "4",
        "receiver": "irpd",
        "groupKey": f"{{}}:{{alertname={name!r}}}",
        "status": "firing",
        "truncatedAlerts": 0,
        "alerts": [
            {
                "status": "firing",
                "labels": own,
                "annotations": {"summary": f"{name} on node-{n}"},
                "startsAt": "2026-11-24T02:59:38.118Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "",
                "fingerprint": f"{hash_of(name, n):016x}",
            }
        ],
    }


def hash_of(name: str, n: int) -> int:
    import zlib

    return zlib.crc32(f"{name}/{n}".encode()) << 20 | n


def resolved(body: dict[str, Any], at: str = "2026-11-24T03:10:00Z") -> dict[str, Any]:
    """The same body, its alerts resolved."""
    alerts = [{**alert, "status": "resolved", "endsAt": at} for alert in body["alerts"]]
    return {**body, "status": "resolved", "alerts": alerts}
