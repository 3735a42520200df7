"""What people tell audiences: updates, and the drafts that they release or withdraw."""

from collections.abc import Iterator
from datetime import datetime

from msgspec.structs import replace

from irpd.config.values import Configuration
from irpd.model import command as c
from irpd.model import event as e
from irpd.model.command import Refusal
from irpd.model.incident import Incident, State
from irpd.model.notice import LastTold, Notice, Template, last_told
from irpd.model.response import LONGEST_FACT
from irpd.protocol.draft import Draft
from irpd.protocol.messages import (
    APPROVED,
    UPDATE,
    approvers,
    fresh,
    notice_of,
    put_draft,
    scope,
    send,
    withdraw,
)
from irpd.protocol.objectives import updated
from irpd.protocol.people import Answer
from irpd.protocol.policy import Policy
from irpd.protocol.rows import Rows


def update(draft: Draft, command: c.SendUpdate) -> Answer:
    """Tell audiences what was done since they were told last; of what is over, how it ended."""
    incident = draft.incident(command.incident)
    names = _named(draft, incident, command)
    texts = {"impact": command.impact.strip()} if command.impact.strip() else {}
    times: dict[str, datetime | None] = {}
    if command.estimated_resolution is not None:
        times["estimated-resolution"] = command.estimated_resolution
    if texts or times:
        incident = draft.emit(incident.number, e.FactsSet(texts=texts, times=times, by=command.by))
    audiences = draft.configuration.audiences
    if not command.draft and any(audiences[name].send == "automatic" for name in names):
        incident = updated(draft, incident, by=command.by)
    waits: list[str] = []
    for notice in updates(draft.configuration, incident, names, command.progress, command.by, draft.now):
        if command.draft or audiences[notice.audience].send == "draft":
            incident = put_draft(draft, incident, notice)
            waits.append(notice.audience)
        else:
            incident = send(draft, incident, notice, reason=UPDATE)
    told = [name for name in names if name not in waits]
    said = [f"Told {', '.join(told)}."] if told else []
    if waits:
        said.append(
            f"A draft waits for approval: {', '.join(waits)} (irpd incident drafts {incident.number})."
        )
    return Answer(incident.number, True, " ".join(said))


def updates(
    configuration: Configuration, incident: Incident, names: list[str], progress: str, by: str, now: datetime
) -> Iterator[Notice]:
    """What each of these audiences would be told: who has heard nothing yet, what it is at all."""
    for name in names:
        template = Template.UPDATE if name in incident.response.told else Template.INITIAL
        if not incident.state.active:
            template = Template.RESOLUTION
        notice = notice_of(configuration, incident, name, template, now)
        yield replace(notice, progress=progress.strip(), by=by)


def _named(draft: Draft, incident: Incident, command: c.SendUpdate) -> list[str]:
    """Whom it goes to. Raises Refusal for what can't be told."""
    check_told(incident, command.progress, command.impact)
    return audiences_of(draft.configuration, incident, command.to)


def check_told(incident: Incident, progress: str, impact: str) -> None:
    """Raises Refusal for what no message can be made of."""
    if incident.state in (State.MERGED, State.CLOSED):
        more = f"tell of #{incident.merged_into}" if incident.merged_into else "reopen it to tell more of it"
        raise Refusal("state", f"{incident.ref} is {incident.state}; {more}")
    if incident.state.active and not progress.strip():
        raise Refusal("invalid", "progress is missing: say what was done since the last update")
    if not incident.state.active and progress.strip():
        raise Refusal(
            "state",
            f"{incident.ref} is over: what is told of it is its end. Set root-cause, resolution or "
            "prevention (irpd incident set), and send that without progress",
        )
    for name, text in (("progress", progress), ("impact", impact)):
        if len(text) > LONGEST_FACT:
            raise Refusal(
                "invalid", f"{name} has {len(text):,} characters; at most {LONGEST_FACT:,} are sent"
            )


def audiences_of(configuration: Configuration, incident: Incident, to: tuple[str, ...]) -> list[str]:
    """The audiences of these names; of none, all that were told or are to be. Raises Refusal."""
    known = configuration.audiences
    for name in to:
        if name not in known:
            there = f"there are {', '.join(known)}" if known else "there are none in the configuration"
            raise Refusal("not-found", f"no audience is called {name[:40]!r}; {there}")
    names = dict.fromkeys(to or (*incident.response.told, *scope(configuration, incident)))
    found = [name for name in names if name in known]
    if not found:
        raise Refusal("invalid", "nobody to tell: no audience is in the scope of it; name some with --to")
    return found


def approve(draft: Draft, command: c.ApproveDraft) -> Answer:
    """The draft goes out, with the facts as they are now."""
    incident, _ = _drafted(draft, command.incident, command.audience)
    _may(draft, incident, command.by, command.audience)
    _send_draft(draft, incident, command.audience, by=command.by)
    return Answer(incident.number, True, f"Sent to {command.audience}.")


def _send_draft(draft: Draft, incident: Incident, name: str, *, by: str) -> None:
    incident, notice = _drafted(draft, incident.number, name)
    if name not in draft.configuration.audiences:
        raise Refusal("state", f"the configuration has no audience {name} any more; withdraw its draft")
    incident = draft.emit(incident.number, e.DraftApproved(audience=name, by=by))
    incident = updated(draft, incident, by=by)
    send(draft, incident, fresh(draft.configuration, incident, notice, draft.now), reason=APPROVED)


def withdraw_draft(draft: Draft, command: c.WithdrawDraft) -> Answer:
    """The draft will not be sent; irpd makes no other first message for this audience."""
    incident, notice = _drafted(draft, command.incident, command.audience)
    if command.by != notice.by:  # who wrote it may take it back
        _may(draft, incident, command.by, command.audience)
    because = command.because.strip()[:LONGEST_FACT]
    withdraw(draft, incident, command.audience, because=because, by=command.by)
    return Answer(incident.number, True, f"Withdrawn: nothing is sent to {command.audience}.")


def _drafted(draft: Draft, number: int, name: str) -> tuple[Incident, Notice]:
    incident = draft.incident(number)
    drafted = incident.response.drafts.get(name)
    if drafted is None:
        there = ", ".join(incident.response.drafts) or "none"
        raise Refusal("not-found", f"{incident.ref} has no draft to {name[:40]!r}; drafts wait for: {there}")
    return incident, drafted.notice


def _may(draft: Draft, incident: Incident, by: str, name: str) -> None:
    """Raises Refusal for who isn't to release drafts for this audience."""
    who = approvers(draft.configuration, incident, name)
    if who and by not in who:
        names = ", ".join(draft.name(person) for person in who)
        raise Refusal("permission", f"drafts to {name} are approved by {names}")


# ------------------------------------------------------------------ looking before it is sent
def preview(policy: Policy, incident: Incident, command: c.SendUpdate, now: datetime) -> list[Notice]:
    """What an update would tell, decided as it would be and thrown away. Raises Refusal."""
    draft = _aside(policy, incident, now)
    update(draft, command)
    return _notices(draft)


def preview_draft(policy: Policy, incident: Incident, name: str, now: datetime) -> Notice:
    """What a draft says if it is approved now. Raises Refusal."""
    draft = _aside(policy, incident, now)
    _send_draft(draft, incident, name, by="")
    return _notices(draft)[-1]


def _aside(policy: Policy, incident: Incident, now: datetime) -> Draft:
    """A draft of its own, on nothing but this incident."""
    draft = Draft(Rows(), policy, now)
    draft.rows.put_incident(incident)
    return draft


def _notices(draft: Draft) -> list[Notice]:
    found = []
    for _, event in draft.events:
        if isinstance(event, e.Drafted):
            found.append(event.notice)
        elif isinstance(event, e.Paged) and event.page.notice is not None:
            found.append(event.page.notice)
    return found


def changed(last: LastTold | None, notice: Notice) -> list[tuple[str, object, object]]:
    """What a message says that its audience didn't know: what it is, what it was told of it last, and now."""
    if last is None:
        return []
    now = last_told(notice, last.at)
    names = (
        "level",
        "stage",
        "services",
        "affected",
        "users",
        "impact",
        "workaround",
        "estimated_resolution",
    )
    pairs = ((name, getattr(last, name), getattr(now, name)) for name in names)
    return [(name, before, after) for name, before, after in pairs if before != after]
