"""``/a/{token}``: the page behind the link in a page. No sign-in, no script, one button.

A GET never changes anything, because mail scanners and previews follow links; only a POST
acts, and answers with a redirect back. The token is the credential: unguessable, bound to a
person and a page. Unknown tokens are slowed down; a known one never is, so that nobody's
guessing keeps a paged person from answering. Of an incident that was merged the page shows
the one that it is part of now, and acts on that.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import structlog
from aiohttp import web

from irpd.model.command import (
    Acknowledge,
    AnswerHelp,
    Command,
    Decline,
    Note,
    Refusal,
    Resolve,
    SeePage,
    Undo,
)
from irpd.model.event import EvidenceExceeded, LevelChanged, Opened
from irpd.model.incident import Incident, Member, State
from irpd.model.page import Page, PageKind
from irpd.triage.why import why_lines
from irpd.web.bucket import Bucket, Buckets
from irpd.web.history import History
from irpd.web.html import HEADERS, acknowledge_html, lost, plain_html, why_html
from irpd.web.ports import Services
from irpd.web.problem import retry_after
from irpd.web.said import Said
from irpd.web.screen import link_has_ended, screen_for
from irpd.web.tokens import Tokens
from irpd.web.wording import clock, zone_of

MAX_FORM = 32 * 1024
MAX_NOTE = 4_000
UNKNOWN_EACH: Final = (1 / 6, 20.0)  # a second, at once, for one address
UNKNOWN_ALL: Final = (20.0, 200.0)

log = structlog.get_logger("irpd.web.links")

Found = tuple[Page, Incident | None, list[Member]]


class LinkPages:
    """The handlers of ``/a/...``."""

    def __init__(self, services: Services, history: History) -> None:
        self._services = services
        self._history = history
        self.tokens = Tokens(services.engine, services.links, history)
        now = services.clock.boot()
        self._unknown_all = Bucket(*UNKNOWN_ALL, now)
        self._unknown_each = Buckets(rate=UNKNOWN_EACH[0], burst=UNKNOWN_EACH[1], names=4096)
        self._said = Said()
        self._background: set[asyncio.Task[object]] = set()

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/a/{token}", self.show)
        app.router.add_post("/a/{token}", self.acknowledge)
        app.router.add_get("/a/{token}/why", self.why)
        for name, handler in (
            ("cant", self.hand_on),
            ("undo", self.undo),
            ("note", self.note),
            ("resolve", self.resolve),
        ):
            app.router.add_get(f"/a/{{token}}/{name}", self.show)
            app.router.add_post(f"/a/{{token}}/{name}", handler)
        app.on_startup.append(self._start)
        app.on_cleanup.append(self._stop)

    async def _start(self, _app: web.Application) -> None:
        self._in_background(self.tokens.build())

    async def _stop(self, _app: web.Application) -> None:
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)

    # ---------------------------------------------------------------- looking
    async def show(self, request: web.Request) -> web.StreamResponse:
        found = await self._find(request)
        if isinstance(found, web.Response):
            return found
        page, incident, members = found
        if (
            page.seen_at is None
            and page.kind is not PageKind.TEST
            and request.method == "GET"
            and _by_a_person(request)
        ):
            self._in_background(self._seen(page))
        return self._page(request, page, incident, members)

    async def why(self, request: web.Request) -> web.StreamResponse:
        """Every decision of its level, rule by rule: the text that ``irpd incident why`` prints."""
        found = await self._find(request)
        if isinstance(found, web.Response):
            return found
        page, incident, members = found
        configuration = self._services.engine.policy.configuration
        now = self._services.clock.now()
        keep = configuration.timing.link_ends
        if incident is None or link_has_ended(page, incident, keep=keep, now=now):
            return self._page(request, page, incident, members)
        try:
            facts = await self._history.events(incident.number)
        except Exception as error:  # the page before says the level and its reason
            log.warning("link.history_not_read", incident=incident.number, error=repr(error))
            facts = []
        person = configuration.people.get(page.person)
        zone = zone_of(person.time_zone if person else configuration.server.time_zone)
        names = {key: value.name for key, value in configuration.people.items()}
        decisions = [
            (f"{clock(fact.at, zone, now)} ({zone})", why_lines(fact.event, names))
            for fact in facts
            if isinstance(fact.event, Opened | LevelChanged | EvidenceExceeded)
        ]
        title = f"Why {incident.ref} is level {int(incident.level)}"
        text = why_html(title, decisions[::-1], token=request.match_info["token"])
        return web.Response(text=text, headers=HEADERS)

    async def _seen(self, page: Page) -> None:
        try:
            await self._services.engine.submit(SeePage(page=page.id, via="link"))
        except Exception as error:  # only the ledger is poorer for it
            log.info("link.seen_not_recorded", page=page.id, error=repr(error))

    # ---------------------------------------------------------------- acting
    async def acknowledge(self, request: web.Request) -> web.StreamResponse:
        found = await self._find(request)
        if isinstance(found, web.Response):
            return found
        page, incident, members = found
        form = await _form(request)
        if form is None:
            return self._page(request, page, incident, members, notice="That was too long.", status=413)
        chosen = form.get("person", "")
        if chosen and chosen not in self._services.engine.policy.configuration.people:
            return self._page(request, page, incident, members, notice="There is no such person.", status=422)
        if page.kind is PageKind.TEST:
            return await self._act(request, found, [SeePage(page=page.id, via="link")])
        by = chosen or page.person
        number = _number(page, incident)
        commands: list[Command] = [Acknowledge(incident=number, by=by, via="link", page=page.id)]
        if incident is not None and by != page.person and page.person in incident.acknowledged_by:
            # Somebody else's phone: that person has it. In this order the path stays still.
            commands.append(Undo(incident=number, by=page.person, via="link"))
        return await self._act(request, found, commands)

    async def hand_on(self, request: web.Request) -> web.StreamResponse:
        def command(number: int, page: Page, _form: Mapping[str, str]) -> Command:
            return Decline(incident=number, by=page.person, via="link", page=page.id)

        return await self._on_incident(request, command, tell=True)

    async def undo(self, request: web.Request) -> web.StreamResponse:
        def command(number: int, page: Page, _form: Mapping[str, str]) -> Command:
            return Undo(incident=number, by=page.person, via="link")

        return await self._on_incident(request, command, tell=True)

    async def note(self, request: web.Request) -> web.StreamResponse:
        def command(number: int, page: Page, form: Mapping[str, str]) -> Command:
            text = form.get("text", "").strip()[:MAX_NOTE]
            kind, _, n = page.asks.partition(":")
            if kind == "help" and page.incident == number:
                return AnswerHelp(incident=number, by=page.person, ask=int(n), text=text)
            return Note(incident=number, by=page.person, text=text)

        return await self._on_incident(request, command, tell=True, needs="text")

    async def resolve(self, request: web.Request) -> web.StreamResponse:
        def command(number: int, page: Page, form: Mapping[str, str]) -> Command:
            because = form.get("because", "").strip()[:1000]
            return Resolve(incident=number, by=page.person, because=because, via="link")

        return await self._on_incident(request, command)

    async def _on_incident(
        self,
        request: web.Request,
        command: Callable[[int, Page, Mapping[str, str]], Command],
        *,
        tell: bool = False,
        needs: str = "",
    ) -> web.StreamResponse:
        found = await self._find(request)
        if isinstance(found, web.Response):
            return found
        form = await _form(request)
        if form is None:
            return self._page(request, *found, notice="That was too long.", status=413)
        note = form.get("text", "")
        if needs and not form.get(needs, "").strip():
            return self._page(request, *found, notice="There was nothing in it.", status=422)
        return await self._act(
            request, found, [command(_number(found[0], found[1]), found[0], form)], tell=tell, note=note
        )

    async def _act(
        self,
        request: web.Request,
        found: Found,
        commands: list[Command],
        *,
        tell: bool = False,
        note: str = "",
    ) -> web.StreamResponse:
        """Carry out ``commands``. With ``tell`` the page says what the core answered, where that doesn't show
        anyway; where it fails the page says why, with the ``note`` still in its field."""
        page, incident, members = found
        keep = self._services.engine.policy.configuration.timing.link_ends
        gone = incident is None and page.kind is not PageKind.TEST
        if gone or link_has_ended(page, incident, keep=keep, now=self._services.clock.now()):
            notice = "Your note was not recorded: this link has ended." if note else ""
            return self._page(request, *found, notice=notice, note=note, status=410)
        answer: object = None
        try:
            for command in commands:
                answer = await self._services.engine.submit(command)
        except Refusal as refusal:
            # What has happened meanwhile stands on the page; the refusal says why nothing else did.
            return self._page(request, *await self._now(page), notice=refusal.text, note=note, status=409)
        except Exception as error:  # whoever is woken must see that it did not work, and what does
            log.error("link.failed", page=page.id, error=repr(error))
            return self._page(
                request,
                page,
                incident,
                members,
                notice="irpd could not save that just now. Please press again.",
                note=note,
                status=503,
            )
        said = getattr(answer, "text", "") if tell else ""
        target = f"{_base(request)}{request.match_info['token']}"
        if said:
            target += f"?said={self._said.keep(page.id, said)}"
        return web.Response(
            status=303,
            headers={
                "Location": target,
                "Server": "irpd",
                "Cache-Control": "no-store",
                "Referrer-Policy": "no-referrer",
            },
        )

    # ---------------------------------------------------------------- finding
    async def _find(self, request: web.Request) -> Found | web.Response:
        page_id = self.tokens.page_id(request.match_info["token"])
        if page_id is None:
            return self._unknown(request)
        page = self._services.engine.state.pages.get(page_id)
        if page is None:
            number = page_id.rpartition("-")[0]
            stored = await self._stored(int(number)) if number.isdecimal() else None
            page = next((one for one in stored[2] if one.id == page_id), None) if stored else None
        if page is None:
            return lost(410, "This link has ended", "What it was about is no longer kept here.")
        return await self._now(page)

    async def _now(self, page: Page) -> Found:
        """The page as it is now, with its incident or the one that this is part of now; also
        one that has left memory."""
        state = self._services.engine.state
        page = state.pages.get(page.id, page)
        number, found = page.incident, None
        for _ in range(10):  # merged into one that was merged
            incident = state.incidents.get(number)
            if incident is not None:
                found = (incident, list(state.members_of(number)))
            elif number and (stored := await self._stored(number)) is not None:
                found = (stored[0], stored[1])
            if found is None or found[0].state is not State.MERGED or not found[0].merged_into:
                break
            number = found[0].merged_into
        return (page, None, []) if found is None else (page, *found)

    async def _stored(self, number: int) -> tuple[Incident, list[Member], list[Page]] | None:
        try:
            return await self._history.incident(number)
        except Exception as error:  # the link's page says what is known without the journal
            log.warning("link.incident_not_read", incident=number, error=repr(error))
            return None

    def _unknown(self, request: web.Request) -> web.Response:
        now = self._services.clock.boot()
        if not (self._unknown_all.take(now) and self._unknown_each.take(request.remote or "", now)):
            return lost(
                429,
                "Too many unknown links",
                "Wait a little, then open the link from the newest message.",
                **{"Retry-After": retry_after()},
            )
        return lost(
            404, "No such link", "Open the link from the newest message; it may have been cut at its end."
        )

    # ---------------------------------------------------------------- showing
    def _page(
        self,
        request: web.Request,
        page: Page,
        incident: Incident | None,
        members: list[Member],
        *,
        notice: str = "",
        note: str = "",
        status: int = 200,
    ) -> web.Response:
        base, token = _base(request), request.match_info["token"]
        try:
            configuration = self._services.engine.policy.configuration
            now = self._services.clock.now()
            asked = [] if incident is None else self._services.engine.state.pages_of(incident.number)
            screen = screen_for(page, incident, members, configuration, now, asked=asked)
            text = acknowledge_html(
                screen,
                token=token,
                base=base,
                notice=notice,
                note=note,
                said=self._said.text(page.id, request.query.get("said", "")),
                cant_first=request.path.endswith("/cant"),
                server=configuration.server.public_url,
                shadow=configuration.shadow,
            )
            ended = screen.state == "ended"
        except Exception:  # a page without its template still has its button
            log.exception("link.page_not_made", page=page.id)
            text, ended = plain_html(page.incident, token=token, base=base, notice=notice), False
        if ended and status == 200:
            status = 410
        headers = {**HEADERS, "Retry-After": retry_after()} if status == 503 else HEADERS
        return web.Response(status=status, text=text, headers=headers)

    def _in_background(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def _number(page: Page, incident: Incident | None) -> int:
    return page.incident if incident is None else incident.number


def _base(request: web.Request) -> str:
    """In front of the token in a relative address, so that irpd may live below any prefix."""
    below = request.path.count("/") > 2
    return "../" if below else ""


def _by_a_person(request: web.Request) -> bool:
    """Whether a browser says that somebody went there; scanners and previews don't say so."""
    return request.headers.get("Sec-Fetch-Mode") == "navigate" and "purpose" not in {
        name.lower().removeprefix("sec-") for name in request.headers
    }


async def _form(request: web.Request) -> dict[str, str] | None:
    """The fields of a small form; None when it is too large."""
    if (request.content_length or 0) > MAX_FORM:
        return None
    body = b""
    try:
        async with asyncio.timeout(20):
            while len(body) <= MAX_FORM and (chunk := await request.content.readany()):
                body += chunk
    except TimeoutError:
        return None
    if len(body) > MAX_FORM:
        return None
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20))
    except ValueError:  # more fields than any form of ours has
        return None
