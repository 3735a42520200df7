"""Whom a step of the configuration names, and what a team comes to."""

from collections.abc import Iterator

from irpd.config.paths import PathStep
from irpd.config.values import Configuration
from irpd.model.incident import Target


def targets_of(step: PathStep) -> tuple[Target, ...]:
    """Whom it names: schedules, people, teams; a target that is nobody where it names none."""
    return (
        *(Target(schedule=name) for name in step.schedules),
        *(Target(person=name) for name in step.people),
        *(Target(team=name) for name in step.teams),
    ) or (Target(),)


def parts_of(configuration: Configuration, target: Target) -> Iterator[Target]:
    """The people and schedules that a target comes to; nothing for a team that there is no more."""
    if not target.team:
        yield target
        return
    team = configuration.teams.get(target.team)
    if team is not None:
        yield from (Target(person=name) for name in team.people)
        yield from (Target(schedule=name) for name in team.schedules)
