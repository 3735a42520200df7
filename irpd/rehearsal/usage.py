"""Rules that the journal never saw decide: they wait for what doesn't happen, or say what others say.

Reads events, writes nothing. Bounded: of a long history the newest ``MOST`` events are looked at. A rule that
is new in these days is given time.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from irpd.config.load import load_bundle
from irpd.config.problem import ConfigurationError, Problem
from irpd.engine.ports import Fact
from irpd.model import event as e
from irpd.model.incident import Contribution
from irpd.model.waits import WaitKind
from irpd.triage.ruleset import RuleSet

#: Events that are looked at: a minute or less.
MOST = 1_000_000
#: How long a rule must have been in force until anything is said of it.
NEW = timedelta(days=7)


class Journal(Protocol):
    """What is read of a journal."""

    def facts(self, *, after: int = 0) -> Iterator[Fact]: ...
    def head(self) -> tuple[int, bytes]: ...
    def config(self, hash: str) -> bytes | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """``problems`` are warnings; ``since`` is the first event that was looked at, None without any."""

    problems: tuple[Problem, ...]
    decisions: int
    since: datetime | None


def usage(
    journal: Journal,
    ruleset: RuleSet,
    *,
    since: datetime,
    now: datetime,
    progress: Callable[[int, int], None] = lambda _n, _of: None,
) -> Usage:
    """What the rules decided from ``since`` on. Without any decision nothing is said of any rule."""
    head = journal.head()[0]
    first = max(_first(journal, since, head), head - MOST)
    used: set[str] = set()
    decisions, begun, settled = 0, None, ""
    for fact in journal.facts(after=first):
        if fact.seq % 10_000 == 0:
            progress(fact.seq - first, head - first)
        if fact.seq > head:  # the daemon goes on meanwhile
            break
        begun = begun or fact.at
        match fact.event:
            case e.Opened() | e.LevelChanged() | e.EvidenceExceeded() if fact.event.rules_hash:
                decisions += 1
                used |= {one.rule for one in fact.event.rules if one.decided or _no_level(one)}
            case e.SignalWaits() | e.WaitChanged() if fact.event.waits.kind is WaitKind.HOLD:
                decisions += 1
                used.add(fact.event.waits.by)
            case e.ConfigLoaded() if fact.at <= now - NEW:
                settled = fact.event.hash
            case _:
                pass
    progress(head - first, head - first)
    if begun is None or not decisions:
        return Usage(problems=(), decisions=0, since=begun)
    known = _ids(journal, settled)
    told = f"{decisions:,} decision{'s' * (decisions != 1)} since {max(begun, since):%Y-%m-%d}"
    return Usage(
        problems=tuple(
            Problem(
                file=rule.place.file, line=rule.place.line, column=rule.place.column, path=rule.id,
                message=f"decided nothing in history ({told})", severity="warning",
            )
            for rule in ruleset.rules
            if rule.id not in used and (known is None or rule.id in known)
        ),
        decisions=decisions,
        since=begun,
    )  # fmt: skip


def _no_level(one: Contribution) -> bool:
    """What says nothing of the level decides by holding."""
    return one.result == "held" and one.level is one.at_most is one.at_least is None


def _first(journal: Journal, since: datetime, head: int) -> int:
    """The last event before ``since``: events are in order of time."""
    low, high = 0, head
    while low < high:
        middle = (low + high) // 2
        fact = next(iter(journal.facts(after=middle)), None)
        if fact is None or fact.at >= since:
            high = middle
        else:
            low = middle + 1
    return low


def _ids(journal: Journal, hash: str) -> set[str] | None:
    """The rules of that configuration; None where it isn't known."""
    bundle = journal.config(hash) if hash else None
    if bundle is None:
        return None
    try:
        documents = load_bundle(bundle).rules
    except ConfigurationError:
        return None
    return {
        rule["id"]
        for document in documents
        if isinstance(document.value, dict)
        for rule in document.value.get("rules") or ()
        if isinstance(rule, dict) and isinstance(rule.get("id"), str)
    }
