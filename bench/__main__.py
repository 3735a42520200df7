"""``python -m bench [NAME]...``: these measurements, else all (``--help`` names them)."""

import argparse
import os
import platform
from datetime import UTC, datetime

from bench import backtest, oncall, paging, rules, scale, storm
from irpd.measure import delay, intake, overload

NAMES = ("intake", "delay", "scale", "overload", "rules", "backtest", "storm", "oncall", "paging")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure irpd against a baseline, interleaved; prints ratios and never fails on one.",
        epilog="example: python -m bench intake --rounds 7",
    )
    parser.add_argument(
        "what",
        nargs="*",
        metavar="intake|delay|scale|overload|rules|backtest|storm|oncall|paging",
        help="default: all",
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--smoke", action="store_true", help="only see that everything runs")
    options = parser.parse_args()
    what = options.what or list(NAMES)
    if unknown := set(what) - set(NAMES):
        parser.error(f"there is no {unknown.pop()!r}; there are {', '.join(NAMES)}")
    print(
        f"irpd bench, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, {platform.machine()}, "
        f"Python {platform.python_version()}, Linux {platform.release()}"
    )
    if options.smoke:
        intake.run(rounds=1, seconds=0.3, batches=(1, 10))
        delay.run(rate=20, seconds=1, rounds=1)
        scale.run(incidents=500, events=5000, rounds=1, seconds=0.3)
        overload.run(seconds=2, step_seconds=0.3)
        rules.run(signals=50, rounds=1)
        backtest.run(signals=500, rate=20, seconds=1, rounds=1)
        storm.run(alerts=500, services=30)
        paging.run(pages=200, people=50, rounds=1)
        oncall.run(people=30, schedules=10, paths=10, asked=100)
        return
    if "intake" in what:
        intake.run(rounds=options.rounds)
    if "delay" in what:
        delay.run(rounds=options.rounds)
    if "scale" in what:
        scale.run(rounds=options.rounds)
    if "overload" in what:
        overload.run()
    if "rules" in what:
        rules.run()
    if "backtest" in what:
        backtest.run()
    if "storm" in what:
        storm.run()
    if "paging" in what:
        paging.run(rounds=options.rounds)
    if "oncall" in what:
        oncall.run()


if __name__ == "__main__":
    main()
