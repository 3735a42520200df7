"""Grafana's alerting webhook: the unified shape (version "1") and the legacy one.

Unified alerting sends Alertmanager's shape with more fields (grafana/alerting
receivers/webhook); its fingerprints are opaque, because Grafana hashes labels that it does
not send, and its own alerts ``DatasourceNoData`` and ``DatasourceError`` have other
fingerprints than the rule they are about. Legacy (dashboard) alerts, up to version 8, send
one rule and its state: the key is ``rule:<ruleId>``.
"""

from collections.abc import Mapping
from datetime import datetime

from irpd.engine.ports import Normalised
from irpd.intake import alertmanager
from irpd.intake.auth import Scheme
from irpd.intake.context import Context, Read
from irpd.intake.reading import Unreadable, as_text, read_json, short, text_at
from irpd.intake.text import body_text, bounded_labels, key, link, one_line
from irpd.model.signal import Signal, Status

KEEP_HEADERS: tuple[str, ...] = ()
#: Grafana 12 and newer; with a timestamp header configured the message is "<seconds>:<body>".
SIGNATURE: Scheme | None = Scheme(header="X-Grafana-Alerting-Signature", separator=":")

_STATES = {
    "alerting": Status.FIRING,
    "no_data": Status.FIRING,
    "ok": Status.RESOLVED,
    "paused": Status.MUTED,
    "pending": Status.NOTE,
}


def build(context: Context) -> Read:
    unified = alertmanager.Reader(context)

    def read(body: bytes, headers: Mapping[str, str], now: datetime) -> Normalised:
        webhook = unified.whole(body)
        if webhook is not None:
            return webhook
        value = read_json(body)
        if isinstance(value, dict) and "ruleId" in value and "alerts" not in value:
            signal = legacy(value)
            return Normalised(signals=(signal,), accepted=1, group=signal.group)
        return unified.read_value(value, now)

    return read


def legacy(value: dict[str, object]) -> Signal:
    """A dashboard alert of Grafana 8 and older. Raises Unreadable."""
    rule = text_at(value, "ruleId")
    if not rule:
        raise Unreadable("ruleId: a number was expected")
    state = text_at(value, "state").lower()
    status = _STATES.get(state)
    if status is None:
        raise Unreadable(f"state: {', '.join(_STATES)} were expected, not {short(value.get('state'))}")
    name = one_line(text_at(value, "ruleName") or text_at(value, "title"))
    identity = key(f"rule:{rule}")
    return Signal(
        key=identity,
        status=status,
        title=name or f"Grafana rule {rule}",
        labels=bounded_labels(_labels(value, name, state)),
        text=body_text(text_at(value, "message")),
        group=identity,
        url=link(text_at(value, "ruleUrl")),
        note=f"Grafana says {state}" if status is Status.NOTE else "",
    )


def _labels(value: dict[str, object], name: str, state: str) -> dict[str, str]:
    """The rule's own tags, and those of the one series that it is about."""
    labels: dict[str, str] = {}
    matches = value.get("evalMatches")
    if isinstance(matches, list) and len(matches) == 1 and isinstance(matches[0], dict):
        labels.update(_texts(matches[0].get("tags")))
    labels.update(_texts(value.get("tags")))
    if name:
        labels["alertname"] = name
    labels["state"] = state
    return labels


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {str(name): text for name, of in value.items() if (text := as_text(of))}
