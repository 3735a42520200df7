"""What is to be done about an incident now, by whom and how: the protocol as a list to work through.

It is derived from the incident and the configuration at each asking, never stored. Each part of the protocol
that can be due adds what it has; the order is that in which a commander should look at it.
"""

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from irpd.config.values import Configuration
from irpd.model.incident import Incident, State
from irpd.model.role import COMMUNICATIONS, title
from irpd.model.stage import Stage
from irpd.protocol.checklist import COMMANDER, Item, checklist
from irpd.protocol.messages import approvers
from irpd.protocol.stages import MOVES

#: Whoever has an incident.
RESPONDER = "responder"
#: Whose a report is.
AUTHOR = "author"


class Task(Struct, frozen=True, kw_only=True):
    """``role`` sees to it, ``persons`` are who that is now (none: nobody yet). ``due_at``: by when, None: as
    soon as can be. ``command`` does it once its placeholders in capitals are filled."""

    id: str
    kind: str  # acknowledge | role | question | draft | update | item | end | report
    title: str
    role: str
    persons: tuple[str, ...]
    command: str
    stage: Stage
    due_at: datetime | None = None


def todo(configuration: Configuration, incident: Incident) -> list[Task]:
    """What is due, the most pressing first; nothing once it was merged or everything is done."""
    if incident.state is State.MERGED:
        return []
    return [
        *_somebody(incident),
        *_roles(incident),
        *_questions(incident),
        *_messages(configuration, incident),
        *_items(configuration, incident),
        *_end(incident),
        *_report(incident),
    ]


def persons_of(incident: Incident, role: str) -> tuple[str, ...]:
    """Who sees to what this role sees to: who fills it, else who commands, else who has the incident."""
    for name in (role, COMMANDER) if role != RESPONDER else ():
        if name in incident.roles:
            return (incident.roles[name],)
    return incident.acknowledged_by


def moves(incident: Incident) -> tuple[Stage, ...]:
    """Where it may be moved now."""
    return MOVES[incident.stage] if incident.state.active else ()


def _task(
    incident: Incident,
    id: str,
    title: str,
    command: str,
    *,
    kind: str,
    role: str,
    stage: Stage | None = None,
    due_at: datetime | None = None,
) -> Task:
    return Task(
        id=id,
        kind=kind,
        title=title,
        role=role,
        persons=persons_of(incident, role),
        command=command,
        stage=stage or incident.stage,
        due_at=due_at,
    )


def _somebody(incident: Incident) -> Iterator[Task]:
    if incident.state is State.OPEN:
        yield _task(
            incident,
            "acknowledge",
            "Somebody has it",
            f"irpd incident ack {incident.number}",
            kind="acknowledge",
            role=RESPONDER,
            due_at=incident.respond_by,
        )


def _messages(configuration: Configuration, incident: Incident) -> Iterator[Task]:
    """Drafts that wait, and the next word to the audiences that were told."""
    for name in incident.response.drafts:
        who = approvers(configuration, incident, name)
        command = f"irpd incident approve {incident.number} {name}"
        what = f"Message to {name}: approve or withdraw the draft"
        task = _task(incident, f"draft-{name}", what, command, kind="draft", role=COMMUNICATIONS)
        yield replace(task, persons=who)
    clock = incident.objectives.update
    if clock is not None and incident.state.active:
        told = incident.response.told
        tell = f'irpd incident update {incident.number} --progress "WHAT WAS DONE"'
        note = f'irpd incident note {incident.number} "WHAT THEY WERE TOLD" --update'
        yield _task(
            incident,
            "update",
            "Tell the audiences how it stands" if told else "Tell those who are to know how it stands",
            tell if told else note,
            kind="update",
            role=COMMUNICATIONS,
            due_at=incident.objectives.missed_since or clock.due_at,
        )


def _roles(incident: Incident) -> Iterator[Task]:
    """Those that somebody is asked to take, or has without having said yes."""
    for role, seat in incident.seats.items() if incident.state.active else ():
        asked = seat.asked or ("" if seat.accepted else incident.roles.get(role, ""))
        if asked:
            name = role.partition("/")[0]
            yield Task(
                id=f"accept-{name}", kind="role", title=f"Accept the role: {title(role, seat.topic)}",
                role=name, persons=(asked,), command=f"irpd incident accept {incident.number} {name}",
                stage=incident.stage, due_at=seat.next_at,
            )  # fmt: skip


def _questions(incident: Incident) -> Iterator[Task]:
    for ask in incident.asks:
        yield Task(
            id=f"question-{ask.n}", kind="question", title=f"Answer question {ask.n}: {ask.question[:200]}",
            role=ask.who, persons=(ask.taken_by,) if ask.taken_by else ask.asked,
            command=f'irpd incident answer {incident.number} {ask.n} "ANSWER"', stage=incident.stage,
            due_at=ask.next_at,
        )  # fmt: skip


def _items(configuration: Configuration, incident: Incident) -> Iterator[Task]:
    """The open items up to the stage it is at; those of a later one are not due yet."""
    for stage in Stage:
        if stage.order > incident.stage.order:
            return
        for item in checklist(configuration, stage):
            if item.holds is None and item.open(configuration, incident):
                command = _how(incident, item)
                yield _task(incident, item.id, item.title, command, kind="item", role=item.role, stage=stage)


def _how(incident: Incident, item: Item) -> str:
    if item.id == "level":
        return f'irpd incident level {incident.number} {incident.level.severity} --because "WHY"'
    return f'irpd incident done {incident.number} {item.id} "{item.asks}"'


def _end(incident: Incident) -> Iterator[Task]:
    if incident.unconfirmed and incident.level.urgent:
        yield _task(
            incident,
            "confirm",
            "All signals are resolved: confirm that it is over",
            f'irpd incident resolve {incident.number} --because "WHAT IT WAS"',
            kind="end",
            role=COMMANDER,
        )


def _report(incident: Incident) -> Iterator[Task]:
    """What is to be done once it is over: the report on its way, the review, the action items."""
    report, number = incident.report, incident.number
    if report is None or incident.state.active:
        return

    def task(id: str, title: str, command: str, role: str, person: str, due_at: datetime) -> Task:
        made = _task(incident, id, title, command, kind="report", role=role, due_at=due_at)
        return replace(made, persons=(person,) if person else ())

    match report.state:
        case "asked" | "draft" if not report.version:
            yield task(
                "report",
                "Write the report",
                f"irpd report edit {number}",
                AUTHOR,
                report.owner,
                report.due_at,
            )
        case "draft":
            command = f"irpd report review {number}"
            yield task("report", "Have the report reviewed", command, "reviewer", "", report.due_at)
        case "reviewed":
            command = f"irpd report publish {number}"
            yield task("report", "Publish the report", command, AUTHOR, report.owner, report.due_at)
    if report.review_at is not None and report.review_held_at is None:
        command = f'irpd report held {number} "WHAT CAME OF IT"'
        yield task("review", "Hold the review", command, AUTHOR, report.owner, report.review_at)
    for item in report.items:
        if item.done_at is None:
            command = f'irpd report done {number} {item.n} "RESULT"'
            yield task(f"item-{item.n}", item.text, command, "owner", item.owner, item.due_at)
