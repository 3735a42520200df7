"""Schedules as the API has them: who is on call, final shifts, overrides and swaps."""

import asyncio
from datetime import datetime

from aiohttp import web
from msgspec import Struct

from irpd.model import command as c
from irpd.model.command import Refusal
from irpd.oncall.documents import UNREADABLE, override_view, schedule_document, who_document
from irpd.protocol.overrides import OverrideAnswer
from irpd.web.actor import Actor, who_acts
from irpd.web.bodies import read_body
from irpd.web.calendars import made
from irpd.web.filters import instant_of, known, whole_number
from irpd.web.ports import Services
from irpd.web.problem import answer

#: Weeks that are shown unless somebody asks for more, and at most.
WEEKS, MOST_WEEKS = 4, 53


class OverrideBody(Struct, forbid_unknown_fields=True):
    until: str
    since: str = ""
    schedule: str = ""
    person: str = ""
    away: str = ""
    because: str = ""


class SwapBody(Struct, forbid_unknown_fields=True):
    schedule: str
    first: str
    second: str
    because: str = ""


class EndBody(Struct, forbid_unknown_fields=True):
    because: str = ""


class Schedules:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def who(self, request: web.Request, actor: Actor) -> web.Response:
        """Who is on call now, or ``at`` a time, and until when."""
        configuration = self._services.engine.policy.configuration
        at, changes = self._at(request, "at"), self._services.engine.state.changes
        # In a thread: with hundreds of schedules it takes a while.
        document = await asyncio.to_thread(who_document, configuration, at, changes, you=actor.person)
        return answer(document)

    async def schedule(self, request: web.Request, _actor: Actor) -> web.Response:
        """The final shifts of a schedule for ``weeks`` (4) ``from`` now or a time on, with gaps, changes of
        the clocks, and each person's hours, nights and weekends."""
        configuration = self._services.engine.policy.configuration
        name = request.match_info["schedule"]
        known(name, "schedule", configuration.schedules)
        weeks = min(whole_number(request.query, "weeks", least=1) or WEEKS, MOST_WEEKS)
        start, changes = self._at(request, "from"), self._services.engine.state.changes
        try:
            document = await asyncio.to_thread(schedule_document, configuration, name, start, weeks, changes)
        except UNREADABLE as error:
            raise Refusal("invalid", f"{name} can't be read: {error}") from None
        return answer(document)

    async def calendar(self, request: web.Request, _actor: Actor) -> web.Response:
        """A schedule's or a person's shifts as iCalendar (``schedule=`` or ``person=``), and the secret
        addresses where a calendar program fetches them (``address``) and a browser shows them (``page``)."""
        configuration = self._services.engine.policy.configuration
        kind = "person" if "person" in request.query else "schedule"
        name = request.query.get(kind, "")
        known(name, kind, configuration.people if kind == "person" else configuration.schedules)
        try:
            body = await made(self._services, kind, name)
        except UNREADABLE as error:
            raise Refusal("invalid", f"{name} can't be read: {error}") from None
        return answer(
            {
                "schema": "irpd.calendar/1",
                kind: name,
                "address": self._services.calendars.address(kind, name),
                "page": self._services.calendars.page_address(kind, name),
                "ical": body.decode(),
            }
        )

    async def overrides(self, _request: web.Request, _actor: Actor) -> web.Response:
        """Overrides and absences that people set, with those that ended within the last weeks."""
        now = self._services.clock.now()
        views = [override_view(one, now) for one in self._services.engine.state.overrides]
        return answer({"schema": "irpd.overrides/1", "overrides": views})

    async def add(self, request: web.Request, actor: Actor) -> web.Response:
        """From ``since`` (now) ``until`` then ``person`` is on call on ``schedule``; without a person whoever
        would be isn't, and the layer below or the next in turn is. ``away`` alone: this person isn't there,
        on any schedule."""
        body = await read_body(request, OverrideBody)
        command = c.AddOverride(
            by=who_acts(actor),
            since=instant_of(body.since, name="since") if body.since else None,
            until=instant_of(body.until, name="until"),
            schedule=body.schedule,
            person=body.person,
            away=body.away,
            because=body.because,
        )
        return self._said(await self._services.engine.submit(command), status=201)

    async def swap(self, request: web.Request, actor: Actor) -> web.Response:
        """Exchange two shifts of ``schedule``: that of the ``first`` time and that of the ``second``."""
        body = await read_body(request, SwapBody)
        command = c.SwapShifts(
            by=who_acts(actor),
            schedule=body.schedule,
            first=instant_of(body.first, name="first"),
            second=instant_of(body.second, name="second"),
            because=body.because,
        )
        return self._said(await self._services.engine.submit(command), status=201)

    async def end(self, request: web.Request, actor: Actor) -> web.Response:
        """End an override now, or call it off before it begins: the schedule holds again."""
        text = request.match_info["override"]
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else 0
        body = await read_body(request, EndBody)
        command = c.EndOverride(by=who_acts(actor), override=number, because=body.because)
        return self._said(await self._services.engine.submit(command))

    def _at(self, request: web.Request, name: str) -> datetime:
        text = request.query.get(name)
        at = instant_of(text, name=name) if text else self._services.clock.now()
        if not 1971 <= at.year < 8999:
            raise Refusal("invalid", f"{name}: a time after 1970")
        return at

    def _said(self, result: object, *, status: int = 200) -> web.Response:
        assert isinstance(result, OverrideAnswer)
        now = self._services.clock.now()
        return answer(
            {
                "schema": "irpd.override/1",
                "overrides": [override_view(one, now) for one in result.overrides],
                "answer": {"changed": result.changed, "text": result.text},
            },
            status=status,
        )
