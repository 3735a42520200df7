"""The report of an incident that is over: asked of somebody by itself, and who is reminded of it.

When an incident of level 1-3 is closed its report is asked of somebody, by a time; after one of level 1-2 the
people involved meet over it. Who is late with a report or an action item is reminded, once; of what is late
by ``reports.escalate_after`` more others hear too. Until all of that is settled the incident stays in memory,
so that its deadlines are derived like any others.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from irpd.model import event as e
from irpd.model.incident import Incident
from irpd.model.level import Level
from irpd.model.page import PageKind
from irpd.model.report import Report
from irpd.oncall.hours import next_working
from irpd.protocol.draft import Draft
from irpd.protocol.paging import page_person


# ------------------------------------------------------------------ asking for it
def ask_for_report(draft: Draft, incident: Incident) -> Incident:
    """An incident was closed: its report is due, if its level has to have one. One reopened meanwhile
    has as long as any other from its last end on."""
    within = draft.configuration.reports.of(incident.level)
    report = incident.report
    if report is None:
        return ask(draft, incident, within, by="") if within else incident
    due = _due(draft, incident, report.owner, within)
    if report.published_at is not None or due <= report.due_at:
        return incident
    return draft.emit(incident.number, e.ReportAssigned(owner=report.owner, due_at=due))


def _due(draft: Draft, incident: Incident, owner: str, within: float) -> datetime:
    ended = incident.resolved_at or draft.now
    return in_working_hours(draft, owner, incident.level, ended + timedelta(seconds=within))


def ask(draft: Draft, incident: Incident, within: float, *, by: str) -> Incident:
    owner = _author(draft, incident)
    reports = draft.configuration.reports
    due = _due(draft, incident, owner, within)
    after = reports.review_of(incident.level)
    review = _due(draft, incident, owner, after) if after else None
    incident = draft.emit(
        incident.number,
        e.ReportAsked(
            owner=owner, due_at=due, review_at=review, escalate_after=reports.escalate_after, by=by
        ),
    )
    met = f" The review is planned for {day(draft, owner, review)}." if review else ""
    text = f"The report of {incident.ref} is yours, due {day(draft, owner, due)}.{met}"
    return tell(draft, incident, owner, text)


def _author(draft: Draft, incident: Incident) -> str:
    """Who writes it: the communications manager, else who commanded, else who had it, else who ended it."""
    people = draft.configuration.people
    candidates = (
        incident.roles.get("communications", ""),
        incident.roles.get("commander", ""),
        *incident.acknowledged_by,
        incident.resolved_by,
        *draft.configuration.fallback,
    )
    return next(person for person in candidates if person in people)


def in_working_hours(draft: Draft, person: str, level: Level, at: datetime) -> datetime:
    """The next working time: nobody writes or meets at night for what is over."""
    configuration = draft.configuration
    hours = configuration.level(max(level, Level.MEDIUM)).hours
    zone = configuration.people[person].time_zone if person in configuration.people else "UTC"
    try:
        return next_working(hours, hours.time_zone or zone, at)
    except Exception as error:  # hours that can't be read make nothing late
        draft.defects.append(("hours", error))
        return at


def day(draft: Draft, person: str, at: datetime) -> str:
    someone = draft.configuration.people.get(person)
    try:
        local = at.astimezone(ZoneInfo(someone.time_zone if someone is not None else "UTC"))
    except (LookupError, ValueError, OSError):
        local = at
    return f"{local.day} {local:%b %H:%M}"


# ------------------------------------------------------------------ deadlines
def report_wakes_at(incident: Incident) -> datetime | None:
    """When somebody is to be reminded next."""
    report = incident.report
    if report is None or incident.state.active:
        return None
    return min((due for _, due in _late(report)), default=None)


def _late(report: Report) -> Iterator[tuple[str, datetime]]:
    """What there is to be reminded of, and from when on: at its time, and again when it is late for long."""
    later = timedelta(seconds=report.escalate_after)
    if report.published_at is None and report.reminded < 2:
        yield "report", report.due_at + later * report.reminded
    if report.review_at is not None and report.review_held_at is None and not report.review_reminded:
        yield "review", report.review_at
    for item in report.items:
        if item.done_at is None and item.reminded < 2:
            yield str(item.n), item.due_at + later * item.reminded


def remind(draft: Draft, incident: Incident) -> Incident:
    """Whoever is late hears of it; what is late for long, others hear of too. What was missed while irpd was
    down is said once."""
    report = incident.report
    if report is None or incident.state.active:
        return incident
    for what, due in list(_late(report)):
        if due > draft.now:
            continue
        owner, due_at, text = _reminder(draft, incident, report, what)
        for_long = what != "review" and due_at + timedelta(seconds=report.escalate_after) <= draft.now
        above = _above(draft, incident, owner) if for_long else ()
        persons = tuple(dict.fromkeys((owner, *above)))
        said = e.Reminded(what=what, step=2 if for_long else 1, persons=persons)
        incident = draft.emit(incident.number, said)
        for person in persons:
            incident = tell(draft, incident, person, text)
    return incident


def _reminder(draft: Draft, incident: Incident, report: Report, what: str) -> tuple[str, datetime, str]:
    """Whose it is, when it was due, and what to say."""
    if what == "report":
        due = day(draft, report.owner, report.due_at)
        text = f"The report of {incident.ref} was due {due}; {draft.name(report.owner)} has it."
        return report.owner, report.due_at, f"{text} irpd report {incident.number}"
    if what == "review":
        text = f"The review of {incident.ref} is due. Say what came of it:"
        return report.owner, draft.now, f"{text} irpd report held {incident.number}"
    item = report.items[int(what) - 1]
    due = day(draft, item.owner, item.due_at)
    text = f"Action item {item.n} of {incident.ref} was due {due}; {draft.name(item.owner)} has it:"
    return item.owner, item.due_at, f"{text} {item.text}"


def _above(draft: Draft, incident: Incident, owner: str) -> tuple[str, ...]:
    """Who else hears of what is late for long."""
    commander = incident.roles.get("commander", "")
    return (commander,) if commander and commander != owner else draft.configuration.fallback


def tell(draft: Draft, incident: Incident, person: str, text: str) -> Incident:
    due = in_working_hours(draft, person, incident.level, draft.now)
    return page_person(
        draft, incident, person, kind=PageKind.UPDATE, reason="report", text=text, level=Level.LOW, due=due
    )
