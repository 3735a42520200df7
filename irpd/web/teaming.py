"""Roles and help, as commands of the API."""

from collections.abc import Mapping

from aiohttp import web

from irpd.model import command as c
from irpd.model.command import AnyWork
from irpd.web import bodies as b
from irpd.web.responding import Build


async def role(request: web.Request, number: int, by: str, _via: str) -> AnyWork:
    body = await b.read_body(request, b.RoleBody)
    return c.AssignRole(
        incident=number, by=by, role=body.role, person=body.person, topic=body.topic, because=body.because
    )


async def accept(request: web.Request, number: int, by: str, _via: str) -> AnyWork:
    body = await b.read_body(request, b.TakenRoleBody)
    return c.AcceptRole(incident=number, by=by, role=body.role)


async def decline(request: web.Request, number: int, by: str, _via: str) -> AnyWork:
    body = await b.read_body(request, b.TakenRoleBody)
    return c.DeclineRole(incident=number, by=by, role=body.role)


async def ask(request: web.Request, number: int, by: str, _via: str) -> AnyWork:
    body = await b.read_body(request, b.AskBody)
    return c.AskHelp(incident=number, by=by, who=body.who, question=body.question)


async def answer(request: web.Request, number: int, by: str, _via: str) -> AnyWork:
    body = await b.read_body(request, b.AnswerBody)
    return c.AnswerHelp(incident=number, by=by, ask=body.ask, text=body.text)


VERBS: Mapping[str, Build] = {
    "role": role,
    "accept": accept,
    "decline": decline,
    "ask": ask,
    "answer": answer,
}
