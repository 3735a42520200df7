"""What is the same thing and what isn't: repeats, joins, episodes, lateness, flapping, reopening."""

from datetime import timedelta

import pytest
from harness.house import CONFIG, TUESDAY, House, alert, changed, plain, policy_of, replayed

from irpd.model import command as c
from irpd.model import event as e
from irpd.model.incident import MemberStatus, State
from irpd.model.page import PageKind
from irpd.model.signal import Signal, Status

AT = TUESDAY


def minutes(n: float) -> timedelta:
    return timedelta(minutes=n)


# ------------------------------------------------------------------ repeats
def test_a_repeat_of_a_known_episode_opens_nothing_and_is_counted() -> None:
    house = House()
    signal = alert("a", starts_at=AT)
    assert house.report(signal).outcomes == {"opens": 1}
    house.forward("5m")
    answer = house.report(signal)
    assert answer.outcomes == {"updates": 1}
    assert list(answer.incidents) == [1]
    assert list(house.rows.incidents) == [1]
    member = house.members()[0]
    assert (member.count, member.last_seen) == (2, house.now)


def test_all_repeats_of_a_receipt_share_one_event() -> None:
    house = House()
    signals = [alert(f"k{n}", grouped=True) for n in range(5)]
    house.report(*signals)
    before = len(house.facts)
    house.report(*signals)
    assert [(subject, event) for subject, event, _ in house.facts[before:]] == [
        ("source:am", e.SignalsRepeated(sids=(1, 5)))
    ]
    assert [member.count for member in house.members()] == [2] * 5


def test_the_same_key_twice_in_one_body_is_one_signal() -> None:
    house = House()
    answer = house.report(alert("a"), alert("a"))
    assert answer.outcomes == {"opens": 1, "updates": 1}
    assert house.members()[0].count == 2
    house.report(alert("a"), alert("a"), alert("a"))
    assert house.members()[0].count == 5


def test_the_same_key_of_another_source_is_another_signal() -> None:
    house = House()
    house.report(alert("a"), source="am")
    house.report(alert("a"), source="other")
    assert [member.key for n in (1, 2) for member in house.members(n)] == ["am/a", "other/a"]


def test_two_replicas_that_report_the_same_are_one_episode() -> None:
    house = House()
    for _ in range(2):
        house.report(alert("a", starts_at=AT))
    house.forward("1m")
    for _ in range(2):
        house.report(alert("a", "resolved", starts_at=AT, ends_at=AT + minutes(1)))
    assert len(house.of_type(e.SignalResolved)) == 1
    assert len(house.rows.incidents) == 1
    assert house.people() == ["0m asha"]


def test_a_start_that_moves_without_a_resolved_between_continues_the_episode() -> None:
    house = House()
    house.report(alert("a", starts_at=AT))
    for start in (AT + minutes(3), AT - minutes(3)):
        assert house.report(alert("a", starts_at=start)).outcomes == {"updates": 1}
    assert house.of_type(e.SignalFired) == []


def test_a_repeat_with_another_wording_updates_the_signal() -> None:
    house = House()
    house.report(alert("a", title="CPU at 91 %"))
    house.report(alert("a", title="CPU at 93 %"))
    assert house.members()[0].title == "CPU at 93 %"
    assert house.members()[0].count == 2
    assert len(house.rows.incidents) == 1
    assert house.people() == ["0m asha"]


# ------------------------------------------------------------------ lateness
def test_a_firing_report_of_the_episode_just_resolved_is_late_within_a_minute() -> None:
    house = House()
    house.report(alert("a", starts_at=AT))
    house.forward("5m")
    house.report(alert("a", "resolved", starts_at=AT, ends_at=AT + minutes(5)))
    house.forward("60s")
    assert house.report(alert("a", starts_at=AT)).outcomes == {"updates": 1}
    assert house.members()[0].status is MemberStatus.RESOLVED


def test_after_a_minute_the_same_start_fires_again() -> None:
    house = House()
    house.report(alert("a", starts_at=AT))
    house.forward("5m")
    house.report(alert("a", "resolved", starts_at=AT, ends_at=AT + minutes(5)))
    house.forward("61s")
    house.report(alert("a", starts_at=AT))
    assert house.members()[0].status is MemberStatus.FIRING


def test_a_new_start_within_the_minute_fires_again() -> None:
    house = House()
    house.report(alert("a", starts_at=AT))
    house.forward("5m")
    house.report(alert("a", "resolved", starts_at=AT, ends_at=AT + minutes(5)))
    house.forward("30s")
    house.report(alert("a", starts_at=AT + minutes(5.4)))
    assert house.members()[0].status is MemberStatus.FIRING


def test_a_late_firing_after_its_resolved_incident_reopens_nothing() -> None:
    house = House()
    house.report(alert("a", starts_at=AT))
    house.report(alert("a", "resolved", starts_at=AT, ends_at=AT + minutes(1)))
    house.resolve()
    house.forward("30s")
    house.report(alert("a", starts_at=AT))
    assert house.states() == [State.RESOLVED]


def test_a_resolved_of_an_earlier_episode_that_comes_late_resolves_nothing() -> None:
    house = House()
    house.report(alert("a", want=3, starts_at=AT))
    house.forward("5m")
    house.report(alert("a", "resolved", want=3, starts_at=AT, ends_at=AT + minutes(5)))
    house.forward("2m")
    house.report(alert("a", want=3, starts_at=AT + minutes(7)))
    house.report(alert("a", "resolved", want=3, starts_at=AT, ends_at=AT + minutes(5)))
    assert house.members()[0].status is MemberStatus.FIRING
    assert house.running()


def test_a_start_in_the_future_keeps_no_resolved_out() -> None:
    house = House()
    house.report(alert("a", want=3, starts_at=house.now + minutes(5)))
    house.forward("1m")
    house.report(alert("a", "resolved", want=3, starts_at=house.now, ends_at=house.now))
    assert house.members()[0].status is MemberStatus.RESOLVED


def test_a_resolved_of_another_occurrence_of_the_senders_own_resolves_nothing() -> None:
    house = House()
    house.report(alert("metric:7", episode="101"), source="sentry")
    house.report(alert("metric:7", "resolved", episode="100"), source="sentry")
    assert house.members()[0].status is MemberStatus.FIRING
    house.report(alert("metric:7", "resolved", episode="101"), source="sentry")
    assert house.members()[0].status is MemberStatus.RESOLVED


def test_resolved_before_its_firing_opens_nothing_and_the_firing_opens() -> None:
    house = House()
    assert house.report(alert("a", "resolved")).outcomes == {"ignored": 1}
    assert house.rows.incidents == {}
    house.report(alert("a"))
    assert house.states() == [State.OPEN]


@pytest.mark.parametrize("status", ["resolved", "muted", "note"])
def test_what_is_said_of_an_unknown_key_opens_nothing(status: str) -> None:
    house = House()
    house.report(alert("a", status, note="a remark"))
    assert house.rows.incidents == {}
    assert house.facts == []


# ------------------------------------------------------------------ groups
def test_without_a_group_rule_each_key_is_its_own_incident() -> None:
    house = House()
    house.report(alert("a"), alert("b"))
    assert sorted(house.rows.incidents) == [1, 2]


def test_another_key_of_the_group_joins_within_the_window_and_says_why() -> None:
    house = House()
    house.report(alert("a", grouped=True))
    house.forward("30m")
    assert house.report(alert("b", grouped=True)).outcomes == {"joins": 1}
    assert house.members()[1].why == "group together: checkout"
    assert house.incident().members == 2


def test_past_the_window_since_the_last_signal_it_opens_another() -> None:
    house = House()
    house.report(alert("a", grouped=True))
    house.forward("1801s")
    assert house.report(alert("b", grouped=True)).outcomes == {"opens": 1}


def test_past_the_window_since_the_first_signal_it_opens_another() -> None:
    house = House()
    for n in range(5):
        house.report(alert(f"k{n}", grouped=True))
        house.forward("29m")
    house.report(alert("last", grouped=True))  # after 145 minutes
    assert [incident.members for incident in house.rows.incidents.values()] == [5, 1]


def test_repeats_do_not_hold_the_window_open() -> None:
    house = House()
    house.report(alert("a", grouped=True))
    for _ in range(4):
        house.forward("10m")
        house.report(alert("a", grouped=True))
    assert house.report(alert("b", grouped=True)).outcomes == {"opens": 1}


def test_a_new_key_joins_an_acknowledged_incident_and_none_that_is_over() -> None:
    house = House()
    house.report(alert("a", grouped=True))
    house.ack()
    assert house.report(alert("b", grouped=True)).outcomes == {"joins": 1}
    house.resolve()
    assert house.report(alert("c", grouped=True)).outcomes == {"opens": 1}
    assert house.states() == [State.RESOLVED, State.OPEN]


def test_a_new_key_joins_the_incident_of_its_group_that_is_open_though_a_newer_one_is_over() -> None:
    house = House()
    house.report(alert("a", grouped=True))
    house.resolve(1)
    house.report(alert("b", grouped=True))
    house.report(alert("a", "resolved", grouped=True))
    house.forward("2m")
    house.report(alert("a", grouped=True))  # 1 is open again
    house.resolve(2)
    house.report(alert("c", grouped=True))
    assert [member.key for member in house.members(1)] == ["am/a", "am/c"]


def test_one_signal_resolved_leaves_the_group_open() -> None:
    house = House()
    house.report(alert("a", want=3, grouped=True), alert("b", want=3, grouped=True))
    house.report(alert("a", "resolved", want=3, grouped=True))
    house.forward("2h")
    assert house.states() == [State.OPEN]
    house.report(alert("b", "resolved", want=3, grouped=True))
    house.forward("15m")
    assert house.states() == [State.RESOLVED]


def test_the_same_alert_under_another_sender_group_is_the_same_signal() -> None:
    house = House()
    house.report(alert("a", starts_at=AT, group="{}:{alertname}"))
    house.report(alert("a", starts_at=AT, group="{}:{alertname, instance}"))
    house.report(
        alert("a", "resolved", starts_at=AT, ends_at=AT + minutes(1), group="{}:{alertname, instance}")
    )
    assert [member.status for member in house.members()] == [MemberStatus.RESOLVED]
    assert len(house.rows.incidents) == 1


def test_a_truncated_group_that_closed_resolves_what_it_did_not_name_in_whatever_incident() -> None:
    house = House()
    house.report(*(alert(f"k{n}", want=3, group="g") for n in range(3)), alert("else", want=3, group="h"))
    house.report(alert("twin", want=3, group="g"), source="other")
    house.report(alert("k0", "resolved", want=3, group="g", group_closed=True))
    found = {member.key: member.status.value for n in house.rows.incidents for member in house.members(n)}
    assert found == {
        "am/k0": "resolved", "am/k1": "resolved", "am/k2": "resolved",
        "am/else": "firing", "other/twin": "firing",
    }  # fmt: skip


def test_a_truncated_group_that_closed_with_unknown_signals_only_still_closes_the_known_ones() -> None:
    house = House()
    house.report(alert("k0", group="g"))
    house.report(alert("never-seen", "resolved", group="g", group_closed=True))
    assert house.members()[0].status is MemberStatus.RESOLVED


# ------------------------------------------------------------------ reopening
def test_fires_again_within_the_window_reopens() -> None:
    house = House()
    house.report(alert("a", want=3))
    house.report(alert("a", "resolved", want=3))
    house.forward("15m")
    assert house.states() == [State.RESOLVED]
    house.forward("29m")
    assert house.report(alert("a", want=3)).outcomes == {"reopens": 1}
    assert house.states() == [State.OPEN]


def test_fires_again_after_the_window_opens_another() -> None:
    house = House()
    house.report(alert("a"))
    house.report(alert("a", "resolved"))
    house.resolve()
    house.forward("30m")
    assert house.report(alert("a")).outcomes == {"opens": 1}
    assert house.states() == [State.CLOSED, State.OPEN]


def test_after_downtime_the_window_is_over_even_if_nothing_closed_the_incident_yet() -> None:
    house = House()
    house.report(alert("a"))
    house.report(alert("a", "resolved"))
    house.resolve()
    house.sleep("2h")
    assert house.report(alert("a")).outcomes == {"opens": 1}
    assert house.states() == [State.CLOSED, State.OPEN]


def test_a_reopened_incident_with_a_higher_level_is_paged_once() -> None:
    house = House()
    house.report(alert("a", want=3))
    house.report(alert("a", "resolved", want=3))
    house.resolve()
    house.forward("10m")
    house.report(alert("a", want=1))
    assert house.incident().level == 1
    assert [page.person for page in house.rows.pages.values()] == ["asha", "asha"]


@pytest.mark.parametrize("want", [1, 3, 4])
def test_opened_resolved_and_firing_again_in_one_instant_it_is_told_again(want: int) -> None:
    house = House()
    house.report(alert("a", want=want))
    house.resolve()
    house.report(alert("a", "resolved", want=want), alert("a", want=want))
    assert house.states() == [State.OPEN]
    assert house.people(kind=None) == ["0m asha", "0m asha"]


def test_a_person_may_resolve_while_signals_fire_and_repeats_leave_it_at_that() -> None:
    house = House()
    house.report(alert("a"))
    assert "1 signal still fires" in house.resolve().text
    house.forward("10m")
    house.report(alert("a"))
    assert house.states() == [State.RESOLVED]


# ------------------------------------------------------------------ flapping
def flap(house: House, times: int, *, want: int, every: str = "2m") -> None:
    for _ in range(times):
        house.forward(every)
        house.report(alert("a", "resolved", want=want))
        house.forward(every)
        house.report(alert("a", want=want))


@pytest.mark.parametrize("want", [1, 2, 3, 4])
def test_a_signal_that_flaps_is_marked_and_pages_once_not_once_a_flap(want: int) -> None:
    house = House(changed_slow())
    house.report(alert("a", want=want))
    flap(house, 2, want=want)
    assert house.members()[0].flapping
    assert house.incident().flapping == 1
    before = house.phones(kind=None)
    flap(house, 20, want=want)
    assert house.phones(kind=None) == before
    assert len(house.of_type(e.SignalFlapping)) == 1


def changed_slow():  # type: ignore[no-untyped-def]
    """Steps so far apart that nothing but flaps could page within two hours."""
    from harness.house import changed

    return changed(
        step=("- {schedule: first-responder, wait: 5m}", "- {schedule: first-responder, wait: 5h}"),
    )


def test_who_has_a_flapping_incident_is_not_told_of_each_flap() -> None:
    house = House()
    house.report(alert("a"))
    house.ack()
    flap(house, 2, want=2)
    before = len(house.phones(kind=PageKind.UPDATE))
    flap(house, 10, want=2)
    assert len(house.phones(kind=PageKind.UPDATE)) == before


def test_a_flapping_signal_is_unmarked_when_it_has_been_stable_and_quiet_counts_from_there() -> None:
    house = House()
    house.report(alert("a", want=3))
    flap(house, 2, want=3)
    house.report(alert("a", "resolved", want=3))
    assert house.members()[0].flapping
    house.forward("29m")
    assert house.incident().flapping == 1
    house.forward("1m")
    assert house.incident().flapping == 0
    assert not house.running()
    house.forward("14m")
    assert house.states() == [State.OPEN]
    house.forward("1m")
    assert house.states() == [State.RESOLVED]


def test_slow_changes_are_no_flapping() -> None:
    house = House()
    house.report(alert("a"))
    flap(house, 5, want=2, every="10m")
    assert house.incident().flapping == 0


def test_a_flapping_signal_that_moves_is_counted_where_it_is() -> None:
    house = House()
    house.report(alert("a", want=3), alert("b", want=3))
    flap(house, 2, want=3)
    house.do(c.Merge(incident=1, into=2, by="asha"))
    assert (house.incident(1).flapping, house.incident(2).flapping) == (0, 1)
    house.forward("30m")
    assert house.incident(2).flapping == 0


def test_who_ended_it_is_not_told_that_it_is_stable_again() -> None:
    house = House()
    house.report(alert("a"))
    house.ack()
    flap(house, 2, want=2)
    house.resolve()
    assert (house.incident().flapping, house.incident().acknowledged_by) == (1, ("asha",))
    house.forward("1h")
    assert (house.incident().flapping, house.states()) == (0, [State.CLOSED])
    assert not [page for page in house.rows.pages.values() if page.text.startswith("Stable again")]


def test_what_is_closed_tells_nobody_that_it_flaps() -> None:
    """It stays while a signal of it fires on; nobody has it any more."""
    house = House(policy_of(CONFIG + "timing: {reopen_within: 1m, flap_changes: 3}\n"))
    house.report(alert("a"))
    house.ack()
    flap(house, 1, want=2, every="1m")
    house.resolve()
    house.forward("1m")
    assert (house.states(), house.members()[0].flapping) == ([State.CLOSED], False)
    before = house.incident().pages
    house.report(alert("a", "resolved"))
    assert house.members()[0].flapping
    assert house.incident().pages == before


# ------------------------------------------------------------------ muted, notes, stale, unreadable
def test_a_muted_signal_stops_counting_as_firing() -> None:
    house = House()
    house.report(alert("issue:1", want=3), source="sentry")
    assert house.report(alert("issue:1", "muted", note="ignored by chi"), source="sentry").outcomes == {
        "muted": 1
    }
    assert house.members()[0].status is MemberStatus.MUTED
    assert house.incident().firing == 0
    assert house.live() == []
    house.forward("15m")
    assert house.states() == [State.RESOLVED]


def test_one_more_event_of_a_muted_issue_does_not_unmute_it_and_a_change_of_its_state_does() -> None:
    house = House()
    house.report(alert("issue:1", want=3), source="sentry")
    house.report(alert("issue:1", "muted"), source="sentry")
    house.report(alert("issue:1", want=3, occurrence=True), source="sentry")
    assert house.members()[0].status is MemberStatus.MUTED
    house.report(alert("issue:1", want=3), source="sentry")
    assert house.members()[0].status is MemberStatus.FIRING


def test_muted_twice_changes_nothing() -> None:
    house = House()
    house.report(alert("issue:1", want=3), source="sentry")
    house.report(alert("issue:1", "muted"), source="sentry")
    house.report(alert("issue:1", "muted"), source="sentry")
    assert len(house.of_type(e.SignalMuted)) == 1


def test_a_comment_is_a_note_on_an_open_incident() -> None:
    house = House()
    house.report(alert("issue:1"), source="sentry")
    house.report(alert("issue:1", "note", note="chi: looking"), source="sentry")
    assert [note.text for note in house.of_type(e.Noted)] == ["chi: looking"]
    house.resolve()
    house.report(alert("issue:1", "note", note="too late"), source="sentry")
    assert len(house.of_type(e.Noted)) == 1
    assert house.states() == [State.RESOLVED]


def test_a_signal_without_news_is_marked_stale_and_never_silently_resolved() -> None:
    house = House()
    house.report(alert("a", want=3))
    house.ack()
    house.forward("24h")
    assert house.do(c.MarkStale(incident=1, before=house.now)) == 1
    house.forward("24h")
    assert house.members()[0].status is MemberStatus.STALE
    assert house.states() == [State.ACKNOWLEDGED]
    assert house.incident().firing == 1


def test_a_stale_signal_that_is_heard_of_again_counts_once_and_pages_nobody() -> None:
    house = House(changed(stale=("levels:\n", "levels:\n  high: {stale_after: 0s}\n")))
    house.report(alert("a"))
    house.ack()
    house.forward("24h")
    house.do(c.MarkStale(incident=1, before=house.now))
    house.report(alert("a"))
    member = house.members()[0]
    assert (member.status, member.count) == (MemberStatus.FIRING, 2)
    assert house.people() == ["0m asha"]


def test_a_stale_signal_that_fires_after_the_incident_was_resolved_reopens_it() -> None:
    house = House()
    house.report(alert("a"))
    house.forward("24h")
    house.do(c.MarkStale(incident=1, before=house.now))
    house.resolve()
    house.forward("5m")
    assert house.report(alert("a")).outcomes == {"reopens": 1}
    assert house.states() == [State.OPEN]


def test_marking_stale_twice_or_what_is_unknown_marks_nothing() -> None:
    house = House()
    house.report(alert("a"))
    house.forward("24h")
    assert house.do(c.MarkStale(incident=1, before=house.now)) == 1
    assert house.do(c.MarkStale(incident=1, before=house.now)) == 0
    assert house.do(c.MarkStale(incident=99, before=house.now)) == 0


def unreadable() -> Signal:
    return Signal(key="unreadable", status=Status.FIRING, title="Unreadable report", unreadable="not JSON")


@pytest.mark.parametrize("source, level", [("am", 2), ("desk", 4)])
def test_unreadable_bodies_are_one_incident_of_their_source_until_somebody_looks(
    source: str, level: int
) -> None:
    house = House()
    assert house.report(unreadable(), source=source).outcomes == {"unreadable": 1}
    house.report(unreadable(), source=source)
    house.ack()
    house.report(unreadable(), source=source)
    assert (house.incident().level, house.incident().services) == (level, ("platform",))
    assert house.members()[0].count == 3
    assert len(house.rows.incidents) == 1


def test_an_unreadable_body_after_somebody_resolved_reopens_it_and_later_opens_another() -> None:
    house = House()
    house.report(unreadable())
    house.resolve()
    house.forward("10m")
    house.report(unreadable())
    assert house.states() == [State.OPEN]
    house.resolve()
    house.forward("31m")
    house.report(unreadable())
    assert house.states() == [State.CLOSED, State.OPEN]


# ------------------------------------------------------------------ reporters
def test_distinct_reporters_are_counted_and_follow_their_tickets() -> None:
    house = House()
    for key, who in (("1", "x"), ("2", "x"), ("3", "y")):
        house.report(alert(f"ticket:{key}", grouped=True, reporter=who), source="desk")
    assert house.incident().reporters == 2
    house.do(c.Split(incident=1, signals=(3,), by="asha"))
    assert (house.incident(1).reporters, house.incident(2).reporters) == (1, 1)
    house.do(c.Split(incident=1, signals=(2,), by="asha"))
    assert (house.incident(1).reporters, house.incident(3).reporters) == (1, 1)
    house.do(c.Merge(incident=3, into=1, by="asha"))
    assert house.incident(1).reporters == 1
    assert plain(replayed(house.facts)) == plain(house.rows)
