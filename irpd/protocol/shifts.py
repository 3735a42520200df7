"""A word before a shift begins: to whom, from when until when, who hands over, and what is open.

The shell knows what time it is and asks for it (``daemon.shifts``); here it is decided again, by the
overrides of this moment, and written down, so that each shift is told once to each person whatever restarts
in between. What came due while irpd was down is told as long as the shift has only just begun.
"""

from datetime import datetime, timedelta

from irpd.config.values import Configuration
from irpd.model import command as c
from irpd.model import event as e
from irpd.model.incident import Incident
from irpd.model.page import PageKind
from irpd.model.shift import ComingShift, OpenNow, ShiftWord, key_of
from irpd.oncall.reach import quiet_channels
from irpd.oncall.roster import rosters
from irpd.oncall.stints import Stint, stint_from
from irpd.oncall.targets import parts_of
from irpd.protocol.draft import Draft
from irpd.protocol.evolve_shifts import SHIFTS
from irpd.protocol.sends import send_outside

#: A word that comes so long after the beginning is still worth having: who takes over at once by an override
#: gets it then, and so does whoever began while irpd was down for a moment.
LATE = timedelta(minutes=15)
#: So many open incidents are named.
NAMED = 10


def tell(draft: Draft, command: c.TellShift) -> bool:
    """Whether a word was asked for now; not if it was before, or if somebody else is on call by now."""
    stint = coming(draft, command.schedule, command.person, command.begins)
    if stint is None or command.begins + LATE <= draft.now:
        return False
    settings = draft.configuration.schedules[command.schedule]
    if settings.notice is None or command.begins - timedelta(seconds=settings.notice) > draft.now:
        return False
    known = draft.rows.stands(ComingShift, key_of(command.schedule, command.person, command.begins))
    if known is not None and known.told_at is not None:
        return False
    via = quiet_channels(draft.configuration, command.person, draft.now)
    page = ""
    if via:
        page = send_outside(
            draft, command.person, via, kind=PageKind.SHIFT, reason="shift",
            expires_at=max(command.begins, draft.now) + LATE, shift=_word(draft, command.schedule, stint),
        )  # fmt: skip
    draft.emit_about(
        SHIFTS,
        e.ShiftTold(schedule=command.schedule, person=command.person, begins=command.begins, page=page),
    )
    return bool(page)


def coming(draft: Draft, schedule: str, person: str, begins: datetime) -> Stint | None:
    """This person's stint from then on, as things are now; None where it isn't theirs (any more)."""
    if schedule not in draft.configuration.schedules or person not in draft.configuration.people:
        return None
    try:
        stint = stint_from(rosters(draft.configuration)[schedule], begins, draft.changes)
    except Exception as error:  # a schedule that can't be read tells nobody; paging has its own answer
        draft.defects.append(("schedule", error))
        return None
    return stint if stint is not None and stint.person == person else None


def _word(draft: Draft, schedule: str, stint: Stint) -> ShiftWord:
    found = [one for one in draft.rows.active() if concerns(draft.configuration, one, schedule)]
    found.sort(key=lambda one: (one.level, one.number))
    named = tuple(
        OpenNow(number=one.number, level=int(one.level), title=one.title[:200], has=one.acknowledged_by)
        for one in found[:NAMED]
    )
    return ShiftWord(
        schedule=schedule, begins=stint.start, ends=stint.end, after=stint.after, incidents=named,
        more=len(found) - len(named),
    )  # fmt: skip


def concerns(configuration: Configuration, incident: Incident, schedule: str) -> bool:
    """Whether a path of the incident asks this schedule, or a role that it fills does."""
    asked = any(
        part.schedule == schedule
        for run in incident.paths
        for step in run.steps
        for target in step.targets
        for part in parts_of(configuration, target)
    )
    return asked or any(
        role.schedule == schedule and incident.level in role.levels for role in configuration.roles.values()
    )
