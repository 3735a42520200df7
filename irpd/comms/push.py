"""Push messages for phones: a title, a few lines, and what a channel needs to know of how urgent it is."""

from dataclasses import dataclass
from enum import IntEnum

from irpd.comms.story import Story, Subject, person_name, tell
from irpd.model.incident import State
from irpd.model.page import PageKind


class Urgency(IntEnum):
    """How loud: through Do Not Disturb, loud, like any message, without a sound."""

    ALARM = 4
    LOUD = 3
    NORMAL = 2
    SILENT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PushText:
    """``asks``: whether an answer is wanted. The links are no part of ``text``."""

    title: str
    text: str
    urgency: Urgency
    asks: bool
    over: bool


def push_text(subject: Subject) -> PushText:
    """The message about a page, as the incident stands now."""
    if subject.page.kind == PageKind.TEST:
        name = person_name(subject.configuration, subject.page.person)
        return PushText(
            title=f"Test page for {name}",
            text="This is a test page from irpd. Nothing is wrong.",
            urgency=Urgency.LOUD,
            asks=True,
            over=False,
        )
    story = tell(subject)
    incident = subject.incident
    over = bool(story.has_it)
    ended = incident is not None and incident.state not in (State.OPEN, State.ACKNOWLEDGED)
    asks = story.kind == PageKind.PAGE and not over
    mark = ("✅ " if ended else "🟢 ") if over else ""
    return PushText(
        title=f"{mark}{story.ref} {story.severity} {story.service}: {story.title}",
        text="\n".join(_lines(story, asks=asks)),
        urgency=_urgency(story, over=over),
        asks=asks,
        over=over,
    )


def _lines(story: Story, *, asks: bool) -> list[str]:
    respond = f"respond by {story.respond_by}" if story.respond_by and asks else ""
    facts = (story.users_short, f"since {story.since_short}", respond, story.signals_short)
    told = [
        story.has_it[:1].upper() + story.has_it[1:],
        story.news if story.kind == PageKind.UPDATE else "",
        " · ".join(fact for fact in facts if fact),
        story.confirm,
        f"Next if nobody answers: {story.next_short}" if asks and story.next_short else "",
        f"Why {story.level.severity}: {story.why}",
    ]
    return [line for line in told if line]


def _urgency(story: Story, *, over: bool) -> Urgency:
    if over or story.kind == PageKind.QUIET:
        return Urgency.SILENT
    if story.kind == PageKind.UPDATE:
        return Urgency.NORMAL
    return Urgency.ALARM if story.level.urgent else Urgency.LOUD
