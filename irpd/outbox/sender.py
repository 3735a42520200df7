"""One attempt to send: still wanted? → may the provider be asked? → rate → send → what is to be recorded.

Nothing is awaited between the question whether it is wanted and the moment the channel has
the message. Whatever raises on the way ends this one send, never the outbox.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

import structlog
from msgspec.structs import replace

from irpd.comms import clean
from irpd.comms.links import Links
from irpd.config.values import Configuration
from irpd.engine.ports import Channel, Clock, Message, Outcome
from irpd.model.command import RecordSend
from irpd.model.incident import Incident
from irpd.model.level import Level
from irpd.model.page import Page, PageKind, Send, SendState
from irpd.model.shift import SHIFT_TEST
from irpd.outbox.agenda import Key
from irpd.outbox.compose import (
    NoAddress,
    address_of,
    compose,
    compose_notice,
    compose_several,
    first_message,
    severity,
    told_of,
)
from irpd.outbox.gate import Closed, Gates
from irpd.outbox.gather import SINGLY, Gather, Group
from irpd.outbox.needs import EngineLike, OutboxMetrics
from irpd.outbox.rate import Pace, Rate
from irpd.outbox.retry import GIVE_UP_AFTER, began, decide, next_method_at
from irpd.outbox.wanted import Wanted, wanted
from irpd.protocol.messages import GATHERED

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
    held: bool = False  # for others to the same person, which it will go out with


Claim = Callable[[], Sequence[tuple[Page, Send]]]
"""Takes what else waits for the same person over the same channel; whoever claims it sends it."""


class Sender:
    """Makes attempts; remembers only gates, rates, windows and when each send was first tried."""

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
        released: Callable[[Group], None],
    ) -> None:
        """``opened`` is called with the name of a channel that is up again, ``released`` when nothing is held
        for others any more."""
        self._engine = engine
        self._channels = channels
        self._clock = clock
        self._links = links
        self._metrics = metrics
        self._random = random
        self._kill = kill
        self._opened = opened
        self._released = released
        self._gather = Gather()
        self.gates = Gates(random, metrics.works)
        self._paces: dict[str, Pace] = {}
        self._first_at: dict[Key, datetime] = {}

    def forget(self, key: Key) -> None:
        """This send is over."""
        self._first_at.pop(key, None)

    def group_of(self, page: Page, send: Send) -> Group | None:
        """What it may go out together with; None: it goes by itself."""
        configuration = self._engine.policy.configuration
        settings = configuration.channels.get(send.channel)
        if settings is None or settings.type in SINGLY or not configuration.timing.gather:
            return None
        if page.notice is not None:
            return (send.channel, f"{page.notice.audience} {send.to}") if page.reason in GATHERED else None
        return (send.channel, page.person) if page.kind in (PageKind.PAGE, PageKind.QUIET) else None

    async def attempt(
        self, page: Page, send: Send, *, unrecorded: int, claim: Claim, handed: Callable[[], None]
    ) -> tuple[RecordSend, ...] | PutOff | None:
        """What is to be recorded, of this one and of what it took along; or until when it is put off; or
        nothing.

        ``unrecorded`` counts attempts that are not on disk; ``handed`` is called once the provider has
        answered. Never raises."""
        try:
            step = await self._attempt(page, send, unrecorded, claim, handed)
        except NoAddress as problem:
            log.warning("page_without_address", page=page.id, channel=send.channel, why=str(problem))
            step = (_outcome(page, send, SendState.FAILED, str(problem)),)
        except Exception as error:  # a send that raises has failed, so that the next method comes at once
            self._metrics.erred("outbox")
            log.exception("send_raised", page=page.id, send=send.n, channel=send.channel)
            step = (_outcome(page, send, SendState.FAILED, f"error: {error!r}"),)
        if isinstance(step, PutOff) and step.record is not None:
            self._metrics.sent(send.channel, "put-off")
        elif isinstance(step, tuple):
            for record in step:
                outcome = "transient" if record.state is SendState.PENDING else record.state.value
                self._metrics.sent(send.channel, outcome)
        return step

    async def _attempt(
        self, page: Page, send: Send, unrecorded: int, claim: Claim, handed: Callable[[], None]
    ) -> tuple[RecordSend, ...] | PutOff | None:
        now = self._clock.now()
        incident = self._engine.state.incidents.get(page.incident)
        match wanted(page, send, incident, now):
            case Wanted.OVER:
                return None
            case Wanted.OBSOLETE:
                return (_outcome(page, send, SendState.OBSOLETE),)
            case Wanted.EXPIRED:
                return (_outcome(page, send, SendState.EXPIRED),)
            case Wanted.SEND:
                address = address_of(self._engine.policy.configuration, page, send)
                if _shadowed(self._engine.policy.configuration, page, send):
                    return (_outcome(page, send, SendState.WOULD_HAVE, "shadow mode", tried=False),)
                attempts = send.attempts + unrecorded
                closed = self.gates.closed(send.channel, address, self._clock.boot())
                if closed is not None and page.kind is not PageKind.TEST:  # a test asks whether it is mended
                    return self._put_off(page, send, closed, attempts)
                group, level = self.group_of(page, send), _pressing(page, incident)
                if group and not _again(page, send):
                    wait = self._gather.wait(group, level, self._clock.boot())
                    if wait > 0:
                        return PutOff(now + timedelta(seconds=wait), held=True)
                wait = self._wait_for_turn(page, send, incident, address)
                if wait > 0:
                    return PutOff(now + timedelta(seconds=wait))
                others = claim() if group else ()
                tries = {(page.id, send.n): attempts}
                return await self._send([(page, send), *others], tries, group, handed)

    def _put_off(
        self, page: Page, send: Send, closed: Closed, attempts: int
    ) -> tuple[RecordSend, ...] | PutOff:
        """Not tried. Where the person has another method that would come later, that one comes at once."""
        now = self._clock.now()
        first_at = self._first_at.setdefault((page.id, send.n), began(attempts, now))
        if now - first_at >= GIVE_UP_AFTER:
            return (_outcome(page, send, SendState.FAILED, f"gave up: {closed.why}", tried=False),)
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

    async def _send(
        self,
        pages: Sequence[tuple[Page, Send]],
        tries: Mapping[Key, int],
        group: Group | None,
        handed: Callable[[], None],
    ) -> tuple[RecordSend, ...]:
        """Hand one message over and say what is to be recorded of each page in it, that one first which is
        given first. ``tries`` counts attempts where the pages don't."""
        page, send = pages[0]
        channel = self._channels().get(send.channel)
        if channel is None:
            raise NoAddress(f"channel {send.channel!r} is not in use")
        message = self._compose(pages)
        now, started = self._clock.now(), self._clock.boot()
        attempts = [tries.get((one.id, n.n), n.attempts) for one, n in pages]
        first_at = [
            self._first_at.setdefault((one.id, n.n), began(tried, now))
            for (one, n), tried in zip(pages, attempts, strict=True)
        ]
        self._kill("before-send")
        if page.receipt_at is not None and not attempts[0] and send.due_at <= page.requested_at:
            self._metrics.delayed((now - page.receipt_at).total_seconds())
        self.gates.begins(send.channel, message.address, started)
        if group is not None:
            incidents = self._engine.state.incidents
            level = min(_pressing(one, incidents.get(one.incident)) for one, _ in pages)
            timing = self._engine.policy.configuration.timing
            self._gather.begins(group, level, started, within=timing.gather, critical=timing.gather_critical)
        outcome = await self._hand_over(channel, message)
        ended = self._clock.boot()
        self._kill("after-send")
        handed()
        if self.gates.ended(send.channel, message.address, outcome, ended):
            self._opened(send.channel)
        if group is not None and outcome.kind != "delivered" and self._gather.failed(group, started):
            self._released(group)
        records: list[RecordSend] = []
        answered_at = self._clock.now()
        for (one, n), tried, first in zip(pages, attempts, first_at, strict=True):
            decision = decide(
                outcome,
                attempt=tried + 1,
                first_at=first,
                now=answered_at,
                expires_at=one.expires_at,
                next_at=next_method_at(one, n, answered_at),
                random=self._random,
            )
            record = RecordSend(
                page=one.id,
                send=n.n,
                state=decision.state,
                retry_at=decision.retry_at,
                provider_id=outcome.provider_id,
                detail=clean.line(decision.detail, 300),
                took=ended - started,
                handed_at=now,
                moves_on=decision.moves_on,
                said=message.text if one.notice is not None and decision.state is SendState.DELIVERED else "",
            )
            if records and record.retry_at is not None and records[0].retry_at is not None:
                record = replace(record, retry_at=records[0].retry_at)  # they stay together
            log.info(
                "page_sent",
                page=record.page,
                send=record.send,
                channel=send.channel,
                outcome=outcome.kind,
                state=record.state.value,
                detail=record.detail,
                took=round(record.took, 3),
                together=len(pages),
            )
            records.append(record)
        return tuple(records)

    def _compose(self, pages: Sequence[tuple[Page, Send]]) -> Message:
        state, configuration = self._engine.state, self._engine.policy.configuration
        if pages[0][0].notice is not None:
            page, send = pages[0]
            message, rendered = compose_notice(
                pages,
                incidents=state.incidents,
                configuration=configuration,
                thread=first_message(state.pages_of(page.incident), page, send),
            )
        elif len(pages) > 1:
            message, rendered = compose_several(
                told_of(pages, state), configuration=configuration, links=self._links, now=self._clock.now()
            )
        else:
            page, send = pages[0]
            thread = ""
            if configuration.channels[send.channel].type == "slack":
                thread = first_message(state.pages_of(page.incident), page, send)
            incident = state.incidents.get(page.incident)
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


def _pressing(page: Page, incident: Incident | None) -> int:
    """The level by which it waits for others. To an audience all are alike: one message a minute."""
    return severity(incident) if page.notice is None else int(Level.HIGH)


def _again(page: Page, send: Send) -> bool:
    """Whether the person's rules want the same channel once more: its time is theirs."""
    return any(one.channel == send.channel and one.n < send.n for one in page.sends)


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


def _shadowed(configuration: Configuration, page: Page, send: Send) -> bool:
    """Whether shadow mode keeps this from going out. A test is asked for by somebody, and does go out."""
    asked = page.kind is PageKind.TEST and page.reason != SHIFT_TEST
    return configuration.shadow and not asked and send.channel not in configuration.shadow_uses
