"""The texts of messages to audiences: the protocol's templates, filled, for each medium.

A template is filled once, with plain text in which every value is one line, clean of control and invisible
characters; each medium then escapes the whole of it by its own rules and adds what little markup there is
(the first line, the labels). So no value can be markup, a mention, a header or a template, and all media say
the same. Templates run in a sandbox and see texts only.

``notice_text`` never fails: a team's own template that can't be filled gives way to the protocol's, and that
to a few plain words. ``error`` says so.
"""

import html
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

import structlog

from irpd.comms import clean, gsm, markdown
from irpd.comms.blocks import LOOKALIKES, escape
from irpd.comms.languages import Words, words_of
from irpd.comms.push import Urgency
from irpd.comms.story import percent
from irpd.comms.texts import Rendered
from irpd.comms.voice import spoken
from irpd.config.audiences import LANGUAGES
from irpd.config.templates import fill
from irpd.config.values import Configuration
from irpd.model.level import Level
from irpd.model.notice import News, Notice, Template
from irpd.model.share import Share

log = structlog.get_logger(__name__)

#: Characters of a value.
LONGEST_VALUE = 2000
#: Places of a text message, five parts of it.
_LONGEST_SMS = 765
_LABEL = re.compile(r"([^\W\d_][^:\n]{0,40}?)(\s?:) (.*)")


# ------------------------------------------------------------------ templates
def template_text(configuration: Configuration, notice: Notice) -> str:
    """The text of the template for this message: the team's own that fits best, else the protocol's."""
    fitting = [
        (bool(own.audience), bool(own.language), own.text)
        for own in configuration.templates.values()
        if own.template == notice.template.value
        and own.audience in ("", notice.audience)
        and own.language in ("", notice.language)
    ]
    return max(fitting)[2] if fitting else protocol_template(notice.template, notice.language)


@cache
def protocol_template(template: Template, language: str) -> str:
    """The protocol's own, in English where it is not in this language."""
    folder = resources.files("irpd.comms") / "templates" / "messages"
    known = language if language in LANGUAGES else "en"
    return (folder / f"{template.value}.{known}.j2").read_text(encoding="utf-8")


# ------------------------------------------------------------------ values
def values_of(notice: Notice) -> dict[str, str]:
    """What fills a template, each in one line and clean, in the language and zone of the notice."""
    words = words_of(notice.language)
    values = {
        "id": f"#{notice.incident}",
        "severity": f"{words.drill} {words.severity[notice.level]}"
        if notice.drill
        else words.severity[notice.level],
        "level": str(int(notice.level)),
        "services": _services(notice, words),
        "title": notice.title,
        "issue": notice.title or "-",
        "audience": notice.audience,
        "impact": _impact(notice, words),
        "status": _status(notice, words),
        "next_update": _next_update(notice, words),
    }
    if notice.template is not Template.RESOLUTION:
        values["workaround"] = notice.workaround or words.none
        values["estimated_resolution"] = _instant(notice.estimated_resolution, notice, words) or words.none
    if notice.template is Template.UPDATE:
        values["progress"] = _progress(notice, words)
    if notice.template is Template.RESOLUTION:
        later = words.in_report if notice.report_within else words.unknown
        by_itself = words.news[News.BY_ITSELF] if notice.news is News.BY_ITSELF else words.not_named
        values |= {
            "resolution_time": _instant(notice.resolved_at, notice, words) or words.unknown,
            "root_cause": notice.root_cause or later,
            "resolution": notice.resolution or by_itself,
            "impact_duration": _duration(notice, words),
            "prevention": notice.prevention or later,
            "report_within": words.span(notice.report_within) if notice.report_within else "",
        }
    return {name: clean.line(value, LONGEST_VALUE) for name, value in values.items()}


def _services(notice: Notice, words: Words) -> str:
    shown = ", ".join(clean.line(name, 60) for name in notice.services[:5])
    more = len(notice.services) - 5
    return f"{shown} {words.and_more.format(words.number(more))}" if more > 0 else shown


def _impact(notice: Notice, words: Words) -> str:
    """``Checkout; about 2 % of users (2,400 of 120,000). Cards can't be charged``"""
    users = _users(notice.share, words) or ("" if notice.impact else words.users_unknown)
    what = "; ".join(part for part in (_services(notice, words), users) if part)
    return ". ".join(part for part in (what, notice.impact) if part)


def _users(share: Share, words: Words) -> str:
    counts = ""
    if share.affected is not None:
        affected = words.number(share.affected)
        counts = affected if share.users is None else words.counts.format(affected, words.number(share.users))
    fraction = share.fraction
    if fraction is None:
        return words.affected.format(counts) if counts else ""
    shown, exact = percent(fraction)
    said = words.share.format(words.percent(shown))
    return f"{said if exact else f'{words.about} {said}'}{f' ({counts})' if counts else ''}"


def _status(notice: Notice, words: Words) -> str:
    status = words.status[notice.stage]
    if notice.template is Template.INITIAL and notice.progress:
        return f"{status}. {notice.progress}"
    return status


def _progress(notice: Notice, words: Words) -> str:
    news = words.news[notice.news] if notice.news is not None else ""
    if notice.news is News.ABSORBED:
        news = news.format(_numbers(notice.absorbs, words))
    return ". ".join(part for part in (notice.progress, news) if part)


def _numbers(numbers: Sequence[int], words: Words) -> str:
    shown = ", ".join(f"#{number}" for number in numbers[:10])
    return f"{shown} {words.and_more.format(len(numbers) - 10)}" if len(numbers) > 10 else shown


def _next_update(notice: Notice, words: Words) -> str:
    if notice.next_update is not None:
        return _instant(notice.next_update, notice, words)
    return words.as_needed if notice.level is Level.LOW else words.soon


def _instant(at: datetime | None, notice: Notice, words: Words) -> str:
    if at is None:
        return ""
    try:
        return words.instant(at.astimezone(ZoneInfo(notice.time_zone)), notice.time_zone)
    except (LookupError, ValueError, OSError):  # a zone that this machine doesn't know
        return words.instant(at.astimezone(UTC), "UTC")


def _duration(notice: Notice, words: Words) -> str:
    if notice.impact_from is None or notice.impact_to is None:
        return words.unknown
    return words.span((notice.impact_to - notice.impact_from).total_seconds())


# ------------------------------------------------------------------ texts
def notice_text(configuration: Configuration, notice: Notice) -> tuple[str, str]:
    """The message as plain text, and what was wrong if it isn't the template's. Never raises."""
    error = ""
    try:
        values = values_of(notice)
        try:
            return fill(template_text(configuration, notice), values), ""
        except Exception as problem:  # a team's own template: the protocol's is told all the same
            error = f"{type(problem).__name__}: {problem}"
            log.error(
                "template_not_filled", template=notice.template.value, audience=notice.audience, error=error
            )
            return fill(protocol_template(notice.template, notice.language), values), error
    except Exception as problem:  # nothing of a notice may keep its audience from being told
        log.exception("message_could_not_be_made", audience=notice.audience)
        return _last_resort(notice), error or f"{type(problem).__name__}: {problem}"


def _last_resort(notice: Notice) -> str:
    first = f"[INCIDENT #{notice.incident}] - LEVEL {int(notice.level)} {notice.template.value}"
    return f"{first}\n\n{clean.line(notice.title, 200)}\n{clean.line(notice.progress, 500)}".strip() + "\n"


def render_notices(channel_type: str, configuration: Configuration, notices: Sequence[Notice]) -> Rendered:
    """One message for a channel of this type that tells of these, most severe first. Never raises."""
    made = [notice_text(configuration, notice) for notice in notices]
    texts = [text for text, _ in made]
    first = notices[0]
    subject = texts[0].split("\n", 1)[0]
    if len(texts) > 1:
        words = words_of(first.language)
        subject = (
            f"{words.several.format(len(texts))}: {', '.join(f'#{one.incident}' for one in notices[:5])}"
        )
    subject = clean.line(subject, 200)
    fields: dict[str, object] = {
        "schema": "irpd.message/1",
        "level": int(first.level),
        "urgency": int(Urgency.NORMAL),
        "asks": False,
        "over": all(one.template is Template.RESOLUTION for one in notices),
        "messages": [
            {
                "audience": one.audience,
                "template": one.template.value,
                "incident": one.incident,
                "level": int(one.level),
                "language": one.language,
                "values": _safe_values(one),
            }
            for one in notices
        ],
    }
    return Rendered(
        subject=subject,
        text=_for_medium(channel_type, texts),
        html=_html(texts) if channel_type == "smtp" else "",
        fields=fields,
        error="; ".join(error for _, error in made if error),
    )


def _safe_values(notice: Notice) -> dict[str, str]:
    try:
        return values_of(notice)
    except Exception:  # said already, by the text
        return {}


def _for_medium(channel_type: str, texts: Sequence[str]) -> str:
    match channel_type:
        case "slack":
            return "\n\n".join(_marked(text, _slack, "*{}*") for text in texts)
        case "mattermost" | "teams":
            return "\n\n".join(_marked(text, markdown.escape, "**{}**") for text in texts)
        case "twilio":
            return gsm.cut(gsm.plain("\n".join(text.strip() for text in texts)), _LONGEST_SMS)
        case "voice":  # no audience is told by a call; should one be, it hears what it is about
            return spoken(". ".join(text.split("\n", 1)[0] for text in texts))
        case "ntfy" | "pushover" | "apprise":
            if len(texts) == 1:  # the first line is the title there
                return texts[0].partition("\n")[2].strip("\n")
            return "\n\n".join(text.strip("\n") for text in texts)
        case _:
            return f"\n{'-' * 72}\n\n".join(texts)


def _slack(text: str) -> str:
    return escape(text).translate(LOOKALIKES)


def _marked(text: str, made_safe: Callable[[str], str], bold: str) -> str:
    """The lines with the first and each label in bold, everything else as it is written."""
    first, *rest = text.strip("\n").split("\n")
    lines = [bold.format(made_safe(first))]
    for line in rest:
        label = _LABEL.fullmatch(line)
        if label is None:
            lines.append(made_safe(line))
        else:
            named = bold.format(f"{made_safe(label[1])}{label[2]}")
            lines.append(f"{named} {made_safe(label[3])}")
    return "\n".join(lines)


def _html(texts: Sequence[str]) -> str:
    parts = [_article(text) for text in texts]
    style = "font:15px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif;color:#1f2328"
    body = '\n<hr style="border:0;border-top:1px solid #d0d7de;margin:24px 0">\n'.join(parts)
    head = '<!doctype html>\n<html><head><meta charset="utf-8"></head>'
    return f'{head}<body style="{style}">\n{body}\n</body></html>\n'


def _article(text: str) -> str:
    first, *rest = text.strip("\n").split("\n")
    lines = [f'<h1 style="font-size:18px;margin:0 0 12px">{html.escape(first)}</h1>']
    for paragraph in "\n".join(rest).strip("\n").split("\n\n"):
        shown = []
        for line in paragraph.split("\n"):
            label = _LABEL.fullmatch(line)
            if label is None:
                shown.append(html.escape(line))
            else:
                shown.append(f"<strong>{html.escape(label[1])}{label[2]}</strong> {html.escape(label[3])}")
        inner = "<br>\n".join(shown)
        lines.append(f'<p style="margin:0 0 12px">{inner}</p>')
    return "\n".join(lines)
