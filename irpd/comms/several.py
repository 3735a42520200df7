"""One message that tells of several pages: a line or a few for each, the most severe first.

Each page keeps its own link or code, for what is acknowledged is a page. Where the medium has a limit the
list is cut where people can see it; the heading counts all of them.
"""

from collections.abc import Sequence
from html import escape as html_escape

import structlog
from msgspec.structs import replace

from irpd.comms import clean, gsm, markdown
from irpd.comms.blocks import LOOKALIKES, escape
from irpd.comms.glance import WIDTH
from irpd.comms.story import Story, Subject, tell
from irpd.comms.texts import COLOURS, MAIL_TITLE, MAIL_WIDTH, Rendered, built_in, render
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
_BUTTON = (
    "display:inline-block;margin-top:6px;padding:12px 24px;background:#1a7f37;color:#fff;"
    "text-decoration:none;border-radius:6px;font-weight:bold"
)
_HTML = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>{title}</title></head>
<body style="margin:0;padding:16px;font:16px/1.4 -apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif">
<div style="max-width:560px;overflow-wrap:anywhere">
<p style="margin:0 0 4px">
<b style="color:#fff;background:{colour};padding:2px 6px;border-radius:3px;font-size:14px">{severity}</b>
<b><bdi>{worst}</bdi></b></p>
<p style="margin:0 0 14px">{second}</p>
{entries}
</div></body></html>
"""
#: Channels that show a title of their own above the text.
_TITLED = ("ntfy", "pushover", "apprise")


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
    first_line, second_line = _glance(stories)
    heading = f"{first_line}\n{second_line}"
    name = f"[irpd] {len(stories)} pages: {stories[0].headline}"
    limit = LIMITS.get(channel_type, DEFAULT_LIMIT)
    match channel_type:
        case "voice":
            text = f"You are paged for {len(stories)} incidents. The keys are for the most severe."
            return replace(first, subject=name, text=spoken(f"{text} {voice_text(subjects[0])}"))
        case "twilio":
            return replace(first, subject=name, text=_sms(subjects, stories, limit))
        case "slack":
            text = escape(heading).translate(LOOKALIKES)
            return replace(first, subject=name, text=text, fields={"blocks": _blocks(heading, stories)})
        case _:
            written = markdown.escape if channel_type in ("mattermost", "teams") else str
            parts = [written(heading)]
            if channel_type in _TITLED:
                name, parts = first_line, [second_line]
            for story in stories:
                *told, link = _lines(story)
                parts.append("\n".join([*map(written, told), link]))
            text = _fitted(parts, "\n\n", limit)
    fields = first.fields
    if "asks" in fields:
        fields = {**fields, "asks": False, "over": not any(story.asks for story in stories)}
    html = _html(stories) if first.html else ""
    return replace(first, subject=name, text=text, html=html, fields=fields)


def _glance(stories: Sequence[Story]) -> tuple[str, str]:
    """The first two lines: how many, what the most severe is, since when, and what to press."""
    worst = stories[0]
    head = f"{len(stories)} pages: {worst.ref} {worst.severity} · "
    first = head + clean.cut_columns(worst.title, WIDTH - clean.columns(head))
    since = min(stories, key=lambda story: story.began)
    asks = any(story.asks for story in stories)
    press = "Press I have it at each." if asks else "Nothing to do."
    lines = (f"Since {since.since_short}. {press}", f"Since {since.since_clock}. {press}")
    short = f"Since {since.since_clock}. {'Press each link.' if asks else press}"
    return first, next((line for line in lines if clean.columns(line) <= WIDTH), short)


def _lines(story: Story) -> list[str]:
    respond = f"respond by {story.respond_by}" if story.respond_by and story.asks else ""
    facts = (story.users_short, f"since {story.since_short}", respond, story.has_it)
    lines = [story.headline, " · ".join(fact for fact in facts if fact)]
    lines += [one for one in (story.news, story.remark) if one]
    return [*lines, f"{_answer(story)} {story.link}"]


def _answer(story: Story) -> str:
    return "I have it:" if story.asks else "Open:"


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
    since = min(stories, key=lambda story: story.began).since_clock
    parts = [f"irpd: {len(stories)} pages since {since}. {'Reply a code:' if coded else 'Press a link:'}"]
    for subject, story in zip(subjects, stories, strict=True):
        head = gsm.plain(f"{subject.code} " if coded else "") + gsm.plain(f"{story.ref} {story.severity} ")
        title = head + gsm.cut(gsm.plain(story.title), WIDTH - gsm.length(head))
        parts.append(title if coded else f"{title} {story.link}")
    tail = "\nA code = I have it, with N behind it = can't." if coded else ""
    return gsm.plain(_fitted(parts, "\n", limit - len(tail))) + tail


def _blocks(heading: str, stories: Sequence[Story]) -> list[dict[str, object]]:
    texts = ["\n".join(f"*{escape(line).translate(LOOKALIKES)}*" for line in heading.splitlines())]
    for story in stories[:_BLOCKS]:
        head, *rest, _ = _lines(story)
        told = "\n".join([f"*{escape(head).translate(LOOKALIKES)}*", *map(escape, rest)])
        texts.append(f"{told}\n<{escape(story.link)}|{_answer(story).removesuffix(':')}>")
    if len(stories) > _BLOCKS:
        texts.append(f"… and {len(stories) - _BLOCKS} more")
    return [{"type": "section", "text": {"type": "mrkdwn", "text": clean.cut(text, 2900)}} for text in texts]


def _html(stories: Sequence[Story]) -> str:
    worst, count = stories[0], len(stories)
    since = min(stories, key=lambda story: story.began).since_clock
    press = "Press each button." if any(story.asks for story in stories) else "Nothing to do."
    lines = [f"{count} pages since {since}. {press}", f"{count} pages since {since}. Press each."]
    second = next((line for line in lines if clean.columns(line) <= MAIL_WIDTH), f"{count} pages. {press}")
    entries = []
    for story in stories:
        head, *rest, _ = _lines(story)
        link = f'<a href="{html_escape(story.link)}" style="{_BUTTON}">{_answer(story).removesuffix(":")}</a>'
        told = [f"<b><bdi>{html_escape(head)}</bdi></b>", *map(html_escape, rest), link]
        entries.append(f"<p>{'<br>'.join(told)}</p>")
    return _HTML.format(
        title=html_escape(f"{count} pages"),
        colour=COLOURS[worst.level],
        severity=worst.severity,
        worst=html_escape(clean.cut_columns(worst.title, MAIL_TITLE - clean.columns(worst.severity))),
        second=html_escape(second),
        entries="\n".join(entries),
    )
