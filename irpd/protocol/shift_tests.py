"""A test before a shift: whether whoever is on call next can be reached, while there is time to mend it.

It goes by each of the person's channels at once, as ``irpd page test`` does, and asks to be answered. What
became of it stands in the ledger. Half way to the beginning, an hour after the test at the latest, it is
judged: nobody hears of one that was answered; of one that was only taken by a provider the operators get a
quiet word; and one that nothing took wakes them.
"""

from datetime import timedelta

from irpd.model import command as c
from irpd.model import event as e
from irpd.model.page import Page, PageKind, SendState
from irpd.model.shift import SHIFT_TEST, ComingShift, ShiftWord, key_of
from irpd.oncall.reach import test_channels
from irpd.protocol.draft import Draft
from irpd.protocol.evolve_shifts import SHIFTS
from irpd.protocol.sends import send_outside
from irpd.protocol.shifts import coming

#: The longest time in which an answer is waited for.
ANSWER_WITHIN = timedelta(hours=1)
#: Levels of what the operators are told.
NOTHING_TOOK_IT, NOBODY_ANSWERED = 2, 4


def test_shift(draft: Draft, command: c.TestShift) -> bool:
    """Whether a test was sent now; not if one was, if the shift has begun or is somebody else's by now, and
    not in shadow mode."""
    stint = coming(draft, command.schedule, command.person, command.begins)
    configuration, known = draft.configuration, _known(draft, command)
    if stint is None or command.begins <= draft.now or configuration.shadow:
        return False
    if configuration.schedules[command.schedule].test_before_shift is None:
        return False
    if known is not None and known.tested_at is not None:
        return False
    via = test_channels(configuration, command.person, draft.now)
    page = ""
    if via:
        page = send_outside(
            draft, command.person, via, kind=PageKind.TEST, reason=SHIFT_TEST, expires_at=command.begins,
            shift=ShiftWord(schedule=command.schedule, begins=stint.start, ends=stint.end, after=stint.after),
        )  # fmt: skip
    wait = min((command.begins - draft.now) / 2, ANSWER_WITHIN)
    draft.emit_about(
        SHIFTS,
        e.ShiftTested(
            schedule=command.schedule, person=command.person, begins=command.begins, page=page,
            judge_at=draft.now + wait,
        ),
    )  # fmt: skip
    return bool(page)


def judge_test(draft: Draft, command: c.JudgeShiftTest) -> c.TellOperators | c.ConditionOver | None:
    """What a test came to, once; and what the operators are to hear."""
    known = _known(draft, command)
    if known is None or known.judge_at is None or known.judge_at > draft.now:
        return None
    page = draft.rows.page(known.test) if known.test else None
    outcome = _outcome(page)
    draft.emit_about(
        SHIFTS,
        e.ShiftTestJudged(
            schedule=command.schedule, person=command.person, begins=command.begins, outcome=outcome
        ),
    )
    if outcome == "answered":
        return c.ConditionOver(key=condition(command.person))
    if coming(draft, command.schedule, command.person, command.begins) is None:
        return None  # somebody else has it by now
    name = draft.name(command.person)
    nothing = outcome == "failed"
    what = f"Nothing reached {name} in the test" if nothing else f"{name} has not answered the test"
    begins = f"The shift begins {command.begins:%d %b %H:%M} UTC."
    sends = page.sends if page is not None else ()
    came = [": ".join(part for part in (one.channel, one.state.value, one.detail) if part) for one in sends]
    return c.TellOperators(
        key=condition(command.person),
        title=f"{what} before a shift on {command.schedule}",
        text="\n".join([f"{begins} irpd oncall override add puts somebody else on call.", *came]),
        level=NOTHING_TOOK_IT if nothing else NOBODY_ANSWERED,
    )


def answered(page: Page) -> c.ConditionOver | None:
    """What an answer to this page ends, however late it comes."""
    return c.ConditionOver(key=condition(page.person)) if page.reason == SHIFT_TEST else None


def condition(person: str) -> str:
    """The key of what the operators are told about this person."""
    return f"shift-test-{person}"


def _outcome(page: Page | None) -> str:
    if page is None:
        return "failed"
    if page.seen_at is not None:
        return "answered"
    return "accepted" if any(one.state is SendState.DELIVERED for one in page.sends) else "failed"


def _known(draft: Draft, command: c.TestShift | c.JudgeShiftTest) -> ComingShift | None:
    return draft.rows.stands(ComingShift, key_of(command.schedule, command.person, command.begins))
