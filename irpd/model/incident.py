"""Incidents and the signals in them: the immutable rows that events are folded into."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from irpd.model.level import Level
from irpd.model.objective import NO_OBJECTIVES, Objectives
from irpd.model.report import Report
from irpd.model.response import NOTHING_YET, Response
from irpd.model.role import Ask, Seat
from irpd.model.share import NOBODY, UNKNOWN, Answer, Distinct, Impact, Part, Share
from irpd.model.stage import Stage
from irpd.model.waits import Waits


class State(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    CLOSED = "closed"
    MERGED = "merged"

    @property
    def active(self) -> bool:
        """Still being worked on: new keys of its group may join."""
        return self in (State.OPEN, State.ACKNOWLEDGED)


class LevelBy(Struct, frozen=True, gc=False, omit_defaults=True):
    """Why a level is what it is. ``kind``: rule | share | default | person | fallback."""

    kind: str
    rule: str | None = None
    person: str | None = None
    because: str = ""


class Contribution(Struct, frozen=True, gc=False, omit_defaults=True):
    """What one rule said in one decision; kept so that "why?" has an answer for ever.

    ``result``: held | nearly | not-held | error. ``level``, ``at_most``, ``at_least``
    are its effects if it held; ``values`` what it saw.
    """

    rule: str
    result: str
    level: int | None = None
    at_most: int | None = None
    at_least: int | None = None
    decided: bool = False
    because: str = ""
    values: dict[str, str] = {}
    missed: tuple[str, ...] = ()
    regimes: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()


class Target(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Whom a step means; exactly one is set. Who that is, is looked up when the step fires."""

    schedule: str = ""
    person: str = ""
    team: str = ""

    @property
    def name(self) -> str:
        return self.schedule or self.person or self.team


class Step(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """A step of an escalation path, pinned when the path starts.

    Exactly one of ``schedule``, ``person`` and ``team`` is set; ``also`` are paged at once with it. ``wait``
    is in seconds. It holds at ``levels`` (none: at all) and ``hours``: "in" or "out" of the path's, or "".
    """

    wait: float
    schedule: str = ""
    person: str = ""
    team: str = ""
    also: tuple[Target, ...] = ()
    title: str = ""
    levels: tuple[int, ...] = ()
    hours: str = ""

    @property
    def targets(self) -> tuple[Target, ...]:
        return Target(schedule=self.schedule, person=self.person, team=self.team), *self.also

    @property
    def target(self) -> str:
        return ", ".join(one.name for one in self.targets)


class RunState(StrEnum):
    RUNNING = "running"
    STOPPED = "stopped"


class PathRun(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """An escalation path at work in an incident.

    ``fired`` counts the steps that have fired so far, over all rounds; the next step is
    ``fired % len(steps)`` until ``repeat`` rounds are over, then "everyone" is paged each
    ``every`` seconds. ``next_at`` is the deadline; None when stopped.
    """

    name: str
    kind: str
    steps: tuple[Step, ...]
    repeat: int
    every: float
    state: RunState = RunState.RUNNING
    fired: int = 0
    next_at: datetime | None = None
    quiet: bool = False
    started_at: datetime | None = None
    answered_by: tuple[str, ...] = ()  # whose acknowledgement stopped it, while that stands

    @property
    def exhausted(self) -> bool:
        return self.fired >= self.repeat * len(self.steps)


class Incident(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """The signals that people work on as one, and what has been decided about them.

    ``level`` is in force; ``evidence_level`` the most severe that evidence ever gave.
    ``person_level`` says that a person's word stands. ``group`` is the key under which new
    signals join. ``firing`` and ``members`` count signals. ``version`` counts its events.
    """

    number: int
    title: str
    services: tuple[str, ...]
    level: Level
    level_by: LevelBy
    opened_at: datetime
    detected_by: str = "monitoring"
    state: State = State.OPEN
    source: str = ""
    evidence_level: Level = Level.LOW
    person_level: bool = False
    opened_level: Level | None = None  # the level it was opened with; names of messages keep it
    told_level: Level | None = None  # most severe level of evidence the commander was paged about
    config: str = ""  # hash of the configuration it was opened under
    impact_from: datetime | None = None
    acknowledged_at: datetime | None = None
    first_acknowledged_at: datetime | None = None
    acknowledged_by: tuple[str, ...] = ()
    declined_by: tuple[str, ...] = ()
    resolved_at: datetime | None = None
    resolved_by: str = ""
    closed_at: datetime | None = None
    merged_into: int | None = None
    group: str | None = None
    group_rule: str = ""
    group_within: float = 0.0
    group_at_most: float = 0.0
    first_signal_at: datetime | None = None
    last_signal_at: datetime | None = None
    share: Share = UNKNOWN
    share_at: datetime | None = None
    parts: tuple[Part, ...] = ()  # what its reports say of users
    answers: tuple[Answer, ...] = ()  # what monitoring said of them, by service
    people: Distinct = NOBODY  # of whom was heard: reporters, users in Sentry's events
    lower_after: float = 0.0  # seconds for which evidence must ask for less until its level sinks; 0: never
    eased_since: datetime | None = None  # since when evidence asks for less
    ages: tuple[int, ...] = ()  # whole minutes after its opening at which rules are asked again
    takes: tuple[str, ...] = ()  # services whose signals join it, because its own depends on them
    firing: int = 0
    members: int = 0
    handles: int = 0  # highest ``n`` of a signal that ever was in it
    pages: int = 0  # number of its newest page
    reporters: int = 0  # distinct people who wrote tickets about it
    flapping: int = 0  # how many of its signals flap
    flap_until: datetime | None = None
    flap_stable: float = 0.0
    last_update_at: datetime | None = None  # when the newest update to who has it is due
    paths: tuple[PathRun, ...] = ()
    respond_by: datetime | None = None
    respond_state: str = ""  # running | met | missed
    objectives: Objectives = NO_OBJECTIVES  # those beside the first response
    quiet_since: datetime | None = None  # when the last firing signal ended (or stopped flapping)
    quiet_for: float = 0.0  # seconds; pinned from the configuration at opening
    reopen_within: float = 0.0
    worked_at: datetime | None = None  # when somebody last did something about it, once it is acknowledged
    stale_after: float = 0.0  # seconds without that after which the acknowledgement is stale; 0: never
    stale_until: datetime | None = None  # they were warned; then the path goes on
    regimes: tuple[str, ...] = ()
    tells: tuple[str, ...] = ()
    roles: dict[str, str] = {}  # who fills them, once the level called for them
    seats: dict[str, Seat] = {}  # who was asked to, and whether they said yes
    asks: tuple[Ask, ...] = ()  # help that is waited for
    asked: int = 0  # number of the newest of those
    stage: Stage = Stage.DETECTION
    stage_at: datetime | None = None  # since when, once it has moved
    response: Response = NOTHING_YET
    report: Report | None = None  # once it is over and has to have one
    drill: bool = False
    version: int = 0

    @property
    def ref(self) -> str:
        return f"#{self.number}"

    @property
    def update_by(self) -> datetime | None:
        """When its audience is to hear of it next; None: as needed, or it is over."""
        clock = self.objectives.update
        return clock.due_at if clock is not None and clock.state in ("running", "missed") else None

    @property
    def resolve_by(self) -> datetime | None:
        """Its resolution target, once it has one."""
        clock = self.objectives.resolution
        return clock.due_at if clock is not None else None

    @property
    def leaves(self) -> bool:
        """It is over, silent, and nothing is left to be done about it: it need not stay in memory."""
        over = self.state in (State.CLOSED, State.MERGED) and not self.firing
        return over and (self.report is None or self.report.settled)

    @property
    def unconfirmed(self) -> bool:
        """All its signals are resolved but no person has said that it is over."""
        return self.state.active and self.members > 0 and self.firing == 0


class MemberStatus(StrEnum):
    FIRING = "firing"
    RESOLVED = "resolved"
    MUTED = "muted"  # with ``waits``: it fires; else its sender said so
    STALE = "stale"
    HELD = "held"  # it fires and waits, by a rule's ``hold``


class Member(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """A signal as a member of an incident. ``sid`` is its number in the journal for ever,
    ``<incident>.<n>`` its handle for people. ``key`` has the source in front. ``incident`` 0: it waits."""

    sid: int
    incident: int
    n: int
    key: str
    source: str
    status: MemberStatus
    title: str
    service: str
    first_seen: datetime
    last_seen: datetime
    labels: dict[str, str] = {}
    text: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    resolved_seen_at: datetime | None = None
    episode: str | None = None
    sender_group: str = ""
    impact: Impact = Impact()
    project: str = ""
    users_before: int | None = None  # its cumulative count of users when the incident began
    people: Distinct = NOBODY  # users whom its events named
    reporter: str | None = None
    url: str = ""
    runbook: str = ""
    dashboard: str = ""
    count: int = 1
    changes: tuple[datetime, ...] = ()  # newest status changes, for flapping
    flapping: bool = False
    why: str = ""  # why it joined this incident
    waits: Waits | None = None  # why it is in no incident (``incident`` is 0 then)

    @property
    def handle(self) -> str:
        return f"{self.incident}.{self.n}"
