"""The texts of pages: one function a medium, and ``render`` that picks and never fails.

Whatever goes wrong while a text is made, a person is paged all the same: ``render`` then
falls back to a few plain words that no template takes part in, and says so in ``error``.
"""

from collections.abc import Mapping

import msgspec
import structlog
from jinja2 import Environment, PackageLoader, StrictUndefined
from msgspec.structs import replace

from irpd.comms import clean, gsm, markdown
from irpd.comms.blocks import escape, slack_text
from irpd.comms.data import fields
from irpd.comms.glance import glance
from irpd.comms.push import push_text
from irpd.comms.shifts import shift_said
from irpd.comms.sms import sms_text
from irpd.comms.story import Story, Subject, name_of, person_name, tell
from irpd.comms.trying import confirms, sentence_of, title_of
from irpd.comms.voice import spoken, voice_text
from irpd.model.page import PageKind

__all__ = ["Rendered", "built_in", "fields", "mail_text", "plain_text", "render", "slack_text"]

log = structlog.get_logger(__name__)

#: Columns that surely fit into a line of a mail's own letters, and of severity and title beside each other.
MAIL_WIDTH, MAIL_TITLE = 39, 30
COLOURS = {1: "#b3261e", 2: "#b45309", 3: "#8a6d00", 4: "#57606a"}


def _environment(*, html: bool) -> Environment:
    return Environment(
        loader=PackageLoader("irpd.comms"),
        autoescape=html,
        undefined=StrictUndefined,
        auto_reload=False,
        keep_trailing_newline=True,
    )


_PLAIN = _environment(html=False)
_HTML = _environment(html=True)


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """A message for one kind of channel.

    ``fields`` is the content as data; for Slack its ``blocks``. ``error`` is set when the
    text is the built-in one because the real one could not be made.
    """

    subject: str
    text: str
    html: str = ""
    fields: Mapping[str, object] = msgspec.field(default_factory=dict)
    error: str = ""


def mail_text(subject: Subject) -> Rendered:
    """An e-mail: plain text and the same in simple HTML."""
    if subject.page.kind == PageKind.TEST:
        return Rendered(subject=_test_name(subject), text=_test_text(subject))
    if subject.page.kind == PageKind.SHIFT:
        return _shift(subject)
    story = tell(subject)
    plain, html = _PLAIN.get_template("page.txt.j2"), _HTML.get_template("page.html.j2")
    rows, seen, narrow = _rows(story), glance(story), glance(story, width=MAIL_WIDTH)
    replies = bool(subject.code) and story.asks
    title = clean.cut_columns(story.title, MAIL_TITLE - clean.columns(story.severity))
    return Rendered(
        subject=story.name,
        text=plain.render(s=story, g=seen, rows=rows, replies=replies),
        html=html.render(
            s=story, g=narrow, title=title, rows=rows, colour=COLOURS[story.level], replies=replies
        ),
    )


def plain_text(subject: Subject) -> Rendered:
    """A few lines for a terminal, and for any channel that has no text of its own."""
    if subject.page.kind == PageKind.TEST:
        return Rendered(subject=_test_name(subject), text=_test_text(subject))
    if subject.page.kind == PageKind.SHIFT:
        return _shift(subject)
    story = tell(subject)
    return Rendered(subject=story.name, text=_PLAIN.get_template("terminal.txt.j2").render(s=story))


def render(channel_type: str, subject: Subject) -> Rendered:
    """The message for a channel of this type . Never raises."""
    try:
        match channel_type:
            case "smtp":
                return mail_text(subject)
            case "slack":
                slack = slack_text(subject)
                return Rendered(subject=_name(subject), text=slack.text, fields={"blocks": slack.blocks})
            case "twilio":
                return Rendered(subject=_name(subject), text=sms_text(subject))
            case "ntfy" | "pushover" | "apprise":
                return _pushed(subject)
            case "telegram":
                pushed = _pushed(subject)
                return replace(pushed, text=f"{pushed.subject}\n{pushed.text}")
            case "mattermost":
                pushed = _pushed(subject)
                return replace(
                    pushed, text=f"**{markdown.escape(pushed.subject)}**\n{markdown.escape(pushed.text)}"
                )
            case "teams":
                pushed = _pushed(subject)
                return replace(pushed, text=markdown.escape(f"{pushed.subject}\n{pushed.text}"))
            case "voice":
                return Rendered(subject=_name(subject), text=voice_text(subject))
            case _:
                plain = plain_text(subject)
                return Rendered(subject=plain.subject, text=plain.text, fields=fields(subject))
    except Exception as error:  # whatever a template raises, a page has a text
        log.exception("text_could_not_be_made", channel_type=channel_type, page=subject.page.id)
        rendered = built_in(subject, error=f"{type(error).__name__}: {error}")
        return replace(rendered, text=_last_resort(channel_type, rendered, subject))


def built_in(subject: Subject, *, error: str = "") -> Rendered:
    """The last resort: no template, no time zone, nothing that can fail."""
    page, incident = subject.page, subject.incident
    if page.kind == PageKind.SHIFT:
        word = page.shift
        name = (
            f"irpd: on call from {word.begins:%d %b %H:%M} UTC: {word.schedule}" if word else "irpd: a word"
        )
        return Rendered(subject=name, text=f"{name}\n", error=error or "built-in text")
    if incident is None:
        about = f"incident #{page.incident}" if page.kind != PageKind.TEST else "a test; nothing is wrong"
    else:
        title = clean.line(str(incident.title), 200)
        about = f"#{incident.number} LEVEL {int(incident.level)}: {title}"
    name = f"irpd {about}"
    text = f"{name}\nI have it: {subject.link}\nI can't:   {subject.cant_link}\n"
    return Rendered(
        subject=name,
        text=text,
        fields={
            "schema": "irpd.page/1",
            "page": page.id,
            "kind": page.kind.value,
            "person": page.person,
            "news": name,
            "acknowledge_url": subject.link,
            "cant_url": subject.cant_link,
            "incident": None,
            "asks": True,
        },
        error=error or "built-in text",
    )


def _pushed(subject: Subject) -> Rendered:
    push = push_text(subject)
    leads = subject.page.kind != PageKind.SHIFT  # a word has nothing behind it
    more: dict[str, object] = {
        "urgency": int(push.urgency),
        "asks": push.asks,
        "over": push.over,
        "level": int(subject.incident.level) if subject.incident is not None else None,
        "acknowledge_url": subject.link if leads else "",
        "cant_url": subject.cant_link if leads else "",
    }
    return Rendered(subject=push.title, text=push.text, fields=more)


def _last_resort(channel_type: str, rendered: Rendered, subject: Subject) -> str:
    match channel_type:
        case "slack":
            return escape(rendered.text)
        case "mattermost" | "teams":
            return markdown.escape(rendered.subject)
        case "telegram":
            return rendered.subject
        case "twilio":
            return f"{gsm.cut(gsm.plain(rendered.subject), 100)} {subject.link}"
        case "voice":
            return spoken(rendered.subject)
        case _:
            return rendered.text


def _rows(story: Story) -> list[tuple[str, str]]:
    rows = [
        ("Now", story.has_it),
        ("News", story.news),
        (f"Why {story.level.severity}", story.why),
        ("Signals", story.signals),
        *((place.text, place.url) for place in story.places),
        ("Users", "" if story.users else "how many are affected is not known"),
    ]
    return [(name, value) for name, value in rows if value]


def _shift(subject: Subject) -> Rendered:
    said = shift_said(subject)
    return Rendered(subject=f"[irpd] {said.title}", text=f"{said.text}\n")


def _name(subject: Subject) -> str:
    if subject.page.kind == PageKind.SHIFT:
        return f"[irpd] {shift_said(subject).title}"
    if subject.incident is None:
        return _test_name(subject)
    return name_of(subject.incident, subject.configuration)


def _test_name(subject: Subject) -> str:
    return f"[irpd] {title_of(subject)}"


def _test_text(subject: Subject) -> str:
    if confirms(subject) or subject.page.shift:
        return f"{title_of(subject)}.\n{sentence_of(subject)}\nIt reached me:  {subject.link}\n"
    name = person_name(subject.configuration, subject.page.person)
    return f"Test page from irpd to {name}.\nNothing is wrong. It reached me:\n{subject.link}\n"
