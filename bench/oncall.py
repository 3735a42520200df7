"""A large company's schedules: how long its files take to load, and what asking who is on call costs.

1,000 people, 300 schedules (weekly, daily, hourly and monthly, a third of them follow-the-sun with holidays),
500 paths; 200 overrides that hold and a hundred people away.
"""

import statistics
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from irpd.check import check
from irpd.config.load import load_configuration
from irpd.config.values import Configuration
from irpd.model.override import Override
from irpd.oncall.changes import NONE, Changes, changes
from irpd.oncall.reach import persons_for

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
_ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo")
_ROTATIONS = ('weekly, handoff: "Mon 09:00"', 'daily, handoff: "09:00"', 'monthly, handoff: "1 09:00"',
              'hourly, every: 8, handoff: "06:00"')  # fmt: skip


def run(*, people: int = 1000, schedules: int = 300, paths: int = 500, asked: int = 20_000) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "irpd.yaml"
        file.write_text(_text(people, schedules, paths), encoding="utf-8")
        loading, checking = [], []
        for _ in range(3):
            begin = time.perf_counter()
            loaded = load_configuration([file])
            middle = time.perf_counter()
            check(loaded, now=NOW)
            loading.append(middle - begin)
            checking.append(time.perf_counter() - middle)
    print(
        f"{people:,} people, {schedules} schedules, {paths} paths: loaded in"
        f" {statistics.median(loading):.2f} s (target below 3), checked, two weeks of gaps with it, in"
        f" {statistics.median(checking):.2f} s"
    )
    configuration = loaded.configuration
    made = changes(_overrides(people, schedules))
    for name, what in (("no overrides", NONE), ("200 overrides, 100 absences", made)):
        costs = sorted(_cost(configuration, what, asked) for _ in range(5))
        print(f"who is on call, {name}: {costs[2] * 1e6:.1f} us (target below 50)")


def _cost(configuration: Configuration, made: Changes, asked: int) -> float:
    """Seconds of processor time for one question, each at another schedule and instant."""
    names = list(configuration.schedules)
    asking = [(names[n % len(names)], NOW + timedelta(minutes=n * 37 % 500_000)) for n in range(asked)]
    begin = time.process_time()
    for name, at in asking:
        persons_for(configuration, schedule=name, at=at, changes=made)
    return (time.process_time() - begin) / asked


def _overrides(people: int, schedules: int) -> list[Override]:
    until = NOW + timedelta(days=400)
    on = [
        Override(
            id=n + 1, since=NOW, until=until, by="p1", schedule=f"s{n % schedules}", person=f"p{n % people}"
        )
        for n in range(200)
    ]
    away = [
        Override(id=n + 201, since=NOW, until=until, by="p1", away=f"p{n * 7 % people}") for n in range(100)
    ]
    return on + away


def _text(people: int, schedules: int, paths: int) -> str:
    lines = [
        "version: 1", "unmapped: s", "fallback: [p0]", "channels: {local: {type: file}}",
        "notify: {default: [{via: [local]}]}", 'holidays: {all: ["2026-12-25", "2026-12-26", "2027-01-01"]}',
        "people:",
    ]  # fmt: skip
    for n in range(people):
        away = ', away: [{from: "2026-12-24", to: "2027-01-03"}]' if n % 10 == 0 else ""
        lines.append(f"  p{n}: {{name: Person {n}, time_zone: {_ZONES[n % 5]}{away}}}")
    lines.append("schedules:")
    for n in range(schedules):
        turn = ", ".join(f"p{(n * 3 + k) % people}" for k in range(6))
        layers = [f'{{rotate: {_ROTATIONS[n % 4]}, start: "2026-01-05", people: [{turn}]}}']
        if n % 3 == 0:
            for k, (opens, closes) in enumerate((("00:00", "08:00"), ("08:00", "16:00"))):
                layers.append(
                    f'{{rotate: weekly, handoff: "Mon 00:00", start: "2026-01-05", except: [all],'
                    f' people: [p{(n + k) % people}], hours: [{{from: "{opens}", to: "{closes}"}}]}}'
                )
        lines += [f"  s{n}:", f"    time_zone: {_ZONES[n % 5]}", f"    layers: [{', '.join(layers)}]"]
    lines.append("paths:")
    for n in range(paths):
        steps = [f"{{schedule: s{(n + k) % schedules}, wait: 5m}}" for k in range(3)]
        steps.append(f"{{person: p{n % people}, wait: 10m}}")
        lines.append(f"  w{n}: {{kind: technical, steps: [{', '.join(steps)}]}}")
    lines.append("services:")
    lines += [f"  {'s' if n == 0 else f's{n}'}: {{paths: {{technical: w{n}}}}}" for n in range(paths)]
    return "\n".join(lines) + "\n"
