"""Virtual time: true seconds since the run began, and a wall clock that people can set wrong.

Computing takes time too: now and then reading the clock finds that a few milliseconds have passed,
so that what is bounded by time (how long a batch is decided) is bounded here as well.
"""

from datetime import UTC, datetime
from random import Random

#: A Monday in winter, 07:00 UTC: working hours begin while a run goes on.
BEGINS = datetime(2026, 1, 5, 7, 0, tzinfo=UTC).timestamp()
#: A clock that was wrong by more than a day makes irpd distrust its journal's times; not in here.
MOST_WRONG = 40000.0
#: One reading in so many finds that time has passed.
PASSES_ONE_IN = 24


class VirtualTime:
    """``true`` is what an ideal clock shows; ``boot`` and ``wall`` are what the machine's show."""

    def __init__(self) -> None:
        self.true = 0.0
        self.booted = -5000.0
        self.wrong = 0.0  # seconds by which the wall clock is ahead
        self.random = Random(0)
        self._readings = 0
        self.touched = -1e9  # when the wall clock was last set, by the ideal clock
        self.settings = [(-1e9, 0.0)]  # when it was set how wrong

    def boot(self) -> float:
        self._readings += 1
        if self._readings % PASSES_ONE_IN == 0:
            self.true += self.random.choice((0.0, 0.0004, 0.012))
        return self.true - self.booted

    def wall(self) -> float:
        return BEGINS + self.true + self.wrong

    def set_wall(self, by: float) -> None:
        if abs(self.wrong + by) > MOST_WRONG:
            return
        self.wrong += by
        self.touched = self.true
        self.settings.append((self.true, self.wrong))

    def stood_for(self, wrong: float, *, give: float) -> float:
        """Seconds from when the wall clock was first set as wrong as this (give or take), of late, until
        it was last so. Between them it may have been set otherwise."""
        settings = self.settings[-12:]
        ends = [at for at, _ in settings[1:]] + [self.true]
        alike = [
            (at, end) for (at, set_to), end in zip(settings, ends, strict=True) if abs(set_to - wrong) <= give
        ]
        return alike[-1][1] - alike[0][0] if alike else 0.0

    def reboot(self) -> None:
        """The machine starts anew: its boot-time clock begins at nothing."""
        self.booted = self.true - 30.0
