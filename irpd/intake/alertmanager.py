"""Alertmanager's webhook, and Prometheus posting alerts directly.

Written against the webhook payload version "4" as Alertmanager 0.25 to 0.34 send it
(prometheus/alertmanager template/template.go, notify/webhook/webhook.go, and bodies
recorded from 0.25.0 and 0.33.1), the older shapes ("3" with a number as groupKey, "4" of
2017 without fingerprints), and the array that Prometheus posts to ``/api/v2/alerts``.

What holds of this sender:

* An alert is its fingerprint, over all replicas, groups and receivers. A received one is
  taken as it is (Grafana hashes labels that it doesn't send); an absent one is computed.
* Firing alerts end in year 1: no end. Absence of an alert from a later body means nothing.
* ``truncatedAlerts`` above 0 with all resolved: everything in the group is resolved, also
  what is not named (``group_closed``). Nothing else is ever inferred about unnamed alerts.
* A label with an empty value is no label.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeVar

from msgspec.structs import replace
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from irpd.engine.ports import Normalised
from irpd.intake.auth import Scheme
from irpd.intake.context import Context, Read
from irpd.intake.fingerprint import fingerprint
from irpd.intake.impact import NONE, impact_of
from irpd.intake.reading import Unreadable, as_text, kind, read_json, utc
from irpd.intake.repeats import Repeats
from irpd.intake.result import with_problems
from irpd.intake.text import body_text, bounded_labels, cut, key, link, one_line, with_remark
from irpd.model.signal import MAX_TITLE, Signal, Status

KEEP_HEADERS: tuple[str, ...] = ()
SIGNATURE: Scheme | None = None


#: The first fault is enough: a body of a million of them must not be a million errors.
Texts = Annotated[dict[str, str], Field(fail_fast=True)]


class Alert(BaseModel):
    """One alert of a webhook body. Grafana's extra fields are here too."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    status: Literal["firing", "resolved"]
    labels: Texts
    annotations: Texts | None = None
    startsAt: str | None = None
    endsAt: str | None = None
    generatorURL: str | None = None
    fingerprint: str | None = None
    dashboardURL: str | None = None
    panelURL: str | None = None
    valueString: str | None = None


class Webhook(BaseModel):
    """A webhook body as a whole."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    alerts: Annotated[list[Alert], Field(fail_fast=True)]
    receiver: str = ""
    status: Literal["firing", "resolved"] | None = None
    groupKey: str = ""  # a number in version "3"
    truncatedAlerts: int = 0
    irpd_note: str = ""  # irpd itself asked and tells how it came to know


class PostedAlert(BaseModel):
    """One alert as Prometheus posts it: no status and no fingerprint."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    labels: Texts
    annotations: Texts | None = None
    startsAt: str | None = None
    endsAt: str | None = None
    generatorURL: str | None = None


def build(context: Context) -> Read:
    return Reader(context).read


class Reader:
    """Reads the bodies of one source."""

    def __init__(self, context: Context) -> None:
        self._source = context.name
        self._users = context.settings.users_label
        self._share = context.settings.share_label
        self._repeats = Repeats()

    def read(self, body: bytes, headers: Mapping[str, str], now: datetime) -> Normalised:
        answer = self.whole(body)
        return self.read_value(read_json(body), now) if answer is None else answer

    def whole(self, body: bytes) -> Normalised | None:
        """The answer to a body that is right in all its parts; None for any other."""
        known = self._repeats.get(body)
        if known is not None:
            return known
        try:
            webhook = Webhook.model_validate_json(body)
        except ValidationError:
            return None
        answer = self._answer(webhook, range(len(webhook.alerts)), [])
        self._repeats.add(body, answer)
        return answer

    def read_value(self, value: object, now: datetime) -> Normalised:
        """Alert by alert, so that one bad one among a hundred costs only itself."""
        if isinstance(value, list):
            return self._posted(value, now)
        if not isinstance(value, dict):
            raise Unreadable(f"an Alertmanager webhook was expected, not {kind(value)}")
        if not isinstance(value.get("alerts"), list):
            found = f"is {kind(value['alerts'])}, not a list" if "alerts" in value else "is missing"
            raise Unreadable(f"this is not an Alertmanager webhook: alerts {found}")
        problems: list[str] = []
        alerts, places = _each(Alert, value["alerts"], "alerts", problems)
        status = value.get("status")
        truncated = value.get("truncatedAlerts")
        webhook = Webhook.model_construct(
            alerts=alerts,
            receiver=as_text(value.get("receiver")),
            status=status if status in ("firing", "resolved") else None,
            groupKey=as_text(value.get("groupKey")),
            truncatedAlerts=truncated if isinstance(truncated, int) else 0,
        )
        return self._answer(webhook, places, problems)

    def _answer(self, webhook: Webhook, places: Sequence[int], problems: list[str]) -> Normalised:
        alerts = webhook.alerts
        if not alerts and not problems:
            raise Unreadable("alerts: an empty list; a webhook names at least one")
        group = group_of(webhook.receiver, webhook.groupKey)
        closed = (
            webhook.truncatedAlerts > 0
            and webhook.status == "resolved"
            and not problems
            and all(alert.status == "resolved" for alert in alerts)
        )
        signals = []
        for place, alert in zip(places, alerts, strict=True):
            signal = self._signal(alert, group, closed)
            if signal is None:
                problems.append(f"alerts[{place}].labels: none; an alert has at least one")
            else:
                signals.append(signal)
        if webhook.irpd_note:
            note = body_text(webhook.irpd_note)
            signals = [replace(signal, note=note) for signal in signals]
        return with_problems(self._source, tuple(signals), problems, group=group)

    def _posted(self, value: list[object], now: datetime) -> Normalised:
        """The array that Prometheus posts: an alert fires as long as its end is ahead."""
        if not value:
            raise Unreadable("an empty list: no alert in it")
        problems: list[str] = []
        posted, places = _each(PostedAlert, value, "", problems)
        signals = []
        for place, alert in zip(places, posted, strict=True):
            ends_at = _time(alert.endsAt)
            firing = ends_at is None or ends_at > now
            signal = self._signal(
                Alert.model_construct(
                    status="firing" if firing else "resolved",
                    labels=alert.labels,
                    annotations=alert.annotations,
                    startsAt=alert.startsAt,
                    endsAt=alert.endsAt,
                    generatorURL=alert.generatorURL,
                ),
                "",
                False,
            )
            if signal is None:
                problems.append(f"[{place}].labels: none; an alert has at least one")
            else:
                signals.append(signal)
        return with_problems(self._source, tuple(signals), problems)

    def _signal(self, alert: Alert, group: str, closed: bool) -> Signal | None:
        """One alert as a signal; None when it has no label. The hot path: every repeat of
        every alert comes through here."""
        sent = alert.labels
        labels = bounded_labels(sent)
        if not labels:
            return None
        notes = alert.annotations or _NOTHING
        title = notes.get("summary") or notes.get("title") or ""
        if not title.isprintable() or not 0 < len(title) <= MAX_TITLE or title.isspace():
            title = one_line(title) or _name(labels)
        text = notes.get("description") or notes.get("message") or alert.valueString or ""
        impact, remark = NONE, ""
        users = sent.get(self._users) or notes.get(self._users)
        share = sent.get(self._share) or notes.get(self._share)
        if users or share:
            impact, remark = impact_of(
                users or "", share or "", users_name=self._users, share_name=self._share, method="label"
            )
        firing = alert.status == "firing"
        runbook = notes.get("runbook_url") or notes.get("runbook")
        return Signal(
            key=key(alert.fingerprint) if alert.fingerprint else fingerprint(sent),
            status=Status.FIRING if firing else Status.RESOLVED,
            title=title,
            labels=labels,
            text=with_remark(text, remark) if remark else body_text(text) if text else "",
            starts_at=_time(alert.startsAt),
            ends_at=None if firing else _time(alert.endsAt),
            group=group,
            group_closed=closed,
            impact=impact,
            url=link(alert.generatorURL) if alert.generatorURL else "",
            runbook=link(runbook) if runbook else "",
            dashboard=_dashboard(alert, notes),
        )


#: After so many bad alerts in one body the rest is not looked at: each costs some 10 µs, and a
#: body of millions of them would hold everybody up.
MAX_PROBLEMS = 10_000

_NOTHING: dict[str, str] = {}
_A = TypeVar("_A", Alert, PostedAlert)


def _each(
    model: type[_A], values: list[object], path: str, problems: list[str]
) -> tuple[list[_A], list[int]]:
    """Those elements that are what they should be, their places, and what is wrong with the others."""
    good: list[_A] = []
    places: list[int] = []
    for place, value in enumerate(values):
        if len(problems) >= MAX_PROBLEMS:
            problems.append(f"{path}[{place}] and {len(values) - place - 1} more: not looked at")
            break
        try:
            good.append(model.model_validate(value))
            places.append(place)
        except ValidationError as error:
            problems.append(_problem(f"{path}[{place}]", error))
    return good, places


def _problem(place: str, error: ValidationError) -> str:
    """The first thing wrong with an element: where and what."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = "".join(f".{cut(str(step), 60)}" for step in first["loc"])
    return f"{place}{where}: {first['msg']}"


def _time(text: str | None) -> datetime | None:
    """A time as aware UTC, to the microsecond. None for Go's zero time and for what is no
    time: an alert with a broken time is still an alert."""
    if not text or text.startswith("0001-"):
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return when if when.tzinfo is UTC else utc(when)


def _name(labels: dict[str, str]) -> str:
    """A title out of the labels. Grafana's own alerts name the rule in a label of theirs."""
    name = labels.get("alertname") or next(f"{name}={value}" for name, value in labels.items())
    rule = labels.get("rulename")
    return (
        one_line(f"{rule}: {name}" if rule and name.startswith("Datasource") else name)
        or "Alert without a name"
    )


def _dashboard(alert: Alert, notes: dict[str, str]) -> str:
    address = (
        alert.panelURL
        or alert.dashboardURL
        or notes.get("dashboard_url")
        or notes.get("dashboardURL")
        or notes.get("dashboard")
    )
    return link(address) if address else ""


def group_of(receiver: str, group_key: str) -> str:
    """The sender's group: the same alert by two routes is in two. Long ones end in a digest."""
    if len(group_key) > MAX_GROUP:
        digest = hashlib.sha256(group_key.encode("utf-8", "surrogatepass")).hexdigest()
        group_key = f"{group_key[:MAX_GROUP]}…{digest}"
    return f"{cut(receiver, MAX_GROUP)}\n{group_key}"


MAX_GROUP = 1024
