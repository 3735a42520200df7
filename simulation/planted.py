"""Bugs to be found: small changes to irpd's own code that the simulation must catch.

Each is what somebody might really write. A change names the text it replaces; when that text is gone
the change no longer means anything, and says so. ``--plant NAME`` runs a simulation with one of them.
"""

import importlib
import inspect
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock


@dataclass(frozen=True, slots=True)
class Change:
    """In ``where`` (module and function or method) ``new`` stands instead of ``old``."""

    where: str
    old: str
    new: str


class Outdated(Exception):
    """The text that a planted bug replaces is not there any more."""


def _in(where: str) -> tuple[Any, Any, str]:
    """The module, what holds the function (the module or a class), and its name."""
    module_name, _, path = where.partition(":")
    module = importlib.import_module(module_name)
    owner: Any = module
    *classes, name = path.split(".")
    for one in classes:
        owner = getattr(owner, one)
    return module, owner, name


def _changed(change: Change) -> Any:
    module, owner, name = _in(change.where)
    source = textwrap.dedent(inspect.getsource(getattr(owner, name)))
    if change.old not in source:
        raise Outdated(f"{change.where} has no {change.old!r} any more")
    made: dict[str, Any] = {}
    code = compile(
        source.replace(change.old, change.new, 1), f"<planted in {change.where}>", "exec", dont_inherit=True
    )
    exec(code, module.__dict__, made)
    return made[name]


@contextmanager
def planted(name: str) -> Iterator[None]:
    """This bug is in irpd, wherever the changed function was imported to."""
    change = PLANTED[name]
    _, owner, function = _in(change.where)
    before, new = getattr(owner, function), _changed(change)
    patches = [mock.patch.object(owner, function, new)]
    if inspect.ismodule(owner):
        patches += [
            mock.patch.object(module, attribute, new)
            for module_name, module in list(sys.modules.items())
            if module_name.startswith("irpd.") and module is not owner
            for attribute, value in list(vars(module).items())
            if value is before
        ]
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in reversed(patches):
            patch.stop()


_ENGINE = "irpd.engine.engine:Engine."
_PEOPLE = "irpd.protocol.people:"
_LEVELS = "irpd.protocol.levels:"
_PAGING = "irpd.protocol.paging:"
_RECEIVE = "irpd.protocol.receive:"
_PLACING = "irpd.protocol.placing:"
_WAITING = "irpd.protocol.waiting:"
_ANSWERS = "irpd.protocol.answers:"
_OUTBOX = "irpd.outbox.outbox:Outbox."

PLANTED: Mapping[str, Change] = {
    # -------------------------------------------------------- the engine and the journal
    "answered-before-commit": Change(
        _ENGINE + "_commit",
        "    batch = assembly.batch(",
        "    self._answer(assembly)\n    batch = assembly.batch(",
    ),
    "published-before-commit": Change(
        _ENGINE + "_commit",
        "    batch = assembly.batch(",
        "    self._publish(assembly)\n    batch = assembly.batch(",
    ),
    "cursor-outside-the-commit": Change(
        "irpd.engine.batch:Assembly.batch", "cursor=self.cursor", "cursor=None"
    ),
    "receipts-decided-again": Change(_ENGINE + "_catch_up", "receipt.id <= self._cursor", "False"),
    "rows-left-out-of-the-batch": Change(
        "irpd.engine.batch:Assembly.batch", "members=self.rows.members", "members={}"
    ),
    "deadlines-lost-at-start": Change(
        _ENGINE + "_adopt_loaded", "self._timer.set(incident.number, next_deadline(incident))", "pass"
    ),
    "refused-deadline-forgotten": Change(
        "irpd.engine.timer:Timer.run", "self.set(incident, now + NOT_NOW)", "pass"
    ),
    "failed-deadline-forgotten": Change(
        _ENGINE + "_fail", "self._timer.set(item.what.incident, self.clock.now() + NOT_NOW)", "pass"
    ),
    "unbounded-inbox": Change("irpd.engine.inbox:Inbox.put", "len(queue) >= self.limit", "False"),
    "state-kept-after-a-failed-write": Change(_ENGINE + "_reconnect", "self._adopt_loaded(loaded)", "pass"),
    "closed-incidents-stay-in-memory": Change(
        _ENGINE + "_publish", "self._rows.forget(incident.number)", "pass"
    ),
    "forgotten-stays-forgotten": Change(
        "irpd.engine.recall:Recall.bring", "self._rows.recall(*stored)", "pass"
    ),
    "recalled-never-leaves": Change("irpd.engine.recall:Recall.let_go", "self._rows.forget(number)", "pass"),
    "ignored-until-forgotten": Change(
        "irpd.engine.recall:Recall._ignored", "member.status is not MemberStatus.MUTED", "True"
    ),
    "index-lost-at-start": Change(
        "irpd.protocol.rows:Rows.restore", "self.put_member(members[sid])", "self.members[sid] = members[sid]"
    ),
    "jump-believed-at-once": Change(
        "irpd.engine.clock:SystemClock._follow", "boot - self._jump_since >= BELIEVE_AFTER", "True"
    ),
    # -------------------------------------------------------- deadlines and paths
    "missed-steps-all-fire": Change(
        _PAGING + "fire_step", "later = draft.now + ", "later = (run.next_at or draft.now) + "
    ),
    "last-step-skipped": Change(
        _PAGING + "fire_step",
        "while fired < run.repeat * len(run.steps):",
        "while fired < run.repeat * len(run.steps) - 1:",
    ),
    "last-step-not-pinned": Change(
        _PAGING + "pinned_run", "for step in path.steps", "for step in path.steps[:-1] or path.steps"
    ),
    "local-time-compared": Change(
        "irpd.oncall.reach:persons_for",
        "[schedule].on_call(at, changes)",
        "[schedule].on_call(at.astimezone(rosters(configuration)[schedule].zone).replace(tzinfo=at.tzinfo), changes)",
    ),
    "hours-ignored": Change(_PAGING + "urgent_from", 'settings.urgency != "working-hours"', "True"),
    "quiet-level-pages-loudly": Change(
        _PAGING + "fire_step", "kind = PageKind.QUIET if quiet else PageKind.PAGE", "kind = PageKind.PAGE"
    ),
    "fallback-forgotten": Change(
        _PAGING + "fire_step", 'persons, reason = (*persons, *configuration.fallback), "fallback"', "pass"
    ),
    "declined-are-asked-again": Change(_PAGING + "fire_step", "if p not in incident.declined_by", ""),
    "ends-too-early": Change(
        "irpd.protocol.deadlines:quiet_ends",
        "incident.quiet_since + timedelta(seconds=incident.quiet_for)",
        "incident.quiet_since",
    ),
    "methods-come-far-too-late": Change(
        _PAGING + "_sends", "timedelta(seconds=method.after)", "timedelta(seconds=40 * method.after)"
    ),
    "failure-moves-nothing": Change("irpd.protocol.sends:_moves_on", "page is None or not page.live", "True"),
    "objective-missed-again": Change(
        "irpd.protocol.objectives:record_missed", 'incident.respond_state == "running"', "True"
    ),
    # -------------------------------------------------------- people
    "late-acknowledgement-reopens": Change(
        _PEOPLE + "acknowledge", "if not incident.state.active:", "if incident.state is State.MERGED:"
    ),
    "acknowledgement-leaves-pages": Change(
        _PEOPLE + "acknowledge",
        'end_pages(draft, incident, because="acknowledged", by=command.by)',
        "incident",
    ),
    "acknowledgement-leaves-the-path": Change(
        _PEOPLE + "acknowledge",
        'incident = stop_paths(draft, incident, because="acknowledged", names=answered)',
        "pass",
    ),
    "undo-pages-nobody": Change(_PEOPLE + "undo", "incident = _go_on(", "_ = lambda: _go_on("),
    "resolved-goes-on-paging": Change(
        _PEOPLE + "end", 'incident = stop_paths(draft, incident, because="resolved")', "pass"
    ),
    "merge-loses-a-signal": Change(
        _PEOPLE + "merge", "list(draft.rows.members_of(source))", "list(draft.rows.members_of(source))[1:]"
    ),
    "one-kind-answers-for-all": Change(_PEOPLE + "_answered", "return own or (", "return going or ("),
    # -------------------------------------------------------- who is on call, and how they are reached
    "override-forgotten-at-start": Change(
        "irpd.protocol.rows:Rows.restore",
        "self.put_standing(row)",
        'row.kind == "override" or self.put_standing(row)',
    ),
    "who-is-away-is-asked": Change(
        "irpd.oncall.roster:Roster._asked", "{one.away for one in overrides if one.away}", "set()"
    ),
    "oldest-override-holds": Change(
        "irpd.oncall.changes:changes", "key=lambda one: -one.id", "key=lambda one: one.id"
    ),
    "first-of-a-team-only": Change(
        _PAGING + "persons_of",
        "parts_of(draft.configuration, target)",
        "list(parts_of(draft.configuration, target))[:1]",
    ),
    "quiet-hours-hold-back-level-1": Change(
        "irpd.oncall.reach:_spared", "level == 1 or level in quiet.breaks", "level in quiet.breaks"
    ),
    "rings-in-quiet-hours": Change("irpd.oncall.reach:_spared", "if quiet is None", "if True"),
    "told-in-shadow": Change("irpd.outbox.sender:_shadowed", "configuration.shadow and not asked", "False"),
    "shadow-ends-in-silence": Change(
        "irpd.protocol.shadow:_leave", "restart_paths(draft, incident, because=ENDED)", "pass"
    ),
    # -------------------------------------------------------- monitors
    "silent-for-irpds-own-absence": Change(
        "irpd.daemon.heartbeats:Heartbeats._first", "max(left, expected.patience)", "left"
    ),
    "silence-told-early": Change(
        "irpd.daemon.heartbeats:Heartbeats._hear",
        "expected.heard + expected.allowed",
        "expected.heard + 60.0",
    ),
    "silence-never-told": Change(
        "irpd.daemon.heartbeats:Heartbeats.look", "one.owed or one.due <= boot", "one.owed"
    ),
    # -------------------------------------------------------- signals and levels
    "acknowledgement-survives-a-level-rise": Change(
        _LEVELS + "risen",
        "incident = draft.emit(incident.number, e.AcknowledgementLapsed(because=because))",
        "pass",
    ),
    "who-had-it-is-forgotten": Change(_LEVELS + "risen", "for person in had_it:", "for person in ():"),
    "evidence-lowers-the-level": Change(
        _LEVELS + "decide_again",
        "elif verdict.level < incident.level:",
        "elif verdict.level != incident.level:",
    ),
    "evidence-overrules-a-person": Change(_LEVELS + "decide_again", "if incident.person_level:", "if False:"),
    "groups-ignored": Change(_PLACING + "route", "if not group.rule:", "if True:"),
    "reopens-after-its-window": Change(
        _RECEIVE + "_known", "incident = close_if_over(draft, incident)", "pass"
    ),
    "reopened-in-silence": Change(
        _RECEIVE + "_fires_again", "restart_paths(draft, incident", "str((draft, incident)) or dict(x=1"
    ),
    "joins-in-silence": Change(_PLACING + "_join", "        settle(draft, incident)", "        pass"),
    # -------------------------------------------------------- what waits, and silences
    "wait-forgotten-at-start": Change("irpd.engine.waiting:Waiting.loaded", "self.arm(sid)", "pass"),
    "fires-in-its-incident-and-waits": Change(
        _WAITING + "mute_firing",
        'draft.emit(incident.number, e.SignalMuted(sid=member.sid, because=f"muted by {waits.reason}"))',
        "pass",
    ),
    "end-of-a-wait-loses-it": Change(_WAITING + "wake", "return judged(draft, sid)", "return None"),
    "what-fires-is-let-go": Change(
        _WAITING + "wake", "if member.status is MemberStatus.RESOLVED:", "if member.waits.before:"
    ),
    "held-for-ever": Change(_WAITING + "_hold", "until = since + timedelta", "until = draft.now + timedelta"),
    "silence-mutes-too-much": Change(_WAITING + "fits", "return False", "continue"),
    "silence-lasts-on": Change(_WAITING + "_silence", "silence.until > draft.now and ", ""),
    "silence-forgotten-at-start": Change("irpd.protocol.rows:Rows.restore", "self.put_standing(row)", "pass"),
    "silence-ended-and-nobody-looks": Change(
        "irpd.engine.waiting:Waiting.published", 'self._arm_all(f"silence:{key}")', "pass"
    ),
    "outage-over-and-nobody-looks": Change(
        "irpd.engine.waiting:Waiting.published", "self._arm_all(subject_of(number))", "pass"
    ),
    "silence-of-new-keys-only": Change(_RECEIVE + "_must_wait", "return waits", "return None"),
    # -------------------------------------------------------- answers of monitoring, and the way down
    "sinks-without-a-rule": Change(_LEVELS + "lower_after", "return 0.0", "return 60.0"),
    "sinks-too-early": Change(
        _ANSWERS + "sinks_at", "timedelta(seconds=incident.lower_after)", "timedelta(seconds=1)"
    ),
    "never-sinks": Change(_ANSWERS + "ease", "less = verdict is not None and ", "less = False and "),
    "answer-to-what-is-over": Change(_ANSWERS + "take_answer", "incident.state.active", "incident.number"),
    "answer-of-another-service": Change(
        _ANSWERS + "take_answer", " and command.service in incident.services", ""
    ),
    "answer-lowers-at-once": Change(
        _ANSWERS + "_take",
        "    ease(draft, incident)\n",
        "    sink(draft, replace(ease(draft, incident), lower_after=1e-9))\n",
    ),
    "split-leaves-the-level": Change(_PEOPLE + "split", "ease(draft, draft.incident(one.number))", "pass"),
    # -------------------------------------------------------- storms
    "storm-is-told-each-time": Change(
        _PAGING + "_storm_due", "return max(told.at for told in binding) + UPDATE_EVERY", "return None"
    ),
    "other-news-hides-the-storm": Change(
        _PAGING + "_heard", "(person, of_storm(incident.number, person)) if", "(person,) if"
    ),
    "storm-takes-what-somebody-has": Change(
        "irpd.protocol.storm:_untouched", "and not incident.acknowledged_by", ""
    ),
    "storm-leaves-a-signal": Change(
        "irpd.protocol.storm:gather",
        "list(draft.rows.members_of(incident))",
        "list(draft.rows.members_of(incident))[1:]",
    ),
    # -------------------------------------------------------- delivery
    "outbox-entry-dropped-on-reload": Change(
        _OUTBOX + "use_channels",
        "before, self._channels = self._channels, dict(channels)",
        "self._agenda = Agenda(); before, self._channels = self._channels, dict(channels)",
    ),
    "sent-twice-at-once": Change(_OUTBOX + "_look_at", "if key in self._under_way:", "if False:"),
    "retry-forgotten": Change(
        _OUTBOX + "_look_at", "self._handled.get(key) != send.attempts", "key not in self._handled"
    ),
    "lost-outcome": Change("irpd.outbox.record:Recorder.record", "self.held[key] = mine", "pass"),
    "expired-is-sent": Change(
        "irpd.outbox.wanted:wanted",
        "Wanted.EXPIRED if now >= page.expires_at else Wanted.SEND",
        "Wanted.SEND",
    ),
    "resolved-is-sent": Change("irpd.outbox.wanted:wanted", "if not page.live:", "if False:"),
    # -------------------------------------------------------- bugs that it found once
    "missed-step-fires-out-of-hours": Change(
        "irpd.protocol.deadlines:_fire", "if begins > draft.now:", "if False:"
    ),
    "only-the-newest-of-a-group-takes": Change(
        _PLACING + "route", "draft.rows.group(group.key)", "list(draft.rows.group(group.key))[:1]"
    ),
    "undone-at-a-level-that-only-tells": Change(
        _PAGING + "fire_step", ' or configuration.level(incident.level).urgency == "quiet"', ""
    ),
    "unsent-when-closed": Change(
        "irpd.protocol.quiet:close_now",
        'incident = end_pages(draft, incident, because="obsolete", keep_updates=False)',
        "pass",
    ),
    "sent-again-while-its-end-is-unrecorded": Change(
        _OUTBOX + "_attempt", "if held is not None and not again:", "if False:"
    ),
}
