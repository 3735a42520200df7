"""Killing the real daemon under load, again and again, and holding it to its promises.

What must hold at the end, whatever was killed when:

* every alert of a request that was answered 2xx is a signal of exactly one incident, and every
  receipt in the journal took effect exactly once (a signal's count is the number of receipts
  that reported it);
* every incident's first page was handed to its channel at least once;
* ``irpd journal check`` finds rows and events equal, ``irpd audit verify`` the chain whole.

``python -m harness.crash --rounds 200`` (with ``tests`` on the path) is the long run.
"""

import argparse
import collections
import contextlib
import http.client
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from harness import Irpd, eventually, firing

#: The named windows, and how often a window may be passed before the kill.
POINTS = {"before-commit": 60, "after-commit": 60, "before-send": 20, "after-send": 20, "before-record": 20}
ANYWHERE = "anywhere"
SENDERS = 4


class Load:
    """Senders that behave as Alertmanager does: again until 2xx, then the next.

    ``new`` is how often a body is a new alert, ``pause`` how long a sender rests after each (seconds)."""

    def __init__(self, irpd: Irpd, seed: int, *, new: float = 0.5, pause: float = 0.0) -> None:
        self._new, self._pause = new, pause
        self._irpd = irpd
        self._seed = seed
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._numbers = iter(range(1, 1_000_000))
        self.accepted: collections.Counter[str] = collections.Counter()  # fingerprint → answers of 2xx
        self.tried: collections.Counter[str] = collections.Counter()
        self.answers: collections.Counter[int] = collections.Counter()  # status, 0 for none
        self.latencies: list[float] = []  # of what was accepted, in seconds
        self._threads = [threading.Thread(target=self._send, args=(n,), daemon=True) for n in range(SENDERS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=60)
            assert not thread.is_alive(), "a sender hangs"

    def _send(self, number: int) -> None:
        chance = random.Random(self._seed * 1000 + number)
        mine: list[dict[str, Any]] = []
        while not self._stop.is_set():
            if mine and chance.random() >= self._new:
                body = chance.choice(mine)
            else:
                with self._lock:
                    n = next(self._numbers)
                # An environment of its own now and then: it opens an incident instead of joining one.
                own = {"environment": f"env-{n}"} if chance.random() < 0.3 else {}
                body = firing("Crash", n, **own)
                mine.append(body)
            self._until_accepted(body)
            if self._pause:
                self._stop.wait(self._pause)

    def _until_accepted(self, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        key = body["alerts"][0]["fingerprint"]
        while True:
            with self._lock:
                self.tried[key] += 1
            began = time.monotonic()
            try:
                status = self._irpd.request("POST", "/webhook/alertmanager", data, timeout=10)[0]
            except (OSError, http.client.HTTPException):
                status = 0
            with self._lock:
                self.answers[status] += 1
            if status == 202:
                with self._lock:
                    self.accepted[key] += 1
                    self.latencies.append(time.monotonic() - began)
                return
            if self._stop.wait(0.02) and status == 0:
                return


def run(irpd: Irpd, *, rounds: int, seed: int, say: Any = print) -> dict[str, int]:
    """So many kills; returns how often each window was hit. Fails on a broken promise."""
    chance = random.Random(seed)
    hits: dict[str, int] = dict.fromkeys((*POINTS, ANYWHERE), 0)
    load = Load(irpd, seed)
    say(f"seed {seed}, {rounds} rounds")
    irpd.configure(wait="10m")
    for number in range(rounds):
        if number and number % 20 == 0:
            say(f"{number} of {rounds} rounds, {sum(load.accepted.values())} reports accepted")
        point = chance.choice((*POINTS, ANYWHERE, ANYWHERE))
        at = "" if point == ANYWHERE else f"{point}:{chance.randint(1, POINTS[point])}"
        irpd.spawn(kill_at=at)
        if number == 0:
            load.start()
        if point == ANYWHERE:
            eventually(irpd.ready, within=30, what="readiness")
            threading.Event().wait(chance.uniform(0.0, 0.5))
            irpd.kill()
            hits[ANYWHERE] += 1
            continue
        try:
            irpd.ended(within=10)
            hits[point] += 1
        except subprocess.TimeoutExpired:  # that window was not passed so often in time
            irpd.kill()
            hits[ANYWHERE] += 1
    irpd.start()
    load.stop()
    check(irpd, load)
    return hits


def check(irpd: Irpd, load: Load, *, besides: frozenset[str] | set[str] = frozenset()) -> None:
    """Hold the daemon to its promises; the load has ended and irpd runs.

    Alerts with a name in ``besides`` were sent by others: how often isn't known."""
    promises = {key for key, n in load.accepted.items() if n}
    eventually(lambda: _all_paged(irpd), within=60, what="every incident's page")
    assert irpd.stop() == 0, irpd.log_tail()
    database = sqlite3.connect(f"file:{irpd.state / 'irpd.db'}?mode=ro", uri=True)
    members = [json.loads(row[0]) for row in database.execute("select data from members")]
    database.close()
    # What irpd itself has to say (a bad configuration) is a signal too, and none of these senders'.
    members = [member for member in members if member["key"].startswith("alertmanager/")]
    found = collections.Counter(member["key"].partition("/")[2] for member in members)
    missing = promises - set(found)
    assert not missing, f"{len(missing)} accepted alerts are in no incident, {sorted(missing)[:3]}"
    twice = [key for key, n in found.items() if n > 1]
    assert not twice, f"{len(twice)} alerts are signals of more than one incident, {twice[:3]}"
    for member in members:
        if member.get("labels", {}).get("alertname") in besides:
            continue
        key, count = member["key"].partition("/")[2], member.get("count", 1)
        assert load.accepted[key] <= count <= load.tried[key], (
            f"{key} was accepted {load.accepted[key]} times of {load.tried[key]} and counted {count} times"
        )
    state = str(irpd.state / "irpd.db")
    irpd.cli("journal", "check", "--journal", state)
    irpd.cli("audit", "verify", "--journal", state)


def _all_paged(irpd: Irpd) -> bool:
    paged = {page["incident"]["id"] for page in irpd.pages() if page["kind"] == "page"}
    with contextlib.closing(sqlite3.connect(f"file:{irpd.state / 'irpd.db'}?mode=ro", uri=True)) as database:
        opened = {row[0] for row in database.execute("select number from incidents")}
    return paged >= opened


def main() -> None:
    parser = argparse.ArgumentParser(description="Kill irpd under load, again and again.")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="irpd-crash-") as folder:
        irpd = Irpd(Path(folder))
        hits = run(irpd, rounds=options.rounds, seed=options.seed)
    sys.stdout.write(", ".join(f"{window} {n}" for window, n in hits.items()) + "\n")


if __name__ == "__main__":
    main()
