"""A report as a value: its sections, its timeline, its action items.

What people wrote stands as they wrote it; a section that nobody wrote is filled from the facts and events.
Texts are pieces: words, and figures that name the event (``seq``) they come from.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from irpd.comms.clean import line as one_line
from irpd.comms.places import Place
from irpd.comms.story import percent
from irpd.engine.ports import Fact
from irpd.model import event as e
from irpd.model.incident import Incident
from irpd.model.level import Level
from irpd.model.page import PageKind
from irpd.model.report import ActionItem, ActionKind
from irpd.model.response import LONGEST_FACT
from irpd.protocol.review import SECTIONS
from irpd.review.happened import Names, happened


def line(text: str) -> str:
    """A text as one line that steers nothing."""
    return one_line(text, LONGEST_FACT)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number or a time, and the event that it comes from."""

    text: str
    seq: int


Piece = str | Figure
Paragraph = tuple[Piece, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """``written`` is what a person wrote (Markdown); else ``paragraphs`` hold what irpd knows."""

    id: str
    title: str
    written: str = ""
    paragraphs: tuple[Paragraph, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    seq: int
    at: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """``state`` is asked | draft | reviewed | published, "" where no report was asked for."""

    incident: int
    title: str
    severity: str
    state: str
    version: int
    owner: str
    zone: str
    head: tuple[tuple[str, Paragraph], ...]
    places: tuple[Place, ...]
    sections: tuple[Section, ...]
    timeline: tuple[Entry, ...]
    items: tuple[tuple[ActionItem, str], ...]
    items_due: Mapping[int, str]

    @property
    def ref(self) -> str:
        return f"#{self.incident}"


def report_on(
    incident: Incident,
    facts: Sequence[Fact],
    *,
    people: Mapping[str, str] | None = None,
    services: Mapping[str, str] | None = None,
    places: tuple[Place, ...] = (),
    zone: str = "UTC",
) -> Document:
    """The report of an incident as it would be read now. ``people`` and ``services`` are names by their ids,
    ``places`` where more is to be seen; times read in ``zone`` (UTC where this machine doesn't know it)."""
    return _Reading(incident, facts, people or {}, services or {}, zone).document(places)


class _Reading:
    def __init__(
        self,
        incident: Incident,
        facts: Sequence[Fact],
        people: Mapping[str, str],
        services: Mapping[str, str],
        zone: str,
    ) -> None:
        self.incident = incident
        self.facts = facts
        self.services = services
        self.zone, self.zone_name = _zone(zone)
        self.names = Names(people=people, clock=self.clock)

    def document(self, places: tuple[Place, ...]) -> Document:
        one, report = self.incident, self.incident.report
        return Document(
            incident=one.number,
            title=line(one.title),
            severity=one.level.severity,
            state=report.state if report else "",
            version=report.version if report else 0,
            owner=self.names.person(report.owner) if report else "",
            zone=self.zone_name,
            head=tuple(self._head()),
            places=places,
            sections=tuple(self._sections()),
            timeline=tuple(
                Entry(seq=fact.seq, at=self.clock(fact.at), text=text)
                for fact in self.facts
                if (text := happened(fact.event, self.names))
            ),
            items=tuple((item, self.names.person(item.owner)) for item in (report.items if report else ())),
            items_due={item.n: self.day(item.due_at) for item in (report.items if report else ())},
        )

    # ------------------------------------------------------------ times
    def clock(self, at: datetime) -> str:
        local = at.astimezone(self.zone)
        return f"{local:%Y-%m-%d %H:%M:%S}"

    def day(self, at: datetime) -> str:
        return f"{at.astimezone(self.zone):%Y-%m-%d}"

    # ------------------------------------------------------------ events
    def last(self, *kinds: type[Any], where: Callable[[Any], bool] = lambda _e: True) -> Fact | None:
        found = (f for f in reversed(self.facts) if isinstance(f.event, kinds) and where(f.event))
        return next(found, None)

    def first(self, *kinds: type[Any]) -> Fact | None:
        return next((f for f in self.facts if isinstance(f.event, kinds)), None)

    def figure(self, text: str, fact: Fact | None) -> Piece:
        return Figure(text, fact.seq) if fact is not None and fact.seq else text

    # ------------------------------------------------------------ the head
    def _head(self) -> Iterable[tuple[str, Paragraph]]:
        one = self.incident
        opened, ended = self.first(e.Opened), self.last(e.Resolved)
        levelled = self.last(e.Opened, e.LevelChanged)
        yield "Level", (self.figure(f"{int(one.level)} ({one.level.severity})", levelled), f": {_why(one)}")
        yield "Services", (", ".join(self.services.get(s, s) for s in one.services) or "none",)
        yield "Detected by", (one.detected_by.replace("-", " "),)
        yield "Opened", (self.figure(self.clock(one.opened_at), opened),)
        if (taken := self.first(e.Acknowledged)) is not None:
            after = _span((taken.at - one.opened_at).total_seconds())
            yield "Acknowledged", (self.figure(self.clock(taken.at), taken), f", after {after}")
        if ended is not None and one.resolved_at is not None:
            after = _span((one.resolved_at - one.opened_at).total_seconds())
            yield "Resolved", (self.figure(self.clock(one.resolved_at), ended), f", after {after}")
        for role, person in one.roles.items():
            yield role.replace("-", " ").capitalize(), (self.names.person(person),)

    # ------------------------------------------------------------ sections
    def _sections(self) -> Iterable[Section]:
        written = self._written()
        filled: Mapping[str, Callable[[], Iterable[Paragraph]]] = {
            "summary": self._summary,
            "root-cause": lambda: self._fact("root-cause", "No root cause was recorded."),
            "impact": self._impact,
            "resolution": self._resolution,
            "lessons": lambda: [("To be written by those who were there.",)],
        }
        for id, title in SECTIONS.items():
            text = written.get(id, "")
            yield Section(id=id, title=title, written=text, paragraphs=() if text else tuple(filled[id]()))

    def _written(self) -> dict[str, str]:
        sections: dict[str, str] = {}
        for fact in self.facts:
            if isinstance(fact.event, e.ReportWritten):
                sections |= fact.event.sections
        return sections

    def _said(self, name: str) -> Fact | None:
        return self.last(e.FactsSet, where=lambda event: bool(event.texts.get(name)))

    def _fact(self, name: str, otherwise: str) -> Iterable[Paragraph]:
        text = self.incident.response.facts.get(name)
        if not text:
            return [(otherwise,)]
        return [(line(text), " ", self.figure("(source)", self._said(name)))]

    def _summary(self) -> Iterable[Paragraph]:
        one = self.incident
        where = ", ".join(self.services.get(s, s) for s in one.services)
        yield (f"{line(one.title)} at {where}: {one.level.severity}. {one.level.impact}.",)
        begins, ends = self._affected()
        if begins is not None and ends is not None:
            yield (
                "Users were affected from ",
                begins[0],
                " to ",
                ends[0],
                f" ({_span(ends[1] - begins[1])}).",
            )
        if one.share.known:
            yield ("Affected were ", *self._share(), ".")
        for name, words in (("root-cause", "Cause: "), ("resolution", "It was resolved by: ")):
            if text := one.response.facts.get(name):
                yield (words, line(text), " ", self.figure("(source)", self._said(name)))

    def _affected(self) -> tuple[tuple[Piece, float] | None, tuple[Piece, float] | None]:
        """Since and until when users were affected, as pieces and as instants."""
        one = self.incident
        begin, end = one.impact_from or one.opened_at, one.response.impact_to or one.resolved_at
        said = self.last(e.FactsSet, where=lambda event: "impact-from" in event.times) or self.first(e.Opened)
        until = self.last(e.FactsSet, where=lambda event: bool(event.times.get("impact-to")))
        first = (self.figure(self.clock(begin), said), begin.timestamp())
        if end is None:
            return first, None
        return first, (self.figure(self.clock(end), until or self.last(e.Resolved)), end.timestamp())

    def _share(self) -> Iterable[Piece]:
        share = self.incident.share
        fraction = share.fraction
        if fraction is None:
            return
        measured = self.last(
            e.Opened, e.LevelChanged, e.ShareMeasured, e.UsersAnswered, e.EvidenceExceeded,
            where=lambda event: event.share.known,
        )  # fmt: skip
        shown, exact = percent(fraction)
        yield self.figure(f"{'' if exact else 'about '}{shown} of users", measured)
        if share.affected is not None and share.users is not None:
            yield " ("
            yield self.figure(f"{share.affected:,} of {share.users:,}", measured)
            yield ")"

    def _impact(self) -> Iterable[Paragraph]:
        one = self.incident
        if one.share.known:
            yield ("Users affected: ", *self._share(), f", by {one.share.method or 'several sources'}.")
        else:
            yield ("How many users were affected is not known.",)
        for name, words in (("impact", "Noticed: "), ("scope", "Scope: "), ("affected-systems", "Systems: ")):
            if text := one.response.facts.get(name):
                yield (words, line(text), " ", self.figure("(source)", self._said(name)))
        begins, ends = self._affected()
        if begins is not None and ends is not None:
            yield ("Duration: ", self.figure(_span(ends[1] - begins[1]), self.last(e.Resolved)), ".")
        joined = [f for f in self.facts if isinstance(f.event, e.SignalJoined | e.SignalMoved)]
        if joined:
            yield ("Signals: ", self.figure(f"{one.members:,}", joined[-1]), ".")
        asked = [
            f for f in self.facts
            if isinstance(f.event, e.Paged) and f.event.page.kind in (PageKind.PAGE, PageKind.QUIET)
        ]  # fmt: skip
        if asked:
            people = len({f.event.page.person for f in asked if isinstance(f.event, e.Paged)})
            to = "1 person" if people == 1 else f"{people} people"
            yield ("Pages: ", self.figure(f"{len(asked):,}", asked[-1]), f", to {to}.")
        for fact in self.facts:
            match fact.event:
                case e.ResponseMissed(due_at=due):
                    yield ("Missed: first response, due ", self.figure(self.clock(due), fact), ".")
                case e.ObjectiveMissed(objective=name, due_at=due):
                    yield (f"Missed: {name}, due ", self.figure(self.clock(due), fact), ".")

    def _resolution(self) -> Iterable[Paragraph]:
        yield from self._fact("resolution", "No resolution was recorded.")
        for fact in self.facts:
            match fact.event:
                case e.ActionTaken(text=text, result=result, by=by):
                    came = f" Result: {line(result)}." if result else ""
                    yield (
                        self.figure(self.clock(fact.at), fact),
                        f" {self.names.person(by)}: {line(text)}.{came}",
                    )
                case e.DecisionMade(text=text, because=because, by=by):
                    yield (
                        self.figure(self.clock(fact.at), fact),
                        f" {self.names.person(by)} decided: {line(text)}, because {line(because)}.",
                    )


#: What the sections of action items are called.
KINDS = {
    ActionKind.PREVENTIVE: "Preventive measures",
    ActionKind.PROCESS: "Process improvements",
    ActionKind.OTHER: "Other",
}


def _why(incident: Incident) -> str:
    by = incident.level_by
    return line(by.because) or by.rule or Level(incident.level).impact


def _span(seconds: float) -> str:
    minutes = max(0, int(seconds // 60))
    hours, rest = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} days {hours % 24} h"
    return f"{hours} h {rest} min" if hours else f"{rest} min" if rest else "less than a minute"


def _zone(name: str) -> tuple[tzinfo, str]:
    try:
        return ZoneInfo(name), name
    except (LookupError, ValueError, OSError):
        return UTC, "UTC"
