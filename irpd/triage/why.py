"""Why a decision came out as it did, in words, out of what its event keeps.

One text for all who ask: ``irpd incident why``, the page behind a page's link and the API show these lines.
They need nothing but the event, so that they say for ever what was seen then, whatever the rules are today.
"""

from collections.abc import Iterator, Mapping, Sequence

from irpd.model.event import EvidenceExceeded, LevelChanged, Opened
from irpd.model.incident import Contribution, LevelBy
from irpd.model.level import Level
from irpd.model.share import Share
from irpd.triage.hearing import cut, worded
from irpd.triage.rule import SHARE_RULE
from irpd.triage.share import NextBand, part_wording, wording

Decision = Opened | LevelChanged | EvidenceExceeded
_WIDTH = 14


def decided_level(event: Decision) -> Level:
    return Level(event.after if isinstance(event, LevelChanged) else event.level)


def why_lines(event: Decision, names: Mapping[str, str]) -> list[str]:
    """The decision: what it means, what is known of users, then each rule that is kept with it, those that
    decided first. ``names`` are people's by their ids. Values are senders' words; nothing in the lines steers
    a terminal."""
    level = decided_level(event)
    lines = [_line(f"level {int(level)}", level.severity.upper(), _by(event.level_by, names))]
    lines.append(_line("impact", level.impact))
    lines.append(_line("users", _users(event.share, level)))
    lines += [_line("", part_wording(part)) for part in event.share.parts]
    order = {"held": 1, "error": 2, "nearly": 3}
    rules = sorted(event.rules, key=lambda one: 0 if one.decided else order.get(one.result, 4))
    lines += [line for rule in rules for line in _rule(rule)]
    if event.rules_hash:
        lines.append(_line("rules", event.rules_hash))
    return lines


def _by(by: LevelBy, names: Mapping[str, str]) -> str:
    name = (
        by.rule
        or names.get(by.person or "", by.person)
        or {"default": "the default of its source"}.get(by.kind, by.kind)
    )
    return f"by {name}" + (f": {by.because}" if by.because else "")


def _users(share: Share, level: Level) -> str:
    said = wording(share)
    if share.level is None:
        return said
    if share.level != level:
        said += f"; by itself level {int(share.level)}"
    band = NextBand.after(share)
    return said + (f"; level {band.level} {band.words}" if band is not None else "")


def _rule(rule: Contribution) -> Iterator[str]:
    effects = [f"{name} {value}" for name, value in _effects(rule)]
    if rule.result == "held":
        other = "start" if rule.starts and not rule.regimes else "regimes"
        head = ("<- " if rule.decided else "") + (effects[0] if effects else other)
    else:
        head = rule.result
    name = rule.rule or "irpd"
    seen = "" if rule.rule == SHARE_RULE else worded(rule.values)
    regimes = f"regimes {', '.join(rule.regimes)}" if rule.regimes else ""
    starts = f"starts {', '.join(rule.starts)}" if rule.starts else ""
    if rule.missed:
        yield _line(head, name, f"missed: {'; '.join(rule.missed)}")
        if seen:
            yield _line("", f"held: {seen}")
        return
    told = "; ".join(part for part in (seen, regimes, starts) if part)
    yield _line(head, name, told or rule.because)
    if rule.because and told:
        yield _line("", rule.because)


def _effects(rule: Contribution) -> Iterator[tuple[str, int]]:
    named: Sequence[tuple[str, int | None]] = (
        ("level", rule.level),
        ("at most", rule.at_most),
        ("at least", rule.at_least),
    )
    for name, value in named:
        if value is not None:
            yield name, value


def _line(head: str, *parts: str) -> str:
    text = f"{head:<{_WIDTH}}" + "  ".join(cut(part) for part in parts if part)
    return "".join(c if c.isprintable() else "?" for c in text).rstrip()
