"""irpd's own heartbeat to switches elsewhere: when they hear of it, and when they don't."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from harness import eventually, free_port
from harness.peers import Silent, Switch
from structlog.testing import capture_logs

from irpd.config.auth import ApiAuth
from irpd.config.secret import Secret
from irpd.config.watching import Report
from irpd.daemon.alive import FRESH, UNWELL_AFTER, Alive

EVERY = 0.1
MOMENT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class Daemon:
    """What ``Alive`` sees of the daemon, by hand."""

    def __init__(self) -> None:
        self.now, self.wrong = 1000.0, ""
        self.counted: Counter[tuple[str, str]] = Counter()
        self.alive = Alive(
            now=lambda: self.now, wrong=lambda: self.wrong, counters=self, clock=lambda: MOMENT
        )

    def reported(self, to: str, outcome: str, at: datetime) -> None:
        assert at == MOMENT
        self.counted[to, outcome] += 1


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    one = Daemon()
    yield one
    one.alive.stop()


@pytest.fixture
def switch() -> Iterator[Switch]:
    one = Switch()
    yield one
    one.close()


@pytest.fixture
def silent() -> Iterator[Silent]:
    one = Silent()
    yield one
    one.close()


def report(url: str | Secret, **more: Any) -> Report:
    """Every tenth of a second; the files allow no less than a second."""
    return Report.model_validate({"url": url, "timeout": 0.5} | more).model_copy(
        update={"every": EVERY, **more}
    )


def test_a_switch_hears_at_once_when_irpd_is_well_and_again_and_again(daemon: Daemon, switch: Switch) -> None:
    daemon.alive.feed()
    daemon.alive.use([report(switch.url)])
    eventually(lambda: len(switch.heard) == 2, what="two reports")
    assert [(one.method, one.path) for one in switch.heard] == [("GET", "/irpd")] * 2
    assert switch.heard[1].at - switch.heard[0].at >= EVERY
    assert daemon.counted[switch.host, "ok"] >= 1


def test_nothing_is_said_before_the_first_feeding_and_after_the_last_has_grown_old(
    daemon: Daemon, switch: Switch
) -> None:
    daemon.alive.use([report(switch.url)])
    pause = threading.Event()
    pause.wait(0.3)
    assert switch.heard == []
    daemon.alive.feed()
    eventually(lambda: switch.heard, what="the first report")
    daemon.now += FRESH + 1  # the watching thread itself hangs
    before = len(switch.heard)
    pause.wait(0.5)
    assert len(switch.heard) == before


def test_what_stalls_is_silence_at_once_and_what_is_unwell_after_a_while(daemon: Daemon) -> None:
    alive = daemon.alive
    alive.feed()
    assert alive.well()
    alive.feed(("delivery",))
    assert not alive.well()
    alive.feed()
    daemon.wrong = "journal: no space left"
    for _ in range(int(UNWELL_AFTER / 2)):
        alive.feed()
        assert alive.well()
        daemon.now += 2.0
    alive.feed()
    assert not alive.well()
    daemon.wrong = ""
    alive.feed()
    assert alive.well()


def test_what_is_unwell_again_has_its_while_again(daemon: Daemon) -> None:
    for wrong in ("journal", "", "journal", ""):
        daemon.wrong = wrong
        for _ in range(3):
            daemon.alive.feed()
            assert daemon.alive.well()
            daemon.now += UNWELL_AFTER / 3
            daemon.alive.feed()


def test_a_switch_that_never_answers_holds_up_no_other_and_no_end(
    daemon: Daemon, switch: Switch, silent: Silent
) -> None:
    hanging = f"http://127.0.0.1:{silent.port}/irpd"
    daemon.alive.feed()
    daemon.alive.use([report(hanging), report(switch.url)])
    eventually(lambda: len(switch.heard) >= 2, what="the other's reports")
    eventually(lambda: daemon.counted[f"127.0.0.1:{silent.port}", "failed"], what="the time limit")
    daemon.alive.stop()


def test_a_switch_that_fails_is_counted_each_time_and_logged_when_it_begins_and_ends(
    daemon: Daemon, switch: Switch
) -> None:
    switch.status = 500
    with capture_logs() as logs:
        daemon.alive.feed()
        daemon.alive.use([report(switch.url)])
        eventually(lambda: daemon.counted[switch.host, "failed"] >= 2, what="two failures")
        switch.status = 200
        eventually(lambda: daemon.counted[switch.host, "ok"], what="the report that is taken")
        eventually(lambda: len(logs) == 2, what="two lines")
    assert [(line["event"], line["to"]) for line in logs] == [
        ("switch-not-reached", switch.host),
        ("switch-reached-again", switch.host),
    ]
    assert logs[0]["why"] == "HTTP 500"


def test_a_secret_goes_to_the_configured_address_and_is_not_carried_on(
    daemon: Daemon, switch: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Switch()
    try:
        monkeypatch.setenv("IRPD_SWITCH_TOKEN", "s3cret")
        switch.status, switch.location = 302, other.url
        daemon.alive.feed()
        with capture_logs() as logs:
            auth = ApiAuth(bearer=Secret(env="IRPD_SWITCH_TOKEN"))
            daemon.alive.use([report(switch.url, method="POST", auth=auth)])
            eventually(lambda: daemon.counted[switch.host, "failed"], what="the report that has moved")
        assert switch.heard[0].method == "POST"
        assert switch.heard[0].authorization == "Bearer s3cret"
        assert other.heard == []
        assert "moved" in logs[0]["why"]
        assert "s3cret" not in json.dumps(logs)
    finally:
        other.close()


def test_an_address_that_is_a_secret_is_read_at_use_and_stands_in_no_log_and_no_label(
    daemon: Daemon, switch: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = Secret(env="IRPD_SWITCH_URL")
    monkeypatch.delenv("IRPD_SWITCH_URL", raising=False)
    daemon.alive.feed()
    with capture_logs() as logs:
        daemon.alive.use([report(where)])
        assert daemon.counted["env IRPD_SWITCH_URL", "unusable"] == 1
        monkeypatch.setenv("IRPD_SWITCH_URL", f"http://127.0.0.1:{free_port()}/uuid-1234")
        daemon.alive.use([report(where)])
        eventually(lambda: len(logs) == 2, what="the line about a switch that is not reached")
        monkeypatch.setenv("IRPD_SWITCH_URL", switch.url)
        daemon.alive.use([report(where)])
    eventually(lambda: switch.heard, what="the report to the new address")
    assert "uuid-1234" not in json.dumps(logs)
    assert all("uuid" not in to for to, _ in daemon.counted)


def test_another_configuration_ends_what_is_gone_and_leaves_what_stays(
    daemon: Daemon, switch: Switch
) -> None:
    slow = report(switch.url, every=3600.0)
    daemon.alive.feed()
    daemon.alive.use([slow])
    eventually(lambda: switch.heard, what="the first report")
    daemon.alive.use([slow, slow])  # begun anew, it would report at once; twice, two would
    daemon.alive.use([])
    threading.Event().wait(0.3)
    assert len(switch.heard) == 1
    assert not [one for one in threading.enumerate() if one.name.startswith(f"irpd-alive-{switch.host}")]


@pytest.mark.parametrize(
    "url",
    ["", "watch.example.com", "ftp://watch.example.com", "http://", "http://[", "http://a b/", "http://x:y/",
     "http://user:pw@watch.example.com/", "http://x/#there", "http://x/\n", "file:///etc/passwd"],
)  # fmt: skip
def test_what_is_no_address_is_refused_without_being_repeated(
    url: str, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="address"):
        report(url)
    if url and url.isprintable():
        monkeypatch.setenv("IRPD_SWITCH_URL", url)
        with capture_logs() as logs:
            daemon.alive.use([report(Secret(env="IRPD_SWITCH_URL"))])
        assert [line["event"] for line in logs] == ["switch-unusable"]
        assert url not in json.dumps(logs)
