"""Paging: a path's steps, pages to persons, and when all of it stops.

A path is pinned when it starts (steps, waits, urgency); who is on call is looked up when a
step fires. A step that resolves to nobody pages ``fallback``. After its rounds a path does
not end: everyone on it is paged again until somebody acknowledges.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from irpd.config.values import Configuration, Storm
from irpd.model import event as e
from irpd.model.incident import Incident, PathRun, RunState, State, Step
from irpd.model.level import Level
from irpd.model.page import Page, PageKind, Send
from irpd.oncall.calendar import days_off
from irpd.oncall.hours import next_working
from irpd.oncall.reach import methods_for, persons_for
from irpd.oncall.targets import parts_of
from irpd.protocol.draft import Draft
from irpd.protocol.rows import STORM, Told, of_storm
from irpd.protocol.steps import passed_over, pinned, worded

#: An update to who has an incident waits until this long after the one before it, so that
#: an incident that grows fast tells them once a minute what is new.
UPDATE_EVERY = timedelta(seconds=60)
#: The wait of a path made up because the configured one can't be had.
FALLBACK_WAIT = 300.0
#: The name of the path that pages irpd's own operators.
OPERATORS = "operators"


# ------------------------------------------------------------------ starting and stopping paths
def pinned_run(configuration: Configuration, name: str, *, level: Level, fallback: Sequence[str]) -> PathRun:
    """The path as it is run at this level, its steps copied out of the configuration."""
    path = configuration.paths.get(name)
    timing = configuration.timing
    settings = configuration.level(level)
    every = timing.everyone_urgent if level.urgent else timing.everyone
    slow = None if level.urgent else settings.respond_within / 2
    if path is None:
        steps = tuple(Step(person=person, wait=slow or FALLBACK_WAIT) for person in fallback)
        return PathRun(
            name=name or "fallback",
            kind="technical",
            steps=steps,
            repeat=1,
            every=every,
            quiet=settings.urgency == "quiet",
        )
    steps = tuple(pinned(step, step.wait if slow is None else slow) for step in path.steps)
    return PathRun(
        name=name,
        kind=path.kind,
        steps=steps,
        repeat=path.repeat,
        every=every,
        quiet=settings.urgency == "quiet",
    )


def start_path(
    draft: Draft,
    incident: Incident,
    name: str,
    *,
    because: str,
    persons: Sequence[str] = (),
    by: str = "",
) -> Incident:
    """Start (or start anew) a path at its first step, when the level's urgency allows it.

    ``persons`` replaces the configured steps: irpd's own operators.
    """
    configuration = draft.configuration
    fallback = persons or configuration.fallback
    run = pinned_run(configuration, "" if persons else name, level=incident.level, fallback=fallback)
    if persons:
        run = replace(run, name=name)
    begins = in_hours(draft, run, incident.level, draft.now)
    run = replace(run, next_at=begins, started_at=draft.now)
    incident = draft.emit(incident.number, e.PathStarted(run=run, because=because, by=by))
    if begins <= draft.now:
        incident = fire_step(draft, incident, run.name, because=because)
    return incident


def in_hours(draft: Draft, run: PathRun, level: Level, at: datetime) -> datetime:
    """When the next step may fire at the earliest, from ``at`` on: the level's urgency says."""
    if draft.configuration.level(level).urgency != "working-hours":
        return at
    person, _ = upcoming(draft, replace(run, next_at=at), level)
    return urgent_from(draft, person, level, at)


def urgent_from(draft: Draft, person: str, level: Level, at: datetime) -> datetime:
    """The earliest instant from ``at`` on at which this level may page this person."""
    configuration = draft.configuration
    settings = configuration.level(level)
    if settings.urgency != "working-hours":
        return at
    zone = configuration.people[person].time_zone if person in configuration.people else "UTC"
    try:
        holidays = days_off(configuration.holidays, settings.holidays)
        return next_working(settings.hours, settings.hours.time_zone or zone, at, holidays)
    except Exception as error:  # hours that can't be read delay no page
        draft.defects.append(("hours", error))
        return at


def stop_paths(
    draft: Draft, incident: Incident, *, because: str, names: Collection[str] | None = None
) -> Incident:
    """Stop every running path, or those of these names."""
    for run in incident.paths:
        if run.state is RunState.RUNNING and (names is None or run.name in names):
            incident = draft.emit(incident.number, e.PathStopped(path=run.name, because=because))
    return incident


def end_pages(
    draft: Draft, incident: Incident, *, because: str, by: str = "", keep_updates: bool = True,
    keep_asking: bool = True,
) -> Incident:  # fmt: skip
    """End the live pages, but for those by which a path that goes on asks others than ``by``; updates and
    messages go on being delivered unless the incident itself is gone."""
    going = [run.name for run in incident.paths if run.state is RunState.RUNNING]
    for page in list(draft.rows.pages_of(incident)):
        if page.path in going and page.person != by:
            continue
        if page.asks and keep_asking and keep_updates:
            continue
        if page.live and not (keep_updates and page.kind not in (PageKind.PAGE, PageKind.QUIET)):
            incident = draft.emit(incident.number, e.PageEnded(page=page.id, because=because, by=by))
    return incident


def end_asking(
    draft: Draft, incident: Incident, asks: str, *, by: str = "", because: str = "obsolete"
) -> Incident:
    """End the live pages that ask for this; those of ``by`` as answered by them."""
    for page in list(draft.rows.pages_of(incident)):
        if page.live and page.asks == asks:
            why = "acknowledged" if by and page.person == by else because
            incident = draft.emit(incident.number, e.PageEnded(page=page.id, because=why, by=by))
    return incident


def stopped(incident: Incident) -> list[str]:
    """The paths that stand still; all of them when none does."""
    still = [run.name for run in incident.paths if run.state is RunState.STOPPED]
    return still or [run.name for run in incident.paths]


def resume_paths(
    draft: Draft, incident: Incident, *, because: str, names: Collection[str] = (), in_time: bool = False
) -> Incident:
    """These paths (all, when none is named) go on at once with their next step, or, ``in_time``, in the hours
    of their level; with none at work, the technical one starts."""
    if not incident.paths:
        return start_path(draft, incident, main_path(draft, incident), because=because)
    for run in incident.paths:
        if names and run.name not in names:
            continue
        begins = in_hours(draft, run, incident.level, draft.now) if in_time else draft.now
        incident = draft.emit(incident.number, e.PathResumed(path=run.name, next_at=begins, because=because))
        if begins <= draft.now:
            incident = fire_step(draft, incident, run.name, because=because)
    return incident


def restart_paths(draft: Draft, incident: Incident, *, because: str) -> Incident:
    """Every path begins again at its first step, pinned anew for the level in force."""
    names = [run.name for run in incident.paths] or [main_path(draft, incident)]
    operators = draft.configuration.operators or draft.configuration.fallback
    for name in names:
        own = operators if name == OPERATORS else ()
        incident = start_path(draft, incident, name, because=because, persons=own)
    return incident


def main_path(draft: Draft, incident: Incident) -> str:
    """The path that its first service and its source ask for; "" when there is none."""
    return path_for(draft, incident.services[0], incident.source) if incident.services else ""


def path_for(draft: Draft, name: str, sender: str) -> str:
    """The path that signals of this sender about this service ask for; "" when there is none."""
    configuration = draft.configuration
    service = configuration.services.get(name)
    if service is None:
        return ""
    source = configuration.sources.get(sender)
    if source is not None and source.ticket and "customer" in service.paths:
        return configuration.path_of(name, "customer")
    return configuration.path_of(name, "technical")


# ------------------------------------------------------------------ steps
def fire_step(draft: Draft, incident: Incident, name: str, *, because: str = "", by: str = "") -> Incident:
    """Page whom the next step names and wait for its time; when the rounds are over, everyone."""
    run = next((r for r in incident.paths if r.name == name), None)
    if run is None:
        return incident
    configuration = draft.configuration
    fired = run.fired
    reason = "step" if fired < len(run.steps) else "round"
    persons: tuple[str, ...] = ()
    step: Step | None = None
    skipped: dict[str, None] = {}
    while fired < run.repeat * len(run.steps):
        step = run.steps[fired % len(run.steps)]
        fired += 1
        if why := passed_over(draft, run, step, incident.level, draft.now):
            skipped[worded(run, fired - 1, why)] = None
            step = None
            continue
        meant = persons_of(draft, step, draft.now)
        persons = tuple(p for p in meant if p not in incident.declined_by)
        if persons or not meant:
            break
        step = None  # all of them have said that they can't: go on at once
    if step is None:
        persons, reason, wait = _everyone(draft, run, incident.level), "everyone", run.every
        fired = max(fired, run.repeat * len(run.steps))
    else:
        wait = step.wait
    # A path that began loudly may go on (undone, escalated) at a level that only tells by now.
    quiet = run.quiet or configuration.level(incident.level).urgency == "quiet"
    level = Level.LOW if quiet else incident.level
    later = draft.now + timedelta(seconds=wait)
    next_at = in_hours(draft, replace(run, fired=fired), incident.level, later)
    if step is not None and not any(reachable(configuration, person, level, draft.now) for person in persons):
        persons, reason = (*persons, *configuration.fallback), "fallback"
    persons = tuple(dict.fromkeys(persons))
    incident = draft.emit(
        incident.number,
        e.PathMoved(
            path=name,
            fired=fired,
            next_at=next_at,
            persons=persons,
            because=because,
            by=by,
            skipped=tuple(skipped),
        ),
    )
    kind = PageKind.QUIET if quiet else PageKind.PAGE
    for person in persons:
        incident = page_person(draft, incident, person, kind=kind, reason=reason, path=name)
    if quiet:
        incident = draft.emit(incident.number, e.PathStopped(path=name, because="told quietly"))
    return incident


def persons_of(draft: Draft, step: Step, at: datetime) -> tuple[str, ...]:
    """Everybody whom the step means at this instant, each once."""
    parts = (part for target in step.targets for part in parts_of(draft.configuration, target))
    found = (person for part in parts for person in on_call(draft, part.schedule, part.person, at))
    return tuple(dict.fromkeys(found))


def on_call(draft: Draft, schedule: str, person: str, at: datetime) -> tuple[str, ...]:
    """Whom a schedule or a name means at this instant; empty when that is nobody."""
    try:
        return persons_for(
            draft.configuration, schedule=schedule, person=person, at=at, changes=draft.changes
        )
    except Exception as error:  # a schedule that can't be read pages fallback, never nobody
        draft.defects.append(("schedule", error))
        return ()


def _everyone(draft: Draft, run: PathRun, level: Level) -> tuple[str, ...]:
    persons: list[str] = []
    for step in run.steps:
        if not passed_over(draft, run, step, level, draft.now):
            persons.extend(persons_of(draft, step, draft.now))
    return tuple(dict.fromkeys((*persons, *draft.configuration.fallback)))


def upcoming(draft: Draft, run: PathRun, level: Level) -> tuple[str, datetime | None]:
    """Who is paged next if nobody answers, and when; ("", None) when the path is stopped."""
    if run.next_at is None or run.quiet:
        return "", None
    for number in range(run.fired, run.repeat * len(run.steps)):
        step = run.steps[number % len(run.steps)]
        if not passed_over(draft, run, step, level, run.next_at):
            persons = persons_of(draft, step, run.next_at)
            return (persons or draft.configuration.fallback)[0], run.next_at
    return "everyone", run.next_at


def reachable(configuration: Configuration, person: str, level: Level, at: datetime | None = None) -> bool:
    """Whether this person has any method that holds for the level (``at`` this instant)."""
    return person in configuration.people and bool(methods_for(configuration, person, level, at=at))


# ------------------------------------------------------------------ pages
def page_person(
    draft: Draft,
    incident: Incident,
    person: str,
    *,
    kind: PageKind,
    reason: str,
    path: str = "",
    text: str = "",
    level: Level | None = None,
    due: datetime | None = None,
    via: str = "",
    asks: str = "",
) -> Incident:
    """Ask that a message be sent to a person, by their notification rules as they are now.

    A page takes the place of the person's earlier live page of the same incident that asks for the same.
    ``level`` chooses the methods (else the incident's), ``due`` is when the first may come (else now).
    ``via`` is the one channel by which it goes, whatever the rules say. ``asks``: for something else than to
    take the incident (``Page.asks``); a storm puts off no such page.
    """
    configuration = draft.configuration
    timing = configuration.timing
    if person not in configuration.people:
        return incident
    level = Level.LOW if kind is PageKind.QUIET else level or incident.level
    due = due or draft.now
    if configuration.storm == "none" or asks:
        pass
    elif (later := _storm_due(draft, incident, person, kind, level)) is not None:
        if later is _KNOWS:
            return incident
        due = max(due, later)
    if kind is not PageKind.UPDATE:
        for earlier in list(draft.rows.pages_of(incident)):
            if earlier.live and earlier.person == person and earlier.kind is kind and earlier.asks == asks:
                incident = draft.emit(incident.number, e.PageEnded(page=earlier.id, because="obsolete"))
    sends = (Send(n=1, channel=via, due_at=due),) if via else _sends(configuration, person, level, due, kind)
    if not sends and kind is PageKind.PAGE and person in configuration.fallback:
        sends = _sends(configuration, person, Level.CRITICAL, due, kind)  # there is always a pager
    run = next((r for r in incident.paths if r.name == path), None)
    next_person, next_at = upcoming(draft, run, incident.level) if run else ("", None)
    expires = timing.page_expires_urgent if incident.level.urgent else timing.page_expires
    page = Page(
        id=f"{incident.number}-{incident.pages + 1}",
        incident=incident.number,
        person=person,
        kind=kind,
        reason=reason,
        requested_at=draft.now,
        dated=True,
        expires_at=due + timedelta(seconds=expires),
        sends=sends,
        path=path,
        step=run.fired if run else None,
        next_person=next_person,
        next_at=next_at,
        text=text,
        asks=asks,
        receipt_at=draft.first_byte_at,
    )
    incident = draft.emit(incident.number, e.Paged(page=page))
    if not sends:  # in the ledger, but no page that anybody waits for
        incident = draft.emit(incident.number, e.PageEnded(page=page.id, because="failed"))
    return incident


_KNOWS = datetime.min.replace(tzinfo=UTC)


def _storm_due(
    draft: Draft, incident: Incident, person: str, kind: PageKind, level: Level
) -> datetime | None:
    """When the next message to this person may go out while storms are told; ``_KNOWS``: none is needed,
    because they were told of this very storm within the minute.

    What is more severe than what they last heard is never put off."""
    storm = draft.configuration.storm
    if not isinstance(storm, Storm):
        return None
    recent = [told for told in _heard(draft, incident, person) if told.at + UPDATE_EVERY > draft.now]
    binding = [told for told in recent if level >= told.level]
    if not binding:
        return None
    if incident.group != STORM:
        waits = timedelta(seconds=storm.settle)
        return draft.now + waits if waits and binding[0].incident != incident.number else None
    of_this = any(told.incident == incident.number for told in binding)
    if (
        of_this
        and kind is PageKind.PAGE
        and any(
            page.live and page.person == person and page.kind is kind
            for page in draft.rows.pages_of(incident)
        )
    ):
        return _KNOWS
    return max(told.at for told in binding) + UPDATE_EVERY


def _heard(draft: Draft, incident: Incident, person: str) -> Iterator[Told]:
    """What this person heard last, and last of this storm: other news in between must not hide it."""
    for key in (person, of_storm(incident.number, person)) if incident.group == STORM else (person,):
        told = draft.rows.told_of(key)
        if told is not None:
            yield told


def _sends(
    configuration: Configuration, person: str, level: Level, due: datetime, kind: PageKind
) -> tuple[Send, ...]:
    methods = methods_for(configuration, person, level, at=due)
    if kind in (PageKind.UPDATE, PageKind.QUIET):
        methods = methods[:1]
    sends: list[Send] = []
    for method in methods:
        for channel in method.via:
            at = due if kind is PageKind.UPDATE else due + timedelta(seconds=method.after)
            sends.append(Send(n=len(sends) + 1, channel=channel, due_at=at))
    return tuple(sends)


def tell_holders(draft: Draft, incident: Incident, *, text: str, besides: Iterable[str] = ()) -> Incident:
    """An update to who has it. While one is still waiting for its time, that one says it. What is closed
    is nobody's any more."""
    if incident.state in (State.CLOSED, State.MERGED):
        return incident
    for person in dict.fromkeys((*incident.acknowledged_by, *besides)):
        told = [
            page for page in draft.rows.pages_of(incident)
            if page.kind is PageKind.UPDATE and page.person == person and page.sends
        ]  # fmt: skip
        if any(page.live and page.sends[0].due_at > draft.now for page in told):
            continue
        last = max((page.sends[0].first_due for page in told), default=None)
        due = draft.now if last is None else max(draft.now, last + UPDATE_EVERY)
        incident = page_person(
            draft, incident, person, kind=PageKind.UPDATE, reason="update", text=text, due=due
        )
    return incident
