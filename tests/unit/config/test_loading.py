"""Several files as one, the rule files they name, and bundles."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irpd.config.load import bundle, load_bundle, load_configuration, read_configuration
from irpd.config.problem import ConfigurationError, Problem

Write = Callable[..., list[str]]


def refused(*paths: str | Path) -> tuple[Problem, ...]:
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(paths)
    return caught.value.problems


def test_files_are_joined_by_section_and_by_key(write: Write, good: str) -> None:
    more = "version: 1\npeople:\n  fay: {name: Fay}\nserver: {time_zone: Europe/Paris}\n"
    last = "server: {listen: '127.0.0.1:9'}\n"
    loaded = load_configuration(write(a=good, b=more, c=last, d="# nothing\n"))
    assert list(loaded.configuration.people) == ["asha", "emil", "fay"]
    assert loaded.configuration.server.time_zone == "Europe/Paris"
    assert loaded.configuration.server.listen == "127.0.0.1:9"
    assert list(loaded.files) == ["a.yaml", "b.yaml", "c.yaml", "d.yaml"]


def test_a_key_in_two_files_names_both_places(write: Write, good: str) -> None:
    problems = refused(*write(a=good, b="people:\n  asha: {name: Other}\nfallback: [asha]\nversion: 2\n"))
    assert [str(problem) for problem in problems] == [
        "b.yaml:2:3: error: people.asha: stands twice, first in a.yaml:16:3",
        "b.yaml:3:1: error: fallback: stands twice, first in a.yaml:5:1",
        "b.yaml:4:1: error: version: differs from a.yaml:1:1",
    ]


def test_a_mistake_is_named_in_the_file_where_it_stands(write: Write, good: str) -> None:
    (problem,) = refused(*write(a=good, b="people:\n  fay: {name: 7}\n"))
    assert str(problem) == 'b.yaml:2:15: error: people.fay.name: a number, not text; quote it: "7"'


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path: Path, good: str) -> None:
    folder = tmp_path / "conf.d"
    folder.mkdir()
    (folder / "10-main.yaml").write_text(good)
    (folder / "20-more.yml").write_text("people: {fay: {name: Fay}}\n")
    (folder / "15-server.yaml").write_text("server: {time_zone: UTC}\n")
    for ignored in (".hidden.yaml", "README.md", "alert.json", "30-more.yaml~", "40.yaml.bak"):
        (folder / ignored).write_text("not: [yaml")
    loaded = load_configuration([folder])
    assert [Path(name).name for name in loaded.files] == ["10-main.yaml", "15-server.yaml", "20-more.yml"]


def test_a_file_named_twice_is_read_once(write: Write, good: str, tmp_path: Path) -> None:
    write(irpd=good)
    loaded = load_configuration([tmp_path, tmp_path / "irpd.yaml", "irpd.yaml"])
    assert len(loaded.files) == 1


def test_what_is_not_there_or_empty_is_said(write: Write, tmp_path: Path) -> None:
    assert "no such file" in refused("missing.yaml")[0].message
    assert "no configuration file" in refused()[0].message
    (tmp_path / "empty").mkdir()
    assert "ends in .yaml" in refused(tmp_path / "empty")[0].message
    for content in ("", "# all of it a comment\n", "---\n"):
        (problem,) = refused(*write(irpd=content))
        assert problem.message == "nothing stands in it"
    for content in ("- a\n", "text\n", "7\n"):
        (problem,) = refused(*write(irpd=content))
        assert "the sections of a configuration" in problem.message


def test_one_file_that_cannot_be_read_is_not_said_to_lack_what_it_holds(write: Write, good: str) -> None:
    (problem,) = refused(*write(a=good, b="people: {fay: {name: Fay}"))
    assert problem.file == "b.yaml"


def test_bytes_that_are_no_configuration_are_refused_whatever_they_are(write: Write) -> None:
    for data in (b"\xff\xfe\x00", b"\x00" * 100, b"a: \xff", b"[" * 5000, b"x" * 3_000_000):
        (problem,) = refused(*write(irpd=data))
        assert problem.file == "irpd.yaml"


json_like = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
sections = (
    "version",
    "server",
    "sources",
    "unmapped",
    "operators",
    "fallback",
    "services",
    "channels",
    "notify",
)
more_sections = ("people", "schedules", "paths", "roles", "levels", "timing", "rules", "audiences", "journal")


@given(
    st.dictionaries(
        st.sampled_from(sections + more_sections),
        json_like
        | st.dictionaries(
            st.sampled_from(["default", "commander", "low", "type", "auth", "a"]), json_like, max_size=3
        ),
        max_size=6,
    )
)
def test_any_shape_of_any_section_is_answered_with_problems(
    tmp_path_factory: pytest.TempPathFactory, value: dict[str, object]
) -> None:
    file = tmp_path_factory.mktemp("any") / "irpd.yaml"
    file.write_text(json.dumps(value))
    assert read_configuration([file]).problems


def test_rule_files_are_found_relative_to_the_file_that_names_them(tmp_path: Path, good: str) -> None:
    for name in ("etc/main/irpd.yaml", "etc/rules/b.yaml", "etc/rules/a.yaml", "etc/rules/deep/c.yml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("version: 1\nrules: []\n")
    rules = "rules: [../rules/*.yaml, ../rules/a.yaml, ../rules/**/*.yml]\n"
    (tmp_path / "etc/main/irpd.yaml").write_text(good + rules)
    loaded = load_configuration([tmp_path / "etc" / "main"])
    assert [path.relative_to(tmp_path / "etc/rules").as_posix() for path in loaded.rule_paths] == [
        "a.yaml",
        "b.yaml",
        "deep/c.yml",
    ]
    assert [document.file for document in loaded.rules] == [str(path) for path in loaded.rule_paths]


def test_a_pattern_that_fits_nothing_is_a_warning_and_a_missing_file_an_error(
    write: Write, good: str
) -> None:
    loaded = load_configuration(write(irpd=good + "rules: [none/*.yaml]\n"))
    (warning,) = loaded.problems
    assert (warning.severity, warning.path) == ("warning", "rules[0]")
    (problem,) = refused(*write(irpd=good + "rules: [none.yaml]\n"))
    assert str(problem).endswith(": error: rules[0]: no such file: none.yaml")
    assert problem.line


def test_the_configuration_is_never_one_of_its_rule_files(write: Write, good: str) -> None:
    names = write(irpd=good + 'rules: ["*.yaml"]\n', rules="version: 1\n")
    loaded = load_configuration(names[:1])
    assert [str(path) for path in loaded.rule_paths] == ["rules.yaml"]
    (problem,) = refused(*write(irpd=good + "rules: [irpd.yaml]\n"))
    assert "the configuration itself" in problem.message


def test_mistakes_in_rule_files_come_with_those_of_the_configuration(write: Write, good: str) -> None:
    names = write(
        irpd=good.replace("name: Emil Novak", "name: 7") + "rules: [r.yaml, s.yaml]\n",
        r="a: [",
        s="a: 1\na: 2\n",
    )
    assert [problem.file for problem in refused(names[0])] == ["irpd.yaml", "r.yaml", "s.yaml"]


def test_the_hash_is_of_all_bytes_and_of_nothing_else(write: Write, good: str, tmp_path: Path) -> None:
    text = good + "rules: [r.yaml]\n"
    first = load_configuration(write(irpd=text, r="version: 1\n")[:1]).hash
    assert len(first) == 12
    assert load_configuration(write(irpd=text + "# a comment\n")).hash != first
    assert load_configuration(write(irpd=text, r="version: 1\n# more\n")[:1]).hash != first
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "named.yaml").write_text(text)
    (other / "r.yaml").write_text("version: 1\n")
    assert load_configuration([other / "named.yaml"]).hash == first


def test_the_hash_sees_where_one_file_ends_and_the_next_begins(write: Write, good: str) -> None:
    one = load_configuration(write(a=good + "# x\n", b="# y\n")).hash
    other = load_configuration(write(a=good, b="# x\n# y\n")).hash
    assert one != other


def test_a_bundle_comes_back_byte_for_byte_with_the_same_hash(
    write: Write, good: str, tmp_path: Path
) -> None:
    names = write(
        a=b"\xef\xbb\xbf" + good.replace("\n", "\r\n").encode() + b"rules: [r.yaml]\r\n",
        b='people: {zo\u0308e: {name: "Zoë 🚒"}}\n'.replace("zo\u0308e", "zoe"),
        r="version: 1 # ünïcode\u2028\n",
    )
    loaded = load_configuration(names[:2])
    packed = bundle(loaded)
    for name in names:
        (tmp_path / name).unlink()
    again = load_bundle(packed)
    assert again.files == loaded.files
    assert list(again.files) == list(loaded.files)
    assert (again.hash, again.configuration, again.rule_paths) == (
        loaded.hash,
        loaded.configuration,
        loaded.rule_paths,
    )
    assert bundle(again) == packed


def test_a_bundle_holds_no_secret_and_finds_it_from_any_folder(
    write: Write, good: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("hunter2\n")
    (tmp_path / "elsewhere").mkdir()
    loaded = load_configuration(write(irpd=good.replace("auth: none", "auth: {bearer: {file: token}}")))
    packed = bundle(loaded)
    assert b"hunter2" not in packed
    monkeypatch.chdir(tmp_path / "elsewhere")
    auth = load_bundle(packed).configuration.sources["alertmanager"].auth
    assert auth != "none"
    assert auth.bearer is not None
    assert auth.bearer.file == str(tmp_path / "token")
    assert auth.bearer.reveal() == "hunter2"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        b'{"format": "irpd.bundle/2"}',
        b'{"format":"irpd.bundle/1","directory":1,"configuration":[1],"rules":[]}',
    ],
)
def test_what_is_no_bundle_is_refused(data: bytes) -> None:
    with pytest.raises(ConfigurationError, match="not a configuration kept by irpd"):
        load_bundle(data)


def test_a_bundle_that_is_no_longer_taken_says_why(write: Write, good: str) -> None:
    packed = bundle(load_configuration(write(irpd=good))).replace(b"kind: technical", b"kind: outdated")
    with pytest.raises(ConfigurationError, match="outdated"):
        load_bundle(packed)


def test_thousands_of_people_load_in_seconds(write: Write, good: str) -> None:
    people = "people:\n" + "".join(
        f"  p{n}: {{name: Person {n}, email: p{n}@example.com}}\n" for n in range(5000)
    )
    began = time.monotonic()
    loaded = load_configuration(write(a=good, b=people))
    assert len(loaded.configuration.people) == 5002
    assert time.monotonic() - began < 10


def test_reading_changes_no_file_and_follows_links(write: Write, good: str, tmp_path: Path) -> None:
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "irpd.yaml").write_text(good)
    os.symlink(tmp_path / "..data" / "irpd.yaml", tmp_path / "irpd.yaml")
    assert load_configuration([tmp_path]).configuration.unmapped == "platform"
