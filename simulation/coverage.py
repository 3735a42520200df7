"""What a run came by: commands, answers, events, transitions, faults and steps, counted."""

from collections import Counter
from collections.abc import Mapping

from irpd.model.command import Command
from irpd.model.event import AnyEvent
from typing import get_args

#: What must be hit in a whole budget, by section. Steps and faults are added by their own modules.
EXPECTED: dict[str, set[str]] = {
    "command": {kind.__name__ for kind in get_args(Command)},
    "event": {kind.__struct_config__.tag for kind in get_args(AnyEvent)},
}


class Coverage:
    """Counters by section and name."""

    def __init__(self) -> None:
        self.hits: dict[str, Counter[str]] = {}

    def hit(self, section: str, name: str, times: int = 1) -> None:
        counter = self.hits.get(section)
        if counter is None:
            counter = self.hits[section] = Counter()
        counter[name] += times

    def add(self, other: "Coverage") -> None:
        for section, counter in other.hits.items():
            self.hits.setdefault(section, Counter()).update(counter)

    def below(self, least: int, expected: Mapping[str, set[str]] = EXPECTED) -> list[str]:
        """What was hit less often than that, as ``section name: times``."""
        found = []
        for section, names in sorted(expected.items()):
            counter = self.hits.get(section, Counter())
            found += [f"{section} {name}: {counter[name]}" for name in sorted(names) if counter[name] < least]
        return found

    def table(self, expected: Mapping[str, set[str]] = EXPECTED) -> str:
        lines = []
        for section in sorted({*self.hits, *expected}):
            counter = self.hits.get(section, Counter())
            names = sorted({*counter, *expected.get(section, set())})
            width = max((len(name) for name in names), default=0)
            lines.append(f"{section}:")
            lines += [f"  {name:{width}}  {counter[name]}" for name in names]
        return "\n".join(lines)
