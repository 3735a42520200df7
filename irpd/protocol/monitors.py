"""The monitors that the files expect to hear from.

Those of ``heartbeats``, and the always-firing alert of a source that has a ``watchdog``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from irpd.config.duration import format_duration
from irpd.config.paths import Hours
from irpd.config.values import Configuration
from irpd.model.heartbeat import KEPT_FROM
from irpd.oncall.hours import next_working

#: Names of monitors that are a source's always-firing alert begin so; no name in the files can.
WATCHDOG = "watchdog:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """One that is expected to report ``every`` so many seconds, ``grace`` late at most. ``source`` is the one
    whose always-firing alert it is. Without a ``service`` the claims of services on that alert say which."""

    name: str
    every: float
    grace: float
    level: int
    title: str
    service: str = ""
    source: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    runbook: str = ""
    hours: Hours | None = None
    zone: str = "UTC"

    def closed_for(self, at: datetime) -> float:
        """How many seconds after ``at`` the hours begin in which it must report; 0.0 while it must."""
        if self.hours is None:
            return 0.0
        try:
            return (next_working(self.hours, self.zone, at) - at).total_seconds()
        except (LookupError, ValueError, OSError):  # hours that can't be read excuse nobody
            return 0.0

    @property
    def kept(self) -> bool:
        """Whether each of its reports is kept on disk."""
        return self.every >= KEPT_FROM

    @property
    def allowance(self) -> str:
        """How often it must report, in words."""
        grace = f", {format_duration(self.grace)} late at most" if self.grace else ""
        return f"every {format_duration(self.every)}{grace}"


def monitor(configuration: Configuration, name: str) -> Monitor | None:
    """The one of this name, if it is expected."""
    source = name.removeprefix(WATCHDOG)
    if source != name:
        settings = configuration.sources.get(source)
        watchdog = settings.watchdog if settings is not None else None
        if watchdog is None:
            return None
        alert = watchdog.labels.get("alertname") or "always-firing"
        return Monitor(
            name=name, every=watchdog.every, grace=0.0, level=watchdog.level, service=watchdog.service,
            title=f"{source} is silent: its {alert} alert doesn't come", source=source,
            labels=watchdog.labels,
        )  # fmt: skip
    beat = configuration.heartbeats.get(name)
    if beat is None:
        return None
    return Monitor(
        name=name, every=beat.every, grace=beat.grace, level=beat.level, service=beat.service,
        title=beat.title or f"{name} has not reported", runbook=beat.runbook, hours=beat.hours,
        zone=configuration.server.time_zone,
    )  # fmt: skip


def monitors(configuration: Configuration) -> Iterator[Monitor]:
    """All that are expected: those of the files, then the sources' always-firing alerts."""
    watched = (f"{WATCHDOG}{name}" for name, one in configuration.sources.items() if one.watchdog is not None)
    for name in (*configuration.heartbeats, *watched):
        if (found := monitor(configuration, name)) is not None:
            yield found
