"""Reports by commands: shown, written, reviewed, published, and what follows from them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
async def house(build: Any) -> Any:
    """What is over owes its report here."""
    return await build(reports="")


async def over(irpd: Any, house: Any) -> None:
    await house.alert()
    for command in (("ack", "1"), ("resolve", "1", "--because", "rolled back"), ("close", "1")):
        done = await irpd("incident", *command, "--as", "asha")
        assert done.status == 0, done.err


async def said(irpd: Any, *arguments: str, by: str = "asha") -> str:
    done = await irpd("report", *arguments, "--as", by)
    assert done.status == 0, (arguments, done.err)
    return str(done.out).strip()


async def test_a_report_goes_from_asked_to_published_by_commands(
    irpd: Any, house: Any, tmp_path: Path
) -> None:
    await over(irpd, house)
    (tmp_path / "report.md").write_text(
        "## Executive summary\n\nCards failed.\n\n## Lessons learned\n\n- a canary\n"
    )
    assert "asked, Asha Rao, due" in (await irpd("report", "list")).out
    assert await said(irpd, "edit", "1", "--file", "report.md") == "Saved as version 1."
    assert await said(irpd, "edit", "1", "--file", "report.md") == "Nothing was changed."
    assert (await irpd("report", "publish", "1", "--as", "asha")).status == 4
    assert await said(irpd, "review", "1", by="chi") == "Version 1 is reviewed."
    assert await said(irpd, "publish", "1") == "Version 1 is published."
    assert await said(irpd, "add", "1", "alert on certificates", "--owner", "chi", "--due", "+14d") == (
        "Action item 1 is Chi Okafor's."
    )
    assert await said(irpd, "change", "1", "1", "--owner", "asha") == "Action item 1 is Asha Rao's."
    text = (await irpd("report", "1", "--tz", "UTC")).out
    for words in (
        "*Published, version 1. Asha Rao has it.*",
        "## Executive summary\n\nCards failed.\n",
        "## Lessons learned\n\n- a canary\n",
        "- [ ] 1. alert on certificates – Asha Rao, due",
        "Resolved by Asha Rao: rolled back |",
    ):
        assert words in text, words
    assert await said(irpd, "done", "1", "1", "in force") == "Action item 1 is done."
    assert "- [x] 1." in (await irpd("report", "show", "#1")).out


async def test_a_report_is_html_without_anything_from_elsewhere(irpd: Any, house: Any) -> None:
    await house.alert(annotations={"summary": "<script>alert(1)</script>"})
    html = (await irpd("report", "1", "--format", "html")).out
    assert html.lstrip().startswith("<!doctype html>")
    assert "<script" not in html
    assert not re.search(r"<(script|link|img|iframe|object|base)|src=|url\(|@import", html)
    async with house.socket.get("http://irpd/api/v1/incidents/1/report?format=html") as answer:
        assert answer.headers["Content-Type"].startswith("text/html")
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_a_report_is_read_from_the_journal_without_a_daemon(irpd: Any, tmp_path: Path) -> None:
    done = await irpd("report", "1", "--journal", str(tmp_path / "none.db"))
    assert (done.status, "none.db" in done.err) == (2, True) or (done.status, "none.db" in done.err) == (
        1,
        True,
    )


async def test_sections_that_there_are_none_of_are_named(irpd: Any, house: Any, tmp_path: Path) -> None:
    await over(irpd, house)
    (tmp_path / "wrong.md").write_text("## Weather\n\nfine\n")
    done = await irpd("report", "edit", "1", "--file", "wrong.md", "--as", "asha")
    assert (done.status, "there are Executive summary" in done.err) == (2, True)
    done = await irpd("report", "edit", "1", "--section", "weather", "--as", "asha")
    assert (done.status, "there are summary, root-cause" in done.err) == (2, True)
    assert (await irpd("report", "change", "1", "1", "--as", "asha")).status == 2


async def test_what_has_no_report_says_how_to_ask_for_one(irpd: Any, house: Any) -> None:
    await house.alert()
    assert (await irpd("report", "list")).out == "No report is open.\n"
    done = await irpd("report", "edit", "1", "--as", "asha")
    assert (done.status, "irpd report ask 1" in done.err) == (1, True)
    assert (await irpd("report", "ask", "1", "--as", "asha")).status == 4  # it isn't over
    assert (await irpd("report", "77")).status == 1


async def test_the_reports_json_is_what_the_api_answers(irpd: Any, house: Any) -> None:
    await over(irpd, house)
    listed = json.loads((await irpd("report", "list", "--json")).out)
    assert listed["schema"] == "irpd.reports/1"
    (one,) = listed["reports"]
    assert (one["incident"], one["state"], one["owner"]) == (1, "asked", "asha")
    shown = json.loads((await irpd("report", "1", "--json")).out)
    assert shown["schema"] == "irpd.report/1"
    assert [section["id"] for section in shown["report"]["sections"]] == [
        "summary", "root-cause", "impact", "resolution", "lessons"
    ]  # fmt: skip
    status, problem = await house.api("GET", "/incidents/1/report?format=pdf")
    assert (status, problem["code"]) == (422, "invalid")


async def test_a_wrong_time_is_refused(irpd: Any, house: Any) -> None:
    await over(irpd, house)
    done = await irpd("report", "add", "1", "x", "--owner", "asha", "--due", "soon", "--as", "asha")
    assert (done.status, "now, +2h, -30m" in done.err) == (2, True)
    status, problem = await house.api(
        "POST", "/incidents/1/item-add?as=asha", json={"text": "x", "owner": "asha", "due_at": ""}
    )
    assert (status, problem["detail"]) == (422, "due_at is needed: a time such as 2026-11-24T03:00:00Z")
