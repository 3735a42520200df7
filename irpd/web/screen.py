"""What the acknowledgement page says, decided from the published state; how it looks is the
template's business. Pure.

The page belongs to one person and one page of an incident. Whoever opens it at 3 a.m. must
see in one look: how bad, what, whether it is theirs to do, and one button.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from irpd.comms.places import Place, places
from irpd.comms.story import asks_still
from irpd.config.values import Configuration
from irpd.model.contact import VERIFY
from irpd.model.incident import Incident, Member, MemberStatus, RunState, State
from irpd.model.page import Page, PageKind
from irpd.web.asked import asked_for
from irpd.web.wording import (
    brief,
    clock,
    counts_text,
    listed,
    share_text,
    shortened,
    span,
    web_address,
    zone_of,
)

SIGNALS_SHOWN = 5
PEOPLE_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One signal on the page."""

    title: str
    status: str
    detail: str
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """Everything that the template shows. ``state`` is one of asking, again (of who has it), declined, yours,
    theirs, over, merged, test, tested, told, ended."""

    state: str
    severity: str  # critical | high | medium | low, or "" without an incident
    ref: str
    drill: bool
    now: str
    age: str
    title: str
    headline: str
    lines: tuple[str, ...] = ()
    where: str = ""
    counts: str = ""
    since: str = ""
    why: str = ""
    why_label: str = ""
    signals: tuple[Shown, ...] = ()
    more_signals: int = 0
    signals_summary: str = ""
    links: tuple[Place, ...] = ()
    hand_on: str = ""  # label of the button that hands on
    people: tuple[Choice, ...] = ()
    can_take: bool = False
    can_join: bool = False
    can_hand_on: bool = False
    can_undo: bool = False
    can_note: bool = False
    can_resolve: bool = False
    confirm: bool = False  # all signals are resolved, at level 1-2: the question is whether it is over
    person: str = ""
    zone: str = ""
    take: str = ""  # label of the button that takes what is asked for, where that is not the incident
    note: str = ""  # what the field for words is for, where that is no note


def ended_at(incident: Incident) -> datetime | None:
    return incident.resolved_at or incident.closed_at


def link_has_ended(page: Page, incident: Incident | None, *, keep: float, now: datetime) -> bool:
    """Links work until ``keep`` seconds after their incident's end (a test page's: its expiry)."""
    if incident is None:
        return now > page.expires_at + timedelta(seconds=keep)
    if incident.state.active:
        return False
    end = ended_at(incident) or page.expires_at
    return now > end + timedelta(seconds=keep)


def screen_for(
    page: Page,
    incident: Incident | None,
    members: Sequence[Member],
    configuration: Configuration,
    now: datetime,
    *,
    asked: Sequence[Page] = (),
) -> Screen:
    """What to show to the person of ``page`` now. ``asked`` are the incident's pages: that somebody was paged
    is said of these only, never because it was due."""
    person = configuration.people.get(page.person)
    zone = zone_of(person.time_zone if person else configuration.server.time_zone)
    names = {key: value.name for key, value in configuration.people.items()}
    who = _first_name(names.get(page.person, page.person))
    if incident is None:
        ended = link_has_ended(page, None, keep=configuration.timing.link_ends, now=now)
        return _without_incident(page, who, zone, now, ended=ended)

    ended = link_has_ended(page, incident, keep=configuration.timing.link_ends, now=now)
    state = "ended" if ended else _state(page, incident)
    active = incident.state.active
    next_name = _first_name(names.get(page.next_person, page.next_person))
    headline, lines = _said(
        state,
        page,
        incident,
        who=who,
        next_name=next_name,
        since=_paged_since(page, asked, names, zone, now),
        names=names,
        zone=zone,
        now=now,
    )
    asks = asked_for(page, incident, names) if page.asks and active and not ended else None
    if asks is not None:
        state, headline, lines = asks.state, asks.headline, tuple(shortened(one, 600) for one in asks.lines)
    firing = [member for member in members if member.status is MemberStatus.FIRING]
    shown = sorted(members, key=lambda m: (m.status is not MemberStatus.FIRING, -m.last_seen.timestamp()))
    return Screen(
        state=state,
        severity=incident.level.severity,
        ref=incident.ref,
        drill=incident.drill,
        now=clock(now, zone, now),
        age=brief((now - incident.opened_at).total_seconds()) if active else "",
        title=shortened(incident.title, 160),
        headline=headline,
        lines=lines,
        where=_where(incident, configuration),
        counts=counts_text(incident.share),
        since=_since(incident, zone, now),
        why_label=f"Why {incident.level.severity}",
        why=_why(incident),
        signals=tuple(_shown(member, zone, now) for member in shown[:SIGNALS_SHOWN]),
        more_signals=max(0, len(shown) - SIGNALS_SHOWN),
        signals_summary=_summary(len(firing), len(members)),
        links=places(incident, shown, configuration, now),
        hand_on=asks.hand_on if asks is not None else _hand_on(page, next_name, now),
        people=()
        if asks is not None
        else tuple(Choice(id=key, name=name) for key, name in names.items() if key != page.person),
        can_take=bool(asks.take)
        if asks is not None
        else active and state in ("asking", "again", "declined", "told"),
        can_join=asks is None and active and state == "theirs",
        can_hand_on=bool(asks.hand_on) if asks is not None else active and state == "asking",
        can_undo=asks is None and active and state in ("yours", "again"),
        can_note=not ended and incident.state is not State.MERGED,
        can_resolve=asks is None and active and not ended,
        take=asks.take if asks is not None else "",
        note=asks.note if asks is not None else "",
        confirm=asks is None and active and incident.unconfirmed and incident.level.urgent,
        person=who,
        zone=str(zone),
    )


def _state(page: Page, incident: Incident) -> str:
    if incident.state is State.MERGED:
        return "merged"
    if not incident.state.active:
        return "over"
    asks = asks_still(page, incident)
    if page.person in incident.acknowledged_by:
        return "again" if asks else "yours"
    if incident.acknowledged_by and not asks:
        return "theirs"
    if page.person in incident.declined_by:
        return "declined"
    if page.kind is PageKind.UPDATE:
        return "told"
    return "asking"


def _said(
    state: str,
    page: Page,
    incident: Incident,
    *,
    who: str,
    next_name: str,
    since: str,
    names: Mapping[str, str],
    zone: tzinfo,
    now: datetime,
) -> tuple[str, tuple[str, ...]]:
    """The headline and what is said under it."""
    lines: list[str] = []
    has = listed([_first_name(names.get(p, p)) for p in incident.acknowledged_by])
    if state == "again":
        headline = f"Still on it, {who}?" if page.reason == "stale" else f"You have it, {who}. There is news."
        lines.append(shortened(page.text, 600))
    elif state == "yours":
        others = [_first_name(names.get(p, p)) for p in incident.acknowledged_by if p != page.person]
        headline = f"You and {listed(others)} have it." if others else f"You have it, {who}."
        lines.append("Escalation has stopped.")
        if incident.update_by is not None:
            lines.append(f"Next: update due {clock(incident.update_by, zone, now)}.")
        if met := _response(incident, zone, now):
            lines.append(met)
    elif state == "theirs":
        at = f" at {clock(incident.acknowledged_at, zone, now)}" if incident.acknowledged_at else ""
        headline = f"{has} took it{at}."
        lines.append("Nothing to do.")
    elif state == "declined":
        headline = "You handed it on."
        lines.append(f"{since} You can still take it.".lstrip())
    elif state == "asking":
        nobody = "" if has else "Nobody has it yet. "
        asked = _asked(page, incident, next_name, zone, now, nobody=nobody)
        headline = f"{nobody}{since}" if since else asked
        if has:
            lines.append(f"{has} took it; this asks you beside that.")
        lines.append(shortened(page.text, 600))
        if incident.respond_by is not None and incident.respond_state == "running":
            lines.append(f"Respond by {clock(incident.respond_by, zone, now)}.")
    elif state == "told":
        headline = "For your information."
        lines.append(shortened(page.text, 600) or "Nobody has it yet. You may take it.")
    elif state == "merged":
        headline = f"Part of #{incident.merged_into} now."
        lines.append("Its signals are worked on there. Nothing to do here.")
    else:
        headline = "It is over."
        lines.append(_over(incident, names, zone, now))
        lines.append("Nothing to do.")
    if page.incident != incident.number:
        lines.insert(0, f"#{page.incident} is part of {incident.ref} now.")
    if incident.state.active and incident.unconfirmed:
        what = "a person must say that it is over" if incident.level.urgent else "it ends by itself"
        lines.append(f"All its signals are resolved; {what}.")
    return headline, tuple(line for line in lines if line)


def _paged_since(
    page: Page, asked: Sequence[Page], names: Mapping[str, str], zone: tzinfo, now: datetime
) -> str:
    """Who was paged last after this page, and when."""
    after = [
        one
        for one in asked
        if one.kind is PageKind.PAGE and one.person != page.person and one.requested_at > page.requested_at
    ]
    if not after:
        return ""
    at = max(one.requested_at for one in after)
    people = sorted(
        {_first_name(names.get(one.person, one.person)) for one in after if one.requested_at == at}
    )
    who = listed(people) if len(people) <= PEOPLE_NAMED else f"{len(people)} people"
    return f"{who} {'was' if len(people) == 1 else 'were'} paged at {clock(at, zone, now)}."


def _asked(
    page: Page, incident: Incident, next_name: str, zone: tzinfo, now: datetime, *, nobody: str
) -> str:
    """When the next one is due: as the path stands now, else as the page said when it was sent."""
    run = next((run for run in incident.paths if run.name == page.path), None)
    due = page.next_at if run is None else run.next_at if run.state is RunState.RUNNING else None
    if due is None or not next_name:
        return f"You are paged. {nobody}".rstrip()
    at = clock(due, zone, now)
    if due > now:
        return f"You are paged until {at}, then {next_name}."
    return f"{nobody}{next_name} is to be paged; due since {at}."


def _response(incident: Incident, zone: tzinfo, now: datetime) -> str:
    at = incident.first_acknowledged_at
    if at is None or incident.respond_state not in ("met", "missed"):
        return ""
    return f"First answer at {clock(at, zone, now)}: objective {incident.respond_state}."


def _over(incident: Incident, names: Mapping[str, str], zone: tzinfo, now: datetime) -> str:
    end = ended_at(incident)
    if end is None:
        return ""
    by = (
        f" by {_first_name(names.get(incident.resolved_by, incident.resolved_by))}"
        if incident.resolved_by
        else ""
    )
    took = span((end - incident.opened_at).total_seconds())
    return f"Resolved at {clock(end, zone, now)}{by} after {took}."


def _hand_on(page: Page, next_name: str, now: datetime) -> str:
    if next_name and page.next_at and page.next_at > now:
        return f"I can’t: page {next_name} now"
    return "I can’t: page the next person now"


def _where(incident: Incident, configuration: Configuration) -> str:
    titles = [
        (service.title or name) if (service := configuration.services.get(name)) else name
        for name in incident.services
    ]
    return " · ".join(part for part in (listed(titles), share_text(incident.share)) if part)


def _since(incident: Incident, zone: tzinfo, now: datetime) -> str:
    """The sender's own time where it is believable, else when it was opened."""
    said = incident.impact_from
    believable = said is not None and timedelta() <= incident.opened_at - said <= timedelta(days=30)
    at = said if said is not None and believable else incident.opened_at
    return f"Since {clock(at, zone, now)} ({zone})"


def _why(incident: Incident) -> str:
    by = incident.level_by
    name = by.rule or by.person or {"default": "default of its source"}.get(by.kind, by.kind)
    return shortened(f"{name}: {by.because}" if by.because else name, 300)


def _summary(firing: int, total: int) -> str:
    if total == 0:
        return "Opened by hand"
    if firing == total:
        return "1 signal, firing" if total == 1 else f"{total} signals, all firing"
    if firing == 0:
        return "1 signal, resolved" if total == 1 else f"{total} signals, all resolved"
    return f"{total} signals, {firing} firing"


def _shown(member: Member, zone: tzinfo, now: datetime) -> Shown:
    times = f" · {member.count} times" if member.count > 1 else ""
    return Shown(
        title=shortened(member.title, 120),
        status=member.status.value + (", flapping" if member.flapping else ""),
        detail=f"{member.source} · last {clock(member.last_seen, zone, now)}{times}",
        url=web_address(member.url),
    )


def _without_incident(page: Page, who: str, zone: tzinfo, now: datetime, *, ended: bool) -> Screen:
    """A test page, which belongs to no incident; or an incident that is no more."""
    if page.kind is PageKind.SHIFT:
        return Screen(
            state="told", severity="", ref="", drill=False, now=clock(now, zone, now), age="",
            title="A word about a shift", headline="Nothing to do.", person=who, zone=str(zone),
        )  # fmt: skip
    test, verify = page.kind is PageKind.TEST, page.reason == VERIFY
    acknowledged = page.seen_at is not None or page.acknowledged_at is not None
    if test and ended:
        state, headline, line = "ended", "This test is long over.", ""
    elif not test:
        state, headline, line = "ended", "This incident is no longer kept here.", ""
    elif acknowledged:
        headline = f"Confirmed, {who}." if verify else f"It works, {who}."
        state, line = "tested", "Your answer was counted. Nothing else to do."
    elif verify:
        state, headline = "test", f"Did this reach you, {who}?"
        line = "Press the button to confirm that irpd reaches you by it."
    else:
        state, headline, line = (
            "test",
            f"This is only a test, {who}.",
            "Press the button to show that pages reach you.",
        )
    return Screen(
        state=state,
        severity="",
        ref="",
        drill=False,
        now=clock(now, zone, now),
        age="",
        title="Contact method" if verify else "Test page" if test else "Incident",
        headline=headline,
        lines=(line,) if line else (),
        can_take=state == "test",
        person=who,
        zone=str(zone),
    )


def _first_name(name: str) -> str:
    """The first name, as people call each other; a technical name as it is."""
    return name.split(maxsplit=1)[0] if name.split() else name
