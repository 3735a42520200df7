"""Problem details (RFC 9457): how every refusal of the door looks.

``code`` is for programs and stays the same for ever; ``detail`` speaks to the person who
can act; ``errors`` are the single places where something is wrong, as in files.
"""

import random
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web

from irpd.config.problem import Problem
from irpd.web.shapes import encode

JSON = "application/json; charset=utf-8"
PROBLEM = "application/problem+json; charset=utf-8"

#: A refusal of the core, as a status of HTTP.
STATUS_OF = {"not-found": 404, "state": 409, "stale": 412, "permission": 403, "invalid": 422, "who": 422}


def answer(document: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status,
        body=encode(document),
        headers={"Content-Type": JSON, "Server": "irpd", "Cache-Control": "no-store", **(headers or {})},
    )


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: Iterable[Problem] = (),
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    return web.Response(
        status=status,
        body=encode(problem_details(status, code, detail, errors=errors)),
        headers={"Content-Type": PROBLEM, "Server": "irpd", "Cache-Control": "no-store", **(headers or {})},
    )


def problem_details(status: int, code: str, detail: str, *, errors: Iterable[Problem] = ()) -> dict[str, Any]:
    return {
        "type": f"urn:irpd:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "errors": [error_view(error) for error in errors],
    }


def error_view(error: Problem) -> dict[str, Any]:
    return {
        "file": str(error.file) or None,
        "line": error.line or None,
        "column": error.column or None,
        "path": error.path or None,
        "message": error.message,
        "allowed": list(error.allowed),
        "severity": error.severity,
    }


def retry_after(asked: float = 0.0) -> str:
    """5 to 30 seconds, spread so that those who were refused together don't come back together."""
    least = min(max(5, int(asked)), 20)
    return str(random.randint(least, min(30, least + 10)))


def unavailable(detail: str, *, code: str = "unavailable", asked: float = 0.0) -> web.Response:
    return problem(503, code, detail, headers={"Retry-After": retry_after(asked)})
