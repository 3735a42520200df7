"""The unit as it ships, under systemd itself: ready, reload, kill, hang, stop, sandbox and credentials."""

import http.client
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import eventually, firing, free_port
from harness.machine import ENVIRONMENT, HOUSE, Machine, possible

ROOT = Path(__file__).resolve().parents[2]
SECRET = "of-alertmanager"
CONFIG = """\
version: 1
server: {{listen: "127.0.0.1:{port}"}}
sources: {{alertmanager: {{type: alertmanager, auth: {{bearer: {{credential: alertmanager}}}}}}}}
unmapped: checkout
operators: [asha]
fallback: [asha]
services: {{checkout: {{title: Checkout, paths: {{technical: engineering}}}}}}
channels: {{local: {{type: file, path: pages.jsonl, terminal: false}}}}
notify: {{default: [{{after: 0m, via: [local]}}]}}
people: {{asha: {{name: Asha Rao, time_zone: Europe/Berlin}}}}
paths: {{engineering: {{kind: technical, steps: [{{person: asha, wait: 30m}}]}}}}
"""


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def machine(tmp_path: Path, port: int) -> Iterator[Machine]:
    if why := possible():
        pytest.skip(why)
    one = Machine(tmp_path, ROOT, ROOT / "deploy" / "systemd" / "irpd.service")
    (one.etc / "irpd.yaml").write_text(CONFIG.format(port=port))
    secret = tmp_path / "etc" / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)  # root's: only systemd can hand it on
    drop_in = one.units / "irpd.service.d" / "20-credential.conf"
    drop_in.write_text(f"[Service]\nLoadCredential=alertmanager:{HOUSE}/etc/secret\n")
    try:
        one.boot()
        yield one
    finally:
        one.end()


def posted(port: int, n: int, secret: str = SECRET) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    body = json.dumps(firing("Systemd", n, environment=f"env-{n}"))
    connection.request("POST", "/webhook/alertmanager", body, {"Authorization": f"Bearer {secret}"})
    status = connection.getresponse().status
    connection.close()
    return status


def ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/readyz")
    status = connection.getresponse().status
    connection.close()
    return status == 200


def pages(machine: Machine) -> list[str]:
    return machine.run("cat", "/var/lib/irpd/pages.jsonl").stdout.splitlines()


def host_pid(machine: Machine) -> int:
    """The service's main process, as this machine counts it."""
    inside = machine.show("MainPID")
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
        except OSError:
            continue
        spaces = next((line.split()[1:] for line in text.splitlines() if line.startswith("NSpid:")), [])
        if spaces[1:] == [inside] and os.readlink(status.parent / "ns/pid") == machine.space:
            return int(spaces[0])
    raise ProcessLookupError(inside)


@pytest.mark.needs("systemd-analyze")
def test_the_unit_starts_reloads_is_restarted_and_stops_under_systemd(machine: Machine, port: int) -> None:
    machine.run("systemctl", "start", "irpd")
    assert ready(port), "systemd was told that it is ready before it was"
    assert machine.show("ActiveState") == "active"
    assert str(port) in machine.show("StatusText")
    assert machine.show("WatchdogUSec") == "30s"

    # The credential is the service's alone, and so is all that it writes.
    assert posted(port, 1) == 202
    assert posted(port, 1, secret="another") == 401
    eventually(lambda: len(pages(machine)) == 1, what="the page")
    status = Path(f"/proc/{host_pid(machine)}/status").read_text()
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert int(facts["Uid"].split()[0]) > 60000, "not a user of its own"
    assert (facts["NoNewPrivs"], facts["Seccomp"], int(facts["CapBnd"], 16)) == ("1", "2", 0)

    # A reload waits for its answer; a bad one fails and changes nothing.
    before = machine.show("StatusText")
    good, config = CONFIG.format(port=port), f"{HOUSE}/etc/irpd.yaml"
    machine.write(config, good.replace("title: Checkout", "title: Till"))
    machine.run("systemctl", "reload", "irpd")
    after = machine.show("StatusText")
    assert after != before
    machine.write(config, good.replace("fallback:", "fallbak:"))
    assert machine.run("systemctl", "reload", "irpd", ok=False).returncode != 0
    assert "refused" in machine.show("StatusText")
    assert "did you mean fallback?" in machine.log()
    assert machine.show("ActiveState") == "active"
    machine.write(config, good)
    machine.run("systemctl", "reload", "irpd")

    # Killed, it is there again by itself with all that it had.
    os.kill(host_pid(machine), signal.SIGKILL)
    eventually(lambda: machine.show("NRestarts") == "1" and ready(port), what="the restart after kill -9")
    assert posted(port, 2) == 202
    eventually(lambda: len(pages(machine)) >= 3, what="its page, beside that on the refused configuration")

    # Hung, it is killed and started again. In seconds, for a test can't wait for minutes.
    fast = "[Service]\nWatchdogSec=4s\nTimeoutAbortSec=1s\nRestartSec=100ms\n"
    machine.write(f"{HOUSE}/units/irpd.service.d/30-fast.conf", fast)
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", "irpd")
    restarts = int(machine.show("NRestarts"))
    main = host_pid(machine)
    eventually(lambda: machine.show("WatchdogTimestamp") != "", what="the watchdog to be fed")
    os.kill(main, signal.SIGSTOP)
    eventually(
        lambda: int(machine.show("NRestarts")) > restarts and ready(port),
        within=30,
        what="the watchdog's restart",
    )
    assert posted(port, 3) == 202

    machine.run("systemctl", "stop", "irpd")
    assert machine.show("ActiveState") == "inactive"
    assert (machine.show("Result"), machine.show("ExecMainStatus")) == ("success", "0")
    python = f"{HOUSE}/python/bin/{machine.python}"
    check = ["env", *ENVIRONMENT, python, "-m", "irpd", "journal", "check"]
    machine.run(*check, "--journal", "/var/lib/irpd/irpd.db")
