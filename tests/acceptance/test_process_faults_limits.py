"""The process has no descriptors left, or no channel takes a page: it says so, and goes on when it can."""

import http.client
import json
from pathlib import Path

import pytest
from harness import Irpd, eventually, firing

pytestmark = pytest.mark.acceptance


def hog(switch: Path) -> str:
    """While the file ``switch`` is there, all descriptors of the process are in use."""
    return f"""
import os, threading
def hog():
    held, pause = [], threading.Event()
    while not pause.wait(0.01):
        if os.path.exists({str(switch)!r}):
            try:
                while True: held.append(os.open("/dev/null", os.O_RDONLY))
            except OSError: pass
        else:
            while held: os.close(held.pop())
threading.Thread(target=hog, daemon=True).start()
"""


def body(n: int) -> bytes:
    return json.dumps(firing("Limits", n, environment=f"env-{n}")).encode()


def test_without_any_descriptor_what_is_connected_is_served_and_the_log_stays_small(
    irpd: Irpd, tmp_path: Path
) -> None:
    switch = tmp_path / "hogged"
    irpd.configure(wait="10m")
    irpd.start(planted=hog(switch), prefix=("prlimit", "--nofile=128:128"))
    connected = http.client.HTTPConnection("127.0.0.1", irpd.port, timeout=10)
    connected.request("POST", "/webhook/alertmanager", body(1))
    assert connected.getresponse().read()
    eventually(lambda: irpd.paged() == ["asha"], what="the page before")
    before = irpd.log.stat().st_size
    switch.touch()
    strangers = []

    def knocked() -> bool:
        """Connections that the kernel takes and irpd can't, until irpd has said so."""
        stranger = http.client.HTTPConnection("127.0.0.1", irpd.port, timeout=30)
        stranger.connect()
        stranger.putrequest("POST", "/webhook/alertmanager")
        strangers.append(stranger)
        return bool(irpd.logged("connections.not-taken"))

    eventually(knocked, what="the line in the log")
    connected.request("POST", "/webhook/alertmanager", body(2))
    answer = connected.getresponse()
    assert answer.status == 202, answer.read()
    answer.read()
    series = 'irpd_pages_total{channel="local",outcome="transient"}'
    connected.request("GET", "/metrics")
    assert connected.getresponse().read()
    eventually(lambda: "Too many open files" in irpd.log.read_text(), what="the page in vain")
    for _ in range(3):  # a second between two tries to take what knocks
        eventually(knocked, what="more of them")
    grown = irpd.log.stat().st_size - before
    switch.unlink()
    eventually(lambda: irpd.metric(series) > 0, what="irpd to take connections again")
    status, _, _ = irpd.request("POST", "/webhook/alertmanager", body(3))
    assert status == 202
    eventually(lambda: irpd.paged() == ["asha"] * 3, what="the pages of all that was accepted")
    text = irpd.log.read_text()
    assert "Traceback" not in text
    assert grown < 20_000, f"{grown} bytes of log"
    assert irpd.logged("connections.not-taken")[0]["attempts"] >= 1
    assert irpd.get("/readyz")[0] == 200
    for one in (connected, *strangers):
        one.close()
    assert irpd.stop() == 0
    irpd.sound()


IMPATIENT = """
from irpd.daemon.watch_delivery import DeliveryWatch
DeliveryWatch.__init__.__kwdefaults__["silent_after"] = 1.0
"""


def test_when_every_channel_refuses_it_is_told_until_one_delivers(irpd: Irpd) -> None:
    nowhere = irpd.folder / "nowhere"
    nowhere.mkdir()
    places = irpd.folder / "pages"
    places.symlink_to(nowhere / "none" / "of" / "them")  # a folder that can't be made
    irpd.configure(
        wait="2s",
        channels=f"  one: {{type: file, path: {places}/one.jsonl, terminal: false}}\n"
        '  hook: {type: webhook, url: "http://127.0.0.1:9/", auth: {secret: {env: IRPD_HOOK_SECRET}}}',
        notify="  default: [{after: 0s, via: [one, hook]}]",
    )
    irpd.start(planted=IMPATIENT)
    assert irpd.check_of("delivery")["ok"]
    irpd.post("alertmanager", firing())
    eventually(lambda: not irpd.check_of("delivery")["ok"], what="the check to say so")
    detail = irpd.check_of("delivery")["detail"]
    assert "hook" in detail
    assert "one" in detail
    status, text = irpd.get("/readyz")
    assert status == 200, "a proxy must go on letting reports through"
    assert json.loads(text)["status"] == "degraded"
    assert irpd.metric('irpd_check_ok{check="delivery"}') == 0
    eventually(lambda: irpd.logged("nothing-delivered"), what="the line in the log")
    irpd.post("alertmanager", firing("Other", 2, environment="other"))  # reports are taken in all the same
    places.unlink()
    places.mkdir(exist_ok=True)  # a try just now may have made it
    eventually(lambda: irpd.check_of("delivery")["ok"], what="the check once a page has been delivered")
    eventually(lambda: irpd.logged("delivered-again"), what="the line in the log")

    def delivered() -> set[int]:
        file = places / "one.jsonl"
        return {json.loads(line)["incident"]["id"] for line in file.read_text().splitlines()}

    eventually(lambda: delivered() == {1, 2}, what="a page for each that was accepted")
    assert irpd.json("page", "list")["pages"]
    assert irpd.stop() == 0
    irpd.sound()
