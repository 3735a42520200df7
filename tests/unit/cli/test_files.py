"""The commands that need no daemon: check, rules, schema, config, and the journal as a file."""

import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from house import SECRET, configured

from irpd.cli import files
from irpd.cli.failure import Failed
from irpd.cli.times import Shown, parse_time
from irpd.engine.clock import SystemClock
from irpd.engine.ports import Batch, Fact
from irpd.journal.sqlite import SqliteJournal
from irpd.model.event import Started

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = str(ROOT / "config")
GOOD = configured(login="asha")
WITH_SECRET = {"DOOR_SECRET": SECRET}

RULES = """
version: 1
rules:
  - {id: payments, match: {labels: {category: payment}}, level: 1, because: payments are critical}
tests:
  - {name: payments are critical, given: {source: open, labels: {category: payment}}, expect: {level: 1}}
  - {name: this one is wrong, given: {source: open, labels: {category: payment}}, expect: {level: 3}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "config"
    place.mkdir()
    (place / "irpd.yaml").write_text(GOOD)
    return place


# ------------------------------------------------------------------ check
async def test_check_of_good_files_says_so_with_their_hash(irpd: Any, folder: Path) -> None:
    done = await irpd("check", "--config", str(folder), env=WITH_SECRET)
    assert done.status == 0, done
    assert done.out.splitlines()[-1].startswith("Good: 1 file, configuration ")
    document = json.loads((await irpd("check", "-c", str(folder), "--json", env=WITH_SECRET)).out)
    assert (document["schema"], document["good"], document["error_count"]) == ("irpd.check/1", True, 0)


async def test_check_names_all_problems_with_file_line_and_column(
    irpd: Any, folder: Path, house: Any
) -> None:
    text = GOOD.replace(
        "paths: {technical: engineering}\n    users", "pahts: {technical: engineering}\n    users"
    )
    text = text.replace("{person: chi,", "{person: cih,").replace("fallback: [emil]", "fallback: [emli]")
    (folder / "irpd.yaml").write_text(text)
    done = await irpd("check", "--config", str(folder), env=WITH_SECRET)
    assert done.status == 1
    *problems, summary = done.out.splitlines()
    assert len(problems) >= 3
    assert all(line.partition("irpd.yaml:")[2][0].isdigit() for line in problems)
    assert any("did you mean paths?" in line for line in problems)
    assert any("did you mean chi?" in line for line in problems)
    assert "errors in 1 file." in summary
    assert f"The running daemon keeps its configuration {house.loaded.hash}." in summary
    done = await irpd("check", "--config", str(folder), "--json", env=WITH_SECRET)
    document = json.loads(done.out)
    assert (done.status, document["good"]) == (1, False)
    assert all(error["line"] and error["column"] for error in document["errors"])


async def test_a_missing_secret_is_an_error_unless_only_the_files_are_looked_at(
    irpd: Any, folder: Path
) -> None:
    done = await irpd("check", "-c", str(folder))
    assert (done.status, "DOOR_SECRET" in done.out) == (1, True)
    assert (await irpd("check", "-c", str(folder), "--no-secrets")).status == 0


async def test_strict_makes_warnings_errors(irpd: Any, folder: Path) -> None:
    (folder / "irpd.yaml").write_text(GOOD.replace('start: "2026-11-23"', 'start: "2026-11-18"'))
    lenient = await irpd("check", "-c", str(folder), env=WITH_SECRET)
    strict = await irpd("check", "-c", str(folder), "--strict", env=WITH_SECRET)
    assert (": warning: " in lenient.out, lenient.status) == (True, 0)
    assert (": warning: " in strict.out, strict.status) == (False, 1)


# ------------------------------------------------------------------ rules
async def test_rules_test_shows_the_diff_of_a_failing_case_and_writes_junit(
    irpd: Any, folder: Path, tmp_path: Path
) -> None:
    (folder / "irpd.yaml").write_text(GOOD.replace("version: 1", "version: 1\nrules: [../rules.yaml]"))
    (tmp_path / "rules.yaml").write_text(RULES)
    done = await irpd("rules", "test", "-c", str(folder), "--junit", str(tmp_path / "junit.xml"))
    assert done.status == 1
    assert "this one is wrong" in done.out
    assert "rules.yaml:" in done.out
    assert "1 of 2 cases passed" in done.out
    assert ET.parse(tmp_path / "junit.xml").getroot().get("failures") == "1"
    assert (await irpd("rules", "test", "-c", str(folder), "-k", "payments are")).status == 0
    assert (await irpd("rules", "test", "-c", str(folder), "-k", "no such case")).status == 1
    document = json.loads((await irpd("rules", "test", "-c", str(folder), "--json")).out)
    assert (document["passed"], document["failed"]) == (1, 1)


async def test_explain_says_what_a_payload_would_do_and_why(irpd: Any) -> None:
    payload = str(ROOT / "config" / "first-alert.json")
    arguments = (
        "rules",
        "explain",
        payload,
        "--source",
        "alertmanager",
        "-c",
        EXAMPLE,
        "--at",
        "2026-11-24T02:02:11Z",
    )
    done = await irpd(*arguments)
    assert done.status == 0, done
    assert "1 signal -> 1 incident: level 1 CRITICAL at checkout, path engineering" in done.out
    assert "now          asha by local; 3m local; chi by local; 3m local; 5m " in done.out
    document = json.loads((await irpd(*arguments, "--json")).out)
    (signal,) = document["signals"]
    assert (document["schema"], signal["outcome"], signal["incident"]["paths"]) == (
        "irpd.explain/1", "opens", ["engineering"]
    )  # fmt: skip
    assert signal["pages"][0] == {"after_seconds": 0.0, "person": "asha", "via": ["local"]}


async def test_explain_reads_standard_input_and_says_no_with_1(irpd: Any) -> None:
    resolved = json.loads((ROOT / "config" / "first-alert.json").read_text())
    resolved["alerts"][0] |= {"status": "resolved", "endsAt": "2026-11-24T03:00:00Z"}
    body = json.dumps(resolved | {"status": "resolved"}).encode()
    done = await irpd("rules", "explain", "-", "--source", "alertmanager", "-c", EXAMPLE, stdin=body)
    assert (done.status, "resolves" in done.out) == (1, True)
    done = await irpd("rules", "explain", "-", "--source", "alertmanager", "-c", EXAMPLE, stdin=b"{")
    assert (done.status, "unreadable" in done.out) == (0, True), "it opens an incident for somebody to look"


async def test_explain_with_open_says_what_it_would_join(irpd: Any, house: Any, tmp_path: Path) -> None:
    await house.alert()
    (tmp_path / "pay.json").write_text(json.dumps(house.payload))
    done = await irpd(
        "rules", "explain", "pay.json", "--source", "open", "-c", "irpd.yaml", "--with-open", env=WITH_SECRET
    )
    assert done.status == 0, done
    assert "now          asha by local" in done.out, "without a group each key is its own"


async def test_an_unknown_source_names_the_known_ones(irpd: Any) -> None:
    done = await irpd("rules", "explain", "-", "--source", "nope", "-c", EXAMPLE)
    assert (done.status, "alertmanager, sentry, helpdesk" in done.err) == (2, True)


# ------------------------------------------------------------------ schema and configuration
@pytest.mark.parametrize("what", ["config", "rules"])
async def test_schema_is_json(irpd: Any, what: str) -> None:
    assert "$schema" in json.loads((await irpd("schema", what)).out)


async def test_config_show_hides_secrets(irpd: Any, folder: Path) -> None:
    for extra in ((), ("--effective",), ("--json",)):
        done = await irpd("config", "show", "-c", str(folder), *extra, env=WITH_SECRET)
        assert done.status == 0, done
        assert "***" in done.out
        assert SECRET not in done.out


# ------------------------------------------------------------------ the journal as a file
@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state directory whose journal has a few events."""
    place = tmp_path / "state"
    place.mkdir()
    journal = SqliteJournal(place / "irpd.db")
    journal.open()
    clock = SystemClock()
    for n in range(3):
        fact = Fact(subject="engine", event=Started(version=f"1.{n}"), at=clock.now())
        journal.commit(Batch(facts=[fact]))
    journal.close()
    return place


async def test_audit_journal_check_and_migrate_look_at_the_journal(irpd: Any, state: Path) -> None:
    env = {"STATE_DIRECTORY": str(state)}
    done = await irpd("audit", "verify", env=env)
    place = state / "irpd.db"
    assert (done.status, done.out.splitlines()[:2]) == (
        0, [f"{place}: the chain holds", "  3 events, 0 receipts as received"]
    )  # fmt: skip
    head = json.loads((await irpd("audit", "verify", "--json", env=env)).out)["head"]
    assert (await irpd("audit", "verify", "--head", head, env=env)).status == 0
    assert (await irpd("audit", "verify", "--head", f"3:{head}", env=env)).status == 0
    assert (await irpd("audit", "verify", "--head", "f" * 64, env=env)).status == 1
    done = await irpd("audit", "verify", "--head", f"9:{'f' * 64}", env=env)
    assert (done.status, "the journal ends before it, with event 3" in done.err) == (1, True)
    for no_head in ("xyz", head[:8], f"x:{head}", f"{head}0", ""):
        assert (await irpd("audit", "verify", "--head", no_head, env=env)).status == 2
    done = await irpd("journal", "check", env=env)
    assert (done.status, done.out.splitlines()[0]) == (0, f"{place}: fine")
    assert str(place) in (await irpd("audit", "verify", "--head", "f" * 64, env=env)).err
    assert json.loads((await irpd("journal", "check", "--json", env=env)).out)["journal"] == str(place)
    done = await irpd("migrate", "--plan", env=env)
    assert (done.status, "nothing to do" in done.out) == (0, True)
    assert (await irpd("migrate", env=env)).status == 2


async def test_a_changed_event_is_found(irpd: Any, state: Path) -> None:
    connection = sqlite3.connect(state / "irpd.db")
    connection.execute(
        "UPDATE events SET payload = CAST(replace(CAST(payload AS TEXT), '1.1', '6.6') AS BLOB) WHERE seq = 2"
    )
    changed = connection.total_changes
    connection.commit()
    connection.close()
    assert changed == 1
    for command in (("audit", "verify"), ("journal", "check")):
        done = await irpd(*command, "--journal", str(state / "irpd.db"))
        assert (done.status, "changed" in done.err) == (1, True), done
        assert done.err.startswith(f"{state / 'irpd.db'}: "), done


async def test_backup_without_a_daemon_and_restore_set_nothing_lost_silently(
    irpd: Any, state: Path, tmp_path: Path
) -> None:
    env = {"STATE_DIRECTORY": str(state)}
    copy = tmp_path / "copy.db"
    assert (await irpd("backup", str(copy), env=env)).status == 0
    done = await irpd("backup", str(copy), env=env)
    assert (done.status, "exists" in done.err) == (1, True)
    journal = SqliteJournal(state / "irpd.db")
    journal.open()
    journal.commit(Batch(facts=[Fact(subject="engine", event=Started(version="9"), at=SystemClock().now())]))
    held = await irpd("restore", str(copy), env=env)
    assert (held.status, "holds the journal" in held.err) == (4, True)
    journal.close()
    done = await irpd("restore", str(copy), env=env)
    assert done.status == 0, done
    assert "1 event that the backup hasn't" in done.out
    assert "  3 events, " in (await irpd("audit", "verify", env=env)).out


async def test_a_file_that_is_no_journal_is_named(irpd: Any, tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("not a database, but long enough to look at " * 100)
    for command in (("audit", "verify"), ("journal", "check"), ("migrate", "--plan")):
        done = await irpd(*command, "--journal", "notes.db")
        assert (done.status, "notes.db" in done.err, done.out) == (1, True, ""), done


async def test_restoring_what_is_no_backup_neither_calls_it_the_journal_nor_suggests_a_restore(
    irpd: Any, state: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes.db").write_text("not a database, but long enough to look at " * 100)
    done = await irpd("restore", "notes.db", env={"STATE_DIRECTORY": str(state)})
    assert done.status == 1
    assert done.err.startswith(f"irpd: {tmp_path / 'notes.db'} is no backup of irpd, or a damaged one: ")
    assert "the journal" not in done.err
    assert "irpd restore" not in done.err


async def test_a_tail_that_was_cut_off_is_told_by_audit_verify(irpd: Any, state: Path) -> None:
    connection = sqlite3.connect(state / "irpd.db")
    connection.executescript("DELETE FROM events WHERE seq = 3; DELETE FROM commits WHERE seq = 3")
    connection.close()
    done = await irpd("audit", "verify", env={"STATE_DIRECTORY": str(state)})
    assert (done.status, done.out) == (1, "")
    assert done.err.endswith("the last event is missing: the journal's tail was cut off after event 2\n")


async def test_where_the_daemon_may_not_write_the_command_makes_the_backup_itself(
    irpd: Any, house: Any, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("irpd.web.operating.os.access", lambda *_: False)
    copy = tmp_path / "copy.db"
    done = await irpd("backup", str(copy), env={"STATE_DIRECTORY": str(state)})
    assert (done.status, house.backups) == (0, []), done
    assert done.out.startswith(f"Written: {copy} (3 events of {state / 'irpd.db'}, head ")
    done = await irpd("backup", str(tmp_path / "other.db"), env={"STATE_DIRECTORY": str(tmp_path / "none")})
    assert done.err == f"irpd: the daemon may not write into {tmp_path}\n", "not where it looked itself"
    assert done.status == 2
    done = await irpd("backup", "/no/such/folder/x.db", env={"STATE_DIRECTORY": str(tmp_path / "none")})
    assert done.err == "irpd: the daemon sees no folder /no/such/folder\n"


def test_the_packaged_units_journal_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setattr(files, "PACKAGED", str(tmp_path / "lib"))
    monkeypatch.setattr(files, "DEFAULT_CONFIG", str(tmp_path / "etc"))
    assert files.journal_place((), None) == Path("var/state/irpd.db")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/irpd.db").touch()
    assert files.journal_place((), None) == tmp_path / "lib/irpd.db"
    (tmp_path / "var/state").mkdir(parents=True)
    (tmp_path / "var/state/irpd.db").touch()
    assert files.journal_place((), None) == Path("var/state/irpd.db")


async def test_backup_goes_through_the_daemon_when_there_is_one(
    irpd: Any, house: Any, tmp_path: Path
) -> None:
    done = await irpd("backup", "copy.db")
    assert (done.status, house.backups) == (0, [str(tmp_path / "copy.db")])


async def test_a_file_that_is_no_journal_is_said(irpd: Any, tmp_path: Path) -> None:
    (tmp_path / "irpd.db").write_bytes(b"not a database at all" * 100)
    for command in (("audit", "verify"), ("journal", "check"), ("migrate", "--plan")):
        done = await irpd(*command, "--journal", "irpd.db")
        assert done.status == 1
        assert "Traceback" not in done.err


# ------------------------------------------------------------------ times
def test_times_are_read_in_every_way_that_help_names() -> None:
    now = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)

    def read(text: str) -> str:
        return parse_time(text, zone="Europe/Berlin", now=now).isoformat()

    assert read("now") == "2026-11-24T02:00:00+00:00"
    assert read("+1h30m") == "2026-11-24T03:30:00+00:00"
    assert read("-2d") == "2026-11-22T02:00:00+00:00"
    assert read("2026-12-05 22:00") == "2026-12-05T21:00:00+00:00"
    assert read("2026-12-05T22:00:00Z") == "2026-12-05T22:00:00+00:00"


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2h", "+2", "+2w", "2026-13-01", "+" + "99999d" * 99, "12:00"]
)
def test_a_time_that_is_none_says_what_is_allowed(text: str) -> None:
    with pytest.raises(Failed) as raised:
        parse_time(text, zone="UTC", now=datetime(2026, 1, 1, tzinfo=UTC))
    assert raised.value.exit_code == 2


def test_a_time_that_comes_twice_is_refused_with_both_readings() -> None:
    with pytest.raises(Failed, match="happens twice") as raised:
        parse_time("2026-10-25 02:30", zone="Europe/Berlin", now=datetime(2026, 1, 1, tzinfo=UTC))
    assert "2026-10-25T00:30Z" in raised.value.text
    assert "2026-10-25T01:30Z" in raised.value.text


def test_times_read_in_the_zone_asked_for_with_their_day_when_it_is_another() -> None:
    shown = Shown("Africa/Lagos", datetime(2026, 11, 24, 22, 30, tzinfo=UTC))
    assert shown.clock("2026-11-24T02:00:00Z") == "03:00"
    assert shown.clock("2026-11-24T23:30:00Z") == "25 Nov 00:30"
    assert shown.second("2025-11-24T02:00:00.123Z") == "24 Nov 2025 03:00:00"
    assert shown.age("2026-11-24T20:00:00Z") == "2 h 30 min"


async def test_check_reads_in_the_journal_what_people_have_confirmed(
    irpd: Any, folder: Path, state: Path
) -> None:
    file = folder / "irpd.yaml"
    file.write_text(file.read_text().replace("server:\n", "server:\n  verify: required\n", 1))
    without = await irpd("check", "-c", str(folder), env=WITH_SECRET)
    assert "whether people have confirmed their addresses isn't looked at" in without.err
    done = await irpd("check", "-c", str(folder), env={**WITH_SECRET, "STATE_DIRECTORY": str(state)})
    assert "isn't looked at" not in done.err
