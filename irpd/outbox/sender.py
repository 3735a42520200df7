"""One attempt to send: still wanted? → rate → send → what is to be recorded.

Nothing is awaited between the question whether it is wanted and the moment the channel has
the message. Whatever raises on the way ends this one send, never the outbox.
"""

import asyncio
from collections.abc import Callable, Mapping
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
from irpd.outbox.needs import EngineLike, OutboxMetrics
from irpd.outbox.rate import Pace, Rate
from irpd.outbox.retry import began, decide
from irpd.outbox.wanted import Wanted, wanted

log = structlog.get_logger(__name__)

RATES: Mapping[str, Rate] = {"slack": Rate(per_second=1.0, burst=5)}
#: No attempt takes longer, whatever a channel's own time limits are. Seconds.
CEILING = 120.0


class Sender:
    """Makes attempts; remembers only the rates and when each send was first tried."""

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
    ) -> None:
        self._engine = engine
        self._channels = channels
        self._clock = clock
        self._links = links
        self._metrics = metrics
        self._random = random
        self._kill = kill
        self._paces: dict[str, Pace] = {}
        self._first_at: dict[Key, datetime] = {}

    def forget(self, key: Key) -> None:
        """This send is over."""
        self._first_at.pop(key, None)

    async def attempt(self, page: Page, send: Send, *, unrecorded: int) -> RecordSend | datetime | None:
        """What is to be recorded; or when it is this address's turn; or nothing.

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
        if isinstance(step, RecordSend):
            outcome = "transient" if step.state is SendState.PENDING else step.state.value
            self._metrics.sent(send.channel, outcome)
        return step

    async def _attempt(self, page: Page, send: Send, unrecorded: int) -> RecordSend | datetime | None:
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
                wait = self._wait_for_turn(page, send, incident)
                if wait > 0:
                    return now + timedelta(seconds=wait)
                return await self._send(page, send, incident, send.attempts + unrecorded)

    def _wait_for_turn(self, page: Page, send: Send, incident: Incident | None) -> float:
        """Seconds until this address may be written to again."""
        configuration = self._engine.policy.configuration
        address = address_for(configuration, page.person, send.channel)
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


def _outcome(page: Page, send: Send, state: SendState, detail: str = "") -> RecordSend:
    return RecordSend(page=page.id, send=send.n, state=state, detail=clean.line(detail, 300))
