"""What monitoring answers, levels that rise at once and sink by rule, services that break others."""

from datetime import timedelta
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from harness.examples import examples
from harness.house import CONFIG, RULES, TUESDAY, House, alert, plain, policy_of, replayed, restored
from hypothesis import given, settings
from hypothesis import strategies as st

from irpd.model import command as c
from irpd.model import event as e
from irpd.model.incident import State
from irpd.model.share import Impact
from irpd.model.signal import Signal, Status

SHARED = RULES.replace(
    "group:",
    """  - {id: most, when: share_known && share > 0.8, level: 1, lower_after: 10m, because: most of them}
  - {id: some, match: {labels: {slow: "yes"}}, level: 2, lower_after: 20m, because: slow}
group:""",
)
COUNTED = "    users: {count: 1000}\n    signals: [{labels: {service: checkout}}]"
ASKED = CONFIG.replace(
    COUNTED, COUNTED.replace("count: 1000}", "promql: u, otherwise: 1000}\n    affected: {promql: a}")
)
ASKED = ASKED.replace("channels:\n", "prometheus: {main: {url: 'http://127.0.0.1:9090'}}\nchannels:\n", 1)
DEPENDING = CONFIG.replace(
    COUNTED, COUNTED.replace("\n", "\n    depends_on: {login: joins, bare: mutes}\n")
).replace(
    "    users: {count: 1000}\n    signals: [{labels: {service: login}}]",
    "    users: {count: 1000}\n    depends_on: {platform: joins}\n    signals: [{labels: {service: login}}]",
)


FIELDS = ("impact", "user", "reporter", "note", "starts_at")


def signal(key: str, status: str = "firing", **said: Any) -> Signal:
    """A report; what is no field of a signal is a label."""
    fields = {name: said.pop(name) for name in FIELDS if name in said}
    return Signal(key=key, status=Status(status), title=f"Alert {key}", labels=said, **fields)


def asked(rules: str = RULES) -> House:
    return House(policy_of(ASKED, rules))


def answer(house: House, affected: int | None = None, users: int | None = None, *numbers: int) -> int:
    told = house.do(
        c.TakeAnswer(service="checkout", incidents=numbers or (1,), affected=affected, users=users)
    )
    assert isinstance(told, int)
    return told


# ------------------------------------------------------------------ as time passes
def aging(*rules: str) -> House:
    more = "".join(f"  - {one}\n" for one in rules)
    return House(policy_of(rules=RULES.replace("group:", f"{more}group:")))


LONG = "{id: long, match: {service: checkout}, when: open_minutes >= 30, level: 1, because: half an hour}"
EARLY = "{id: early, when: open_minutes < 10, at_most: 4, because: it may pass}"


def test_a_rule_on_the_age_raises_the_level_when_that_time_comes_though_nothing_is_reported() -> None:
    house = aging(LONG)
    house.report(alert(want=2))
    house.ack("asha")
    house.forward("29m")
    assert (house.incident().level, house.incident().state) == (2, State.ACKNOWLEDGED)
    house.forward("1m")
    assert (house.incident().level, house.incident().level_by.rule) == (1, "long")
    assert house.incident().state is State.OPEN, "the acknowledgement lapses as at any rise"
    assert house.people(since="30m") == ["30m asha"]
    (event,) = house.of_type(e.LevelChanged)
    assert [rule.values for rule in event.rules if rule.rule == "long"] == [
        {"service": "checkout", "open_minutes": "30"}
    ]
    house.forward("5h")
    assert len(house.of_type(e.TimePassed)) == 1
    assert plain(replayed(house.facts)) == plain(house.rows)


def test_a_cap_of_the_first_minutes_ends_when_they_are_over() -> None:
    house = aging(EARLY)
    house.report(alert(want=2))
    assert (house.incident().level, house.people()) == (4, [])
    house.forward("10m")
    assert (house.incident().level, house.people()) == (2, ["10m asha"])


def test_what_is_over_or_quiet_by_then_is_not_raised_by_its_age() -> None:
    house = aging(LONG)
    house.report(alert("a", want=2))
    house.report(alert("b", want=2))
    house.resolve(1)
    house.report(alert("b", "resolved", want=2))
    house.forward("1h")
    assert [(one.level, one.evidence_level) for one in house.rows.incidents.values()] == [(2, 2), (2, 2)]
    house.report(alert("b", want=2))
    assert house.incident(2).level == 1, "it fires again, an hour old"


def test_what_came_of_age_while_irpd_was_down_is_asked_once_at_the_next_start() -> None:
    house = aging(LONG, "{id: longer, when: open_minutes > 44, level: 1, because: x}")
    house.report(alert(want=2))
    house.sleep("2h")
    house.rows = restored(house.rows)
    house.forward("0s")
    assert [event.minutes for event in house.of_type(e.TimePassed)] == [120]
    assert house.incident().level == 1


def test_a_persons_level_stands_and_who_commands_is_told_of_the_age() -> None:
    house = aging(LONG)
    house.report(alert(want=2))
    house.set_level(3)
    house.forward("30m")
    assert house.incident().level == 3
    assert [event.level_by.rule for event in house.of_type(e.EvidenceExceeded)] == ["long"]


def test_a_level_that_lowers_itself_sinks_after_the_minutes_of_its_rule() -> None:
    house = aging("{id: first, when: open_minutes < 10, level: 1, lower_after: 5m, because: at first}")
    house.report(alert(want=3))
    house.forward("14m")
    assert house.incident().level == 1
    house.forward("1m")
    assert house.incident().level == 3


def test_what_is_open_follows_the_ages_of_rules_that_come_into_force() -> None:
    house = aging()
    house.report(alert("a", want=2))
    house.forward("20m")
    house.report(alert("b", want=2))
    house.policy = aging(LONG.replace("30", "15")).policy
    house.do(c.ChangeConfig(hash="new"))
    assert (house.incident(1).ages, house.incident(2).ages) == ((), (15,))
    house.do(c.ChangeConfig(hash="newer"))
    assert len(house.of_type(e.TimePassed, 2)) == 1, "nothing is said that was known"
    house.forward("15m")
    assert [one.level for one in house.rows.incidents.values()] == [2, 1], "what has passed is left alone"
    house.policy = aging().policy
    house.do(c.ChangeConfig(hash="old"))
    assert {one.ages for one in house.rows.incidents.values()} == {()}


def test_an_age_that_is_due_as_other_rules_come_into_force_is_asked_all_the_same() -> None:
    house = aging(LONG)
    house.report(alert(want=2))
    house.sleep("30m")
    house.policy = aging(LONG, EARLY).policy
    house.do(c.ChangeConfig(hash="new"))
    house.forward("0s")
    assert house.incident().level == 1


def test_rules_in_force_are_asked_at_an_age_and_say_which_comes_next() -> None:
    house = aging(LONG)
    house.report(alert(want=2))
    house.policy = aging("{id: later, when: open_minutes >= 45, level: 1, because: later}").policy
    house.forward("30m")
    assert (house.incident().level, house.incident().ages) == (2, (45,))
    house.forward("15m")
    assert (house.incident().level, house.incident().level_by.rule) == (1, "later")


# ------------------------------------------------------------------ what no rule is asked about
def given_house() -> House:
    config = ASKED.replace(
        "  am: {type: alertmanager, auth: none}",
        "  am: {type: alertmanager, auth: none, unreadable: {level: 4}}",
    )
    return House(policy_of(config))


@pytest.mark.parametrize(
    "key, title", [("unreadable", "Unreadable report"), ("set-aside", "A report could not be handled")]
)
def test_what_nobody_could_read_keeps_its_level_whatever_is_answered_or_said_of_it(
    key: str, title: str
) -> None:
    house = given_house()
    bad = Signal(key=key, status=Status.FIRING, title=title, unreadable="not JSON")
    house.report(bad)
    assert house.incident().level == 4
    house.do(c.TakeAnswer(service="platform", incidents=(1,), affected=None, users=500))
    house.report(Signal(key=key, status=Status.FIRING, title=f"{title} (2)", unreadable="not JSON either"))
    assert house.incident().level == 4
    assert house.people() == [], "level 4 pages nobody"


def test_what_irpd_says_of_itself_keeps_its_level_whatever_is_answered_or_said_of_it() -> None:
    house = given_house()
    house.do(c.TellOperators(key="gaps", title="Nobody is on call on Friday", level=3))
    house.do(c.TakeAnswer(service="platform", incidents=(1,), affected=None, users=500))
    house.do(c.TellOperators(key="gaps", title="Nobody is on call on Saturday", level=3))
    assert house.incident().level == 3
    assert house.of_type(e.LevelChanged) == []


# ------------------------------------------------------------------ answers
def test_an_answer_raises_the_level_at_once_with_before_after_and_why() -> None:
    house = asked()
    house.report(signal("a", service="checkout", want="3"))
    assert (house.incident().level, house.incident().share.known) == (3, False)
    assert answer(house, affected=900) == 1
    (change,) = house.of_type(e.LevelChanged)
    assert (change.before, change.after, change.level_by.rule) == (3, 1, "share-of-users")
    assert (change.share.fraction, change.share.method) == (Fraction(9, 10), "promql")
    assert house.live() == ["asha"]
    assert "0m asha sms" not in house.phones()
    house.forward("2m")
    assert "2m asha sms" in house.phones()  # the higher level's methods


def test_an_answer_that_says_the_same_again_is_no_event_and_asks_no_rule() -> None:
    house = asked()
    house.report(signal("a", service="checkout", want="3"))
    answer(house, affected=300)
    facts = len(house.facts)
    assert [answer(house, affected=n) for n in (300, 305, 301)] == [0, 0, 0]
    assert len(house.facts) == facts
    assert answer(house, affected=310) == 1  # a hundredth of the users
    assert answer(house, affected=300) == 1


def test_an_answer_across_a_border_is_news_however_small_the_step() -> None:
    house = asked()
    house.report(signal("a", service="checkout", want="4"))
    answer(house, affected=399)
    assert house.incident().level == 3
    assert answer(house, affected=400) == 1
    assert house.incident().level == 2
    assert answer(house, affected=399) == 1
    assert house.incident().share.level == 3


def test_answers_that_fall_lower_the_share_and_never_the_level() -> None:
    house = asked()
    house.report(signal("a", service="checkout", want="3"))
    answer(house, affected=900)
    answer(house, affected=10)
    assert house.incident().share.fraction == Fraction(1, 100)
    house.forward("3h")
    assert house.incident().level == 1
    assert house.of_type(e.EvidenceEased) == []


def test_the_number_of_users_is_what_monitoring_says_and_otherwise_what_the_files_say() -> None:
    house = asked()
    house.report(signal("a", service="checkout", want="4", impact=Impact(affected=100, method="label")))
    assert house.incident().share.fraction == Fraction(1, 10)
    answer(house, users=200)
    assert (house.incident().share.fraction, house.incident().level) == (Fraction(1, 2), 2)
    answer(house, affected=5)  # no number of users this time: the last one stands
    assert house.incident().share.users == 200


def test_an_answer_without_any_number_is_nothing() -> None:
    house = asked()
    house.report(signal("a", service="checkout", want="4"))
    assert answer(house) == 0
    assert house.incident().answers == ()


@pytest.mark.parametrize("what", ["resolved", "unknown", "of another service"])
def test_an_answer_for_what_it_is_not_about_changes_nothing(what: str) -> None:
    house = asked()
    house.report(signal("a", service="login" if what == "of another service" else "checkout", want="4"))
    if what == "resolved":
        house.resolve()
    facts = len(house.facts)
    assert answer(house, 900, None, 99 if what == "unknown" else 1) == 0
    assert len(house.facts) == facts


def test_while_a_persons_word_stands_an_answer_pages_who_commands_and_leaves_the_level() -> None:
    house = asked()
    house.report(signal("a", service="checkout", want="3"))
    house.set_level(3)
    answer(house, affected=900)
    assert house.incident().level == 3
    assert [event.level for event in house.of_type(e.EvidenceExceeded)] == [1]
    answer(house, affected=950)
    assert len(house.of_type(e.EvidenceExceeded)) == 1


def test_an_incident_opened_by_hand_is_raised_by_its_share_only_where_no_person_set_its_level() -> None:
    house = asked()
    house.do(c.Open(by="asha", title="Something", service="checkout", level=3))
    answer(house, affected=900)
    assert house.incident().level == 3
    assert [event.level for event in house.of_type(e.EvidenceExceeded)] == [1]


def test_an_answer_for_an_incident_whose_signals_are_resolved_does_not_raise_it() -> None:
    house = asked()
    house.report(signal("a", service="checkout", want="2"))
    house.report(signal("a", "resolved", service="checkout", want="2"))
    answer(house, affected=900)
    assert house.incident().level == 2


# ------------------------------------------------------------------ down by rule
def test_a_level_sinks_once_evidence_has_asked_for_less_for_as_long_as_its_rule_says() -> None:
    house = asked(SHARED)
    house.report(signal("a", service="checkout", want="3"))
    answer(house, affected=900)
    assert (house.incident().level, house.incident().level_by.rule) == (1, "most")
    answer(house, affected=200)
    house.forward("9m")
    assert house.incident().level == 1
    house.forward("1m")
    change = house.of_type(e.LevelChanged)[-1]
    assert (change.before, change.after) == (1, 3)
    assert "nothing asked for level 1 for 10m" in change.level_by.because
    assert change.share.fraction == Fraction(1, 5)
    house.forward("5h")
    assert house.incident().level == 3  # rule three says nothing of sinking


def test_evidence_that_comes_back_in_time_keeps_the_level_and_the_time_begins_anew() -> None:
    house = asked(SHARED)
    house.report(signal("a", service="checkout", want="3"))
    answer(house, affected=900)
    answer(house, affected=200)
    house.forward("8m")
    answer(house, affected=900)
    house.forward("1m")
    answer(house, affected=200)
    house.forward("8m")
    assert house.incident().level == 1
    assert [event.level for event in house.of_type(e.EvidenceEased)] == [3, None, 3]
    house.forward("2m")
    assert house.incident().level == 3


def test_a_level_stays_when_by_the_time_it_would_sink_something_asks_for_it_again() -> None:
    late = SHARED.replace(
        "group:", "  - {id: late, when: open_minutes >= 15, level: 1, because: long}\ngroup:"
    )
    house = asked(late)
    house.report(signal("a", service="checkout", want="3"))
    answer(house, affected=900)
    house.forward("8m")
    answer(house, affected=200)
    house.forward("30m")
    assert house.incident().level == 1
    assert [event.level for event in house.of_type(e.EvidenceEased)] == [3, None]


def test_a_level_sinks_when_the_signal_that_asked_for_it_is_resolved_and_others_fire() -> None:
    house = House(policy_of(CONFIG, SHARED))
    house.report(signal("a", service="checkout", want="4", grouped="yes"))
    house.report(signal("b", service="checkout", slow="yes", grouped="yes"))
    assert (house.incident().level, house.incident().lower_after) == (2, 1200.0)
    house.report(signal("b", "resolved", service="checkout", slow="yes", grouped="yes"))
    house.forward("20m")
    assert house.incident().level == 4


def test_a_level_never_sinks_by_itself_once_all_is_resolved_or_a_person_set_it() -> None:
    house = House(policy_of(CONFIG, SHARED))
    house.report(signal("b", service="checkout", slow="yes"))
    house.report(signal("b", "resolved", service="checkout", slow="yes"))
    house.forward("3h")
    assert (house.incident().level, house.incident().state) == (2, State.OPEN)
    other = asked(SHARED)
    other.report(signal("a", service="checkout", want="3"))
    answer(other, affected=900)
    other.set_level(1)
    answer(other, affected=10)
    other.forward("3h")
    assert other.incident().level == 1


# ------------------------------------------------------------------ who is affected
def test_people_in_events_and_in_tickets_are_counted_once() -> None:
    house = House()
    grouped = {"service": "checkout", "grouped": "yes", "want": "4"}
    house.report(signal("issue:1", user="a" * 16, **grouped), source="sentry")
    for n in range(150):
        house.report(signal("issue:1", user=f"{n:016x}", **grouped), source="sentry")
    for n in range(100, 200):
        house.report(signal(f"ticket:{n}", reporter=f"{n:016x}", **grouped), source="desk")
    share = house.incident().share
    assert (share.affected, share.method) == (201, "people")
    assert house.incident().reporters == 100


def test_an_event_of_somebody_known_is_a_repeat() -> None:
    house = House()
    labels = {"service": "checkout", "want": "4"}
    house.report(signal("issue:1", user="a" * 16, **labels), source="sentry")
    house.report(signal("issue:1", user="b" * 16, **labels), source="sentry")
    facts = len(house.facts)
    house.report(signal("issue:1", user="a" * 16, **labels), source="sentry")
    (_, event, _), = house.facts[facts:]  # fmt: skip
    assert isinstance(event, e.SignalsRepeated)


def test_a_report_without_a_count_takes_nothing_back() -> None:
    house = House()
    house.report(signal("a", service="checkout", want="4", impact=Impact(affected=500, method="label")))
    facts = len(house.facts)
    house.report(signal("a", service="checkout", want="4"))
    assert isinstance(house.facts[facts][1], e.SignalsRepeated)
    assert house.incident().share.affected == 500


def test_of_an_issue_known_for_long_only_new_users_count() -> None:
    house = House()
    old = {"service": "checkout", "want": "4", "starts_at": TUESDAY - timedelta(days=90)}
    house.report(signal("issue:1", impact=Impact(affected=700, method="sentry"), **old), source="sentry")
    assert not house.incident().share.known
    house.report(signal("issue:1", impact=Impact(affected=860, method="sentry"), **old), source="sentry")
    assert house.incident().share.affected == 160


def test_people_move_with_the_signals_that_named_them() -> None:
    house = House()
    for number, users in ((1, range(30)), (2, range(20, 50))):
        for user in users:
            one = signal(f"issue:{number}", user=f"{user:016x}", service="checkout", want="4")
            house.report(one, source="sentry")
    house.do(c.Merge(incident=1, into=2, by="asha"))
    assert house.incident(2).share.affected == 50
    house.do(c.Split(incident=2, signals=(1,), by="asha"))
    assert [house.incident(number).share.affected for number in (2, 3)] == [30, 30]


def test_evidence_moves_with_its_signals() -> None:
    house = House()
    house.report(signal("a", service="checkout", want="4", impact=Impact(affected=90, method="label")))
    house.report(signal("b", service="checkout", want="4", impact=Impact(affected=50, method="label")))
    house.do(c.Merge(incident=1, into=2, by="asha"))
    assert house.incident(2).share.affected == 90
    assert house.incident(2).share.bounds == (Fraction(9, 100), Fraction(14, 100))
    house.do(c.Split(incident=2, signals=(2,), by="asha"))
    assert house.incident(2).share.affected == 50
    assert house.incident(3).share.affected == 90


# ------------------------------------------------------------------ services that depend on services
def test_a_signal_for_a_dependency_joins_the_incident_of_what_it_breaks() -> None:
    house = House(policy_of(DEPENDING))
    house.report(signal("a", service="checkout", want="2", impact=Impact(affected=100, method="label")))
    house.report(signal("b", service="login", want="2", impact=Impact(affected=300, method="label")))
    incident = house.incident()
    assert incident.services == ("checkout", "login")
    assert house.members()[1].why == "checkout depends on login"
    assert (incident.share.fraction, incident.share.users) == (Fraction(400, 2000), 2000)


def test_what_a_dependency_depends_on_joins_too() -> None:
    house = House(policy_of(DEPENDING))
    house.report(signal("a", service="checkout", want="2"))
    house.report(signal("b", service="", want="2"))  # unmapped: platform
    assert [member.service for member in house.members()] == ["checkout", "platform"]


@pytest.mark.parametrize("what", ["mutes", "resolved", "long ago", "the other way"])
def test_it_opens_its_own_incident(what: str) -> None:
    house = House(policy_of(DEPENDING))
    first, then = ("login", "checkout") if what == "the other way" else ("checkout", "login")
    house.report(signal("a", service=first, want="2"))
    if what == "resolved":
        house.resolve()
    if what == "long ago":
        house.forward("31m")
    house.report(signal("b", service="bare" if what == "mutes" else then, want="2"))
    assert max(house.rows.incidents) == 2


def test_of_many_incidents_the_newest_takes_it() -> None:
    house = House(policy_of(DEPENDING))
    for n in range(70):
        house.report(signal(f"a{n}", service="checkout", want="4"))
    house.report(signal("b", service="login", want="4"))
    assert house.incident(70).services == ("checkout", "login")


def test_an_own_group_goes_before_what_it_breaks() -> None:
    house = House(policy_of(DEPENDING))
    house.report(signal("a", service="login", grouped="yes", want="2"))
    house.report(signal("b", service="checkout", want="2"))
    house.report(signal("c", service="login", grouped="yes", want="2"))
    assert [member.key for member in house.members(1)] == ["am/a", "am/c"]


def test_after_a_restart_a_dependency_still_joins() -> None:
    house = House(policy_of(DEPENDING))
    house.report(signal("a", service="checkout", want="2"))
    house.rows = restored(house.rows)
    house.report(signal("b", service="login", want="2"))
    assert house.incident().services == ("checkout", "login")


# ------------------------------------------------------------------ any order, any repetition
reports = st.lists(
    st.tuples(
        st.integers(0, 5),  # which signal
        st.sampled_from(["checkout", "login"]),
        st.none() | st.integers(0, 1200),
        st.none() | st.integers(0, 30),  # whom it happened to
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda one: one[0],
)


def played(said: list[tuple[int, str, int | None, int | None]], again: int = 1) -> House:
    house = House(
        policy_of(ASKED.replace("promql: u, otherwise", "count").replace("{count: 1000", "{count: 1000"))
    )
    for n, service, affected, user in said:
        impact = Impact() if affected is None else Impact(affected=affected, method="label")
        one = signal(
            f"k{n}", service=service, grouped="yes", want="4", impact=impact,
            user=None if user is None else f"{user:016x}",
        )  # fmt: skip
        for _ in range(again):
            house.report(one)
    return house


@settings(max_examples=examples(60))
@given(reports, st.randoms())
def test_any_order_of_firing_signals_gives_the_same_share_and_level(
    said: list[tuple[int, str, int | None, int | None]], random: Random
) -> None:
    shuffled = list(said)
    random.shuffle(shuffled)

    def outcome(house: House) -> set[tuple[object, ...]]:
        return {
            (frozenset(m.key for m in house.members(n)), i.level, i.share, i.parts, i.people)
            for n, i in house.rows.incidents.items()
        }

    assert outcome(played(said)) == outcome(played(shuffled))


@settings(max_examples=examples(60))
@given(reports)
def test_redeliveries_change_neither_share_nor_level_and_replay_gives_the_same_rows(
    said: list[tuple[int, str, int | None, int | None]],
) -> None:
    once, thrice = played(said), played(said, again=3)
    for number, incident in once.rows.incidents.items():
        other = thrice.rows.incidents[number]
        assert (incident.level, incident.share, incident.parts) == (other.level, other.share, other.parts)
        assert incident.people == other.people
    answer(thrice, 700, None, *thrice.rows.incidents)
    assert plain(replayed(thrice.facts)) == plain(thrice.rows)


def test_a_signal_that_tells_how_irpd_learned_of_it_says_so_in_the_timeline() -> None:
    house = House()
    house.report(signal("a", service="checkout", want="4", note="Alertmanager was asked."))
    house.report(signal("a", service="checkout", want="4", note="Alertmanager was asked."))
    assert [event.text for event in house.of_type(e.Noted)] == ["1.1: Alertmanager was asked."]
    assert house.members()[0].status == Status.FIRING


def test_every_kind_of_signal_is_asked_when_an_answer_comes() -> None:
    rules = RULES.replace(
        "group:",
        "  - {id: few, match: {labels: {vip: 'yes'}}, when: share > 0.05, level: 1, because: these}\ngroup:",
    )
    house = asked(rules)
    house.report(signal("vip", service="checkout", want="4", vip="yes", grouped="yes"))
    for n in range(60):
        house.report(signal(f"k{n}", service="checkout", want="4", grouped="yes"))
    answer(house, affected=60)
    assert (house.incident().level, house.incident().level_by.rule) == (1, "few")


# ------------------------------------------------------------------ what else leaves an incident
def slow_and_quick() -> House:
    """An incident at level 2 by a signal whose level may sink, with another that asks for 3."""
    house = asked(SHARED)
    house.report(signal("a", service="checkout", slow="yes", grouped="yes"))
    house.report(signal("b", service="checkout", want="3", grouped="yes"))
    assert (house.incident().level, house.incident().members) == (2, 2)
    return house


def test_what_is_split_off_no_longer_keeps_the_level_up() -> None:
    house = slow_and_quick()
    house.do(c.Split(incident=1, signals=(1,), by="asha"))
    assert house.incident(1).eased_since is not None
    house.forward("20m")
    assert (house.incident(1).level, house.incident(2).level) == (3, 2)


def test_what_a_person_silences_no_longer_keeps_the_level_up() -> None:
    house = slow_and_quick()
    until = house.now + timedelta(hours=1)
    house.do(c.AddSilence(by="asha", match={"labels.slow": ("yes",)}, until=until, because="known"))
    house.forward("20m")
    assert house.incident().level == 3


def test_a_failure_to_judge_what_was_silenced_is_made_up_for_when_that_resolves() -> None:
    house = slow_and_quick()
    until = house.now + timedelta(hours=1)
    with pytest.MonkeyPatch.context() as spoilt:
        spoilt.setattr("irpd.protocol.levels.level_for", lambda *_, **__: 1 / 0)
        house.do(c.AddSilence(by="asha", match={"labels.slow": ("yes",)}, until=until, because="known"))
    assert house.incident().eased_since is None
    house.report(signal("a", "resolved", service="checkout", slow="yes", grouped="yes"))
    assert house.incident().eased_since == house.now
    house.forward("20m")
    assert house.incident().level == 3


def test_a_failure_to_judge_lowers_no_level(monkeypatch: pytest.MonkeyPatch) -> None:
    house = asked(SHARED)
    house.report(signal("a", service="checkout"))
    answer(house, affected=900)
    assert house.incident().level == 1

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("spoilt")

    monkeypatch.setattr("irpd.protocol.levels.level_for", fails)
    answer(house, affected=100)
    house.forward("30m")
    assert house.incident().level == 1
