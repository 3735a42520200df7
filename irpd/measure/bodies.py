"""Alertmanager-shaped bodies, made as bytes beforehand so that making them costs the run nothing."""

import itertools
import json
from collections.abc import Iterator

_numbers = itertools.count(1)


def alert(*, instance: str, environment: str, fingerprint: str) -> dict[str, object]:
    return {
        "status": "firing",
        "labels": {
            "alertname": "CheckoutSlow",
            "cluster": "eu-1",
            "environment": environment,
            "instance": instance,
            "job": "checkout",
            "service": "checkout",
            "severity": "warning",
        },
        "annotations": {
            "summary": f"Checkout is slow on {instance}",
            "description": f"{instance} answers slower than 2 s for 5 minutes",
            "runbook_url": "https://runbooks.example/checkout-slow",
        },
        "startsAt": "2026-11-24T02:59:38.118Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prom.example:9090/graph?g0.expr=checkout_p99+%3E+2",
        "fingerprint": fingerprint,
    }


def body(alerts: list[dict[str, object]], group: str, reason: str = "new alerts added") -> bytes:
    return json.dumps(
        {
            "receiver": "irpd",
            "status": "firing",
            "alerts": alerts,
            "notification_reason": reason,
            "groupLabels": {"alertname": "CheckoutSlow"},
            "commonLabels": {"alertname": "CheckoutSlow", "service": "checkout"},
            "commonAnnotations": {},
            "externalURL": "http://alertmanager.example:9093",
            "version": "4",
            "groupKey": f'{{}}:{{group="{group}"}}',
            "truncatedAlerts": 0,
        },
        separators=(",", ":"),
    ).encode()


def new_alerts(batch: int, environment: str | None = None) -> bytes:
    """A body of keys never seen before; in an environment of their own each opens an incident."""
    alerts = []
    for _ in range(batch):
        n = next(_numbers)
        alerts.append(
            alert(
                instance=f"node-{n}:9100",
                environment=environment or f"env-{n}",
                fingerprint=f"{n * 0x9E3779B97F4A7C15 % 2**64:016x}",
            )
        )
    return body(alerts, f"group-{next(_numbers)}")


def joining(batch: int) -> Iterator[bytes]:
    """Endless bodies of new keys that all join one open incident."""
    while True:
        yield new_alerts(batch, "production")


def opening(batch: int) -> Iterator[bytes]:
    while True:
        yield new_alerts(batch)


def repeating(batch: int, groups: int = 50) -> Iterator[bytes]:
    """The same few bodies again and again, as a repeat interval sends them."""
    return itertools.cycle([new_alerts(batch, "production") for _ in range(groups)])
