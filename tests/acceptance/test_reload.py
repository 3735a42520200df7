"""Reloading while irpd runs, and starts that fail."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from harness import Irpd, eventually

from irpd.channels.webhook import signature

Taken = list[tuple[str, str, bytes]]  # signature, timestamp, body


@pytest.fixture
def hook() -> Iterator[tuple[str, Taken]]:
    """A receiver of signed webhooks, and what it got."""
    taken: Taken = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.append((self.headers["X-Irpd-Signature"], self.headers["X-Irpd-Timestamp"], body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", taken
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_channels_secret_is_read_again_at_a_reload_that_changes_no_file(
    irpd: Irpd, hook: tuple[str, Taken]
) -> None:
    url, taken = hook
    secret = irpd.folder / "hook-secret"
    secret.write_text("the first one")
    irpd.configure(
        channels=f'  hook: {{type: webhook, url: "{url}", auth: {{secret: {{file: {secret}}}}}}}\n',
        notify="  default: [{after: 0m, via: [hook]}]",
    )
    irpd.start()
    irpd.cli("page", "test", "asha", "--as", "asha")
    eventually(lambda: len(taken) == 1, within=10, what="the first page")
    secret.write_text("the second one")
    said = irpd.cli("reload", "--wait")
    assert "nothing had changed" in said
    irpd.cli("page", "test", "asha", "--as", "asha")
    eventually(lambda: len(taken) == 2, within=10, what="the second page")
    assert [
        [said == signature(secret, at, body) for secret in (b"the first one", b"the second one")]
        for said, at, body in taken
    ] == [[True, False], [False, True]]


def test_only_what_needs_a_restart_is_said_to(irpd: Irpd) -> None:
    irpd.start()
    text = irpd.config.read_text()
    digest = hashlib.sha256(b"letmein").hexdigest()
    token = f'{{name: ci, hash: "sha256:{digest}", may: read}}'
    irpd.config.write_text(text.replace("server: {", f"server: {{tokens: [{token}], "))
    irpd.cli("reload", "--wait")
    status, _, body = irpd.request("GET", "/api/v1/incidents", headers={"Authorization": "Bearer letmein"})
    assert (status, json.loads(body)["incidents"]) == (200, [])
    assert irpd.logged("needs-restart") == []
    irpd.config.write_text(text.replace("server: {", 'server: {public_url: "http://127.0.0.1:9", '))
    irpd.cli("reload", "--wait")
    assert [line["settings"] for line in irpd.logged("needs-restart")] == [["server.public_url"]]


def test_a_start_that_fails_says_why_and_nothing_of_stopping(irpd: Irpd) -> None:
    irpd.config.write_text("version: 2\n")
    irpd.spawn()
    assert irpd.ended() == 78
    log = irpd.log.read_text()
    assert "irpd: the configuration can't be used" in log
    assert "stopp" not in log
    irpd.configure()
    irpd.start()
    assert irpd.stop() == 0
    assert [line["event"] for line in (*irpd.logged("stopping"), *irpd.logged("stopped"))] == [
        "stopping", "stopped"
    ]  # fmt: skip
