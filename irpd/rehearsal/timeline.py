"""A timeline of a rule file's tests: what happens, step by step, and whether it ends as it must."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from irpd.config.duration import format_duration
from irpd.config.problem import suggest
from irpd.model import command as c
from irpd.model.incident import Contribution, Incident, MemberStatus
from irpd.model.page import PageKind
from irpd.model.share import Impact
from irpd.model.signal import Signal, Status
from irpd.protocol.policy import Policy
from irpd.protocol.rows import STORM
from irpd.rehearsal.muted import Muted, muted_otherwise
from irpd.rehearsal.payload import BadPayload, payload_of, read_as
from irpd.rehearsal.world import Exhausted, Message, World
from irpd.triage.moment import parse_moment
from irpd.triage.report import Difference, Result
from irpd.triage.rule import Timeline
from irpd.triage.testfile import IncidentPart, MessagePart, SignalPart, StepPart
from irpd.triage.testing import SOME_TIME

#: Lines of what happened that a failure shows.
MOST_TOLD = 40


class Played:
    """A timeline that was run. ``contributions`` are all that rules said in it."""

    def __init__(self, timeline: Timeline, policy: Policy) -> None:
        self._timeline = timeline
        self._begins = parse_moment(timeline.at) if timeline.at is not None else SOME_TIME
        self._world = World(policy, self._begins)
        self._broken: list[Difference] = []
        self._play()

    @property
    def contributions(self) -> Iterator[Contribution]:
        for verdicts in self._world.verdicts.values():
            for rules in verdicts:
                yield from rules
        yield from (Contribution(rule=rule, result="held") for rule in self._world.holds)

    @property
    def result(self) -> Result:
        expect, world = self._timeline.expect, self._world
        differences = list(self._broken)
        if expect.incidents is not None:
            differences += self._incidents(expect.incidents)
        pages = [one for one in world.messages if one.kind is PageKind.PAGE]
        told = [one for one in world.messages if one.kind is not PageKind.PAGE]
        if expect.paged is not None:
            differences += _messages("paged", expect.paged, self._gathered(pages))
        if expect.told is not None:
            differences += _messages("told", expect.told, self._gathered(told))
        if expect.muted is not None:
            differences += muted_otherwise(expect.muted, self._muted())
        for one in self.contributions:
            if one.result == "error":
                said = Difference(
                    field=f"rule {one.rule}", wanted="an answer", got=f"the error {one.because}"
                )
                differences += [said] if said not in differences else []
        place = self._timeline.place
        return Result(
            name=self._timeline.name,
            at=str(place),
            file=place.file,
            differences=tuple(differences),
            why=tuple(self._story()) if differences else (),
        )

    # -------------------------------------------------------------- running
    def _play(self) -> None:
        try:
            for number, (place, step) in enumerate(self._timeline.steps):
                # What is due at the very instant of a step comes after the step: it may end it.
                self._world.advance(self._begins + timedelta(seconds=step.after) - timedelta(microseconds=1))
                self._world.now = self._begins + timedelta(seconds=step.after)
                self._step(number, place.file, step)
                self._world.advance(self._world.now)
            self._world.advance(self._begins + timedelta(seconds=self._timeline.until))
        except Exhausted as error:
            self._broken.append(Difference(field="timeline", wanted="an end", got=str(error)))

    def _step(self, number: int, file: str, step: StepPart) -> None:
        try:
            self._named(step)
            if step.to is not None:
                self._world.receive(step.to, self._signals(file, step))
            else:
                self._world.act(self._command(step))
        except (c.Refusal, BadPayload) as error:
            self._broken.append(
                Difference(field=f"timeline[{number}]", wanted="a step that can be taken", got=str(error))
            )

    def _named(self, step: StepPart) -> None:
        """What would be somebody's else, or nobody's, is not what the test says."""
        configuration = self._world.policy.configuration
        named: list[tuple[str, str | None, Iterable[str]]] = [("person", step.by, configuration.people)]
        named += [
            ("service", part.service, configuration.services) for part in (step.signal, step.answer) if part
        ]
        for kind, name, known in named:
            if name and name not in known:
                near = suggest(name, known) or f"; there are {', '.join(known)}"
                raise BadPayload(f'no {kind} "{name}"{near}')

    def _signals(self, file: str, step: StepPart) -> Sequence[Signal]:
        assert step.to is not None
        configuration = self._world.policy.configuration
        settings = configuration.sources.get(step.to)
        if settings is None:
            known = ", ".join(configuration.sources) or "none"
            raise BadPayload(f'no source "{step.to}"; there are {known}')
        if step.signal is not None:
            return [_signal(step.signal)]
        assert step.post is not None
        body = payload_of(Path(file).parent / step.post)
        return read_as(step.to, settings, body, self._world.now, step.headers).signals

    def _command(self, step: StepPart) -> c.Command:
        by = step.by or ""
        if step.acknowledge is not None:
            return c.Acknowledge(incident=step.acknowledge, by=by)
        if step.cant is not None:
            return c.Decline(incident=step.cant, by=by)
        if step.escalate is not None:
            return c.Escalate(incident=step.escalate, by=by)
        if step.end_silence is not None:
            return c.EndSilence(silence=step.end_silence, by=by)
        if (silence := step.silence) is not None:
            until = self._world.now + timedelta(seconds=silence.lasts)
            match = dict(silence.match)
            return c.AddSilence(by=by, match=match, until=until, because=silence.because)
        if (answer := step.answer) is not None:
            mine = [one.number for one in self._world.incidents if answer.service in one.services]
            return c.TakeAnswer(
                service=answer.service, incidents=tuple(mine), affected=answer.affected, users=answer.users
            )
        assert step.resolve is not None
        return c.Resolve(incident=step.resolve, by=by)

    # -------------------------------------------------------------- comparing
    def _incidents(self, wanted: Sequence[IncidentPart]) -> Iterator[Difference]:
        there = self._world.incidents
        if len(there) != len(wanted):
            got = f"{len(there)}" + (
                f": {'; '.join(self._worded(one) for one in there[:5])}" if there else ""
            )
            yield Difference(field="incidents", wanted=str(len(wanted)), got=got)
        for number, (part, incident) in enumerate(zip(wanted, there, strict=False)):
            for name, want, got in self._fields(part, incident):
                yield Difference(field=f"incidents[{number}].{name}", wanted=want, got=got)

    def _fields(self, part: IncidentPart, incident: Incident) -> Iterator[tuple[str, str, str]]:
        decided = {
            one.rule
            for rules in self._world.verdicts.get(incident.number, [])
            for one in rules
            if one.decided
        }
        single: tuple[tuple[str, object, object], ...] = (
            ("service", part.service, ", ".join(incident.services)),
            ("title", part.title, incident.title),
            ("level", part.level, int(incident.level)),
            ("state", part.state, incident.state.value),
            ("signals", part.signals, incident.members),
            ("firing", part.firing, incident.firing),
            ("storm", part.storm, incident.group == STORM),
            ("flapping", part.flapping, bool(incident.flapping)),
        )
        for name, want, got in single:
            if want is not None and want != got:
                yield name, str(want), str(got)
        if part.rules is not None and (set(part.rules) - decided or (not part.rules and decided)):
            yield "rules", _list(part.rules), _list(sorted(decided))
        exact = (("regimes", part.regimes, incident.regimes),
                 ("acknowledged_by", part.acknowledged_by, incident.acknowledged_by))  # fmt: skip
        for name, wants, gots in exact:
            if wants is not None and set(wants) != set(gots):
                yield name, _list(sorted(wants)), _list(sorted(gots))

    def _muted(self) -> list[Muted]:
        waiting = [one for one in self._world.waiting if one.status is not MemberStatus.RESOLVED]
        found = [
            Muted(title=one.title, kind=one.waits.kind.value, by=one.waits.by, reason=one.waits.reason)
            for one in waiting
            if one.waits is not None
        ]
        silenced = {one.waits.before for one in waiting if one.waits is not None}
        for incident in self._world.incidents:
            found += [
                Muted(title=member.title, kind="sender", reason="its sender")
                for member in self._world.members(incident)
                if member.status is MemberStatus.MUTED and member.sid not in silenced
            ]
        return found

    def _gathered(self, messages: Iterable[Message]) -> list[tuple[float, str, tuple[str, ...]]]:
        """By instant and person, with the channels."""
        found: dict[tuple[float, str], dict[str, None]] = {}
        for one in messages:
            found.setdefault((self._after(one.at), one.person), {})[one.channel] = None
        return [(after, person, tuple(via)) for (after, person), via in found.items()]

    def _after(self, at: datetime) -> float:
        return round((at - self._begins).total_seconds(), 3)

    # -------------------------------------------------------------- telling
    def _story(self) -> Iterator[str]:
        for incident in self._world.incidents[:10]:
            yield f"#{incident.number} {self._worded(incident)}: {incident.level_by.because}"
        for muted in self._muted()[:10]:
            yield f"{muted.title}: {'held' if muted.kind == 'hold' else 'muted'} by {muted.reason}"
        told = [(self._after(one.at), one) for one in self._world.messages]
        for after, one in told[:MOST_TOLD]:
            who = f"{one.person} by {one.channel} (#{one.incident})"
            yield f"{format_duration(after):>6} {one.kind.value} {who}"
        if len(told) > MOST_TOLD:
            yield f"       and {len(told) - MOST_TOLD} more messages"

    def _worded(self, incident: Incident) -> str:
        services = ", ".join(incident.services)
        return f"{services} level {int(incident.level)} {incident.state.value} signals {incident.members}"


def _messages(
    field: str, wanted: Sequence[MessagePart], there: list[tuple[float, str, tuple[str, ...]]]
) -> Iterator[Difference]:
    """What is missing and what nobody asked for; a message at the same time to the same person with other
    channels is one difference, not two."""
    left = list(there)
    missing = []
    for part in wanted:
        fits = next((one for one in left if _fits(part, one)), None)
        if fits is None:
            missing.append(part)
        else:
            left.remove(fits)
    for part in missing:
        near = next((one for one in left if one[:2] == (part.after, part.person)), None)
        if near is not None:
            left.remove(near)
        shown = _shown(part.after, part.person, part.via)
        yield Difference(field=field, wanted=shown, got=_shown(*near) if near is not None else "nothing")
    for one in left:
        yield Difference(field=field, wanted="nothing", got=_shown(*one))


def _fits(part: MessagePart, one: tuple[float, str, tuple[str, ...]]) -> bool:
    after, person, via = one
    return (part.after, part.person) == (after, person) and (part.via is None or set(part.via) == set(via))


def _shown(after: float, person: str, via: Sequence[str] | None) -> str:
    return f"{format_duration(after)} {person}" + (f" by {', '.join(via)}" if via is not None else "")


def _signal(part: SignalPart) -> Signal:
    share = f"{part.share.numerator}/{part.share.denominator}" if part.share is not None else None
    known = share is not None or part.affected is not None
    return Signal(
        key=part.key,
        status=Status(part.status),
        title=part.title or part.labels.get("alertname", "") or part.key,
        text=part.text,
        labels=dict(part.labels),
        service=part.service,
        project=part.project,
        impact=Impact(affected=part.affected, share=share, method="test") if known else Impact(),
        reporter=part.reporter or None,
    )


def _list(values: Sequence[str]) -> str:
    return "[" + ", ".join(values) + "]"
