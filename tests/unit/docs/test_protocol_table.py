"""The table of the protocol: no line of the document without a row, no row without what it names."""

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[3]
DOCUMENT = ROOT / "docs" / "incident-response-protocol.md"
TABLE = ROOT / "docs" / "protocol.md"


def lines_of(document: str) -> Iterator[str]:
    """What it says, line by line: sentences, bullets, rows of tables, lines of templates; no headings."""
    in_template = False
    for raw in document.splitlines():
        line = raw.strip()
        if line.startswith("```"):
            in_template = not in_template
        elif in_template and line:
            yield line
        elif line and not line.startswith("#") and not re.fullmatch(r"[|\- ]+", line):
            yield re.sub(r"^(-|\d+\.)\s+", "", line).replace("**", "")


def rows() -> list[list[str]]:
    cells = (
        re.split(r"(?<!\\)\|", line)[1:-1] for line in TABLE.read_text().splitlines() if line.startswith("| ")
    )
    return [[cell.strip().replace("\\|", "|") for cell in row] for row in cells]


def test_every_line_of_the_protocol_has_its_row() -> None:
    said = {row[0] for row in rows()}
    missing = [line for line in lines_of(DOCUMENT.read_text()) if line not in said]
    assert not missing


def test_every_row_names_a_test_that_exists_or_says_that_it_comes_later() -> None:
    there = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))
    for said, part, shown in rows():
        names = re.findall(r"`(test_\w+)`", shown)
        if said != "the protocol says" and not set(part) <= set("- "):
            assert names or "comes later" in part, said
        unknown = [name for name in names if f"def {name}(" not in there]
        assert not unknown, said


def test_every_file_that_a_row_names_exists() -> None:
    for said, part, _ in rows():
        for name in re.findall(r"`([\w./-]+/[\w./-]*)`", part):
            assert (ROOT / name).exists(), (said, name)


def test_the_example_has_the_protocols_three_paths() -> None:
    example = yaml.safe_load((ROOT / "config" / "irpd.yaml").read_text())
    titles = {
        path["kind"]: " → ".join(step["title"] for step in path["steps"])
        for path in example["paths"].values()
    }
    document = list(lines_of(DOCUMENT.read_text()))
    assert len(titles) == 3
    for kind, chain in titles.items():
        assert chain in document, kind
