"""Commands: what the shell asks of the core. Each may be refused; none is stored.

``by`` is a person's id in the configuration (or ``local:USER``, ``token:NAME``).
"""

from datetime import datetime

from msgspec import Struct

from irpd.model.page import SendState, Word
from irpd.model.signal import Signal


class Receive(Struct, frozen=True, gc=False, kw_only=True):
    """The signals of one receipt. ``receipt`` is its number in the journal,
    ``first_byte_at`` when its request's first byte came in (UTC)."""

    receipt: int
    source: str
    signals: tuple[Signal, ...]
    first_byte_at: datetime | None = None


class Wake(Struct, frozen=True, kw_only=True):
    """A deadline of this incident has come."""

    incident: int


class WakeSignal(Struct, frozen=True, kw_only=True):
    """A signal that waits is to be decided again."""

    sid: int


class AddSilence(Struct, frozen=True, kw_only=True):
    """Mute what ``match`` (field → values) fits, from now until ``until``."""

    by: str
    match: dict[str, tuple[str, ...]]
    until: datetime
    because: str


class EndSilence(Struct, frozen=True, kw_only=True):
    by: str
    silence: int
    because: str = ""


class AddOverride(Struct, frozen=True, kw_only=True):
    """From ``since`` (None: now) until before ``until``: ``person`` is on call on ``schedule``; with "" for
    the person whoever would be isn't; ``away`` alone: this person isn't there, on any schedule."""

    by: str
    until: datetime
    since: datetime | None = None
    schedule: str = ""
    person: str = ""
    away: str = ""
    because: str = ""


class SwapShifts(Struct, frozen=True, kw_only=True):
    """Who is on call on ``schedule`` at the ``first`` instant takes the shift of the ``second``, and the
    other way round."""

    by: str
    schedule: str
    first: datetime
    second: datetime
    because: str = ""


class EndOverride(Struct, frozen=True, kw_only=True):
    by: str
    override: int
    because: str = ""


class TellShift(Struct, frozen=True, kw_only=True):
    """Give ``person`` a word of their time on ``schedule`` that begins then, if it does and nobody has."""

    schedule: str
    person: str
    begins: datetime


class MarkStale(Struct, frozen=True, kw_only=True):
    """Mark this incident's firing signals of which nothing was heard since ``before``."""

    incident: int
    before: datetime


class TakeAnswer(Struct, frozen=True, kw_only=True):
    """Monitoring answered about the users of a service, for these incidents of it: how many are affected and
    how many there are (None: it gave no number this time, and the last one stands)."""

    service: str
    incidents: tuple[int, ...]
    affected: int | None = None
    users: int | None = None


class RecordSend(Struct, frozen=True, kw_only=True):
    """What came of one attempt to send (state pending: transient, again at ``retry_at``)."""

    page: str
    send: int
    state: SendState
    retry_at: datetime | None = None
    provider_id: str = ""
    detail: str = ""
    took: float = 0.0
    handed_at: datetime | None = None  # when the channel was given it; None: it wasn't
    tried: bool = True  # False: it was put off untried, because its channel is down or asked for a pause
    moves_on: bool = False  # while it is pending the person's next method need not wait for it
    said: str = ""  # the words that went out, of a message to an audience


class ConfirmSend(Struct, frozen=True, kw_only=True):
    """A provider's later word on a message that it took: of every send that went out in it.

    ``at`` is when it happened by the provider's own clock. Answers how many sends it was news of; 0 when the
    message isn't known (any more)."""

    channel: str
    provider_id: str
    word: Word
    at: datetime | None = None
    detail: str = ""


class Work(Struct, frozen=True, kw_only=True):
    """Base of what a person does to an incident. With ``seen`` only while the incident's version is one of
    these; the Refusal is ``stale``."""

    incident: int
    by: str
    seen: tuple[int, ...] = ()


class Open(Struct, frozen=True, kw_only=True):
    by: str
    title: str
    service: str
    level: int | None = None
    because: str = ""
    text: str = ""


class Acknowledge(Work, frozen=True, kw_only=True):
    """With ``path`` of that path alone; else of those that asked this person, or of all."""

    via: str = "cli"
    page: str = ""
    path: str = ""


class Decline(Work, frozen=True, kw_only=True):
    """ "I can't": the path goes on at once."""

    via: str = "cli"
    page: str = ""


class Undo(Work, frozen=True, kw_only=True):
    """Take one's acknowledgement back: the path goes on at once."""

    via: str = "cli"


class Escalate(Work, frozen=True, kw_only=True):
    """Fire the next step now; with ``path``, start that path (business, customers, ...)."""

    path: str | None = None
    because: str = ""


class SetLevel(Work, frozen=True, kw_only=True):
    level: int
    because: str


class Note(Work, frozen=True, kw_only=True):
    """``update``: the audience was told of it, by whatever way."""

    text: str
    update: bool = False


class Resolve(Work, frozen=True, kw_only=True):
    because: str = ""
    via: str = "cli"


class Reopen(Work, frozen=True, kw_only=True):
    because: str = ""


class Merge(Work, frozen=True, kw_only=True):
    into: int


class Split(Work, frozen=True, kw_only=True):
    """Signals (by their ``n``) leave their incident for a new one."""

    signals: tuple[int, ...]


class Close(Work, frozen=True, kw_only=True):
    """End the watch over what is resolved before its time."""


class MoveStage(Work, frozen=True, kw_only=True):
    """``aside`` sets the open items that stand in the way aside, for this reason."""

    stage: str
    because: str = ""
    aside: str = ""


class FinishItem(Work, frozen=True, kw_only=True):
    item: str
    result: str = ""


class SetItemAside(Work, frozen=True, kw_only=True):
    item: str
    because: str


class TakeAction(Work, frozen=True, kw_only=True):
    text: str
    result: str = ""


class MakeDecision(Work, frozen=True, kw_only=True):
    text: str
    because: str


class SetFacts(Work, frozen=True, kw_only=True):
    """``texts`` and ``times`` by name; an empty text and None take one back."""

    texts: dict[str, str] = {}
    times: dict[str, datetime | None] = {}


class SendUpdate(Work, frozen=True, kw_only=True):
    """Tell audiences (``to``; none: all that were told or are to be) what was done since they heard last.
    ``impact`` and ``estimated_resolution`` become facts. ``draft``: somebody is to approve it first."""

    progress: str
    to: tuple[str, ...] = ()
    impact: str = ""
    estimated_resolution: datetime | None = None
    draft: bool = False


class ApproveDraft(Work, frozen=True, kw_only=True):
    audience: str


class WithdrawDraft(Work, frozen=True, kw_only=True):
    audience: str
    because: str = ""


class AssignRole(Work, frozen=True, kw_only=True):
    """Offer a role to somebody; taken by oneself it needs no acceptance. ``topic``: an expert's."""

    role: str
    person: str
    topic: str = ""
    because: str = ""


class AcceptRole(Work, frozen=True, kw_only=True):
    """Without ``role`` all that this person is asked to take."""

    role: str = ""


class DeclineRole(Work, frozen=True, kw_only=True):
    """Not taken, or given back. Without ``role`` all that this person is asked to take."""

    role: str = ""


class AskHelp(Work, frozen=True, kw_only=True):
    """``who``: a team, a schedule or a person."""

    who: str
    question: str


class AnswerHelp(Work, frozen=True, kw_only=True):
    ask: int
    text: str


class AskReport(Work, frozen=True, kw_only=True):
    """Of an incident that needn't have one."""


class AssignReport(Work, frozen=True, kw_only=True):
    owner: str = ""
    due_at: datetime | None = None


class WriteReport(Work, frozen=True, kw_only=True):
    """``sections`` by name, an empty text fills it from the timeline again. ``version`` is the one that was
    edited: another by now is ``stale``; None: whatever there is."""

    sections: dict[str, str]
    version: int | None = None


class ReviewReport(Work, frozen=True, kw_only=True):
    """Somebody else than its author has read it and found it good."""


class PublishReport(Work, frozen=True, kw_only=True):
    pass


class PlanReview(Work, frozen=True, kw_only=True):
    at: datetime


class HoldReview(Work, frozen=True, kw_only=True):
    """It was held; ``text`` says what came of it."""

    text: str = ""


class AddActionItem(Work, frozen=True, kw_only=True):
    text: str
    kind: str
    owner: str
    due_at: datetime


class ChangeActionItem(Work, frozen=True, kw_only=True):
    n: int
    owner: str = ""
    due_at: datetime | None = None


class EndActionItem(Work, frozen=True, kw_only=True):
    n: int
    result: str = ""
    dropped: bool = False


class SeePage(Struct, frozen=True, kw_only=True):
    page: str
    via: str = "link"


class TestPage(Struct, frozen=True, kw_only=True):
    person: str
    by: str


class TestShift(Struct, frozen=True, kw_only=True):
    """Send ``person`` a test before their time on ``schedule`` begins, if nobody has."""

    schedule: str
    person: str
    begins: datetime


class JudgeShiftTest(Struct, frozen=True, kw_only=True):
    """The time for an answer to that test is over."""

    schedule: str
    person: str
    begins: datetime


class VerifyContact(Struct, frozen=True, kw_only=True):
    """Ask a person to confirm that what is sent reaches them: by ``via``, else by each of their channels."""

    person: str
    by: str
    via: str = ""


class TellOperators(Struct, frozen=True, kw_only=True):
    """irpd itself needs somebody: opens (or updates) one incident of the ``unmapped``
    service under ``key`` and pages ``operators``."""

    key: str
    title: str
    text: str = ""
    level: int = 2


class ConditionOver(Struct, frozen=True, kw_only=True):
    """What the operators were told of under ``key`` has ended; nothing if they were told nothing."""

    key: str


class HeartbeatReported(Struct, frozen=True, kw_only=True):
    """A monitor has reported."""

    name: str


class HeartbeatMissed(Struct, frozen=True, kw_only=True):
    """A monitor is overdue, or (``failed``) says itself that what it watches went wrong. ``text`` is what
    there is to read of it."""

    name: str
    text: str = ""
    failed: bool = False


class ChangeConfig(Struct, frozen=True, kw_only=True):
    """The shell has put another configuration in force (``hash``)."""

    hash: str
    previous: str = ""
    by: str = ""


class RefuseConfig(Struct, frozen=True, kw_only=True):
    problems: tuple[str, ...]
    in_force: str


class SetAside(Struct, frozen=True, kw_only=True):
    command: str
    error: str
    receipt: int | None = None
    source: str = ""


class RecordStart(Struct, frozen=True, kw_only=True):
    version: str
    down_for: float | None = None


class RecordJump(Struct, frozen=True, kw_only=True):
    seconds: float


AnyWork = (
    Acknowledge | Decline | Undo | Escalate | SetLevel | Note | Resolve | Reopen | Merge | Split
    | AskReport | AssignReport | WriteReport | ReviewReport | PublishReport | PlanReview | HoldReview
    | AddActionItem | ChangeActionItem | EndActionItem
    | Close | MoveStage | FinishItem | SetItemAside | TakeAction | MakeDecision | SetFacts
    | AssignRole | AcceptRole | DeclineRole | AskHelp | AnswerHelp
    | SendUpdate | ApproveDraft | WithdrawDraft
)  # fmt: skip
Command = (
    Receive | Wake | WakeSignal | AddSilence | EndSilence | AddOverride | SwapShifts | EndOverride | TellShift
    | MarkStale | TakeAnswer | RecordSend | ConfirmSend
    | HeartbeatReported | HeartbeatMissed
    | Open | AnyWork | SeePage | TestPage | VerifyContact | TestShift | JudgeShiftTest
    | TellOperators | ConditionOver
    | ChangeConfig | RefuseConfig | SetAside | RecordStart | RecordJump
)  # fmt: skip


class Refusal(Exception):
    """A command that can't be carried out; nothing was changed.

    ``code``: not-found | state | stale | permission | invalid. The text speaks to the
    person: what was wrong and what is allowed.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
