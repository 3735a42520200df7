"""``/calendar/.../TOKEN.ics``: shifts for calendar programs, which can't sign in; ``/on-call/.../TOKEN``: for
browsers, on a phone.

The address is the credential. A wrong one is answered as one of nobody, and asking is slowed down for each
address it comes from and for all together, since making a calendar takes more than asking for one.
"""

import asyncio
from typing import Final

import structlog
from aiohttp import web

from irpd.comms.calendar import person_calendar, schedule_calendar
from irpd.oncall.documents import UNREADABLE
from irpd.web.bucket import Bucket, Buckets
from irpd.web.html import HEADERS, lost, shifts_html
from irpd.web.ports import Services
from irpd.web.problem import problem, retry_after
from irpd.web.shifts import person_page, schedule_page

EACH: Final = (1.0, 30.0)  # a second, at once, from one address
ALL: Final = (10.0, 100.0)
CALENDAR = "text/calendar; charset=utf-8"

log = structlog.get_logger("irpd.web.calendars")


class CalendarPages:
    """The handlers of ``/calendar/...`` and ``/on-call/...``."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._all = Bucket(*ALL, services.clock.boot())
        self._each = Buckets(rate=EACH[0], burst=EACH[1], names=4096)

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/calendar/{kind}/{name}/{token}.ics", self.fetch)
        app.router.add_get("/on-call/{kind}/{name}/{token}", self.show)

    async def fetch(self, request: web.Request) -> web.StreamResponse:
        if not self._admitted(request):
            return problem(
                429, "too-many", "too many requests for calendars", headers={"Retry-After": retry_after()}
            )
        kind, name, token = (request.match_info[part] for part in ("kind", "name", "token"))
        if not self._services.calendars.proves(kind, name, token) or not self._there(kind, name):
            return problem(404, "not-found", "there is no calendar at this address (any more)")
        try:
            body = await made(self._services, kind, name)
        except UNREADABLE as error:
            log.error("calendar.unreadable", schedule=name, error=str(error))
            return problem(503, "unreadable", "this schedule can't be read just now")
        headers = {"Content-Type": CALENDAR, "Cache-Control": "private, max-age=300", "Server": "irpd"}
        return web.Response(body=body, headers={**headers, "Referrer-Policy": "no-referrer"})

    async def show(self, request: web.Request) -> web.StreamResponse:
        """The page of a person or a schedule."""
        if not self._admitted(request):
            headers = {"Retry-After": retry_after()}
            return lost(429, "Too many requests", "Wait a little, then open it again.", **headers)
        kind, name, token = (request.match_info[part] for part in ("kind", "name", "token"))
        if not self._services.calendars.proves_page(kind, name, token) or not self._there(kind, name):
            return lost(
                404, "No such page", "It may have been cut at its end. irpd oncall export --page tells it."
            )
        state, now = self._services.engine.state, self._services.clock.now()
        make = person_page if kind == "person" else schedule_page
        configuration = self._services.engine.policy.configuration
        try:
            page = await asyncio.to_thread(make, configuration, name, now, state.changes)
        except UNREADABLE as error:
            log.error("calendar.unreadable", schedule=name, error=str(error))
            return lost(503, "This schedule can't be read just now", "", **{"Retry-After": retry_after()})
        return web.Response(text=shifts_html(page), headers=HEADERS)

    def _admitted(self, request: web.Request) -> bool:
        now = self._services.clock.boot()
        return self._each.take(request.remote or "", now) and self._all.take(now)

    def _there(self, kind: str, name: str) -> bool:
        configuration = self._services.engine.policy.configuration
        return name in {"schedule": configuration.schedules, "person": configuration.people}.get(kind, {})


async def made(services: Services, kind: str, name: str) -> bytes:
    """A schedule's or a person's calendar as it is now. Raises what a schedule that can't be read raises."""
    state, now = services.engine.state, services.clock.now()
    make = person_calendar if kind == "person" else schedule_calendar
    return await asyncio.to_thread(make, services.engine.policy.configuration, name, now, state.changes)
