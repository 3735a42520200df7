"""What people do about the response team: give roles, take them, give them back, ask for help and answer."""

from irpd.model import command as c
from irpd.model.command import Refusal
from irpd.model.incident import Incident, State
from irpd.model.response import LONGEST_FACT
from irpd.model.role import EXPERT, TITLES, Seat, expert, title
from irpd.protocol import asking, helping, roles
from irpd.protocol.draft import Draft
from irpd.protocol.people import Answer


def assign(draft: Draft, command: c.AssignRole) -> Answer:
    """Offer a role, or take it oneself."""
    incident = draft.active(command.incident, "give a role of")
    configuration = draft.configuration
    if command.role not in TITLES and command.role != EXPERT:
        known = ", ".join((*TITLES, EXPERT))
        raise Refusal("invalid", f"there is no role {command.role[:40]!r}; there are {known}")
    if command.person not in configuration.people:
        known = ", ".join(sorted(configuration.people))
        raise Refusal("invalid", f"there is no person {command.person[:40]!r}; there are {known}")
    topic = _said(command.topic, "the topic", longest=200)
    if topic and command.role != EXPERT:
        raise Refusal("invalid", "only an expert has a topic")
    role = expert(command.person) if command.role == EXPERT else command.role
    seat = incident.seats.get(role, Seat())
    who, what = draft.name(command.person), title(role, topic or seat.topic)
    if incident.roles.get(role) == command.person and seat.accepted:
        return Answer(incident.number, False, f"{who} is {what} of {incident.ref} already.")
    if command.person == command.by:
        roles.take(draft, incident, role, command.by, topic=topic)
        return Answer(incident.number, True, f"You are {what} of {incident.ref}.")
    because = _said(command.because, "the reason")
    former = incident.roles.get(role, "")
    roles.offer(draft, incident, role, command.person, by=command.by, because=because, topic=topic)
    keeps = f" {draft.name(former)} keeps it until then." if former and former != command.person else ""
    return Answer(incident.number, True, f"{who} is asked to be {what} of {incident.ref}.{keeps}")


def accept(draft: Draft, command: c.AcceptRole) -> Answer:
    incident = draft.active(command.incident, "take a role of")
    changed, said = False, list[str]()
    for role in _meant(draft, incident, command.role, command.by):
        incident, did, text = asking.accept(draft, incident, role, command.by)
        changed, said = changed or did, [*said, text]
    return Answer(incident.number, changed, " ".join(said))


def decline(draft: Draft, command: c.DeclineRole) -> Answer:
    incident = draft.active(command.incident, "give back a role of")
    changed, said = False, list[str]()
    mine = [role for role, person in incident.roles.items() if person == command.by]
    given_back = mine[0] if not command.role and len(mine) == 1 else command.role
    for role in _meant(draft, incident, given_back, command.by):
        incident, did, text = asking.refuse(draft, incident, role, command.by)
        changed, said = changed or did, [*said, text]
    return Answer(incident.number, changed, " ".join(said))


def _meant(draft: Draft, incident: Incident, role: str, by: str) -> list[str]:
    """The roles that are meant: the one named, or what this person is asked to take."""
    role = expert(by) if role == EXPERT else role
    if role:
        seat = incident.seats.get(role)
        asked = seat is not None and by in (seat.asked, *seat.tried, *seat.declined)
        if asked or incident.roles.get(role) == by:
            return [role]
        mine = ", ".join(asking.offered_to(incident, by)) or "none"
        raise Refusal(
            "state",
            f"nobody asked {draft.name(by)} to be {title(role[:40])} of {incident.ref}; asked for: {mine}",
        )
    offered = asking.offered_to(incident, by)
    if not offered:
        raise Refusal("state", f"nobody asked {draft.name(by)} to take a role of {incident.ref}")
    return offered


def ask(draft: Draft, command: c.AskHelp) -> Answer:
    incident = draft.active(command.incident, "ask for help with")
    question = _said(command.question, "what you want to know", needed=True)
    configuration = draft.configuration
    if not helping.line(draft, command.who):
        known = ", ".join(sorted({*configuration.teams, *configuration.schedules, *configuration.people}))
        raise Refusal("invalid", f"nobody is meant by {command.who[:40]!r}; there are {known}")
    if len(incident.asks) >= helping.MOST:
        raise Refusal("state", f"{helping.MOST} questions of {incident.ref} are open; answer some first")
    incident = helping.ask(draft, incident, command.who, question, command.by)
    one = incident.asks[-1]
    if not one.asked:
        return Answer(
            incident.number, True, f"Kept as question {one.n}; nobody of {command.who} can be paged."
        )
    return Answer(
        incident.number,
        True,
        f"{draft.name(one.asked[0])} is paged; it is question {one.n} of {incident.ref}.",
    )


def answer(draft: Draft, command: c.AnswerHelp) -> Answer:
    """Also one that comes late is kept."""
    incident = draft.incident(command.incident)
    if incident.state is State.MERGED:
        raise Refusal("state", f"{incident.ref} {draft.over(incident)}; work on #{incident.merged_into}")
    text = _said(command.text, "the answer", needed=True)
    if not 1 <= command.ask <= incident.asked:
        open_now = ", ".join(str(one.n) for one in incident.asks) or "none"
        raise Refusal("not-found", f"{incident.ref} has no question {command.ask}; open: {open_now}")
    incident = helping.answered(draft, incident, command.ask, command.by, text)
    return Answer(incident.number, True, f"Answered question {command.ask} of {incident.ref}.")


def _said(text: str, what: str, *, needed: bool = False, longest: int = LONGEST_FACT) -> str:
    text = text.strip()
    if needed and not text:
        raise Refusal("invalid", f"say {what}")
    if len(text) > longest:
        raise Refusal("invalid", f"{what} has {len(text):,} characters; at most {longest:,} are kept")
    return text
