"""Whether a send is still wanted: asked when it comes due and again at the moment of sending."""

from datetime import datetime
from enum import Enum

from irpd.model.incident import Incident, RunState, State
from irpd.model.page import Page, PageKind, Send, SendState


class Wanted(Enum):
    SEND = "send"
    OBSOLETE = "obsolete"
    EXPIRED = "expired"
    OVER = "over"  # an outcome is recorded already


def wanted(page: Page, send: Send, incident: Incident | None, now: datetime) -> Wanted:
    """What to do with a send now.

    A page that was requested before an acknowledgement is answered by it; one requested
    after it (evidence for a more severe level, another path started by hand) is not, nor is one of a path
    that goes on beside. A live page about an incident that isn't known is sent: when in doubt somebody is
    told.
    """
    if send.state is not SendState.PENDING:
        return Wanted.OVER
    if not page.live:
        return Wanted.OBSOLETE
    if incident is not None and page.kind in (PageKind.PAGE, PageKind.QUIET):
        if not incident.state.active:
            return Wanted.OBSOLETE
        answered = incident.acknowledged_at
        if any(run.name == page.path and run.state is RunState.RUNNING for run in incident.paths):
            answered = None
        if incident.state is State.ACKNOWLEDGED and answered is not None and page.requested_at < answered:
            return Wanted.OBSOLETE
    return Wanted.EXPIRED if now >= page.expires_at else Wanted.SEND
