"""Escalation paths: who is paged when, how a step falls back, and when it all stops."""

from datetime import timedelta

import pytest
from harness.house import CONFIG, NIGHT, NO_REPORTS, House, alert, changed, policy_of

from irpd.model import command as c
from irpd.model import event as e
from irpd.model.incident import MemberStatus, State
from irpd.model.page import PageKind, SendState
from irpd.protocol.deadlines import next_deadline


def test_each_step_waits_its_time_then_the_rounds_repeat_then_everyone_and_fallback_for_ever() -> None:
    house = House()
    house.report(alert("a"))
    house.forward("2h")
    assert house.people() == [
        "0m asha", "5m chi", "15m dora",
        "30m asha", "35m chi", "45m dora",
        "60m asha", "60m chi", "60m dora", "60m emil",
        "75m asha", "75m chi", "75m dora", "75m emil",
        "90m asha", "90m chi", "90m dora", "90m emil",
        "105m asha", "105m chi", "105m dora", "105m emil",
        "120m asha", "120m chi", "120m dora", "120m emil",
    ]  # fmt: skip


def test_a_person_who_is_paged_again_gets_the_methods_from_the_beginning() -> None:
    house = House()
    house.report(alert("a"))
    house.forward("33m")
    assert [line for line in house.phones() if "asha" in line] == [
        "0m asha mail", "2m asha sms", "30m asha mail", "32m asha sms",
    ]  # fmt: skip


def test_who_is_on_call_is_looked_up_when_the_step_fires() -> None:
    house = House(at=NIGHT + timedelta(days=6, hours=5))  # Monday 08:00 in Berlin, hand-off at 09:00
    house.report(alert("a"))
    house.forward("65m")
    assert house.people()[0] == "0m asha"
    assert "60m ben" in house.people()
    assert "60m asha" not in house.people()


def test_each_page_says_who_is_next_and_when() -> None:
    house = House()
    house.report(alert("a"))
    page = house.rows.pages["1-1"]
    assert (page.next_person, page.next_at) == ("chi", house.now + timedelta(minutes=5))


def test_a_step_that_resolves_to_nobody_pages_fallback() -> None:
    policy = changed(path=("technical: engineering, customer", "technical: nobody, customer"))
    house = House(policy)
    house.report(alert("a"))
    assert house.people() == ["0m emil"]
    assert house.rows.pages["1-1"].reason == "fallback"


def test_a_step_whose_person_has_no_method_for_the_level_pages_fallback_too() -> None:
    policy = changed(path=("technical: engineering, customer", "technical: unreached, customer"))
    house = House(policy)
    house.report(alert("a"))
    assert house.people() == ["0m emil"]
    assert house.live() == ["emil"]


def test_a_step_whose_person_is_gone_from_the_configuration_pages_fallback() -> None:
    house = House()
    house.report(alert("a"))
    house.cant("asha")
    house.policy = changed(
        person=("  dora: {name: Dora, time_zone: Europe/Berlin}\n", ""),
        step=("      - {person: dora, wait: 15m}\n", ""),
        business=(", {person: dora, wait: 30m}", ""),
        customers=(", {person: dora, wait: 1h}", ""),
    )
    house.forward("10m")
    assert house.people() == ["0m asha", "0m chi", "10m emil"]


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_a_service_without_a_path_pages_fallback(level: int) -> None:
    house = House(changed(bare=("title: Bare, paths: {technical: solo}", "title: Bare")))
    house.report(alert("a", want=level, labels={"service": "bare"}))
    assert house.people(kind=None) == ["0m emil"]


# ------------------------------------------------------------------ urgency
@pytest.mark.parametrize("level", [1, 2])
def test_levels_1_to_2_page_at_night(level: int) -> None:
    house = House(at=NIGHT)
    house.report(alert("a", want=level))
    assert house.people() == ["0m asha"]


def test_level_3_waits_for_working_hours() -> None:
    house = House(at=NIGHT)  # 03:00
    house.report(alert("a", want=3))
    house.forward("359m")
    assert house.people(kind=None) == []
    house.forward("1m")
    assert house.people() == ["360m asha"]


def test_level_3_in_working_hours_pages_at_once() -> None:
    house = House()
    house.report(alert("a", want=3))
    assert house.people() == ["0m asha"]


def test_a_step_of_level_3_waits_half_of_the_response_objective() -> None:
    house = House()
    house.report(alert("a", want=3))
    house.forward("4h")
    assert house.people() == ["0m asha", "120m chi", "240m dora"]


def test_later_steps_of_level_3_wait_for_working_hours_too() -> None:
    house = House()
    house.forward("8h")  # 17:00 in Berlin
    house.report(alert("a", want=3))
    house.forward("20h")
    assert house.people()[0] == "480m asha"
    assert house.people()[1:3] == ["1440m chi", "1560m dora"]  # 09:00 and 11:00 on Wednesday


def test_everyone_is_paged_every_two_hours_at_level_3() -> None:
    house = House(changed(urgency=("levels:\n  medium: {", "levels:\n  medium: {urgency: now, ")))
    house.report(alert("a", want=3, labels={"service": "bare"}))
    house.forward("6h")
    assert house.people() == [
        "0m chi", "120m chi", "120m emil", "240m chi", "240m emil", "360m chi", "360m emil",
    ]  # fmt: skip


def test_level_4_tells_who_is_on_call_once_by_a_quiet_channel_and_never_calls() -> None:
    house = House(at=NIGHT)
    house.report(alert("a", want=4))
    house.forward("3d")
    assert house.phones(kind=None) == ["0m asha mail"]
    assert house.phones(kind=PageKind.QUIET) == ["0m asha mail"]


@pytest.mark.parametrize("asked", [c.Decline(incident=1, by="asha"), c.Escalate(incident=1, by="asha")])
def test_at_level_4_i_cant_and_escalate_tell_the_next_one(asked: c.Command) -> None:
    house = House()
    house.report(alert("a", want=4))
    house.forward("1m")
    house.do(asked)
    house.forward("1d")
    assert house.phones(kind=PageKind.QUIET) == ["0m asha mail", "1m chi mail"]
    assert house.phones() == []


def test_at_level_4_who_cant_be_reached_is_followed_by_the_next() -> None:
    house = House()
    house.broken = {("asha", "mail")}  # type: ignore[arg-type]
    house.report(alert("a", want=4))
    house.forward("1d")
    assert house.phones(kind=PageKind.QUIET) == ["0m chi mail"]


def test_at_level_4_with_no_channel_at_all_it_ends() -> None:
    house = House()
    house.broken = {"mail", "sms"}
    house.report(alert("a", want=4))
    house.forward("7d")
    assert house.phones(kind=None) == []
    assert not house.running()


def test_urgent_levels_can_be_told_to_wait_for_working_hours_and_a_rise_ends_the_waiting() -> None:
    house = House(changed(high=("levels:\n", "levels:\n  high: {urgency: working-hours}\n")), at=NIGHT)
    house.report(alert("a", want=2, grouped=True))
    assert house.people() == []
    house.report(alert("b", want=1, grouped=True))
    assert house.people() == ["0m asha"]


# ------------------------------------------------------------------ saying no
def test_who_said_i_cant_is_passed_over_in_later_rounds() -> None:
    house = House()
    house.report(alert("a"))
    house.cant("asha")
    house.forward("31m")
    assert house.people() == ["0m asha", "0m chi", "10m dora", "25m chi"]


def test_when_all_have_said_i_cant_everyone_is_paged_at_once() -> None:
    house = House()
    house.report(alert("a"))
    for person in ("asha", "chi", "dora"):
        house.cant(person)
    assert sorted(house.people()) == [
        "0m asha", "0m asha", "0m chi", "0m chi", "0m dora", "0m dora", "0m emil",
    ]  # fmt: skip


def test_i_cant_twice_says_so_and_ends_that_persons_page() -> None:
    house = House()
    house.report(alert("a"))
    house.cant("asha")
    house.forward("1h")
    assert "asha" in house.live()  # everyone is paged now
    before = len(house.of_type(e.Declined))
    answer = house.cant("asha")
    assert "already" in answer.text
    assert "asha" not in house.live()
    assert len(house.of_type(e.Declined)) == before
    house.forward("2m")
    assert "62m asha sms" not in house.phones()


def test_i_cant_when_somebody_else_has_it_changes_nothing() -> None:
    house = House()
    house.report(alert("a"))
    house.ack("chi")
    answer = house.cant("asha")
    assert not answer.changed
    assert "chi" in answer.text
    assert not house.running()


def test_i_cant_or_undo_of_an_unconfirmed_level_3_pages_nobody() -> None:
    house = House()
    house.report(alert("a", want=3))
    house.ack("asha")
    house.report(alert("a", "resolved"))
    house.do(c.Undo(incident=1, by="asha"))
    house.forward("10m")
    assert house.people() == ["0m asha"]
    house.forward("5m")
    assert house.states() == [State.RESOLVED]


def test_i_cant_of_one_of_two_who_have_it_leaves_it_with_the_other() -> None:
    house = House()
    house.report(alert("a"))
    house.ack("asha")
    house.ack("chi")
    house.cant("asha")
    assert house.incident().acknowledged_by == ("chi",)
    assert not house.running()
    assert house.people() == ["0m asha"]


def test_i_cant_moves_only_the_path_that_paged_the_person() -> None:
    house = House()
    house.report(alert("a"))
    house.do(c.Escalate(incident=1, by="asha", path="business"))
    house.cant("fay")
    assert house.people() == ["0m asha", "0m fay", "0m dora"]


# ------------------------------------------------------------------ escalating by hand
def test_escalate_fires_the_next_step_now() -> None:
    house = House()
    house.report(alert("a"))
    house.forward("1m")
    house.do(c.Escalate(incident=1, by="asha"))
    house.forward("10m")
    assert house.people() == ["0m asha", "1m chi", "11m dora"]


def test_escalate_with_a_path_starts_it_beside_the_other() -> None:
    house = House()
    house.report(alert("a"))
    house.do(c.Escalate(incident=1, by="asha", path="business"))
    assert house.people() == ["0m asha", "0m fay"]
    assert {run.name for run in house.incident().paths} == {"engineering", "business"}


def test_an_escalation_of_an_acknowledged_incident_goes_on_until_somebody_acknowledges_again() -> None:
    house = House(changed(stale=("levels:\n", "levels:\n  high: {stale_after: 0s}\n")))
    house.report(alert("a"))
    house.ack("asha")
    house.do(c.Escalate(incident=1, by="asha"))
    house.forward("10m")
    assert house.people() == ["0m asha", "0m chi", "10m dora"]
    answer = house.ack("asha")
    assert answer.changed
    assert not house.running()
    assert house.live() == []
    house.forward("5h")
    assert house.people() == ["0m asha", "0m chi", "10m dora"]


def test_i_cant_of_one_who_was_asked_to_help_passes_it_on() -> None:
    house = House()
    house.report(alert("a"))
    house.ack("asha")
    house.do(c.Escalate(incident=1, by="asha"))
    house.cant("chi")
    assert house.people() == ["0m asha", "0m chi", "0m dora"]
    assert house.incident().acknowledged_by == ("asha",)


# ------------------------------------------------------------------ channels that fail
def test_a_method_that_failed_for_good_brings_the_next_at_once() -> None:
    house = House()
    house.broken = {"mail"}
    house.report(alert("a"))
    assert house.phones() == ["0m asha sms"]


def test_all_methods_failed_the_next_step_comes_at_once() -> None:
    house = House()
    house.broken = {("asha", "mail"), ("asha", "sms")}  # type: ignore[arg-type]
    house.report(alert("a"))
    assert house.phones() == ["0m chi mail"]
    assert [page.because for page in house.of_type(e.PageEnded)] == ["failed"]


def test_all_methods_of_the_last_step_failed_everyone_comes_at_once() -> None:
    house = House()
    house.broken = {("chi", "mail"), ("chi", "sms")}  # type: ignore[arg-type]
    house.report(alert("a", labels={"service": "bare"}))
    assert house.phones() == ["0m emil mail"]


def test_nobody_can_be_reached_everyone_is_tried_again_every_15_minutes() -> None:
    house = House()
    house.broken = {"mail", "sms"}
    house.report(alert("a"))
    house.forward("16m")
    assert house.phones() == []
    house.broken = set()
    house.forward("15m")
    assert sorted(house.people()) == ["30m asha", "30m chi", "30m dora", "30m emil"]


def test_a_later_method_that_failed_brings_the_one_after_it_at_once() -> None:
    policy = changed(
        notify=("    - {after: 2m, via: [sms], levels: [1, 2]}\n",
                "    - {after: 2m, via: [sms]}\n    - {after: 4m, via: [call]}\n"),
        channel=("channels:\n", "channels:\n  call: {type: file, path: call.jsonl}\n"),
    )  # fmt: skip
    house = House(policy)
    house.broken = {"sms"}
    house.report(alert("a"))
    house.forward("2m")
    assert house.phones() == ["0m asha mail", "2m asha call"]


def test_one_of_two_channels_of_a_method_failing_leaves_the_other_its_time() -> None:
    policy = changed(
        notify=("{after: 0m, via: [mail]}", "{after: 0m, via: [mail, chat]}"),
        channel=("channels:\n", "channels:\n  chat: {type: file, path: chat.jsonl}\n"),
    )
    house = House(policy)
    house.broken = {"chat"}
    house.report(alert("a"))
    assert house.phones() == ["0m asha mail"]
    house.forward("2m")
    assert house.phones() == ["0m asha mail", "2m asha sms"]


def stuck(house: House, n: int, *, seconds: float = 30, **more: bool) -> None:
    """A try that passes nothing on: again later."""
    again = house.now + timedelta(seconds=seconds)
    record = c.RecordSend(
        page="1-1", send=n, state=SendState.PENDING, retry_at=again, handed_at=house.now, **more
    )
    assert house.do(record) is True


def test_a_channel_that_gives_up_late_leaves_the_one_beside_it_that_worked_its_time() -> None:
    policy = changed(
        notify=("{after: 0m, via: [mail]}", "{after: 0m, via: [mail, chat]}"),
        channel=("channels:\n", "channels:\n  chat: {type: file, path: chat.jsonl}\n"),
    )
    house = House(policy)
    house.delivers = False
    house.report(alert("a"))
    began = house.now
    house.do(c.RecordSend(page="1-1", send=1, state=SendState.DELIVERED))
    stuck(house, 2)
    house.now += timedelta(seconds=30)
    house.do(c.RecordSend(page="1-1", send=2, state=SendState.FAILED))
    assert house.rows.pages["1-1"].sends[2].due_at == began + timedelta(minutes=2)


def test_a_channel_that_is_down_makes_the_next_method_come_at_once_and_is_tried_on() -> None:
    house = House()
    house.delivers = False
    house.report(alert("a"))
    stuck(house, 1, moves_on=True, tried=False)
    mail, sms = house.rows.pages["1-1"].sends
    assert (mail.state, mail.attempts, mail.moved_on) == (SendState.PENDING, 0, True)
    assert sms.due_at == house.now


def test_when_one_method_failed_and_the_other_is_only_tried_on_the_next_step_comes_at_once() -> None:
    house = House()
    house.delivers = False
    house.report(alert("a"))
    stuck(house, 1, moves_on=True)
    house.do(c.RecordSend(page="1-1", send=2, state=SendState.FAILED))
    assert house.rows.pages["1-2"].person == "chi"
    assert house.rows.pages["1-1"].live, "it may still arrive"
    house.do(c.RecordSend(page="1-1", send=1, state=SendState.FAILED))
    assert not house.rows.pages["1-1"].live
    assert "1-3" not in house.rows.pages, "the next step came once"


def test_a_transient_failure_keeps_the_page_waiting_for_its_next_try() -> None:
    house = House()
    house.delivers = False
    house.report(alert("a"))
    again = house.now + timedelta(seconds=20)
    house.do(c.RecordSend(page="1-1", send=1, state=SendState.PENDING, retry_at=again))
    send = house.rows.pages["1-1"].sends[0]
    assert (send.state, send.due_at, send.attempts) == (SendState.PENDING, again, 1)


def test_an_outcome_that_is_recorded_twice_counts_once() -> None:
    house = House()
    house.report(alert("a"))
    facts = len(house.facts)
    assert house.do(c.RecordSend(page="1-1", send=1, state=SendState.FAILED)) is False
    assert house.do(c.RecordSend(page="9-9", send=1, state=SendState.FAILED)) is False
    assert len(house.facts) == facts


def test_expired_pages_are_not_sent_and_the_path_moves_on() -> None:
    house = House()
    house.delivers = False
    house.report(alert("a"))
    house.sleep("5h")
    house.delivers = True
    house.deliver()
    assert "asha mail" not in " ".join(house.phones())
    assert house.people() == ["300m chi"]


# ------------------------------------------------------------------ downtime
def test_after_downtime_a_path_fires_at_most_its_earliest_missed_step_and_waits_on_from_there() -> None:
    house = House()
    house.report(alert("a"))
    house.sleep("70m")
    house.forward("12m")
    assert house.people() == ["0m asha", "70m chi", "80m dora"]


def test_a_missed_objective_is_recorded_with_its_own_time() -> None:
    house = House()
    house.report(alert("a", want=1))
    due = house.now + timedelta(minutes=15)
    house.sleep("3h")
    house.forward("1s")
    assert [missed.due_at for missed in house.of_type(e.ResponseMissed)] == [due]
    assert house.incident().respond_state == "missed"


@pytest.mark.parametrize("end", ["ack", "resolve"])
def test_an_answer_after_the_objective_does_not_meet_it_even_when_nothing_was_woken_between(end: str) -> None:
    house = House()
    house.report(alert("a", want=1))
    house.sleep("16m")
    house.ack() if end == "ack" else house.resolve()
    assert house.incident().respond_state == "missed"
    assert len(house.of_type(e.ResponseMissed)) == 1


def test_an_answer_within_the_objective_meets_it() -> None:
    house = House()
    house.report(alert("a", want=1))
    house.forward("14m")
    house.ack()
    house.forward("1h")
    assert house.incident().respond_state == "met"
    assert house.of_type(e.ResponseMissed) == []


# ------------------------------------------------------------------ which path
def test_tickets_start_the_customer_path_and_monitoring_the_technical_one() -> None:
    house = House()
    house.report(alert("t", want=2), source="desk")
    house.report(alert("a", want=2), source="am")
    assert [run.name for run in house.incident(1).paths] == ["customers"]
    assert [run.name for run in house.incident(2).paths] == ["engineering"]


def test_tickets_start_the_technical_path_of_a_service_without_a_customer_one() -> None:
    house = House()
    house.report(alert("t", labels={"service": "login"}), source="desk")
    assert [run.name for run in house.incident(1).paths] == ["engineering"]


def test_what_irpd_itself_needs_pages_its_operators_once_until_it_is_resolved() -> None:
    house = House()
    ask = c.TellOperators(key="disk", title="The disk is full")
    house.do(ask)
    house.forward("1m")
    house.do(ask)
    assert house.people() == ["0m olga"]
    assert house.members()[0].count == 2
    house.resolve(by="olga")
    house.do(ask)
    assert house.people() == ["0m olga", "1m olga"]
    assert len(house.rows.incidents) == 2


def test_what_irpd_itself_needed_has_ended_when_its_condition_has() -> None:
    house = House()
    house.do(c.ConditionOver(key="clock"))
    assert house.rows.incidents == {}
    house.do(c.TellOperators(key="clock", title="Time is ahead"))
    house.do(c.ConditionOver(key="disk"))
    assert house.members()[0].status is MemberStatus.FIRING
    house.do(c.ConditionOver(key="clock"))
    over = house.members()[0]
    assert over.status is MemberStatus.RESOLVED
    house.do(c.ConditionOver(key="clock"))
    assert house.members()[0] == over


def test_a_refused_configuration_names_its_first_problem_and_how_many_more() -> None:
    house = House()
    house.do(c.RefuseConfig(problems=("irpd.yaml:7:3: error: no person 'cih'", "b", "c"), in_force="abc123"))
    one = house.incident()
    assert one.level_by.because == "irpd.yaml:7:3: error: no person 'cih' (and 2 more)"
    assert "abc123" not in one.title, "another may be in force by the time that it is read"
    assert house.people() == ["0m olga"]


def test_a_problem_of_any_length_leaves_room_for_how_many_more() -> None:
    house = House()
    house.do(c.RefuseConfig(problems=("irpd.yaml:7:3: " + "x" * 5000, "b"), in_force="abc123"))
    because = house.incident().level_by.because
    assert because.endswith("x… (and 1 more)")
    assert len(because) <= 200, "a page shows no more of it"


def test_an_incident_that_is_over_and_owes_no_report_has_no_deadline_left() -> None:
    house = House(policy_of(CONFIG + NO_REPORTS))
    house.report(alert("a", want=4))  # of which no report is due
    house.resolve()
    house.forward("31m")
    assert house.states() == [State.CLOSED]
    assert next_deadline(house.incident()) is None
