"""irpd's pages beside another pager's: what is paired, and what is left over."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from harness.house import House, alert, policy_of
from hypothesis import given
from hypothesis import strategies as st

from irpd.engine.ports import Fact
from irpd.rehearsal.shadow import (
    NotReadable,
    Paged,
    by_hour,
    by_person,
    compare,
    read_pages,
    would_have,
)

NIGHT = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CONFIGURATION = policy_of().configuration


def page(minutes: float, person: str = "asha", what: str = "") -> Paged:
    return Paged(at=NIGHT + minutes * MINUTE, person=person, what=what)


def compared(ours: list[Paged], theirs: list[Paged], minutes: int = 10):
    return compare(ours, theirs, CONFIGURATION, tolerance=minutes * MINUTE)


def test_pages_of_one_person_within_the_tolerance_are_the_same_and_others_are_not() -> None:
    done = compared([page(0), page(60), page(0, "ben")], [page(10), page(71), page(0, "chi")])
    assert [(one.at, two.at) for one, two in done.both] == [(NIGHT, NIGHT + 10 * MINUTE)]
    assert done.only_irpd == (page(0, "ben"), page(60))
    assert done.only_other == (page(0, "chi"), page(71))


def test_people_are_known_by_id_name_address_and_login_and_others_are_strangers() -> None:
    asha = CONFIGURATION.people["asha"]
    people = {"asha": asha.model_copy(update={"email": "asha@example.com", "login": "arao"})}
    known = CONFIGURATION.model_copy(update={"people": people})
    names = ["asha", asha.name.upper(), "Asha@example.com", "arao", "nobody@elsewhere.example"]
    done = compare([page(n * 60) for n in range(4)], [page(n * 60, name) for n, name in enumerate(names)],
        known, tolerance=MINUTE)  # fmt: skip
    assert len(done.both) == 4
    assert done.strangers == {"nobody@elsewhere.example": 1}
    assert done.only_other == ()


@given(
    st.lists(st.integers(0, 40), max_size=6),
    st.lists(st.integers(0, 40), max_size=6),
    st.integers(0, 8),
)
def test_as_many_are_paired_as_can_be(ours: list[int], theirs: list[int], minutes: int) -> None:
    done = compared([page(n) for n in ours], [page(n) for n in theirs], minutes)
    assert all(abs(one.at - two.at) <= minutes * MINUTE for one, two in done.both)
    assert sorted([*(one.at for one, _ in done.both), *(one.at for one in done.only_irpd)]) == sorted(
        page(n).at for n in ours
    )
    assert len(done.both) == best(sorted(ours), sorted(theirs), minutes)


def best(ours: list[int], theirs: list[int], minutes: int) -> int:
    """By trying every choice."""
    most = 0
    few, many = sorted((ours, theirs), key=len)
    for order in set(itertools.permutations(many, len(few))):
        most = max(most, sum(abs(a - b) <= minutes for a, b in zip(few, order, strict=True)))
    return most


def test_by_person_and_by_the_hour_where_the_person_lives() -> None:
    done = compared([page(0), page(90, "ben")], [page(1)])
    assert by_person(done) == {"asha": (1, 0, 0), "ben": (0, 1, 0)}
    hours = by_hour(done, CONFIGURATION)
    zone = CONFIGURATION.people["asha"].time_zone
    assert zone != "UTC"
    assert list(hours.values()) == [(1, 0, 0), (0, 1, 0)]
    assert 2 not in hours, "the hour is UTC's"


def test_of_irpds_pages_the_first_to_each_person_about_each_incident_counts() -> None:
    house = House()
    house.report(alert("a"))
    house.forward("2h")
    facts = [Fact(subject=subject, event=event, at=at) for subject, event, at in house.facts]
    span = {"since": house.began, "until": house.now}
    first = would_have(facts, **span)
    assert len(first) == len({one.person for one in first})
    assert first[0].what.startswith("#1 ")
    assert len(would_have(facts, **span, every=True)) > len(first)
    assert would_have(facts, since=house.now, until=house.now + MINUTE) == []


def when(text: str) -> datetime:
    return datetime.fromisoformat(text)


CSV = 'Time,Person,What,urgency\n2026-11-24T02:00:00Z,asha,"disk, full",high\n'
LINES = '{"time": "2026-11-24T02:00:00Z", "person": "asha", "what": "disk, full", "x": 1}\n\n'


@pytest.mark.parametrize("text", [CSV, "\ufeff" + CSV, CSV.replace("\n", "\r\n"), LINES])
def test_csv_and_lines_of_json_say_the_same(text: str) -> None:
    assert read_pages(text, when) == [page(0, what="disk, full")]


def test_a_file_with_no_page_in_it_has_none() -> None:
    assert read_pages("time,person,what\n", when) == []


@pytest.mark.parametrize(
    "text, why",
    [
        ("", "head line"),
        ("2026-11-24,asha\n", "head line"),
        ("time,person\nyesterday,asha\n", "line 2"),
        ("time,person\n2026-11-24T02:00:00Z,\n", "line 2: no person"),
        ("time,person\n,asha\n", "line 2: no time"),
        ('{"time": 5}\n', "line 1: no person"),
        ('{"time": "x"', "line 1: no JSON"),
        ('{"time": "2026-11-24T02:00:00Z", "person": "a"}\n[]\n', "line 2: no object"),
        ("{" * 100_000, "line 1: no JSON"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(text: str, why: str) -> None:
    with pytest.raises(NotReadable, match=why):
        read_pages(text, when)
