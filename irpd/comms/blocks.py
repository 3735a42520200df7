"""Slack's message: one, with two lines that a lock screen shows, and links as buttons.

Facts about the format: docs.slack.dev, "Formatting message text" (``&``, ``<`` and ``>``
are the only characters to escape, and no control sequence such as ``<!channel>`` can be
written without them) and "Block Kit" (a section's text up to 3,000 characters, a button's
up to 75, its URL up to 3,000).
"""

from dataclasses import dataclass

from irpd.comms import clean
from irpd.comms.glance import glance
from irpd.comms.shifts import shift_said
from irpd.comms.story import Story, Subject, tell
from irpd.comms.trying import confirms, sentence_of, title_of
from irpd.model.page import PageKind

_DOTS = {1: ":red_circle:", 2: ":large_orange_circle:", 3: ":large_yellow_circle:", 4: ":white_circle:"}
#: Characters that would end the bold of the first line or begin code in what notifications show.
LOOKALIKES = str.maketrans({"*": "∗", "`": "ˋ", "~": "∼"})


@dataclass(frozen=True, slots=True)
class SlackText:
    """``text`` is what notifications show, two lines of it; ``blocks`` the message itself."""

    text: str
    blocks: list[dict[str, object]]


def slack_text(subject: Subject) -> SlackText:
    """The message about a page, as the incident stands now."""
    if subject.page.kind == PageKind.TEST:
        return _test(subject)
    if subject.page.kind == PageKind.SHIFT:
        return _shift(subject)
    story = tell(subject)
    seen = glance(story, mark=3)
    first = f"{_dot(story)} *{escape(seen.first).translate(LOOKALIKES)}*"
    second = escape(seen.second).translate(LOOKALIKES)
    lines = [first, second]
    lines += [f"*{escape(line)}*" if line == story.remark else escape(line) for line in seen.more]
    lines.append(escape(seen.fact_line))
    lines.append(f"Why {story.level.severity}: {escape(story.why)}")
    if story.next_short:
        lines.append(f"Next if nobody answers: {escape(story.next_short)}")
    body: dict[str, object] = {"type": "section", "text": _mrkdwn("\n".join(lines))}
    buttons: dict[str, object] = {"type": "actions", "elements": _buttons(story, subject)}
    return SlackText(text=f"{first}\n{second}", blocks=[body, buttons])


def _dot(story: Story) -> str:
    if story.asks or not story.has_it:
        return _DOTS[story.level]
    return ":white_check_mark:" if story.ended else ":large_green_circle:"


def _buttons(story: Story, subject: Subject) -> list[dict[str, object]]:
    """Where presses are heard (``subject.code``) they answer at once; elsewhere they are links."""
    asks = story.asks
    buttons: list[dict[str, object]] = []
    if asks and subject.code:
        name = subject.page.name
        buttons += [_answer("I have it", name, "primary"), _answer("I can't", name)]
    elif asks:
        buttons += [_button("I have it", story.link, "primary"), _button("I can't", story.cant_link)]
    if not asks or subject.code:
        buttons.append(_button("Open", story.link))
    return [*buttons, *(_button(place.text, place.url) for place in story.places)]


def _answer(label: str, page: str, style: str = "") -> dict[str, object]:
    button = _button(label, "", style) | {"value": page}
    del button["url"]
    return button


def _test(subject: Subject) -> SlackText:
    title = escape(title_of(subject)).translate(LOOKALIKES)
    from_irpd = "" if confirms(subject) else " from irpd"
    text = f":wave: *{title}*{from_irpd}. {escape(sentence_of(subject))}"
    reached = _button("It reached me", subject.link, "primary")
    if subject.code:
        reached = _answer("It reached me", subject.page.name, "primary") | {"action_id": "i-have-it"}
    blocks: list[dict[str, object]] = [
        {"type": "section", "text": _mrkdwn(text)},
        {"type": "actions", "elements": [reached]},
    ]
    return SlackText(text=text, blocks=blocks)


def _shift(subject: Subject) -> SlackText:
    said = shift_said(subject)
    text = f":calendar: *{escape(said.title).translate(LOOKALIKES)}*"
    return SlackText(text=text, blocks=[{"type": "section", "text": _mrkdwn(f"{text}\n{escape(said.text)}")}])


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
