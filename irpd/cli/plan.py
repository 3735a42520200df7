"""Who would be paged, by what and when: asked of the protocol itself.

The signal is decided on empty rows, and time goes on until the second step would have fired,
so that urgency, working hours, waits and fallbacks are those that the daemon would keep.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from irpd.config.duration import format_duration
from irpd.model import command as c
from irpd.model import event as e
from irpd.model.page import PageKind
from irpd.model.signal import Signal
from irpd.model.waits import WaitKind, Waits
from irpd.protocol.deadlines import next_deadline
from irpd.protocol.decide import decide
from irpd.protocol.draft import Draft
from irpd.protocol.policy import Policy
from irpd.protocol.rows import Rows

#: Deadlines are followed this often at most; the second step comes well before.
LOOKS = 20


class Plan:
    """``pages`` are those of the first step, ``then`` is the second in words."""

    def __init__(self, policy: Policy, source: str, signal: Signal, at: datetime) -> None:
        self.paths: tuple[str, ...] = ()
        self.tells: tuple[str, ...] = ()  # audiences, those too whose message waits as a draft
        self.pages: list[Mapping[str, object]] = []
        self.then = ""
        self.quiet = False
        self.waits: Waits | None = None  # why it opens nothing for now
        rows, now = Rows(), at
        steps: list[tuple[datetime, list[e.Paged]]] = []
        command: c.Command = c.Receive(receipt=0, source=source, signals=(signal,))
        for _ in range(LOOKS):
            draft = Draft(rows, policy, now)
            decide(draft, command)
            rows.absorb(draft.rows)
            if (first := rows.incident(1)) is not None:
                told = (*self.tells, *first.response.told, *first.response.drafts)
                self.tells = tuple(dict.fromkeys(told))
            for sid in rows.all_waiting():
                member = rows.member(sid)
                self.waits = member.waits if member is not None else None
            paged = [event for _, event in draft.events if isinstance(event, e.Paged) and event.page.person]
            if paged:
                steps.append((now, paged))
            incident = rows.incident(1)
            due = next_deadline(incident) if incident is not None else None
            if incident is None or due is None or len(steps) > 1:
                break
            self.paths = tuple(run.name for run in incident.paths)
            if not any(run.next_at is not None for run in incident.paths):
                break
            now, command = max(due, now), c.Wake(incident=1)
        if steps:
            self._first(steps[0], at)
        if len(steps) > 1:
            when, paged = steps[1]
            persons = ", ".join(dict.fromkeys(event.page.person for event in paged))
            self.then = f"{_in(when - at)} {persons}"

    def _first(self, step: tuple[datetime, list[e.Paged]], at: datetime) -> None:
        _, paged = step
        for event in paged:
            self.quiet = event.page.kind is PageKind.QUIET
            methods: dict[datetime, list[str]] = {}
            for send in event.page.sends:
                methods.setdefault(send.due_at, []).append(send.channel)
            for due, via in sorted(methods.items()):
                after = (due - at).total_seconds()
                self.pages.append({"after_seconds": after, "person": event.page.person, "via": via})

    def text(self, joins: int | None) -> str:
        """One line: ``asha by slack, mail; 2m sms; 5m chi``."""
        if self.waits is not None:
            word = "held" if self.waits.kind is WaitKind.HOLD else "muted"
            until = f", until {self.waits.until:%Y-%m-%d %H:%M} UTC" if self.waits.until else ""
            return f"{word} by {self.waits.reason}{until}"
        if joins is not None:
            return f"joins #{joins}"
        parts: list[str] = []
        said = ""
        for page in self.pages:
            person, via = str(page["person"]), page["via"]
            assert isinstance(via, list)
            after = float(str(page["after_seconds"]))
            who = f"{person} by " if person != said else ""
            parts.append(f"{_in(timedelta(seconds=after)) + ' ' if after else ''}{who}{', '.join(via)}")
            said = person
        if self.then:
            parts.append(self.then)
        elif self.quiet and parts:
            parts.append("quietly, and nobody after that")
        tells = f"   tells {', '.join(self.tells)}" if self.tells else ""
        return "; ".join(parts) + tells


def _in(after: timedelta) -> str:
    return format_duration(after.total_seconds())
