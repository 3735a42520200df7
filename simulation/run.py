"""A run: the world, its steps, and the questions that are asked after each of them."""

import heapq
import sys
import time
from asyncio import events as asyncio_events
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from msgspec.structs import replace

from irpd.daemon.settings import Prepared
from irpd.engine.batch import CommandFailed
from irpd.engine.inbox import Overloaded
from irpd.engine.ports import JournalError, Message, Normalised, Outcome
from irpd.model import command as c
from irpd.model import event as e
from irpd.model.command import Command, Refusal
from irpd.model.incident import State
from irpd.model.page import Page, PageKind
from irpd.model.shadow import Shadow
from irpd.protocol.draft import Draft
from simulation import examine
from simulation.actions import Action
from simulation.beats import Beats
from simulation.clocks import BEGINS, VirtualTime
from simulation.coverage import Coverage
from simulation.decisions import check
from simulation.disk import Disk
from simulation.judged import Decision, Violation
from simulation.life import INBOX, Life
from simulation.loop import Escape
from simulation.model import Model
from simulation.phones import CHANNELS, Provider, Shown
from simulation.reach import Waiting
from simulation.seams import Planted, bury, installed
from simulation.senders import Request, Senders
from simulation.worlds import prepared

#: A sender gives up after so many tries of one request.
TRIES = 12
#: A run goes on until it has had a crash for so many of the commands asked for.
COMMANDS_A_CRASH = 400
INFINITE = float("inf")
#: After so many callbacks it is looked whether something is wrong already.
TURNS = 500
#: What was logged with these names is a defect unless a failure was planted.
DEFECTS = frozenset(
    {
        "command-raised", "setting-aside-raised", "emergency-raised", "batch-raised", "batch-unstorable",
        "callback-raised", "upkeep-raised", "receipts-gone", "judgement-raised",
        "published_not_understood", "send_raised", "intake_failed", "outcome_set_aside",
        "edit_raised", "send_task_died", "channel_not_closed", "text_could_not_be_made",
    }
)  # fmt: skip


@dataclass(slots=True)
class Result:
    seed: int
    actions: list[Action]
    commands: int = 0
    crashes: int = 0
    cpu: float = 0.0
    simulated: float = 0.0
    ended: bool = False  # whether it came to its calm end
    violation: Violation | None = None
    coverage: Coverage = field(default_factory=Coverage)


class Simulation:
    """The world. Everything in it happens in one thread and in virtual time."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.time = VirtualTime()
        self.chance = self.time.random
        self.chance.seed(seed)
        self.disk = Disk()
        self.coverage = Coverage()
        self.senders = Senders()
        self.providers: Mapping[str, Provider] = {n: Provider(n) for n in CHANNELS}
        self.files: Prepared | None = prepared("base")
        self.model = Model()
        self.life: Life | None = None
        self.graveyard: list[Any] = []
        self.plant = ""
        self.plant_until = 0
        self.fuse = -1
        self.ended = False
        self.phones: list[Shown] = []
        self.commands = self.crashes = 0
        self.violation: Violation | None = None
        self.decisions: dict[int, tuple[Command, list[Any]]] = {}
        self.receipts: dict[int, Request] = {}
        self.reports: Counter[str] = Counter()  # what receipts that were answered 2xx say, by key
        self.most: Counter[str] = Counter()  # and what all durable ones say
        self.read_to = 0
        self.normalised: dict[bytes, Normalised] = {}
        self.troubled_at = -1e9  # when something last kept irpd from its work
        self.unrecorded: set[tuple[str, int]] = set()  # outcomes that deciding on failed: a planted defect
        self.unhinged: set[int] = set()  # incidents decided on while hours or schedules could not be read
        self.replay = examine.Replay()
        self.alike: defaultdict[str, examine.Alike] = defaultdict(dict)
        self.waiting = Waiting()
        self.beats = Beats()
        self.shown: dict[int, float] = {}  # when somebody last saw a page of this incident
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._open: dict[int, Request] = {}  # requests under way
        self.calm_since, self.calm_at = 0.0, self.now()

    # ------------------------------------------------------------ what irpd tells
    def hit(self, section: str, name: str) -> None:
        self.coverage.hit(section, name)

    def suffer(self, what: str) -> None:
        self.troubled_at = self.time.true
        self.coverage.hit("fault", what)

    def decided(self, draft: Draft, command: Command) -> None:
        self.commands += 1
        self.coverage.hit("command", type(command).__name__)
        assert draft.rows.parent is not None
        events = [event for _, event in draft.events]
        self.decisions[id(command)] = (command, events)
        if draft.configuration.storm == "none":
            self.model.heard.unbounded.update(event.page.id for event in events if isinstance(event, e.Paged))
        if self.plant in ("hours", "schedule"):
            self.unhinged |= draft.rows.incidents.keys()
        try:
            decision = Decision(
                command=command, before=draft.rows.parent, after=draft.rows, events=draft.events,
                unhinged=self.unhinged, left=self.model.left, last=self.model.last,
                configuration=draft.configuration, now=draft.now,
            )  # fmt: skip
            transitions, met = check(decision)
            if self.life is not None:
                self.beats.check(decision, self.life, self.time.true)
            for transition in transitions:
                self.coverage.hit("transition", transition)
            for one in met:
                self.coverage.hit("met", one)
        except Violation as violation:
            self._found(violation if not self.plant else None)
        except Exception as error:  # irpd would take it for a failure of its own and go on
            self._found(Violation("simulation", f"looking at {type(command).__name__} raised {error!r}"))

    def refused(self, command: Command, refusal: Refusal) -> None:
        self.commands += 1
        self.coverage.hit("command", type(command).__name__)
        self.coverage.hit("answer", f"refused-{refusal.code}")
        number = getattr(command, "incident", 0)
        if number in self.model.rows.incidents and refusal.text == f"there is no incident #{number}":
            self._found(Violation("forgotten", f"{type(command).__name__}: {refusal.text}, and there is"))

    def raised(self, command: Command, error: Exception) -> None:
        if isinstance(command, c.RecordSend):
            self.unrecorded.add((command.page, command.send))
        if not isinstance(error, Planted):
            self._found(Violation("unexpected", f"{type(command).__name__} raised {error!r}"))

    def planted(self, what: str) -> None:
        self.coverage.hit("fault", f"planted-{what}")
        self.troubled_at = self.time.true

    def logged(self, event: str, values: dict[str, Any]) -> None:
        if event in DEFECTS and not self.plant:
            told = f"{values} {sys.exc_info()[1]!r}"
            if "Planted" not in told:
                self._found(Violation("unexpected", f"logged {event}: {told}"))

    def _failed(self) -> bool:
        return self.violation is not None

    def _found(self, violation: Violation | None) -> None:
        if self.violation is None and violation is not None:
            self.violation = violation

    # ------------------------------------------------------------ what goes out
    def sending(self, life: Life, message: Message) -> None:
        for page, send in message.pages:
            if wrong := self._wrong_with(life, page, (page.id, send.n)):
                self._found(Violation(wrong[0], f"{message.id} {wrong[1]}"))
            life.calling.add((page.id, send.n))
        if message.others:
            persons = {page.person for page, _ in message.pages}
            if len(persons) > 1:
                self._found(Violation("wanted", f"{message.id} tells one person of pages to {persons}"))
            self.hit("fault", "pages-gathered")

    def _wrong_with(self, life: Life, told: Page, key: tuple[str, int]) -> tuple[str, str] | None:
        """What forbids to send it now, if anything does: which rule, and in words."""
        if key in life.calling:
            return "once", "is sent twice at the same time"
        if life.answered.get(key) in ("delivered", "permanent"):
            return "once", f"is sent again after it was {life.answered[key]}"
        page = life.engine.state.pages.get(told.id)
        send = next((s for s in page.sends if s.n == key[1]), None) if page is not None else None
        left = life.recorded and life.engine._rows.any_standing(Shadow)
        shadow = life.engine.policy.configuration.shadow or left
        if shadow and told.kind is not PageKind.TEST:
            return "shadow", "is sent in shadow mode"
        if page is None or send is None or send.state != "pending":
            return "wanted", f"is {send and send.state}"
        if not page.live:
            return "wanted", ": its page is over"
        if told.person != page.person:
            return "wanted", ": not to whom"
        now = life.clock.now()
        if now > page.expires_at + timedelta(seconds=1):
            return "expired", "is sent after it expired"
        if send.due_at > now:
            return "never-early", "is sent before its time"
        incident = life.engine.state.incidents.get(told.incident)
        if incident is None or told.asks or told.kind not in (PageKind.PAGE, PageKind.QUIET):
            return None
        if not incident.state.active:
            return "wanted", f"is sent though {incident.ref} is {incident.state}"
        if any(run.name == told.path and run.next_at is not None for run in incident.paths):
            return None  # a path that goes on beside: others are asked by it
        answered = incident.acknowledged_at
        if incident.state is State.ACKNOWLEDGED and answered and told.requested_at < answered:
            return "stops", f"is sent though {incident.ref} is acknowledged"
        return None

    def sent(self, life: Life, message: Message, outcome: Outcome) -> None:
        for page, send in message.pages:
            life.calling.discard((page.id, send.n))
            life.answered[page.id, send.n] = outcome.kind

    def show(self, message: Message) -> None:
        self.coverage.hit("fault", "message-shown")
        for page, send in message.pages:
            self.phones.append(Shown(page.id, page.incident, page.person, send.channel, self.time.true))
            if page.kind is PageKind.PAGE:
                self.shown[page.incident] = self.time.true

    # ------------------------------------------------------------ what comes in
    def post(self, request: Request, *, tries: int = 0) -> None:
        """A sender posts, and again later unless it hears 2xx."""
        life = self.life
        if life is None or not life.ready:
            self._again(request, tries)
            return
        token = next(self._order)
        self._open[token] = request

        async def call() -> None:
            status, receipt, normalised = await life.post(request)
            self._open.pop(token, None)
            if status == 202:
                self._accepted(life, request, receipt, normalised)
            elif status == 503:
                self._again(request, tries)

        def ended(task: Any) -> None:
            if not task.cancelled() and task.exception() is not None:
                self._found(Violation("unexpected", f"a request ended with {task.exception()!r}"))

        life.spawn(call()).add_done_callback(ended)

    def _accepted(self, life: Life, request: Request, receipt: int, normalised: Normalised | None) -> None:
        kept = self.disk.storage.receipts.get(receipt)
        durable = kept is not None and kept.body == request.body and kept.source == request.source
        if not durable:
            self._found(
                Violation(
                    "durable", f"request {request.id} was answered 202, receipt {receipt} isn't on disk"
                )
            )
        if receipt in self.receipts:
            self._found(Violation("durable", f"receipt {receipt} was given to two requests"))
        self.receipts[receipt] = request

    def _again(self, request: Request, tries: int) -> None:
        if tries >= TRIES:
            self.coverage.hit("fault", "sender-gave-up")
            return
        self.coverage.hit("fault", "sender-retries")
        self.later(self.chance.uniform(0.5, 3.0) * 1.5**tries, lambda: self.post(request, tries=tries + 1))

    def ask(self, command: Command) -> None:
        """A person does something."""
        life = self.life
        if life is None or not life.ready:
            return
        command = replace(command)  # one of its own: what is asked twice is decided twice

        async def call() -> None:
            try:
                answer = await life.engine.submit(command)
            except Refusal:
                return
            except (Overloaded, JournalError, CommandFailed) as error:
                self.coverage.hit("answer", f"person-{type(error).__name__}")
                return
            self.coverage.hit(
                "answer", "person-done" if getattr(answer, "changed", True) else "person-nothing"
            )
            known = self.decisions.get(id(command))
            missing = [e for e in known[1] if id(e) not in self.disk.durable] if known is not None else [None]
            if missing:
                what = type(command).__name__
                self._found(Violation("durable", f"{what} was answered, {missing[:2]} isn't on disk"))

        def ended(task: Any) -> None:
            if not task.cancelled() and task.exception() is not None:
                self._found(
                    Violation("unexpected", f"{type(command).__name__} ended with {task.exception()!r}")
                )

        life.spawn(call()).add_done_callback(ended)

    # ------------------------------------------------------------ time
    def later(self, seconds: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._later, (self.time.true + seconds, next(self._order), what))

    def now(self) -> datetime:
        """What the senders' own clocks show."""
        return datetime.fromtimestamp(BEGINS + self.time.true, UTC)

    def start(self) -> None:
        """The init system starts irpd."""
        self.life = life = Life(self)
        self.troubled_at = self.time.true
        life.main = life.spawn(life.start())

    def crash(self, down: float, *, reboot: bool = False) -> None:
        life = self.life
        if life is None:
            return
        self.fuse = -1
        self.crashes += 1
        self._learn()
        self._ask(examine.memory)
        self.graveyard.append((life, life.kill()))
        self._gone(down, reboot=reboot)

    def _gone(self, down: float, *, reboot: bool = False) -> None:
        self.life = None
        under_way, self._open = self._open, {}
        for request in under_way.values():
            self._again(request, 0)
        examine.after_crash(self)

        def begin() -> None:
            if reboot:
                self.time.reboot()
            self.start()

        self.later(down, begin)

    def advance(self, seconds: float) -> None:
        """Let so much time pass; everything that falls into it happens."""
        until = self.time.true + seconds
        while self.violation is None:
            self._turns()
            following = self._later[0][0] if self._later else INFINITE
            if self.life is not None and (timer := self.life.loop.next_timer()) is not None:
                following = min(following, timer)
            if following > until:
                self.time.true = max(self.time.true, until)
                return
            self.time.true = max(self.time.true, following)
            if self.life is not None:
                self.life.loop.wake_due()
            while self._later and self._later[0][0] <= self.time.true:
                heapq.heappop(self._later)[2]()

    def _turns(self) -> None:
        """Run what is ready; after every turn the process may be gone."""
        life = self.life
        if life is None:
            return
        loop = life.loop
        burnt = False
        if not loop.idle:
            asyncio_events._set_running_loop(loop)
            try:
                while self.violation is None:
                    most = TURNS if self.fuse < 0 else min(self.fuse + 1, TURNS)
                    done = loop.turns(most)
                    if self.fuse >= 0:
                        self.fuse -= done
                        burnt = self.fuse < 0
                    if burnt or done < most:
                        break
            finally:
                asyncio_events._set_running_loop(None)
        if loop.problems:
            problems = [p for p in loop.problems if "Planted" not in p]
            loop.problems.clear()
            if problems:
                self._found(Violation("unexpected", problems[0]))
        if self.disk.fresh:
            self._learn()
        if self.disk.spoilt:
            self._found(Violation("durable", self.disk.spoilt))
        if life.ready and (waiting := life.waiting) > INBOX:
            self._found(Violation("bounded", f"{waiting} commands wait"))
        if life.troubled or self.plant or self.disk.full or self.disk.failing:
            self.troubled_at = self.time.true
        if burnt and self.violation is None:
            self.crash(self.chance.choice((0.0, 0.0, 0.5, 3.0, 12.0)))
        elif life.over:
            self.graveyard.append((life, life.kill()))
            self._gone(self.chance.choice((0.5, 10.0)))
        elif life.failed_to_start:
            self.graveyard.append((life, life.kill()))
            self._gone(5.0)

    def _learn(self) -> None:
        fresh, self.disk.fresh = self.disk.fresh, []
        try:
            for fact in fresh:
                self.coverage.hit("event", self.model.see(fact))
                number = int(fact.subject[9:]) if fact.subject.startswith("incident:") else 0
                self.waiting.see(fact, self.model.rows.incidents.get(number), self.time.true)
            self.model.whole()
        except Violation as violation:
            self._found(violation)

    # ------------------------------------------------------------ a run
    def run(
        self,
        actions: Iterable[Action],
        *,
        commands: int | None,
        ending: bool,
        progress: Callable[[int], None],
    ) -> Result:
        from simulation.steps import carry_out

        done: list[Action] = []
        began = time.process_time()
        with installed(self):
            try:
                self.start()
                self.beats.begin(self)
                self.advance(1.0)
                for action in actions:
                    if self._failed() or (
                        commands is not None
                        and self.commands >= commands
                        and self.crashes >= commands // COMMANDS_A_CRASH
                    ):
                        break
                    done.append(action)
                    self.chance.seed(action.salt)
                    self.advance(action.after)
                    if self._failed():
                        break
                    self.coverage.hit("step", action.kind)
                    carry_out(self, action)
                    self.advance(0.0)
                    self._ask_all(len(done))
                    progress(self.commands)
                if ending and not self._failed():
                    self.ended = True
                    self._end()
            except Violation as violation:
                self._found(violation)
            except Escape as escape:
                self._found(Violation("escape", str(escape)))
            finally:
                asyncio_events._set_running_loop(None)
                if self.life is not None:
                    self.graveyard.append((self.life, self.life.kill()))
            self.result = Result(
                seed=self.seed, actions=done, commands=self.commands, crashes=self.crashes,
                cpu=time.process_time() - began, simulated=self.time.true, violation=self.violation,
                coverage=self.coverage, ended=self.ended,
            )  # fmt: skip
            self.life = None
            bury(self.graveyard)
        return self.result

    def _ask_all(self, n: int) -> None:
        self._ask(examine.in_time)
        if n % 8 == 0:
            self._ask(examine.memory)
        else:
            self._ask(lambda world: examine.as_on_disk(world, touched=world.model.changed))
        self.model.changed.clear()

    def _ask(self, question: Callable[["Simulation"], None]) -> None:
        if self.violation is None:
            try:
                question(self)
            except Violation as violation:
                self._found(violation)

    def _end(self) -> None:
        """Everything is repaired and time goes by: what is owed must be paid then."""
        if self.violation is not None:
            return
        self.plant = ""
        self.disk.full, self.disk.failing, self.fuse = False, 0, -1
        if self.files is None or self.files.policy.configuration.shadow:
            self.files = prepared("base")
            if self.life is not None and self.life.ready:
                self.life.spawn(self.life.reload())
        for provider in self.providers.values():
            provider.mood = "works"
        for n in range(100):
            self.advance(60.0)
            self._ask_all(8)
            if n >= 4 and self.life is not None and self.life.ready:
                break
        self.calm_since, self.calm_at = self.time.true, self.model.last_at or self.now()
        for _ in range(16):
            self.advance(60.0)
            self._ask_all(8)
        if self.violation is None:
            examine.at_end(self)


def simulate(
    seed: int,
    actions: Iterable[Action],
    *,
    commands: int | None = None,
    ending: bool = True,
    progress: Callable[[int], None] = lambda _: None,
) -> Result:
    """One run. Without ``commands`` it goes through all actions; without ``ending`` it stops after them."""
    return Simulation(seed).run(actions, commands=commands, ending=ending, progress=progress)
