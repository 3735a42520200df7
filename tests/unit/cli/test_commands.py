"""The command line against a daemon: what it prints, and the status it ends with."""

import asyncio
import getpass
import hashlib
import json
import re
import resource
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import pytest

from irpd.cli.show import why_text
from irpd.cli.terminal import fitted, table
from irpd.cli.times import Shown
from irpd.config.problem import Problem
from irpd.model import command as c
from irpd.model.page import SendState, Word
from irpd.web.ports import Reloaded


def every_command(
    group: click.Group, path: tuple[str, ...] = ()
) -> list[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    found: list[tuple[tuple[str, ...], click.Command]] = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        found.append(((*path, name), command))
        if isinstance(command, click.Group):
            found += every_command(command, (*path, name))
    return found


# ------------------------------------------------------------------ help
async def test_every_command_has_help_with_an_example_within_80_columns(commands: Any) -> None:
    for path, command in every_command(commands):
        context = click.Context(
            command, info_name=f"irpd {' '.join(path)}", max_content_width=80, terminal_width=80
        )
        text = command.get_help(context)
        assert all(len(line) <= 80 for line in text.splitlines()), path
        if not isinstance(command, click.Group):
            assert f"irpd {' '.join(path)}" in text.partition("Example")[2], path


async def test_help_comes_at_once(irpd: Any) -> None:
    """In time of the processor, which a busy machine changes little."""
    took = []
    for _ in range(3):
        before = worked()
        done = await irpd("--help")
        took.append(worked() - before)
        assert done.status == 0
    assert "incident" in done.out
    assert min(took) < 0.4, "a server's imports would take a second"


def worked() -> float:
    """Seconds that the commands run so far have been on the processor."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


async def test_a_question_to_the_daemon_loads_no_server(irpd: Any, house: Any) -> None:
    done = await irpd("incident", "list", env={"PYTHONPROFILEIMPORTTIME": "1"})
    assert done.status == 0
    for module in ("aiohttp", "pydantic", "apsw", "msgspec", "jinja2", "yaml", "asyncio"):
        assert f" {module}\n" not in done.err, module


# ------------------------------------------------------------------ looking
async def test_an_empty_list_is_fine(irpd: Any, house: Any) -> None:
    done = await irpd("incident", "list")
    assert (done.status, done.out, done.err) == (0, "No incidents.\n", "")


async def test_list_and_show_say_what_matters(irpd: Any, house: Any) -> None:
    await house.alert()
    done = await irpd("incident", "list")
    assert done.out.split()[:4] == ["#1", "HIGH", "open", "checkout"]
    for number in ("1", "#1", "https://irpd.example.com/incidents/1"):
        done = await irpd("incident", "show", number, "--signals", "--why", "--tz", "Europe/Berlin")
        assert done.status == 0, done.err
        for words in (
            "#1 HIGH  Payments failing",
            "Has it nobody",
            "Users  42 % (50,400 of 120,000) from label",
            "level 2 by share-of-users",
            "Path   engineering: step 1, running, next at",
            "1.1  firing",
            "opened",
            "paged            Asha Rao by local",
        ):
            assert words in done.out, words
    assert all(len(line) <= 80 for line in done.out.splitlines())


async def test_json_is_byte_for_byte_what_the_api_answers(irpd: Any, house: Any) -> None:
    await house.alert()
    for arguments, path in (
        (("incident", "list"), "/incidents?state=open,acknowledged"),
        (("incident", "show", "1"), "/incidents/1"),
        (("incident", "show", "1", "--signals", "--events"), "/incidents/1?signals=1&events=1"),
        (("incident", "why", "1"), "/incidents/1/why"),
        (("page", "list"), "/pages"),
        (("who",), "/who"),
        (("unreadable", "list"), "/unreadable"),
        (("incident", "show", "7"), "/incidents/7"),
    ):
        async with house.socket.get(f"http://irpd/api/v1{path}") as answer:
            expected = await answer.text()
        done = await irpd(*arguments, "--json")
        assert done.out == expected, arguments
        assert done.out.count("\n") == 1


async def test_texts_of_senders_cannot_steer_the_terminal(irpd: Any, house: Any) -> None:
    await house.alert(annotations={"summary": "\x1b[2J\x1b]0;owned\x07 title"})
    for arguments in (
        ("incident", "list"),
        ("incident", "show", "1", "--signals", "--events"),
        ("page", "list"),
    ):
        assert "\x1b" not in (await irpd(*arguments)).out


# ------------------------------------------------------------------ working
async def test_ack_takes_everything_that_is_paged_to_me(irpd: Any, build: Any) -> None:
    house = await build(login=getpass.getuser())
    await house.alert()
    await house.alert(fingerprint="0" * 16, labels={"alertname": "B", "service": "checkout"})
    done = await irpd("ack")
    assert done.status == 0
    assert done.out.splitlines() == [
        "You have #1. Escalation has stopped.", "You have #2. Escalation has stopped."
    ]  # fmt: skip
    assert house.engine.state.incidents[2].acknowledged_by == ("asha",)
    done = await irpd("ack")
    assert (done.status, done.out) == (1, "Nothing is paged to asha.\n")
    done = await irpd("ack", "--json")
    assert (done.status, json.loads(done.out)["incidents"]) == (1, [])


async def test_ack_by_number_says_who_has_it(irpd: Any, house: Any) -> None:
    await house.alert()
    assert (await irpd("ack", "1", "--as", "ben")).out == "You have #1. Escalation has stopped.\n"
    assert "Ben Ito had it already; you joined" in (await irpd("ack", "#1", "--as", "chi")).out
    assert "already" in (await irpd("incident", "ack", "1", "--as", "ben")).out


async def test_who_acts_must_be_known(irpd: Any, house: Any) -> None:
    await house.alert()
    for arguments in (("ack",), ("ack", "1"), ("incident", "note", "1", "x")):
        done = await irpd(*arguments)
        assert done.status == 2, arguments
        assert "--as PERSON" in done.err
    done = await irpd("ack", "1", "--as", "bne", "--json")
    assert done.status == 2
    assert "did you mean ben?" in json.loads(done.out)["detail"]


async def test_each_command_on_an_incident_works(irpd: Any, house: Any) -> None:
    await house.alert()
    await house.alert(fingerprint="0" * 16, labels={"alertname": "B", "service": "checkout"})
    me = ("--as", "ben")
    for arguments, said in (
        (("open", "It smells", "--service", "checkout", "--level", "high"), "#3 is open"),
        (("escalate", "1", "--because", "slow"), "Chi Okafor is paged now."),
        (("level", "1", "critical", "--because", "worse"), "#1 is level 1 (critical)."),
        (("note", "1", "failed over"), "Noted on #1."),
        (("ack", "1"), "You have #1."),
        (("undo", "1"), "Undone"),
        (("cant", "1"), "Passed on"),
        (("merge", "2", "--into", "1"), "#2 is part of #1 now."),
        (("split", "1", "1.2"), "#4 is open with 1 signal of #1."),
        (("resolve", "1", "--because", "fixed"), "#1 is resolved."),
        (("reopen", "1", "--because", "again"), "#1 is open again"),
    ):
        done = await irpd("incident", *arguments, *me)
        assert (done.status, said in done.out) == (0, True), (arguments, done)
        assert done.err == ""
    done = await irpd("incident", "note", "1", "-", *me, stdin="from a pipe\nüber".encode())
    assert done.status == 0
    assert any(
        getattr(f.event, "text", "") == "from a pipe\nüber" for f in house.journal.facts(subject="incident:1")
    )


async def test_a_level_needs_a_reason_where_nobody_can_be_asked(irpd: Any, house: Any) -> None:
    await house.alert()
    done = await irpd("incident", "level", "1", "1", "--as", "ben")
    assert (done.status, "--because" in done.err) == (2, True)


# ------------------------------------------------------------------ how it ends
@pytest.mark.parametrize(
    "arguments, status",
    [
        (("incident", "show", "77"), 1),
        (("incident", "why", "77"), 1),
        (("incident", "show", "abc"), 2),
        (("incident", "shwo"), 2),
        (("nonsense",), 2),
        (("incident", "level", "1", "worst", "--as", "ben"), 2),
        (("incident", "list", "--state", "opne"), 2),
        (("incident", "list", "--since", "yesterday"), 2),
        (("incident", "list", "--since", "2026-10-25 02:30", "--tz", "Europe/Berlin"), 2),
        (("incident", "list", "--tz", "Mars/Olympus"), 2),
        (("incident", "merge", "1", "--into", "1", "--as", "ben"), 2),
        (("incident", "reopen", "2", "--as", "ben"), 4),
        (("unreadable", "show", "99"), 1),
        (("unreadable", "replay", "x"), 2),
        (("page", "test", "nobody"), 1),
        (("rules", "explain", "/no/such/file", "--source", "open"), 2),
        (("check", "--config", "/no/such/file"), 2),
        (("audit", "verify"), 1),
    ],
)  # fmt: skip
async def test_a_failure_ends_with_its_status_in_words_and_as_json(
    irpd: Any, house: Any, arguments: tuple[str, ...], status: int
) -> None:
    await house.alert()
    await house.alert(fingerprint="0" * 16, labels={"alertname": "B", "service": "checkout"})
    await house.engine.submit(c.Merge(incident=2, into=1, by="ben"))
    done = await irpd(*arguments)
    assert done.status == status, done
    assert done.err
    assert "Traceback" not in done.err
    done = await irpd(*arguments, "--json")
    assert done.status == status
    problem = json.loads(done.out)
    assert problem["detail"]
    assert set(problem) == {"type", "title", "status", "detail", "code", "errors"}


async def test_without_a_daemon_it_says_where_it_looked(irpd: Any) -> None:
    done = await irpd("incident", "list", "--json")
    assert done.status == 3
    assert "irpd serve" in done.err
    assert json.loads(done.out)["code"] == "unreachable"


@pytest.mark.parametrize(
    "url, status", [("http://127.0.0.1:1", 3), ("nonsense", 2), ("http://127.0.0.1:1/prefix", 3)]
)
async def test_an_address_that_does_not_answer_is_status_3(irpd: Any, url: str, status: int) -> None:
    done = await irpd("who", env={"IRPD_URL": url})
    assert done.status == status
    assert "Traceback" not in done.err


async def test_a_socket_that_nobody_listens_on_is_status_3(irpd: Any, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(tmp_path / "irpd.sock"))
    done = await irpd("who")
    assert (done.status, "nothing answers" in done.err) == (3, True)


async def test_over_http_with_a_token(irpd: Any, build: Any) -> None:
    digest = hashlib.sha256(b"read-me").hexdigest()
    house = await build(tokens=f'[{{name: reader, hash: "sha256:{digest}", may: read}}]')
    await house.alert()
    url = f"http://{house.tcp.server.host}:{house.tcp.server.port}"
    done = await irpd("incident", "list", env={"IRPD_URL": url, "IRPD_TOKEN": "read-me"})
    assert (done.status, "#1" in done.out) == (0, True)
    assert (await irpd("who", env={"IRPD_URL": url, "IRPD_TOKEN": "wrong"})).status == 4
    done = await irpd(
        "incident", "note", "1", "x", "--as", "ben", env={"IRPD_URL": url, "IRPD_TOKEN": "read-me"}
    )
    assert (done.status, "right to respond" in done.err) == (4, True)


async def test_whoever_reads_only_the_first_line_is_not_shown_a_traceback(
    irpd: Any, house: Any, tmp_path: Path
) -> None:
    for n in range(30):
        await house.alert(fingerprint=f"{n:016x}", labels={"alertname": f"A{n}", "service": "checkout"})
    command = f"{sys.executable} -m irpd incident list --socket {house.socket_path} | head -n 1"
    process = await asyncio.create_subprocess_shell(
        command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert out.startswith(b"#30")
    assert err == b""


# ------------------------------------------------------------------ operating
async def test_reload_prints_the_problems_and_ends_with_1_when_refused(irpd: Any, house: Any) -> None:
    problem = Problem(
        file="irpd.yaml", line=3, column=5, path="people", message="no such thing", allowed=("a", "b")
    )
    house.reload_answer = Reloaded(ok=False, hash="aaaaaaaaaaaa", problems=(problem,))
    done = await irpd("reload", "--wait")
    assert done.status == 1
    assert "irpd.yaml:3:5: error: people: no such thing (a, b)" in done.err
    assert "aaaaaaaaaaaa stays in force" in done.err
    done = await irpd("reload", "--wait", "--json")
    assert (done.status, json.loads(done.out)["code"]) == (1, "config-refused")
    house.reload_answer = Reloaded(ok=True, hash="bbbbbbbbbbbb", previous="aaaaaaaaaaaa")
    done = await irpd("reload")
    assert (done.status, done.out) == (0, "In force: bbbbbbbbbbbb.\n")


async def test_what_could_not_be_read_is_shown_byte_for_byte(irpd: Any, house: Any) -> None:
    await house.tcp.post("/webhook/open", data=b'{"subject": "a "quote" in it"}')
    done = await irpd("unreadable", "list")
    assert done.out.split()[:2] == ["1", "open"]
    assert (await irpd("unreadable", "show", "1")).out == '{"subject": "a "quote" in it"}'
    done = await irpd("unreadable", "replay", "1")
    assert (done.status, "still not readable" in done.err) == (4, True)


async def test_who_names_the_person_and_the_next(irpd: Any, house: Any) -> None:
    done = await irpd("who", "--at", "2026-11-25 03:00", "--tz", "Europe/Berlin")
    assert "At 25 Nov 03:00 Europe/Berlin (2026-11-25T02:00:00Z)" in done.out.replace(" 2026 ", " ")
    line = next(line for line in done.out.splitlines() if line.startswith("first-responder"))
    assert "Asha Rao" in line
    assert "then Ben Ito" in line


async def test_times_read_in_the_zone_of_whoever_asks_or_else_the_servers(irpd: Any, house: Any) -> None:
    await house.alert()
    for arguments, zone in (
        (("incident", "list", "--as", "chi"), None),
        (("incident", "show", "1"), "03:06 Europe/Berlin"),
        (("incident", "show", "1", "--tz", "Africa/Lagos"), "03:06 Africa/Lagos"),
        (("incident", "show", "1", "--tz", "Asia/Kolkata"), "07:36 Asia/Kolkata"),
    ):
        done = await irpd(*arguments, env={"TZ": "Etc/UTC"})
        assert done.status == 0, done.err
        assert zone is None or zone in done.out, done.out
    done = await irpd("incident", "list", "--since", "2026-11-24 03:00", env={"TZ": "Etc/UTC"})
    assert "#1" in done.out
    done = await irpd("incident", "list", "--since", "2026-11-24 03:10", env={"TZ": "Etc/UTC"})
    assert done.out == "No incidents.\n"


async def test_people_are_called_by_their_names(irpd: Any, house: Any) -> None:
    await house.alert()
    await irpd("incident", "ack", "1", "--as", "ben")
    await irpd("incident", "note", "1", "on it", "--as", "ben")
    await irpd("incident", "cant", "1", "--as", "chi")
    await irpd("incident", "level", "1", "critical", "--because", "worse", "--as", "chi")
    await irpd("incident", "resolve", "1", "--as", "chi")
    for arguments in (
        ("incident", "show", "1", "--events", "--why"), ("incident", "list", "--state", "all"),
        ("incident", "why", "1"), ("page", "list"), ("who",), ("ack", "1", "--as", "ben"),
    ):  # fmt: skip
        out = (await irpd(*arguments)).out
        assert not re.search(r"\b(asha|ben|chi|emil)\b", out), (arguments, out)
    assert "resolved by Chi Okafor" in (await irpd("incident", "show", "1")).out


async def test_a_channel_that_is_tried_twice_is_named_once(irpd: Any, build: Any) -> None:
    twice = "[{after: 0m, via: [local]}, {after: 2m, via: [local]}]"
    house = await build(notify=twice)
    await house.alert()
    assert "by local (step" in (await irpd("incident", "show", "1")).out
    assert "local pending, local" not in (await irpd("page", "list")).out


async def test_the_ledger_says_how_far_each_message_came_and_when(irpd: Any, house: Any) -> None:
    await house.alert()
    came = []
    for state in ("accepted", "delivered", "seen"):
        house.clock.step(seconds=7)
        now = house.clock.now()
        if state == "accepted":
            record = c.RecordSend(
                page="1-1", send=1, state=SendState.DELIVERED, provider_id="m", handed_at=now
            )
            await house.engine.submit(record)
        else:
            word = c.ConfirmSend(channel="local", provider_id="m", word=Word(state), at=now)
            assert await house.engine.submit(word) == 1
        page = json.loads((await irpd("page", "list", "--json")).out)["pages"][0]
        assert (page["state"], page["sends"][0]["state"]) == (state, state)
        came.append(page["sends"][0][f"{state}_at"])
        shown = f"local {state} {now.astimezone(ZoneInfo('Europe/Berlin')):%H:%M:%S}"
        assert shown in (await irpd("page", "list", "--tz", "Europe/Berlin")).out
    assert came == sorted(set(came))
    timeline = (await irpd("incident", "show", "1", "--events")).out
    assert "1-1.1 seen by the provider's word" in timeline


async def test_what_is_piped_on_is_not_cut(irpd: Any, house: Any) -> None:
    title = " ".join(f"word{n}" for n in range(30))
    await house.alert(annotations={"summary": title})
    assert title in (await irpd("incident", "list")).out


async def test_a_timeline_that_is_piped_on_is_not_cut(irpd: Any, house: Any) -> None:
    await house.alert()
    text = " ".join(f"word{n}" for n in range(30))
    await irpd("incident", "note", "1", text, "--as", "asha")
    assert text in (await irpd("incident", "show", "1")).out


def test_on_a_terminal_a_line_is_cut_unless_the_whole_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    text = " ".join(f"word{n}" for n in range(30))
    (line,) = fitted(text, whole=False, indent=26)
    assert (len(line), line[-1]) == (60, "…")
    first, second, *_, last = fitted(text, whole=True, indent=26)
    assert first.startswith("word0 ")
    assert second.startswith(" " * 26 + "word")
    assert last.endswith("word29")


def test_a_decisions_reasons_stand_below_what_they_are_of() -> None:
    decision = {
        "at": "2026-11-24T08:00:00Z", "type": "opened", "level": 1, "seq": 7,
        "text": ["<- level 1    busy  labels.a = x", "              busy is critical", "users\x1b[31m"],
    }  # fmt: skip
    level = {"kind": "rule", "rule": "busy", "person": None, "because": "busy"}
    document = {
        "incident": 1, "level": 1, "severity": "critical", "level_by": level, "decisions": [decision],
        "joined": [],
    }  # fmt: skip
    shown = Shown("UTC", datetime(2026, 11, 24, 9, tzinfo=UTC))
    assert why_text(document, shown)[-3:] == [
        "  <- level 1    busy  labels.a = x",
        "                busy is critical",
        "  users [31m",
    ]


def test_on_a_terminal_a_long_column_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    (line,) = table([["#1", "x" * 200]], flexible=1)
    assert (len(line), line[-1]) == (60, "…")


async def test_a_name_that_nothing_has_is_no_empty_list(irpd: Any, house: Any) -> None:
    await house.alert()
    done = await irpd("incident", "list", "--service", "chekout")
    assert (done.status, "no service 'chekout'; did you mean checkout?" in done.err) == (1, True), done
    done = await irpd("incident", "list", "--service", "chekout", "--state", "all")
    assert done.status == 1
    done = await irpd("page", "list", "--person", "ahsa")
    assert (done.status, "no person 'ahsa'; did you mean asha?" in done.err) == (1, True), done
    done = await irpd("incident", "list", "--service", "platform")
    assert (done.status, done.out) == (0, "No incidents.\n")


@pytest.mark.parametrize("level, said", [("high", "confirm"), ("medium", "it ends by itself")])
async def test_whether_a_quiet_incident_needs_somebodys_word_is_said(
    irpd: Any, house: Any, level: str, said: str
) -> None:
    await house.alert()
    await irpd("incident", "level", "1", level, "--because", "I looked", "--as", "ben")
    await house.alert(status="resolved")
    assert f", signals resolved: {said}\n" in (await irpd("incident", "show", "1")).out


async def test_an_incident_that_ended_by_itself_says_so(irpd: Any, house: Any) -> None:
    await house.alert()
    await irpd("incident", "level", "1", "low", "--because", "harmless", "--as", "ben")
    await house.alert(status="resolved")
    house.clock.step(hours=1)
    await house.engine.submit(c.Wake(incident=1))
    out = (await irpd("incident", "show", "1")).out
    assert "resolved by itself at" in out
    assert "Due    response not needed, it ended by itself" in out


async def test_the_ledger_has_the_pages_of_incidents_that_are_over(irpd: Any, house: Any) -> None:
    await house.alert()
    await house.alert(fingerprint="0" * 16, labels={"alertname": "B", "service": "checkout"})
    await irpd("incident", "merge", "1", "--into", "2", "--as", "ben")
    assert 1 not in house.engine.state.incidents
    out = (await irpd("page", "list", "--person", "asha")).out
    assert [line.split()[:2] for line in out.splitlines()] == [["2-1", "#2"], ["1-1", "#1"]]
    assert "1-1" in (await irpd("page", "list", "--incident", "1")).out


async def test_merging_into_what_was_merged_itself_says_where_to(irpd: Any, house: Any) -> None:
    for n in range(3):
        await house.alert(fingerprint=f"{n}" * 16, labels={"alertname": f"B{n}", "service": "checkout"})
    await irpd("incident", "merge", "1", "--into", "2", "--as", "ben")
    done = await irpd("incident", "merge", "3", "--into", "1", "--as", "ben")
    assert (done.status, done.err) == (4, "irpd: #1 was merged into #2: merge #3 into that one\n")
    done = await irpd("incident", "merge", "1", "--into", "3", "--as", "ben")
    assert (done.status, done.err) == (4, "irpd: can't merge #1: it was merged into #2\n")
    done = await irpd("incident", "merge", "3", "--into", "77", "--as", "ben")
    assert (done.status, done.err) == (1, "irpd: there is no incident #77\n")


async def test_a_page_test_says_how_and_the_ledger_has_it(irpd: Any, house: Any) -> None:
    assert "Test page 0-1 to ben by local." in (await irpd("page", "test", "ben")).out
    done = await irpd("page", "list", "--person", "ben")
    assert done.out.split()[:2] == ["0-1", "test"]


async def test_a_path_is_acknowledged_by_name(irpd: Any, house: Any) -> None:
    await house.alert()
    because = ("--because", "customers call", "--as", "asha")
    assert (await irpd("incident", "escalate", "1", "--path", "business", *because)).status == 0
    done = await irpd("incident", "ack", "1", "--path", "business", "--as", "asha")
    assert (done.status, "Path engineering goes on" in done.out) == (0, True), done
    done = await irpd("incident", "ack", "1", "--path", "customers", "--as", "asha")
    assert done.status != 0
    assert "it has: engineering, business" in done.err
    done = await irpd("incident", "ack", "1", "--path", "engineering", "--as", "asha")
    assert (done.status, "Escalation has stopped." in done.out) == (0, True), done
