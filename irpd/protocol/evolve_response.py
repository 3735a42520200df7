"""How what the responders do, and what audiences are told, changes an incident's row."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from irpd.model import event as e
from irpd.model.incident import Incident, LevelBy
from irpd.model.notice import DraftedNotice, Notice, Template, last_told
from irpd.model.response import ItemEnd, Response
from irpd.model.stage import Stage
from irpd.protocol.stages import Cause, follows

Done = (
    e.StageChanged | e.ItemDone | e.ItemSetAside | e.ActionTaken | e.DecisionMade | e.FactsSet
    | e.Drafted | e.DraftApproved | e.DraftWithdrawn
)  # fmt: skip
#: What is over stays in memory for so long after its newest message, however soon it may be closed.
SENDING = timedelta(minutes=10)


def evolve_response(incident: Incident, event: Done, at: datetime) -> Incident:
    """The incident after it; its version is counted by the caller."""
    response = incident.response
    match event:
        case e.StageChanged():
            return replace(incident, stage=Stage(event.after), stage_at=at)
        case e.ItemDone() | e.ItemSetAside():
            end = ItemEnd(at=at, by=event.by, set_aside=isinstance(event, e.ItemSetAside))
            return replace(incident, response=replace(response, items={**response.items, event.item: end}))
        case e.ActionTaken():
            return replace(incident, response=replace(response, actions=response.actions + 1))
        case e.DecisionMade():
            return replace(incident, response=replace(response, decisions=response.decisions + 1))
        case e.FactsSet():
            return _facts(incident, event)
        case e.Drafted():
            drafted = DraftedNotice(notice=event.notice, at=at, by=event.by)
            drafts = {**response.drafts, event.notice.audience: drafted}
            return replace(incident, response=replace(response, drafts=drafts))
        case e.DraftApproved():
            return replace(incident, response=_without(response, event.audience))
        case e.DraftWithdrawn():
            drafted_before = response.drafts.get(event.audience)
            response = _without(response, event.audience)
            first = drafted_before is not None and drafted_before.notice.template is Template.INITIAL
            if event.by and first and event.audience not in response.told:
                response = replace(response, left_out=(*response.left_out, event.audience))
            return replace(incident, response=response)


def _without(response: Response, audience: str) -> Response:
    drafts = {name: drafted for name, drafted in response.drafts.items() if name != audience}
    return replace(response, drafts=drafts)


def messaged(response: Response, notice: Notice, at: datetime) -> Response:
    """A message goes out."""
    told = {**response.told, notice.audience: last_told(notice, at)}
    left_out = tuple(name for name in response.left_out if name != notice.audience)
    return replace(response, told=told, left_out=left_out, sending_until=at + SENDING)


def _facts(incident: Incident, event: e.FactsSet) -> Incident:
    facts = dict(incident.response.facts)
    for name, text in event.texts.items():
        if name == "detected-by":
            incident = replace(incident, detected_by=text)
        elif text:
            facts[name] = text
        else:
            facts.pop(name, None)
    response = replace(incident.response, facts=facts)
    for name, at in event.times.items():
        match name:
            case "impact-from":
                incident = replace(incident, impact_from=at)
            case "impact-to":
                response = replace(response, impact_to=at)
            case "estimated-resolution":
                response = replace(response, estimated_resolution=at)
    return replace(incident, response=response)


def followed(incident: Incident, cause: Cause, at: datetime) -> Incident:
    """The incident at the stage to which this moves it."""
    stage = follows(cause, incident.stage)
    return incident if stage is incident.stage else replace(incident, stage=stage, stage_at=at)


def level_said(response: Response, by: LevelBy, at: datetime) -> Response:
    """A person's word confirms the level; one that a rule changed afterwards is to be confirmed again."""
    if by.kind == "person":
        return replace(response, items={**response.items, "level": ItemEnd(at=at, by=by.person or "")})
    if "level" not in response.items:
        return response
    return replace(response, items={id: end for id, end in response.items.items() if id != "level"})
