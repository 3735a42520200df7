"""Mixed load, faults and kills for as long as one likes, and the promises at the end.

Senders report and repeat, people acknowledge and write notes, and something breaks every few seconds:
the process is killed or stopped, the disk errs, is full or drags, the wall clock is set, descriptors run
out, channels refuse, senders dribble, files are bad. After each fault it must take in reports again by
itself within a bound, and at the end what ``crash.check`` asks for must hold: nothing accepted is lost,
every incident was paged, the journal is whole.

``python -m harness.soak --minutes 60`` (with ``tests`` on the path) is the long run.
"""

import argparse
import collections
import contextlib
import http.client
import json
import os
import platform
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness import Irpd, crash, eventually, firing
from harness.crash import POINTS, Load
from harness.people import People

#: Seconds within which reports are taken in again after any fault.
BACK_WITHIN = 30.0
REST = (0.5, 4.0)  # between faults, in seconds


def planted(folder: Path) -> str:
    """Faults that files in ``folder`` switch on within the daemon: its disk, clock, descriptors, channel."""
    return f"""
import apsw, errno, os, threading, time
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
            if (folder / "full").exists(): raise apsw.FullError("database or disk is full")
            if (folder / "slow").exists(): time.sleep(0.3)
        ordinary(point)
    self._kill = fault
SqliteJournal.__init__ = init
def wall():
    try: return time.time() + float((folder / "clock").read_text() or 0)
    except (OSError, ValueError): return time.time()
c.SystemClock.__init__.__kwdefaults__["wall"] = wall
import irpd.channels.file as f
append = f._append
def refusing(path, lines):
    if (folder / "refusing").exists(): raise OSError(errno.EIO, "planted")
    append(path, lines)
f._append = refusing
def hog():
    held, pause = [], threading.Event()
    while not pause.wait(0.05):
        if (folder / "hogged").exists():
            try:
                while True: held.append(os.open("/dev/null", os.O_RDONLY))
            except OSError: pass
        else:
            while held: os.close(held.pop())
threading.Thread(target=hog, daemon=True).start()
"""


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
            "full disk": lambda: self.switched("full", 0.5, 3.0),
            "slow disk": lambda: self.switched("slow", 1.0, 5.0),
            "no descriptors": lambda: self.switched("hogged", 0.5, 3.0),
            "channel refuses": lambda: self.switched("refusing", 1.0, 8.0),
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
        self.irpd.spawn(kill_at=kill_at, planted=self.plant, prefix=("prlimit", "--nofile=512:512"))

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
    """The summary, in Markdown. Fails on a broken promise."""
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
    pages = len(irpd.pages())
    # The probe and the bursts report one alert that is none of the load's: it is in one incident, and paged.
    crash.check(irpd, load, besides={"Back"})
    irpd.kept()
    heading = f"`script/soak --minutes {seconds / 60:g} --seed {seed}`"
    return "\n".join((heading, "", *summary_of(soak.summary, load, people, pages=pages)))


def summary_of(summary: Summary, load: Load, people: People, *, pages: int) -> list[str]:
    ordered = sorted(load.latencies)
    middle, late = ordered[len(ordered) // 2] * 1e3, ordered[int(len(ordered) * 0.99)] * 1e3
    taken, refused, silent = (load.answers[status] for status in (202, 503, 0))
    others = load.answers.total() - taken - refused - silent
    did = ", ".join(f"{what}: {n}" for what, n in sorted(people.did.items()))
    answers = (
        f"{taken:,} accepted, {refused:,} refused (503), {silent:,} unanswered (it was down), {others} others"
    )
    lines = [
        "Every promise held: nothing accepted was lost, every incident was paged, the journal is whole.",
        "",
        f"- Reports: {answers}.",
        f"- Accepted after {middle:.1f} ms at p50, {late:,.0f} ms at p99 (faults included).",
        f"- Pages: {pages:,}. People (answers by status): {did}.",
        f"- {summary.faults.total()} faults; most memory {summary.resident} MiB.",
        "",
        "| fault | times | reports taken in again after, median | worst |",
        "| --- | --- | --- | --- |",
    ]
    for name, times in sorted(summary.back.items()):
        lines.append(
            f"| {name} | {len(times)} | {sorted(times)[len(times) // 2]:.2f} s | {max(times):.2f} s |"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="Mixed load, faults and kills.")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="irpd-soak-"))
    sys.stdout.write(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()};")
    sys.stdout.write(f" {datetime.now(UTC):%Y-%m-%d %H:%M} UTC; what it writes is in {folder}\n")
    text = run(Irpd(folder), seconds=options.minutes * 60, seed=options.seed)
    shutil.rmtree(folder)  # kept to look at when a promise was broken
    sys.stdout.write(f"\n{text}\n")


if __name__ == "__main__":
    main()
