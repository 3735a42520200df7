"""Places in the addresses of a service's dashboard, logs and runbook that are filled with an incident's time.

Only with what irpd knows itself: nothing that a sender wrote gets into an address.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

#: What may stand in an address, and what it becomes.
PLACES: Mapping[str, str] = {
    "{from}": "15 minutes before its impact began, in RFC 3339",
    "{to}": "15 minutes after its end, or now",
    "{from_ms}": "the same in milliseconds since 1970, as Grafana takes them",
    "{to_ms}": "the same",
    "{service}": "the service's name",
}


def fill(address: str, begins: datetime, ends: datetime, service: str) -> str:
    """The address with its places filled; one without any as it is."""
    if "{" not in address:
        return address
    values = {
        "{from}": f"{begins.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "{to}": f"{ends.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "{from_ms}": str(int(begins.timestamp() * 1000)),
        "{to_ms}": str(int(ends.timestamp() * 1000)),
        "{service}": service,
    }
    for place, value in values.items():
        address = address.replace(place, value)
    return address


def example(address: str) -> str:
    """As it would be for some incident. What is no place stays as it is."""
    return fill(address, datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC), "service")
