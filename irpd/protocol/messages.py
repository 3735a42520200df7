"""Messages to audiences: who is told what, and when.

An audience is told of an incident when the incident comes into its scope (its level, its services, a regime):
at the opening, or later when that changes. From then on it hears how it ends, also where the level has sunk
below its own. What it hears by itself is decided in ``announce``, what people tell it in ``telling``. It goes
out at once, or waits as a draft until somebody in ``approve`` has released it.

A message is a page without a person, so that the outbox delivers it like any other: attempted until an event
says what became of it. One that an end or a reopening made untrue before it went out is not sent; what the
audience hears then says what is so.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec.structs import replace

from irpd.config.audiences import Audience
from irpd.config.channels import SlackChannel, WebhookChannel
from irpd.config.values import Configuration
from irpd.model import event as e
from irpd.model.incident import Incident
from irpd.model.notice import Notice, Template
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
RESOLVED, UPDATE, APPROVED, EXTENDED = "resolved", "update", "approved", "extended"
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
