"""What people do about what follows an incident: write, review and publish its report, hold the review, and
work on the action items."""

from irpd.model import command as c
from irpd.model import event as e
from irpd.model.command import Refusal
from irpd.model.incident import Incident, State
from irpd.model.report import ActionItem, ActionKind, Report
from irpd.protocol.draft import Draft
from irpd.protocol.people import Answer
from irpd.protocol.reporting import ask as ask_of
from irpd.protocol.reporting import day, tell

#: The sections that people write, in the protocol's order; the timeline and the action items are made.
SECTIONS = {
    "summary": "Executive summary",
    "root-cause": "Root cause analysis",
    "impact": "Impact assessment",
    "resolution": "Resolution details",
    "lessons": "Lessons learned",
}
#: Bounds: characters of a section and of an action item, items of an incident.
LONGEST_SECTION = 20_000
LONGEST_ITEM = 500
MOST_ITEMS = 100


# ------------------------------------------------------------------ what people do
def ask(draft: Draft, command: c.AskReport) -> Answer:
    """A report of an incident that needn't have one."""
    incident = _over(draft, command.incident)
    if incident.report is not None:
        return Answer(
            incident.number, False, f"{incident.ref} has a report already ({incident.report.state})."
        )
    reports = draft.configuration.reports
    incident = ask_of(draft, incident, reports.of(incident.level) or reports.otherwise, by=command.by)
    assert incident.report is not None
    return Answer(incident.number, True, f"Asked of {draft.name(incident.report.owner)}.")


def assign(draft: Draft, command: c.AssignReport) -> Answer:
    incident, report = _of(draft, command.incident)
    owner = _person(draft, command.owner) if command.owner else report.owner
    due = command.due_at or report.due_at
    if (owner, due) == (report.owner, report.due_at):
        return Answer(incident.number, False, f"It is {draft.name(owner)}'s already.")
    incident = draft.emit(incident.number, e.ReportAssigned(owner=owner, due_at=due, by=command.by))
    if owner not in (report.owner, command.by):
        text = f"The report of {incident.ref} is yours now, due {day(draft, owner, due)}."
        tell(draft, incident, owner, text)
    return Answer(incident.number, True, f"The report is {draft.name(owner)}'s.")


def write(draft: Draft, command: c.WriteReport) -> Answer:
    incident, report = _of(draft, command.incident)
    if command.version is not None and command.version != report.version:
        raise Refusal(
            "stale", f"the report was changed: it is at version {report.version}, not {command.version}"
        )
    if not command.sections:
        raise Refusal("invalid", f"name a section: {', '.join(SECTIONS)}")
    for name, text in command.sections.items():
        if name not in SECTIONS:
            raise Refusal("invalid", f"no section {name[:40]!r}; there are {', '.join(SECTIONS)}")
        if len(text) > LONGEST_SECTION:
            raise Refusal(
                "invalid",
                f"{SECTIONS[name]} has {len(text):,} characters; at most {LONGEST_SECTION:,} are kept",
            )
    version = report.version + 1
    sections = {name: text.strip() for name, text in command.sections.items()}
    draft.emit(incident.number, e.ReportWritten(version=version, sections=sections, by=command.by))
    return Answer(incident.number, True, f"Saved as version {version}.")


def review(draft: Draft, command: c.ReviewReport) -> Answer:
    incident, report = _of(draft, command.incident)
    if not report.version:
        raise Refusal("state", f"nothing was written yet: irpd report edit {incident.number}")
    if command.by == report.owner:
        raise Refusal("permission", f"the report is {draft.name(report.owner)}'s; somebody else reviews it")
    if report.reviewed_version == report.version:
        return Answer(incident.number, False, f"{draft.name(report.reviewed_by)} has reviewed it already.")
    incident = draft.emit(incident.number, e.ReportReviewed(version=report.version, by=command.by))
    tell(
        draft, incident, report.owner, f"{draft.name(command.by)} has reviewed the report of {incident.ref}."
    )
    return Answer(incident.number, True, f"Version {report.version} is reviewed.")


def publish(draft: Draft, command: c.PublishReport) -> Answer:
    """What was reviewed goes out; each action item has an owner and a time by then."""
    incident, report = _of(draft, command.incident)
    if report.state == "published":
        return Answer(incident.number, False, f"Version {report.version} is published already.")
    if report.state != "reviewed":
        raise Refusal(
            "state",
            f"the report is {report.state}: it is published once somebody has reviewed its newest version",
        )
    draft.emit(incident.number, e.ReportPublished(version=report.version, by=command.by))
    return Answer(incident.number, True, f"Version {report.version} is published.")


def plan_review(draft: Draft, command: c.PlanReview) -> Answer:
    incident, report = _of(draft, command.incident)
    if command.at <= draft.now:
        raise Refusal("invalid", "a review is planned for a time to come")
    incident = draft.emit(incident.number, e.ReviewPlanned(at=command.at, by=command.by))
    for person in _involved(incident, report):
        if person != command.by:
            text = f"The review of {incident.ref} is planned for {day(draft, person, command.at)}."
            incident = tell(draft, incident, person, text)
    return Answer(incident.number, True, "The review is planned.")


def hold_review(draft: Draft, command: c.HoldReview) -> Answer:
    incident, report = _of(draft, command.incident)
    if report.review_held_at is not None:
        return Answer(incident.number, False, "The review was held already.")
    text = _said(command.text, "what came of it", LONGEST_SECTION, needed=False)
    draft.emit(incident.number, e.ReviewHeld(text=text, by=command.by))
    return Answer(incident.number, True, "The review is recorded.")


def add_item(draft: Draft, command: c.AddActionItem) -> Answer:
    incident, report = _of(draft, command.incident)
    if command.kind not in tuple(ActionKind):
        raise Refusal("invalid", f"no kind {command.kind[:40]!r}; there are {', '.join(ActionKind)}")
    if len(report.items) >= MOST_ITEMS:
        raise Refusal("invalid", f"{incident.ref} has {MOST_ITEMS} action items; that is as many as are kept")
    owner = _person(draft, command.owner)
    n = len(report.items) + 1
    text = _said(command.text, "what is to be done", LONGEST_ITEM)
    incident = draft.emit(
        incident.number,
        e.ActionItemAdded(
            n=n, text=text, kind=command.kind, owner=owner, due_at=command.due_at, by=command.by
        ),
    )
    if owner != command.by:
        due = day(draft, owner, command.due_at)
        tell(draft, incident, owner, f"Action item {n} of {incident.ref} is yours, due {due}: {text}")
    return Answer(incident.number, True, f"Action item {n} is {draft.name(owner)}'s.")


def change_item(draft: Draft, command: c.ChangeActionItem) -> Answer:
    incident, report = _of(draft, command.incident)
    item = _open_item(incident, report, command.n)
    owner = _person(draft, command.owner) if command.owner else item.owner
    due = command.due_at or item.due_at
    incident = draft.emit(
        incident.number, e.ActionItemChanged(n=item.n, owner=owner, due_at=due, by=command.by)
    )
    if owner not in (item.owner, command.by):
        text = f"Action item {item.n} of {incident.ref} is yours, due {day(draft, owner, due)}: {item.text}"
        tell(draft, incident, owner, text)
    return Answer(incident.number, True, f"Action item {item.n} is {draft.name(owner)}'s.")


def end_item(draft: Draft, command: c.EndActionItem) -> Answer:
    incident, report = _of(draft, command.incident)
    item = _open_item(incident, report, command.n)
    what = "why it is dropped" if command.dropped else "the result"
    result = _said(command.result, what, LONGEST_ITEM, needed=command.dropped)
    draft.emit(
        incident.number,
        e.ActionItemEnded(n=item.n, result=result, dropped=command.dropped, by=command.by),
    )
    return Answer(
        incident.number, True, f"Action item {item.n} is {'dropped' if command.dropped else 'done'}."
    )


def _over(draft: Draft, number: int) -> Incident:
    incident = draft.incident(number)
    if incident.state is State.MERGED:
        raise Refusal("state", f"{incident.ref} {draft.over(incident)}: the report is of that one")
    if incident.state.active:
        raise Refusal("state", f"{incident.ref} is {incident.state}: its report comes when it is over")
    return incident


def _of(draft: Draft, number: int) -> tuple[Incident, Report]:
    incident = draft.incident(number)
    if incident.report is None:
        incident = _over(draft, number)
        raise Refusal("state", f"{incident.ref} has no report; irpd report ask {number}")
    return incident, incident.report


def _person(draft: Draft, person: str) -> str:
    people = draft.configuration.people
    if person not in people:
        raise Refusal(
            "not-found", f"there is no person {person[:40]!r}; there are {', '.join(sorted(people))}"
        )
    return person


def _item(incident: Incident, report: Report, n: int) -> ActionItem:
    for item in report.items:
        if item.n == n:
            return item
    raise Refusal("not-found", f"{incident.ref} has no action item {n}")


def _open_item(incident: Incident, report: Report, n: int) -> ActionItem:
    item = _item(incident, report, n)
    if item.done_at is not None:
        raise Refusal("state", f"action item {n} of {incident.ref} is over already")
    return item


def _said(text: str, what: str, most: int, *, needed: bool = True) -> str:
    text = text.strip()
    if needed and not text:
        raise Refusal("invalid", f"say {what}")
    if len(text) > most:
        raise Refusal("invalid", f"{what} has {len(text):,} characters; at most {most:,} are kept")
    return text


def _involved(incident: Incident, report: Report) -> tuple[str, ...]:
    """Who meets over it: who wrote it, who had a role, who had it, and who owns what follows."""
    owners = (item.owner for item in report.items)
    return tuple(dict.fromkeys((report.owner, *incident.roles.values(), *incident.acknowledged_by, *owners)))
