"""One attempt to send: still wanted? → may the provider be asked? → rate → send → what is to be recorded.

Nothing is awaited between the question whether it is wanted and the moment the channel has
the message. Whatever raises on the way ends this one send, never the outbox.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

import structlog

from irpd.comms import clean
from irpd.comms.links import Links
from irpd.engine.ports import Channel, Clock, Message, Outcome
from irpd.model.command import RecordSend
from irpd.model.incident import Incident
from irpd.model.page import Page, PageKind, Send, SendState
from irpd.outbox.agenda import Key
from irpd.outbox.compose import NoAddress, address_for, compose, first_message
from irpd.outbox.gate import Closed, Gates
from irpd.outbox.needs import EngineLike, OutboxMetrics
from irpd.outbox.rate import Pace, Rate
from irpd.outbox.retry import GIVE_UP_AFTER, began, decide, next_method_at
from irpd.outbox.wanted import Wanted, wanted

log = structlog.get_logger(__name__)

RATES: Mapping[str, Rate] = {"slack": Rate(per_second=1.0, burst=5)}
#: What is put off looks again after so many seconds, however long its provider asked for.
LOOK_AGAIN_WITHIN = 50.0
#: No attempt takes longer, whatever a channel's own time limits are. Seconds.
CEILING = 120.0


@dataclass(frozen=True, slots=True)
class PutOff:
    """Not now: look again ``until`` then. ``record`` is what has to be on disk about it."""

    until: datetime
    record: RecordSend | None = None
    closed: bool = False  # by its gate: when that opens it goes at once


class Sender:
    """Makes attempts; remembers only gates, rates and when each send was first tried."""

    def __init__(
        self,
        engine: EngineLike,
        channels: Callable[[], Mapping[str, Channel]],
        clock: Clock,
        links: Links,
        *,
        metrics: OutboxMetrics,
        random: Random,
        kill: Callable[[str], None],
        opened: Callable[[str], None],
    ) -> None:
        """``opened`` is called with the name of a channel that is up again."""
        self._engine = engine
        self._channels = channels
        self._clock = clock
        self._links = links
        self._metrics = metrics
        self._random = random
        self._kill = kill
        self._opened = opened
        self.gates = Gates(random, metrics.works)
        self._paces: dict[str, Pace] = {}
        self._first_at: dict[Key, datetime] = {}

    def forget(self, key: Key) -> None:
        """This send is over."""
        self._first_at.pop(key, None)

    async def attempt(self, page: Page, send: Send, *, unrecorded: int) -> RecordSend | PutOff | None:
        """What is to be recorded; or until when it is put off; or nothing.

        ``unrecorded`` counts attempts that are not on disk. Never raises."""
        try:
            step = await self._attempt(page, send, unrecorded)
        except NoAddress as problem:
            log.warning("page_without_address", page=page.id, channel=send.channel, why=str(problem))
            step = _outcome(page, send, SendState.FAILED, str(problem))
        except Exception as error:  # a send that raises has failed, so that the next method comes at once
            self._metrics.erred("outbox")
            log.exception("send_raised", page=page.id, send=send.n, channel=send.channel)
            step = _outcome(page, send, SendState.FAILED, f"error: {error!r}")
        if isinstance(step, PutOff) and step.record is not None:
            self._metrics.sent(send.channel, "put-off")
        elif isinstance(step, RecordSend):
            outcome = "transient" if step.state is SendState.PENDING else step.state.value
            self._metrics.sent(send.channel, outcome)
        return step

    async def _attempt(self, page: Page, send: Send, unrecorded: int) -> RecordSend | PutOff | None:
        now = self._clock.now()
        incident = self._engine.state.incidents.get(page.incident)
        match wanted(page, send, incident, now):
            case Wanted.OVER:
                return None
            case Wanted.OBSOLETE:
                return _outcome(page, send, SendState.OBSOLETE)
            case Wanted.EXPIRED:
                return _outcome(page, send, SendState.EXPIRED)
            case Wanted.SEND:
                address = address_for(self._engine.policy.configuration, page.person, send.channel)
                attempts = send.attempts + unrecorded
                closed = self.gates.closed(send.channel, address, self._clock.boot())
                if closed is not None and page.kind is not PageKind.TEST:  # a test asks whether it is mended
                    return self._put_off(page, send, closed, attempts)
                wait = self._wait_for_turn(page, send, incident, address)
                if wait > 0:
                    return PutOff(now + timedelta(seconds=wait))
                return await self._send(page, send, incident, attempts)

    def _put_off(self, page: Page, send: Send, closed: Closed, attempts: int) -> RecordSend | PutOff:
        """Not tried. Where the person has another method that would come later, that one comes at once."""
        now = self._clock.now()
        first_at = self._first_at.setdefault((page.id, send.n), began(attempts, now))
        if now - first_at >= GIVE_UP_AFTER:
            return _outcome(page, send, SendState.FAILED, f"gave up: {closed.why}", tried=False)
        until = now + timedelta(seconds=min(closed.seconds, LOOK_AGAIN_WITHIN))
        next_at = next_method_at(page, send, now)
        if next_at is None or not (closed.down or now + timedelta(seconds=closed.seconds) > next_at):
            return PutOff(until, closed=True)
        log.info("page_put_off", page=page.id, send=send.n, channel=send.channel, why=closed.why)
        why = f"not tried, the next method comes at once: {closed.why}"
        note = _outcome(page, send, SendState.PENDING, why, tried=False, moves_on=True)
        return PutOff(until, note, closed=True)

    def _wait_for_turn(self, page: Page, send: Send, incident: Incident | None, address: str) -> float:
        """Seconds until this address may be written to again."""
        configuration = self._engine.policy.configuration
        rate = RATES.get(configuration.channels[send.channel].type)
        if rate is None:
            return 0.0
        pace = self._paces.setdefault(send.channel, Pace(rate))
        urgent = page.kind is PageKind.PAGE and (incident is None or incident.level.urgent)
        return pace.wait(address, self._clock.boot(), urgent=urgent)

    async def _send(self, page: Page, send: Send, incident: Incident | None, attempts: int) -> RecordSend:
        channel = self._channels().get(send.channel)
        if channel is None:
            raise NoAddress(f"channel {send.channel!r} is not in use")
        message = self._compose(page, send, incident)
        now = self._clock.now()
        first_at = self._first_at.setdefault((page.id, send.n), began(attempts, now))
        self._kill("before-send")
        if page.receipt_at is not None and not attempts and send.due_at <= page.requested_at:
            self._metrics.delayed((now - page.receipt_at).total_seconds())
        started = self._clock.boot()
        self.gates.begins(send.channel, message.address, started)
        outcome = await self._hand_over(channel, message)
        ended = self._clock.boot()
        took = ended - started
        self._kill("after-send")
        if self.gates.ended(send.channel, message.address, outcome, ended):
            self._opened(send.channel)
        decision = decide(
            outcome,
            attempt=attempts + 1,
            first_at=first_at,
            now=self._clock.now(),
            expires_at=page.expires_at,
            next_at=next_method_at(page, send, self._clock.now()),
            random=self._random,
        )
        detail = clean.line(decision.detail, 300)
        log.info(
            "page_sent",
            page=page.id,
            send=send.n,
            channel=send.channel,
            outcome=outcome.kind,
            state=decision.state.value,
            detail=detail,
            took=round(took, 3),
        )
        return RecordSend(
            page=page.id,
            send=send.n,
            state=decision.state,
            retry_at=decision.retry_at,
            provider_id=outcome.provider_id,
            detail=detail,
            took=took,
            handed_at=now,
            moves_on=decision.moves_on,
        )

    def _compose(self, page: Page, send: Send, incident: Incident | None) -> Message:
        state, configuration = self._engine.state, self._engine.policy.configuration
        thread = ""
        if configuration.channels[send.channel].type == "slack":
            thread = first_message(state.pages_of(page.incident), page, send)
        message, rendered = compose(
            page=page,
            send=send,
            incident=incident,
            members=state.members_of(page.incident) if incident is not None else (),
            configuration=configuration,
            links=self._links,
            now=self._clock.now(),
            thread=thread,
        )
        if rendered.error:
            self._metrics.erred("text")
        return message

    async def _hand_over(self, channel: Channel, message: Message) -> Outcome:
        """A channel that raises is broken for this message; one that never answers is slow."""
        try:
            async with asyncio.timeout(CEILING):
                return await channel.send(message)
        except TimeoutError:
            return Outcome(kind="transient", detail=f"no answer within {CEILING:g} s")
        except Exception as error:  # a channel never raises; one that does is broken for this message
            self._metrics.erred("channel")
            log.exception("channel_raised", channel=channel.name, page=message.page.id)
            return Outcome(kind="permanent", detail=f"error in the channel: {error!r}")


def _outcome(
    page: Page, send: Send, state: SendState, detail: str = "", *, tried: bool = True, moves_on: bool = False
) -> RecordSend:
    return RecordSend(
        page=page.id,
        send=send.n,
        state=state,
        detail=clean.line(detail, 300),
        tried=tried,
        moves_on=moves_on,
    )
