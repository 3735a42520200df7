"""Text messages: one of 160 characters where it can be, and the link always whole.

Two lines of a phone say what is wrong, how bad, since when and what to press. A title too long for that comes
after all the others, cut where the message ends; how many users, and the service's name, give way before it
does. Only a public address so long that title and link don't fit together makes a second part of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from irpd.comms import clean, gsm
from irpd.comms.glance import TITLE, WIDTH, sentence
from irpd.comms.shifts import shift_said
from irpd.comms.story import Story, Subject, person_name, tell
from irpd.comms.trying import confirms
from irpd.model.page import PageKind

ONE = 160  # places in one message
TWO = 306  # in one of two parts
_LONG_LINK = 90  # places of a link that leaves no room for anything else


def sms_text(subject: Subject) -> str:
    """The text message about a page, as the incident stands now."""
    if subject.page.kind == PageKind.TEST:
        name = clean.cut(person_name(subject.configuration, subject.page.person), 30)
        if confirms(subject):
            code = f" Reply {subject.code} or press:" if subject.code else " Press:"
            return gsm.plain(f"irpd: confirm that pages reach {name} here.{code} ") + subject.link
        reply = f" Reply {subject.code} or press: " if subject.code else " It reached me: "
        return gsm.plain(f"irpd test page for {name}. Nothing is wrong.{reply}") + subject.link
    if subject.page.kind == PageKind.SHIFT:
        return gsm.cut(gsm.plain(f"irpd: {shift_said(subject).lines[0]}"), ONE)
    story = tell(subject)
    if story.ended:
        return _over(subject, story)
    forms = list(_asking(subject, story) if story.asks else _telling(subject, story))
    return next((form for form in forms if form.shows), forms[-1]).text


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """One way to say it: ``before`` the title, what two lines must have of what comes behind it (``must``),
    and the rest, of which ``extra`` may be cut."""

    before: str
    title: str
    must: str
    rest: str
    link: str
    extra: str = ""

    @property
    def _room(self) -> int:
        most = ONE if len(self.link) < _LONG_LINK else TWO
        return most - sum(map(gsm.length, (self.before, self.must, self.rest))) - len(self.link) - 1

    @property
    def _title(self) -> str:
        return gsm.cut(self.title, max(self._room, 8))

    @property
    def shows(self) -> bool:
        """Whether two lines of a phone show all that they must."""
        if gsm.length(self.title) > self._room and (self.must or self._room < TITLE):
            return False
        title = self._title if self.must else self._title.removesuffix("...")[:TITLE]
        needed = self.before + title + self.must + self.extra[:10]
        return _two_lines(self.text).startswith(needed.replace(" ", ""))

    @property
    def text(self) -> str:
        title = self._title
        extra = gsm.cut(self.extra, max(self._room - gsm.length(title), 8)) if self.extra else ""
        rest = f"{self.must}{extra}{self.rest}"
        dotted = (extra or title if not self.must else title).endswith("...")
        return f"{self.before}{title}{rest.removeprefix('.') if dotted else rest} {self.link}"


def _two_lines(text: str) -> str:
    """What a phone shows in its first two lines, without the spaces: a word that doesn't fit goes to the next
    line, and is broken only where it is longer than one."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > WIDTH:
            lines.append("")
        elif lines[-1]:
            lines[-1] += " "
        lines[-1] += word
        while len(lines[-1]) > WIDTH:
            lines[-1:] = [lines[-1][:WIDTH], lines[-1][WIDTH:]]
        if len(lines) > 2:
            break
    return "".join(lines[:2]).replace(" ", "")


def _asking(subject: Subject, story: Story) -> Iterator[_Form]:
    """Best first."""
    title = gsm.plain(story.title).rstrip(".")
    users = story.users_short.partition(" (")[0].replace(" %", "%")
    known = [] if "unknown" in users else [gsm.plain(f"{users}, ")]
    since, code, link = f"since {story.since_clock}", subject.code, subject.link
    remark = _remark(subject, story)
    press, means = f" Reply {code}" if code else " Press the link:", f"{code}N = can't." if code else ""
    head = gsm.plain(f"{_drill(story)}irpd {story.ref} {_severity(story)}")
    served = f"{head} {gsm.plain(_service(subject))}"
    for users in [*known, ""]:
        must = f".{remark} {users}{since if users else sentence(since)}.{press}"
        rest = f" = I have it, {means}" if code else ""
        yield _Form(before=f"{served}: ", title=title, must=must, rest=rest, link=link)
    meant = f"{code} = I have it, {means}" if code else ""
    for start, says in ((served, True), (served, False), (head, False)):
        told = f"{press} = I have it" if says and code else press.removesuffix(":")
        rest = f".{remark} {means if says else meant}".rstrip()
        yield _Form(before=f"{start}, {since}.{told}: ", title=title, must="", rest=rest, link=link)
    for start in (served, head):  # a title that is one long word
        for length in (TITLE, TITLE - 4, TITLE - 8):
            must, rest = f", {since}.{press}", f" = I have it, {means}{remark}" if code else remark
            yield _Form(before=f"{start}: ", title=gsm.cut(title, length), must=must, rest=rest, link=link)


def _telling(subject: Subject, story: Story) -> Iterator[_Form]:
    """News, or who has it: nothing is asked."""
    otherwise = "No hurry" if story.kind is PageKind.QUIET else "There is news"
    news = gsm.plain(story.news or story.has_it or otherwise).rstrip(".")
    for service, length in ((f" {_service(subject)}", TITLE), ("", TITLE), ("", TITLE - 8)):
        head = gsm.plain(f"{_drill(story)}irpd {story.ref} {_severity(story)}{service}: ")
        title = gsm.cut(gsm.plain(story.title).rstrip("."), length)
        since = f", since {story.since_clock}. "
        yield _Form(before=head, title=title, must=since, extra=news, rest=".", link=subject.link)


def _remark(subject: Subject, story: Story) -> str:
    """What is asked besides, in few words."""
    if subject.page.asks:
        return f" {gsm.plain(_asked(subject.page.asks))}"
    if subject.page.reason == "stale":
        return " Still on it?"
    return " Signals resolved, confirm." if story.confirm else ""


def _asked(asks: str) -> str:
    """What a page asks for that isn't about who has the incident."""
    kind, _, what = asks.partition(":")
    match kind:
        case "role":
            return f"You: {what.partition('/')[0]}?"
        case "help":
            return "Help asked."
        case "audience":
            return "To know of."
        case _:
            return "Update overdue."


def _over(subject: Subject, story: Story) -> str:
    incident = subject.incident
    if incident is None:
        return story.name
    told = [sentence(story.has_it)]
    if incident.resolved_at is not None:
        by = f" by {person_name(subject.configuration, incident.resolved_by)}" if incident.resolved_by else ""
        at = f"Resolved {story.has_it.rpartition('(')[2].removesuffix(')')}"
        told = [f"{at}{by} after {_took(incident.resolved_at - incident.opened_at)}", f"{at}{by}", at]
    texts = [gsm.plain(f"{_drill(story)}irpd {story.ref}: over. {one}. Nothing to do.") for one in told]
    return next((text for text in texts if _two_lines(text) == text.replace(" ", "")), texts[-1])


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
