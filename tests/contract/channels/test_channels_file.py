"""The file's lines, and what stands on the terminal."""

import asyncio
import io
import json
import os
import threading
from pathlib import Path

import pytest

from irpd.channels.file import File, block
from irpd.config.channels import FileChannel


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def channel(folder: Path, make_parts, *, terminal=None, path: str = "pages.jsonl") -> File:
    return File("local", FileChannel(type="file", path=path), make_parts(state_dir=folder, terminal=terminal))


async def test_a_line_is_one_json_object_that_only_its_owner_may_read(
    tmp_path, make_parts, a_message
) -> None:
    file = channel(tmp_path, make_parts, path="deep/er/pages.jsonl")
    await file.send(a_message(text="two\nlines \x1b[31m"))
    path = tmp_path / "deep/er/pages.jsonl"
    (line,) = path.read_bytes().splitlines()
    assert json.loads(line)["text"] == "two\nlines \x1b[31m"
    assert json.loads(line)["at"] == "2026-11-24T02:02:11Z"
    assert path.stat().st_mode & 0o077 == 0


async def test_a_line_that_a_crash_cut_short_spoils_no_other(tmp_path, make_parts, a_message) -> None:
    (tmp_path / "pages.jsonl").write_text('{"id": "1-1.1"}\n{"id": "1-')
    await channel(tmp_path, make_parts).send(a_message())
    lines = (tmp_path / "pages.jsonl").read_text().splitlines()
    assert lines[1] == '{"id": "1-'
    assert json.loads(lines[2])["id"] == "42-3.1"


async def test_what_waits_together_is_synced_together(tmp_path, make_parts, a_message, monkeypatch) -> None:
    synced, sync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (synced.append(1), sync(descriptor))[1])
    file = channel(tmp_path, make_parts)
    await asyncio.gather(*(file.send(a_message(id=f"42-3.{n}", fields={"id": n})) for n in range(500)))
    lines = (tmp_path / "pages.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == list(range(500))
    assert len(synced) < 10


async def test_a_loop_whose_own_threads_all_hang_still_writes(tmp_path, make_parts, a_message) -> None:
    go_on = threading.Event()
    hanging = [asyncio.ensure_future(asyncio.to_thread(go_on.wait, 30)) for _ in range(64)]
    try:
        async with asyncio.timeout(30):
            outcome = await channel(tmp_path, make_parts).send(a_message())
    finally:
        go_on.set()
        await asyncio.gather(*hanging)
    assert outcome.kind == "delivered"


async def test_it_still_writes_after_it_was_closed(tmp_path, make_parts, a_message) -> None:
    file = channel(tmp_path, make_parts)
    for _ in range(2):
        assert (await file.send(a_message())).kind == "delivered"
        await file.close()


async def test_the_file_may_be_moved_away_while_it_is_in_use(tmp_path, make_parts, a_message) -> None:
    file = channel(tmp_path, make_parts)
    await file.send(a_message())
    (tmp_path / "pages.jsonl").rename(tmp_path / "pages.old")
    await file.send(a_message())
    assert len((tmp_path / "pages.jsonl").read_text().splitlines()) == 1


async def test_the_terminal_shows_the_page_with_its_link(tmp_path, make_parts, a_message) -> None:
    plain, coloured = io.StringIO(), Terminal()
    for terminal in (plain, coloured):
        file = channel(tmp_path, make_parts, terminal=terminal)
        await file.send(a_message(text="#42 CRITICAL\n  I have it: http://localhost/a/x\n"))
        await file.close()
    assert "I have it: http://localhost/a/x" in plain.getvalue()
    assert "\x1b" not in plain.getvalue()
    assert "\x1b[1;97;41m #42 CRITICAL" in coloured.getvalue()


async def test_a_terminal_that_is_paused_holds_nothing_up(tmp_path, make_parts, a_message) -> None:
    class Paused(io.StringIO):
        def write(self, text: str) -> int:
            go_on.wait(30)
            return len(text)

    go_on = threading.Event()
    file = channel(tmp_path, make_parts, terminal=Paused())
    async with asyncio.timeout(45):
        outcomes = [await file.send(a_message()) for _ in range(300)]
    assert {outcome.kind for outcome in outcomes} == {"delivered"}
    go_on.set()
    await file.close()


async def test_a_terminal_that_is_closed_is_no_error(tmp_path, make_parts, a_message) -> None:
    terminal = io.StringIO()
    terminal.close()
    file = channel(tmp_path, make_parts, terminal=terminal)
    assert (await file.send(a_message())).kind == "delivered"
    await file.close()


@pytest.mark.parametrize(
    "fields", [{}, {"incident": None}, {"incident": {"level": "x"}}, {"incident": {"level": 9}}]
)
def test_a_block_needs_no_level(a_message, fields) -> None:
    assert "CRITICAL" in block(a_message(fields=fields, text="CRITICAL"), coloured=True)
