"""What an Alertmanager says is firing, against what irpd believes.

Written against its API v2 (``GET /api/v2/alerts``, ``GET /api/v2/status``). Facts that decide what is here:

* An alert that is silenced or inhibited is ``suppressed``: it still fires and nobody was to be told, so it is
  neither opened nor ended here.
* Right after a start without its storage an Alertmanager knows nothing until its Prometheus has sent again.
  What it doesn't name has not ended then: until some minutes after its start nothing ends on its word.
* Several of them may send to one source; something has ended only when all of them answered and none has it.
* A notification waits for its group; an alert is missed only when it is older than that.

What is found goes in as the webhook body that should have come, with a remark, so that it is read, kept and
replayed like any other.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from irpd.evidence.ask import Http, NoAnswer

#: Alerts in one body at most.
AT_ONCE = 500
_FIELDS = ("labels", "annotations", "startsAt", "generatorURL", "fingerprint")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What all Alertmanagers of a source say: alerts by fingerprint; ``whole``: what none names has ended."""

    active: Mapping[str, Mapping[str, Any]]
    suppressed: frozenset[str]
    whole: bool


async def firing(servers: Sequence[Http], *, receiver: str, now: datetime, awake_after: float) -> Told:
    """Ask them all; one that started less than ``awake_after`` seconds ago ends nothing. Raises NoAnswer when
    none answers."""
    active: dict[str, Mapping[str, Any]] = {}
    suppressed: set[str] = set()
    whole, failed = True, []
    for server in servers:
        try:
            status = await server.get("/api/v2/status")
            alerts = await server.get("/api/v2/alerts", {"receiver": f"^(?:{receiver})$"} if receiver else {})
        except NoAnswer as error:
            failed.append(error)
            continue
        whole = whole and _awake(status, now, awake_after)
        for alert in _alerts(alerts):
            state = alert.get("status")
            if isinstance(state, dict) and state.get("state") == "active":
                active[alert["fingerprint"]] = alert
            else:
                suppressed.add(alert["fingerprint"])
    if len(failed) == len(servers) and failed:
        raise failed[0]
    return Told(active=active, suppressed=frozenset(suppressed), whole=whole and not failed)


def _awake(status: object, now: datetime, after: float) -> bool:
    since = time_of(status.get("uptime")) if isinstance(status, dict) else None
    return since is not None and now - since >= timedelta(seconds=after)


def _alerts(value: object) -> Iterable[dict[str, Any]]:
    if not isinstance(value, list):
        raise NoAnswer("this is not the answer of an Alertmanager: a list of alerts was expected")
    for alert in value:
        if (
            isinstance(alert, dict)
            and isinstance(alert.get("fingerprint"), str)
            and isinstance(alert.get("labels"), dict)
        ):
            yield alert


def missed(told: Told, known: Iterable[str], *, now: datetime, after: float) -> list[Mapping[str, Any]]:
    """Alerts that fire there for longer than ``after`` seconds and not here; ``known`` are fingerprints."""
    here = set(known)
    found = []
    for fingerprint, alert in sorted(told.active.items()):
        since = time_of(alert.get("startsAt"))
        if fingerprint not in here and (since is None or now - since > timedelta(seconds=after)):
            found.append(alert)
    return found


def ended(told: Told, known: Mapping[str, Mapping[str, str]]) -> list[Mapping[str, Any]]:
    """Those that fire here and nowhere there, as alerts; ``known`` gives labels by fingerprint."""
    if not told.whole:
        return []
    return [
        {"fingerprint": fingerprint, "labels": dict(labels)}
        for fingerprint, labels in sorted(known.items())
        if fingerprint not in told.active and fingerprint not in told.suppressed
    ]


def bodies(
    alerts: Sequence[Mapping[str, Any]], *, status: str, receiver: str, note: str, now: datetime
) -> Iterable[bytes]:
    """The webhooks that should have come."""
    for i in range(0, len(alerts), AT_ONCE):
        some = []
        for alert in alerts[i : i + AT_ONCE]:
            one = {name: alert[name] for name in _FIELDS if alert.get(name) is not None}
            one["status"] = status
            if status == "resolved":
                one["endsAt"] = now.isoformat()
            some.append(one)
        body = {
            "version": "4", "receiver": receiver, "groupKey": "", "status": status, "truncatedAlerts": 0,
            "irpd_note": note, "alerts": some,
        }  # fmt: skip
        yield json.dumps(body).encode()


def is_fingerprint(key: str) -> bool:
    """Whether this is how Alertmanager names an alert (and not what irpd says of an unreadable body)."""
    return len(key) == 16 and all(one in "0123456789abcdef" for one in key)


def time_of(text: object) -> datetime | None:
    """A time with its zone; None for anything else."""
    if not isinstance(text, str):
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return when if when.tzinfo is not None else None
