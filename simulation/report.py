"""What a person is told of a run: its pace, and what fails in as few steps as it takes."""

from simulation.run import Result, simulate
from simulation.shrink import shrink


def pace(result: Result) -> str:
    return (
        f"seed {result.seed}: {result.commands} commands in {len(result.actions)} steps, "
        f"{result.crashes} crashes, {result.simulated / 3600:.1f} h simulated, "
        f"{result.commands / max(result.cpu, 1e-9):.0f} a CPU second"
    )


def failure(result: Result, *, seconds: float = 120.0) -> str:
    """What doesn't hold, the shortest list of steps that shows it, and how to see it again.

    ``seconds`` bounds the search for the shortest; 0 leaves the list as it is."""
    assert result.violation is not None
    lines = [f"FAILED {result.violation}"]
    actions = result.actions
    if seconds:
        actions = shrink(result.seed, actions, result.violation.name, ending=result.ended, seconds=seconds)
        again = simulate(result.seed, actions, ending=result.ended)
        lines += [f"{len(actions)} of {len(result.actions)} steps are enough:", f"# {again.violation}"]
        lines += map(str, actions)
        lines.append(f"again: these lines in a file: script/simulate --seed {result.seed} --replay FILE")
    lines.append(f"the whole run: script/simulate --seed {result.seed} --steps {result.commands + 1}")
    return "\n".join(lines)
