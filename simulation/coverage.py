"""What a run came by: commands, answers, events, transitions, faults and steps, counted."""

from collections import Counter
from collections.abc import Mapping
from typing import get_args

from irpd.model.command import Command
from irpd.model.event import AnyEvent
from simulation.actions import WEIGHTS
from simulation.decisions import TRANSITIONS
from simulation.phones import MOODS
from simulation.seams import PLANTS

#: The seeds that always run; what they come by is told in ``docs/simulation.md``.
FIXED = tuple(range(1, 17))
#: How often they must come by each thing.
LEAST = 10
#: What is being built and these worlds don't come by yet; each goes from here as its steps come.
NOT_YET: frozenset[str] = frozenset(
    {
        "JudgeShiftTest", "TellShift", "TestShift", "shift-test-judged", "shift-tested", "shift-told",
        "VerifyContact", "contact-asked", "contact-forgotten", "contact-verified", "time-passed",
        "Close", "MoveStage", "FinishItem", "SetItemAside", "TakeAction", "MakeDecision", "SetFacts",
        "stage-changed", "item-done", "item-set-aside", "action-taken", "decision-made", "facts-set",
        "AskReport", "AssignReport", "WriteReport", "ReviewReport", "PublishReport", "PlanReview",
        "HoldReview",
        "AddActionItem", "ChangeActionItem", "EndActionItem",
        "report-asked", "report-assigned", "report-written", "report-reviewed", "report-published",
        "review-planned", "review-held", "action-item-added", "action-item-changed", "action-item-ended",
        "reminded",
        "updated", "update-taken", "extended", "role-accepted",
        "AssignRole", "AcceptRole", "DeclineRole", "AskHelp", "AnswerHelp",
        "role-declined", "role-kept",
        "help-asked", "help-passed-on", "help-taken", "help-answered",
        "SendUpdate", "ApproveDraft", "WithdrawDraft", "drafted", "draft-approved", "draft-withdrawn",
    }
)  # fmt: skip
#: What must be hit in a whole budget, by section. (A person's answers depend too much on chance.)
EXPECTED: dict[str, set[str]] = {
    "command": {kind.__name__ for kind in get_args(Command)} - NOT_YET,
    "event": {str(kind.__struct_config__.tag) for kind in get_args(AnyEvent)} - NOT_YET,
    "step": set(WEIGHTS),
    "met": {
        "held", "silenced", "windowed", "depended", "waits-on", "came-in", "resolved-in-silence",
        "sank", "answer-told-nothing", "answer-raised", "storm", "storm-gathered", "storm-joined",
        "broken-joined", "methods", "recalled", "beat-ok", "beat-failed",
        "overridden", "started-beside", "quiet-hours", "timed-methods", "passed-over", "would-have", "team",
    },
    "transition": {
        f"{old or 'new'} → {new}" for old, news in TRANSITIONS.items() for new in news if new is not old
    },
    "fault": {
        "journal-full", "journal-unavailable", "journal-unavailable-written", "reconnect-fails",
        "reserve-used", "sender-retries", "message-shown", "message-edited", "pages-gathered",
        "crash", "reboot", "long-down", "stop",
        *(f"channel-{mood}" for mood in MOODS if mood not in ("works", "flaky")),
        *(f"planted-{plant}" for plant in PLANTS),
    },
}  # fmt: skip


class Coverage:
    """Counters by section and name."""

    def __init__(self) -> None:
        self.hits: dict[str, Counter[str]] = {}

    def hit(self, section: str, name: str, times: int = 1) -> None:
        counter = self.hits.get(section)
        if counter is None:
            counter = self.hits[section] = Counter()
        counter[name] += times

    def add(self, other: "Coverage") -> None:
        for section, counter in other.hits.items():
            self.hits.setdefault(section, Counter()).update(counter)

    def below(self, least: int, expected: Mapping[str, set[str]] = EXPECTED) -> list[str]:
        """What was hit less often than that, as ``section name: times``."""
        found = []
        for section, names in sorted(expected.items()):
            counter = self.hits.get(section, Counter())
            found += [f"{section} {name}: {counter[name]}" for name in sorted(names) if counter[name] < least]
        return found

    def table(self, expected: Mapping[str, set[str]] = EXPECTED) -> str:
        """All of it as Markdown, three to a line."""
        lines = ["| kind | hit | times | hit | times | hit | times |", "|---|---|---:|---|---:|---|---:|"]
        for section in sorted({*self.hits, *expected}):
            counter = self.hits.get(section, Counter())
            names = sorted({*counter, *expected.get(section, set())})
            for n in range(0, len(names), 3):
                three = [*names[n : n + 3], "", ""][:3]
                cells = " | ".join(f"{name} | {counter[name] if name else ''}" for name in three)
                lines.append(f"| {section} | {cells} |")
        return "\n".join(lines)
