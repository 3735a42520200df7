"""Reports over HTTP: what they say, who is late, and what people do about them."""

from collections.abc import Mapping
from datetime import datetime

from aiohttp import web

from irpd.comms.places import places
from irpd.model import command as c
from irpd.model.command import AnyWork, Refusal
from irpd.model.incident import Incident
from irpd.model.report import ActionItem
from irpd.review import Document, report_html, report_markdown, report_on
from irpd.review.document import Figure, Paragraph
from irpd.web import bodies as b
from irpd.web.actor import Actor
from irpd.web.history import History
from irpd.web.looking import Looking, number_of
from irpd.web.ports import Services
from irpd.web.problem import answer
from irpd.web.responding import Build, instant
from irpd.web.shapes import utc_text
from irpd.web.views import Object, at_or_null

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_FORMATS = ("json", "md", "html")


class Reporting:
    def __init__(self, services: Services, history: History, looking: Looking) -> None:
        self._services = services
        self._history = history
        self._looking = looking

    async def report(self, request: web.Request, actor: Actor) -> web.Response:
        """The post-incident report as it would be read now; ``format`` is ``json``, ``md`` or ``html``. Times
        are in the zone of whoever asks, or ``tz``."""
        form = request.query.get("format", "json")
        if form not in _FORMATS:
            raise Refusal("invalid", f"format={form[:20]!r}: one of {', '.join(_FORMATS)}")
        number = number_of(request)
        incident, members, _ = await self._looking.found(number)
        configuration = self._services.engine.policy.configuration
        asking = configuration.people.get(actor.person)
        document = report_on(
            incident,
            await self._history.events(number),
            people={id: person.name for id, person in configuration.people.items()},
            services={id: service.title or id for id, service in configuration.services.items()},
            places=places(incident, members, configuration, self._services.clock.now()),
            zone=request.query.get("tz") or (asking or configuration.server).time_zone,
        )
        if form == "md":
            return web.Response(text=report_markdown(document), content_type="text/markdown")
        if form == "html":
            headers = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"}
            return web.Response(text=report_html(document), content_type="text/html", headers=headers)
        return answer({"schema": "irpd.report/1", "report": _view(document, incident)})

    async def reports(self, _request: web.Request, _actor: Actor) -> web.Response:
        """Reports that aren't settled yet, the longest due first: state, review and action items."""
        open_ones = [
            incident
            for incident in self._services.engine.state.incidents.values()
            if incident.report is not None and not incident.report.settled
        ]
        open_ones.sort(key=lambda one: (one.report.due_at if one.report else one.opened_at, one.number))
        return answer({"schema": "irpd.reports/1", "reports": [_row(one) for one in open_ones]})


def _row(incident: Incident) -> Object:
    report = incident.report
    assert report is not None
    return {
        "incident": incident.number,
        "ref": incident.ref,
        "title": incident.title,
        "level": int(incident.level),
        "severity": incident.level.severity,
        "state": report.state,
        "version": report.version,
        "owner": report.owner,
        "due_at": utc_text(report.due_at),
        "reviewed_by": report.reviewed_by or None,
        "published_at": at_or_null(report.published_at),
        "review_at": at_or_null(report.review_at),
        "review_held_at": at_or_null(report.review_held_at),
        "items": [_item(item) for item in report.items],
    }


def _item(item: ActionItem) -> Object:
    return {
        "n": item.n,
        "text": item.text,
        "kind": item.kind.value,
        "owner": item.owner,
        "due_at": utc_text(item.due_at),
        "done_at": at_or_null(item.done_at),
        "dropped": item.dropped,
    }


def _view(document: Document, incident: Incident) -> Object:
    return {
        **(_row(incident) if incident.report is not None else {"incident": incident.number, "state": None}),
        "zone": document.zone,
        "head": [{"title": title, "text": _plain(text)} for title, text in document.head],
        "sections": [
            {
                "id": section.id,
                "title": section.title,
                "written": bool(section.written),
                "text": section.written or "\n".join(_plain(text) for text in section.paragraphs),
                "events": sorted(
                    {p.seq for text in section.paragraphs for p in text if isinstance(p, Figure)}
                ),
            }
            for section in document.sections
        ],
        "timeline": [{"seq": one.seq, "at": one.at, "text": one.text} for one in document.timeline],
    }


def _plain(paragraph: Paragraph) -> str:
    return "".join(piece.text if isinstance(piece, Figure) else piece for piece in paragraph)


# ------------------------------------------------------------------ what people do
async def _ask(request: web.Request, number: int, by: str, _via: str) -> AnyWork:
    await b.read_body(request, b.Nothing)
    return c.AskReport(incident=number, by=by)


async def _assign(request: web.Request, number: int, by: str, _via: str) -> AnyWork:
    body = await b.read_body(request, b.AssignBody)
    return c.AssignReport(incident=number, by=by, owner=body.owner, due_at=instant("due_at", body.due_at))


async def _write(request: web.Request, number: int, by: str, _via: str) -> AnyWork:
    body = await b.read_body(request, b.WriteBody)
    return c.WriteReport(incident=number, by=by, sections=body.sections, version=body.version)


async def _review(request: web.Request, number: int, by: str, _via: str) -> AnyWork:
    await b.read_body(request, b.Nothing)
    return c.ReviewReport(incident=number, by=by)


async def _publish(request: web.Request, number: int, by: str, _via: str) -> AnyWork:
    await b.read_body(request, b.Nothing)
    return c.PublishReport(incident=number, by=by)


async def _plan(request: web.Request, number: int, by: str, _via: str) -> AnyWork:
    body = await b.read_body(request, b.PlanBody)
    return c.PlanReview(incident=number, by=by, at=_needed("at", body.at))


async def _held(request: web.Request, number: int, by: str, _via: str) -> AnyWork:
    body = await b.read_body(request, b.HeldBody)
    return c.HoldReview(incident=number, by=by, text=body.text)


async def _add(request: web.Request, number: int, by: str, _via: str) -> AnyWork:
    body = await b.read_body(request, b.AddItemBody)
    due = _needed("due_at", body.due_at)
    return c.AddActionItem(
        incident=number, by=by, text=body.text, kind=body.kind, owner=body.owner, due_at=due
    )


async def _change(request: web.Request, number: int, by: str, _via: str) -> AnyWork:
    body = await b.read_body(request, b.ChangeItemBody)
    due = instant("due_at", body.due_at)
    return c.ChangeActionItem(incident=number, by=by, n=body.n, owner=body.owner, due_at=due)


async def _end(request: web.Request, number: int, by: str, _via: str) -> AnyWork:
    body = await b.read_body(request, b.EndItemBody)
    return c.EndActionItem(incident=number, by=by, n=body.n, result=body.result, dropped=body.dropped)


VERBS: Mapping[str, Build] = {
    "report-ask": _ask,
    "report-assign": _assign,
    "report-write": _write,
    "report-review": _review,
    "report-publish": _publish,
    "review-plan": _plan,
    "review-held": _held,
    "item-add": _add,
    "item-change": _change,
    "item-end": _end,
}


def _needed(name: str, text: str) -> datetime:
    at = instant(name, text)
    if at is None:
        raise Refusal("invalid", f"{name} is needed: a time such as 2026-11-24T03:00:00Z")
    return at
