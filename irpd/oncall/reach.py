"""Whom a step reaches, and by which methods.

Both answer with nothing rather than fail: whoever asks then pages ``fallback``. What
can't work is found before, by ``check``.
"""

from datetime import datetime

from irpd.config.channels import QUIET
from irpd.config.paths import Method
from irpd.config.values import Configuration
from irpd.oncall.changes import NONE, Changes
from irpd.oncall.roster import rosters


def persons_for(
    configuration: Configuration,
    *,
    schedule: str = "",
    person: str = "",
    at: datetime,
    changes: Changes = NONE,
) -> tuple[str, ...]:
    """The persons that a step's target means at ``at``; empty when that is nobody (an unknown
    name, before a schedule's start, a schedule that can't be read). ``changes`` is what people changed at
    run time: overrides and absences."""
    if schedule:
        try:
            turn = rosters(configuration)[schedule].on_call(at, changes)
        except (LookupError, ValueError, OSError):  # an unknown zone, a date that is none
            turn = None
        person = turn.person if turn is not None else ""
    return (person,) if person in configuration.people else ()


def methods_for(configuration: Configuration, person: str, level: int) -> tuple[Method, ...]:
    """The person's notification rules that hold for a level (1-4), in order.

    Level 4 never wakes anybody: only the first method with a quiet channel, without its
    loud ones."""
    settings = configuration.people.get(person)
    if settings is None:
        return ()
    rules = settings.notify
    if isinstance(rules, str):
        rules = configuration.notify.get(rules) or configuration.notify.get("default") or ()
    holding = tuple(rule for rule in rules if level in rule.levels)
    if level < 4:
        return holding
    for rule in holding:
        quiet = tuple(name for name in rule.via if _is_quiet(configuration, name))
        if quiet:
            return (rule.model_copy(update={"via": quiet}),)
    return ()


def _is_quiet(configuration: Configuration, channel: str) -> bool:
    settings = configuration.channels.get(channel)
    return settings is not None and settings.type in QUIET
