"""Mixed load, faults and kills for as long as one likes, and the promises at the end.

Senders report and repeat, people acknowledge and write notes, and something breaks every few seconds:
the process is killed or stopped, the disk errs or drags, the wall clock is set, senders dribble, files
are bad. After each fault it must take in reports again by itself within a bound, and at the end what
``crash.check`` asks for must hold: nothing accepted is lost, every incident was paged, the journal is
whole.

``python -m harness.soak --minutes 60`` (with ``tests`` on the path) is the long run.
"""

import argparse
import collections
import contextlib
import http.client
import json
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness import Irpd, crash, eventually, firing
from harness.crash import POINTS, Load

#: Seconds within which reports are taken in again after any fault.
BACK_WITHIN = 30.0
REST = (0.5, 4.0)  # between faults, in seconds


def planted(folder: Path) -> str:
    """Faults that files in ``folder`` switch on within the daemon: its disk, and its wall clock."""
    return f"""
import apsw, os, time
from pathlib import Path
from irpd.journal.sqlite import SqliteJournal
import irpd.engine.clock as c
folder = Path({str(folder)!r})
real = SqliteJournal.__init__
def init(self, *args, **more):
    real(self, *args, **more)
    ordinary = self._kill
    def fault(point):
        if point == "before-commit":
            if (folder / "broken").exists(): raise apsw.IOError("disk I/O error")
            if (folder / "slow").exists(): time.sleep(0.3)
        ordinary(point)
    self._kill = fault
SqliteJournal.__init__ = init
def wall():
    try: return time.time() + float((folder / "clock").read_text() or 0)
    except (OSError, ValueError): return time.time()
c.SystemClock.__init__.__kwdefaults__["wall"] = wall
"""


class People(threading.Thread):
    """They acknowledge what they were paged for, and say a word about it."""

    def __init__(self, irpd: Irpd, seed: int) -> None:
        super().__init__(daemon=True)
        self._irpd = irpd
        self._chance = random.Random(seed)
        self._ended = threading.Event()
        self._read = 0
        self.did: collections.Counter[str] = collections.Counter()

    def run(self) -> None:
        while not self._ended.wait(self._chance.uniform(0.2, 1.0)):
            for number in self._paged()[-2:]:
                with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                    what = self._chance.choice(("ack", "ack", "note"))
                    body = {"text": "looking at it"} if what == "note" else {}
                    self.did[f"{what} {self._command(f'/incidents/{number}/{what}', body)}"] += 1

    def _paged(self) -> list[int]:
        """The incidents of pages that are new since the last look."""
        file = self._irpd.state / "pages.jsonl"
        if not file.exists():
            return []
        with file.open("rb") as pages:
            pages.seek(self._read)
            lines = pages.read().splitlines(keepends=True)
        whole = [line for line in lines if line.endswith(b"\n")]
        self._read += sum(map(len, whole))
        return [json.loads(line)["incident"]["id"] for line in whole if line.startswith(b"{")]

    def _command(self, path: str, body: dict[str, str]) -> int:
        connection = http.client.HTTPConnection("localhost", timeout=10)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(10)
        try:
            connection.sock.connect(str(self._irpd.folder / "irpd.sock"))
            headers = {"Content-Type": "application/json"}
            connection.request("POST", f"/api/v1{path}?as=asha", json.dumps(body), headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()

    def stop(self) -> None:
        self._ended.set()
        self.join(timeout=30)


@dataclass(slots=True)
class Summary:
    """What was done to it, and how it took that."""

    faults: collections.Counter[str] = field(default_factory=collections.Counter)
    back: dict[str, list[float]] = field(default_factory=lambda: collections.defaultdict(list))
    resident: int = 0  # most, in MiB


class Soak:
    """One daemon and everything that is done to it."""

    def __init__(self, irpd: Irpd, *, seed: int) -> None:
        self.irpd = irpd
        self.chance = random.Random(seed)
        self.summary = Summary()
        self.folder = irpd.folder / "faults"
        self.folder.mkdir()
        self.plant = planted(self.folder)
        self.faults: dict[str, Callable[[], None]] = {
            "kill anywhere": self.kill,
            "kill at a point": self.kill_at_a_point,
            "terminate": self.terminate,
            "stop and go on": self.stop_and_go_on,
            "disk errors": lambda: self.switched("broken", 0.5, 3.0),
            "slow disk": lambda: self.switched("slow", 1.0, 5.0),
            "wall clock set": self.set_clock,
            "reload": self.reload,
            "bad reload": self.bad_reload,
            "slow loris": self.slow_loris,
            "burst": self.burst,
            "backup": self.backup,
        }

    def wait(self, least: float, most: float) -> None:
        threading.Event().wait(self.chance.uniform(least, most))

    def run(self, seconds: float, load: Load, say: Callable[[str], Any]) -> None:
        began = said = time.monotonic()
        order: list[str] = []
        while time.monotonic() - began < seconds:
            if not order:  # each as often as any other
                order = list(self.faults)
                self.chance.shuffle(order)
            name = order.pop()
            self.faults[name]()
            self.summary.faults[name] += 1
            self.summary.back[name].append(self.back(name))
            self.note_memory()
            if time.monotonic() - said > 60:
                said = time.monotonic()
                say(
                    f"{(said - began) / 60:.0f} of {seconds / 60:g} minutes,"
                    f" {self.summary.faults.total()} faults, {load.answers[202]} reports accepted"
                )
            self.wait(*REST)

    def back(self, name: str) -> float:
        """Seconds until a report is taken in."""
        began = time.monotonic()
        body = json.dumps(firing("Back", 1, environment="back")).encode()
        eventually(
            lambda: self.irpd.request("POST", "/webhook/alertmanager", body, timeout=10)[0] == 202,
            within=BACK_WITHIN,
            what=f"intake after {name!r} (log: {self.irpd.log_tail()})",
        )
        return time.monotonic() - began

    def note_memory(self) -> None:
        assert self.irpd.process is not None
        with contextlib.suppress(OSError, StopIteration):
            lines = Path(f"/proc/{self.irpd.process.pid}/status").read_text().splitlines()
            now = next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))
            self.summary.resident = max(self.summary.resident, now)

    # ------------------------------------------------------------ the faults
    def start(self, kill_at: str = "") -> None:
        self.irpd.spawn(kill_at=kill_at, planted=self.plant)

    def kill(self) -> None:
        self.irpd.kill()
        self.start()

    def kill_at_a_point(self) -> None:
        point = self.chance.choice(list(POINTS))
        self.irpd.kill()
        self.start(f"{point}:{self.chance.randint(1, 20)}")
        try:
            self.irpd.ended(within=15)
        except subprocess.TimeoutExpired:
            self.irpd.kill()
        self.start()

    def terminate(self) -> None:
        code = self.irpd.stop()
        assert code == 0, f"SIGTERM: {code}: {self.irpd.log_tail()}"
        self.start()

    def stop_and_go_on(self) -> None:
        assert self.irpd.process is not None
        self.irpd.process.send_signal(signal.SIGSTOP)
        self.wait(0.5, 8.0)
        self.irpd.process.send_signal(signal.SIGCONT)

    def switched(self, name: str, least: float, most: float) -> None:
        (self.folder / name).touch()
        self.wait(least, most)
        (self.folder / name).unlink()

    def set_clock(self) -> None:
        (self.folder / "clock").write_text(str(self.chance.choice((3600, -3600, 86400, -86400, 30))))
        self.wait(0.5, 5.0)
        (self.folder / "clock").unlink()

    def reload(self) -> None:
        before, after = "title: Checkout", "title: Cash desk"
        text = self.irpd.config.read_text()
        if before not in text:
            before, after = after, before
        self.irpd.config.write_text(text.replace(before, after))
        assert self.irpd.process is not None
        self.irpd.process.send_signal(signal.SIGHUP)
        self.wait(0.1, 2.0)

    def bad_reload(self) -> None:
        good = self.irpd.config.read_text()
        self.irpd.config.write_text(good[: self.chance.randrange(20, len(good) - 200)])
        self.wait(0.5, 4.0)
        self.irpd.config.write_text(good)

    def slow_loris(self) -> None:
        held = []
        for _ in range(100):
            with contextlib.suppress(OSError):
                one = socket.create_connection(("127.0.0.1", self.irpd.port), timeout=2)
                one.sendall(b"POST /webhook/alertmanager HTTP/1.1\r\nContent-Length: 9999\r\n")
                held.append(one)
        self.wait(0.5, 3.0)
        for one in held:
            with contextlib.suppress(OSError):
                one.sendall(b"X")
            one.close()

    def burst(self) -> None:
        bodies = [json.dumps(firing("Back", 1, environment="back")).encode()] * 50

        def send() -> None:
            for body in bodies:
                with contextlib.suppress(OSError, http.client.HTTPException):
                    self.irpd.request("POST", "/webhook/alertmanager", body, timeout=10)

        senders = [threading.Thread(target=send) for _ in range(20)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()

    def backup(self) -> None:
        file = self.irpd.folder / f"backup-{self.summary.faults.total()}.db"
        self.irpd.cli("backup", str(file), "--journal", str(self.irpd.state / "irpd.db"))
        self.irpd.cli("audit", "verify", "--journal", str(file))
        for one in self.irpd.folder.glob(f"{file.name}*"):
            one.unlink()


def run(irpd: Irpd, *, seconds: float, seed: int, say: Callable[[str], Any] = print) -> str:
    """The summary. Fails on a broken promise."""
    say(f"seed {seed}, {seconds / 60:g} minutes")
    irpd.configure(wait="10m")
    soak = Soak(irpd, seed=seed)
    load, people = Load(irpd, seed, new=0.1, pause=0.1), People(irpd, seed)
    soak.start()
    soak.back("start")
    load.start()
    people.start()
    soak.run(seconds, load, say)
    people.stop()
    load.stop()
    # The probe and the bursts report one alert that is none of the load's: it is in one incident, and paged.
    crash.check(irpd, load, besides={"Back"})
    return summary_of(soak, load, people)


def summary_of(soak: Soak, load: Load, people: People) -> str:
    ordered = sorted(load.latencies)
    middle, late = ordered[len(ordered) // 2] * 1e3, ordered[int(len(ordered) * 0.99)] * 1e3
    others = load.answers.total() - sum(load.answers[status] for status in (0, 202, 503))
    did = ", ".join(f"{what}: {n}" for what, n in sorted(people.did.items()))
    taken, refused, silent = (load.answers[status] for status in (202, 503, 0))
    lines = [
        f"reports: {taken:,} accepted, {refused:,} refused with 503, {silent:,} unanswered, {others} others",
        f"accepted: p50 {middle:.1f} ms, p99 {late:.1f} ms (faults included)",
        f"pages: {len(soak.irpd.pages()):,}; people: {did}",
        f"most memory: {soak.summary.resident} MiB",
        f"{'fault':16} {'times':>6} {'back after, median':>19} {'worst':>7}",
    ]
    for name, times in sorted(soak.summary.back.items()):
        middle = sorted(times)[len(times) // 2]
        lines.append(f"{name:16} {len(times):6} {middle:17.2f} s {max(times):5.2f} s")
    lines.append(
        "every promise held: nothing accepted was lost, every incident was paged, the journal is whole"
    )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Mixed load, faults and kills.")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="irpd-soak-") as folder:
        text = run(Irpd(Path(folder)), seconds=options.minutes * 60, seed=options.seed)
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
