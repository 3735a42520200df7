"""What breaks around it: the disk full, the journal locked, files bad, judgement failing."""

import http.client
import json
import os
import re
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import Irpd, Mailbox, eventually, firing

pytestmark = pytest.mark.acceptance


class SmallDisk:
    """A file system of its own that can be filled and made read-only."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.folder = folder
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], check=True)
        self._filler = folder / "filler"

    def fill(self) -> None:
        with self._filler.open("wb", buffering=0) as filler:
            block = bytes(64 * 1024)
            while block:
                try:
                    filler.write(block)
                except OSError:
                    block = block[: len(block) // 2]

    def free(self) -> None:
        self._filler.unlink()

    def close(self) -> None:
        subprocess.run(["umount", "-l", str(self.folder)], check=True)


@pytest.fixture
def small_disk(irpd: Irpd, tmp_path: Path) -> Iterator[SmallDisk]:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    disk = SmallDisk(tmp_path / "disk", 48)
    irpd.state = disk.folder / "state"
    yield disk
    if irpd.process is not None and irpd.process.poll() is None:
        irpd.kill()
    disk.close()


def post_status(irpd: Irpd, n: int) -> tuple[int, dict[str, str]]:
    body = json.dumps(firing("Fault", n, environment=f"env-{n}")).encode()
    status, headers, _ = irpd.request("POST", "/webhook/alertmanager", body)
    return status, headers


def test_a_full_disk_refuses_reports_lets_people_act_and_recovers_by_itself(
    irpd: Irpd, small_disk: SmallDisk, mailbox: Mailbox
) -> None:
    channels = f"  mail: {{type: smtp, host: 127.0.0.1, port: {mailbox.port}, from: irpd@example.com}}"
    notify = "  default: [{after: 0s, via: [mail]}, {after: 3s, via: [mail]}]"
    irpd.configure(channels=channels, notify=notify, wait="10m")
    irpd.start()
    irpd.post("alertmanager", firing("Before", 1))
    eventually(lambda: len(mailbox.to("asha@example.com")) == 1, what="the page before the disk was full")
    small_disk.fill()
    _, headers = eventually(
        lambda: (answer := post_status(irpd, 1))[0] == 503 and answer, what="a refusal on the full disk"
    )
    assert 5 <= int(headers["retry-after"]) <= 30
    assert irpd.get("/readyz")[0] == 503
    # The second method was due meanwhile: it is tried all the same.
    eventually(lambda: len(mailbox.to("asha@example.com")) >= 2, what="the page that came due")
    irpd.cli("ack", "1", "--as", "asha")
    assert irpd.incident(1)["state"] == "acknowledged"
    assert post_status(irpd, 2)[0] == 503
    small_disk.free()
    eventually(lambda: post_status(irpd, 3)[0] == 202, what="intake once there is room again")
    eventually(lambda: irpd.get("/readyz")[0] == 200, what="readiness")
    assert irpd.incident(1)["acknowledged_by"] == ["asha"]
    assert len(mailbox.to("asha@example.com")) <= 3
    assert irpd.stop() == 0
    irpd.kept()  # before the disk goes
    irpd.accepted.clear()
    irpd.cli("journal", "check", "--journal", str(irpd.state / "irpd.db"))


def test_on_a_full_disk_the_path_goes_on_and_the_operators_hear_of_it_once(
    irpd: Irpd, small_disk: SmallDisk, mailbox: Mailbox
) -> None:
    channels = f"  mail: {{type: smtp, host: 127.0.0.1, port: {mailbox.port}, from: irpd@example.com}}"
    irpd.configure(channels=channels, notify="  default: [{after: 0s, via: [mail]}]", wait="3s")
    irpd.start()
    irpd.post("alertmanager", firing("Before", 1))
    eventually(lambda: mailbox.to("asha@example.com"), what="the page before the disk was full")
    small_disk.fill()
    eventually(lambda: post_status(irpd, 1)[0] == 503, what="a refusal on the full disk")
    eventually(lambda: mailbox.to("chi@example.com"), what="the path's second step")
    eventually(lambda: mailbox.to("emil@example.com"), what="the operators' page")
    assert post_status(irpd, 2)[0] == 503
    irpd.cli("ack", "1", "--as", "chi")
    (told,) = (one for one in irpd.json("incident", "list")["incidents"] if one["id"] != 1)
    assert (told["title"], told["signals"]["firing"]) == ("The journal's disk is full", 1)
    irpd.cli("ack", str(told["id"]), "--as", "emil")
    small_disk.free()
    eventually(lambda: irpd.get("/readyz")[0] == 200, what="readiness")
    eventually(lambda: irpd.incident(told["id"])["signals"]["firing"] == 0, what="its end")
    assert len(mailbox.to("emil@example.com")) <= 2
    assert irpd.stop() == 0
    irpd.kept()  # before the disk goes
    irpd.accepted.clear()
    irpd.cli("journal", "check", "--journal", str(irpd.state / "irpd.db"))


def test_a_journal_locked_by_another_program_refuses_and_recovers(irpd: Irpd) -> None:
    irpd.configure(wait="10m")
    irpd.start()
    assert post_status(irpd, 1)[0] == 202
    other = sqlite3.connect(irpd.state / "irpd.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    _, headers = eventually(
        lambda: (answer := post_status(irpd, 2))[0] == 503 and answer, what="a refusal while it is locked"
    )
    assert "retry-after" in headers
    assert irpd.get("/healthz")[0] == 200
    other.execute("ROLLBACK")
    other.close()
    eventually(lambda: post_status(irpd, 3)[0] == 202, what="intake once the lock is gone")
    assert irpd.stop() == 0
    irpd.cli("journal", "check", "--journal", str(irpd.state / "irpd.db"))


PLANTED = {
    "decide": """
import irpd.protocol.decide as d
real = d.receive
def receive(draft, command):
    if any(s.labels.get("alertname") == "Boom" for s in command.signals):
        raise RuntimeError("planted")
    return real(draft, command)
d.receive = receive
""",
    "everything": """
import irpd.engine.batch as b
real = b.decide
def decide(draft, command):
    if type(command).__name__ in ("Receive", "SetAside"):
        raise RuntimeError("planted")
    return real(draft, command)
b.decide = decide
""",
    "rules": """
import irpd.protocol.levels as l
def level_for(*a, **k): raise RuntimeError("planted")
l.level_for = level_for
""",
    "schedule": """
import irpd.protocol.paging as p
def persons_for(*a, **k): raise RuntimeError("planted")
p.persons_for = persons_for
""",
    "template": """
import irpd.comms.texts as t
for name in ("plain_text", "mail_text", "slack_text"):
    if hasattr(t, name):
        def broken(*a, **k): raise RuntimeError("planted")
        setattr(t, name, broken)
""",
    "normaliser": """
import irpd.intake.alertmanager as a
def whole(self, body): raise RuntimeError("planted")
a.Reader.whole = whole
""",
}


@pytest.mark.parametrize("where", PLANTED)
def test_a_failure_in_judgement_pages_somebody_all_the_same(irpd: Irpd, where: str) -> None:
    irpd.configure(wait="10m")
    irpd.start(planted=PLANTED[where])
    answer = irpd.post("alertmanager", firing("Boom", 1))
    assert answer["incidents"], answer
    eventually(irpd.pages, what="a page")
    # The loop lives: others are handled as ever.
    irpd.post("helpdesk", {"id": 7, "subject": "hello", "from": "a@example.com", "state": "open"})
    eventually(lambda: irpd.json("incident", "list")["total"] >= (1 if where == "everything" else 2))
    assert irpd.get("/healthz")[0] == 200
    assert irpd.stop() == 0
    irpd.cli("journal", "check", "--journal", str(irpd.state / "irpd.db"))
    irpd.accepted = dict.fromkeys(irpd.accepted, ())  # what was set aside is kept, and is no signal


# ------------------------------------------------------------------ files
def gauge(irpd: Irpd, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", irpd.get("/metrics")[1], re.MULTILINE)
    assert found, name
    return float(found[1])


def test_a_first_start_with_bad_files_ends_with_78_and_names_the_place(irpd: Irpd) -> None:
    irpd.config.write_text(irpd.config.read_text().replace("person: chi", "person: cih"))
    irpd.spawn()
    assert irpd.ended() == 78
    assert "did you mean chi?" in irpd.log_tail()
    assert "Traceback" not in irpd.log_tail()


def test_bad_files_at_start_run_on_the_last_good_and_page_the_operators(irpd: Irpd) -> None:
    irpd.configure(wait="10m")
    irpd.start()
    assert irpd.stop() == 0
    good = irpd.config.read_text()
    irpd.config.write_text(good.replace("person: chi", "person: cih"))
    irpd.start()
    page = eventually(irpd.pages, what="a page to the operators")[0]
    assert page["person"] == "emil"
    assert "configuration" in page["incident"]["title"]
    assert gauge(irpd, "irpd_config_last_reload_successful") == 0
    status, ready = irpd.get("/readyz")
    assert status == 200
    assert '"degraded"' in ready
    irpd.post("alertmanager", firing())  # and it goes on paging for the services
    eventually(lambda: "asha" in irpd.paged())
    irpd.config.write_text(good)
    eventually(lambda: gauge(irpd, "irpd_config_last_reload_successful") == 1, what="the mended files")


@pytest.mark.parametrize("mistake", ["bogus: 1\n", "people: {\n", "\tx: 1\n"])
def test_bad_files_at_start_still_say_where_the_journal_is(irpd: Irpd, mistake: str) -> None:
    place = irpd.folder / "elsewhere"
    irpd.configure(wait="10m", more="journal: {sqlite: 'other.db'}  # not irpd.db\n")
    irpd.config.write_text(irpd.config.read_text().replace("server: {", f"server: {{state_dir: {place}, ", 1))
    nowhere = {"STATE_DIRECTORY": ""}
    irpd.spawn(env=nowhere)
    eventually(lambda: irpd.get("/readyz")[0] == 200, what="the first start")
    assert irpd.stop() == 0
    irpd.config.write_text(irpd.config.read_text() + mistake)
    irpd.spawn(env=nowhere)
    eventually(lambda: '"degraded"' in irpd.get("/readyz")[1], what="the last good configuration")
    assert sorted(path.name for path in place.glob("*.db")) == ["other.db"]


def test_a_first_start_with_bad_files_leaves_no_journal(irpd: Irpd) -> None:
    irpd.config.write_text(irpd.config.read_text() + "bogus: 1\n")
    irpd.spawn()
    assert irpd.ended() == 78
    assert not list(irpd.state.glob("irpd.db*"))


def test_a_bad_or_half_written_reload_is_refused_whole_and_the_good_one_is_taken(irpd: Irpd) -> None:
    irpd.configure(wait="10m")
    irpd.start()
    before = irpd.api("/config")["hash"]
    good = irpd.config.read_text()
    irpd.config.write_text(good[: len(good) // 2])
    eventually(lambda: gauge(irpd, "irpd_config_last_reload_successful") == 0, what="the refusal")
    assert irpd.api("/config")["hash"] == before
    eventually(lambda: irpd.paged() == ["emil"], what="one page to the operators")
    irpd.cli("reload", "--wait", ok=False)
    irpd.config.write_text(good.replace("title: Checkout", "title: Cash desk"))
    eventually(lambda: gauge(irpd, "irpd_config_last_reload_successful") == 1, what="the good files")
    assert irpd.api("/config")["hash"] != before
    irpd.post("alertmanager", firing())
    eventually(lambda: "Cash desk" in irpd.pages()[-1]["subject"], what="the new title in a page")
    assert irpd.paged().count("emil") == 1


def test_a_reload_in_the_middle_of_a_path_leaves_it_running(irpd: Irpd) -> None:
    irpd.configure(wait="2s")
    irpd.start()
    irpd.post("alertmanager", firing())
    eventually(lambda: irpd.paged() == ["asha"])
    irpd.config.write_text(irpd.config.read_text().replace("title: Checkout", "title: Cash desk"))
    assert irpd.process is not None
    irpd.process.send_signal(1)
    eventually(lambda: irpd.paged()[:2] == ["asha", "chi"], what="the second step after the reload")


# ------------------------------------------------------------------ hostile senders
def test_a_sender_that_hangs_up_or_dribbles_disturbs_nobody(irpd: Irpd) -> None:
    irpd.start()
    idle = []
    for _ in range(50):  # half-open: a head and no body
        connection = http.client.HTTPConnection("127.0.0.1", irpd.port, timeout=5)
        connection.putrequest("POST", "/webhook/alertmanager")
        connection.putheader("Content-Length", "100000")
        connection.endheaders()
        idle.append(connection)
    began = time.monotonic()
    irpd.post("alertmanager", firing())
    assert time.monotonic() - began < 5
    for connection in idle:
        connection.close()
    assert irpd.get("/healthz")[0] == 200


def test_the_fd_limit_is_survived(irpd: Irpd) -> None:
    irpd.start(prefix=("prlimit", "--nofile=64:64"))
    held: list[http.client.HTTPConnection] = []
    opened: Callable[[], http.client.HTTPConnection] = lambda: http.client.HTTPConnection(  # noqa: E731
        "127.0.0.1", irpd.port, timeout=2
    )
    for _ in range(100):
        connection = opened()
        try:
            connection.connect()
        except OSError:
            break
        held.append(connection)
    for connection in held:
        connection.close()
    eventually(lambda: post_status(irpd, 1)[0] == 202, what="intake once descriptors are free")
