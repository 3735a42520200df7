"""At start and on a schedule: what senders say is firing, against what irpd believes.

What irpd missed is opened, what ended without a word ends; both come in as receipts of their source, so that
they are decided, kept and replayed like what the sender should have sent, and the timeline says how irpd came
to know. A signal that was heard of after the question was asked is left alone. A sender that doesn't answer
changes nothing but ``problems``.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import aiohttp
import structlog

from irpd.config.values import Api, Configuration
from irpd.engine.batch import CommandFailed
from irpd.engine.inbox import Overloaded
from irpd.engine.ports import Clock, JournalError, Normalised
from irpd.evidence import alertmanager, sentry
from irpd.evidence.ask import Http, NoAnswer
from irpd.model.incident import Member, MemberStatus

log = structlog.get_logger("irpd.evidence")

#: The first look comes so long after the start, in seconds: what senders repeat by themselves comes first.
FIRST = 5.0
#: Issues of which one look asks Sentry, those first that were asked longest ago.
ISSUES = 200
#: How far back, at most, new issues are looked for after irpd was down.
LONGEST_BACK = timedelta(days=1)
#: Signals that are looked at in one go.
LOOKED_AT = 5000
_FIRING = (MemberStatus.FIRING, MemberStatus.STALE)


def _fires(member: Member) -> bool:
    """Whether it fires as far as irpd knows: in an incident, or muted or held here outside of any."""
    return member.status in _FIRING or (
        member.waits is not None and member.status is not MemberStatus.RESOLVED
    )


class Door(Protocol):
    def normalise(self, body: bytes, headers: Mapping[str, str], now: datetime, /) -> Normalised: ...


class EngineLike(Protocol):
    @property
    def state(self) -> Any: ...
    async def receive(
        self,
        source: str,
        body: bytes,
        headers: Mapping[str, str],
        normalised: Normalised,
        first_byte_at: datetime,
    ) -> object: ...


class Counted(Protocol):
    """Who counts looks (answered | failed) and what they found (missed | ended | changed)."""

    def looked(self, source: str, outcome: str) -> None: ...
    def found(self, source: str, what: str, n: int) -> None: ...


class _Look:
    """One source that can be asked."""

    def __init__(self, name: str, kind: str, settings: Api, servers: list[Http]) -> None:
        self.name, self.kind, self.settings, self.servers = name, kind, settings, servers
        self.since: datetime | None = None  # when it was last asked with success
        self.asked: dict[str, datetime] = {}  # issue → when it was asked of
        self.problem = ""


class Reconciler:
    """``use`` a configuration, then ``run``. ``sources`` is looked up each time, so a reload replaces it."""

    def __init__(
        self,
        engine: EngineLike,
        clock: Clock,
        session: aiohttp.ClientSession,
        sources: Mapping[str, Door],
        counted: Counted,
        *,
        last_alive: datetime | None = None,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._session = session
        self._sources = sources
        self._counted = counted
        self._began = last_alive or clock.now()
        self._looks: dict[str, _Look] = {}
        self._due: dict[str, float] = {}
        self._unusable: dict[str, str] = {}
        self._changed = asyncio.Event()

    def use(self, configuration: Configuration) -> None:
        """From here on ask whom these files name."""
        before, self._looks, self._unusable = self._looks, {}, {}
        for name, source in configuration.sources.items():
            settings = source.api
            if settings is None:
                continue
            if name in before and before[name].settings == settings and before[name].kind == source.type:
                self._looks[name] = before[name]
                continue
            try:
                servers = [
                    Http(
                        self._session, url, auth=settings.auth, timeout=settings.timeout,
                        now=self._clock.boot, most=32 * 1024 * 1024,
                    )
                    for url in settings.urls
                ]  # fmt: skip
            except LookupError as error:
                self._unusable[name] = str(error)
                log.error("sender-unusable", source=name, error=str(error))
            else:
                self._looks[name] = _Look(name, source.type, settings, servers)
                self._due[name] = self._clock.boot() + min(FIRST, settings.every)
        self._due = {name: due for name, due in self._due.items() if name in self._looks}
        self._changed.set()

    @property
    def problems(self) -> Mapping[str, str]:
        """Each sender that doesn't answer, and why."""
        return {**self._unusable, **{name: one.problem for name, one in self._looks.items() if one.problem}}

    async def run(self) -> None:
        """For ever."""
        while True:
            self._changed.clear()
            now = self._clock.boot()
            for name in [name for name, due in self._due.items() if due <= now]:
                if (look := self._looks.get(name)) is not None:
                    await self._at(look)
                    self._due[name] = self._clock.boot() + look.settings.every
            first = min(self._due.values(), default=None)
            wait = None if first is None else max(first - self._clock.boot(), 0.0)
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                pass

    async def _at(self, look: _Look) -> None:
        asked_at = self._clock.now()
        try:
            if look.kind == "sentry":
                await self._sentry(look, asked_at)
            else:
                await self._alertmanager(look, asked_at)
        except NoAnswer as error:
            self._counted.looked(look.name, "failed")
            if look.problem != str(error):
                log.warning("sender-silent", source=look.name, error=str(error))
            look.problem = str(error)
        except (Overloaded, JournalError, CommandFailed, LookupError) as error:
            log.warning("reconciliation-not-taken", source=look.name, error=str(error))
        except Exception:  # a defect in here must not end the looking at other senders
            log.exception("reconciling-raised", source=look.name)
        else:
            self._counted.looked(look.name, "answered")
            look.problem, look.since = "", asked_at

    # ------------------------------------------------------------ what irpd believes
    async def _members(self, source: str) -> dict[str, Member]:
        """The signals of a source that are in memory, by the sender's own identity; the newest of each.

        There may be a hundred thousand: others get their turn in between."""
        found: dict[str, Member] = {}
        for i, member in enumerate(list(self._engine.state.members.values())):
            if i % LOOKED_AT == LOOKED_AT - 1:
                await asyncio.sleep(0)
            if member.source == source:
                key = member.key.removeprefix(source + "/")
                if key not in found or found[key].sid < member.sid:
                    found[key] = member
        return found

    async def _hand_in(self, source: str, body: bytes, headers: Mapping[str, str]) -> None:
        now = self._clock.now()
        normalised = self._sources[source].normalise(body, headers, now)
        await self._engine.receive(source, body, headers, normalised, now)

    # ------------------------------------------------------------ Alertmanager
    async def _alertmanager(self, look: _Look, asked_at: datetime) -> None:
        settings = look.settings
        told = await alertmanager.firing(
            look.servers, receiver=settings.receiver, now=asked_at, awake_after=settings.trust_after
        )
        members = await self._members(look.name)
        just = asked_at - timedelta(seconds=settings.after)
        known = [
            key
            for key, member in members.items()
            if _fires(member) or (member.resolved_seen_at or _LONG_AGO) > just
        ]
        firing = {
            key: member.labels
            for key, member in members.items()
            if _fires(member) and member.last_seen < asked_at and alertmanager.is_fingerprint(key)
        }
        missed = alertmanager.missed(told, known, now=asked_at, after=settings.after)
        ended = alertmanager.ended(told, firing)
        for what, alerts, status, note in (
            ("missed", missed, "firing", "it fires there, and no report of it had come"),
            ("ended", ended, "resolved", "it no longer fires there, and no resolved had come"),
        ):
            if alerts:
                log.warning("reconciled", source=look.name, what=what, signals=len(alerts))
                self._counted.found(look.name, what, len(alerts))
            note = f"Alertmanager was asked: {note}."
            receiver = settings.receiver or "irpd"
            for body in alertmanager.bodies(
                alerts, status=status, receiver=receiver, note=note, now=asked_at
            ):
                await self._hand_in(look.name, body, {})

    # ------------------------------------------------------------ Sentry
    async def _sentry(self, look: _Look, asked_at: datetime) -> None:
        server, organization = look.servers[0], look.settings.organization
        members = await self._members(look.name)
        since = max(look.since or self._began, asked_at - LONGEST_BACK)
        overlap = timedelta(seconds=look.settings.after)
        for found in await sentry.new_issues(server, organization, since - 2 * overlap):
            if f"issue:{found['id']}" not in members and _older(found, asked_at - overlap):
                note = "Sentry was asked: this issue is new there, and no report of it had come."
                await self._found(look, "missed", sentry.body(found, note=note, created=True))
        firing = {key: one for key, one in members.items() if _fires(one)}
        for found in await sentry.back_again(server, organization, since - 2 * overlap):
            if (key := f"issue:{found['id']}") not in firing:
                await self._regressed(look, found, members.get(key), since - 2 * overlap, asked_at - overlap)
        numbers = sorted(sentry.numbers(firing), key=lambda one: look.asked.get(one[0], _LONG_AGO))
        for key, number in numbers[:ISSUES]:
            member = firing[key]
            issue = await sentry.issue(server, organization, number)
            look.asked[key] = asked_at
            if member.last_seen >= asked_at:
                continue
            if sentry.over(issue):
                note = "Sentry was asked: it is over there, and no word of that had come."
                issue = issue or sentry.gone(number, member.title)
                await self._found(look, "ended", sentry.body(issue, note=note))
            elif issue is not None and (sentry.count(issue) or 0) > (member.impact.affected or 0):
                await self._found(look, "changed", sentry.body(issue, note=""))
        look.asked = {key: at for key, at in look.asked.items() if key in firing}

    async def _regressed(
        self, look: _Look, found: Mapping[str, Any], known: Member | None, since: datetime, until: datetime
    ) -> None:
        """An old issue that was over and occurs again; when it came back only its history tells."""
        issue = await sentry.issue(look.servers[0], look.settings.organization, str(found["id"]))
        at = sentry.came_back(issue) if issue is not None else None
        if issue is None or at is None or not since < at <= until or sentry.over(issue):
            return
        if known is None or (known.resolved_seen_at or known.last_seen) < at:
            note = "Sentry was asked: this issue was over and occurs again, and no report of that had come."
            await self._found(look, "missed", sentry.body(issue, note=note))

    async def _found(self, look: _Look, what: str, body: bytes) -> None:
        log.info("reconciled", source=look.name, what=what, signals=1)
        self._counted.found(look.name, what, 1)
        await self._hand_in(look.name, body, sentry.HEADERS)


_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def _older(issue: Mapping[str, Any], than: datetime) -> bool:
    """Whether its report should have come by now."""
    first = alertmanager.time_of(issue.get("firstSeen"))
    return first is None or first <= than
