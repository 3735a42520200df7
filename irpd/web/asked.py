"""What the page behind a link says where it asks for something else than to take the incident: a role, help,
an update. Pure.

It says how that stands now, and its button answers that alone.
"""

from dataclasses import dataclass

from irpd.model.incident import Incident
from irpd.model.page import Page
from irpd.model.role import Ask, Seat, title


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """``state`` is one of asking, yours, theirs; ``take`` and ``hand_on`` are what the buttons say, ""
    without them; ``note`` what the field for words is for."""

    state: str
    headline: str
    lines: tuple[str, ...] = ()
    take: str = ""
    hand_on: str = ""
    note: str = ""


def asked_for(page: Page, incident: Incident, names: dict[str, str]) -> Asked:
    """How what this page asks for stands, for its person. The incident is worked on."""
    kind, _, what = page.asks.partition(":")
    if kind == "role":
        return _role(page, incident, what, names)
    if kind == "help":
        return _help(page, incident, what, names)
    if kind == "audience":
        if not page.live:
            return Asked(state="yours", headline="You know of it.", lines=("Nothing else to do.",))
        return Asked(
            state="asking", headline=f"You are paged with the audience {what}.", lines=(page.text,),
            take="I know of it", hand_on="I can’t: page somebody instead",
        )  # fmt: skip
    if page.live:
        return Asked(
            state="asking", headline="An update is overdue.", lines=(page.text,), take="I see to it",
            hand_on="I can’t: page the next person now",
        )  # fmt: skip
    overdue = incident.objectives.missed_since is not None
    lines = () if not overdue else ("Somebody sees to it, or others were paged since.",)
    return Asked(state="theirs", headline="Nothing to do about the update.", lines=lines)


def _role(page: Page, incident: Incident, role: str, names: dict[str, str]) -> Asked:
    seat = incident.seats.get(role, Seat())
    what = title(role, seat.topic)
    holder = incident.roles.get(role, "")
    if seat.accepted and holder == page.person:
        return Asked(
            state="yours", headline=f"You are {what}.", hand_on="I can’t go on: page the next person"
        )
    name = names.get(holder, holder)
    if seat.asked == page.person:
        return Asked(
            state="asking", headline=f"{what[0].upper()}{what[1:]}: do you take it?", lines=(page.text,),
            take="I take it", hand_on="I can’t",
        )  # fmt: skip
    if seat.accepted:
        return Asked(state="theirs", headline=f"{name} is {what}.", lines=("Nothing to do.",))
    asked = names.get(seat.asked, seat.asked)
    lines = (f"{asked} is asked now. You can still take it.",) if asked else ("You can still take it.",)
    return Asked(state="asking", headline=f"Nobody is {what} yet.", lines=lines, take="I take it")


def _help(page: Page, incident: Incident, what: str, names: dict[str, str]) -> Asked:
    ask = next((ask for ask in incident.asks if str(ask.n) == what), None)
    if ask is None:
        return Asked(state="theirs", headline="The question was answered.", lines=("Nothing to do.",))
    question = f"{names.get(ask.by, ask.by)} asks: {ask.question}"
    if ask.taken_by == page.person:
        return Asked(state="yours", headline="You see to it.", lines=(question,), note="Answer the question")
    return _unanswered(page, ask, question, names)


def _unanswered(page: Page, ask: Ask, question: str, names: dict[str, str]) -> Asked:
    taken = f"{names.get(ask.taken_by, ask.taken_by)} sees to it." if ask.taken_by else ""
    return Asked(
        state="asking",
        headline="Your help is asked for.",
        lines=tuple(line for line in (question, taken) if line),
        take="I see to it",
        hand_on="I can’t: ask the next" if page.live else "",
        note="Answer the question",
    )
