"""Recorded history through changed rules, in a world of its own.

Receipts are read again by the source that took them, under the configuration of their time; the rules are the
changed ones, or those of the time. What people did is repeated on the incident that holds the same first
signal; where the changed rules made something else of it, an act may find nothing to do, and is left out.
Silences and overrides are set and ended again as they were. What was split off by hand stays where it was.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from irpd.config.load import Loaded, load_bundle
from irpd.config.problem import ConfigurationError
from irpd.engine.ports import Receipt
from irpd.intake import IntakeSource, SourceError, build_source
from irpd.journal.reader import incident_of
from irpd.model import command as c
from irpd.model import event as e
from irpd.model.incident import State
from irpd.protocol.evolve import evolve
from irpd.protocol.evolve_overrides import OVERRIDES
from irpd.protocol.heartbeats import OWN_SOURCES
from irpd.protocol.policy import Policy
from irpd.rehearsal.history import Courses, Happening, History, Recorded, by_person
from irpd.rehearsal.world import World
from irpd.triage.ruleset import RuleSet, compile_rules
from irpd.triage.service import ServiceIndex

_KEY = b"rehearsal" * 4
_AT_ONCE = 50
#: A long history has many deadlines; each signal may lead to some.
_MOST_TURNS = 10**9


@dataclass(slots=True)
class Replayed:
    """``signals`` and ``receipts`` count what was replayed; ``missing`` what had to be left out: receipts
    no longer kept, or of sources that are no longer configured."""

    courses: Courses = field(default_factory=Courses)
    receipts: int = 0
    signals: int = 0
    missing: int = 0


class Replay:
    """``rules`` None: those of each configuration's own files."""

    def __init__(self, journal: Recorded, history: History, current: Loaded, rules: RuleSet | None) -> None:
        self._journal = journal
        self._history = history
        self._current = current
        self._rules = rules
        self._sources: dict[str, IntakeSource] = {}
        self._receipts: dict[int, Receipt] = {}
        self._silences: dict[int, int] = {}  # their numbers in the record, and here
        self.done = Replayed()
        begin = history.happenings[0].at if history.happenings else datetime.min.replace(tzinfo=UTC)
        self._world = World(self._policy(history.config), begin, sends=False, tell=self._told)

    def run(self, progress: Callable[[int, int], None] = lambda _n, _of: None) -> Replayed:
        happenings = self._history.happenings
        for number, one in enumerate(happenings):
            if number % 1000 == 0:
                progress(number, len(happenings))
            if one.down_since is not None:
                self._world.advance(one.down_since, most=_MOST_TURNS)
                self._world.now = max(self._world.now, one.at)
            self._world.advance(one.at, most=_MOST_TURNS)
            if one.receipt:
                self._receipt(one.receipt)
            elif one.config:
                self._world.policy = self._policy(one.config)
                self._world.act(c.ChangeConfig(hash=one.config))  # what waits is decided by it
            elif one.incident:
                self._repeat(one)
            elif one.event is not None:
                self._set(one.event)
        self._world.advance(self._history.until, most=_MOST_TURNS)
        progress(len(happenings), len(happenings))
        return self.done

    # -------------------------------------------------------------- what happened
    def _receipt(self, number: int) -> None:
        receipt = self._take(number)
        source = self._sources.get(receipt.source) if receipt is not None else None
        if receipt is None or source is None:
            self.done.missing += 1
            return
        signals = source.normalise(receipt.body, receipt.headers, receipt.at).signals
        self.done.receipts += 1
        self.done.signals += len(signals)
        self._world.receive(receipt.source, signals)

    def _take(self, number: int) -> Receipt | None:
        if number not in self._receipts:
            self._receipts = {one.id: one for one in self._journal.receipts(number - 1, _AT_ONCE)}
        return self._receipts.pop(number, None)

    def _set(self, event: e.AnyEvent) -> None:
        match event:
            case e.OverrideAdded() | e.OverrideEnded():  # as it was: nothing is decided by it
                evolve(self._world.rows, OVERRIDES, event, self._world.now)
                return
            case e.SilenceAdded():
                silence = event.silence
                self._silences[silence.id] = self._world.rows.counter("silence") + 1
                command: c.Command = c.AddSilence(
                    by=silence.by, match=silence.match, until=silence.until, because=silence.because
                )
            case e.SilenceEnded() if event.id in self._silences:
                command = c.EndSilence(silence=self._silences[event.id], by=event.by, because=event.because)
            case _:
                return
        with suppress(c.Refusal):  # it names what the configuration no longer has
            self._world.act(command)

    def _repeat(self, one: Happening) -> None:
        if isinstance(one.event, e.Opened):
            with suppress(c.Refusal):
                self._world.act(_opening(one.event))
            return
        recorded = self._history.courses.by_number.get(one.incident)
        incident = self._holding(recorded.first) if recorded is not None and recorded.first else None
        if incident is None or one.event is None:
            return
        if by_person(one.event):  # also of what is not played: on both sides the comparison ends here
            self.done.courses.acted(incident, self._world.now)
        command = self._command(one.event, incident)
        if command is not None:
            try:
                self._world.act(command)
            except c.Refusal:
                return  # nothing to do here: it went another way

    def _holding(self, key: str) -> int | None:
        """The incident in memory that holds this signal, or had it before it was silenced."""
        sid = self._world.rows.sid_of(key)
        member = self._world.rows.member(sid) if sid is not None else None
        if member is not None and member.waits is not None:
            member = self._world.rows.member(member.waits.before)
        return member.incident if member is not None and member.incident else None

    def _command(self, event: e.AnyEvent, incident: int) -> c.Command | None:
        match event:
            case e.Acknowledged():
                return c.Acknowledge(incident=incident, by=event.by)
            case e.Declined():
                return c.Decline(incident=incident, by=event.by)
            case e.Resolved():
                return c.Resolve(incident=incident, by=event.by)
            case e.Reopened():
                return c.Reopen(incident=incident, by=event.by)
            case e.LevelChanged():
                by = event.level_by.person or ""
                return c.SetLevel(incident=incident, by=by, level=event.after, because=event.level_by.because)
            case e.Merged():
                into = self._history.courses.by_number.get(event.into)
                target = self._holding(into.first) if into is not None and into.first else None
                if target is None or target == incident:
                    return None
                return c.Merge(incident=incident, by=event.by, into=target)
            case e.UsersAnswered():
                return c.TakeAnswer(
                    service=event.answer.service, incidents=(incident,), affected=event.answer.affected,
                    users=event.answer.users,
                )  # fmt: skip
            case e.SignalStale():
                stale = self._world.policy.configuration.timing.stale
                return c.MarkStale(incident=incident, before=self._world.now - timedelta(seconds=stale))
            case _:
                return None

    # -------------------------------------------------------------- what comes of it
    def _told(self, subject: str, event: e.AnyEvent) -> None:
        number = incident_of(subject)
        if number is None:
            self.done.courses.wait(event)
            return
        self.done.courses.take(number, event, self._world.now)
        if isinstance(event, e.Closed | e.Merged | e.SignalResolved):
            incident = self._world.rows.incidents.get(number)
            if (
                incident is not None
                and incident.state in (State.CLOSED, State.MERGED)
                and not incident.firing
            ):
                self._world.rows.forget(number)

    def _policy(self, hash: str) -> Policy:
        """The configuration of that hash, as far as the journal has it; else the current files."""
        bundle = self._journal.config(hash) if hash else None
        try:
            loaded = load_bundle(bundle) if bundle is not None else self._current
        except ConfigurationError:
            loaded = self._current
        configuration = loaded.configuration
        self._sources = {}
        for name, settings in configuration.sources.items():
            try:
                open_to_all = settings.model_copy(update={"auth": "none"})
                self._sources[name] = build_source(name, open_to_all, reporter_key=_KEY)
            except SourceError:
                continue
        rules = self._rules if self._rules is not None else compile_rules(loaded.rules)
        return Policy(configuration, rules, ServiceIndex(configuration), loaded.hash)


def _opening(event: e.Opened) -> c.Command:
    """An incident that no report opened: by hand, or irpd's own."""
    if event.source in OWN_SOURCES:
        key = (event.group or event.title).removeprefix(f"{event.source}/")
        return c.TellOperators(key=key, title=event.title, level=event.level)
    return c.Open(by=event.by, title=event.title, service=event.services[0], level=event.level)
