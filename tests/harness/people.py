"""People at work while a load runs: they look at what they are paged for, and act on it over the socket."""

import collections
import contextlib
import http.client
import json
import random
import socket
import threading

from harness import Irpd


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
