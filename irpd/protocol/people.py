"""What people do: acknowledge, hand on, change levels, resolve, merge and split."""

from datetime import datetime

from msgspec import Struct

from irpd.model import command as c
from irpd.model import event as e
from irpd.model.command import Refusal
from irpd.model.incident import Incident, LevelBy, Member, RunState, State
from irpd.model.level import Level
from irpd.model.page import Page, PageKind
from irpd.model.share import UNKNOWN
from irpd.protocol.answers import ease
from irpd.protocol.asking import said_no, said_yes
from irpd.protocol.draft import Draft
from irpd.protocol.levels import lowered, measured, risen
from irpd.protocol.messages import unsent
from irpd.protocol.objectives import (
    record_missed,
    record_resolution,
    record_update,
    reopening,
    respond_by,
    updated,
)
from irpd.protocol.over import tell_over
from irpd.protocol.paging import (
    end_pages,
    fire_step,
    restart_paths,
    resume_paths,
    start_path,
    stop_paths,
    stopped,
    tell_holders,
)
from irpd.protocol.placing import open_incident
from irpd.protocol.quiet import close_now, settle
from irpd.protocol.roles import call
from irpd.protocol.rows import STORM
from irpd.triage.level import Verdict


class Answer(Struct, frozen=True):
    """What a command came to. ``changed`` is False when nothing had to be done; ``text``
    says what is now, to the person who asked."""

    incident: int
    changed: bool
    text: str


def acknowledge(draft: Draft, command: c.Acknowledge) -> Answer:
    """Somebody has it: the path stops, and every person's remaining methods. Other paths that are at work
    beside it, and asked others, go on."""
    incident = draft.incident(command.incident)
    if not incident.state.active:
        return Answer(incident.number, False, f"Nothing to do: {incident.ref} {draft.over(incident)}.")
    if (page := _asking(draft, incident, command.page)) is not None:
        _, changed, text = said_yes(draft, incident, page, command.by)
        return Answer(incident.number, changed, text)
    others = tuple(person for person in incident.acknowledged_by if person != command.by)
    answered = _answered(draft, incident, command)
    if command.by in incident.acknowledged_by and not answered and incident.stale_until is None:
        ended = _end_own(draft, incident, command.by, because="acknowledged")
        return Answer(incident.number, ended, f"You have {incident.ref} already.{_going_on(incident)}")
    incident = record_missed(draft, incident)
    incident = draft.emit(
        incident.number,
        e.Acknowledged(
            by=command.by,
            via=command.via,
            page=command.page,
            paths=answered,
            stale_after=_stale_after(draft, incident),
        ),
    )
    incident = stop_paths(draft, incident, because="acknowledged", names=answered)
    incident = end_pages(draft, incident, because="acknowledged", by=command.by)
    names = ", ".join(draft.name(person) for person in others)
    joined = f" {names} had it already; you joined." if others else ""
    stopped = "Escalation has stopped." if not running(incident) else _going_on(incident).strip()
    return Answer(incident.number, True, f"You have {incident.ref}. {stopped}{joined}")


def _asking(draft: Draft, incident: Incident, page_id: str) -> Page | None:
    """The page that is answered, if it asks for something else than to take this incident."""
    page = draft.rows.page(page_id) if page_id else None
    if page is None or not page.asks:
        return None
    if page.incident != incident.number:
        raise Refusal("state", f"what it asked for is over: #{page.incident} is part of {incident.ref} now")
    return page


def _stale_after(draft: Draft, incident: Incident) -> float:
    return draft.configuration.level(incident.level).stale_after


def _answered(draft: Draft, incident: Incident, command: c.Acknowledge) -> tuple[str, ...]:
    """Which running paths an acknowledgement stops: the one it names, else those of a kind (technical,
    business, customer) that asked this person (in a storm those that did themselves), else, for somebody
    whom nobody asked, all."""
    going = tuple(run.name for run in incident.paths if run.state is RunState.RUNNING)
    if command.path:
        if command.path not in {run.name for run in incident.paths}:
            known = ", ".join(run.name for run in incident.paths) or "none"
            raise Refusal("invalid", f"{incident.ref} has no path {command.path!r}; it has: {known}")
        return tuple(name for name in going if name == command.path)
    asked = {
        page.path for page in draft.rows.pages_of(incident) if page.person == command.by and not page.asks
    }
    if incident.group == STORM:  # in which each path is another team, about what is that team's
        own = tuple(name for name in going if name in asked)
    else:
        kinds = {run.kind for run in incident.paths if run.name in asked}
        own = tuple(run.name for run in incident.paths if run.name in going and run.kind in kinds)
    return own or (() if asked and command.by in incident.acknowledged_by else going)


def _going_on(incident: Incident) -> str:
    names = [run.name for run in incident.paths if run.state is RunState.RUNNING]
    if not names:
        return ""
    goes = "Path {} goes on" if len(names) == 1 else "Paths {} go on"
    return f" {goes.format(', '.join(names))}: others are asked there."


def decline(draft: Draft, command: c.Decline) -> Answer:
    """ "I can't": the path goes on at once."""
    incident = draft.incident(command.incident)
    if not incident.state.active:
        return Answer(incident.number, False, f"Nothing to do: {incident.ref} {draft.over(incident)}.")
    if (page := _asking(draft, incident, command.page)) is not None:
        _, changed, text = said_no(draft, incident, page, command.by)
        return Answer(incident.number, changed, text)
    others = tuple(p for p in incident.acknowledged_by if p != command.by)
    had_it = command.by in incident.acknowledged_by
    if others and not had_it and not running(incident):
        ended = _end_own(draft, incident, command.by, because="declined")
        return Answer(incident.number, ended, f"Nothing to do: {', '.join(others)} has {incident.ref}.")
    if command.by in incident.declined_by:
        ended = _end_own(draft, incident, command.by, because="declined")
        return Answer(incident.number, ended, "You have said so already; the next person was paged.")
    asked_by = {
        page.path
        for page in draft.rows.pages_of(incident)
        if page.live and page.person == command.by and not page.asks
    }
    alone = _answered_alone(incident, command.by)
    incident = draft.emit(incident.number, e.Declined(by=command.by, via=command.via, page=command.page))
    _end_own(draft, incident, command.by, because="declined")
    incident = draft.incident(incident.number)
    if had_it:
        incident = draft.emit(
            incident.number, e.AcknowledgementLapsed(because=f"{draft.name(command.by)} can't", by=command.by)
        )
    if others:
        going = [run.name for run in incident.paths if run.state is RunState.RUNNING]
        names = [*alone, *(name for name in going if name in asked_by or had_it)]
    elif had_it:
        names = stopped(incident)
    else:
        names = [run.name for run in incident.paths if run.name in asked_by]
    if others and not names:
        return Answer(incident.number, True, f"{', '.join(others)} still has {incident.ref}.")
    incident = _go_on(draft, incident, names, because=f"{draft.name(command.by)} can't")
    return Answer(incident.number, True, f"Passed on: {next_text(draft, incident)}")


def _end_own(draft: Draft, incident: Incident, person: str, *, because: str) -> bool:
    """End what this person is still being asked; whether there was anything."""
    own = [
        page for page in draft.rows.pages_of(incident)
        if page.live and page.person == person and not page.asks
    ]  # fmt: skip
    asking = [page for page in own if page.kind in (PageKind.PAGE, PageKind.QUIET)]
    for page in asking:
        draft.emit(incident.number, e.PageEnded(page=page.id, because=because, by=person))
    return bool(asking)


def _go_on(draft: Draft, incident: Incident, names: list[str], *, because: str) -> Incident:
    """These paths go on at once (all, when none is named), unless there is nothing left to page about."""
    if incident.unconfirmed and not incident.level.urgent and not incident.flapping:
        return incident
    return resume_paths(draft, incident, because=because, names=names)


def undo(draft: Draft, command: c.Undo) -> Answer:
    """The acknowledgement is taken back: the path goes on at once, unless others have it."""
    incident = draft.active(command.incident, "undo an acknowledgement of")
    if command.by not in incident.acknowledged_by:
        return Answer(incident.number, False, f"You don't have {incident.ref}.")
    alone = _answered_alone(incident, command.by)
    because = f"undone by {draft.name(command.by)}"
    incident = draft.emit(incident.number, e.AcknowledgementLapsed(because=because, by=command.by))
    have = ", ".join(incident.acknowledged_by)
    if have and not alone:
        return Answer(incident.number, True, f"{have} still has it.")
    incident = _go_on(draft, incident, alone if have else stopped(incident), because=because)
    still = f"{have} still has the rest; " if have else ""
    return Answer(incident.number, True, f"Undone; {still}{next_text(draft, incident)}")


def _answered_alone(incident: Incident, person: str) -> list[str]:
    """The paths that stand still because of this person alone."""
    return [run.name for run in incident.paths if run.answered_by == (person,)]


def next_text(draft: Draft, incident: Incident) -> str:
    """Who was paged for the incident just now, in words."""
    for number in range(incident.pages, 0, -1):
        page = draft.rows.page(f"{incident.number}-{number}")
        if page is None or page.requested_at != draft.now:
            break
        if page.person and not page.asks and page.kind in (PageKind.PAGE, PageKind.QUIET):
            return f"{draft.name(page.person)} is paged now."
    return "nobody else is paged now."


def escalate(draft: Draft, command: c.Escalate) -> Answer:
    incident = draft.active(command.incident, "escalate")
    if command.path is not None:
        if command.path not in draft.configuration.paths:
            known = ", ".join(sorted(draft.configuration.paths))
            raise Refusal("invalid", f"there is no path {command.path!r}; there are: {known}")
        run = next((r for r in incident.paths if r.name == command.path), None)
        if run is None:
            because = command.because or f"started by {draft.name(command.by)}"
            incident = start_path(draft, incident, command.path, because=because, by=command.by)
            return Answer(incident.number, True, f"Path {command.path} started; {next_text(draft, incident)}")
    names = [command.path] if command.path is not None else [run.name for run in incident.paths[:1]]
    if not names:
        incident = restart_paths(draft, incident, because=f"escalated by {draft.name(command.by)}")
    for name in names:
        because = f"escalated by {draft.name(command.by)}"
        incident = fire_step(draft, incident, name, because=because, by=command.by)
    return Answer(incident.number, True, f"Escalated; {next_text(draft, incident)}")


def set_level(draft: Draft, command: c.SetLevel) -> Answer:
    """A person's word on the level stands until a person changes it."""
    incident = draft.active(command.incident, "change the level of")
    if command.level not in (1, 2, 3, 4):
        raise Refusal("invalid", f"level {command.level} does not exist; levels are 1 (critical) to 4 (low)")
    if not command.because.strip():
        raise Refusal("invalid", "say why: a level that a person sets needs a reason")
    level = Level(command.level)
    if level == incident.level and incident.person_level:
        return Answer(incident.number, False, f"{incident.ref} is level {level} already.")
    event = e.LevelChanged(
        before=incident.level,
        after=level,
        level_by=LevelBy(kind="person", person=command.by, because=command.because),
        evidence_level=incident.evidence_level,
        share=incident.share,
        respond_by=_restarted_objective(draft, incident, level),
        stale_after=draft.configuration.level(level).stale_after,
    )
    if level < incident.level:
        incident = risen(draft, incident, event)
    elif level > incident.level:
        incident = lowered(draft, incident, event)
    else:
        incident = draft.emit(incident.number, event)
    return Answer(incident.number, True, f"{incident.ref} is level {level} ({level.severity}).")


def _restarted_objective(draft: Draft, incident: Incident, level: Level) -> datetime | None:
    """A level that stays as it is, or sinks while somebody has it, leaves the objective alone."""
    if level == incident.level or (incident.acknowledged_by and level > incident.level):
        return None
    return respond_by(draft, level)


def note(draft: Draft, command: c.Note) -> Answer:
    incident = draft.incident(command.incident)
    if not command.text.strip():
        raise Refusal("invalid", "a note needs a text")
    incident = draft.emit(incident.number, e.Noted(text=command.text, by=command.by))
    if command.update:
        updated(draft, incident, by=command.by)
    return Answer(incident.number, True, f"Noted on {incident.ref}.")


def resolve(draft: Draft, command: c.Resolve) -> Answer:
    incident = draft.incident(command.incident)
    if not incident.state.active:
        return Answer(incident.number, False, f"Nothing to do: {incident.ref} {draft.over(incident)}.")
    incident = end(draft, incident, by=command.by, because=command.because)
    fire = "signal still fires" if incident.firing == 1 else "signals still fire"
    still = f" {incident.firing} {fire}." if incident.firing else ""
    return Answer(incident.number, True, f"{incident.ref} is resolved.{still}")


def end(draft: Draft, incident: Incident, *, by: str, because: str) -> Incident:
    """It is over: paths stop and no page of it is sent any more."""
    incident = record_update(draft, record_resolution(draft, record_missed(draft, incident)))
    incident = stop_paths(draft, incident, because="resolved")
    incident = end_pages(draft, incident, because="obsolete", keep_asking=False)
    incident = draft.emit(incident.number, e.Resolved(by=by, because=because))
    return tell_over(draft, incident)


def reopen(draft: Draft, command: c.Reopen) -> Answer:
    incident = draft.incident(command.incident)
    if incident.state is State.MERGED:
        raise Refusal("state", f"{incident.ref} was merged into #{incident.merged_into}: reopen that one")
    if incident.state.active:
        return Answer(incident.number, False, f"{incident.ref} is {incident.state} already.")
    incident = end_pages(draft, incident, because="obsolete", keep_updates=False)
    incident = draft.emit(incident.number, reopening(draft, incident, by=command.by, because=command.because))
    incident = restart_paths(draft, incident, because=f"reopened by {draft.name(command.by)}")
    incident = call(draft, incident)
    return Answer(incident.number, True, f"{incident.ref} is open again; {next_text(draft, incident)}")


def close(draft: Draft, command: c.Close) -> Answer:
    """The watch over what is resolved ends before its time: what fires again is another incident."""
    incident = draft.incident(command.incident)
    if incident.state.active:
        raise Refusal("state", f"can't close {incident.ref}: it is {incident.state}; resolve it first")
    if incident.state is not State.RESOLVED:
        return Answer(incident.number, False, f"Nothing to do: {incident.ref} {draft.over(incident)}.")
    if drafts := ", ".join(incident.response.drafts):
        waits = f"drafts wait for approval ({drafts}); approve or withdraw them"
        raise Refusal("state", f"can't close {incident.ref} yet: {waits}")
    sending = incident.response.sending_until
    if sending is not None and draft.now < sending and (late := list(unsent(draft, incident))):
        names = ", ".join(dict.fromkeys(page.notice.audience for page in late if page.notice is not None))
        raise Refusal("state", f"can't close {incident.ref} yet: its message to {names} is still on its way")
    close_now(draft, incident, by=command.by)
    return Answer(incident.number, True, f"{incident.ref} is closed.")


def open_by_hand(draft: Draft, command: c.Open) -> Answer:
    configuration = draft.configuration
    if command.service not in configuration.services:
        known = ", ".join(sorted(configuration.services))
        raise Refusal("invalid", f"there is no service {command.service!r}; there are: {known}")
    if not command.title.strip():
        raise Refusal("invalid", "say in a few words what is wrong: an incident needs a title")
    if command.level is not None and command.level not in (1, 2, 3, 4):
        raise Refusal("invalid", f"level {command.level} does not exist; levels are 1 (critical) to 4 (low)")
    level = Level(command.level if command.level is not None else 2)
    because = command.because or ("set when it was opened" if command.level else "opened by hand without one")
    verdict = Verdict(
        level=level,
        level_by=LevelBy(kind="person", person=command.by, because=because),
        contributions=(),
        regimes=(),
    )
    incident = open_incident(
        draft, title=command.title[:300], service=command.service, source="", verdict=verdict, share=UNKNOWN,
        group=None, first=None, detected_by="direct-communication", by=command.by,
    )  # fmt: skip
    if command.text.strip():
        draft.emit(incident.number, e.Noted(text=command.text, by=command.by))
    return Answer(incident.number, True, f"{incident.ref} is open; {next_text(draft, incident)}")


def merge(draft: Draft, command: c.Merge) -> Answer:
    """All signals of one incident go into another; the level of the target rises if it must."""
    if command.incident == command.into:
        raise Refusal("invalid", "an incident can't be merged into itself")
    source = draft.active(command.incident, "merge")
    target = draft.incident(command.into)
    if target.state is State.MERGED:
        raise Refusal("state", f"{target.ref} {draft.over(target)}: merge {source.ref} into that one")
    target = draft.active(command.into, "merge into")
    source = stop_paths(draft, source, because=f"merged into {target.ref}")
    source = end_pages(draft, source, because="obsolete", keep_updates=False)
    for member in list(draft.rows.members_of(source)):
        target = _move(draft, member, target.number, by=command.by)
    draft.emit(source.number, e.Merged(into=target.number, by=command.by))
    if source.level < target.level:
        target = risen(
            draft,
            target,
            e.LevelChanged(
                before=target.level,
                after=source.level,
                level_by=source.level_by,
                evidence_level=min(source.evidence_level, target.evidence_level),
                share=measured(draft, target),
                respond_by=respond_by(draft, source.level),
                regimes=source.regimes,
                lower_after=source.lower_after,
            ),
        )
    elif target.acknowledged_by and source.firing:
        target = tell_holders(draft, target, text=f"{source.ref} became part of it: {source.title}.")
    regimes = tuple(name for name in source.regimes if name not in target.regimes)
    share = measured(draft, target)
    if regimes or share != target.share:
        target = draft.emit(target.number, e.ShareMeasured(share=share, regimes=regimes))
    settle(draft, ease(draft, target))
    return Answer(target.number, True, f"{source.ref} is part of {target.ref} now.")


def split(draft: Draft, command: c.Split) -> Answer:
    """Signals leave for an incident of their own, which is paged like any new one."""
    incident = draft.active(command.incident, "split")
    members: list[Member] = []
    for n in dict.fromkeys(command.signals):
        sid = draft.rows.sid_at(incident.number, n)
        member = draft.rows.member(sid) if sid is not None else None
        if member is None:
            raise Refusal("not-found", f"{incident.ref} has no signal {incident.number}.{n}")
        members.append(member)
    if not members:
        raise Refusal("invalid", "name the signals to split off, like 42.3")
    if len(members) == incident.members:
        raise Refusal("invalid", f"{incident.ref} would have no signal left; split off fewer")
    first = members[0]
    verdict = Verdict(
        level=incident.level, level_by=incident.level_by, contributions=(), regimes=incident.regimes
    )
    new = open_incident(
        draft, title=first.title, service=first.service, source=first.source, verdict=verdict,
        share=UNKNOWN, group=None, first=None, detected_by=incident.detected_by, by=command.by,
    )  # fmt: skip
    for member in members:
        new = _move(draft, member, new.number, by=command.by)
    for one in (draft.incident(incident.number), new):
        share = measured(draft, one)
        if share != one.share:
            draft.emit(one.number, e.ShareMeasured(share=share))
        ease(draft, draft.incident(one.number))
    settle(draft, draft.incident(incident.number))
    new = settle(draft, draft.incident(new.number))
    moved = "1 signal" if len(members) == 1 else f"{len(members)} signals"
    return Answer(new.number, True, f"{new.ref} is open with {moved} of {incident.ref}.")


def _move(draft: Draft, member: Member, into: int, *, by: str) -> Incident:
    out_of = member.incident
    draft.emit(out_of, e.SignalLeft(sid=member.sid, into=into, by=by))
    n = draft.incident(into).handles + 1
    return draft.emit(into, e.SignalMoved(sid=member.sid, n=n, out_of=out_of, by=by))


def running(incident: Incident) -> bool:
    return any(run.state is RunState.RUNNING for run in incident.paths)
