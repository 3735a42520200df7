"""What all tests share: which system commands there are, and how hypothesis looks for counterexamples.

A test that needs a system command says so, ``@pytest.mark.needs("amtool")``. ``script/test`` brings the
commands; where one can't be had the test is left out and named in the summary, and with ``CI`` set that is an
error.

Tiers run on several workers (pytest-xdist), so no test may build on another, nor on a place that both know.
What judges a time is marked ``alone`` and runs after the others, with nothing beside it.
"""

import gc
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog
from harness.examples import examples
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = pytest.StashKey[list[str]]()
LEAKED = pytest.StashKey[list[str]]()

# In CI the same examples each time: a new counterexample belongs to whoever looks for one.
settings.register_profile("dev", deadline=None, max_examples=examples(100))
settings.register_profile("ci", settings.get_profile("dev"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

# What is logged where nobody has said how: tracebacks as Python shows them. Drawn ones, which structlog makes
# where it finds a library for it, take half a second each.
_plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
structlog.configure(processors=[*structlog.get_config()["processors"][:-1], _plain])


def pytest_configure(config: pytest.Config) -> None:
    """Make the commands that ``script/test`` unpacked visible to a plain ``pytest`` too."""
    config.stash[LEFT_OUT], config.stash[LEAKED] = [], []
    unpacked = str(ROOT / "var" / "tools" / "bin")
    if unpacked not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([unpacked, os.environ["PATH"]])


def missing(item: pytest.Item) -> str:
    """The commands that this test needs and this machine lacks."""
    needed = [command for mark in item.iter_markers("needs") for command in mark.args]
    return ", ".join(command for command in needed if shutil.which(command) is None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, by name, the tests whose commands are missing."""
    if os.environ.get("CI"):
        return
    dropped = [item for item in items if missing(item)]
    if dropped:
        config.stash[LEFT_OUT] += [f"{item.nodeid} (needs {missing(item)})" for item in dropped]
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if not missing(item)]


def pytest_runtest_setup(item: pytest.Item) -> None:
    if lacking := missing(item):
        pytest.fail(f"{lacking} is missing here, and in CI no test is left out", pytrace=False)


# ------------------------------------------------------------------ on workers
def leaked() -> list[str]:
    """What nobody has closed. Plain pytest fails for it when it ends, and a worker would take it along."""
    found: list[str] = []
    before = sys.unraisablehook
    sys.unraisablehook = lambda one: found.append(
        f"{one.err_msg or 'ignored in'} {one.object!r}: {one.exc_value!r}"
    )
    try:
        for _ in range(5):  # one may hold another
            gc.collect()
    finally:
        sys.unraisablehook = before
    return found


def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput |= {"left_out": config.stash[LEFT_OUT], "leaked": leaked()}
    elif config.stash[LEAKED]:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker has ended, and its findings are told by the process that writes the summary."""
    told = getattr(node, "workeroutput", {})
    left_out, leaks = node.config.stash[LEFT_OUT], node.config.stash[LEAKED]
    left_out += [
        line for line in told.get("left_out", ()) if line not in left_out
    ]  # each leaves out the same
    leaks += told.get("leaked", ())


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Says something in the summary of the run, however the test ends."""
    return lambda text: record_property("told", text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    told = [
        text
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, text in getattr(report, "user_properties", ())
        if name == "told"
    ]
    for text in dict.fromkeys(told):
        terminalreporter.line(text)
    for title, key in (
        ("left out: a command is missing on this machine", LEFT_OUT),
        ("FAILED: warnings at the end of a worker", LEAKED),
    ):
        if lines := terminalreporter.config.stash[key]:
            terminalreporter.section(title)
            for line in lines:
                terminalreporter.line(line)
