"""Steps that can never fire, and what rules start."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from irpd.check import check
from irpd.config.load import load_configuration
from irpd.config.problem import Problem

Write = Callable[..., list[str]]
NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
_STEP = "{person: emil, wait: 10m"


@pytest.fixture
def find(write: Write, good: str) -> Callable[..., list[Problem]]:
    def found(old: str, new: str, *, starting: bool = False, **files: str) -> list[Problem]:
        assert old in good
        loaded = load_configuration(write(irpd=good.replace(old, new, 1), **files))
        return check(loaded, now=NOW, starting=starting)[0]

    return found


@pytest.mark.parametrize(
    "step",
    [
        _STEP + ", levels: [4]",  # a quiet level only tells, and step 1 does that
        _STEP + ", levels: [3], hours: out",  # level 3 pages in working hours alone
    ],
)
def test_a_step_that_can_never_fire_is_an_error(find: Callable[..., list[Problem]], step: str) -> None:
    (problem,) = find(_STEP, step)
    assert (problem.severity, problem.path) == ("error", "paths.engineering.steps[1]")
    assert problem.message.startswith("can never fire: ")
    (problem,) = find(_STEP, step, starting=True)
    assert problem.severity == "warning"  # a daemon that starts doesn't stop at it


@pytest.mark.parametrize(
    "step",
    [
        _STEP + ", levels: [1]",
        _STEP + ", hours: out",
        _STEP + ", hours: in",
        _STEP + ", levels: [3], hours: in",
    ],
)
def test_a_step_that_some_time_fires_is_none(find: Callable[..., list[Problem]], step: str) -> None:
    assert find(_STEP, step) == []


def test_a_level_at_which_no_step_holds_reaches_nobody(find: Callable[..., list[Problem]], good: str) -> None:
    problems = find("{schedule: first-responder", "{levels: [1], schedule: first-responder")
    assert problems == []  # the second step holds at all
    problems = find(
        good[good.index("paths:\n") :],
        """paths:
  engineering: {kind: technical, steps: [{person: emil, wait: 10m, levels: [1, 2]}]}
""",
    )
    assert {problem.message for problem in problems if problem.severity == "error"} == {
        "level 3 (medium) reaches nobody on engineering"
    }
