"""Silences: what a person mutes for a while, with the reason; ended by time or by a person."""

from datetime import timedelta

from msgspec import Struct

from irpd.model import command as c
from irpd.model import event as e
from irpd.model.command import Refusal
from irpd.model.waits import Silence
from irpd.protocol.draft import Draft
from irpd.protocol.evolve_waiting import SILENCES
from irpd.protocol.waiting import mute_firing

#: Fields of a signal that a silence may name, besides ``labels.NAME``.
FIELDS = ("source", "source_type", "service", "project")
#: Bounds: of silences at a time (each new signal is held against each), of one's length, of its texts.
MOST = 500
LONGEST = timedelta(days=90)
MAX_TEXT = 1000
MAX_VALUES = 100


class SilenceAnswer(Struct, frozen=True):
    """What a command came to. ``muted`` counts signals that fired and are muted now."""

    silence: Silence
    changed: bool
    text: str
    muted: int = 0


def add(draft: Draft, command: c.AddSilence) -> SilenceAnswer:
    """Raises Refusal for what matches everything, ends in the past, or has no reason."""
    _check(draft, command)
    silence = Silence(
        id=draft.rows.counter("silence") + 1,
        match=command.match,
        by=command.by,
        because=command.because.strip(),
        since=draft.now,
        until=command.until,
    )
    draft.emit_about(SILENCES, e.SilenceAdded(silence=silence))
    muted = mute_firing(draft, silence)
    now = f" {muted} that fire now are muted." if muted else ""
    return SilenceAnswer(
        silence, True, f"Silence {silence.id} holds until {silence.until:%d %b %H:%M} UTC.{now}", muted
    )


def _check(draft: Draft, command: c.AddSilence) -> None:
    if not command.match or any(not values for values in command.match.values()):
        raise Refusal("invalid", "say what to mute: at least one field, each with a value; not everything")
    for field, values in command.match.items():
        if field not in FIELDS and not (field.startswith("labels.") and len(field) > len("labels.")):
            raise Refusal("invalid", f"{field[:60]!r} is no field: {', '.join(FIELDS)} or labels.NAME")
        if len(values) > MAX_VALUES or any(len(value) > MAX_TEXT for value in values) or len(field) > 300:
            raise Refusal("invalid", f"{field[:60]}: at most {MAX_VALUES} values of {MAX_TEXT} characters")
        known = {"service": draft.configuration.services, "source": draft.configuration.sources}.get(field)
        for value in values:
            if known is not None and value not in known:
                raise Refusal(
                    "invalid", f"there is no {field} {value[:60]!r}; there are: {', '.join(sorted(known))}"
                )
    if len(command.match) > 20:
        raise Refusal("invalid", "at most 20 fields")
    if not 0 < len(command.because.strip()) <= MAX_TEXT:
        raise Refusal(
            "invalid", f"say why, in at most {MAX_TEXT} characters: whoever looks at what is muted reads it"
        )
    if command.until <= draft.now:
        raise Refusal("invalid", f"it would be over already: until {command.until:%Y-%m-%dT%H:%M:%SZ}")
    if command.until > draft.now + LONGEST:
        raise Refusal("invalid", f"at most {LONGEST.days} days; what is muted for ever is a rule or a window")
    if sum(1 for one in draft.rows.all_standing(Silence) if one.until > draft.now) >= MOST:
        raise Refusal("state", f"there are {MOST} silences; end some first")


def end(draft: Draft, command: c.EndSilence) -> SilenceAnswer:
    """End it now: what it muted and still fires is decided again. Raises Refusal when there is none."""
    silence = draft.rows.stands(Silence, command.silence)
    if silence is None:
        raise Refusal("not-found", f"there is no silence {command.silence}")
    if silence.until <= draft.now:
        return SilenceAnswer(silence, False, f"Nothing to do: silence {silence.id} is over.")
    event = e.SilenceEnded(id=silence.id, by=command.by, because=command.because.strip()[:MAX_TEXT])
    draft.emit_about(SILENCES, event)
    ended = draft.rows.stands(Silence, silence.id) or silence
    return SilenceAnswer(ended, True, f"Silence {silence.id} is over; what still fires is decided again.")
