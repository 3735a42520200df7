"""irpd in a simulated world: what must hold, holds, and what is spoilt on purpose is found.

A fixed set of seeds runs always, and so many fresh ones (``IRPD_FRESH_SEEDS``, at least one) that are
named as they run: a failing one prints the command that runs it again.
"""

import os
from random import Random

import pytest

from simulation.__main__ import main
from simulation.actions import parse, steps
from simulation.coverage import FIXED, LEAST, NOT_YET, Coverage
from simulation.planted import PLANTED, Change, Outdated, planted
from simulation.report import failure, pace
from simulation.run import Result, Simulation, simulate

COMMANDS = 2000
#: The same in all processes of one run, each of which reads this file.
CHANCE = Random(os.environ.get("PYTEST_XDIST_TESTRUNUID") or os.urandom(16))
FRESH = tuple(
    CHANCE.randrange(10**6, 10**9) for _ in range(max(1, int(os.environ.get("IRPD_FRESH_SEEDS", "1"))))
)
#: How many seeds a planted bug may hide from. Most are found by the first; each change of irpd is another
#: throw of the dice for those that are not.
PATIENCE = 40

pytestmark = pytest.mark.timeout(300)
#: On one worker, so that what they met can be added up without running them again.
fixed = pytest.mark.xdist_group("fixed worlds")
_runs: dict[int, Result] = {}


def run(seed: int) -> Result:
    if seed not in _runs:
        _runs[seed] = simulate(seed, steps(seed), commands=COMMANDS)
        print(pace(_runs[seed]))
    return _runs[seed]


def must_hold(result: Result) -> None:
    if result.violation is not None:
        pytest.fail(failure(result, seconds=60.0), pytrace=False)
    assert result.commands >= COMMANDS
    assert result.crashes >= 5


@fixed
@pytest.mark.parametrize("seed", FIXED)
def test_what_must_hold_holds_in_every_fixed_world(seed: int) -> None:
    must_hold(run(seed))


@pytest.mark.parametrize("seed", FRESH)
def test_what_must_hold_holds_in_a_fresh_world(seed: int) -> None:
    must_hold(run(seed))


@fixed
def test_every_command_event_transition_and_fault_was_met_often_enough() -> None:
    coverage = Coverage()
    for seed in FIXED:
        coverage.add(run(seed).coverage)
    assert coverage.below(LEAST) == []
    often = {name for met in coverage.hits.values() for name, times in met.items() if times >= 5 * LEAST}
    assert not often & NOT_YET, "what is met so often belongs to what must be"


def test_what_was_met_too_seldom_is_named() -> None:
    coverage = Coverage()
    coverage.hit("fault", "crash", 9)
    assert coverage.below(10, {"fault": {"crash", "reboot"}}) == ["fault crash: 9", "fault reboot: 0"]


def test_the_same_seed_is_the_same_run_to_the_last_byte() -> None:
    def once() -> tuple[bytes, int, float]:
        world = Simulation(77)
        result = world.run(steps(77), commands=600, ending=True, progress=lambda _: None)
        return world.disk.storage.head, result.commands, result.simulated

    assert once() == once()


def test_there_are_enough_planted_bugs() -> None:
    assert len(PLANTED) >= 40


def test_a_planted_bug_whose_place_is_gone_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    change = Change("irpd.protocol.placing:route", "what nobody ever wrote", "pass")
    monkeypatch.setitem(PLANTED, "gone", change)  # type: ignore[misc]
    with pytest.raises(Outdated, match="what nobody ever wrote"), planted("gone"):
        pass


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_found(bug: str) -> None:
    with planted(bug):
        for seed in range(1, PATIENCE + 1):
            if simulate(seed, steps(seed), commands=COMMANDS).violation is not None:
                return
    pytest.fail(f"{bug} went unnoticed for {PATIENCE * COMMANDS} commands", pytrace=False)


def test_a_failing_seed_prints_the_shortest_list_of_steps_and_how_to_replay_it(
    capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert main(["--seed", "1", "--plant", "groups-ignored"]) == 1
    told = capsys.readouterr().out
    assert "FAILED one-per-group" in told
    lines = [line for line in told.splitlines() if line.count(":") == 4 and line[0] not in "F#s"]
    assert 0 < len(lines) < 12
    assert [str(parse(line)) for line in lines] == lines
    assert "--seed 1 --replay FILE" in told
    file = tmp_path_factory.mktemp("replay") / "steps"
    file.write_text("\n".join(lines))
    assert main(["--seed", "1", "--replay", str(file), "--plant", "groups-ignored"]) == 1
    assert main(["--seed", "1", "--replay", str(file)]) == 0
