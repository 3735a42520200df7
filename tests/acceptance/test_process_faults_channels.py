"""Receivers that never answer and names that never resolve: the other channels page as ever."""

import json
import time
from collections.abc import Iterator

import pytest
from harness import Irpd, Mailbox, eventually, firing
from harness.peers import Hook, Silent

pytestmark = pytest.mark.acceptance


def test_receivers_that_never_answer_hold_up_no_other_channel(irpd: Irpd, silent: Silent) -> None:
    irpd.configure(
        channels=(
            f'  hook: {{type: webhook, url: "http://127.0.0.1:{silent.port}/", timeout: 3s,'
            " auth: {secret: {env: IRPD_HOOK_SECRET}}}\n"
            f"  mail: {{type: smtp, host: 127.0.0.1, port: {silent.port}, from: irpd@example.com,"
            " timeout: 3s}"
        ),
        notify="  default: [{after: 0s, via: [hook, mail, local]}]",
        wait="10m",
    )
    irpd.start()
    for n in range(60):  # more than their lanes are wide
        irpd.post("alertmanager", firing("Silent", n, environment=f"env-{n}"))
    eventually(lambda: irpd.paged() == ["asha"] * 60, within=12, what="the pages on the channel that works")
    for channel in ("hook", "mail"):
        series = f'irpd_pages_total{{channel="{channel}",outcome="transient"}}'
        eventually(lambda series=series: irpd.metric(series) > 0, what=series)
    assert irpd.get("/readyz")[0] == 200, "a hanging channel is not a stuck irpd"
    irpd.cli("ack", "1", "--as", "asha")
    # What hangs does not hold up the end either.
    began = time.monotonic()
    assert irpd.stop() == 0
    assert time.monotonic() - began < 15
    irpd.sound()


HANGING = """
import socket, threading
real = socket.getaddrinfo
def getaddrinfo(host, *args, **more):
    if host in ("hook.example", b"hook.example", "mail.example", b"mail.example"):
        threading.Event().wait()  # a name server that never answers
    return real(host, *args, **more)
socket.getaddrinfo = getaddrinfo
"""


@pytest.fixture
def hook() -> Iterator[Hook]:
    one = Hook()
    yield one
    one.close()


def test_names_that_never_resolve_hold_up_no_other_channel_nor_a_reload_nor_the_end(
    irpd: Irpd, mailbox: Mailbox, hook: Hook
) -> None:
    secret = "auth: {secret: {env: IRPD_HOOK_SECRET}}"
    irpd.configure(
        channels=(
            f'  lost: {{type: webhook, url: "http://hook.example/", timeout: 3s, {secret}}}\n'
            "  gone: {type: smtp, host: mail.example, from: irpd@example.com, timeout: 3s}\n"
            f'  hook: {{type: webhook, url: "http://localhost:{hook.port}/", {secret}}}\n'
            f"  mail: {{type: smtp, host: localhost, port: {mailbox.port}, from: irpd@example.com}}"
        ),
        notify="  default: [{after: 0s, via: [lost, gone, hook, mail, local]}]",
        wait="10m",
    )
    irpd.start(planted=HANGING)
    for n in range(40):
        irpd.post("alertmanager", firing("Names", n, environment=f"env-{n}"))
    eventually(lambda: irpd.paged() == ["asha"] * 40, within=12, what="the pages in the file")
    eventually(lambda: len(hook.pages) == 40, within=12, what="the pages by webhook, by name")
    eventually(lambda: len(mailbox.to("asha@example.com")) == 40, within=24, what="the mails, by name")
    assert irpd.get("/readyz")[0] == 200
    # Reading the files needs a thread too.
    irpd.config.write_text(irpd.config.read_text().replace("title: Checkout", "title: Cash desk"))
    irpd.cli("reload", "--wait")
    # While it hangs still.
    irpd.post("alertmanager", firing("Later", 1, environment="later"))
    eventually(lambda: "Cash desk" in json.dumps(irpd.pages()[-1]), what="the page after the reload")
    eventually(lambda: len(hook.pages) == 41, within=12, what="its webhook")
    began = time.monotonic()
    assert irpd.stop() == 0
    assert time.monotonic() - began < 15, "it waits for a name at its end"
    irpd.sound()
