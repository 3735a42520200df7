"""Complaints of people who run pagers, and what irpd does instead: an arrow, a test.

1 silent loss of a page, 2 pages that don't stop or come months late, 3 time zones and DST, 4 grouping that is
wrong or can't be explained.
"""

from datetime import UTC, datetime, timedelta

import pytest
from harness.house import House, alert, changed, restored

from irpd.model import command as c
from irpd.model import event as e
from irpd.model.incident import MemberStatus, State
from irpd.model.page import SendState
from irpd.protocol.deadlines import next_deadline
from irpd.protocol.rows import Rows


def restart(house: House) -> None:
    """A new process finds the same rows and nothing else."""
    house.rows = restored(house.rows)


# ------------------------------------------------------------------ 1: silent loss of a page
def test_1_the_page_is_in_the_same_decision_as_the_report_so_that_one_commit_holds_both() -> None:
    house = House()
    house.delivers = False
    house.report(alert("a"))
    kinds = [type(event).__name__ for event in house.events()]
    assert kinds == ["Opened", "SignalJoined", "PathStarted", "PathMoved", "Paged"]
    assert [send.state for send in house.rows.pages["1-1"].sends] == [SendState.PENDING] * 2


def test_1_timers_are_due_times_and_a_restart_loses_none() -> None:
    house = House()
    house.report(alert("a"))
    house.forward("1m")
    restart(house)
    house.forward("1h")
    with_restart = house.phones()
    other = House()
    other.report(alert("a"))
    other.forward("61m")
    assert with_restart == other.phones()


def test_1_a_deadline_that_passed_while_the_daemon_was_down_is_due_at_once() -> None:
    house = House()
    house.report(alert("a"))
    house.sleep("1h")
    restart(house)
    due = next_deadline(house.incident())
    assert due is not None
    assert due < house.now
    house.forward("1s")
    assert house.people() == ["0m asha", "60m chi"]


def test_1_one_incidents_failure_leaves_the_others_deadlines_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    house.report(alert("a"), alert("b"))
    from irpd.protocol import deadlines

    real = deadlines.fire_step

    def fails_for_one(draft, incident, *rest, **more):  # type: ignore[no-untyped-def]
        if incident.number == 1:
            raise KeyError("planted")
        return real(draft, incident, *rest, **more)

    monkeypatch.setattr(deadlines, "fire_step", fails_for_one)
    house.now += timedelta(minutes=5)
    with pytest.raises(KeyError):
        house.do(c.Wake(incident=1))
    house.do(c.Wake(incident=2))
    assert house.people() == ["0m asha", "0m asha", "5m chi"]


def test_1_a_permanently_failed_send_brings_the_next_channel_at_once_and_is_visible() -> None:
    house = House()
    house.broken = {"mail"}
    house.report(alert("a"))
    assert house.phones() == ["0m asha sms"]
    page = house.rows.pages["1-1"]
    assert [send.state for send in page.sends] == [SendState.FAILED, SendState.DELIVERED]


def test_1_a_person_who_cant_be_reached_at_all_brings_the_next_step_at_once_and_is_visible() -> None:
    house = House()
    house.broken = {("asha", "mail"), ("asha", "sms")}  # type: ignore[arg-type]
    house.report(alert("a"))
    assert house.phones() == ["0m chi mail"]
    moved = house.of_type(e.PathMoved)[-1]
    assert moved.because == "asha can't be reached"


def test_1_one_failed_channel_does_not_stop_the_other_responders() -> None:
    house = House()
    house.broken = {("asha", "mail"), ("asha", "sms")}  # type: ignore[arg-type]
    house.report(alert("a"))
    house.forward("40m")
    assert {line.split()[1] for line in house.phones()} == {"chi", "dora"}


# ------------------------------------------------------------------ 2: pages that don't stop, or come late
def test_2_an_acknowledgement_ends_each_persons_remaining_methods() -> None:
    house = House()
    house.report(alert("a"))
    house.forward("1m")
    house.ack("ben")
    house.forward("1h")
    assert house.phones() == ["0m asha mail"]


def test_2_a_page_that_was_not_sent_in_time_expires_and_says_so() -> None:
    house = House()
    house.delivers = False
    house.report(alert("a"))
    house.sleep("5d")
    house.delivers = True
    house.deliver()
    assert {send.state for send in house.rows.pages["1-1"].sends} == {SendState.EXPIRED}
    assert house.people() == [f"{5 * 24 * 60}m chi"]


def test_2_nothing_is_paged_about_what_was_acknowledged_months_ago() -> None:
    house = House(changed(stale=("levels:\n", "levels:\n  high: {stale_after: 0s}\n")))
    house.report(alert("a"))
    house.ack()
    house.forward("120d")
    assert house.phones() == ["0m asha mail"]


@pytest.mark.parametrize("by", ["asha", "chi"])
def test_2_an_acknowledgement_that_races_a_resolve_reopens_nothing(by: str) -> None:
    house = House()
    house.report(alert("a"))
    house.resolve(by="chi")
    answer = house.ack(by)
    assert not answer.changed
    assert house.states() == [State.RESOLVED]
    assert house.phones() == ["0m asha mail"]


# ------------------------------------------------------------------ 3: time zones and DST
@pytest.mark.parametrize(
    "monday", [datetime(2026, 3, 30, tzinfo=UTC), datetime(2026, 10, 26, tzinfo=UTC)]
)  # the first Mondays after the clocks changed
def test_3_a_hand_off_stays_at_its_local_time_over_a_change_of_the_clocks(monday: datetime) -> None:
    local_nine = monday + timedelta(hours=7 if monday.month == 3 else 8)
    for before, at in ((True, local_nine - timedelta(seconds=1)), (False, local_nine)):
        house = House(at=at)
        house.report(alert("a"))
        week = (monday - datetime(2026, 1, 5, tzinfo=UTC)).days // 7 - int(before)
        assert house.people() == [f"0m {('asha', 'ben')[week % 2]}"]


def test_3_working_hours_begin_at_their_local_time_over_a_change_of_the_clocks() -> None:
    house = House(at=datetime(2026, 10, 24, 12, tzinfo=UTC))  # Saturday; the clocks go back on Sunday
    house.report(alert("a", want=3))
    house.forward("3d")
    assert house.shown[0][0] == datetime(2026, 10, 26, 8, tzinfo=UTC)  # Monday, 09:00 in Berlin


# ------------------------------------------------------------------ 4: grouping
def test_4_a_recovery_that_comes_by_another_route_finds_its_alert() -> None:
    house = House()
    house.report(alert("a", want=3, group="{}:{team}", grouped=True))
    house.report(alert("a", "resolved", want=None, group="{}:{instance}", labels={"service": "login"}))
    assert [member.status for member in house.members()] == [MemberStatus.RESOLVED]
    house.forward("15m")
    assert house.states() == [State.RESOLVED]


def test_4_one_member_that_recovers_closes_nothing_until_all_have() -> None:
    house = House()
    house.report(*(alert(key, want=3, grouped=True) for key in "abc"))
    for key in "ab":
        house.report(alert(key, "resolved", want=3, grouped=True))
        house.forward("1h")
        assert house.states() == [State.OPEN]
    house.report(alert("c", "resolved", want=3, grouped=True))
    house.forward("15m")
    assert house.states() == [State.RESOLVED]


def test_4_a_resolved_incident_swallows_no_new_alert() -> None:
    house = House()
    house.report(alert("a", grouped=True))
    house.resolve()
    house.report(alert("b", grouped=True))
    assert house.states() == [State.RESOLVED, State.OPEN]
    assert house.live(2) == ["asha"]


def test_4_what_fires_again_soon_is_the_same_incident() -> None:
    house = House()
    house.report(alert("a"))
    house.report(alert("a", "resolved"))
    house.resolve()
    house.forward("10m")
    house.report(alert("a"))
    assert house.states() == [State.OPEN]


def test_4_why_each_signal_is_where_it_is_is_kept() -> None:
    house = House()
    house.report(alert("a", grouped=True), alert("b", grouped=True), alert("c"))
    assert [member.why for member in house.members(1)] == ["opened it", "group together: checkout"]
    assert [member.why for member in house.members(2)] == ["opened it"]


def test_4_the_group_that_a_running_incident_has_is_not_touched_by_a_reload() -> None:
    house = House()
    house.report(alert("a", grouped=True))
    house.policy = changed(title=("title: Bare,", "title: Barer,"))
    house.report(alert("b", grouped=True))
    assert house.incident().members == 2


# ------------------------------------------------------------------ 5: flapping
def test_5_one_notice_when_it_begins_to_flap_and_one_mark_when_it_is_stable() -> None:
    house = House()
    house.report(alert("a", want=3))
    for _ in range(10):
        house.forward("1m")
        house.report(alert("a", "resolved", want=3))
        house.forward("1m")
        house.report(alert("a", want=3))
    house.forward("31m")
    assert [event.flapping for event in house.of_type(e.SignalFlapping)] == [True, False]


def test_an_empty_house_has_nothing_to_do() -> None:
    assert not list(Rows().group("x"))
    house = House()
    house.forward("30d")
    assert house.facts == []
