"""Roles: who fills them, asked for a yes, handed over, and looked for while nobody has said it.

When an incident's level first calls for a role, whoever is on call for it has it, from the event that set
the level on, and keeps it when their shift ends. They are paged to accept it. At levels 1-2 a role that
nobody has accepted in time is *vacant*, and so is one that is given back: the next is asked, and so on until
somebody says yes. Asked are, in this order: who is on call for it, who is next in its schedule, the people
of the incident's path, ``fallback``; then all of them again, as often as a path that is through its rounds.

Who has a role offers it to somebody else and keeps it until they accept. Accepting a role and acknowledging
the incident are two things: neither is the other.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from irpd.config.duration import format_duration
from irpd.model import event as e
from irpd.model.incident import Incident
from irpd.model.level import Level
from irpd.model.page import PageKind
from irpd.model.role import COMMANDER, Seat, is_expert, title
from irpd.model.signal import OWN
from irpd.oncall.roster import rosters
from irpd.protocol.draft import Draft
from irpd.protocol.paging import end_asking, on_call, page_person, persons_of, reachable, urgent_from

#: Where nothing says how long somebody has to accept.
ACCEPT_WITHIN = 300.0


def filled(draft: Draft, level: Level, already: dict[str, str]) -> dict[str, str]:
    """The roles that this level calls for and that nobody fills yet, with their people."""
    found: dict[str, str] = {}
    for name, role in draft.configuration.roles.items():
        if name in already or level not in role.levels:
            continue
        persons = on_call(draft, role.schedule or "", role.person or "", draft.now)
        if persons:
            found[name] = persons[0]
    return found


def called(draft: Draft, level: Level) -> list[str]:
    """The roles that this level calls for."""
    return [name for name, role in draft.configuration.roles.items() if level in role.levels]


def commanders(draft: Draft, incident: Incident, level: Level) -> tuple[str, ...]:
    """Who is to hear what concerns the command at this level: who commands, else who would at that level,
    else who has it, else fallback; the first of these who can be reached."""
    configuration = draft.configuration
    role = (incident.roles | filled(draft, level, incident.roles)).get(COMMANDER)
    for persons in ((role,) if role else (), incident.acknowledged_by):
        if any(reachable(configuration, person, level) for person in persons):
            return persons
    return configuration.fallback


# ------------------------------------------------------------------ calling for them
def call(draft: Draft, incident: Incident) -> Incident:
    """Page whoever is to accept a role that the level calls for and that nobody has been asked to yet."""
    if incident.source == OWN:  # the operators see to irpd itself
        return incident
    for role in called(draft, incident.level):
        seat = incident.seats.get(role, Seat())
        if seat.accepted or seat.next_at is not None or (seat.asked and not incident.level.urgent):
            continue
        person = "" if role in incident.seats else incident.roles.get(role, "")
        because = f"level {int(incident.level)} calls for it"
        incident = _ask_next(draft, incident, role, first=person, because=because)
    return incident


def offer(
    draft: Draft, incident: Incident, role: str, person: str, *, by: str = "", because: str = "",
    topic: str = "", anew: bool = False,
) -> Incident:  # fmt: skip
    """Ask somebody to take a role."""
    level, configuration = incident.level, draft.configuration
    due = urgent_from(draft, person, level, draft.now)
    seat = incident.seats.get(role, Seat())
    within = _accept_within(draft, role)
    if anew or seat.rounds:  # everybody was asked: from now on as often as a path pages everybody
        within = max(within, configuration.timing.everyone_urgent)
    waits = level.urgent or bool(by)
    if seat.asked and seat.asked != person:
        incident = end_asking(draft, incident, asks(role))
    former = incident.roles.get(role, "")
    incident = draft.emit(
        incident.number,
        e.RoleOffered(
            role=role, person=person, by=by, because=because, topic=topic, anew=anew,
            next_at=due + timedelta(seconds=within) if waits else None,
        ),
    )  # fmt: skip
    quiet = configuration.level(level).urgency == "quiet"
    return page_person(
        draft, incident, person, kind=PageKind.QUIET if quiet else PageKind.PAGE, reason="role", due=due,
        text=_words(draft, incident, role, person, former, by, because), asks=asks(role),
    )  # fmt: skip


def asks(role: str) -> str:
    """What a page about it asks for."""
    return f"role:{role}"


def _words(
    draft: Draft, incident: Incident, role: str, person: str, former: str, by: str, because: str
) -> str:
    what = title(role, incident.seats[role].topic)
    why = f" ({because})" if because else ""
    if by and by != person:
        return f"{draft.name(by)} asks you to be {what} of {incident.ref}{why}. Accept it, or say you can't."
    if former and former != person and incident.seats[role].accepted:
        took = f"Take over from {draft.name(former)} as {what} of {incident.ref}{why}?"
        return f"{took} Accept it, or say you can't."
    return f"You are {what} of {incident.ref}{why}. Accept it, or say you can't."


def relieve(draft: Draft, incident: Incident, *, because: str) -> Incident:
    """Ask the next in the commander's schedule to take over from who commands."""
    former = incident.roles.get(COMMANDER, "")
    seat = incident.seats.get(COMMANDER, Seat())
    if not former or not seat.accepted or seat.asked:
        return incident
    person = next(_in_line(draft, incident, COMMANDER, besides={former}), "")
    return offer(draft, incident, COMMANDER, person, because=because) if person else incident


# ------------------------------------------------------------------ whom
def _ask_next(draft: Draft, incident: Incident, role: str, *, first: str = "", because: str) -> Incident:
    """Ask the next who can be reached; when everybody was asked, all of them again. There is always one."""
    seat = incident.seats.get(role, Seat())
    asked = {seat.asked, *seat.tried, *seat.declined}
    if first and reachable(draft.configuration, first, incident.level):
        return offer(draft, incident, role, first, because=because)
    person = next(_candidates(draft, incident, role, besides=asked), "")
    if person:
        return offer(draft, incident, role, person, because=because)
    willing = _candidates(draft, incident, role, besides=set(seat.declined))
    person = next(willing, "") or draft.configuration.fallback[0]
    return offer(draft, incident, role, person, because=because, anew=True)


def _candidates(draft: Draft, incident: Incident, role: str, *, besides: set[str]) -> Iterator[str]:
    """Who could take it, in order, of those who can be reached."""
    yield from _in_line(draft, incident, role, besides=besides)
    seen = set(besides)
    of_path = (
        person for run in incident.paths[:1] for step in run.steps
        for person in persons_of(draft, step, draft.now)
    )  # fmt: skip
    for person in (*of_path, *draft.configuration.fallback):
        if person not in seen and reachable(draft.configuration, person, incident.level):
            seen.add(person)
            yield person


def _in_line(draft: Draft, incident: Incident, role: str, *, besides: set[str]) -> Iterator[str]:
    """Who is on call for it, and who is next in its schedule."""
    settings = draft.configuration.roles.get(role)  # type: ignore[call-overload]  # an expert's is in no file
    if settings is None:
        return
    people = on_call(draft, "", settings.person or "", draft.now)
    if settings.schedule:
        try:
            people = rosters(draft.configuration)[settings.schedule].line(draft.now, draft.changes)
        except Exception as error:  # a schedule that can't be read: others are asked
            draft.defects.append(("schedule", error))
    for person in people:
        if person not in besides and reachable(draft.configuration, person, incident.level):
            yield person


# ------------------------------------------------------------------ what time brings
def vacant_at(incident: Incident) -> datetime | None:
    """When somebody else is asked for a role next; None: for none."""
    if not incident.state.active or not incident.seats:
        return None
    return min((seat.next_at for seat in incident.seats.values() if seat.next_at is not None), default=None)


def look(draft: Draft, incident: Incident) -> Incident:
    """Ask the next for each role whose time is over."""
    if not incident.state.active:
        return incident
    for role, seat in incident.seats.items():
        if seat.next_at is not None and seat.next_at <= draft.now:
            within = format_duration(_accept_within(draft, role))
            because = f"{draft.name(seat.asked) or 'nobody'} has not answered within {within}"
            incident = move_on(draft, incident, role, because=because)
    return incident


def _accept_within(draft: Draft, role: str) -> float:
    settings = draft.configuration.roles.get(role)  # type: ignore[call-overload]  # an expert's is in no file
    return settings.accept_within if settings is not None else ACCEPT_WITHIN


def move_on(draft: Draft, incident: Incident, role: str, *, because: str) -> Incident:
    """Who was asked can't, didn't answer, or can't be reached."""
    seat = incident.seats[role]
    needed = incident.level.urgent and role in called(draft, incident.level)
    if needed and not seat.accepted:
        incident = draft.emit(incident.number, e.RoleVacant(role=role, because=because))
        return _ask_next(draft, incident, role, because=because)
    gone = {seat.asked, *seat.tried, *seat.declined, incident.roles.get(role, "")}
    person = next(_in_line(draft, incident, role, besides=gone), "")
    if person and not is_expert(role):
        return offer(draft, incident, role, person, by=seat.by, because=because)
    incident = end_asking(draft, incident, asks(role))
    incident = draft.emit(incident.number, e.RoleKept(role=role, because=because))
    text = f"Nobody took the role of {title(role, seat.topic)}: {because}."
    return page_person(draft, incident, seat.by, kind=PageKind.UPDATE, reason="role", text=text)


# ------------------------------------------------------------------ what people say
def take(draft: Draft, incident: Incident, role: str, by: str, *, topic: str = "") -> Incident:
    """This person has it from now on."""
    former, seat = incident.roles.get(role, ""), incident.seats.get(role, Seat())
    incident = draft.emit(incident.number, e.RoleAccepted(role=role, by=by, topic=topic))
    incident = end_asking(draft, incident, asks(role), by=by)
    if former and former != by and (seat.accepted or role not in draft.configuration.roles):
        text = f"{draft.name(by)} is {title(role, seat.topic)} now; you no longer are."
        incident = page_person(draft, incident, former, kind=PageKind.UPDATE, reason="role", text=text)
    return incident


def refuse(draft: Draft, incident: Incident, role: str, by: str) -> Incident:
    """This person doesn't take it, or gives it back."""
    seat = incident.seats.get(role, Seat())
    now_asked = seat.asked == by
    had_it = incident.roles.get(role) == by
    incident = draft.emit(incident.number, e.RoleDeclined(role=role, by=by))
    for page in list(draft.rows.pages_of(incident)):
        if page.live and page.asks == asks(role) and page.person == by:
            incident = draft.emit(incident.number, e.PageEnded(page=page.id, because="declined", by=by))
    if not (now_asked or had_it):
        return incident
    if seat.accepted and not had_it and seat.by:  # what a person offered to this one comes back to them
        incident = draft.emit(incident.number, e.RoleKept(role=role, because=f"{draft.name(by)} can't"))
        holder = draft.name(incident.roles[role])
        text = f"{draft.name(by)} can't be {title(role, seat.topic)}; it stays with {holder}."
        return page_person(draft, incident, seat.by, kind=PageKind.UPDATE, reason="role", text=text)
    if incident.seats[role].asked:  # somebody else is being asked
        return incident
    return move_on(draft, incident, role, because=f"{draft.name(by)} can't")
