"""The rows that events are folded into, in layers.

The bottom layer is the committed state. Each batch works on a layer above it and each
command on one above that, so that what fails is dropped whole and what is committed is
published in one go. Values are immutable; a layer holds only what changed in it.

Indexes (key, handle, group, service, reporter, what signals wait for) are derived from the rows and never
stored.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple, TypeVar

from irpd.model.incident import Incident, Member, MemberStatus, State
from irpd.model.level import Level
from irpd.model.override import Override
from irpd.model.page import Page, Send, SendState
from irpd.model.standing import Standing
from irpd.oncall.changes import Changes, changes

S = TypeVar("S", bound=Standing)

#: Sends that are known to have gone out in one message: a provider whose names repeat costs no more.
MOST_IN_ONE = 100
#: So many pages about no incident stay in memory, the newest.
OUTSIDE_KEPT = 2000
#: The group of a storm (see ``protocol.storm``), in which a person hears at most once a minute of it.
STORM = "storm"


class Told(NamedTuple):
    """A message to somebody: when it may have come first, how severe, about which incident."""

    at: datetime
    level: Level
    incident: int


def of_storm(number: int, person: str) -> str:
    """The key of what this person heard last of that storm; no person has such a name."""
    return f"{STORM} {number} {person}"


class Torn(Exception):
    """An event speaks of a row that isn't there: the history is not whole."""


#: Statuses of a signal that counts as firing in its incident.
FIRING = (MemberStatus.FIRING, MemberStatus.STALE)

#: Of so many incidents, the newest, a service's signals are offered to.
MOST_TAKING = 64


class Rows:
    """One layer. Reads fall through to ``parent``; writes stay here until absorbed."""

    __slots__ = (
        "_changes", "counters", "groups", "handles", "incidents", "keys", "members", "pages", "parent",
        "reporters", "sent", "services", "standing", "takes", "told", "waiting",
    )  # fmt: skip

    def __init__(self, parent: "Rows | None" = None) -> None:
        self.parent = parent
        self.incidents: dict[int, Incident] = {}
        self.members: dict[int, Member] = {}
        self.pages: dict[str, Page] = {}
        self.sent: dict[tuple[str, str], tuple[tuple[str, int], ...]] = {}  # (channel, provider's id) → sends
        self.keys: dict[str, int] = {}  # key → the newest signal with it
        self.handles: dict[tuple[int, int], int] = {}  # (incident, n) → signal; 0: it left
        self.groups: dict[str, tuple[int, ...]] = {}  # group → its incidents that aren't over for good
        self.reporters: dict[tuple[int, str], int] = {}  # (incident, who wrote) → how many signals
        self.takes: dict[str, tuple[int, ...]] = {}  # service → incidents that its signals join, the newest
        self.counters: dict[str, int] = {}
        self.services: dict[str, tuple[int, ...]] = {}  # service → its incidents that aren't over for good
        self.standing: dict[
            str, dict[str, Standing | None]
        ] = {}  # kind → key → row; None: over and forgotten
        self._changes: Changes | None = None  # what the overrides come to; None: not asked since they changed
        self.told: dict[str, Told] = {}  # person → the newest message to them
        self.waiting: dict[int, str | None] = {}  # signal → the subject it waits for ("": time); None: ended

    # ------------------------------------------------------------ reading
    def incident(self, number: int) -> Incident | None:
        layer: Rows | None = self
        while layer is not None:
            if (row := layer.incidents.get(number)) is not None:
                return row
            layer = layer.parent
        return None

    def member(self, sid: int) -> Member | None:
        layer: Rows | None = self
        while layer is not None:
            if (row := layer.members.get(sid)) is not None:
                return row
            layer = layer.parent
        return None

    def page(self, page_id: str) -> Page | None:
        layer: Rows | None = self
        while layer is not None:
            if (row := layer.pages.get(page_id)) is not None:
                return row
            layer = layer.parent
        return None

    def sends_in(self, channel: str, provider_id: str) -> tuple[tuple[str, int], ...]:
        """The sends (page and number) that went out in this message, while they are in memory."""
        layer: Rows | None = self
        while layer is not None:
            if (sends := layer.sent.get((channel, provider_id))) is not None:
                return sends
            layer = layer.parent
        return ()

    def sid_of(self, key: str) -> int | None:
        """The newest signal with this key, while it is in memory."""
        layer: Rows | None = self
        while layer is not None:
            if (sid := layer.keys.get(key)) is not None:
                return sid
            layer = layer.parent
        return None

    def sid_at(self, incident: int, n: int) -> int | None:
        """The signal with the handle ``incident.n``; None if there is none, or it left."""
        layer: Rows | None = self
        while layer is not None:
            if (sid := layer.handles.get((incident, n))) is not None:
                return sid or None
            layer = layer.parent
        return None

    def group(self, key: str) -> Iterator[Incident]:
        """The incidents of this group that are being worked on, newest first."""
        for number in reversed(self._grouped(key)):
            incident = self.incident(number)
            if incident is not None and incident.state.active:
                yield incident

    def _grouped(self, key: str) -> tuple[int, ...]:
        layer: Rows | None = self
        while layer is not None:
            if (numbers := layer.groups.get(key)) is not None:
                return numbers
            layer = layer.parent
        return ()

    def taking(self, service: str) -> Iterator[Incident]:
        """The incidents being worked on that a signal of this service joins, newest first."""
        for number in reversed(self._taking(service)):
            incident = self.incident(number)
            if incident is not None and incident.state.active:
                yield incident

    def _taking(self, service: str) -> tuple[int, ...]:
        layer: Rows | None = self
        while layer is not None:
            if (numbers := layer.takes.get(service)) is not None:
                return numbers
            layer = layer.parent
        return ()

    def reported(self, incident: int, reporter: str) -> int:
        """How many signals of the incident this reporter wrote."""
        layer: Rows | None = self
        while layer is not None:
            if (count := layer.reporters.get((incident, reporter))) is not None:
                return count
            layer = layer.parent
        return 0

    def has_reporter(self, incident: int, reporter: str) -> bool:
        return self.reported(incident, reporter) > 0

    def active(self) -> list[Incident]:
        """The incidents that are being worked on, oldest first. Looks at all in memory: for what is rare."""
        found: dict[int, Incident] = {}
        layer: Rows | None = self
        while layer is not None:
            found = layer.incidents | found
            layer = layer.parent
        return [row for _, row in sorted(found.items()) if row.state.active]

    def of_service(self, service: str) -> Iterator[Incident]:
        """The incidents of this service that are being worked on, oldest first."""
        for number in self._of_service(service):
            incident = self.incident(number)
            if incident is not None and incident.state.active and service in incident.services:
                yield incident

    def _of_service(self, service: str) -> tuple[int, ...]:
        layer: Rows | None = self
        while layer is not None:
            if (numbers := layer.services.get(service)) is not None:
                return numbers
            layer = layer.parent
        return ()

    def told_of(self, person: str) -> Told | None:
        """The newest message to this person (those of incidents in memory)."""
        layer: Rows | None = self
        while layer is not None:
            if (told := layer.told.get(person)) is not None:
                return told
            layer = layer.parent
        return None

    def stands(self, kind: type[S], key: str | int) -> S | None:
        """The row of this kind and key, while it wasn't dropped."""
        layer: Rows | None = self
        while layer is not None:
            if layer.standing and (rows := layer.standing.get(kind.kind)) and str(key) in rows:
                row = rows[str(key)]
                return row if isinstance(row, kind) else None
            layer = layer.parent
        return None

    def any_standing(self, kind: type[Standing]) -> bool:
        """Whether there may be a row of this kind; the cost doesn't grow with them."""
        layer: Rows | None = self
        while layer is not None:
            if layer.standing.get(kind.kind):
                return True
            layer = layer.parent
        return False

    def all_standing(self, kind: type[S]) -> list[S]:
        """All rows of this kind that weren't dropped, numbers in order; some may be over."""
        found: dict[str, Standing | None] = {}
        layer: Rows | None = self
        while layer is not None:
            if rows := layer.standing.get(kind.kind):
                found = rows | found
            layer = layer.parent
        keys = sorted(found, key=lambda key: (len(key), key))
        return [row for key in keys if isinstance(row := found[key], kind)]

    def changes(self) -> Changes:
        """What people changed of who is on call. Asked for each page, and changed a few times a week: the
        bottom layer keeps it until then."""
        layer: Rows = self
        while layer.parent is not None and not layer.standing.get(Override.kind):
            layer = layer.parent
        if layer.parent is not None:
            return changes(layer.all_standing(Override))
        if layer._changes is None:
            layer._changes = changes(layer.all_standing(Override))
        return layer._changes

    def all_waiting(self) -> list[int]:
        """The signals that wait, by number. Cost grows with them."""
        found: dict[int, str | None] = {}
        layer: Rows | None = self
        while layer is not None:
            if layer.waiting:
                found = layer.waiting | found
            layer = layer.parent
        return sorted(sid for sid, subject in found.items() if subject is not None)

    def firing_now(self) -> list[Member]:
        """Every signal that fires in an incident, in order. Looks at all in memory: for what is rare only."""
        found: dict[int, Member] = {}
        layer: Rows | None = self
        while layer is not None:
            found = layer.members | found
            layer = layer.parent
        return [row for _, row in sorted(found.items()) if row.incident and row.status in FIRING]

    def firing_of(self, source: str, group: str) -> list[Member]:
        """The signals that a sender's own group left firing, in order. Looks at every signal in
        memory: for what is rare only."""
        found: dict[int, Member] = {}
        above: list[dict[int, Member]] = []
        layer: Rows | None = self
        while layer is not None:
            found |= {
                sid: member
                for sid, member in layer.members.items()
                if member.sender_group == group
                and member.source == source
                and (member.status in FIRING or _waits(member))
                and not any(sid in newer for newer in above)
            }
            above.append(layer.members)
            layer = layer.parent
        return [found[sid] for sid in sorted(found)]

    def counter(self, name: str) -> int:
        layer: Rows | None = self
        while layer is not None:
            if (value := layer.counters.get(name)) is not None:
                return value
            layer = layer.parent
        return 0

    def members_of(self, incident: Incident) -> Iterator[Member]:
        """Its signals, oldest first. Cost grows with the incident: not for the hot path."""
        for n in range(1, incident.handles + 1):
            sid = self.sid_at(incident.number, n)
            member = self.member(sid) if sid is not None else None
            if member is not None:
                yield member

    def pages_of(self, incident: Incident) -> Iterator[Page]:
        """Its pages, oldest first (those of the state in memory)."""
        for n in range(1, incident.pages + 1):
            page = self.page(f"{incident.number}-{n}")
            if page is not None:
                yield page

    # ------------------------------------------------------------ writing
    def put_incident(self, row: Incident) -> None:
        self.incidents[row.number] = row

    def put_member(self, row: Member) -> None:
        """Write a signal's row and its indexes."""
        self.members[row.sid] = row
        self.keys[row.key] = max(row.sid, self.sid_of(row.key) or 0)
        self.handles[row.incident, row.n] = row.sid
        if row.reporter is not None:
            self.reporters[row.incident, row.reporter] = self.reported(row.incident, row.reporter) + 1

    def touch_member(self, row: Member) -> None:
        """Write a signal's row whose key, handle and reporter are as before."""
        self.members[row.sid] = row

    def put_waiting(self, row: Member) -> None:
        """Write a signal's row that waits outside any incident, or that has just ended to."""
        self.members[row.sid] = row
        self.keys[row.key] = max(row.sid, self.sid_of(row.key) or 0)
        self.waiting[row.sid] = row.waits.subject if row.waits is not None else None

    def put_told(self, page: Page, incident: Incident) -> None:
        """This page goes out. What its person heard of a storm is kept beside what they heard last."""
        if page.sends and page.person:
            told = Told(page.sends[0].due_at, incident.level, incident.number)
            self.told[page.person] = told
            if incident.group == STORM:
                self.told[of_storm(incident.number, page.person)] = told

    def put_standing(self, row: Standing) -> None:
        self._stale(row.kind)
        self.standing.setdefault(row.kind, {})[row.key] = row

    def drop_standing(self, row: Standing) -> None:
        """It is over: forget it."""
        self._stale(row.kind)
        rows = self.standing.setdefault(row.kind, {})
        if self.parent is None:
            rows.pop(row.key, None)
        else:
            rows[row.key] = None

    def _stale(self, kind: str) -> None:
        """Rows of this kind change, and with them what they come to."""
        if kind == Override.kind:
            self._changes = None

    def put_service(self, service: str, number: int) -> None:
        """The incident is about this service too; the newest are known."""
        known = self._of_service(service)
        if not known or number > known[-1]:  # a new one: nobody looks through those there are
            self.services[service] = (*known[1 - MOST_TAKING :], number)
        elif number not in known:
            self.services[service] = tuple(sorted((*known, number)))[-MOST_TAKING:]

    def take_member(self, row: Member) -> None:
        """A signal leaves its incident; ``put_member`` says where to."""
        self.handles[row.incident, row.n] = 0
        if row.reporter is not None:
            self.reporters[row.incident, row.reporter] = self.reported(row.incident, row.reporter) - 1

    def put_group(self, row: Incident) -> None:
        """The incident is one that new signals of its group may join."""
        if row.group is not None:
            others = (
                number
                for number in self._grouped(row.group)
                if number != row.number and not _over(self.incident(number))
            )
            self.groups[row.group] = tuple(sorted((*others, row.number)))

    def put_takes(self, row: Incident) -> None:
        """The incident is one that signals of services it depends on join."""
        for service in row.takes:
            others = (number for number in self._taking(service) if number != row.number)
            self.takes[service] = tuple(sorted((*others, row.number)))[-MOST_TAKING:]

    def put_page(self, row: Page) -> None:
        self.pages[row.id] = row

    def put_sent(self, page: str, send: Send) -> None:
        """The provider knows this send by its ``provider_id`` from now on."""
        others = self.sends_in(send.channel, send.provider_id)
        if (page, send.n) not in others:
            self.sent[send.channel, send.provider_id] = (*others, (page, send.n))[-MOST_IN_ONE:]

    def absorb(self, layer: "Rows") -> None:
        """Take over everything that changed in the layer above."""
        self.incidents.update(layer.incidents)
        self.members.update(layer.members)
        if layer.pages:
            self.pages.update(layer.pages)
        if layer.sent:
            self.sent.update(layer.sent)
        self.keys.update(layer.keys)
        self.handles.update(layer.handles)
        if layer.groups:
            self.groups.update(layer.groups)
        if layer.reporters:
            self.reporters.update(layer.reporters)
        if layer.takes:
            self.takes.update(layer.takes)
        self.counters.update(layer.counters)
        if layer.services:
            self.services.update(layer.services)
        if layer.told:
            self.told.update(layer.told)
        for kind, rows in layer.standing.items():
            self._stale(kind)
            mine = self.standing.setdefault(kind, {})
            mine.update(rows)
            if self.parent is None:
                for key in [key for key, row in rows.items() if row is None]:
                    del mine[key]
        if layer.waiting:
            self.waiting.update(layer.waiting)

    # ------------------------------------------------------------ the bottom layer
    def restore(
        self,
        incidents: dict[int, Incident],
        members: dict[int, Member],
        pages: dict[str, Page],
        counters: dict[str, int],
        standing: Iterable[Standing] = (),
    ) -> None:
        """Fill an empty bottom layer from a journal's projection and derive the indexes."""
        self.incidents = incidents
        self.pages = pages
        self.counters = counters
        for row in standing:
            self.put_standing(row)
        for sid in sorted(members):
            if members[sid].incident:
                self.put_member(members[sid])
            else:
                self.put_waiting(members[sid])
        for page in sorted(pages.values(), key=lambda page: page.requested_at):
            self._put_all_sent(page)
            if page.incident in incidents:
                self.put_told(page, incidents[page.incident])
        for number in sorted(incidents):
            if not _over(incidents[number]):
                self.put_group(incidents[number])
                self.put_takes(incidents[number])
                for service in incidents[number].services:
                    self.put_service(service, number)

    def let_go(self, ended: Iterable[int]) -> None:
        """These signals have ended to wait: what came into no incident leaves memory."""
        for sid in ended:
            self.waiting.pop(sid, None)
            member = self.members.get(sid)
            if member is None or member.incident:
                continue
            del self.members[sid]
            if self.keys.get(member.key) == sid:
                del self.keys[member.key]

    def let_go_outside(self) -> None:
        """Of pages about no incident those leave memory that are old and have nothing left to be sent."""
        last = self.counters.get("page", 0)
        old = [
            id
            for id, page in self.pages.items()
            if not page.incident and int(id.rpartition("-")[2]) <= last - OUTSIDE_KEPT
        ]
        for id in old:
            page = self.pages[id]
            if not page.live or not any(send.state is SendState.PENDING for send in page.sends):
                del self.pages[id]
                for send in page.sends:
                    self._take_sent(id, send)

    def recall(self, incident: Incident, members: Iterable[Member], pages: Iterable[Page]) -> None:
        """Take an incident that had left memory back in. A newer signal keeps its key."""
        self.incidents[incident.number] = incident
        for member in members:
            self.put_member(member)
        for page in pages:
            self.pages[page.id] = page
            self._put_all_sent(page)

    def _put_all_sent(self, page: Page) -> None:
        for send in page.sends:
            if send.provider_id:
                self.put_sent(page.id, send)

    def forget(self, number: int) -> None:
        """Let an incident that is over leave memory, with all that belongs to it."""
        incident = self.incidents.pop(number, None)
        if incident is None:
            return
        for n in range(1, incident.handles + 1):
            sid = self.handles.pop((number, n), 0)
            member = self.members.get(sid)
            if member is None or member.incident != number:
                continue
            del self.members[sid]
            if self.keys.get(member.key) == sid:
                del self.keys[member.key]
            if member.reporter is not None:
                self.reporters.pop((number, member.reporter), None)
        for n in range(1, incident.pages + 1):
            page = self.pages.pop(f"{number}-{n}", None)
            if page is not None:
                for send in page.sends:
                    self._take_sent(page.id, send)
        if incident.group == STORM:
            for key in [key for key in self.told if key.startswith(of_storm(number, ""))]:
                del self.told[key]
        if incident.group is not None:
            others = tuple(other for other in self.groups.get(incident.group, ()) if other != number)
            if others:
                self.groups[incident.group] = others
            else:
                self.groups.pop(incident.group, None)
        for service in incident.services:
            left = tuple(other for other in self.services.get(service, ()) if other != number)
            if left:
                self.services[service] = left
            else:
                self.services.pop(service, None)

    def _take_sent(self, page: str, send: Send) -> None:
        message = send.channel, send.provider_id
        left = tuple(one for one in self.sent.pop(message, ()) if one != (page, send.n))
        if left:
            self.sent[message] = left


def _waits(member: Member) -> bool:
    return member.waits is not None and member.status is not MemberStatus.RESOLVED


def _over(incident: Incident | None) -> bool:
    return incident is None or incident.state in (State.CLOSED, State.MERGED)


def stale_members(rows: Rows, incident: Incident, before: datetime) -> Iterator[Member]:
    """Its firing signals of which nothing was heard since ``before``."""
    for member in rows.members_of(incident):
        if member.status is MemberStatus.FIRING and member.last_seen <= before:
            yield member
