"""The outbox: due → still wanted? → rate → send → record.

It keeps nothing that matters: what is to be sent stands in the published pages (live, with
sends that are pending), and what became of an attempt goes back as a ``RecordSend``. After
a crash the same sends are pending still and go out again under the same identity. So a page
may come twice only if the process died, or the provider's answer was lost, between sending
and recording.

In memory are only: the agenda of due times, which sends are under way, and the outcomes
that the journal would not take. A send whose outcome is not on disk is not made again
because of that; the outcome is submitted again until it commits.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from random import Random

import structlog

from irpd.comms.links import Links
from irpd.engine.ports import Channel, Clock, Message, Outcome
from irpd.model.command import RecordSend
from irpd.model.incident import Incident
from irpd.model.page import Page, PageKind, Send, SendState
from irpd.outbox.agenda import Agenda, Key
from irpd.outbox.compose import NoAddress, address_for, compose, first_message
from irpd.outbox.edits import Edits
from irpd.outbox.lane import Lane, Rank
from irpd.outbox.needs import EngineLike, InForce, NoMetrics, OutboxMetrics, PublishedState, Wait
from irpd.outbox.rate import Pace, Rate
from irpd.outbox.record import Recorder
from irpd.outbox.retry import began, decide
from irpd.outbox.wanted import Wanted, wanted

__all__ = ["EngineLike", "InForce", "Outbox", "PublishedState", "wait_for"]

log = structlog.get_logger(__name__)

#: How many messages a type of channel has under way at a time.
WIDTHS: Mapping[str, int] = {"smtp": 10, "slack": 8, "webhook": 32, "file": 256}
DEFAULT_WIDTH = 16
RATES: Mapping[str, Rate] = {"slack": Rate(per_second=1.0, burst=5)}
#: No attempt takes longer, whatever a channel's own time limits are. Seconds.
CEILING = 120.0
#: While something is on the agenda the clock is looked at this often: after a suspend the
#: loop's own clock is behind. Seconds.
LONGEST_WAIT = 30.0


async def wait_for(event: asyncio.Event, seconds: float | None) -> None:
    """Until the event is set, at most so many seconds (None: for ever)."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


class Outbox:
    """Delivers what the published state says is to be sent.

    ``channels`` by their configured names; ``use_channels`` replaces them after a reload.
    ``kill`` is called at the kill points ``before-send``, ``after-send``, ``before-record``.
    ``progress`` grows with each turn of the loop and each delivery that ends.
    """

    def __init__(
        self,
        engine: EngineLike,
        channels: Mapping[str, Channel],
        clock: Clock,
        links: Links,
        *,
        metrics: OutboxMetrics | None = None,
        random: Random | None = None,
        wait: Wait = wait_for,
        kill: Callable[[str], None] = lambda _point: None,
        widths: Mapping[str, int] = WIDTHS,
    ) -> None:
        self._engine = engine
        self._channels = dict(channels)
        self._clock = clock
        self._links = links
        self._metrics: OutboxMetrics = metrics or NoMetrics()
        self._random = random or Random()
        self._wait = wait
        self._kill = kill
        self._widths = widths
        self._agenda = Agenda()
        self._recorder = Recorder(engine, wait, kill)
        self._edits = Edits(engine, lambda: self._channels, clock, links, wait)
        self._lanes: dict[str, Lane] = {}
        self._paces: dict[str, Pace] = {}
        self._under_way: dict[Key, datetime] = {}  # in a lane, with the time it was due
        self._handled: dict[Key, int] = {}  # the attempts that the state showed when it was sent
        self._first_at: dict[Key, datetime] = {}
        self._next_due: datetime | None = None
        self._wake = asyncio.Event()
        self._subscribed = False
        self._stopping = False
        self.progress = 0

    # -------------------------------------------------------------- for the daemon
    async def run(self) -> None:
        """Deliver until ``drain``."""
        if not self._subscribed:
            self._engine.on_publish(self._published)
            self._subscribed = True
        self._look_at(self._engine.state.pages.values())
        while not self._stopping:
            self._wake.clear()
            self.progress += 1
            self._hand_out()
            await self._wait(self._wake, self._seconds_to_next())

    async def drain(self, within: float) -> bool:
        """Begin nothing more, wait so many seconds for what is under way; whether all of it ended

        What is cut off or was waiting stays pending in the journal and is sent after the next start."""
        self._stopping = True
        self._wake.set()
        for lane in self._lanes.values():
            for key in lane.close():
                self._under_way.pop(key, None)
        unfinished: set[asyncio.Task[None]] = set()
        running = {task for lane in self._lanes.values() for task in lane.running}
        if running:
            _, unfinished = await asyncio.wait(running, timeout=within)
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)
        await self._edits.close()
        return await self._recorder.close() and not unfinished

    def use_channels(self, channels: Mapping[str, Channel]) -> None:
        """The channels of a new configuration, from the next send on."""
        self._channels = dict(channels)

    @property
    def pending(self) -> int:
        """Sends that wait for their time, for their turn or for an answer."""
        return len(self._agenda) + len(self._under_way)

    @property
    def unrecorded(self) -> int:
        """Outcomes that are not on disk."""
        return len(self._recorder.held)

    def oldest_due_at(self) -> datetime | None:
        """The earliest due time that has not been seen to; safe from another thread.

        In the past for longer than a moment only when the outbox itself is stuck: what a full or hanging
        channel has been given is seen to."""
        return self._next_due

    # -------------------------------------------------------------- due
    def _published(self, pages: Collection[Page], incidents: Collection[Incident]) -> None:
        if pages:
            self._look_at(pages)
            self._wake.set()
        self._edits.look_at(pages, incidents)

    def _look_at(self, pages: Iterable[Page]) -> None:
        """Put on the agenda what these pages want sent, take off what they don't."""
        for page in pages:
            for send in page.sends:
                key = (page.id, send.n)
                if key in self._under_way:
                    continue  # looked at again when it is done
                if send.state is not SendState.PENDING or not page.live:
                    self._forget(key)
                elif self._handled.get(key) != send.attempts:
                    self._handled.pop(key, None)
                    self._agenda.put(key, send.due_at)
        self._next_due = self._agenda.next_due()

    def _forget(self, key: Key) -> None:
        self._agenda.drop(key)
        self._handled.pop(key, None)
        self._first_at.pop(key, None)

    def _hand_out(self) -> None:
        state = self._engine.state
        for key, due in self._agenda.take(self._clock.now()):
            page, send = self._find(key)
            if page is None or send is None:
                self._forget(key)
                continue
            self._under_way[key] = due
            incident = state.incidents.get(page.incident)
            self._lane(send.channel).put(key, _rank(page, incident, due))
        self._next_due = self._agenda.next_due()

    def _seconds_to_next(self) -> float | None:
        if self._next_due is None:
            return None
        return min(max((self._next_due - self._clock.now()).total_seconds(), 0.0), LONGEST_WAIT)

    def _find(self, key: Key) -> tuple[Page | None, Send | None]:
        page = self._engine.state.pages.get(key[0])
        if page is None:
            return None, None
        return page, next((send for send in page.sends if send.n == key[1]), None)

    def _type(self, channel: str) -> str:
        settings = self._engine.policy.configuration.channels.get(channel)
        return settings.type if settings is not None else ""

    def _lane(self, channel: str) -> Lane:
        lane = self._lanes.get(channel)
        if lane is None:
            width = self._widths.get(self._type(channel), DEFAULT_WIDTH)
            lane = self._lanes[channel] = Lane(channel, width, self._deliver)
        return lane

    # -------------------------------------------------------------- one send
    async def _deliver(self, key: Key) -> None:
        put_off: datetime | None = None
        try:
            step = await self._attempt(key)
            if isinstance(step, RecordSend):
                self._metrics.sent(self._find_channel(key), _outcome_name(step))
                await self._recorder.record(key, step)
                if step.state is SendState.PENDING and key in self._recorder.held:
                    put_off = step.retry_at  # the state doesn't know: the retry is remembered here
            else:
                put_off = step
        finally:
            self._under_way.pop(key, None)
            self.progress += 1
            if put_off is not None:
                self._agenda.put(key, put_off)
            else:
                self._look_again(key)
            self._wake.set()

    def _find_channel(self, key: Key) -> str:
        _, send = self._find(key)
        return send.channel if send is not None else ""

    def _look_again(self, key: Key) -> None:
        page, _ = self._find(key)
        if page is None:
            self._forget(key)
        else:
            self._look_at((page,))

    async def _attempt(self, key: Key) -> RecordSend | datetime | None:
        """What is to be recorded; or when to try again without a record; or nothing."""
        page, send = self._find(key)
        held = self._recorder.held.get(key)
        if page is None or send is None:
            return None
        if self._handled.get(key) == send.attempts and not (held and held.command.state is SendState.PENDING):
            return None
        now = self._clock.now()
        incident = self._engine.state.incidents.get(page.incident)
        verdict = wanted(page, send, incident, now)
        if verdict is Wanted.OVER:
            return None
        try:
            if verdict is Wanted.SEND:
                wait = self._wait_for_turn(page, send, incident)
                if wait > 0:
                    return now + timedelta(seconds=wait)
            self._handled[key] = send.attempts
            if verdict is Wanted.OBSOLETE:
                return RecordSend(page=page.id, send=send.n, state=SendState.OBSOLETE)
            if verdict is Wanted.EXPIRED:
                return RecordSend(page=page.id, send=send.n, state=SendState.EXPIRED)
            attempts = send.attempts + (held.attempts if held else 0)
            return await self._send(key, page, send, incident, attempts)
        except NoAddress as problem:
            self._handled[key] = send.attempts
            log.warning("page_without_address", page=page.id, channel=send.channel, why=str(problem))
            return RecordSend(page=page.id, send=send.n, state=SendState.FAILED, detail=str(problem))
        except Exception as error:
            self._handled[key] = send.attempts
            self._metrics.erred("outbox")
            log.exception("send_raised", page=page.id, send=send.n, channel=send.channel)
            return RecordSend(
                page=page.id, send=send.n, state=SendState.FAILED, detail=f"error: {error!r}"[:500]
            )

    def _wait_for_turn(self, page: Page, send: Send, incident: Incident | None) -> float:
        """Seconds until this address may be written to again."""
        address = address_for(self._engine.policy.configuration, page.person, send.channel)
        rate = RATES.get(self._type(send.channel))
        if rate is None:
            return 0.0
        pace = self._paces.setdefault(send.channel, Pace(rate))
        urgent = page.kind is PageKind.PAGE and (incident is None or incident.level.urgent)
        return pace.wait(address, self._clock.boot(), urgent=urgent)

    async def _send(
        self, key: Key, page: Page, send: Send, incident: Incident | None, attempts: int
    ) -> RecordSend:
        channel = self._channels.get(send.channel)
        if channel is None:
            raise NoAddress(f"channel {send.channel!r} is not in use")
        state = self._engine.state
        message, rendered = compose(
            page=page,
            send=send,
            incident=incident,
            members=state.members_of(page.incident) if incident is not None else (),
            configuration=self._engine.policy.configuration,
            links=self._links,
            now=self._clock.now(),
            thread=self._first_message(page, send),
        )
        if rendered.error:
            self._metrics.erred("text")
        first_at = self._first_at.setdefault(key, began(attempts, self._clock.now()))
        self._kill("before-send")
        if page.receipt_at is not None and not attempts and send.due_at <= page.requested_at:
            self._metrics.delayed((self._clock.now() - page.receipt_at).total_seconds())
        started = self._clock.boot()
        outcome = await self._hand_over(channel, message)
        took = self._clock.boot() - started
        self._kill("after-send")
        decision = decide(
            outcome,
            attempt=attempts + 1,
            first_at=first_at,
            now=self._clock.now(),
            expires_at=page.expires_at,
            random=self._random,
        )
        log.info(
            "page_sent",
            page=page.id,
            send=send.n,
            channel=send.channel,
            outcome=outcome.kind,
            state=decision.state.value,
            detail=decision.detail,
            took=round(took, 3),
        )
        return RecordSend(
            page=page.id,
            send=send.n,
            state=decision.state,
            retry_at=decision.retry_at,
            provider_id=outcome.provider_id,
            detail=decision.detail,
            took=took,
        )

    def _first_message(self, page: Page, send: Send) -> str:
        if self._type(send.channel) != "slack":
            return ""
        return first_message(self._engine.state.pages_of(page.incident), page, send)

    async def _hand_over(self, channel: Channel, message: Message) -> Outcome:
        """A channel that raises is broken for this message; one that never answers is slow."""
        try:
            async with asyncio.timeout(CEILING):
                return await channel.send(message)
        except TimeoutError:
            return Outcome(kind="transient", detail=f"no answer within {CEILING:g} s")
        except Exception as error:
            self._metrics.erred("channel")
            log.exception("channel_raised", channel=channel.name, page=message.page.id)
            return Outcome(kind="permanent", detail=f"error in the channel: {error!r}"[:500])


def _rank(page: Page, incident: Incident | None, due: datetime) -> Rank:
    """Pages before updates, the more severe first, then the longer due."""
    severity = int(incident.level) if incident is not None else 1
    kind = {PageKind.PAGE: 0, PageKind.TEST: 5, PageKind.QUIET: 10, PageKind.UPDATE: 10}[page.kind]
    return kind + severity, due.timestamp()


def _outcome_name(command: RecordSend) -> str:
    return "transient" if command.state is SendState.PENDING else command.state.value
