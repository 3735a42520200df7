"""One message that tells of several pages: a line or a few for each, the most severe first.

Each page keeps its own link or code, for what is acknowledged is a page. Where the medium has a limit the
list is cut where people can see it; the heading counts all of them.
"""

from collections.abc import Sequence
from html import escape as html_escape

import structlog
from msgspec.structs import replace

from irpd.comms import clean, gsm, markdown
from irpd.comms.blocks import escape
from irpd.comms.story import Story, Subject, tell
from irpd.comms.texts import Rendered, built_in, render
from irpd.comms.voice import spoken, voice_text

log = structlog.get_logger(__name__)

#: Characters that a list may take, by type of channel; what the channel itself adds finds room beside it.
LIMITS = {
    "twilio": 1400,
    "ntfy": 3000,
    "pushover": 950,
    "telegram": 3500,
    "mattermost": 12_000,
    "teams": 12_000,
}
DEFAULT_LIMIT = 60_000
_BLOCKS = 45


def several(channel_type: str, subjects: Sequence[Subject]) -> Rendered:
    """The message about these pages of one person, two at least, given most severe first. Never raises."""
    first = render(channel_type, subjects[0])
    try:
        return _told(channel_type, first, subjects)
    except Exception as error:  # whatever a template raises, a page has a text
        log.exception("text_could_not_be_made", channel_type=channel_type, page=subjects[0].page.id)
        text = "\n".join(built_in(subject).text for subject in subjects)
        if channel_type == "slack":
            first = replace(first, fields={})
            text = escape(text)
        return replace(first, text=text, html="", error=f"{type(error).__name__}: {error}")


def _told(channel_type: str, first: Rendered, subjects: Sequence[Subject]) -> Rendered:
    stories = [tell(subject) for subject in subjects]
    heading = f"{len(stories)} pages, the most severe first"
    name = f"[irpd] {len(stories)} pages: {stories[0].headline}"
    limit = LIMITS.get(channel_type, DEFAULT_LIMIT)
    match channel_type:
        case "voice":
            text = f"You are paged for {len(stories)} incidents. The keys are for the most severe."
            return replace(first, subject=name, text=spoken(f"{text} {voice_text(subjects[0])}"))
        case "twilio":
            return replace(first, subject=name, text=_sms(subjects, stories, limit))
        case "slack":
            return replace(
                first, subject=name, text=escape(name), fields={"blocks": _blocks(heading, stories)}
            )
        case _:
            written = markdown.escape if channel_type in ("mattermost", "teams") else str
            parts = [heading]
            for story in stories:
                *told, link = _lines(story)
                parts.append("\n".join([*map(written, told), link]))
            text = _fitted(parts, "\n\n", limit)
    fields = first.fields
    if "asks" in fields:
        fields = {**fields, "asks": False, "over": all(story.has_it for story in stories)}
    html = _html(heading, stories) if first.html else ""
    return replace(first, subject=name, text=text, html=html, fields=fields)


def _lines(story: Story) -> list[str]:
    respond = f"respond by {story.respond_by}" if story.respond_by and not story.has_it else ""
    facts = (story.users_short, f"since {story.since_short}", respond, story.has_it)
    lines = [story.headline, " · ".join(fact for fact in facts if fact)]
    if story.confirm:
        lines.append(story.confirm)
    return [*lines, f"{_answer(story)} {story.link}"]


def _answer(story: Story) -> str:
    return "See:" if story.has_it else "I have it:"


def _fitted(parts: Sequence[str], between: str, limit: int) -> str:
    """As many whole parts as there is room for, and how many are missing."""
    kept: list[str] = []
    length = 0
    for n, part in enumerate(parts):
        more = f"… and {len(parts) - n} more"
        room = limit if n == len(parts) - 1 else limit - len(between) - len(more)
        if length + len(part) > room and n:
            return between.join([*kept, more])
        kept.append(part)
        length += len(part) + len(between)
    return between.join(kept)


def _sms(subjects: Sequence[Subject], stories: Sequence[Story], limit: int) -> str:
    coded = all(subject.code for subject in subjects)
    parts = [f"irpd: {len(stories)} pages."]
    if coded:
        parts[0] += " Reply with a code, with N behind it if you can't."
    for subject, story in zip(subjects, stories, strict=True):
        title = gsm.cut(gsm.plain(f"{story.ref} {story.severity} {story.title}"), 60)
        parts.append(f"{subject.code} {title}" if coded else f"{title} {story.link}")
    return gsm.plain(_fitted(parts, "\n", limit))


def _blocks(heading: str, stories: Sequence[Story]) -> list[dict[str, object]]:
    texts = [f"*{escape(heading)}*"]
    for story in stories[:_BLOCKS]:
        head, *rest, _ = _lines(story)
        told = "\n".join([f"*{escape(head)}*", *map(escape, rest)])
        texts.append(f"{told}\n<{escape(story.link)}|{_answer(story).removesuffix(':')}>")
    if len(stories) > _BLOCKS:
        texts.append(f"… and {len(stories) - _BLOCKS} more")
    return [{"type": "section", "text": {"type": "mrkdwn", "text": clean.cut(text, 2900)}} for text in texts]


def _html(heading: str, stories: Sequence[Story]) -> str:
    entries = []
    for story in stories:
        head, *rest, _ = _lines(story)
        link = f'<a href="{html_escape(story.link)}">{_answer(story).removesuffix(":")}</a>'
        lines = [f"<b>{html_escape(head)}</b>", *map(html_escape, rest), link]
        entries.append(f"<p>{'<br>'.join(lines)}</p>")
    return f"<!doctype html><html><body><p>{html_escape(heading)}</p>{''.join(entries)}</body></html>"
