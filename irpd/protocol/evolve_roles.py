"""How roles and help that is asked for change an incident's row."""

from collections.abc import Callable

from msgspec.structs import replace

from irpd.model import event as e
from irpd.model.incident import Incident
from irpd.model.level import Level
from irpd.model.role import Ask, Seat

Of = (
    e.RoleOffered | e.RoleAccepted | e.RoleDeclined | e.RoleVacant | e.RoleKept
    | e.HelpAsked | e.HelpPassedOn | e.HelpTaken | e.HelpAnswered
)  # fmt: skip


def evolve_roles(incident: Incident, event: Of) -> Incident:
    """The incident after it; its version is counted by the caller."""
    match event:
        case e.RoleOffered() | e.RoleAccepted() | e.RoleDeclined() | e.RoleVacant() | e.RoleKept():
            return _seat(incident, event)
        case e.HelpAsked():
            ask = Ask(
                n=event.ask, who=event.who, question=event.question, by=event.by, asked=event.persons,
                tried=event.persons, next_at=event.next_at,
            )  # fmt: skip
            return replace(incident, asks=(*incident.asks, ask), asked=event.ask)
        case e.HelpPassedOn():
            return _ask(
                incident, event.ask, lambda ask: replace(
                    ask, asked=event.persons, tried=(*ask.tried, *event.persons), next_at=event.next_at,
                    taken_by="",
                ),
            )  # fmt: skip
        case e.HelpTaken():
            return _ask(
                incident, event.ask, lambda ask: replace(ask, taken_by=event.by, next_at=event.next_at)
            )
        case e.HelpAnswered():
            return replace(incident, asks=tuple(ask for ask in incident.asks if ask.n != event.ask))


def _ask(incident: Incident, n: int, change: Callable[[Ask], Ask]) -> Incident:
    return replace(incident, asks=tuple(change(ask) if ask.n == n else ask for ask in incident.asks))


def _seat(
    incident: Incident,
    event: e.RoleOffered | e.RoleAccepted | e.RoleDeclined | e.RoleVacant | e.RoleKept,
) -> Incident:
    role, roles = event.role, incident.roles
    seat = incident.seats.get(role, Seat())
    match event:
        case e.RoleOffered():
            tried = () if event.anew else tuple(dict.fromkeys((*seat.tried, *_named(seat.asked))))
            if role not in roles:
                roles = {**roles, role: event.person}
            seat = replace(
                seat, asked=event.person, next_at=event.next_at, by=event.by, topic=event.topic or seat.topic,
                tried=tried,
                rounds=seat.rounds + int(event.anew),
            )  # fmt: skip
        case e.RoleAccepted():
            roles = {**roles, role: event.by}
            seat = Seat(accepted=True, topic=event.topic or seat.topic)
        case e.RoleDeclined():
            had_it = roles.get(role) == event.by
            if had_it:
                roles = {name: person for name, person in roles.items() if name != role}
            seat = replace(
                seat,
                asked="" if seat.asked == event.by else seat.asked,
                declined=tuple(dict.fromkeys((*seat.declined, event.by))),
                accepted=seat.accepted and not had_it,
            )
        case e.RoleVacant():
            seat = replace(seat, next_at=None)
        case e.RoleKept():
            seat = replace(seat, asked="", next_at=None, tried=(), by="")
    return replace(incident, roles=roles, seats={**incident.seats, role: seat})


def _named(person: str) -> tuple[str, ...]:
    return (person,) if person else ()


def calmed(incident: Incident, *, over: bool) -> dict[str, Seat]:
    """The seats once it is over, or less urgent: nobody else is asked by the clock; what a person offered
    goes on unless it is over."""
    return {
        role: replace(seat, next_at=None, asked="" if over else seat.asked) if over or not seat.by else seat
        for role, seat in incident.seats.items()
    }


def levelled_seats(incident: Incident, level: Level) -> dict[str, Seat]:
    return incident.seats if level.urgent or not incident.seats else calmed(incident, over=False)
