"""What follows an incident: its report, the review, the action items, and who is reminded."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from harness.house import House, alert, changed, replayed

from irpd.model import command as c
from irpd.model import event as e
from irpd.model.command import Refusal
from irpd.model.incident import State
from irpd.model.page import PageKind
from irpd.model.report import Report
from irpd.protocol.todo import todo

ROLES = ("levels:\n", "roles: {commander: {person: dora}}\nlevels:\n")
NEVER = ("levels:\n", "reports: {within: {critical: 0s}}\nlevels:\n")


def over(level: int = 1, **config: tuple[str, str]) -> House:
    house = House(changed(**config)) if config else House()
    house.report(alert("a", want=level))
    house.ack()
    house.resolve()
    house.forward("31m")
    return house


def report_of(house: House) -> Report:
    report = house.incident().report
    assert report is not None
    return report


def refused(house: House, command: c.Command) -> str:
    with pytest.raises(Refusal) as caught:
        house.do(command)
    return caught.value.text


def told(house: House) -> list[str]:
    return [
        f"{person}: {page.text}"
        for _, person, _, page in house.shown
        if page.kind is PageKind.UPDATE and page.reason == "report"
    ]


def written(house: House, by: str = "asha") -> None:
    house.do(c.WriteReport(incident=1, by=by, sections={"summary": "Cards failed."}))


def published(house: House) -> None:
    written(house)
    house.do(c.ReviewReport(incident=1, by="chi"))
    house.do(c.PublishReport(incident=1, by="asha"))


def item(house: House, due: str = "3d", **more: Any) -> None:
    days = timedelta(days=int(due[:-1]))
    said = {"text": "watch certificates", "kind": "preventive", "owner": "ben", **more}
    house.do(c.AddActionItem(incident=1, by="asha", due_at=house.now + days, **said))


# ------------------------------------------------------------------ asked for
@pytest.mark.parametrize("level, days, met", [(1, 3, True), (2, 5, True), (3, 10, False)])
def test_a_closed_incident_of_level_1_to_3_has_a_report_due_by_its_level(
    level: int, days: int, met: bool
) -> None:
    house = over(level)
    report = report_of(house)
    ended = house.incident().resolved_at
    assert ended is not None
    assert timedelta(days=days) <= report.due_at - ended < timedelta(days=days + 3)
    assert (report.owner, report.state, report.review_at is not None) == ("asha", "asked", met)


def test_level_4_needs_none_and_neither_does_a_level_that_says_so() -> None:
    assert over(4).incident().report is None
    assert over(1, reports=NEVER).incident().report is None


def test_nothing_is_due_at_night_or_on_a_weekend() -> None:
    house = House(at=datetime.fromisoformat("2026-11-25T23:00:00+00:00"))  # Thursday 00:00 in Berlin
    house.report(alert("a", want=1))
    house.ack()
    house.resolve()
    house.forward("31m")
    # Three days later is a Sunday at midnight: the next working time is Monday 09:00 in Berlin.
    assert report_of(house).due_at.isoformat() == "2026-11-30T08:00:00+00:00"
    # Whoever writes it hears of it in the morning.
    assert told(house) == []
    house.forward("9h")
    (line,) = told(house)
    assert line.startswith("asha: The report of #1 is yours, due 30 Nov 09:00. The review is planned for")


def test_it_is_the_communications_managers_else_the_commanders() -> None:
    assert report_of(over(1, roles=ROLES)).owner == "dora"


def test_what_is_merged_has_none() -> None:
    house = House()
    house.report(alert("a", want=1))
    house.report(alert("b", want=1))
    house.do(c.Merge(incident=2, into=1, by="asha"))
    assert house.incident(2).report is None
    assert "the report is of that one" in refused(house, c.AskReport(incident=2, by="asha"))


def test_a_report_is_asked_for_where_none_is_due() -> None:
    house = over(4)
    house.do(c.AskReport(incident=1, by="chi"))
    assert report_of(house).owner == "asha"
    assert "its report comes when it is over" in refused(_open(), c.AskReport(incident=1, by="chi"))


def _open() -> House:
    house = House()
    house.report(alert("a", want=1))
    return house


def test_what_was_reopened_has_its_time_from_the_last_end_on() -> None:
    house = over(1)
    first = report_of(house).due_at
    house.forward("2d")
    house.do(c.Reopen(incident=1, by="chi"))
    house.resolve(by="chi")
    house.forward("31m")
    assert report_of(house).due_at > first
    assert house.incident().state is State.CLOSED


# ------------------------------------------------------------------ written, reviewed, published
def test_a_report_is_written_reviewed_by_somebody_else_and_published() -> None:
    house = over()
    assert "nothing was written yet" in refused(house, c.ReviewReport(incident=1, by="chi"))
    written(house)
    assert "somebody else reviews it" in refused(house, c.ReviewReport(incident=1, by="asha"))
    assert "once somebody has reviewed" in refused(house, c.PublishReport(incident=1, by="asha"))
    house.do(c.ReviewReport(incident=1, by="chi"))
    house.do(c.PublishReport(incident=1, by="asha"))
    assert report_of(house).state == "published"


def test_a_text_that_changed_after_the_review_is_reviewed_again() -> None:
    house = over()
    published(house)
    written(house)
    assert (report_of(house).state, report_of(house).version) == ("draft", 2)
    assert "draft" in refused(house, c.PublishReport(incident=1, by="asha"))


def test_of_two_who_edit_the_same_version_one_is_told() -> None:
    house = over()
    house.do(c.WriteReport(incident=1, by="asha", sections={"lessons": "x"}, version=0))
    said = refused(house, c.WriteReport(incident=1, by="chi", sections={"lessons": "y"}, version=0))
    assert said == "the report was changed: it is at version 1, not 0"


@pytest.mark.parametrize(
    "sections, words",
    [
        ({}, "name a section"),
        ({"mood": "x"}, "there are summary"),
        ({"lessons": "x" * 20_001}, "at most 20,000"),
    ],
)
def test_what_is_no_section_is_refused(sections: dict[str, str], words: str) -> None:
    house = over()
    assert words in refused(house, c.WriteReport(incident=1, by="asha", sections=sections))


# ------------------------------------------------------------------ late
def test_who_is_late_with_a_report_is_reminded_and_then_others_hear_of_it() -> None:
    house = over(1, roles=ROLES)
    house.do(c.AssignReport(incident=1, by="dora", owner="asha"))
    house.shown.clear()
    house.forward("3d")
    (first,) = [line for line in told(house) if "was due" in line]
    assert first.startswith("asha: The report of #1 was due")
    house.forward("3d")
    late = [line.split(":")[0] for line in told(house) if "The report of #1 was due" in line]
    assert late == ["asha", "asha", "dora"]
    house.forward("30d")
    assert len([line for line in told(house) if "The report of #1 was due" in line]) == 3


def test_what_is_published_in_time_reminds_nobody() -> None:
    house = over()
    published(house)
    house.forward("30d")
    assert not [line for line in told(house) if "was due" in line]


def test_who_is_late_with_an_action_item_is_reminded_and_then_others_hear_of_it() -> None:
    house = over()
    published(house)
    item(house)
    house.forward("4d")
    assert [line for line in told(house) if "was due" in line] == [
        f"ben: Action item 1 of #1 was due {_day(house)}; Ben has it: watch certificates"
    ]
    house.forward("4d")
    assert [line.split(":")[0] for line in told(house) if "was due" in line] == ["ben", "ben", "emil"]


def _day(house: House) -> str:
    due = report_of(house).items[0].due_at + timedelta(hours=1)  # Berlin
    return f"{due.day} {due:%b %H:%M}"


def test_an_item_given_to_somebody_else_is_theirs_and_reminds_them() -> None:
    house = over()
    item(house)
    house.do(
        c.ChangeActionItem(incident=1, by="asha", n=1, owner="dora", due_at=house.now + timedelta(days=6))
    )
    house.forward("1d")
    assert "dora: Action item 1 of #1 is yours, due" in "\n".join(told(house))
    house.forward("6d")
    assert [line.split(":")[0] for line in told(house) if "Action item 1 of #1 was due" in line] == ["dora"]


def test_the_review_is_told_when_it_is_due_and_held_once() -> None:
    house = over()
    house.do(c.PlanReview(incident=1, by="asha", at=house.now + timedelta(days=1)))
    house.forward("2d")
    assert [line for line in told(house) if "review of #1 is due" in line] == [
        "asha: The review of #1 is due. Say what came of it: irpd report held 1"
    ]
    house.do(c.HoldReview(incident=1, by="asha", text="a canary"))
    assert house.do(c.HoldReview(incident=1, by="asha")).changed is False
    assert "a time to come" in refused(house, c.PlanReview(incident=1, by="asha", at=house.now))


def test_after_downtime_each_reminder_comes_once() -> None:
    house = over()
    house.sleep("40d")
    house.forward("1d")
    said = [(event.what, event.step, event.persons) for event in house.of_type(e.Reminded)]
    assert said == [("report", 2, ("asha", "emil")), ("review", 1, ("asha",))]


# ------------------------------------------------------------------ settled
def test_an_incident_stays_until_all_that_follows_is_settled() -> None:
    house = over()
    house.report(alert("a", "resolved"))
    item(house)
    assert not house.incident().leaves
    published(house)
    house.do(c.EndActionItem(incident=1, by="ben", n=1, result="in force"))
    assert not house.incident().leaves  # the review
    house.do(c.HoldReview(incident=1, by="asha"))
    assert house.incident().leaves


def test_todo_leads_from_the_report_to_the_last_action_item() -> None:
    house = over()
    house.report(alert("a", "resolved"))

    def due() -> list[tuple[str, str, tuple[str, ...]]]:
        tasks = todo(house.policy.configuration, house.incident())
        return [(task.title, task.command, task.persons) for task in tasks if task.kind == "report"]

    review = ("Hold the review", 'irpd report held 1 "WHAT CAME OF IT"', ("asha",))
    assert due() == [("Write the report", "irpd report edit 1", ("asha",)), review]
    written(house)
    assert due() == [("Have the report reviewed", "irpd report review 1", ()), review]
    house.do(c.ReviewReport(incident=1, by="chi"))
    assert due() == [("Publish the report", "irpd report publish 1", ("asha",)), review]
    house.do(c.PublishReport(incident=1, by="asha"))
    house.do(c.HoldReview(incident=1, by="asha"))
    item(house)
    assert due() == [("watch certificates", 'irpd report done 1 1 "RESULT"', ("ben",))]
    house.do(c.EndActionItem(incident=1, by="ben", n=1))
    assert due() == []


def test_an_item_is_dropped_for_a_reason_and_ends_once() -> None:
    house = over()
    item(house)
    assert refused(house, c.EndActionItem(incident=1, by="ben", n=1, dropped=True)) == "say why it is dropped"
    house.do(c.EndActionItem(incident=1, by="ben", n=1, dropped=True, result="PSP-A is gone"))
    assert "is over already" in refused(house, c.EndActionItem(incident=1, by="ben", n=1))
    assert "no action item 7" in refused(house, c.EndActionItem(incident=1, by="ben", n=7))


@pytest.mark.parametrize(
    "said, words",
    [
        ({"kind": "wish"}, "there are preventive, process, other"),
        ({"owner": "nobody"}, "there is no person 'nobody'"),
        ({"text": " "}, "say what is to be done"),
    ],
)
def test_an_item_without_owner_text_or_kind_is_refused(said: dict[str, str], words: str) -> None:
    house = over()
    command = {"text": "x", "kind": "other", "owner": "ben", "due_at": house.now, **said}
    assert words in refused(house, c.AddActionItem(incident=1, by="asha", **command))


def test_history_replayed_gives_the_same_report() -> None:
    house = over()
    item(house)
    published(house)
    house.forward("9d")
    assert replayed(house.facts).incidents == house.rows.incidents
