"""The disk errs, drags or hangs, the journal's file is damaged: said, survived, put right by one command."""

import json
import random
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from harness import Irpd, eventually, firing
from harness.peers import Supervisor

pytestmark = pytest.mark.acceptance


def at_commit(switch: Path, what: str) -> str:
    """While the file ``switch`` is there, ``what`` runs within each transaction, before its COMMIT."""
    return f"""
import apsw, os, time
from irpd.journal.sqlite import SqliteJournal
real = SqliteJournal.__init__
def init(self, *args, **more):
    real(self, *args, **more)
    ordinary = self._kill
    def fault(point):
        if point == "before-commit" and os.path.exists({str(switch)!r}):
            {what}
        ordinary(point)
    self._kill = fault
SqliteJournal.__init__ = init
"""


def status_of(irpd: Irpd, n: int) -> tuple[int, dict[str, str]]:
    body = json.dumps(firing("Disk", n, environment=f"env-{n}")).encode()
    status, headers, _ = irpd.request("POST", "/webhook/alertmanager", body)
    return status, headers


def test_io_errors_refuse_what_can_not_be_kept_and_it_recovers_by_itself(irpd: Irpd, tmp_path: Path) -> None:
    switch = tmp_path / "broken"
    irpd.configure(wait="10m")
    irpd.start(planted=at_commit(switch, 'raise apsw.IOError("disk I/O error")'))
    assert status_of(irpd, 1)[0] == 202
    switch.touch()
    for n in (2, 3, 4):
        status, headers = status_of(irpd, n)
        assert status == 503
        assert 5 <= int(headers["retry-after"]) <= 30
    eventually(lambda: irpd.logged("journal-unavailable"), what="the line in the log")
    assert "disk I/O error" in irpd.logged("journal-unavailable")[-1]["error"]
    assert irpd.get("/healthz")[0] == 200
    eventually(lambda: status_of(irpd, 4)[0] == 503 and irpd.get("/readyz")[0] == 503, what="not ready")
    switch.unlink()
    eventually(lambda: status_of(irpd, 5)[0] == 202, what="intake once the disk works again")
    eventually(lambda: irpd.get("/readyz")[0] == 200, what="readiness")
    eventually(lambda: irpd.paged() == ["asha"] * 2, what="a page for each that was accepted")
    assert irpd.json("incident", "list")["total"] == 2, "something refused was kept"
    assert irpd.metric('irpd_webhook_requests_total{code="503",source="alertmanager"}') >= 3
    assert irpd.stop() == 0
    irpd.sound()


def test_io_errors_at_a_page_send_it_once_and_record_it_when_the_disk_is_back(
    irpd: Irpd, tmp_path: Path
) -> None:
    switch = tmp_path / "broken"
    plant = at_commit(switch, 'raise apsw.IOError("disk I/O error")')
    # The disk breaks between the page's request and the record of its sending.
    plant += f"""
import irpd.channels.file as f
append = f._append
def and_break(path, lines):
    append(path, lines)
    if not os.path.exists({str(tmp_path / "once")!r}):
        open({str(tmp_path / "once")!r}, "w").close()
        open({str(switch)!r}, "w").close()
f._append = and_break
"""
    irpd.configure(wait="10m")
    irpd.start(planted=plant)
    irpd.post("alertmanager", firing())
    eventually(lambda: irpd.logged("journal-unavailable"), what="the record that fails")
    switch.unlink()
    eventually(
        lambda: irpd.json("page", "list")["pages"][0]["sends"][0]["state"] == "accepted",
        what="the outcome on disk",
    )
    assert len(irpd.pages()) == 1
    assert irpd.stop() == 0
    irpd.sound()


@pytest.mark.alone
def test_a_slow_disk_delays_answers_and_loses_none(irpd: Irpd, tmp_path: Path) -> None:
    switch = tmp_path / "slow"
    irpd.configure(wait="10m")
    irpd.start(planted=at_commit(switch, "time.sleep(0.4)"))
    switch.touch()
    answers: list[int] = []
    senders = [threading.Thread(target=lambda n=n: answers.append(status_of(irpd, n)[0])) for n in range(24)]
    began = time.monotonic()
    for sender in senders:
        sender.start()
    asked = time.monotonic()
    assert irpd.get("/healthz")[0] == 200
    assert time.monotonic() - asked < 0.35, "the loop waits for the disk"
    for sender in senders:
        sender.join(timeout=30)
    assert answers == [202] * 24
    # They share commits; one each would take 9.6 s.
    assert time.monotonic() - began < 4
    eventually(lambda: irpd.paged() == ["asha"] * 24, what="all pages")
    assert irpd.metric('irpd_journal_commit_seconds_bucket{le="0.25"}') < irpd.metric(
        "irpd_journal_commit_seconds_count"
    )
    switch.unlink()
    assert irpd.stop() == 0
    irpd.sound()


def test_a_disk_that_hangs_is_told_and_starves_the_watchdog(
    irpd: Irpd, tmp_path: Path, supervisor: Supervisor
) -> None:
    switch = tmp_path / "hung"
    plant = at_commit(switch, f"while os.path.exists({str(switch)!r}): time.sleep(0.05)")
    plant += (
        'from irpd.daemon.watchdog import Watchdog\nWatchdog.__init__.__kwdefaults__["stalled_after"] = 2.0\n'
    )
    irpd.configure(wait="10m")
    irpd.start(planted=plant, env=supervisor.env)
    switch.touch()
    with pytest.raises(TimeoutError):
        irpd.request("POST", "/webhook/alertmanager", json.dumps(firing()).encode(), timeout=0.5)
    eventually(lambda: irpd.logged("stalled"), what="the line in the log")
    assert irpd.check_of("progress")["detail"] == "engine"
    assert irpd.metric('irpd_check_ok{check="progress"}') == 0
    since = time.monotonic() + 0.5
    eventually(lambda: time.monotonic() > since + 1.5, what="some periods")
    assert supervisor.fed(since=since) == 0
    switch.unlink()
    eventually(lambda: irpd.get("/readyz")[0] == 200, what="readiness when the disk is back")
    irpd.post("alertmanager", firing())
    eventually(lambda: irpd.paged() == ["asha"], what="the page")
    assert irpd.stop() == 0
    irpd.sound()


# ------------------------------------------------------------------ a damaged file
def filled(irpd: Irpd, *, before: int = 30, after: int = 5) -> Path:
    """A stopped daemon whose journal has incidents, and a backup that lacks the last of them."""
    irpd.configure(wait="10m")
    irpd.start()
    for n in range(before):
        irpd.post("alertmanager", firing("Damage", n, environment=f"env-{n}"))
    backup = irpd.folder / "backup.db"
    irpd.cli("backup", str(backup), "--journal", str(irpd.state / "irpd.db"))
    for n in range(before, before + after):
        irpd.post("alertmanager", firing("Damage", n, environment=f"env-{n}"))
    eventually(lambda: len(irpd.pages()) == before + after, what="all pages")
    assert irpd.stop() == 0
    irpd.sound()
    with sqlite3.connect(irpd.state / "irpd.db") as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return backup


def changed(file: Path, at: int, instead: bytes) -> None:
    with file.open("r+b") as database:
        database.seek(at)
        database.write(instead)


def restore(irpd: Irpd, backup: Path) -> str:
    """One command, and then it works: intake, incidents of the backup, a journal that is whole."""
    said = irpd.cli("restore", str(backup), "--journal", str(irpd.state / "irpd.db"))
    irpd.sound()
    irpd.accepted.clear()  # what came after the backup is gone, and that is what the command lists
    irpd.start()
    assert irpd.json("incident", "list", "--state", "all")["total"] >= 30
    irpd.post("alertmanager", firing("Later", 1, environment="later"))
    eventually(lambda: irpd.pages()[-1]["incident"]["title"].startswith("Later"), what="a page after it")
    assert irpd.stop() == 0
    irpd.sound()
    return said


def test_an_event_changed_on_disk_is_found_and_a_restore_lists_what_came_after_the_backup(
    irpd: Irpd,
) -> None:
    backup = filled(irpd)
    file = irpd.state / "irpd.db"
    with sqlite3.connect(file) as database:
        payload = next(
            row[0]
            for row in database.execute("SELECT payload FROM events WHERE payload IS NOT NULL ORDER BY seq")
            if b"Damage" in bytes(row[0])
        )
    database.close()
    at = file.read_bytes().index(bytes(payload)) + bytes(payload).index(b"Damage")
    changed(file, at, b"Damagf")
    assert "event" in irpd.run("audit", "verify", "--journal", str(file)).stderr
    assert irpd.run("audit", "verify", "--journal", str(file)).returncode == 1
    assert irpd.run("journal", "check", "--journal", str(file)).returncode == 1
    said = restore(irpd, backup)
    assert "events that the backup hasn't" in said
    assert "incident:31" in said
    assert "incident:35" in said


def test_a_file_damaged_in_the_middle_is_found_wherever_it_is_and_restored_by_one_command(
    irpd: Irpd,
) -> None:
    backup = filled(irpd)
    file = irpd.state / "irpd.db"
    good = file.read_bytes()
    chance = random.Random(7)
    pages = len(good) // 4096
    for page in chance.sample(range(1, pages), 4):  # of any table or index
        file.write_bytes(good)
        changed(file, page * 4096, bytes(chance.randrange(256) for _ in range(4096)))
        check = irpd.run("journal", "check", "--journal", str(file))
        assert "Traceback" not in check.stderr
        assert check.returncode != 0, f"page {page}"
        assert check.stderr.strip(), "it doesn't say what is wrong"
    # The page of the first events: what came after the backup is told all the same.
    file.write_bytes(good)
    changed(file, good.index(b"Damage on node-0") // 4096 * 4096, b"\xff" * 4096)
    said = restore(irpd, backup)
    assert "may not be all" in said
    assert "incident:35" in said
    # The first page: nothing of it can be read, and a start says so.
    changed(file, 0, b"\xff" * 4096)
    irpd.spawn()
    assert irpd.ended() == 74
    assert "irpd restore" in irpd.log_tail()
    assert "Traceback" not in irpd.log_tail()
    aside = irpd.cli("restore", str(backup), "--journal", str(file))
    irpd.accepted.clear()
    assert "can't be read" in aside
    irpd.sound()


def overwritten(irpd: Irpd, name: str) -> None:
    """The first page of this table or index is no longer what it was."""
    file = irpd.state / "irpd.db"
    with sqlite3.connect(file) as database:
        (page,) = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (name,)).fetchone()
    database.close()
    changed(file, (page - 1) * 4096, b"\xff" * 4096)


@pytest.mark.parametrize("name", ["incidents", "incidents_live", "members", "pages", "configs", "counters"])
def test_damage_that_a_start_meets_ends_it_with_74_and_names_the_way_back(irpd: Irpd, name: str) -> None:
    filled(irpd, before=3, after=1)
    overwritten(irpd, name)
    irpd.log.unlink()
    irpd.spawn()
    assert irpd.ended() == 74
    assert "irpd restore" in irpd.log_tail()
    assert "Traceback" not in irpd.log_tail()
    irpd.accepted.clear()  # the file stays as it is


def test_damage_that_only_a_write_meets_is_told_and_stays_told_until_it_is_mended(irpd: Irpd) -> None:
    backup = filled(irpd, before=30, after=1)
    overwritten(irpd, "receipts")
    irpd.start()
    for n in (100, 101, 102):
        status, headers = status_of(irpd, n)
        assert status == 503
        assert 5 <= int(headers["retry-after"]) <= 30
    for _ in range(3):
        assert irpd.get("/readyz")[0] == 503
        check = irpd.check_of("journal")
        assert not check["ok"]
        assert "irpd restore" in check["detail"]
        status_of(irpd, 103)
    assert irpd.metric('irpd_check_ok{check="journal"}') == 0
    assert irpd.get("/healthz")[0] == 200
    irpd.kill()
    assert "incident:31" in restore(irpd, backup)
