"""What must hold of every single decision, whatever the command was.

Asked right after ``decide``, with the rows before and after it and the events it made. None of this
reads the code it judges: who comes next on a path, what an acknowledgement covers and when a level may
sink are said here once more, in as few words as possible.
"""

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from msgspec.structs import replace

from irpd.model import command as c
from irpd.model import event as e
from irpd.model.incident import Incident, Member, RunState, State
from irpd.model.page import Page, PageKind, SendState
from irpd.oncall.hours import working
from irpd.protocol.rows import STORM, Rows
from simulation import easing, methods, oncall, quieting, storms
from simulation.judged import Decision, holds
from simulation.paths import Paths

OPEN, TAKEN, DONE, CLOSED, MERGED = State.OPEN, State.ACKNOWLEDGED, State.RESOLVED, State.CLOSED, State.MERGED
#: Which state may follow which.
TRANSITIONS = {
    None: {OPEN},
    OPEN: {OPEN, TAKEN, DONE, MERGED},
    TAKEN: {TAKEN, OPEN, DONE, MERGED},
    DONE: {DONE, OPEN, CLOSED},
    CLOSED: {CLOSED, OPEN},
    MERGED: {MERGED},
}


def check(decision: Decision) -> tuple[list[str], list[str]]:
    """Raises Violation. Returns the transitions of states that were seen, and what else was met."""
    before, after, command = decision.before, decision.after, decision.command
    if isinstance(command, c.RecordSend) and _only_tried(decision):
        _recorded(decision, command)
        return [], ["would-have"] if command.state is SendState.WOULD_HAVE else []
    seen: list[str] = []
    by_incident: dict[int, list[e.AnyEvent]] = {}
    for subject, event in decision.events:
        if subject.startswith("incident:"):
            by_incident.setdefault(int(subject[9:]), []).append(event)
    for number, events in by_incident.items():
        was, now = before.incident(number), after.incidents.get(number)
        assert now is not None
        one = _One(decision, was, now, events)
        seen += one.states()
        one.levels()
        Paths(decision, was, now, events).check()
        one.joins()
        one.again()
        one.goes_on()
        one.falls_quiet()
        one.pages()
        one.ended()
    _late(decision, by_incident)
    if isinstance(command, c.Acknowledge):
        _acknowledged(decision, by_incident)
    elif isinstance(command, c.Resolve):
        incident = after.incident(command.incident)
        if incident is not None and by_incident:
            _quiet(decision, incident, "resolved-is-quiet")
    elif isinstance(command, c.Merge):
        source, into = after.incident(command.incident), after.incident(command.into)
        if source is not None and into is not None and by_incident:
            holds(source.members == 0, "one-incident", f"{source.ref} was merged but has signals")
            _quiet(decision, source, "resolved-is-quiet")
            was = before.incident(command.into)
            holds(was is None or into.level <= was.level, "levels", f"{into.ref} sank by a merge")
    elif isinstance(command, c.RecordSend):
        _recorded(decision, command)
    elif isinstance(command, c.SetAside):
        told = by_incident or any(_tells_of_what_was_set_aside(row, after) for row in after.firing_now())
        holds(told, "set-aside-is-told", f"{command.command} was set aside and no incident tells of it")
    return seen, [met for part in (easing, methods, oncall, quieting, storms) for met in part.check(decision)]


def _tells_of_what_was_set_aside(member: Member, rows: Rows) -> bool:
    """Once more of the same is a repeat of a signal whose incident is open already."""
    incident = rows.incident(member.incident)
    return member.key.endswith("/set-aside") and incident is not None and incident.state.active


def _only_tried(decision: Decision) -> bool:
    """Most of all decisions: one attempt was recorded, and but for its version the incident's row is the one
    that was judged when it came about. So all that is said of incidents holds as it did."""
    if len(decision.events) != 1:
        return not decision.events
    subject, event = decision.events[0]
    if not isinstance(event, e.SendAttempted) or not subject.startswith("incident:"):
        return False
    number = int(subject[9:])
    was, now = decision.before.incident(number), decision.after.incidents[number]
    return was is not None and replace(was, version=now.version) == now


@dataclass(slots=True)
class _One:
    """What one decision did to one incident."""

    decision: Decision
    was: Incident | None
    now: Incident
    events: list[e.AnyEvent]

    def states(self) -> list[str]:
        was = self.was.state if self.was is not None else None
        steps = [was]
        for event in self.events:
            to = {
                e.Opened: OPEN, e.Acknowledged: TAKEN, e.Resolved: DONE, e.Reopened: OPEN, e.Closed: CLOSED,
                e.Merged: MERGED,
            }.get(type(event))  # fmt: skip
            if to is not None:
                steps.append(to)
        if steps[-1] is not self.now.state:
            steps.append(self.now.state)
        for old, new in pairwise(steps):
            holds(new in TRANSITIONS[old], "transitions", f"{self.now.ref} went from {old} to {new}")
        for event in self.events:
            if isinstance(event, e.Reopened) and not event.by and self.was and self.was.resolved_at:
                late = self.decision.now - self.was.resolved_at - timedelta(seconds=self.was.reopen_within)
                holds(
                    late <= timedelta(0), "reopen-window", f"{self.now.ref} reopened {late} after its window"
                )
        return [f"{old or 'new'} → {new}" for old, new in pairwise(steps) if old is not new]

    def again(self) -> None:
        """What fires again: while its incident is open the path simply goes on; what was over starts anew."""
        was, now = self.was, self.now
        if was is None:
            return
        for n, event in enumerate(self.events):
            if isinstance(event, e.Reopened):
                starts = any(isinstance(later, e.PathStarted) for later in self.events[n:])
                holds(starts, "reopened-anew", f"{now.ref} was reopened and no path began at its first step")
                holds(not now.acknowledged_by, "reopened-anew", f"{now.ref} was reopened and is taken")
        fired = any(isinstance(event, e.SignalFired) for event in self.events)
        waits = was.state is OPEN and was.unconfirmed and was.level.urgent and was.level == now.level
        at_work = any(run.next_at is not None for run in was.paths)  # a person's silence stops it
        if fired and waits and at_work and isinstance(self.decision.command, c.Receive):
            known = {run.name for run in was.paths}  # what a rule starts beside them is new
            moved = [
                event
                for event in self.events
                if (isinstance(event, e.PathStarted) and event.run.name in known)
                or (isinstance(event, e.PathMoved) and event.path in known)
            ]
            holds(not moved, "goes-on", f"{now.ref} fires again, its path was at work and moved: {moved[:1]}")

    def goes_on(self) -> None:
        """ "I can't", or undo: if nobody has it then, the path goes on at once."""
        now = self.now
        if not isinstance(self.decision.command, c.Decline | c.Undo) or self.was is None:
            return
        said = any(isinstance(event, e.Declined | e.AcknowledgementLapsed) for event in self.events)
        if not said or now.acknowledged_by or (now.unconfirmed and not now.level.urgent and not now.flapping):
            return
        moved = any(isinstance(event, e.PathMoved | e.PathStarted) for event in self.events)
        holds(moved, "goes-on", f"{now.ref}: nobody has it any more and nobody is paged for it at once")

    def falls_quiet(self) -> None:
        """All signals resolved at level 3-4: paging stops, and a time is set at which it ends by itself."""
        now = self.now
        if not now.unconfirmed or now.level.urgent:
            return
        if now.flapping:
            holds(now.flap_until is not None, "ends-by-itself", f"{now.ref} flaps for ever")
            return
        holds(now.quiet_since is not None, "ends-by-itself", f"{now.ref} is quiet since never")
        if isinstance(self.decision.command, c.Receive) and any(
            isinstance(event, e.SignalResolved) for event in self.events
        ):
            _quiet(self.decision, now, "all-resolved-is-quiet")

    def pages(self) -> None:
        """What evidence or time asks for is as loud as the level says, and in its hours."""
        decision, level = self.decision, self.was.level if self.was else self.now.level
        if not isinstance(decision.command, c.Receive | c.Wake) or self.now.number in decision.unhinged:
            return
        for event in self.events:
            if isinstance(event, e.LevelChanged):
                level = type(level)(event.after)
            if not isinstance(event, e.Paged) or event.page.kind is not PageKind.PAGE:
                continue
            page, settings = event.page, decision.configuration.level(level)
            if page.reason == "evidence" or page.asks or not page.sends:
                continue
            holds(settings.urgency != "quiet", "urgency", f"{page.id}: a page at level {level}")
            if settings.urgency == "working-hours":
                person = decision.configuration.people[page.person]
                first = min(send.due_at for send in page.sends)
                zone = settings.hours.time_zone or person.time_zone or "UTC"
                holds(working(settings.hours, zone, first), "urgency", f"{page.id}: level {level} at {first}")

    def ended(self) -> None:
        """What is over leaves memory with its pages: each send of theirs has ended by then, in an event."""
        if self.now.state in (CLOSED, MERGED):
            waiting = [
                page.id for page in self.decision.after.pages_of(self.now) if page.live and _waits(page)
            ]
            holds(not waiting, "ends-in-an-event", f"{self.now.ref} is {self.now.state}: {waiting} wait on")

    def levels(self) -> None:
        was, now = self.was, self.now
        if was is None:
            return
        changes = [event for event in self.events if isinstance(event, e.LevelChanged)]
        for change in changes:
            person = change.level_by.kind == "person"  # what else may let it sink: ``easing``
            told = person or isinstance(self.decision.command, c.Merge)
            holds(
                told or not was.person_level, "levels", f"evidence changed the level a person gave {now.ref}"
            )
        holds(changes or was.level == now.level, "levels", f"{now.ref} changed its level without an event")
        rose = min((change.after for change in changes), default=was.level) < was.level
        if not (rose and was.acknowledged_by and was.state.active and now.state.active):
            return
        if any(isinstance(event, e.Acknowledged) for event in self.events):
            return
        holds(now.state is OPEN, "lapses", f"{now.ref} rose to level {now.level} and is still acknowledged")
        holds(
            any(isinstance(event, e.PathStarted) for event in self.events),
            "lapses", f"{now.ref} rose but no path started at its first step",
        )  # fmt: skip
        if now.unconfirmed and not now.level.urgent:
            return  # what came in with the rise had resolved already: it is quiet at once
        for holder in was.acknowledged_by:
            if holder in self.decision.configuration.people:
                asked = any(
                    page.live and page.person == holder and page.kind is PageKind.PAGE and page.sends
                    for page in self.decision.after.pages_of(now)
                )
                reachable = methods.always_reaches(
                    self.decision.configuration, holder, now.level, self.decision.now
                )
                why = f"{holder} had {now.ref}; it rose and pages others only"
                holds(asked or not reachable, "lapses", why)

    def joins(self) -> None:
        """A signal that joins what somebody has, or fires again in it, tells them and pages nobody, but for
        those whom a path asks that begins with it: a storm's, or one that a rule starts."""
        was = self.was
        if was is None or was.state is not TAKEN or self.now.state is not TAKEN:
            return
        if not isinstance(self.decision.command, c.Receive):
            return
        pages = [event.page for event in self.events if isinstance(event, e.Paged)]
        loud = [
            page for page in pages
            if page.kind is not PageKind.UPDATE and page.reason != "evidence" and not page.asks
        ]  # fmt: skip
        known = {run.name for run in was.paths}
        loud = [page for page in loud if page.path in known or not page.path]
        holds(
            not loud, "joins-tell", f"{was.ref} is acknowledged and a report paged {[p.person for p in loud]}"
        )
        news = any(
            isinstance(event, e.SignalJoined)
            or (isinstance(event, e.SignalFired) and was.unconfirmed and not self.now.flapping)
            for event in self.events
        )
        if news and was.level == self.now.level:
            people = self.decision.configuration.people
            for holder in was.acknowledged_by:
                told = holder not in people or any(
                    page.person == holder and page.kind is PageKind.UPDATE
                    and (page.requested_at == self.decision.now or (page.live and _waits(page)))
                    for page in self.decision.after.pages_of(self.now)
                )  # fmt: skip
                holds(
                    told, "joins-tell", f"{holder} has {was.ref} and was not told what joined or fires again"
                )


def _waits(page: Page) -> bool:
    return any(send.state is SendState.PENDING for send in page.sends)


def _late(decision: Decision, by_incident: dict[int, list[e.AnyEvent]]) -> None:
    """An answer to what is over changes nothing."""
    command = decision.command
    if isinstance(command, c.Acknowledge | c.Decline | c.Resolve):
        was = decision.before.incident(command.incident)
        if was is not None and not was.state.active:
            holds(
                not by_incident,
                "late-changes-nothing",
                f"{type(command).__name__} changed {was.ref}, {was.state}",
            )


def _acknowledged(decision: Decision, by_incident: dict[int, list[e.AnyEvent]]) -> None:
    command = decision.command
    assert isinstance(command, c.Acknowledge)
    events = by_incident.get(command.incident, [])
    if not any(isinstance(event, e.Acknowledged) for event in events):
        return
    incident = decision.after.incident(command.incident)
    assert incident is not None
    holds(
        incident.state is TAKEN and command.by in incident.acknowledged_by,
        "stops",
        f"{incident.ref} isn't taken",
    )
    was = decision.before.incident(command.incident)
    alone = incident.group == STORM  # in a storm each path answers for itself, elsewhere each kind of path
    kind_of = {run.name: run.name if alone else run.kind for run in was.paths} if was is not None else {}
    asked = {
        kind_of[page.path] for page in decision.before.pages_of(incident)
        if page.person == command.by and page.path in kind_of
    }  # fmt: skip
    going = [run.name for run in was.paths if run.next_at is not None] if was is not None else []
    beside = {name for name in going if kind_of[name] not in asked}
    by_name = command.path or not asked & {kind_of[name] for name in going}
    _quiet(decision, incident, "stops", beside=frozenset() if by_name else frozenset(beside))


def _quiet(decision: Decision, incident: Incident, name: str, beside: frozenset[str] = frozenset()) -> None:
    """``beside`` are paths that others are asked by, which go on."""
    running = {run.name for run in incident.paths if run.state is RunState.RUNNING or run.next_at is not None}
    holds(running == beside, name, f"{incident.ref}: {sorted(running)} still runs, not {sorted(beside)}")
    live = [
        page.id for page in decision.after.pages_of(incident)
        if page.live and page.kind in (PageKind.PAGE, PageKind.QUIET) and page.path not in beside
        and not page.asks
    ]  # fmt: skip
    holds(not live, name, f"{incident.ref}: pages {live} still go out")


def _recorded(decision: Decision, command: c.RecordSend) -> None:
    was = decision.before.page(command.page)
    send = next((s for s in was.sends if s.n == command.send), None) if was is not None else None
    attempts = [event for _, event in decision.events if isinstance(event, e.SendAttempted)]
    if send is None or send.state is not SendState.PENDING:
        holds(not attempts, "recorded-once", f"{command.page}.{command.send} was recorded again")
        return
    holds(len(attempts) == 1, "recorded-once", f"{command.page}.{command.send} was not recorded")
    page = decision.after.page(command.page)
    assert was is not None
    assert page is not None
    if not was.live or page.kind is not PageKind.PAGE or page.incident == 0:
        return
    if all(s.state in (SendState.FAILED, SendState.EXPIRED) for s in page.sends):
        holds(not page.live, "failure-moves-on", f"page {page.id} failed by all methods and goes on")
        incident = decision.after.incident(page.incident)
        run = next((r for r in incident.paths if r.name == page.path), None) if incident is not None else None
        old = decision.before.incident(page.incident)
        before = next((r for r in old.paths if r.name == page.path), None) if old is not None else None
        if run is None or before is None or before.state is not RunState.RUNNING or page.reason == "everyone":
            return
        assert old is not None
        others = any(
            other.live and other.path == page.path and other.step == page.step and other.id != page.id
            for other in decision.before.pages_of(old)
        )
        if before.fired == page.step and not others:
            holds(
                any(isinstance(event, e.PathMoved) for _, event in decision.events),
                "failure-moves-on",
                f"{page.person} can't be reached and {page.path} of #{page.incident} waits",
            )  # fmt: skip
