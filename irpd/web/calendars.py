"""``/calendar/.../TOKEN.ics``: shifts for calendar programs, which can't sign in.

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
from irpd.web.ports import Services
from irpd.web.problem import problem, retry_after

EACH: Final = (1.0, 30.0)  # a second, at once, from one address
ALL: Final = (10.0, 100.0)
CALENDAR = "text/calendar; charset=utf-8"

log = structlog.get_logger("irpd.web.calendars")


class CalendarPages:
    """The handler of ``/calendar/...``."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._all = Bucket(*ALL, services.clock.boot())
        self._each = Buckets(rate=EACH[0], burst=EACH[1], names=4096)

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/calendar/{kind}/{name}/{token}.ics", self.fetch)

    async def fetch(self, request: web.Request) -> web.StreamResponse:
        now = self._services.clock.boot()
        if not self._each.take(request.remote or "", now) or not self._all.take(now):
            return problem(
                429, "too-many", "too many requests for calendars", headers={"Retry-After": retry_after()}
            )
        kind, name, token = (request.match_info[part] for part in ("kind", "name", "token"))
        configuration = self._services.engine.policy.configuration
        there = {"schedule": configuration.schedules, "person": configuration.people}.get(kind, {})
        if not self._services.calendars.proves(kind, name, token) or name not in there:
            return problem(404, "not-found", "there is no calendar at this address (any more)")
        try:
            body = await made(self._services, kind, name)
        except UNREADABLE as error:
            log.error("calendar.unreadable", schedule=name, error=str(error))
            return problem(503, "unreadable", "this schedule can't be read just now")
        headers = {"Content-Type": CALENDAR, "Cache-Control": "private, max-age=300", "Server": "irpd"}
        return web.Response(body=body, headers={**headers, "Referrer-Policy": "no-referrer"})


async def made(services: Services, kind: str, name: str) -> bytes:
    """A schedule's or a person's calendar as it is now. Raises what a schedule that can't be read raises."""
    state, now = services.engine.state, services.clock.now()
    make = person_calendar if kind == "person" else schedule_calendar
    return await asyncio.to_thread(make, services.engine.policy.configuration, name, now, state.changes)
