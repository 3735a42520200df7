"""Objectives: the protocol's table, what a change of level does to them, and what follows when one is missed.

Expectations are worked out by hand from the protocol's table.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from harness.house import CONFIG, House, alert, policy_of, replayed

from irpd.model import command as c
from irpd.model import event as e
from irpd.model.incident import Incident, State
from irpd.model.page import PageKind
from irpd.protocol.deadlines import next_deadline
from irpd.protocol.objectives import updated

H, M = timedelta(hours=1), timedelta(minutes=1)
#: A commander and a communications manager, who say yes within a minute here.
ROLES = """
roles:
  commander: {person: chi}
  communications: {person: fay}
"""
OFFICE = 'hours: {days: [Mon, Tue, Wed, Thu, Fri], from: "09:00", to: "17:00", time_zone: Europe/Berlin}'
MEDIUM = CONFIG[CONFIG.index("  medium:") :]


def with_levels(text: str) -> str:
    return CONFIG.replace(MEDIUM, text)


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)


def opened(want: int, config: str = CONFIG, *, at: datetime | None = None) -> House:
    house = House(policy_of(config), **({} if at is None else {"at": at}))
    house.report(alert("a", want=want))
    return house


def at_work(want: int = 2, config: str = CONFIG + ROLES) -> House:
    """Somebody has it, and the roles are accepted."""
    house = opened(want, config)
    house.ack()
    for person in ("chi", "fay"):
        house.do(c.AcceptRole(incident=1, by=person))
    return house


def dues(incident: Incident, house: House) -> dict[str, timedelta | None]:
    kept = incident.objectives
    return {
        "response": incident.respond_by and incident.respond_by - house.began,
        "update": kept.update and kept.update.due_at - house.began,
        "resolution": kept.resolution and kept.resolution.due_at - house.began,
    }


def tell(house: House, by: str = "asha") -> None:
    house.do(c.Note(incident=1, by=by, text="told them", update=True))


# ------------------------------------------------------------------ the table
@pytest.mark.parametrize(
    "level, response, update, resolution",
    [
        (1, 15 * M, 30 * M, 4 * H),
        (2, 1 * H, 2 * H, 8 * H),
        (3, 4 * H, 24 * H, 24 * H),
        (4, 24 * H, None, 72 * H),
    ],
)
def test_each_level_has_the_objectives_of_the_protocols_table(
    level: int, response: timedelta, update: timedelta | None, resolution: timedelta
) -> None:
    house = opened(level)
    assert dues(house.incident(), house) == {"response": response, "update": update, "resolution": resolution}


def test_a_level_may_have_others() -> None:
    text = with_levels("  high: {update_every: 90m, resolve_within: 6h, respond_within: 20m}\n")
    house = opened(2, text)
    found = dues(house.incident(), house)
    assert found == {"response": 20 * M, "update": 90 * M, "resolution": 6 * H}


def test_by_working_hours_every_objective_waits_for_them() -> None:
    text = with_levels(f"  medium: {{clock: working-hours, holidays: [x], {OFFICE}}}\n")
    text += 'holidays: {x: ["2026-12-24", "2026-12-25"]}\n'
    house = opened(3, text, at=berlin("2026-12-23 16:00"))  # a Wednesday
    incident = house.incident()
    assert incident.respond_by == berlin("2026-12-28 12:00")  # 1 h on Wednesday, 3 h on Monday
    assert incident.update_by == berlin("2026-12-28 16:00")  # the next working day
    assert incident.resolve_by == berlin("2026-12-30 16:00")  # 24 h: 1 + 8 + 8 + 7


@pytest.mark.parametrize(
    "begins, due",
    [
        ("2026-03-28 12:00", "2026-03-29 12:00"),  # 23 hours
        ("2026-10-24 12:00", "2026-10-25 12:00"),  # 25 hours
        ("2026-11-27 12:00", "2026-11-28 12:00"),  # a Saturday: around the clock
    ],
)
def test_daily_updates_keep_their_time_on_the_wall_clock(begins: str, due: str) -> None:
    house = opened(3, with_levels(f"  medium: {{{OFFICE}}}\n"), at=berlin(begins))
    assert house.incident().update_by == berlin(due)


# ------------------------------------------------------------------ a change of the level
def test_a_rise_in_the_middle_of_an_interval_never_gives_more_time() -> None:
    """Level 2 opened at 0: update due 2h, resolution 8h. At 1h50 it becomes level 1."""
    house = opened(2)
    house.ack()
    house.forward("110m")
    house.set_level(1)
    # response: 1h50 + 15m; update: the earlier of 2h and 1h50 + 30m; resolution: of 8h and 1h50 + 4h
    found = dues(house.incident(), house)
    assert found == {"response": 125 * M, "update": 120 * M, "resolution": 350 * M}


def test_a_rise_early_in_an_interval_shortens_it() -> None:
    house = opened(2)
    house.ack()
    house.forward("10m")
    house.set_level(1)
    assert dues(house.incident(), house) == {"response": 25 * M, "update": 40 * M, "resolution": 250 * M}


def test_a_rise_late_in_a_long_target_keeps_what_is_earlier() -> None:
    house = opened(3)
    house.ack()
    house.forward("22h")
    house.set_level(2)  # resolution: the earlier of 24h and 22h + 8h
    assert dues(house.incident(), house) == {"response": 23 * H, "update": 24 * H, "resolution": 24 * H}


def test_a_fall_counts_from_the_opening_and_from_the_last_update() -> None:
    house = opened(1)
    house.ack()
    house.forward("20m")
    tell(house)
    house.forward("20m")
    house.set_level(2)
    # update: 20m + 2h; resolution: the opening + 8h; the response was met
    assert dues(house.incident(), house) == {"response": 15 * M, "update": 140 * M, "resolution": 8 * H}


def test_a_fall_never_sets_a_limit_in_the_past() -> None:
    text = with_levels("  high: {resolve_within: 1h, update_every: 10m}\n")
    house = opened(1, text)
    house.ack()
    house.forward("2h")
    tell(house)
    house.forward("20m")
    house.set_level(2)
    assert dues(house.incident(), house)["resolution"] == 140 * M
    assert dues(house.incident(), house)["update"] == 140 * M


def test_a_fall_to_a_level_without_updates_ends_their_clock() -> None:
    house = opened(3)
    house.ack()
    house.set_level(4)
    assert house.incident().objectives.update is None
    house.set_level(3)
    assert house.incident().update_by == house.now + 24 * H


def test_a_fall_after_a_missed_update_forgives_what_the_slower_clock_does_not_ask_for() -> None:
    house = at_work(1)
    house.forward("35m")
    assert house.incident().objectives.missed_since is not None
    house.set_level(2)
    kept = house.incident().objectives
    assert (kept.missed_since, kept.chase_at, house.incident().update_by) == (None, None, house.began + 2 * H)


def test_a_missed_target_that_a_fall_gives_time_again_runs_again() -> None:
    house = at_work(1)
    house.forward("4h")
    assert house.incident().objectives.extended
    house.set_level(2)
    kept = house.incident().objectives
    assert kept.resolution is not None
    assert (kept.resolution.state, kept.resolution.due_at, kept.extended) == (
        "running",
        house.began + 8 * H,
        False,
    )


def test_a_missed_target_stays_missed_at_a_more_severe_level() -> None:
    house = at_work(2)
    house.forward("8h")
    house.set_level(1)
    kept = house.incident().objectives
    assert kept.resolution is not None
    assert (kept.resolution.state, kept.extended) == ("missed", True)
    assert len(house.of_type(e.Extended)) == 1


def test_a_reopening_begins_them_anew() -> None:
    house = opened(2)
    house.ack()
    house.forward("1h")
    house.resolve()
    house.forward("10m")
    house.do(c.Reopen(incident=1, by="asha"))
    found = dues(house.incident(), house)
    assert found == {"response": 130 * M, "update": 190 * M, "resolution": 550 * M}


def test_a_signal_that_reopens_begins_them_anew_too() -> None:
    house = opened(2)
    house.ack()
    house.report(alert("a", "resolved"))
    house.resolve()
    house.forward("10m")
    house.report(alert("a"))
    assert house.incident().update_by == house.now + 2 * H


# ------------------------------------------------------------------ updates
def test_an_update_begins_the_next_interval() -> None:
    house = at_work(1)
    house.forward("20m")
    tell(house)
    assert house.incident().update_by == house.now + 30 * M
    assert house.of_type(e.Updated)[-1].by == "asha"


def test_neither_a_note_nor_a_move_of_the_stage_is_an_update() -> None:
    house = at_work(1)
    before = house.incident().update_by
    house.do(c.Note(incident=1, by="asha", text="looking"))
    house.do(c.SetItemAside(incident=1, by="chi", item="assessment", because="clear"))
    assert house.incident().update_by == before


def test_five_minutes_before_an_update_who_sees_to_messages_is_told() -> None:
    house = at_work(1)
    house.forward("29m")
    assert house.phones(kind=PageKind.UPDATE) == ["25m fay mail"]
    assert house.shown[-1][3].text == "An update is due in 5m."
    assert [(one.objective, one.due_at) for one in house.of_type(e.ObjectiveWarned)] == [
        ("update", house.began + 30 * M)
    ]


def test_without_roles_whoever_has_it_is_told() -> None:
    house = opened(1)
    house.ack()
    house.forward("29m")
    assert house.phones(kind=PageKind.UPDATE) == ["25m asha mail"]


def test_a_missed_update_pages_one_after_the_other_and_again_after_the_next_interval() -> None:
    house = at_work(1)
    house.forward("61m")
    assert house.asked("update") == ["30m fay update", "35m chi update", "40m asha update", "60m fay update"]
    missed = house.of_type(e.ObjectiveMissed)
    assert [(one.objective, one.due_at - house.began) for one in missed] == [
        ("update", 30 * M),
        ("update", 60 * M),
    ]


def test_an_update_ends_the_chase() -> None:
    house = at_work(1)
    house.forward("36m")
    tell(house, by="fay")
    assert [page.live for page in house.rows.pages_of(house.incident()) if page.asks == "update"] == [
        False,
        False,
    ]
    house.forward("28m")
    assert house.asked("update", since="36m") == []


def test_who_sees_to_it_stops_the_chase_until_the_next_is_missed() -> None:
    house = at_work(1)
    house.forward("31m")
    page = next(page for page in house.rows.pages_of(house.incident()) if page.asks == "update")
    answer = house.do(c.Acknowledge(incident=1, by="fay", page=page.id, via="link"))
    assert "see to the update" in answer.text
    assert house.incident().acknowledged_by == ("asha",)
    house.forward("30m")
    assert house.asked("update") == ["30m fay update", "60m fay update"]


def test_who_cannot_passes_the_update_on_at_once() -> None:
    house = at_work(1)
    house.forward("31m")
    page = next(page for page in house.rows.pages_of(house.incident()) if page.asks == "update")
    house.do(c.Decline(incident=1, by="fay", page=page.id, via="link"))
    assert house.asked("update") == ["30m fay update", "31m chi update"]
    assert house.incident().declined_by == ()


def test_who_cannot_be_reached_is_followed_by_the_next_at_once() -> None:
    house = at_work(1)
    house.broken = {("fay", "mail"), ("fay", "sms")}
    house.forward("33m")
    assert house.asked("update") == ["30m chi update"]


def test_after_a_downtime_all_that_was_missed_is_recorded_and_paged_once() -> None:
    house = at_work(1)
    house.forward("10m")
    house.sleep("2h")  # 30m, 60m, 90m and 120m were due
    house.forward("1m")
    (missed,) = house.of_type(e.ObjectiveMissed)
    assert (missed.due_at - house.began, missed.times, missed.next_at - house.began) == (30 * M, 4, 150 * M)
    assert house.asked("update") == ["130m fay update"]


def test_a_very_long_downtime_is_counted_and_goes_on() -> None:
    house = at_work(1)
    house.sleep("900d")
    house.forward("1m")
    missed = house.of_type(e.ObjectiveMissed)[0]
    assert missed.times == 500
    assert missed.next_at > house.now - M


def test_while_nobody_has_it_its_paths_page_and_a_missed_update_is_recorded() -> None:
    house = opened(1)
    house.forward("31m")
    assert house.asked() == []
    assert [one.objective for one in house.of_type(e.ObjectiveMissed)] == ["update"]


def test_at_level_3_a_missed_update_pages_in_working_hours() -> None:
    text = with_levels(f"  medium: {{{OFFICE}}}\n")
    house = opened(3, text, at=berlin("2026-11-27 16:00"))  # a Friday
    house.ack()
    house.forward("3d")
    (missed, *_) = house.of_type(e.ObjectiveMissed)
    assert missed.due_at == berlin("2026-11-28 16:00")
    assert house.asked("update")[0] == f"{(65 * 60)}m asha update"  # Monday 09:00


def test_what_irpd_reports_of_itself_has_no_audience() -> None:
    house = House()
    house.do(c.TellOperators(key="config", title="refused"))
    assert house.incident().objectives.update is None
    house.set_level(1, by="olga")
    assert house.incident().objectives.update is None


# ------------------------------------------------------------------ resolution
def test_past_its_target_an_incident_is_extended() -> None:
    house = at_work(2)
    for _ in range(8):
        house.forward("58m")
        tell(house)
    assert dues(house.incident(), house)["update"] == (464 + 120) * M
    house.forward("16m")
    kept = house.incident().objectives
    assert kept.extended
    # tighter: one hour from now instead of two from the last
    assert dues(house.incident(), house)["update"] == 540 * M
    (missed,) = house.of_type(e.ObjectiveMissed)
    assert (missed.objective, missed.due_at - house.began) == ("resolution", 8 * H)
    told = house.phones(kind=PageKind.UPDATE, since="480m")
    assert told == ["480m asha mail", "480m chi mail", "480m fay mail"]
    tell(house)
    assert house.incident().update_by == house.now + 1 * H


def test_past_its_target_the_next_commander_is_asked_to_take_over() -> None:
    text = CONFIG + "roles: {commander: {schedule: first-responder}}\n"
    house = opened(2, text)
    house.ack()
    house.do(c.AcceptRole(incident=1, by="asha"))
    house.forward("481m")
    assert house.asked("role:commander") == ["0m asha role:commander", "480m ben role:commander"]
    assert house.incident().roles["commander"] == "asha"
    house.do(c.AcceptRole(incident=1, by="ben"))
    assert house.incident().roles["commander"] == "ben"


def test_a_fifth_of_its_time_before_the_target_somebody_is_told() -> None:
    house = at_work(2)
    for _ in range(7):
        house.forward("56m")
        tell(house)
    house.forward("0m")
    warned = [one for one in house.of_type(e.ObjectiveWarned) if one.objective == "resolution"]
    assert [one.due_at - house.began for one in warned] == [8 * H]
    assert "384m fay mail" in house.phones(kind=PageKind.UPDATE)  # 6 h 24 min: 8 h less a fifth of them


def test_resolved_in_time_is_met_and_nothing_runs_any_more() -> None:
    house = at_work(2)
    house.forward("10m")
    house.resolve()
    kept = house.incident().objectives
    assert kept.resolution is not None
    assert kept.update is not None
    assert (kept.resolution.state, kept.update.state) == ("met", "not-needed")
    house.forward("20m")
    assert house.of_type(e.ObjectiveMissed) == []


def test_what_is_missed_at_the_very_end_is_recorded_before_it() -> None:
    house = at_work(2)
    house.sleep("9h")
    house.resolve()
    assert [(one.objective, one.times) for one in house.of_type(e.ObjectiveMissed)] == [
        ("resolution", 1),
        ("update", 4),
    ]
    kept = house.incident().objectives
    assert kept.resolution is not None
    assert kept.update is not None
    assert (kept.resolution.state, kept.update.state) == ("missed", "missed")
    assert house.of_type(e.Extended) == []


def test_a_merged_incident_has_no_running_clock() -> None:
    house = opened(2)
    house.report(alert("b", want=2))
    house.do(c.Merge(incident=2, into=1, by="asha"))
    kept = house.incident(2).objectives
    assert house.incident(2).state is State.MERGED
    assert kept.resolution is not None
    assert not kept.resolution.running
    assert next_deadline(house.incident(2)) is None


# ------------------------------------------------------------------ history
def test_history_replayed_has_the_same_clocks() -> None:
    house = at_work(1)
    house.forward("5h")
    tell(house)
    house.set_level(3)
    again = replayed(house.facts).incidents[1]
    assert again == house.incident()


def test_an_incident_of_an_older_irpd_has_no_clocks_until_its_level_changes() -> None:
    house = opened(2)
    house.ack()
    facts = [
        (
            subject,
            e.Opened(**{f: getattr(event, f) for f in event.__struct_fields__ if f != "objectives"}),
            at,
        )
        if isinstance(event, e.Opened)
        else (subject, event, at)
        for subject, event, at in house.facts
    ]
    house.rows = replayed(facts)
    assert (house.incident().update_by, house.incident().resolve_by) == (None, None)
    house.forward("9h")
    assert house.of_type(e.ObjectiveMissed) == []
    house.set_level(1)
    assert house.incident().resolve_by == house.now + 4 * H


def test_an_update_of_what_is_over_changes_nothing() -> None:
    from irpd.protocol.draft import Draft

    house = opened(2)
    house.resolve()
    draft = Draft(house.rows, house.policy, house.now)
    updated(draft, house.incident())
    assert draft.events == []


def test_past_its_target_the_executives_who_know_of_it_hear_again() -> None:
    text = CONFIG + "audiences: {executives: {via: mail}, support-desk: {via: mail, levels: [2]}}\n"
    house = opened(2, text)
    house.ack()
    house.forward("481m")
    told = [
        (page.notice.audience, page.notice.news, page.requested_at - house.began)
        for page in house.rows.pages_of(house.incident())
        if page.notice is not None and page.reason == "extended"
    ]
    assert told == [("executives", "extended", 8 * H)]


def test_an_old_no_about_an_update_pages_nobody_further() -> None:
    house = at_work(1)
    house.forward("31m")
    page = next(page for page in house.rows.pages_of(house.incident()) if page.asks == "update")
    for _ in range(3):
        house.do(c.Decline(incident=1, by="fay", page=page.id, via="link"))
    assert house.asked("update") == ["30m fay update", "31m chi update"]
