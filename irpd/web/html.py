"""The pages of HTML that irpd serves, and the headers that lock them down.

Server-rendered, no script, one style sheet inside (its hash is what the policy lets in). If
rendering ever raises, what is left is the incident's number and the button: nobody must be
kept from answering by a defect in how a page looks.
"""

import base64
import hashlib
import html
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from irpd.web.screen import Screen
from irpd.web.shifts import ShiftsPage

_FOLDER = Path(__file__).parent / "templates"
_STYLE = (_FOLDER / "style.css").read_text(encoding="utf-8").strip()
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_TEMPLATES = Environment(
    loader=FileSystemLoader(_FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals["style"] = Markup(_STYLE)
_ACKNOWLEDGE = _TEMPLATES.get_template("acknowledge.html")
_WHY = _TEMPLATES.get_template("why.html")
_SHIFTS = _TEMPLATES.get_template("shifts.html")
_LOST = _TEMPLATES.get_template("lost.html")
_PLAIN = """<!doctype html><html lang="en"><meta charset="utf-8"><title>irpd</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style>
<main><h1>Incident {incident}</h1><p>{notice}</p><p>This page could not be shown whole. The buttons work.</p>
<form method="post" action="{base}{token}"><button class="first">I have it</button></form>
<form method="post" action="{base}{token}/cant"><button>I can’t: page the next person now</button></form>
</main></html>
"""

HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Server": "irpd",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
}


def lost(status: int, title: str, text: str, **headers: str) -> web.Response:
    """A page that only says something."""
    return web.Response(
        status=status, text=_LOST.render(title=title, text=text), headers={**HEADERS, **headers}
    )


def acknowledge_html(
    screen: Screen,
    *,
    token: str,
    base: str,
    notice: str,
    said: str,
    cant_first: bool,
    server: str,
    note: str = "",
    shadow: bool = False,
) -> str:
    """The page behind the link. ``base`` is what leads from its address to ``/a/``; ``note`` is what somebody
    wrote that could not be recorded, so that it isn't lost."""
    return _ACKNOWLEDGE.render(
        s=screen,
        token=token,
        base=base,
        notice=notice,
        said=said,
        cant_first=cant_first,
        server=server,
        note=note,
        shadow=shadow,
    )


def why_html(title: str, decisions: Sequence[tuple[str, Sequence[str]]], *, token: str) -> str:
    """Each decision of a level: when it was made, and the lines that say why."""
    shown = [{"when": when, "text": "\n".join(lines)} for when, lines in decisions]
    return _WHY.render(title=title, decisions=shown, token=token)


def shifts_html(page: ShiftsPage) -> str:
    """A person's or a schedule's page of shifts."""
    return _SHIFTS.render(title=page.title, s=page)


def plain_html(incident: int, *, token: str, base: str, notice: str) -> str:
    """What is left when the page can't be made: the number and the buttons."""
    return _PLAIN.format(
        style=_STYLE, incident=f"#{incident}", token=html.escape(token), base=base, notice=html.escape(notice)
    )
