"""What must hold of the paths of one incident in one decision.

Which step fires and when, whom it pages and how loudly; and that something is always due while nobody has it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from irpd.model import command as c
from irpd.model import event as e
from irpd.model.incident import Incident, Member, MemberStatus, PathRun, State
from irpd.model.override import Override
from irpd.model.page import PageKind
from irpd.oncall.hours import working
from simulation.judged import Decision, holds
from simulation.oncall import next_step

#: Why a path moves by itself.
BY_ITSELF = ("no answer", "begins")
#: Why the end of shadow mode leaves what is open alone: the old pager has dealt with it.
LEFT = "shadow mode ended"


@dataclass(slots=True)
class Paths:
    """What one decision did to the paths of one incident."""

    decision: Decision
    was: Incident | None
    now: Incident
    events: Sequence[e.AnyEvent]

    def check(self) -> None:
        """Raises Violation."""
        runs = {run.name: run for run in (self.was.paths if self.was else ())}
        declined = set(self.was.declined_by if self.was else ())
        level = self.was.level if self.was else self.now.level
        moved: list[str] = []
        for n, event in enumerate(self.events):
            match event:
                case e.Opened():
                    level = self.now.level if not event.level else type(self.now.level)(event.level)
                case e.LevelChanged():
                    level = type(level)(event.after)
                case e.Declined():
                    declined.add(event.by)
                case e.Acknowledged():
                    declined.discard(event.by)
                case e.Reopened():
                    declined.clear()
                case e.PathStarted():
                    self._pinned(event.run, level)
                    runs[event.run.name] = event.run
                case e.PathResumed() if event.path in runs:
                    runs[event.path] = _moved(runs[event.path], runs[event.path].fired, event.next_at)
                case e.PathMoved() if event.path in runs:
                    self._step(runs[event.path], event, declined, level, self.events[n + 1 :], moved)
                    runs[event.path] = _moved(runs[event.path], event.fired, event.next_at)
                case _:
                    pass
        self._alive()

    def _step(
        self, run: PathRun, event: e.PathMoved, declined: set[str], level: int,
        later: Sequence[e.AnyEvent], moved: list[str],
    ) -> None:  # fmt: skip
        now, ref, settings = self.decision.now, self.now.ref, self.decision.configuration
        if event.because == "waits for working hours":
            holds(
                event.fired == run.fired and event.next_at, "steps", f"{ref} {run.name}: a wait fired a step"
            )
            return
        if isinstance(self.decision.command, c.Wake) and event.because in BY_ITSELF:
            holds(
                run.next_at is not None and run.next_at <= now,
                "never-early",
                f"{ref} {run.name} at {run.next_at}",
            )
            holds(run.name not in moved, "missed-steps", f"{ref}: {run.name} fired twice at one deadline")
            moved.append(run.name)
            level_settings = settings.level(level)
            if level_settings.urgency == "working-hours" and self.now.number not in self.decision.unhinged:
                zone = level_settings.hours.time_zone or "UTC"
                holds(
                    working(level_settings.hours, zone, now),
                    "urgency", f"{ref} is level {level} and paged at {now}, outside its hours",
                )  # fmt: skip
        overrides = self.decision.before.all_standing(Override)
        fired, wait, persons = next_step(settings, overrides, run, declined=declined, level=level, now=now)
        holds(event.fired == fired, "steps", f"{ref} {run.name}: step {event.fired} fired, {fired} was next")
        missing = [person for person in persons if person not in event.persons]
        holds(
            not missing, "steps", f"{ref} {run.name}: step {fired} is for {persons}, it paged {event.persons}"
        )
        if event.next_at is not None:
            least = now + timedelta(seconds=wait)
            holds(event.next_at >= least, "never-early", f"{ref} {run.name}: waits until {event.next_at}")
            if level <= 2:
                holds(event.next_at == least, "next-step", f"{ref} {run.name}: {event.next_at}, not {least}")
        quiet = run.quiet or settings.level(level).urgency == "quiet"
        kind = PageKind.QUIET if quiet else PageKind.PAGE
        paged: set[str] = set()
        reaches, now_storm = False, self.now.group == "storm"  # of one they hear once a minute
        for one in later:
            if isinstance(one, e.PathMoved | e.PathStarted):
                break
            if isinstance(one, e.Paged) and one.page.path == run.name:
                holds(
                    one.page.kind is kind,
                    "urgency",
                    f"{ref} {run.name}: a {one.page.kind} instead of a {kind}",
                )
                paged.add(one.page.person)
                reaches = reaches or bool(one.page.sends)
        for person in event.persons:
            knows = now_storm and any(
                page.live and page.person == person and page.kind is kind
                for page in self.decision.after.pages_of(self.now)
            )
            reaches = reaches or knows
            holds(
                person in paged or knows or person not in settings.people,
                "steps", f"{ref} {run.name}: {person} is named by the step but was not paged",
            )  # fmt: skip
        holds(reaches or quiet, "reaches", f"{ref} {run.name}: step {fired} asks nobody by any channel")

    def _pinned(self, run: PathRun, level: int) -> None:
        """A path starts at its first step, with all the steps and waits that the configuration gives it."""
        holds(run.fired == 0, "steps", f"{self.now.ref} {run.name} starts at step {run.fired}")
        path = self.decision.configuration.paths.get(run.name)
        if path is None:
            return
        half = self.decision.configuration.level(level).respond_within / 2
        meant = [
            (", ".join((*step.schedules, *step.people, *step.teams)), step.wait if level <= 2 else half)
            for step in path.steps
        ]
        pinned = [(step.target, step.wait) for step in run.steps]
        holds(pinned == meant, "steps", f"{self.now.ref} {run.name} starts with {pinned}, not {meant}")

    def _alive(self) -> None:
        """Open, unacknowledged, level 1-3: the path has a next time, unless all is resolved at level 3."""
        now = self.now
        if now.state is not State.OPEN or now.level > 3:
            return
        if now.unconfirmed and not now.level.urgent:
            return
        if now.firing == 0 and any(_silenced(row) for row in self.decision.after.members_of(now)):
            return
        leaves = any(isinstance(event, e.PathStopped) and event.because == LEFT for event in self.events)
        if (leaves or now.number in self.decision.left) and not asks_on(now):
            return
        stood = self.was is not None and all(run.next_at is None for run in self.was.paths)
        if now.firing == 0 and now.flapping and now.flap_until is not None and stood:
            return  # a silence had stopped it; when what flaps is stable, somebody is asked (``forsaken``)
        holds(
            any(run.next_at is not None for run in now.paths),
            "never-silent",
            f"{now.ref} (level {now.level}, {now.firing} firing) is open and nobody is paged next",
        )  # fmt: skip


def _moved(run: PathRun, fired: int, next_at: datetime | None) -> PathRun:
    return PathRun(
        name=run.name, kind=run.kind, steps=run.steps, repeat=run.repeat, every=run.every, quiet=run.quiet,
        fired=fired, next_at=next_at,
    )  # fmt: skip


def asks_on(incident: Incident) -> bool:
    """Whether the end of shadow mode asks somebody: for what is urgent, and fires or was opened by hand."""
    return incident.level.urgent and (incident.firing > 0 or not incident.members)


def _silenced(row: Member) -> bool:
    """A signal that fires and that a person's silence keeps quiet."""
    return row.status is MemberStatus.MUTED
