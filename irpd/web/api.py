"""``/api/v1/...``: the routes of the API, who may use them, and how refusals are answered.

The same objects as the command line's ``--json``. Over the Unix socket for whoever may open
it; over TCP with a token of ``server.tokens``, and off where there is none.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import structlog
from aiohttp import web

from irpd.engine.ports import JournalError
from irpd.model.command import Refusal
from irpd.web.actor import Actor, NotAllowed, Role, bearer_of, peer_of
from irpd.web.bucket import Buckets
from irpd.web.contacts import Contacting
from irpd.web.history import History
from irpd.web.looking import Looking
from irpd.web.muting import Muting
from irpd.web.operating import Operating
from irpd.web.ports import Services
from irpd.web.problem import STATUS_OF, problem, unavailable
from irpd.web.reporting import Reporting
from irpd.web.responding import Responding
from irpd.web.schedules import Schedules
from irpd.web.telling import Telling
from irpd.web.working import Working

log = structlog.get_logger("irpd.web.api")

Handler = Callable[[web.Request, Actor], Awaitable[web.StreamResponse]]
_FAILURES: Final = (0.5, 20.0)  # wrong tokens from one address: a second, at once


@dataclass(frozen=True, slots=True)
class Route:
    """One route of the API. Its handler's docstring is its text in the reference."""

    method: str
    path: str
    role: Role
    handler: Handler


def routes_of(services: Services, history: History) -> tuple[Route, ...]:
    look = Looking(services, history)
    work = Working(services, history)
    respond = Responding(services, look)
    report = Reporting(services, history, look)
    tell = Telling(services, look)
    run = Operating(services, history)
    mute = Muting(services)
    rota = Schedules(services)
    contact = Contacting(services)
    return (
        Route("GET", "/incidents", "read", look.incidents),
        Route("POST", "/incidents", "respond", work.open),
        Route("GET", "/incidents/{number}", "read", look.incident),
        Route("GET", "/incidents/{number}/why", "read", look.why),
        Route("GET", "/incidents/{number}/todo", "read", respond.todo),
        Route("GET", "/incidents/{number}/report", "read", report.report),
        Route("GET", "/reports", "read", report.reports),
        Route("GET", "/incidents/{number}/drafts", "read", tell.drafts),
        Route("POST", "/incidents/{number}/preview", "read", tell.preview),
        Route("POST", "/incidents/{number}/{verb}", "respond", work.command),
        Route("POST", "/ack", "respond", work.acknowledge_all),
        Route("GET", "/pages", "read", look.pages),
        Route("GET", "/who", "read", rota.who),
        Route("GET", "/schedules/{schedule}", "read", rota.schedule),
        Route("GET", "/calendar", "read", rota.calendar),
        Route("GET", "/overrides", "read", rota.overrides),
        Route("POST", "/overrides", "respond", rota.add),
        Route("POST", "/overrides/{override}/end", "respond", rota.end),
        Route("POST", "/swaps", "respond", rota.swap),
        Route("GET", "/people", "read", look.people),
        Route("GET", "/silences", "read", mute.list),
        Route("POST", "/silences", "respond", mute.add),
        Route("POST", "/silences/{silence}/end", "respond", mute.end),
        Route("GET", "/heartbeats", "read", run.heartbeats),
        Route("POST", "/page-tests", "respond", run.page_test),
        Route("GET", "/contacts", "read", contact.contacts),
        Route("POST", "/contacts/confirm", "respond", contact.confirm),
        Route("POST", "/contacts/{person}/verify", "respond", contact.verify),
        Route("GET", "/unreadable", "read", run.unreadable),
        Route("GET", "/receipts/{receipt}", "admin", run.receipt),
        Route("GET", "/receipts/{receipt}/body", "admin", run.receipt_body),
        Route("POST", "/unreadable/{receipt}/replay", "admin", run.replay),
        Route("GET", "/config", "read", run.config),
        Route("POST", "/reload", "admin", run.reload),
        Route("POST", "/backup", "admin", run.backup),
    )


class Api:
    def __init__(self, services: Services, history: History, *, over_socket: bool) -> None:
        self._services = services
        self._over_socket = over_socket
        self._routes = routes_of(services, history)
        self._failures = Buckets(rate=_FAILURES[0], burst=_FAILURES[1], names=4096)

    def add_to(self, app: web.Application) -> None:
        for route in self._routes:
            app.router.add_route(route.method, f"/api/v1{route.path}", self._guarded(route))

    def _guarded(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                actor = self._actor(request)
                if not actor.may(route.role):
                    raise NotAllowed(
                        403,
                        "permission",
                        f"this needs the right to {route.role}; {actor.credential} may {actor.role}",
                    )
                response = await route.handler(request, actor)
                if self._services.engine.policy.configuration.shadow:
                    response.headers["Irpd-Shadow"] = "1"
                return response
            except NotAllowed as error:
                return self._not_allowed(request, error)
            except Refusal as error:
                return problem(STATUS_OF.get(error.code, 422), error.code, error.text)
            except JournalError as error:
                log.error("api.journal", route=route.path, error=repr(error))
                return unavailable("the journal can't be read or written just now", code="journal")
            except ConnectionError:
                raise
            except Exception as error:  # the asker gets an answer, the log the traceback
                asked = getattr(error, "retry_after", None)
                if asked is not None:
                    return unavailable("irpd is behind with what it has", code="overloaded", asked=asked)
                log.exception("api.failed", route=route.path)
                return problem(500, "internal", "irpd failed at this; its log says how")

        return handle

    def _actor(self, request: web.Request) -> Actor:
        configuration = self._services.engine.policy.configuration
        if self._over_socket:
            return peer_of(request, configuration)
        if not configuration.server.tokens:
            raise NotAllowed(
                404, "api-off", "the API is off here: no token in server.tokens; the Unix socket has it"
            )
        return bearer_of(request, configuration)

    def _not_allowed(self, request: web.Request, error: NotAllowed) -> web.Response:
        if error.status == 401 and not self._failures.take(request.remote or "", self._services.clock.boot()):
            return problem(
                429, "too-many", "too many wrong tokens from this address", headers={"Retry-After": "10"}
            )
        headers = {"WWW-Authenticate": 'Bearer realm="irpd"'} if error.status == 401 else None
        return problem(error.status, error.code, error.text, headers=headers)
