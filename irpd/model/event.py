"""Events: the facts that an incident's timeline consists of.

Events are appended, never changed. Each is a frozen struct whose ``tag`` is its type in
the journal; a later version of a type gets fields with defaults, or a new tag and an
upcast in ``journal.codec``. Events carry results (persons chosen, waits, level and
reason), never a reference into the configuration, so that replay needs only the journal.

Names are facts in the past. The subject is ``incident:42`` for all but the last section.
"""

from datetime import datetime

from msgspec import Struct

from irpd.model.incident import Contribution, LevelBy, PathRun
from irpd.model.notice import Notice
from irpd.model.objective import Objectives
from irpd.model.override import Override
from irpd.model.page import Page, SendState, Word
from irpd.model.share import UNKNOWN, Answer, Impact, Share
from irpd.model.waits import Silence, Waits


class Event(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True, tag_field="type"):
    """Base of all events."""


# ------------------------------------------------------------------ the incident itself
class Opened(Event, frozen=True, tag="opened"):
    number: int
    title: str
    services: tuple[str, ...]
    level: int
    level_by: LevelBy
    evidence_level: int
    rules: tuple[Contribution, ...] = ()
    share: Share = UNKNOWN
    source: str = ""
    detected_by: str = "monitoring"
    config: str = ""
    rules_hash: str = ""  # names the rules it was decided by, here and below
    impact_from: datetime | None = None
    group: str | None = None
    group_rule: str = ""
    group_within: float = 0.0
    group_at_most: float = 0.0
    respond_by: datetime | None = None
    quiet_for: float = 0.0
    reopen_within: float = 0.0
    regimes: tuple[str, ...] = ()
    tells: tuple[str, ...] = ()
    by: str = ""  # the person who opened it by hand
    drill: bool = False
    roles: dict[str, str] = {}  # who fills them
    lower_after: float = 0.0  # as in LevelChanged
    ages: tuple[int, ...] = ()  # minutes after which rules are asked again, because time alone changes them
    takes: tuple[str, ...] = ()  # services whose signals join it, because its own depends on them
    objectives: Objectives | None = None  # its clocks but for the response's; None: an older irpd


class Acknowledged(Event, frozen=True, tag="acknowledged"):
    by: str
    via: str = ""  # link | cli | api
    page: str = ""
    paths: tuple[str, ...] = ()  # those it answers; none: all there are
    stale_after: float = 0.0  # seconds without a sign of work after which it is stale; 0: never


class AcknowledgementStale(Event, frozen=True, tag="acknowledgement-stale"):
    """Nothing was heard of it for too long: who has it is warned, and the path goes on at ``resumes_at``."""

    resumes_at: datetime
    because: str


class AcknowledgementLapsed(Event, frozen=True, tag="acknowledgement-lapsed"):
    """The level rose, or who had it undid it: nobody has it now."""

    because: str
    by: str = ""


class Declined(Event, frozen=True, tag="declined"):
    """A paged person said "I can't"."""

    by: str
    via: str = ""
    page: str = ""


class LevelChanged(Event, frozen=True, tag="level-changed"):
    before: int
    after: int
    level_by: LevelBy
    evidence_level: int
    rules: tuple[Contribution, ...] = ()
    share: Share = UNKNOWN
    respond_by: datetime | None = None
    regimes: tuple[str, ...] = ()
    roles: dict[str, str] = {}  # those that are filled from now on, with their people
    rules_hash: str = ""
    lower_after: float = 0.0  # seconds after which the level sinks once evidence asks for less; 0: never
    stale_after: float | None = None  # as in Acknowledged; None: as it was
    objectives: Objectives | None = None  # its clocks from now on but for the response's; None: as they were


class EvidenceExceeded(Event, frozen=True, tag="evidence-exceeded"):
    """Evidence asks for a more severe level than the one a person set."""

    level: int
    level_by: LevelBy
    rules: tuple[Contribution, ...] = ()
    share: Share = UNKNOWN
    rules_hash: str = ""


class ShareMeasured(Event, frozen=True, tag="share-measured"):
    """New evidence that left the level as it was: on the users affected, or for ``regimes``."""

    share: Share
    regimes: tuple[str, ...] = ()


class UsersAnswered(Event, frozen=True, tag="users-answered"):
    """Monitoring was asked about a service's users; what it said, and the share that it makes."""

    answer: Answer
    share: Share


class EvidenceEased(Event, frozen=True, tag="evidence-eased"):
    """Evidence asks for less than the level in force (``level``), or no longer does (None)."""

    level: int | None = None
    because: str = ""


class TimePassed(Event, frozen=True, tag="time-passed"):
    """It has been open for so long that rules may say something else: they were asked again."""

    minutes: int
    ages: tuple[int, ...] = ()  # when they are asked next, as in Opened


class ResponseMissed(Event, frozen=True, tag="response-missed"):
    """Nobody acknowledged within the first-response objective. Its time is the objective's own."""

    due_at: datetime


class ObjectiveWarned(Event, frozen=True, tag="objective-warned"):
    """It comes due; who is to see to it was told."""

    objective: str
    due_at: datetime


class ObjectiveMissed(Event, frozen=True, tag="objective-missed"):
    """An update or the resolution was not there by ``due_at``, which is the objective's own time (a response:
    ``ResponseMissed``). Of updates ``times`` were missed by now, and the next is due at ``next_at``."""

    objective: str
    due_at: datetime
    times: int = 1
    next_at: datetime | None = None


class UpdateChased(Event, frozen=True, tag="update-chased"):
    """A missed update: these were paged for it (nobody, while paths page for the incident), and at
    ``next_at`` others will be."""

    persons: tuple[str, ...] = ()
    next_at: datetime | None = None


class UpdateTaken(Event, frozen=True, tag="update-taken"):
    """Somebody sees to the update that was missed: nobody else is paged for it until the next is missed."""

    by: str
    page: str = ""


class Extended(Event, frozen=True, tag="extended"):
    """It is past its resolution target."""

    objectives: Objectives


class Updated(Event, frozen=True, tag="updated"):
    """Its audience was told how it stands: the next update is due anew."""

    objectives: Objectives
    by: str = ""


class Resolved(Event, frozen=True, tag="resolved"):
    by: str = ""  # empty: by itself, after its quiet time
    because: str = ""


class Reopened(Event, frozen=True, tag="reopened"):
    by: str = ""
    because: str = ""
    respond_by: datetime | None = None
    objectives: Objectives | None = None


class Closed(Event, frozen=True, tag="closed"):
    by: str = ""


class Merged(Event, frozen=True, tag="merged"):
    """This incident's signals moved ``into`` another; it is over as an incident of its own."""

    into: int
    by: str = ""


class Noted(Event, frozen=True, tag="noted"):
    text: str
    by: str = ""
    source: str = ""


# ------------------------------------------------------------------ the response to it
class StageChanged(Event, frozen=True, tag="stage-changed"):
    """A person moved it. What follows from an acknowledgement, an end or a reopening has no event of its
    own (``protocol.stages.FOLLOWS``)."""

    before: str
    after: str
    by: str
    because: str = ""


class ItemDone(Event, frozen=True, tag="item-done"):
    """An item of a checklist is done; ``title`` is what it asked for, in the words of that time."""

    item: str
    stage: str
    title: str
    result: str = ""
    by: str = ""


class ItemSetAside(Event, frozen=True, tag="item-set-aside"):
    """An item will not be done; a decision with its reason."""

    item: str
    stage: str
    title: str
    because: str
    by: str = ""


class ActionTaken(Event, frozen=True, tag="action-taken"):
    text: str
    result: str = ""
    by: str = ""


class DecisionMade(Event, frozen=True, tag="decision-made"):
    text: str
    because: str
    by: str = ""


class FactsSet(Event, frozen=True, tag="facts-set"):
    """What is known now: ``texts`` and ``times`` by name; an empty text and None take one back."""

    texts: dict[str, str] = {}
    times: dict[str, datetime | None] = {}
    by: str = ""


# ------------------------------------------------------------------ messages to audiences (sent: ``Paged``)
class Drafted(Event, frozen=True, tag="drafted"):
    """A message that waits for approval; it takes the place of the audience's earlier draft. ``approvers`` is
    who was told of it."""

    notice: Notice
    by: str = ""  # empty: irpd, because the protocol asks for it
    approvers: tuple[str, ...] = ()


class DraftApproved(Event, frozen=True, tag="draft-approved"):
    audience: str
    by: str


class DraftWithdrawn(Event, frozen=True, tag="draft-withdrawn"):
    """It will not be sent: a person says so, or what it says is no longer so."""

    audience: str
    by: str = ""
    because: str = ""


# ------------------------------------------------------------------ roles, and help
class RoleOffered(Event, frozen=True, tag="role-offered"):
    """Somebody is asked to take a role. Where nobody had it they have it from now on, and are still asked for
    their yes; else whoever has it keeps it until then. ``anew``: everybody had been asked."""

    role: str
    person: str
    by: str = ""  # empty: irpd, because the level calls for it
    because: str = ""
    topic: str = ""
    next_at: datetime | None = None
    anew: bool = False


class RoleAccepted(Event, frozen=True, tag="role-accepted"):
    role: str
    by: str
    topic: str = ""


class RoleDeclined(Event, frozen=True, tag="role-declined"):
    """Who was asked can't; or who had it gives it back."""

    role: str
    by: str


class RoleVacant(Event, frozen=True, tag="role-vacant"):
    """A level 1-2 incident, and nobody has accepted a role that its level calls for: the next is asked."""

    role: str
    because: str


class RoleKept(Event, frozen=True, tag="role-kept"):
    """Nobody took what was offered, and nobody else is asked."""

    role: str
    because: str


class HelpAsked(Event, frozen=True, tag="help-asked"):
    """``who`` is a person, a team or a schedule; ``persons`` are paged, and at ``next_at`` the next is."""

    ask: int
    who: str
    question: str
    by: str
    persons: tuple[str, ...] = ()
    next_at: datetime | None = None


class HelpPassedOn(Event, frozen=True, tag="help-passed-on"):
    """Nobody answered: these are asked now. Without any everybody was, and whoever asked is told."""

    ask: int
    persons: tuple[str, ...] = ()
    next_at: datetime | None = None
    because: str = ""


class HelpTaken(Event, frozen=True, tag="help-taken"):
    """Somebody sees to it; without an answer by ``next_at`` the next is asked."""

    ask: int
    by: str
    next_at: datetime | None = None


class HelpAnswered(Event, frozen=True, tag="help-answered"):
    ask: int
    by: str
    text: str


# ------------------------------------------------------------------ what follows it
class ReportAsked(Event, frozen=True, tag="report-asked"):
    """It is over and has to have a report. ``review_at``: when the people involved meet over it."""

    owner: str
    due_at: datetime
    review_at: datetime | None = None
    escalate_after: float = 0.0  # seconds after which others hear of what is late
    by: str = ""


class ReportAssigned(Event, frozen=True, tag="report-assigned"):
    owner: str
    due_at: datetime
    by: str = ""


class ReportWritten(Event, frozen=True, tag="report-written"):
    """A new text; ``sections`` are those that changed, an empty one is filled from the timeline again."""

    version: int
    sections: dict[str, str]
    by: str = ""


class ReportReviewed(Event, frozen=True, tag="report-reviewed"):
    version: int
    by: str = ""


class ReportPublished(Event, frozen=True, tag="report-published"):
    version: int
    by: str = ""


class ReviewPlanned(Event, frozen=True, tag="review-planned"):
    at: datetime
    by: str = ""


class ReviewHeld(Event, frozen=True, tag="review-held"):
    text: str = ""
    by: str = ""


class ActionItemAdded(Event, frozen=True, tag="action-item-added"):
    n: int
    text: str
    kind: str
    owner: str
    due_at: datetime
    by: str = ""


class ActionItemChanged(Event, frozen=True, tag="action-item-changed"):
    n: int
    owner: str
    due_at: datetime
    by: str = ""


class ActionItemEnded(Event, frozen=True, tag="action-item-ended"):
    """Done with ``result``, or ``dropped`` for the reason that it says."""

    n: int
    result: str = ""
    dropped: bool = False
    by: str = ""


class Reminded(Event, frozen=True, tag="reminded"):
    """``what``: report, review, or the number of an action item. ``step`` 1: its owner, 2: others too."""

    what: str
    step: int
    persons: tuple[str, ...]


# ------------------------------------------------------------------ its signals
class SignalJoined(Event, frozen=True, tag="signal-joined"):
    sid: int
    n: int
    key: str
    source: str
    title: str
    service: str
    status: str = "firing"
    labels: dict[str, str] = {}
    text: str = ""
    starts_at: datetime | None = None
    episode: str | None = None
    sender_group: str = ""
    impact: Impact = Impact()
    reporter: str | None = None
    user: str | None = None
    project: str = ""
    url: str = ""
    runbook: str = ""
    dashboard: str = ""
    why: str = ""


class SignalFired(Event, frozen=True, tag="signal-fired"):
    """A known key began a new episode."""

    sid: int
    starts_at: datetime | None = None
    episode: str | None = None
    impact: Impact = Impact()
    title: str = ""
    url: str = ""
    user: str | None = None


class SignalResolved(Event, frozen=True, tag="signal-resolved"):
    sid: int
    ends_at: datetime | None = None
    because: str = ""


class SignalChanged(Event, frozen=True, tag="signal-changed"):
    """A repeat that brought new evidence or another wording."""

    sid: int
    impact: Impact = Impact()
    title: str = ""
    labels: dict[str, str] | None = None
    starts_at: datetime | None = None
    user: str | None = None


class SignalMuted(Event, frozen=True, tag="signal-muted"):
    sid: int
    because: str = ""


class SignalStale(Event, frozen=True, tag="signal-stale"):
    sid: int


class SignalFlapping(Event, frozen=True, tag="signal-flapping"):
    """A signal began to flap, or has been ``stable`` seconds without a change."""

    sid: int
    flapping: bool
    stable: float = 0.0


class SignalMoved(Event, frozen=True, tag="signal-moved"):
    """A signal came to this incident out of another (merge or split); out of 0: it had waited."""

    sid: int
    n: int
    out_of: int
    by: str = ""
    why: str = ""


class SignalLeft(Event, frozen=True, tag="signal-left"):
    """The other half of ``SignalMoved``, in the timeline of the incident it left."""

    sid: int
    into: int
    by: str = ""


# ------------------------------------------------------------------ signals that wait (subject ``waiting``)
class SignalWaits(Event, frozen=True, tag="signal-waits"):
    """A key fired and opens nothing for now. Later episodes of it are ``SignalFired`` and so on here."""

    sid: int
    key: str
    source: str
    title: str
    service: str
    waits: Waits
    labels: dict[str, str] = {}
    text: str = ""
    starts_at: datetime | None = None
    episode: str | None = None
    sender_group: str = ""
    impact: Impact = Impact()
    reporter: str | None = None
    user: str | None = None
    project: str = ""
    url: str = ""
    runbook: str = ""
    dashboard: str = ""


class WaitChanged(Event, frozen=True, tag="wait-changed"):
    """It goes on waiting, for another reason or another time."""

    sid: int
    waits: Waits


class WaitEnded(Event, frozen=True, tag="wait-ended"):
    """It is no longer waited for: resolved for long enough, or its earlier row goes on."""

    sid: int
    because: str = ""


# ------------------------------------------------------------------ silences (subject ``silences``)
class SilenceAdded(Event, frozen=True, tag="silence-added"):
    silence: Silence


class SilenceEnded(Event, frozen=True, tag="silence-ended"):
    """A person ended it before its time."""

    id: int
    by: str
    because: str = ""


# ------------------------------------------------------------------ overrides (subject ``overrides``)
class OverrideAdded(Event, frozen=True, tag="override-added"):
    override: Override


class OverrideEnded(Event, frozen=True, tag="override-ended"):
    """A person ended it before its time, or called it off before it began."""

    id: int
    by: str
    because: str = ""


# ------------------------------------------------------------------ shifts that begin (subject ``shifts``)
class ShiftTold(Event, frozen=True, tag="shift-told"):
    """Whoever is on call next was sent a word of it; without a ``page`` there was no quiet way."""

    schedule: str
    person: str
    begins: datetime
    page: str = ""


class ShiftTested(Event, frozen=True, tag="shift-tested"):
    """They were sent a test; without a ``page`` there was no channel for it. It is judged at ``judge_at``."""

    schedule: str
    person: str
    begins: datetime
    judge_at: datetime
    page: str = ""


class ShiftTestJudged(Event, frozen=True, tag="shift-test-judged"):
    """``outcome``: answered, accepted (by a channel or provider, and not answered), failed."""

    schedule: str
    person: str
    begins: datetime
    outcome: str


# ------------------------------------------------------------------ contact methods (subject ``contacts``)
class ContactAsked(Event, frozen=True, tag="contact-asked"):
    """A person was sent a message to confirm that it reaches them; ``digest`` is their address there, with
    ``salt``."""

    person: str
    channel: str
    page: str
    digest: str
    salt: str


class ContactVerified(Event, frozen=True, tag="contact-verified"):
    """They confirmed it."""

    person: str
    channel: str
    page: str
    via: str = ""


class ContactForgotten(Event, frozen=True, tag="contact-forgotten"):
    """The files have this person, or this channel, no more."""

    person: str
    channel: str


# ------------------------------------------------------------------ paging
class PathStarted(Event, frozen=True, tag="path-started"):
    run: PathRun
    because: str = ""
    by: str = ""  # the person who started it by hand


class PathMoved(Event, frozen=True, tag="path-moved"):
    """A step fired (``fired`` counts it in) or the wait for the next one changed.

    ``skipped`` says which steps were passed over, and why each."""

    path: str
    fired: int
    next_at: datetime | None
    persons: tuple[str, ...] = ()
    because: str = ""
    skipped: tuple[str, ...] = ()
    by: str = ""  # the person who escalated by hand


class PathStopped(Event, frozen=True, tag="path-stopped"):
    path: str
    because: str = ""


class PathResumed(Event, frozen=True, tag="path-resumed"):
    path: str
    next_at: datetime
    because: str = ""


class Paged(Event, frozen=True, tag="paged"):
    page: Page


class SendAttempted(Event, frozen=True, tag="send-attempted"):
    """What came of one attempt. ``state`` pending means: again at ``retry_at``; without that it was put off
    untried, and ``attempt`` counts those before. ``moved_on``: the next method waits for it no longer."""

    page: str
    send: int
    state: SendState
    attempt: int
    retry_at: datetime | None = None
    provider_id: str = ""
    detail: str = ""
    took: float = 0.0  # seconds
    handed_at: datetime | None = None  # when the channel was given it; None: it wasn't, or an older irpd
    moved_on: bool = False
    said: str = ""  # the words that went out, of a message to an audience


class SendConfirmed(Event, frozen=True, tag="send-confirmed"):
    """A provider said later what became of a message that it had taken, by its own clock at ``said_at``."""

    page: str
    send: int
    word: Word
    said_at: datetime
    detail: str = ""


class SendBrought(Event, frozen=True, tag="send-brought-forward"):
    """A send's time comes earlier because another method failed for good."""

    page: str
    send: int
    due_at: datetime


class PageEnded(Event, frozen=True, tag="page-ended"):
    """A page is over. ``because``: acknowledged | obsolete | expired | failed | declined."""

    page: str
    because: str
    by: str = ""


class PageSeen(Event, frozen=True, tag="page-seen"):
    page: str
    via: str = ""


# ------------------------------------------------------------------ heartbeats
class HeartbeatsExpected(Event, frozen=True, tag="heartbeats-expected"):
    """Subject ``heartbeats``. The files name these monitors from now on, and those no more."""

    added: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


class HeartbeatSeen(Event, frozen=True, tag="heartbeat-seen"):
    """Subject ``heartbeats``. A monitor whose reports are kept has reported."""

    name: str


# ------------------------------------------------------------------ shadow mode
class ShadowBegan(Event, frozen=True, tag="shadow-began"):
    """Subject ``shadow``. From now on nobody is told of anything."""


class ShadowEnded(Event, frozen=True, tag="shadow-ended"):
    """Subject ``shadow``. From now on people are paged."""


# ------------------------------------------------------------------ other subjects
class SignalsRepeated(Event, frozen=True, tag="signals-repeated"):
    """Subject ``source:NAME``. Known episodes were reported again and nothing else was new.

    ``sids`` are runs of signal numbers: ``[first, count, first, count, ...]``. ``receipt`` and ``body`` are
    those of a ``ReceiptTaken``, which then isn't there; 0 is the one after the receipt that stands before it
    here. Without a ``body`` it comes from before irpd bound receipts.
    """

    sids: tuple[int, ...]
    receipt: int = 0
    body: str = ""


class ReceiptTaken(Event, frozen=True, tag="receipt-taken"):
    """Subject ``source:NAME``. Receipts were decided on; the events before it in the same commit say what
    they came to. ``body`` is the digest of what the first said (``Receipt.digest``), ``more`` are those of
    the receipts after it, one by one."""

    receipt: int
    body: str
    more: tuple[str, ...] = ()


class ConfigLoaded(Event, frozen=True, tag="config-loaded"):
    """Subject ``config``."""

    hash: str
    previous: str = ""
    by: str = ""


class ConfigRefused(Event, frozen=True, tag="config-refused"):
    """Subject ``config``. The files are bad; the configuration in force stays."""

    problems: tuple[str, ...] = ()
    in_force: str = ""


class CommandSetAside(Event, frozen=True, tag="command-set-aside"):
    """Subject ``engine``. Handling a command raised; its receipt is kept."""

    command: str
    error: str
    receipt: int | None = None
    source: str = ""


class ClockJumped(Event, frozen=True, tag="clock-jumped"):
    """Subject ``engine``. The wall clock moved by ``seconds`` against the boot-time clock."""

    seconds: float


class Started(Event, frozen=True, tag="started"):
    """Subject ``engine``."""

    version: str
    down_for: float | None = None  # seconds since the last sign of life


AnyEvent = (
    Opened | Acknowledged | AcknowledgementStale | AcknowledgementLapsed | Declined
    | LevelChanged | EvidenceExceeded
    | ShareMeasured | UsersAnswered | TimePassed | EvidenceEased | ResponseMissed
    | ObjectiveWarned | ObjectiveMissed | UpdateChased | UpdateTaken | Extended | Updated
    | RoleOffered | RoleAccepted | RoleDeclined | RoleVacant | RoleKept
    | HelpAsked | HelpPassedOn | HelpTaken | HelpAnswered
    | Resolved | Reopened | Closed | Merged | Noted
    | ReportAsked | ReportAssigned | ReportWritten | ReportReviewed | ReportPublished
    | ReviewPlanned | ReviewHeld | ActionItemAdded | ActionItemChanged | ActionItemEnded | Reminded
    | StageChanged | ItemDone | ItemSetAside | ActionTaken | DecisionMade | FactsSet
    | Drafted | DraftApproved | DraftWithdrawn
    | SignalJoined | SignalFired | SignalResolved | SignalChanged | SignalMuted | SignalStale
    | SignalFlapping | SignalMoved | SignalLeft
    | SignalWaits | WaitChanged | WaitEnded | SilenceAdded | SilenceEnded | OverrideAdded | OverrideEnded
    | HeartbeatsExpected | HeartbeatSeen | ShadowBegan | ShadowEnded | ShiftTold
    | ShiftTested | ShiftTestJudged | ContactAsked | ContactVerified | ContactForgotten
    | PathStarted | PathMoved | PathStopped | PathResumed | Paged | SendAttempted
    | SendConfirmed | SendBrought | PageEnded | PageSeen
    | SignalsRepeated | ReceiptTaken | ConfigLoaded | ConfigRefused | CommandSetAside | ClockJumped | Started
)  # fmt: skip
"""Every type of event; ``match`` over it closes with ``assert_never``."""
