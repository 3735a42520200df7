"""Whom pages reach: people without an address, levels that reach nobody, methods that come too late.

Looked at only when every name names somebody. A step with a schedule may page any of the schedule's people.
What steps do at which levels and hours is in ``steps``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from irpd.check.material import Material
from irpd.check.reached import paged_by, wait_of, whom
from irpd.config.base import LEVEL_NAMES
from irpd.config.duration import format_duration
from irpd.config.paths import Method, PathStep, ServicePath
from irpd.config.problem import Problem
from irpd.config.values import Configuration
from irpd.config.yaml import Where
from irpd.oncall.reach import methods_for

_LOUD = (1, 2, 3)  # levels that page somebody; 4 only tells


def reach(material: Material, configuration: Configuration) -> Iterator[Problem]:
    """Errors for levels that reach nobody."""
    reached = _reached(configuration)
    yield from _fallback(material, configuration, reached)
    yield from _services(material, configuration, reached)


def unreachable(material: Material, configuration: Configuration) -> Iterator[Problem]:
    """Errors for people whom no page can reach, warnings for those whom some can't."""
    yield from _people(material, configuration, _reached(configuration), paged(configuration))


def late(material: Material, configuration: Configuration) -> Iterator[Problem]:
    """Errors for methods that come after the step has moved on, or never."""
    yield from _methods(material, configuration)


def _reached(configuration: Configuration) -> dict[str, frozenset[int]]:
    return {name: _levels(configuration, name) for name in configuration.people}


def _levels(configuration: Configuration, person: str) -> frozenset[int]:
    """The levels whose pages can reach the person by some channel."""
    return frozenset(
        level
        for level in (*_LOUD, 4)
        if any(
            configuration.address(person, channel)
            for method in methods_for(configuration, person, level)
            for channel in method.via
        )
    )


def paged(configuration: Configuration) -> set[str]:
    """Everybody whom some step, role or fallback may page."""
    people = {*configuration.fallback, *configuration.operators}
    for path in configuration.paths.values():
        for step in path.steps:
            people |= paged_by(configuration, step)
    for role in configuration.roles.values():
        people.update(whom(configuration, schedule=role.schedule, person=role.person))
    return people


def _people(
    material: Material, configuration: Configuration, reached: Mapping[str, frozenset[int]], paged: set[str]
) -> Iterator[Problem]:
    for name in configuration.people:
        if name not in paged:
            continue
        missing = [level for level in _LOUD if level not in reached[name]]
        channels = dict.fromkeys(c for n in _LOUD for m in methods_for(configuration, name, n) for c in m.via)
        without = [channel for channel in channels if not configuration.address(name, channel)]
        severity: Literal["error", "warning"] = "warning"
        if len(missing) == len(_LOUD):
            severity = "error"
            message = f"can't be reached: no address on any channel of their notify ({', '.join(channels)})"
        elif missing:
            message = f"no method of their notify reaches them at level {_listed(missing)}"
        elif without:
            lacking = ", ".join(f"{channel} ({_field(configuration, channel)})" for channel in without)
            message = f"has no address for {lacking}, by which their notify pages them too"
        else:
            continue
        yield material.merged.problem(("people", name), message, key=True, severity=severity)


def _field(configuration: Configuration, channel: str) -> str:
    """What of a person says where a channel reaches them."""
    return configuration.channels[channel].person_field or f"addresses.{channel}"


def _fallback(
    material: Material, configuration: Configuration, reached: Mapping[str, frozenset[int]]
) -> Iterator[Problem]:
    missing = [n for n in _LOUD if not any(n in reached[person] for person in configuration.fallback)]
    if missing:
        message = f"reaches nobody at level {_listed(missing)}; there must always be somebody"
        yield material.merged.problem(("fallback",), message, key=True)


def _services(
    material: Material, configuration: Configuration, reached: Mapping[str, frozenset[int]]
) -> Iterator[Problem]:
    for name, service in configuration.services.items():
        for kind, named in service.paths.items():
            path = configuration.path_of(name, kind)
            levels = named.levels if isinstance(named, ServicePath) and kind != "technical" else _LOUD
            missing = [
                n
                for n in _LOUD
                if n in levels
                and not any(
                    n in reached[person]
                    for step in configuration.paths[path].steps
                    if n in step.levels
                    for person in paged_by(configuration, step)
                )
            ]
            if missing:
                message = f"level {_listed(missing)} reaches nobody on {path}"
                yield material.merged.problem(("services", name, "paths", kind), message)


@dataclass(frozen=True, slots=True)
class _Step:
    path: str
    number: int
    step: PathStep
    people: frozenset[str]


def _methods(material: Material, configuration: Configuration) -> Iterator[Problem]:
    steps = [
        _Step(name, n, step, paged_by(configuration, step))
        for name, path in configuration.paths.items()
        for n, step in enumerate(path.steps)
    ]
    for name, methods in configuration.notify.items():
        users = frozenset(who for who, person in configuration.people.items() if person.notify == name)
        yield from _late(material, configuration, ("notify", name), methods, users, steps)
    for who, person in configuration.people.items():
        if not isinstance(person.notify, str):
            at = ("people", who, "notify")
            yield from _late(material, configuration, at, person.notify, frozenset({who}), steps)


def _late(
    material: Material,
    configuration: Configuration,
    at: Where,
    methods: tuple[Method, ...],
    users: frozenset[str],
    steps: list[_Step],
) -> Iterator[Problem]:
    for n, method in enumerate(methods):
        path = (*at, n, "after") if method.after else (*at, n)
        expires = max(_expires(configuration, level) for level in method.levels)
        if method.after >= expires:
            message = f"never comes: a page expires after {format_duration(expires)}"
            yield material.merged.problem(path, message)
            continue
        found = _moved_on(configuration, method, [step for step in steps if step.people & users])
        if found is not None:
            where, wait = found
            message = f"comes after the step has moved on: {where} waits {format_duration(wait)}"
            yield material.merged.problem(path, message)


def _moved_on(configuration: Configuration, method: Method, steps: list[_Step]) -> tuple[str, float] | None:
    """The step that waits shortest, if the method comes too late for it at one of the method's levels."""
    late = [
        (wait, f"paths.{step.path}.steps[{step.number}]")
        for step in steps
        for level in method.levels
        if level in step.step.levels
        if method.after >= (wait := wait_of(configuration, step.step, level))
    ]
    if not late:
        return None
    wait, where = min(late)
    return where, wait


def _expires(configuration: Configuration, level: int) -> float:
    timing = configuration.timing
    return timing.page_expires_urgent if level <= 2 else timing.page_expires


def _listed(levels: list[int]) -> str:
    return ", ".join(f"{level} ({LEVEL_NAMES[level - 1]})" for level in levels)
