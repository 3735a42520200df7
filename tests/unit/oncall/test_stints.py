"""Stints: from when until when somebody has a schedule, whatever that is made of."""

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from irpd.config.schedules import Schedule
from irpd.model.override import Override
from irpd.oncall.changes import NONE, changes
from irpd.oncall.roster import Roster, roster
from irpd.oncall.stints import Stint, stint_from, stints_from

#: A Monday, 09:00 in Berlin.
MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def of(*layers: dict[str, object]) -> Roster:
    schedule = Schedule.model_validate({"time_zone": "Europe/Berlin", "layers": layers})
    return roster("s", schedule)


def weekly(*people: str, **more: object) -> dict[str, object]:
    return {"rotate": "weekly", "handoff": "Mon 09:00", "start": "2026-01-05", "people": people, **more}


def test_a_stint_has_who_was_before_and_ends_where_somebody_else_begins() -> None:
    stint = stint_from(of(weekly("asha", "ben")), MONDAY + 7 * DAY)
    assert stint == Stint("ben", MONDAY + 7 * DAY, MONDAY + 14 * DAY, "asha")


def test_a_hand_over_to_the_same_person_begins_no_stint() -> None:
    same = of(weekly("asha", "asha", "ben"))
    begun = [one.start for one in stints_from(same, MONDAY - 30 * DAY, MONDAY + 30 * DAY)]
    assert all(later - earlier in (7 * DAY, 14 * DAY) for earlier, later in itertools.pairwise(begun))
    assert stint_from(of(weekly("asha")), MONDAY) is None


def test_another_layer_of_the_same_person_is_no_hand_over() -> None:
    above = weekly("asha", hours=[{"from": "10:00", "to": "11:00"}])
    assert list(stints_from(of(weekly("asha"), above), MONDAY, MONDAY + DAY)) == []


def test_hours_begin_a_stint_each_day_after_nobody() -> None:
    office = of(weekly("asha", hours=[{"from": "09:00", "to": "17:00"}]))
    (stint,) = stints_from(office, MONDAY, MONDAY + DAY)
    assert stint == Stint("asha", MONDAY + DAY, MONDAY + DAY + 8 * HOUR, "")


def test_an_override_makes_two_stints_and_a_swap_is_respected() -> None:
    noon = MONDAY + 4 * HOUR
    put = Override(id=1, since=noon, until=noon + HOUR, by="x", schedule="s", person="chi")
    who = "asha" if stint_from(of(weekly("asha", "ben")), MONDAY).person == "asha" else "ben"  # type: ignore[union-attr]
    found = list(stints_from(of(weekly("asha", "ben")), MONDAY, MONDAY + DAY, changes([put])))
    assert found == [
        Stint("chi", noon, noon + HOUR, who),
        Stint(who, noon + HOUR, MONDAY + 7 * DAY, "chi"),
    ]


def test_a_stint_without_an_end_in_sight_says_so() -> None:
    forever = of({"rotate": "daily", "handoff": "09:00", "start": "2026-11-24", "people": ["asha"]})
    assert stint_from(forever, MONDAY + DAY) == Stint("asha", MONDAY + DAY, None, "")


@given(
    since=st.integers(0, 365 * 24).map(lambda hour: datetime(2026, 1, 1, tzinfo=UTC) + hour * HOUR),
    people=st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=4),
    hours=st.booleans(),
    put=st.one_of(st.none(), st.tuples(st.integers(0, 96), st.integers(1, 48))),
)
def test_stints_are_those_that_a_look_at_each_quarter_of_an_hour_finds(
    since: datetime, people: list[str], hours: bool, put: tuple[int, int] | None
) -> None:
    more = {"hours": [{"from": "08:00", "to": "20:00"}]} if hours else {}
    found = of({"rotate": "daily", "handoff": "09:00", "start": "2025-06-02", "people": people, **more})
    changed = NONE
    if put is not None:
        begin = since + put[0] * HOUR
        changed = changes(
            [Override(id=1, since=begin, until=begin + put[1] * HOUR, by="x", schedule="s", person="z")]
        )
    quarter = timedelta(minutes=15)

    def who(at: datetime) -> str:
        turn = found.on_call(at, changed)
        return turn.person if turn else ""

    slow = [
        (who(at), at, who(at - quarter))
        for n in range(1, 4 * 24 * 4 + 1)
        if who(at := since + n * quarter) and who(at) != who(at - quarter)
    ]
    quick = list(stints_from(found, since, since + 4 * DAY, changed))
    assert [(one.person, one.start, one.after) for one in quick] == slow
    for one in quick:
        assert one.end is None or (who(one.end) != one.person and who(one.end - quarter) == one.person)
