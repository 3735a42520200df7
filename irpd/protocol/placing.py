"""Where a key that nothing is known of belongs: it waits, joins the incident of its group, of what it breaks
or of the storm that is on, or it opens an incident of its own.

Judging which service, which group and how severe never loses it: what can't be judged is made up for,
and noted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from msgspec.structs import replace

from irpd.config.values import Configuration, Source
from irpd.model import event as e
from irpd.model.incident import Incident, LevelBy, Member
from irpd.model.level import Level
from irpd.model.share import UNKNOWN, Share
from irpd.model.signal import Signal, Status
from irpd.protocol import storm, waiting
from irpd.protocol.answers import ease
from irpd.protocol.beside import start_beside
from irpd.protocol.draft import Draft
from irpd.protocol.levels import (
    decide_again,
    facts_of,
    lower_after,
    measured,
    measured_first,
    minutes_open,
    verdict_on,
)
from irpd.protocol.objectives import opening, respond_by
from irpd.protocol.paging import OPERATORS, main_path, start_path, tell_holders
from irpd.protocol.quiet import settle, watch_flapping
from irpd.protocol.roles import call, filled
from irpd.triage.facts import Facts
from irpd.triage.group import Group, group_for
from irpd.triage.level import Verdict


@dataclass(slots=True)
class Received:
    """The answer: which incidents were touched, and how many signals had which outcome."""

    incidents: dict[int, None] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    unmapped: int = 0

    def count(self, outcome: str, incident: int | None = None) -> None:
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        if incident is not None:
            self.incidents[incident] = None

    def add(self, other: "Received") -> None:
        """The counts of another answer too."""
        for outcome, n in other.outcomes.items():
            self.outcomes[outcome] = self.outcomes.get(outcome, 0) + n
        self.unmapped += other.unmapped


def unknown(draft: Draft, source: str, key: str, signal: Signal, answer: Received) -> None:
    if signal.status is not Status.FIRING:
        answer.count("ignored")  # nothing is known of it: a resolved, a comment opens nothing
        return
    settings = draft.configuration.sources.get(source)
    service, by = _service(draft, source, signal)
    if by == "unmapped":
        answer.unmapped += 1
    if signal.unreadable:
        incident = _open_unreadable(draft, settings, source, key, service, signal)
        answer.count("unreadable", incident.number)
        return
    place(draft, settings, source, key, service, signal, answer)


def place(
    draft: Draft, settings: Source | None, source: str, key: str, service: str, signal: Signal,
    answer: Received, *, waited: Member | None = None,
) -> None:  # fmt: skip
    """Where a new key belongs: it waits, joins or opens. ``waited`` is its row if it has waited before."""
    probe = facts_of(
        draft, source=source, service=service, status=signal.status.value, title=signal.title,
        text=signal.text, labels=signal.labels, project=signal.project, share=UNKNOWN, incident=None,
    )  # fmt: skip
    if waited is None and waiting.anything_mutes(draft):
        waits = waiting.reason_to_wait(draft, probe)
        if waits is not None:
            answer.count(waiting.begin(draft, waits, source=source, key=key, service=service, signal=signal))
            return
    group = _group(draft, probe, key)
    joins = route(draft, group)
    if joins is None:
        broken = _broken_by(draft, service)
        if broken is not None:
            why = f"{broken.services[0]} depends on {service}"
            _join(draft, broken, source, key, service, signal, why, probe, waited)
            answer.count("joins", broken.number)
            return
        running = _running_storm(draft)
        if running is not None and not storm.stands_out(running, verdict_on(draft, probe)):
            _join(draft, running, source, key, service, signal, storm.why(draft), probe, waited)
            storm.spread(draft, draft.incident(running.number), service, source)
            answer.count("joins", running.number)
            return
        incident = _open(draft, settings, source, key, service, signal, group, probe, waited, running)
        answer.count("opens", incident.number)
    else:
        why = f"group {group.rule}: " + ", ".join(value or '""' for value in group.values)
        _join(draft, joins, source, key, service, signal, why, probe, waited)
        answer.count("joins", joins.number)


def _running_storm(draft: Draft) -> Incident | None:
    settings = storm.settings_of(draft)
    return route(draft, storm.group_of(settings)) if settings is not None else None


def _service(draft: Draft, source: str, signal: Signal) -> tuple[str, str]:
    if signal.unreadable:
        return draft.configuration.unmapped, "unreadable"
    try:
        return draft.policy.services.service_for(source, signal)
    except Exception as error:  # whatever it raises: a report is unmapped then, never lost
        draft.defects.append(("service", error))
        return draft.configuration.unmapped, "unmapped"


def _group(draft: Draft, probe: Facts, key: str) -> Group:
    try:
        return group_for(draft.policy.ruleset, probe, key)
    except Exception as error:  # whatever it raises: what can't be grouped is an incident of its own
        draft.defects.append(("group", error))
        return Group(key=key)


def route(draft: Draft, group: Group) -> Incident | None:
    """The open incident that a new key of this group joins; None: it opens one of its own.

    A new key joins only while the incident is open or acknowledged, its last signal is no
    older than the group's ``within`` and its first no older than ``at_most``.
    """
    if not group.rule:
        return None
    for one in draft.rows.group(group.key):
        if _takes(one, group, draft.now):
            return one
    return None


def _broken_by(draft: Draft, service: str) -> Incident | None:
    """The open incident of a service that this one breaks, where the files say that its signals join it."""
    within = timedelta(seconds=draft.configuration.timing.joins_within)
    for one in draft.rows.taking(service):
        if one.last_signal_at is None or draft.now - one.last_signal_at <= within:
            return one
    return None


def breakers(configuration: Configuration, service: str) -> tuple[str, ...]:
    """The services whose signals join an incident of this one: those it depends on, and what they do."""
    found: dict[str, None] = {}
    waiting = [service]
    while waiting:
        settings = configuration.services.get(waiting.pop())
        for name, effect in settings.depends_on.items() if settings is not None else ():
            if effect == "joins" and name not in found and name != service:
                found[name] = None
                waiting.append(name)
    return tuple(sorted(found))


def _takes(incident: Incident, group: Group, now: datetime) -> bool:
    first, last = incident.first_signal_at, incident.last_signal_at
    if group.within and last is not None and (now - last).total_seconds() > group.within:
        return False
    return not (group.at_most and first is not None and (now - first).total_seconds() > group.at_most)


def _joined(
    draft: Draft, number: int, n: int, source: str, key: str, service: str, signal: Signal, why: str
) -> e.SignalJoined:
    return e.SignalJoined(
        sid=draft.rows.counter("sid") + 1,
        n=n,
        key=key,
        source=source,
        title=signal.title,
        service=service,
        labels=signal.labels,
        text=signal.text or signal.unreadable,
        starts_at=signal.starts_at,
        episode=signal.episode,
        sender_group=signal.group,
        impact=signal.impact,
        reporter=signal.reporter,
        user=signal.user,
        project=signal.project,
        url=signal.url,
        runbook=signal.runbook,
        dashboard=signal.dashboard,
        why=why,
    )


def _moved(draft: Draft, waited: Member, n: int, why: str) -> e.SignalMoved:
    came = waiting.why_it_came(waited, draft.now)
    return e.SignalMoved(sid=waited.sid, n=n, out_of=0, why=f"{why}; {came}")


def _open(
    draft: Draft, settings: Source | None, source: str, key: str, service: str, signal: Signal,
    group: Group, probe: Facts, waited: Member | None, running: Incident | None,
) -> Incident:  # fmt: skip
    reporters = int(signal.reporter is not None)
    share = measured_first(draft, service, signal)
    verdict = verdict_on(draft, replace(probe, share=share, reporters=reporters))
    title, why = signal.title, "opened it"
    stormy = storm.settings_of(draft)
    parts = storm.becomes(draft, stormy, beside=running) if stormy is not None else None
    if parts is not None and stormy is not None:
        verdict, group = storm.most_severe(verdict, parts), storm.group_of(stormy)
        title, why = storm.titled(draft, title), storm.why(draft)
    incident = open_incident(
        draft,
        title=title,
        service=service,
        source=source,
        verdict=verdict,
        share=share,
        group=group,
        first=(key, signal),
        detected_by=_detected_by(settings),
        why=why,
        waited=waited,
    )
    return ease(draft, storm.gather(draft, incident, parts)) if parts else incident


def _open_unreadable(
    draft: Draft, settings: Source | None, source: str, key: str, service: str, signal: Signal
) -> Incident:
    level = settings.unreadable_level if settings is not None else 2
    verdict = Verdict(
        level=Level(level),
        level_by=LevelBy(kind="default", because=f"a report of {source} can't be read"),
        contributions=(),
        regimes=(),
    )
    return open_incident(
        draft, title=signal.title, service=service, source=source, verdict=verdict, share=UNKNOWN,
        group=Group(key=key), first=(key, signal), detected_by=_detected_by(settings), why="can't be read",
    )  # fmt: skip


def _detected_by(settings: Source | None) -> str:
    if settings is None:
        return "irpd"
    return settings.detected_by or ("user-report" if settings.ticket else "monitoring")


def open_incident(
    draft: Draft,
    *,
    title: str,
    service: str,
    source: str,
    verdict: Verdict,
    share: Share,
    group: Group | None,
    first: tuple[str, Signal] | None,
    detected_by: str,
    why: str = "",
    by: str = "",
    persons: Sequence[str] = (),
    waited: Member | None = None,
) -> Incident:
    """A new incident with its first signal, and its path under way.

    ``persons`` are paged instead of a configured path's steps (irpd's own operators).
    """
    configuration = draft.configuration
    number = draft.rows.counter("incident") + 1
    settings = configuration.services.get(service)
    regimes = (*verdict.regimes, *(settings.regimes if settings is not None else ()))
    respond = respond_by(draft, verdict.level)
    incident = draft.emit(
        number,
        e.Opened(
            number=number,
            title=title,
            services=(service,),
            level=verdict.level,
            level_by=verdict.level_by,
            evidence_level=verdict.level,
            rules=verdict.contributions,
            share=share,
            source=source,
            detected_by=detected_by,
            config=draft.policy.hash,
            rules_hash=draft.policy.ruleset.hash,
            impact_from=first[1].starts_at if first is not None else None,
            group=group.key if group is not None and group.rule else None,
            group_rule=group.rule if group is not None else "",
            group_within=group.within if group is not None else 0.0,
            group_at_most=group.at_most if group is not None else 0.0,
            respond_by=respond,
            quiet_for=configuration.timing.quiet,
            reopen_within=configuration.timing.reopen_within,
            regimes=tuple(dict.fromkeys(regimes)),
            by=by,
            roles=filled(draft, verdict.level, {}),
            lower_after=lower_after(draft, verdict),
            ages=draft.policy.ruleset.ages,
            takes=breakers(configuration, service),
            objectives=opening(draft, verdict.level, respond, source=source),
        ),
    )
    if first is not None:
        key, signal = first
        incident = draft.emit(
            number,
            _moved(draft, waited, 1, why)
            if waited is not None
            else _joined(draft, number, 1, source, key, service, signal, why),
        )
        if waited is not None:
            incident, _ = watch_flapping(draft, incident, waited.sid)
    name = OPERATORS if persons else main_path(draft, incident) or "fallback"
    incident = start_path(draft, incident, name, because="opened", persons=persons)
    return incident if persons else call(draft, start_beside(draft, incident, verdict.starts))


def _join(
    draft: Draft, incident: Incident, source: str, key: str, service: str, signal: Signal,
    why: str, probe: Facts, waited: Member | None,
) -> None:  # fmt: skip
    n = incident.handles + 1
    before, services = incident.level, incident.services
    incident = draft.emit(
        incident.number,
        _moved(draft, waited, n, why)
        if waited is not None
        else _joined(draft, incident.number, n, source, key, service, signal, why),
    )
    share = measured(draft, incident)
    facts = replace(
        probe, share=share, reporters=incident.reporters, signals=incident.members,
        open_minutes=minutes_open(draft, incident),
    )  # fmt: skip
    verdict = verdict_on(draft, facts)
    incident = ease(draft, decide_again(draft, incident, verdict, share), verdict)
    if service not in services:
        incident = start_beside(draft, incident)
    if incident.level == before and incident.acknowledged_by:
        tell_holders(draft, incident, text=f"Another signal joined: {signal.title} ({incident.number}.{n}).")
    else:
        settle(draft, incident)
