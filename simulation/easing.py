"""What must hold of the level's way down, and of what monitoring answers about users.

A level sinks by itself only by a rule that says after how long, when its time is over, and never below what
still fires asks for. An answer changes the share and what follows from it, and nothing else.
"""

from collections.abc import Iterator
from datetime import timedelta

from irpd.model import command as c
from irpd.model import event as e
from irpd.model.incident import Incident, LevelBy, Member, MemberStatus, State
from irpd.protocol.rows import Rows
from simulation.judged import Decision, holds
from simulation.worlds import LOWERED

#: The levels that rules give to alerts of production, by category.
_ASKS = {"payment": 1, "outage": 2, "slow": 3, "cosmetic": 4}
#: All that may follow from an answer.
_FOLLOWS = (
    e.UsersAnswered, e.ShareMeasured, e.LevelChanged, e.EvidenceExceeded, e.EvidenceEased,
    e.RoleOffered, e.RoleVacant, e.AcknowledgementLapsed,
    e.PathStarted, e.PathMoved, e.PathResumed, e.PathStopped, e.Paged, e.PageEnded,
)  # fmt: skip


def check(decision: Decision) -> Iterator[str]:
    """Raises Violation. What was met."""
    touched: dict[int, None] = {}
    news: set[int] = set()
    for subject, event in decision.events:
        if not subject.startswith("incident:"):
            continue
        number = int(subject[9:])
        touched[number] = None
        match event:
            case e.UsersAnswered():
                asked = isinstance(decision.command, c.TakeAnswer)
                holds(asked, "answers", f"#{number}: users were counted by {decision.command}")
            case e.Opened() | e.LevelChanged():
                _lowers_as_written(number, event.level_by, event.lower_after)
                sank = isinstance(event, e.LevelChanged) and event.after > event.before
                if sank and event.level_by.kind != "person":
                    _sinks(decision, number)
                    yield "sank"
            case e.SignalFired() | e.SignalResolved() | e.SignalJoined() | e.SignalLeft() | e.SignalMoved():
                news.add(number)
            case _:
                pass
    for number in news:
        now = decision.after.incidents[number]
        if now.lower_after and now.state.active:
            _eased_rightly(decision.after, now)
    if isinstance(decision.command, c.TakeAnswer):
        yield from _answer(decision, decision.command, touched)


def _lowers_as_written(number: int, by: LevelBy, after: float) -> None:
    meant = LOWERED.get(by.rule or "", 0.0) if by.kind == "rule" else 0.0
    holds(after == meant, "sinks", f"#{number}: {by.kind} {by.rule} sinks after {after}, not {meant}")


def _sinks(decision: Decision, number: int) -> None:
    was, now = decision.before.incident(number), decision.after.incidents[number]
    assert was is not None
    holds(
        isinstance(decision.command, c.Wake), "sinks", f"{was.ref} sank at {type(decision.command).__name__}"
    )
    holds(not was.person_level, "sinks", f"{was.ref} sank, though a person gave its level")
    holds(was.lower_after > 0, "sinks", f"{was.ref} sank, and nothing says that it may")
    since = was.eased_since
    due = since + timedelta(seconds=was.lower_after) if since is not None else None
    holds(due is not None and due <= decision.now, "sinks", f"{was.ref} sank at {decision.now}, due {due}")
    worst = min((asked for row in _firing(decision.after, now) if (asked := _asks(row))), default=4)
    holds(now.level <= worst, "sinks", f"{now.ref} sank to {now.level}, what fires asks for {worst}")
    holds(now.firing or not was.members, "sinks", f"{now.ref} sank, and nothing fires")


def _firing(rows: Rows, incident: Incident) -> list[Member]:
    fires = (MemberStatus.FIRING, MemberStatus.STALE)
    return [row for row in rows.members_of(incident) if row.status in fires]


def _asks(row: Member) -> int:
    """The level that a rule gives to it by its labels; 0: none does."""
    if row.source != "alerts" or row.labels.get("environment") != "production":
        return 0
    return _ASKS.get(row.labels.get("category", ""), 0)


def _eased_rightly(rows: Rows, now: Incident) -> None:
    """Evidence asks for less, or not: where it can be told by the labels of what fires."""
    firing = _firing(rows, now)
    if now.level_by.rule != "payment" or not firing:
        return
    needed = any(_asks(row) == 1 for row in firing)
    if needed:
        holds(now.eased_since is None, "sinks", f"{now.ref} is to sink and a payment alert fires in it")
    elif any(row.source != "alerts" or row.key.endswith("/unreadable") for row in firing):
        return  # what nobody could read, and what irpd says itself, keeps its level
    elif not (now.share.known or now.answers or now.parts or now.people):
        holds(now.eased_since is not None, "sinks", f"{now.ref}: nothing asks for its level, it never sinks")


def _answer(decision: Decision, command: c.TakeAnswer, touched: dict[int, None]) -> Iterator[str]:
    for subject, event in decision.events:
        holds(isinstance(event, _FOLLOWS), "answers", f"an answer led to {type(event).__name__} of {subject}")
    if not touched:
        yield "answer-told-nothing"
    for number in touched:
        was, now = decision.before.incident(number), decision.after.incidents[number]
        holds(was is not None and number in command.incidents, "answers", f"{now.ref} was not asked about")
        assert was is not None
        holds(was.state.active, "answers", f"a late answer changed {was.ref}, which is {was.state}")
        holds(command.service in was.services, "answers", f"{was.ref} is not of {command.service}")
        for field in ("members", "firing", "handles", "flapping", "person_level", "services", "parts"):
            same = getattr(was, field) == getattr(now, field)
            holds(same, "answers", f"an answer changed {field} of {was.ref}")
        holds(now.level <= was.level, "answers", f"{was.ref} sank at an answer")
        holds(
            now.state is was.state or (now.state is State.OPEN and now.level < was.level),
            "answers", f"an answer made {was.ref} {now.state}",
        )  # fmt: skip
        before = next((one for one in was.answers if one.service == command.service), None)
        known = (before.affected, before.users) if before is not None else (None, None)
        said = tuple(
            old if new is None else max(new, 0)
            for new, old in zip((command.affected, command.users), known, strict=True)
        )
        holds(said != known, "answers", f"{was.ref}: the same answer once more was news")
        if now.level < was.level:
            yield "answer-raised"
