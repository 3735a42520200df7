"""What the API shows: incidents, their timelines and reasons, pages, who is on call."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from irpd.engine.ports import Fact
from irpd.model.command import Refusal
from irpd.model.event import EvidenceExceeded, LevelChanged, Opened
from irpd.model.incident import Incident, Member
from irpd.model.page import Page
from irpd.triage.why import decided_level, why_lines
from irpd.web.actor import Actor
from irpd.web.filters import Filter, filter_of, known, whole_number
from irpd.web.history import History
from irpd.web.ports import Services
from irpd.web.problem import answer
from irpd.web.shapes import plain, utc_text
from irpd.web.views import (
    contribution_view,
    incident_document,
    incident_view,
    incidents_document,
    page_view,
    share_view,
)

Rows = list[tuple[Incident, Sequence[Member]]]

_AT_ONCE = 2_000  # incidents looked at before others have their turn
_PAST_AT_ONCE = 200
_PAST_PER_REQUEST = 2_000


def number_of(request: web.Request) -> int:
    """The incident that the path names: ``42``, also as ``#42`` or ``%2342``."""
    text = request.match_info["number"].removeprefix("#")
    if not text.isascii() or not text.isdecimal() or len(text) > 15:
        raise Refusal("not-found", f"{text[:40]!r} is no incident's number")
    return int(text)


def flag(request: web.Request, name: str) -> bool:
    return request.query.get(name, "0").lower() in ("1", "true", "yes", "")


class Looking:
    def __init__(self, services: Services, history: History) -> None:
        self._services = services
        self._history = history

    async def found(self, number: int) -> tuple[Incident, Sequence[Member], Sequence[Page]]:
        """The incident, wherever it is. Raises Refusal when there is none."""
        state = self._services.engine.state
        incident = state.incidents.get(number)
        if incident is not None:
            return incident, list(state.members_of(number)), list(state.pages_of(number))
        stored = await self._history.incident(number)
        if stored is None:
            raise Refusal("not-found", f"there is no incident #{number}")
        return stored

    # ---------------------------------------------------------------- incidents
    async def incidents(self, request: web.Request, actor: Actor) -> web.Response:
        """Incidents, newest first. Filters: ``state`` (a list with commas, or all), ``level``, ``service``,
        ``since``, ``mine``, ``drill``; ``limit`` up to 500 and ``cursor`` (what ``next_cursor`` said)."""
        wanted = filter_of(request.query, person=actor.person)
        if wanted.active_only:
            rows, total, cursor = await self._live(wanted)
        else:
            rows, total, cursor = await self._all(wanted)
        if not rows and not wanted.before:
            for service in sorted(wanted.services):
                known(service, "service", self._services.engine.policy.configuration.services)
        return answer(
            incidents_document(
                [incident_view(row, members) for row, members in rows], total=total, next_cursor=cursor
            )
        )

    async def _live(self, wanted: Filter) -> tuple[Rows, int | None, str | None]:
        state = self._services.engine.state
        matching = []
        for looked_at, number in enumerate(sorted(state.incidents, reverse=True)):
            if looked_at % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)
            incident = state.incidents.get(number)
            if incident is not None and wanted.holds(incident):
                matching.append(incident)
        shown = [i for i in matching if wanted.before is None or i.number < wanted.before]
        more = len(shown) > wanted.limit
        shown = shown[: wanted.limit]
        rows: Rows = [(i, list(state.members_of(i.number))) for i in shown]
        return rows, len(matching), str(shown[-1].number) if more and shown else None

    async def _all(self, wanted: Filter) -> tuple[Rows, int | None, str | None]:
        """From the newest back, in memory or not. How many there are in all isn't counted (null)."""
        state = self._services.engine.state
        number = (wanted.before - 1) if wanted.before else max(state.incidents, default=0)
        if not number and not wanted.before:
            number = await self._history.highest_incident()
        rows: Rows = []
        read = 0
        while number > 0 and len(rows) < wanted.limit and read < _PAST_PER_REQUEST:
            numbers = range(number, max(0, number - _PAST_AT_ONCE), -1)
            past = [n for n in numbers if n not in state.incidents]
            stored = {row[0].number: row for row in await self._history.incidents(past)} if past else {}
            read += len(past)
            for n in numbers:
                number = n - 1
                if (incident := state.incidents.get(n)) is not None:
                    members: Sequence[Member] = list(state.members_of(n))
                elif n in stored:
                    incident, members = stored[n][0], stored[n][1]
                else:
                    continue
                if wanted.holds(incident):
                    rows.append((incident, members))
                    if len(rows) == wanted.limit:
                        break
        if number > 0:
            return rows, None, str(number + 1)
        return rows, len(rows) if wanted.before is None else None, None

    async def incident(self, request: web.Request, _actor: Actor) -> web.Response:
        """One incident; with ``signals=1``, ``events=1`` and ``pages=1`` its signals, timeline (or
        only its ``newest=N`` events) and pages."""
        number = number_of(request)
        incident, members, _ = await self.found(number)
        events = await self._history.events(number) if flag(request, "events") else None
        document = incident_document(
            incident,
            members,
            signals=flag(request, "signals"),
            events=events,
            newest=whole_number(request.query, "newest", least=1),
        )
        if flag(request, "pages"):
            document["pages"] = [page_view(page) for page in (await self.found(number))[2]]
        return answer(document, headers={"ETag": f'"{incident.version}"'})

    async def why(self, request: web.Request, _actor: Actor) -> web.Response:
        """Why its level is what it is, decision by decision, rule by rule; ``event=SEQ`` for one."""
        number = number_of(request)
        incident, members, _ = await self.found(number)
        asked = request.query.get("event", "")
        decisions = [
            fact
            for fact in await self._history.events(number)
            if isinstance(fact.event, Opened | LevelChanged | EvidenceExceeded)
            and (not asked or str(fact.seq) == asked)
        ]
        if asked and not decisions:
            raise Refusal("not-found", f"event {asked[:20]} of #{number} decided no level")
        people = self._services.engine.policy.configuration.people
        names = {key: person.name for key, person in people.items()}
        return answer(
            {
                "schema": "irpd.why/1",
                "incident": number,
                "level": int(incident.level),
                "severity": incident.level.severity,
                "level_by": plain(incident.level_by),
                "share": share_view(incident.share, incident.share_at, incident.opened_at),
                "decisions": [_decision(fact, names) for fact in decisions],
                "joined": [
                    {"signal": member.handle, "title": member.title, "because": member.why or None}
                    for member in members[:500]
                ],
            }
        )

    # ---------------------------------------------------------------- pages
    async def pages(self, request: web.Request, _actor: Actor) -> web.Response:
        """The ledger of pages, newest first. Filters: ``person``, ``incident``, ``limit``. ``total`` is null
        where not all of the past was looked at: name an incident for pages of one long over."""
        query = request.query
        person = query.get("person", "")
        limit = min(whole_number(query, "limit", least=1) or 100, 1000)
        if incident := query.get("incident", "").removeprefix("#"):
            if not incident.isdecimal() or len(incident) > 15:
                raise Refusal("invalid", f"incident={incident[:40]!r}: a number")
            pages = list((await self.found(int(incident)))[2])
        else:
            pages = list(self._services.engine.state.pages.values())
        complete = True
        matching: list[Page] = []
        for start in range(0, len(pages), _AT_ONCE):
            matching += [p for p in pages[start : start + _AT_ONCE] if not person or p.person == person]
            await asyncio.sleep(0)
        if not incident:
            past, complete = await self._past_pages(person, limit)
            matching += past
        if person and not matching:
            known(person, "person", self._services.engine.policy.configuration.people)
        matching.sort(key=lambda page: (page.requested_at, page.incident, len(page.id), page.id))
        matching.reverse()
        return answer(
            {
                "schema": "irpd.pages/1",
                "total": len(matching) if complete else None,
                "pages": [page_view(page) for page in matching[:limit]],
            }
        )

    async def _past_pages(self, person: str, limit: int) -> tuple[list[Page], bool]:
        """Pages of incidents that have left memory, from the newest incident back until ``limit`` are found,
        and whether these are all there are."""
        state = self._services.engine.state
        number = await self._history.highest_incident()
        found: list[Page] = []
        read = 0
        while number > 0 and len(found) < limit and read < _PAST_PER_REQUEST:
            numbers = range(number, max(0, number - _PAST_AT_ONCE), -1)
            past = [n for n in numbers if n not in state.incidents]
            read += len(past)
            for _, _, pages in await self._history.incidents(past):
                found += [p for p in pages if p.id not in state.pages and person in ("", p.person)]
            number = numbers[-1] - 1
        return found, number <= 0

    # ---------------------------------------------------------------- on call
    async def people(self, _request: web.Request, actor: Actor) -> web.Response:
        """Who there is; ``you`` are whom the request acts for, and ``time_zone`` is in which times read for
        you (the server's where nobody is named)."""
        configuration = self._services.engine.policy.configuration
        asking = configuration.people.get(actor.person)
        return answer(
            {
                "schema": "irpd.people/1",
                "you": actor.person or None,
                "time_zone": (asking or configuration.server).time_zone,
                "people": [
                    {"id": id, "name": person.name or id, "time_zone": person.time_zone}
                    for id, person in configuration.people.items()
                ],
            }
        )


def _decision(fact: Fact, names: Mapping[str, str]) -> dict[str, Any]:
    event = fact.event
    assert isinstance(event, Opened | LevelChanged | EvidenceExceeded)
    level = decided_level(event)
    return {
        "seq": fact.seq,
        "at": utc_text(fact.at),
        "type": type(event).__struct_config__.tag,
        "level": int(level),
        "severity": level.severity,
        "impact": level.impact,
        "level_by": plain(event.level_by),
        "share": share_view(event.share, None),
        "rules_hash": event.rules_hash or None,
        "rules": [contribution_view(rule) for rule in event.rules],
        "text": why_lines(event, names),
    }
