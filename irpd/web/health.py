"""``/healthz``, ``/readyz`` and ``/metrics``: open to supervisors and Prometheus.

``/healthz`` answers as long as the loop does. ``/readyz`` says whether irpd does its job,
and what degrades it: a bad configuration in the files degrades (the last good one is in
force and pages), a journal that can't be written makes it not ready.
"""

from collections import Counter
from collections.abc import Collection
from datetime import datetime

from aiohttp import web

from irpd.model.incident import Incident, MemberStatus, State
from irpd.model.page import Page, SendState
from irpd.model.role import is_expert
from irpd.oncall.reachable import unreached_at
from irpd.oncall.roster import rosters
from irpd.web.metrics import CONTENT_TYPE, Readings
from irpd.web.ports import Services
from irpd.web.problem import answer
from irpd.web.soonest import Soonest


class Health:
    def __init__(self, services: Services) -> None:
        self._services = services

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/healthz", self.healthz)
        app.router.add_get("/readyz", self.readyz)
        app.router.add_get("/metrics", self.metrics)

    async def healthz(self, _request: web.Request) -> web.Response:
        return answer({"status": "alive", "version": self._services.version})

    async def readyz(self, _request: web.Request) -> web.Response:
        checks = list(self._services.readiness())
        ready = all(check.ok for check in checks if check.fatal)
        whole = all(check.ok for check in checks)
        return answer(
            {
                "status": "ready" if whole else "degraded" if ready else "not-ready",
                "checks": [
                    {"name": c.name, "ok": c.ok, "fatal": c.fatal, "detail": c.detail or None} for c in checks
                ],
            },
            status=200 if ready else 503,
        )

    async def metrics(self, _request: web.Request) -> web.Response:
        return web.Response(
            body=self._services.metrics.exposition(), headers={"Content-Type": CONTENT_TYPE, "Server": "irpd"}
        )


class Gauges:
    """What the published state says, kept up as it is published, so that a scrape with a
    hundred thousand open incidents costs no more than one with none."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._open: dict[int, int] = {}  # incident → level
        self._by_level = {1: 0, 2: 0, 3: 0, 4: 0}
        self._due: Soonest[tuple[str, int]] = Soonest()  # by objective and level
        self._vacant: dict[int, tuple[int, int]] = {}  # incident → level, roles that nobody has accepted
        self._vacant_by = {1: 0, 2: 0, 3: 0, 4: 0}
        self._pending: dict[str, datetime] = {}  # page → since when its earliest unsent message waits
        state = services.engine.state
        for incident in state.incidents.values():
            self._incident(incident)
        for page in state.pages.values():
            self._page(page)
        services.engine.on_publish(self._published)

    def _published(self, pages: Collection[Page], incidents: Collection[Incident]) -> None:
        for incident in incidents:
            self._incident(incident)
        for page in pages:
            self._page(page)

    def _incident(self, incident: Incident) -> None:
        if (before := self._open.pop(incident.number, None)) is not None:
            self._by_level[before] -= 1
        if incident.state.active:
            self._open[incident.number] = level = int(incident.level)
            self._by_level[level] += 1
        self._due.put(incident.number, _dues(incident))
        if (vacant := self._vacant.pop(incident.number, None)) is not None:
            self._vacant_by[vacant[0]] -= vacant[1]
        if count := _vacant(incident):
            self._vacant[incident.number] = level, n = int(incident.level), count
            self._vacant_by[level] += n

    def _page(self, page: Page) -> None:
        pending = [send for send in page.sends if send.state is SendState.PENDING] if page.live else []
        before = self._pending.pop(page.id, None)
        if not pending:
            return
        times = [send.due_at for send in pending]
        if not any(send.state is SendState.DELIVERED for send in page.sends):
            # What is tried again and again has waited since it first came due, not until its next try.
            tried = [send.last_at for send in pending if send.last_at is not None]
            if tried and before is not None:
                tried.append(before)
            times += tried
        self._pending[page.id] = min(times)

    def _waiting(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for member in self._services.engine.state.waiting:
            if member.waits is not None and member.status is not MemberStatus.RESOLVED:
                found[member.waits.kind.value] = found.get(member.waits.kind.value, 0) + 1
        return found

    def readings(self) -> Readings:
        now = self._services.clock.now()
        oldest = min(self._pending.values(), default=now)
        gaps = {}
        changes = self._services.engine.state.changes
        configuration = self._services.engine.policy.configuration
        known = rosters(configuration)
        for name in known:
            try:
                turn = known[name].on_call(now, changes)
                gaps[name] = turn is None or unreached_at(configuration, name, turn.person, now)
            except (LookupError, ValueError, OSError):
                gaps[name] = True
        return Readings(
            open_by_level=dict(self._by_level),
            due={key: (at - now).total_seconds() for key, at in self._due.soonest().items()},
            vacant=dict(self._vacant_by),
            pages_pending=len(self._pending),
            oldest_pending_seconds=max(0.0, (now - oldest).total_seconds()),
            waiting=self._waiting(),
            heartbeats=Counter(one.state for one in self._services.heartbeats.beats()),
            silences=sum(1 for one in self._services.engine.state.silences if one.until > now),
            gaps=gaps,
            checks={check.name: check.ok for check in self._services.readiness()},
        )


def _dues(incident: Incident) -> dict[tuple[str, int], datetime]:
    """When its objectives are due, or since when they have been missed; of what is over none is."""
    if not incident.state.active:
        return {}
    kept, level = incident.objectives, int(incident.level)
    found: dict[tuple[str, int], datetime] = {}
    if incident.respond_by is not None and incident.state is State.OPEN:
        found["response", level] = incident.respond_by
    if kept.update is not None:
        found["update", level] = kept.missed_since or kept.update.due_at
    if kept.resolution is not None:
        found["resolution", level] = kept.resolution.due_at
    return found


def _vacant(incident: Incident) -> int:
    if not incident.state.active:
        return 0
    seats = incident.seats.items()
    return sum(1 for role, seat in seats if not seat.accepted and not is_expert(role))
