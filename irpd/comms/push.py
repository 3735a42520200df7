"""Push messages for phones: a title, a few lines, and what a channel needs to know of how urgent it is."""

from dataclasses import dataclass
from enum import IntEnum

from irpd.comms.glance import glance
from irpd.comms.shifts import shift_said
from irpd.comms.story import Story, Subject, tell
from irpd.comms.trying import confirms, sentence_of, title_of
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
        test = "Nothing is wrong. Press I have it.\nIt shows that pages from irpd reach you here."
        return PushText(
            title=title_of(subject),
            text=sentence_of(subject) if confirms(subject) or subject.page.shift else test,
            urgency=Urgency.LOUD,
            asks=True,
            over=False,
        )
    if subject.page.kind == PageKind.SHIFT:
        said = shift_said(subject)
        return PushText(title=said.title, text=said.text, urgency=Urgency.SILENT, asks=False, over=False)
    story = tell(subject)
    over = bool(story.has_it) and not story.asks
    mark = ("✅ " if story.ended else "🟢 ") if over else ""
    seen = glance(story, mark=3 if mark else 0)
    lines = (
        seen.second,
        *seen.more,
        seen.fact_line,
        f"Next if nobody answers: {story.next_short}" if story.next_short else "",
        f"Why {story.level.severity}: {story.why}",
    )
    return PushText(
        title=f"{mark}{seen.first}",
        text="\n".join(line for line in lines if line),
        urgency=_urgency(story, over=over),
        asks=story.asks,
        over=over,
    )


def _urgency(story: Story, *, over: bool) -> Urgency:
    if over or story.kind == PageKind.QUIET:
        return Urgency.SILENT
    if story.kind == PageKind.UPDATE:
        return Urgency.NORMAL
    return Urgency.ALARM if story.level.urgent else Urgency.LOUD
