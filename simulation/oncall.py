"""Who is on call, and whom a step of a path means: said once more, for who judges it.

Whose turn it is in a rotation comes from irpd; what people changed of it, who isn't there and what a team
comes to is looked up here. Schedules of the simulated world have one layer each.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from irpd.config.values import Configuration
from irpd.model import command as c
from irpd.model import event as e
from irpd.model.incident import PathRun, Step
from irpd.model.override import Override
from irpd.oncall.hours import working
from irpd.oncall.roster import rosters
from simulation.judged import Decision, holds


def on_call(configuration: Configuration, overrides: Sequence[Override], schedule: str, now: datetime) -> str:
    """This schedule's person; "" for nobody."""
    settings = configuration.schedules.get(schedule)
    if settings is None:
        return ""
    standing = [one for one in overrides if one.since <= now < one.until and one.schedule in ("", schedule)]
    out = {one.away for one in standing if one.away}
    for one in sorted(standing, key=lambda one: -one.id):
        if one.person in configuration.people and one.person not in out:
            return one.person
    turn = rosters(configuration)[schedule].on_call(now)
    if turn is None:
        return ""
    order = settings.layers[0].people
    waiting = [order[(turn.turn + n) % len(order)] for n in range(len(order))]
    there = [person for person in waiting if person not in out]
    if there and any(not one.person and not one.away for one in standing):
        there = [person for person in there if person != there[0]]
    return there[0] if there and there[0] in configuration.people else ""


def whom(
    configuration: Configuration, overrides: Sequence[Override], step: Step, now: datetime
) -> tuple[str, ...]:
    """Everybody whom this step means now."""
    found: dict[str, None] = {}
    for schedule, person in _parts(configuration, step):
        one = on_call(configuration, overrides, schedule, now) if schedule else person
        if one in configuration.people:
            found[one] = None
    return tuple(found)


def check(decision: Decision) -> Iterator[str]:
    """Of shifts that are swapped: each has the other's. Raises Violation. What was met."""
    command, events = decision.command, decision.events
    overrides = decision.before.all_standing(Override)
    if isinstance(command, c.SwapShifts):
        made = [event.override for _, event in events if isinstance(event, e.OverrideAdded)]
        had = [
            on_call(decision.configuration, overrides, command.schedule, at)
            for at in (command.first, command.second)
        ]
        known = all(had)  # irpd swaps shifts of people too whom the files don't have any more
        right = [one.person for one in made] == had[::-1]
        holds(right or not known, "swaps", f"{had} swapped: {made}")
    for subject, event in events:
        match event:
            case e.PathStarted() if (
                event.because.startswith("a rule starts") or " wants it at " in event.because
            ):
                yield "started-beside"
            case e.PathMoved() if subject.startswith("incident:"):
                if event.skipped:
                    yield "passed-over"
                run = next(
                    (
                        run
                        for run in decision.after.incidents[int(subject[9:])].paths
                        if run.name == event.path
                    ),
                    None,
                )
                step = (
                    run.steps[(event.fired - 1) % len(run.steps)] if run is not None and event.fired else None
                )
                if step is not None and any(target.team for target in step.targets):
                    yield "team"
                schedules = [target.schedule for target in step.targets] if step is not None else []
                bearing = (one for one in overrides if one.since <= decision.now < one.until)
                if schedules and any(one.schedule in ("", *schedules) for one in bearing):
                    yield "overridden"
            case _:
                pass


def _parts(configuration: Configuration, step: Step) -> Iterator[tuple[str, str]]:
    for target in step.targets:
        team = configuration.teams.get(target.team)
        if team is not None:
            yield from (("", name) for name in team.people)
            yield from ((name, "") for name in team.schedules)
        elif not target.team:
            yield target.schedule, target.person


def passed_over(configuration: Configuration, run: PathRun, step: Step, level: int, now: datetime) -> bool:
    """Whether this step isn't for this level or this time of day."""
    if step.levels and level not in step.levels:
        return True
    path = configuration.paths.get(run.name)
    if not step.hours or path is None:
        return False
    inside = working(path.hours, path.hours.time_zone or "UTC", now)
    return inside is not (step.hours == "in")


def next_step(
    configuration: Configuration,
    overrides: Sequence[Override],
    run: PathRun,
    *,
    declined: Collection[str],
    level: int,
    now: datetime,
) -> tuple[int, float, tuple[str, ...]]:
    """The path's next step as it must be: its count, its wait, and whom it pages at least."""
    last = run.repeat * len(run.steps)
    for n in range(run.fired, last):
        step = run.steps[n % len(run.steps)]
        if passed_over(configuration, run, step, level, now):
            continue
        meant = whom(configuration, overrides, step, now)
        if not meant:
            return n + 1, step.wait, configuration.fallback
        if asked := tuple(person for person in meant if person not in declined):
            return n + 1, step.wait, asked
    return max(last, run.fired), run.every, configuration.fallback
