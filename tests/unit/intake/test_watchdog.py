"""The alert that always fires is a sign of life, and no signal."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from irpd.config.values import Source
from irpd.engine.ports import Normalised
from irpd.intake import build_source

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def said(*alerts: dict[str, Any], **watchdog: Any) -> Normalised:
    settings = Source.model_validate({"type": "alertmanager", "auth": "none", "watchdog": watchdog})
    source = build_source("am", settings, reporter_key=b"k" * 32)
    return source.normalise(json.dumps({"alerts": alerts}).encode(), {}, NOW)


def alert(status: str = "firing", **labels: str) -> dict[str, Any]:
    return {"status": status, "labels": labels}


def test_it_is_taken_out_of_what_comes_with_it() -> None:
    got = said(alert(alertname="Watchdog"), alert(alertname="Other"))
    assert [signal.title for signal in got.signals] == ["Other"]
    assert (got.accepted, got.alive) == (2, True)


def test_alone_it_leaves_nothing_and_is_accepted() -> None:
    got = said(alert(alertname="Watchdog", severity="none"))
    assert (got.signals, got.accepted, got.alive, got.unreadable) == ((), 1, True, ())


def test_its_end_is_no_sign_of_life() -> None:
    got = said(alert("resolved", alertname="Watchdog"))
    assert (len(got.signals), got.alive) == (1, False)


def test_all_labels_must_fit() -> None:
    got = said(alert(alertname="Watchdog"), labels={"alertname": "Watchdog", "cluster": "eu"})
    assert (len(got.signals), got.alive) == (1, False)


def test_without_it_nothing_is_a_sign_of_life_and_a_body_that_cannot_be_read_is_none() -> None:
    assert not said(alert(alertname="Other")).alive
    source = build_source(
        "am",
        Source.model_validate({"type": "alertmanager", "auth": "none", "watchdog": {}}),
        reporter_key=b"k" * 32,
    )
    assert not source.normalise(b'{"alerts": [{"labels": {"alertname": "Watchdog"', {}, NOW).alive


def test_a_sender_that_has_no_such_alert_is_refused() -> None:
    with pytest.raises(ValueError, match="no alert that always fires"):
        Source.model_validate({"type": "sentry", "auth": "none", "watchdog": {}})
