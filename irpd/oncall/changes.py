"""What people changed at run time, in the order in which it is asked: by schedule, the newest first."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from irpd.model.override import Override


@dataclass(frozen=True, slots=True)
class Changes:
    """``by_schedule`` has the overrides of each schedule, "" those of all, the newest first. Immutable but
    for the memory of which bear on a schedule."""

    by_schedule: Mapping[str, tuple[Override, ...]] = field(default_factory=dict)
    _of: dict[str, tuple[Override, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def of(self, schedule: str) -> tuple[Override, ...]:
        """Those that may bear on this schedule, the newest first."""
        own, every = self.by_schedule.get(schedule, ()), self.by_schedule.get("", ())
        if not (own and every):
            return own or every
        both = self._of.get(schedule)
        if both is None:
            both = self._of[schedule] = tuple(sorted((*own, *every), key=lambda one: -one.id))
        return both

    def at(self, schedule: str, at: datetime) -> tuple[Override, ...]:
        """Those of them that hold at an instant."""
        if not self.by_schedule:
            return ()
        return tuple(one for one in self.of(schedule) if one.since <= at < one.until)


#: Nobody changed anything.
NONE = Changes()


def changes(overrides: Iterable[Override]) -> Changes:
    """These overrides, in order."""
    found: dict[str, list[Override]] = {}
    for one in sorted(overrides, key=lambda one: -one.id):
        found.setdefault(one.schedule, []).append(one)
    return Changes({name: tuple(ones) for name, ones in found.items()}) if found else NONE
