"""Different people: exact while few, then a sketch whose error is stated."""

import hashlib
from collections.abc import Iterable
from functools import cache, reduce
from random import Random

import pytest
from harness.examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from irpd.model.share import NOBODY, Distinct
from irpd.triage.distinct import ERROR, EXACT, added, counted, is_new, union

numbers = st.sets(st.integers(0, 400), max_size=350)


def person(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()[:16]


def crowd(people: Iterable[int]) -> Distinct:
    return reduce(added, map(person, people), NOBODY)


@cache
def first(size: int) -> Distinct:
    """The first so many people."""
    return crowd(range(size))


@settings(max_examples=examples(30))
@given(st.sets(st.integers(0, 10**6), max_size=EXACT))
def test_few_people_are_counted_exactly(people: set[int]) -> None:
    count = counted(crowd(people))
    assert (count.value, count.low, count.high) == (len(people), len(people), len(people))


@pytest.mark.parametrize("size", [EXACT + 1, 1_000, 5_000, 50_000])
def test_many_people_are_counted_within_the_stated_bounds(size: int) -> None:
    count = counted(first(size))
    assert count.low <= size <= count.high
    assert abs(count.value - size) <= 2 * ERROR * size


@settings(max_examples=examples(30))
@given(st.lists(st.integers(0, 400), max_size=350), st.randoms())
def test_neither_order_nor_repetition_changes_a_set(people: list[int], random: Random) -> None:
    shuffled = [*people, *people[: len(people) // 2]]
    random.shuffle(shuffled)
    assert crowd(people) == crowd(shuffled)


@settings(max_examples=examples(30))
@given(numbers, numbers)
def test_a_union_is_what_adding_everybody_to_one_set_gives(one: set[int], other: set[int]) -> None:
    assert union(crowd(one), crowd(other)) == crowd(one | other)


@settings(max_examples=examples(30))
@given(numbers, st.integers(0, 400))
def test_who_changes_nothing_gives_the_same_value_back(people: set[int], number: int) -> None:
    there = crowd(people)
    assert is_new(there, person(number)) == (added(there, person(number)) is not there)
    if number in people:
        assert not is_new(there, person(number))


def test_a_set_takes_at_most_two_kibibytes() -> None:
    for size in (EXACT, EXACT + 1, 50_000):
        there = first(size)
        assert len(there.exact) + len(there.sketch) <= 2048


def test_an_identity_that_is_no_keyed_hash_is_a_person_too() -> None:
    there = reduce(added, ["x", "", "zz" * 8, "\udcff", person(1)], NOBODY)
    assert counted(there).value == 5
    assert not is_new(there, "x")
