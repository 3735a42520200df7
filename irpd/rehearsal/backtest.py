"""``irpd rules backtest``: recorded history through changed rules, read-only, in the command's process."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from irpd.config.load import Loaded
from irpd.rehearsal.comparison import Comparison
from irpd.rehearsal.history import Recorded, history_of, opened_within
from irpd.rehearsal.replay import Replay, Replayed
from irpd.triage.ruleset import RuleSet

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    comparison: Comparison
    replayed: Replayed


def backtest(
    journal: Recorded,
    current: Loaded,
    rules: RuleSet | None,
    *,
    begin: datetime,
    end: datetime,
    progress: Progress = lambda _what, _n, _of: None,
) -> Backtest:
    """``rules`` None: those of each configuration of the time, which must give what was recorded.
    ``current`` stands in where the journal no longer has a configuration."""
    history = history_of(journal, begin, end, lambda n: progress("events", n, 0))
    replay = Replay(journal, history, current, rules)
    replayed = replay.run(lambda n, of: progress("replay", n, of))
    return Backtest(
        comparison=Comparison(
            opened_within(history.courses.by_number.values(), begin, end),
            opened_within(replayed.courses.by_number.values(), begin, end),
            current.configuration,
        ),
        replayed=replayed,
    )
