"""Who is on call, against a slow reading of the same rules: minute by minute, hand-off by hand-off."""

import itertools
from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from harness.examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from irpd.config.schedules import Layer, Schedule, Span
from irpd.model.override import Override
from irpd.oncall.changes import changes
from irpd.oncall.roster import Roster, roster
from irpd.oncall.rotation import WEEKDAYS
from irpd.oncall.shifts import pieces, shift_at
from irpd.oncall.wallclock import clock_changes

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
FROM, TO = datetime(2010, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
ZONES = (
    *("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "America/Sao_Paulo"),
    *("Pacific/Apia", "Africa/Casablanca", "America/St_Johns", "Antarctica/Troll", "Asia/Pyongyang", "UTC"),
)
PEOPLE = ("a", "b", "c", "d", "e")
HOLIDAYS = {"state": ("2026-12-25", "2026-12-26", "2026-03-29", "2026-10-25"), "moon": ("2026-05-01",)}


# ------------------------------------------------------------------ the slow reading
def shown(zone: str, at: datetime) -> datetime:
    """The furthest that the wall clock has shown, looked for minute by minute in the hours before."""
    where = ZoneInfo(zone)
    at = at.replace(second=0, microsecond=0)
    return max((at - n * MINUTE).astimezone(where).replace(tzinfo=None) for n in range(300))


def hand_offs(layer: Layer) -> Iterator[datetime]:
    """What the wall clock shows at the first, the second, ... hand-off."""
    on, _, clock = layer.handoff.rpartition(" ")
    at = datetime.combine(date.fromisoformat(layer.start), time.fromisoformat(clock))
    if layer.rotate == "monthly":
        month = date.fromisoformat(layer.start).replace(day=1)
        started = False
        while True:
            day = month.replace(day=min(int(on), monthrange(month.year, month.month)[1]))
            if started or day >= date.fromisoformat(layer.start):
                yield datetime.combine(day, at.time())
                started = True
            for _n in range(layer.every if started else 1):
                month = (month + 31 * DAY).replace(day=1)
    while layer.rotate == "weekly" and WEEKDAYS[at.weekday()] != on:
        at += DAY
    step = {"hourly": timedelta(hours=1), "daily": DAY, "weekly": 7 * DAY}[layer.rotate] * layer.every
    while True:
        yield at
        at += step


def in_span(span: Span, now: datetime) -> bool:
    for day in (now.date(), now.date() - DAY):
        begin = datetime.combine(day, time.fromisoformat(span.start))
        end = datetime.combine(day + DAY, time()) if span.end == "24:00" else None
        end = end or datetime.combine(day, time.fromisoformat(span.end))
        if end <= begin:
            end += DAY
        if WEEKDAYS[day.weekday()] in span.days and begin <= now < end:
            return True
    return False


def turn_of(layer: Layer, now: datetime) -> int:
    """How many hand-offs the wall clock has come to, less one; negative where the layer has nobody."""
    today = now.date().isoformat()
    if layer.hours and not any(in_span(span, now) for span in layer.hours):
        return -1
    if any(today in HOLIDAYS[name] for name in layer.except_):
        return -1
    if layer.only and not any(today in HOLIDAYS[name] for name in layer.only):
        return -1
    turn = -1
    for at in hand_offs(layer):
        if at > now:
            return turn
        turn += 1
    raise AssertionError


def slowly(
    schedule: Schedule, away: dict[str, Any], overrides: list[Override], at: datetime, out: frozenset[str]
) -> str | None:
    hold = [one for one in overrides if one.since <= at < one.until and one.schedule in ("", "first")]
    gone = set(out) | {one.away for one in hold if one.away}
    gone |= {name for name, spans in away.items() if any(begin <= at < end for begin, end in spans)}
    for one in sorted(hold, key=lambda one: one.id, reverse=True):
        if one.person and one.person not in gone and not out:
            return one.person
    now = shown(schedule.time_zone, at)
    turns = [(layer, turn_of(layer, now)) for layer in schedule.layers]
    there = [(layer, turn) for layer, turn in reversed(turns) if turn >= 0]
    found = None
    for layer, turn in there:
        if found is None and layer.people[turn % len(layer.people)] not in gone:
            found = layer.people[turn % len(layer.people)]
    for layer, turn in there:
        for later in range(turn, turn + len(layer.people)):
            if found is None and layer.people[later % len(layer.people)] not in gone:
                found = layer.people[later % len(layer.people)]
    if found and not out and any(not one.person and not one.away for one in hold):
        return slowly(schedule, away, overrides, at, frozenset({found}))
    return found


# ------------------------------------------------------------------ anything
@cache
def changed(zone: str) -> tuple[datetime, ...]:
    return tuple(at for at, _ in clock_changes(ZoneInfo(zone), FROM, TO)) or (FROM,)


clocks = st.sampled_from(["00:00", "00:30", "01:30", "02:00", "02:15", "02:59", "03:00", "09:00", "23:59"])
days = st.dates(date(2010, 1, 1), date(2029, 12, 31))


@st.composite
def layers(draw: st.DrawFn) -> Layer:
    rotate = draw(st.sampled_from(["hourly", "daily", "weekly", "monthly"]))
    first = draw(days)
    if rotate == "hourly":  # the slow reading walks through every hour
        first = draw(st.dates(date(2026, 1, 1), date(2026, 6, 1)))
    before = {"weekly": st.sampled_from(WEEKDAYS), "monthly": st.integers(1, 31)}.get(rotate, st.none())
    on = draw(before)
    spans = st.builds(
        lambda days, begin, end: Span.model_validate({"days": days, "from": begin, "to": end}),
        st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=7, unique=True),
        clocks,
        clocks | st.just("24:00"),
    )
    holidays = st.lists(st.sampled_from(sorted(HOLIDAYS)), max_size=1)
    return Layer.model_validate(
        {
            "rotate": rotate,
            "every": draw(st.integers(1, 9)),
            "handoff": (f"{on} " if on is not None else "") + draw(clocks),
            "start": first.isoformat(),
            "people": draw(st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=4, unique=True)),
            "hours": draw(st.lists(spans, max_size=2)),
            "except": draw(holidays),
            "only": draw(st.just([]) | holidays),
        }
    )


@st.composite
def instants(draw: st.DrawFn, zone: str) -> datetime:
    """Anywhere in twenty years, mostly in the year of the holidays and near changes of the clocks."""
    near = st.sampled_from(changed(zone)) | st.sampled_from(
        [datetime.fromisoformat(day).replace(tzinfo=UTC) for day in HOLIDAYS["state"]]
    )
    at = draw(st.integers(0, (TO - FROM) // MINUTE - 400).map(lambda n: FROM + n * MINUTE) | near)
    return at + draw(st.integers(-300, 300)) * MINUTE + timedelta(seconds=draw(st.sampled_from([0, -1, 1])))


@st.composite
def overrides(draw: st.DrawFn, at: datetime) -> list[Override]:
    found = []
    for id in range(1, draw(st.integers(0, 4)) + 1):
        since = at + draw(st.integers(-3000, 300)) * MINUTE
        away = draw(st.sampled_from(["", "", *PEOPLE]))
        found.append(
            Override(
                id=id,
                since=since,
                until=since + draw(st.integers(1, 5000)) * MINUTE,
                by="x",
                schedule=draw(st.sampled_from(["first", "first", "second"] + ([""] if away else []))),
                person="" if away else draw(st.sampled_from(["", *PEOPLE])),
                away=away,
            )
        )
    return found


@pytest.mark.parametrize("zone", ZONES)
@settings(max_examples=examples(25))
@given(data=st.data())
def test_each_instant_has_the_person_whom_the_slow_reading_finds(zone: str, data: st.DataObject) -> None:
    schedule = Schedule(time_zone=zone, layers=tuple(data.draw(st.lists(layers(), min_size=1, max_size=3))))
    at = data.draw(instants(zone))
    away = {
        person: ((at - hours * 37 * MINUTE, at + hours * MINUTE),)
        for person, hours in data.draw(st.dictionaries(st.sampled_from(PEOPLE), st.integers(-9, 90))).items()
        if hours
    }
    made = data.draw(overrides(at))
    found = roster("first", schedule, holidays=HOLIDAYS, away=away).on_call(at, changes(made))
    assert (found and found.person) == slowly(schedule, away, made, at, frozenset())


@pytest.mark.parametrize("zone", ZONES)
@settings(max_examples=examples(25))
@given(data=st.data())
def test_pieces_tile_time_and_each_has_one_answer(zone: str, data: st.DataObject) -> None:
    schedule = Schedule(time_zone=zone, layers=tuple(data.draw(st.lists(layers(), min_size=1, max_size=3))))
    at = data.draw(instants(zone))
    made = changes(data.draw(overrides(at)))
    one = roster("first", schedule, holidays=HOLIDAYS, away={"a": ((at, at + 3 * DAY),)})
    start, end = at - 2 * DAY, at + 5 * DAY
    found = list(pieces(one, start, end, made))
    assert (found[0].start, found[-1].end) == (start, end)
    for before, after in itertools.pairwise(found):
        assert before.start < before.end == after.start
        assert before.turn != after.turn
    for piece in found:
        step = max((piece.end - piece.start) / 7, timedelta(microseconds=1))
        inside = [piece.start + n * step for n in range(7)] + [piece.end - timedelta(microseconds=1)]
        assert {one.on_call(moment, made) for moment in inside} == {piece.turn}
    shift = shift_at(one, at, made)
    if shift is not None:
        assert shift.start <= at < shift.end
        assert one.on_call(shift.end, made) != one.on_call(at, made)
        assert one.on_call(shift.start - timedelta(microseconds=1), made) != one.on_call(at, made)


# ------------------------------------------------------------------ one by one
def weekly(**more: Any) -> dict[str, Any]:
    return {"rotate": "weekly", "handoff": "Mon 09:00", "start": "2026-01-05", "people": ["a", "b"], **more}


def read(*layers: dict[str, Any], zone: str = "UTC", **more: Any) -> Roster:
    return roster("first", Schedule(time_zone=zone, layers=tuple(map(Layer.model_validate, layers))), **more)


def who(one: Roster, at: str, *made: Override) -> str | None:
    turn = one.on_call(datetime.fromisoformat(at).replace(tzinfo=UTC), changes(made))
    return None if turn is None else turn.person


def override(id: int = 1, **more: Any) -> Override:
    since, until = datetime(2026, 1, 6, tzinfo=UTC), datetime(2026, 1, 8, tzinfo=UTC)
    return Override(id=id, **{"since": since, "until": until, "by": "x", "schedule": "first", **more})


def test_a_layer_with_hours_stands_above_only_in_them() -> None:
    hours = [{"days": ["Mon", "Tue", "Wed", "Thu", "Fri"], "from": "09:00", "to": "17:00"}]
    one = read(weekly(people=["night"]), weekly(people=["day"], hours=hours), zone="Europe/Berlin")
    assert [who(one, f"2026-07-01T{hour}") for hour in ("06:59", "07:00", "14:59", "15:00")] == [
        "night", "day", "day", "night",
    ]  # fmt: skip
    assert who(one, "2026-07-04T10:00") == "night"


def test_three_zones_follow_the_sun_without_a_gap() -> None:
    spans = [("00:00", "08:00"), ("08:00", "16:00"), ("16:00", "24:00")]
    layers = [
        weekly(people=[name], handoff="Mon 00:00", hours=[{"from": begin, "to": end}])
        for name, (begin, end) in zip(("apac", "emea", "amer"), spans, strict=True)
    ]
    one = read(*layers)
    start = datetime(2026, 3, 2, tzinfo=UTC)
    found = list(pieces(one, start, start + 30 * DAY))
    assert len(found) == 90
    assert all(piece.turn is not None and piece.end - piece.start == timedelta(hours=8) for piece in found)


def test_holidays_hand_over_to_the_layer_below() -> None:
    one = read(weekly(people=["spare"]), weekly(people=["a"], **{"except": ["state"]}), holidays=HOLIDAYS)
    assert [who(one, f"2026-12-{day}T12:00") for day in (24, 25, 26, 27)] == ["a", "spare", "spare", "a"]


def test_who_is_away_hands_over_to_the_layer_below_else_to_the_next_in_turn() -> None:
    at = "2026-01-06T12:00"
    away = {"a": ((datetime(2026, 1, 6, tzinfo=UTC), datetime(2026, 1, 7, tzinfo=UTC)),)}
    assert who(read(weekly(), away=away), at) == "b"
    assert who(read(weekly(people=["below"]), weekly(), away=away), at) == "below"
    assert who(read(weekly(people=["a"]), away=away), at) is None
    assert who(read(weekly(), away=away), "2026-01-07T00:00") == "a"


def test_the_newest_override_holds_until_before_its_end() -> None:
    one = read(weekly())
    made = override(1, person="c"), override(2, person="d", until=datetime(2026, 1, 7, tzinfo=UTC))
    assert [who(one, f"2026-01-0{day}T00:00", *made) for day in (5, 6, 7, 8)] == [None, "d", "c", "a"]


def test_an_override_that_names_nobody_hands_over_to_the_layer_below() -> None:
    assert who(read(weekly(people=["below"]), weekly()), "2026-01-06T12:00", override()) == "below"
    assert who(read(weekly()), "2026-01-06T12:00", override()) == "b"


def test_an_override_of_another_schedule_changes_nothing_and_an_absence_every_one() -> None:
    assert who(read(weekly()), "2026-01-06T12:00", override(person="c", schedule="second")) == "a"
    assert who(read(weekly()), "2026-01-06T12:00", override(away="a", schedule="")) == "b"


def test_whom_the_files_no_longer_know_is_put_on_call_by_no_override() -> None:
    assert who(read(weekly(), people={"a", "b"}), "2026-01-06T12:00", override(person="gone")) == "a"


def test_months_without_the_day_hand_off_on_their_last() -> None:
    layer = {"rotate": "monthly", "handoff": "31 09:00", "start": "2026-01-01", "people": ["a", "b", "c"]}
    one = read(layer)
    changes_at = [
        piece.start.date().isoformat()
        for piece in pieces(one, FROM.replace(year=2026), TO.replace(year=2027))
    ]
    assert changes_at[:5] == ["2026-01-01", "2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]


def test_every_third_day_is_counted_in_days_of_the_wall_clock() -> None:
    layer = {"rotate": "daily", "every": 3, "handoff": "09:00", "start": "2026-03-27", "people": ["a", "b"]}
    one = read(layer, zone="Europe/Berlin")
    assert [who(one, f"2026-03-{day}T06:59") for day in (28, 30, 31)] == ["a", "a", "b"]
    assert who(one, "2026-03-30T07:00") == "b"
