"""A rule, compiled: what must hold, what it then says, and where it stands."""

from dataclasses import dataclass

from irpd.triage.condition import Condition
from irpd.triage.matching import Match
from irpd.triage.testfile import ExpectPart, GivenPart, StepPart

#: The built-in rule that turns the share of users into a level. No rule may have its id.
SHARE_RULE = "share-of-users"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something stands in a file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Opens nothing until it has fired for so many ``seconds``, or was reported ``or_count`` times (0: only
    the time counts)."""

    seconds: float
    or_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """``level`` proposes, ``at_most`` caps (no more severe than that), ``at_least`` is a floor (no less
    severe than that). All are level numbers, 1 the most severe; at most one of them is set."""

    id: str
    place: Place
    match: Match
    because: str
    words: tuple[str, ...] = ()  # ids of word lists, any of
    when: Condition | None = None
    level: int | None = None
    at_most: int | None = None
    at_least: int | None = None
    regimes: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()  # kinds of paths that begin beside the one of the report
    lower_after: float = 0.0  # seconds without need of its level until that sinks; 0: it never does by itself
    hold: Hold | None = None

    @property
    def levels(self) -> bool:
        """Whether it says anything of the level."""
        return not self.level is self.at_most is self.at_least is None

    @property
    def effect(self) -> dict[str, object]:
        """What it says when it holds, as data."""
        effect: dict[str, object] = {}
        for name in ("level", "at_most", "at_least"):
            if getattr(self, name) is not None:
                effect[name] = getattr(self, name)
        if self.regimes:
            effect["regimes"] = list(self.regimes)
        if self.starts:
            effect["start"] = list(self.starts)
        if self.hold is not None:
            effect["hold"] = {"for_seconds": self.hold.seconds, "or_count": self.hold.or_count or None}
        return effect


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRule:
    """Binds signals that agree in ``by``. ``within`` counts seconds since the group's last signal,
    ``at_most`` since its first; 0 means no limit."""

    id: str
    place: Place
    match: Match
    by: tuple[str, ...]
    within: float = 0.0
    at_most: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case of a test. ``at`` is the instant as it was written; None for a fixed one."""

    name: str
    place: Place
    given: GivenPart
    expect: ExpectPart
    at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A test in virtual time. ``steps`` are in order of time, ``until`` is when looking ends, in seconds
    since the beginning ``at``."""

    name: str
    place: Place
    steps: tuple[tuple[Place, StepPart], ...]
    until: float
    expect: ExpectPart
    at: str | None = None
