"""What happened, event by event, as a reader of a report needs it: a sentence, or nothing for bookkeeping."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from irpd.comms.clean import cut, line
from irpd.model import event as e
from irpd.model.page import PageKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What people are called (by their ids), and how times read."""

    people: Mapping[str, str]
    clock: Callable[[datetime], str]

    def person(self, id: str) -> str:
        return line(self.people.get(id, id))

    def by(self, id: str) -> str:
        return f" by {self.person(id)}" if id else ""


def _said(text: str) -> str:
    return cut(line(text), 500)


def _because(text: str) -> str:
    return f": {_said(text)}" if text.strip() else ""


def happened(event: e.AnyEvent, names: Names) -> str:
    """The sentence; "" for what only irpd's own record needs."""
    match event:
        case e.Opened():
            why = event.level_by.because or event.level_by.rule or event.level_by.kind
            return f"Opened{names.by(event.by)} at level {event.level}: {_said(why)}"
        case e.SignalJoined():
            return f"Reported by {event.source}: {_said(event.title)}"
        case e.SignalFired():
            return f"Fires again{_because(event.title)}"
        case e.SignalResolved():
            return f"A signal is resolved{_because(event.because)}"
        case e.LevelChanged():
            by = event.level_by
            who = names.by(by.person or "") if by.kind == "person" else f" by {by.rule or by.kind}"
            if event.before == event.after:
                return f"Level {event.after} confirmed{who}{_because(by.because)}"
            return f"Level {event.before} to {event.after}{who}{_because(by.because)}"
        case e.EvidenceExceeded():
            return f"Evidence asks for level {event.level}{_because(event.level_by.because)}"
        case e.Acknowledged():
            return f"{names.person(event.by)} has it{f' (by {event.via})' if event.via else ''}"
        case e.AcknowledgementLapsed():
            return f"Nobody has it any more{_because(event.because)}"
        case e.AcknowledgementStale():
            return f"The acknowledgement is doubted{_because(event.because)}"
        case e.Declined():
            return f"{names.person(event.by)} can't"
        case e.ResponseMissed():
            return f"First response missed: it was due {names.clock(event.due_at)}"
        case e.ObjectiveMissed():
            return f"Missed: {event.objective}, due {names.clock(event.due_at)}"
        case e.Extended():
            return "Past its resolution target: extended"
        case e.RoleAccepted():
            topic = f" ({_said(event.topic)})" if event.topic else ""
            return f"{names.person(event.by)} is {event.role.replace('-', ' ')}{topic}"
        case e.RoleVacant():
            return f"Nobody is {event.role.replace('-', ' ')} yet"
        case e.HelpAsked():
            return f"{names.person(event.by)} asks {event.who}: {_said(event.question)}"
        case e.HelpAnswered():
            return f"{names.person(event.by)} answers: {_said(event.text)}"
        case e.PathStarted():
            return f"Escalation path {event.run.name} begins{names.by(event.by)}{_because(event.because)}"
        case e.Paged():
            return _paged(event, names)
        case e.StageChanged():
            return f"Stage {event.before} to {event.after}{names.by(event.by)}{_because(event.because)}"
        case e.ItemDone():
            return f"Done{names.by(event.by)}: {_said(event.title)}{_because(event.result)}"
        case e.ItemSetAside():
            return f"Set aside{names.by(event.by)}: {_said(event.title)}{_because(event.because)}"
        case e.ActionTaken():
            result = f" Result: {_said(event.result)}" if event.result else ""
            return f"{names.person(event.by)}: {_said(event.text)}.{result}"
        case e.DecisionMade():
            return f"{names.person(event.by)} decided: {_said(event.text)}, because {_said(event.because)}"
        case e.FactsSet():
            return _facts(event, names)
        case e.Noted():
            return f"{names.person(event.by) or event.source}: {_said(event.text)}"
        case e.Resolved():
            return f"Resolved{names.by(event.by) or ' by itself'}{_because(event.because)}"
        case e.Reopened():
            return f"Reopened{names.by(event.by)}{_because(event.because)}"
        case e.Closed():
            return f"Closed{names.by(event.by)}"
        case e.Merged():
            return f"Merged into #{event.into}{names.by(event.by)}"
        case e.ReviewHeld():
            return f"Review held{names.by(event.by)}{_because(event.text)}"
        case e.ReportPublished():
            return f"Report published{names.by(event.by)} (version {event.version})"
        case _:
            return ""


def _paged(event: e.Paged, names: Names) -> str:
    page = event.page
    if page.notice is not None:
        by = ", ".join(dict.fromkeys(send.channel for send in page.sends))
        return f"{page.notice.audience} are told ({page.notice.template}) by {by}"
    if page.kind not in (PageKind.PAGE, PageKind.QUIET):
        return ""
    channels = ", ".join(dict.fromkeys(send.channel for send in page.sends))
    return f"{names.person(page.person)} is paged{f' by {channels}' if channels else ''}"


def _facts(event: e.FactsSet, names: Names) -> str:
    times = {name: names.clock(at) if at else "" for name, at in event.times.items()}
    said = (f"{name} = {_said(text) or 'not known'}" for name, text in {**event.texts, **times}.items())
    return f"Known{names.by(event.by)}: {'; '.join(said)}"
