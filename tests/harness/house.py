"""The protocol without a server: a small company, a clock moved by hand, and what its phones show.

Arrange, fast-forward, expect: ``report`` what a sender says, ``do`` what a person does, ``forward`` the
time through everything that comes due, and look at ``phones()``.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from irpd.config.load import load_bundle
from irpd.model import command as c
from irpd.model import event as e
from irpd.model.incident import Incident, Member, PathRun, RunState, State
from irpd.model.page import Page, PageKind, SendState
from irpd.model.share import Impact
from irpd.model.signal import Signal, Status
from irpd.protocol.deadlines import next_deadline
from irpd.protocol.decide import decide
from irpd.protocol.draft import Draft
from irpd.protocol.evolve import evolve
from irpd.protocol.policy import Policy
from irpd.protocol.rows import Rows
from irpd.protocol.waiting import due_at
from irpd.triage.ruleset import compile_rules
from irpd.triage.service import ServiceIndex

#: A Tuesday, 09:00 in Berlin; asha is on call.
TUESDAY = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
#: 03:00 in Berlin in the same week.
NIGHT = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)

CONFIG = """
version: 1
sources:
  am: {type: alertmanager, auth: none}
  other: {type: alertmanager, auth: none}
  sentry: {type: sentry, auth: none}
  desk: {type: ticket, auth: none, fields: {key: id, title: subject, reporter: from}}
unmapped: platform
operators: [olga]
fallback: [emil]
services:
  checkout:
    title: Checkout
    paths: {technical: engineering, customer: customers, business: business}
    users: {count: 1000}
    signals: [{labels: {service: checkout}}]
  login:
    title: Sign-in
    paths: {technical: engineering}
    users: {count: 1000}
    signals: [{labels: {service: login}}]
  bare: {title: Bare, paths: {technical: solo}, signals: [{labels: {service: bare}}]}
  platform: {title: Platform, paths: {technical: engineering}}
channels:
  mail: {type: file, path: mail.jsonl}
  sms: {type: file, path: sms.jsonl}
notify:
  default:
    - {after: 0m, via: [mail]}
    - {after: 2m, via: [sms], levels: [1, 2]}
people:
  asha: {name: Asha, time_zone: Europe/Berlin}
  ben: {name: Ben, time_zone: Europe/Berlin}
  chi: {name: Chi, time_zone: Europe/Berlin}
  dora: {name: Dora, time_zone: Europe/Berlin}
  emil: {name: Emil, time_zone: Europe/Berlin}
  fay: {name: Fay, time_zone: Europe/Paris}
  olga: {name: Olga, time_zone: Europe/Berlin}
  mute: {name: Mute, time_zone: Europe/Berlin, notify: [{after: 0m, via: [mail], levels: [4]}]}
schedules:
  first-responder:
    time_zone: Europe/Berlin
    layers: [{rotate: weekly, handoff: "Mon 09:00", start: "2026-01-05", people: [asha, ben]}]
  empty:
    time_zone: Europe/Berlin
    layers: [{rotate: weekly, handoff: "Mon 09:00", start: "2031-01-06", people: [asha]}]
paths:
  engineering:
    kind: technical
    repeat: 2
    steps:
      - {schedule: first-responder, wait: 5m}
      - {person: chi, wait: 10m}
      - {person: dora, wait: 15m}
  business: {kind: business, repeat: 1, steps: [{person: fay, wait: 15m}, {person: dora, wait: 30m}]}
  customers: {kind: customer, repeat: 1, steps: [{person: fay, wait: 30m}, {person: dora, wait: 1h}]}
  solo: {kind: technical, repeat: 1, steps: [{person: chi, wait: 5m}]}
  nobody: {kind: technical, repeat: 1, steps: [{schedule: empty, wait: 5m}]}
  unreached: {kind: technical, repeat: 1, steps: [{person: mute, wait: 5m}]}
levels:
  medium: {hours: {days: [Mon, Tue, Wed, Thu, Fri], from: "09:00", to: "18:00", time_zone: Europe/Berlin}}
"""

#: Added to a configuration: what is over owes no report, and leaves memory.
NO_REPORTS = "reports: {within: {critical: 0s, high: 0s, medium: 0s}}\n"

RULES = """
version: 1
rules:
  - {id: one, match: {labels: {want: "1"}}, level: 1, because: it says so}
  - {id: two, match: {labels: {want: "2"}}, level: 2, because: it says so}
  - {id: three, match: {labels: {want: "3"}}, level: 3, because: it says so}
  - {id: four, match: {labels: {want: "4"}}, level: 4, because: it says so}
group:
  - {id: together, match: {labels: {grouped: "yes"}}, by: [service], within: 30m, at_most: 2h}
"""


@lru_cache(maxsize=64)
def policy_of(config: str = CONFIG, rules: str = RULES) -> Policy:
    bundle = {
        "format": "irpd.bundle/1",
        "directory": "/nowhere",
        "configuration": [["irpd.yaml", config + "rules: [rules.yaml]\n"]],
        "rules": [["rules.yaml", rules]],
    }
    loaded = load_bundle(json.dumps(bundle).encode())
    configuration = loaded.configuration
    return Policy(configuration, compile_rules(loaded.rules), ServiceIndex(configuration), loaded.hash)


def changed(**places: tuple[str, str]) -> Policy:
    """The small company with pieces of its configuration replaced: ``name=(before, after)``."""
    text = CONFIG
    for name, (before, after) in places.items():
        assert before in text, f"{name}: {before!r} isn't in the configuration"
        text = text.replace(before, after)
    return policy_of(text)


def alert(key: str = "a", status: str = "firing", *, want: int | None = 2, **more: Any) -> Signal:
    """A report about checkout whose rule asks for level ``want``."""
    labels = {"service": "checkout"}
    if want is not None:
        labels["want"] = str(want)
    if more.pop("grouped", False):
        labels["grouped"] = "yes"
    labels |= more.pop("labels", {})
    if (affected := more.pop("affected", None)) is not None:
        more["impact"] = Impact(affected=affected, method="label")
    more.setdefault("title", f"Alert {key}")
    return Signal(key=key, status=Status(status), labels=labels, **more)


def seconds_of(text: str | float) -> float:
    if isinstance(text, (int, float)):
        return float(text)
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    return float(text[:-1]) * units[text[-1]]


class House:
    """Rows, facts, a clock and the phones of everybody."""

    def __init__(self, policy: Policy | None = None, *, at: datetime = TUESDAY) -> None:
        self.policy = policy or policy_of()
        self.rows = Rows()
        self.now = at
        self.began = at
        self.facts: list[tuple[str, e.AnyEvent, datetime]] = []
        self.shown: list[tuple[datetime, str, str, Page]] = []
        self.broken: set[str] = set()  # channels, or (person, channel), that fail for good
        self.receipt = 0
        self.delivers = True

    # ------------------------------------------------------------ acting
    def do(self, command: c.Command) -> Any:
        """Carry out one command now, and deliver what is due at once."""
        answer = self.quietly(command)
        self.deliver()
        return answer

    def quietly(self, command: c.Command) -> Any:
        draft = Draft(self.rows, self.policy, self.now, first_byte_at=self.now)
        answer = decide(draft, command)
        self.rows.absorb(draft.rows)
        self.facts += [(subject, event, self.now) for subject, event in draft.events]
        return answer

    def report(self, *signals: Signal, source: str = "am") -> Any:
        self.receipt += 1
        return self.do(c.Receive(receipt=self.receipt, source=source, signals=signals))

    def ack(self, by: str = "asha", number: int = 1) -> Any:
        return self.do(c.Acknowledge(incident=number, by=by))

    def cant(self, by: str = "asha", number: int = 1) -> Any:
        return self.do(c.Decline(incident=number, by=by))

    def resolve(self, number: int = 1, by: str = "asha") -> Any:
        return self.do(c.Resolve(incident=number, by=by))

    def set_level(self, level: int, number: int = 1, by: str = "asha") -> Any:
        return self.do(c.SetLevel(incident=number, by=by, level=level, because="I looked"))

    # ------------------------------------------------------------ time
    def forward(self, by: str | float) -> None:
        """Let the time pass, stopping at each deadline and at each message that comes due."""
        end = self.now + timedelta(seconds=seconds_of(by))
        for _ in range(100_000):
            due = self._next()
            if due is None or due > end:
                break
            self.now = max(self.now, due)
            for number in sorted(self.rows.incidents):
                deadline = next_deadline(self.rows.incidents[number])
                if deadline is not None and deadline <= self.now:
                    self.quietly(c.Wake(incident=number))
                    after = next_deadline(self.rows.incidents[number])
                    assert after is None or after > self.now, f"#{number} has a deadline that never passes"
            for sid in self.rows.all_waiting():
                deadline = due_at(self.rows, self.rows.members[sid])
                if deadline is not None and deadline <= self.now:
                    self.quietly(c.WakeSignal(sid=sid))
                    after = due_at(self.rows, self.rows.members[sid])
                    assert after is None or after > self.now, f"signal {sid} has a deadline that never passes"
            self.deliver()
        else:
            raise AssertionError("time stands still")
        self.now = end
        self.deliver()

    def sleep(self, by: str | float) -> None:
        """The daemon is down for so long; what it missed comes due on the next ``forward``."""
        self.now += timedelta(seconds=seconds_of(by))

    def _next(self) -> datetime | None:
        due = [d for i in self.rows.incidents.values() if (d := next_deadline(i)) is not None]
        waits = (self.rows.members[sid] for sid in self.rows.all_waiting())
        due += [d for member in waits if (d := due_at(self.rows, member)) is not None]
        if self.delivers:
            due += [send.due_at for page in self.rows.pages.values() if page.live
                    for send in page.sends if send.state is SendState.PENDING]  # fmt: skip
        return min(due, default=None)

    # ------------------------------------------------------------ the outbox
    def deliver(self) -> None:
        """Send what is due, as the outbox would: expired, failed for good, or delivered."""
        while self.delivers and (found := self._due()) is not None:
            page, n, channel = found
            if self.now >= page.expires_at:
                state = SendState.EXPIRED
            elif channel in self.broken or (page.person, channel) in self.broken:
                state = SendState.FAILED
            else:
                state = SendState.DELIVERED
                self.shown.append((self.now, page.person, channel, page))
            assert self.quietly(c.RecordSend(page=page.id, send=n, state=state)) is True

    def _due(self) -> tuple[Page, int, str] | None:
        for page in self.rows.pages.values():
            for send in page.sends:
                if page.live and send.state is SendState.PENDING and send.due_at <= self.now:
                    return page, send.n, send.channel
        return None

    # ------------------------------------------------------------ looking
    def phones(self, *, kind: PageKind | None = PageKind.PAGE, since: str | float = 0) -> list[str]:
        """What has been shown of the incident itself: ``5m chi mail``, with the time since the beginning."""
        after = self.began + timedelta(seconds=seconds_of(since))
        return [
            f"{clock(at - self.began)} {person} {channel}"
            for at, person, channel, page in self.shown
            if at >= after and (kind is None or page.kind is kind) and not page.asks
        ]

    def asked(self, asks: str = "", *, since: str | float = 0) -> list[str]:
        """What asked for something else, by mail: ``5m chi role:commander``."""
        after = self.began + timedelta(seconds=seconds_of(since))
        return [
            f"{clock(at - self.began)} {person} {page.asks}"
            for at, person, channel, page in self.shown
            if at >= after and channel == "mail" and page.asks and (not asks or page.asks == asks)
        ]

    def people(self, *, kind: PageKind | None = PageKind.PAGE, since: str | float = 0) -> list[str]:
        """The same by mail alone, which is everybody's first method."""
        lines = self.phones(kind=kind, since=since)
        return [line.removesuffix(" mail") for line in lines if line.endswith(" mail")]

    @property
    def elapsed(self) -> str:
        return clock(self.now - self.began)

    def incident(self, number: int = 1) -> Incident:
        return self.rows.incidents[number]

    def run(self, number: int = 1, name: str = "engineering") -> PathRun:
        return next(run for run in self.incident(number).paths if run.name == name)

    def running(self, number: int = 1) -> bool:
        return any(run.state is RunState.RUNNING for run in self.incident(number).paths)

    def live(self, number: int = 1) -> list[str]:
        """Who has a live page that asks for an acknowledgement."""
        return [
            p.person
            for p in self.rows.pages_of(self.incident(number))
            if p.live and p.kind is PageKind.PAGE and not p.asks
        ]

    def members(self, number: int = 1) -> list[Member]:
        return list(self.rows.members_of(self.incident(number)))

    def waiting(self) -> list[Member]:
        """The signals that wait outside any incident, oldest first."""
        return [self.rows.members[sid] for sid in self.rows.all_waiting()]

    def events(self, number: int = 1) -> list[e.AnyEvent]:
        return [event for subject, event, _ in self.facts if subject == f"incident:{number}"]

    def of_type(self, kind: type[Any], number: int = 1) -> list[Any]:
        return [event for event in self.events(number) if isinstance(event, kind)]

    def states(self) -> list[State]:
        return [incident.state for incident in self.rows.incidents.values()]


def clock(passed: timedelta) -> str:
    seconds = int(passed.total_seconds())
    return f"{seconds // 60}m" if seconds % 60 == 0 else f"{seconds}s"


# ------------------------------------------------------------------ comparing rows
def replayed(facts: Iterable[tuple[str, e.AnyEvent, datetime]]) -> Rows:
    rows = Rows()
    for subject, event, at in facts:
        evolve(rows, subject, event, at)
    return rows


def plain(rows: Rows) -> Mapping[str, Any]:
    """All of a bottom layer, rows and indexes, so that two can be compared."""
    return {
        "incidents": rows.incidents,
        "members": kept_members(rows),
        "pages": rows.pages,
        "counters": rows.counters,
        "keys": {key: sid for key, sid in rows.keys.items() if sid in kept_members(rows)},
        "handles": {handle: sid for handle, sid in rows.handles.items() if sid},
        "groups": {key: found for key, numbers in rows.groups.items() if (found := still(rows, numbers))},
        "reporters": {who: count for who, count in rows.reporters.items() if count},
        "takes": {name: found for name, numbers in rows.takes.items() if (found := still(rows, numbers))},
        "standing": {kind: dict(standing) for kind, standing in rows.standing.items() if standing},
        "waiting": dict.fromkeys(rows.all_waiting()),
        "services": {
            name: found for name, numbers in rows.services.items() if (found := still(rows, numbers))
        },
    }


def kept_members(rows: Rows) -> dict[int, Member]:
    """Without those that ended to wait: they leave memory."""
    return {sid: row for sid, row in rows.members.items() if row.incident or row.waits is not None}


def still(rows: Rows, numbers: Iterable[int]) -> list[int]:
    over = (State.CLOSED, State.MERGED)
    return [n for n in numbers if n in rows.incidents and rows.incidents[n].state not in over]


def restored(rows: Rows) -> Rows:
    """What a restart makes of the same rows."""
    again = Rows()
    standing = [row for small in rows.standing.values() for row in small.values() if row is not None]
    again.restore(dict(rows.incidents), kept_members(rows), dict(rows.pages), dict(rows.counters), standing)
    return again
