"""Peers that misbehave: receivers that never answer, supervisors that only listen."""

import json
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Silent:
    """Takes connections and whatever is sent, and never says a word."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._server.getsockname()[1])
        self.held: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                self.held.append(self._server.accept()[0])
            except OSError:
                return

    def close(self) -> None:
        self._server.close()
        for one in self.held:
            one.close()


class Hook:
    """A receiver of the webhook channel; what came is in ``pages``, under which key in ``keys``."""

    def __init__(self) -> None:
        self.pages: list[dict[str, Any]] = []
        self.keys: list[str] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                hook.keys.append(self.headers["Idempotency-Key"])
                hook.pages.append(json.loads(self.rfile.read(length)))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Supervisor:
    """What systemd is to a service of ``Type=notify``: a datagram socket, and a watchdog's period."""

    def __init__(self, folder: Path, *, period: float = 4.0) -> None:
        self._path = folder / "notify.sock"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self._path))
        self.env = {"NOTIFY_SOCKET": str(self._path), "WATCHDOG_USEC": str(int(period * 1e6))}
        self.heard: deque[tuple[float, str]] = deque()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while True:
            try:
                data = self._socket.recv(4096)
            except OSError:
                return
            self.heard.append((time.monotonic(), data.decode()))

    def fed(self, *, since: float = 0.0) -> int:
        """How often the watchdog was fed since then (``time.monotonic``)."""
        return sum(1 for at, text in list(self.heard) if at >= since and "WATCHDOG=1" in text)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@dataclass(frozen=True, slots=True)
class Heard:
    """One report; ``at`` as ``time.monotonic`` has it."""

    at: float
    method: str
    path: str
    authorization: str


class Switch:
    """A dead man's switch: answers with ``status`` (and ``location``), and keeps what it heard."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.status, self.location = 200, ""
        switch = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                sent = self.headers.get("Authorization", "")
                switch.heard.append(Heard(time.monotonic(), self.command, self.path, sent))
                self.send_response(switch.status)
                if switch.location:
                    self.send_header("Location", switch.location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_POST = do_GET  # noqa: N815 - the library's name

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"http://{self.host}/irpd"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
