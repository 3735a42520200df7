"""The two applications: one for TCP, one for the Unix socket.

The webhooks are the hot path, so there is no middleware; what a middleware would do, the
handlers' own doors do (``problem.answer``, the links' headers). What no route takes is
answered as JSON too.
"""

from aiohttp import web

from irpd.web.api import Api
from irpd.web.calendars import CalendarPages
from irpd.web.channels import Channels
from irpd.web.health import Gauges, Health
from irpd.web.heartbeat import Heartbeat
from irpd.web.history import History
from irpd.web.links import LinkPages
from irpd.web.ports import Services
from irpd.web.problem import problem
from irpd.web.webhook import Webhook

#: aiohttp's own bound is off: every handler that reads a body has its own.
_NO_BOUND = 1024**4


def build_tcp_app(services: Services) -> web.Application:
    """Webhooks, links, metrics and health; the API where ``server.tokens`` names a token."""
    app = web.Application(client_max_size=_NO_BOUND)
    history = History(services.open_reader)
    Webhook(services).add_to(app)
    LinkPages(services, history).add_to(app)
    Channels(services).add_to(app)
    CalendarPages(services).add_to(app)
    Heartbeat(services).add_to(app)
    Health(services).add_to(app)
    Api(services, history, over_socket=False).add_to(app)
    _close_at_the_end(app, history)
    services.metrics.watch(Gauges(services).readings)
    _add_rest(app)
    return app


def build_socket_app(services: Services) -> web.Application:
    """The API for whoever may open the socket, and health. Who the peer is, the kernel says."""
    app = web.Application(client_max_size=_NO_BOUND)
    history = History(services.open_reader)
    Api(services, history, over_socket=True).add_to(app)
    Health(services).add_to(app)
    _close_at_the_end(app, history)
    _add_rest(app)
    return app


def _close_at_the_end(app: web.Application, history: History) -> None:
    async def close(_app: web.Application) -> None:
        history.close()

    app.on_cleanup.append(close)


def _add_rest(app: web.Application) -> None:
    resources = list(app.router.resources())

    async def rest(request: web.Request) -> web.StreamResponse:
        allowed: set[str] = set()
        for resource in resources:
            allowed |= (await resource.resolve(request))[1]
        if allowed:
            headers = {"Allow": ", ".join(sorted(allowed))}
            return problem(405, "method", f"{request.method} is not possible here", headers=headers)
        return problem(404, "not-found", "there is nothing under this address")

    app.router.add_route("*", "/{rest:.*}", rest)
