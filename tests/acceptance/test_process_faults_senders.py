"""Senders that dribble, go away, or send too much: cut off within bounds, and the others are served."""

import gzip
import json
import socket
import threading
import time

import pytest
from harness import Irpd, eventually, firing

pytestmark = pytest.mark.acceptance

#: The limits of a connection in seconds instead of minutes.
SHORT = """
import irpd.web.connections as c, irpd.web.webhook as w
c.FIRST_ANSWER, c.NEXT_ANSWER = 2.0, 4.0
real = w.Webhook._read
async def read(self, request, limit, within): return await real(self, request, limit, 1.0)
w.Webhook._read = read
"""


def connected(irpd: Irpd) -> socket.socket:
    one = socket.create_connection(("127.0.0.1", irpd.port), timeout=10)
    one.setblocking(False)
    return one


def closed(one: socket.socket) -> bool:
    """Whether the peer has hung up; what it said before is dropped."""
    try:
        while one.recv(65536):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


class Dribble(threading.Thread):
    """Sends a head or a body, a byte at a time, until it is cut off."""

    def __init__(self, irpd: Irpd, text: bytes) -> None:
        super().__init__(daemon=True)
        self._socket = socket.create_connection(("127.0.0.1", irpd.port), timeout=10)
        self._text = text
        self.cut_after = 0.0

    def run(self) -> None:
        began = time.monotonic()
        pause = threading.Event()
        try:
            for byte in self._text:
                self._socket.sendall(bytes([byte]))
                pause.wait(0.05)
        except OSError:
            self.cut_after = time.monotonic() - began
        self._socket.close()


HEAD = b"POST /webhook/alertmanager HTTP/1.1\r\nHost: irpd\r\nContent-Length: 4000\r\n"


@pytest.mark.parametrize(
    "text", [HEAD + b"X-Padding: " + b"x" * 4000, HEAD + b"\r\n" + b" " * 3999], ids=["head", "body"]
)
def test_slow_loris_is_cut_off_in_bounded_time_and_others_are_served(irpd: Irpd, text: bytes) -> None:
    irpd.configure(wait="10m")
    irpd.start(planted=SHORT)
    dribbling = [Dribble(irpd, text) for _ in range(40)]
    for one in dribbling:
        one.start()
    for n in range(10):
        began = time.monotonic()
        irpd.post("alertmanager", firing("Served", n, environment=f"env-{n}"))
        assert time.monotonic() - began < 5
    eventually(lambda: all(one.cut_after for one in dribbling), what="all of them to be cut off")
    assert max(one.cut_after for one in dribbling) < 20
    eventually(lambda: irpd.paged() == ["asha"] * 10, what="the pages")


def test_half_open_connections_go_and_those_that_are_used_stay(irpd: Irpd) -> None:
    irpd.configure(wait="10m")
    irpd.start(planted=SHORT)
    silent = [connected(irpd) for _ in range(30)]  # not a byte
    answered = connected(irpd)
    ask = b"GET /healthz HTTP/1.1\r\nHost: irpd\r\n\r\n"
    until = time.monotonic() + 5.5  # longer than a connection without an answer may last
    while time.monotonic() < until:
        answered.sendall(ask)
        eventually(lambda: not closed(answered), what="it to stay open")
        threading.Event().wait(0.3)
    assert all(closed(one) for one in silent)
    assert not closed(answered)
    assert irpd.metric("irpd_connections_cut_total") >= 30
    assert irpd.logged("connections.cut")
    eventually(lambda: closed(answered), what="it to be closed once it says nothing")
    for one in (*silent, answered):
        one.close()


def test_without_descriptors_left_those_that_work_push_out_those_that_wait(irpd: Irpd) -> None:
    irpd.configure(wait="10m")
    irpd.start(prefix=("prlimit", "--nofile=128:128"))
    held = []
    for _ in range(200):  # more than it can have, and held
        try:
            held.append(socket.create_connection(("127.0.0.1", irpd.port), timeout=1))
        except OSError:
            break
    for n in range(5):
        eventually(
            lambda n=n: (
                irpd.request(
                    "POST", "/webhook/alertmanager", json.dumps(firing("Fd", n, environment=f"e{n}")).encode()
                )[0]
                == 202
            ),
            what="intake while the attack goes on",
        )
    eventually(lambda: irpd.paged() == ["asha"] * 5, what="pages while the attack goes on")
    assert irpd.metric("irpd_connections_cut_total") > 0
    for one in held:
        one.close()
    assert irpd.stop() == 0
    irpd.sound()


def resident(irpd: Irpd) -> int:
    """The most memory it has had, in MiB."""
    assert irpd.process is not None
    with open(f"/proc/{irpd.process.pid}/status") as status:
        return next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM"))


def test_body_bombs_do_not_kill_it_within_its_memory(irpd: Irpd) -> None:
    irpd.configure(wait="10m")
    irpd.start(prefix=("prlimit", f"--data={768 * 2**20}"))
    before = resident(irpd)
    large = b'{"alerts": [' + b" " * (15 * 2**20)
    packed = gzip.compress(b"[" * (200 * 2**20), 9)
    deep = b"[" * (2**20)
    answers: list[int] = []

    def send(body: bytes, headers: dict[str, str]) -> None:
        try:
            answers.append(irpd.request("POST", "/webhook/alertmanager", body, headers, timeout=30)[0])
        except OSError:  # it answered before all was sent, and hung up
            answers.append(0)

    senders = [threading.Thread(target=send, args=(large, {})) for _ in range(20)]
    senders += [threading.Thread(target=send, args=(packed, {"Content-Encoding": "gzip"})) for _ in range(10)]
    senders += [threading.Thread(target=send, args=(deep, {})) for _ in range(10)]
    for sender in senders:
        sender.start()
    for n in range(5):
        eventually(
            lambda n=n: (
                irpd.request(
                    "POST",
                    "/webhook/alertmanager",
                    json.dumps(firing("Good", n, environment=f"e{n}")).encode(),
                )[0]
                == 202
            ),
            what="a good body among them",
        )
    for sender in senders:
        sender.join(timeout=60)
    assert set(answers) <= {0, 202, 400, 413, 503}, answers
    assert irpd.process is not None
    assert irpd.process.poll() is None
    assert resident(irpd) - before < 600
    eventually(lambda: sum("Good on" in page["subject"] for page in irpd.pages()) >= 5, what="their pages")
    assert irpd.stop() == 0
    irpd.sound()
