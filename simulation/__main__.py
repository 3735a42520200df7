"""``python -m simulation``: run seeds, and say what fails in as few steps as it takes."""

import argparse
import sys
import time
from contextlib import nullcontext
from random import SystemRandom

from simulation.actions import parse, steps
from simulation.coverage import FIXED, LEAST, Coverage
from simulation.planted import PLANTED, planted
from simulation.report import failure, pace
from simulation.run import Result, simulate


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="script/simulate", description=__doc__)
    parser.add_argument("--steps", type=int, default=2000, metavar="N", help="commands to check in each run")
    parser.add_argument(
        "--seed", type=int, default=None, metavar="S", help="the first seed; else a fresh one"
    )
    parser.add_argument("--runs", type=int, default=1, metavar="N", help="how many seeds, counting up")
    parser.add_argument(
        "--replay", metavar="FILE", help="a list of steps, one a line, as a failing run prints it"
    )
    parser.add_argument("--fixed", action="store_true", help="the seeds that CI always runs")
    parser.add_argument(
        "--coverage",
        action="store_true",
        help=f"say how often what was hit; fails when anything was hit less than {LEAST} times",
    )
    parser.add_argument("--no-shrink", action="store_true", help="leave a failing list as long as it is")
    parser.add_argument(
        "--plant", choices=sorted(PLANTED), metavar="BUG", help=f"with a planted bug: {', '.join(PLANTED)}"
    )
    options = parser.parse_args(arguments)
    with planted(options.plant) if options.plant else nullcontext():
        return _run(options)


def _run(options: argparse.Namespace) -> int:
    if options.replay:
        with open(options.replay, encoding="utf-8") as file:
            actions = [parse(line.split()[0]) for line in file if line.strip() and not line.startswith("#")]
        return _report(simulate(options.seed or 0, actions), shrinking=False)
    first = options.seed if options.seed is not None else SystemRandom().randrange(10**9)
    seeds = FIXED if options.fixed else range(first, first + options.runs)
    coverage, commands, cpu = Coverage(), 0, 0.0
    for seed in seeds:
        bar = _Bar(seed, options.steps)
        result = simulate(seed, steps(seed), commands=options.steps, progress=bar)
        bar.end()
        coverage.add(result.coverage)
        commands, cpu = commands + result.commands, cpu + result.cpu
        if _report(result, shrinking=not options.no_shrink):
            return 1
    print(f"{commands} checked commands, {commands / max(cpu, 1e-9):.0f} a CPU second")
    if options.coverage:
        print(coverage.table())
        if seldom := coverage.below(LEAST):
            print(f"hit less than {LEAST} times: {', '.join(seldom)}")
            return 1
    return 0


class _Bar:
    """Progress, on a terminal only."""

    def __init__(self, seed: int, whole: int) -> None:
        self._seed, self._whole = seed, whole
        self._shown = 0.0

    def __call__(self, done: int) -> None:
        now = time.perf_counter()
        if sys.stderr.isatty() and now - self._shown > 0.1:
            self._shown = now
            width = min(40, 40 * done // max(self._whole, 1))
            print(f"\rseed {self._seed} [{'#' * width:40}] {done}/{self._whole}", end="", file=sys.stderr)

    def end(self) -> None:
        if self._shown:
            print("\r\033[K", end="", file=sys.stderr)


def _report(result: Result, *, shrinking: bool) -> int:
    print(pace(result))
    if result.violation is None:
        return 0
    print(failure(result, seconds=120.0 if shrinking else 0.0))
    return 1


if __name__ == "__main__":
    sys.exit(main())
