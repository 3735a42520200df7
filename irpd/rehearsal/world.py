"""The core in virtual time: rows in memory, a clock that jumps to whatever is due next, messages that arrive.

Everything is decided by ``protocol.decide``, as in the daemon. What goes out is asked of
``outbox.wanted`` when it is due and counts as delivered at that instant; what the outbox does besides
(rates, retries, putting messages together) depends on channels and is not played.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from irpd.model import command as c
from irpd.model import event as e
from irpd.model.incident import Contribution, Incident, Member
from irpd.model.page import Page, PageKind, SendState
from irpd.model.signal import Signal
from irpd.outbox.wanted import Wanted, wanted
from irpd.protocol.deadlines import next_deadline
from irpd.protocol.decide import decide
from irpd.protocol.draft import Draft
from irpd.protocol.policy import Policy
from irpd.protocol.rows import Rows

#: Things that may come due in one world: one that goes on for ever is given up.
MOST_TURNS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something that reached a person over one channel."""

    at: datetime
    incident: int
    person: str
    channel: str
    kind: PageKind
    page: str


class Exhausted(Exception):
    """More came due than any rehearsal is given."""


class World:
    """``now`` only goes on. ``messages`` are in the order in which they went out, ``verdicts`` what the rules
    said in each decision of each incident."""

    def __init__(self, policy: Policy, at: datetime) -> None:
        self.policy = policy
        self.now = at
        self.messages: list[Message] = []
        self.verdicts: dict[int, list[tuple[Contribution, ...]]] = {}
        self._rows = Rows()
        self._turns = 0

    # -------------------------------------------------------------- what there is
    @property
    def incidents(self) -> list[Incident]:
        """All, in the order in which they opened."""
        found = (self._rows.incident(n) for n in range(1, self._rows.counter("incident") + 1))
        return [incident for incident in found if incident is not None]

    def members(self, incident: Incident) -> Iterator[Member]:
        return self._rows.members_of(incident)

    # -------------------------------------------------------------- what happens
    def receive(self, source: str, signals: Iterable[Signal]) -> None:
        self.act(c.Receive(receipt=0, source=source, signals=tuple(signals)))

    def act(self, command: c.Command) -> object:
        """Decide a command now. Raises Refusal as the daemon would."""
        draft = Draft(self._rows, self.policy, self.now)
        answer = decide(draft, command)
        self._rows.absorb(draft.rows)
        for subject, event in draft.events:
            if isinstance(event, e.Opened | e.LevelChanged | e.EvidenceExceeded):
                number = int(subject.rpartition(":")[2])
                self.verdicts.setdefault(number, []).append(event.rules)
        return answer

    def advance(self, until: datetime) -> None:
        """Let time go on to ``until``, with everything that is due by then, the instant itself included.
        Raises Exhausted."""
        while True:
            due = self._next()
            if due is None or due > until:
                break
            self._turns += 1
            if self._turns > MOST_TURNS:
                raise Exhausted(f"more than {MOST_TURNS:,} things came due")
            self.now = max(self.now, due)
            self._turn()
        self.now = max(self.now, until)

    def _next(self) -> datetime | None:
        due = [at for one in self.incidents if (at := next_deadline(one)) is not None]
        due += [
            send.due_at
            for page in self._pages()
            for send in page.sends
            if page.live and send.state is SendState.PENDING
        ]
        return min(due, default=None)

    def _turn(self) -> None:
        """All that is due at this instant: deadlines first, because they may end what was to be sent."""
        for incident in self.incidents:
            deadline = next_deadline(incident)
            if deadline is not None and deadline <= self.now:
                self.act(c.Wake(incident=incident.number))
        for page in list(self._pages()):
            for send in page.sends:
                if send.state is SendState.PENDING and send.due_at <= self.now:
                    self._send(page.id, send.n)

    def _send(self, page_id: str, number: int) -> None:
        page = self._rows.page(page_id)
        if page is None:
            return
        send = next(one for one in page.sends if one.n == number)
        match wanted(page, send, self._rows.incident(page.incident), self.now):
            case Wanted.SEND:
                state = SendState.DELIVERED
                self.messages.append(
                    Message(
                        at=self.now, incident=page.incident, person=page.person, channel=send.channel,
                        kind=page.kind, page=page.id,
                    )
                )  # fmt: skip
            case Wanted.OBSOLETE:
                state = SendState.OBSOLETE
            case Wanted.EXPIRED:
                state = SendState.EXPIRED
            case _:
                return
        self.act(c.RecordSend(page=page.id, send=number, state=state))

    def _pages(self) -> Iterator[Page]:
        for incident in self.incidents:
            yield from self._rows.pages_of(incident)
