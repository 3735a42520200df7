"""What must hold of storms: each signal is in one incident, a person hears of one once a minute at most."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from irpd.model import command as c
from irpd.model import event as e
from irpd.model.incident import Incident
from irpd.model.level import Level
from irpd.model.page import Page, PageKind
from simulation.judged import Decision, holds

_MINUTE = timedelta(minutes=1)


def check(decision: Decision) -> Iterator[str]:
    """Raises Violation. What was met."""
    left: dict[int, int] = {}  # signal → the incident that it goes to
    for subject, event in decision.events:
        number = int(subject[9:]) if subject.startswith("incident:") else 0
        match event:
            case e.SignalLeft():
                left[event.sid] = event.into
            case e.SignalMoved() if event.out_of:
                holds(
                    left.pop(event.sid, 0) == number, "one-incident", f"signal {event.sid} came from nowhere"
                )
            case e.Opened() if event.group == "storm":
                holds(decision.configuration.storm != "none", "storms", f"#{number}: none is to be told")
                yield "storm"
            case e.SignalJoined() if event.why.startswith("storm"):
                yield "storm-joined"
            case e.SignalJoined() if " depends on " in event.why:
                _breaks(decision, number, event.service)
                yield "broken-joined"
            case e.Merged() if not isinstance(decision.command, c.Merge):
                _gathered(decision, number, event.into)
                yield "storm-gathered"
            case _:
                pass
    holds(not left, "one-incident", f"signals {sorted(left)} left their incidents and are in none")


def _gathered(decision: Decision, number: int, into: int) -> None:
    """What became part of a storm had been touched by nobody, and is over with all its pages."""
    was, now = decision.before.incident(number), decision.after.incidents[number]
    storm = decision.after.incidents[into]
    holds(storm.group == "storm" and storm.state.active, "storms", f"{now.ref} became part of {storm.ref}")
    holds(now.members == 0, "one-incident", f"{now.ref} is part of {storm.ref} and has signals")
    holds(storm.level <= now.level, "storms", f"{storm.ref} is less severe than {now.ref}, a part of it")
    if was is not None:
        touched = was.acknowledged_by or was.person_level or not was.source
        holds(not touched, "storms", f"{was.ref} became part of {storm.ref}, and people were at work on it")
    live = [page.id for page in decision.after.pages_of(now) if page.live]
    holds(not live, "storms", f"{now.ref} is part of {storm.ref} and pages {live} go on")


def _breaks(decision: Decision, number: int, service: str) -> None:
    incident = decision.after.incidents[number]
    needs = decision.configuration.services[incident.services[0]].depends_on
    joins = needs.get(service) == "joins" or service in incident.takes
    holds(joins, "joins", f"{service} joined {incident.ref} of {incident.services}")


class Heard:
    """When each person's messages of a storm may go out first."""

    def __init__(self) -> None:
        self.unbounded: set[str] = set()  # pages asked for while the files say that no storms are told
        self._last: dict[tuple[int, str], tuple[datetime, Level, str]] = {}

    def asked(self, page: Page, incident: Incident) -> None:
        """One more message about an incident. Raises Violation for a second one within a minute.

        What evidence asks for against a person's level goes to who commands at once, always; and what asks
        for something else than to take it (a role, an update) is put off by no storm."""
        if incident.group != "storm" or not page.sends or page.reason == "evidence" or page.asks:
            return
        level = Level.LOW if page.kind is PageKind.QUIET else incident.level
        due, key = min(send.due_at for send in page.sends), (incident.number, page.person)
        last = self._last.get(key)
        if last is not None and level >= last[1] and page.id not in self.unbounded:
            gap = due - last[0]
            text = f"{page.person} hears of {incident.ref} by {last[2]} and {page.id}, {gap} later"
            holds(gap >= _MINUTE, "storms", text)
        self._last[key] = (due, min(level, incident.level), page.id)
