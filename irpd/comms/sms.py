"""Text messages: one of 160 characters where it can be, and the link always whole.

What is too long is cut in this order: the title, then how many users and since when, then what the codes
mean. Only a public address so long that title and link don't fit together makes a second part of it.
"""

from datetime import timedelta

from irpd.comms import clean, gsm
from irpd.comms.story import Story, Subject, person_name, tell
from irpd.model.incident import State
from irpd.model.page import PageKind

ONE = 160  # places in one message
_TITLE = 24  # places that a title keeps


def sms_text(subject: Subject) -> str:
    """The text message about a page, as the incident stands now."""
    if subject.page.kind == PageKind.TEST:
        name = clean.cut(person_name(subject.configuration, subject.page.person), 30)
        reply = f" Reply {subject.code} or press: " if subject.code else " It reached me: "
        return gsm.plain(f"irpd test page for {name}. Nothing is wrong.{reply}") + subject.link
    story = tell(subject)
    if subject.incident is not None and subject.incident.state in (State.RESOLVED, State.CLOSED):
        return _over(subject, story)
    if story.kind == PageKind.UPDATE or story.has_it:
        news = story.news if story.kind == PageKind.UPDATE and story.news else story.has_it
        return _fitted(
            f"irpd {story.ref} {story.severity} {_service(subject)}: ", news or "news", ".", subject
        )
    users = story.users_short.partition(" (")[0].replace(" %", "%")
    known = "" if "unknown" in users else f"{users}, "
    since = story.since_short.rpartition(" ")[0] or story.since_short
    confirm = " Signals resolved, confirm." if story.confirm else ""
    head = f"{_drill(story)}irpd {story.ref} {_severity(story)} {_service(subject)}: "
    asked = f" Reply {subject.code} = I have it, {subject.code}N = can't." if subject.code else ""
    short = f" Reply {subject.code} or {subject.code}N." if subject.code else ""
    for rest in (
        f".{confirm} {known}since {since}.{asked}",
        f".{confirm} since {since}.{asked}",
        f".{asked}",
    ):
        if _fits(head, story.title, rest, subject.link):
            return _fitted(head, story.title, rest, subject)
    return _fitted(head, story.title, f".{short}", subject)


def _over(subject: Subject, story: Story) -> str:
    incident = subject.incident
    if incident is None:
        return story.name
    told = story.has_it[:1].upper() + story.has_it[1:]
    if incident.resolved_at is not None:
        by = f" by {person_name(subject.configuration, incident.resolved_by)}" if incident.resolved_by else ""
        at = story.has_it.rpartition("(")[2].removesuffix(")")
        told = f"Resolved {at}{by} after {_took(incident.resolved_at - incident.opened_at)}"
    return gsm.cut(gsm.plain(f"{_drill(story)}irpd {story.ref}: over. {told}. Nothing to do."), ONE)


def _took(time: timedelta) -> str:
    minutes = max(round(time.total_seconds() / 60), 1)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def _drill(story: Story) -> str:
    return "DRILL " if story.severity.startswith("DRILL ") else ""


def _severity(story: Story) -> str:
    return story.severity.removeprefix("DRILL ")


def _service(subject: Subject) -> str:
    incident = subject.incident
    names = incident.services if incident is not None else ()
    more = f" +{len(names) - 1}" if len(names) > 1 else ""
    return clean.line(names[0], 24) + more if names else "irpd"


def _room(head: str, rest: str, link: str) -> int:
    return ONE - gsm.length(gsm.plain(head + rest)) - len(link) - 1


def _fits(head: str, title: str, rest: str, link: str) -> bool:
    room = _room(head, rest, link)
    return room >= min(_TITLE, gsm.length(gsm.plain(title)))


def _fitted(head: str, title: str, rest: str, subject: Subject) -> str:
    room = max(_room(head, rest, subject.link), _TITLE)
    return (
        gsm.plain(head) + gsm.cut(gsm.plain(title).rstrip("."), room) + gsm.plain(rest) + " " + subject.link
    )
