"""Whom a step reaches, and by which methods.

Both answer with nothing rather than fail: whoever asks then pages ``fallback``. What
can't work is found before, by ``check``.
"""

from datetime import datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from irpd.config.channels import QUIET, SILENT
from irpd.config.paths import Hours, Method
from irpd.config.values import Configuration, Person
from irpd.oncall.changes import NONE, Changes
from irpd.oncall.hours import working
from irpd.oncall.roster import rosters
from irpd.oncall.wallclock import instant, minute_of


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


def methods_for(
    configuration: Configuration, person: str, level: int, at: datetime | None = None
) -> tuple[Method, ...]:
    """The person's notification rules that hold for a level (1-4), in order; ``at`` leaves out those whose
    hours don't hold when they would come, and in the person's quiet hours the channels that ring.

    Level 4 never wakes anybody: only the first method with a quiet channel, without its
    loud ones."""
    settings = configuration.people.get(person)
    if settings is None:
        return ()
    rules = settings.notify
    if isinstance(rules, str):
        rules = configuration.notify.get(rules) or configuration.notify.get("default") or ()
    holding = tuple(rule for rule in rules if level in rule.levels)
    if at is not None:
        holding = _spared(configuration, settings, _in_hours(holding, settings, at), level, at)
    if level < 4:
        return holding
    for rule in holding:
        quiet = tuple(name for name in rule.via if _is_quiet(configuration, name))
        if quiet:
            return (rule.model_copy(update={"via": quiet}),)
    return ()


def quiet_channels(configuration: Configuration, person: str, at: datetime) -> tuple[str, ...]:
    """By what a word reaches this person that must wake nobody: as level 4 does, else by the first of their
    channels that never rings. Empty where there is no such way."""
    holding = methods_for(configuration, person, 4, at)
    found = tuple(name for rule in holding for name in rule.via if configuration.address(person, name))
    if found:
        return found
    every = (
        name for level in (1, 2, 3) for rule in methods_for(configuration, person, level) for name in rule.via
    )
    silent = (
        name for name in every if _is_silent(configuration, name) and configuration.address(person, name)
    )
    return tuple(islice(silent, 1))


def test_channels(configuration: Configuration, person: str, at: datetime) -> tuple[str, ...]:
    """By what a test goes that nobody has asked for: every channel by which pages reach this person, in their
    quiet hours only those that never ring."""
    rules = (rule for level in (1, 2, 3) for rule in methods_for(configuration, person, level))
    every = (name for rule in rules for name in rule.via)
    found = dict.fromkeys(name for name in every if configuration.address(person, name))
    if awake_before(configuration, person, at) != at:
        return tuple(name for name in found if _is_silent(configuration, name))
    return tuple(found)


def awake_before(configuration: Configuration, person: str, at: datetime) -> datetime:
    """``at`` itself, or where it lies in this person's quiet hours a quarter of an hour before they begin."""
    settings = configuration.people.get(person)
    if settings is None or settings.quiet is None:
        return at
    if not _working(settings.quiet.hours, settings, at, unread=False):
        return at
    zone, begins = ZoneInfo(settings.time_zone), minute_of(settings.quiet.start)
    today = at.astimezone(zone).date()
    found = (instant(day, begins, zone) for day in (today, today - timedelta(days=1)))
    return next((start for start in found if start <= at), at) - timedelta(minutes=15)


def _in_hours(rules: tuple[Method, ...], person: Person, at: datetime) -> tuple[Method, ...]:
    """Those that hold at the time at which they would come; all of them when none does: no page is lost to a
    time of day."""
    if all(rule.hours is None for rule in rules):
        return rules
    holding = tuple(
        rule
        for rule in rules
        if rule.hours is None or _working(rule.hours, person, at + timedelta(seconds=rule.after))
    )
    return holding or rules


def _spared(
    configuration: Configuration, person: Person, rules: tuple[Method, ...], level: int, at: datetime
) -> tuple[Method, ...]:
    """Without what rings in this person's quiet hours, unless the level breaks them."""
    quiet = person.quiet
    if quiet is None or level == 1 or level in quiet.breaks:
        return rules
    left: list[Method] = []
    for rule in rules:
        via = rule.via
        if _working(quiet.hours, person, at + timedelta(seconds=rule.after), unread=False):
            via = tuple(name for name in via if _is_silent(configuration, name))
        if via:
            left.append(rule if via == rule.via else rule.model_copy(update={"via": via}))
    return tuple(left)


def _working(hours: Hours, person: Person, at: datetime, *, unread: bool = True) -> bool:
    """Whether it is within these hours; ``unread`` where they can't be read."""
    try:
        return working(hours, person.time_zone, at)
    except (LookupError, ValueError, OSError):
        return unread


def _is_silent(configuration: Configuration, name: str) -> bool:
    settings = configuration.channels.get(name)
    return settings is not None and settings.type in SILENT


def _is_quiet(configuration: Configuration, channel: str) -> bool:
    settings = configuration.channels.get(channel)
    return settings is not None and settings.type in QUIET
