"""``irpd oncall`` against the real engine and from files alone."""

import json
from pathlib import Path
from typing import Any

SCHEDULE = "first-responder"
EXAMPLE = str(Path(__file__).resolve().parents[3] / "config")


async def test_an_override_from_beginning_to_end(irpd: Any, house: Any) -> None:
    assert (await irpd("oncall", "override", "list")).out == "No overrides.\n"
    done = await irpd(
        *("oncall", "override", "add", SCHEDULE, "--as", "asha", "--person", "ben", "--for", "8h"),
        *("--because", "dentist"),
    )
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("Override 1: Ben Ito is on call on first-responder ")
    shown = (await irpd("oncall", "who")).out
    assert "Ben Ito (override 1)" in shown
    assert (await irpd("who")).out == shown
    assert "Asha Rao: dentist" in (await irpd("oncall", "override", "list")).out

    firing = await house.alert()
    assert [page.person for page in house.engine.state.pages_of(firing.number)] == ["ben"]

    done = await irpd("oncall", "override", "end", "1", "--as", "ben")
    assert (done.status, done.out) == (0, "Override 1 is over; the schedule holds again.\n")
    assert "(override" not in (await irpd("oncall", "who")).out
    done = await irpd("oncall", "override", "end", "9", "--as", "ben")
    assert (done.status, "no override 9" in done.err) == (1, True)


async def test_who_is_away_and_what_is_swapped_stands_in_the_shifts(irpd: Any, house: Any) -> None:
    document = json.loads((await irpd("oncall", "show", SCHEDULE, "--json")).out)
    assert document["schema"] == "irpd.schedule/1"
    first, second = document["shifts"][:2]
    assert (first["person"], second["person"]) == ("asha", "ben")
    done = await irpd("oncall", "swap", SCHEDULE, first["from"], second["from"], "--as", "asha")
    assert done.status == 0, done.err
    document = json.loads((await irpd("oncall", "show", SCHEDULE, "--json")).out)
    assert [(one["person"], one["override"]) for one in document["shifts"][:2]] == [("ben", 1), ("asha", 2)]
    assert document["gaps"] == []
    done = await irpd("oncall", "away", "ben", "--for", "1h", "--as", "ben", "--because", "train")
    assert "Ben Ito is away" in done.out
    assert (await irpd("oncall", "who", "--json")).out.count('"person":"asha"') >= 1
    listed = json.loads((await irpd("oncall", "override", "list", "--json")).out)
    assert [(one["id"], one["state"], one["away"]) for one in listed["overrides"]] == [
        (1, "holds", None), (2, "comes", None), (3, "holds", "ben"),
    ]  # fmt: skip


async def test_what_can_not_be_meant_is_refused_in_words(irpd: Any, house: Any) -> None:
    for arguments, status, said in (
        (["override", "add", SCHEDULE, "--as", "asha"], 2, "say how long"),
        (["override", "add", "nights", "--for", "1h", "--as", "asha"], 2, "there is no schedule 'nights'"),
        (
            ["override", "add", SCHEDULE, "--person", "zoe", "--for", "1h", "--as", "asha"],
            2,
            "no person 'zoe'",
        ),
        (["show", "nights"], 1, "there is no schedule 'nights'"),
        (["swap", SCHEDULE, "now", "now", "--as", "asha"], 2, "both shifts are"),
        (["who", "--at", "0001-01-01T00:00:00Z"], 2, "after 1970"),
    ):
        done = await irpd("oncall", *arguments)
        assert (done.status, said in done.err) == (status, True), done


async def test_shifts_are_shown_from_files_alone(irpd: Any) -> None:
    config = ("--files", "-c", EXAMPLE)
    done = await irpd("oncall", "show", SCHEDULE, "--weeks", "2", "--from", "2027-03-23T00:00:00Z", *config)
    assert done.status == 0, done.err
    assert done.out.splitlines() == [
        "first-responder, times in Europe/Berlin",
        "Tue 2027-03-23 01:00  to Mon 2027-03-29 09:00  Ben Ito",
        "Sun 2027-03-28 03:00                           clocks go forward 60 min",
        "Mon 2027-03-29 09:00  to Mon 2027-04-05 09:00  Asha Rao",
        "Mon 2027-04-05 09:00  to Tue 2027-04-06 02:00  Ben Ito",
        "",
        "Load",
        "Asha Rao  168 h  7 nights  1 weekend",
        "Ben Ito   168 h  8 nights  1 weekend",
    ]
    who = json.loads((await irpd("oncall", "who", "--at", "2027-03-30T00:00:00Z", "--json", *config)).out)
    assert [one["person"] for one in who["schedules"] if one["name"] == SCHEDULE] == ["asha"]
    assert (await irpd("oncall", "show", "nights", *config)).status == 1


async def test_shifts_are_exported_as_a_calendar(irpd: Any, house: Any) -> None:
    done = await irpd("oncall", "export", SCHEDULE)
    assert (done.status, done.out.startswith("BEGIN:VCALENDAR\r\n")) == (0, True)
    assert "SUMMARY:On call: Asha Rao" in done.out
    address = (await irpd("oncall", "export", "--person", "asha", "--address")).out
    assert address.startswith("https://irpd.example.com/calendar/person/asha/")
    page = (await irpd("oncall", "export", "--person", "asha", "--page")).out
    assert page.startswith("https://irpd.example.com/on-call/person/asha/")
    assert (await irpd("oncall", "export", SCHEDULE, "--page", "--files", "-c", EXAMPLE)).status == 2
    files = await irpd("oncall", "export", "--person", "asha", "--files", "-c", EXAMPLE)
    assert "SUMMARY:On call: first-responder" in files.out
    assert (await irpd("oncall", "export")).status == 2
    assert (await irpd("oncall", "export", "nights")).status == 1


async def test_coverage_says_who_is_reached_and_what_is_open(irpd: Any, house: Any) -> None:
    done = await irpd("oncall", "coverage", "-c", EXAMPLE, "--weeks", "1")
    assert (done.status, done.err) == (0, "")
    assert "Nothing is open." in done.out
    done = await irpd("oncall", "coverage", "-c", EXAMPLE, "--weeks", "2", "--service", "checkout", "--json")
    document = json.loads(done.out)
    assert document["schema"] == "irpd.coverage/1"
    assert {one["path"] for one in document["paths"]} >= {"engineering"}
    first = document["paths"][0]["moments"][0]["reached"][0]
    assert (first["after_seconds"], first["late"], first["fallback"]) == (0, False, False)
    done = await irpd("oncall", "coverage", "-c", EXAMPLE, "--moments", "--level", "1", "--weeks", "1")
    assert "now Asha Rao local" in done.out
    assert (await irpd("oncall", "coverage", "-c", EXAMPLE, "--service", "x")).status == 1


async def test_where_no_daemon_answers_it_is_said_that_the_files_do(irpd: Any, tmp_path: Path) -> None:
    nowhere = ("--socket", str(tmp_path / "none.sock"))
    for command in (("who",), ("show", SCHEDULE), ("export", SCHEDULE)):
        done = await irpd("oncall", *command, *nowhere)
        assert done.status == 3
        assert "With --files the files alone answer" in done.err
    done = await irpd("oncall", "override", "list", *nowhere)
    assert "--files" not in done.err
