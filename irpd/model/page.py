"""Pages and updates to one person, messages to an audience, and what became of each attempt to send them."""

from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from msgspec import Struct

from irpd.model.incident import Incident, RunState, State
from irpd.model.notice import Notice
from irpd.model.shift import ShiftWord


class PageKind(StrEnum):
    PAGE = "page"  # asks for an acknowledgement
    UPDATE = "update"  # tells; asks for nothing
    QUIET = "quiet"  # level 4: tells the on-call responder by a quiet channel
    TEST = "test"  # `irpd page test`
    SHIFT = "shift"  # a word before a shift; about no incident, asks for nothing
    MESSAGE = "message"  # to an audience, which is no person: asks for nothing


class SendState(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"  # the channel or provider took it; whether it arrived it may say later (``Word``)
    FAILED = "failed"  # for good, also by a provider's later word
    OBSOLETE = "obsolete"  # no longer wanted when its time came
    EXPIRED = "expired"
    WOULD_HAVE = "would-have"  # shadow mode: nobody was told


class Word(StrEnum):
    """What a provider says of a send some time after it took it."""

    DELIVERED = "delivered"  # it is on the person's phone
    FAILED = "failed"  # it never will be
    SEEN = "seen"  # the person has looked at it


class Send(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """One message of a page over one channel. Its identity is ``<page>.<n>``.

    Its way, with the time of each station: requested with its page, ``due_at`` (of the next attempt, while it
    is pending), ``handed_at`` (the last attempt began), ``accepted_at`` (the channel or provider took it),
    ``delivered_at`` and ``seen_at`` (by the provider's later word, where it gives one), acknowledged with its
    page. Several sends have one ``provider_id`` where one message told of them together.
    """

    n: int
    channel: str
    due_at: datetime
    state: SendState = SendState.PENDING
    attempts: int = 0
    last_at: datetime | None = None
    provider_id: str = ""
    detail: str = ""
    moved_on: bool = False  # the next method did not wait for this one any longer
    handed_at: datetime | None = None
    accepted_at: datetime | None = None
    delivered_at: datetime | None = None
    seen_at: datetime | None = None
    first_due_at: datetime | None = None  # once it is tried again
    to: str = ""  # the address, of a message to an audience; a person's is looked up when it is sent

    @property
    def first_due(self) -> datetime:
        """When it was first due. Sends of a page with the same time are one method."""
        return self.first_due_at or self.due_at


class Page(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """A message to one person, or to an audience, about one incident: the row that the outbox works on.

    ``id`` is ``"42-3"``. ``live`` ends when it is acknowledged, obsolete or expired:
    pending sends of a page that is not live are never sent.
    ``reason`` is a word for why: ``step``, ``round``, ``everyone``, ``fallback``,
    ``level-rise``, ``evidence``, ``update``, ``operators``, ``test``, ``asked``, ``shift``, ``audience``.
    A message to an audience has a ``notice`` and no ``person``; its reasons are those of
    ``protocol.messages``.
    """

    id: str
    incident: int
    person: str
    kind: PageKind
    reason: str
    requested_at: datetime
    expires_at: datetime
    sends: tuple[Send, ...]
    path: str = ""
    step: int | None = None
    next_person: str = ""
    next_at: datetime | None = None
    live: bool = True
    seen_at: datetime | None = None
    acknowledged_at: datetime | None = None
    text: str = ""  # for updates: what there is to say, in plain words
    receipt_at: datetime | None = None  # first byte of the request that caused it
    notice: Notice | None = None  # what a message to an audience says
    asks: str = ""  # for something else than to take the incident: ``role:commander``, ``help:2``, ...
    shift: ShiftWord | None = None  # what a word before a shift says
    dated: bool = False  # False only in pages of a version that named them by their ``id`` alone

    @property
    def name(self) -> str:
        """What no other page has, ever: links and the identity of messages are made of it. Numbers begin
        again where a backup was restored, so it has the time of the request as well."""
        return f"{self.id}.{_stamp(self.requested_at)}" if self.dated else self.id


@lru_cache(4096)
def _stamp(at: datetime) -> str:
    return f"{at:%Y%m%d%H%M%S%f}"


def answered(page: Page, incident: Incident) -> bool:
    """Whether an acknowledgement of the incident, or its end, is the answer to this page too.

    A page that was requested before an acknowledgement is answered by it; one requested after it (evidence
    for a more severe level, a warning that it grows stale, another path started by hand) is not, nor is one
    of a path that goes on beside. What asks for something else (a role, help, an update) is answered by
    itself.
    """
    if not incident.state.active:
        return True
    if page.asks:
        return False
    at = incident.acknowledged_at
    if incident.state is not State.ACKNOWLEDGED or at is None or page.requested_at >= at:
        return False
    return not any(run.name == page.path and run.state is RunState.RUNNING for run in incident.paths)
