"""Where more is to be seen of a service: its runbook, dashboard and logs, at the time of the incident."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from irpd.comms import clean
from irpd.config.places import fill
from irpd.config.values import Configuration
from irpd.model.incident import Incident, Member

#: So long before and after an incident is shown as well: what led to it, and what came of it.
MARGIN = timedelta(minutes=15)
#: So long before its opening at most the impact is believed to have begun.
EARLIEST = timedelta(days=30)
#: The names of the links, in the order in which they are shown.
NAMES = ("Runbook", "Dashboard", "Logs")


@dataclass(frozen=True, slots=True)
class Place:
    text: str
    url: str


def places(
    incident: Incident, members: Iterable[Member], configuration: Configuration, now: datetime
) -> tuple[Place, ...]:
    """The first of each that there is: what a signal names, else what one of its services does."""
    signals = list(members)
    found: list[Place] = []
    for name in NAMES:
        key = name.lower()
        said = (str(getattr(member, key, "")) for member in signals)
        own = (
            _filled(str(getattr(configuration.services[service], key)), incident, service, now)
            for service in incident.services
            if service in configuration.services
        )
        address = next((url for one in (*said, *own) if (url := clean.url(one))), "")
        if address:
            found.append(Place(name, address))
    return tuple(found)


def _filled(address: str, incident: Incident, service: str, now: datetime) -> str:
    said = incident.impact_from or incident.opened_at  # senders write it; what can't be meant isn't believed
    begins = max(said, incident.opened_at - EARLIEST)
    ended = incident.response.impact_to or incident.resolved_at
    return fill(address, begins - MARGIN, now if ended is None else ended + MARGIN, service)
