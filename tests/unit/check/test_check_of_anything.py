"""Whatever stands in the files, the answer is a list of problems, never an exception."""

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness.examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from irpd.check import check_files

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
EXAMPLE = yaml.safe_load((ROOT / "config" / "irpd.yaml").read_text()) | {"rules": []}

# What people write, and what they don't: each may stand anywhere.
ANYTHING = st.sampled_from(
    yaml.safe_load(r"""
[null, true, false, 0, 1, 4, -1, 7, 1180591620717411303424, 0.5, .inf, "", x, emil, 5m, 0m, 3650d, none,
 "09:00", "24:00", Mon 09:00, "2026-01-05", "9999-12-31", Europe/Berlin, ../x, "https://a:b@c",
 "\x7f", "\U0001F692", "127.0.0.1:1", "http://[", engineering, alertmanager, a.b, [], {}, [[]], [{}], [emil],
 {env: HOME}, {file: x}, {person: emil}, {type: smtp}, {auth: {bearer: {env: X}}},
 [1, 2], [1, 1], {a: {b: {c: d}}}]
""")
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


PLACES = [path for path in places(EXAMPLE) if path]


@settings(max_examples=examples(300))
@given(st.lists(st.tuples(st.sampled_from(PLACES), ANYTHING | st.just("(left out)")), min_size=1, max_size=3))
def test_whatever_is_put_at_whatever_place_is_answered(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[tuple[Any, ...], Any]]
) -> None:
    value = copy.deepcopy(EXAMPLE)
    for path, new in changes:
        holder = value
        try:
            for part in path[:-1]:
                holder = holder[part]
            if new == "(left out)":
                del holder[path[-1]]
            else:
                holder[path[-1]] = copy.deepcopy(new)  # the same one may come twice, once into itself
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    file = tmp_path_factory.mktemp("any") / "irpd.yaml"
    file.write_text(json.dumps(value).replace("Infinity", ".inf"))
    checked = check_files([file], now=NOW)
    assert checked.loaded is not None or not checked.good
    assert all(problem.line and problem.column and problem.message for problem in checked.problems)
    assert all(str(problem).startswith(f"{file}:") for problem in checked.problems)
