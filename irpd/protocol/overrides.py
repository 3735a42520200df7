"""Overrides: who is on call otherwise than the files say, for a while; absences, and shifts that are swapped.

The files are the structure and stay as they are; what people change between two reviews is here, in the
journal, with who did it and why.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from irpd.model import command as c
from irpd.model import event as e
from irpd.model.command import Refusal
from irpd.model.override import Override
from irpd.oncall.roster import rosters
from irpd.oncall.shifts import Shift, shift_at
from irpd.protocol.draft import Draft
from irpd.protocol.evolve_overrides import OVERRIDES

#: Bounds: of overrides that aren't over (whoever asks who is on call looks through them), of one's length.
MOST = 1000
LONGEST = timedelta(days=366)
MAX_TEXT = 1000


class OverrideAnswer(Struct, frozen=True):
    """What a command came to. ``text`` says it to the person who asked."""

    overrides: tuple[Override, ...]
    changed: bool
    text: str


def add(draft: Draft, command: c.AddOverride) -> OverrideAnswer:
    """Raises Refusal for whom or what there is not, and for times that can't be meant."""
    if command.away and (command.person or command.schedule):
        raise Refusal("invalid", "who is away is away on every schedule: name nobody and nothing else")
    if not command.away and not command.schedule:
        raise Refusal("invalid", "say on which schedule")
    if command.schedule:
        _known(command.schedule, "schedule", draft.configuration.schedules)
    for person in (command.person, command.away):
        if person:
            _known(person, "person", draft.configuration.people)
    since = command.since or draft.now
    _check(draft, since, command.until, command.because)
    override = _added(
        draft,
        Override(
            id=0, since=since, until=command.until, by=command.by, because=command.because.strip(),
            schedule=command.schedule, person=command.person, away=command.away,
        ),
    )  # fmt: skip
    return OverrideAnswer((override,), True, f"Override {override.id}: {_what(draft, override)}.")


def swap(draft: Draft, command: c.SwapShifts) -> OverrideAnswer:
    """Who has the one shift takes the other, and the other way round: two overrides."""
    _known(command.schedule, "schedule", draft.configuration.schedules)
    shifts = [_shift(draft, command.schedule, at) for at in (command.first, command.second)]
    one, other = shifts
    if one.person == other.person:
        raise Refusal(
            "invalid", f"both shifts are {draft.name(one.person)}'s: name a time in each of two people's"
        )
    made = []
    for shift, person in ((one, other.person), (other, one.person)):
        since = max(shift.start, draft.now)
        _check(draft, since, shift.end, command.because)
        override = Override(
            id=0, since=since, until=shift.end, by=command.by, because=command.because.strip(),
            schedule=command.schedule, person=person,
        )  # fmt: skip
        made.append(_added(draft, override))
    said = "; ".join(f"override {one.id}: {_what(draft, one)}" for one in made)
    return OverrideAnswer(tuple(made), True, f"Swapped. {said[0].upper()}{said[1:]}.")


def end(draft: Draft, command: c.EndOverride) -> OverrideAnswer:
    """End it now, or call it off before it begins. Raises Refusal when there is none."""
    override = draft.rows.stands(Override, command.override)
    if override is None:
        raise Refusal("not-found", f"there is no override {command.override}")
    if override.until <= draft.now:
        return OverrideAnswer((override,), False, f"Nothing to do: override {override.id} is over.")
    because = command.because.strip()[:MAX_TEXT]
    draft.emit_about(OVERRIDES, e.OverrideEnded(id=override.id, by=command.by, because=because))
    ended = draft.rows.stands(Override, override.id) or override
    return OverrideAnswer((ended,), True, f"Override {override.id} is over; the schedule holds again.")


def _shift(draft: Draft, schedule: str, at: datetime) -> Shift:
    try:
        found = shift_at(rosters(draft.configuration)[schedule], at, draft.changes)
    except (LookupError, ValueError, OSError, OverflowError):
        found = None
    if found is None:
        raise Refusal("invalid", f"nobody is on call on {schedule} at {at:%Y-%m-%d %H:%M} UTC")
    return found


def _check(draft: Draft, since: datetime, until: datetime, because: str) -> None:
    if until <= since:
        raise Refusal("invalid", f"it ends ({until:%Y-%m-%dT%H:%M:%SZ}) before it begins")
    if until <= draft.now:
        raise Refusal("invalid", f"it would be over already: until {until:%Y-%m-%dT%H:%M:%SZ}")
    if until - since > LONGEST or since > draft.now + 2 * LONGEST:
        raise Refusal(
            "invalid", f"at most {LONGEST.days} days, within two years; what is for ever stands in the files"
        )
    if len(because) > MAX_TEXT:
        raise Refusal("invalid", f"the reason has at most {MAX_TEXT} characters")
    standing = draft.rows.all_standing(Override)
    if sum(one.until > draft.now for one in standing) >= MOST or len(standing) >= 4 * MOST:
        raise Refusal("state", f"there are {MOST} overrides; end some first")


def _known(name: str, kind: str, known: Collection[str]) -> None:
    if name not in known:
        raise Refusal("invalid", f"there is no {kind} {name[:60]!r}; there are: {', '.join(sorted(known))}")


def _added(draft: Draft, override: Override) -> Override:
    override = replace(override, id=draft.rows.counter("override") + 1)
    draft.emit_about(OVERRIDES, e.OverrideAdded(override=override))
    return override


def _what(draft: Draft, one: Override) -> str:
    span = f"{one.since:%d %b %H:%M} to {one.until:%d %b %H:%M} UTC"
    if one.away:
        return f"{draft.name(one.away)} is away {span}"
    if one.person:
        return f"{draft.name(one.person)} is on call on {one.schedule} {span}"
    return f"whoever would be on call on {one.schedule} isn't, {span}"
