"""What README and docs say is so: links lead somewhere, commands parse, configuration is good."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import click
import pytest
import yaml
from click.testing import CliRunner

from irpd.__main__ import group
from irpd.check import check_files

ROOT = Path(__file__).parents[3]
PAGES = sorted((ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")))
GUIDES = [page for page in PAGES if page.parent.name == "guides" or page.name == "README.md"]
WRITTEN_BY_HAND = [page for page in PAGES if page.parent.name != "reference" or page.name == "senders.md"]
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.*)$", re.MULTILINE)
_INLINE = re.compile(r"`(irpd [^`\n]+)`")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def fences(page: Path, language: str) -> Iterator[tuple[int, str]]:
    """The blocks of a language, each with the line it begins on."""
    text = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        if found[2] == language:
            indent = len(found[1])
            lines = [line[indent:] for line in found[3].splitlines()]
            yield text.count("\n", 0, found.start()) + 1, "\n".join(lines) + "\n"


def prose(page: Path) -> str:
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


# ------------------------------------------------------------------ links
def anchors(page: Path) -> set[str]:
    """Of its headings, as code hosts make them: lower case, no punctuation, hyphens for spaces."""
    headings = _HEADING.findall(prose(page))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_to_something_that_is_there(page: Path) -> None:
    broken = []
    for target in _LINK.findall(prose(page)):
        if target.startswith(("https://", "http://", "mailto:")):
            continue
        path, _, fragment = unquote(target).partition("#")
        there = (page.parent / path).resolve() if path else page
        exists = there.exists() and there.is_relative_to(ROOT)
        if not exists or (fragment and fragment not in anchors(there)):
            broken.append(target)
    assert not broken


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        for target in _LINK.findall(prose(page)):
            there = (page.parent / target.partition("#")[0]).resolve()
            if there.suffix == ".md" and there.is_relative_to(ROOT) and there.exists():
                waiting.append(there)
    decisions = {page for page in PAGES if page.parent.name == "decisions"}
    assert [name(page) for page in PAGES if page not in reached and page not in decisions] == []
    listed = (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8")
    assert [page.name for page in decisions if page.name not in listed and page.name != "README.md"] == []


# ------------------------------------------------------------------ commands
def quoted_commands(page: Path) -> Iterator[list[str]]:
    """The words of each ``irpd`` command that a page shows, without what a shell takes for itself."""
    lines = [line for _, block in fences(page, "sh") for line in block.replace("\\\n", " ").splitlines()]
    lines += _INLINE.findall(prose(page))
    for line in lines:
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            continue  # a sentence with an apostrophe in it
        for part in _simple_commands(words):
            while part and re.fullmatch(r"[A-Z_]+=.*", part[0]):
                part = part[1:]
            if part and part[0].rpartition("/")[2] == "irpd":
                yield part[1:]


def _simple_commands(words: list[str]) -> Iterator[list[str]]:
    part: list[str] = []
    for word in words:
        ends = word in ("&&", "||", "|", ";", ">", "<") or word.endswith(";")
        if not ends:
            part.append(word)
            continue
        yield [*part, word[:-1]] if word.endswith(";") and word != ";" else part
        part = []
    yield part


def wrong_with(words: list[str]) -> str:
    """Why these words are no command of irpd; "" if they are one. Nothing is run."""
    command: click.Command = group
    path = ["irpd"]
    context = click.Context(group)
    while isinstance(command, click.Group):
        if not words or words[0].startswith("-"):
            return "" if path == ["irpd"] or not words else f"{' '.join(path)} wants a command"
        found = command.get_command(context, words[0])
        if found is None:
            return f"{' '.join(path)}: no command {words[0]}"
        path.append(words[0])
        command, words = found, words[1:]
    known = {
        option: parameter
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    arguments = 0
    rest = iter(words)
    for word in rest:
        if not word.startswith("-") or word == "-":
            arguments += 1
            continue
        option, _, value = word.partition("=")
        if option in ("--help", "-h"):
            continue
        if option not in known:
            return f"{' '.join(path)}: no option {option}"
        if not known[option].is_flag and not value:
            next(rest, "")
    room = [p.nargs for p in command.params if isinstance(p, click.Argument)]
    if -1 not in room and arguments > sum(room):
        return f"{' '.join(path)}: {arguments} arguments, but it takes {sum(room)}"
    return ""


@pytest.mark.parametrize("page", WRITTEN_BY_HAND, ids=name)
def test_every_command_line_shown_is_one_that_irpd_takes(page: Path) -> None:
    wrong = [
        f"irpd {' '.join(words)}: {why}" for words in quoted_commands(page) if (why := wrong_with(words))
    ]
    assert not wrong


def test_commands_are_found_in_the_documentation() -> None:
    assert sum(1 for page in WRITTEN_BY_HAND for _ in quoted_commands(page)) > 60


@pytest.mark.parametrize(
    "line",
    ["irpd frobnicate", "irpd incident frobnicate", "irpd ack 42 --colour", "irpd who now"],
)
def test_a_command_line_that_irpd_does_not_take_is_noticed(line: str) -> None:
    assert wrong_with(shlex.split(line)[1:])


# ------------------------------------------------------------------ configuration and rules
BASE = yaml.safe_load((ROOT / "config/irpd.yaml").read_text(encoding="utf-8"))
NOT_OURS = {"receivers", "route", "groups"}  # Alertmanager's and Prometheus' files


def is_rule_file(value: dict[str, Any]) -> bool:
    lists = (value.get(name) for name in ("rules", "group", "silences"))
    return value.get("version") == 1 and any(isinstance(one, list) for one in lists)


def yaml_of(page: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Place, text and value of each snippet. Raises if one isn't YAML."""
    for line, text in fences(page, "yaml"):
        value = yaml.safe_load(text)
        assert isinstance(value, dict), f"{name(page)}:{line}"
        yield f"{name(page)}:{line}", text, value


RULES = [
    pytest.param(text, id=place)
    for page in GUIDES
    for place, text, value in yaml_of(page)
    if is_rule_file(value)
]


@pytest.mark.parametrize("text", RULES)
def test_every_rule_file_shown_passes_its_own_tests(text: str, tmp_path: Path) -> None:
    assert "tests" in yaml.safe_load(text)
    (tmp_path / "rules.yaml").write_text(text, encoding="utf-8")
    config = tmp_path / "irpd.yaml"
    config.write_text(yaml.safe_dump({**BASE, "rules": ["rules.yaml"]}), encoding="utf-8")
    result = CliRunner().invoke(group, ["rules", "test", "--config", str(config)])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("page", GUIDES, ids=name)
def test_the_configuration_shown_on_a_page_is_good_over_the_one_that_ships(
    page: Path, tmp_path: Path
) -> None:
    whole = {**BASE, "rules": []}
    for _, _, value in yaml_of(page):
        if is_rule_file(value) or NOT_OURS & set(value):
            continue
        for section, part in value.items():
            merge = isinstance(part, dict) and isinstance(whole.get(section), dict)
            whole[section] = {**whole[section], **part} if merge else part
    config = tmp_path / "irpd.yaml"
    config.write_text(yaml.safe_dump(whole, sort_keys=False), encoding="utf-8")
    problems = check_files([config], reveal=False).problems
    assert [str(problem) for problem in problems if problem.severity == "error"] == []


def test_snippets_are_found_in_the_guides() -> None:
    shown = [value for page in GUIDES for _, _, value in yaml_of(page)]
    assert len(RULES) >= 4
    assert sum(not is_rule_file(value) and not NOT_OURS & set(value) for value in shown) > 12


def test_the_page_that_documents_a_key_of_alertmanager_is_the_file_that_ships() -> None:
    shipped = yaml.safe_load((ROOT / "deploy/alertmanager/receiver.yml").read_text(encoding="utf-8"))
    guide = ROOT / "docs/guides/alertmanager.md"
    shown = [value for _, text in fences(guide, "yaml") if "receivers" in (value := yaml.safe_load(text))]
    assert shown == [shipped]


# ------------------------------------------------------------------ references
def generated(*arguments: str, code: Path = ROOT / "docs/_generate.py") -> subprocess.CompletedProcess[str]:
    """In a process of its own: click remembers what other tests made of its commands."""
    return subprocess.run(
        [sys.executable, str(code), *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_the_references_are_what_the_code_says() -> None:
    result = generated("--check")
    assert result.returncode == 0, result.stderr


def test_a_stale_reference_is_shown_as_a_difference_and_written_anew(tmp_path: Path) -> None:
    code = tmp_path / "_generate.py"
    code.write_bytes((ROOT / "docs/_generate.py").read_bytes())
    assert generated(code=code).returncode == 0
    for page in (ROOT / "docs/reference").glob("*.md"):
        if page.name != "senders.md":
            assert (tmp_path / "reference" / page.name).exists()
    metrics = tmp_path / "reference" / "metrics.md"
    good = metrics.read_text(encoding="utf-8")
    metrics.write_text(good + "an old line\n", encoding="utf-8")
    stale = generated("--check", code=code)
    assert stale.returncode == 1
    assert "-an old line" in stale.stderr
    generated(code=code)
    assert metrics.read_text(encoding="utf-8") == good
