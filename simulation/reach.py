"""How soon somebody must hear of what is open: a page reaches a person in the time the path allows.

One channel always works, and some persons have it among their methods. From the moment that a path
starts, and while nothing keeps irpd from its work, the first of them must see a page once the waits
before their step and before that method are over.
"""

from typing import TYPE_CHECKING

from irpd.config.values import Configuration
from irpd.engine.ports import Fact
from irpd.model import event as e
from irpd.model.incident import Incident, PathRun, State
from irpd.model.level import Level
from simulation.judged import holds
from simulation.paths import BY_ITSELF
from simulation.phones import SURE

if TYPE_CHECKING:
    from simulation.run import Simulation

#: What a channel, the disk and the looks of timers may take, in seconds.
GRACE = 15.0
#: A clock that gives back its lead goes slower by a hundredth.
SLOWER = 1.02


class Waiting:
    """Paths at work for incidents that nobody has: the (ideal) time since when, and since when such a path
    has gone on without anybody moving it, if that was not from its first step."""

    def __init__(self) -> None:
        self.since: dict[tuple[int, str], float] = {}
        self.moved: dict[tuple[int, str], float] = {}

    def see(self, fact: Fact, now: Incident | None, true: float) -> None:
        event = fact.event
        if isinstance(event, e.ConfigLoaded):  # persons and their methods are others now
            self.moved = dict.fromkeys(self.since, true)
        if now is None:
            return
        for run in now.paths:
            path = (now.number, run.name)
            if now.state is not State.OPEN or not now.level.urgent or run.next_at is None or run.quiet:
                self.since.pop(path, None)
                self.moved.pop(path, None)
            elif isinstance(event, e.PathStarted) and event.run.name == run.name:
                self.since[path] = true
                self.moved.pop(path, None)
            elif path not in self.since:
                self.since[path] = self.moved[path] = true
            elif isinstance(event, e.LevelChanged | e.Declined) or _moves(event, run.name):
                self.moved[path] = true


def _moves(event: e.AnyEvent, path: str) -> bool:
    """Whether this path went on otherwise than by its own time."""
    match event:
        case e.PathMoved():
            return event.path == path and event.fired > 1 and event.because not in BY_ITSELF
        case e.PathResumed():
            return event.path == path
        case _:
            return False


def reaches(world: "Simulation", calm_since: float) -> None:
    """Asked while nothing keeps irpd from its work, nor did since ``calm_since``."""
    life, true = world.life, world.time.true
    assert life is not None
    waiting = world.waiting
    if life.engine.policy.configuration.shadow:
        return
    for path, since in waiting.since.items():
        undisturbed = max(calm_since, waiting.moved.get(path, since))
        elapsed = true - max(since, undisturbed)
        if world.shown.get(path[0], -1.0) >= since or elapsed <= GRACE:
            continue
        incident = world.model.rows.incidents[path[0]]
        run = next(run for run in incident.paths if run.name == path[1])
        if undisturbed > since:  # where the path stood then doesn't matter: one whole round
            within = sum(step.wait for step in run.steps) + run.every + 60.0
        else:
            within = _within(run, incident, life.engine.policy.configuration)
        if sum(other.next_at is not None for other in incident.paths) > 1:
            within += 60.0  # a page takes the place of the person's earlier one, whichever path asked
        holds(
            elapsed <= within * SLOWER + GRACE,
            "reaches", f"{run.name} of {incident.ref} pages for {elapsed:.0f} s and nobody has seen a page",
        )  # fmt: skip


def _within(run: PathRun, incident: Incident, configuration: Configuration) -> float:
    """Seconds from the start of this path until somebody has been paged by the channel that works."""
    waits = 0.0
    for n in range(run.repeat * len(run.steps)):
        step = run.steps[n % len(run.steps)]
        if step.levels and incident.level not in step.levels:
            continue
        named = [target.person for target in step.targets if target.person]
        teams = [configuration.teams[one.team] for one in step.targets if one.team in configuration.teams]
        everybody = [*named, *(person for team in teams for person in team.people)]
        if len(named) == len(step.targets) and not set(named) & configuration.people.keys():
            return waits  # fallback is paged instead
        asked = set(everybody) & configuration.people.keys() - set(incident.declined_by)
        after = [_after(configuration, name, incident.level) for name in asked]
        sure = [seconds for seconds in after if seconds is not None]
        if sure and not step.hours:
            return waits + min(sure)
        waits += step.wait
    return waits


def _after(configuration: Configuration, person: str, level: Level) -> float | None:
    """Seconds until this person's methods come to the channel that works; None: they don't, or at some times
    of day only."""
    rules = configuration.people[person].notify
    if isinstance(rules, str):
        rules = configuration.notify.get(rules) or configuration.notify["default"]
    if any(rule.hours is not None for rule in rules):
        return None
    return min((rule.after for rule in rules if SURE in rule.via and level in rule.levels), default=None)
