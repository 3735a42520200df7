"""What there is to say in a page, before any medium has its way with it.

``tell`` turns a page, its incident and the signals into short sentences, read in the
person's time zone. Every string of a ``Story`` is clean (``clean``): one line without
control characters, cut visibly. Markup is not escaped here: each medium does that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import msgspec

from irpd.comms import clean
from irpd.comms.places import Place, places
from irpd.config.values import Configuration
from irpd.model.incident import Incident, Member, MemberStatus, State
from irpd.model.level import Level
from irpd.model.page import Page, PageKind, answered
from irpd.model.share import Share, band

#: Labels that tell one signal from its neighbours, best first.
_TELLING = ("instance", "pod", "host", "hostname", "job", "environment", "region", "cluster")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What a message is about: the facts that all its texts are made of.

    ``incident`` is None for a test page. ``link`` acknowledges, ``cant_link`` hands on, ``code`` is what a
    reply says; "" where nobody hears replies. ``digits`` are what one types to confirm an address.
    """

    page: Page
    incident: Incident | None
    members: Sequence[Member]
    configuration: Configuration
    now: datetime
    link: str
    cant_link: str
    code: str = ""
    digits: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The same in words. An empty string means that there is nothing to say on it."""

    name: str  # the message's name, which never changes for an incident
    kind: PageKind
    ref: str
    level: Level
    severity: str
    title: str
    service: str
    users: str
    users_short: str
    since: str
    since_short: str
    since_clock: str
    began: datetime
    paged_as: str
    respond_by: str
    next: str
    next_short: str
    why: str
    signals: str
    signals_short: str
    asks: bool  # whether an answer is wanted of this person, as things stand
    ask: str  # what is asked besides the usual, and "press"
    remark: str
    confirm: bool  # the signals are resolved, and a person must say that it is over
    ended: bool
    over: str  # how it ended, in few words
    over_by: str  # and by whom
    has_it: str
    yours: bool
    news: str
    link: str
    cant_link: str
    places: tuple[Place, ...]
    person: str

    @property
    def asked(self) -> str:
        """What is asked of the person, until when, and what happens if they don't."""
        if not self.asks:
            return ""
        sentences = (
            f"{self.paged_as}." if self.paged_as else "",
            f"Respond by {self.respond_by}." if self.respond_by else "",
            f"If you don't, {self.next}." if self.next else "",
        )
        return " ".join(sentence for sentence in sentences if sentence)

    @property
    def headline(self) -> str:
        return " · ".join(part for part in (f"{self.ref} {self.severity}", self.service, self.title) if part)


def tell(subject: Subject) -> Story:
    """The story of a page about an incident (``subject.incident`` is not None)."""
    incident, page, configuration = subject.incident, subject.page, subject.configuration
    if incident is None:
        raise ValueError(f"page {page.id} is about no incident")
    when = When(subject)
    services = _services(incident, configuration)
    newest = max(subject.members, key=lambda m: (m.status == MemberStatus.FIRING, m.last_seen), default=None)
    severity = incident.level.name
    began = _began(incident)
    ended = not incident.state.active
    asks = asks_still(page, incident)
    confirm = incident.unconfirmed and incident.level.urgent
    return Story(
        name=name_of(incident, configuration),
        kind=page.kind,
        ref=incident.ref,
        level=incident.level,
        severity=f"DRILL {severity}" if incident.drill else severity,
        title=clean.line(incident.title, 200) or "(no title)",
        service=services,
        users=_users(incident.share),
        users_short=_users(incident.share).removeprefix("About ") or "users affected: unknown",
        since=when.fully(began),
        since_short=when.short(began),
        since_clock=when.clock(began),
        began=began,
        paged_as=_paged_as(page, incident),
        respond_by=_respond_by(incident, when, subject.now),
        next=_next(page, when, configuration, "is paged") if asks else "",
        next_short=_next(page, when, configuration, "") if asks else "",
        why=_why(incident, configuration),
        signals=_signals(incident, newest, when),
        signals_short=_count(incident.members, "signal"),
        asks=asks,
        ask=_ask(page, confirm=confirm) if asks else "",
        remark=_remark(incident, confirm=confirm),
        confirm=confirm,
        ended=ended,
        over=_over(incident, when) if ended else "",
        over_by=person_name(configuration, incident.resolved_by) if ended and incident.resolved_by else "",
        has_it=_has_it(incident, when, configuration),
        yours=page.person in incident.acknowledged_by,
        news="" if ended and page.reason == "over" else clean.line(page.text, 500),
        link=subject.link,
        cant_link=subject.cant_link,
        places=places(incident, (newest,) if newest else (), configuration, subject.now),
        person=person_name(configuration, page.person),
    )


def name_of(incident: Incident, configuration: Configuration) -> str:
    """``[#42] CRITICAL Checkout: Payments failing``, with what it was when it was opened:
    mail threads by it."""
    level = incident.opened_level or incident.level
    first = incident.services[:1]
    service = _services(incident, configuration, first) if first else "irpd"
    title = clean.line(incident.title, 150) or "(no title)"
    return f"[{incident.ref}] {'DRILL ' if incident.drill else ''}{level.name} {service}: {title}"


def person_name(configuration: Configuration, person: str) -> str:
    """A person's name for people; their id if the configuration doesn't know them."""
    settings = configuration.people.get(person)
    return clean.line(settings.name if settings else person, 80)


def zone_of(configuration: Configuration, person: str) -> tuple[ZoneInfo, str]:
    """The zone in which a person reads times; UTC where theirs can't be had."""
    settings = configuration.people.get(person)
    name = settings.time_zone if settings else configuration.server.time_zone
    try:
        return ZoneInfo(name), name
    except (LookupError, ValueError, OSError):
        return ZoneInfo("UTC"), "UTC"


class When:
    """Times as this person reads them; the date stands there only when it isn't today's."""

    def __init__(self, subject: Subject) -> None:
        self._zone, self._name = zone_of(subject.configuration, subject.page.person)
        self._today = subject.now.astimezone(self._zone).date()

    def clock(self, at: datetime) -> str:
        local = at.astimezone(self._zone)
        clock = f"{local:%H:%M}"
        if local.date() == self._today:
            return clock
        year = f" {local.year}" if abs(local.date() - self._today) > timedelta(days=180) else ""
        return f"{_DAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]}{year} {clock}"

    def short(self, at: datetime) -> str:
        return f"{self.clock(at)} {self._name.rpartition('/')[2].replace('_', ' ')}"

    def fully(self, at: datetime) -> str:
        if self._name in ("UTC", "Etc/UTC"):
            return f"{self.clock(at)} UTC"
        return f"{self.clock(at)} ({self._name}), {at.astimezone(UTC):%H:%M} UTC"


def _began(incident: Incident) -> datetime:
    """Since when: the sender's own time where it is believable, else when it was opened."""
    said = incident.impact_from
    if said is not None and timedelta() <= incident.opened_at - said <= timedelta(days=30):
        return said
    return incident.opened_at


def _services(incident: Incident, configuration: Configuration, names: Sequence[str] | None = None) -> str:
    names = incident.services if names is None else names
    titles = []
    for name in names[:3]:
        settings = configuration.services.get(name)
        titles.append(clean.line((settings.title if settings else "") or name, 60))
    more = len(names) - len(titles)
    return ", ".join(titles) + (f" and {more} more" if more else "")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def percent(share: Fraction) -> tuple[str, bool]:
    """A share as people read it and whether it is exact. Never rounded into another band."""
    for digits in (0, 1, 2, 4, 8):
        shown = round(share * 100, digits) if digits else Fraction(round(share * 100))
        if band(Fraction(shown) / 100) == band(share) and (shown or not share):
            text = f"{float(shown):.{digits}f}"
            return f"{text.rstrip('0').rstrip('.') if digits else text} %", shown == share * 100
    text = f"{float(share * 100):.3g}"
    return f"{text} %", Fraction(text) == share * 100


def _users(share: Share) -> str:
    fraction = share.fraction
    if fraction is None:
        return "" if share.affected is None else _count(share.affected, "user")
    shown, exact = percent(fraction)
    counts = ""
    if share.affected is not None:
        counts = f" ({share.affected:,}{'' if share.users is None else f' of {share.users:,}'})"
    return f"{'' if exact else 'About '}{shown} of users{counts}"


def _respond_by(incident: Incident, when: "When", now: datetime) -> str:
    """Until when somebody must answer; nothing once somebody has."""
    if incident.respond_by is None or incident.state != State.OPEN:
        return ""
    return when.clock(incident.respond_by) + (" (passed)" if incident.respond_by <= now else "")


def asks_still(page: Page, incident: Incident) -> bool:
    """Whether an answer to this page is wanted of its person, as things stand."""
    asking = page.kind == PageKind.PAGE or (page.kind == PageKind.QUIET and bool(page.asks))
    if not asking or not page.live or answered(page, incident):
        return False
    return incident.state != State.ACKNOWLEDGED or incident.acknowledged_at is not None


def _ask(page: Page, *, confirm: bool) -> str:
    if page.asks:
        kind = page.asks.partition(":")[0]
        asked = {"role": "Do you take it? Press", "audience": "To know of: press"}
        return asked.get(kind, "See to it? Press")
    if page.reason == "stale":
        return "Still on it? Press"
    return "All resolved: press" if confirm else ""


def _remark(incident: Incident, *, confirm: bool) -> str:
    if confirm:
        return "Signals resolved, confirm that it is over."
    return "Signals resolved; it ends by itself." if incident.unconfirmed else ""


_PAGED_BECAUSE = {
    "round": "You are paged again",
    "everyone": "Nobody has answered yet, so everybody on the path is paged",
    "fallback": "You are paged because nobody else could be reached",
    "level-rise": "You are paged again because the level rose",
    "evidence": "You are paged because there is evidence for a more severe level than the one set",
    "operators": "You are paged as an operator: irpd itself needs somebody",
    "asked": "You are paged because somebody asked for you",
    "stale": "You are paged because nothing was heard from you for a while",
    "role": "You are asked to take a role",
    "help": "Your help is asked for",
    "update-missed": "You are paged because an update is overdue",
}


def _paged_as(page: Page, incident: Incident) -> str:
    role = ""
    run = next((run for run in incident.paths if run.name == page.path), None)
    if run is not None and run.steps and page.step:
        step = run.steps[(page.step - 1) % len(run.steps)]  # counts the steps fired, this one included
        role = clean.line(step.title or step.schedule.replace("-", " "), 60)
    base = _PAGED_BECAUSE.get(page.reason, "You are paged")
    return f"{base} as {role}" if role and page.reason in ("step", "round", "") else base


def _next(page: Page, when: When, configuration: Configuration, verb: str) -> str:
    if not page.next_person and page.next_at is None:
        return ""
    who = person_name(configuration, page.next_person) if page.next_person else "the next step"
    at = f"at {when.clock(page.next_at)}" if page.next_at is not None else ""
    return " ".join(part for part in (who, verb, at) if part)


def _why(incident: Incident, configuration: Configuration) -> str:
    by = incident.level_by
    because = clean.line(by.because, 200)
    share = incident.share.fraction
    match by.kind:
        case "rule":
            text = f"{clean.line(by.rule or 'a rule', 80)}{f' ({because})' if because else ''}"
            alone = incident.share.level
            if share is not None and alone is not None and alone != incident.level:
                text += f"; share of users alone: level {int(alone)} ({percent(share)[0]})"
            return text
        case "share":
            return because or (
                f"{percent(share)[0]} of users are affected" if share is not None else "share of users"
            )
        case "person":
            who = person_name(configuration, by.person or "somebody")
            return f"set by {who}{f': {because}' if because else ''}"
        case "default":
            return because or "no rule holds and the share of users is unknown"
        case _:
            return because or clean.line(by.kind, 80)


def _signals(incident: Incident, newest: Member | None, when: When) -> str:
    resolved = incident.members - incident.firing
    text = f"{incident.firing:,} firing" + (f", {resolved:,} resolved" if resolved > 0 else "")
    if newest is None:
        return text if incident.members else ""
    labels = [f"{name}={clean.line(newest.labels[name], 60)}" for name in _TELLING if newest.labels.get(name)]
    named = " ".join([clean.line(newest.source, 60), f'"{clean.line(newest.title, 120)}"', *labels[:2]])
    return f"{text}, newest {when.clock(newest.last_seen)} {named}"


def _over(incident: Incident, when: When) -> str:
    if incident.state == State.MERGED:
        return f"Part of #{incident.merged_into} now"
    end = incident.resolved_at or incident.closed_at
    return f"Over {when.clock(end)}" if end is not None else "It is over"


def _has_it(incident: Incident, when: When, configuration: Configuration) -> str:
    if incident.state in (State.RESOLVED, State.CLOSED) and incident.resolved_at is not None:
        by = f" by {person_name(configuration, incident.resolved_by)}" if incident.resolved_by else ""
        return f"resolved{by} ({when.clock(incident.resolved_at)})"
    if incident.state == State.MERGED and incident.merged_into is not None:
        return f"merged into #{incident.merged_into}"
    if incident.state == State.ACKNOWLEDGED and incident.acknowledged_by:
        people = " and ".join(person_name(configuration, person) for person in incident.acknowledged_by[:3])
        verb = "has" if len(incident.acknowledged_by) == 1 else "have"
        at = f" ({when.clock(incident.acknowledged_at)})" if incident.acknowledged_at is not None else ""
        return f"{people} {verb} it{at}"
    return ""
