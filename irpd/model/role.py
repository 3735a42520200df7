"""Roles in the response to an incident, and help that is asked for: who is asked, and who said yes."""

from datetime import datetime

from msgspec import Struct

COMMANDER, LEAD, COMMUNICATIONS, EXPERT = "commander", "technical-lead", "communications", "expert"
#: Roles that one person has at a time, as people call them. Experts there may be several.
TITLES = {
    COMMANDER: "incident commander",
    LEAD: "technical lead",
    COMMUNICATIONS: "communications manager",
}


def expert(person: str) -> str:
    """The role of one subject-matter expert, among those of an incident."""
    return f"{EXPERT}/{person}"


def is_expert(role: str) -> bool:
    return role.startswith(f"{EXPERT}/")


def title(role: str, topic: str = "") -> str:
    """What a role is called in a sentence."""
    if is_expert(role):
        return f"subject-matter expert for {topic}" if topic else "subject-matter expert"
    return TITLES.get(role, role)


class Seat(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """A role that somebody was asked to take. Who has it stands in the incident's ``roles``; ``accepted``:
    that person said yes. ``asked`` is who is asked now, ``tried`` who was before in this round, and at
    ``next_at`` somebody else is. ``by`` is who offered it; empty: irpd did."""

    asked: str = ""
    next_at: datetime | None = None
    tried: tuple[str, ...] = ()
    declined: tuple[str, ...] = ()
    accepted: bool = False
    by: str = ""
    topic: str = ""
    rounds: int = 0  # how often everybody has been asked


class Ask(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """Help that is asked for and not answered yet. ``who`` is a person, a team or a schedule; ``asked`` those
    who were paged last, ``tried`` everybody who was; at ``next_at`` the next of them is."""

    n: int
    who: str
    question: str
    by: str
    asked: tuple[str, ...] = ()
    tried: tuple[str, ...] = ()
    next_at: datetime | None = None
    taken_by: str = ""
