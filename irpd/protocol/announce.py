"""What audiences hear by itself: that an incident is theirs to know of, is over, is back, or is part of
another.

``follow`` looks at what a command came to, once, after all else was decided. Nothing here may keep anybody
from being paged.
"""

from collections.abc import Callable
from functools import partial

from msgspec.structs import replace

from irpd.model import event as e
from irpd.model.incident import Incident, State
from irpd.model.level import Level
from irpd.model.notice import News, Template
from irpd.model.page import PageKind, SendState
from irpd.protocol.draft import Draft
from irpd.protocol.messages import (
    ABSORBED,
    BROUGHT_IN,
    BY_ITSELF,
    EXTENDED,
    OPENED,
    REOPENED,
    RESOLVED,
    WITH_AUDIENCE,
    notice_of,
    scope,
    tell,
    unsent,
    withdraw,
)
from irpd.protocol.paging import page_person

_FOLLOWED = (e.Opened, e.LevelChanged, e.ShareMeasured, e.Resolved, e.Reopened, e.Extended, e.Merged)
#: Who hears again when an incident is past its resolution target.
_EXECUTIVES = "executives"
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
            if any(isinstance(event, e.Extended) for event in events):
                incident = _extended(draft, incident)
            opened = any(isinstance(event, e.Opened) for event in events)
            _bring_in(draft, incident, OPENED if opened else BROUGHT_IN)


def _extended(draft: Draft, incident: Incident) -> Incident:
    """The executives who know of it hear that it is past its resolution target."""
    if _EXECUTIVES not in incident.response.told or _EXECUTIVES not in draft.configuration.audiences:
        return incident
    notice = notice_of(draft.configuration, incident, _EXECUTIVES, Template.UPDATE, draft.now)
    return tell(draft, incident, replace(notice, news=News.EXTENDED), reason=EXTENDED)


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
