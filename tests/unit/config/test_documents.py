"""Reading one file: positions, and what is refused."""

import os
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from irpd.config.problem import ConfigurationError, Problem
from irpd.config.yaml import MAX_BYTES, Document, parse_document, read_document

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(codec="ascii", min_codepoint=32), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(codec="ascii", categories=["L"]), min_size=1), inner, max_size=4
        )
    ),
    max_leaves=20,
)


def refused(text: str | bytes) -> Problem:
    with pytest.raises(ConfigurationError) as caught:
        parse_document(text, "a.yaml")
    (problem,) = caught.value.problems
    return problem


@given(plain, st.booleans())
def test_a_document_reads_as_the_value_that_was_written(value: object, flow: bool) -> None:
    document = parse_document(yaml.safe_dump(value, default_flow_style=flow), "a.yaml")
    assert document.value == value
    assert not document.problems


@given(plain)
def test_each_value_has_its_place(value: object) -> None:
    document = parse_document(yaml.safe_dump(value), "a.yaml")

    def places(value: object, path: tuple[str | int, ...]) -> None:
        assert path in document.positions
        for key, item in value.items() if isinstance(value, dict) else []:
            line, column = document.key_positions[(*path, key)]
            assert key in document.lines[line - 1][column - 1 :]
            places(item, (*path, key))
        for n, item in enumerate(value) if isinstance(value, list) else []:
            places(item, (*path, n))

    places(value, ())


def attempted(data: str | bytes) -> Document | tuple[Problem, ...]:
    try:
        return parse_document(data, "a.yaml")
    except ConfigurationError as error:
        return error.problems


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_whatever_the_bytes_are_the_answer_is_a_document_or_a_problem(data: str | bytes) -> None:
    assert attempted(data) != ()


@given(st.text("{}[]:,-&*!|>'\"#%@`? \n\tab1<", max_size=60))
def test_whatever_the_punctuation_the_answer_is_a_document_or_a_problem_in_a_line(text: str) -> None:
    answer = attempted(text)
    assert isinstance(answer, Document) or all(problem.line >= 1 for problem in answer)


def test_lines_and_columns_count_from_one_and_in_characters() -> None:
    document = parse_document('a: 1\nü: {é: "ñ", b: [x, y]}\n', "a.yaml")
    assert document.positions[("a",)] == (1, 4)
    assert document.positions[("ü", "é")] == (2, 8)
    assert document.key_positions[("ü", "b")] == (2, 13)
    assert document.positions[("ü", "b", 1)] == (2, 20)


def test_windows_line_ends_and_a_byte_order_mark_change_nothing() -> None:
    document = parse_document(b"\xef\xbb\xbfa: 1\r\nb:\r\n  c: 2\r\n", "a.yaml")
    assert document.value == {"a": 1, "b": {"c": 2}}
    assert document.positions[("b", "c")] == (3, 6)


def test_a_key_that_stands_twice_names_both_places_and_keeps_the_first() -> None:
    document = parse_document("a: {b: 1}\nc:\n  d: 1\n  e: 2\n  d: 3\na: 4\n", "a.yaml")
    assert document.value == {"a": {"b": 1}, "c": {"d": 1, "e": 2}}
    assert [str(problem) for problem in document.problems] == [
        "a.yaml:5:3: error: c.d: stands twice, first in line 3, column 3",
        "a.yaml:6:1: error: a: stands twice, first in line 1, column 1",
    ]


@pytest.mark.parametrize(
    "key, says",
    [
        ("on", 'YAML reads on as true; quote it: "on"'),
        ("NO", 'YAML reads NO as false; quote it: "NO"'),
        ("~", 'YAML reads ~ as nothing; quote it: "~"'),
        ("1", 'YAML reads 1 as a number; quote it: "1"'),
        ("22:00", 'YAML reads 22:00 as a number; quote it: "22:00"'),
        ("2026-01-05", 'YAML reads 2026-01-05 as a date; quote it: "2026-01-05"'),
        ("[a, b]", "a key is a text, not a list"),
        ("{a: b}", "a key is a text, not a mapping"),
    ],
)
def test_a_key_that_is_no_text_is_said_with_its_fix(key: str, says: str) -> None:
    document = parse_document(f"x: 1\n? {key}\n: 2\n", "a.yaml")
    (problem,) = document.problems
    assert says in problem.message
    assert (problem.line, problem.column) == (2, 3)
    assert document.value == {"x": 1}


def test_levels_by_number_are_told_their_names() -> None:
    document = parse_document("levels: {1: {urgency: now}}\n", "a.yaml")
    assert "critical, high, medium, low" in document.problems[0].message


def test_aliases_and_merges_are_filled_in() -> None:
    text = "base: &b {x: 1, y: 2}\nuse: {<<: *b, y: 3}\nlist: [*b, *b]\nboth: {<<: [{z: 1}, *b]}\n"
    document = parse_document(text, "a.yaml")
    assert document.value == {
        "base": {"x": 1, "y": 2},
        "use": {"y": 3, "x": 1},
        "list": [{"x": 1, "y": 2}, {"x": 1, "y": 2}],
        "both": {"z": 1, "x": 1, "y": 2},
    }
    assert document.positions[("list", 1, "x")] == document.positions[("base", "x")]


@pytest.mark.parametrize(
    "text, place, says",
    [
        ("a: &a [*a]", (1, 8), "stands inside what it names"),
        ("a: *b", (1, 4), "no anchor &b"),
        ("a: 1\n---\nb: 2\n", (2, 1), "a second document"),
        ("a: !!python/object/apply:os.system [x]", (1, 4), "tag"),
        ("a: !include secrets.yaml", (1, 4), "tag"),
        ("a:\n\tb: 1\n", (2, 1), "a tab"),
        ("a: [1, 2\nb: 3\n", (2, 2), "begins in line 1"),
        ("a: 'never closed\n", (2, 1), "quoted scalar"),
        ("a: b: c", (1, 5), "mapping values are not allowed"),
        ("a: \x00", (1, 4), "control character U+0000"),
        ("a: 1\nb: x\x1by", (2, 5), "control character U+001B"),
        (b"a: 1\nb: caf\xe9\n", (2, 7), "not UTF-8: byte 0xe9"),
        ("a: 1\n".encode("utf-16"), (1, 1), "UTF-16"),
        ("[" * 10_000, (1, 42), "nested more than 40 deep"),
        ("a: " + "{a: " * 10_000, (1, 161), "nested more than 40 deep"),
        ("- " * 10_000, (1, 83), "nested more than 40 deep"),
    ],
)
def test_what_cannot_be_read_on_is_said_at_its_place(
    text: str | bytes, place: tuple[int, int], says: str
) -> None:
    problem = refused(text)
    assert says in problem.message
    assert (problem.line, problem.column) == place


def test_a_few_lines_of_aliases_do_not_become_a_billion_values() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    began = time.monotonic()
    assert "once its aliases are filled in" in refused("\n".join(lines)).message
    assert time.monotonic() - began < 2


def test_a_merge_bomb_is_refused() -> None:
    lines = ["a0: &a0 {k0: 1, k1: 1}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 12)]
    assert "once its aliases are filled in" in refused("\n".join(lines)).message


def test_a_huge_file_is_refused_without_being_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "huge.yaml"
    with file.open("wb") as stream:
        stream.truncate(50 * 1024 * 1024)
    with pytest.raises(ConfigurationError, match="larger than 2 MiB"):
        read_document(file)
    with pytest.raises(ConfigurationError, match="larger than 2 MiB"):
        parse_document("x" * (MAX_BYTES + 1), "a.yaml")


def test_a_number_with_thousands_of_digits_is_text(tmp_path: Path) -> None:
    assert parse_document("a: " + "9" * 5000, "a.yaml").value == {"a": "9" * 5000}


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "\ufeff"])
def test_an_empty_file_is_a_document_without_a_value(text: str) -> None:
    assert parse_document(text, "a.yaml").value is None


def test_a_file_that_is_not_there_or_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"missing.yaml: error: no such file"):
        read_document(tmp_path / "missing.yaml")
    with pytest.raises(ConfigurationError, match="not a file"):
        read_document(tmp_path)
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(ConfigurationError, match="not a file"):
        read_document(tmp_path / "pipe.yaml")
    with pytest.raises(ConfigurationError, match="can't be read"):
        read_document("a\0b")


def test_a_file_that_may_not_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("a: 1")

    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(ConfigurationError, match="can't be read: Permission denied"):
        read_document(file)


def test_a_problem_holds_its_line_unless_that_may_be_secret() -> None:
    document = parse_document("a: 1\nb: x\n", "a.yaml")
    assert document.problem(("b",), "wrong").source_line == "b: x"
    assert document.problem(("b",), "wrong", secret=True).source_line == ""
    assert str(document.problem(("b", 3, "c"), "missing")) == "a.yaml:2:1: error: b[3].c: missing"
