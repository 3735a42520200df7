"""What responders say of an incident, as commands of the API: stages, their items, actions, decisions, facts;
and what there is to do."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from aiohttp import web

from irpd.model import command as c
from irpd.model.command import AnyWork, Refusal
from irpd.model.level import Level
from irpd.protocol.todo import Task, moves, todo
from irpd.protocol.work import TIMES
from irpd.web import bodies as b
from irpd.web.actor import Actor
from irpd.web.looking import Looking, number_of
from irpd.web.ports import Services
from irpd.web.problem import answer
from irpd.web.views import Object, at_or_null, incident_view

Build = Callable[[web.Request, int, str, str], Awaitable[AnyWork]]


class Responding:
    def __init__(self, services: Services, looking: Looking) -> None:
        self._services = services
        self._looking = looking

    async def todo(self, request: web.Request, _actor: Actor) -> web.Response:
        """What is to be done about it now: each task with who sees to it, by when, and the command; where its
        stage may be moved; what the protocol recognises the levels by."""
        incident, members, _ = await self._looking.found(number_of(request))
        configuration = self._services.engine.policy.configuration
        return answer(
            {
                "schema": "irpd.todo/1",
                "incident": incident_view(incident, members),
                "tasks": [_task(task) for task in todo(configuration, incident)],
                "moves": [stage.value for stage in moves(incident)],
                "levels": [
                    {
                        "level": int(level),
                        "severity": level.severity,
                        "characteristics": list(level.characteristics),
                        "impact": level.impact,
                    }
                    for level in Level
                ],
            }
        )


def _task(task: Task) -> Object:
    return {
        "id": task.id,
        "kind": task.kind,
        "stage": task.stage.value,
        "title": task.title,
        "role": task.role,
        "persons": list(task.persons),
        "due_at": at_or_null(task.due_at),
        "command": task.command,
    }


async def stage(request: web.Request, number: int, by: str, _via: str) -> AnyWork:
    body = await b.read_body(request, b.StageBody)
    return c.MoveStage(incident=number, by=by, stage=body.stage, because=body.because, aside=body.aside)


async def done(request: web.Request, number: int, by: str, _via: str) -> AnyWork:
    body = await b.read_body(request, b.ItemBody)
    return c.FinishItem(incident=number, by=by, item=body.item, result=body.result)


async def set_aside(request: web.Request, number: int, by: str, _via: str) -> AnyWork:
    body = await b.read_body(request, b.AsideBody)
    return c.SetItemAside(incident=number, by=by, item=body.item, because=body.because)


async def action(request: web.Request, number: int, by: str, _via: str) -> AnyWork:
    body = await b.read_body(request, b.ActionBody)
    return c.TakeAction(incident=number, by=by, text=body.text, result=body.result)


async def decide(request: web.Request, number: int, by: str, _via: str) -> AnyWork:
    body = await b.read_body(request, b.DecisionBody)
    return c.MakeDecision(incident=number, by=by, text=body.text, because=body.because)


async def set_facts(request: web.Request, number: int, by: str, _via: str) -> AnyWork:
    body = await b.read_body(request, b.FactsBody)
    texts = {name: text or "" for name, text in body.facts.items() if name not in TIMES}
    times = {name: instant(name, text) for name, text in body.facts.items() if name in TIMES}
    return c.SetFacts(incident=number, by=by, texts=texts, times=times)


async def close(request: web.Request, number: int, by: str, _via: str) -> AnyWork:
    await b.read_body(request, b.Nothing)
    return c.Close(incident=number, by=by)


VERBS: Mapping[str, Build] = {
    "stage": stage,
    "done": done,
    "set-aside": set_aside,
    "action": action,
    "decide": decide,
    "set": set_facts,
    "close": close,
}


def instant(name: str, text: str | None) -> datetime | None:
    """RFC 3339 with its zone; null or nothing takes the time back."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Refusal("invalid", f"{name}: {text[:40]!r} is no time such as 2026-11-24T03:00:00Z")
    return at.astimezone(UTC)
