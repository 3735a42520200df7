"""What sends: an Alertmanager with its groups, a Sentry, a help desk, and something that is broken.

They produce the bytes of real requests. Each keeps its own idea of what is wrong, repeats it, changes
its mind, and knows nothing of irpd but whether it was answered 2xx.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

SERVICES = ("checkout", "login", "search", "unknown-service")
CATEGORIES = ("payment", "outage", "slow", "slow", "cosmetic", "", "outage")
#: How many different alerts each service and environment has.
ALERTS = 5
TICKETS = 40
ISSUES = 8


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. ``id`` is the sender's own count; a retry keeps it."""

    id: int
    source: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Alert:
    n: int
    service: str
    environment: str
    category: str
    firing: bool = False
    starts_at: str = ""
    ends_at: str = ""
    users: int = 0


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


class Senders:
    """All of them. Every method gives the bodies that would be posted now."""

    def __init__(self) -> None:
        self.alerts = [
            Alert(n, service, environment, CATEGORIES[n % len(CATEGORIES)])
            for n, (service, environment) in enumerate(
                (service, environment)
                for service in SERVICES
                for environment in ("production", "staging")
                for _ in range(ALERTS)
            )
        ]
        self.issues: dict[int, str] = {}
        self.episodes: dict[int, int] = {}
        self.tickets: dict[int, str] = {}
        self.posted = 0

    def request(self, source: str, body: bytes, headers: Mapping[str, str] | None = None) -> Request:
        self.posted += 1
        return Request(self.posted, source, body, headers or {})

    # ------------------------------------------------------------ alertmanager
    def fire(self, alert: Alert, now: datetime) -> Request:
        if not alert.firing:
            alert.firing, alert.starts_at, alert.ends_at = True, _iso(now), ""
        return self.group(alert, now)

    def resolve(self, alert: Alert, now: datetime) -> Request:
        if alert.firing:
            alert.firing, alert.ends_at = False, _iso(now)
        return self.group(alert, now, also=(alert,))

    def move_start(self, alert: Alert, now: datetime) -> Request:
        """A restarted Prometheus: the same alert fires on with another start."""
        if alert.firing:
            alert.starts_at = _iso(now - timedelta(seconds=30))
        return self.group(alert, now, also=(alert,))

    def group(
        self,
        alert: Alert,
        now: datetime,
        *,
        also: tuple[Alert, ...] = (),
        receiver: str = "irpd",
        limit: int = 0,
    ) -> Request:
        """The whole group of an alert, as Alertmanager posts it."""
        peers = [
            a
            for a in self.alerts
            if (a.service, a.environment) == (alert.service, alert.environment) and (a.firing or a in also)
        ] or [alert]
        return self.post(peers, receiver=receiver, limit=limit)

    def post(self, alerts: list[Alert], *, receiver: str = "irpd", limit: int = 0) -> Request:
        shown = alerts[:limit] if limit else alerts
        first = alerts[0]
        return self.request(
            "alerts",
            json.dumps(
                {
                    "version": "4",
                    "groupKey": f'{{}}:{{service="{first.service}",environment="{first.environment}"}}',
                    "truncatedAlerts": len(alerts) - len(shown),
                    "status": "firing" if any(a.firing for a in alerts) else "resolved",
                    "receiver": receiver,
                    "groupLabels": {"service": first.service},
                    "commonLabels": {},
                    "commonAnnotations": {},
                    "externalURL": "http://alertmanager.invalid",
                    "alerts": [self._one(a) for a in shown],
                }
            ).encode(),
        )

    def _one(self, alert: Alert) -> dict[str, object]:
        labels = {
            "alertname": f"Alert{alert.n}",
            "service": alert.service,
            "environment": alert.environment,
            "category": alert.category,
        }
        notes = {"summary": f"Alert {alert.n} of {alert.service}"}
        if alert.users:
            notes["affected_users"] = str(alert.users)
        return {
            "status": "firing" if alert.firing else "resolved",
            "labels": labels,
            "annotations": notes,
            "startsAt": alert.starts_at or "2026-01-05T06:00:00Z",
            "endsAt": "0001-01-01T00:00:00Z" if alert.firing else alert.ends_at or "2026-01-05T06:30:00Z",
            "generatorURL": "http://prometheus.invalid/graph",
            "fingerprint": f"{alert.n + 1:016x}",
        }

    # ------------------------------------------------------------ sentry
    def issue(self, n: int, action: str) -> Request:
        self.issues[n] = action
        issue = {
            "id": str(1000 + n),
            "title": f"Error {n}",
            "shortId": f"CHECKOUT-{n}",
            "status": "resolved" if action == "resolved" else "unresolved",
            "project": {"slug": "checkout" if n % 2 else "elsewhere"},
            "userCount": n * 90,
            "level": "error",
            "firstSeen": "2026-01-05T06:00:00Z",
        }
        body = {
            "action": action,
            "data": {"issue": issue},
            "actor": {"type": "application", "name": "Sentry"},
        }
        return self.request("sentry", json.dumps(body).encode(), {"Sentry-Hook-Resource": "issue"})

    def event(self, n: int) -> Request:
        """One more event of an issue, whatever was said of the issue."""
        event = {
            "issue_id": str(1000 + n),
            "title": f"Error {n}",
            "project_slug": "checkout" if n % 2 else "elsewhere",
            "web_url": "https://sentry.invalid/events/",
        }
        body = {"action": "triggered", "data": {"event": event, "triggered_rule": "every event"}}
        return self.request("sentry", json.dumps(body).encode(), {"Sentry-Hook-Resource": "event_alert"})

    def metric(self, n: int, *, resolved: bool, older: bool = False) -> Request:
        episode = self.episodes.get(n, 0)
        if not resolved and not older:
            episode += 1
            self.episodes[n] = episode
        body = {
            "action": "resolved" if resolved else "critical",
            "data": {
                "description_text": "too many errors",
                "web_url": "https://sentry.invalid/alerts/",
                "metric_alert": {
                    "id": str(max(episode - int(older), 0)),
                    "projects": ["checkout"],
                    "alert_rule": {"id": str(n), "name": f"Errors {n}"},
                },
            },
        }
        return self.request("sentry", json.dumps(body).encode(), {"Sentry-Hook-Resource": "metric_alert"})

    # ------------------------------------------------------------ the help desk
    def ticket(self, n: int, state: str) -> Request:
        self.tickets[n] = state
        body = {
            "id": n,
            "subject": f"Ticket {n}",
            "from": f"customer-{n % 9}@example.com",
            "state": state,
            "category": ("payment", "login", "other")[n % 3],
        }
        if n % 7 == 0:
            body["users"] = 400 + n
        return self.request("desk", json.dumps(body).encode())

    # ------------------------------------------------------------ what is broken
    def garbage(self, chance: Random) -> Request:
        source = chance.choice(("alerts", "alerts", "sentry", "desk"))
        good = self.group(chance.choice(self.alerts), datetime(2026, 1, 5, tzinfo=UTC)).body
        cut = chance.randrange(1, len(good))
        body = chance.choice(
            (
                b"",
                b"\xff\xfe\x00",
                b"[]",
                b'{"alerts": []}',
                good[:cut],
                good[:cut] + b"\x00" + good[cut:],
                b'{"alerts": [{"status": "firing", "labels": {}}, {"status": 7}]}',
                b'{"action": "created", "data": {"issue": {}}}',
                b"{" * 5000,
            )
        )
        return self.request(source, body)
