"""The core in virtual time: rows in memory, a clock that jumps to whatever is due next, messages that arrive.

Everything is decided by ``protocol.decide``, as in the daemon. What goes out is asked of
``outbox.wanted`` when it is due and counts as delivered at that instant; what the outbox does besides
(rates, retries, putting messages together) depends on channels and is not played.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from irpd.engine.waiting import Waiting
from irpd.model import command as c
from irpd.model import event as e
from irpd.model.incident import Contribution, Incident, Member
from irpd.model.page import PageKind, SendState
from irpd.model.signal import Signal
from irpd.model.waits import WaitKind
from irpd.outbox.wanted import Wanted, wanted
from irpd.protocol.deadlines import next_deadline
from irpd.protocol.decide import decide
from irpd.protocol.draft import Draft
from irpd.protocol.policy import Policy
from irpd.protocol.rows import Rows
from irpd.protocol.waiting import due_at

#: Things that may come due in one world: one that goes on for ever is given up.
MOST_TURNS = 100_000
_DEADLINE, _SEND = 0, 1
#: When it is due, what it is, the number of the incident or send (negative: of a signal
#: that waits), the page.
_Due = tuple[datetime, int, int, str]


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


class _Heap:
    """Takes the deadlines of signals that wait, as negative numbers."""

    def __init__(self, due: list[_Due]) -> None:
        self._due = due

    def set(self, number: int, due: datetime | None, /) -> None:
        if due is not None:
            heapq.heappush(self._due, (due, _DEADLINE, number, ""))


class World:
    """``now`` only goes on. ``messages`` are in the order in which they went out, ``verdicts`` what the rules
    said in each decision of each incident, ``holds`` name the rules that held something back; without
    ``sends`` nothing goes out. ``tell`` hears of each event with its subject."""

    def __init__(
        self,
        policy: Policy,
        at: datetime,
        *,
        sends: bool = True,
        tell: Callable[[str, e.AnyEvent], None] = lambda _subject, _event: None,
    ) -> None:
        self.policy = policy
        self.now = at
        self.rows = Rows()
        self.messages: list[Message] = []
        self.verdicts: dict[int, list[tuple[Contribution, ...]]] = {}
        self._sends = sends
        self._tell = tell
        self.holds: list[str] = []
        self._due: list[_Due] = []
        self._waiting = Waiting(self.rows, _Heap(self._due))
        self._turns = 0

    # -------------------------------------------------------------- what there is
    @property
    def incidents(self) -> list[Incident]:
        """All that are in memory, in the order in which they opened."""
        return [self.rows.incidents[number] for number in sorted(self.rows.incidents)]

    @property
    def waiting(self) -> list[Member]:
        """The signals that wait outside any incident, oldest first."""
        found = (self.rows.member(sid) for sid in self.rows.all_waiting())
        return [member for member in found if member is not None]

    def members(self, incident: Incident) -> Iterator[Member]:
        return self.rows.members_of(incident)

    # -------------------------------------------------------------- what happens
    def receive(self, source: str, signals: Iterable[Signal]) -> None:
        self.act(c.Receive(receipt=0, source=source, signals=tuple(signals)))

    def act(self, command: c.Command) -> object:
        """Decide a command now. Raises Refusal as the daemon would."""
        draft = Draft(self.rows, self.policy, self.now)
        answer = decide(draft, command)
        self.rows.absorb(draft.rows)
        for subject, event in draft.events:
            if self._sends and isinstance(event, e.Opened | e.LevelChanged | e.EvidenceExceeded):
                number = int(subject.rpartition(":")[2])
                self.verdicts.setdefault(number, []).append(event.rules)
            elif isinstance(event, e.SignalWaits | e.WaitChanged) and event.waits.kind is WaitKind.HOLD:
                self.holds.append(event.waits.by)
            self._tell(subject, event)
        for incident in draft.rows.incidents.values():
            deadline = next_deadline(incident)
            if deadline is not None:
                heapq.heappush(self._due, (deadline, _DEADLINE, incident.number, ""))
        self._waiting.published(draft.rows)
        if self._sends:
            for page in draft.rows.pages.values():
                for send in page.sends:
                    if page.live and send.state is SendState.PENDING:
                        heapq.heappush(self._due, (send.due_at, _SEND, send.n, page.id))
        return answer

    def advance(self, until: datetime, *, most: int = MOST_TURNS) -> None:
        """Let time go on to ``until``, with everything that is due by then, the instant itself included;
        deadlines first, because they may end what was to be sent. Raises Exhausted after ``most`` of them."""
        while self._due and self._due[0][0] <= until:
            due, kind, number, page = heapq.heappop(self._due)
            if kind == _SEND:
                self.now = max(self.now, due)
                self._send(page, number)
            elif number < 0:
                member = self.rows.member(-number)
                deadline = due_at(self.rows, member) if member is not None else None
                if deadline is None or deadline > due:
                    continue
                self.now = max(self.now, due)
                self.act(c.WakeSignal(sid=-number))
            else:
                incident = self.rows.incident(number)
                deadline = next_deadline(incident) if incident is not None else None
                if deadline is None or deadline > due:
                    continue  # it has moved; where it moved to stands in the heap too
                self.now = max(self.now, due)
                self.act(c.Wake(incident=number))
            self._turns += 1
            if self._turns > most:
                raise Exhausted(f"more than {most:,} things came due")
        self.now = max(self.now, until)

    def _send(self, page_id: str, number: int) -> None:
        page = self.rows.page(page_id)
        if page is None:
            return
        send = next(one for one in page.sends if one.n == number)
        match wanted(page, send, self.rows.incident(page.incident), self.now):
            case Wanted.SEND:
                state = SendState.DELIVERED
                if page.person:  # a message to an audience is shown to nobody in particular
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
