"""What became of a page's sends: recorded, and acted on when a channel failed for good."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import assert_never

from irpd.model import command as c
from irpd.model import event as e
from irpd.model.incident import Incident, RunState
from irpd.model.page import Page, PageKind, Send, SendState, Word
from irpd.model.shift import ShiftWord
from irpd.oncall.reach import methods_for
from irpd.protocol.asking import unreached
from irpd.protocol.draft import Draft
from irpd.protocol.evolve import PAGES, subject_of
from irpd.protocol.messages import not_told
from irpd.protocol.paging import fire_step, page_person

#: Characters of a message's words that are kept.
LONGEST_SAID = 10_000


def record_send(draft: Draft, command: c.RecordSend) -> bool:
    """Record one attempt. False when there is nothing to record it on (it was recorded before)."""
    page = draft.rows.page(command.page)
    send = next((s for s in page.sends if s.n == command.send), None) if page is not None else None
    if page is None or send is None or send.state is not SendState.PENDING:
        return False
    attempted = command.tried and command.state not in (SendState.OBSOLETE, SendState.EXPIRED)
    moves_on = command.moves_on and command.state is SendState.PENDING
    _emit(
        draft,
        page,
        e.SendAttempted(
            page=page.id,
            send=send.n,
            state=command.state,
            attempt=send.attempts + int(attempted),
            retry_at=command.retry_at,
            provider_id=command.provider_id,
            detail=command.detail[:500],
            took=command.took,
            handed_at=command.handed_at,
            moved_on=moves_on,
            said=command.said[:LONGEST_SAID],
        ),
    )
    if command.state in (SendState.FAILED, SendState.EXPIRED):
        _moves_on(draft, page.id, send)
    elif moves_on and page.kind is not PageKind.MESSAGE:
        _bring_next(draft, page.id, send)
    return True


def confirm_send(draft: Draft, command: c.ConfirmSend) -> int:
    """A provider's later word on one message; how many sends it was news of.

    Words come late, twice and out of order. What arrived stays arrived, whatever is said after; what was
    given up and arrived all the same has arrived, and what followed from giving up stands."""
    told = 0
    for page_id, n in draft.rows.sends_in(command.channel, command.provider_id):
        page = draft.rows.page(page_id)
        send = next((s for s in page.sends if s.n == n), None) if page is not None else None
        if page is None or send is None or not _news(send, command.word):
            continue
        since = send.handed_at or page.requested_at
        believable = command.at is not None and since <= command.at <= draft.now
        _emit(
            draft,
            page,
            e.SendConfirmed(
                page=page.id,
                send=n,
                word=command.word,
                said_at=command.at if believable and command.at is not None else draft.now,
                detail=command.detail[:500],
            ),
        )
        told += 1
        if command.word is Word.FAILED:
            _moves_on(draft, page.id, send)
    return told


def _news(send: Send, word: Word) -> bool:
    match word:
        case Word.SEEN:
            return send.seen_at is None
        case Word.DELIVERED:
            return send.delivered_at is None and send.seen_at is None
        case Word.FAILED:
            return send.state is SendState.DELIVERED and send.delivered_at is None and send.seen_at is None
        case _:
            assert_never(word)


def _emit(draft: Draft, page: Page, event: e.AnyEvent) -> None:
    draft.emit_about(subject_of(page.incident) if page.incident else PAGES, event)


def _moves_on(draft: Draft, page_id: str, failed: Send) -> None:
    """A method failed for good: the next one comes at once; with none left, the next step. A method that is
    only tried on beside the others holds up nothing; the page stays live for it. A message has no other
    method: people are to see to it."""
    page = draft.rows.page(page_id)
    if page is None or not page.live:
        return
    if page.kind is PageKind.MESSAGE:
        not_told(draft, page, failed)
        return
    _bring_next(draft, page_id, failed)
    pending = [send for send in page.sends if send.state is SendState.PENDING]
    taken = any(send.state in (SendState.DELIVERED, SendState.WOULD_HAVE) for send in page.sends)
    if taken or not all(send.moved_on for send in pending):
        return
    if not pending:
        _emit(draft, page, e.PageEnded(page=page.id, because=_worst(page.sends)))
    incident = draft.rows.incident(page.incident)
    if incident is None or not incident.state.active or page.kind is PageKind.UPDATE:
        return
    if page.asks:
        unreached(draft, incident, page)
    elif page.path:
        _next_step(draft, incident, page)
    elif page.reason != "fallback" and not pending:
        for person in draft.configuration.fallback:
            if person != page.person:
                incident = page_person(
                    draft, incident, person, kind=PageKind.PAGE, reason="fallback", text=page.text
                )


def _bring_next(draft: Draft, page_id: str, stuck: Send) -> None:
    """The person's next method comes at once, unless a message of the method before worked or still may.

    What went out at the same time over another channel is the same method."""
    page = draft.rows.page(page_id)
    if page is None or not page.live:
        return
    pending = [send for send in page.sends if send.state is SendState.PENDING and not send.moved_on]
    waiting = [send for send in pending if send.due_at > draft.now and not send.attempts]
    trying = [send for send in pending if send not in waiting]
    worked = (send for send in page.sends if send.state is SendState.DELIVERED)
    if not waiting or trying or any(send.first_due == stuck.first_due for send in worked):
        return
    first = min(send.due_at for send in waiting)
    for send in waiting:
        if send.due_at == first:
            _emit(draft, page, e.SendBrought(page=page.id, send=send.n, due_at=draft.now))


def _worst(sends: tuple[Send, ...]) -> str:
    return "expired" if any(send.state is SendState.EXPIRED for send in sends) else "failed"


def _next_step(draft: Draft, incident: Incident, page: Page) -> None:
    """Unless somebody else of the same step can still be reached, the path moves on at once."""
    run = next((r for r in incident.paths if r.name == page.path), None)
    if run is None or run.fired != page.step or page.reason == "everyone":
        return  # in the rounds of everybody the next round comes by its time
    if run.state is not RunState.RUNNING and not run.quiet:
        return
    others = any(
        other.live and other.path == page.path and other.step == page.step and other.id != page.id
        for other in draft.rows.pages_of(incident)
    )
    if not others:
        fire_step(draft, incident, run.name, because=f"{page.person} can't be reached")


def test_page(draft: Draft, command: c.TestPage) -> str:
    """A page outside any incident, by all methods of the person at once."""
    configuration = draft.configuration
    if command.person not in configuration.people:
        known = ", ".join(sorted(configuration.people))
        raise c.Refusal("not-found", f"there is no person {command.person!r}; there are: {known}")
    channels = dict.fromkeys(
        channel for method in methods_for(configuration, command.person, 1) for channel in method.via
    )
    if not channels:
        raise c.Refusal("invalid", f"{command.person} has no channel that could be tested")
    return send_outside(
        draft, command.person, channels, kind=PageKind.TEST, reason="test",
        expires_at=draft.now + timedelta(minutes=10),
        text=f"A test asked for by {command.by}. Nothing is wrong.",
    )  # fmt: skip


def send_outside(
    draft: Draft,
    person: str,
    via: Iterable[str],
    *,
    kind: PageKind,
    reason: str,
    expires_at: datetime,
    text: str = "",
    shift: ShiftWord | None = None,
) -> str:
    """Ask that a message about no incident be sent, by all of these channels at once; its page's id."""
    page = Page(
        id=f"0-{draft.rows.counter('page') + 1}",
        incident=0,
        person=person,
        kind=kind,
        reason=reason,
        requested_at=draft.now,
        dated=True,
        expires_at=expires_at,
        sends=tuple(Send(n=n, channel=channel, due_at=draft.now) for n, channel in enumerate(via, start=1)),
        text=text,
        shift=shift,
    )
    draft.emit_about(PAGES, e.Paged(page=page))
    return page.id


def see_page(draft: Draft, command: c.SeePage) -> Page | None:
    """The page, if it wasn't seen before."""
    page = draft.rows.page(command.page)
    if page is None or page.seen_at is not None:
        return None
    _emit(draft, page, e.PageSeen(page=page.id, via=command.via))
    return page
