"""Slack's message: one, with a first line that a lock screen shows, and links as buttons.

Facts about the format: docs.slack.dev, "Formatting message text" (``&``, ``<`` and ``>``
are the only characters to escape, and no control sequence such as ``<!channel>`` can be
written without them) and "Block Kit" (a section's text up to 3,000 characters, a button's
up to 75, its URL up to 3,000).
"""

from dataclasses import dataclass

from irpd.comms import clean
from irpd.comms.story import Story, Subject, person_name, tell
from irpd.model.incident import State
from irpd.model.page import PageKind

_DOTS = {1: ":red_circle:", 2: ":large_orange_circle:", 3: ":large_yellow_circle:", 4: ":white_circle:"}
#: Characters that would end the bold of the first line or begin code in it.
_LOOKALIKES = str.maketrans({"*": "∗", "`": "ˋ", "~": "∼"})


@dataclass(frozen=True, slots=True)
class SlackText:
    """``text`` is the fallback that notifications show; ``blocks`` the message itself."""

    text: str
    blocks: list[dict[str, object]]


def slack_text(subject: Subject) -> SlackText:
    """The message about a page, as the incident stands now."""
    if subject.page.kind == PageKind.TEST:
        return _test(subject)
    story = tell(subject)
    first = _first_line(story, subject)
    lines = [first]
    if story.kind == PageKind.UPDATE and (story.news or not story.has_it):
        lines.append(escape(story.news or "There is news."))
    lines.append(escape(" · ".join(_facts(story))))
    if story.confirm:
        lines.append(f"*{escape(story.confirm)}*")
    lines.append(f"Why {story.level.severity}: {escape(story.why)}")
    if story.next_short and not story.has_it:
        lines.append(f"Next if nobody answers: {escape(story.next_short)}")
    body: dict[str, object] = {"type": "section", "text": _mrkdwn("\n".join(lines))}
    return SlackText(text=first, blocks=[body, {"type": "actions", "elements": _buttons(story, subject)}])


def _first_line(story: Story, subject: Subject) -> str:
    headline = escape(story.headline).translate(_LOOKALIKES)
    incident = subject.incident
    if incident is None or not story.has_it:
        return f"{_DOTS[story.level]} *{headline}*"
    dot = ":large_green_circle:" if incident.state == State.ACKNOWLEDGED else ":white_check_mark:"
    return f"{dot} *{headline}* · {escape(story.has_it)}"


def _facts(story: Story) -> list[str]:
    respond = f"respond by {story.respond_by}" if story.respond_by and not story.has_it else ""
    facts = (story.users_short, f"since {story.since_short}", respond, story.signals_short)
    return [fact for fact in facts if fact]


def _buttons(story: Story, subject: Subject) -> list[dict[str, object]]:
    """Where presses are heard (``subject.code``) they answer at once; elsewhere they are links."""
    asks = story.kind == PageKind.PAGE and not story.has_it
    buttons: list[dict[str, object]] = []
    if asks and subject.code:
        name = subject.page.name
        buttons += [_answer("I have it", name, "primary"), _answer("I can't", name)]
    elif asks:
        buttons += [_button("I have it", story.link, "primary"), _button("I can't", story.cant_link)]
    if not asks or subject.code:
        buttons.append(_button("Open", story.link))
    if story.runbook:
        buttons.append(_button("Runbook", story.runbook))
    if story.dashboard:
        buttons.append(_button("Dashboard", story.dashboard))
    return buttons


def _answer(label: str, page: str, style: str = "") -> dict[str, object]:
    button = _button(label, "", style) | {"value": page}
    del button["url"]
    return button


def _test(subject: Subject) -> SlackText:
    name = person_name(subject.configuration, subject.page.person)
    text = f":wave: *Test page for {escape(name).translate(_LOOKALIKES)}* from irpd. Nothing is wrong."
    reached = _button("It reached me", subject.link, "primary")
    if subject.code:
        reached = _answer("It reached me", subject.page.name, "primary") | {"action_id": "i-have-it"}
    blocks: list[dict[str, object]] = [
        {"type": "section", "text": _mrkdwn(text)},
        {"type": "actions", "elements": [reached]},
    ]
    return SlackText(text=text, blocks=blocks)


def _button(label: str, url: str, style: str = "") -> dict[str, object]:
    button: dict[str, object] = {
        "type": "button",
        "text": {"type": "plain_text", "text": label},
        "url": url,
        "action_id": label.lower().replace(" ", "-").replace("'", ""),
    }
    return button | ({"style": style} if style else {})


def _mrkdwn(text: str) -> dict[str, object]:
    # verbatim: a "#name" or "www." in somebody's title becomes neither a channel nor a link
    return {"type": "mrkdwn", "text": clean.cut(text, 3000), "verbatim": True}


def escape(text: str) -> str:
    """Text that is only text to Slack."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
