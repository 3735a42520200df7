"""What all tests share: which system commands there are, and how hypothesis looks for counterexamples.

A test that needs a system command says so, ``@pytest.mark.needs("amtool")``. ``script/test`` brings the
commands; where one can't be had the test is left out and named in the summary, and with ``CI`` set that is an
error.
"""

import os
import shutil
from pathlib import Path

import pytest
from harness.examples import examples
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = pytest.StashKey[list[str]]()

# In CI the same examples each time: a new counterexample belongs to whoever looks for one.
settings.register_profile("dev", deadline=None, max_examples=examples(100))
settings.register_profile("ci", settings.get_profile("dev"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


def pytest_configure(config: pytest.Config) -> None:
    """Make the commands that ``script/test`` unpacked visible to a plain ``pytest`` too."""
    config.stash[LEFT_OUT] = []
    unpacked = str(ROOT / "var" / "tools" / "bin")
    if unpacked not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([unpacked, os.environ["PATH"]])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, by name, the tests whose commands are missing."""
    kept, dropped = [], []
    for item in items:
        missing = [
            command
            for mark in item.iter_markers("needs")
            for command in mark.args
            if shutil.which(command) is None
        ]
        if not missing:
            kept.append(item)
            continue
        dropped.append(item)
        config.stash[LEFT_OUT].append(f"{item.nodeid} (needs {', '.join(missing)})")
    if not dropped:
        return
    if os.environ.get("CI"):
        raise pytest.UsageError("in CI no test is left out:\n  " + "\n  ".join(config.stash[LEFT_OUT]))
    config.hook.pytest_deselected(items=dropped)
    items[:] = kept


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    left_out = terminalreporter.config.stash[LEFT_OUT]
    if left_out:
        terminalreporter.section("left out: a command is missing on this machine")
        for line in left_out:
            terminalreporter.line(line)
