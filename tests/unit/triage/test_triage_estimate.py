"""Evidence that overlaps is never added up; what is unknown stays unknown."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irpd.model.share import UNKNOWN, Answer, Impact, Part, Said
from irpd.triage.distinct import Count
from irpd.triage.estimate import People, estimate
from irpd.triage.evidence import during, first_count, heard

AT = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
USERS = range(60)
subsets = st.frozensets(st.sampled_from(USERS), min_size=1)


def exactly(n: int) -> Count:
    return Count(value=n, low=n, high=n)


def parts_of(*impacts: tuple[str, Impact]) -> tuple[Part, ...]:
    parts: tuple[Part, ...] = ()
    for service, impact in impacts:
        parts = heard(parts, service, Impact(), impact)
    return parts


# ------------------------------------------------------------------ the true union
@given(
    st.dictionaries(
        st.sampled_from("abc"),
        st.tuples(
            subsets,  # who uses the service
            st.lists(st.tuples(st.sampled_from(["label", "sentry", "field"]), subsets), max_size=4),
            st.none() | subsets,  # whom monitoring counts
        ),
        min_size=1,
    ),
    st.none() | subsets,  # of whom was heard
    st.booleans(),
)
def test_the_true_share_of_the_union_lies_within_the_bounds(
    world: dict[str, tuple[frozenset[int], list[tuple[str, frozenset[int]]], frozenset[int] | None]],
    named: frozenset[int] | None,
    written: bool,
) -> None:
    """However the people behind the evidences overlap, the share is above the truth by no more than the
    distance to its lower bound, and with one service not at all."""
    parts: tuple[Part, ...] = ()
    answers = []
    truth: dict[str, set[int]] = {}
    for service, (users, reports, measured) in world.items():
        for method, people in reports:
            hit = people & users
            truth.setdefault(service, set()).update(hit)
            share = f"{len(hit)}/{len(users)}" if written and method == "label" else None
            said = Impact(affected=None if share else len(hit), share=share, method=method)
            parts = heard(parts, service, Impact(), said)
        if measured is not None:
            truth.setdefault(service, set()).update(measured & users)
            answers.append(Answer(service=service, at=AT, affected=len(measured & users)))
    everybody = set().union(*(users for users, _, _ in world.values()))
    heard_of = named & everybody if named is not None else frozenset()
    people = People(exactly(len(heard_of))) if heard_of else None
    share = estimate(
        tuple(sorted((name, len(users)) for name, (users, _, _) in world.items())),
        parts,
        tuple(answers),
        people,
    )
    told = [name for name in world if name in truth]
    if not told and not heard_of:
        assert share == UNKNOWN
        return
    if heard_of and len(told) < len(world):
        return  # they may be of the service of which nothing else is known; the next test is about that
    hit = set().union(*(truth[name] for name in told)) | heard_of
    users = set().union(*(world[name][0] for name in told or world))
    true = Fraction(len(hit & users), len(users))
    assert share.bounds is not None
    assert share.fraction is not None
    low, high = share.bounds
    assert low <= true <= high
    assert low <= share.fraction <= high
    assert share.fraction <= true + (share.fraction - low)
    if len(world) == 1:
        assert low == share.fraction <= true


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["label", "field"]), st.integers(0, 80))),
       st.randoms())  # fmt: skip
def test_the_order_of_signals_never_shows(said: list[tuple[str, str, int]], random: Random) -> None:
    impacts = [(service, Impact(affected=count, method=method)) for service, method, count in said]
    shuffled = list(impacts)
    random.shuffle(shuffled)
    assert parts_of(*impacts) == parts_of(*shuffled)


@given(st.lists(st.integers(0, 80), min_size=1, max_size=6))
def test_a_report_that_comes_again_adds_nothing(counts: list[int]) -> None:
    parts: tuple[Part, ...] = ()
    before = Impact()
    for count in counts:
        now = Impact(affected=count, method="label")
        parts = heard(parts, "a", before, now)
        assert heard(parts, "a", now, now) is parts
        before = now
    (part,) = parts
    assert (part.affected, part.signals) == (max(counts), 1)


# ------------------------------------------------------------------ one service
def test_of_several_evidences_the_largest_stands_and_their_sum_is_the_most() -> None:
    parts = parts_of(("a", Impact(affected=30, method="label")), ("a", Impact(affected=20, method="label")))
    share = estimate((("a", 100),), parts, (Answer(service="a", at=AT, affected=25),), People(exactly(5)))
    assert (share.fraction, share.affected, share.method) == (Fraction(3, 10), 30, "label")
    assert share.bounds == (Fraction(3, 10), Fraction(8, 10))
    assert share.parts == (
        Said(method="label", service="a", affected=30, users=100),
        Said(method="promql", service="a", affected=25, users=100),
        Said(method="reporters", service="a", affected=5, users=100),
    )


def test_the_sum_is_never_more_than_everybody() -> None:
    share = estimate((("a", 100),), parts_of(*[("a", Impact(affected=70, method="label"))] * 3))
    assert share.bounds == (Fraction(7, 10), Fraction(1))


def test_what_monitoring_counts_as_users_stands_before_what_the_files_say() -> None:
    answer = Answer(service="a", at=AT, affected=50, users=100)
    assert estimate((("a", 1000),), (), (answer,)).fraction == Fraction(1, 2)
    assert estimate((("a", None),), (), (answer,)).fraction == Fraction(1, 2)


@pytest.mark.parametrize("users", [None, 0, -3])
def test_without_a_number_of_users_the_share_is_unknown_and_the_count_is_kept(users: int | None) -> None:
    share = estimate((("a", users),), parts_of(("a", Impact(affected=30, method="label"))))
    assert (share.known, share.level, share.affected, share.bounds) == (False, None, 30, None)


def test_nothing_said_is_unknown() -> None:
    assert estimate((("a", 100),)) == UNKNOWN
    assert estimate((("a", 100),), (), (Answer(service="a", at=AT, users=7),)) == UNKNOWN
    assert estimate((("a", 100),), parts_of(("b", Impact(affected=30, method="label")))) == UNKNOWN


def test_a_sketch_of_people_carries_its_error_into_the_bounds() -> None:
    share = estimate((("a", 1000),), (), (), People(Count(value=500, low=450, high=550), "people"))
    assert (share.fraction, share.method) == (Fraction(1, 2), "people")
    assert share.bounds == (Fraction(45, 100), Fraction(55, 100))


# ------------------------------------------------------------------ several services
def test_over_several_services_the_share_is_of_all_their_users() -> None:
    parts = parts_of(("a", Impact(affected=900, method="label")), ("b", Impact(affected=0, method="label")))
    share = estimate((("a", 1000), ("b", 9000)), parts)
    assert (share.fraction, share.affected, share.users) == (Fraction(9, 100), 900, 10_000)
    assert share.bounds == (Fraction(9, 100), Fraction(1, 10))


def test_a_service_of_which_nothing_is_known_does_not_thin_out_the_share() -> None:
    share = estimate((("a", 1000), ("b", 9000)), parts_of(("a", Impact(affected=900, method="label"))))
    assert (share.fraction, share.users) == (Fraction(9, 10), 1000)


def test_of_services_whose_size_nobody_knows_the_worst_stands_for_all() -> None:
    parts = parts_of(("a", Impact(share="9/10", method="label")), ("b", Impact(share="1/10", method="label")))
    share = estimate((("a", None), ("b", 9000)), parts)
    assert share.fraction == Fraction(9, 10)
    assert share.bounds == (Fraction(0), Fraction(1))


def test_people_of_any_of_the_services_count_among_all_of_their_users() -> None:
    share = estimate((("a", 100), ("b", 300)), (), (), People(exactly(40)))
    assert (share.fraction, share.method) == (Fraction(1, 10), "reporters")
    assert share.bounds == (Fraction(1, 10), Fraction(40, 300))


# ------------------------------------------------------------------ counts of all time
def sentry(count: int) -> Impact:
    return Impact(affected=count, method="sentry")


def test_of_an_old_issue_only_what_is_added_during_the_incident_counts() -> None:
    since = first_count(sentry(500), AT - timedelta(days=30), AT)
    assert since == 500
    assert not during(sentry(500), since).known
    assert during(sentry(540), since) == sentry(40)
    assert not during(sentry(100), since).known  # Sentry forgot some: none is not fewer than none


def test_of_an_issue_that_has_just_begun_everybody_counts() -> None:
    assert during(sentry(7), first_count(sentry(7), AT - timedelta(minutes=5), AT)) == sentry(7)
    assert during(sentry(7), first_count(sentry(7), None, AT)) == sentry(7)


def test_a_count_that_is_not_of_all_time_is_taken_as_it_is() -> None:
    label = Impact(affected=500, method="label")
    assert first_count(label, AT - timedelta(days=30), AT) is None
    assert during(label, None) == label
