"""How what follows an incident changes its row: the report, the review and the action items."""

from datetime import datetime

from msgspec.structs import replace

from irpd.model import event as e
from irpd.model.incident import Incident
from irpd.model.report import ActionItem, ActionKind, Report
from irpd.protocol.rows import Torn

Followed = (
    e.ReportAsked | e.ReportAssigned | e.ReportWritten | e.ReportReviewed | e.ReportPublished
    | e.ReviewPlanned | e.ReviewHeld | e.ActionItemAdded | e.ActionItemChanged | e.ActionItemEnded
    | e.Reminded
)  # fmt: skip


def evolve_report(incident: Incident, event: Followed, at: datetime) -> Incident:
    """The incident after it; its version is counted by the caller."""
    if isinstance(event, e.ReportAsked):
        asked = Report(
            owner=event.owner,
            due_at=event.due_at,
            asked_at=at,
            review_at=event.review_at,
            escalate_after=event.escalate_after,
        )
        return replace(incident, report=asked)
    if incident.report is None:
        raise Torn(f"{incident.ref} has no report")
    return replace(incident, report=_after(incident.report, event, at))


def _after(report: Report, event: Followed, at: datetime) -> Report:
    match event:
        case e.ReportAssigned():
            return replace(report, owner=event.owner, due_at=event.due_at, reminded=0)
        case e.ReportWritten():
            return replace(report, version=event.version)
        case e.ReportReviewed():
            return replace(report, reviewed_version=event.version, reviewed_by=event.by)
        case e.ReportPublished():
            return replace(report, published_version=event.version, published_at=report.published_at or at)
        case e.ReviewPlanned():
            return replace(report, review_at=event.at, review_held_at=None, review_reminded=False)
        case e.ReviewHeld():
            return replace(report, review_held_at=at)
        case e.ActionItemAdded():
            item = ActionItem(
                n=event.n,
                text=event.text,
                kind=ActionKind(event.kind),
                owner=event.owner,
                due_at=event.due_at,
            )
            return replace(report, items=(*report.items, item))
        case e.ActionItemChanged():
            return _changed(report, event.n, owner=event.owner, due_at=event.due_at, reminded=0)
        case e.ActionItemEnded():
            return _changed(report, event.n, done_at=at, dropped=event.dropped)
        case e.Reminded():
            if event.what == "report":
                return replace(report, reminded=event.step)
            if event.what == "review":
                return replace(report, review_reminded=True)
            return _changed(report, int(event.what), reminded=event.step)
        case _:
            raise Torn(f"{type(event).__name__} can't happen to a report twice")


def _changed(report: Report, n: int, **changes: object) -> Report:
    items = tuple(replace(item, **changes) if item.n == n else item for item in report.items)
    return replace(report, items=items)
