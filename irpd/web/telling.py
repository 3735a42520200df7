"""Messages to audiences, as commands of the API; and what they would say, before they are sent."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum

from aiohttp import web

from irpd.comms.notices import render_notices
from irpd.config.values import Configuration
from irpd.model import command as c
from irpd.model.command import AnyWork
from irpd.model.incident import Incident
from irpd.model.notice import Notice
from irpd.protocol.messages import addresses, approvers
from irpd.protocol.policy import Policy
from irpd.protocol.telling import changed, preview, preview_draft
from irpd.triage.service import ServiceIndex
from irpd.web import bodies as b
from irpd.web.actor import Actor
from irpd.web.looking import Looking, number_of
from irpd.web.ports import Services
from irpd.web.problem import answer
from irpd.web.responding import Build, instant
from irpd.web.views import Object, at_or_null, incident_view


class Telling:
    def __init__(self, services: Services, looking: Looking) -> None:
        self._services = services
        self._looking = looking

    async def drafts(self, request: web.Request, _actor: Actor) -> web.Response:
        """The messages that wait for approval: each as it would go out now, to whom, who may approve it, and
        what its audience doesn't know yet."""
        incident, members, _ = await self._looking.found(number_of(request))
        configuration = self._services.engine.policy.configuration
        views = []
        for name, drafted in incident.response.drafts.items():
            view: Object = {"audience": name, "by": drafted.by or None, "drafted_at": at_or_null(drafted.at)}
            view["approvers"] = list(approvers(configuration, incident, name))
            if name in configuration.audiences:
                notice = preview_draft(self._policy, incident, name, self._services.clock.now())
                view |= _shown(configuration, incident, notice)
            views.append(view)
        document = {"schema": "irpd.drafts/1", "incident": incident_view(incident, members), "drafts": views}
        return answer(document)

    async def preview(self, request: web.Request, actor: Actor) -> web.Response:
        """What ``update`` would tell, with the same body: nothing is sent."""
        number = number_of(request)
        incident, members, _ = await self._looking.found(number)
        command = await update(request, number, actor.name, "")
        assert isinstance(command, c.SendUpdate)
        notices = preview(self._policy, incident, command, self._services.clock.now())
        configuration = self._services.engine.policy.configuration
        views = [_shown(configuration, incident, notice) for notice in notices]
        document = {
            "schema": "irpd.preview/1",
            "incident": incident_view(incident, members),
            "messages": views,
        }
        return answer(document)

    @property
    def _policy(self) -> Policy:
        policy = self._services.engine.policy
        configuration = policy.configuration
        return Policy(configuration, policy.ruleset, ServiceIndex(configuration), policy.hash)


def _shown(configuration: Configuration, incident: Incident, notice: Notice) -> Object:
    """A message before it is sent, in its plain text."""
    rendered = render_notices("", configuration, [notice])
    last = incident.response.told.get(notice.audience)
    audience = configuration.audiences[notice.audience]
    return {
        "audience": notice.audience,
        "template": notice.template.value,
        "language": notice.language,
        "via": audience.via,
        "to": list(addresses(configuration, notice.audience)),
        "send": audience.send,
        "told_at": at_or_null(last.at if last is not None else None),
        "changed": [
            {"what": what, "before": _plain(before), "after": _plain(after)}
            for what, before, after in changed(last, notice)
        ],
        "subject": rendered.subject,
        "text": rendered.text,
        "error": rendered.error or None,
    }


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return at_or_null(value)
    if isinstance(value, tuple):
        return list(value)
    return value.value if isinstance(value, Enum) else value if value != "" else None


async def update(request: web.Request, number: int, by: str, _via: str) -> AnyWork:
    body = await b.read_body(request, b.UpdateBody)
    return c.SendUpdate(
        incident=number,
        by=by,
        progress=body.progress,
        to=tuple(body.to),
        impact=body.impact,
        estimated_resolution=instant("estimated_resolution", body.estimated_resolution),
        draft=body.draft,
    )


async def approve(request: web.Request, number: int, by: str, _via: str) -> AnyWork:
    body = await b.read_body(request, b.AudienceBody)
    return c.ApproveDraft(incident=number, by=by, audience=body.audience)


async def withdraw(request: web.Request, number: int, by: str, _via: str) -> AnyWork:
    body = await b.read_body(request, b.AudienceBody)
    return c.WithdrawDraft(incident=number, by=by, audience=body.audience, because=body.because)


VERBS: Mapping[str, Build] = {"update": update, "approve": approve, "withdraw": withdraw}
