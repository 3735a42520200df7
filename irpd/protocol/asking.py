"""What a page asks for beside taking the incident, and what an answer to it does.

A page of a role, of help, of a missed update or to know of it with an audience is answered by the same
buttons and codes as any other, but the answer is about that alone: "I have it" accepts the role, sees to the
question or to the update; "I can't" passes it on. The incident's own paging goes on as it was, and an
acknowledgement of the incident leaves these pages as they are.
"""

from irpd.model import event as e
from irpd.model.incident import Incident
from irpd.model.page import Page, PageKind
from irpd.model.role import Ask, Seat, title
from irpd.protocol import helping, overdue, roles
from irpd.protocol.draft import Draft
from irpd.protocol.paging import end_asking, page_person


def said_yes(draft: Draft, incident: Incident, page: Page, by: str) -> tuple[Incident, bool, str]:
    """The incident after it, whether that changed anything, and what to say."""
    kind, _, what = page.asks.partition(":")
    if kind == "role":
        return accept(draft, incident, what, by)
    if kind == "help":
        one = _open(incident, what)
        if one is None:
            return incident, False, f"Nothing to do: question {what} of {incident.ref} was answered."
        incident = helping.taken(draft, incident, one, by)
        return incident, True, f"You see to it. Answer: irpd incident answer {incident.number} {what} TEXT"
    if kind == "audience":
        known = end_asking(draft, incident, page.asks, by=by)
        return known, page.live, f"You know of {incident.ref}. Who works on it goes on."
    if not any(one.live and one.asks == page.asks for one in draft.rows.pages_of(incident)):
        return incident, False, f"Nothing to do: the update of {incident.ref} was sent, or is seen to."
    incident = draft.emit(incident.number, e.UpdateTaken(by=by, page=page.id))
    incident = end_asking(draft, incident, page.asks, by=by)
    return incident, True, f"You see to the update of {incident.ref}. Nobody else is paged for it now."


def said_no(draft: Draft, incident: Incident, page: Page, by: str) -> tuple[Incident, bool, str]:
    """The same for "I can't"."""
    kind, _, what = page.asks.partition(":")
    if kind == "role":
        return refuse(draft, incident, what, by)
    if kind == "help":
        one = _open(incident, what)
        if one is None:
            return incident, False, f"Nothing to do: question {what} of {incident.ref} was answered."
        incident = _ended(draft, incident, page, by)
        if by in one.asked:
            incident = helping.move_on(draft, incident, one, because=f"{draft.name(by)} can't")
        return incident, True, "Passed on."
    was_live = page.live
    incident = _ended(draft, incident, page, by)
    if kind == "audience":
        return _instead(draft, incident, page), True, "Passed on."
    if was_live and incident.objectives.chase_at is not None:
        incident = overdue.chase(draft, incident)
    return incident, True, "Passed on."


def unreached(draft: Draft, incident: Incident, page: Page) -> Incident:
    """No method of this person worked: the next is asked at once."""
    kind, _, what = page.asks.partition(":")
    because = f"{draft.name(page.person)} can't be reached"
    if kind == "role":
        seat = incident.seats.get(what)
        if seat is not None and seat.asked == page.person:
            return roles.move_on(draft, incident, what, because=because)
        return incident
    if kind == "help":
        one = _open(incident, what)
        if one is not None and page.person in one.asked:
            return helping.move_on(draft, incident, one, because=because)
        return incident
    if kind == "audience":
        return _instead(draft, incident, page)
    return overdue.chase(draft, incident) if incident.objectives.chase_at is not None else incident


def _instead(draft: Draft, incident: Incident, page: Page) -> Incident:
    """Who was to know with an audience can't be told: ``fallback`` is to see to it."""
    if page.reason == "fallback":
        return incident
    for person in draft.configuration.fallback:
        if person != page.person:
            incident = page_person(
                draft, incident, person, kind=PageKind.PAGE, reason="fallback", text=page.text, asks=page.asks
            )
    return incident


def _open(incident: Incident, what: str) -> Ask | None:
    return next((one for one in incident.asks if str(one.n) == what), None)


def _ended(draft: Draft, incident: Incident, page: Page, by: str) -> Incident:
    known = draft.rows.page(page.id)
    if known is None or not known.live:
        return incident
    return draft.emit(incident.number, e.PageEnded(page=page.id, because="declined", by=by))


# ------------------------------------------------------------------ roles
def offered_to(incident: Incident, person: str) -> list[str]:
    """The roles that this person is asked to take, or has without having said yes."""
    return [
        role
        for role, seat in incident.seats.items()
        if seat.asked == person or (incident.roles.get(role) == person and not seat.accepted)
    ]


def accept(draft: Draft, incident: Incident, role: str, by: str) -> tuple[Incident, bool, str]:
    """A late yes counts as long as nobody else has said it."""
    seat = incident.seats.get(role, Seat())
    name = f"{title(role, seat.topic)} of {incident.ref}"
    has_it = incident.roles.get(role, "")
    if seat.accepted and has_it == by:
        return incident, False, f"You are {name} already."
    if seat.accepted and seat.asked != by:
        return incident, False, f"Nothing to do: {draft.name(has_it)} is {name}."
    incident = roles.take(draft, incident, role, by)
    return incident, True, f"You are {name}."


def refuse(draft: Draft, incident: Incident, role: str, by: str) -> tuple[Incident, bool, str]:
    seat = incident.seats.get(role, Seat())
    if seat.asked != by and incident.roles.get(role) != by:
        return incident, False, f"Nothing to do: you aren't asked to be {title(role, seat.topic)}."
    incident = roles.refuse(draft, incident, role, by)
    seat = incident.seats.get(role, Seat())
    now = f"{draft.name(seat.asked)} is asked now." if seat.asked else "Nobody else is asked."
    return incident, True, f"Passed on: {now}"
