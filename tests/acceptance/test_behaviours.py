"""What people rely on, each in one short test: the real service on a clock that fast-forwards.

Which behaviours, and which of them another pager's own smoke tests cover, is in
``docs/goalert-behaviours.md``.
"""

from datetime import UTC, datetime, timedelta

import pytest
from harness.fastforward import Service
from harness.house import CONFIG, changed, policy_of

from irpd.model import command as c
from irpd.model.incident import State
from irpd.model.page import PageKind
from irpd.protocol.policy import Policy

_LAYER = 'layers: [{rotate: weekly, handoff: "Mon 09:00", start: "2026-01-05", people: [asha, ben]}]'
_ENGINEERING = CONFIG[CONFIG.index("  engineering:\n") : CONFIG.index("  business: {kind")]


def rotating(layer: str, zone: str = "Europe/Berlin") -> Policy:
    """A path that pages who is on call every hour, and again."""
    path = "  engineering: {kind: technical, repeat: 10, steps: [{schedule: first-responder, wait: 1h}]}\n"
    text = CONFIG.replace(_ENGINEERING, path).replace(_LAYER, f"layers: [{layer}]", 1)
    return policy_of(text.replace("    time_zone: Europe/Berlin\n", f"    time_zone: {zone}\n", 1))


def notified_by(*methods: str) -> Policy:
    """Everybody is notified so; engineering waits 30 minutes."""
    rules = "".join(f"    - {one}\n" for one in methods)
    before = CONFIG[CONFIG.index("    - {after: 0m, via: [mail]}\n") : CONFIG.index("people:\n")]
    return changed(notify=(before, rules), wait=("first-responder, wait: 5m", "first-responder, wait: 30m"))


# ------------------------------------------------------------------ rotations
@pytest.mark.parametrize(
    "layer, paged",
    [
        ('{rotate: hourly, handoff: "09:30", start: "2026-11-23", people: [asha, ben]}',
         ["60m asha", "120m ben", "180m asha"]),
        ('{rotate: hourly, every: 2, handoff: "09:30", start: "2026-11-23", people: [asha, ben]}',
         ["60m asha", "120m asha", "180m ben"]),
        ('{rotate: daily, handoff: "10:30", start: "2026-11-23", people: [asha, ben, chi]}',
         ["60m asha", "120m ben", "180m ben"]),
        ('{rotate: weekly, handoff: "Tue 10:30", start: "2026-11-10", people: [asha, ben]}',
         ["60m ben", "120m asha", "180m asha"]),
        ('{rotate: monthly, handoff: "24 10:30", start: "2026-10-24", people: [asha, ben]}',
         ["60m asha", "120m ben", "180m ben"]),
    ],
    ids=["hourly", "every-two-hours", "daily", "weekly", "monthly"],
)  # fmt: skip
def test_a_rotation_hands_over_at_its_time(layer: str, paged: list[str]) -> None:
    service = Service(rotating(layer))
    service.report("a")
    service.until(181)
    assert service.people(since=1) == paged


def test_a_rotation_of_three_begins_again_with_the_first() -> None:
    service = Service(
        rotating('{rotate: hourly, handoff: "09:30", start: "2026-11-23", people: [asha, ben, chi]}')
    )
    service.report("a")
    service.until(241)
    assert service.people(since=1) == ["60m asha", "120m ben", "180m chi", "240m asha"]


def test_a_hand_over_stays_at_its_wall_clock_time_when_the_clocks_are_set_back() -> None:
    policy = rotating('{rotate: daily, handoff: "10:30", start: "2026-10-24", people: [asha, ben]}')
    service = Service(policy, at=datetime(2026, 10, 25, 7, 0, tzinfo=UTC))  # 08:00, after the change
    service.report("a")
    service.until(181)
    assert service.people() == ["0m asha", "60m asha", "120m asha", "180m ben"]


def test_a_gap_in_a_rotation_pages_fallback() -> None:
    policy = rotating(
        '{rotate: daily, handoff: "09:00", start: "2026-11-24", people: [asha], hours: [{to: "10:30"}]}'
    )
    service = Service(policy)
    service.report("a")
    service.until(121)
    assert service.people() == ["0m asha", "60m asha", "120m emil"]


def test_when_somebody_leaves_a_rotation_the_others_go_on() -> None:
    layer = '{rotate: hourly, handoff: "09:30", start: "2026-11-23", people: [%s]}'
    service = Service(rotating(layer % "asha, ben, chi"))
    service.report("a")
    service.until(61)
    service.reload(rotating(layer % "ben, chi"))
    service.until(181)
    assert service.people()[:2] == ["0m chi", "60m asha"]
    assert {line.split()[1] for line in service.people(since=62)} <= {"ben", "chi"}


def test_hours_of_the_week_narrow_a_layer() -> None:
    layers = (
        '{rotate: daily, handoff: "09:00", start: "2026-11-24", people: [asha]}, '
        '{rotate: daily, handoff: "09:00", start: "2026-11-24", people: [ben], '
        'hours: [{days: [Tue], from: "10:00", to: "11:00"}]}'
    )
    service = Service(rotating(layers))
    service.report("a")
    service.until(121)
    assert service.people() == ["0m asha", "60m ben", "120m asha"]


# ------------------------------------------------------------------ overrides
def test_an_override_puts_somebody_in_place_of_another_and_ends() -> None:
    service = Service(rotating('{rotate: weekly, handoff: "Mon 09:00", start: "2026-11-23", people: [asha]}'))
    until = service.began + timedelta(minutes=90)
    service.ask(c.AddOverride(by="ben", schedule="first-responder", person="ben", until=until))
    service.report("a")
    service.until(121)
    assert service.people() == ["0m ben", "60m ben", "120m asha"]


def test_an_override_that_takes_somebody_away_pages_fallback() -> None:
    service = Service(rotating('{rotate: weekly, handoff: "Mon 09:00", start: "2026-11-23", people: [asha]}'))
    until = service.began + timedelta(minutes=30)
    service.ask(c.AddOverride(by="asha", schedule="first-responder", until=until))
    service.report("a")
    service.until(61)
    assert service.people() == ["0m emil", "60m asha"]


def test_of_two_overrides_the_newer_holds() -> None:
    service = Service(rotating('{rotate: weekly, handoff: "Mon 09:00", start: "2026-11-23", people: [asha]}'))
    until = service.began + timedelta(hours=2)
    service.ask(c.AddOverride(by="ben", schedule="first-responder", person="ben", until=until))
    service.ask(c.AddOverride(by="chi", schedule="first-responder", person="chi", until=until))
    service.report("a")
    assert service.people() == ["0m chi"]


# ------------------------------------------------------------------ escalation
def test_nobody_answers_and_the_next_step_is_paged_after_its_wait() -> None:
    service = Service()
    service.report("a")
    service.until(31)
    assert service.people() == ["0m asha", "5m chi", "15m dora", "30m asha"]


def test_an_escalation_by_hand_of_what_somebody_has_pages_the_next_step() -> None:
    service = Service()
    service.report("a")
    service.ack()
    service.until(10)
    service.ask(c.Escalate(incident=1, by="asha"))
    assert service.people(since=1) == ["10m chi"]


def test_methods_of_a_step_go_on_while_the_path_goes_on_and_none_comes_twice() -> None:
    service = Service(notified_by("{after: 0m, via: [mail]}", "{after: 40m, via: [sms]}"))
    service.report("a")
    service.until(41)
    assert service.phones() == ["0m asha mail", "30m chi mail", "40m asha sms", "40m dora mail"]


@pytest.mark.parametrize(
    "path, paged", [("nobody", ["0m emil"]), ("unreached", ["0m emil"]), ("solo", ["0m chi"])]
)
def test_a_step_that_reaches_nobody_pages_fallback(path: str, paged: list[str]) -> None:
    service = Service(changed(path=("technical: engineering, customer", f"technical: {path}, customer")))
    service.report("a")
    assert service.people() == paged


def test_a_step_that_doesnt_hold_is_passed_over_at_once() -> None:
    first = "      - {schedule: first-responder, wait: 5m}\n"
    service = Service(changed(step=(first, first.replace("wait: 5m", "wait: 5m, levels: [1]"))))
    service.report("a")
    assert service.people() == ["0m chi"]


def test_a_path_that_is_under_way_keeps_its_steps_when_the_files_change() -> None:
    service = Service()
    service.report("a")
    service.reload(changed(step=("      - {person: chi, wait: 10m}\n", "")))
    service.until(6)
    service.report("b")
    service.until(12)
    assert service.people() == ["0m asha", "5m chi", "6m asha", "11m dora"]


def test_a_service_uses_the_path_that_it_names_now() -> None:
    service = Service()
    service.reload(changed(path=("technical: engineering, customer", "technical: solo, customer")))
    service.report("a")
    assert service.people() == ["0m chi"]


# ------------------------------------------------------------------ notification
def test_two_methods_at_once() -> None:
    service = Service(notified_by("{via: [mail, sms]}"))
    service.report("a")
    assert sorted(service.phones()) == ["0m asha mail", "0m asha sms"]


def test_methods_one_after_the_other() -> None:
    service = Service(notified_by("{via: [mail, sms]}", "{after: 1m, via: [sms]}"))
    service.report("a")
    service.until(2)
    assert sorted(service.phones()) == ["0m asha mail", "0m asha sms", "1m asha sms"]


def test_several_people_of_a_step_are_paged_at_once() -> None:
    step = "      - {schedule: first-responder, wait: 5m}\n"
    service = Service(changed(step=(step, "      - {person: [asha, chi, fay], wait: 5m}\n")))
    service.report("a")
    assert sorted(service.people()) == ["0m asha", "0m chi", "0m fay"]


def test_one_persons_answer_ends_everybodys_remaining_methods() -> None:
    step = "      - {schedule: first-responder, wait: 5m}\n"
    service = Service(changed(step=(step, "      - {person: [asha, chi], wait: 5m}\n")))
    service.report("a")
    service.ack("chi")
    service.until(60)
    assert sorted(service.phones()) == ["0m asha mail", "0m chi mail"]


def test_methods_added_while_a_path_is_under_way_hold_from_the_next_page_on() -> None:
    service = Service(changed(sms=("    - {after: 2m, via: [sms], levels: [1, 2]}\n", "")))
    service.report("a")
    service.until(4)
    service.reload(policy_of())
    service.until(8)
    assert service.phones() == ["0m asha mail", "5m chi mail", "7m chi sms"]


def test_a_method_that_fails_for_good_brings_the_next_at_once() -> None:
    service = Service()
    service.broken = {"mail"}
    service.report("a")
    assert service.phones() == ["0m asha sms"]


def test_a_person_who_cant_be_reached_at_all_brings_the_next_step_at_once() -> None:
    service = Service()
    service.broken = {("asha", "mail"), ("asha", "sms")}
    service.report("a")
    assert service.people() == ["0m chi"]


def test_a_second_incident_pages_at_once_while_the_first_goes_on() -> None:
    service = Service()
    service.report("a")
    service.until(2)
    service.report("b", want=1)
    assert "2m asha mail" in service.phones(since=2)


def test_i_cant_pages_the_next_at_once() -> None:
    service = Service()
    service.report("a")
    service.ask(c.Decline(incident=1, by="asha"))
    assert service.people() == ["0m asha", "0m chi"]


# ------------------------------------------------------------------ after an outage
def test_a_method_that_came_due_while_irpd_was_down_comes_once() -> None:
    service = Service()
    service.report("a")
    service.until(1)
    service.die()
    service.time.true += 120
    service.start()
    service.forward("1m")
    assert service.phones() == ["0m asha mail", "3m asha sms"]


def test_after_an_outage_one_missed_step_is_made_up_for_and_later_waits_count_from_there() -> None:
    service = Service()
    service.report("a")
    service.die()
    service.time.true += 3 * 3600
    service.start()
    service.forward("11m")
    assert service.people(since=1) == ["180m chi", "190m dora"]


def test_what_was_sent_before_an_outage_is_not_sent_again() -> None:
    service = Service()
    service.report("a")
    for _ in range(5):
        service.die()
        service.time.true += 10
        service.start()
        service.forward(1)
    assert service.phones() == ["0m asha mail"]


def test_a_sender_that_repeats_itself_after_an_outage_pages_nobody_again() -> None:
    service = Service()
    service.report("a")
    service.die()
    service.start()
    service.report("a")
    assert service.phones() == ["0m asha mail"]
    assert len(service.engine.state.incidents) == 1


def test_the_same_report_again_is_the_same_incident() -> None:
    service = Service()
    for _ in range(3):
        service.report("a")
    assert service.phones() == ["0m asha mail"]


def test_what_is_resolved_and_fires_again_within_the_window_opens_again() -> None:
    service = Service()
    service.report("a")
    service.ask(c.Resolve(incident=1, by="chi"))
    service.report("a", status="resolved")
    service.until(10)
    service.began += timedelta(minutes=10)  # a new episode
    service.report("a")
    assert service.incident().state is State.OPEN


# ------------------------------------------------------------------ bundling
def test_many_pages_within_a_minute_are_two_messages_that_name_them_all() -> None:
    mail = "mail: {type: smtp, host: mail.invalid, from: irpd@example.com}"
    text = CONFIG.replace("mail: {type: file, path: mail.jsonl}", mail)
    service = Service(
        policy_of(text.replace("asha: {name: Asha, ", "asha: {name: Asha, email: a@example.com, "))
    )
    for n in range(10):
        service.report(f"a{n}")
    service.until(2)
    messages = [message for _, channel, message in service.shown if channel == "mail"]
    assert {page.incident for message in messages for page, _ in message.pages} == set(range(1, 11))
    assert [len(message.pages) for message in messages] == [1, 9]


# ------------------------------------------------------------------ heartbeats
def watched() -> Service:
    beat = "heartbeats:\n  backup: {service: checkout, every: 10m, grace: 0s, auth: none}\n"
    return Service(changed(beat=("levels:\n", f"{beat}levels:\n")))


def test_a_monitor_that_stops_reporting_opens_an_incident_and_its_return_resolves_the_signal() -> None:
    service = watched()
    service.beat("backup")
    service.until(9)
    assert service.phones() == []
    service.until(12)
    assert service.people() == ["10m asha"]
    service.beat("backup")
    assert service.incident().firing == 0


def test_a_monitor_that_reports_in_time_pages_nobody() -> None:
    service = watched()
    for _ in range(5):
        service.beat("backup")
        service.forward("8m")
    assert service.phones() == []


# ------------------------------------------------------------------ maintenance
def test_what_is_silenced_pages_nobody_and_what_still_fires_at_the_end_does() -> None:
    service = Service()
    until = service.began + timedelta(minutes=30)
    service.ask(c.AddSilence(by="asha", match={"labels.job": ("db",)}, until=until, because="upgrade"))
    service.report("a", job="db")
    service.until(29)
    assert service.phones(kind=None) == []
    service.until(31)
    assert service.people() == ["30m asha"]


# ------------------------------------------------------------------ status updates
def test_who_has_it_hears_what_joins_it() -> None:
    service = Service()
    service.report("a", grouped="yes")
    service.ack()
    service.until(10)
    service.report("b", grouped="yes")
    service.until(12)
    assert service.phones(kind=PageKind.UPDATE) == ["10m asha mail"]


def test_everybody_who_was_paged_hears_that_it_is_over() -> None:
    service = Service()
    service.report("a")
    service.until(6)
    service.ask(c.Resolve(incident=1, by="dora"))
    assert sorted(service.phones(kind=PageKind.UPDATE)) == ["6m asha mail", "6m chi mail"]


def test_nobody_is_told_of_what_changes_after_it_is_closed() -> None:
    service = Service()
    service.report("a")
    service.ask(c.Resolve(incident=1, by="asha"))
    service.forward("1h")
    before = len(service.shown)
    service.report("a", status="resolved")
    assert len(service.shown) == before


def test_an_acknowledgement_that_nothing_follows_is_asked_about() -> None:
    service = Service(changed(levels=("levels:\n", "levels:\n  high: {stale_after: 1h}\n")))
    service.report("a")
    service.ack()
    service.until(61)
    assert service.people(since=1) == ["60m asha"]
    service.until(76)
    assert service.people(since=61) == ["75m chi"]


# ------------------------------------------------------------------ technical and business
def test_a_path_started_by_hand_runs_beside() -> None:
    service = Service()
    service.report("a")
    service.ask(c.Escalate(incident=1, by="asha", path="business"))
    service.ack("asha")
    service.until(16)
    assert service.people() == ["0m asha", "0m fay", "15m dora"]
