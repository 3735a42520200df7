"""A commander works an incident through its stages by commands, on a terminal of 80 columns."""

import json
import re
from pathlib import Path
from typing import Any

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "commander.md"


async def test_todo_says_what_is_due_by_whom_and_with_which_command(irpd: Any, house: Any) -> None:
    await house.alert()
    done = await irpd("incident", "todo", "1", "--tz", "Europe/Berlin")
    assert done.status == 0, done.err
    lines = done.out.splitlines()
    assert lines[:2] == ["#1 HIGH  Payments failing", "stage: detection since 03:06   open"] or (
        lines[1].startswith("stage: detection since ")
    )
    assert "    irpd incident ack 1" in lines
    assert '    irpd incident done 1 assessment "WHAT YOU SEE"' in lines
    assert lines[-1] == "Then: irpd incident stage 1 triage"
    assert all(len(line) <= 80 for line in lines)


async def test_the_level_is_confirmed_with_all_levels_side_by_side(irpd: Any, house: Any) -> None:
    await house.alert()
    await irpd("incident", "ack", "1", "--as", "asha")
    out = (await irpd("incident", "todo", "1")).out
    assert '    irpd incident level 1 high --because "WHY"' in out
    assert "  > 2 high: Major feature unavailable;" in out
    assert "    1 critical: Complete system outage; Data breach" in out
    assert "Impact: Minimal business impact;" in " ".join(out.split())


async def test_an_incident_goes_through_its_stages_by_commands(irpd: Any, house: Any) -> None:
    await house.alert()
    await irpd("incident", "ack", "1", "--as", "asha")
    for arguments, answer in (
        (("stage", "1", "investigation"), ""),
        (("level", "1", "high", "--because", "a major feature"), "#1 is level 2 (high)."),
        (("stage", "1", "investigation"), "#1 is at investigation now. 4 things to do there."),
        (("done", "1", "root-cause", "expired certificate"), "Done: Root cause diagnosed."),
        (("set", "1", "scope=EU cards", "estimated-resolution=+2h"), "Set: scope, estimated-resolution."),
        (("action", "1", "restarted pay-2", "--result", "no change"), "Recorded: restarted pay-2"),
        (("decide", "1", "fail over", "--because", "refunds work"), "Decided: fail over"),
        (("set-aside", "1", "strategies", "--because", "one way"), "Set aside: Resolution strategies"),
        (("stage", "1", "containment", "--set-aside", "no time"), "#1 is at containment now."),
    ):
        done = await irpd("incident", *arguments, "--as", "asha")
        if answer:
            assert (done.status, done.out[: len(answer)]) == (0, answer), (arguments, done.err)
        else:
            assert done.status == 4
            assert "level (Level confirmed by its characteristics and impact)" in " ".join(done.err.split())
    incident = json.loads((await irpd("incident", "show", "1", "--json")).out)["incident"]
    assert incident["stage"] == "containment"
    assert incident["facts"] == {"root-cause": "expired certificate", "scope": "EU cards"}
    shown = (await irpd("incident", "show", "1", "--events", "--tz", "UTC")).out
    for words in (
        "Stage  containment since",
        "stage-changed    triage to investigation by Asha Rao",
        "item-done        root-cause: expired certificate by Asha Rao",
        "action-taken     Asha Rao: restarted pay-2 -> no change",
        "decision-made    Asha Rao: fail over; because refunds work",
        "item-set-aside   affected-systems set aside by Asha Rao: no time",
    ):
        assert words in shown, words


async def test_a_wrong_name_value_or_time_says_what_is_allowed(irpd: Any, house: Any) -> None:
    await house.alert()
    for fact, status, words in (
        ("mood=bad", 2, "there are detected-by, root-cause"),
        ("scope", 2, "'scope' is no NAME=VALUE"),
        ("impact-to=tomorrow", 2, "now, +2h, -30m"),
        ("detected-by=luck", 2, "one of monitoring, user-report"),
    ):
        done = await irpd("incident", "set", "1", fact, "--as", "asha")
        assert (done.status, words in " ".join(done.err.split())) == (status, True), done.err
    status, problem = await house.api(
        "POST", "/incidents/1/set?as=asha", json={"facts": {"impact-to": "2026-11-24T03:00:00"}}
    )
    assert (status, problem["code"]) == (422, "invalid")


async def test_what_is_resolved_is_closed_and_then_has_nothing_to_do(irpd: Any, house: Any) -> None:
    await house.alert()
    assert (await irpd("incident", "close", "1", "--as", "asha")).status == 4
    await irpd("incident", "resolve", "1", "--as", "asha", "--because", "over")
    done = await irpd("incident", "close", "1", "--as", "asha")
    assert (done.status, done.out) == (0, "#1 is closed.\n")
    assert house.engine.state.incidents.get(1) is None or house.engine.state.incidents[1].state == "closed"


async def test_reasons_are_needed_where_nobody_can_be_asked(irpd: Any, house: Any) -> None:
    await house.alert()
    for arguments in (("decide", "1", "fail over"), ("set-aside", "1", "isolation")):
        done = await irpd("incident", *arguments, "--as", "asha")
        assert (done.status, "--because is needed" in done.err) == (2, True)


async def test_todo_as_json_is_what_the_api_answers(irpd: Any, house: Any) -> None:
    await house.alert()
    document = json.loads((await irpd("incident", "todo", "1", "--json")).out)
    assert document["schema"] == "irpd.todo/1"
    assert [(task["id"], task["kind"]) for task in document["tasks"]] == [
        ("acknowledge", "acknowledge"),
        ("update", "update"),
        ("assessment", "item"),
    ]
    assert document["tasks"][0]["due_at"] == "2026-11-24T03:06:40Z"
    assert (await irpd("incident", "todo", "99")).status == 1


async def test_the_guide_shows_what_a_commander_sees(irpd: Any, house: Any) -> None:
    shown = re.findall(r"```text\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert len(shown) == 2

    async def said() -> str:
        text = (await irpd("incident", "todo", "1", "--tz", "Europe/Berlin")).out
        text = re.sub(r"\((in [^()]*|[^()]* ago)\)", "(in 59 min)", text)
        return re.sub(r"\d+ Nov (\d{4} )?", "", text)

    await house.alert()
    assert shown[0] == await said()
    await irpd("incident", "ack", "1", "--as", "asha")
    await irpd("incident", "done", "1", "assessment", "cards are refused", "--as", "asha")
    assert shown[1] == await said()
