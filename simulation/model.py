"""The model of a history: what the events on the disk must come to, and by when something must follow.

It sees every durable fact once, in order, and folds it into rows of its own; counts reports by key;
and keeps the times at which something is due, so that what never happens is noticed too.
"""

import heapq
from collections import Counter
from datetime import datetime, timedelta

from irpd.engine.ports import Fact
from irpd.model import event as e
from irpd.model.incident import Incident, Member, MemberStatus, RunState, State
from irpd.model.page import SendState
from irpd.protocol.evolve import evolve
from irpd.protocol.rows import Rows, Torn
from simulation import response
from simulation.judged import Violation, holds
from simulation.paths import BY_ITSELF, LEFT, asks_on
from simulation.quieting import due_at as waits_until
from simulation.storms import Heard

_COUNTED = (e.SignalFired, e.SignalResolved, e.SignalChanged)
#: What is due by the very event that was made for what came due before it is looked at again so much later.
_AT_ONCE = timedelta(seconds=60)
_FIRING = (MemberStatus.FIRING, MemberStatus.STALE)


def fold(rows: Rows, fact: Fact) -> None:
    """One more fact into these rows. Raises Violation if it can't have happened to them."""
    try:
        evolve(rows, fact.subject, fact.event, fact.at)
    except (Torn, LookupError) as error:
        holds(
            False, "history", f"fact {fact.seq} ({type(fact.event).__name__}) can't have happened: {error!r}"
        )


class Model:
    """``rows`` is what the durable facts come to; nothing ever leaves it."""

    def __init__(self) -> None:
        self.rows = Rows()
        self.seq = 0
        self.last_at: datetime | None = None
        self.counted: Counter[str] = Counter()  # reports by key, as the events tell them
        self.keys: dict[int, str] = {}
        self.newest: dict[str, int] = {}
        self.in_incident: dict[int, set[int]] = {}
        self.groups: dict[str, set[int]] = {}
        self.taken: set[tuple[int, str]] = set()  # paths that were answered, and nothing let them go on
        self.due: list[tuple[datetime, int, datetime]] = []  # from when, of which, its time
        self.next_due: dict[int, tuple[datetime, int, datetime]] = {}  # what was put there last
        self.sends: list[tuple[datetime, str, int]] = []
        self.touched: set[int] = set()  # incidents that are to be looked at as a whole
        self.changed: set[int] = set()  # and all whose rows are others now
        self.set_aside: set[int] = set()
        self.receipts: set[int] = set()  # that took effect
        self.receipt = 0  # the last of them
        self.fired = 0  # the signal that the last fact says fires again
        self.besides: Counter[str] = Counter()  # effects on a key that no report had
        self.closed_groups: Counter[str] = Counter()
        self.stale: Counter[str] = Counter()
        self.changed_at: dict[int, datetime] = {}  # when something last happened to an incident
        self.heard = Heard()
        self.left: set[int] = set()  # incidents that the end of shadow mode left alone

    def see(self, fact: Fact) -> str:
        """One more durable fact. Raises Violation. Returns its type."""
        self.seq += 1
        if fact.seq != self.seq:
            raise Violation("history", f"fact {fact.seq} after {self.seq - 1}")
        if self.last_at is not None and fact.at < self.last_at:
            raise Violation("clock", f"{fact.at} comes after {self.last_at}")
        self.last_at = fact.at
        event, rows = fact.event, self.rows
        number = int(fact.subject[9:]) if fact.subject.startswith("incident:") else 0
        was = rows.incident(number) if number else None
        if isinstance(event, e.Opened):
            holds(was is None, "history", f"#{number} opened twice")
            if event.group is not None:
                self._opens(number, event, fact.at)
        fold(rows, fact)
        if isinstance(event, e.SendAttempted):  # most of all; ``decisions`` saw that it changes no incident
            if event.retry_at is not None:
                heapq.heappush(self.sends, (event.retry_at, event.page, event.send))
            if number:
                self.changed_at[number] = fact.at
                self.changed.add(number)
            return str(type(event).__struct_config__.tag)
        self._count(event)
        self.fired = event.sid if isinstance(event, e.SignalFired) else 0
        if number:
            now = rows.incidents[number]
            self._taken(was, now, event, fact.at)
            if isinstance(event, e.PathStopped) and event.because == LEFT:
                self.left.add(number)
            elif isinstance(event, e.PathStarted | e.PathMoved | e.PathResumed):
                self.left.discard(number)
            self.changed_at[number] = fact.at
            if isinstance(event, e.Paged):
                self.heard.asked(event.page, now)
            self.touched.add(number)
            self.changed.add(number)
            self._schedule(now, event, fact.at)
        elif isinstance(event, e.CommandSetAside) and event.receipt:
            self.set_aside.add(event.receipt)
        return str(type(event).__struct_config__.tag)

    # ------------------------------------------------------------ groups and signals
    def _opens(self, number: int, event: e.Opened, at: datetime) -> None:
        """One incident per group key within its window."""
        assert event.group is not None
        others = self.groups.setdefault(event.group, set())
        for other in sorted(others):
            row = self.rows.incidents[other]
            if not row.state.active:
                continue
            first, last = row.first_signal_at, row.last_signal_at
            if event.group_within and last and at - last > timedelta(seconds=event.group_within):
                continue
            if event.group_at_most and first and at - first > timedelta(seconds=event.group_at_most):
                continue
            holds(False, "one-per-group", f"#{number} opened for {event.group} while #{other} is {row.state}")
        others.add(number)

    def _count(self, event: e.AnyEvent) -> None:
        match event:
            case e.SignalJoined():
                holds(event.sid not in self.keys, "history", f"signal {event.sid} joined twice")
                earlier = self.newest.get(event.key)
                if earlier is not None and not event.key.endswith("/unreadable") and event.source != "irpd":
                    member = self.rows.members[earlier]
                    where = self.rows.incidents.get(member.incident)
                    over = member.waits is None and (
                        where is None or where.state in (State.CLOSED, State.MERGED)
                    )
                    holds(over, "one-incident", f"{event.key} joined again while it is {member.status}")
                self.newest[event.key] = event.sid
                self.keys[event.sid] = event.key
                self.counted[event.key] += 1
                self.in_incident.setdefault(self.rows.members[event.sid].incident, set()).add(event.sid)
            case e.SignalWaits():
                holds(event.sid not in self.keys, "history", f"signal {event.sid} waits twice")
                self.newest[event.key] = event.sid
                self.keys[event.sid] = event.key
                self.counted[event.key] += 1
                self.besides[event.key] += int(event.waits.before != 0)  # a silence, not a report, may do it
            case e.WaitEnded():
                self.besides[self.keys[event.sid]] += 1  # its earlier row may go on with it
            case e.ReceiptTaken():
                for number in range(event.receipt, event.receipt + 1 + len(event.more)):
                    self._takes_effect(number)
            case e.SignalsRepeated():
                if event.body:  # else what irpd itself repeated, which has no receipt
                    self._takes_effect(event.receipt or self.receipt + 1)
                for first, count in zip(event.sids[::2], event.sids[1::2], strict=True):
                    for sid in range(first, first + count):
                        self.counted[self.keys[sid]] += 1
            case e.SignalMoved():
                self.in_incident.get(event.out_of, set()).discard(event.sid)
                self.in_incident.setdefault(self.rows.members[event.sid].incident, set()).add(event.sid)
            case e.SignalFired() | e.SignalResolved() | e.SignalChanged():
                self.counted[self.keys[event.sid]] += 1
                if isinstance(event, e.SignalChanged) and event.sid == self.fired:
                    self.besides[self.keys[event.sid]] += 1  # one report: it fires again, and says more
                if isinstance(event, e.SignalResolved) and not self.rows.members[event.sid].incident:
                    self.besides[self.keys[event.sid]] += 1  # it may be told where it was muted, too
                if isinstance(event, e.SignalResolved) and event.because == "its group is resolved":
                    self.closed_groups[self.keys[event.sid]] += 1
            case e.SignalStale():
                self.stale[self.keys[event.sid]] += 1
            case _:
                pass

    def _takes_effect(self, receipt: int) -> None:
        holds(receipt not in self.receipts, "exactly-once", f"receipt {receipt} took effect twice")
        self.receipts.add(receipt)
        self.receipt = receipt

    def _taken(self, was: Incident | None, now: Incident, event: e.AnyEvent, at: datetime) -> None:
        """After an acknowledgement a path moves only when a person or a rise of the level says so."""
        number = now.number
        match event:
            case e.Acknowledged():
                self.taken |= {(number, name) for name in event.paths or [run.name for run in now.paths]}
            case e.AcknowledgementLapsed() | e.Declined() | e.Reopened() | e.LevelChanged() | e.PathStarted():
                self.taken = {one for one in self.taken if one[0] != number}
            case e.PathMoved():
                alone = event.because in BY_ITSELF or event.because.endswith("can't be reached")
                holds(
                    not (alone and (number, event.path) in self.taken),
                    "stops", f"{now.ref} was acknowledged and {event.path} went on ({event.because})",
                )  # fmt: skip
                self.taken.discard((number, event.path))
                before = next((run for run in was.paths if run.name == event.path), None) if was else None
                if before is not None and event.because == BY_ITSELF[0]:
                    holds(
                        before.next_at is not None and before.next_at <= at,
                        "never-early", f"{now.ref} {event.path} fired at {at}, due {before.next_at}",
                    )  # fmt: skip
            case e.ResponseMissed():
                running = was is not None and was.respond_state == "running"
                holds(running, "once", f"{now.ref} missed twice")
                holds(
                    event.due_at <= at, "never-early", f"{now.ref} missed its response before {event.due_at}"
                )
            case e.Closed():
                ends = (
                    was.resolved_at + timedelta(seconds=was.reopen_within) if was and was.resolved_at else at
                )
                holds(ends <= at, "never-early", f"{now.ref} closed at {at}, before {ends}")
            case e.Resolved() if not event.by and was is not None:
                holds(was.firing == 0 and not was.level.urgent, "confirm", f"{now.ref} ended by itself")
                since = was.quiet_since
                quiet = since is not None and since + timedelta(seconds=was.quiet_for) <= at
                holds(quiet, "never-early", f"{now.ref} ended by itself at {at}, quiet since {since}")
            case _:
                pass

    # ------------------------------------------------------------ what is due
    def _schedule(self, now: Incident, event: e.AnyEvent, at: datetime) -> None:
        due = due_at(now)
        if due is None:
            self.next_due.pop(now.number, None)
        else:
            entry = due if due > at else at + _AT_ONCE, now.number, due
            if entry != self.next_due.get(now.number):
                self.next_due[now.number] = entry
                heapq.heappush(self.due, entry)
        if isinstance(event, e.Paged):
            for send in event.page.sends:
                heapq.heappush(self.sends, (send.due_at, event.page.id, send.n))
        elif isinstance(event, e.SendBrought):
            heapq.heappush(self.sends, (event.due_at, event.page, event.send))

    def overdue(self, until: datetime) -> str:
        """An incident whose time came before ``until`` and that nothing was done about; or nothing."""
        while self.due and self.due[0][0] < until:
            entry = _, number, due = heapq.heappop(self.due)
            if self.next_due.get(number) == entry and due_at(self.rows.incidents[number]) == due:
                heapq.heappush(self.due, entry)
                return f"#{number} was due at {due}"
        return ""

    def overslept(self, until: datetime) -> str:
        """A signal that waits though its time came before ``until``; or nothing."""
        for sid, subject in self.rows.waiting.items():
            if subject is None:
                continue
            due = waits_until(self.rows, self.rows.members[sid], self.changed_at)
            if due is not None and due < until:
                return f"signal {sid} waited until {due}"
        return ""

    def forsaken(self, number: int) -> str:
        """Whether this incident is open, severe enough to be somebody's, and nothing will ever ask for it."""
        incident = self.rows.incidents[number]
        if incident.state is not State.OPEN or incident.level > 3 or incident.flapping:
            return ""
        at_work = any(run.next_at is not None for run in incident.paths if run.state is RunState.RUNNING)
        ends = incident.unconfirmed and not incident.level.urgent and incident.quiet_since is not None
        if at_work or ends or (number in self.left and not asks_on(incident)):
            return ""
        for sid in self.in_incident.get(number, ()):
            row = self.rows.members[sid]
            later = self.rows.members[self.newest[row.key]] if row.status is MemberStatus.MUTED else row
            if later.waits is not None and later.status is not MemberStatus.RESOLVED:
                return ""
        return f"{incident.ref} (level {incident.level}) is open, nothing is due and nothing of it waits"

    def unsent(self, until: datetime, under_way: set[tuple[str, int]]) -> str:
        """A send whose time came before ``until`` and that was not even tried; or nothing."""
        again = []
        found = ""
        while self.sends and self.sends[0][0] < until:
            due, page_id, n = heapq.heappop(self.sends)
            page = self.rows.pages.get(page_id)
            send = next((s for s in page.sends if s.n == n), None) if page is not None else None
            if page is None or send is None or not page.live or send.state is not SendState.PENDING:
                continue
            if send.due_at != due:
                continue
            again.append((due, page_id, n))
            if (page_id, n) not in under_way:
                found = f"{page_id}.{n} over {send.channel} was due at {due}"
                break
        for entry in again:
            heapq.heappush(self.sends, entry)
        return found

    # ------------------------------------------------------------ after a step, on what it touched
    def whole(self) -> None:
        """The signals of what was touched stand in exactly that incident."""
        for number in self.touched:
            incident = self.rows.incidents[number]
            forsaken = self.forsaken(number)
            holds(not forsaken, "never-silent", forsaken)
            members = [self.rows.members[sid] for sid in self.in_incident.get(number, ())]
            counted = (
                len(members),
                sum(1 for member in members if member.status in _FIRING),
                sum(1 for member in members if member.flapping)
                if incident.state.active
                else incident.flapping,
            )
            told = (incident.members, incident.firing, incident.flapping)
            if told != counted:
                what = "signals, firing and flapping"
                raise Violation("one-incident", f"{incident.ref}: {told} {what}, not {counted}")
        self.touched.clear()

    def last(self, key: str) -> Member | None:
        """The newest row of this key."""
        return self.rows.members.get(self.newest.get(key, 0))


def due_at(incident: Incident) -> datetime | None:
    """When this incident must be looked at, in the model's own words."""
    times = [
        run.next_at for run in incident.paths if run.state is RunState.RUNNING and run.next_at is not None
    ]
    times += response.due(incident)
    quiet = incident.unconfirmed and not incident.level.urgent and not incident.flapping
    if quiet and incident.quiet_since is not None:
        times.append(incident.quiet_since + timedelta(seconds=incident.quiet_for))
    if (closes := response.closes_at(incident)) is not None:
        times.append(closes)
    if incident.state.active and incident.eased_since is not None and incident.lower_after:
        times.append(incident.eased_since + timedelta(seconds=incident.lower_after))
    return min(times, default=None)
