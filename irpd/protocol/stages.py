"""The stages of an incident's response: one table, and the moves that it allows.

Where an incident's *state* says whether somebody is paged (open, acknowledged, resolved, closed), its *stage*
says what the responders are at. A person moves it along ``MOVES`` while the incident is worked on; what
happens to the incident moves it along ``FOLLOWS``. Nothing else does. The diagram in the documentation is
drawn from these two.

A move forward leaves nothing behind: at the levels of ``stages.gate`` the open items of the stage's checklist
stand in its way until each is done or set aside with a reason, and those of every earlier stage before
recovery. The end of an incident is never in question: whoever says at night that it is over is heard, and
what is open then stays due.
"""

from collections.abc import Mapping
from enum import StrEnum

from irpd.model.stage import Stage

#: Where a person may move an incident that is worked on. Containing before the cause is known is allowed, and
#: so is every way back.
MOVES: Mapping[Stage, tuple[Stage, ...]] = {
    Stage.DETECTION: (Stage.TRIAGE,),
    Stage.TRIAGE: (Stage.INVESTIGATION, Stage.CONTAINMENT),
    Stage.INVESTIGATION: (Stage.TRIAGE, Stage.CONTAINMENT, Stage.RESOLUTION),
    Stage.CONTAINMENT: (Stage.TRIAGE, Stage.INVESTIGATION, Stage.RESOLUTION),
    Stage.RESOLUTION: (Stage.INVESTIGATION, Stage.CONTAINMENT, Stage.RECOVERY),
    Stage.RECOVERY: (Stage.INVESTIGATION, Stage.CONTAINMENT, Stage.RESOLUTION),
    Stage.POST_INCIDENT: (),
}


class Cause(StrEnum):
    """What moves an incident by itself."""

    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    CLOSED = "closed"


#: Where what happens to an incident moves it; a stage that isn't named stays.
FOLLOWS: Mapping[Cause, Mapping[Stage, Stage]] = {
    Cause.ACKNOWLEDGED: {Stage.DETECTION: Stage.TRIAGE},
    Cause.RESOLVED: {stage: Stage.RECOVERY for stage in Stage if stage.order < Stage.RECOVERY.order},
    Cause.REOPENED: {Stage.RECOVERY: Stage.INVESTIGATION, Stage.POST_INCIDENT: Stage.INVESTIGATION},
    Cause.CLOSED: {stage: Stage.POST_INCIDENT for stage in Stage if stage is not Stage.POST_INCIDENT},
}


def follows(cause: Cause, stage: Stage) -> Stage:
    """The stage after this has happened."""
    return FOLLOWS[cause].get(stage, stage)
