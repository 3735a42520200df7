"""Help that one team asks of another: paged, passed on until somebody answers, and the answer kept.

Asked is a person, a schedule's person on call, or a team: who is on call on its schedules first, then its
people. One is paged at a time; who doesn't answer, or can't, is followed by the next, and when everybody was
asked whoever wanted to know hears of that. "I have it" says that somebody sees to it: they have longer.
"""

from datetime import datetime, timedelta

from irpd.model import event as e
from irpd.model.incident import Incident
from irpd.model.page import PageKind
from irpd.model.role import Ask
from irpd.oncall.roster import rosters
from irpd.protocol.draft import Draft
from irpd.protocol.paging import end_asking, on_call, page_person, reachable, urgent_from

#: Open questions of one incident at most.
MOST = 20


def asks(n: int) -> str:
    """What a page about it asks for."""
    return f"help:{n}"


def line(draft: Draft, who: str) -> tuple[str, ...]:
    """Who could help, in the order in which they are asked; empty for a name that means nobody."""
    configuration = draft.configuration
    if who in configuration.people:
        return (who,)
    team = configuration.teams.get(who)
    schedules = team.schedules if team is not None else (who,) if who in configuration.schedules else ()
    first = [person for name in schedules for person in on_call(draft, name, "", draft.now)]
    then: list[str] = list(team.people) if team is not None else []
    for name in schedules:
        try:
            then += rosters(configuration)[name].line(draft.now, draft.changes)
        except Exception as error:  # a schedule that can't be read: the others are asked
            draft.defects.append(("schedule", error))
    return tuple(dict.fromkeys((*first, *then)))


def asked_at(incident: Incident) -> datetime | None:
    """When the next is asked for help; None: nobody is waited for."""
    if not incident.state.active:
        return None
    return min((ask.next_at for ask in incident.asks if ask.next_at is not None), default=None)


def ask(draft: Draft, incident: Incident, who: str, question: str, by: str) -> Incident:
    """Page the first who could help."""
    person = _next(draft, incident, Ask(n=0, who=who, question="", by=by))
    n = incident.asked + 1
    incident = draft.emit(
        incident.number,
        e.HelpAsked(
            ask=n, who=who, question=question, by=by, persons=(person,) if person else (),
            next_at=_waits(draft, incident, person),
        ),
    )  # fmt: skip
    return _page(draft, incident, n, person)


def look(draft: Draft, incident: Incident) -> Incident:
    """Pass on what was not answered in time."""
    if not incident.state.active:
        return incident
    for one in incident.asks:
        if one.next_at is not None and one.next_at <= draft.now:
            names = " and ".join(draft.name(person) for person in one.asked) or "nobody"
            incident = move_on(draft, incident, one, because=f"{names} has not answered")
    return incident


def move_on(draft: Draft, incident: Incident, one: Ask, *, because: str) -> Incident:
    """Ask the next; when there is none, say so to whoever asked."""
    person = _next(draft, incident, one)
    incident = end_asking(draft, incident, asks(one.n))
    incident = draft.emit(
        incident.number,
        e.HelpPassedOn(
            ask=one.n, persons=(person,) if person else (), because=because,
            next_at=_waits(draft, incident, person) if person else None,
        ),
    )  # fmt: skip
    if person:
        return _page(draft, incident, one.n, person)
    text = f"Nobody of {one.who} has answered: {one.question}"
    for person in dict.fromkeys((one.by, *incident.acknowledged_by)):
        incident = page_person(draft, incident, person, kind=PageKind.UPDATE, reason="help", text=text)
    return incident


def taken(draft: Draft, incident: Incident, one: Ask, by: str) -> Incident:
    """Somebody sees to it."""
    later = draft.now + timedelta(seconds=draft.configuration.timing.help_taken)
    incident = draft.emit(incident.number, e.HelpTaken(ask=one.n, by=by, next_at=later))
    return end_asking(draft, incident, asks(one.n), by=by)


def answered(draft: Draft, incident: Incident, n: int, by: str, text: str) -> Incident:
    """The answer, to whoever asked and to who has the incident."""
    one = next((one for one in incident.asks if one.n == n), None)
    incident = draft.emit(incident.number, e.HelpAnswered(ask=n, by=by, text=text))
    incident = end_asking(draft, incident, asks(n), by=by)
    if one is None or not incident.state.active:
        return incident
    for person in dict.fromkeys((one.by, *incident.acknowledged_by)):
        if person != by:
            said = f"{draft.name(by)} answers: {text}"
            incident = page_person(draft, incident, person, kind=PageKind.UPDATE, reason="help", text=said)
    return incident


def _next(draft: Draft, incident: Incident, one: Ask) -> str:
    found = (
        person for person in line(draft, one.who)
        if person not in one.tried and person != one.by
        and reachable(draft.configuration, person, incident.level)
    )  # fmt: skip
    return next(found, "")


def _waits(draft: Draft, incident: Incident, person: str) -> datetime:
    begins = urgent_from(draft, person, incident.level, draft.now)
    return begins + timedelta(seconds=draft.configuration.timing.help)


def _page(draft: Draft, incident: Incident, n: int, person: str) -> Incident:
    one = next(one for one in incident.asks if one.n == n)
    quiet = draft.configuration.level(incident.level).urgency == "quiet"
    return page_person(
        draft, incident, person, kind=PageKind.QUIET if quiet else PageKind.PAGE, reason="help",
        text=f"{draft.name(one.by)} asks for your help: {one.question}", asks=asks(n),
        due=urgent_from(draft, person, incident.level, draft.now),
    )  # fmt: skip
