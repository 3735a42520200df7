"""Overrides, absences and swaps: who is paged instead, and that they survive a restart."""

from datetime import timedelta
from typing import Any

import pytest
from harness.house import TUESDAY, House, alert, changed, plain, replayed, restored
from hypothesis import given
from hypothesis import strategies as st

from irpd.model import command as c
from irpd.model.command import Refusal
from irpd.model.heartbeat import Heartbeat
from irpd.model.override import Override
from irpd.oncall.changes import changes
from irpd.protocol.evolve_overrides import KEPT
from irpd.protocol.rows import Rows

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
#: In Berlin: asha's week ends on Monday 30 November 2026, 09:00, ben's a week later.
NEXT_MONDAY = TUESDAY + 6 * DAY


def add(house: House, *, hours: float = 8, **more: Any) -> Any:
    command = {"by": "dora", "until": house.now + hours * HOUR, "schedule": "first-responder", **more}
    return house.do(c.AddOverride(**command))


def whole(house: House) -> None:
    """What happened can be replayed and survives a restart."""
    assert plain(replayed(house.facts)) == plain(house.rows)
    assert plain(restored(house.rows)) == plain(house.rows)


def test_who_an_override_names_is_paged_until_its_end() -> None:
    house = House()
    answer = add(house, person="chi", because="dentist")
    assert "Chi is on call on first-responder" in answer.text
    house.report(alert("a"))
    assert house.people() == ["0m chi"]
    whole(house)
    house.forward("8h")
    house.report(alert("b"))
    assert house.people(since="8h")[-1] == "480m asha"


def test_without_a_person_whoever_would_be_on_call_is_not() -> None:
    house = House()
    add(house)
    house.report(alert())
    assert house.people() == ["0m ben"]


def test_who_is_away_is_paged_on_no_schedule_and_fills_no_role() -> None:
    before = "levels:\n  medium"
    role = "roles: {commander: {schedule: first-responder, levels: [1, 2]}}\n" + before
    house = House(changed(role=(before, role)))
    add(house, schedule="", away="asha")
    house.report(alert())
    assert house.people() == ["0m ben"]
    assert house.incident().roles == {"commander": "ben"}
    whole(house)


def test_an_override_that_begins_later_is_asked_when_the_step_fires() -> None:
    house = House()
    add(house, since=TUESDAY + 4 * HOUR, person="chi")
    house.report(alert("a"))
    house.resolve()
    house.forward("4h")
    house.report(alert("b"))
    assert [house.people()[0], house.people()[-1]] == ["0m asha", "240m chi"]


def test_an_override_that_is_ended_holds_no_more() -> None:
    house = House()
    add(house, person="chi")
    answer = house.do(c.EndOverride(by="chi", override=1, because="can't after all"))
    assert answer.changed
    house.report(alert())
    assert house.people() == ["0m asha"]
    assert not house.do(c.EndOverride(by="chi", override=1)).changed
    whole(house)


def test_one_that_is_called_off_before_it_begins_never_holds() -> None:
    house = House()
    add(house, since=TUESDAY + 4 * HOUR, person="chi")
    house.do(c.EndOverride(by="chi", override=1))
    assert house.rows.all_standing(Override)[0].until == TUESDAY + 4 * HOUR
    house.forward("5h")
    house.report(alert())
    assert house.people() == ["300m asha"]


def test_a_swap_exchanges_two_shifts_and_nothing_else() -> None:
    house = House()
    answer = house.do(
        c.SwapShifts(by="asha", schedule="first-responder", first=TUESDAY, second=NEXT_MONDAY + DAY)
    )
    (one, other) = answer.overrides
    assert (one.person, one.since, one.until) == ("ben", TUESDAY, NEXT_MONDAY)
    assert (other.person, other.since, other.until) == ("asha", NEXT_MONDAY, NEXT_MONDAY + 7 * DAY)
    house.report(alert())
    assert house.people() == ["0m ben"]
    whole(house)


def test_two_shifts_of_one_person_are_no_swap() -> None:
    house = House()
    with pytest.raises(Refusal, match="both shifts are Asha's"):
        house.do(
            c.SwapShifts(by="x", schedule="first-responder", first=TUESDAY, second=NEXT_MONDAY + 8 * DAY)
        )


@pytest.mark.parametrize(
    "what, said",
    [
        ({"schedule": "nights"}, "there is no schedule 'nights'; there are: empty, first-responder"),
        ({"person": "zoe"}, "there is no person 'zoe'"),
        ({"schedule": ""}, "say on which schedule"),
        ({"away": "asha"}, "away on every schedule"),
        ({"until": TUESDAY}, "ends .* before it begins"),
        ({"until": TUESDAY - HOUR, "since": TUESDAY - 2 * HOUR}, "over already"),
        ({"until": TUESDAY + 400 * DAY}, "at most 366 days"),
        ({"because": "x" * 1001}, "at most 1000 characters"),
    ],
)
def test_what_can_not_be_meant_is_refused_in_words(what: dict[str, Any], said: str) -> None:
    house = House()
    with pytest.raises(Refusal, match=said):
        add(house, **what)
    assert house.rows.all_standing(Override) == []


def test_an_override_that_there_is_none_of_is_not_found() -> None:
    with pytest.raises(Refusal) as refused:
        House().do(c.EndOverride(by="x", override=7))
    assert refused.value.code == "not-found"


def test_those_long_over_are_forgotten_with_the_next_one() -> None:
    house = House()
    add(house, person="chi", hours=1)
    house.forward((KEPT + 2 * HOUR).total_seconds())
    assert len(house.rows.all_standing(Override)) == 1
    add(house, person="chi", hours=1)
    assert [one.id for one in house.rows.all_standing(Override)] == [2]
    whole(house)


OVERRIDE = st.builds(
    Override,
    id=st.integers(1, 4),
    since=st.just(TUESDAY),
    until=st.just(TUESDAY + DAY),
    by=st.just("asha"),
    schedule=st.sampled_from(["", "first"]),
    person=st.sampled_from(["asha", "ben"]),
)
DEEDS = st.sampled_from(["put", "drop", "absorb", "beside", "ask"])


@given(st.lists(st.tuples(DEEDS, st.integers(0, 2), OVERRIDE), max_size=25))
def test_what_people_changed_is_remembered_as_long_as_it_is_so_in_every_layer(
    deeds: list[tuple[str, int, Override]],
) -> None:
    bottom = Rows()
    layers = [bottom, Rows(bottom)]
    layers.append(Rows(layers[1]))
    for deed, at, override in deeds:
        match deed:
            case "put":
                layers[at].put_standing(override)
            case "drop":
                layers[at].drop_standing(override)
            case "beside":
                layers[at].put_standing(Heartbeat(name="backup", since=TUESDAY))
            case "absorb" if at:
                layers[at - 1].absorb(layers[at])
                layers[at:] = [Rows(layers[at - 1])]
                while len(layers) < 3:
                    layers.append(Rows(layers[-1]))
        for layer in layers:
            assert layer.changes() == changes(layer.all_standing(Override))


def test_they_are_not_gathered_anew_for_each_who_is_asked_for() -> None:
    bottom = Rows()
    bottom.put_standing(Override(id=1, since=TUESDAY, until=TUESDAY + DAY, by="asha", away="ben"))
    assert Rows(Rows(bottom)).changes() is bottom.changes()
