"""Storms: many incidents within minutes are one, whose signals stay visible and can be taken out again."""

from collections import Counter
from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest
from harness.house import CONFIG, RULES, House, alert, plain, policy_of, replayed, restored

from irpd.model import command as c
from irpd.model.incident import MemberStatus, State

STORMY = CONFIG + "storm: {incidents: 5, within: 5m, settle: 5s}\n"


def house(config: str = STORMY, rules: str = RULES) -> House:
    return House(policy_of(config, rules))


def active(house: House) -> list[int]:
    return [number for number, one in house.rows.incidents.items() if one.state.active]


def incident_of(house: House, key: str) -> int:
    (found,) = [one.incident for one in house.rows.members.values() if one.key == f"am/{key}"]
    return found


def burst(house: House, count: int, *, want: int = 2, first: int = 0, service: str = "checkout") -> None:
    for n in range(first, first + count):
        house.report(alert(f"k{n}", want=want, labels={"service": service}))
        house.forward(0.1)


def test_many_incidents_within_minutes_become_one_with_all_their_signals() -> None:
    here = house()
    burst(here, 4)
    assert active(here) == [1, 2, 3, 4]
    burst(here, 6, first=4)
    (number,) = active(here)
    storm = here.incident(number)
    assert (storm.members, storm.firing) == (10, 10)
    assert storm.title.startswith("Storm: 5 or more incidents within 5m, such as")
    assert sorted(member.key for member in here.members(number)) == sorted(f"am/k{n}" for n in range(10))
    assert all("storm: 5 incidents or more within 5m" in member.why for member in here.members(number))
    assert here.incident(1).state is State.MERGED
    assert plain(replayed(here.facts)) == plain(here.rows)
    assert plain(restored(here.rows)) == plain(here.rows)


def test_who_is_affected_by_a_storm_hears_of_it_at_most_once_a_minute() -> None:
    here = house()
    burst(here, 30)
    here.forward("65s")
    messages = [(at, person) for at, person, channel, _ in here.shown if channel == "mail"]
    assert [person for _, person in messages] == ["asha", "asha"]
    assert messages[1][0] - messages[0][0] >= timedelta(seconds=60)


def test_other_news_in_between_does_not_make_a_storm_heard_more_often() -> None:
    here = house()
    burst(here, 6)
    (number,) = active(here)
    here.forward("66s")
    storm = [page.id for _, person, _, page in here.shown if page.incident == number and person == "asha"]
    assert storm
    here.do(c.Open(by="chi", title="A small thing", service="checkout", level=3))
    here.do(c.Escalate(incident=number, by="chi"))
    here.do(c.Escalate(incident=number, by="chi"))
    here.do(c.Escalate(incident=number, by="chi"))
    pages = [page for page in here.rows.pages.values() if page.incident == number and page.person == "asha"]
    dues = sorted(min(send.due_at for send in page.sends) for page in pages)
    assert all(b - a >= timedelta(seconds=60) for a, b in pairwise(dues))


def test_other_news_never_hides_a_round_of_a_storm() -> None:
    """It puts the page off by what is left of the minute, however often both fall together."""
    here = house()
    burst(here, 6)
    (number,) = active(here)

    def pages() -> list[str]:
        found = [page for page in here.rows.pages.values() if page.incident == number]
        return [page.id for page in found if page.person == "asha"]

    for _ in range(3):
        here.forward("10m")
        before = pages()
        here.do(c.Open(by="chi", title="Another thing", service="checkout", level=2))
        for _step in range(4):
            here.do(c.Escalate(incident=number, by="chi"))
        after = [here.rows.pages[one] for one in pages() if one not in before]
        assert after
        assert all(send.due_at >= here.now for page in after for send in page.sends)


def test_news_of_a_smaller_storm_does_not_make_the_first_heard_more_often() -> None:
    """Both are heard once a minute: what a person heard is kept for each."""
    here = house()
    burst(here, 6)
    here.forward("6m")
    burst(here, 6, first=6, want=3)
    first, second = active(here)
    here.do(c.Escalate(incident=first, by="olga"))
    for _ in range(3):
        here.forward("5s")
        here.do(c.Escalate(incident=second, by="olga"))
        here.do(c.Escalate(incident=first, by="olga"))
    for person in ("asha", "chi", "dora"):
        pages = [one for one in here.rows.pages.values() if one.incident == first and one.person == person]
        dues = sorted(min(send.due_at for send in page.sends) for page in pages)
        assert dues
        assert all(b - a >= timedelta(seconds=60) for a, b in pairwise(dues)), (person, dues)


def test_a_storm_pages_on_the_path_of_each_service_that_it_reaches() -> None:
    here = house()
    burst(here, 6)
    burst(here, 3, first=6, service="bare")
    here.forward("70s")
    (number,) = active(here)
    assert {run.name for run in here.incident(number).paths} == {"engineering", "solo"}
    assert sorted({person for _, person, channel, _ in here.shown if channel == "mail"}) == ["asha", "chi"]


def test_a_service_that_a_storm_reaches_when_others_have_it_pages_its_own_people() -> None:
    here = house()
    burst(here, 6)
    (number,) = active(here)
    here.forward("70s")
    here.ack(number=number)
    burst(here, 1, first=6, service="bare")
    here.forward("70s")
    assert here.incident(number).acknowledged_by == ("asha",)
    assert "chi" in {person for _, person, channel, page in here.shown if page.incident == number}
    assert {run.name for run in here.incident(number).paths} == {"engineering", "solo"}


def test_in_a_storm_one_team_answers_for_itself_alone() -> None:
    here = house()
    burst(here, 6)
    burst(here, 3, first=6, service="bare")
    here.forward("70s")
    (number,) = active(here)
    answer = here.ack(number=number)
    assert "solo goes on" in answer.text
    assert [run.name for run in here.incident(number).paths if run.next_at is not None] == ["solo"]
    (asked,) = {page.person for page in here.rows.pages_of(here.incident(number)) if page.live}
    assert asked == "chi"
    here.ack(by="chi", number=number)
    assert not [run for run in here.incident(number).paths if run.next_at is not None]


FLOORS = RULES.replace(
    "group:",
    """
  - {id: breach, match: {labels: {category: breach}}, at_least: 1, because: a breach}
  - {id: cards, match: {labels: {category: cards}}, level: 2, regimes: [pci-dss], because: cards are involved}
group:""",
)


@pytest.mark.parametrize("category", ["breach", "cards"])
def test_what_a_storm_must_not_swallow_stands_beside_it(category: str) -> None:
    here = house(rules=FLOORS)
    burst(here, 6)
    (number,) = active(here)
    here.ack(number=number)
    here.report(alert("hidden", labels={"service": "bare", "category": category}))
    here.forward("10s")
    own = incident_of(here, "hidden")
    assert active(here) == [number, own]
    assert "chi" in {page.person for _, _, _, page in here.shown if page.incident == own}
    burst(here, 3, first=6)
    assert here.incident(number).members == 9


def test_a_breach_that_was_there_before_does_not_become_part_of_a_storm() -> None:
    here = house(rules=FLOORS)
    here.report(alert("hidden", labels={"service": "bare", "category": "breach"}))
    burst(here, 6)
    assert incident_of(here, "hidden") == 1
    assert active(here)[0] == 1
    assert len(active(here)) == 2


def test_many_that_stand_out_become_a_storm_of_their_own() -> None:
    here = house(rules=FLOORS)
    burst(here, 6)
    (first,) = active(here)
    for n in range(20):
        here.report(alert(f"cards{n}", labels={"service": "bare", "category": "cards"}))
        here.forward("0.1s")
    assert len(active(here)) == 2
    second = incident_of(here, "cards19")
    assert (here.incident(second).members, here.incident(second).regimes) == (20, ("pci-dss",))
    assert here.incident(first).members == 6


def test_what_is_more_severe_in_a_storm_is_told_at_once() -> None:
    here = house()
    burst(here, 8)
    here.report(alert("worst", want=1))
    (number,) = active(here)
    assert here.incident(number).level == 1
    mails = [page.reason for _, person, channel, page in here.shown if channel == "mail"]
    assert mails == ["step", "level-rise"]
    assert here.shown[-1][3].incident == number


def test_what_somebody_has_does_not_become_part_of_a_storm() -> None:
    here = house()
    burst(here, 2)
    here.ack(number=1)
    burst(here, 6, first=2)
    assert active(here)[0] == 1
    assert len(active(here)) == 2
    assert here.incident(1).acknowledged_by == ("asha",)


def test_signals_of_a_storm_can_be_taken_out_again() -> None:
    here = house()
    burst(here, 8)
    (number,) = active(here)
    answer = here.do(c.Split(incident=number, by="asha", signals=(2, 3)))
    assert here.incident(answer.incident).members == 2
    assert here.incident(number).members == 6


def test_a_storm_is_over_when_no_signal_was_new_for_its_time() -> None:
    here = house()
    burst(here, 6)
    here.forward("5m")
    here.report(alert("later"))
    assert len(active(here)) == 2


def test_incidents_that_come_slowly_are_no_storm() -> None:
    here = house()
    for n in range(12):
        here.report(alert(f"k{n}"))
        here.forward("80s")
    assert len(active(here)) == 12


def test_without_the_setting_there_is_no_storm_and_no_page_waits() -> None:
    here = house(CONFIG)
    burst(here, 40)
    assert len(active(here)) == 40
    assert all(page.sends[0].due_at == page.requested_at for page in here.rows.pages.values())


def test_a_second_incident_of_the_same_minute_waits_a_little_for_what_else_comes() -> None:
    here = house()
    here.report(alert("a", want=3))
    here.forward("20s")
    here.report(alert("b", want=3))
    here.forward("10s")
    here.report(alert("c", want=1))  # more severe: at once
    assert here.people() == ["0m asha", "25s asha", "30s asha"]


@pytest.mark.parametrize("seed", range(4))
def test_whatever_comes_in_a_storm_each_firing_key_is_in_exactly_one_incident(seed: int) -> None:
    random = Random(seed)
    here = house()
    state: dict[str, bool] = {}
    for _ in range(150):
        key = f"k{random.randrange(60)}"
        fires = not state.get(key, False) or random.random() < 0.6
        service = ("checkout", "login", "bare")[hash_of(key) % 3]
        here.report(alert(key, "firing" if fires else "resolved", labels={"service": service}))
        state[key] = fires
        here.forward(random.random() * 2)
    firing = Counter(
        member.key
        for number in active(here)
        for member in here.members(number)
        if member.status is MemberStatus.FIRING
    )
    assert firing == Counter(f"am/{key}" for key, fires in state.items() if fires)
    assert plain(replayed(here.facts)) == plain(here.rows)


def hash_of(key: str) -> int:
    return sum(key.encode())
