"""What the page on faults names is there: tests, metrics, events of the log."""

import re
from pathlib import Path

import pytest

from irpd.web.metrics import Metrics, Readings

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "operations.md").read_text()
CODE = "\n".join(path.read_text() for path in sorted((ROOT / "irpd").rglob("*.py")))
TESTS = "\n".join(path.read_text() for path in sorted((ROOT / "tests").rglob("*.py")))


def rows() -> list[list[str]]:
    lines = [line for line in PAGE.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [row for row in cells if row[0].strip() not in ("fault", "---")]


def named(pattern: str) -> list[str]:
    return sorted(set(re.findall(pattern, PAGE)))


def test_each_fault_has_a_full_row() -> None:
    assert len(rows()) >= 20
    for row in rows():
        assert len(row) == 5, row
        assert all(row), row


@pytest.mark.parametrize("name", named(r"`(test_[a-z0-9_]+)`"))
def test_each_test_that_is_named_exists(name: str) -> None:
    assert f"def {name}(" in TESTS


@pytest.mark.parametrize("name", named(r"`((?:tests/[a-z/]+/)?test_[a-z0-9_]+\.py)`"))
def test_each_file_of_tests_that_is_named_exists(name: str) -> None:
    assert list((ROOT / "tests").rglob(Path(name).name))


@pytest.mark.parametrize("name", named(r"(irpd_[a-z_]+)"))
def test_each_metric_that_is_named_is_one(name: str) -> None:
    metrics = Metrics()
    metrics.watch(lambda: Readings(gaps={"one": False}, checks={"one": True}))
    families = set(re.findall(r"^# TYPE (\S+) ", metrics.exposition().decode(), re.MULTILINE))
    assert name in families


def test_each_event_of_the_log_that_is_named_is_written_somewhere() -> None:
    for what in re.findall(r"\blog ((?:`[a-z.-]+`(?:, then |, )?)+)", PAGE):
        for event in re.findall(r"`([a-z.-]+)`", what):
            assert f'"{event}"' in CODE, event


def test_every_fault_on_the_real_process_is_in_the_table() -> None:
    files = sorted((ROOT / "tests" / "acceptance").glob("test_process_faults*.py"))
    tests = re.findall(r"^def (test_\w+)\(", "\n".join(file.read_text() for file in files), re.MULTILINE)
    assert tests
    missing = [name for name in tests if name not in PAGE]
    assert not missing
