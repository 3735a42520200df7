"""What the journal says happened: the receipts as they were decided, people's acts, and what came of them.

Acts are those on incidents, silences, overrides, incidents opened by hand; besides them what monitoring
answered, other configurations, and when irpd was down: what was due then came at its start. One pass over the
events. Each receipt's own event names it and stands where it was decided, so that a replay takes them in the
same order and at the same instants. Receipts of a journal from before such events come at the time of their
receipt.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from irpd.engine.ports import Fact, Receipt
from irpd.journal.reader import incident_of
from irpd.model import event as e
from irpd.model.page import PageKind
from irpd.protocol.heartbeats import OWN_SOURCES

#: How long before the range a replay begins, so that what was open then is known.
BEFORE = timedelta(hours=24)
_AT_ONCE = 50


class Recorded(Protocol):
    """What a backtest reads of a journal."""

    def facts(self, *, after: int = 0, subject: str | None = None) -> Iterator[Fact]: ...
    def receipts(self, after: int, limit: int) -> list[Receipt]: ...
    def config(self, hash: str) -> bytes | None: ...


@dataclass(slots=True)
class Course:
    """One incident as far as a backtest compares it: up to the first thing that a person did about it.

    ``first`` is the key of the signal that opened it, ``keys`` are all that were in it, ``level`` is the most
    severe it had, ``pages`` are (person, when)."""

    number: int
    first: str = ""
    at: datetime | None = None
    title: str = ""
    service: str = ""
    opened_level: int = 4
    level: int = 4
    keys: dict[str, int] = field(default_factory=dict)  # with the number that each had as a signal
    pages: list[tuple[str, datetime]] = field(default_factory=list)
    acted: datetime | None = None
    own: bool = False  # irpd's own, or opened by a person: no report is behind it


class Courses:
    """Courses out of events; for the record and for the replay alike."""

    def __init__(self) -> None:
        self.by_number: dict[int, Course] = {}
        self._waiting: dict[int, str] = {}  # the keys of signals that wait in no incident

    def wait(self, event: e.AnyEvent) -> None:
        """What is told of signals that are in no incident."""
        match event:
            case e.SignalWaits():
                self._waiting[event.sid] = event.key
            case e.WaitEnded():
                self._waiting.pop(event.sid, None)
            case _:
                pass

    def take(self, number: int, event: e.AnyEvent, at: datetime) -> None:
        match event:
            case e.Opened():
                self.by_number[number] = Course(
                    number=number, at=at, title=event.title, service=", ".join(event.services),
                    opened_level=event.level, level=event.level,
                    own=bool(event.by) or event.source in OWN_SOURCES,
                )  # fmt: skip
                return
            case _:
                course = self.by_number.get(number)
        if course is None or course.acted is not None:
            return
        if by_person(event):
            course.acted = at
            return
        match event:
            case e.SignalJoined():
                course.first = course.first or event.key
                course.keys[event.key] = event.sid
            case e.SignalMoved():
                key = self._moved(event)
                course.first = course.first or key
                if key:
                    course.keys[key] = event.sid
            case e.LevelChanged():
                course.level = min(course.level, event.after)
            case e.Paged() if event.page.kind is PageKind.PAGE:
                course.pages.append((event.page.person, at))
            case _:
                pass

    def acted(self, number: int, at: datetime) -> None:
        """Somebody did something about this incident: it is compared no further."""
        course = self.by_number.get(number)
        if course is not None and course.acted is None:
            course.acted = at

    def _moved(self, event: e.SignalMoved) -> str:
        """The key of a signal that had waited, or that a storm took; "" if it isn't known."""
        if not event.out_of:
            return self._waiting.pop(event.sid, "")
        out_of = self.by_number.get(event.out_of)
        keys = out_of.keys if out_of is not None else {}
        return next((key for key, sid in keys.items() if sid == event.sid), "")


def by_person(event: e.AnyEvent) -> bool:
    """Whether somebody did something about the incident: whatever a person does has their name."""
    match event:
        case e.LevelChanged():
            return event.level_by.kind == "person"
        case e.Opened() | e.PageEnded():  # an opening is told otherwise, and a page ends because of an act
            return False
        case _:
            return bool(getattr(event, "by", ""))


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that a replay repeats: a receipt (its number), a configuration (its hash), or an event that
    a person or the passing of time brought about, of an ``incident`` or (0) of none. ``down_since`` is the
    last that was heard of irpd before a start; nothing that was due from then on happened before ``at``."""

    at: datetime
    receipt: int = 0
    config: str = ""
    incident: int = 0
    event: e.AnyEvent | None = None
    down_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """``happenings`` are in the order in which they were decided. ``config`` was in force at their
    beginning (a hash, empty when the journal names none); ``until`` is the last instant that the journal
    tells of, or the end that was asked for."""

    happenings: tuple[Happening, ...]
    courses: Courses
    config: str
    until: datetime


def history_of(
    journal: Recorded, begin: datetime, end: datetime, progress: Callable[[int], None] = lambda _n: None
) -> History:
    """From ``BEFORE`` ahead of ``begin`` to ``end``."""
    since = begin - BEFORE
    courses, happenings, config = Courses(), [], ""
    named: set[int] = set()
    standing: dict[tuple[str, int], Happening] = {}
    until, bound, heard = since, 0, since
    for number, fact in enumerate(journal.facts()):
        if number % 10_000 == 0:
            progress(number)
        if fact.at > end:
            until = end
            break
        until = max(until, fact.at)
        event, incident = fact.event, incident_of(fact.subject)
        taken = range(0)
        if isinstance(event, e.ReceiptTaken | e.SignalsRepeated) and (event.receipt or event.body):
            first = event.receipt or bound + 1  # repeats say their number only where it isn't the next one
            taken = range(first, first + 1 + (len(event.more) if isinstance(event, e.ReceiptTaken) else 0))
            bound = taken[-1]
        if isinstance(event, e.ConfigLoaded) and fact.at <= since:
            config = event.hash
        courses.wait(event)
        if fact.at < since:
            _set(standing, event, since)
            continue
        before, heard = heard, max(heard, fact.at)
        if incident is not None:
            courses.take(incident, event, fact.at)
            if _repeated(event):
                happenings.append(Happening(fact.at, incident=incident, event=event))
        elif taken:
            happenings += [Happening(fact.at, receipt=number) for number in taken if number not in named]
            named.update(taken)
        elif isinstance(event, e.ConfigLoaded):
            happenings.append(Happening(fact.at, config=event.hash))
        elif isinstance(event, e.SilenceAdded | e.SilenceEnded | e.OverrideAdded | e.OverrideEnded):
            happenings.append(Happening(fact.at, event=event))
        elif isinstance(event, e.Started):
            happenings.append(Happening(fact.at, down_since=before))
    happenings = [*standing.values(), *happenings]
    old = [
        Happening(receipt.at, receipt=receipt.id)
        for receipt in receipts_of(journal)
        if receipt.id not in named and since <= receipt.at <= end
    ]
    if old:
        happenings = sorted([*happenings, *old], key=lambda one: one.at)
    return History(happenings=tuple(happenings), courses=courses, config=config, until=until)


def _repeated(event: e.AnyEvent) -> bool:
    """Whether a replay must be told of it: it doesn't follow from reports."""
    if isinstance(event, e.Opened):  # by hand, or irpd's own: they count where storms are told
        return event.source in OWN_SOURCES or bool(event.by and not event.source)
    return by_person(event) or isinstance(event, e.UsersAnswered | e.SignalStale)


def _set(standing: dict[tuple[str, int], Happening], event: e.AnyEvent, since: datetime) -> None:
    """Silences and overrides that were set before the replay begins and hold then, or later."""
    match event:
        case e.SilenceAdded() if event.silence.until > since:
            standing["silence", event.silence.id] = Happening(since, event=event)
        case e.SilenceEnded():
            standing.pop(("silence", event.id), None)
        case e.OverrideAdded() if event.override.until > since:
            standing["override", event.override.id] = Happening(since, event=event)
        case e.OverrideEnded():
            standing.pop(("override", event.id), None)
        case _:
            pass


def receipts_of(journal: Recorded) -> Iterator[Receipt]:
    after = 0
    while chunk := journal.receipts(after, _AT_ONCE):
        yield from chunk
        after = chunk[-1].id


def opened_within(courses: Iterable[Course], begin: datetime, end: datetime) -> list[Course]:
    """Those that reports opened in the range, in order."""
    return [one for one in courses if not one.own and one.at is not None and begin <= one.at <= end]
