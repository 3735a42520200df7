"""The reference of metrics and API as Markdown, made of the code, so that it can't lag.

``docs/reference/metrics.md`` and ``docs/reference/api.md`` are these, printed.
"""

import inspect
from collections.abc import Iterable
from typing import Any

from prometheus_client import Metric

from irpd.web.api import Route, routes_of
from irpd.web.metrics import LEVELS, Metrics, Readings
from irpd.web.problem import STATUS_OF
from irpd.web.working import PERSONAL, VERBS

_LABELS = {
    "channel": "a channel's name in the configuration",
    "code": "the HTTP status answered",
    "level": f"{', '.join(LEVELS)}",
    "objective": "`response`, `update`, `resolution`",
    "outcome": "what became of it",
    "rule": "a rule's id",
    "schedule": "a schedule's name",
    "source": "a source's name in the configuration",
    "to": "the host of a switch in `watching.report`",
    "version": "irpd's version",
}


_METRICS = """\
# Metrics

`GET /metrics` in Prometheus' text format. No label has values without a bound: no incident, no person.

| metric | type | labels | meaning |
| --- | --- | --- | --- |"""

_API = """\
# The API

Below `/api/v1`: over the daemon's Unix socket for whoever may open it (the peer's user is the credential, and
may do everything), over TCP with `Authorization: Bearer TOKEN` of `server.tokens`, and off there while no
token is configured. `as=PERSON` in the query says in whose name. The objects are those of the command line's
`--json`.

| route | needs | what |
| --- | --- | --- |"""

_REFUSALS = """\
An incident's version is its `ETag`; a command with `If-Match` and another version by then is refused.

## Refusals

Problem details (RFC 9457): `{type, title, status, detail, code, errors}`. `code` stays the same for ever;
`errors` are places in files, `{file, line, column, path, message, allowed, severity}`.

| code | status |
| --- | --- |"""


def metrics_reference() -> str:
    """Every metric, its type, labels and meaning."""
    metrics = Metrics("0")
    metrics.watch(lambda: Readings(gaps={"schedule": False}))
    rows = [
        _metric_row(family, metrics) for family in sorted(metrics.registry.collect(), key=lambda f: f.name)
    ]
    labels = "; ".join(f"`{name}` is {text}" for name, text in _LABELS.items())
    return "\n".join([_METRICS, *rows, "", f"Labels: {labels}.", ""])


def _metric_row(family: Metric, metrics: Metrics) -> str:
    name = f"{family.name}_total" if family.type == "counter" else family.name
    labels = ", ".join(f"`{label}`" for label in metrics.labels_of(family.name))
    return f"| `{name}` | {family.type} | {labels or '–'} | {family.documentation} |"


def api_reference() -> str:
    """Every route of the API, who may use it, and what it does."""
    verbs = f"Verbs of an incident: {_listed(VERBS)}. Only a person can say {_listed(sorted(PERSONAL))}."
    routes = [_route_row(route) for route in _routes()]
    codes = [f"| `{code}` | {status} |" for code, status in sorted(_CODES.items())]
    return "\n".join([_API, *routes, "", verbs, "", _REFUSALS, *codes, ""])


_CODES = {
    **STATUS_OF,
    "unauthenticated": 401,
    "too-many": 429,
    "api-off": 404,
    "no-such-person": 422,
    "config-refused": 409,
    "journal": 503,
    "overloaded": 503,
    "internal": 500,
    "method": 405,
}


def _routes() -> tuple[Route, ...]:
    nothing: Any = None  # handlers are only looked at
    return routes_of(nothing, nothing)


def _route_row(route: Route) -> str:
    text = " ".join(inspect.cleandoc(route.handler.__doc__ or "").replace("``", "`").split())
    return f"| `{route.method} {route.path}` | {route.role} | {text.replace('|', '&#124;')} |"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
