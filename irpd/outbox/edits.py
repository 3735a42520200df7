"""Messages that say how things stand: edited in place when somebody takes or ends an incident.

For channels that can edit (``edit``), the first message of the incident to each person.
Best effort: nothing is recorded, a restart forgets it, and no page ever waits for it. The
next thing that happens to the incident brings the message up to date again.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Protocol, TypeGuard

import structlog

from irpd.comms.links import Links
from irpd.engine.ports import Channel, Clock, Message, Outcome
from irpd.model.incident import Incident, State
from irpd.model.page import Page, PageKind, Send, SendState
from irpd.outbox.compose import NoAddress, compose, compose_several, told_of
from irpd.outbox.needs import EngineLike, Wait

log = structlog.get_logger(__name__)

_TRIES = 4
_AT_ONCE = 4
_DELAY = 5.0
_CEILING = 60.0

Standing = tuple[State, tuple[str, ...]]
"""What an edited message shows: the state and who has it."""

_UNTOUCHED: Standing = (State.OPEN, ())


class Editing(Protocol):
    """A channel whose messages can say something else later."""

    async def edit(self, message: Message, provider_id: str) -> Outcome: ...


def _edits(channel: object) -> TypeGuard[Editing]:
    """As ``isinstance`` would say it, which takes longer than all else that is done for a page."""
    return hasattr(channel, "edit")


class Edits:
    """Keeps first messages up to date with what is published."""

    def __init__(
        self,
        engine: EngineLike,
        channels: Callable[[], Mapping[str, Channel]],
        clock: Clock,
        links: Links,
        wait: Wait,
    ) -> None:
        self._engine = engine
        self._channels = channels
        self._clock = clock
        self._links = links
        self._wait = wait
        self._shown: dict[int, Standing] = {}  # only of incidents that are not as they were opened
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._again: set[int] = set()
        self._room = asyncio.Semaphore(_AT_ONCE)

    def look_at(self, pages: Collection[Page], incidents: Collection[Incident]) -> None:
        """Begin the edits that these changes ask for."""
        for incident in incidents:
            if _standing(incident) != self._shown.get(incident.number, _UNTOUCHED):
                self._shown[incident.number] = _standing(incident)
                self._begin(incident.number)
            if incident.state in (State.CLOSED, State.MERGED):
                self._shown.pop(incident.number, None)
        for page in pages:  # one that was under way when the incident was taken
            late = page.kind is PageKind.PAGE and page.incident in self._shown
            if late and any(send.state is SendState.DELIVERED and send.provider_id for send in page.sends):
                self._begin(page.incident)

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _begin(self, number: int) -> None:
        if number in self._tasks:
            self._again.add(number)
            return
        messages = self._first_messages(number)
        if not messages:
            return
        task = asyncio.create_task(self._edit_all(number, messages), name=f"edit messages of #{number}")
        self._tasks[number] = task
        task.add_done_callback(lambda _: self._ended(number))

    def _ended(self, number: int) -> None:
        del self._tasks[number]
        if number in self._again:
            self._again.discard(number)
            self._begin(number)

    def _first_messages(self, number: int) -> list[tuple[Page, Send]]:
        """The first delivered message to each person on each channel that can edit."""
        editing = {name for name, channel in self._channels().items() if _edits(channel)}
        first: dict[tuple[str, str], tuple[Page, Send]] = {}
        if not editing:
            return []
        for page in sorted(self._engine.state.pages_of(number), key=lambda page: page.requested_at):
            for send in page.sends:
                told = send.state is SendState.DELIVERED and send.provider_id and page.notice is None
                if told and send.channel in editing:
                    first.setdefault((page.person, send.channel), (page, send))
        return list(first.values())

    async def _edit_all(self, number: int, messages: list[tuple[Page, Send]]) -> None:
        incident = self._engine.state.incidents.get(number)
        if incident is None:
            return
        for page, send in messages:
            async with self._room:
                try:
                    await self._edit(incident, page, send)
                except Exception:  # a message that stays as it was harms no page
                    log.exception("edit_raised", page=page.id, channel=send.channel)

    async def _edit(self, incident: Incident, page: Page, send: Send) -> None:
        never = asyncio.Event()
        for attempt in range(1, _TRIES + 1):
            channel: object = self._channels().get(send.channel)
            if not _edits(channel):
                return
            try:
                message = self._compose(incident, page, send)
            except NoAddress:
                return
            try:
                async with asyncio.timeout(_CEILING):
                    outcome = await channel.edit(message, send.provider_id)
            except TimeoutError:
                outcome = Outcome(kind="transient", detail="timed out")
            if outcome.kind != "transient":
                log.info("message_edited", page=page.id, channel=send.channel, outcome=outcome.kind)
                return
            await self._wait(never, max(outcome.retry_after or 0.0, _DELAY * attempt))
            if incident.number in self._again:
                return  # it says something else by now

    def _compose(self, incident: Incident, page: Page, send: Send) -> Message:
        """What the message says now; of all the pages in it, where several went out together."""
        state, configuration = self._engine.state, self._engine.policy.configuration
        together = [
            (one, n)
            for page_id, number in state.sends_in(send.channel, send.provider_id)
            if (one := state.pages.get(page_id)) is not None
            for n in one.sends
            if n.n == number and one.person == page.person
        ]
        if len(together) > 1:
            told = told_of(together, state)
            return compose_several(
                told, configuration=configuration, links=self._links, now=self._clock.now()
            )[0]
        return compose(
            page=page,
            send=send,
            incident=incident,
            members=state.members_of(incident.number),
            configuration=configuration,
            links=self._links,
            now=self._clock.now(),
        )[0]


def _standing(incident: Incident) -> Standing:
    return incident.state, incident.acknowledged_by
