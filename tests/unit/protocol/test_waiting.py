"""Holds, windows, silences and outages: what opens nothing for now, and what becomes of it."""

from datetime import timedelta

import pytest
from harness.house import CONFIG, RULES, TUESDAY, House, alert, plain, policy_of, replayed, restored

from irpd.model import command as c
from irpd.model.command import Refusal
from irpd.model.incident import MemberStatus, State
from irpd.model.signal import Signal
from irpd.model.waits import Silence, WaitKind

HELD = RULES.replace(
    "group:",
    """  - id: restarts
    match: {labels: {probe: canary}}
    hold: {for: 5m, or_count: 4}
    because: it restarts
group:""",
)
WINDOWS = (
    RULES
    + """
silences:
  - id: upgrade
    match: {labels: {job: postgres}}
    window: {from: "2026-11-24 09:30", to: "2026-11-24 10:30", time_zone: Europe/Berlin}
    because: CHG-1182, asha
"""
)
DEPENDS = CONFIG.replace(
    "  bare: {title: Bare,", "  bare: {title: Bare, depends_on: {login: mutes},"
).replace("    title: Checkout\n", "    title: Checkout\n    depends_on: {bare: mutes}\n")


def canary(key: str = "a", status: str = "firing", **more: object) -> Signal:
    return alert(key, status, labels={"probe": "canary"}, **more)


def database(key: str = "a", status: str = "firing", **more: object) -> Signal:
    return alert(key, status, labels={"job": "postgres"}, **more)


def held() -> House:
    return House(policy_of(rules=HELD))


def whole(house: House) -> None:
    """What happened can be replayed and survives a restart."""
    assert plain(replayed(house.facts)) == plain(house.rows)
    again = plain(restored(house.rows))
    assert again == plain(house.rows)


def silence(house: House, until: str = "60m", **match: str) -> int:
    """Mute by labels; its number."""
    answer = house.do(
        c.AddSilence(
            by="asha",
            match={name.replace("_", "."): (value,) for name, value in match.items()},
            until=house.now + timedelta(minutes=int(until[:-1])),
            because="CHG-7",
        )
    )
    return int(answer.silence.id)


# ------------------------------------------------------------------ holds
def test_what_is_held_opens_nothing_and_is_visible_with_its_reason() -> None:
    house = held()
    answer = house.report(canary())
    assert (answer.outcomes, dict(answer.incidents)) == ({"held": 1}, {})
    house.forward("4m")
    assert house.rows.incidents == {}
    (row,) = house.waiting()
    assert (row.status, row.title) == (MemberStatus.HELD, "Alert a")
    assert row.waits is not None
    assert (row.waits.kind, row.waits.reason) == (WaitKind.HOLD, "rule restarts (it restarts)")
    assert row.waits.until == TUESDAY + timedelta(minutes=5)
    whole(house)


def test_what_fires_still_at_the_end_of_its_hold_opens_and_pages() -> None:
    house = held()
    house.report(canary())
    house.forward("6m")
    assert house.people() == ["5m asha"]
    (member,) = house.members()
    assert (member.key, member.status) == ("am/a", MemberStatus.FIRING)
    assert "held for 5m by rule restarts (it restarts)" in member.why
    assert house.waiting() == []
    whole(house)


def test_a_resolved_while_held_ends_it_without_an_incident_and_is_recorded() -> None:
    house = held()
    house.report(canary())
    house.forward("2m")
    assert house.report(canary(status="resolved")).outcomes == {"resolves": 1}
    house.forward("2d")
    assert house.rows.incidents == {}
    said = [type(event).__name__ for subject, event, _ in house.facts if subject == "waiting"]
    assert said == ["SignalWaits", "SignalResolved", "WaitEnded"]
    assert house.waiting() == []
    whole(house)


def test_so_many_reports_end_a_hold_sooner() -> None:
    house = held()
    for _ in range(3):
        assert house.report(canary()).outcomes == {"held": 1}
        house.forward("30s")
    assert house.report(canary()).outcomes == {"opens": 1}
    assert house.members()[0].count == 4
    assert house.people() == ["90s asha"]
    whole(house)


def test_a_new_episode_is_held_anew() -> None:
    house = held()
    house.report(canary())
    house.forward("3m")
    house.report(canary(status="resolved"))
    house.forward("2m")
    assert house.report(canary()).outcomes == {"held": 1}
    house.forward("4m")
    assert house.rows.incidents == {}
    house.forward("1m")
    assert len(house.rows.incidents) == 1
    whole(house)


def test_a_delayed_report_of_what_was_resolved_while_held_begins_nothing() -> None:
    house = held()
    house.report(canary(starts_at=TUESDAY))
    house.forward("10s")
    house.report(canary(status="resolved", starts_at=TUESDAY))
    house.forward("10s")
    house.report(canary(starts_at=TUESDAY))
    house.forward("2d")
    assert house.rows.incidents == {}


def test_what_comes_and_goes_without_end_is_not_held_for_ever() -> None:
    house = held()
    outcomes = []
    for _ in range(3):
        outcomes.append(house.report(canary()).outcomes)
        house.forward("60s")
        house.report(canary(status="resolved"))
        house.forward("90s")
    assert outcomes == [{"held": 1}, {"held": 1}, {"opens": 1}]
    assert house.members()[0].flapping
    whole(house)


def test_a_key_of_an_open_incident_is_not_held() -> None:
    house = held()
    house.report(canary())
    house.forward("5m")
    house.report(canary(status="resolved"))
    assert house.report(canary()).outcomes == {"updates": 1}
    assert house.waiting() == []


def test_what_is_held_changes_the_level_by_its_newest_labels() -> None:
    house = held()
    house.report(canary(want=3))
    house.forward("1m")
    house.report(canary(want=1))
    house.forward("5m")
    assert house.incident().level == 1
    whole(house)


# ------------------------------------------------------------------ windows
def test_a_window_mutes_what_begins_in_it_and_at_its_end_what_fires_is_decided() -> None:
    house = House(policy_of(rules=WINDOWS))
    house.forward("40m")  # 09:40 in Berlin
    assert house.report(database("a"), database("b")).outcomes == {"muted": 2}
    house.forward("10m")
    house.report(database("b", status="resolved"))
    house.forward("20m")
    assert house.rows.incidents == {}
    assert [row.status for row in house.waiting()] == [MemberStatus.MUTED, MemberStatus.RESOLVED]
    house.forward("22m")
    assert [member.key for member in house.members()] == ["am/a"]
    assert len(house.rows.incidents) == 1
    assert house.people() == ["90m asha"]
    whole(house)


def test_what_fires_again_in_a_window_pages_nobody_until_its_end() -> None:
    house = House(policy_of(rules=WINDOWS))
    house.report(database())
    house.ack()
    house.resolve()
    house.report(database(status="resolved"))
    house.forward("31m")
    assert house.report(database()).outcomes == {"muted": 1}
    house.forward("58m")
    assert house.people() == ["0m asha"]
    house.forward("5m")
    assert house.people() == ["0m asha", "90m asha"]
    whole(house)


def test_the_known_signal_of_an_open_incident_goes_on_in_it_after_a_window() -> None:
    house = House(policy_of(rules=WINDOWS))
    house.report(database("a"), database("b"))
    house.forward("29m")
    house.report(database("a", status="resolved"))
    house.forward("5m")
    house.report(database("a"))
    assert house.members(1)[0].status is MemberStatus.RESOLVED
    house.forward("60m")
    assert house.members(1)[0].status is MemberStatus.FIRING
    assert len(house.rows.incidents) == 2
    whole(house)


def test_what_fired_before_a_window_goes_on_paging_in_it() -> None:
    house = House(policy_of(rules=WINDOWS))
    house.forward("25m")
    house.report(database())
    house.forward("6m")
    assert house.people() == ["25m asha", "30m chi"]


def test_another_configuration_ends_a_window_that_it_does_not_have() -> None:
    house = House(policy_of(rules=WINDOWS))
    house.forward("40m")
    house.report(database())
    house.policy = policy_of()
    house.do(c.ChangeConfig(hash="other"))
    assert house.people() == ["40m asha"]
    whole(house)


# ------------------------------------------------------------------ silences
def test_a_silence_mutes_new_signals_until_its_end() -> None:
    house = House()
    number = silence(house, labels_job="postgres")
    assert house.report(database()).outcomes == {"muted": 1}
    assert house.report(alert("other")).outcomes == {"opens": 1}
    (row,) = house.waiting()
    assert row.waits is not None
    assert (row.waits.by, row.waits.author, row.waits.because) == (str(number), "asha", "CHG-7")
    house.forward("61m")
    assert [member.key for member in house.members(2)] == ["am/a"]
    whole(house)


def test_a_silence_that_is_ended_lets_in_what_fires_at_once() -> None:
    house = House()
    number = silence(house, labels_job="postgres")
    house.report(database("a"), database("b"))
    house.report(database("b", status="resolved"))
    house.forward("5m")
    house.do(c.EndSilence(by="ben", silence=number))
    house.forward("1s")
    assert [member.key for member in house.members()] == ["am/a"]
    assert house.people() == ["5m asha"]
    whole(house)


@pytest.mark.parametrize("level", [2, 3])
def test_a_silence_stops_the_paging_about_what_fires_now(level: int) -> None:
    house = House()
    house.report(database(want=level))
    house.forward("1m")
    answer = house.do(
        c.AddSilence(
            by="asha", match={"labels.job": ("postgres",)}, until=house.now + timedelta(hours=3), because="x"
        )
    )
    assert answer.muted == 1
    assert (house.members()[0].status, house.incident().firing) == (MemberStatus.MUTED, 0)
    house.forward("170m")
    assert house.people() == ["0m asha"]
    house.forward("13m")
    assert house.people() == ["0m asha", "181m asha"]
    firing = [
        m for i in house.rows.incidents.values() for m in house.rows.members_of(i) if m.status == "firing"
    ]
    assert len(firing) == 1
    whole(house)


def test_a_resolved_of_what_a_silence_mutes_counts_in_its_incident_too() -> None:
    house = House()
    house.report(database())
    silence(house, labels_job="postgres")
    house.report(database(status="resolved"))
    assert house.members()[0].status is MemberStatus.RESOLVED
    assert (house.incident().state, house.incident().resolved_by) == (State.RESOLVED, "asha")
    house.forward("3h")
    assert house.people() == ["0m asha"]
    whole(house)


def test_two_silences_over_one_signal_both_hold() -> None:
    house = House()
    silence(house, "10m", labels_job="postgres")
    silence(house, "30m", service="checkout")
    house.report(database())
    house.forward("29m")
    assert house.rows.incidents == {}
    (row,) = house.waiting()
    assert row.waits is not None
    assert row.waits.by == "2"
    house.forward("2m")
    assert house.people() == ["30m asha"]
    whole(house)


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"match": {}}, "say what to mute"),
        ({"match": {"service": ()}}, "say what to mute"),
        ({"match": {"colour": ("red",)}}, "'colour' is no field"),
        ({"match": {"service": ("chekout",)}}, "there is no service 'chekout'"),
        ({"because": "  "}, "say why"),
        ({"until": TUESDAY}, "over already"),
        ({"until": TUESDAY + timedelta(days=91)}, "at most 90 days"),
    ],
)
def test_a_silence_that_makes_no_sense_is_refused(changes: dict[str, object], said: str) -> None:
    house = House()
    asked = {
        "by": "asha",
        "match": {"service": ("login",)},
        "because": "x",
        "until": TUESDAY + timedelta(hours=1),
    }
    with pytest.raises(Refusal, match=said):
        house.do(c.AddSilence(**(asked | changes)))  # type: ignore[arg-type]
    assert house.facts == []


def test_ending_a_silence_that_is_over_or_never_was_changes_nothing() -> None:
    house = House()
    number = silence(house, "10m", service="login")
    house.forward("11m")
    before = len(house.facts)
    assert not house.do(c.EndSilence(by="asha", silence=number)).changed
    with pytest.raises(Refusal, match="there is no silence 9"):
        house.do(c.EndSilence(by="asha", silence=9))
    assert len(house.facts) == before


def test_silences_that_are_over_are_forgotten_by_the_next_one() -> None:
    house = House()
    silence(house, "10m", service="login")
    house.forward("11m")
    silence(house, "10m", service="bare")
    assert [one.id for one in house.rows.all_standing(Silence)] == [2]
    whole(house)


def test_what_irpd_says_of_itself_is_never_muted() -> None:
    house = House()
    house.do(c.TellOperators(key="disk", title="The disk is full"))
    silence(house, service="platform")
    assert house.members()[0].status is MemberStatus.FIRING


# ------------------------------------------------------------------ outages
def test_the_outage_of_a_service_mutes_its_dependants_and_at_its_end_they_are_decided() -> None:
    house = House(policy_of(DEPENDS))
    house.report(alert("l", labels={"service": "login"}))
    assert house.report(alert("c")).outcomes == {"muted": 1}  # by way of bare
    assert house.report(alert("b", labels={"service": "bare"})).outcomes == {"muted": 1}
    (row, _) = house.waiting()
    assert row.waits is not None
    assert row.waits.reason == "#1 (login, which checkout depends on, has an outage)"
    house.forward("3m")
    house.report(alert("l", "resolved", labels={"service": "login"}))
    house.forward("1s")
    assert sorted(i.services for i in house.rows.incidents.values()) == [("bare",), ("checkout",), ("login",)]
    whole(house)


def test_a_minor_incident_is_no_outage() -> None:
    house = House(policy_of(DEPENDS))
    house.report(alert("l", want=3, labels={"service": "login"}))
    assert house.report(alert("c")).outcomes == {"opens": 1}


def test_an_outage_that_is_resolved_by_hand_mutes_no_longer() -> None:
    house = House(policy_of(DEPENDS))
    house.report(alert("l", labels={"service": "login"}))
    house.report(alert("c"))
    house.resolve()
    house.forward("1s")
    assert house.incident(2).services == ("checkout",)


# ------------------------------------------------------------------ whatever happens
def test_the_closed_group_of_a_sender_ends_what_is_held_too() -> None:
    house = held()
    house.report(canary("a", group="g"), canary("b", group="g"))
    house.report(canary("a", "resolved", group="g", group_closed=True))
    house.forward("2d")
    assert house.rows.incidents == {}


def test_a_judgement_that_fails_mutes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ValueError("no")

    monkeypatch.setattr("irpd.protocol.waiting.open_until", broken)
    house = House(policy_of(rules=WINDOWS))
    house.forward("40m")
    assert house.report(database()).outcomes == {"opens": 1}


def test_without_any_of_it_a_new_signal_asks_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: object, **__: object) -> None:
        raise AssertionError("asked")

    monkeypatch.setattr("irpd.protocol.waiting.reason_to_wait", asked)
    house = House()
    house.report(alert("a"))
    house.report(alert("a", "resolved"))
    assert house.report(alert("a")).outcomes == {"updates": 1}
    assert house.states() == [State.OPEN]


def test_what_was_silenced_and_fires_on_more_severely_is_paged_again() -> None:
    """Level 2 and 1 both page at any hour, but the silence has stopped the path that would go on."""
    house = House()
    house.report(alert("a", want=None, affected=401))
    silence(house, until="10m", service="checkout")
    assert house.live() == []
    house.report(alert("a", want=None, affected=900))
    house.forward("10m")
    assert house.incident().level == 1
    assert house.people() == ["0m asha", "10m asha"]
    assert house.incident().paths[0].next_at is not None


def test_what_was_silenced_and_then_lay_behind_an_outage_asks_somebody_when_it_is_resolved() -> None:
    house = House(policy_of(DEPENDS))
    house.report(alert("b", labels={"service": "bare"}))
    number = silence(house, service="bare")
    house.report(alert("l", labels={"service": "login"}))
    house.do(c.EndSilence(by="asha", silence=number))
    house.forward("1s")
    (row,) = house.waiting()
    assert row.waits is not None
    assert row.waits.kind is WaitKind.DEPENDENCY
    assert not any(run.next_at for run in house.incident(1).paths)
    house.report(alert("b", "resolved", labels={"service": "bare"}))
    assert house.incident(1).state is State.OPEN
    assert any(run.next_at for run in house.incident(1).paths)
    whole(house)


def test_when_what_a_silence_muted_is_split_off_somebody_is_asked_about_the_rest() -> None:
    """All of the rest is resolved; only a person's word ends it, and the silence had stopped the path."""
    house = House()
    house.report(alert("a", grouped=True), alert("b", grouped=True))
    house.report(alert("b", "resolved", grouped=True))
    muted = house.members()[0]
    silence(house, service="checkout")
    assert (house.members()[0].status, house.running()) == (MemberStatus.MUTED, False)
    house.do(c.Split(incident=1, by="chi", signals=(muted.n,)))
    assert (house.incident(1).members, house.incident(1).firing) == (1, 0)
    assert house.running(1)
    assert house.live(1)
    whole(house)


def test_what_flapped_while_a_silence_muted_the_rest_asks_somebody_when_it_is_stable() -> None:
    house = House(policy_of(CONFIG + "timing: {flap_changes: 3}\n"))
    house.report(alert("a", grouped=True), alert("b", grouped=True, labels={"job": "postgres"}))
    for status in ("resolved", "firing", "resolved"):
        house.forward("1m")
        house.report(alert("a", status, grouped=True))
    assert (house.incident().flapping, house.incident().firing) == (1, 1)
    silence(house, labels_job="postgres")
    assert not house.running()
    house.report(alert("b", "resolved", grouped=True, labels={"job": "postgres"}))
    house.forward("1h")
    assert (house.states(), house.incident().flapping) == ([State.OPEN], 0)
    assert house.running()
    whole(house)
