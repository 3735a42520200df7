"""``decide``: one command in, events and an answer out. Everything irpd ever does starts here.

It reads the rows, the command, the policy and the time, and nothing else. A command that
can't be carried out raises Refusal and leaves no event; any other exception is a defect,
and the engine sets the command aside and pages somebody (rule 9 of the architecture).
"""

from typing import assert_never

from irpd.model import command as c
from irpd.model import event as e
from irpd.model.command import Refusal
from irpd.model.incident import LevelBy, MemberStatus
from irpd.model.level import Level
from irpd.model.share import UNKNOWN
from irpd.model.signal import OWN, Signal, Status
from irpd.protocol import (
    announce,
    heartbeats,
    overrides,
    people,
    review,
    shadow,
    shifts,
    silences,
    team,
    telling,
    waiting,
    work,
)
from irpd.protocol.answers import follow_ages, take_answer
from irpd.protocol.contacts import ask_to_confirm, confirmed, forget_gone
from irpd.protocol.deadlines import wake
from irpd.protocol.draft import Draft
from irpd.protocol.placing import Received, open_incident
from irpd.protocol.receive import enter, receive
from irpd.protocol.rows import stale_members
from irpd.protocol.sends import confirm_send, record_send, see_page, test_page
from irpd.protocol.shift_tests import answered, judge_test, test_shift
from irpd.triage.group import Group
from irpd.triage.level import Verdict

_FIRST = 180  # characters of a problem in an incident's reason


def decide(draft: Draft, command: c.Command) -> object:
    """Carry out one command on the draft. Returns the answer for whoever asked."""
    if isinstance(command, c.Work) and command.seen:
        _still_as_seen(draft, command)
    answer = _decide(draft, command)
    announce.follow(draft)
    return answer


def _decide(draft: Draft, command: c.Command) -> object:
    match command:
        case c.Receive():
            return receive(draft, command)
        case c.Wake():
            return wake(draft, command.incident)
        case c.WakeSignal():
            return _wake_signal(draft, command)
        case c.AddSilence():
            return silences.add(draft, command)
        case c.EndSilence():
            return silences.end(draft, command)
        case c.AddOverride():
            return overrides.add(draft, command)
        case c.SwapShifts():
            return overrides.swap(draft, command)
        case c.EndOverride():
            return overrides.end(draft, command)
        case c.TellShift():
            return shifts.tell(draft, command)
        case c.MarkStale():
            return _mark_stale(draft, command)
        case c.TakeAnswer():
            return take_answer(draft, command)
        case c.RecordSend():
            return record_send(draft, command)
        case c.ConfirmSend():
            return confirm_send(draft, command)
        case c.Acknowledge():
            return people.acknowledge(draft, command)
        case c.Decline():
            return people.decline(draft, command)
        case c.Undo():
            return people.undo(draft, command)
        case c.Escalate():
            return people.escalate(draft, command)
        case c.SetLevel():
            return people.set_level(draft, command)
        case c.Note():
            return people.note(draft, command)
        case c.Resolve():
            return people.resolve(draft, command)
        case c.Reopen():
            return people.reopen(draft, command)
        case c.Open():
            return people.open_by_hand(draft, command)
        case c.Merge():
            return people.merge(draft, command)
        case c.Split():
            return people.split(draft, command)
        case c.AskReport():
            return review.ask(draft, command)
        case c.AssignReport():
            return review.assign(draft, command)
        case c.WriteReport():
            return review.write(draft, command)
        case c.ReviewReport():
            return review.review(draft, command)
        case c.PublishReport():
            return review.publish(draft, command)
        case c.PlanReview():
            return review.plan_review(draft, command)
        case c.HoldReview():
            return review.hold_review(draft, command)
        case c.AddActionItem():
            return review.add_item(draft, command)
        case c.ChangeActionItem():
            return review.change_item(draft, command)
        case c.EndActionItem():
            return review.end_item(draft, command)
        case c.Close():
            return people.close(draft, command)
        case c.MoveStage():
            return work.move(draft, command)
        case c.FinishItem():
            return work.finish(draft, command)
        case c.SetItemAside():
            return work.set_aside(draft, command)
        case c.TakeAction():
            return work.act(draft, command)
        case c.MakeDecision():
            return work.conclude(draft, command)
        case c.SetFacts():
            return work.set_facts(draft, command)
        case c.SendUpdate():
            return telling.update(draft, command)
        case c.ApproveDraft():
            return telling.approve(draft, command)
        case c.WithdrawDraft():
            return telling.withdraw_draft(draft, command)
        case c.AssignRole():
            return team.assign(draft, command)
        case c.AcceptRole():
            return team.accept(draft, command)
        case c.DeclineRole():
            return team.decline(draft, command)
        case c.AskHelp():
            return team.ask(draft, command)
        case c.AnswerHelp():
            return team.answer(draft, command)
        case c.SeePage():
            page = see_page(draft, command)
            if page is not None:
                confirmed(draft, page, command.via)
                if (over := answered(page)) is not None:
                    _condition_over(draft, over.key)
            return page is not None
        case c.TestPage():
            return test_page(draft, command)
        case c.TestShift():
            return test_shift(draft, command)
        case c.JudgeShiftTest():
            told = judge_test(draft, command)
            if isinstance(told, c.TellOperators):
                _tell_operators(draft, told)
            elif told is not None:
                _condition_over(draft, told.key)
            return told is not None
        case c.VerifyContact():
            return ask_to_confirm(draft, command)
        case c.TellOperators():
            return _tell_operators(draft, command)
        case c.ConditionOver():
            return _condition_over(draft, command.key)
        case c.HeartbeatReported():
            return heartbeats.reported(draft, command)
        case c.HeartbeatMissed():
            return heartbeats.missed(draft, command)
        case c.ChangeConfig():
            draft.emit_about(
                "config", e.ConfigLoaded(hash=command.hash, previous=command.previous, by=command.by)
            )
            return _configured(draft)
        case c.RefuseConfig():
            draft.emit_about("config", e.ConfigRefused(problems=command.problems, in_force=command.in_force))
            return _tell_operators(
                draft,
                c.TellOperators(
                    key="config",
                    title="The configuration was refused; what was in force stays so",
                    text="\n".join(command.problems),
                ),
            )
        case c.SetAside():
            return _set_aside(draft, command)
        case c.RecordStart():
            draft.emit_about("engine", e.Started(version=command.version, down_for=command.down_for))
            shadow.follow(draft)
            return None
        case c.RecordJump():
            draft.emit_about("engine", e.ClockJumped(seconds=command.seconds))
            return None
        case _:
            assert_never(command)


def _still_as_seen(draft: Draft, command: c.Work) -> None:
    incident = draft.incident(command.incident)
    if incident.version not in command.seen:
        seen = ", ".join(map(str, command.seen))
        raise Refusal("stale", f"{incident.ref} has changed: it is at version {incident.version}, not {seen}")


def _tell_operators(draft: Draft, command: c.TellOperators) -> Received:
    """irpd itself needs somebody. One incident per ``key`` until it is resolved."""
    signal = Signal(key=command.key, status=Status.FIRING, title=command.title, text=command.text)
    key = f"{OWN}/{command.key}"
    sid = draft.rows.sid_of(key)
    member = draft.rows.member(sid) if sid is not None else None
    incident = draft.rows.incident(member.incident) if member is not None else None
    if incident is not None and incident.state.active:
        return receive(draft, c.Receive(receipt=0, source=OWN, signals=(signal,)))
    answer = Received()
    configuration = draft.configuration
    opened = open_incident(
        draft,
        title=command.title,
        service=configuration.unmapped,
        source=OWN,
        verdict=Verdict(
            level=Level(command.level),
            level_by=LevelBy(kind="default", because=_first_of(command.text)),
            contributions=(),
            regimes=(),
        ),
        share=UNKNOWN,
        group=Group(key=key),
        first=(key, signal),
        detected_by=OWN,
        why="irpd's own condition",
        persons=configuration.operators or configuration.fallback,
    )
    answer.count("opens", opened.number)
    return answer


def _first_of(text: str) -> str:
    """The first problem of a text with one a line and how many more there are: what a page has room for."""
    first, *more = text.splitlines() or ["irpd itself needs somebody"]
    if len(first) > _FIRST:
        first = first[: _FIRST - 1] + "…"
    return f"{first} (and {len(more)} more)" if more else first


def _condition_over(draft: Draft, key: str) -> Received:
    """A condition of irpd itself has ended: its signal resolves, a person confirms."""
    signal = Signal(key=key, status=Status.RESOLVED, title="")
    sid = draft.rows.sid_of(f"{OWN}/{key}")
    member = draft.rows.member(sid) if sid is not None else None
    if member is None or member.status is not MemberStatus.FIRING:
        return Received()
    return receive(draft, c.Receive(receipt=0, source=OWN, signals=(signal,)))


def _configured(draft: Draft) -> Received:
    """Another configuration is in force: its condition is over, and what waits is decided by it."""
    answer = _condition_over(draft, "config")
    heartbeats.follow(draft, answer)
    shadow.follow(draft)
    follow_ages(draft)
    forget_gone(draft)
    for member in waiting.judge_all(draft):
        enter(draft, member, answer)
    return answer


def _wake_signal(draft: Draft, command: c.WakeSignal) -> Received:
    answer = Received()
    member = waiting.wake(draft, command.sid)
    if member is not None:
        enter(draft, member, answer)
    return answer


def _set_aside(draft: Draft, command: c.SetAside) -> Received:
    """Handling a command raised: somebody is paged all the same, by the plainest means."""
    draft.emit_about(
        "engine",
        e.CommandSetAside(
            command=command.command,
            error=command.error[:500],
            receipt=command.receipt,
            source=command.source,
        ),
    )
    source = command.source if command.source in draft.configuration.sources else OWN
    receipt = f", receipt {command.receipt}" if command.receipt else ""
    text = f"{command.command}{receipt}: {command.error}"[:2000]
    if source == OWN:
        return _tell_operators(
            draft, c.TellOperators(key="set-aside", title="A command could not be handled", text=text)
        )
    signal = Signal(
        key="set-aside",
        status=Status.FIRING,
        title=f"A report of {source} could not be handled",
        text=text,
        unreadable=text,
    )
    return receive(draft, c.Receive(receipt=command.receipt or 0, source=source, signals=(signal,)))


def _mark_stale(draft: Draft, command: c.MarkStale) -> int:
    """Signals of which nothing was heard for long are marked, never silently resolved."""
    incident = draft.rows.incident(command.incident)
    if incident is None:
        return 0
    stale = list(stale_members(draft.rows, incident, command.before))
    for member in stale:
        draft.emit(incident.number, e.SignalStale(sid=member.sid))
    return len(stale)
