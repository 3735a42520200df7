"""The index answers what asking each match in turn would, and its memory is bounded."""

from collections.abc import Mapping
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from irpd.triage import matching
from irpd.triage.matching import Found, Match, MatchIndex

values = st.sampled_from(["", "a", "b", "c"])
columns = st.sampled_from(["source", "service", "labels.x", "labels.y", "labels.z"])
matches = st.builds(
    Match, st.dictionaries(columns, st.lists(values, min_size=1, max_size=3).map(tuple), max_size=4)
)
signals = st.tuples(values, values, st.dictionaries(st.sampled_from(["x", "y", "z", "w"]), values))


def found(result: Found, _: Mapping[str, str]) -> Found:
    return result


def brute(all_matches: list[Match], row: Mapping[str, str]) -> Found:
    missed = [match.missed(row) for match in all_matches]
    return Found(
        tuple(n for n, one in enumerate(missed) if not one),
        tuple((n, one[0]) for n, one in enumerate(missed) if all_matches[n].nearly(one)),
    )


@given(st.lists(matches, max_size=12), st.lists(signals, min_size=1, max_size=5))
def test_the_index_finds_what_asking_each_match_finds(
    all_matches: list[Match], several: list[tuple[str, str, dict[str, str]]]
) -> None:
    index = MatchIndex(all_matches, found)
    for source, service, labels in several * 2:  # the second time out of its memory
        fields = SimpleNamespace(source=source, service=service)
        assert index.find(fields, labels) == brute(all_matches, index.row(fields, labels))


def test_a_missing_label_is_the_empty_text() -> None:
    index = MatchIndex([Match({"labels.x": ("",)}), Match({"labels.x": ("a",)})], found)
    assert index.find(SimpleNamespace(), {}).held == (0,)
    assert index.find(SimpleNamespace(), {"x": ""}).held == (0,)
    assert index.find(SimpleNamespace(), {"x": "a"}).held == (1,)


def test_holding_only_in_the_source_is_no_near_thing() -> None:
    general = Match({"source": ("a",), "labels.x": ("1",)})
    telling = Match({"service": ("a",), "labels.x": ("1",)})
    index = MatchIndex([general, telling], found)
    assert index.find(SimpleNamespace(source="a", service="a"), {}).nearly == ((1, "labels.x"),)


def test_labels_that_differ_each_time_do_not_fill_the_memory() -> None:
    index = MatchIndex([Match({"labels.x": ("1",)})], found)
    for n in range(matching.MEMORY * 2 + 10):
        index.find(SimpleNamespace(), {"x": str(n)})
    assert len(index._memory) <= matching.MEMORY
    assert index.find(SimpleNamespace(), {"x": "1"}).held == (0,)


def test_rows_of_huge_values_are_answered_but_not_remembered() -> None:
    index = MatchIndex([Match({"labels.x": ("1",)}), Match({"labels.x": ("2" * 5000,)})], found)
    assert index.find(SimpleNamespace(), {"x": "2" * 5000}).held == (1,)
    assert index.find(SimpleNamespace(), {"x": "2" * 5000}).held == (1,)
    assert len(index._memory) == 0
