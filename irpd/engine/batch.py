"""One batch: commands decided on a layer above the committed state, written in one commit."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog

from irpd.engine.inbox import Incoming, Item
from irpd.engine.ports import Batch, Fact, Receipt
from irpd.model import command as c
from irpd.model import event as e
from irpd.model.command import Refusal
from irpd.model.signal import Signal
from irpd.protocol.decide import decide
from irpd.protocol.draft import Draft
from irpd.protocol.emergency import emergency
from irpd.protocol.placing import Received
from irpd.protocol.policy import Policy
from irpd.protocol.rows import Rows

log = structlog.get_logger("irpd.engine")


class CommandFailed(Exception):
    """Handling the command raised; it was set aside and somebody was paged."""


class Assembly:
    """A batch being put together. ``rows`` is its layer; nothing of it is visible outside
    until it has been committed and published."""

    def __init__(
        self, base: Rows, policy: Policy, now: datetime, *, last_receipt: int, bound: int,
        salt: Callable[[], bytes],
    ) -> None:  # fmt: skip
        self.rows = Rows(base)
        self._salt = salt
        self.policy = policy
        self.now = now
        self.last_receipt = last_receipt
        self.bound = bound  # the receipt whose digest came into the chain last; 0: the next says its number
        self._taken: list[
            Receipt
        ] = []  # decided one after another; their digests are yet to come into the chain
        self.cursor: int | None = None
        self.receipts: list[Receipt] = []
        self.facts: list[Fact] = []
        self.configs: dict[str, bytes] = {}
        self.answers: list[tuple[Item, object]] = []
        self.items: list[Item] = []
        self.received: dict[str, Received] = {}  # the counts of each source
        self.signals = 0
        self.defects: list[str] = []  # what could not be judged, and was made up for
        self.consumed = 0  # receipts that were stored before

    @property
    def empty(self) -> bool:
        return not (self.receipts or self.facts or self.configs or self.cursor is not None)

    def store_only(self, item: Item, incoming: Incoming) -> None:
        """Only the receipt: the engine is behind, its signals are decided later."""
        self.items.append(item)
        receipt = self._receipt(incoming)
        self.answers.append((item, (receipt.id, None)))

    def receive(self, item: Item, incoming: Incoming) -> None:
        """The receipt and what its signals lead to."""
        self.items.append(item)
        receipt = self._receipt(incoming)
        self.cursor = receipt.id
        command = c.Receive(
            receipt=receipt.id,
            source=incoming.source,
            signals=incoming.signals,
            first_byte_at=incoming.first_byte_at,
        )
        answer = self._decide(command, receipt)
        self.signals += len(incoming.signals)
        self.answers.append((item, (receipt.id, answer)))

    def consume(self, receipt: Receipt, signals: tuple[Signal, ...]) -> None:
        """A receipt that was stored before and is decided now."""
        self.consumed += 1
        self.cursor = receipt.id
        self.signals += len(signals)
        command = c.Receive(
            receipt=receipt.id, source=receipt.source, signals=signals, first_byte_at=receipt.at
        )
        self._decide(command, receipt)

    def receive_unread(self, item: Item, incoming: Incoming, error: Exception) -> None:
        """The receipt alone: what it led to could not be stored. Kept, and somebody is told."""
        self.items.append(item)
        receipt = self._receipt(incoming)
        self.cursor = receipt.id
        command = c.Receive(receipt=receipt.id, source=receipt.source, signals=())
        answer = self._set_aside(command, error, receipt)
        self.answers.append((item, (receipt.id, answer)))

    def refuse(self, item: Item, command: c.Command, error: Exception) -> None:
        """A command whose outcome could not be stored: set aside, and somebody is told."""
        self.items.append(item)
        self.answers.append((item, self._set_aside(command, error)))

    def consume_unread(self, receipt: Receipt, error: Exception) -> None:
        """A stored receipt that nothing here can read any more: kept, and somebody is told."""
        self.consumed += 1
        self.cursor = receipt.id
        command = c.Receive(receipt=receipt.id, source=receipt.source, signals=())
        log.error("receipt-set-aside", receipt=receipt.id, source=receipt.source, error=str(error))
        self._set_aside(command, error, receipt)

    def command(self, item: Item, command: c.Command) -> None:
        self.items.append(item)
        try:
            self.answers.append((item, self._decide(command)))
        except Refusal as refusal:
            self.answers.append((item, refusal))

    def batch(self, *, urgent: bool) -> Batch:
        self._bind_taken()
        return Batch(
            receipts=self.receipts,
            facts=self.facts,
            incidents=self.rows.incidents,
            members=self.rows.members,
            pages=self.rows.pages,
            standing=self.rows.standing,
            counters=self.rows.counters,
            configs=self.configs,
            cursor=self.cursor,
            urgent=urgent,
        )

    def _receipt(self, incoming: Incoming) -> Receipt:
        self.last_receipt += 1
        receipt = Receipt(
            id=self.last_receipt,
            source=incoming.source,
            at=self.now,
            body=incoming.body,
            headers=incoming.headers,
            group=incoming.group,
            salt=self._salt(),
        )
        self.receipts.append(receipt)
        return receipt

    def _decide(self, command: c.Command, receipt: Receipt | None = None) -> object:
        """``receipt``: what the command is of; its digest comes into the chain with what it led to."""
        asked = command.first_byte_at if isinstance(command, c.Receive) else None
        draft = Draft(self.rows, self.policy, self.now, first_byte_at=asked)
        try:
            answer = decide(draft, command)
        except Refusal:
            raise
        except Exception as error:
            # Rule 9: a failure in judgement pages somebody and never stops the loop.
            log.exception("command-raised", command=type(command).__name__)
            return self._set_aside(command, error, receipt)
        self._take(draft, receipt)
        if isinstance(answer, Received) and isinstance(command, c.Receive):
            self.received.setdefault(command.source, Received()).add(answer)
        return answer

    def _set_aside(self, command: c.Command, error: Exception, receipt: Receipt | None = None) -> object:
        about: dict[str, Any] = {
            "command": type(command).__name__,
            "error": f"{type(error).__name__}: {error}",
            "receipt": command.receipt if isinstance(command, c.Receive) else None,
            "source": command.source if isinstance(command, c.Receive) else "",
        }
        draft = Draft(self.rows, self.policy, self.now)
        answer: object
        try:
            answer = decide(draft, c.SetAside(**about))
        except Exception:
            log.exception("setting-aside-raised", command=about["command"])
            draft = Draft(self.rows, self.policy, self.now)
            received = Received()
            try:
                received.count("opens", emergency(draft, **about))
            except Exception:  # nothing is left to try but to write it down
                log.critical("emergency-raised", exc_info=True, command=about["command"])
                draft = Draft(self.rows, self.policy, self.now)
                draft.emit_about("engine", e.CommandSetAside(**about))
            answer = received
        self._take(draft, receipt)
        if isinstance(command, c.Receive):
            return answer
        return CommandFailed(
            f"{about['command']} could not be handled ({about['error']}); somebody was paged"
        )

    def _take(self, draft: Draft, receipt: Receipt | None) -> None:
        self.rows.absorb(draft.rows)
        for what, error in draft.defects:
            self.defects.append(what)
            log.error("judgement-raised", what=what, error=f"{type(error).__name__}: {error}", exc_info=error)
        events = draft.events
        if self._taken and not (receipt is not None and _follows(receipt, self._taken[-1])):
            self._bind_taken()
        if receipt is not None:
            place = _repeats(events)
            if place is None:
                self._taken.append(receipt)
            else:
                self._bind_taken()
                self._bind_repeats(events, place, receipt)
        now = self.now
        self.facts += [Fact(subject=subject, event=event, at=now) for subject, event in events]

    def _bind_repeats(self, events: list[tuple[str, e.AnyEvent]], place: int, receipt: Receipt) -> None:
        """Repeats, the most frequent, carry their receipt's digest along; its number only where it must be
        said."""
        subject, event = events[place]
        assert isinstance(event, e.SignalsRepeated)
        number = 0 if receipt.id == self.bound + 1 else receipt.id
        events[place] = (subject, e.SignalsRepeated(sids=event.sids, receipt=number, body=receipt.digest))
        self.bound = receipt.id

    def _bind_taken(self) -> None:
        """The digests of all others come behind what these led to, those of one source in one event."""
        if not self._taken:
            return
        first, *others = self._taken
        taken = e.ReceiptTaken(
            receipt=first.id, body=first.digest, more=tuple([one.digest for one in others])
        )
        self.facts.append(Fact(subject=f"source:{first.source}", event=taken, at=self.now))
        # How many they were is known no longer should this event be erased.
        self.bound = 0 if others else first.id
        self._taken = []


def _follows(receipt: Receipt, last: Receipt) -> bool:
    return receipt.id == last.id + 1 and receipt.source == last.source


def _repeats(events: list[tuple[str, e.AnyEvent]]) -> int | None:
    """Which of what a receipt led to carries its digest, if any does."""
    for place, (_, event) in enumerate(events):
        if isinstance(event, e.SignalsRepeated):
            return place
    return None
