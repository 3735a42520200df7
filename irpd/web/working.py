"""Commands on incidents: a request becomes a command of the core, its answer the incident."""

import asyncio
from collections.abc import Mapping

from aiohttp import web
from msgspec.structs import replace

from irpd.model import command as c
from irpd.model.command import AnyWork, Refusal
from irpd.model.page import Page, PageKind
from irpd.web import bodies as b
from irpd.web.actor import Actor
from irpd.web.history import History
from irpd.web.looking import Looking, number_of
from irpd.web.ports import Services
from irpd.web.problem import answer
from irpd.web.reporting import VERBS as REPORTING
from irpd.web.responding import VERBS as RESPONDING
from irpd.web.responding import Build
from irpd.web.teaming import VERBS as TEAMING
from irpd.web.telling import VERBS as TELLING
from irpd.web.views import incident_document, incident_view


class Working:
    def __init__(self, services: Services, history: History) -> None:
        self._services = services
        self._looking = Looking(services, history)

    async def open(self, request: web.Request, actor: Actor) -> web.Response:
        """Open an incident by hand: ``title``, ``service``, ``level``, ``because``, ``text``."""
        body = await b.read_body(request, b.OpenBody)
        command = c.Open(
            by=_who(actor, must_be_person=False),
            title=body.title,
            service=body.service,
            level=None if body.level is None else b.level_of(body.level),
            because=body.because,
            text=body.text,
        )
        return await self._done(0, await self._services.engine.submit(command), status=201)

    async def acknowledge_all(self, request: web.Request, actor: Actor) -> web.Response:
        """Acknowledge everything that is paged to you and that nobody has yet."""
        by = _who(actor, must_be_person=True)
        await b.read_body(request, b.Nothing)
        pages = list(self._services.engine.state.pages.values())
        asked: set[tuple[int, str]] = set()  # what asks for something else is answered by itself
        for start in range(0, len(pages), 2000):
            waits = (page for page in pages[start : start + 2000] if _asks(page, by))
            asked |= {(page.incident, page.id if page.asks else "") for page in waits}
            await asyncio.sleep(0)
        answers, views = [], {}
        for number, page_id in sorted(asked):
            command = c.Acknowledge(incident=number, by=by, via="cli" if actor.local else "api", page=page_id)
            result = await self._services.engine.submit(command)
            incident, members, _ = await self._looking.found(number)
            views[number] = incident_view(incident, members)
            answers.append({"incident": number, **_said(result)})
        shown = list(views.values())
        return answer({"schema": "irpd.acknowledged/1", "person": by, "incidents": shown, "answers": answers})

    async def command(self, request: web.Request, actor: Actor) -> web.Response:
        """Work on it: ``ack`` (path), ``cant``, ``undo``, ``escalate`` (path, because), ``level`` (level,
        because), ``note`` (text, update), ``role`` (role, person, topic, because), ``accept`` and ``decline``
        (role), ``ask`` (who, question), ``answer`` (ask, text), ``resolve`` and ``reopen`` (because),
        ``close``, ``merge`` (into),
        ``split`` (signals); ``stage`` (stage, because, aside), ``done`` (item, result), ``set-aside`` (item,
        because), ``action`` (text, result), ``decide`` (text, because), ``set`` (facts, by name);
        ``report-ask``, ``report-assign`` (owner, due_at), ``report-write`` (sections, version),
        ``report-review``, ``report-publish``, ``review-plan`` (at), ``review-held`` (text), ``item-add``
        (text, owner, due_at, kind), ``item-change`` (n, owner, due_at), ``item-end`` (n, result, dropped).
        ``update`` (progress, to, impact, estimated_resolution, draft), ``approve`` (audience), ``withdraw``
        (audience, because). With ``If-Match`` and another version by now: 412."""
        verb = request.match_info["verb"]
        build = VERBS.get(verb)
        if build is None:
            raise Refusal("not-found", f"nothing is called {verb[:40]!r}; there are {', '.join(VERBS)}")
        number = number_of(request)
        by = _who(actor, must_be_person=verb in PERSONAL)
        command = replace(
            await build(request, number, by, "cli" if actor.local else "api"), seen=_seen(request)
        )
        return await self._done(number, await self._services.engine.submit(command))

    async def _done(self, number: int, result: object, *, status: int = 200) -> web.Response:
        number = getattr(result, "incident", number)
        incident, members, _ = await self._looking.found(number)
        document = incident_document(incident, members, answer=_said(result))
        headers = {"ETag": f'"{incident.version}"'}
        if status == 201:
            headers["Location"] = f"/api/v1/incidents/{number}"
        return answer(document, status=status, headers=headers)


def _seen(request: web.Request) -> tuple[int, ...]:
    """If-Match: the versions of which the incident must still have one; empty for any."""
    wanted = request.headers.get("If-Match", "").strip()
    if not wanted or wanted == "*":
        return ()
    tags = [part.strip().removeprefix("W/").strip('"') for part in wanted.split(",")]
    known = [int(tag) for tag in tags if tag.isascii() and tag.isdecimal() and len(tag) < 16]
    return tuple(known) or (0,)  # no incident has version 0


def _asks(page: Page, person: str) -> bool:
    """Whether it waits for this person's word on an incident."""
    return page.live and page.person == person and page.kind in (PageKind.PAGE, PageKind.QUIET)


def _said(result: object) -> dict[str, object]:
    """What the core says a command came to."""
    return {"changed": getattr(result, "changed", True), "text": getattr(result, "text", "") or None}


def _who(actor: Actor, *, must_be_person: bool) -> str:
    """Who acts. A token may act as itself, but nobody's "I have it" is a program's."""
    if actor.person or (not actor.local and not must_be_person):
        return actor.name
    raise Refusal(
        "who", f"irpd doesn't know who you are ({actor.credential}): say it with --as PERSON (as=PERSON)"
    )


async def _ack(request: web.Request, number: int, by: str, via: str) -> AnyWork:
    body = await b.read_body(request, b.AckBody)
    return c.Acknowledge(incident=number, by=by, via=via, path=body.path)


async def _cant(request: web.Request, number: int, by: str, via: str) -> AnyWork:
    await b.read_body(request, b.Nothing)
    return c.Decline(incident=number, by=by, via=via)


async def _undo(request: web.Request, number: int, by: str, via: str) -> AnyWork:
    await b.read_body(request, b.Nothing)
    return c.Undo(incident=number, by=by, via=via)


async def _escalate(request: web.Request, number: int, by: str, _via: str) -> AnyWork:
    body = await b.read_body(request, b.EscalateBody)
    return c.Escalate(incident=number, by=by, path=body.path, because=body.because)


async def _level(request: web.Request, number: int, by: str, _via: str) -> AnyWork:
    body = await b.read_body(request, b.LevelBody)
    return c.SetLevel(incident=number, by=by, level=b.level_of(body.level), because=body.because)


async def _note(request: web.Request, number: int, by: str, _via: str) -> AnyWork:
    body = await b.read_body(request, b.NoteBody)
    return c.Note(incident=number, by=by, text=body.text, update=body.update)


async def _resolve(request: web.Request, number: int, by: str, via: str) -> AnyWork:
    body = await b.read_body(request, b.BecauseBody)
    return c.Resolve(incident=number, by=by, because=body.because, via=via)


async def _reopen(request: web.Request, number: int, by: str, _via: str) -> AnyWork:
    body = await b.read_body(request, b.BecauseBody)
    return c.Reopen(incident=number, by=by, because=body.because)


async def _merge(request: web.Request, number: int, by: str, _via: str) -> AnyWork:
    body = await b.read_body(request, b.MergeBody)
    return c.Merge(incident=number, into=body.into, by=by)


async def _split(request: web.Request, number: int, by: str, _via: str) -> AnyWork:
    body = await b.read_body(request, b.SplitBody)
    return c.Split(incident=number, signals=b.signal_numbers(number, body.signals), by=by)


VERBS: Mapping[str, Build] = {
    "ack": _ack,
    "cant": _cant,
    "undo": _undo,
    "escalate": _escalate,
    "level": _level,
    "note": _note,
    "resolve": _resolve,
    "reopen": _reopen,
    "merge": _merge,
    "split": _split,
    **RESPONDING,
    **TELLING,
    **REPORTING,
    **TEAMING,
}

#: What only a person can say.
PERSONAL = frozenset({"ack", "cant", "undo", "accept", "decline"})
