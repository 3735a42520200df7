"""Whether a send is still wanted: asked when it comes due and again at the moment of sending."""

from datetime import datetime
from enum import Enum

from irpd.model.incident import Incident
from irpd.model.page import Page, PageKind, Send, SendState, answered


class Wanted(Enum):
    SEND = "send"
    OBSOLETE = "obsolete"
    EXPIRED = "expired"
    OVER = "over"  # an outcome is recorded already


def wanted(page: Page, send: Send, incident: Incident | None, now: datetime) -> Wanted:
    """What to do with a send now.

    A live page about an incident that isn't known is sent: when in doubt somebody is told.
    """
    if send.state is not SendState.PENDING:
        return Wanted.OVER
    if not page.live:
        return Wanted.OBSOLETE
    asks = page.kind in (PageKind.PAGE, PageKind.QUIET)
    if asks and incident is not None and answered(page, incident):
        return Wanted.OBSOLETE
    return Wanted.EXPIRED if now >= page.expires_at else Wanted.SEND
