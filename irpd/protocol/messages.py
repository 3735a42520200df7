"""Messages to audiences: who is told what, and when.

An audience is told of an incident when the incident comes into its scope (its level, its services, a regime):
at the opening, or later when that changes. From then on it hears how it ends, also where the level has sunk
below its own. In between people tell it what was done (``telling``). What irpd decides to tell goes out at
once, or waits as a draft until somebody in ``approve`` has released it.

A message is a page without a person, so that the outbox delivers it like any other: attempted until an event
says what became of it. One that an end or a reopening made untrue before it went out is not sent; what the
audience hears then says what is so.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial

from msgspec.structs import replace

from irpd.config.audiences import Audience
from irpd.config.channels import SlackChannel, WebhookChannel
from irpd.config.values import Configuration
from irpd.model import event as e
from irpd.model.incident import Incident, State
from irpd.model.level import Level
from irpd.model.notice import News, Notice, Template
from irpd.model.page import Page, PageKind, Send, SendState
from irpd.model.signal import OWN
from irpd.protocol.draft import Draft
from irpd.protocol.paging import page_person, tell_holders

#: Why a message goes out: irpd's own reasons, and a person's.
OPENED, BROUGHT_IN, REOPENED, ABSORBED, BY_ITSELF = (
    "opened",
    "brought-in",
    "reopened",
    "absorbed",
    "by-itself",
)
RESOLVED, UPDATE, APPROVED = "resolved", "update", "approved"
#: Those that may come for many incidents at once: within a minute they go out together.
GATHERED = frozenset({OPENED, BROUGHT_IN, REOPENED, ABSORBED, BY_ITSELF})
#: Why somebody is paged together with an audience.
WITH_AUDIENCE = "audience"
#: How Slack names a room by its id; else by its name, with # in front.
_SLACK_ID = re.compile(r"[CGD][A-Z0-9]{6,20}")
#: A message that could not be sent for so long is not sent any more.
EXPIRES = timedelta(hours=12)


# ------------------------------------------------------------------ who
def scope(configuration: Configuration, incident: Incident) -> list[str]:
    """The audiences that are to know of an incident as it stands, in the order of the files. What irpd
    reports of itself is its operators' alone."""
    if incident.source == OWN:
        return []
    return [name for name, audience in configuration.audiences.items() if _concerns(name, audience, incident)]


def _concerns(name: str, audience: Audience, incident: Incident) -> bool:
    if int(incident.level) not in audience.levels_as(name):
        return False
    if audience.when_as(name) == "regimes" and not incident.regimes:
        return False
    return not audience.services or not set(audience.services).isdisjoint(incident.services)


def addresses(configuration: Configuration, name: str) -> tuple[str, ...]:
    """Where its messages go, on the channel of ``via``: one message each."""
    audience = configuration.audiences[name]
    match configuration.channels.get(audience.via):
        case SlackChannel():
            return (audience.room if _SLACK_ID.fullmatch(audience.room) else f"#{audience.room.lstrip('#')}",)
        case WebhookChannel(url=url) if not audience.to:
            return (url,)
        case _:
            return audience.to or (name,)


def approvers(configuration: Configuration, incident: Incident, name: str) -> tuple[str, ...]:
    """Who may release a draft for this audience: the people named, and those who fill the roles named; where
    that is nobody, whoever has the incident. Empty: nobody is known, and anybody may."""
    audience = configuration.audiences.get(name)
    named = audience.approve if audience is not None else ()
    found = (one if one in configuration.people else incident.roles.get(one, "") for one in named)
    return tuple(dict.fromkeys(person for person in found if person)) or incident.acknowledged_by


# ------------------------------------------------------------------ what
def notice_of(
    configuration: Configuration, incident: Incident, name: str, template: Template, now: datetime
) -> Notice:
    """What there is to say now, but for what was done since."""
    audience = configuration.audiences[name]
    facts, response = incident.response.facts, incident.response
    over = template is Template.RESOLUTION
    services = ((key, configuration.services.get(key)) for key in incident.services)
    return Notice(
        template=template,
        audience=name,
        incident=incident.number,
        level=incident.level,
        title=incident.title,
        language=audience.language,
        time_zone=audience.time_zone or configuration.server.time_zone,
        drill=incident.drill,
        services=tuple((one.title if one is not None else "") or key for key, one in services),
        share=incident.share,
        stage=incident.stage,
        impact=facts.get("impact", "") or facts.get("scope", ""),
        workaround=facts.get("workaround", ""),
        estimated_resolution=response.estimated_resolution,
        next_update=None if over else next_update(incident, now),
        resolved_at=incident.resolved_at,
        root_cause=facts.get("root-cause", "") if over else "",
        resolution=facts.get("resolution", "") if over else "",
        prevention=facts.get("prevention", "") if over else "",
        impact_from=(incident.impact_from or incident.opened_at) if over else None,
        impact_to=(response.impact_to or incident.resolved_at) if over else None,
        report_within=configuration.reports.of(incident.level) if over else 0.0,
    )


def fresh(configuration: Configuration, incident: Incident, drafted: Notice, now: datetime) -> Notice:
    """What a draft says if it is sent now: the words of whoever wrote it, and the facts as they are."""
    notice = notice_of(configuration, incident, drafted.audience, drafted.template, now)
    return replace(
        notice,
        progress=drafted.progress,
        news=drafted.news,
        absorbs=drafted.absorbs,
        by=drafted.by,
        resolution=notice.resolution or drafted.resolution,
    )


def next_update(incident: Incident, now: datetime) -> datetime | None:
    """When the audience hears again at the latest; None: as needed, or overdue."""
    clock = incident.objectives.update
    return clock.due_at if clock is not None and clock.due_at > now else None


# ------------------------------------------------------------------ telling
def tell(draft: Draft, incident: Incident, notice: Notice, *, reason: str) -> Incident:
    """Send it now, or draft it, as its audience has it."""
    if draft.configuration.audiences[notice.audience].send == "draft":
        return put_draft(draft, incident, notice)
    return send(draft, incident, notice, reason=reason)


def send(draft: Draft, incident: Incident, notice: Notice, *, reason: str) -> Incident:
    """Ask that it be sent to each address of its audience. An earlier draft for it is overtaken."""
    configuration = draft.configuration
    incident = withdraw(draft, incident, notice.audience, because="overtaken by a newer message")
    via = configuration.audiences[notice.audience].via
    sends = tuple(
        Send(n=n, channel=via, due_at=draft.now, to=address)
        for n, address in enumerate(addresses(configuration, notice.audience), start=1)
    )
    page = Page(
        id=f"{incident.number}-{incident.pages + 1}",
        incident=incident.number,
        person="",
        kind=PageKind.MESSAGE,
        reason=reason,
        requested_at=draft.now,
        dated=True,
        expires_at=draft.now + EXPIRES,
        sends=sends,
        notice=notice,
    )
    return draft.emit(incident.number, e.Paged(page=page))


def put_draft(draft: Draft, incident: Incident, notice: Notice) -> Incident:
    """It waits for approval, and those who may give it hear so."""
    who = approvers(draft.configuration, incident, notice.audience)
    incident = draft.emit(incident.number, e.Drafted(notice=notice, by=notice.by, approvers=who))
    text = (
        f"A draft to {notice.audience} waits for your approval: "
        f"irpd incident approve {incident.number} {notice.audience}"
    )
    for person in who:
        if person != notice.by:
            incident = page_person(draft, incident, person, kind=PageKind.UPDATE, reason="draft", text=text)
    return incident


def withdraw(draft: Draft, incident: Incident, name: str, *, because: str, by: str = "") -> Incident:
    """The audience's draft, if there is one, will not be sent."""
    if name not in incident.response.drafts:
        return incident
    return draft.emit(incident.number, e.DraftWithdrawn(audience=name, by=by, because=because))


def unsent(draft: Draft, incident: Incident) -> Iterator[Page]:
    """The messages that have not gone out to each of their addresses yet."""
    for page in draft.rows.pages_of(incident):
        pending = any(one.state is SendState.PENDING for one in page.sends)
        if page.kind is PageKind.MESSAGE and page.live and pending:
            yield page


def not_told(draft: Draft, page: Page, failed: Send) -> None:
    """One address of an audience can't be reached: who works on the incident has to see to it otherwise."""
    incident, notice = draft.rows.incident(page.incident), page.notice
    if incident is None or notice is None:
        return
    to = f" ({failed.to})" if failed.to and failed.to != notice.audience else ""
    text = f"The message to {notice.audience}{to} could not be sent by {failed.channel}; tell them otherwise."
    seeing_to_it = [
        incident.roles[role] for role in ("communications", "commander") if role in incident.roles
    ]
    tell_holders(draft, incident, text=text, besides=seeing_to_it)


# ------------------------------------------------------------------ what follows from what has happened
_FOLLOWED = (e.Opened, e.LevelChanged, e.ShareMeasured, e.Resolved, e.Reopened, e.Merged)
#: The same where some audience is told only of certain services.
_FOLLOWED_BY_SERVICE = (*_FOLLOWED, e.SignalJoined, e.SignalMoved)


def follow(draft: Draft) -> None:
    """Tell those who are to know what a command came to. Called once, after all else was decided."""
    audiences = draft.configuration.audiences
    if not audiences:
        return
    by_service = any(audience.services for audience in audiences.values())
    followed = _FOLLOWED_BY_SERVICE if by_service else _FOLLOWED
    happened: dict[int, list[e.AnyEvent]] = {}
    for subject, event in draft.events:
        if isinstance(event, followed) and subject.startswith("incident:"):
            happened.setdefault(int(subject[9:]), []).append(event)
    absorbed: dict[int, list[Incident]] = {}
    for number, events in happened.items():
        incident = draft.rows.incident(number)
        if incident is not None and incident.state is State.MERGED and incident.merged_into is not None:
            absorbed.setdefault(incident.merged_into, []).append(incident)
        elif incident is not None:
            _safely(draft, partial(_tell_of, draft, incident, events))
    for number, parts in absorbed.items():
        _safely(draft, partial(_absorbed, draft, number, parts))


def _safely(draft: Draft, telling: Callable[[], None]) -> None:
    """Telling audiences must never keep anybody from being paged."""
    try:
        telling()
    except Exception as error:  # whatever it raises: what was decided before stands
        draft.defects.append(("messages", error))


def _tell_of(draft: Draft, incident: Incident, events: list[e.AnyEvent]) -> None:
    match incident.state:
        case State.RESOLVED if ended := [event for event in events if isinstance(event, e.Resolved)]:
            _ended(draft, incident, ended[-1])
        case State.OPEN | State.ACKNOWLEDGED:
            if any(isinstance(event, e.Reopened) for event in events):
                incident = _reopened(draft, incident)
            opened = any(isinstance(event, e.Opened) for event in events)
            _bring_in(draft, incident, OPENED if opened else BROUGHT_IN)


def _bring_in(draft: Draft, incident: Incident, reason: str) -> None:
    """Tell each audience of it that is to know now, and doesn't."""
    response = incident.response
    for name in scope(draft.configuration, incident):
        if name in response.told or name in response.drafts or name in response.left_out:
            continue
        notice = notice_of(draft.configuration, incident, name, Template.INITIAL, draft.now)
        incident = tell(draft, incident, notice, reason=reason)
        for person in draft.configuration.audiences[name].page:
            text = f"You are paged together with the audience {name}. Your answer stops no path."
            incident = page_person(
                draft, incident, person, kind=PageKind.PAGE, reason=WITH_AUDIENCE, text=text,
                level=min(incident.level, Level.HIGH), asks=f"audience:{name}",
            )  # fmt: skip


def _ended(draft: Draft, incident: Incident, event: e.Resolved) -> None:
    """Everybody who was told of it hears that it is over; what was to be said before is not said any more."""
    incident = _overtaken(draft, incident, because="it is over")
    for name in incident.response.told:
        if name not in draft.configuration.audiences:
            continue
        notice = notice_of(draft.configuration, incident, name, Template.RESOLUTION, draft.now)
        because = event.because if event.by else ""
        notice = replace(
            notice, resolution=notice.resolution or because, news=None if event.by else News.BY_ITSELF
        )
        incident = tell(draft, incident, notice, reason=RESOLVED if event.by else BY_ITSELF)


def _reopened(draft: Draft, incident: Incident) -> Incident:
    """Who heard that it is over hears that it is not."""
    incident = _overtaken(draft, incident, because="it is open again")
    for name, told in incident.response.told.items():
        if name in draft.configuration.audiences and told.template is Template.RESOLUTION:
            notice = notice_of(draft.configuration, incident, name, Template.UPDATE, draft.now)
            incident = tell(draft, incident, replace(notice, news=News.REOPENED), reason=REOPENED)
    return incident


def _absorbed(draft: Draft, number: int, parts: list[Incident]) -> None:
    """Who has been told of an incident that became part of another hears where it goes on. Whose message is
    still on its way hears of the other incident only."""
    reached: dict[str, list[int]] = {}
    for part in parts:
        for name in _reached(draft, part):
            reached.setdefault(name, []).append(part.number)
        _overtaken(draft, part, because=f"part of #{number} now")
    incident = draft.rows.incident(number)
    if incident is None or not incident.state.active:
        return
    for name, numbers in reached.items():
        if name in draft.configuration.audiences:
            notice = notice_of(draft.configuration, incident, name, Template.UPDATE, draft.now)
            notice = replace(notice, news=News.ABSORBED, absorbs=tuple(sorted(numbers)))
            incident = tell(draft, incident, notice, reason=ABSORBED)


def _reached(draft: Draft, incident: Incident) -> list[str]:
    """The audiences of which some address has a message, or may have by now."""
    found = {
        page.notice.audience: None
        for page in draft.rows.pages_of(incident)
        if page.notice is not None
        for one in page.sends
        if one.state is SendState.DELIVERED or (one.state is SendState.PENDING and one.attempts)
    }
    return list(found)


def _overtaken(draft: Draft, incident: Incident, *, because: str) -> Incident:
    """What has not gone out yet is not so any more."""
    for page in list(unsent(draft, incident)):
        incident = draft.emit(incident.number, e.PageEnded(page=page.id, because="obsolete"))
    for name in list(incident.response.drafts):
        incident = withdraw(draft, incident, name, because=because)
    return incident
