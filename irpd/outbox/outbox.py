"""The outbox: due → still wanted? → may the provider be asked? → gather → rate → send → record.

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
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from random import Random

import structlog

from irpd.comms.links import Links
from irpd.engine.ports import Channel, Clock
from irpd.model.incident import Incident
from irpd.model.page import Page, PageKind, Send, SendState
from irpd.outbox.agenda import Agenda, Key
from irpd.outbox.edits import Edits
from irpd.outbox.gather import Group
from irpd.outbox.lane import Lane, Rank
from irpd.outbox.needs import EngineLike, InForce, NoMetrics, OutboxMetrics, PublishedState, Wait
from irpd.outbox.record import Recorder
from irpd.outbox.sender import PutOff, Sender
from irpd.outbox.wanted import Wanted, wanted

__all__ = ["EngineLike", "InForce", "Outbox", "PublishedState", "wait_for"]

log = structlog.get_logger(__name__)

#: How many messages a type of channel has under way at a time.
WIDTHS: Mapping[str, int] = {"webhook": 32, "file": 256}
DEFAULT_WIDTH = 16
#: While something is on the agenda the clock is looked at this often: after a suspend the
#: loop's own clock is behind. Seconds.
LONGEST_WAIT = 30.0


async def wait_for(event: asyncio.Event, seconds: float | None) -> None:
    """Until the event is set, at most so many seconds (None: for ever)."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


@dataclass(eq=False, slots=True)
class Turn:
    """A send that has come due and is in a lane, or goes out in the message of one that is."""

    key: Key
    group: Group | None = None  # what it may go out together with
    carried: bool = False  # another's message has it: its own turn is nothing

    def __str__(self) -> str:
        return f"{self.key[0]}.{self.key[1]}"


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
        self._metrics: OutboxMetrics = metrics or NoMetrics()
        self._wait = wait
        self._widths = widths
        self._agenda = Agenda()
        self._sender = Sender(
            engine,
            lambda: self._channels,
            clock,
            links,
            metrics=self._metrics,
            random=random or Random(),
            kill=kill,
            opened=self._gate_opened,
            released=self._release,
        )
        self._recorder = Recorder(engine, wait, kill)
        self._edits = Edits(engine, lambda: self._channels, clock, links, wait)
        self._lanes: dict[str, Lane[Turn]] = {}
        self._under_way: dict[Key, Turn] = {}
        self._gathered: dict[
            Group, set[Key]
        ] = {}  # what may go along: held on the agenda, or before its turn
        self._handled: dict[Key, int] = {}  # the attempts that the state showed when it was sent
        self._put_off: dict[Key, str] = {}  # for its channel's gate to open
        self._next_due: datetime | None = None
        self._wake = asyncio.Event()
        self._subscribed = False
        self._look_at_all = False
        self._stopping = False
        self._closing: set[asyncio.Task[None]] = set()
        self.progress = 0

    # -------------------------------------------------------------- for the daemon
    async def run(self) -> None:
        """Deliver until ``drain``."""
        if not self._subscribed:
            self._engine.on_publish(self._published)
            self._subscribed = True
        self._look_at_all = True
        while not self._stopping:
            self._wake.clear()
            if self._look_at_all:
                self._look_at_all = False
                self._look_at(self._engine.state.pages.values())
            self.progress += 1
            self._hand_out()
            await self._wait(self._wake, self._seconds_to_next())

    async def drain(self, within: float) -> bool:
        """Begin nothing more, wait so many seconds for what is under way; whether all of it ended

        What is cut off or was waiting stays pending in the journal and is sent after the next start."""
        self._stopping = True
        self._wake.set()
        for lane in self._lanes.values():
            for turn in lane.close():
                self._under_way.pop(turn.key, None)
        unfinished: set[asyncio.Task[None]] = set()
        running = {task for lane in self._lanes.values() for task in lane.running}
        if running:
            _, unfinished = await asyncio.wait(running, timeout=within)
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)
        await self._edits.close()
        await asyncio.gather(_close(self._channels.values()), *self._closing)
        return await self._recorder.close() and not unfinished

    def use_channels(self, channels: Mapping[str, Channel]) -> None:
        """The channels of a new configuration, from the next send on; those before are closed."""
        before, self._channels = self._channels, dict(channels)
        kept = set(map(id, self._channels.values()))
        gone = [channel for channel in before.values() if id(channel) not in kept]
        for channel in gone:
            self._sender.gates.forget(channel.name)
            self._gate_opened(channel.name)
        if gone:
            task = asyncio.create_task(_close(gone), name="close channels")
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def channel(self, name: str) -> Channel | None:
        """The channel in use under this name."""
        return self._channels.get(name)

    @property
    def pending(self) -> int:
        """Sends that wait for their time, for their turn or for an answer."""
        return len(self._agenda) + len(self._under_way)

    @property
    def unrecorded(self) -> int:
        """Outcomes that are not on disk."""
        return len(self._recorder.held)

    @property
    def down(self) -> Mapping[str, tuple[float, str]]:
        """The channels whose providers give no answer: since when (boot-time clock) and what was met last."""
        return self._sender.gates.down()

    def oldest_due_at(self) -> datetime | None:
        """The earliest due time that has not been seen to; safe from another thread.

        In the past for longer than a moment only when the outbox itself is stuck: what a full or hanging
        channel has been given is seen to."""
        return self._next_due

    # -------------------------------------------------------------- due
    def _published(self, pages: Collection[Page], incidents: Collection[Incident]) -> None:
        """Called by the engine in the middle of publishing: it must not fail there."""
        try:
            if pages:
                self._look_at(pages)
                self._wake.set()
            self._edits.look_at(pages, incidents)
        except Exception:  # raising here would be the engine's failure; everything is looked at again instead
            self._metrics.erred("outbox")
            log.exception("published_not_understood")
            self._look_at_all = True
            self._wake.set()

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
        self._put_off.pop(key, None)
        self._sender.forget(key)

    def _leave(self, group: Group | None, key: Key) -> None:
        if group is not None and (keys := self._gathered.get(group)) is not None:
            keys.discard(key)
            if not keys:
                del self._gathered[group]

    def _hand_out(self) -> None:
        """Into the lanes with what has come due; of what comes due together the most pressing goes first."""
        state = self._engine.state
        ranked: list[tuple[Rank, Turn, str]] = []
        for key, due in self._agenda.take(self._clock.now()):
            page, send = self._find(key)
            if page is None or send is None:
                self._forget(key)
                continue
            turn = self._under_way[key] = Turn(key, self._sender.group_of(page, send))
            if turn.group is not None:
                self._gathered.setdefault(turn.group, set()).add(key)
            ranked.append((_rank(page, state.incidents.get(page.incident), due), turn, send.channel))
        ranked.sort(key=itemgetter(0))
        for rank, turn, channel in ranked:
            self._lane(channel).put(turn, rank)
        self._next_due = self._agenda.next_due()

    def _gate_opened(self, channel: str) -> None:
        """A channel is up again: what was put off because of it goes at once."""
        now = self._clock.now()
        for key in [key for key, name in self._put_off.items() if name == channel]:
            del self._put_off[key]
            if key not in self._under_way:
                self._agenda.put(key, now)
        self._next_due = self._agenda.next_due()
        self._wake.set()

    def _release(self, group: Group) -> None:
        """Nothing is held for others in this group any more: it goes at once."""
        now = self._clock.now()
        for key in self._gathered.get(group, ()):
            if key not in self._under_way:
                self._agenda.put(key, now)
        self._next_due = self._agenda.next_due()
        self._wake.set()

    def _claim(self, turn: Turn, along: list[Turn]) -> list[tuple[Page, Send]]:
        """What waits to go out together with this one, and is still wanted; from here on it is under way.

        ``along`` gets the turns, which end with this one's."""
        found: list[tuple[Page, Send]] = []
        if turn.group is None:
            return found
        for key in sorted(self._gathered.pop(turn.group, ())):
            page, send = self._find(key)
            if page is None or send is None or key in self._recorder.held:
                continue
            if self._handled.get(key) == send.attempts:
                continue
            incident = self._engine.state.incidents.get(page.incident)
            if wanted(page, send, incident, self._clock.now()) is not Wanted.SEND:
                continue
            if (waiting := self._under_way.get(key)) is not None:
                waiting.carried = True
            self._agenda.drop(key)
            self._handled[key] = send.attempts
            self._put_off.pop(key, None)
            self._under_way[key] = carried = Turn(key, turn.group, carried=True)
            along.append(carried)
            found.append((page, send))
        return found

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

    def _lane(self, channel: str) -> Lane[Turn]:
        lane = self._lanes.get(channel)
        if lane is None:
            width = self._widths.get(self._type(channel), DEFAULT_WIDTH)
            lane = self._lanes[channel] = Lane(channel, width, self._deliver)
        return lane

    # -------------------------------------------------------------- one send
    async def _deliver(self, turn: Turn, handed: Callable[[], None]) -> None:
        if turn.carried:
            return
        self._leave(turn.group, turn.key)
        along: list[Turn] = []
        again: dict[Key, datetime] = {}
        try:
            again = await self._attempt(turn, along, handed)
        finally:
            for one in (turn, *along):
                self._under_way.pop(one.key, None)
            self.progress += 1
            for one in (turn, *along):
                if (again_at := again.get(one.key)) is not None:
                    self._agenda.put(one.key, again_at)
                else:
                    self._look_again(one.key)
            self._wake.set()

    async def _attempt(
        self, turn: Turn, along: list[Turn], handed: Callable[[], None]
    ) -> dict[Key, datetime]:
        """Send and record, together with what it takes ``along``; when to try again what the state doesn't
        know to be tried again."""
        key = turn.key
        page, send = self._find(key)
        if page is None or send is None:
            return {}
        held = self._recorder.held.get(key)
        again = held is not None and held.command.state is SendState.PENDING
        if held is not None and not again:
            self._handled[key] = send.attempts  # how it ended is known, only not on disk yet
            return {}
        if self._handled.get(key) == send.attempts and not again:
            return {}
        self._handled[key] = send.attempts  # from here on it is not made again for the asking
        self._put_off.pop(key, None)
        step = await self._sender.attempt(
            page,
            send,
            unrecorded=held.attempts if held else 0,
            claim=lambda: self._claim(turn, along),
            handed=handed,
        )
        if step is None:
            return {}
        if isinstance(step, PutOff):
            self._handled.pop(key, None)
            if step.closed:
                self._put_off[key] = send.channel
            if step.held and turn.group is not None:
                self._gathered.setdefault(turn.group, set()).add(key)
            if step.record is not None:
                await self._recorder.record(key, step.record)
            return {key: step.until}
        records = {(record.page, record.send): record for record in step}
        for one in along:  # what its message never came to is tried by itself
            if one.key not in records:
                self._handled.pop(one.key, None)
        recording = [self._recorder.record(one, record) for one, record in records.items()]
        if len(recording) == 1:  # nearly always; it needs no task of its own
            await recording[0]
        else:
            await asyncio.gather(*recording)
        return {
            one: record.retry_at
            for one, record in records.items()
            if record.retry_at is not None and one in self._recorder.held
        }

    def _look_again(self, key: Key) -> None:
        page, _ = self._find(key)
        if page is None:
            self._forget(key)
        else:
            self._look_at((page,))


async def _close(channels: Iterable[Channel]) -> None:
    for channel in channels:
        try:
            await channel.close()
        except Exception:  # it is not used any more; the others are still to be closed
            log.exception("channel_not_closed", channel=channel.name)


_KINDS = {
    PageKind.PAGE: 0, PageKind.TEST: 5, PageKind.MESSAGE: 6, PageKind.QUIET: 10, PageKind.UPDATE: 10,
    PageKind.SHIFT: 10,
}  # fmt: skip


def _rank(page: Page, incident: Incident | None, due: datetime) -> Rank:
    """Pages before messages and updates, the more severe first, then the longer due."""
    severity = int(incident.level) if incident is not None else 1
    return _KINDS[page.kind] + severity, due.timestamp()
