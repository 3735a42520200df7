"""Why a signal gets the level it gets, rule by rule, as data (``irpd.explain/1``) and as text.

Every rule appears here, also those that a decision doesn't keep; the words are the same ones.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from msgspec.structs import replace

from irpd.config.values import Configuration
from irpd.model.incident import LevelBy
from irpd.model.level import Level
from irpd.model.share import UNKNOWN, Impact, Share
from irpd.model.signal import Signal, Status
from irpd.model.waits import WaitKind, Waits
from irpd.triage.account import RuleAccount, accounts_of
from irpd.triage.facts import Facts
from irpd.triage.group import Group, group_for
from irpd.triage.level import default_because, level_for
from irpd.triage.ruleset import RuleSet
from irpd.triage.service import ServiceIndex
from irpd.triage.share import NextBand, share_over


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything that triage has to say of one signal.

    ``outcome`` is what becomes of it as far as triage can see: opens | joins | resolves | updates | muted |
    held | unreadable, where "joins" means an earlier signal of the same body.
    """

    key: str
    title: str
    service: str
    service_by: str
    outcome: str
    level: Level
    level_by: LevelBy
    regimes: tuple[str, ...]
    rules: tuple[RuleAccount, ...]
    share: Share
    group: Group

    @property
    def errors(self) -> tuple[str, ...]:
        return tuple(f"{one.id}: {one.error}" for one in self.rules if one.result == "error")

    def data(
        self,
        *,
        paths: Sequence[str] = (),
        joins: int | None = None,
        pages: Sequence[Mapping[str, object]] = (),
        tells: Sequence[str] = (),
        waits: Waits | None = None,
    ) -> dict[str, object]:
        """The object in ``signals`` of ``irpd.explain/1``. What only those above triage know (paths, pages,
        an incident that it joins) comes in as arguments."""
        quiet = None if waits is None else _waits_view(waits)
        held = waits is not None and waits.kind is WaitKind.HOLD
        band = NextBand.after(self.share)
        fraction = self.share.fraction
        group = {"id": self.group.rule, "key": list(self.group.values)} if self.group.rule else None
        return {
            "key": self.key,
            "title": self.title,
            "service": self.service,
            "service_by": self.service_by,
            "outcome": "joins" if joins is not None else self.outcome,
            "incident": {
                "level": int(self.level),
                "severity": self.level.severity,
                "impact": self.level.impact,
                "level_by": {
                    "kind": self.level_by.kind,
                    "rule": self.level_by.rule,
                    "person": self.level_by.person,
                    "because": self.level_by.because,
                },
                "paths": list(paths),
                "joins": joins,
                "group": group,
            },
            "regimes": list(self.regimes),
            "rules": [one.data() for one in self.rules],
            "share": {
                "known": self.share.known,
                "value": None if fraction is None else float(fraction),
                "affected": self.share.affected,
                "users": self.share.users,
                "method": self.share.method or None,
                "next_band": None
                if band is None
                else {"level": band.level, "from": band.begins, "above": band.above},
            },
            "muted_by": [] if quiet is None or held else [quiet],
            "held_by": quiet if held else None,
            "pages": [dict(page) for page in pages],
            "tells": list(tells),
            "errors": list(self.errors),
        }

    def lines(self, *, all_rules: bool = True) -> list[str]:
        """The rules, one a line, most telling first; then the group."""
        shown = [one for one in self.rules if all_rules or one.result != "not-held"]
        id_width = max([22, *(len(one.id) for one in shown)]) + 2
        at_width = max([22, *(len(one.at) for one in shown)]) + 2
        lines = [one.line(id_width=id_width, at_width=at_width) for one in shown]
        if self.level_by.kind == "default":
            said = f"level {int(self.level)}"
            reason = self.level_by.because
            lines.insert(0, f"  {said:<10}<- {'default':<{id_width}}{'':<{at_width}}{reason}")
        lines.append(f"  {'impact':<13}{self.level.impact}")
        if self.group.rule:
            values = ", ".join(_printable(value) or '""' for value in self.group.values)
            lines.append(f"  {'group':<13}{self.group.rule}: {values}")
        return lines


def _waits_view(waits: Waits) -> dict[str, object]:
    return {
        "kind": waits.kind.value,
        "name": waits.by,
        "because": waits.because,
        "until": None if waits.until is None else waits.until.isoformat().replace("+00:00", "Z"),
    }


def explain_signals(
    configuration: Configuration,
    ruleset: RuleSet,
    services: ServiceIndex,
    source: str,
    signals: Iterable[Signal],
    at: datetime,
) -> list[Explanation]:
    """What these signals of one body would give, nothing else being open. ``at`` is aware."""
    settings = configuration.sources.get(source)
    bodies = _Bodies()
    found = []
    for signal in signals:
        if signal.unreadable:
            found.append(_unreadable(configuration, source, signal))
            continue
        service, service_by = services.service_for(source, signal)
        configured = configuration.services.get(service)
        users = configured.users.known if configured is not None and configured.users is not None else None
        facts = Facts(
            source=source,
            source_type=settings.type if settings is not None else "",
            service=service,
            status=signal.status.value,
            title=signal.title,
            text=signal.text,
            labels=signal.labels,
            project=signal.project,
            share=share_over([(signal.key, signal.impact)], 0, users),
            at=at,
        )
        group = group_for(ruleset, facts, f"{source}/{signal.key}")
        facts = bodies.gathered(facts, group, signal, users)
        default = settings.default if settings is not None else 2
        verdict = level_for(ruleset, facts, default=default, default_because=default_because(source))
        found.append(
            Explanation(
                key=f"{source}/{signal.key}",
                title=signal.title,
                service=service,
                service_by=service_by,
                outcome=bodies.outcome(signal, group),
                level=verdict.level,
                level_by=verdict.level_by,
                regimes=verdict.regimes,
                rules=accounts_of(ruleset, facts, default=default, verdict=verdict),
                share=facts.share,
                group=group,
            )
        )
    return found


def explain_data(
    ruleset: RuleSet, at: datetime, signals: Sequence[Mapping[str, object]]
) -> dict[str, object]:
    """The whole ``irpd.explain/1`` object around what ``Explanation.data`` gave."""
    return {
        "schema": "irpd.explain/1",
        "rules_hash": ruleset.hash,
        "at": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "signals": list(signals),
    }


def explain_text(
    explanations: Sequence[Explanation],
    *,
    paths: Mapping[str, Sequence[str]] | None = None,
    now: Mapping[str, str] | None = None,
    all_rules: bool = True,
) -> str:
    """As ``irpd rules explain`` prints it. ``paths`` are the names of the paths that start, and ``now`` who
    is told what when, both by a signal's key."""
    blocks = []
    opened = sum(one.outcome in ("opens", "unreadable") for one in explanations)
    total = f"{_counted(len(explanations), 'signal')} -> {_counted(opened, 'incident')}"
    for number, one in enumerate(explanations):
        head = f"level {int(one.level)} {one.level.severity.upper()} at {one.service}"
        if named := (paths or {}).get(one.key):
            head += f", path {', '.join(named)}"
        if one.regimes:
            head += f" ({', '.join(one.regimes)})"
        if one.outcome not in ("opens", "joins"):
            head += f", {one.outcome}"
        title = _printable(f"{one.key} {one.title}".strip())
        first = f"{total}: {head}" if len(explanations) == 1 else f"{number + 1}. {title}: {head}"
        lines = [first, *one.lines(all_rules=all_rules)]
        if told := (now or {}).get(one.key):
            lines.append(f"  {'now':<13}{told}")
        blocks.append("\n".join(lines))
    if len(explanations) != 1:
        blocks.insert(0, total)
    return "\n".join(blocks)


class _Bodies:
    """What earlier signals of the same body gathered, by group."""

    def __init__(self) -> None:
        self._impacts: dict[str, list[tuple[str, Impact]]] = {}
        self._reporters: dict[str, set[str]] = {}
        self._opened: set[str] = set()

    def gathered(self, facts: Facts, group: Group, signal: Signal, users: int | None) -> Facts:
        impacts = self._impacts.setdefault(group.key, [])
        reporters = self._reporters.setdefault(group.key, set())
        impacts.append((signal.key, signal.impact))
        if signal.reporter:
            reporters.add(signal.reporter)
        return replace(
            facts,
            share=share_over(impacts, len(reporters), users),
            reporters=len(reporters),
            signals=len(impacts),
        )

    def outcome(self, signal: Signal, group: Group) -> str:
        match signal.status:
            case Status.RESOLVED:
                return "resolves"
            case Status.MUTED:
                return "muted"
            case Status.NOTE:
                return "updates"
            case Status.FIRING:
                known = group.key in self._opened
                self._opened.add(group.key)
                return "joins" if known else "opens"


def _unreadable(configuration: Configuration, source: str, signal: Signal) -> Explanation:
    """No rule is asked about what nobody could read: its source says the level."""
    settings = configuration.sources.get(source)
    key = f"{source}/{signal.key}"
    return Explanation(
        key=key,
        title=signal.title,
        service=configuration.unmapped,
        service_by="unreadable",
        outcome="unreadable",
        level=Level(settings.unreadable_level if settings is not None else 2),
        level_by=LevelBy(kind="default", because=f"a report of {source} can't be read: {signal.unreadable}"),
        regimes=(),
        rules=(),
        share=UNKNOWN,
        group=Group(key=key),
    )


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _printable(text: str) -> str:
    """Without what would steer a terminal: these are senders' words."""
    return "".join(c if c.isprintable() else "?" for c in text)
