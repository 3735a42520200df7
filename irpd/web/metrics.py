"""What irpd counts, under the names that dashboards and alert rules rely on.

One registry of its own: two daemons in one process (as in tests) don't meet. Counters are
moved by the rooms that see things happen; gauges of the state are computed when they are
read, from the published state, so they can't drift from it. No label has unbounded values:
no incident, no person.

Conventions: https://prometheus.io/docs/practices/naming/
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from irpd.model.waits import WaitKind

# A series more for each counter, which nobody asks for.
disable_created_metrics()  # type: ignore[no-untyped-call]  # untyped in the library

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LEVELS = ("1", "2", "3", "4")
WAITS = tuple(kind.value for kind in WaitKind)
BEATS = ("new", "up", "late", "silent")
_MINUTES = (60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400, 259200)
_DELAYS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_COMMITS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5)
_EVENTS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What the published state says at the moment of a scrape."""

    open_by_level: dict[int, int] = field(default_factory=dict)
    pages_pending: int = 0
    oldest_pending_seconds: float = 0.0
    waiting: dict[str, int] = field(
        default_factory=dict
    )  # signals that fire in no incident, by kind of reason
    silences: int = 0
    heartbeats: dict[str, int] = field(default_factory=dict)  # monitors by state
    gaps: dict[str, bool] = field(default_factory=dict)  # schedule: nobody is on call now
    checks: dict[str, bool] = field(default_factory=dict)  # what /readyz says
    due: dict[tuple[str, int], float] = field(
        default_factory=dict
    )  # seconds until the soonest objective of a kind and level; negative: missed
    vacant: dict[int, int] = field(default_factory=dict)  # roles that nobody has accepted, by level


class Metrics:
    """Moved from the loop and from the journal's thread; reading is safe at any time."""

    def __init__(self, version: str = "") -> None:
        self.registry = registry = CollectorRegistry()

        self._labels: dict[str, tuple[str, ...]] = {
            "irpd_incidents_open": ("level",),
            "irpd_objective_due_seconds": ("objective", "level"),
            "irpd_roles_vacant": ("level",),
            "irpd_signals_waiting": ("kind",),
            "irpd_heartbeats": ("state",),
            "irpd_on_call_gap": ("schedule",),
            "irpd_check_ok": ("check",),
        }

        def counter(name: str, text: str, *labels: str) -> Counter:
            self._labels[f"irpd_{name}"] = labels
            return Counter(f"irpd_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            self._labels[f"irpd_{name}"] = labels
            return Gauge(f"irpd_{name}", text, labels, registry=registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            self._labels[f"irpd_{name}"] = labels
            return Histogram(f"irpd_{name}", text, labels, registry=registry, buckets=buckets)

        self._signals = counter("signals_received", "Signals taken in.", "source", "outcome")
        self._unmapped = counter("signals_unmapped", "Signals that no service claims.", "source")
        self._unreadable = counter(
            "signals_unreadable", "Reports, or parts of one, that could not be understood.", "source"
        )
        self._requests = counter("webhook_requests", "Webhook requests answered.", "source", "code")
        self._opened = counter("incidents_opened", "Incidents opened.", "level")
        self._pages = counter("pages", "Attempts to hand a page to a channel.", "channel", "outcome")
        self._channel_up = gauge(
            "channel_up",
            "0 while a channel's provider gives no answer and the next methods come in its place; else 1.",
            "channel",
        )
        self._unverified = gauge(
            "people_unverified",
            "People whom pages may go to, but by no address that they have confirmed.",
        )
        self._page_delay = histogram(
            "page_delay_seconds",
            "From the first byte of a request to the page it caused being handed to its channel.",
            _DELAYS,
        )
        self._acknowledged = histogram(
            "acknowledge_seconds", "From an incident's opening to its acknowledgement.", _MINUTES, "level"
        )
        self._resolved = histogram(
            "resolve_seconds", "From an incident's opening to its resolution.", _MINUTES, "level"
        )
        self._missed = counter(
            "objectives_missed", "Objectives of the protocol that were missed.", "objective", "level"
        )
        self._rule_errors = counter("rules_errors", "Rules that raised while deciding a level.", "rule")
        self._reload_ok = gauge(
            "config_last_reload_successful", "1 if the configuration in the files is in force."
        )
        self._reload_at = gauge(
            "config_last_reload_timestamp_seconds", "When a configuration was last put in force."
        )
        self._commit = histogram(
            "journal_commit_seconds", "Time that a commit took, sync included.", _COMMITS
        )
        self._commit_events = histogram("journal_commit_events", "Events that a commit wrote.", _EVENTS)
        self._jumps = counter("clock_jumps", "Jumps of the wall clock.")
        self._set_aside = counter("commands_set_aside", "Commands whose handling raised.")
        self._judgements = counter(
            "judgements_failed",
            "Judgements that raised and were made up for: service, group, level, waiting, schedule, hours.",
            "what",
        )
        self._cut = counter("connections_cut", "Connections cut because they were silent, or one too many.")
        self._asked = counter(
            "evidence_queries",
            "Questions to a Prometheus: answered, empty, failed, or not asked because it rests.",
            "prometheus",
            "outcome",
        )
        self._looked = counter(
            "reconciliations", "Looks at what a sender says is firing.", "source", "outcome"
        )
        self._found = counter(
            "reconciled_signals", "Signals that such a look found missed, ended or changed.", "source", "what"
        )
        self._heartbeats = counter(
            "heartbeats_received",
            "Reports of monitors: ok, failed (they said so), refused (credentials), unknown (no such name).",
            "outcome",
        )
        self._reports = counter(
            "switch_reports", "Reports of irpd's own life to a dead man's switch.", "to", "outcome"
        )
        self._reported_at = gauge(
            "switch_last_report_timestamp_seconds", "When a dead man's switch last took a report.", "to"
        )
        self._build = gauge("build_info", "Always 1; the version is its label.", "version")
        self._build.labels(version).set(1)
        # What is counted for each request keeps its counter: a look-up by labels takes a lock and more.
        self._signals_by: dict[tuple[str, str], Counter] = {}
        self._requests_by: dict[tuple[str, int], Counter] = {}
        for level in LEVELS:
            self._opened.labels(level)

    # ---------------------------------------------------------------- intake
    def signals(self, source: str, outcome: str, n: int = 1) -> None:
        counted = self._signals_by.get((source, outcome))
        if counted is None:
            counted = self._signals_by[source, outcome] = self._signals.labels(source, outcome)
        counted.inc(n)

    def unreadable(self, source: str, n: int = 1) -> None:
        self._unreadable.labels(source).inc(n)

    def unmapped(self, source: str, n: int = 1) -> None:
        self._unmapped.labels(source).inc(n)

    def request(self, source: str, code: int) -> None:
        """``source`` is a configured name, or empty for any other."""
        counted = self._requests_by.get((source, code))
        if counted is None:
            counted = self._requests_by[source, code] = self._requests.labels(source, str(code))
        counted.inc()

    # ---------------------------------------------------------------- asking others
    def asked(self, server: str, outcome: str) -> None:
        self._asked.labels(server, outcome).inc()

    def looked(self, source: str, outcome: str) -> None:
        self._looked.labels(source, outcome).inc()

    def found(self, source: str, what: str, n: int) -> None:
        self._found.labels(source, what).inc(n)

    # ---------------------------------------------------------------- incidents
    def opened(self, level: int) -> None:
        self._opened.labels(str(int(level))).inc()

    def acknowledged(self, level: int, seconds: float) -> None:
        self._acknowledged.labels(str(int(level))).observe(seconds)

    def resolved(self, level: int, seconds: float) -> None:
        self._resolved.labels(str(int(level))).observe(seconds)

    def objective_missed(self, objective: str, level: int, times: int = 1) -> None:
        self._missed.labels(objective, str(int(level))).inc(times)

    def rule_error(self, rule: str) -> None:
        self._rule_errors.labels(rule).inc()

    # ---------------------------------------------------------------- delivery
    def page(self, channel: str, outcome: str) -> None:
        self._pages.labels(channel, outcome).inc()

    def page_delay(self, seconds: float) -> None:
        self._page_delay.observe(seconds)

    def channels(self, names: Collection[str]) -> None:
        """These are the channels from now on; all are taken to work."""
        self._channel_up.clear()
        for name in names:
            self.channel_up(name, True)

    def channel_up(self, channel: str, up: bool) -> None:
        self._channel_up.labels(channel).set(1 if up else 0)

    def people_unverified(self, n: int) -> None:
        self._unverified.set(n)

    # ---------------------------------------------------------------- the daemon itself
    def commit(self, seconds: float, events: int) -> None:
        self._commit.observe(seconds)
        self._commit_events.observe(events)

    def config_reloaded(self, ok: bool, at: datetime) -> None:
        self._reload_ok.set(1 if ok else 0)
        if ok:
            self._reload_at.set(at.timestamp())

    def clock_jump(self) -> None:
        self._jumps.inc()

    def set_aside(self) -> None:
        self._set_aside.inc()

    def judgement_failed(self, what: str) -> None:
        self._judgements.labels(what).inc()

    def heartbeat(self, outcome: str) -> None:
        self._heartbeats.labels(outcome).inc()

    def reported(self, to: str, outcome: str, at: datetime) -> None:
        """``to`` is the host of a configured switch. From any thread."""
        self._reports.labels(to, outcome).inc()
        if outcome == "ok":
            self._reported_at.labels(to).set(at.timestamp())

    def connections_cut(self, n: int) -> None:
        self._cut.inc(n)

    # ---------------------------------------------------------------- reading
    def watch(self, readings: Callable[[], Readings]) -> None:
        """Give the gauges of the state something to read. Once per registry."""
        self.registry.register(_State(readings))

    def labels_of(self, family: str) -> tuple[str, ...]:
        """The labels of a metric, by its name without ``_total``."""
        return self._labels.get(family, ())

    def exposition(self) -> bytes:
        return generate_latest(self.registry)


class _State(Collector):
    def __init__(self, readings: Callable[[], Readings]) -> None:
        self._readings = readings

    def collect(self) -> Iterator[GaugeMetricFamily]:
        readings = self._readings()
        by_level = GaugeMetricFamily(
            "irpd_incidents_open", "Incidents that are open or acknowledged.", labels=["level"]
        )
        for level in LEVELS:
            by_level.add_metric([level], readings.open_by_level.get(int(level), 0))
        yield by_level
        due = GaugeMetricFamily(
            "irpd_objective_due_seconds",
            "Until the soonest objective that runs is due; below 0 for how long the oldest has been missed.",
            labels=["objective", "level"],
        )
        for (objective, of_level), seconds in sorted(readings.due.items()):
            due.add_metric([objective, str(of_level)], seconds)
        yield due
        vacant = GaugeMetricFamily(
            "irpd_roles_vacant", "Roles of incidents that somebody has yet to accept.", labels=["level"]
        )
        for level in LEVELS:
            vacant.add_metric([level], readings.vacant.get(int(level), 0))
        yield vacant
        waiting = GaugeMetricFamily(
            "irpd_signals_waiting",
            "Signals that fire and are in no incident: held by a rule, or muted.",
            labels=["kind"],
        )
        for kind in WAITS:
            waiting.add_metric([kind], readings.waiting.get(kind, 0))
        yield waiting
        yield GaugeMetricFamily("irpd_silences", "Silences that hold.", value=readings.silences)
        heartbeats = GaugeMetricFamily(
            "irpd_heartbeats", "Monitors that must report, by how they are.", labels=["state"]
        )
        for state in BEATS:
            heartbeats.add_metric([state], readings.heartbeats.get(state, 0))
        yield heartbeats
        yield GaugeMetricFamily(
            "irpd_pages_pending", "Pages with something still to be sent.", value=readings.pages_pending
        )
        yield GaugeMetricFamily(
            "irpd_oldest_pending_page_seconds",
            "How long ago the oldest unsent message of a page was first due; 0 when none is.",
            value=readings.oldest_pending_seconds,
        )
        gaps = GaugeMetricFamily(
            "irpd_on_call_gap",
            "1 while nobody is on call in a schedule, or nobody whom its pages reach just now.",
            labels=["schedule"],
        )
        for schedule, gap in sorted(readings.gaps.items()):
            gaps.add_metric([schedule], 1 if gap else 0)
        yield gaps
        checks = GaugeMetricFamily(
            "irpd_check_ok", "1 while a check of /readyz is well, 0 while it isn't.", labels=["check"]
        )
        for check, ok in readings.checks.items():
            checks.add_metric([check], 1 if ok else 0)
        yield checks
